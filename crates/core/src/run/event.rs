//! Events of a run: results, never recipes.
//!
//! An event says what was resolved, which branch was taken, when a timer is due. Replaying needs no plan.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::effect::{EndReason, ErrorKind};
use crate::ids::StreamId;
use crate::limit::WhenFull;
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::task::Ended;
use crate::value::Payload;

use super::places::Held;

/// A name and its value.
pub type Named = (String, Payload);

/// The run that started this one; or the schedule, with its name in place of a path, and the number of the run among
/// those that it has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The run.
    pub run: StreamId,
    /// The step instance.
    pub path: String,
    /// The attempt.
    pub number: u32,
}

/// Why a step or run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
    /// Path of the instance where it happened first.
    pub step: String,
    /// How whatever fails because of it ends.
    pub outcome: Outcome,
}

/// What a person said of an attempt whose end is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It happened; this is its output.
    Done(Payload),
    /// It did not; run it again.
    Again,
    /// The step failed.
    Failed,
}

/// What becomes of an attempt that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// It is made again, with the same key.
    Again,
    /// It waits for somebody who knows whether it happened.
    Parked,
    /// It was to be ended anyway, or was lost too often.
    Over,
    /// It is made again once the run goes on, with the same key.
    Later,
}

/// Where a run stops by itself, so that somebody can look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaks {
    /// Before each step.
    #[serde(default, skip_serializing_if = "is_false")]
    pub each: bool,
    /// Before these steps: ids joined by `/`, wherever they stand in loops and items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
}

impl Breaks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        !self.each && self.at.is_empty()
    }
}

/// How many parts of a join must complete, where that is not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinRule {
    /// One.
    First,
    /// More than half.
    Majority,
    /// All end, failed ones are tolerated.
    Settled,
    /// So many.
    Count(u32),
}

/// How a block will have ended once its undo and its `finally` have run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Completed, failed or cancelled.
    pub status: StepStatus,
    /// How.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each event")]
pub enum Event {
    /// The run is known: its workflow and pinned revision, its inputs, who started it, how deep it nests.
    RunCreated {
        workflow: String,
        revision: String,
        inputs: Vec<Named>,
        /// What it is found by: inputs with `index: true` and their values, as text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<(String, String)>,
        /// The run at the top of those that started it; none, of one that nobody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<StreamId>,
        /// Who started it; of a child run, who started the run at the top.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        project: String,
        /// Folder that relative paths of its steps are relative to.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        folder: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
        #[serde(default, skip_serializing_if = "is_zero")]
        depth: u32,
        /// How many attempts the run that started it lets it make.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<u32>,
        #[serde(default, skip_serializing_if = "Breaks::is_empty")]
        breaks: Breaks,
        /// Places that runs around it have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        within: Vec<Held>,
    },
    /// The run has begun: its `vars` are computed, its deadline stands.
    RunStarted {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        vars: Vec<Named>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        /// Its block is a machine of states.
        #[serde(default, skip_serializing_if = "is_false")]
        machine: bool,
        /// How many attempts it may make, with those of its child runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<u32>,
    },
    /// What has just begun has a budget. Of an action that is one attempt, or what its child run may make, is taken.
    BudgetSet {
        path: String,
        attempts: u32,
        #[serde(default, skip_serializing_if = "is_zero")]
        used: u32,
        #[serde(default, skip_serializing_if = "is_zero")]
        reserved: u32,
    },
    /// A budget would have been passed: what has it stops, whatever is tolerated inside.
    BudgetSpent { path: String, error: StepError },
    /// A group, or an iteration or item of one, has begun.
    GroupStarted {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        /// It is a machine of states.
        #[serde(default, skip_serializing_if = "is_false")]
        machine: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        join: Option<JoinRule>,
        /// Position of an item in its list, from 0; its key stands in the path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// The document that it produces, with the keys of its scopes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<String>,
    },
    /// A `foreach` has begun: what `in` gave, as a list, and the keys where they are not the positions.
    ForeachStarted {
        path: String,
        count: u32,
        parallel: u32,
        /// The output is a map, for `in` was one.
        map: bool,
        items: Payload,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<Payload>,
        /// The items are the lines of the file of this hash; `items` has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        join: Option<JoinRule>,
    },
    /// A `loop` has begun.
    LoopStarted {
        path: String,
        max: u32,
        min: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
    },
    /// An attempt is to be performed. The first one of an instance carries the resolved request.
    AttemptStarted {
        path: String,
        number: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// It counts in no budget.
        #[serde(default, skip_serializing_if = "is_false")]
        free: bool,
    },
    /// An attempt waits for a place among those that are under way.
    AttemptQueued { path: String, number: u32 },
    /// An attempt that was queued begins. Its time-out runs from here.
    AttemptBegan {
        path: String,
        number: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<Time>,
    },
    /// An attempt is being ended from outside; its result is still awaited.
    AttemptEnding { path: String, number: u32, reason: EndReason },
    /// An attempt has ended. Without `error` its step is completed; with `retry_at` it is tried again then.
    AttemptEnded {
        path: String,
        number: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        values: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Time>,
        /// The block stops because of it.
        #[serde(default, skip_serializing_if = "is_false")]
        stops: bool,
    },
    /// The engine that performed an attempt is gone, and with it what the attempt came to.
    AttemptLost { path: String, number: u32, then: Lost },
    /// Somebody who knows said what a parked attempt came to.
    AttemptSettled { path: String, number: u32, verdict: Verdict, by: String },
    /// The run (empty path) or a step asks for a place, and waits for it. The asking is known by the number of this
    /// event.
    PlaceAsked {
        path: String,
        limit: StreamId,
        key: String,
        max: u32,
        on_full: WhenFull,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
    },
    /// It has its place.
    PlaceGranted { path: String, number: u64 },
    /// Something that went on before, and asked once more, gets no place: it is ended.
    PlaceRefused { path: String, number: u64, error: StepError },
    /// Another run is to have its place: it is ended.
    PlaceRevoked { path: String, number: u64, by: StreamId },
    /// A timer runs.
    WaitStarted {
        path: String,
        until: Time,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A signal is awaited.
    SignalAwaited {
        path: String,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A signal came. With `path` the wait there has taken it and its step is completed; without, it is kept for
    /// the next.
    SignalCame {
        name: String,
        /// Only waits at this path and inside take it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// It counts once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        by: String,
        data: Payload,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A wait that opened has taken a signal that was kept, and its step is completed. `signal` is the number of the
    /// event by which it came.
    SignalTaken {
        path: String,
        signal: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A step has sent a signal, and is completed. The output names the runs that get it.
    SignalSent {
        path: String,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        data: Payload,
        output: Payload,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A signal of another run could not be taken.
    SignalRefused { name: String, by: String, why: String },
    /// A child run is started.
    ChildStarted {
        path: String,
        number: u32,
        run: StreamId,
        workflow: String,
        revision: String,
        inputs: Payload,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// How many attempts it may make, of what the budgets around have left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share: Option<u32>,
    },
    /// A child run has ended.
    ChildEnded {
        path: String,
        number: u32,
        status: RunStatus,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Time>,
        #[serde(default, skip_serializing_if = "is_false")]
        stops: bool,
        /// How many attempts it made, where it was given a share.
        #[serde(default, skip_serializing_if = "is_zero")]
        spent: u32,
    },
    /// People are asked, by a task.
    TaskOpened {
        path: String,
        number: u32,
        task: StreamId,
        title: String,
        /// Hash over all that is shown: what a decision is bound to.
        version: String,
        /// Who may act.
        by: Vec<String>,
        /// Whoever decides is not to decide on a later instance of it.
        #[serde(default, skip_serializing_if = "is_false")]
        remembers: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_at: Option<Time>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A task has ended.
    TaskEnded {
        path: String,
        number: u32,
        ended: Ended,
        /// Who had a part in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by: Vec<String>,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        #[serde(default, skip_serializing_if = "is_false")]
        stops: bool,
    },
    /// A draft is booked as a version of a document. What its schema found fails the step, with an error, or leads back.
    DocumentMade {
        path: String,
        /// Its name, with the keys of its scopes.
        document: String,
        /// From 1.
        version: u32,
        /// blake3 of its JSON, 64 hex digits.
        hash: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<String>,
        /// What it says, where that stands nowhere else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
    /// A version of a document is accepted: others build on it.
    DocumentAccepted {
        /// The step that produced it.
        path: String,
        document: String,
        version: u32,
        /// Who accepted it, where somebody was asked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by: Vec<String>,
    },
    /// A rejection leads back to a step of its block, by the id. What runs of what begins again is ended first.
    RedoAsked { path: String, gate: String, step: String, feedback: Payload },
    /// These steps of a block are to begin as new instances.
    Redone { path: String, steps: Vec<String> },
    /// A step, item, iteration or group is completed. Without `output` it has what its inside gives.
    StepCompleted {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
        #[serde(default = "ok", skip_serializing_if = "is_ok")]
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// A step, item, iteration or group has failed.
    StepFailed {
        path: String,
        error: StepError,
        #[serde(default, skip_serializing_if = "is_false")]
        stops: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
    },
    /// Its `if` was false.
    StepSkipped { path: String },
    /// It reads the output of a step that has none.
    StepBlocked { path: String, by: String },
    /// What is inside a step is being ended.
    StepEnding {
        path: String,
        reason: EndReason,
        /// Its child run is told, by a message that goes with this event.
        #[serde(default, skip_serializing_if = "is_false")]
        told: bool,
    },
    /// Ended from outside.
    StepCancelled { path: String },
    /// So many parts of a join have completed, or, with an error, too few can: the others are ended.
    JoinDecided {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
    /// A machine goes on from the visit of a state that has ended.
    Went {
        /// The machine's block.
        path: String,
        /// The state it leaves.
        from: String,
        /// Which entry of `next` was taken, from 0; none where a failure led there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<u32>,
        /// The state, or `end` or `fail`.
        to: String,
    },
    /// How a step would be undone, now that it is completed: what its `undo` asks for, or why that cannot be
    /// computed.
    UndoReady {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Payload>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
    /// Nothing of a block is under way any more, and how it ends is settled; what it completed is undone where
    /// that follows, then its `finally` runs.
    BlockEnding {
        path: String,
        ending: Ending,
        /// What its `outputs` gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Payload>,
    },
    /// Somebody wants the run to end; by force, undo and `finally` end as well.
    CancelRequested {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        force: bool,
    },
    /// Nothing new begins until the run is resumed. With a path: before that step, as it was told.
    RunPaused {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<String>,
    },
    /// The run goes on.
    RunResumed { by: String },
    /// A run that had ended goes on: what is dropped runs again, what holds it is open again, the rest is kept.
    RunReopened {
        by: String,
        /// Paths of instances that are begun anew.
        drop: Vec<String>,
        /// Paths of what goes on around them, with its new deadline.
        reopen: Vec<(String, Option<Time>)>,
        /// All inputs, where some were changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inputs: Vec<Named>,
    },
    /// What is computed at the start, computed again from changed inputs.
    VarsComputed { vars: Vec<Named> },
    /// A step ended the run before its last one; what is under way is ended.
    FinishRequested { path: String, reason: String },
    /// Something came that does not count any more.
    Late { what: String, path: String, number: u32 },
    /// The run is completed.
    RunCompleted { outcome: Outcome, outputs: Payload },
    /// The run has failed.
    RunFailed { error: StepError },
    /// The run was cancelled.
    RunCancelled,
}

fn ok() -> Outcome {
    Outcome::Ok
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_ok(outcome: &Outcome) -> bool {
    *outcome == Outcome::Ok
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Event {
    /// The step instance it is about.
    pub fn path(&self) -> Option<&str> {
        use Event::{
            AttemptBegan, AttemptEnded, AttemptEnding, AttemptLost, AttemptQueued, AttemptSettled,
            AttemptStarted, BlockEnding, BudgetSet, BudgetSpent, CancelRequested, ChildEnded, ChildStarted,
            DocumentAccepted, DocumentMade, FinishRequested, ForeachStarted, GroupStarted, JoinDecided, Late,
            LoopStarted, PlaceAsked, PlaceGranted, PlaceRefused, PlaceRevoked, RedoAsked, Redone,
            RunCancelled, RunCompleted, RunCreated, RunFailed, RunPaused, RunReopened, RunResumed,
            RunStarted, SignalAwaited, SignalCame, SignalRefused, SignalSent, SignalTaken, StepBlocked,
            StepCancelled, StepCompleted, StepEnding, StepFailed, StepSkipped, TaskEnded, TaskOpened,
            UndoReady, VarsComputed, WaitStarted, Went,
        };
        match self {
            RunCreated { .. } | RunStarted { .. } | CancelRequested { .. } | SignalRefused { .. } => None,
            RunPaused { .. } | RunResumed { .. } | RunReopened { .. } | VarsComputed { .. } => None,
            SignalCame { path, .. } => path.as_deref(),
            RunCompleted { .. } | RunFailed { .. } | RunCancelled => None,
            GroupStarted { path, .. }
            | ForeachStarted { path, .. }
            | LoopStarted { path, .. }
            | AttemptStarted { path, .. }
            | AttemptQueued { path, .. }
            | AttemptBegan { path, .. }
            | AttemptEnding { path, .. }
            | AttemptEnded { path, .. }
            | AttemptLost { path, .. }
            | AttemptSettled { path, .. }
            | PlaceAsked { path, .. }
            | PlaceGranted { path, .. }
            | PlaceRefused { path, .. }
            | PlaceRevoked { path, .. }
            | WaitStarted { path, .. }
            | SignalAwaited { path, .. }
            | SignalTaken { path, .. }
            | SignalSent { path, .. }
            | ChildStarted { path, .. }
            | ChildEnded { path, .. }
            | TaskOpened { path, .. }
            | TaskEnded { path, .. }
            | DocumentMade { path, .. }
            | DocumentAccepted { path, .. }
            | RedoAsked { path, .. }
            | Redone { path, .. }
            | StepCompleted { path, .. }
            | StepFailed { path, .. }
            | StepSkipped { path }
            | StepBlocked { path, .. }
            | StepEnding { path, .. }
            | StepCancelled { path }
            | FinishRequested { path, .. }
            | JoinDecided { path, .. }
            | BudgetSet { path, .. }
            | BudgetSpent { path, .. }
            | Went { path, .. }
            | UndoReady { path, .. }
            | BlockEnding { path, .. }
            | Late { path, .. } => Some(path),
        }
    }

    /// The values it carries, each with its JSON pointer in the event.
    pub fn payloads(&self) -> Vec<(Cow<'static, str>, &Payload)> {
        match self {
            Event::RunCreated { inputs, .. } => named("inputs", inputs),
            Event::RunReopened { inputs, .. } => named("inputs", inputs),
            Event::RunStarted { vars, .. } | Event::VarsComputed { vars } => named("vars", vars),
            Event::ForeachStarted { items, keys, .. } => {
                let mut all = vec![(Cow::Borrowed(ITEMS), items)];
                all.extend(keys.as_ref().map(|keys| (Cow::Borrowed(KEYS), keys)));
                all
            }
            Event::AttemptStarted { request: Some(request), .. } => vec![(Cow::Borrowed(REQUEST), request)],
            Event::AttemptEnded { output, values, .. } => {
                let output = output.as_ref().map(|p| (Cow::Borrowed(OUTPUT), p));
                let values = values.as_ref().map(|p| (Cow::Borrowed(VALUES), p));
                output.into_iter().chain(values).collect()
            }
            Event::AttemptSettled { verdict: Verdict::Done(output), .. } => {
                vec![(Cow::Borrowed(SETTLED), output)]
            }
            Event::RedoAsked { feedback, .. } => vec![(Cow::Borrowed(FEEDBACK), feedback)],
            Event::SignalCame { data, .. } => vec![(Cow::Borrowed(DATA), data)],
            Event::SignalSent { data, output, .. } => {
                vec![(Cow::Borrowed(DATA), data), (Cow::Borrowed(OUTPUT), output)]
            }
            Event::ChildStarted { inputs, .. } => vec![(Cow::Borrowed(CHILD_INPUTS), inputs)],
            Event::UndoReady { request: Some(request), .. } => vec![(Cow::Borrowed(REQUEST), request)],
            Event::ChildEnded { output: Some(output), .. }
            | Event::TaskEnded { output: Some(output), .. }
            | Event::BlockEnding { output: Some(output), .. }
            | Event::DocumentMade { output: Some(output), .. }
            | Event::StepCompleted { output: Some(output), .. } => vec![(Cow::Borrowed(OUTPUT), output)],
            Event::RunCompleted { outputs, .. } => vec![(Cow::Borrowed(OUTPUTS), outputs)],
            _ => Vec::new(),
        }
    }
}

/// Pointers to the values of events.
pub(super) const ITEMS: &str = "/items/value";
pub(super) const KEYS: &str = "/keys/value";
pub(super) const REQUEST: &str = "/request/value";
pub(super) const OUTPUT: &str = "/output/value";
pub(super) const OUTPUTS: &str = "/outputs/value";
pub(super) const VALUES: &str = "/values/value";
pub(super) const SETTLED: &str = "/verdict/done/value";
pub(super) const FEEDBACK: &str = "/feedback/value";
pub(super) const DATA: &str = "/data/value";
pub(super) const CHILD_INPUTS: &str = "/inputs/value";

/// Pointer to a named value of `inputs` or `vars`.
pub(super) fn named_at(field: &str, index: usize) -> Cow<'static, str> {
    Cow::Owned(format!("/{field}/{index}/1/value"))
}

fn named<'a>(field: &str, all: &'a [Named]) -> Vec<(Cow<'static, str>, &'a Payload)> {
    all.iter().enumerate().map(|(i, (_, payload))| (named_at(field, i), payload)).collect()
}

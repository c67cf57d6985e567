//! The state of a run: small records by path.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use stead_lang::plan::{Plan, StepIx};

use super::budget::Budget;
use super::documents::{Documents, Making};
use super::event::{Breaks, Ending, JoinRule, Parent, StepError};
use super::lines::Lines;
use super::places::{Held, Place};
use super::redo::Redone;
use super::signals::Signals;
use crate::Time;
use crate::effect::EndReason;
use crate::ids::{StreamId, StreamKind};
use crate::path::{self, Part};
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::ValueRef;

/// Place of an instance in the state. Good until the instance is dropped.
pub(super) type Ix = u32;

/// The instance of the document's block.
pub(super) const ROOT: Ix = 0;

/// No step: not bound to a plan yet.
const UNBOUND: StepIx = StepIx::MAX;

/// All there is to know of a run between two turns.
#[derive(Debug)]
pub struct RunState {
    /// The run's id.
    pub id: StreamId,
    /// What lists show, as of the last event.
    pub status: RunStatus,
    /// Once it has ended.
    pub outcome: Option<Outcome>,
    /// Once it has failed.
    pub error: Option<StepError>,
    /// Workflow's name.
    pub workflow: String,
    /// Revision it is pinned to.
    pub revision: String,
    /// The run at the top of those that started it.
    pub(super) top_run: Option<StreamId>,
    /// Who started it, or the run at the top: `user:ana`. Empty where nobody said so.
    pub starter: String,
    /// Project it belongs to.
    pub project: String,
    /// Folder that relative paths of its steps are relative to.
    pub folder: String,
    /// The run that started it.
    pub parent: Option<Parent>,
    /// Runs above it.
    pub depth: u32,
    /// When it was created.
    pub created_at: Time,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Number of the last event.
    pub seq: u64,
    /// Time of the last event; never goes back.
    pub at: Time,
    /// Its outputs, once it is completed.
    pub outputs: Option<ValueRef>,
    /// Attempts under way.
    pub attempts_open: u32,
    /// Attempts made so far.
    pub attempts: u64,
    /// Steps that completed so far, iterations and items each for themselves.
    pub completed: u64,
    pub(super) inputs: Vec<(String, ValueRef)>,
    pub(super) vars: Vec<(String, ValueRef)>,
    pub(super) deadline_at: Option<Time>,
    pub(super) cancel: bool,
    /// Undo and `finally` are ended as well.
    pub(super) force: bool,
    /// A step ended the run before its last one.
    pub(super) finishing: bool,
    /// Nothing new begins.
    pub(super) paused: Option<Box<Paused>>,
    pub(super) breaks: Breaks,
    /// The step before which the run was paused last, and that it may begin.
    pub(super) passed: Option<Box<str>>,
    /// Numbers of attempts and rounds of what is begun anew, by path.
    pub(super) before: BTreeMap<Box<str>, Before>,
    /// Places of others that the run is inside of.
    pub(super) within: Vec<Held>,
    /// Instances that have or ask for a place, derived.
    pub(super) places: u32,
    /// Instances that went on before and ask for their place once more, derived: nothing of them goes on until they
    /// have it.
    pub(super) gates: Vec<Ix>,
    /// Places of what the last event ended. Never stored: they are given back in the same turn.
    pub(super) left: Vec<Held>,
    /// How what is completed would be undone, in the order of completion.
    pub(super) undo: Vec<Undo>,
    /// Documents and their versions.
    pub(super) documents: Documents,
    /// What runs are found by: indexed inputs and their values, as text.
    pub(super) keys: Vec<(String, String)>,
    pub(super) signals: Signals,
    /// Who decided at gates that are not to be decided by the same people again, by their paths without numbers.
    pub(super) deciders: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// What the run that started it lets it have of its budget.
    pub(super) share: Option<u32>,
    /// Whether there is a budget anywhere; derived.
    pub(super) budgeted: bool,
    pub(super) slab: Vec<Option<Instance>>,
    pub(super) free: Vec<Ix>,
    pub(super) by_path: HashMap<Box<str>, Ix>,
    /// Derived from the instances.
    pub(super) timers: BTreeSet<(Time, Ix, Timer)>,
    /// Instances that wait, derived.
    pub(super) waiting: BTreeSet<Ix>,
    /// What is to be looked at in this turn and those that follow it at once. Never stored: after loading it
    /// is made again from the instances.
    pub(super) agenda: VecDeque<Job>,
    pub(super) bound: bool,
    /// The first event that does not follow from those before it, and why.
    pub(super) misfit: Option<Box<(u64, String)>>,
}

/// Something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// Compute `vars`, start the document's block.
    Begin,
    /// A step of a block whose needs are met.
    Start { body: Ix, pos: u32 },
    /// A holder: start what may start, end when all has ended.
    Pump(Ix),
    /// A block: end when all has ended.
    Settle(Ix),
    /// An instance that has ended: its parent must know.
    Ended(Ix),
    /// An instance that is completed, and whose `undo` was not noted before the engine went.
    Note(Ix),
    /// An instance that is to be ended: end what is inside.
    End(Ix),
    /// A signal that came while the run was paused.
    Deliver(u64),
    /// A timer whose time has come.
    Fire(Ix, Timer),
    /// An attempt that was under way when the engine went.
    Recover(Ix),
    /// A block that goes back to an earlier step.
    Redo(Ix),
    /// A parked attempt of which its probe was not asked.
    Probe(Ix),
    /// A step that has its place.
    Enter(Ix),
    /// Something that is open again and needs its place once more.
    Reask(Ix),
}

/// What a timer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A wait is over.
    Wait,
    /// The next try may start.
    Retry,
    /// An attempt, wait or child is out of time.
    Timeout,
    /// A step, or the run, is.
    Deadline,
}

/// One step in one place: a step of a block, or an item or iteration of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) path: Box<str>,
    pub(super) parent: Ix,
    #[serde(skip, default = "unbound")]
    pub(super) step: StepIx,
    pub(super) kind: Kind,
    pub(super) status: StepStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Box<StepError>>,
    pub(super) output: Output,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<ValueRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    /// Position of an item from 0, number of an iteration from 1.
    pub(super) index: u32,
    /// Tries so far.
    pub(super) tries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ending: Option<EndReason>,
    /// The first error that stops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stopping: Option<Box<StepError>>,
    /// Something inside went wrong and was tolerated.
    pub(super) trouble: bool,
    /// What it waits for of its parts, where that is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) join: Option<Box<Joining>>,
    /// Where it stands, of a machine of states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) machine: Option<Box<Visits>>,
    /// Of a state: which entry of `next` led on from this visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<u32>,
    /// How it will have ended, while it is undone and its `finally` runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verdict: Option<Box<Decided>>,
    /// The highest number of an attempt among what was inside and is forgotten.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) forgot: u32,
    /// How it would be undone is noted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) undo_noted: bool,
    /// The place that it has or asks for, until it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Box<Place>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deadline_at: Option<Time>,
    pub(super) since: Time,
    /// Since when it waits for what it waits for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waits_since: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Time>,
    /// How many attempts may be made here and inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) budget: Option<Box<Budget>>,
    /// Its attempts are not counted in budgets.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) free: bool,
    /// What was started inside, in order. Items and iterations of a holder too, those that are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) inside: Vec<Ix>,
    /// Which of its steps began again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) redone: Option<Box<Redone>>,
    /// The document that it produces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) making: Option<Box<Making>>,
    /// Derived from plan and state, never stored.
    #[serde(skip)]
    pub(super) block: Option<Box<BlockProgress>>,
    /// What is inside was told to end. After loading it is told again, which changes nothing.
    #[serde(skip)]
    pub(super) told: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn unbound() -> StepIx {
    UNBOUND
}

/// Where the output of an instance is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Output {
    /// It has none.
    None,
    /// Here.
    At(ValueRef),
    /// Gathered from what is inside as it is asked for.
    Gathered,
}

/// The parts of a join that have ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Joining {
    pub(super) rule: JoinRule,
    pub(super) completed: u32,
    /// Failed or blocked.
    pub(super) lost: u32,
    pub(super) skipped: u32,
    /// The first error of a part.
    pub(super) error: Option<StepError>,
    /// So many have completed that the others are ended.
    pub(super) reached: bool,
}

/// The way of a machine of states so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Visits {
    /// Visits by state.
    pub(super) of: Vec<(Box<str>, u32)>,
    /// How often an entry of a state's `next` was taken.
    pub(super) taken: Vec<(Box<str>, u32, u32)>,
    /// The newest visit.
    pub(super) last: Option<Ix>,
    /// Where it leads, once that is decided.
    pub(super) went: Option<Box<str>>,
}

impl Visits {
    pub(super) fn count(&self, id: &str) -> u32 {
        self.of.iter().find(|(state, _)| **state == *id).map_or(0, |(_, n)| *n)
    }

    pub(super) fn take(&mut self, id: &str, entry: u32) {
        let same = |(state, at, _): &&mut (Box<str>, u32, u32)| **state == *id && *at == entry;
        match self.taken.iter_mut().find(same) {
            Some((.., n)) => *n += 1,
            None => self.taken.push((id.into(), entry, 1)),
        }
    }

    /// The visit of a state that was left by an entry is not there any more.
    pub(super) fn untake(&mut self, id: &str, entry: u32) {
        let same = |(state, at, _): &&mut (Box<str>, u32, u32)| **state == *id && *at == entry;
        if let Some((.., n)) = self.taken.iter_mut().find(same) {
            *n = n.saturating_sub(1);
        }
    }

    pub(super) fn taken(&self, id: &str, entry: u32) -> u32 {
        let same = |(state, at, _): &&(Box<str>, u32, u32)| **state == *id && *at == entry;
        self.taken.iter().find(same).map_or(0, |(.., n)| *n)
    }
}

/// What an instance had before it was dropped to be begun anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// Number of its last attempt or child run.
    pub(super) number: u32,
    /// How often it was completed and wanted again: then it happens again, under a key of its own.
    pub(super) round: u32,
}

/// A run of which nothing new begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Paused {
    pub(super) since: Time,
    pub(super) by: String,
    /// The step before which it stopped by itself.
    pub(super) at: Option<Box<str>>,
}

/// How a block will have ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) ending: Ending,
    pub(super) output: Option<ValueRef>,
    /// Something in its `finally` went wrong.
    pub(super) trouble: bool,
}

/// How something completed would be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Undo {
    /// The instance that completed.
    pub(super) path: Box<str>,
    /// What its `undo` asks for.
    pub(super) request: Option<ValueRef>,
    /// Why that is not known.
    pub(super) error: Option<Box<StepError>>,
    pub(super) begun: bool,
    /// It was tried, and what is to be undone is still there: it is tried again once the run has gone on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) over: bool,
}

/// What an instance is, as its events told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Nothing has run: pure, skipped, blocked, failed before it began.
    Plain,
    /// Waits for its place, or is about to begin with it.
    Place,
    /// A block.
    Group,
    /// A `foreach` as a whole.
    Foreach {
        count: u32,
        parallel: u32,
        map: bool,
        items: ValueRef,
        keys: Option<ValueRef>,
        /// Positions before `begun` that are to be begun anew, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        holes: Vec<u32>,
        /// Items that have begun.
        begun: u32,
        /// Items that have ended.
        done: u32,
        /// Its items are the lines of a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<Box<Lines>>,
    },
    /// A `loop` as a whole.
    Loop {
        max: u32,
        min: u32,
        /// Iterations that have begun.
        begun: u32,
    },
    /// Tries of an effect.
    Attempt {
        /// Number of the last one; lost ones count here, not in `tries`.
        number: u32,
        request: Option<ValueRef>,
        phase: Phase,
        timeout_at: Option<Time>,
        lost: u32,
    },
    /// A timer.
    Wait { until: Time, timeout_at: Option<Time> },
    /// A signal that is awaited. `opened` is the number of the event since which it is.
    Signal { name: Box<str>, opened: u64, timeout_at: Option<Time> },
    /// A child run.
    Child {
        number: u32,
        run: StreamId,
        retry_at: Option<Time>,
        timeout_at: Option<Time>,
        /// What is set aside for it in the budgets around.
        #[serde(default, skip_serializing_if = "is_zero")]
        share: u32,
        /// It was told to end.
        #[serde(default, skip_serializing_if = "is_false")]
        told: bool,
    },
    /// People are asked.
    Task {
        number: u32,
        task: StreamId,
        /// Who may act.
        by: Vec<Box<str>>,
        due_at: Option<Time>,
        /// It was told that nobody wants its end.
        #[serde(default, skip_serializing_if = "is_false")]
        told: bool,
        /// Who had a part in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        acted: Vec<Box<str>>,
        /// That is kept for later instances.
        #[serde(default, skip_serializing_if = "is_false")]
        remembers: bool,
    },
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Under way.
    Open,
    /// Waits for a place.
    Queued,
    /// Under way, being ended.
    Ending(EndReason),
    /// Waits to be tried again.
    Retry(Time),
    /// Its end is not known, somebody has to say.
    Parked,
    /// Over.
    Done,
}

/// How far a block is. Derived: counters, so that one end among a thousand looks at what needs it only.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockProgress {
    /// Per step of the block: needs that are not met.
    pub(super) unmet: Vec<u32>,
    /// Per step of the block: its instance.
    pub(super) at: Vec<Option<Ix>>,
    /// Steps that have ended.
    pub(super) ended: u32,
    /// Steps that have begun and not ended.
    pub(super) live: u32,
}

impl Instance {
    /// Whether what is inside is not wanted any more.
    pub(super) fn is_closing(&self) -> bool {
        let reached = self.join.as_ref().is_some_and(|join| join.reached);
        self.ending.is_some() || self.stopping.is_some() || reached
    }

    /// What is said of a step of this block that has not begun: of its own ones, or those of its `finally`.
    pub(super) fn never_begun(&self, own: bool) -> StepStatus {
        let over = self.status.is_end() || (own && self.verdict.is_some());
        let completed = match &self.verdict {
            Some(decided) => decided.ending.status == StepStatus::Completed,
            None => self.status == StepStatus::Completed,
        };
        match over {
            // A machine goes its way and leaves states out; a list whose steps did not begin was ended.
            true if completed && self.machine.is_some() => StepStatus::Skipped,
            true => StepStatus::Cancelled,
            false => StepStatus::Pending,
        }
    }

    /// Which visit it is, of a state.
    pub(super) fn visit(&self, state: &RunState) -> Option<u32> {
        // Only visits have a number and stand in a machine; steps of its `finally` are the first of their path.
        let around = state.get(self.parent);
        around.machine.is_some().then_some(self.index)
    }
}

impl RunState {
    /// A run of which nothing is known yet.
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            status: RunStatus::Pending,
            outcome: None,
            error: None,
            workflow: String::new(),
            revision: String::new(),
            top_run: None,
            starter: String::new(),
            project: String::new(),
            folder: String::new(),
            parent: None,
            depth: 0,
            created_at: 0,
            started_at: None,
            ended_at: None,
            seq: 0,
            at: 0,
            outputs: None,
            attempts_open: 0,
            attempts: 0,
            completed: 0,
            inputs: Vec::new(),
            vars: Vec::new(),
            deadline_at: None,
            cancel: false,
            force: false,
            finishing: false,
            before: BTreeMap::new(),
            paused: None,
            breaks: Breaks::default(),
            passed: None,
            within: Vec::new(),
            places: 0,
            gates: Vec::new(),
            left: Vec::new(),
            undo: Vec::new(),
            documents: Documents::new(),
            keys: Vec::new(),
            signals: Signals::default(),
            deciders: BTreeMap::new(),
            share: None,
            budgeted: false,
            slab: Vec::new(),
            free: Vec::new(),
            by_path: HashMap::new(),
            timers: BTreeSet::new(),
            waiting: BTreeSet::new(),
            agenda: VecDeque::new(),
            // Nothing to bind yet: what begins in this process is bound as it begins.
            bound: true,
            misfit: None,
        }
    }

    /// The run at the top of those that started it: itself, where nobody did.
    pub fn top(&self) -> &StreamId {
        self.top_run.as_ref().or_else(|| self.parent_run()).unwrap_or(&self.id)
    }

    /// The run that started it.
    pub fn parent_run(&self) -> Option<&StreamId> {
        self.parent.as_ref().map(|parent| &parent.run).filter(|run| run.kind() == StreamKind::Run)
    }

    /// The schedule that started it: its stream, its name, and the number of the run among those it has started.
    pub fn schedule(&self) -> Option<&Parent> {
        self.parent.as_ref().filter(|parent| parent.run.kind() == StreamKind::Schedule)
    }

    /// Whether the run has begun to exist.
    pub fn exists(&self) -> bool {
        self.seq > 0
    }

    /// When the next timer is due.
    pub fn due(&self) -> Option<Time> {
        let acts =
            |(_, ix, timer): &&(Time, Ix, Timer)| self.paused.is_none() || self.acts_paused(*ix, *timer);
        self.timers.iter().find(acts).map(|(at, ..)| *at)
    }

    /// Whether a timer acts though the run is paused: the time-out of an attempt that is under way.
    pub(super) fn acts_paused(&self, ix: Ix, timer: Timer) -> bool {
        timer == Timer::Timeout && matches!(self.get(ix).kind, Kind::Attempt { phase: Phase::Open, .. })
    }

    /// Whether something is left to do at once.
    pub fn unfinished(&self) -> bool {
        self.paused.is_none() && self.has_work()
    }

    pub(super) fn get(&self, ix: Ix) -> &Instance {
        // Every Ix comes from `add`, and `drop_inside` removes what it drops from all lists.
        match self.slab.get(ix as usize) {
            Some(Some(instance)) => instance,
            _ => unreachable!("instance {ix} was dropped"),
        }
    }

    pub(super) fn get_mut(&mut self, ix: Ix) -> &mut Instance {
        match self.slab.get_mut(ix as usize) {
            Some(Some(instance)) => instance,
            _ => unreachable!("instance {ix} was dropped"),
        }
    }

    pub(super) fn find(&self, path: &str) -> Option<Ix> {
        self.by_path.get(path).copied()
    }

    pub(super) fn root(&self) -> Option<&Instance> {
        self.slab.first().and_then(Option::as_ref)
    }

    /// The instance at a path, made if it is not there.
    pub(super) fn at_path(&mut self, at: &str) -> Ix {
        if let Some(ix) = self.find(at) {
            return ix;
        }
        let (parent, index) = match path::split(at) {
            Part::Root | Part::Aside { .. } => (None, 0),
            Part::Step { parent, visit, .. } => (Some(parent), visit),
            Part::Item { holder, .. } => (Some(holder), 0),
            Part::Iteration { holder, number } => (Some(holder), number),
        };
        let parent = parent.map(|p| self.at_path(p));
        let instance = Instance {
            path: at.into(),
            parent: parent.unwrap_or(ROOT),
            step: UNBOUND,
            kind: Kind::Plain,
            status: StepStatus::Pending,
            outcome: None,
            error: None,
            output: Output::None,
            values: None,
            exit_code: None,
            index,
            tries: 0,
            ending: None,
            stopping: None,
            trouble: false,
            join: None,
            machine: None,
            left: None,
            verdict: None,
            forgot: 0,
            undo_noted: false,
            place: None,
            deadline_at: None,
            budget: None,
            free: false,
            since: self.at,
            waits_since: None,
            ended_at: None,
            inside: Vec::new(),
            redone: None,
            making: None,
            block: None,
            told: false,
        };
        let ix = match self.free.pop() {
            Some(ix) => {
                self.slab[ix as usize] = Some(instance);
                ix
            }
            None => {
                self.slab.push(Some(instance));
                Ix::try_from(self.slab.len() - 1).unwrap_or_else(|_| unreachable!("bounded far below"))
            }
        };
        self.by_path.insert(at.into(), ix);
        if let Some(parent) = parent {
            self.enter(parent, ix);
        }
        ix
    }

    /// Books that something was begun inside.
    fn enter(&mut self, parent: Ix, ix: Ix) {
        let instance = self.get_mut(parent);
        instance.inside.push(ix);
        if let Kind::Foreach { begun, .. } | Kind::Loop { begun, .. } = &mut instance.kind {
            *begun += 1;
        }
        let visit = self.get(ix);
        let Part::Step { id, visit: number, .. } = path::split(&visit.path) else { return };
        let id: Box<str> = id.into();
        let instance = self.get_mut(parent);
        // What begins once the end is settled is of `finally`, and no state.
        if let Some(machine) = instance.machine.as_mut().filter(|_| instance.verdict.is_none()) {
            (machine.last, machine.went) = (Some(ix), None);
            match machine.of.iter_mut().find(|(state, _)| *state == id) {
                Some((_, n)) => *n = number,
                None => machine.of.push((id, number)),
            }
        }
    }

    /// All visits of the state that an instance is a visit of, those that are kept.
    pub(super) fn visits(&self, ix: Ix) -> Vec<Ix> {
        let step = self.get(ix).step;
        let inside = &self.get(self.get(ix).parent).inside;
        inside.iter().copied().filter(|visit| self.get(*visit).step == step).collect()
    }

    /// The newest instance of a step of a block.
    pub(super) fn newest(&self, body: Ix, id: &str) -> Option<Ix> {
        let instance = self.get(body);
        let number = match &instance.machine {
            Some(machine) => machine.count(id),
            None => self.round(body, id),
        };
        self.find(&path::visit(&instance.path, id, number))
    }

    /// Forgets what is inside an instance.
    pub(super) fn drop_inside(&mut self, ix: Ix) {
        let inside = std::mem::take(&mut self.get_mut(ix).inside);
        for child in inside {
            self.drop_instance(child);
        }
        self.get_mut(ix).block = None;
    }

    /// Forgets what is inside an instance, but for how far the numbers of attempts have come.
    pub(super) fn forget_inside(&mut self, ix: Ix) {
        let inside = self.get(ix).inside.iter().map(|child| self.highest(*child)).max().unwrap_or(0);
        let instance = self.get_mut(ix);
        instance.forgot = instance.forgot.max(inside);
        self.drop_inside(ix);
    }

    /// The highest number of an attempt or child run of an instance and inside.
    pub(super) fn highest(&self, ix: Ix) -> u32 {
        let instance = self.get(ix);
        let own = match instance.kind {
            Kind::Attempt { number, .. } | Kind::Child { number, .. } | Kind::Task { number, .. } => number,
            _ => 0,
        };
        instance
            .inside
            .iter()
            .map(|child| self.highest(*child))
            .max()
            .unwrap_or(0)
            .max(own)
            .max(instance.forgot)
    }

    /// Forgets an instance and what is inside. The parent's list is the caller's.
    pub(super) fn drop_instance(&mut self, ix: Ix) {
        self.drop_inside(ix);
        if let Some(instance) = self.slab[ix as usize].take() {
            self.by_path.remove(&instance.path);
            self.free.push(ix);
        }
    }

    /// What is to be undone when it comes to that, in the order of completion.
    pub(super) fn undo_left(&self) -> impl Iterator<Item = &Undo> {
        self.undo.iter().filter(|undo| !undo.over)
    }

    /// Knits the instances to the steps of a plan, after loading.
    pub(super) fn bind(&mut self, plan: &Plan) {
        let steps: HashMap<&str, StepIx> =
            (0..).zip(&plan.steps).map(|(ix, step)| (step.path.as_str(), ix)).collect();
        for instance in self.slab.iter_mut().flatten() {
            let path = path::plan_path(&instance.path);
            instance.step = steps.get(path.as_str()).copied().unwrap_or(UNBOUND);
        }
        self.bound = true;
    }
}

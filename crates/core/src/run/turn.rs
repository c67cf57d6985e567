//! One input taken by a run.
//!
//! An input makes events and puts instances on the agenda; the agenda is worked off until it is empty or the
//! turn is full. Each job evaluates first and makes events afterwards, so that a value that is not at hand
//! leaves nothing half done: the job stays on the agenda and the turn ends there.

use std::cell::RefCell;

use serde_json::Value;
use stead_lang::expr::EvalError;
use stead_lang::inputs::index_text;
use stead_lang::plan::{Plan, Setting, Step, StepIx};

use super::event::{Breaks, Event, Named, Parent, StepError};
use super::places::Held;
use super::reach::{Reach, is_holder};
use super::retry::Again;
use super::scope::Scope;
use super::signals::Find;
use super::state::{Instance, Ix, Job, Kind, Phase, ROOT, RunState};
use crate::Time;
use crate::effect::{AttemptResult, Effect, EndReason, ErrorKind};
use crate::ids::StreamId;
use crate::limits;
use crate::message::Message;
use crate::path;
use crate::status::{Outcome, RunStatus};
use crate::value::{Payload, ValueRef, Values, json_len};

/// What a turn works with besides the state.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The plan of the revision that the run is pinned to.
    pub plan: &'a Plan,
    /// Now.
    pub at: Time,
    /// Values that were loaded; the turn adds what it makes.
    pub values: &'a mut Values,
}

/// What a run can be given.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Begin to exist. Inputs are checked and complete.
    Start {
        /// Inputs by name.
        inputs: Vec<(String, Value)>,
        /// Project it belongs to.
        project: String,
        /// Folder that relative paths of its steps are relative to.
        folder: String,
        /// Where it stops by itself.
        breaks: Breaks,
        /// Who starts it: `user:ana`.
        by: String,
    },
    /// An attempt that was handed out waits for a place, or has found one.
    AttemptPlace {
        /// The step instance.
        path: String,
        /// Number of the attempt.
        number: u32,
        /// Whether it begins now; else it is queued.
        begins: bool,
    },
    /// An attempt has ended.
    AttemptEnded {
        /// The step instance.
        path: String,
        /// Number of the attempt.
        number: u32,
        /// How.
        result: AttemptResult,
    },
    /// A message from another stream.
    Message(Message),
    /// It is as late as the context says.
    Time,
    /// Go on where the last turn was full.
    Continue,
    /// The engine is new: what was under way in the old one is lost.
    Recovered,
    /// End the run.
    Cancel {
        /// Who wants it.
        by: String,
        /// Why.
        reason: Option<String>,
        /// End undo and `finally` as well.
        force: bool,
    },
    /// A signal comes.
    Signal {
        /// Its name.
        name: String,
        /// Only waits at this path and inside take it.
        step: Option<String>,
        /// Whatever comes with the same id after it does not count.
        id: Option<String>,
        /// What comes with it.
        data: Value,
        /// Who sends it.
        by: String,
    },
    /// Begin nothing new until it is resumed.
    Pause {
        /// Who wants it.
        by: String,
        /// End what is under way as well; it is made again later.
        now: bool,
    },
    /// Go on after a pause.
    Resume {
        /// Who wants it.
        by: String,
    },
    /// Go on with a run that has ended: what failed runs again, and what is named.
    Retry {
        /// Who wants it.
        by: String,
        /// What runs again besides.
        again: Again,
        /// All inputs, where some are changed.
        inputs: Vec<(String, Value)>,
    },
    /// What a parked attempt came to.
    Settle {
        /// The step instance.
        path: String,
        /// What it came to.
        verdict: SettleInput,
        /// Who says so.
        by: String,
    },
}

/// What somebody says of a parked attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum SettleInput {
    /// It happened; this is its output.
    Done(Value),
    /// It did not; run it again.
    Again,
    /// The step failed.
    Failed,
}

/// What came of an input.
#[derive(Debug, Default)]
pub struct Turn {
    /// To the journal.
    pub events: Vec<Event>,
    /// To be done once the events are durable.
    pub effects: Vec<Effect>,
    /// To other streams.
    pub messages: Vec<Message>,
    /// Files to be written and synced before the commit.
    pub files: Vec<FilePut>,
    /// The turn was full: give the run [`Input::Continue`] next.
    pub more: bool,
    /// The input asked for something that cannot be: why. Nothing happened.
    pub refused: Option<&'static str>,
    bytes: usize,
}

/// A value that is too large for an event.
#[derive(Debug, Clone, PartialEq)]
pub struct FilePut {
    /// blake3, 64 hex digits.
    pub hash: String,
    /// Its JSON.
    pub bytes: Vec<u8>,
}

/// What is to be loaded before the input can be taken. The state is untouched.
#[derive(Debug, Clone, PartialEq)]
pub struct Needs(pub Vec<Need>);

/// Something to be loaded.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// A value.
    Value(ValueRef),
    /// The runs that a signal goes to, as they are now.
    Runs(Find),
    /// The newest revision of a workflow of the library, by its name.
    Newest(String),
    /// How many lines a file has, by its hash.
    Lines(String),
}

/// Why a job did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A value is not at hand.
    Needs(Vec<Need>),
    /// An expression has no value, or one that does not fit.
    Error(StepError),
}

/// Takes one input.
///
/// Nothing of the turn may be written when the state has a [`misfit`](RunState::misfit) after it: the journal was one
/// that no engine writes, in a way that showed only now. The state is of no use then, and is to be read back.
///
/// # Errors
/// `Needs` when a value has to be loaded first; the state is untouched then.
pub fn turn(state: &mut RunState, input: &Input, ctx: &mut Ctx<'_>) -> Result<Turn, Needs> {
    let mut machine = Machine::of(state, ctx);
    machine.given(input)?;
    machine.work()?;
    Ok(machine.out)
}

/// Takes one input and leaves what follows from it to whoever loads the run next: for one who performs
/// nothing, and must not begin what a later engine would take for lost. A run that is being cancelled goes on to
/// its end, where neither undo nor `finally` nor a probe could begin something on the way.
///
/// # Errors
/// As [`turn`].
pub fn turn_only(state: &mut RunState, input: &Input, ctx: &mut Ctx<'_>) -> Result<Turn, Needs> {
    if matches!(input, Input::AttemptPlace { .. }) {
        // Of no use to one who performs nothing: what is queued stays so, and is no riddle to the next engine.
        return Ok(Turn::default());
    }
    let mut machine = Machine::of(state, ctx);
    machine.given(input)?;
    if machine.state.cancel && (machine.state.force || !machine.cleans_up()) {
        machine.work()?;
    }
    Ok(machine.out)
}

/// A turn under way.
pub(super) struct Machine<'a> {
    pub(super) state: &'a mut RunState,
    pub(super) plan: &'a Plan,
    pub(super) values: &'a mut Values,
    pub(super) at: Time,
    pub(super) out: Turn,
}

impl<'a> Machine<'a> {
    fn of(state: &'a mut RunState, ctx: &'a mut Ctx<'_>) -> Self {
        let at = ctx.at.max(state.at);
        Machine { state, plan: ctx.plan, values: ctx.values, at, out: Turn::default() }
    }

    /// Takes the input, and makes the agenda first where the run was just read back.
    fn given(&mut self, input: &Input) -> Result<(), Needs> {
        if !self.state.bound {
            self.state.bind(self.plan);
            self.state.left.clear();
            self.rescan();
            let held = self.signals_held().into_iter().map(|(_, job)| job);
            self.state.agenda.extend(held);
        }
        if let Err(Stop::Needs(needs)) = self.take(input) {
            debug_assert!(self.out.events.is_empty(), "inputs look before they act");
            return Err(Needs(needs));
        }
        Ok(())
    }

    /// Whether a run of the plan may do something when it ends: a probe that was asked may be asked again, too.
    fn cleans_up(&self) -> bool {
        let plan = self.plan;
        plan.steps.iter().any(|step| step.undo.is_some() || step.verify.is_some() || step.finally)
    }

    fn take(&mut self, input: &Input) -> Result<(), Stop> {
        match input {
            Input::Start { inputs, project, folder, breaks, by } => {
                let (inputs, project, folder) = (inputs.clone(), project.clone(), folder.clone());
                let (breaks, by) = (breaks.clone(), by.clone());
                let start = Start {
                    inputs,
                    top: None,
                    by,
                    project,
                    folder,
                    parent: None,
                    depth: 0,
                    share: None,
                    breaks,
                    within: Vec::new(),
                };
                self.create(start);
            }
            Input::AttemptPlace { path, number, begins } => self.attempt_place(path, *number, *begins)?,
            Input::AttemptEnded { path, number, result } => self.attempt_result(path, *number, result)?,
            Input::Message(message) => self.message(message)?,
            Input::Time => {
                let due = self.state.timers.iter().take_while(|(at, ..)| *at <= self.at);
                let due: Vec<Job> = due.map(|(_, ix, timer)| Job::Fire(*ix, *timer)).collect();
                self.state.agenda.extend(due);
            }
            Input::Continue => {}
            // Given again, after a value was loaded: what is left is on the agenda, and what was made again in
            // between is under way in this engine.
            Input::Recovered if self.state.agenda.iter().any(|job| matches!(job, Job::Recover(_))) => {}
            Input::Recovered => {
                let open = (0..).zip(&self.state.slab).filter_map(|(ix, instance)| {
                    let Kind::Attempt { phase: Phase::Open | Phase::Queued | Phase::Ending(_), .. } =
                        instance.as_ref()?.kind
                    else {
                        return None;
                    };
                    Some(Job::Recover(ix))
                });
                let open: Vec<Job> = open.collect();
                self.state.agenda.extend(open);
            }
            Input::Pause { by, now } => self.pause(by, *now),
            Input::Resume { by } => self.resume(by),
            Input::Retry { by, again, inputs } => self.reopen(by, again, inputs)?,
            Input::Cancel { by, reason, force } => self.cancel(by, reason.as_deref(), *force),
            Input::Signal { name, step, id, data, by } => {
                self.signal_input(name, step.as_deref(), id.as_deref(), data, by);
            }
            Input::Settle { path, verdict, by } => self.settle_attempt(path, verdict, by)?,
        }
        Ok(())
    }

    /// Works the agenda off; of a paused run only what cannot wait.
    fn work(&mut self) -> Result<(), Needs> {
        while let Some(job) = self.next_job() {
            if self.out.events.len() >= limits::TURN_EVENTS || self.out.bytes >= limits::TURN_BYTES {
                self.state.agenda.push_front(job);
                self.out.more = true;
                return Ok(());
            }
            if self.state.status.is_end() || self.state.misfit.is_some() {
                self.state.agenda.clear();
                return Ok(());
            }
            match self.job(job) {
                Ok(()) => {}
                Err(Stop::Needs(needs)) => {
                    self.state.agenda.push_front(job);
                    if self.out.events.is_empty() {
                        return Err(Needs(needs));
                    }
                    self.out.more = true;
                    return Ok(());
                }
                // Jobs turn the errors of their step into events; what is left concerns the run.
                Err(Stop::Error(error)) => self.fail_run(error),
            }
        }
        Ok(())
    }

    fn next_job(&mut self) -> Option<Job> {
        let paused = self.state.paused.is_some();
        if !paused && self.state.gates.is_empty() {
            return self.state.agenda.pop_front();
        }
        // How it would be undone is noted as it completes, so that it is undone in that order.
        let unnoted = self.state.agenda.iter().find_map(|job| match job {
            Job::Ended(ix) if self.wants_note(*ix) => Some(Job::Note(*ix)),
            _ => None,
        });
        if unnoted.is_some() {
            return unnoted;
        }
        let acts = |job: &Job| match job {
            job if !paused => self.state.may_do(job),
            Job::Recover(_) => true,
            Job::Fire(ix, timer) => self.state.acts_paused(*ix, *timer),
            _ => false,
        };
        let at = self.state.agenda.iter().position(acts)?;
        self.state.agenda.remove(at)
    }

    fn job(&mut self, job: Job) -> Result<(), Stop> {
        match job {
            Job::Begin => self.begin(),
            Job::Start { body, pos } => self.start_step(body, pos as usize),
            Job::Pump(ix) => self.pump(ix),
            Job::Settle(ix) => self.settle(ix),
            Job::Ended(ix) => self.ended(ix),
            Job::Note(ix) => self.note_undo(ix),
            Job::End(ix) => {
                self.end_instance(ix);
                Ok(())
            }
            Job::Deliver(signal) => {
                self.deliver_kept(signal);
                Ok(())
            }
            Job::Fire(ix, timer) => self.fire(ix, timer),
            Job::Recover(ix) => self.recover(ix),
            Job::Redo(ix) => {
                self.redo(ix);
                Ok(())
            }
            Job::Probe(ix) => self.probe(ix),
            Job::Enter(ix) => self.enter(ix),
            Job::Reask(ix) => self.reask(ix),
        }
    }

    /// Makes the agenda again from the instances: after loading.
    pub(super) fn rescan(&mut self) {
        self.state.agenda.clear();
        if self.state.status.is_end() {
            // Nothing follows any more, and who retries it may name what is inside of what is over.
            return;
        }
        if self.state.exists() && self.state.started_at.is_none() {
            self.push(Job::Begin);
            return;
        }
        let undoes = self.plan.steps.iter().any(|step| step.undo.is_some());
        let count = Ix::try_from(self.state.slab.len()).unwrap_or(Ix::MAX);
        if undoes {
            // Before anything ends because of it.
            let there = (0..count).filter(|ix| self.state.slab[*ix as usize].is_some());
            for ix in there.collect::<Vec<Ix>>() {
                self.note_again(ix);
            }
        }
        for ix in 0..count {
            // What is forgotten on the way may have been the last.
            if self.state.slab.get(ix as usize).is_none_or(Option::is_none) {
                continue;
            }
            if !undoes {
                self.forget_again(ix);
            }
            let instance = self.state.get(ix);
            if instance.status.is_end() {
                self.verified_again(ix);
                continue;
            }
            match instance.kind {
                Kind::Group => {
                    self.open_block(ix);
                    self.push(Job::Settle(ix));
                    if self.state.get(ix).redone.as_ref().is_some_and(|redone| redone.to.is_some()) {
                        self.push(Job::Redo(ix));
                    }
                }
                Kind::Foreach { .. } | Kind::Loop { .. } => self.push(Job::Pump(ix)),
                Kind::Attempt { phase: Phase::Parked, .. } => self.push(Job::Probe(ix)),
                Kind::Place if !instance.waits_for_place() => self.push(Job::Enter(ix)),
                // It is to end, and was not told yet.
                Kind::Child { told: false, retry_at: None, .. } | Kind::Task { told: false, .. }
                    if instance.ending.is_some() =>
                {
                    self.push(Job::End(ix));
                }
                _ => {}
            }
            let instance = self.state.get(ix);
            if instance.ending.is_some() && instance.revoked().is_some() {
                // It was told so while the run was paused, maybe.
                self.push(Job::End(ix));
            }
            let instance = self.state.get(ix);
            if instance.is_closing() {
                let live: Vec<Ix> = self.to_be_ended(ix);
                self.state.agenda.extend(live.into_iter().map(Job::End));
            }
            // What was told to end by itself, for its place is another's now, and did not come to it.
            let instance = self.state.get(ix);
            let idle = matches!(instance.kind, Kind::Wait { .. } | Kind::Signal { .. } | Kind::Place)
                || matches!(instance.kind, Kind::Attempt { phase: Phase::Retry(_), .. })
                || matches!(instance.kind, Kind::Child { retry_at: Some(_), .. });
            if idle && instance.ending.is_some() {
                self.push(Job::End(ix));
            }
        }
        self.ask_again();
    }

    pub(super) fn push(&mut self, job: Job) {
        self.state.agenda.push_back(job);
    }

    /// Books an event and keeps its values at hand. One that does not fit is noted in the state, as one of the journal
    /// is: whoever takes the turn looks there.
    pub(super) fn emit(&mut self, event: Event) {
        self.state.apply(&event, self.at);
        let seq = self.state.seq;
        self.out.bytes += 64;
        for (at, payload) in event.payloads() {
            let Payload::Value(value) = payload else { continue };
            match json_len(value, limits::INLINE_BYTES) {
                Some(size) => self.out.bytes += size,
                None => {
                    self.out.bytes += json_len(value, limits::EVENT_BYTES).unwrap_or(limits::EVENT_BYTES);
                    self.values.put(ValueRef::Event { seq, at }, value.clone());
                }
            }
        }
        self.out.events.push(event);
        if !self.state.left.is_empty() {
            self.give_back();
        }
    }

    /// Books an event of a step's instance and says where that is.
    pub(super) fn emit_for(&mut self, step: StepIx, event: Event) -> Ix {
        self.emit(event);
        let path = self.out.events.last().and_then(Event::path).unwrap_or_default();
        let ix = self.state.find(path).unwrap_or(ROOT);
        self.state.get_mut(ix).step = step;
        ix
    }

    /// A value as an event may carry it.
    pub(super) fn payload(&mut self, value: Value) -> Payload {
        self.payload_of(value, limits::EVENT_BYTES)
    }

    /// A value as it is carried where so many bytes have room.
    pub(super) fn payload_of(&mut self, value: Value, room: usize) -> Payload {
        Payload::of(value, room, self.values, &mut self.out.files)
    }

    /// Evaluates in a scope. Errors become those of the instance at `path`.
    pub(super) fn eval<T>(
        &self,
        path: &str,
        look: impl FnOnce(Reach<'_>) -> Result<T, EvalError>,
    ) -> Result<T, Stop> {
        let needs = RefCell::new(Vec::new());
        let reach = Reach { state: self.state, plan: self.plan, values: self.values, needs: &needs };
        match look(reach) {
            Ok(value) => Ok(value),
            Err(EvalError::Needs) => {
                Err(Stop::Needs(needs.into_inner().into_iter().map(Need::Value).collect()))
            }
            Err(EvalError::Failed { message, .. }) => Err(expression_error(path, &message)),
        }
    }

    pub(super) fn step(&self, ix: Ix) -> &'a Step {
        &self.plan.steps[self.state.get(ix).step as usize]
    }

    /// Whether what an instance does is not wanted any more. Undo and `finally` are, whatever becomes of what
    /// is around them, but for force.
    pub(super) fn unwanted(&self, ix: Ix) -> bool {
        if self.state.force {
            return true;
        }
        let mut at = ix;
        loop {
            let instance = self.state.get(at);
            if instance.is_closing() {
                return true;
            }
            if at == ROOT {
                return self.state.cancel || self.state.finishing;
            }
            if self.is_apart(at) {
                return false;
            }
            at = instance.parent;
        }
    }

    /// Whether an instance is a step of a `finally`, or undoes something: what ends around does not end it.
    pub(super) fn is_apart(&self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        let aside = path::as_aside(&instance.path).is_some();
        // An item or iteration is not apart from its holder, which is.
        aside || (ix != ROOT && self.step(ix).finally && !is_holder(self.state.get(instance.parent)))
    }

    pub(super) fn create(&mut self, start: Start) {
        if self.state.exists() {
            self.out.refused = Some("the run exists already");
            return;
        }
        let Start { inputs, top, by, project, folder, parent, depth, share, breaks, within } = start;
        let indexed = |(name, value): &(String, Value)| {
            let indexed = self.plan.inputs.iter().any(|input| input.index && input.name == *name);
            let key = index_text(value).filter(|_| indexed)?;
            Some((name.clone(), key))
        };
        let keys = inputs.iter().filter_map(indexed).collect();
        let inputs: Vec<Named> = inputs.into_iter().map(|(name, v)| (name, self.payload(v))).collect();
        let (workflow, revision) = (self.plan.name.clone(), self.plan.revision.clone());
        self.emit(Event::RunCreated {
            workflow,
            revision,
            inputs,
            keys,
            top,
            by,
            project,
            folder,
            parent,
            depth,
            share,
            breaks,
            within,
        });
        self.push(Job::Begin);
    }

    pub(super) fn vars(&self) -> Result<Vec<(String, Value)>, Stop> {
        let mut vars: Vec<(String, Value)> = Vec::new();
        for (name, template) in &self.plan.vars {
            let value = self.eval("", |reach| template.render(&Scope::starting(reach, &vars)))?;
            vars.push((name.clone(), value));
        }
        Ok(vars)
    }

    /// When the document's deadline passes that begins to run now.
    pub(super) fn run_deadline(&self, vars: &[(String, Value)]) -> Result<Option<Time>, Stop> {
        let limit = match &self.plan.deadline {
            None => None,
            Some(Setting::Fixed(ms)) => Some(*ms),
            Some(Setting::Computed(template)) => {
                let value = self.eval("", |reach| template.render(&Scope::starting(reach, vars)))?;
                Some(self.millis_of("", &value)?)
            }
        };
        Ok(limit.map(|ms| self.after(ms)))
    }

    fn begin(&mut self) -> Result<(), Stop> {
        if self.state.started_at.is_some() || self.state.root().is_some_and(Instance::waits_for_place) {
            return Ok(());
        }
        let vars = self.vars()?;
        let deadline_at = self.run_deadline(&vars)?;
        let Some(deadline_at) = self.run_may_begin(&vars, deadline_at)? else { return Ok(()) };
        let budget = self.own_budget(&vars)?;
        let vars = vars.into_iter().map(|(name, value)| (name, self.payload(value))).collect();
        self.emit(Event::RunStarted { vars, deadline_at, machine: self.plan.root.machine, budget });
        self.open_block(ROOT);
        self.push(Job::Settle(ROOT));
        Ok(())
    }

    pub(super) fn cancel(&mut self, by: &str, reason: Option<&str>, force: bool) {
        if let Some(why) = self.state.no_cancel(force) {
            self.out.refused = Some(why);
        } else {
            let settled = self.state.root().is_some_and(|root| root.verdict.is_some());
            self.emit(Event::CancelRequested { by: by.into(), reason: reason.map(Into::into), force });
            if !settled {
                self.end_run_with(EndReason::Cancelled);
            }
            if force {
                self.end_by_force();
            }
        }
    }

    /// Ends all that is under way, and then the run.
    pub(super) fn end_run_with(&mut self, reason: EndReason) {
        if self.state.started_at.is_none() {
            self.end_before_start(reason);
            return;
        }
        self.emit(Event::StepEnding { path: String::new(), reason, told: false });
        self.push(Job::End(ROOT));
    }

    /// `at` plus a length of time.
    pub(super) fn after(&self, millis: u64) -> Time {
        self.at.saturating_add(Time::try_from(millis.min(limits::MILLIS)).unwrap_or(Time::MAX))
    }

    /// The run's status between turns. A run that was created and not begun is pending only until its next turn.
    pub(super) fn fail_run(&mut self, error: StepError) {
        self.emit(Event::RunFailed { error });
        self.tell_parent();
    }
}

/// How a run begins to exist.
pub(super) struct Start {
    pub(super) inputs: Vec<(String, Value)>,
    pub(super) top: Option<StreamId>,
    pub(super) by: String,
    pub(super) project: String,
    pub(super) folder: String,
    pub(super) parent: Option<Parent>,
    pub(super) depth: u32,
    pub(super) share: Option<u32>,
    pub(super) breaks: Breaks,
    pub(super) within: Vec<Held>,
}

impl RunState {
    /// What the run does right now: to be asked between two turns.
    pub fn settle_status(&mut self) {
        if self.status.is_end() {
            return;
        }
        if self.started_at.is_none() {
            if let Some(status) = self.status_before() {
                self.move_to(status);
            }
            return;
        }
        if self.paused.is_some() {
            self.move_to(RunStatus::Paused);
            return;
        }
        let busy = self.attempts_open > 0 || self.has_work();
        self.move_to(if busy { RunStatus::Running } else { RunStatus::Waiting });
    }
}

/// An expression that has no value.
pub(super) fn expression_error(path: &str, message: &str) -> Stop {
    Stop::Error(step_error(path, ErrorKind::Expression, message))
}

/// An error that happened at `path`.
pub(super) fn step_error(path: &str, kind: ErrorKind, message: &str) -> StepError {
    let outcome = match kind {
        ErrorKind::Timeout => Outcome::TimedOut,
        ErrorKind::Rejected => Outcome::Rejected,
        ErrorKind::Exhausted | ErrorKind::Budget => Outcome::Exhausted,
        ErrorKind::Cancelled => Outcome::Cancelled,
        _ => Outcome::Error,
    };
    StepError { kind, message: cut(message), step: path.to_owned(), outcome }
}

/// At most as long as an error may be in the journal.
fn cut(text: &str) -> String {
    if text.len() <= limits::ERROR_BYTES {
        return text.to_owned();
    }
    let end = (0..=limits::ERROR_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}... (cut)", &text[..end])
}

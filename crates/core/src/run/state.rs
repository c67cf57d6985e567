//! The state of a run: small records by path.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use stead_lang::plan::{Plan, StepIx};

use super::event::{Parent, StepError};
use crate::Time;
use crate::effect::EndReason;
use crate::ids::StreamId;
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
    /// A step ended the run before its last one.
    pub(super) finishing: bool,
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
    /// An instance that is to be ended: end what is inside.
    End(Ix),
    /// A timer whose time has come.
    Fire(Ix, Timer),
    /// An attempt that was under way when the engine went.
    Recover(Ix),
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deadline_at: Option<Time>,
    pub(super) since: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Time>,
    /// What was started inside, in order. Items and iterations of a holder too, those that are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) inside: Vec<Ix>,
    /// Derived from plan and state, never stored.
    #[serde(skip)]
    pub(super) block: Option<Box<BlockProgress>>,
    /// What is inside was told to end. After loading it is told again, which changes nothing.
    #[serde(skip)]
    pub(super) told: bool,
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

/// What an instance is, as its events told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Nothing has run: pure, skipped, blocked, failed before it began.
    Plain,
    /// A block.
    Group,
    /// A `foreach` as a whole.
    Foreach {
        count: u32,
        parallel: u32,
        map: bool,
        items: ValueRef,
        keys: Option<ValueRef>,
        /// Items that have begun.
        begun: u32,
        /// Items that have ended.
        done: u32,
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
    /// A child run.
    Child { number: u32, run: StreamId, retry_at: Option<Time>, timeout_at: Option<Time> },
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
            finishing: false,
            slab: Vec::new(),
            free: Vec::new(),
            by_path: HashMap::new(),
            timers: BTreeSet::new(),
            waiting: BTreeSet::new(),
            agenda: VecDeque::new(),
            // Nothing to bind yet: what begins in this process is bound as it begins.
            bound: true,
        }
    }

    /// Whether the run has begun to exist.
    pub fn exists(&self) -> bool {
        self.seq > 0
    }

    /// When the next timer is due.
    pub fn due(&self) -> Option<Time> {
        self.timers.first().map(|(at, ..)| *at)
    }

    /// Whether something is left to do at once.
    pub fn unfinished(&self) -> bool {
        !self.agenda.is_empty()
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
            Part::Root => (None, 0),
            Part::Step { parent, .. } => (Some(parent), 0),
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
            deadline_at: None,
            since: self.at,
            ended_at: None,
            inside: Vec::new(),
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
            self.get_mut(parent).inside.push(ix);
            match &mut self.get_mut(parent).kind {
                Kind::Foreach { begun, .. } | Kind::Loop { begun, .. } => *begun += 1,
                _ => {}
            }
        }
        ix
    }

    /// Forgets what is inside an instance.
    pub(super) fn drop_inside(&mut self, ix: Ix) {
        let inside = std::mem::take(&mut self.get_mut(ix).inside);
        for child in inside {
            self.drop_instance(child);
        }
        self.get_mut(ix).block = None;
    }

    /// Forgets an instance and what is inside. The parent's list is the caller's.
    pub(super) fn drop_instance(&mut self, ix: Ix) {
        self.drop_inside(ix);
        if let Some(instance) = self.slab[ix as usize].take() {
            self.by_path.remove(&instance.path);
            self.free.push(ix);
        }
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

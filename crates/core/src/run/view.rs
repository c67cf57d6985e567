//! A run as people look at it, and its row in lists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_lang::plan::{Body, Each, Plan, Production, StepIx};

use super::budget::Budget;
use super::event::StepError;
use super::reach::block_of;
use super::signals::SignalNow;
use super::state::{Instance, Ix, Kind, Phase, ROOT, RunState, Timer};
use crate::Time;
use crate::allowed::Allowed;
use crate::effect::AttemptId;
use crate::head::{Head, WaitsFor};
use crate::ids::StreamId;
use crate::limits;
use crate::path;
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::ValueRef;

/// A run at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct View {
    /// The run.
    pub run: StreamId,
    /// Its workflow.
    pub workflow: String,
    /// The revision it is pinned to.
    pub revision: String,
    /// Status.
    pub status: RunStatus,
    /// Once it has ended.
    pub outcome: Option<Outcome>,
    /// Once it has failed.
    pub error: Option<StepError>,
    /// When it was created.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Time of its last event.
    pub at: Time,
    /// The run that started it.
    pub parent: Option<StreamId>,
    /// Name of the schedule that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Number of its last event.
    pub seq: u64,
    /// Place of that event's row among all rows of the store: behind it live events go on. Put in by whoever knows it.
    #[serde(default)]
    pub position: u64,
    /// What it waits for.
    pub waits_for: Vec<WaitsFor>,
    /// Its steps, in the order of the text.
    pub steps: Vec<StepNow>,
    /// What is or was done about its steps beside their own work: undone, or asked whether it happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asides: Vec<StepNow>,
    /// Its budget, and how much of it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Signals that no wait has taken, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<SignalNow>,
    /// How many signals no wait has taken.
    #[serde(default)]
    pub signals_kept: u64,
    /// Its outputs, once it is completed. Put in by whoever can load them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// What may be done about it now, and why not; by the rights of who asks, where an operation tells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_actions: Vec<Allowed>,
}

/// A step, item or iteration at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepNow {
    /// Path of the instance.
    pub path: String,
    /// What to call it: the id, an item's key, an iteration's number.
    pub label: String,
    /// What it does: `run`, `set`, `group`, `foreach`, ...
    pub action: String,
    /// Status.
    pub status: StepStatus,
    /// Once it has ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<StepError>,
    /// When it, or its last try, began.
    pub since: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Tries so far.
    pub tries: u32,
    /// What it waits for.
    pub waits_for: Option<WaitsFor>,
    /// Its budget, and how much of it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The child run.
    pub child: Option<StreamId>,
    /// The task by which people are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<StreamId>,
    /// The document that it produces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Of a `foreach` or `loop`: how many there are, have begun, have ended.
    pub items: Option<Items>,
    /// What is inside: of items those that are under way or failed, of iterations the last one.
    pub inside: Vec<StepNow>,
}

/// Progress of a `foreach` or `loop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Items {
    /// How many there are, or are at most.
    pub total: u32,
    /// How many have begun.
    pub begun: u32,
    /// How many have ended.
    pub done: u32,
    /// How many of these failed, where they are counted: over the lines of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u32>,
}

/// Items listed per `foreach`, at most: a screen is not larger.
const ITEMS_LISTED: usize = 50;

impl RunState {
    /// The row that lists read.
    pub fn head(&self) -> Head {
        Head {
            workflow: self.workflow.clone(),
            revision: self.revision.clone(),
            project: self.project.clone(),
            status: self.status,
            outcome: self.outcome,
            open: matches!(self.status, RunStatus::Pending | RunStatus::Running)
                || (self.status == RunStatus::Paused && self.attempts_open > 0),
            waits_for: match self.status {
                RunStatus::Waiting | RunStatus::Paused => self.waits_for(),
                _ => Vec::new(),
            },
            error: self.error.as_ref().map(|error| error.message.clone()),
            parent: self.parent_run().cloned(),
            schedule: self.schedule().map(|by| by.path.clone()),
            keys: self.keys.clone(),
            starter: self.starter.clone(),
            signals_full: self.signals.is_full() && !self.status.is_end(),
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }

    /// What the run waits for, the first few.
    pub fn waits_for(&self) -> Vec<WaitsFor> {
        let paused = self.paused.as_deref().map(|paused| WaitsFor {
            kind: "resume".to_owned(),
            path: paused.at.as_deref().unwrap_or_default().to_owned(),
            since: paused.since,
            until: None,
            detail: Some(format!("paused by {}", paused.by)),
        });
        let inside = self.waiting.iter().filter_map(|ix| self.waits(*ix));
        paused.into_iter().chain(inside).take(limits::WAITS_LISTED).collect()
    }

    /// Attempts under way, as far as the journal knows.
    pub fn open_attempts(&self) -> Vec<AttemptId> {
        let open = |instance: &Instance| match instance.kind {
            Kind::Attempt { number, phase: Phase::Open | Phase::Queued | Phase::Ending(_), .. } => {
                Some(AttemptId { stream: self.id.clone(), path: instance.path.to_string(), number })
            }
            _ => None,
        };
        self.slab.iter().flatten().filter_map(open).collect()
    }

    /// Where its inputs are.
    pub fn inputs_at(&self) -> &[(String, ValueRef)] {
        &self.inputs
    }

    /// Where its outputs are, once it is completed.
    pub fn outputs_at(&self) -> Option<&ValueRef> {
        self.outputs.as_ref()
    }

    /// The run as people look at it.
    pub fn view(&mut self, plan: &Plan) -> View {
        if !self.bound {
            self.bind(plan);
            // The agenda is made with the next turn.
            self.bound = false;
        }
        let steps = match self.root() {
            Some(_) => self.block_view(plan, ROOT),
            None => plan.root.steps.iter().map(|step| self.pending(plan, "", *step)).collect(),
        };
        View {
            run: self.id.clone(),
            workflow: self.workflow.clone(),
            revision: self.revision.clone(),
            status: self.status,
            outcome: self.outcome,
            error: self.error.clone(),
            created_at: self.created_at,
            ended_at: self.ended_at,
            at: self.at,
            parent: self.parent_run().cloned(),
            schedule: self.schedule().map(|by| by.path.clone()),
            seq: self.seq,
            position: 0,
            waits_for: self.waits_for(),
            steps,
            asides: self.asides_view(plan),
            budget: self.budget(),
            signals: self.signals_now(),
            signals_kept: self.signals.count(),
            outputs: None,
            allowed_actions: self.allowed(),
        }
    }

    /// What an instance waits for, and until when: a deadline of its own or around it may come first. None from
    /// outside reaches into undo and `finally`.
    pub(super) fn waits_of(&self, ix: Ix) -> Option<WaitsFor> {
        (self.get(ix).status == StepStatus::Waiting).then(|| self.waits(ix)).flatten()
    }

    /// As [`Self::waits_of`], whatever its status says.
    fn waits(&self, ix: Ix) -> Option<WaitsFor> {
        let mut waits = waits(self.get(ix))?;
        if waits.kind != "settle" {
            let aside = path::as_aside(&self.get(ix).path).is_some();
            let reaches = |around: &Ix| *around == ix || (!aside && self.get(*around).verdict.is_none());
            let around = self.above(ix).take_while(reaches).filter(|a| self.is_armed(*a, Timer::Deadline));
            let deadlines = around.filter_map(|around| self.get(around).deadline_at);
            waits.until = waits.until.into_iter().chain(deadlines).min();
        }
        Some(waits)
    }

    fn block_view(&self, plan: &Plan, body: Ix) -> Vec<StepNow> {
        let path = &self.get(body).path;
        let one = |step: &StepIx| {
            let id = &plan.steps[*step as usize].id;
            match self.newest(body, id) {
                Some(ix) => {
                    let last = path::split(&self.get(ix).path);
                    let number = match last {
                        path::Part::Step { visit, .. } if visit > 1 => format!("{id}~{visit}"),
                        _ => id.clone(),
                    };
                    self.step_view(plan, ix, number)
                }
                None => self.pending(plan, path, *step),
            }
        };
        let block = block_of(self, plan, body);
        let steps = block.steps.iter().map(one);
        if block.production.is_none() {
            return steps.collect();
        }
        // The booking of a version is told by what came of it, and questions that nobody had to ask are none.
        let quiet = |step: &StepNow| step.task.is_none() && step.status != StepStatus::Failed;
        let inner = |at: usize| {
            at == Production::VERSION || block.production.as_ref().is_some_and(|p| p.ask == Some(at))
        };
        steps.enumerate().filter(|(at, step)| !(inner(*at) && quiet(step))).map(|(_, step)| step).collect()
    }

    fn pending(&self, plan: &Plan, around: &str, step: StepIx) -> StepNow {
        let planned = &plan.steps[step as usize];
        let status = match self.find(around) {
            // The document's block ends with its run.
            Some(ROOT) if self.status.is_end() => {
                let left_out = self.status == RunStatus::Completed && self.get(ROOT).machine.is_some();
                if left_out { StepStatus::Skipped } else { StepStatus::Cancelled }
            }
            Some(ix) => self.get(ix).never_begun(!planned.finally),
            None if self.status.is_end() => StepStatus::Cancelled,
            None => StepStatus::Pending,
        };
        StepNow {
            path: crate::path::step(around, &planned.id),
            label: planned.id.clone(),
            action: action_word(plan, step).to_owned(),
            status,
            outcome: None,
            error: None,
            since: None,
            ended_at: None,
            tries: 0,
            waits_for: None,
            budget: None,
            child: None,
            task: None,
            document: None,
            items: None,
            inside: Vec::new(),
        }
    }

    fn asides_view(&self, plan: &Plan) -> Vec<StepNow> {
        let all = (0..).zip(&self.slab).filter(|(_, instance)| {
            instance.as_ref().is_some_and(|instance| path::as_aside(&instance.path).is_some())
        });
        let mut all: Vec<Ix> = all.map(|(ix, _)| ix).collect();
        all.sort_by(|a, b| {
            let key = |ix: &Ix| (self.get(*ix).since, self.get(*ix).path.clone());
            key(a).cmp(&key(b))
        });
        let view = |ix: &Ix| {
            let mut view = self.step_view(plan, *ix, self.get(*ix).path.to_string());
            if let Some((_, what)) = path::as_aside(&view.path) {
                view.action = what.word().to_owned();
            }
            view
        };
        all.iter().map(view).collect()
    }

    fn step_view(&self, plan: &Plan, ix: Ix, label: String) -> StepNow {
        let instance = self.get(ix);
        let (items, inside) = match &instance.kind {
            Kind::Group => (None, self.block_view(plan, ix)),
            Kind::Foreach { count, begun, done, lines, .. } => {
                let shown = instance.inside.iter().copied().filter(|slot| match self.get(*slot).status {
                    StepStatus::Completed | StepStatus::Cancelled => false,
                    // Whether those of lines are still there is chance; they are counted.
                    status => lines.is_none() || !status.is_end(),
                });
                let inside = shown.take(ITEMS_LISTED).map(|slot| self.slot_view(plan, slot)).collect();
                let failed = lines.as_ref().map(|lines| lines.failed);
                (Some(Items { total: *count, begun: *begun, done: *done, failed }), inside)
            }
            Kind::Loop { max, begun, .. } => {
                let last = instance.inside.last().copied();
                let live = last.is_some_and(|slot| !self.get(slot).status.is_end());
                let done = begun.saturating_sub(u32::from(live));
                let inside = last.map(|slot| self.slot_view(plan, slot)).into_iter().collect();
                (Some(Items { total: *max, begun: *begun, done, failed: None }), inside)
            }
            _ => (None, Vec::new()),
        };
        StepNow {
            path: instance.path.to_string(),
            label,
            action: action_word(plan, instance.step).to_owned(),
            status: instance.status,
            outcome: instance.outcome,
            error: instance.error.as_deref().cloned(),
            since: Some(instance.since),
            ended_at: instance.ended_at,
            tries: instance.tries,
            waits_for: self.waits_of(ix),
            budget: instance.budget.as_deref().copied(),
            child: match &instance.kind {
                Kind::Child { run, .. } => Some(run.clone()),
                _ => None,
            },
            task: match &instance.kind {
                Kind::Task { task, .. } => Some(task.clone()),
                _ => None,
            },
            document: instance.making.as_ref().map(|making| match making.version {
                0 => making.document.to_string(),
                version => format!("{} version {version}", making.document),
            }),
            items,
            inside,
        }
    }

    fn slot_view(&self, plan: &Plan, slot: Ix) -> StepNow {
        let label = match path::split(&self.get(slot).path) {
            path::Part::Item { key, .. } => format!("[{key}]"),
            path::Part::Iteration { number, .. } => format!("#{number}"),
            _ => String::new(),
        };
        let mut view = self.step_view(plan, slot, label);
        let step = &plan.steps[self.get(slot).step as usize];
        view.action = body_word(&step.body).to_owned();
        view
    }
}

/// What an instance waits for.
fn waits(instance: &Instance) -> Option<WaitsFor> {
    let (kind, until, detail) = match &instance.kind {
        _ if instance.waits_for_place() => {
            let key = instance.place.as_ref().map(|place| format!("a place for `{}`", place.key));
            ("slot", instance.deadline_at, key)
        }
        Kind::Wait { until, timeout_at } => {
            ("timer", Some(timeout_at.map_or(*until, |t| t.min(*until))), None)
        }
        Kind::Signal { name, timeout_at, .. } => ("signal", *timeout_at, Some(name.to_string())),
        Kind::Attempt { phase: Phase::Retry(at), .. } => ("retry", Some(*at), None),
        Kind::Attempt { phase: Phase::Queued, .. } => {
            ("slot", None, Some("a place among the programs under way".to_owned()))
        }
        Kind::Attempt { phase: Phase::Parked, number, .. } => {
            ("settle", None, Some(format!("attempt {number} was lost, whether it happened is not known")))
        }
        Kind::Child { retry_at: Some(at), .. } => ("retry", Some(*at), None),
        Kind::Child { run, timeout_at, .. } => {
            // The end of one that is being ended is awaited, however long that takes.
            let until = timeout_at.filter(|_| instance.ending.is_none());
            ("child", until, Some(run.to_string()))
        }
        Kind::Task { by, due_at, .. } => {
            let who = if by.is_empty() { "nobody who may act".to_owned() } else { by.join(", ") };
            ("person", due_at.filter(|_| instance.ending.is_none()), Some(who))
        }
        _ => return None,
    };
    let since = instance.waits_since.unwrap_or(instance.since);
    let path = instance.path.to_string();
    Some(WaitsFor { kind: kind.to_owned(), path, since, until, detail })
}

fn action_word(plan: &Plan, step: StepIx) -> &'static str {
    let step = &plan.steps[step as usize];
    match &step.each {
        Some(Each::Foreach { .. }) => "foreach",
        Some(Each::Loop { .. }) => "loop",
        None => body_word(&step.body),
    }
}

fn body_word(body: &Body) -> &'static str {
    match body {
        Body::Block(_) => "group",
        Body::Action(action) => action.name,
    }
}

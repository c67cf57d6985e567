//! Runs as their events tell them: the states that the core keeps, kept once more beside the engine.
//!
//! What is shown follows from the same rules as what happens, for it is the same code: events are booked by
//! the core's own `apply`, and the picture is its own view.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::Value;
use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::head::Head;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::run::{Event, Items, RunState, View};
use stead_core::status::RunStatus;
use stead_engine::operations::EventRow;
use stead_lang::plan::Plan;

use crate::error::CliError;
use crate::face::State;

/// The runs that are watched, and their child runs.
#[derive(Default)]
pub struct Picture {
    /// Those that were asked for.
    pub roots: Vec<StreamId>,
    runs: BTreeMap<StreamId, Watched>,
    /// Only steps that run, wait or failed are shown.
    pub compact: bool,
}

struct Watched {
    state: RunState,
    plan: Option<Arc<Plan>>,
    /// What stands before its steps' paths in a list of several runs.
    prefix: String,
    /// Errors of tries that others follow, by path.
    trouble: HashMap<String, String>,
    /// When what is under way began, by path.
    since: HashMap<String, Time>,
    /// Child runs it has started.
    children: Vec<StreamId>,
    /// It is the run of a row, or inside of it.
    in_row: bool,
}

/// Something that happened in a watched run.
#[derive(Debug)]
pub struct Happened {
    /// As it is told.
    pub row: EventRow,
    /// As the core reads it.
    pub event: Event,
    /// How long what ended by it took.
    pub took: Option<i64>,
    /// What stands before the path.
    pub prefix: String,
    /// The run was asked for: it is no child.
    pub root: bool,
    /// It is about one of many rows, or happened inside of it.
    pub in_row: bool,
    /// By it a row has ended: how far all of them are, and where.
    pub rows: Option<(String, Items)>,
}

impl Picture {
    /// Watches a run from its first event on.
    pub fn watch(&mut self, run: &StreamId, plan: Option<Arc<Plan>>) {
        self.roots.push(run.clone());
        self.insert(run, plan, String::new(), false);
    }

    /// From here on several runs are told apart by their ids.
    pub fn tell_apart(&mut self) {
        if self.roots.len() > 1 {
            for root in &self.roots {
                if let Some(watched) = self.runs.get_mut(root) {
                    watched.prefix = format!("{root}:");
                }
            }
        }
    }

    fn insert(&mut self, run: &StreamId, plan: Option<Arc<Plan>>, prefix: String, in_row: bool) {
        // The core binds a state to its plan each time somebody looks at it.
        let state = RunState::new(run.clone()).replayed();
        let (trouble, since, children) = (HashMap::new(), HashMap::new(), Vec::new());
        self.runs.insert(run.clone(), Watched { state, plan, prefix, trouble, since, children, in_row });
    }

    /// Books events of one run, numbered from `seq`. What is known already and runs that are not watched are
    /// passed over.
    ///
    /// # Errors
    /// When an event cannot be read.
    pub fn book(
        &mut self,
        run: &StreamId,
        position: u64,
        seq: u64,
        at: Time,
        events: Vec<Value>,
    ) -> Result<Vec<Happened>, CliError> {
        let mut happened = Vec::new();
        if run.kind() != StreamKind::Run {
            return Ok(happened);
        }
        for (seq, value) in (seq..).zip(events) {
            let event = Event::deserialize(&value).map_err(|e| {
                CliError::machine(format!("event {seq} of {run} cannot be read by this version: {e}"))
            })?;
            if !self.runs.contains_key(run) && !self.adopt(run, &event) {
                return Ok(happened);
            }
            let root = self.roots.contains(run);
            let Some(watched) = self.runs.get_mut(run) else { return Ok(happened) };
            if seq <= watched.state.seq {
                continue;
            }
            watched.state.apply(&event, at);
            let took = watched.note(&event, at);
            let row = EventRow { position, run: run.clone(), seq, at, event: value };
            let line = event.path().and_then(|path| watched.state.line_of(path));
            let line = line.map(|(holder, over)| (holder.to_owned(), over));
            let in_row = watched.in_row || line.is_some();
            let child = match &event {
                Event::ChildEnded { path, retry_at: None, .. } if line.is_some() => {
                    watched.state.child_at(path)
                }
                _ => None,
            };
            let over = line.filter(|(_, over)| *over);
            let rows = over.map(|(at, _)| (watched.state.items_at(&at).unwrap_or_default(), at));
            let rows = rows.map(|(items, at)| (at, items));
            // There may be a million of them: what is over is forgotten, as the engine does.
            watched.state.forget_completed_line(&event);
            let prefix = watched.prefix.clone();
            if let Some(child) = child {
                watched.children.retain(|known| *known != child);
                self.forget(&child);
            }
            happened.push(Happened { row, event, took, prefix, root, in_row, rows });
        }
        if let Some(watched) = self.runs.get_mut(run) {
            watched.state.settle_status();
        }
        Ok(happened)
    }

    /// Forgets a run that is over, and those that it has started.
    fn forget(&mut self, run: &StreamId) {
        let Some(watched) = self.runs.remove(run) else { return };
        for child in watched.children {
            self.forget(&child);
        }
    }

    /// A run that a watched one has started is watched too.
    fn adopt(&mut self, run: &StreamId, event: &Event) -> bool {
        let Event::RunCreated { parent: Some(parent), .. } = event else { return false };
        let Some(above) = self.runs.get(&parent.run) else { return false };
        let prefix = format!("{}{}:", above.prefix, parent.path);
        let in_row = above.in_row || above.state.line_of(&parent.path).is_some();
        self.insert(run, None, prefix, in_row);
        true
    }

    /// The run as people look at it. Nothing where its plan is not at hand.
    pub fn view(&mut self, run: &StreamId) -> Option<View> {
        let watched = self.runs.get_mut(run)?;
        let plan = watched.plan.clone()?;
        Some(watched.state.view(&plan))
    }

    /// The row of a run in a list.
    pub fn head(&self, run: &StreamId) -> Option<Head> {
        self.runs.get(run).map(|watched| watched.state.head())
    }

    /// Number of the last event of a run that is in the picture.
    pub fn seq(&self, run: &StreamId) -> u64 {
        self.runs.get(run).map_or(0, |watched| watched.state.seq)
    }

    /// Whether events before this one are not in the picture. Of a run that is not watched nothing is missed.
    pub fn misses(&self, run: &StreamId, seq: u64) -> bool {
        self.runs.get(run).is_some_and(|watched| seq > watched.state.seq + 1)
    }

    /// Child runs that a run has started and that have not ended.
    pub fn children(&self, run: &StreamId) -> Vec<StreamId> {
        let Some(watched) = self.runs.get(run) else { return Vec::new() };
        let open = |child: &&StreamId| !self.status(child).is_end();
        watched.children.iter().filter(open).cloned().collect()
    }

    /// Status of a run.
    pub fn status(&self, run: &StreamId) -> RunStatus {
        self.runs.get(run).map_or(RunStatus::Pending, |watched| watched.state.status)
    }

    /// Steps of a run that have completed so far.
    pub fn completed(&self, run: &StreamId) -> u64 {
        self.runs.get(run).map_or(0, |watched| watched.state.completed)
    }

    /// The state of a run, as it is shown.
    pub fn state(&self, run: &StreamId) -> State {
        self.runs.get(run).map_or(State::Pending, |watched| {
            let person = watched.state.waits_for().iter().any(crate::tree::for_a_person);
            State::of_run(watched.state.status, watched.state.outcome, person)
        })
    }

    /// Why the last try of a step failed, where another one follows.
    pub fn trouble(&self, run: &StreamId, path: &str) -> Option<String> {
        self.runs.get(run)?.trouble.get(path).cloned()
    }

    /// Attempts under way in a run.
    pub fn attempts(&self, run: &StreamId) -> Vec<AttemptId> {
        self.runs.get(run).map(|watched| watched.state.open_attempts()).unwrap_or_default()
    }

    /// Whether all runs that were asked for have ended.
    pub fn all_ended(&self) -> bool {
        self.roots.iter().all(|run| self.status(run).is_end())
    }

    /// Whether nothing happens in a run, or below it, until somebody comes or a time has passed. A retry
    /// that is due does not count: it is a part of the work.
    pub fn rests(&self, run: &StreamId) -> bool {
        let Some(watched) = self.runs.get(run) else { return false };
        let waits = watched.state.waits_for();
        let rests = |kind: &str, detail: Option<&str>| match kind {
            "retry" => false,
            "child" => detail.is_some_and(|child| self.rests(&StreamId::new(child))),
            _ => true,
        };
        if watched.state.status == RunStatus::Paused {
            return watched.state.attempts_open == 0;
        }
        watched.state.status == RunStatus::Waiting
            && !waits.is_empty()
            && waits.iter().all(|waits| rests(&waits.kind, waits.detail.as_deref()))
    }

    /// Whether only people can bring a run on.
    pub fn needs_people(&self, run: &StreamId) -> bool {
        let Some(watched) = self.runs.get(run) else { return false };
        let waits = watched.state.waits_for();
        let people = |waits: &stead_core::head::WaitsFor| match &waits.detail {
            Some(child) if waits.kind == "child" => self.needs_people(&StreamId::new(child)),
            _ => crate::tree::for_a_person(waits),
        };
        let paused = watched.state.status == RunStatus::Paused;
        self.rests(run) && (paused || waits.iter().all(people))
    }
}

impl Watched {
    /// Keeps what the state does not: when things began, and why tries failed. Gives back how long what
    /// ended by this event took.
    fn note(&mut self, event: &Event, at: Time) -> Option<i64> {
        match event {
            Event::RunStarted { .. } => {
                self.since.insert(String::new(), at);
                None
            }
            Event::RunCompleted { .. } | Event::RunFailed { .. } | Event::RunCancelled => {
                self.since.get("").map(|since| at - since)
            }
            Event::GroupStarted { path, .. }
            | Event::ForeachStarted { path, .. }
            | Event::LoopStarted { path, .. }
            | Event::WaitStarted { path, .. }
            | Event::AttemptStarted { path, .. } => {
                self.since.insert(path.clone(), at);
                None
            }
            Event::ChildStarted { path, run, .. } => {
                self.since.insert(path.clone(), at);
                self.children.push(run.clone());
                None
            }
            Event::AttemptEnded { path, error: Some(error), retry_at: Some(_), .. }
            | Event::ChildEnded { path, error: Some(error), retry_at: Some(_), .. } => {
                self.trouble.insert(path.clone(), error.message.clone());
                self.since.get(path).map(|since| at - since)
            }
            Event::AttemptEnded { path, .. }
            | Event::ChildEnded { path, .. }
            | Event::AttemptSettled { path, .. }
            | Event::StepCompleted { path, .. }
            | Event::StepFailed { path, .. }
            | Event::StepCancelled { path } => {
                self.trouble.remove(path);
                if path.is_empty() {
                    return None;
                }
                self.since.remove(path).map(|since| at - since)
            }
            _ => None,
        }
    }
}

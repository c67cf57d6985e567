//! The state as a cache of the journal.
//!
//! A snapshot has a format number; one with another number is dropped by the reader and made again from the
//! journal. What is derived (timers, places by path, counters of blocks) is not in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::apply::armed;
use super::documents::Documents;
use super::event::{Breaks, Parent, StepError};
use super::places::Held;
use super::signals::{self, Signals};
use super::state::{Before, Instance, Ix, Paused, RunState, Timer, Undo};
use crate::Time;
use crate::ids::StreamId;
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::ValueRef;

/// Number of the format of snapshots. Raised with every change of what is stored.
pub const SNAPSHOT_FORMAT: u32 = 8;

/// A snapshot that cannot be read. It is dropped, the journal has all.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is no snapshot of this format.
    #[error("the snapshot cannot be read: {0}")]
    Format(#[from] serde_json::Error),
    /// Its parts contradict each other.
    #[error("the snapshot does not hold together: {0}")]
    Inside(String),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    id: StreamId,
    status: RunStatus,
    outcome: Option<Outcome>,
    error: Option<StepError>,
    workflow: String,
    revision: String,
    #[serde(default)]
    top_run: Option<StreamId>,
    #[serde(default)]
    starter: String,
    project: String,
    folder: String,
    parent: Option<Parent>,
    depth: u32,
    created_at: Time,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    seq: u64,
    at: Time,
    outputs: Option<ValueRef>,
    attempts_open: u32,
    attempts: u64,
    completed: u64,
    inputs: Vec<(String, ValueRef)>,
    vars: Vec<(String, ValueRef)>,
    deadline_at: Option<Time>,
    cancel: bool,
    force: bool,
    finishing: bool,
    undo: Vec<Undo>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    documents: Documents,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    before: BTreeMap<Box<str>, Before>,
    paused: Option<Box<Paused>>,
    breaks: Breaks,
    passed: Option<Box<str>>,
    keys: Vec<(String, String)>,
    signals: signals::Stored,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    deciders: BTreeMap<Box<str>, Vec<Box<str>>>,
    share: Option<u32>,
    within: Vec<Held>,
    slab: Vec<Option<Instance>>,
}

impl RunState {
    /// The state as bytes.
    ///
    /// # Errors
    /// None that can be caused: the state is plain data.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let stored = Stored {
            id: self.id.clone(),
            status: self.status,
            outcome: self.outcome,
            error: self.error.clone(),
            workflow: self.workflow.clone(),
            revision: self.revision.clone(),
            top_run: self.top_run.clone(),
            starter: self.starter.clone(),
            project: self.project.clone(),
            folder: self.folder.clone(),
            parent: self.parent.clone(),
            depth: self.depth,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            seq: self.seq,
            at: self.at,
            outputs: self.outputs.clone(),
            attempts_open: self.attempts_open,
            attempts: self.attempts,
            completed: self.completed,
            inputs: self.inputs.clone(),
            vars: self.vars.clone(),
            deadline_at: self.deadline_at,
            cancel: self.cancel,
            force: self.force,
            undo: self.undo.clone(),
            documents: self.documents.clone(),
            before: self.before.clone(),
            paused: self.paused.clone(),
            breaks: self.breaks.clone(),
            passed: self.passed.clone(),
            keys: self.keys.clone(),
            signals: self.signals.stored(),
            deciders: self.deciders.clone(),
            share: self.share,
            within: self.within.clone(),
            finishing: self.finishing,
            slab: self.slab.clone(),
        };
        Ok(serde_json::to_vec(&stored)?)
    }

    /// The state from bytes of [`SNAPSHOT_FORMAT`].
    ///
    /// # Errors
    /// When the bytes are no such snapshot.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let mut state = RunState::new(stored.id);
        state.status = stored.status;
        state.outcome = stored.outcome;
        state.error = stored.error;
        state.workflow = stored.workflow;
        state.revision = stored.revision;
        state.top_run = stored.top_run;
        state.starter = stored.starter;
        state.project = stored.project;
        state.folder = stored.folder;
        state.parent = stored.parent;
        state.depth = stored.depth;
        state.created_at = stored.created_at;
        state.started_at = stored.started_at;
        state.ended_at = stored.ended_at;
        state.seq = stored.seq;
        state.at = stored.at;
        state.outputs = stored.outputs;
        state.attempts_open = stored.attempts_open;
        state.attempts = stored.attempts;
        state.completed = stored.completed;
        state.inputs = stored.inputs;
        state.vars = stored.vars;
        state.deadline_at = stored.deadline_at;
        state.cancel = stored.cancel;
        state.force = stored.force;
        state.undo = stored.undo;
        state.documents = stored.documents;
        state.before = stored.before;
        state.paused = stored.paused;
        state.breaks = stored.breaks;
        state.passed = stored.passed;
        state.keys = stored.keys;
        state.signals = Signals::of_stored(stored.signals);
        state.deciders = stored.deciders;
        state.share = stored.share;
        state.within = stored.within;
        state.finishing = stored.finishing;
        state.slab = stored.slab;
        state.index();
        state.bound = false;
        state.holds_together().map_err(SnapshotError::Inside)?;
        Ok(state)
    }

    /// The state as its journal has it, before the plan is at hand again.
    pub fn replayed(mut self) -> Self {
        self.bound = false;
        self
    }

    /// Makes again what is derived from the instances.
    fn index(&mut self) {
        for ix in 0..Ix::try_from(self.slab.len()).unwrap_or(Ix::MAX) {
            let Some(instance) = &self.slab[ix as usize] else {
                self.free.push(ix);
                continue;
            };
            self.by_path.insert(instance.path.clone(), ix);
            self.budgeted |= instance.budget.is_some();
            self.places += u32::from(instance.place.is_some());
            self.gates.extend(instance.is_gate().then_some(ix));
            if self.status.is_end() || instance.status.is_end() {
                continue;
            }
            if instance.status == StepStatus::Waiting {
                self.waiting.insert(ix);
            }
            let open = instance.ending.is_none() && instance.verdict.is_none();
            let deadline = instance.deadline_at.filter(|_| open);
            let deadline = deadline.map(|at| (at, Timer::Deadline));
            let timers: Vec<_> = armed(instance).chain(deadline).map(|(at, timer)| (at, ix, timer)).collect();
            self.timers.extend(timers);
            self.note_wait(ix);
        }
    }
}

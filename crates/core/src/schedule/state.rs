//! How a schedule stands.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::words::{Cause, Next, OpenRun, Past, SkipWhy, Spec, What};
use crate::Time;
use crate::ids::StreamId;
use crate::limits;

/// Number of the format of snapshots. Raised with every change of what is stored.
pub const SCHEDULE_SNAPSHOT_FORMAT: u32 = 2;

/// What a schedule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ScheduleStatus")]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It starts nothing and is in no list.
    #[default]
    Off,
    /// It starts runs.
    On,
    /// It starts none for now.
    Paused {
        /// Until then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    /// Whose runs they are may not start them any more: it starts none until somebody turns it on again.
    Halted,
}

/// All there is to know of a schedule between two turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Its id.
    pub id: StreamId,
    /// What it is; nothing before it was first turned on.
    pub spec: Option<Box<Spec>>,
    /// What it does.
    pub status: Status,
    /// Number of the last event.
    pub seq: u64,
    /// Time of the last event; never goes back.
    pub at: Time,
    /// When it was last turned on.
    pub since: Time,
    /// The next instant.
    pub next: Option<Next>,
    /// What waits for the run before it.
    pub queue: VecDeque<Cause>,
    /// Runs that have not ended.
    pub open: BTreeMap<StreamId, OpenRun>,
    /// What is over, the newest last: the last few.
    pub history: VecDeque<Past>,
    /// Runs that were started.
    pub started: u64,
    /// Instants that were left out.
    pub skipped: u64,
    /// The last instant that somebody wanted to be left out: whatever happens before it, it does not come back.
    #[serde(default)]
    pub left_out: Time,
    /// Instants that passed while nothing ran, and did not count.
    pub missed: u64,
    /// Runs that somebody asked for.
    pub asked: u64,
    /// Why it starts none any more, where it was not turned off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
    /// Requests that were taken, and when, as long as they may come again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, Time>,
}

impl ScheduleState {
    /// A schedule of which nothing is known yet.
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            spec: None,
            status: Status::Off,
            seq: 0,
            at: 0,
            since: 0,
            next: None,
            queue: VecDeque::new(),
            open: BTreeMap::new(),
            history: VecDeque::new(),
            started: 0,
            skipped: 0,
            left_out: 0,
            missed: 0,
            asked: 0,
            halted: None,
            seen: BTreeMap::new(),
        }
    }

    /// Whether there is something to wait for: it is listed, and loaded when an engine starts.
    pub fn in_use(&self) -> bool {
        self.status != Status::Off || !self.open.is_empty()
    }

    /// When it is to be given the time.
    pub fn due(&self) -> Option<Time> {
        match self.status {
            Status::Off | Status::Halted => None,
            Status::On => self.next.map(|next| next.due),
            Status::Paused { until } => until,
        }
    }

    /// Books an event that happened at `at`.
    pub fn apply(&mut self, event: &Event, at: Time) {
        self.seq += 1;
        self.at = self.at.max(at);
        match event {
            Event::TurnedOn { spec } => {
                if self.spec.as_ref().is_some_and(|before| before.on != spec.on) {
                    // It was left out of another rule.
                    self.left_out = 0;
                }
                self.spec = Some(spec.clone());
                self.status = Status::On;
                self.halted = None;
                self.since = self.at;
                self.next = None;
            }
            Event::TurnedOff { .. } => {
                self.status = Status::Off;
                self.halted = None;
                self.next = None;
                self.queue.clear();
            }
            Event::Halted { why } => {
                self.status = Status::Halted;
                self.halted = Some(why.clone());
            }
            Event::Paused { until, .. } => self.status = Status::Paused { until: *until },
            Event::Resumed { .. } => self.status = Status::On,
            Event::NextSet { next } => self.next = *next,
            Event::Queued { cause } => self.queue.push_back(cause.clone()),
            Event::BackfillAsked { instants, .. } => {
                self.queue.extend(instants.iter().map(|instant| Cause::Backfill { instant: *instant }));
            }
            Event::Skipped { cause, why } => {
                self.unqueue(cause);
                self.skipped += 1;
                if let SkipWhy::Asked { .. } = why {
                    self.left_out = self.left_out.max(cause.instant());
                }
                self.remember(What::Skipped { cause: cause.clone(), why: why.clone() });
            }
            Event::TimesMissed { first, last, count, more } => {
                self.missed += count;
                let (first, last, count, more) = (*first, *last, *count, *more);
                self.remember(What::Missed { first, last, count, more });
            }
            Event::RunStarted { run, cause } => {
                self.unqueue(cause);
                self.started += 1;
                match cause {
                    Cause::Now { .. } => self.asked += 1,
                    Cause::Delivery { id, at } => self.saw(id, *at),
                    _ => {}
                }
                let open = OpenRun { cause: cause.clone(), since: self.at, cancelled: false };
                self.open.insert(run.clone(), open);
            }
            Event::NotStarted { cause, why } => {
                self.unqueue(cause);
                // A request is not remembered: what comes again has no run either, or the first one.
                if let Cause::Now { .. } = cause {
                    self.asked += 1;
                }
                self.remember(What::NotStarted { cause: cause.clone(), why: why.clone() });
            }
            Event::RunCancelled { run } => {
                if let Some(open) = self.open.get_mut(run) {
                    open.cancelled = true;
                }
            }
            Event::RunEnded { run, status, outcome } => {
                if let Some(OpenRun { cause, .. }) = self.open.remove(run) {
                    let (run, status, outcome) = (run.clone(), *status, *outcome);
                    self.remember(What::Ran { run, cause, status, outcome });
                }
            }
        }
    }

    fn unqueue(&mut self, cause: &Cause) {
        if let Some(at) = self.queue.iter().position(|queued| queued == cause) {
            self.queue.remove(at);
        }
    }

    /// How many requests may come again, as long as that is to be counted.
    pub(super) fn remembered(&self, at: Time) -> usize {
        if self.seen.len() < limits::HOOK_IDS {
            return self.seen.len();
        }
        let oldest = at.saturating_sub(limits::DELIVERY_MILLIS);
        self.seen.values().filter(|seen| **seen >= oldest).count()
    }

    fn saw(&mut self, id: &str, at: Time) {
        let oldest = self.at.saturating_sub(limits::DELIVERY_MILLIS);
        self.seen.retain(|_, seen| *seen >= oldest);
        self.seen.insert(id.to_owned(), at);
    }

    fn remember(&mut self, what: What) {
        self.history.push_back(Past { at: self.at, what });
        if self.history.len() > limits::SCHEDULE_HISTORY {
            self.history.pop_front();
        }
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// None that can be caused: the state is plain data.
    pub fn snapshot(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The state from bytes of [`SCHEDULE_SNAPSHOT_FORMAT`].
    ///
    /// # Errors
    /// When the bytes are no such snapshot.
    pub fn from_snapshot(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}

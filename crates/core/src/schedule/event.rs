//! Events of a schedule.

use serde::{Deserialize, Serialize};

use super::words::{Cause, Next, SkipWhy, Spec};
use crate::Time;
use crate::ids::StreamId;
use crate::status::{Outcome, RunStatus};

/// What happened to a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each event")]
pub enum Event {
    /// Somebody has turned it on, or anew with what it says from here on.
    TurnedOn { spec: Box<Spec> },
    /// Somebody has turned it off: what waited is dropped, runs under way go on.
    TurnedOff { by: String },
    /// Nothing starts by itself until somebody lets it go on, or until then.
    Paused {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    /// It goes on; nobody said so: its time had come.
    Resumed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Whose runs they are may not start them any more: it starts none until it is turned on again.
    Halted { why: String },
    /// This instant is next; none: no further one comes.
    NextSet { next: Option<Next> },
    /// An instant waits for the run before it.
    Queued { cause: Cause },
    /// Somebody wants the instants of a time that has passed; these wait.
    BackfillAsked { by: String, from: Time, to: Time, instants: Vec<Time> },
    /// An instant is left out.
    Skipped { cause: Cause, why: SkipWhy },
    /// Instants that passed while nothing ran do not count.
    TimesMissed {
        first: Time,
        last: Time,
        count: u64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// A run is started.
    RunStarted { run: StreamId, cause: Cause },
    /// No run could be started: why.
    NotStarted { cause: Cause, why: String },
    /// A run is told to end, so that the next can start.
    RunCancelled { run: StreamId },
    /// A run has ended.
    RunEnded { run: StreamId, status: RunStatus, outcome: Outcome },
}

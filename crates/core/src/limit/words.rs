//! What runs and limits say to each other.

use serde::{Deserialize, Serialize};
use stead_lang::plan::OnFull;

use crate::ids::StreamId;
use crate::message::Message;

/// One asking for a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AskId {
    /// The run that asks.
    pub run: StreamId,
    /// Number of its event that asks.
    pub number: u64,
}

/// What follows for whoever asks where no place is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// It waits.
    #[default]
    Queue,
    /// It waits, and the oldest that has a place or waits for one is cancelled.
    CancelOld,
    /// It is refused.
    Refuse,
}

impl From<OnFull> for WhenFull {
    fn from(on_full: OnFull) -> Self {
        match on_full {
            OnFull::Queue => WhenFull::Queue,
            OnFull::CancelOld => WhenFull::CancelOld,
            OnFull::Refuse => WhenFull::Refuse,
        }
    }
}

/// Who asks, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Which asking.
    #[serde(flatten)]
    pub id: AskId,
    /// The step instance that asks; empty for the run itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The run's workflow.
    pub workflow: String,
    /// What follows without a free place.
    #[serde(default)]
    pub on_full: WhenFull,
    /// Askings for the same key that this one is inside of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<AskId>,
}

/// What a run says to a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each message")]
pub enum ToLimit {
    /// It wants a place for this key; there are to be so many.
    AskPlace { project: String, key: String, max: u32, ask: Ask },
    /// It has ended, or wants its place no more. Whether it had one does not matter.
    GiveBack { ask: AskId },
}

/// What a limit says to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "`path` and `number` are those of the asking")]
pub enum ToRun {
    /// It has a place.
    PlaceGranted { path: String, number: u64 },
    /// It gets none. Why, for people.
    PlaceRefused { path: String, number: u64, why: String },
    /// Somebody else is to have it.
    PlaceRevoked { path: String, number: u64, by: StreamId },
}

impl ToLimit {
    /// Reads what a message says.
    pub fn of(message: &Message) -> Option<Self> {
        serde_json::from_value(message.body.clone()).ok()
    }
}

impl ToRun {
    /// Reads what a message says.
    pub fn of(message: &Message) -> Option<Self> {
        serde_json::from_value(message.body.clone()).ok()
    }
}

//! Events of a task.

use serde::{Deserialize, Serialize};

use super::words::{Asked, Ended};
use crate::Time;
use crate::value::Payload;

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each event")]
pub enum Event {
    /// A run asks.
    TaskOpened { asked: Box<Asked> },
    /// Somebody works on it, until then or until more is heard of them.
    TaskClaimed { by: String, until: Time },
    /// Nobody has it any more.
    TaskReleased { by: String, why: Released },
    /// Somebody has given their part to somebody else.
    TaskDelegated { by: String, to: String },
    /// Somebody does not want to act on it.
    TaskSkipped { by: String, reason: String },
    /// Somebody has decided, on what is named by `version`.
    TaskDecided {
        by: String,
        accept: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form: Option<Payload>,
        version: String,
    },
    /// Somebody has answered.
    TaskAnswered {
        by: String,
        answers: Payload,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        version: String,
    },
    /// Those who may act are to be reminded.
    TaskReminded { number: u32 },
    /// These may act as well.
    TaskEscalated { to: Vec<String> },
    /// It is over.
    TaskEnded { ended: Ended },
}

/// Why a task is nobody's any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Released {
    /// Whoever had it gave it back.
    GivenBack,
    /// Nothing was heard of them for too long.
    LeaseOver,
    /// They are not among the people any more.
    Taken,
}

pub(super) const SHOWN: &str = "/asked/shown/value";
pub(super) const FORM: &str = "/asked/form/value";
pub(super) const QUESTIONS: &str = "/asked/questions/value";
pub(super) const HANDED: &str = "/form/value";
pub(super) const ANSWERS: &str = "/answers/value";

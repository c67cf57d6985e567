//! What is said on the socket.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_lang::Diagnostic;
use stead_store::library::Refusal;
use stead_store::{Position, StoreError};

use crate::blame::Blame;
use crate::error::EngineError;
use crate::lent::Environment;
use crate::operations::{Answer, EngineNow, Operation};
use crate::people::Caller;

/// Number of the protocol: what stands in this file. Raised when it changes.
pub const PROTOCOL: u32 = 3;

/// Release of this program. Operations, answers and events belong to a release, so both ends have to be of one.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first word of either end, the client's first. This shape stays in all protocols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) version: String,
    pub(crate) pid: u32,
    /// Why the engine does not talk with this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

impl Hello {
    pub(crate) fn ours() -> Self {
        Self { protocol: PROTOCOL, version: VERSION.to_owned(), pid: std::process::id(), refused: None }
    }

    /// Whether both ends understand each other.
    pub(crate) fn fits(&self) -> bool {
        self.protocol == PROTOCOL && self.version == VERSION
    }
}

/// What a client asks for. One at a time; each is answered by one [`Reply`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one at a time on a stack, and the large one is the usual one")]
pub(crate) enum Call<'a> {
    /// Perform an operation. `id` names this wish: asked `again`, because the answer to the first time was lost, it
    /// is not performed a second time.
    Ask {
        id: Cow<'a, str>,
        again: bool,
        operation: Cow<'a, Operation>,
        #[serde(default)]
        caller: Caller,
    },
    /// Programs of this run, and of its child runs, see this environment and these secrets.
    Lend { run: StreamId, environment: Cow<'a, Environment> },
    /// From here on, tell what is written: of these runs and those they start; of all, when none is named. From
    /// behind a position, or from now on. The connection is not asked anything else then.
    Follow {
        runs: Vec<StreamId>,
        after: Option<Position>,
        #[serde(default)]
        caller: Caller,
    },
}

/// What becomes of a [`Call`]. An engine that is leaving gives none and closes the connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    Answer { answer: Answer },
    Fault { fault: Fault },
    Lent,
    Following,
}

/// What is told of what was written. The variant stands outside: events are passed on as they are, and what has to
/// look for a tag first reads all of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told<'a> {
    /// The events of a turn, as they stand in the journal.
    Written { run: StreamId, position: Position, seq: u64, at: Time, events: Cow<'a, RawValue> },
    /// What the engine is doing, every second: it is there.
    Now { engine: EngineNow },
}

/// An error as it is told to another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub(crate) enum Fault {
    NoRun {
        id: String,
    },
    Ambiguous {
        id: String,
        found: Vec<String>,
    },
    Refused {
        id: String,
        why: String,
    },
    Invalid {
        diagnostics: Vec<Diagnostic>,
    },
    NotTaken {
        why: String,
    },
    TooLong,
    /// Of the library: what it says is looked into.
    Library {
        refusal: Refusal,
    },
    Other {
        code: String,
        message: String,
        help: Option<String>,
        blame: Blame,
    },
}

impl Fault {
    pub(crate) fn of(error: &EngineError) -> Self {
        match error {
            EngineError::NoRun { id } => Self::NoRun { id: id.clone() },
            EngineError::Ambiguous { id, found } => Self::Ambiguous { id: id.clone(), found: found.clone() },
            EngineError::Refused { id, why } => Self::Refused { id: id.clone(), why: why.clone() },
            EngineError::Invalid { diagnostics } => Self::Invalid { diagnostics: diagnostics.clone() },
            EngineError::NotTaken { why } => Self::NotTaken { why: why.clone() },
            EngineError::Store(StoreError::Library(refusal)) => Self::Library { refusal: refusal.clone() },
            other => {
                let (code, help, blame) = (other.code().to_owned(), other.help(), other.blame());
                Self::Other { code, message: other.to_string(), help, blame }
            }
        }
    }
}

impl From<Fault> for EngineError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoRun { id } => Self::NoRun { id },
            Fault::Ambiguous { id, found } => Self::Ambiguous { id, found },
            Fault::Refused { id, why } => Self::Refused { id, why },
            Fault::Invalid { diagnostics } => Self::Invalid { diagnostics },
            Fault::NotTaken { why } => Self::NotTaken { why },
            Fault::TooLong => Self::NotTaken { why: "the answer is too long to be sent".to_owned() },
            Fault::Library { refusal } => Self::Store(refusal.into()),
            Fault::Other { code, message, help, blame } => Self::Told { code, message, help, blame },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_passed_on_as_they_are() {
        let text = r#"[{"type":"x",  "a":1.0}]"#;
        let events = Cow::Owned(RawValue::from_string(text.to_owned()).unwrap());
        let told = Told::Written { run: StreamId::new("r_1"), position: 1, seq: 2, at: 3, events };
        let bytes = serde_json::to_vec(&told).unwrap();
        let Told::Written { run, events, .. } = serde_json::from_slice(&bytes).unwrap() else { panic!() };
        assert_eq!((run.as_str(), events.get()), ("r_1", text));
    }
}

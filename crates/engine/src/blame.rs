//! Whose an error is: what a script sees of it, wherever it came from.

use serde::{Deserialize, Serialize};
use stead_core::people;
use stead_store::StoreError;
use stead_store::library::Refusal;

use crate::access::AccessError;
use crate::error::EngineError;

/// Whose an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// What was asked for cannot be: a name, a definition, an input is wrong.
    Asked,
    /// It does not fit how things stand, or who asks may not.
    Standing,
    /// The home or its engine cannot be used, or failed.
    Engine,
}

impl EngineError {
    /// Whose it is.
    pub fn blame(&self) -> Blame {
        match self {
            EngineError::Told { blame, .. } => *blame,
            EngineError::Remote(error) => error.blame(),
            EngineError::Store(StoreError::Library(refusal)) => match refusal {
                Refusal::Unknown { .. } | Refusal::NoRevision { .. } => Blame::Asked,
                _ => Blame::Standing,
            },
            EngineError::Access(
                AccessError::Name { .. }
                | AccessError::Role { .. }
                | AccessError::Past
                | AccessError::NoPlace
                | AccessError::Password { .. }
                | AccessError::NoToken { .. },
            )
            | EngineError::Library(_)
            | EngineError::Schedule(_)
            | EngineError::Invalid { .. }
            | EngineError::NoRun { .. }
            | EngineError::NoTask { .. }
            | EngineError::NoDocument { .. }
            | EngineError::NoLog { .. }
            | EngineError::NoFile { .. }
            | EngineError::UploadName { .. }
            | EngineError::LogPattern { .. }
            | EngineError::FormMisfit { .. }
            | EngineError::Ambiguous { .. }
            | EngineError::Project { .. }
            | EngineError::NobodyFound { .. }
            | EngineError::NoNotification { failed: false, .. }
            | EngineError::Settings { .. }
            | EngineError::TooManyFound { .. } => Blame::Asked,
            EngineError::Store(StoreError::People(refusal)) => match refusal {
                people::Refusal::Unknown { .. }
                | people::Refusal::UnknownGroup { .. }
                | people::Refusal::Name { .. } => Blame::Asked,
                _ => Blame::Standing,
            },
            EngineError::Refused { .. }
            | EngineError::UploadsMany { .. }
            | EngineError::NoNotification { .. }
            | EngineError::Access(_)
            | EngineError::People(_)
            | EngineError::Store(
                StoreError::DraftChanged { .. }
                | StoreError::DraftLate { .. }
                | StoreError::DraftsMany { .. }
                | StoreError::KeyTaken { .. }
                | StoreError::KeysMany { .. },
            ) => Blame::Standing,
            _ => Blame::Engine,
        }
    }
}

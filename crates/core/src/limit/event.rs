//! Events of a limit.

use serde::{Deserialize, Serialize};

use super::words::{Ask, AskId};
use crate::ids::StreamId;

/// What happened to the places of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each event")]
pub enum Event {
    /// Somebody asked for the first time: whose places these are.
    LimitOpened { project: String, key: String },
    /// There are so many places from here on.
    PlacesChanged { max: u32 },
    /// Somebody asked, and waits unless it is granted at once.
    PlaceAsked { ask: Ask },
    /// It has a place.
    PlaceGranted { ask: AskId },
    /// It was told that there is none.
    PlaceRefused { ask: AskId },
    /// It is to be cancelled, so that `by` gets its place.
    PlaceRevoked { ask: AskId, by: StreamId },
    /// It has no place any more, and wants none.
    PlaceLeft { ask: AskId, why: Left },
}

/// Why somebody does not have, or want, a place any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// It gave it back.
    GaveBack,
    /// It stopped waiting.
    Withdrew,
    /// Its run is not there any more.
    Lost,
    /// Somebody took it from a run that cannot give it back.
    Freed(String),
}

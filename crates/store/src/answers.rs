//! What was answered to requests that had a key of their own (`Idempotency-Key`), so that one that comes again is not
//! performed again.
//!
//! A key is noted before its request is performed and its answer is kept afterwards. Who dies in between leaves a key
//! without an answer: then the engine is asked by the same wish, and knows what it has done already.

use serde::{Deserialize, Serialize};
use stead_core::Time;

use crate::StoreError;

/// A request with a key, as it is noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who asks: keys are theirs.
    pub person: String,
    /// Their key.
    pub key: String,
    /// When.
    pub at: Time,
    /// A hash of the request.
    pub request: String,
    /// What it is known by to the engine.
    pub wish: String,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The request that had it first.
    pub asked: Asked,
    /// What was answered; empty: too much to be kept. Without one it is not known what came of it.
    pub answer: Option<Vec<u8>>,
}

/// Keeps answers by keys.
pub trait Answers {
    /// Notes a request, or says what is known of its key. What is older than
    /// [`limits::ANSWER_KEPT`](crate::limits::ANSWER_KEPT) is forgotten; of one person's keys the oldest go when there are
    /// more than [`limits::ANSWERS`](crate::limits::ANSWERS).
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note_asked(&mut self, asked: &Asked) -> Result<Option<Known>, StoreError>;

    /// Keeps what was answered. One of more than [`limits::ANSWER_BYTES`](crate::limits::ANSWER_BYTES) is not; of one person's
    /// the oldest go when they have more than [`limits::ANSWERS_BYTES`](crate::limits::ANSWERS_BYTES) together.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn keep_answer(&mut self, asked: &Asked, answer: &[u8]) -> Result<(), StoreError>;

    /// Forgets a request of which nothing was done.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn forget_asked(&mut self, asked: &Asked) -> Result<(), StoreError>;
}

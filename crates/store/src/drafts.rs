//! Drafts: what somebody has filled in for a task and not handed in.
//!
//! They stand beside the journal: nothing that is decided depends on one, so losing one loses typing and no history.
//! Any process may write them, as the library and the people. A draft is its person's alone; who that is, the caller
//! says. The last write wins, unless the writer says what it was made from: then a draft that has changed since is
//! told instead of overwritten.
//!
//! A draft goes by the same commit in which its person hands something in. One of a task that has ended otherwise is
//! kept, for the words in it are still somebody's work: it goes when its person throws it away, or with the first
//! draft that they save [so long](crate::limits::DRAFT_KEPT) after.

use stead_core::Time;
use stead_core::ids::StreamId;

use crate::StoreError;

/// A draft as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Names what it holds: another one, another content.
    pub etag: String,
    /// When it was saved.
    pub at: Time,
    /// What it holds.
    pub body: String,
}

impl Draft {
    /// A draft of this content.
    pub fn new(at: Time, body: &str) -> Self {
        let etag = blake3::hash(body.as_bytes()).to_hex()[..16].to_owned();
        Self { etag, at, body: body.to_owned() }
    }
}

/// What a draft is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over<'e> {
    /// Whatever is there.
    Anything,
    /// Nothing: there is none yet.
    Nothing,
    /// The draft of this etag.
    Etag(&'e str),
}

impl Over<'_> {
    /// Refuses when something else is there.
    pub(crate) fn check(self, task: &StreamId, there: Option<&str>) -> Result<(), StoreError> {
        let same = match self {
            Over::Anything => true,
            Over::Nothing => there.is_none(),
            Over::Etag(etag) => there == Some(etag),
        };
        same.then_some(()).ok_or_else(|| StoreError::DraftChanged { task: task.clone() })
    }
}

/// What is read of drafts.
pub trait DraftReader {
    /// Somebody's draft of a task.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn draft(&mut self, task: &StreamId, person: &str) -> Result<Option<Draft>, StoreError>;

    /// The tasks of which somebody has a draft, and when it was saved.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn drafts_of(&mut self, person: &str) -> Result<Vec<(StreamId, Time)>, StoreError>;
}

/// Drafts, to be changed.
pub trait Drafts: DraftReader {
    /// Keeps somebody's draft of a task, durably, in the place of the one before.
    ///
    /// # Errors
    /// [`StoreError::DraftChanged`] when something else is there than it is to be written over,
    /// [`StoreError::DraftLate`] when the person has handed something in, [`StoreError::DraftsMany`] when they have
    /// too many; and when the store cannot be written.
    fn put_draft(
        &mut self,
        task: &StreamId,
        person: &str,
        draft: &Draft,
        over: Over<'_>,
    ) -> Result<(), StoreError>;

    /// Throws somebody's draft of a task away; whether there was one.
    ///
    /// # Errors
    /// As for [`put_draft`](Self::put_draft).
    fn drop_draft(&mut self, task: &StreamId, person: &str, over: Over<'_>) -> Result<bool, StoreError>;
}

//! Where journals are kept.
//!
//! [`Store`] is the seam: one [`commit`](Store::commit) that is all or nothing; [`Reader`] is the half of it
//! that only reads. [`memory`] and [`sqlite`] implement both, and the [`library`], the [`people`], the [`drafts`] and the keys for [`access`] beside them; [`conformance`] is the
//! suite that every store passes. [`files`] keeps files by hash, outside the journal; [`lock`] lets one process be the engine of a
//! home; [`fault`] makes a store fail in the middle, for tests.
//!
//! A failed commit has written nothing and the store stays usable. One exception cannot be had: when the
//! machine fails while it makes a commit durable, only the next start shows whether it was. So whoever
//! gets an error drops the states it touched and loads them again.

pub mod access;
pub mod answers;
mod chain;
mod check;
pub mod conformance;
pub mod drafts;
mod error;
pub mod fault;
pub mod files;
pub mod jobs;
pub mod library;
pub mod limits;
pub mod lock;
pub mod memory;
mod memory_access;
mod memory_answers;
mod memory_jobs;
pub mod people;
pub mod sqlite;
pub mod tasks;
mod types;

pub use error::StoreError;
pub use types::{Commit, Filter, Job, Listed, Loaded, OpenCounts, Position, Row, Seq, Snapshot};

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;

use access::{Access, AccessReader};
use answers::Answers;
use drafts::{DraftReader, Drafts};
use jobs::{JobReader, Jobs};
use library::{Library, LibraryReader};
use people::{People, PeopleReader};
use tasks::{ListedTask, TaskFilter};

/// What is read from a store.
pub trait Reader: LibraryReader + PeopleReader + DraftReader + AccessReader + JobReader + Send {
    /// The newest snapshot of a stream and the rows behind it; `None` for a stream that has no journal.
    ///
    /// # Errors
    /// When the store cannot be read, or what is there does not hold together (gap, hash).
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError>;

    /// The row that holds the event of this number.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    fn row_of(&mut self, stream: &StreamId, seq: Seq) -> Result<Row, StoreError>;

    /// Rows of one stream from the event `from` on, at most `limit` rows.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn journal(&mut self, stream: &StreamId, from: Seq, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Rows of all streams behind a position, in order, at most `limit`: what live followers read.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn journal_after(&mut self, position: Position, limit: usize)
    -> Result<Vec<(StreamId, Row)>, StoreError>;

    /// The newest position; 0 in a store without rows.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn newest(&mut self) -> Result<Position, StoreError>;

    /// Number of the last event of a stream that was written at a position or before; 0: none was.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_at(&mut self, stream: &StreamId, position: Position) -> Result<Seq, StoreError>;

    /// Checks a journal from its first row to its last: no gap, every hash fits. Returns the number of the
    /// last event, 0 for a stream without a journal.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] at the first row that does not fit, and when the store cannot be read.
    fn verify(&mut self, stream: &StreamId) -> Result<Seq, StoreError>;

    /// Streams that the engine loads when it starts: open ones, and those with messages to take.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_streams(&mut self) -> Result<Vec<StreamId>, StoreError>;

    /// Streams whose time has come, the earliest first, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn due_streams(&mut self, at: Time, limit: usize) -> Result<Vec<StreamId>, StoreError>;

    /// The earliest time at which a stream is due.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn next_due(&mut self) -> Result<Option<Time>, StoreError>;

    /// Messages to a stream that were not taken, in the order of their coming.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn inbox(&mut self, stream: &StreamId) -> Result<Vec<Message>, StoreError>;

    /// Effects that leave the process and were not done, by id, at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn jobs(&mut self, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// Head of a stream, and its due time.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn head(&mut self, stream: &StreamId) -> Result<Option<Listed>, StoreError>;

    /// Heads that pass a filter, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn heads(&mut self, filter: &Filter) -> Result<Vec<Listed>, StoreError>;

    /// The row of a task.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn task(&mut self, task: &StreamId) -> Result<Option<ListedTask>, StoreError>;

    /// Tasks that pass a filter.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tasks(&mut self, filter: &TaskFilter) -> Result<Vec<ListedTask>, StoreError>;

    /// How much is open. What it costs grows with that, and not with what has ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_counts(&mut self) -> Result<OpenCounts, StoreError>;

    /// A definition by its revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Keeps journals, heads, messages, snapshots, jobs and definitions. Blocking; driven by one thread.
pub trait Store: Reader + Library + People + Drafts + Access + Answers + Jobs {
    /// Takes the fence: from here on commits of every earlier holder are refused. Returns the new number.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn take_fence(&mut self) -> Result<u64, StoreError>;

    /// Writes all of it or nothing, durably. Returns the position of each commit's journal row (`None` for
    /// one without events).
    ///
    /// Refused with nothing written: a fence that is not the newest, an `expected_seq` that is not the
    /// stream's next, a message in `taken` that is not in the inbox.
    ///
    /// # Errors
    /// As above, and when the store cannot be written.
    fn commit(&mut self, fence: u64, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError>;

    /// Writes something that means nothing, to find out whether anything can be written.
    ///
    /// # Errors
    /// When it cannot.
    fn probe(&mut self) -> Result<(), StoreError>;

    /// Keeps a snapshot. A cache: losing it loses nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Keeps a definition under its revision; keeping it again changes nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError>;
}

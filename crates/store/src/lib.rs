//! Where journals are kept.
//!
//! [`Store`] is the seam: one [`commit`](Store::commit) that is all or nothing, and reads. [`memory`] and
//! [`sqlite`] implement it; [`conformance`] is the suite that every store passes.

mod error;
mod types;

pub use error::StoreError;
pub use types::{Commit, Filter, Job, Listed, Loaded, Position, Row, Seq, Snapshot};

use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::message::Message;

/// Keeps journals, heads, messages, snapshots, jobs and definitions. Blocking; driven by one thread.
pub trait Store: Send {
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

    /// Keeps a snapshot. A cache: losing it loses nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError>;

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

    /// Keeps a definition under its revision; keeping it again changes nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// A definition by its revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Re-exported so that implementers need not name the core.
pub type StreamHead = Head;

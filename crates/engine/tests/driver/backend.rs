//! Stores that can be lost and opened again.

use std::path::{Path, PathBuf};

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_store::fault::Faults;
use stead_store::memory::MemoryStore;
use stead_store::sqlite::SqliteStore;
use stead_store::{
    Commit, Filter, Job, Listed, Loaded, Position, Reader, Row, Seq, Snapshot, Store, StoreError,
};

/// Opens the same store again and again.
pub(crate) trait Backend {
    type Store: Store;
    fn open(&self) -> Self::Store;
}

/// Everything in memory.
pub(crate) struct Memory(MemoryStore);

impl Memory {
    pub(crate) fn new(faults: &Faults) -> Self {
        Self(MemoryStore::new().with_faults(faults.clone()))
    }
}

impl Backend for Memory {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.reopen()
    }
}

/// A file.
pub(crate) struct Sqlite {
    path: PathBuf,
    faults: Faults,
}

impl Sqlite {
    pub(crate) fn new(folder: &Path, faults: &Faults) -> Self {
        Self { path: folder.join("stead.db"), faults: faults.clone() }
    }
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap().with_faults(self.faults.clone())
    }
}

/// Memory that has no room for snapshots.
pub(crate) struct NoSnapshots(pub(crate) Memory);

impl Backend for NoSnapshots {
    type Store = Refusing;

    fn open(&self) -> Refusing {
        Refusing(self.0.open())
    }
}

/// A store that refuses every snapshot.
pub(crate) struct Refusing(MemoryStore);

impl Reader for Refusing {
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError> {
        self.0.load(stream)
    }
    fn row_of(&mut self, stream: &StreamId, seq: Seq) -> Result<Row, StoreError> {
        self.0.row_of(stream, seq)
    }
    fn journal(&mut self, stream: &StreamId, from: Seq, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.0.journal(stream, from, limit)
    }
    fn journal_after(&mut self, after: Position, limit: usize) -> Result<Vec<(StreamId, Row)>, StoreError> {
        self.0.journal_after(after, limit)
    }
    fn verify(&mut self, stream: &StreamId) -> Result<Seq, StoreError> {
        self.0.verify(stream)
    }
    fn open_streams(&mut self) -> Result<Vec<StreamId>, StoreError> {
        self.0.open_streams()
    }
    fn due_streams(&mut self, at: Time, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        self.0.due_streams(at, limit)
    }
    fn next_due(&mut self) -> Result<Option<Time>, StoreError> {
        self.0.next_due()
    }
    fn inbox(&mut self, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
        self.0.inbox(stream)
    }
    fn jobs(&mut self, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.0.jobs(limit)
    }
    fn head(&mut self, stream: &StreamId) -> Result<Option<Listed>, StoreError> {
        self.0.head(stream)
    }
    fn heads(&mut self, filter: &Filter) -> Result<Vec<Listed>, StoreError> {
        self.0.heads(filter)
    }
    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.definition(revision)
    }
}

impl Store for Refusing {
    fn take_fence(&mut self) -> Result<u64, StoreError> {
        self.0.take_fence()
    }
    fn commit(&mut self, fence: u64, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError> {
        self.0.commit(fence, commits)
    }
    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError> {
        Err(StoreError::SnapshotPlace { stream: stream.clone(), seq: snapshot.seq })
    }
    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.put_definition(revision, bytes)
    }
}

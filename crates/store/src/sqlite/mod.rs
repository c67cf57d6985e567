//! The store that is there by default: one SQLite file in WAL mode.
//!
//! [`SqliteStore`] is the one writer of the streams; [`SqliteReader`] reads on a connection of its own and
//! never waits for it. A commit is one transaction and one sync of the WAL, whatever the number of streams
//! in it.
//!
//! The file is not checked as a whole when it is opened, not even after a crash: a WAL survives `kill -9` and
//! power loss by its own checksums, a truncated file is noticed by SQLite at the first read, and every
//! journal proves itself by its hash chain when it is loaded. A check of all pages takes a second per
//! gigabyte or so, at the very moment when everybody waits. [`SqliteStore::check`] does it when asked.

mod access;
mod answers;
mod cache;
mod drafts;
mod error;
mod jobs;
mod library;
mod lists;
mod migrate;
mod open;
mod people;
mod read;
mod reader;
mod tasks;
mod tx;
mod write;

pub use open::Options;
pub use reader::SqliteReader;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;

use crate::fault::Faults;
use crate::tasks::{ListedTask, TaskFilter};
use crate::{
    Commit, Filter, Job, Listed, Loaded, OpenCounts, Position, Reader, Row, Seq, Snapshot, Store, StoreError,
};
use cache::Streams;

/// Everything in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    conn: Connection,
    path: PathBuf,
    /// What commits need to know of a stream; forgotten when it might be stale.
    streams: Streams,
    faults: Option<Faults>,
}

impl SqliteStore {
    /// Opens the database of a home, or makes it. An older one is copied and migrated.
    ///
    /// # Errors
    /// When it cannot be opened and written in the mode that durability needs, or is not ours.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &Options::default())
    }

    /// [`open`](Self::open) with other than the usual settings.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let conn = open::writer(path, options)?;
        Ok(Self { conn, path: path.to_owned(), streams: Streams::default(), faults: None })
    }

    /// Opens an existing database for reading only.
    ///
    /// # Errors
    /// When there is none, or it cannot be read by this program.
    pub fn open_read_only(path: &Path) -> Result<SqliteReader, StoreError> {
        SqliteReader::open(path)
    }

    /// A reader on a connection of its own, for another thread.
    ///
    /// # Errors
    /// When no further connection can be opened.
    pub fn reader(&self) -> Result<SqliteReader, StoreError> {
        SqliteReader::open(&self.path)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Commits cross the points of `faults`.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// Checks all pages and all journals: what is wrong, one line each. Takes as long as reading the file.
    ///
    /// # Errors
    /// When the check itself cannot be made.
    pub fn check(&mut self) -> Result<Vec<String>, StoreError> {
        let mut found = read::quick_check(&self.conn).map_err(self.at())?;
        for stream in read::stream_names(&self.conn).map_err(self.at())? {
            match self.verify(&stream) {
                Ok(_) => {}
                Err(error @ (StoreError::Corrupt { .. } | StoreError::Damaged { .. })) => {
                    found.push(error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Names the file in an error of SQLite.
    fn at(&self) -> impl Fn(rusqlite::Error) -> StoreError {
        error::at(&self.path)
    }
}

impl Reader for SqliteStore {
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError> {
        let Some((loaded, end)) = read::load(&self.conn, &self.path, stream)? else { return Ok(None) };
        self.streams.put(stream, end);
        Ok(Some(loaded))
    }

    fn row_of(&mut self, stream: &StreamId, seq: Seq) -> Result<Row, StoreError> {
        read::row_of(&self.conn, &self.path, stream, seq)
    }

    fn journal(&mut self, stream: &StreamId, from: Seq, limit: usize) -> Result<Vec<Row>, StoreError> {
        read::journal(&self.conn, stream, from, limit).map_err(self.at())
    }

    fn journal_after(
        &mut self,
        position: Position,
        limit: usize,
    ) -> Result<Vec<(StreamId, Row)>, StoreError> {
        read::journal_after(&self.conn, position, limit).map_err(self.at())
    }

    fn newest(&mut self) -> Result<Position, StoreError> {
        read::newest(&self.conn).map_err(self.at())
    }

    fn last_at(&mut self, stream: &StreamId, position: Position) -> Result<Seq, StoreError> {
        read::last_at(&self.conn, stream, position).map_err(self.at())
    }

    fn verify(&mut self, stream: &StreamId) -> Result<Seq, StoreError> {
        read::verify(&self.conn, &self.path, stream)
    }

    fn open_streams(&mut self) -> Result<Vec<StreamId>, StoreError> {
        read::open_streams(&self.conn).map_err(self.at())
    }

    fn due_streams(&mut self, at: Time, limit: usize) -> Result<Vec<StreamId>, StoreError> {
        read::due_streams(&self.conn, at, limit).map_err(self.at())
    }

    fn next_due(&mut self) -> Result<Option<Time>, StoreError> {
        read::next_due(&self.conn).map_err(self.at())
    }

    fn inbox(&mut self, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
        read::inbox(&self.conn, &self.path, stream)
    }

    fn jobs(&mut self, limit: usize) -> Result<Vec<Job>, StoreError> {
        read::jobs(&self.conn, &self.path, limit)
    }

    fn head(&mut self, stream: &StreamId) -> Result<Option<Listed>, StoreError> {
        lists::head(&self.conn, &self.path, stream)
    }

    fn heads(&mut self, filter: &Filter) -> Result<Vec<Listed>, StoreError> {
        lists::heads(&self.conn, &self.path, filter)
    }

    fn task(&mut self, task: &StreamId) -> Result<Option<ListedTask>, StoreError> {
        tasks::task(&self.conn, &self.path, task)
    }

    fn tasks(&mut self, filter: &TaskFilter) -> Result<Vec<ListedTask>, StoreError> {
        tasks::tasks(&self.conn, &self.path, filter)
    }

    fn open_counts(&mut self) -> Result<OpenCounts, StoreError> {
        lists::open_counts(&self.conn).map_err(self.at())
    }

    fn definition(&mut self, revision: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read::definition(&self.conn, revision).map_err(self.at())
    }
}

impl Store for SqliteStore {
    fn take_fence(&mut self) -> Result<u64, StoreError> {
        // Whoever held the fence meanwhile has written behind our back.
        self.streams.clear();
        write::take_fence(&self.conn).map_err(self.at())
    }

    fn commit(&mut self, fence: u64, commits: &[Commit]) -> Result<Vec<Option<Position>>, StoreError> {
        let faults = self.faults.as_ref();
        let result = write::commit(&self.conn, &self.path, &mut self.streams, faults, fence, commits);
        if result.is_err() {
            for commit in commits {
                self.streams.forget(&commit.stream);
            }
        }
        result
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        write::probe(&self.conn).map_err(self.at())
    }

    fn put_snapshot(&mut self, stream: &StreamId, snapshot: &Snapshot) -> Result<(), StoreError> {
        write::put_snapshot(&self.conn, &self.path, stream, snapshot)
    }

    fn put_definition(&mut self, revision: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write::put_definition(&self.conn, revision, bytes).map_err(self.at())
    }
}

//! A connection that only reads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;

use super::{error, lists, open, read, tasks};
use crate::tasks::{ListedTask, TaskFilter};
use crate::{Filter, Job, Listed, Loaded, OpenCounts, Position, Reader, Row, Seq, StoreError};

/// Reads a database that another connection, or another process, may be writing. Each call sees what was
/// committed before it; none waits for the writer.
#[derive(Debug)]
pub struct SqliteReader {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
}

impl SqliteReader {
    /// Opens an existing database.
    ///
    /// # Errors
    /// When there is none, or it cannot be read by this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let conn = open::reader(path, Duration::from_secs(5))?;
        Ok(Self { conn, path: path.to_owned() })
    }

    fn at(&self) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        error::at(&self.path)
    }
}

impl Reader for SqliteReader {
    fn load(&mut self, stream: &StreamId) -> Result<Option<Loaded>, StoreError> {
        Ok(read::load(&self.conn, &self.path, stream)?.map(|(loaded, _)| loaded))
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

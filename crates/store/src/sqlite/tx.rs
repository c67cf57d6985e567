//! Transactions whose statements are prepared once.

use rusqlite::Connection;

/// A transaction that is rolled back unless it is committed.
pub(super) struct Tx<'c> {
    conn: &'c Connection,
}

impl<'c> Tx<'c> {
    /// Takes the write lock at once: a transaction that began by reading could lose it half-way.
    pub(super) fn write(conn: &'c Connection) -> rusqlite::Result<Self> {
        Self::begin(conn, "BEGIN IMMEDIATE")
    }

    /// Several reads of one state.
    pub(super) fn read(conn: &'c Connection) -> rusqlite::Result<Self> {
        Self::begin(conn, "BEGIN")
    }

    fn begin(conn: &'c Connection, sql: &str) -> rusqlite::Result<Self> {
        conn.prepare_cached(sql)?.execute([])?;
        Ok(Self { conn })
    }

    pub(super) fn commit(self) -> rusqlite::Result<()> {
        self.conn.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // Committed, or rolled back by SQLite itself, as it does when the disk is full.
        if self.conn.is_autocommit() {
            return;
        }
        // Should this fail, the next `BEGIN` does, with a reason.
        let _ = self.conn.execute_batch("ROLLBACK");
    }
}

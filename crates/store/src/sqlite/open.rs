//! Opening the file in the mode that durability needs, and nothing that is not ours.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::At;
use super::migrate;
use crate::StoreError;

/// Settings that have a usual value.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for another process that writes.
    pub busy: Duration,
    /// At most so many pages of 4 KiB; `None`: as many as the disk takes.
    pub max_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy: Duration::from_secs(5), max_pages: None }
    }
}

/// What is set on the writer and read back. Sizes were chosen by `examples/bench.rs`, see there.
///
/// No `mmap_size`: an I/O error would then be a signal instead of an error code.
const WRITER: &[(&str, &str)] = &[
    ("journal_mode", "wal"),
    // Each commit is on the disk before it returns.
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    // 8 MiB: the pages that are written all the time, for an idle server of 30 MB.
    ("cache_size", "-8192"),
    // 8 MiB of pages between two checkpoints, each of which syncs the database file.
    ("wal_autocheckpoint", "2048"),
    // A WAL that one large commit has blown up is cut back to 64 MiB.
    ("journal_size_limit", "67108864"),
    ("temp_store", "2"),
];

const PAGE_SIZE: u32 = 4096;

/// Statements kept prepared: all that there are, and the variants of the filter of heads.
const STATEMENTS: usize = 64;

/// A connection that writes, its database migrated.
pub(super) fn writer(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    if !path.exists() {
        create(path)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut conn = connect(path, flags, options.busy)?;
    // A file that may not be written is opened for reading without a word.
    if conn.is_readonly("main").at(path)? {
        let detail = "its permissions or those of its file system forbid it".to_owned();
        return Err(StoreError::ReadOnly { path: path.to_owned(), detail });
    }
    // Before anything is changed: whose it is.
    let found = migrate::identify(&conn, path, migrate::MIGRATIONS)?;
    if found == migrate::Found::Empty {
        conn.pragma_update(None, "page_size", PAGE_SIZE).at(path)?;
    }
    for &(name, wanted) in WRITER {
        set(&conn, path, name, wanted)?;
    }
    if let Some(pages) = options.max_pages {
        conn.pragma_update(None, "max_page_count", pages).at(path)?;
    }
    migrate::run(&mut conn, path, migrate::MIGRATIONS)?;
    Ok(conn)
}

/// Makes a database under another name, without a sync until it is whole, and gives it its name. There is
/// never half of one, and it costs two syncs instead of a dozen: a first `stead run` waits for them.
fn create(path: &Path) -> Result<(), StoreError> {
    // Of this process one at a time: they would grow under the same name.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.exists() {
        return Ok(());
    }
    let growing = migrate::suffixed(path, &format!(".new-{}", std::process::id()));
    let failed = |error: std::io::Error| StoreError::io(path, &error);
    // Of a process that had this number and was killed here.
    if growing.exists() {
        std::fs::remove_file(&growing).map_err(failed)?;
    }
    let made = make(&growing, path).and_then(|()| {
        File::open(&growing).and_then(|file| file.sync_all()).map_err(failed)?;
        // Not a rename: should another process have been faster, its database stays.
        match std::fs::hard_link(&growing, path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(()),
        }
    });
    let removed = std::fs::remove_file(&growing).map_err(failed);
    made.and(removed)?;
    migrate::sync_folder_of(path).map_err(failed)
}

fn make(growing: &Path, path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    // Errors speak of the name that the user knows.
    let mut conn = Connection::open_with_flags(growing, flags).at(path)?;
    conn.pragma_update(None, "page_size", PAGE_SIZE).at(path)?;
    set(&conn, path, "synchronous", "0")?;
    set(&conn, path, "journal_mode", "wal")?;
    migrate::run(&mut conn, path, migrate::MIGRATIONS)?;
    // The last connection to go takes the WAL along.
    conn.close().map_err(|(_, error)| error).at(path)
}

/// A connection that reads.
pub(super) fn reader(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy)?;
    migrate::readable(&conn, path, migrate::MIGRATIONS)?;
    set(&conn, path, "query_only", "1")?;
    set(&conn, path, "cache_size", "-2048")?;
    Ok(conn)
}

fn connect(path: &Path, flags: OpenFlags, busy: Duration) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).at(path)?;
    conn.busy_timeout(busy).at(path)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// Sets a pragma and reads it back: SQLite answers a setting that it cannot make with the old value.
fn set(conn: &Connection, path: &Path, name: &'static str, wanted: &str) -> Result<(), StoreError> {
    let value = |row: &rusqlite::Row<'_>| match row.get_ref(0)? {
        rusqlite::types::ValueRef::Integer(number) => Ok(number.to_string()),
        other => Ok(other.as_str()?.to_owned()),
    };
    // Some of them answer with their new value and some do not.
    conn.pragma_update_and_check(None, name, wanted, |_| Ok(()))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            other => Err(other),
        })
        .at(path)?;
    let found: String = conn.pragma_query_value(None, name, value).at(path)?;
    if found != wanted {
        let (path, wanted) = (path.to_owned(), wanted.to_owned());
        return Err(StoreError::Mode { path, name, wanted, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pragma(conn: &Connection, name: &str) -> String {
        conn.pragma_query_value(None, name, |row| row.get_ref(0).map(|value| format!("{value:?}"))).unwrap()
    }

    // Power loss is not tested by a kill: that each commit is synced is a matter of these.
    #[test]
    fn the_writer_runs_in_wal_with_full_sync() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        for _ in ["new", "existing"] {
            let conn = writer(&path, &Options::default()).unwrap();
            assert_eq!(pragma(&conn, "journal_mode"), "Text([119, 97, 108])");
            assert_eq!(pragma(&conn, "synchronous"), "Integer(2)");
            assert_eq!(pragma(&conn, "foreign_keys"), "Integer(1)");
            assert_eq!(pragma(&conn, "page_size"), "Integer(4096)");
        }
    }

    #[test]
    fn a_mode_that_is_not_taken_is_refused() {
        // A database in memory cannot have a WAL, as one on many network file systems cannot.
        let conn = Connection::open_in_memory().unwrap();
        match set(&conn, Path::new("stead.db"), "journal_mode", "wal") {
            Err(StoreError::Mode { name, wanted, found, .. }) => {
                assert_eq!((name, wanted.as_str(), found.as_str()), ("journal_mode", "wal", "memory"));
            }
            other => panic!("it was to be refused: {other:?}"),
        }
    }

    #[test]
    fn a_new_database_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let left = migrate::suffixed(&path, &format!(".new-{}", std::process::id()));
        std::fs::write(&left, "of a process that was killed").unwrap();
        drop(writer(&path, &Options::default()).unwrap());
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["db"]);
    }

    #[test]
    fn an_empty_file_becomes_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        std::fs::write(&path, "").unwrap();
        let conn = writer(&path, &Options::default()).unwrap();
        assert_eq!(pragma(&conn, "page_size"), "Integer(4096)");
        assert_eq!(pragma(&conn, "user_version"), format!("Integer({})", migrate::MIGRATIONS.len()));
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let _writer = writer(&path, &Options::default()).unwrap();
        let conn = reader(&path, Duration::from_secs(1)).unwrap();
        let error = conn.execute("DELETE FROM meta", []).at(&path).unwrap_err();
        assert_eq!(error.code(), "S0402", "{error}");
    }
}

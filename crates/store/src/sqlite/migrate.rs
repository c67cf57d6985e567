//! The schema and its versions.
//!
//! Migrations are numbered texts, applied in order, each in a transaction of its own together with its
//! number and checksum. An existing database is copied before the first one. A database of a later release
//! is refused, and so is one that was made by other texts than ours.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};

use super::error::At;
use crate::StoreError;

/// One step from a version to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// The version that it leads to; they count from 1.
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// All of them. What was released is never changed: its checksum stands in databases.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "journal", sql: include_str!("migrations/0001_journal.sql") },
    Migration { version: 2, name: "lists", sql: include_str!("migrations/0002_lists.sql") },
    Migration { version: 3, name: "keys", sql: include_str!("migrations/0003_keys.sql") },
    Migration { version: 4, name: "library", sql: include_str!("migrations/0004_library.sql") },
    Migration { version: 5, name: "people", sql: include_str!("migrations/0005_people.sql") },
    Migration { version: 6, name: "tasks", sql: include_str!("migrations/0006_tasks.sql") },
    Migration { version: 7, name: "drafts", sql: include_str!("migrations/0007_drafts.sql") },
    Migration { version: 8, name: "access", sql: include_str!("migrations/0008_access.sql") },
    Migration { version: 9, name: "answers", sql: include_str!("migrations/0009_answers.sql") },
    Migration { version: 10, name: "links", sql: include_str!("migrations/0010_links.sql") },
    Migration { version: 11, name: "notifications", sql: include_str!("migrations/0011_notifications.sql") },
];

/// "Stea": says in the file's header whose it is.
const APPLICATION: i64 = 0x5374_6561;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Empty,
    /// Ours, of this version.
    Version(u32),
}

/// Says what a file is, without changing it; refuses what is not ours or too new.
pub(super) fn identify(conn: &Connection, path: &Path, list: &[Migration]) -> Result<Found, StoreError> {
    let application: i64 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).at(path)?;
    let found = version(conn, path)?;
    if application != APPLICATION {
        let tables: i64 =
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).at(path)?;
        if application == 0 && found == 0 && tables == 0 {
            return Ok(Found::Empty);
        }
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    let known = newest(list);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(Found::Version(found))
}

/// Refuses a database that a reader cannot read as it is.
pub(super) fn readable(conn: &Connection, path: &Path, list: &[Migration]) -> Result<(), StoreError> {
    let known = newest(list);
    let found = match identify(conn, path, list)? {
        Found::Version(found) => found,
        Found::Empty => 0,
    };
    if found < known {
        return Err(StoreError::Older { path: path.to_owned(), found, known });
    }
    compare(conn, path, list)
}

/// Brings the database to the newest version.
pub(super) fn run(conn: &mut Connection, path: &Path, list: &[Migration]) -> Result<(), StoreError> {
    let from = match identify(conn, path, list)? {
        Found::Empty => 0,
        Found::Version(found) => {
            compare(conn, path, list)?;
            found
        }
    };
    let mut pending = list.iter().filter(|migration| migration.version > from).peekable();
    if from > 0
        && let Some(first) = pending.peek()
    {
        backup(conn, path, first.version)?;
    }
    pending.try_for_each(|migration| apply(conn, path, migration))
}

fn newest(list: &[Migration]) -> u32 {
    list.last().map_or(0, |migration| migration.version)
}

fn version(conn: &Connection, path: &Path) -> Result<u32, StoreError> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).at(path)
}

fn checksum(migration: &Migration) -> String {
    blake3::hash(migration.sql.as_bytes()).to_hex().to_string()
}

/// Refuses a database to which other texts were applied under our numbers.
fn compare(conn: &Connection, path: &Path, list: &[Migration]) -> Result<(), StoreError> {
    let mut statement = conn.prepare("SELECT version, checksum FROM migrations ORDER BY version").at(path)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).at(path)?;
    for row in rows {
        let (version, applied): (u32, String) = row.at(path)?;
        let ours = list.iter().find(|migration| migration.version == version);
        if ours.is_none_or(|migration| checksum(migration) != applied) {
            return Err(StoreError::MigrationChanged { path: path.to_owned(), version });
        }
    }
    Ok(())
}

fn apply(conn: &mut Connection, path: &Path, migration: &Migration) -> Result<(), StoreError> {
    let version = migration.version;
    let applied = (|| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        let found: u32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found >= version {
            return Ok(());
        }
        if found == 0 {
            tx.pragma_update(None, "application_id", APPLICATION)?;
            tx.execute_batch(
                "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,
                     checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)",
            )?;
        }
        tx.execute_batch(migration.sql)?;
        tx.execute(
            "INSERT INTO migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, unixepoch() * 1000)",
            params![version, migration.name, checksum(migration)],
        )?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()
    })();
    applied.at(path).map_err(|error| match error {
        // These say what the machine lacks and are put right there.
        StoreError::Full { .. }
        | StoreError::Busy { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Io { .. } => error,
        other => StoreError::Migration { path: path.to_owned(), version, detail: other.to_string() },
    })
}

/// Copies the database as it is before migration `version` to `<file>.before-v<version>`. The copy gets its
/// name when it is whole and durable.
fn backup(conn: &Connection, path: &Path, version: u32) -> Result<(), StoreError> {
    let target = suffixed(path, &format!(".before-v{version}"));
    let growing = suffixed(&target, ".part");
    let failed = |detail: String| StoreError::Backup { path: target.clone(), detail };
    if let Err(error) = std::fs::remove_file(&growing)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(failed(error.to_string()));
    }
    let name = growing.to_str().ok_or_else(|| failed("its path is not UTF-8".to_owned()))?;
    conn.execute("VACUUM INTO ?1", [name]).map_err(|error| failed(error.to_string()))?;
    let finish = || {
        File::open(&growing)?.sync_all()?;
        std::fs::rename(&growing, &target)?;
        sync_folder_of(&target)
    };
    finish().map_err(|error| failed(error.to_string()))
}

/// Makes the name of a file durable.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// The path with something behind its name.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration =
        Migration { version: 1, name: "one", sql: "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)" };
    const TWO: Migration =
        Migration { version: 2, name: "two", sql: "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7" };
    const THREE: Migration =
        Migration { version: 3, name: "three", sql: "CREATE TABLE b AS SELECT x + y AS z FROM a" };
    const WRONG: Migration = Migration { version: 2, name: "wrong", sql: "DELETE FROM a; SELECT nonsense" };

    struct Home {
        folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("db");
            Self { folder, path }
        }

        fn migrate(&self, list: &[Migration]) -> Result<(), StoreError> {
            run(&mut Connection::open(&self.path).unwrap(), &self.path, list)
        }

        fn value(&self, file: &str, sql: &str) -> rusqlite::Result<i64> {
            Connection::open(self.folder.path().join(file))?.query_row(sql, [], |row| row.get(0))
        }

        fn files(&self) -> Vec<String> {
            let entries = std::fs::read_dir(self.folder.path()).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_new_database_goes_through_all_and_is_not_copied() {
        let home = Home::new();
        home.migrate(&[ONE, TWO, THREE]).unwrap();
        assert_eq!(home.value("db", "SELECT z FROM b").unwrap(), 8);
        assert_eq!(home.value("db", "PRAGMA user_version").unwrap(), 3);
        assert_eq!(home.value("db", "SELECT count(*) FROM migrations").unwrap(), 3);
        home.migrate(&[ONE, TWO, THREE]).unwrap();
        assert_eq!(home.files(), ["db"]);
    }

    #[test]
    fn an_existing_one_is_copied_first() {
        let home = Home::new();
        home.migrate(&[ONE]).unwrap();
        // Left by an attempt that was cut short.
        std::fs::write(home.folder.path().join("db.before-v2.part"), "half").unwrap();
        home.migrate(&[ONE, TWO, THREE]).unwrap();
        assert_eq!(home.files(), ["db", "db.before-v2"]);
        assert_eq!(home.value("db", "SELECT z FROM b").unwrap(), 8);
        assert_eq!(home.value("db.before-v2", "PRAGMA user_version").unwrap(), 1);
        assert_eq!(home.value("db.before-v2", "SELECT x FROM a").unwrap(), 1);
        assert!(home.value("db.before-v2", "SELECT y FROM a").is_err());
        // The copy is a database that the release before can go on with.
        let copy = home.folder.path().join("db.before-v2");
        run(&mut Connection::open(&copy).unwrap(), &copy, &[ONE]).unwrap();
    }

    #[test]
    fn a_newer_one_is_refused_and_left_alone() {
        let home = Home::new();
        home.migrate(&[ONE, TWO]).unwrap();
        let before = std::fs::read(&home.path).unwrap();
        let error = home.migrate(&[ONE]).unwrap_err();
        assert_eq!(error.code(), "S0301");
        let text = error.to_string();
        assert!(text.contains("version 2") && text.contains("up to 1"), "{text}");
        assert!(std::fs::read(&home.path).unwrap() == before);
        assert_eq!(home.files(), ["db"]);
    }

    #[test]
    fn another_text_under_the_same_number_is_refused() {
        let home = Home::new();
        home.migrate(&[ONE, TWO]).unwrap();
        let changed = Migration { sql: "CREATE TABLE a (x TEXT)", ..ONE };
        let error = home.migrate(&[changed, TWO, THREE]).unwrap_err();
        assert!(matches!(error, StoreError::MigrationChanged { version: 1, .. }), "{error}");
        assert_eq!(home.value("db", "PRAGMA user_version").unwrap(), 2);
    }

    #[test]
    fn a_failed_one_leaves_the_version_before() {
        let home = Home::new();
        home.migrate(&[ONE]).unwrap();
        let error = home.migrate(&[ONE, WRONG, THREE]).unwrap_err();
        assert!(matches!(error, StoreError::Migration { version: 2, .. }), "{error}");
        assert_eq!(home.value("db", "PRAGMA user_version").unwrap(), 1);
        assert_eq!(home.value("db", "SELECT count(*) FROM a").unwrap(), 1);
        home.migrate(&[ONE, TWO]).unwrap();
    }

    #[test]
    fn without_a_copy_nothing_is_migrated() {
        let home = Home::new();
        home.migrate(&[ONE]).unwrap();
        // Something that is not a file stands in the way of the copy.
        std::fs::create_dir_all(home.folder.path().join("db.before-v2.part/x")).unwrap();
        let error = home.migrate(&[ONE, TWO]).unwrap_err();
        assert_eq!(error.code(), "S0305", "{error}");
        assert_eq!(home.value("db", "PRAGMA user_version").unwrap(), 1);
    }

    #[test]
    fn a_reader_wants_the_version_it_knows() {
        let home = Home::new();
        home.migrate(&[ONE]).unwrap();
        let conn = Connection::open(&home.path).unwrap();
        readable(&conn, &home.path, &[ONE]).unwrap();
        assert_eq!(readable(&conn, &home.path, &[ONE, TWO]).unwrap_err().code(), "S0302");
    }

    #[test]
    fn our_list_counts_from_one_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1, "{}", migration.name);
        }
    }

    // Whoever changes the text of a released migration locks every user out of their home.
    #[test]
    fn released_texts_stay() {
        let sums: Vec<String> =
            MIGRATIONS.iter().map(|migration| checksum(migration)[..16].to_owned()).collect();
        let known = [
            "b74af42ce363e2fc",
            "d8633187e061f3c6",
            "973d1b0fc18d62bf",
            "8b0635df41332b48",
            "22ade56262f70b9d",
            "30f99ce049cf1035",
            "f7aab6fb3ed1a753",
            "e67f0b35f2c4a6fb",
            "61bc1a579ccc1092",
            "1cc07e79de8c4b3b",
            "82e1db5030c0d868",
        ];
        assert_eq!(sums, known);
    }
}

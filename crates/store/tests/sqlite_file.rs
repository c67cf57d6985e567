//! The file of the SQLite store: what is refused, what is noticed, what is survived.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::folder;
use rusqlite::Connection;
use stead_core::ids::StreamId;
use stead_store::conformance::{commit, seen, stream};
use stead_store::sqlite::{Options, SqliteReader, SqliteStore};
use stead_store::{Commit, Reader, Snapshot, Store, StoreError};
use tempfile::TempDir;

struct Home {
    folder: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = folder();
        let path = folder.path().join("stead.db");
        Self { folder, path }
    }

    /// A database of three streams with four rows each, all of it in the main file.
    fn filled() -> Self {
        let home = Self::new();
        let mut store = SqliteStore::open(&home.path).unwrap();
        let fence = store.take_fence().unwrap();
        for turn in 0..4 {
            let batch: Vec<Commit> = (1..4).map(|number| commit(&stream(number), turn * 2 + 1, 2)).collect();
            store.commit(fence, &batch).unwrap();
        }
        drop(store);
        assert!(!home.folder.path().join("stead.db-wal").exists());
        home
    }

    fn change(&self, sql: &str) {
        assert!(Connection::open(&self.path).unwrap().execute(sql, []).unwrap() > 0, "{sql} changed nothing");
    }
}

fn refused(result: Result<SqliteStore, StoreError>, code: &str) -> StoreError {
    let error = result.expect_err("it was to be refused");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains("stead.db") || code == "S0401", "no path in: {error}");
    assert!(!error.help().is_empty());
    error
}

fn corrupt_at(result: Result<impl std::fmt::Debug, StoreError>, number: usize, at: u64) {
    match result {
        Err(StoreError::Corrupt { stream: found, seq, .. }) => assert_eq!((found, seq), (stream(number), at)),
        other => panic!("corruption of stream {number} at {at} was to be found: {other:?}"),
    }
}

#[test]
fn a_changed_row_is_found_by_its_hash() {
    for change in [
        "UPDATE journal SET events = replace(events, '3', '8') WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET cause = 'retry' WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET at = at + 1 WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET hash = zeroblob(32) WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET hash = x'00' WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET seq = 4 WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET events = 17 WHERE stream = 2 AND seq = 3",
        "DELETE FROM journal WHERE stream = 2 AND seq = 3",
        "UPDATE journal SET events = (SELECT events FROM journal WHERE stream = 2 AND seq = 5) WHERE stream = 2 AND seq = 3",
    ] {
        let home = Home::filled();
        home.change(change);
        let mut store = SqliteStore::open(&home.path).unwrap();
        corrupt_at(store.load(&stream(2)), 2, 3);
        corrupt_at(store.verify(&stream(2)), 2, 3);
        corrupt_at(store.reader().unwrap().load(&stream(2)), 2, 3);
        // The others are whole.
        assert_eq!(store.verify(&stream(1)).unwrap(), 8);
        assert_eq!(store.load(&stream(3)).unwrap().unwrap().rows.len(), 4);
        assert_eq!(store.check().unwrap().len(), 1, "{change}");
    }
}

#[test]
fn rows_of_another_stream_do_not_pass() {
    let home = Home::filled();
    home.change("UPDATE heads SET stream = 'r_other' WHERE id = 1");
    let mut store = SqliteStore::open(&home.path).unwrap();
    assert!(matches!(store.load(&StreamId::new("r_other")), Err(StoreError::Corrupt { seq: 1, .. })));
}

#[test]
fn what_a_snapshot_covers_is_not_read_and_what_follows_is_checked() {
    let home = Home::filled();
    let mut store = SqliteStore::open(&home.path).unwrap();
    store.put_snapshot(&stream(1), &Snapshot { format: 1, seq: 4, state: b"state".to_vec() }).unwrap();
    home.change("UPDATE journal SET cause = 'x' WHERE stream = 1 AND seq = 1");
    assert_eq!(store.load(&stream(1)).unwrap().unwrap().rows.len(), 2);
    corrupt_at(store.verify(&stream(1)), 1, 1);
    home.change("UPDATE journal SET cause = 'x' WHERE stream = 1 AND seq = 5");
    corrupt_at(store.load(&stream(1)), 1, 5);
}

#[test]
fn a_changed_snapshot_is_left_aside() {
    let home = Home::filled();
    let mut store = SqliteStore::open(&home.path).unwrap();
    store.put_snapshot(&stream(1), &Snapshot { format: 1, seq: 4, state: b"state".to_vec() }).unwrap();
    home.change("UPDATE snapshots SET state = x'00'");
    let loaded = store.load(&stream(1)).unwrap().unwrap();
    assert!(loaded.snapshot.is_none());
    assert_eq!(loaded.rows.len(), 4);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let home = Home::new();
    let text =
        "a letter, and long enough to be looked at as if it were a header of a database file. ".repeat(9);
    fs::write(&home.path, &text).unwrap();
    refused(SqliteStore::open(&home.path), "S0203");
    assert_eq!(fs::read_to_string(&home.path).unwrap(), text);
    assert_eq!(SqliteReader::open(&home.path).unwrap_err().code(), "S0203");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let home = Home::new();
    Connection::open(&home.path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&home.path).unwrap();
    refused(SqliteStore::open(&home.path), "S0204");
    assert!(fs::read(&home.path).unwrap() == before);
}

#[test]
fn a_newer_schema_is_refused_by_both_versions() {
    let home = Home::filled();
    Connection::open(&home.path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let text = refused(SqliteStore::open(&home.path), "S0301").to_string();
    assert!(text.contains("version 99") && text.contains("up to 11"), "{text}");
    assert_eq!(SqliteReader::open(&home.path).unwrap_err().code(), "S0301");
}

#[test]
fn a_truncated_file_is_refused() {
    let home = Home::filled();
    let half = fs::metadata(&home.path).unwrap().len() / 2 / 4096 * 4096;
    fs::OpenOptions::new().write(true).open(&home.path).unwrap().set_len(half).unwrap();
    refused(SqliteStore::open(&home.path), "S0205");
}

#[test]
fn a_damaged_page_is_found_by_the_check() {
    let home = Home::filled();
    let mut bytes = fs::read(&home.path).unwrap();
    // The pages behind the first two hold tables and indexes; all their cells are made nonsense.
    for page in bytes.chunks_mut(4096).skip(2) {
        page[8..64].fill(0xff);
    }
    fs::write(&home.path, bytes).unwrap();
    let found = SqliteStore::open(&home.path).and_then(|mut store| store.check());
    match found {
        Ok(lines) => assert!(!lines.is_empty()),
        Err(error) => assert_eq!(error.code(), "S0205", "{error}"),
    }
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let home = Home::new();
    let nowhere = home.folder.path().join("none/stead.db");
    refused(SqliteStore::open(&nowhere), "S0401");
    let error = SqliteStore::open_read_only(&home.path).unwrap_err();
    assert_eq!(error.code(), "S0401", "{error}");
    assert!(!home.path.exists());
}

/// Runs as a user who may not write what root made, for root may write everything. Only this thread changes.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            work()
        });
        thread.join().unwrap()
    })
}

fn modes(home: &Home, folder: u32, file: u32) {
    if home.path.exists() {
        fs::set_permissions(&home.path, fs::Permissions::from_mode(file)).unwrap();
    }
    fs::set_permissions(home.folder.path(), fs::Permissions::from_mode(folder)).unwrap();
}

#[test]
fn a_read_only_file_or_folder_is_refused() {
    let home = Home::new();
    modes(&home, 0o555, 0);
    let error = as_nobody(|| SqliteStore::open(&home.path));
    refused(error, "S0402");

    let home = Home::filled();
    modes(&home, 0o777, 0o444);
    let error = as_nobody(|| SqliteStore::open(&home.path));
    refused(error, "S0402");

    modes(&home, 0o777, 0o000);
    let error = as_nobody(|| SqliteStore::open(&home.path));
    refused(error, "S0402");
    modes(&home, 0o755, 0o644);
}

#[test]
fn a_full_disk_refuses_the_commit_and_nothing_else() {
    let home = Home::filled();
    let pages =
        Connection::open(&home.path).unwrap().pragma_query_value(None, "page_count", |row| row.get(0));
    let options = Options { max_pages: Some(pages.unwrap()), ..Options::default() };
    let mut store = SqliteStore::open_with(&home.path, &options).unwrap();
    let fence = store.take_fence().unwrap();
    let streams = [stream(1), stream(2), stream(9)];
    let before = seen(&mut store, &streams);
    let large = Commit { events: vec![b'x'; 1 << 20], ..commit(&stream(1), 9, 1) };
    let error = store.commit(fence, &[commit(&stream(9), 1, 1), large.clone()]).unwrap_err();
    assert_eq!(error.code(), "S0403", "{error}");
    assert!(error.passes());
    assert_eq!(seen(&mut store, &streams), before);
    // Small ones still have room in the last pages.
    store.commit(fence, &[commit(&stream(1), 9, 1)]).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&home.path).unwrap();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[Commit { expected_seq: 10, ..large }]).unwrap();
    assert_eq!(store.verify(&stream(1)).unwrap(), 10);
}

#[test]
fn a_locked_database_says_so_and_goes_on() {
    let home = Home::filled();
    let options = Options { busy: Duration::from_millis(20), ..Options::default() };
    let mut store = SqliteStore::open_with(&home.path, &options).unwrap();
    let fence = store.take_fence().unwrap();
    let other = Connection::open(&home.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.commit(fence, &[commit(&stream(1), 9, 1)]).unwrap_err();
    assert_eq!(error.code(), "S0404", "{error}");
    // Reading goes on meanwhile.
    assert_eq!(store.verify(&stream(1)).unwrap(), 8);
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(fence, &[commit(&stream(1), 9, 1)]).unwrap();
}

#[test]
fn a_reader_follows_the_writer() {
    let home = Home::new();
    let mut store = SqliteStore::open(&home.path).unwrap();
    let mut reader = store.reader().unwrap();
    let fence = store.take_fence().unwrap();
    let mut position = 0;
    for turn in 0..5 {
        store.commit(fence, &[commit(&stream(1), turn + 1, 1), commit(&stream(2), turn + 1, 1)]).unwrap();
        let rows = reader.journal_after(position, 10).unwrap();
        assert_eq!(rows.iter().map(|(stream, _)| stream.clone()).collect::<Vec<_>>(), [stream(1), stream(2)]);
        position = rows[1].1.position;
        assert_eq!(reader.load(&stream(1)).unwrap().unwrap().rows.len() as u64, turn + 1);
    }
    // A second writer that has taken the fence: the first one's idea of the stream is out of date.
    let mut second = SqliteStore::open(&home.path).unwrap();
    let newer = second.take_fence().unwrap();
    second.commit(newer, &[commit(&stream(1), 6, 1), commit(&stream(2), 6, 1)]).unwrap();
    assert_eq!(store.commit(fence, &[commit(&stream(1), 6, 1)]).unwrap_err().code(), "S0101");
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[commit(&stream(1), 7, 1), commit(&stream(2), 7, 1)]).unwrap();
    assert_eq!((reader.verify(&stream(1)).unwrap(), reader.verify(&stream(2)).unwrap()), (7, 7));
}

#[test]
fn a_reader_sees_one_state_while_commits_go_on() {
    let home = Home::new();
    let mut store = SqliteStore::open(&home.path).unwrap();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[commit(&stream(1), 1, 1)]).unwrap();
    let path: &Path = &home.path;
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut reader = SqliteReader::open(path).unwrap();
            let mut last = 0;
            while last < 1000 {
                let loaded = reader.load(&stream(1)).unwrap().unwrap();
                let behind = loaded.snapshot.map_or(0, |snapshot| snapshot.seq);
                let end = behind + loaded.rows.len() as u64;
                assert!(end >= last, "{end} after {last}");
                last = end;
            }
        });
        for seq in 2..=1000 {
            store.commit(fence, &[commit(&stream(1), seq, 1)]).unwrap();
            if seq % 50 == 0 {
                store.put_snapshot(&stream(1), &Snapshot { format: 1, seq, state: vec![] }).unwrap();
            }
        }
        reader.join().unwrap();
    });
}

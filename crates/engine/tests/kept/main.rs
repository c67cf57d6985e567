//! Runs of released versions, stopped in the middle and kept: each is read back and continued to its end.
//!
//! `cargo xtask keep` writes a folder per version: a file per run with its definitions, its journals, what follows,
//! and how it ends; and a whole store with all of them. What is kept is never changed: an engine of today has to go
//! on with what an earlier one wrote.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cases;
mod file;
mod hand;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stead_core::ids::StreamId;
use stead_store::Store;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::sqlite::SqliteStore;

use cases::CASES;
use file::Kept;
use hand::Hand;

/// The whole store of a version.
const STORE: &str = "stead.db";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept")
}

/// Versions that something is kept of.
fn versions() -> Vec<String> {
    let all = std::fs::read_dir(folder()).unwrap().flatten().filter(|entry| entry.path().is_dir());
    let mut all: Vec<String> = all.map(|entry| entry.file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

fn kept(version: &str) -> BTreeMap<String, Kept> {
    let files = std::fs::read_dir(folder().join(version)).unwrap().flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let one = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        (name, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    };
    files.map(one).collect()
}

/// Continues a run as its file says, and looks how it ends.
fn continued<S: Store>(hand: &mut Hand<S>, what: &str, kept: &Kept) {
    let run = StreamId::new(&kept.run);
    for told in &kept.then {
        hand.tell(&run, told);
    }
    hand.bring_to_end(&run);
    assert_eq!(hand.came(&run), kept.ends, "{what}");
}

#[test]
fn p2_runs_of_each_version_are_continued_to_their_right_end() {
    let versions = versions();
    assert!(!versions.is_empty(), "nothing is kept");
    for version in versions {
        let all = kept(&version);
        assert!(!all.is_empty(), "nothing of {version} is kept");
        for (name, kept) in all {
            let what = format!("{version}, {name}: {}", kept.what);
            let (mut store, files) = (MemoryStore::new(), tempfile::tempdir().unwrap());
            kept.put(&mut store, &what);
            let mut hand = Hand::open(store, FileStore::open(files.path()).unwrap());
            let run = StreamId::new(&kept.run);
            assert_eq!(hand.looks(&run, &what), kept.stands, "{what}: where it stands");
            hand.recover();
            continued(&mut hand, &what, &kept);
        }
    }
}

#[test]
fn p2_the_whole_store_of_each_version_is_opened_and_each_of_its_runs_is_continued() {
    for version in versions() {
        for (name, kept) in kept(&version) {
            // A copy for each: time passes for all runs of a store.
            let home = tempfile::tempdir().unwrap();
            let database = home.path().join(STORE);
            std::fs::copy(folder().join(&version).join(STORE), &database).unwrap();
            let files = FileStore::open(&home.path().join("files")).unwrap();
            let mut hand = Hand::open(SqliteStore::open(&database).unwrap(), files);
            hand.recover();
            continued(&mut hand, &format!("{version}, the store, {name}"), &kept);
        }
    }
}

#[test]
fn the_newest_version_keeps_a_run_of_each_case() {
    let newest = versions().pop().unwrap();
    let kept: Vec<String> = kept(&newest).into_keys().collect();
    let mut cases: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    cases.sort_unstable();
    assert_eq!(kept, cases, "`cargo xtask keep --again` writes what is kept of {newest} anew");
}

/// Writes what is to be kept into a folder.
#[test]
#[ignore = "cargo xtask keep"]
fn make() {
    let into = PathBuf::from(std::env::var_os("STEAD_KEEP").expect("STEAD_KEEP names a folder"));
    std::fs::create_dir_all(&into).unwrap();
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join(STORE);
    drop(FileStore::open(&home.path().join("files")).unwrap());
    let files = || FileStore::attach(&home.path().join("files"));
    for (number, case) in CASES.iter().enumerate() {
        let run = StreamId::new(&format!("r_kept{number:02}"));
        let what = case.name;
        // In a store of its own, from which the file is made, and in the one of all.
        let mut alone = MemoryStore::new();
        let mut hand = Hand::open(alone.reopen(), files());
        hand.start(case, &run);
        let mut hand = Hand::open(SqliteStore::open(&database).unwrap(), files());
        hand.start(case, &run);
        let mut kept = Kept::of(&mut alone, case, &run);
        let mut store = MemoryStore::new();
        kept.put(&mut store, what);
        let mut hand = Hand::open(store, files());
        kept.stands = hand.looks(&run, what);
        hand.recover();
        for told in &kept.then {
            hand.tell(&run, told);
        }
        hand.bring_to_end(&run);
        kept.ends = hand.came(&run);
        assert_eq!(kept.ends["outputs"], (case.outputs)(), "{what} ends otherwise");
        let text = serde_json::to_string_pretty(&kept).unwrap() + "\n";
        std::fs::write(into.join(format!("{what}.json")), text).unwrap();
    }
    let whole = into.join(STORE);
    let _ = std::fs::remove_file(&whole);
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute("VACUUM INTO ?1", [whole.to_str().unwrap()]).unwrap();
}

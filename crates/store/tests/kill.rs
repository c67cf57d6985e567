//! `kill -9`: what was reported durable is there, and the lock of the home is free.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::folder;
use stead_store::conformance::{commit, head, message, stream};
use stead_store::lock::HomeLock;
use stead_store::sqlite::SqliteStore;
use stead_store::{Commit, Reader, Store};

/// This program again, as the process that is killed.
fn start(test: &str, home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("STEAD_TEST_HOME", home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn home() -> std::path::PathBuf {
    std::env::var_os("STEAD_TEST_HOME").unwrap().into()
}

/// Says something on a line of its own; the test harness has begun one already.
fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{text}").unwrap();
    out.flush().unwrap();
}

fn batch(turn: u64) -> Vec<Commit> {
    let one = |number: usize| Commit {
        events: vec![b'x'; 700 * number],
        due: Some(Some(turn as i64)),
        head: Some(head(stead_core::status::RunStatus::Running, true)),
        messages: vec![message(&format!("m{turn}"), &stream(number), &stream(9))],
        ..commit(&stream(number), turn, 1)
    };
    vec![one(1), one(2), one(3)]
}

#[test]
#[ignore = "the process that another test kills"]
fn commits_until_killed() {
    let mut store = SqliteStore::open(&home().join("db")).unwrap();
    let fence = store.take_fence().unwrap();
    let mut next = store.verify(&stream(1)).unwrap() + 1;
    loop {
        store.commit(fence, &batch(next)).unwrap();
        say(&format!("durable {next}"));
        next += 1;
    }
}

#[test]
fn what_was_reported_durable_is_there_after_a_kill() {
    let folder = folder();
    let mut last = 0;
    for round in 0..8 {
        let mut child = start("commits_until_killed", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = 0;
        let mut hear = |line: String| {
            if let Some(number) = line.strip_prefix("durable ") {
                last = number.parse::<u64>().unwrap();
                heard += 1;
            }
            heard
        };
        while hear(lines.next().unwrap().unwrap()) < 20 * round + 5 {}
        child.kill().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            hear(line);
        });
        child.wait().unwrap();

        let mut store = SqliteStore::open(&folder.path().join("db")).unwrap();
        let found = store.verify(&stream(1)).unwrap();
        // One more may have become durable than was told.
        assert!(found == last || found == last + 1, "told {last}, found {found}");
        for number in [2, 3] {
            assert_eq!(store.verify(&stream(number)).unwrap(), found);
            assert_eq!(store.head(&stream(number)).unwrap().unwrap().due, Some(found as i64));
        }
        assert_eq!(store.inbox(&stream(9)).unwrap().len() as u64, found, "the same id once a turn");
        assert_eq!(store.check().unwrap(), [""; 0]);
        last = found;
    }
}

#[test]
#[ignore = "the process that another test kills"]
fn holds_the_lock_until_killed() {
    let _lock = HomeLock::take(&home(), "stead serve", 1234).unwrap();
    say("held");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn the_lock_of_a_killed_holder_is_free() {
    let folder = folder();
    let mut child = start("holds_the_lock_until_killed", folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    let error = HomeLock::take(folder.path(), "stead run", 2).unwrap_err();
    assert_eq!(error.code(), "S0601");
    let text = error.to_string();
    assert!(text.contains(&child.id().to_string()) && text.contains("stead serve"), "{text}");
    let holder = HomeLock::holder(folder.path()).unwrap();
    assert_eq!((holder.pid, holder.since), (child.id(), 1234));

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(HomeLock::holder(folder.path()).is_none());
    let lock = HomeLock::take(folder.path(), "stead run", 3).unwrap();
    assert_eq!(HomeLock::holder(folder.path()).unwrap().pid, std::process::id());
    drop(lock);
    assert!(HomeLock::holder(folder.path()).is_none());
    let mut text = String::new();
    std::fs::File::open(folder.path().join("lock")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn a_home_has_one_holder() {
    let folder = folder();
    let lock = HomeLock::take(folder.path(), "stead serve", 1).unwrap();
    assert_eq!(HomeLock::take(folder.path(), "stead run", 2).unwrap_err().code(), "S0601");
    // Whatever stands in the file, the lock is what counts.
    std::fs::write(lock.path(), "{}").unwrap();
    assert_eq!(HomeLock::take(folder.path(), "stead run", 2).unwrap_err().code(), "S0602");
    drop(lock);
    HomeLock::take(folder.path(), "stead run", 3).unwrap();
    assert_eq!(HomeLock::take(&folder.path().join("none"), "x", 3).unwrap_err().code(), "S0401");
}

//! Messages between streams: the order in which they are taken, and what runs that wait for each other's place cost.

use std::sync::atomic::Ordering::Relaxed;

use stead_core::effect::{AttemptResult, Effect};
use stead_core::ids::StreamId;
use stead_core::people::Actor;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_core::task::{self, Act};
use stead_engine::driver::{Addressed, Driver, Stepped};
use stead_lang::Bundle;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::{Filter, Reader as _, Store};

use crate::backend::{Backend as _, Counted};

pub(crate) fn start(run: &str, revision: &str) -> Addressed {
    let input = Input::Start {
        inputs: Vec::new(),
        project: String::new(),
        folder: String::new(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    };
    let revision = Some(revision.to_owned());
    Addressed { stream: StreamId::new(run), input: input.into(), revision, token: 0 }
}

/// A driver with a definition at hand, and its revision.
pub(crate) fn with<S: Store>(mut store: S, text: &str, files: &std::path::Path) -> (Driver<S>, String) {
    let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{text}"));
    let checked = stead_lang::check(&bundle);
    let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    for (revision, bundle) in checked.children.iter().chain([(&plan.revision, &bundle)]) {
        store.put_definition(revision, &serde_json::to_vec(bundle).unwrap()).unwrap();
    }
    (Driver::new(store, FileStore::open(files).unwrap()).unwrap(), plan.revision.clone())
}

/// Gives each attempt its result at once.
fn perform<S: Store>(driver: &mut Driver<S>, stepped: Stepped) {
    for (effect, _) in stepped.effects {
        let Effect::Execute(job) = effect else { continue };
        let result = AttemptResult { output: Some(1.into()), ..AttemptResult::default() };
        let input = Input::AttemptEnded { path: job.attempt.path, number: job.attempt.number, result };
        driver.push(Addressed::to(job.attempt.stream, input));
    }
}

// What was sent first is taken first, although a process that takes over a home for one operation does not go on
// with what the last engine left. Else the cancel would come to a child that does not exist yet, and be lost.
#[test]
fn p5_a_message_does_not_overtake_an_older_one_where_no_engine_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    let text = "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: kid, steps: [ { id: k, noop: 1 } ] } }\n";
    let (mut driver, revision) = with(store.reopen(), text, folder.path());
    driver.push(start("r_top", &revision));
    driver.step(1_000).unwrap();
    // The child's start is on its way when the engine goes.
    drop(driver);
    let (mut driver, _) = with(store.reopen(), text, folder.path());
    driver.perform_nothing();
    let cancel = Input::Cancel { by: "user:ana".into(), reason: None, force: false };
    driver.push(Addressed::to(StreamId::new("r_top"), cancel));
    while driver.is_busy() {
        driver.step(2_000).unwrap();
    }
    let mut store = store.reopen();
    let heads = store.heads(&Filter::default()).unwrap();
    let statuses: Vec<RunStatus> = heads.iter().map(|listed| listed.head.status).collect();
    assert_eq!(statuses, [RunStatus::Cancelled, RunStatus::Cancelled]);
    assert!(store.open_streams().unwrap().is_empty());
}

/// Rows, bytes and heads that so many runs write which take turns at one place.
fn cost(runs: u64) -> [u64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let store = Counted::default();
    let count = store.count.clone();
    let text = "concurrency: {}\nsteps: [ { id: a, noop: 1 } ]\n";
    let (mut driver, revision) = with(store.open(), text, folder.path());
    for n in 0..runs {
        driver.push(start(&format!("r_{n:016}"), &revision));
    }
    let mut ended = 0;
    while driver.is_busy() {
        let stepped = driver.step(1_000).unwrap();
        ended += stepped.ended.len() as u64;
        perform(&mut driver, stepped);
    }
    assert_eq!(ended, runs);
    let limit = StreamId::limit("", "test");
    assert!(!driver.limit(&limit).unwrap().in_use());
    [&count.rows, &count.bytes, &count.heads].map(|n| n.load(Relaxed))
}

#[test]
fn what_a_run_costs_does_not_grow_with_those_that_wait_for_its_place() {
    let (few, many) = (cost(300), cost(3_000));
    for (few, many) in few.iter().zip(&many) {
        assert!(many * 10 <= few * 10 * 11, "{few} for 300, {many} for 3,000");
    }
}

/// Rows, bytes and heads that one decision writes where so many gates are open, with what follows from it.
fn cost_of_a_decision(gates: u64) -> [u64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let store = Counted::default();
    let count = store.count.clone();
    let text = "steps: [ { id: a, approve: { by: ['role:approver'] } } ]\n";
    let (mut driver, revision) = with(store.open(), text, folder.path());
    for n in 0..gates {
        driver.push(start(&format!("r_{n:016}"), &revision));
    }
    while driver.is_busy() {
        driver.step(1_000).unwrap();
    }
    let counts = || [&count.rows, &count.bytes, &count.heads].map(|n| n.load(Relaxed));
    let before = counts();
    let run = StreamId::new(&format!("r_{:016}", gates / 2));
    let actor = Actor { user: "user:bo".into(), roles: vec!["approver".into()], ..Actor::default() };
    let act = Act::Decide { accept: true, comment: "fine".into(), form: None, version: None };
    let input = task::Input::Act { actor, act };
    driver.push(Addressed {
        stream: StreamId::task(&run, "a", 1),
        input: input.into(),
        revision: None,
        token: 1,
    });
    let mut ended = 0;
    while driver.is_busy() {
        ended += driver.step(2_000).unwrap().ended.len();
    }
    assert_eq!(ended, 2, "the gate ends, and its run goes on to its end");
    let after = counts();
    [0, 1, 2].map(|at| after[at] - before[at])
}

#[test]
fn what_a_decision_costs_does_not_grow_with_what_else_people_are_asked() {
    let (few, many) = (cost_of_a_decision(10), cost_of_a_decision(3_000));
    assert_eq!(few, many, "rows, bytes and heads for 10 and for 3,000 open gates");
    assert!(few[0] > 0 && few[1] > 0);
}

#[test]
fn a_limit_is_read_back_at_the_same_cost_however_much_it_has_granted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Counted::default();
    let count = store.count.clone();
    let text = "concurrency: { max: 2 }\nsteps: [ { id: a, noop: 1 } ]\n";
    let (mut driver, revision) = with(store.open(), text, folder.path());
    let limit = StreamId::limit("", "test");
    let (mut granted, mut read_back, mut kept) = (0, Vec::new(), Vec::new());
    for round in 0..100 {
        for n in 0..50 {
            driver.push(start(&format!("r_{round:08}{n:08}"), &revision));
        }
        while driver.is_busy() {
            let stepped = driver.step(1_000).unwrap();
            granted += stepped.ended.len();
            perform(&mut driver, stepped);
        }
        if round % 25 == 17 {
            let (before, snapshots) = (count.read.load(Relaxed), count.snapshot_bytes.load(Relaxed));
            driver = with(store.open(), text, folder.path()).0;
            driver.push(Addressed::to(limit.clone(), stead_core::limit::Input::Continue));
            driver.step(1_000).unwrap();
            assert!(!driver.limit(&limit).unwrap().in_use());
            read_back.push(count.read.load(Relaxed) - before);
            kept.push(snapshots);
        }
    }
    assert_eq!(granted, 5_000);
    // A snapshot, and what came since: a row per asking and per giving back.
    let most = stead_engine::limits::SNAPSHOT_EVENTS + 50;
    assert!(read_back.iter().all(|rows| *rows < most), "{read_back:?} rows read");
    assert!(
        kept.windows(2).all(|two| two[1] > two[0]) && kept[3] * 10 < count.bytes.load(Relaxed),
        "{kept:?}"
    );
}

//! Places that runs share, end to end: two runs of one home, real store, real processes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Map;
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_engine::operations::{Answer, LimitRow, Operation};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, EngineError, Home, ask_home};
use stead_lang::Bundle;
use stead_store::sqlite::SqliteStore;

struct Bench {
    folder: tempfile::TempDir,
}

/// A run of this takes the place, and lets go of it when the file `go-RUN` is there.
const HOLDS: &str = "concurrency: { key: one }\nsteps:\n  - id: s\n    run: 'echo \"begin $STEAD_RUN\" >> said; until [ -e go-$STEAD_RUN ]; do sleep 0.02; done; echo \"end $STEAD_RUN\" >> said'\n";

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn home(&self) -> Home {
        Home::at(&self.folder.path().join(".stead"))
    }

    fn open(&self) -> Engine {
        Engine::open(&self.home(), Arc::new(EnvironmentSecrets)).unwrap()
    }

    fn start(&self, engine: &Engine, id: &str, body: &str) {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let operation = Operation::Start {
            run: StreamId::new(id),
            bundle,
            inputs: Map::new(),
            project: "docs".into(),
            folder: self.folder.path().display().to_string(),
            breaks: Breaks::default(),
            by: "user:ana".into(),
        };
        engine.ask(operation).unwrap();
    }

    fn go(&self, run: &str) {
        std::fs::write(self.folder.path().join(format!("go-{run}")), "").unwrap();
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    /// Changes the store behind everybody's back.
    fn change(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.home().database()).unwrap();
        assert!(db.execute(sql, []).unwrap() > 0, "{sql}");
    }
}

fn until(engine: &Engine, run: &str, done: impl Fn(&View) -> bool) -> View {
    let start = Instant::now();
    loop {
        let Answer::Status { view } = engine.ask(Operation::Status { run: run.to_owned() }).unwrap() else {
            panic!("no status")
        };
        if done(&view) {
            return *view;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "still {view:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn eventually(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn limits(ask: impl Fn(Operation) -> Result<Answer, EngineError>) -> Vec<LimitRow> {
    match ask(Operation::Limits { project: None, key: None }).unwrap() {
        Answer::Limits { limits, .. } => limits,
        other => panic!("{other:?}"),
    }
}

fn running(view: &View) -> bool {
    view.status == RunStatus::Running && view.steps[0].tries > 0
}

fn waits(view: &View) -> bool {
    view.status == RunStatus::Waiting
}

#[test]
fn one_run_waits_for_the_other_and_says_for_whom() {
    let bench = Bench::new();
    let engine = bench.open();
    for run in ["r_a", "r_b", "r_c"] {
        bench.start(&engine, run, HOLDS);
    }
    until(&engine, "r_a", running);
    let detail = |run: &str, part: &str| {
        let told = |view: &View| {
            let detail = view.waits_for.first().and_then(|waits| waits.detail.clone());
            detail.is_some_and(|detail| detail.contains(part))
        };
        until(&engine, run, |view| waits(view) && told(view))
    };
    let view = detail("r_c", "1 before it");
    let waits = &view.waits_for[0];
    assert_eq!(waits.detail.as_deref(), Some("a place for `one`, held by r_a, 1 before it"));
    detail("r_b", "a place for `one`, held by r_a");
    let all = limits(|operation| engine.ask(operation));
    let names = |row: &LimitRow| {
        let of = |places: &[stead_engine::operations::PlaceRow]| -> Vec<String> {
            places.iter().map(|place| place.run.to_string()).collect()
        };
        (row.project.clone(), row.key.clone(), row.max, of(&row.holders), of(&row.waiters))
    };
    let (a, b, c) = ("r_a".to_owned(), "r_b".to_owned(), "r_c".to_owned());
    assert_eq!(
        all.iter().map(names).collect::<Vec<_>>(),
        [("docs".to_owned(), "one".to_owned(), 1, vec![a], vec![b, c])]
    );
    for run in ["r_a", "r_b", "r_c"] {
        bench.go(run);
        until(&engine, run, |view| view.status == RunStatus::Completed);
    }
    assert_eq!(bench.said(), "begin r_a\nend r_a\nbegin r_b\nend r_b\nbegin r_c\nend r_c\n");
    eventually("nobody has a place", || limits(|operation| engine.ask(operation)).is_empty());
    assert!(engine.recovered().is_empty());
    engine.stop().unwrap();
    // In no list of runs, and no run by its id.
    let id = StreamId::limit("docs", "one").to_string();
    let error = ask_home(&bench.home(), Operation::Status { run: id }).unwrap_err();
    assert_eq!(error.code(), "R0201");
}

#[test]
fn the_next_engine_goes_on_with_those_who_have_places_and_those_who_wait() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(&engine, "r_a", HOLDS);
    until(&engine, "r_a", running);
    bench.start(&engine, "r_b", HOLDS);
    until(&engine, "r_b", waits);
    engine.stop().unwrap();
    // Where no engine runs, the place changes hands, and nothing begins.
    let cancel = Operation::Cancel { run: "r_a".into(), by: "user:ana".into(), reason: None, force: false };
    ask_home(&bench.home(), cancel).unwrap();
    let all = limits(|operation| ask_home(&bench.home(), operation));
    assert_eq!((all[0].holders[0].run.as_str(), all[0].waiting), ("r_b", 0));
    assert!(!bench.said().contains("r_b"));
    let engine = bench.open();
    assert_eq!(engine.recovered(), [StreamId::new("r_b")], "it begins by itself, and a limit is no run");
    bench.go("r_b");
    until(&engine, "r_b", |view| view.status == RunStatus::Completed);
    engine.stop().unwrap();
    assert!(limits(|operation| ask_home(&bench.home(), operation)).is_empty());
}

#[test]
fn what_a_run_has_that_is_not_there_any_more_is_given_to_the_next() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(&engine, "r_a", HOLDS);
    until(&engine, "r_a", running);
    bench.start(&engine, "r_b", HOLDS);
    until(&engine, "r_b", waits);
    engine.stop().unwrap();
    bench.change("DELETE FROM journal WHERE stream = (SELECT id FROM heads WHERE stream = 'r_a')");
    bench.change("DELETE FROM heads WHERE stream = 'r_a'");
    let engine = bench.open();
    bench.go("r_b");
    until(&engine, "r_b", |view| view.status == RunStatus::Completed);
}

#[test]
fn the_place_of_a_run_that_cannot_go_on_is_freed_by_hand() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(&engine, "r_a", HOLDS);
    until(&engine, "r_a", running);
    bench.start(&engine, "r_b", HOLDS);
    until(&engine, "r_b", waits);
    let free = |run: &str, key: &str| Operation::FreePlace {
        project: "docs".into(),
        key: key.into(),
        run: run.into(),
        by: "user:ana".into(),
    };
    for (run, key, why) in [
        ("r_a", "one", "it can go on"),
        ("r_x", "one", "it has no place for `one`"),
        ("r_a", "two", "nobody asked for a place"),
    ] {
        let error = engine.ask(free(run, key)).unwrap_err();
        assert_eq!(error.code(), "R0203");
        assert!(error.to_string().contains(why), "{error}");
    }
    engine.stop().unwrap();
    bench.change("UPDATE journal SET cause = 'x' WHERE stream = (SELECT id FROM heads WHERE stream = 'r_a')");
    let engine = bench.open();
    eventually("it is told that it cannot go on", || engine.trouble(&StreamId::new("r_a")).is_some());
    until(&engine, "r_b", waits);
    engine.ask(free("r_a", "one")).unwrap();
    bench.go("r_b");
    until(&engine, "r_b", |view| view.status == RunStatus::Completed);
    engine.stop().unwrap();
    assert!(SqliteStore::open(&bench.home().database()).unwrap().check().unwrap().len() == 1);
}

#[test]
fn p11_places_that_are_listed_are_bounded() {
    let bench = Bench::new();
    let engine = bench.open();
    let listed = stead_engine::limits::PLACES_LISTED;
    for n in 0..listed + 3 {
        let body = "concurrency: { key: one }\nsteps: [ { id: w, wait: { for: 1h } } ]\n";
        bench.start(&engine, &format!("r_{n}"), body);
    }
    let waiting = || limits(|operation| engine.ask(operation)).pop().map_or(0, |limit| limit.waiting);
    eventually("they wait", || waiting() == listed + 2);
    let limit = limits(|operation| engine.ask(operation)).remove(0);
    assert_eq!((limit.held, limit.holders.len(), limit.waiters.len()), (1, 1, listed));
}

#[test]
fn p11_holders_that_are_named_to_one_who_waits_are_bounded() {
    let bench = Bench::new();
    let engine = bench.open();
    let named = stead_engine::limits::HOLDERS_NAMED;
    let body = format!(
        "concurrency: {{ key: one, max: {} }}\nsteps: [ {{ id: w, wait: {{ for: 1h }} }} ]\n",
        named + 2
    );
    for n in 0..named + 3 {
        bench.start(&engine, &format!("r_{n}"), &body);
    }
    let last = format!("r_{}", named + 2);
    let said = until(&engine, &last, |view| {
        waits(view) && view.waits_for[0].detail.as_ref().is_some_and(|detail| detail.contains("held"))
    });
    let detail = said.waits_for[0].detail.clone().unwrap();
    assert_eq!(detail, "a place for `one`, held by r_0, r_1, r_2 and 2 more");
    assert_eq!(said.steps[0].waits_for, None, "only the run waits");
}

#[test]
fn a_limit_that_cannot_be_read_is_told_and_holds_up_no_other() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(&engine, "r_a", HOLDS);
    until(&engine, "r_a", running);
    bench.start(&engine, "r_b", HOLDS);
    until(&engine, "r_b", waits);
    engine.stop().unwrap();
    let id = StreamId::limit("docs", "one");
    let row = format!("(SELECT id FROM heads WHERE stream = '{id}')");
    bench.change(&format!("UPDATE journal SET cause = 'x' WHERE stream = {row}"));
    let engine = bench.open();
    let Answer::Limits { limits, unread } =
        engine.ask(Operation::Limits { project: None, key: None }).unwrap()
    else {
        panic!("no limits")
    };
    assert!(limits.is_empty());
    assert_eq!(unread.iter().map(|trouble| &trouble.run).collect::<Vec<_>>(), [&id]);
    let view = until(&engine, "r_b", waits);
    let detail = view.waits_for[0].detail.clone().unwrap();
    assert!(detail.starts_with("a place for `one`, which nobody can give: "), "{detail}");
    // Who has a place goes on, who waits can be cancelled, and other keys are not concerned.
    bench.go("r_a");
    until(&engine, "r_a", |view| view.status == RunStatus::Completed);
    let by = "user:ana".to_owned();
    engine.ask(Operation::Cancel { run: "r_b".into(), by, reason: None, force: false }).unwrap();
    until(&engine, "r_b", |view| view.status == RunStatus::Cancelled);
    bench.start(&engine, "r_c", &HOLDS.replace("key: one", "key: two"));
    bench.go("r_c");
    until(&engine, "r_c", |view| view.status == RunStatus::Completed);
    engine.stop().unwrap();
}

//! What an engine does beside its work: what a dead one left, terminals that are about to lend, a store that cannot be
//! written for a while.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_engine::carried::Mark;
use stead_engine::lent::Environment;
use stead_engine::operations::{Answer, Operation, StoreTrouble};
use stead_engine::seat::Seat;
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, EngineError, Home, Measures, Settings};
use stead_lang::Bundle;
use stead_store::fault::Faults;

/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(3600);

fn settings() -> Settings {
    Settings::from(Arc::new(EnvironmentSecrets))
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn home(&self) -> Home {
        Home::at(&self.folder.path().join(".stead"))
    }

    fn open(&self, measures: &Measures) -> Engine {
        let settings = Settings { measures: measures.clone(), ..settings() };
        Engine::open(&self.home(), settings).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn operation(&self, id: &str, body: &str) -> Operation {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let folder = self.folder.path().display().to_string();
        let (run, inputs, project) = (StreamId::new(id), Map::new(), String::new());
        Operation::Start {
            run,
            bundle,
            inputs,
            project,
            folder,
            breaks: Breaks::default(),
            by: "user:ana".into(),
        }
    }

    fn start(&self, engine: &Engine, id: &str, body: &str) {
        engine.ask(self.operation(id, body)).unwrap();
    }

    /// A program that looks as if a dead engine had started it.
    fn stray(&self, attempt: &str, script: &str) -> Child {
        std::fs::create_dir_all(self.home().work()).unwrap();
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("STEAD_ATTEMPT", attempt);
        command.env("STEAD_DIR", self.home().work().join("any")).process_group(0);
        command.current_dir(self.home().work());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        child
    }
}

/// Ends a stray with all that it started.
fn put_down(stray: &mut Child) {
    Command::new("kill").args(["-9", "--", &format!("-{}", stray.id())]).status().unwrap();
    stray.wait().unwrap();
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn status(engine: &Engine, run: &str) -> View {
    match engine.ask(Operation::Status { run: run.to_owned() }).unwrap() {
        Answer::Status { view } => *view,
        other => panic!("{other:?}"),
    }
}

fn ended(engine: &Engine, run: &str) -> View {
    let view = until("its end", || Some(status(engine, run)).filter(|view| view.status.is_end()));
    assert!(view.error.is_none(), "{view:#?}");
    view
}

/// A run whose only attempt was under way when its engine went.
fn interrupted(bench: &Bench, effect: &str) {
    let engine = bench.open(&Measures::default());
    let run = "echo x >> ran; if [ -e go ]; then echo again; else sleep 600; fi";
    bench.start(
        &engine,
        "r_a",
        &format!("steps: [ {{ id: s, effect: {effect}, run: '{run}' }} ]\noutputs: {{ s: '${{{{ steps.s.output }}}}' }}\n"),
    );
    until("its program", || (!bench.text("ran").is_empty()).then_some(()));
    engine.hurry().now();
    engine.stop().unwrap();
    std::fs::write(bench.path("go"), "").unwrap();
}

#[test]
fn only_the_own_step_waits_for_a_program_of_a_dead_engine() {
    let bench = Bench::new();
    interrupted(&bench, "none");
    let mut deaf = bench.stray("r_a:s:1", "trap '' TERM; echo; while :; do sleep 1; done");
    let engine = bench.open(&Measures { stray_grace: LONG, ..Measures::default() });
    // It serves and performs, while the step itself queues.
    bench.start(&engine, "r_b", "steps: [ { id: t, run: [echo, hi] } ]\n");
    assert_eq!(ended(&engine, "r_b").outputs, Some(json!({"t": "hi"})));
    let waits = until("the step to queue", || status(&engine, "r_a").waits_for.pop());
    assert_eq!((waits.kind.as_str(), waits.path.as_str()), ("slot", "s"));
    assert_eq!(bench.text("ran"), "x\n");
    assert!(deaf.try_wait().unwrap().is_none());
    put_down(&mut deaf);
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"s": "again"})));
    engine.stop().unwrap();
}

#[test]
fn a_step_that_is_held_can_be_cancelled() {
    let bench = Bench::new();
    interrupted(&bench, "none");
    let mut deaf = bench.stray("r_a:s:1", "trap '' TERM; echo; while :; do sleep 1; done");
    let engine = bench.open(&Measures { stray_grace: LONG, ..Measures::default() });
    until("the step to queue", || status(&engine, "r_a").waits_for.pop());
    let (run, by) = ("r_a".to_owned(), "user:ana".to_owned());
    engine.ask(Operation::Cancel { run, by, reason: None, force: false }).unwrap();
    until("its end", || (status(&engine, "r_a").status == RunStatus::Cancelled).then_some(()));
    assert_eq!(engine.under_way(), 0);
    // An engine that leaves waits until such a program is gone.
    put_down(&mut deaf);
    engine.stop().unwrap();
}

#[test]
fn a_settled_step_waits_for_a_program_that_outlived_two_engines() {
    let bench = Bench::new();
    interrupted(&bench, "once");
    // It parks, and with nothing open no engine looks for programs any more.
    let engine = bench.open(&Measures::default());
    until("the step to park", || (status(&engine, "r_a").status == RunStatus::Waiting).then_some(()));
    engine.stop().unwrap();
    let mut deaf =
        bench.stray("r_a:s:1", "trap 'touch told' TERM; echo; while [ ! -e out ]; do sleep 0.01; done");
    let engine = bench.open(&Measures::default());
    let (run, step, by) = ("r_a".to_owned(), "s".to_owned(), "user:ana".to_owned());
    let verdict = stead_engine::operations::Settlement::Again;
    engine.ask(Operation::Settle { run, step, verdict, by }).unwrap();
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"s": "again"})));
    // By then it was ended: asked first, killed after.
    assert!(deaf.try_wait().unwrap().is_some());
    engine.stop().unwrap();
}

#[test]
fn programs_of_another_home_with_the_same_runs_are_left_alone() {
    let (bench, copy) = (Bench::new(), Bench::new());
    interrupted(&bench, "none");
    let mut other = copy.stray("r_a:s:1", "echo; exec sleep 600");
    let mut own = bench.stray("r_a:s:1", "echo; exec sleep 600");
    let engine = bench.open(&Measures::default());
    ended(&engine, "r_a");
    assert!(own.wait().unwrap().code().is_none(), "it was ended");
    assert!(other.try_wait().unwrap().is_none());
    put_down(&mut other);
    engine.stop().unwrap();
}

#[test]
fn folders_of_dead_attempts_are_removed_beside() {
    let bench = Bench::new();
    interrupted(&bench, "none");
    let left = bench.home().work().join("r_a-000000000000");
    std::fs::create_dir_all(left.join("deep/down")).unwrap();
    let engine = bench.open(&Measures::default());
    until("it to be removed", || (!left.exists()).then_some(()));
    ended(&engine, "r_a");
    engine.stop().unwrap();
}

const SECRET: &str = "secrets: [STEAD_TEST_TOKEN]\nsteps: [ { id: s, run: 'echo x >> ran; if [ -e go ]; then echo \"$T\" | tr a-z b-za; else sleep 600; fi', env: { T: '${{ secrets.STEAD_TEST_TOKEN }}' } } ]\noutputs: { s: '${{ steps.s.output }}' }\n";

fn lendable() -> Environment {
    let variables = ["PATH", "HOME"].map(|name| json!([name, std::env::var(name).unwrap()]));
    let secrets = json!({"STEAD_TEST_TOKEN": "abc-of-the-terminal"});
    serde_json::from_value(json!({"variables": variables, "secrets": secrets})).unwrap()
}

/// A run with a secret that only its terminal has, carried by an engine that has gone.
fn carried(bench: &Bench) -> (StreamId, Mark) {
    let engine = bench.open(&Measures::default());
    let seat = Seat::take(&bench.home(), &settings(), &[], &mut |_| true).unwrap();
    let run = StreamId::new("r_a");
    let mark = Mark::of(&bench.home(), &run).unwrap().unwrap();
    seat.lend(&run, &lendable(), &mut |_| true).unwrap();
    bench.start(&engine, "r_a", SECRET);
    until("its program", || (!bench.text("ran").is_empty()).then_some(()));
    engine.hurry().now();
    engine.stop().unwrap();
    std::fs::write(bench.path("go"), "").unwrap();
    (run, mark)
}

#[test]
fn a_new_engine_waits_for_the_terminal_of_a_run_to_lend_again() {
    let bench = Bench::new();
    let (run, _mark) = carried(&bench);
    let engine = bench.open(&Measures { lend_wait: LONG, ..Measures::default() });
    bench.start(&engine, "r_b", "steps: [ { id: t, run: [echo, hi] } ]\n");
    ended(&engine, "r_b");
    until("the step to queue", || status(&engine, "r_a").waits_for.pop());
    assert_eq!(bench.text("ran"), "x\n");
    let seat = Seat::take(&bench.home(), &settings(), &[], &mut |_| true).unwrap();
    seat.lend(&run, &lendable(), &mut |_| true).unwrap();
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"s": "bcd-pg-uif-ufsnjobm"})));
    engine.stop().unwrap();
}

#[test]
fn a_terminal_that_does_not_come_back_is_not_waited_for_for_ever() {
    let bench = Bench::new();
    let (_, mark) = carried(&bench);
    let engine = bench.open(&Measures { lend_wait: Duration::from_millis(50), ..Measures::default() });
    let view = until("its end", || Some(status(&engine, "r_a")).filter(|view| view.status.is_end()));
    let error = view.error.unwrap();
    assert!(error.message.contains("secret `STEAD_TEST_TOKEN` is not set"), "{}", error.message);
    engine.stop().unwrap();
    drop(mark);
}

fn store_trouble(engine: &Engine) -> Option<StoreTrouble> {
    match engine.ask(Operation::Engine).unwrap() {
        Answer::Engine { engine: Some(now) } => now.store,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_that_somebody_else_holds_is_waited_for() {
    let bench = Bench::new();
    let store = stead_store::sqlite::Options { busy: Duration::from_millis(10), ..Default::default() };
    let engine = bench.open(&Measures { store, ..Measures::default() });
    let body = "steps:\n  - { id: a, run: 'touch begun; while [ ! -e go ]; do sleep 0.01; done; echo a' }\n  - { id: b, run: [echo, b] }\n";
    bench.start(&engine, "r_a", body);
    until("its program", || bench.path("begun").exists().then_some(()));
    let other = rusqlite::Connection::open(bench.home().database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::write(bench.path("go"), "").unwrap();
    let trouble = until("the trouble to be told", || store_trouble(&engine).filter(|known| known.tries > 2));
    assert_eq!((trouble.code.as_str(), trouble.why.contains("locked by another process")), ("S0404", true));
    // Whoever asks is answered, and what was asked is not done later behind their back.
    let error = engine.ask(bench.operation("r_b", "steps: [ { id: n, noop: 1 } ]\n")).unwrap_err();
    assert!(matches!(error, EngineError::Unwritten { .. }), "{error:?}");
    let (run, by) = ("r_a".to_owned(), "user:ana".to_owned());
    let error = engine.ask(Operation::Cancel { run, by, reason: None, force: false }).unwrap_err();
    assert_eq!(error.code(), "R0307");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"a": "a", "b": "b"})));
    assert_eq!(store_trouble(&engine), None);
    assert!(matches!(engine.ask(Operation::Status { run: "r_b".into() }), Err(EngineError::NoRun { .. })));
    engine.stop().unwrap();
}

#[test]
fn a_commit_that_fails_anywhere_is_made_again_by_itself() {
    for nth in 1..=12 {
        let bench = Bench::new();
        let faults = Faults::new();
        let engine = bench.open(&Measures { faults: Some(faults.clone()), ..Measures::default() });
        bench.start(&engine, "r_a", "steps:\n  - { id: w, wait: { for: 20ms } }\n  - { id: a, run: 'echo x >> ran; echo a' }\n  - { id: c, workflow: { inline: { stead: 1, name: kid, steps: [ { id: k, noop: 7 } ] } } }\n");
        faults.fail_at(nth);
        assert_eq!(ended(&engine, "r_a").outputs.unwrap()["c"], json!({"k": 7}), "{nth}");
        assert_eq!(bench.text("ran"), "x\n", "P1, P2: {nth}");
        engine.stop().unwrap();
    }
}

#[test]
fn an_engine_that_cannot_write_can_still_be_stopped() {
    let bench = Bench::new();
    let store = stead_store::sqlite::Options { busy: Duration::from_millis(10), ..Default::default() };
    let engine = bench.open(&Measures { store, retry: (LONG, LONG), ..Measures::default() });
    bench.start(
        &engine,
        "r_a",
        "steps: [ { id: a, run: 'touch begun; while [ ! -e go ]; do sleep 0.01; done; echo a' } ]\n",
    );
    until("its program", || bench.path("begun").exists().then_some(()));
    let other = rusqlite::Connection::open(bench.home().database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::write(bench.path("go"), "").unwrap();
    until("the trouble to be told", || store_trouble(&engine));
    assert_eq!(engine.stop().unwrap_err().code(), "S0404");
    other.execute_batch("ROLLBACK").unwrap();
    let engine = bench.open(&Measures::default());
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"a": Value::from("a")})));
    engine.stop().unwrap();
}

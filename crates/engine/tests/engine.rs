//! The engine of a home, end to end: real store, real files, real processes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_core::run::event::Breaks;
use stead_core::status::{Outcome, RunStatus};
use stead_engine::operations::{Answer, Operation, RunQuery, Settlement};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, EngineError, Home, ask_home};
use stead_lang::Bundle;

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

    fn open(&self) -> Engine {
        Engine::open(&self.home(), Arc::new(EnvironmentSecrets)).unwrap()
    }

    fn start(&self, engine: &Engine, id: &str, body: &str) -> StreamId {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let run = StreamId::new(id);
        let folder = self.folder.path().display().to_string();
        let inputs = Map::new();
        let operation = Operation::Start {
            run: run.clone(),
            bundle,
            inputs,
            project: "test".into(),
            folder,
            breaks: Breaks::default(),
            by: "user:ana".into(),
        };
        engine.ask(operation).unwrap();
        run
    }
}

fn status(engine: &Engine, run: &str) -> View {
    match engine.ask(Operation::Status { run: run.to_owned() }).unwrap() {
        Answer::Status { view } => *view,
        other => panic!("{other:?}"),
    }
}

fn until(engine: &Engine, run: &str, done: impl Fn(&View) -> bool) -> View {
    let start = Instant::now();
    loop {
        let view = status(engine, run);
        if done(&view) {
            return view;
        }
        assert!(!engine.has_stopped(), "the engine has stopped by itself");
        assert!(start.elapsed() < Duration::from_secs(60), "still {view:#?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ended(engine: &Engine, run: &str) -> View {
    let view = until(engine, run, |view| view.status.is_end());
    assert!(view.error.is_none(), "{:?}", view.error);
    view
}

#[test]
fn a_run_of_programs_and_values() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_a",
        "steps:\n  - { id: hello, run: [echo, hello] }\n  - id: each\n    foreach: { in: '${{ [1, 2, 3] }}', parallel: 2 }\n    run: 'echo \"{\\\"n\\\": $((N * 2))}\"'\n    env: { N: '${{ item }}' }\n    parse: json\n  - { id: n, noop: '${{ steps.each.output.map(o, o.n) }}' }\noutputs: { hello: '${{ steps.hello.output }}', n: '${{ steps.n.output }}' }\n",
    );
    let view = ended(&engine, "r_a");
    assert_eq!(view.error, None);
    assert_eq!((view.status, view.outcome), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(view.outputs, Some(json!({"hello": "hello", "n": [2, 4, 6]})));
    let Answer::Logs { logs, .. } = engine.ask(Operation::Logs { run: "@last".into() }).unwrap() else {
        panic!()
    };
    assert_eq!(
        logs.iter().map(|log| log.path.as_str()).collect::<Vec<_>>(),
        ["hello", "each[0]", "each[1]", "each[2]"]
    );
    let Answer::Runs { runs } = engine.ask(Operation::Runs { query: RunQuery::default() }).unwrap() else {
        panic!()
    };
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].head.outcome, Some(Outcome::Ok));
    engine.stop().unwrap();
}

#[test]
fn a_second_engine_is_refused_with_the_pid_of_the_first() {
    let bench = Bench::new();
    let engine = bench.open();
    let Err(error) = Engine::open(&bench.home(), Arc::new(EnvironmentSecrets)) else {
        panic!("it was let in")
    };
    assert_eq!(error.code(), "S0601");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    engine.stop().unwrap();
    bench.open().stop().unwrap();
}

#[test]
fn a_stopped_engine_leaves_runs_that_the_next_one_finishes() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_a",
        "steps:\n  - { id: first, run: 'echo x >> \"$PWD/first\"; echo 1' }\n  - { id: slow, run: 'if [ -e go ]; then echo done; else sleep 600; fi' }\n  - { id: w, wait: { for: 50ms } }\noutputs: { slow: '${{ steps.slow.output }}' }\n",
    );
    until(&engine, "r_a", |view| view.steps[1].since.is_some());
    engine.stop().unwrap();
    std::fs::write(bench.folder.path().join("go"), "").unwrap();
    let engine = bench.open();
    assert_eq!(engine.recovered(), [StreamId::new("r_a")]);
    let view = ended(&engine, "r_a");
    assert_eq!(view.outputs, Some(json!({"slow": "done"})));
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("first")).unwrap(), "x\n", "P1: it ran once");
    engine.stop().unwrap();
}

#[test]
fn a_run_is_cancelled_with_its_processes_and_also_when_no_engine_is_there() {
    let bench = Bench::new();
    let engine = bench.open();
    let slow = "steps:\n  - { id: slow, run: 'echo $$ > pid; sleep 600' }\n";
    bench.start(&engine, "r_a", slow);
    let pid = || loop {
        if let Ok(text) = std::fs::read_to_string(bench.folder.path().join("pid"))
            && text.ends_with('\n')
        {
            return text.trim().to_owned();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let first = pid();
    engine
        .ask(Operation::Cancel { run: "r_a".into(), by: "user:ana".into(), reason: None, force: false })
        .unwrap();
    let view = ended(&engine, "r_a");
    assert_eq!(view.status, RunStatus::Cancelled);
    assert!(!std::path::Path::new(&format!("/proc/{first}")).exists(), "its program is gone");
    let refused = engine.ask(Operation::Cancel {
        run: "r_a".into(),
        by: "user:ana".into(),
        reason: None,
        force: false,
    });
    assert!(matches!(refused, Err(EngineError::Refused { .. })), "{refused:?}");
    bench.start(&engine, "r_b", slow);
    until(&engine, "r_b", |view| view.steps[0].since.is_some());
    engine.stop().unwrap();
    let cancel = Operation::Cancel { run: "r_b".into(), by: "user:ana".into(), reason: None, force: false };
    assert_eq!(ask_home(&bench.home(), cancel).unwrap(), Answer::Done { run: StreamId::new("r_b") });
    let Answer::Status { view } = ask_home(&bench.home(), Operation::Status { run: "r_b".into() }).unwrap()
    else {
        panic!()
    };
    assert_eq!(view.status, RunStatus::Cancelled);
}

#[test]
fn a_child_by_inline_and_a_timer_are_brought_on_by_the_engine() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_a",
        "steps:\n  - { id: w, wait: { for: 100ms } }\n  - id: c\n    workflow: { inline: { stead: 1, name: kid, inputs: { n: { type: integer } }, steps: [ { id: k, run: [echo, '${{ inputs.n }}'] } ] }, inputs: { n: 5 } }\noutputs: { k: '${{ steps.c.output.k }}' }\n",
    );
    let view = ended(&engine, "r_a");
    assert_eq!(view.outputs, Some(json!({"k": "5"})));
    let query = RunQuery { children: true, ..RunQuery::default() };
    let Answer::Runs { runs } = engine.ask(Operation::Runs { query }).unwrap() else { panic!() };
    assert_eq!(runs.len(), 2);
    assert_eq!(runs.iter().filter(|row| row.head.parent.is_some()).count(), 1);
    engine.stop().unwrap();
}

#[test]
fn p6_a_run_is_pinned_to_the_files_it_started_with() {
    let bench = Bench::new();
    let parent = "stead: 1\nname: top\nsteps:\n  - { id: w, wait: { for: 300ms } }\n  - { id: c, workflow: { path: child.yml } }\noutputs: { said: '${{ steps.c.output.k }}' }\n";
    let child = |text: &str| format!("stead: 1\nname: kid\nsteps:\n  - {{ id: k, run: [echo, {text}] }}\n");
    let mut read = |path: &str| match path {
        "top.yml" => Ok(parent.to_owned()),
        "child.yml" => Ok(child("old")),
        _ => Err(stead_lang::tree::ReadProblem::NotFound),
    };
    let bundle = stead_lang::collect("top.yml", &mut read);
    assert_eq!(bundle.files.len(), 2, "{bundle:?}");
    let before = stead_lang::check(&bundle).plan.unwrap().revision.clone();
    let engine = bench.open();
    let run = StreamId::new("r_a");
    let folder = bench.folder.path().display().to_string();
    let (project, inputs) = (String::new(), Map::new());
    engine
        .ask(Operation::Start {
            run,
            bundle: bundle.clone(),
            inputs,
            project,
            folder,
            breaks: Breaks::default(),
            by: "user:ana".into(),
        })
        .unwrap();
    engine.stop().unwrap();
    // The child's file changes while the run waits; another engine goes on with it.
    let mut changed = bundle;
    changed.files.insert("child.yml".into(), child("new"));
    assert_ne!(
        stead_lang::check(&changed).plan.unwrap().revision,
        before,
        "the file is part of the revision"
    );
    let engine = bench.open();
    let view = ended(&engine, "r_a");
    assert_eq!((view.revision, view.outputs), (before, Some(json!({"said": "old"}))));
    engine.stop().unwrap();
}

#[test]
fn a_run_whose_journal_is_damaged_holds_up_no_other() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_bad",
        "steps:\n  - { id: w, wait: { for: 100ms } }\n  - { id: s, set: { v: 1 } }\n",
    );
    engine.stop().unwrap();
    let db = rusqlite::Connection::open(bench.home().database()).unwrap();
    let changed = db.execute("UPDATE journal SET events = replace(events, '100', '900')", []).unwrap();
    assert!(changed > 0);
    drop(db);
    std::thread::sleep(Duration::from_millis(150));
    let engine = bench.open();
    bench.start(
        &engine,
        "r_good",
        "steps:\n  - { id: w, wait: { for: 50ms } }\n  - { id: s, run: [echo, hi] }\n",
    );
    assert_eq!(ended(&engine, "r_good").outputs.unwrap()["s"], json!("hi"));
    let Err(error) = engine.ask(Operation::Status { run: "r_bad".into() }) else { panic!("it was read") };
    assert_eq!(error.code(), "S0201", "{error}");
    let cancel = Operation::Cancel { run: "r_bad".into(), by: "user:ana".into(), reason: None, force: false };
    assert!(engine.ask(cancel).is_err());
    engine.stop().unwrap();
}

#[test]
fn a_run_whose_value_is_gone_says_so_and_holds_up_no_other() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_bad",
        "steps:\n  - { id: big, run: [python3, -c, 'print(\"x\" * 300000)'] }\n  - { id: w, wait: { for: 200ms } }\n  - { id: n, set: { v: '${{ size(steps.big.output) }}' } }\n",
    );
    until(&engine, "r_bad", |view| view.steps[1].since.is_some());
    engine.stop().unwrap();
    std::fs::remove_dir_all(bench.home().files()).unwrap();
    std::thread::sleep(Duration::from_millis(250));
    let engine = bench.open();
    bench.start(
        &engine,
        "r_good",
        "steps:\n  - { id: w, wait: { for: 50ms } }\n  - { id: s, run: [echo, hi] }\n",
    );
    assert_eq!(ended(&engine, "r_good").outputs.unwrap()["s"], json!("hi"));
    let start = Instant::now();
    let why = loop {
        if let Some(why) = engine.trouble(&StreamId::new("r_bad")) {
            break why;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", status(&engine, "r_bad"));
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(why.starts_with("no file is kept"), "{why}");
    assert_eq!(engine.trouble(&StreamId::new("r_good")), None);
    engine.stop().unwrap();
}

#[test]
fn large_values_go_through_files_and_come_back() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_a",
        "steps:\n  - { id: big, run: [python3, -c, 'print(\"x\" * 300000)'] }\n  - { id: size, run: [wc, -c], stdin: '${{ steps.big.output }}' }\noutputs: { n: '${{ size(steps.big.output) }}', wc: '${{ steps.size.output }}' }\n",
    );
    let view = ended(&engine, "r_a");
    assert_eq!(view.outputs, Some(json!({"n": 300_000, "wc": "300000"})));
    engine.stop().unwrap();
}

#[test]
fn rule_16_a_once_step_is_let_finish_when_the_engine_stops() {
    let bench = Bench::new();
    let engine = bench.open();
    let once = "echo x >> ran; while [ ! -e go ]; do sleep 0.05; done; echo through";
    bench.start(
        &engine,
        "r_a",
        &format!("steps:\n  - {{ id: s, effect: once, run: '{once}' }}\n  - {{ id: t, effect: once, run: 'echo y >> ran; echo t' }}\n"),
    );
    while !bench.folder.path().join("ran").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let go = bench.folder.path().join("go");
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        std::fs::write(go, "").unwrap();
    });
    engine.stop().unwrap();
    later.join().unwrap();
    // Its result was booked, and what follows was left to the next engine: nothing is parked.
    let engine = bench.open();
    let view = ended(&engine, "r_a");
    assert_eq!(view.outputs, Some(json!({"s": "through", "t": "t"})));
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("ran")).unwrap(), "x\ny\n");
    engine.stop().unwrap();
}

#[test]
fn a_parked_step_is_settled_without_an_engine() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_a",
        "steps:\n  - { id: s, effect: once, run: 'echo x >> ran; sleep 600' }\n  - { id: t, run: [echo, '${{ steps.s.output }}'] }\n",
    );
    while !bench.folder.path().join("ran").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // As when it is killed: what must not be cut off is not waited for either.
    engine.hurry().now();
    engine.stop().unwrap();
    let engine = bench.open();
    let view = until(&engine, "r_a", |view| view.status == RunStatus::Waiting);
    assert_eq!(view.waits_for[0].kind, "settle");
    engine.stop().unwrap();
    let verdict = Settlement::Done(json!("it happened"));
    let settle = Operation::Settle { run: "r_a".into(), step: "s".into(), verdict, by: "user:ana".into() };
    ask_home(&bench.home(), settle).unwrap();
    let engine = bench.open();
    let view = ended(&engine, "r_a");
    assert_eq!(view.outputs.unwrap()["t"], Value::from("it happened"));
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("ran")).unwrap(), "x\n");
    engine.stop().unwrap();
}

#[test]
fn what_follows_a_settled_step_is_begun_by_the_next_engine_and_not_taken_for_lost() {
    let bench = Bench::new();
    let engine = bench.open();
    // The first time round a step hangs; settled as not done, it runs through.
    let step = "if [ -e STEP ]; then echo again >> STEP; else echo first > STEP; sleep 600; fi";
    let (one, two) = (step.replace("STEP", "one"), step.replace("STEP", "two"));
    bench.start(
        &engine,
        "r_a",
        &format!(
            "steps:\n  - {{ id: one, effect: once, run: '{one}' }}\n  - {{ id: two, effect: once, run: '{two}' }}\n"
        ),
    );
    let text = |name: &str| std::fs::read_to_string(bench.folder.path().join(name)).unwrap_or_default();
    let mut engine = Some(engine);
    for (step, verdict, then) in
        [("one", Settlement::Again, "first\nagain\n"), ("two", Settlement::Again, "first\nagain\n")]
    {
        let start = Instant::now();
        while text(step).is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{step} does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        let first = engine.take().unwrap();
        first.hurry().now();
        first.stop().unwrap();
        let parking = bench.open();
        until(&parking, "r_a", |view| view.status == RunStatus::Waiting);
        parking.stop().unwrap();
        let settle =
            Operation::Settle { run: "r_a".into(), step: step.into(), verdict, by: "user:ana".into() };
        ask_home(&bench.home(), settle).unwrap();
        let going_on = bench.open();
        until(&going_on, "r_a", |view| view.steps.iter().any(|s| s.path == step && s.status.is_end()));
        assert_eq!(text(step), then);
        engine = Some(going_on);
    }
    let engine = engine.unwrap();
    ended(&engine, "r_a");
    engine.stop().unwrap();
}

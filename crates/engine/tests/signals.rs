//! Signals through the engine: one that runs, and none.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::limits;
use stead_core::run::View;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_engine::operations::{Answer, Operation, Receivers};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, EngineError, Home, ask_home};
use stead_lang::Bundle;

const WAIT: &str = "stead: 1\nname: wait\nsteps:\n  - { id: w, wait: { signal: go } }\n";
const ORDER: &str = "stead: 1\nname: order\ninputs: { id: { type: integer, index: true }, kind: { type: string, default: plain, index: true } }\nsteps:\n  - { id: w, wait: { signal: paid } }\n";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        // Many commits: what the disk takes for each is not what is looked at here.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { folder }
    }

    fn home(&self) -> Home {
        Home::at(&self.folder.path().join(".stead"))
    }

    fn open(&self) -> Engine {
        Engine::open(&self.home(), Arc::new(EnvironmentSecrets)).unwrap()
    }

    fn start(&self, engine: &Engine, id: &str, text: &str, inputs: Value) {
        let Value::Object(inputs) = inputs else { panic!("inputs are a map") };
        let folder = self.folder.path().display().to_string();
        let (bundle, project) = (Bundle::single("test.yml", text), "test".into());
        let (run, breaks) = (StreamId::new(id), Breaks::default());
        engine
            .ask(Operation::Start { run, bundle, inputs, project, folder, breaks, by: "user:ana".into() })
            .unwrap();
    }
}

fn none() -> Value {
    Value::Object(Map::new())
}

fn to_run(run: &str, name: &str, data: Value) -> Operation {
    let (to, name, by) = (Receivers::Run(run.into()), name.into(), "user:ana".into());
    Operation::Signal { to, name, step: None, data, id: None, by }
}

fn to_found(keys: &[(&str, &str)], id: Option<&str>) -> Operation {
    let keys = keys.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let to = Receivers::Where { workflow: "order".into(), keys };
    let (name, id, by) = ("paid".into(), id.map(Into::into), "user:ana".into());
    Operation::Signal { to, name, step: None, data: json!(1), id, by }
}

fn signalled(answer: Answer) -> Vec<String> {
    match answer {
        Answer::Signalled { runs } => runs.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
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
    until(engine, run, |view| view.status.is_end())
}

#[test]
fn rule_42_a_waiting_run_gets_a_signal_also_where_no_engine_is() {
    let bench = Bench::new();
    let engine = bench.open();
    for run in ["r_a", "r_b", "r_c"] {
        bench.start(&engine, run, WAIT, none());
    }
    assert_eq!(signalled(engine.ask(to_run("r_a", "go", json!({"n": 1}))).unwrap()), ["r_a"]);
    assert_eq!(ended(&engine, "r_a").outputs, Some(json!({"w": {"n": 1}})));
    engine.stop().unwrap();
    let large = json!("x".repeat(100_000));
    assert_eq!(signalled(ask_home(&bench.home(), to_run("r_b", "go", large.clone())).unwrap()), ["r_b"]);
    ask_home(&bench.home(), to_run("r_c", "later", json!(3))).unwrap();
    let Answer::Status { view } = ask_home(&bench.home(), Operation::Status { run: "r_b".into() }).unwrap()
    else {
        panic!("no status")
    };
    assert!(!view.status.is_end(), "who performs nothing leaves what follows to the next engine");
    let engine = bench.open();
    assert_eq!(ended(&engine, "r_b").outputs, Some(json!({ "w": large })));
    let view = status(&engine, "r_c");
    assert_eq!((view.signals_kept, view.signals[0].name.as_str()), (1, "later"));
    engine.stop().unwrap();
}

#[test]
fn a_signal_to_nobody_is_refused_with_a_code() {
    let bench = Bench::new();
    let refused = |answer: Result<Answer, EngineError>, code: &str, part: &str| {
        let error = answer.unwrap_err();
        assert!(error.code() == code && error.to_string().contains(part), "{error}");
    };
    refused(ask_home(&bench.home(), to_run("r_a", "go", none())), "R0201", "r_a");
    refused(ask_home(&bench.home(), to_found(&[("id", "7")], None)), "R0204", "order");
    let engine = bench.open();
    refused(engine.ask(to_run("r_a", "go", none())), "R0201", "r_a");
    let full = StreamId::run([7; 10]).to_string();
    refused(engine.ask(to_run(&full, "go", none())), "R0201", &full);
    bench.start(&engine, "r_a", WAIT, none());
    refused(engine.ask(to_run("r_a", "go", json!("x".repeat(limits::SIGNAL_BYTES)))), "R0203", "1 MiB");
    engine.ask(to_run("r_a", "go", none())).unwrap();
    ended(&engine, "r_a");
    refused(engine.ask(to_run("r_a", "go", none())), "R0203", "has ended");
    refused(engine.ask(to_found(&[("id", "7")], None)), "R0204", "order with id=7");
    engine.stop().unwrap();
    refused(ask_home(&bench.home(), to_run(&full, "go", none())), "R0201", &full);
    refused(ask_home(&bench.home(), to_found(&[("id", "7")], None)), "R0204", "order with id=7");
}

#[test]
fn rule_42_open_runs_are_found_by_a_key_and_an_id_counts_once() {
    let bench = Bench::new();
    let engine = bench.open();
    for (run, id, kind) in [("r_1", 7, "plain"), ("r_2", 7, "rush"), ("r_3", 8, "rush")] {
        bench.start(&engine, run, ORDER, json!({"id": id, "kind": kind}));
    }
    assert_eq!(signalled(engine.ask(to_found(&[("id", "7"), ("kind", "rush")], None)).unwrap()), ["r_2"]);
    ended(&engine, "r_2");
    engine.stop().unwrap();
    // The row in the list is there again when all is read back.
    let found = ask_home(&bench.home(), to_found(&[("id", "7")], Some("m1"))).unwrap();
    assert_eq!(signalled(found), ["r_1"]);
    let engine = bench.open();
    ended(&engine, "r_1");
    bench.start(&engine, "r_4", ORDER, json!({"id": 8}));
    assert_eq!(signalled(engine.ask(to_found(&[("id", "8")], Some("m2"))).unwrap()), ["r_3", "r_4"]);
    ended(&engine, "r_3");
    assert!(matches!(engine.ask(to_found(&[("id", "8")], Some("m2"))), Err(EngineError::NobodyFound { .. })));
    engine.stop().unwrap();
}

#[test]
fn p11_so_many_runs_are_found_for_one_signal() {
    let bench = Bench::new();
    let engine = bench.open();
    for n in 0..=limits::SIGNAL_RUNS {
        bench.start(&engine, &format!("r_{n}"), ORDER, json!({"id": 7}));
    }
    let error = engine.ask(to_found(&[("id", "7")], None)).unwrap_err();
    assert!(error.code() == "R0205" && error.to_string().contains("1000"), "{error}");
    engine.stop().unwrap();
}

#[test]
fn rule_42_runs_signal_each_other_by_id_and_by_key() {
    let bench = Bench::new();
    let engine = bench.open();
    bench.start(
        &engine,
        "r_desk",
        "stead: 1\nname: desk\nsteps:\n  - { id: w, wait: { signal: asked } }\n  - { id: s, signal: { run: { workflow: order, where: { id: '${{ steps.w.output.id }}' } }, name: paid, data: 5 } }\n",
        none(),
    );
    bench.start(&engine, "r_1", ORDER, json!({"id": 7}));
    let ask = "stead: 1\nname: ask\nsteps:\n  - { id: s, signal: { run: r_desk, name: asked, data: { id: 7, big: '${{ inputs.big }}' } } }\ninputs: { big: { type: string } }\n";
    bench.start(&engine, "r_ask", ask, json!({"big": "x".repeat(50_000)}));
    assert_eq!(ended(&engine, "r_1").outputs, Some(json!({"w": 5})));
    assert_eq!(ended(&engine, "r_desk").outputs.unwrap()["s"], json!({"runs": ["r_1"]}));
    bench.start(&engine, "r_late", ask, json!({"big": ""}));
    let error = ended(&engine, "r_late").error.unwrap();
    assert_eq!(error.message, "run r_desk has ended: it is completed");
    engine.stop().unwrap();
}

#[test]
fn p11_ten_thousand_signals_in_a_row_are_kept_and_the_next_is_refused() {
    let bench = Bench::new();
    let engine = bench.open();
    let most = limits::SIGNALS_KEPT;
    let text = format!(
        "stead: 1\nname: many\nsteps:\n  - {{ id: first, wait: {{ signal: begin }} }}\n  - {{ id: l, loop: {{ max: {} }}, wait: {{ signal: go }} }}\n",
        most - 1
    );
    bench.start(&engine, "r_a", &text, none());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < most {
                    engine.ask(to_run("r_a", "go", json!("x".repeat(500)))).unwrap();
                }
            });
        }
    });
    assert_eq!(status(&engine, "r_a").signals_kept, most as u64);
    let error = engine.ask(to_run("r_a", "go", none())).unwrap_err();
    assert!(error.code() == "R0203" && error.to_string().contains("10000"), "{error}");
    engine.stop().unwrap();
    let engine = bench.open();
    // What a wait is open for has a place always.
    engine.ask(to_run("r_a", "begin", none())).unwrap();
    let view = ended(&engine, "r_a");
    assert_eq!((view.status, view.signals_kept), (RunStatus::Completed, 1));
    engine.stop().unwrap();
}

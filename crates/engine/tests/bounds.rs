//! Bounds of the driver (P11): each is gone past. And waiting is free (P10).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use serde_json::{Value, json};
use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind};
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_engine::driver::{Addressed, Driver, Stepped};
use stead_engine::limits;
use stead_lang::Bundle;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::{Reader as _, Store as _};

struct Bench {
    driver: Driver<MemoryStore>,
    revision: String,
    files: tempfile::TempDir,
}

impl Bench {
    fn new(body: &str) -> Self {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let plan = stead_lang::check(&bundle).plan.unwrap();
        let mut store = MemoryStore::new();
        store.put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
        let files = tempfile::tempdir().unwrap();
        let driver = Driver::new(store, FileStore::open(files.path()).unwrap()).unwrap();
        Self { driver, revision: plan.revision.clone(), files }
    }

    fn start(&mut self, number: usize, inputs: Vec<(String, Value)>) -> StreamId {
        let stream = StreamId::new(&format!("r_{number}"));
        let input = Input::Start {
            inputs,
            project: String::new(),
            folder: String::new(),
            breaks: Breaks::default(),
            by: "user:ana".into(),
        };
        let (revision, token) = (Some(self.revision.clone()), number as u64 + 1);
        self.driver.push(Addressed { stream: stream.clone(), input: input.into(), revision, token });
        stream
    }

    fn status(&mut self, stream: &StreamId) -> RunStatus {
        self.driver.store().head(stream).unwrap().unwrap().head.status
    }
}

#[test]
fn p11_a_step_takes_a_bounded_number_of_inputs() {
    let mut bench = Bench::new("steps:\n  - { id: w, wait: { for: 1h } }\n");
    for number in 0..limits::BATCH + 10 {
        bench.start(number, Vec::new());
    }
    assert_eq!(bench.driver.step(1).unwrap().answers.len(), limits::BATCH);
    assert!(bench.driver.is_busy());
    assert_eq!(bench.driver.step(1).unwrap().answers.len(), 10);
}

#[test]
fn p11_a_step_takes_no_further_input_behind_many_bytes() {
    let mut bench = Bench::new("inputs: { v: { type: array } }\nsteps:\n  - { id: w, wait: { for: 1h } }\n");
    // Below the size that becomes a file, so that it stands in the event.
    let value = json!(vec!["x".repeat(1_000); 30]);
    let each = value.to_string().len();
    let many = limits::BATCH.min(limits::BATCH_BYTES / each + 20);
    for number in 0..many {
        bench.start(number, vec![("v".to_owned(), value.clone())]);
    }
    let mut answered = 0;
    while bench.driver.is_busy() {
        let written: usize = bench.driver.step(1).unwrap().written.iter().map(|w| w.events.len()).sum();
        assert!(written <= limits::BATCH_BYTES + 2 * each, "{written}");
        answered += 1;
    }
    assert_eq!(answered, 1 + usize::from(many * each > limits::BATCH_BYTES));
}

#[test]
fn p10_p11_runs_that_wait_leave_the_memory_and_come_back() {
    let mut bench = Bench::new("steps:\n  - { id: w, wait: { for: 1s } }\n  - { id: n, set: { v: 1 } }\n");
    let runs: Vec<StreamId> = (0..limits::STREAMS_CACHED * 2).map(|n| bench.start(n, Vec::new())).collect();
    while bench.driver.is_busy() {
        bench.driver.step(1).unwrap();
        assert!(bench.driver.in_memory().0 <= limits::STREAMS_CACHED + limits::BATCH);
    }
    assert!(bench.driver.in_memory().0 <= limits::STREAMS_CACHED);
    assert_eq!(bench.status(&runs[0]), RunStatus::Waiting);
    let due = bench.driver.due().unwrap();
    loop {
        bench.driver.step(due).unwrap();
        assert!(bench.driver.in_memory().0 <= limits::STREAMS_CACHED + limits::BATCH);
        if !bench.driver.is_busy() && bench.driver.due().is_none() {
            break;
        }
    }
    for run in &runs {
        assert_eq!(bench.status(run), RunStatus::Completed);
    }
}

#[test]
fn p11_values_at_hand_are_forgotten_and_read_again() {
    let mut bench = Bench::new(
        "steps:\n  - { id: big, noop: x }\n  - { id: w, wait: { for: 1s } }\n  - { id: size, set: { n: '${{ size(steps.big.output) }}' } }\noutputs: { n: '${{ steps.size.output.n }}' }\n",
    );
    let run = bench.start(0, Vec::new());
    let Stepped { effects, .. } = bench.driver.step(1).unwrap();
    let [(Effect::Execute(job), _)] = effects.as_slice() else { panic!("{effects:?}") };
    let text = "x".repeat(limits::VALUES_BYTES + 1);
    let size = text.len();
    let result = AttemptResult { output: Some(Value::String(text)), ..AttemptResult::default() };
    let input = Input::AttemptEnded { path: job.attempt.path.clone(), number: 1, result };
    bench.driver.push(Addressed::to(run, input));
    bench.driver.step(1).unwrap();
    assert_eq!(bench.driver.in_memory(), (1, 0), "the run waits, its large value is in a file only");
    let due = bench.driver.due().unwrap();
    let written: Vec<Arc<[u8]>> =
        bench.driver.step(due).unwrap().written.into_iter().map(|w| w.events).collect();
    let last: Vec<Value> = serde_json::from_slice(written.last().unwrap()).unwrap();
    assert_eq!(last.last().unwrap()["outputs"]["value"], json!({ "n": size }));
}

#[test]
fn p11_a_long_journal_gets_a_snapshot() {
    let snapshot_of = |steps: u64| {
        let mut bench = Bench::new(&format!(
            "steps:\n  - {{ id: l, loop: {{ max: {steps} }}, noop: 1 }}\n  - {{ id: w, wait: {{ for: 1h }} }}\n"
        ));
        let run = bench.start(0, Vec::new());
        while bench.driver.is_busy() {
            for (effect, _) in bench.driver.step(1).unwrap().effects {
                let Effect::Execute(job) = effect else { panic!("{effect:?}") };
                let (path, number) = (job.attempt.path, job.attempt.number);
                let input = Input::AttemptEnded { path, number, result: AttemptResult::default() };
                bench.driver.push(Addressed::to(run.clone(), input));
            }
        }
        let events = bench.driver.store().verify(&run).unwrap();
        (events, bench.driver.store().load(&run).unwrap().unwrap().snapshot.map(|snapshot| snapshot.seq))
    };
    let (events, snapshot) = snapshot_of(limits::SNAPSHOT_EVENTS / 10);
    assert!(events < limits::SNAPSHOT_EVENTS && snapshot.is_none(), "{events} events, {snapshot:?}");
    let (events, snapshot) = snapshot_of(limits::SNAPSHOT_EVENTS);
    assert!(events > limits::SNAPSHOT_EVENTS && snapshot.is_some(), "{events} events, {snapshot:?}");
}

/// It stays due all the time. An engine that waits until something is due must not spin over it.
#[test]
fn p11_a_run_that_cannot_go_on_is_looked_at_now_and_then() {
    let mut bench = Bench::new(
        "inputs: { t: { type: string } }\nsteps:\n  - { id: a, retry: { attempts: 2, wait: 1s }, noop: '${{ inputs.t }}' }\n",
    );
    let run = bench.start(0, vec![("t".to_owned(), json!("x".repeat(limits::VALUES_BYTES + 1)))]);
    bench.driver.step(1).unwrap();
    let error = AttemptError { kind: ErrorKind::Exit, message: "not yet".to_owned() };
    let result = AttemptResult { error: Some(error), ..AttemptResult::default() };
    let input = Input::AttemptEnded { path: "a".into(), number: 1, result };
    bench.driver.push(Addressed::to(run.clone(), input));
    bench.driver.step(1).unwrap();
    assert_eq!(bench.driver.in_memory(), (1, 0), "its value is in a file only");
    std::fs::remove_dir_all(bench.files.path()).unwrap();
    let mut now = bench.driver.due().unwrap();
    assert_eq!(bench.driver.step(now).unwrap().troubles.len(), 1);
    for _ in 0..3 {
        bench.driver.step(now).unwrap();
        assert_eq!(bench.driver.due(), Some(now + limits::TROUBLED_LOOK));
        assert!(!bench.driver.is_busy());
        now += limits::TROUBLED_LOOK;
    }
    assert_eq!(bench.status(&run), RunStatus::Waiting, "it is as it was");
}

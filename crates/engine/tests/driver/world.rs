//! One run and all that belongs to it, brought on by hand.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind, Execute};
use stead_core::ids::{StreamId, StreamKind};
use stead_core::run::event::Breaks;
use stead_core::run::turn::SettleInput;
use stead_core::run::{Event, Input, StepNow, View};
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_engine::driver::{Addressed, Driver, Refusal, Stepped};
use stead_engine::operations::{Answer, Operation};
use stead_engine::reads::Reads;
use stead_engine::{EngineError, Home};
use stead_lang::Bundle;
use stead_lang::plan::Plan;
use stead_store::fault::{Faults, Point};
use stead_store::files::FileStore;
use stead_store::{Filter, Reader as _, Store as _, StoreError};

use crate::backend::Backend;
use crate::definitions::Case;

/// What follows a failed commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The same driver is stepped again.
    Step,
    /// The driver is lost with all that was under way, and a new one recovers the store.
    Crash,
}

/// What a run came to, without what may differ: times, tries that were lost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Came {
    pub(crate) status: RunStatus,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) outputs: Option<Value>,
    pub(crate) error: Option<String>,
    pub(crate) steps: Vec<(String, StepStatus, Option<Outcome>)>,
    /// All runs of the store: how each ended.
    pub(crate) runs: BTreeMap<String, (RunStatus, Option<Outcome>)>,
}

/// A definition that was checked, with the bytes that a store keeps of it and its children.
pub(crate) struct Ready {
    case: &'static Case,
    plan: Arc<Plan>,
    definitions: Vec<(String, Vec<u8>)>,
}

impl Ready {
    pub(crate) fn new(case: &'static Case) -> Self {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{}", case.body.trim_start()));
        let checked = stead_lang::check(&bundle);
        let plan = checked.plan.unwrap_or_else(|| panic!("{}: {:?}", case.name, checked.diagnostics));
        let all = checked.children.iter().chain([(&plan.revision, &bundle)]);
        let bytes =
            |(revision, bundle): (&String, &Bundle)| (revision.clone(), serde_json::to_vec(bundle).unwrap());
        let definitions = all.map(bytes).collect();
        Self { case, plan, definitions }
    }
}

pub(crate) struct World<'a, B: Backend> {
    ready: &'a Ready,
    backend: B,
    faults: Faults,
    folder: &'a Path,
    driver: Driver<B::Store>,
    now: Time,
    /// Performed, and not told yet.
    performed: VecDeque<(Execute, AttemptResult)>,
    hanging: Vec<Execute>,
    /// How often each key was performed, and what it was asked last.
    pub(crate) executed: BTreeMap<String, u32>,
    values: BTreeMap<String, Value>,
    /// The last position that was looked at, and keys whose result was durable by then.
    position: u64,
    durable: HashSet<String>,
    /// What a person has asked for and was not answered yet.
    asks: Option<Asks>,
    cancelled: bool,
    /// The crossing that is to fail next.
    planned: Option<u64>,
    /// Points at which a commit failed.
    pub(crate) failed: Vec<Point>,
    /// Commits that failed and were durable.
    pub(crate) landed: u32,
    /// Drivers that were lost.
    pub(crate) crashes: u32,
    /// Whether the driver is lost at every wait, and whether something has happened since the last one.
    many: bool,
    happened: bool,
}

#[derive(Debug, Clone, Copy)]
enum Asks {
    Start,
    Cancel,
}

fn run() -> StreamId {
    StreamId::new("r_test")
}

impl<'a, B: Backend> World<'a, B> {
    pub(crate) fn new(ready: &'a Ready, backend: B, faults: &Faults, folder: &'a Path) -> Self {
        let driver = open(&backend, ready, folder);
        Self {
            ready,
            backend,
            faults: faults.clone(),
            folder,
            driver,
            now: 1_000_000,
            performed: VecDeque::new(),
            hanging: Vec::new(),
            executed: BTreeMap::new(),
            values: BTreeMap::new(),
            position: 0,
            durable: HashSet::new(),
            asks: Some(Asks::Start),
            cancelled: false,
            planned: None,
            failed: Vec::new(),
            landed: 0,
            crashes: 0,
            many: false,
            happened: false,
        }
    }

    /// The `nth` crossing from now on fails.
    pub(crate) fn fail_at(&mut self, nth: u64) {
        self.faults.fail_at(nth);
        self.planned = Some(self.faults.crossed() + nth);
    }

    /// Brings the run to its end, and loses the driver whenever all that ends by itself has ended: all waits are
    /// waited for by another one.
    pub(crate) fn bring_to_end_by_many(&mut self) -> Came {
        self.many = true;
        self.bring_to_end(|_| After::Crash)
    }

    /// Brings the run to its end. `after` says what follows a failed commit, and may plan the next fault.
    pub(crate) fn bring_to_end(&mut self, mut after: impl FnMut(&mut Self) -> After) -> Came {
        self.ask();
        for _ in 0..20_000 {
            if !self.driver.is_busy() && !self.go_on() {
                return self.came();
            }
            match self.driver.step(self.now) {
                Ok(stepped) => {
                    let met = self.planned.take_if(|nth| self.faults.crossed() >= *nth).is_some();
                    if !met {
                        self.perform(stepped);
                        continue;
                    }
                    // The store failed behind a commit, which the driver found to be durable.
                    self.landed += 1;
                    if after(self) == After::Step {
                        self.perform(stepped);
                    } else {
                        self.crash();
                        self.ask();
                    }
                }
                Err(EngineError::Store(StoreError::Injected { point })) => {
                    self.failed.push(point);
                    self.planned = None;
                    if after(self) == After::Crash {
                        self.crash();
                    }
                    self.ask();
                }
                Err(error) => panic!("{}: {error}", self.ready.case.name),
            }
        }
        panic!("{}: it does not come to its end: {:#?}", self.ready.case.name, self.view());
    }

    /// What a person asks for, until it was answered.
    fn ask(&mut self) {
        let (input, revision) = match self.asks {
            None => return,
            Some(Asks::Start) => {
                let start = Input::Start {
                    inputs: Vec::new(),
                    project: "p".into(),
                    folder: "/p".into(),
                    breaks: Breaks::default(),
                    by: "user:ana".into(),
                };
                (start, Some(self.ready.plan.revision.clone()))
            }
            Some(Asks::Cancel) => (Input::Cancel { by: "user:ana".into(), reason: None, force: false }, None),
        };
        self.driver.push(Addressed { stream: run(), input: input.into(), revision, token: 1 });
    }

    /// The next thing that happens by itself; false when there is none.
    fn go_on(&mut self) -> bool {
        if let Some((job, result)) = self.performed.pop_front() {
            self.end(job, result);
            // Now and then two results come together.
            if self.performed.len() % 3 == 1
                && let Some((job, result)) = self.performed.pop_front()
            {
                self.end(job, result);
            }
            return true;
        }
        let cancel_at = self.ready.case.cancel_at;
        if cancel_at > 0 && self.hanging.len() >= cancel_at && !self.cancelled {
            self.cancelled = true;
            self.asks = Some(Asks::Cancel);
            self.ask();
            return true;
        }
        if std::mem::take(&mut self.happened) && self.many {
            self.crash();
            return true;
        }
        if let Some(due) = self.driver.due() {
            self.now = self.now.max(due);
            return true;
        }
        self.settle_parked()
    }

    fn end(&mut self, job: Execute, result: AttemptResult) {
        let input = Input::AttemptEnded { path: job.attempt.path, number: job.attempt.number, result };
        self.driver.push(Addressed::to(job.attempt.stream, input));
    }

    /// Somebody looks what became of attempts whose end nobody knows.
    fn settle_parked(&mut self) -> bool {
        let parked: Vec<String> =
            self.view().waits_for.into_iter().filter(|w| w.kind == "settle").map(|w| w.path).collect();
        for path in &parked {
            let verdict = match self.values.get(&format!("{}/{path}", run())) {
                Some(value) => SettleInput::Done(value.clone()),
                None => SettleInput::Again,
            };
            let input = Input::Settle { path: path.clone(), verdict, by: "user:ana".into() };
            self.driver.push(Addressed::to(run(), input));
        }
        !parked.is_empty()
    }

    fn perform(&mut self, stepped: Stepped) {
        assert!(stepped.troubles.is_empty(), "{:?}", stepped.troubles);
        self.look();
        for written in &stepped.written {
            let row = self.driver.store().row_of(&written.stream, written.seq).unwrap();
            assert_eq!(
                (row.position, &row.events[..]),
                (written.position, &written.events[..]),
                "told, not kept"
            );
        }
        for (token, answer) in stepped.answers {
            assert_eq!(token, 1);
            match answer {
                Ok(()) => {}
                // Asked again, because the first answer was lost.
                Err(Refusal::Refused(why)) => assert!(self.crashes > 0, "{why}"),
                Err(other) => panic!("{other:?}"),
            }
            assert!(self.position > 0, "an answer before anything was durable");
            self.asks = None;
        }
        for (effect, folder) in stepped.effects {
            assert_eq!(folder, "/p");
            match effect {
                Effect::Execute(job) => self.execute(job),
                Effect::Begin(attempt) => panic!("{attempt} was not queued"),
                Effect::End { attempt, .. } => {
                    if let Some(at) = self.hanging.iter().position(|job| job.attempt == attempt) {
                        let job = self.hanging.remove(at);
                        self.performed.push_back((job, AttemptResult::default()));
                    }
                }
            }
        }
    }

    fn execute(&mut self, job: Execute) {
        assert!(!self.durable.contains(&job.key), "{} is performed again, its result was durable", job.key);
        let times = self.executed.entry(job.key.clone()).or_default();
        *times += 1;
        let value = job.request.get("value").cloned().unwrap_or(Value::Null);
        self.values.insert(job.key.clone(), value.clone());
        let fails = value.get("fail_first").and_then(Value::as_u64).is_some_and(|n| u64::from(*times) <= n);
        self.happened |= value.get("hang").is_none();
        if value.get("hang").is_some() {
            self.hanging.push(job);
        } else if fails || value.get("fail").is_some() {
            let error = AttemptError { kind: ErrorKind::Exit, message: "it failed".into() };
            self.performed.push_back((job, AttemptResult { error: Some(error), ..AttemptResult::default() }));
        } else {
            self.performed
                .push_back((job, AttemptResult { output: Some(value), ..AttemptResult::default() }));
        }
    }

    /// Reads what has become durable since.
    fn look(&mut self) {
        for (stream, row) in self.driver.store().journal_after(self.position, usize::MAX).unwrap() {
            self.position = row.position;
            if stream.kind() != StreamKind::Run {
                continue;
            }
            for event in serde_json::from_slice::<Vec<Event>>(&row.events).unwrap() {
                if let Event::AttemptEnded { path, error: None, .. } = event {
                    self.durable.insert(format!("{stream}/{path}"));
                }
            }
        }
    }

    /// The process is gone; another one comes.
    fn crash(&mut self) {
        self.crashes += 1;
        self.performed.clear();
        self.hanging.clear();
        self.driver = open(&self.backend, self.ready, self.folder);
        self.look();
        let lost = self.driver.open_attempts().unwrap();
        let recovered = self.driver.recover().unwrap();
        assert!(lost.iter().all(|attempt| recovered.contains(&attempt.stream)), "{lost:?} in {recovered:?}");
    }

    fn reads(&self) -> Reads<B::Store> {
        Reads::new(self.backend.open(), FileStore::attach(&self.folder.join("files")), Home::at(self.folder))
    }

    fn view(&self) -> View {
        match self.reads().ask(&Operation::Status { run: "r_test".into() }).unwrap() {
            Some(Answer::Status { view }) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn came(&mut self) -> Came {
        let view = self.view();
        let heads = self.backend.open().heads(&Filter::default()).unwrap();
        assert!(heads.iter().all(|listed| listed.due.is_none() && !listed.head.open), "{heads:#?}");
        for listed in &heads {
            assert!(self.driver.store().inbox(&listed.stream).unwrap().is_empty(), "messages are left");
            self.driver.store().verify(&listed.stream).unwrap();
        }
        let mut steps = Vec::new();
        flatten(&view.steps, &mut steps);
        let runs = heads.iter().map(|l| (l.stream.to_string(), (l.head.status, l.head.outcome))).collect();
        Came {
            status: view.status,
            outcome: view.outcome,
            outputs: view.outputs,
            error: view.error.map(|error| json!([error.kind, error.step, error.message]).to_string()),
            steps,
            runs,
        }
    }
}

fn flatten(all: &[StepNow], into: &mut Vec<(String, StepStatus, Option<Outcome>)>) {
    for step in all {
        into.push((step.path.clone(), step.status, step.outcome));
        flatten(&step.inside, into);
    }
}

fn open<B: Backend>(backend: &B, ready: &Ready, folder: &Path) -> Driver<B::Store> {
    let mut store = backend.open();
    for (revision, bytes) in &ready.definitions {
        store.put_definition(revision, bytes).unwrap();
    }
    Driver::new(store, FileStore::open(&folder.join("files")).unwrap()).unwrap()
}

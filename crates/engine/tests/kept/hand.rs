//! A driver that is stepped by hand. What its steps are to come to stands in their values.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::effect::{AttemptError, AttemptId, AttemptResult, Effect, ErrorKind, Execute};
use stead_core::ids::{StreamId, StreamKind};
use stead_core::run::event::Breaks;
use stead_core::run::turn::SettleInput;
use stead_core::run::{Again, Event, Input, RunState, StepNow};
use stead_core::value::ValueRef;
use stead_engine::driver::{Addressed, Driver, Stepped};
use stead_store::Store;
use stead_store::files::FileStore;

use crate::cases::Case;

/// When the runs begin: 2026-01-01T00:00:00Z.
const NOW: Time = 1_767_225_600_000;

pub(crate) struct Hand<S> {
    driver: Driver<S>,
    now: Time,
    /// Whether what is to be held is held: until the run is stopped.
    holding: bool,
    /// Steps that were performed since it was opened, by their runs.
    performed: Vec<(StreamId, String)>,
    /// Handed out and not ended.
    under_way: BTreeMap<AttemptId, Execute>,
}

impl<S: Store> Hand<S> {
    pub(crate) fn open(store: S, files: FileStore) -> Self {
        let driver = Driver::new(store, files).unwrap();
        Self { driver, now: NOW, holding: false, performed: Vec::new(), under_way: BTreeMap::new() }
    }

    /// Brings a run of a case to where it is to be stopped.
    pub(crate) fn start(&mut self, case: &Case, run: &StreamId) {
        self.holding = true;
        let (plan, definitions) = case.ready();
        for (revision, bytes) in definitions {
            self.driver.store().put_definition(&revision, &bytes).unwrap();
        }
        let inputs = stead_lang::inputs::check_inputs(&plan, (case.inputs)().as_object().unwrap()).unwrap();
        let (project, folder) = (case.name.to_owned(), "/project".to_owned());
        for stream in [case.beside.then(|| StreamId::new(&format!("{run}b"))), Some(run.clone())] {
            let Some(stream) = stream else { continue };
            let inputs = inputs.clone().into_iter().collect();
            let (project, folder) = (project.clone(), folder.clone());
            let input =
                Input::Start { inputs, project, folder, breaks: Breaks::default(), by: "user:ana".into() };
            let revision = Some(plan.revision.clone());
            self.driver.push(Addressed { revision, ..Addressed::to(stream, input) });
            if case.leave == 0 {
                self.go();
            } else {
                // It is stopped with messages under way.
                for _ in 0..case.leave {
                    self.step();
                }
            }
        }
        for told in (case.before)() {
            self.tell(run, &told);
        }
    }

    pub(crate) fn recover(&mut self) {
        self.driver.recover().unwrap();
        self.go();
    }

    /// Something from outside: `{signal, data}`, `{settle, done}`, `{after: milliseconds}`, `pause`, `resume`,
    /// `retry`, `crash`, `force`.
    pub(crate) fn tell(&mut self, run: &StreamId, told: &Value) {
        let by = "user:ana".to_owned();
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        let input = match told.as_object().unwrap().keys().next().unwrap().as_str() {
            "signal" => {
                Input::Signal { name: text("signal"), step: None, id: None, data: told["data"].clone(), by }
            }
            "settle" => {
                let verdict = SettleInput::Done(told["done"].clone());
                Input::Settle { path: text("settle"), verdict, by }
            }
            "pause" => Input::Pause { by, now: false },
            "resume" => Input::Resume { by },
            "retry" => Input::Retry { by, again: Again::Failed, inputs: Vec::new() },
            "cancel" => Input::Cancel { by, reason: None, force: false },
            "after" => {
                self.now += told["after"].as_i64().unwrap();
                return self.go();
            }
            "release" => {
                let ended = AttemptId { stream: run.clone(), path: text("release"), number: 1 };
                let job = self.under_way.remove(&ended).unwrap();
                self.end(&job, true);
                return self.go();
            }
            "crash" => {
                self.under_way.clear();
                let store = self.driver.recover();
                drop(store.unwrap());
                return self.go();
            }
            other => panic!("`{other}` cannot be told"),
        };
        self.driver.push(Addressed::to(run.clone(), input));
        self.go();
    }

    /// All that follows at once.
    fn go(&mut self) {
        while self.driver.is_busy() || self.driver.due().is_some_and(|due| due <= self.now) {
            self.step();
        }
    }

    fn step(&mut self) {
        let Stepped { effects, troubles, .. } = self.driver.step(self.now).unwrap();
        assert!(troubles.is_empty(), "{troubles:?}");
        for (effect, _) in effects {
            match effect {
                Effect::Execute(job) => {
                    self.performed.push((job.attempt.stream.clone(), job.attempt.path.clone()));
                    self.under_way.insert(job.attempt.clone(), job.clone());
                    self.end(&job, false);
                }
                Effect::Begin(_) => {}
                Effect::End { attempt, .. } => {
                    if let Some(job) = self.under_way.remove(&attempt) {
                        let error =
                            Some(AttemptError { kind: ErrorKind::Cancelled, message: "ended".into() });
                        self.tell_end(&job, AttemptResult { error, ..AttemptResult::default() });
                    }
                }
            }
        }
    }

    /// Ends an attempt as its request says, unless it is held.
    fn end(&mut self, job: &Execute, released: bool) {
        let asked = job.request.to_string();
        if self.holding && !released && asked.contains("hold") {
            return;
        }
        let value = job.request.get("value").cloned().unwrap_or_else(|| json!("done"));
        let fails = value.get("fails").and_then(Value::as_u64).unwrap_or(0);
        let result = match self.holding && u64::from(job.attempt.number) <= fails {
            true => {
                let error = Some(AttemptError { kind: ErrorKind::Exit, message: "it failed".into() });
                AttemptResult { error, exit_code: Some(1), ..AttemptResult::default() }
            }
            false => AttemptResult { output: Some(value), ..AttemptResult::default() },
        };
        self.under_way.remove(&job.attempt);
        self.tell_end(job, result);
    }

    fn tell_end(&mut self, job: &Execute, result: AttemptResult) {
        let AttemptId { stream, path, number } = job.attempt.clone();
        self.driver.push(Addressed::to(stream, Input::AttemptEnded { path, number, result }));
    }

    /// Lets time pass until a run has ended.
    pub(crate) fn bring_to_end(&mut self, run: &StreamId) {
        for _ in 0..1_000 {
            if self.driver.store().head(run).unwrap().unwrap().head.status.is_end() {
                return;
            }
            let due = self.driver.due();
            self.now =
                self.now.max(due.unwrap_or_else(|| panic!("{run} waits for nothing that comes by itself")));
            self.go();
        }
        panic!("{run} does not come to its end");
    }

    /// Where a run stands, as its journal has it.
    pub(crate) fn looks(&mut self, run: &StreamId, what: &str) -> Value {
        let mut state = self.state(run);
        let bundle = self.driver.store().definition(&state.revision).unwrap().unwrap();
        let plan = stead_lang::check(&serde_json::from_slice(&bundle).unwrap()).plan;
        let plan = plan.unwrap_or_else(|| panic!("{what}: its definition is not accepted any more"));
        assert_eq!(plan.revision, state.revision, "{what}: its definition has another revision now");
        if let Err(why) = state.fits(&plan) {
            panic!("{what}: {why}");
        }
        let view = state.view(&plan);
        let mut steps = serde_json::Map::new();
        flatten(&view.steps, &mut steps);
        flatten(&view.asides, &mut steps);
        json!({ "status": view.status, "steps": steps })
    }

    fn state(&mut self, run: &StreamId) -> RunState {
        assert_eq!(run.kind(), StreamKind::Run);
        let mut state = RunState::new(run.clone());
        for row in self.driver.store().journal(run, 1, usize::MAX).unwrap() {
            let events: Vec<Event> = serde_json::from_slice(&row.events).unwrap();
            events.iter().for_each(|event| state.apply(event, row.at));
        }
        state.replayed()
    }

    /// How a run has ended, and what was performed for that: what was completed is not among it.
    pub(crate) fn came(&mut self, run: &StreamId) -> Value {
        let state = self.state(run);
        let outputs = match state.outputs_at() {
            None => Value::Null,
            Some(ValueRef::Inline(value)) => value.clone(),
            Some(ValueRef::Event { seq, at }) => {
                let row = self.driver.store().row_of(run, *seq).unwrap();
                let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
                events[usize::try_from(seq - row.seq).unwrap()].pointer(at).unwrap().clone()
            }
            Some(file) => panic!("{file:?}"),
        };
        let performed = self.performed.iter().filter(|(stream, _)| stream == run);
        let performed: Vec<&String> = performed.map(|(_, path)| path).collect();
        json!({ "status": state.status, "outcome": state.outcome, "outputs": outputs, "performed": performed })
    }
}

fn flatten(steps: &[StepNow], into: &mut serde_json::Map<String, Value>) {
    for step in steps {
        let waits = step.waits_for.as_ref().map(|waits| format!(", for {}", waits.kind));
        into.insert(step.path.clone(), json!(format!("{}{}", step.status, waits.unwrap_or_default())));
        flatten(&step.inside, into);
    }
}

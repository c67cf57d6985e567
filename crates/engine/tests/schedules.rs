//! Schedules in an engine: started once whatever restarts, ended, told, bounded.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::schedule::{self, Cause, Given, Spec, What};
use stead_core::status::RunStatus;
use stead_engine::driver::{Addressed, Driver, Given as Input};
use stead_engine::engine::ask_home;
use stead_engine::operations::{Answer, Operation, RunQuery, RunRow};
use stead_engine::schedules::{
    Change, Preview, ScheduleAnswer, ScheduleNow, ScheduleOperation, ScheduleRow, Times, preview,
};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, EngineError, Home, limits};
use stead_lang::plan::{Missed, Overlap, TriggerOn};
use stead_lang::{Bundle, check};
use stead_store::Reader as _;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;

const HOUR: Time = 3_600_000;
/// 2027-01-01T00:30:00Z
const BEGIN: Time = 1_798_763_400_000;

fn bundle(steps: &str) -> Bundle {
    Bundle::single("w.yml", format!("stead: 1\nname: w\nsteps:\n{steps}"))
}

fn hourly(overlap: Overlap, missed: Missed) -> TriggerOn {
    TriggerOn::Time { cron: "0 * * * *".into(), zone: "UTC".into(), overlap, missed, jitter: 0 }
}

/// A driver over a store in memory, that can be lost at any time.
struct Machine {
    store: MemoryStore,
    files: tempfile::TempDir,
    driver: Driver<MemoryStore>,
    id: StreamId,
}

impl Machine {
    fn on(on: TriggerOn) -> Self {
        let store = MemoryStore::new();
        let files = tempfile::tempdir().unwrap();
        let driver = Driver::new(store.reopen(), FileStore::open(files.path()).unwrap()).unwrap();
        let id = StreamId::schedule("w");
        let mut machine = Self { store, files, driver, id };
        machine.driver.recover().unwrap();
        let bundle = bundle("  - { id: a, wait: { for: 10m } }\n");
        let plan = check(&bundle).plan.unwrap();
        use stead_store::Store as _;
        machine.driver.store().put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
        let spec = Spec {
            name: "w".into(),
            workflow: "w".into(),
            revision: plan.revision.clone(),
            number: None,
            on,
            given: Given::Values(Map::new()),
            project: String::new(),
            folder: String::new(),
            owner: "user:ana".into(),
        };
        let input = Input::Schedule(schedule::Input::TurnOn(Box::new(spec)));
        machine.driver.push(Addressed::to(machine.id.clone(), input));
        machine.steps(BEGIN, usize::MAX);
        machine
    }

    /// Takes steps until there is nothing to do, or so many.
    fn steps(&mut self, now: Time, most: usize) {
        for _ in 0..most {
            self.driver.step(now).unwrap();
            if !self.driver.is_busy() && self.driver.due().is_none_or(|due| due > now) {
                break;
            }
        }
    }

    /// The process is gone; another one comes.
    fn crash(&mut self) {
        let files = FileStore::open(self.files.path()).unwrap();
        self.driver = Driver::new(self.store.reopen(), files).unwrap();
        self.driver.recover().unwrap();
    }

    fn runs(&mut self) -> Vec<(StreamId, Time, RunStatus)> {
        let all = self.driver.store().heads(&stead_store::Filter::default()).unwrap();
        all.into_iter().map(|listed| (listed.stream, listed.head.created_at, listed.head.status)).collect()
    }

    /// What its journal says that it has started.
    fn started(&mut self) -> Vec<(StreamId, Time)> {
        let id = self.id.clone();
        let rows = self.driver.store().journal(&id, 1, usize::MAX).unwrap();
        let events = rows
            .iter()
            .flat_map(|row| serde_json::from_slice::<Vec<schedule::Event>>(&row.events).unwrap().into_iter());
        events
            .filter_map(|event| match event {
                schedule::Event::RunStarted { run, cause } => Some((run, cause.instant())),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn p2_each_time_has_its_run_once_whatever_restarts() {
    // At every number of steps behind the time at which something is due.
    for overlap in [Overlap::Skip, Overlap::Queue, Overlap::Cancel] {
        let mut counts = BTreeSet::new();
        for lost_after in 0..9 {
            let mut machine = Machine::on(hourly(overlap, Missed::All));
            for hour in 1..=6 {
                let now = BEGIN - HOUR / 2 + hour * HOUR;
                machine.steps(now, lost_after);
                machine.crash();
                machine.steps(now + 1_000, usize::MAX);
                machine.crash();
                // The run's own wait passes, too.
                machine.steps(now + HOUR / 2, usize::MAX);
            }
            let started = machine.started();
            let instants: Vec<Time> = started.iter().map(|(_, at)| *at).collect();
            let wanted: Vec<Time> = (1..=6).map(|hour| BEGIN - HOUR / 2 + hour * HOUR).collect();
            assert_eq!(instants, wanted, "{overlap:?}, lost after {lost_after}");
            let runs = machine.runs();
            let known: BTreeSet<&StreamId> = runs.iter().map(|(run, ..)| run).collect();
            assert_eq!(known, started.iter().map(|(run, _)| run).collect(), "no more and no less");
            assert!(runs.iter().all(|(.., status)| *status == RunStatus::Completed), "{runs:?}");
            counts.insert(runs.len());
        }
        assert_eq!(counts.len(), 1);
    }
}

#[test]
fn p2_a_machine_that_was_off_settles_what_it_has_missed_once() {
    for (missed, count) in [(Missed::None, 1), (Missed::Latest, 2), (Missed::All, 25)] {
        let mut machine = Machine::on(hourly(Overlap::Skip, missed));
        machine.steps(BEGIN + HOUR / 2, usize::MAX);
        machine.steps(BEGIN + HOUR / 2 + 700_000, usize::MAX);
        machine.crash();
        // A day and a quarter of an hour later.
        let mut now = BEGIN + HOUR / 2 + 24 * HOUR + HOUR / 4;
        for _ in 0..40 {
            machine.steps(now, 3);
            machine.crash();
            now += 700_000 / 20;
            machine.steps(now, usize::MAX);
        }
        let late = machine.started().into_iter().filter(|(_, at)| *at <= BEGIN + HOUR / 2 + 24 * HOUR);
        // With `all` they come one after the other, and each takes ten minutes.
        let queued = machine.driver.schedule(&machine.id).map_or(0, |state| state.queue.len());
        assert_eq!(late.count() + queued, count, "{missed:?}");
    }
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

    fn engine(&self) -> Engine {
        Engine::open(&self.home(), Arc::new(EnvironmentSecrets)).unwrap()
    }

    fn ask(&self, operation: ScheduleOperation) -> Result<ScheduleAnswer, EngineError> {
        match ask_home(&self.home(), Operation::Schedule(operation))? {
            Answer::Schedule(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    fn add(&self, name: &str, cron: &str, steps: &str) -> Result<Vec<ScheduleRow>, EngineError> {
        let (overlap, missed) = (Overlap::Skip, Missed::Latest);
        let times =
            Times { name: name.into(), cron: cron.into(), zone: "UTC".into(), overlap, missed, jitter: 0 };
        let add = ScheduleOperation::Add {
            bundle: bundle(steps),
            number: None,
            times,
            inputs: Map::new(),
            project: "docs".into(),
            folder: String::new(),
            by: "user:ana".into(),
        };
        match self.ask(add)? {
            ScheduleAnswer::On { schedules } => Ok(schedules),
            other => panic!("{other:?}"),
        }
    }

    fn change(&self, name: &str, change: Change) -> Result<Option<StreamId>, EngineError> {
        let by = "user:ana".into();
        match self.ask(ScheduleOperation::Change { schedule: name.into(), change, by })? {
            ScheduleAnswer::Changed { run, .. } => Ok(run),
            other => panic!("{other:?}"),
        }
    }

    fn show(&self, name: &str) -> ScheduleNow {
        match self.ask(ScheduleOperation::Show { schedule: name.into(), count: 3 }).unwrap() {
            ScheduleAnswer::Schedule { schedule } => *schedule,
            other => panic!("{other:?}"),
        }
    }

    fn runs(&self) -> Vec<RunRow> {
        match ask_home(&self.home(), Operation::Runs { query: RunQuery::default() }).unwrap() {
            Answer::Runs { runs } => runs,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_run_that_is_asked_for_is_labelled_and_its_end_comes_back() {
    let bench = Bench::new();
    // Without an engine it is turned on, and asked for a run, which the next engine performs.
    let rows = bench.add("nightly", "0 2 * * *", "  - { id: a, noop: {} }\n").unwrap();
    assert_eq!((rows[0].words.as_str(), rows[0].owner.as_str()), ("at 02:00 every day", "user:ana"));
    let run = bench.change("nightly", Change::Now).unwrap().unwrap();
    let engine = bench.engine();
    let mut last = bench.show("nightly");
    while last.history.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
        last = bench.show("nightly");
    }
    assert!(
        matches!(&last.history[0].what, What::Ran { run: ended, cause: Cause::Now { .. }, status: RunStatus::Completed, .. } if *ended == run),
        "{last:?}"
    );
    let runs = bench.runs();
    let head = &runs[0].head;
    assert_eq!((runs.len(), head.schedule.as_deref(), head.parent.as_ref()), (1, Some("nightly"), None));
    assert_eq!((head.project.as_str(), &runs[0].run), ("docs", &run));
    engine.stop().unwrap();
}

#[test]
fn a_schedule_that_is_not_there_is_told_with_the_nearest() {
    let bench = Bench::new();
    let code = |error: &EngineError| error.code().to_owned();
    assert_eq!(code(&bench.change("nightly", Change::Skip).unwrap_err()), "R0411");
    bench.add("nightly", "@daily", "  - { id: a, noop: {} }\n").unwrap();
    let error = bench.change("nihgtly", Change::Skip).unwrap_err();
    assert_eq!((code(&error).as_str(), error.help().unwrap().as_str()), ("R0411", "did you mean `nightly`?"));
    for (name, cron, wanted) in [("n", "0 25 * * *", "R0413"), ("Ü", "@daily", "R0415")] {
        assert_eq!(code(&bench.add(name, cron, "  - { id: a, noop: {} }\n").unwrap_err()), wanted);
    }
    bench.change("nightly", Change::Off).unwrap();
    assert_eq!(code(&bench.change("nightly", Change::Now).unwrap_err()), "R0203");
}

#[test]
fn p11_schedules_of_a_home_are_bounded() {
    let bench = Bench::new();
    let engine = bench.engine();
    let steps = "  - { id: a, noop: {} }\n";
    for n in 0..limits::SCHEDULES {
        bench.add(&format!("s{n}"), "@yearly", steps).unwrap();
    }
    let error = bench.add("more", "@yearly", steps).unwrap_err();
    assert!(error.to_string().contains("as many as may be"), "{error}");
    // One that is on may be turned on anew, and one that is off makes room.
    bench.add("s1", "@daily", steps).unwrap();
    bench.change("s1", Change::Off).unwrap();
    bench.add("more", "@yearly", steps).unwrap();
    engine.stop().unwrap();
}

#[test]
fn p11_times_that_are_told_are_bounded() {
    let told: Preview = preview("* * * * *", "UTC", Some(0), 1_000_000).unwrap();
    assert_eq!(told.next.len(), limits::TIMES_LISTED);
    let told = preview("0 0 1 * *", "Europe/Berlin", Some(BEGIN), 1_000).unwrap();
    assert_eq!(told.clock.len(), limits::CHANGES_LISTED);
    let value: Value = json!(told.next[0]);
    assert_eq!(value, json!({"at": 1_801_436_400_000_i64, "local": "2027-02-01T00:00:00+01:00"}));
}

#[test]
fn who_may_not_start_runs_any_more_owns_no_schedule() {
    use stead_core::people::{Edit, Grant, Holder, Kind};
    use stead_core::schedule::{HALTED, Status};
    use stead_store::people::People as _;
    let role = || (Holder::User("ana".into()), Grant::everywhere("operator"));
    let granted = || Edit::Grant { holder: role().0, grant: role().1 };
    let lost = [
        (Edit::Remove { user: "ana".into() }, Edit::Restore { user: "ana".into() }, "user:ana was removed"),
        (Edit::Revoke { holder: role().0, grant: role().1 }, granted(), "user:ana has not the role operator"),
    ];
    for (loses, gets, why) in lost {
        let mut machine = Machine::on(hourly(Overlap::Skip, Missed::All));
        let add = |name: &str| Edit::Add { name: name.into(), display: String::new(), kind: Kind::Person };
        let admin = Edit::Grant { holder: Holder::User("bo".into()), grant: Grant::everywhere("admin") };
        let edits = [add("bo"), admin, add("ana"), granted()];
        machine.store.edit_people(&edits, BEGIN, "user:bo").unwrap();
        machine.steps(BEGIN + HOUR, usize::MAX);
        let id = machine.id.clone();
        let started = |machine: &Machine| machine.driver.schedule(&id).map(|state| state.started);
        assert_eq!(started(&machine), Some(1), "who may starts runs");
        machine.store.edit_people(&[loses], BEGIN + HOUR, "user:bo").unwrap();
        machine.steps(BEGIN + 3 * HOUR, usize::MAX);
        // Having it back starts nothing: somebody says so.
        machine.store.edit_people(&[gets], BEGIN + 3 * HOUR, "user:bo").unwrap();
        machine.crash();
        machine
            .driver
            .push(Addressed::to(id.clone(), Input::Schedule(schedule::Input::Now { by: "user:bo".into() })));
        machine.steps(BEGIN + 5 * HOUR, usize::MAX);
        let state = machine.driver.schedule(&id).unwrap().clone();
        assert_eq!((state.status, state.started), (Status::Halted, 1), "{why}");
        assert!(state.halted.as_ref().is_some_and(|said| said.starts_with(why)), "{:?}", state.halted);
        assert!(HALTED.contains("turns it on again") && state.due().is_none());
        let spec = Box::new(Spec { owner: "user:bo".into(), ..*state.spec.unwrap() });
        machine.driver.push(Addressed::to(id.clone(), Input::Schedule(schedule::Input::TurnOn(spec))));
        machine.steps(BEGIN + 6 * HOUR, usize::MAX);
        machine.steps(BEGIN + 7 * HOUR, usize::MAX);
        let state = machine.driver.schedule(&id).unwrap();
        assert_eq!((state.status, state.halted.as_deref()), (Status::On, None));
        assert!(state.started > 1, "who turned it on owns it");
    }
}

//! Schedules and webhooks, through the driver and whatever goes wrong: each time of a rule is accounted for once, a run is
//! started once for its cause, and what overlaps does so as it was said.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::schedule::{Cause, Event, Given, Input, ScheduleState, Spec, Status};
use stead_engine::EngineError;
use stead_engine::driver::{Addressed, Driver, Refusal};
use stead_lang::Bundle;
use stead_lang::cron::{Cron, Zone};
use stead_lang::duration::format_time;
use stead_lang::plan::{Missed, Plan, TriggerOn};
use stead_store::fault::Faults;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::{Row, Store as _};

use crate::journal::Journal;
use crate::rng::Rng;
use crate::scenario::POINTS;

/// Seeds of each kind.
const SEEDS: u64 = 500;
/// Happenings of each.
const HAPPENINGS: u32 = 60;
const MINUTE: Time = 60_000;
/// What is looked at so much later has been missed.
const LATE: Time = MINUTE;

/// Schedules as their journals have them.
#[derive(Default)]
pub(crate) struct Schedules {
    pub(crate) all: BTreeMap<StreamId, Mirror>,
}

/// One of them.
pub(crate) struct Mirror {
    pub(crate) state: ScheduleState,
    /// Runs that it has said to be started, and why.
    started: BTreeMap<StreamId, Cause>,
    /// Instants that something was said of: what.
    said: BTreeMap<Time, &'static str>,
    /// Instants up to here were accounted for, or do not count.
    cursor: Time,
    /// Runs that were told to end.
    cancelled: BTreeSet<StreamId>,
    pub(crate) met: BTreeMap<&'static str, u64>,
}

impl Schedules {
    pub(crate) fn take(&mut self, stream: &StreamId, row: &Row) {
        let mirror = self.all.entry(stream.clone()).or_insert_with(|| Mirror {
            state: ScheduleState::new(stream.clone()),
            started: BTreeMap::new(),
            said: BTreeMap::new(),
            cursor: 0,
            cancelled: BTreeSet::new(),
            met: BTreeMap::new(),
        });
        assert_eq!(row.seq, mirror.state.seq + 1, "{stream}: events are numbered without a gap");
        assert!(row.at >= mirror.state.at, "{stream}: time goes back");
        let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
        assert_eq!(events.len() as u64, row.count);
        let late = events.iter().filter(|event| event["cause"]["cause"] == "missed").count();
        for event in &events {
            let event = Event::deserialize(event).unwrap();
            mirror.note(&event, row.at, late);
            mirror.state.apply(&event, row.at);
        }
    }
}

/// The times of a rule behind one and before another, one after the other.
fn times(on: &TriggerOn, behind: Time, before: Time) -> Vec<Time> {
    let TriggerOn::Time { cron, zone, .. } = on else { return Vec::new() };
    let (cron, zone) = (Cron::parse(cron).unwrap(), Zone::named(zone).unwrap());
    let mut found = Vec::new();
    let mut at = behind;
    while let Some(next) = cron.next(&zone, at).filter(|next| next.at < before) {
        found.push(next.at);
        at = next.at;
    }
    found
}

impl Mirror {
    fn on(&self) -> TriggerOn {
        self.state.spec.as_ref().unwrap().on.clone()
    }

    fn met(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    /// Something becomes of an instant of the rule.
    fn say(&mut self, cause: &Cause, at: Time, what: &'static str) {
        let TriggerOn::Time { missed, jitter, .. } = self.on() else { return };
        let since = at - cause.instant();
        match cause {
            Cause::Due { .. } => {
                let asked = what == "asked to be left out";
                assert!(
                    asked || (0..=LATE + Time::try_from(jitter).unwrap()).contains(&since),
                    "due {since} ms ago"
                );
            }
            Cause::Missed { .. } => {
                assert!(since > LATE, "missed, {since} ms ago");
                assert_ne!(missed, Missed::None, "what was missed does not count here");
            }
            _ => return,
        }
        let before = self.said.insert(cause.instant(), what);
        assert!(before.is_none(), "{} is {before:?}, and {what}", cause.instant());
    }

    fn note(&mut self, event: &Event, at: Time, late: usize) {
        let queued = |cause: &Cause, state: &ScheduleState| state.queue.contains(cause);
        match event {
            Event::TurnedOn { .. } => {
                self.met("turned on");
                self.cursor = at;
            }
            Event::Paused { .. } => self.met("paused"),
            Event::Resumed { by } => {
                let until = match self.state.status {
                    Status::Paused { until: Some(until) } if by.is_none() => until,
                    _ => at,
                };
                self.cursor = self.cursor.max(until);
                self.met(if by.is_some() { "resumed" } else { "resumed by itself" });
            }
            Event::NextSet { next } => {
                let behind = next.map_or(at + 1, |next| next.instant);
                for instant in times(&self.on(), self.cursor, behind) {
                    assert!(self.said.contains_key(&instant), "nothing is said of {instant}");
                }
                self.cursor = self.cursor.max(behind - 1);
            }
            Event::Queued { cause } => {
                self.met("queued");
                self.say(cause, at, "queued");
            }
            Event::Skipped { cause, why } => {
                use stead_core::schedule::SkipWhy as Why;
                let what = match why {
                    Why::StillRunning { .. } => "left out for one that runs",
                    Why::QueueFull => "left out of a full queue",
                    Why::Replaced => "left out for a newer one",
                    Why::Asked { .. } => "asked to be left out",
                };
                self.met(what);
                // Something was said of it when it began to wait.
                if !queued(cause, &self.state) {
                    self.say(cause, at, what);
                }
            }
            Event::TimesMissed { first, last, count, more } => {
                self.met("missed");
                let lost = times(&self.on(), first - 1, last + 1);
                match more {
                    true => assert!(*count <= lost.len() as u64),
                    false => assert_eq!(*count, lost.len() as u64, "{first} to {last}"),
                }
                let TriggerOn::Time { missed, .. } = self.on() else { panic!("a webhook misses nothing") };
                assert!(missed != Missed::All || late >= 100, "lost, though all of them count");
                for instant in lost {
                    let before = self.said.insert(instant, "missed");
                    assert!(before.is_none(), "{instant} is {before:?}, and missed");
                }
                // Up to the newest that are told one by one.
                if *more {
                    let on = self.on();
                    for instant in times(&on, *last, at) {
                        if late == 0 || at - instant > 400 * 24 * 60 * MINUTE {
                            self.said.entry(instant).or_insert("missed");
                        }
                    }
                }
            }
            Event::RunStarted { run, cause } => {
                self.met(match cause {
                    Cause::Due { .. } => "started in time",
                    Cause::Missed { .. } => "started late",
                    Cause::Backfill { .. } => "started behind",
                    Cause::Now { .. } => "started now",
                    Cause::Delivery { .. } => "delivered",
                });
                assert_eq!(*run, cause.run(&self.state.id));
                if !queued(cause, &self.state) {
                    self.say(cause, at, "started");
                }
                let again = self.started.insert(run.clone(), cause.clone());
                assert!(again.is_none() || matches!(cause, Cause::Backfill { .. }), "{run} is started twice");
            }
            Event::NotStarted { why, .. } => panic!("not started: {why}"),
            Event::RunCancelled { run } => {
                self.met("told to end");
                self.cancelled.insert(run.clone());
            }
            Event::RunEnded { run, .. } => {
                assert!(self.started.contains_key(run), "{run} ends and was never started");
            }
            Event::TurnedOff { .. } => self.met("turned off"),
            Event::BackfillAsked { instants, .. } => {
                self.met("asked for what has passed");
                assert!(instants.iter().all(|instant| *instant <= at), "what has not come yet");
            }
            Event::Halted { .. } => self.met("halted"),
        }
    }
}

/// Somebody who waits for an answer, and asks again without one.
struct Sender {
    id: String,
    taken: bool,
}

struct Bench {
    rng: Rng,
    plan: std::sync::Arc<Plan>,
    spec: Spec,
    store: MemoryStore,
    faults: Faults,
    folder: tempfile::TempDir,
    driver: Driver<MemoryStore>,
    journal: Journal,
    now: Time,
    skew: Time,
    crashes: bool,
    senders: Vec<Sender>,
    crashed: u64,
}

impl Bench {
    fn new(seed: u64, trigger: &Value, begins: Time) -> Self {
        let mut rng = Rng::of(seed, "schedules");
        let length = *rng.pick(&["5s", "40s", "90s", "400s"]);
        let document = json!({
            "stead": 1, "name": "tick", "inputs": { "at": { "type": "string" } }, "triggers": [trigger],
            "steps": [{ "id": "w", "wait": { "for": length } }], "outputs": { "at": "${{ inputs.at }}" },
        });
        let bundle = Bundle::single("tick.yml", document.to_string());
        let checked = stead_lang::check(&bundle);
        let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let faults = Faults::new();
        let mut store = MemoryStore::new().with_faults(faults.clone());
        store.put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let driver = open(&store, &plan, folder.path());
        let spec = Spec {
            name: "tick".into(),
            workflow: "tick".into(),
            revision: plan.revision.clone(),
            number: None,
            on: plan.triggers[0].on.clone(),
            given: Given::Trigger(0),
            project: "p".into(),
            folder: "/p".into(),
            owner: "user:ana".into(),
        };
        let journal = Journal::default();
        Self {
            rng,
            plan,
            spec,
            store,
            faults,
            folder,
            driver,
            journal,
            now: begins,
            skew: 0,
            crashes: false,
            senders: Vec::new(),
            crashed: 0,
        }
    }

    fn id() -> StreamId {
        StreamId::schedule("tick")
    }

    fn clock(&self) -> Time {
        self.now + self.skew
    }

    fn push(&mut self, input: Input) {
        self.driver.push(Addressed::to(Self::id(), input));
    }

    /// Somebody asks for something, whatever goes wrong.
    fn wants(&mut self, input: Input) {
        if self.rng.hits(1, 3) {
            self.crashes = self.rng.hits(1, 2);
            self.faults.fail_at_point(*self.rng.pick(&POINTS), self.rng.between(1, 3));
        }
        self.push(input);
        self.go();
        self.faults.clear();
    }

    fn deliver(&mut self, nth: usize) {
        let (id, headers, body) = (self.senders[nth].id.clone(), Map::new(), json!({ "id": nth }));
        let input = Input::Deliver { id, kind: None, headers, body };
        self.driver.push(Addressed { token: nth as u64 + 1, ..Addressed::to(Self::id(), input) });
    }

    /// Until nothing is left to be done at once.
    fn go(&mut self) {
        while self.driver.is_busy() || self.driver.due().is_some_and(|due| due <= self.clock()) {
            match self.driver.step(self.clock()) {
                Ok(stepped) => {
                    assert!(stepped.troubles.is_empty(), "{:?}", stepped.troubles);
                    self.look();
                    for (token, answer) in stepped.answers {
                        let sender = token.checked_sub(1).and_then(|at| usize::try_from(at).ok());
                        if let Some(sender) = sender.and_then(|at| self.senders.get_mut(at)) {
                            assert!(!matches!(answer, Err(Refusal::Unknown)), "{answer:?}");
                            sender.taken |= answer.is_ok();
                        }
                    }
                }
                Err(EngineError::Store(_)) => {
                    if self.crashes {
                        self.crashed += 1;
                        self.driver = open(&self.store, &self.plan, self.folder.path());
                        self.driver.recover().unwrap();
                    }
                    self.look();
                }
                Err(error) => panic!("the driver fails: {error}"),
            }
        }
    }

    fn look(&mut self) {
        let before: BTreeSet<StreamId> = self.journal.streams.keys().cloned().collect();
        let moved = self.journal.look(&mut self.store);
        let Some(schedule) = self.journal.schedules.all.get(&Self::id()) else { return };
        // Of those that were started in the order of a rule one is under way at a time.
        let in_order = |run: &StreamId| {
            schedule
                .started
                .get(run)
                .is_some_and(|cause| !matches!(cause, Cause::Now { .. } | Cause::Delivery { .. }))
        };
        let open = self
            .journal
            .streams
            .iter()
            .filter(|(run, mirror)| in_order(run) && !mirror.state.status.is_end());
        let open: Vec<&StreamId> = open.map(|(run, _)| run).collect();
        assert!(open.len() <= 1, "two at once: {open:?}");
        for run in moved.difference(&before) {
            let cause = schedule.started.get(run);
            assert!(cause.is_some(), "P2: {run} is started, and the schedule does not know it");
        }
    }

    /// All there is comes to its end, and is right.
    fn end(&mut self) {
        self.faults.clear();
        self.skew = 0;
        for nth in 0..self.senders.len() {
            self.deliver(nth);
        }
        self.push(Input::TurnOff { by: "user:ana".into() });
        for _ in 0..2_000 {
            self.go();
            match self.driver.due() {
                Some(due) => self.now = self.now.max(due),
                None => break,
            }
        }
        let schedule = &self.journal.schedules.all[&Self::id()];
        let again = schedule.state.clone();
        assert_eq!((again.status, again.open.len(), again.queue.len()), (Status::Off, 0, 0), "{again:?}");
        let runs: BTreeSet<&StreamId> = self.journal.streams.keys().collect();
        assert_eq!(runs, schedule.started.keys().collect(), "what was started, and what there is");
        for (run, cause) in &schedule.started {
            let mirror = &self.journal.streams[run];
            assert!(mirror.state.status.is_end(), "{run} goes on");
            let cancelled = mirror.state.status == stead_core::status::RunStatus::Cancelled;
            assert!(!cancelled || schedule.cancelled.contains(run), "{run} was cancelled by nobody");
            assert_eq!(mirror.parent, Some(Self::id()));
            let given = mirror.given.to_string();
            assert!(given.contains(&format_time(cause.instant())), "{run} has another time: {given}");
        }
        for sender in self.senders.iter().filter(|sender| sender.taken) {
            let cause = Cause::Delivery { id: sender.id.clone(), at: 0 };
            let run = cause.run(&Self::id());
            assert!(runs.contains(&run), "P2: a request that was taken has no run: {}", sender.id);
        }
    }
}

fn open(store: &MemoryStore, plan: &std::sync::Arc<Plan>, folder: &std::path::Path) -> Driver<MemoryStore> {
    let mut driver = Driver::new(store.reopen(), FileStore::attach(folder)).unwrap();
    driver.plans().put(plan.clone());
    driver
}

/// A rule, about how long it is from one of its times to the next, and when to begin.
fn rule(rng: &mut Rng) -> (Value, Time, Time) {
    let day = 24 * 60 * MINUTE;
    let at = |text: &str| stead_lang::duration::parse_time(text).unwrap();
    let (cron, zone, apart, begins) = *rng.pick(&[
        ("* * * * *", "UTC", MINUTE, at("2026-11-14T22:13:20Z")),
        ("*/2 * * * *", "Asia/Kolkata", 2 * MINUTE, at("2026-11-14T22:13:20Z")),
        // Around the hours that are not there, and twice there.
        ("*/30 * * * *", "Europe/Berlin", 30 * MINUTE, at("2026-03-28T23:10:00Z")),
        ("30 1,2 * * *", "Europe/Berlin", day, at("2026-10-22T12:00:00Z")),
        ("30 2 * * *", "America/New_York", day, at("2026-03-05T12:00:00Z")),
        ("0 0 1 * *", "Australia/Lord_Howe", 31 * day, at("2026-09-20T12:00:00Z")),
    ]);
    let overlap = *rng.pick(&["skip", "queue", "cancel"]);
    let missed = *rng.pick(&["none", "latest", "all"]);
    let mut trigger = json!({
        "cron": cron, "tz": zone, "overlap": overlap, "missed": missed, "inputs": { "at": "${{ event.time }}" },
    });
    if rng.hits(1, 3) {
        trigger["jitter"] = json!(*rng.pick(&["5s", "45s"]));
    }
    (trigger, apart, begins)
}

#[test]
fn p2_each_time_of_a_schedule_counts_once_whatever_happens() {
    let mut met: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let (trigger, apart, begins) = rule(&mut Rng::of(seed, "rule"));
        let mut bench = Bench::new(seed, &trigger, begins);
        let by = || "user:ana".to_owned();
        while !bench.journal.schedules.all.contains_key(&Bench::id()) {
            bench.wants(Input::TurnOn(Box::new(bench.spec.clone())));
        }
        for _ in 0..HAPPENINGS {
            let happening = bench.rng.below(24);
            let some =
                |bench: &mut Bench, of: Time| Time::try_from(bench.rng.below(of.unsigned_abs())).unwrap();
            let input = match happening {
                0 => Input::Pause { by: by(), until: None },
                1 => {
                    let until = bench.clock() + 1 + some(&mut bench, 5 * apart);
                    Input::Pause { by: by(), until: Some(until) }
                }
                2 | 3 => Input::Resume { by: by() },
                4 => Input::Skip { by: by() },
                5 => Input::Now { by: by() },
                6 => {
                    let to = bench.clock() - some(&mut bench, 3 * apart);
                    Input::Backfill { by: by(), from: to - some(&mut bench, 6 * apart), to }
                }
                7 if bench.rng.hits(1, 2) => Input::TurnOff { by: by() },
                7 | 8 => Input::TurnOn(Box::new(bench.spec.clone())),
                // Nothing ran for a while.
                9 => {
                    bench.now += some(&mut bench, 20 * apart);
                    Input::Time
                }
                10 if apart <= 2 * MINUTE && bench.rng.hits(1, 4) => {
                    bench.now += some(&mut bench, 500 * apart);
                    Input::Time
                }
                11 => {
                    bench.skew = -some(&mut bench, 2 * apart);
                    Input::Time
                }
                12 => {
                    bench.skew = 0;
                    Input::Time
                }
                _ => {
                    let due = bench.driver.due().unwrap_or_default();
                    let late = some(&mut bench, 2_000);
                    bench.now = bench.now.max(due - bench.skew + late);
                    Input::Time
                }
            };
            bench.wants(input);
        }
        bench.end();
        *met.entry("crashed").or_default() += bench.crashed;
        for (what, n) in &bench.journal.schedules.all[&Bench::id()].met {
            *met.entry(what).or_default() += n;
        }
    }
    eprintln!("{SEEDS} schedules: {met:#?}");
    for what in [
        "asked for what has passed",
        "asked to be left out",
        "crashed",
        "left out for a newer one",
        "left out for one that runs",
        "missed",
        "queued",
        "resumed by itself",
        "started behind",
        "started in time",
        "started late",
        "started now",
        "told to end",
        "turned off",
    ] {
        assert!(met.get(what).copied().unwrap_or(0) >= 50, "`{what}` is hardly met: {met:#?}");
    }
}

#[test]
fn p2_a_request_that_was_taken_has_one_run_whatever_happens() {
    let (mut taken, mut crashed) = (0, 0);
    for seed in 0..SEEDS {
        let trigger = json!({ "webhook": "tick", "secret": "S", "inputs": { "at": "${{ event.time }}" } });
        let mut bench = Bench::new(seed, &trigger, 1_790_000_000_000);
        while !bench.journal.schedules.all.contains_key(&Bench::id()) {
            bench.wants(Input::TurnOn(Box::new(bench.spec.clone())));
        }
        for nth in 0..12 {
            bench.senders.push(Sender { id: format!("d{}", nth / 2), taken: false });
            for nth in 0..bench.senders.len() {
                if bench.rng.hits(1, 3) {
                    bench.deliver(nth);
                }
            }
            bench.wants(Input::Time);
            bench.now += Time::try_from(bench.rng.below(90_000)).unwrap();
        }
        bench.end();
        crashed += bench.crashed;
        taken += bench.senders.iter().filter(|sender| sender.taken).count();
    }
    eprintln!("{taken} requests taken, {crashed} crashes");
    assert!(taken > 1_000 && crashed > 50, "{taken} taken, {crashed} crashes");
}

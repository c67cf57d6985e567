//! One scenario, stepped by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use stead_core::Time;
use stead_core::effect::{AttemptId, AttemptResult, Effect, Execute};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_core::run::turn::SettleInput;
use stead_core::run::{Again, Input, StepNow};
use stead_core::task::{self, Act};
use stead_engine::EngineError;
use stead_engine::driver::{Addressed, Driver, Given, Refusal, Stepped};
use stead_lang::Bundle;
use stead_lang::plan::Plan;
use stead_store::fault::{Faults, Point};
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;
use stead_store::{Reader as _, Store as _, StoreError};

use crate::generate::{Definition, Used, signal_name};
use crate::journal::{Journal, Mirror};
use crate::outside::{self, Happening, Manners, Outside, UnderWay};
use crate::rng::Rng;
use crate::scenario::{Planned, Scenario, Then, Trouble};

/// When it begins: 2023-11-14T22:13:20Z.
const BEGINS: Time = 1_700_000_000_000;
/// Generator and check do not agree.
pub(crate) const REFUSED: &str = "the check refuses what was generated:";
/// So many bytes of states are held against their journals closely.
const LOOKED: usize = 500_000;
/// Whatever has not ended after so many happenings does not end.
const BEATS: u32 = 20_000;

/// A definition that was checked, with the bytes that a store keeps of it and its children.
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    pub(crate) plans: HashMap<String, Arc<Plan>>,
    definitions: Vec<(String, Vec<u8>)>,
}

impl Ready {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let definition = &scenario.definition;
        let bundle = definition.bundle();
        let checked = stead_lang::check(&bundle);
        let plan = checked.plan.unwrap_or_else(|| {
            let said: Vec<String> =
                checked.diagnostics.iter().map(|d| format!("{} {} {}", d.code, d.path, d.message)).collect();
            panic!("{REFUSED}\n{}", said.join("\n"))
        });
        let mut plans = HashMap::from([(plan.revision.clone(), plan.clone())]);
        // What is the newest changes with each that is saved anew.
        let mut newest = definition.newest();
        let mut later = definition.clone();
        let script = scenario.script.iter().map(|planned| &planned.what).chain(&scenario.afterwards);
        for what in script {
            if let Trouble::Saved { pick } = what
                && later.revise(*pick).is_some()
            {
                newest.extend(later.newest());
            }
        }
        let mut children: Vec<(String, Bundle)> = checked.children.into_iter().collect();
        for bundle in newest {
            let checked = stead_lang::check(&bundle);
            children.extend(checked.children);
            children.push((checked.plan.unwrap().revision.clone(), bundle));
        }
        for (revision, child) in &children {
            plans.insert(revision.clone(), stead_lang::check(child).plan.unwrap());
        }
        let all =
            children.iter().map(|(revision, child)| (revision, child)).chain([(&plan.revision, &bundle)]);
        let definitions = all.map(|(revision, b)| (revision.clone(), serde_json::to_vec(b).unwrap()));
        let definitions = definitions.collect();
        Self { plan, plans, definitions }
    }
}

/// What was met, for those who want to know whether anything was.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) met: BTreeMap<String, u64>,
    /// Keys of the language, and in how many places of definitions each stood.
    pub(crate) used: Used,
}

impl Counts {
    pub(crate) fn add(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn join(&mut self, other: Counts) {
        for (what, n) in other.met {
            *self.met.entry(what).or_default() += n;
        }
        for (key, n) in other.used {
            *self.used.entry(key).or_default() += n;
        }
    }
}

/// What a person has asked for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Start,
    Cancel,
    Pause,
    Resume,
    Settle { path: String },
    Signal { id: Option<String> },
    Retry { again: Again, before: u32 },
    Act { actor: String, act: Act },
}

/// What goes to a run or a task.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Run(Box<Input>),
    Task(Box<task::Input>),
}

impl From<Input> for Said {
    fn from(input: Input) -> Self {
        Said::Run(Box::new(input))
    }
}

impl From<task::Input> for Said {
    fn from(input: task::Input) -> Self {
        Said::Task(Box::new(input))
    }
}

impl From<Said> for Given {
    fn from(said: Said) -> Self {
        match said {
            Said::Run(input) => (*input).into(),
            Said::Task(input) => (*input).into(),
        }
    }
}

#[derive(Debug, Clone)]
struct Asked {
    stream: StreamId,
    what: Ask,
    input: Said,
    times: u32,
}

pub(crate) struct World<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) ready: &'s Ready,
    /// The library as it is by now.
    library: Definition,
    pub(super) rng: Rng,
    manners: Manners,
    pub(super) store: MemoryStore,
    faults: Faults,
    folder: &'s Path,
    pub(super) driver: Driver<MemoryStore>,
    /// Time that has passed, and how far the clock is from it.
    pub(super) passed: Time,
    pub(super) skew: Time,
    pub(super) outside: Outside,
    pub(super) journal: Journal,
    asked: BTreeMap<u64, Asked>,
    tokens: u64,
    /// What follows the fault that is planned.
    then: Then,
    crash_behind: Option<usize>,
    doubled: bool,
    lost: bool,
    late: bool,
    /// Key by instance, and the other way round.
    keys: BTreeMap<(StreamId, String), String>,
    instances: BTreeMap<String, (StreamId, String)>,
    /// How often what must happen once has begun.
    begun_once: BTreeMap<(StreamId, String), u32>,
    /// Bytes of states that were held against their journals.
    looked: usize,
    /// Steps that were woken for nothing, one after another.
    idle_wakes: u32,
    pub(crate) counts: Counts,
}

pub(super) fn top() -> StreamId {
    StreamId::new("r_top")
}

impl<'s> World<'s> {
    pub(crate) fn new(
        scenario: &'s Scenario,
        ready: &'s Ready,
        store: &MemoryStore,
        folder: &'s Path,
    ) -> Self {
        let faults = Faults::new();
        let mut store = store.reopen().with_faults(faults.clone());
        scenario.definition.save(&mut store);
        for (revision, bytes) in &ready.definitions {
            store.put_definition(revision, bytes).unwrap();
        }
        let driver = open(&store, ready, folder);
        Self {
            scenario,
            ready,
            library: scenario.definition.clone(),
            rng: Rng::of(scenario.seed, "world"),
            manners: Manners::of(scenario.seed, scenario.calm),
            driver,
            store,
            faults,
            folder,
            passed: BEGINS,
            skew: 0,
            outside: Outside::default(),
            journal: Journal::default(),
            asked: BTreeMap::new(),
            tokens: 0,
            then: Then::GoOn,
            crash_behind: None,
            doubled: false,
            lost: false,
            late: false,
            keys: BTreeMap::new(),
            instances: BTreeMap::new(),
            begun_once: BTreeMap::new(),
            looked: 0,
            idle_wakes: 0,
            counts: Counts::default(),
        }
    }

    /// The clock.
    pub(super) fn now(&self) -> Time {
        self.passed + self.skew
    }

    /// Brings all to its end.
    pub(crate) fn run(&mut self) {
        let beside = (0..self.scenario.beside).map(|n| StreamId::new(&format!("r_beside{n}")));
        for run in std::iter::once(top()).chain(beside) {
            let (inputs, breaks) = (self.inputs(), Breaks::default());
            let start = Input::Start {
                inputs,
                project: "p".into(),
                folder: "/p".into(),
                breaks,
                by: "user:ana".into(),
            };
            self.ask(run, Ask::Start, start);
        }
        let scenario = self.scenario;
        let mut script = scenario.script.iter().peekable();
        let mut afterwards = scenario.afterwards.iter();
        for beat in 0..BEATS {
            while let Some(Planned { what, .. }) = script.next_if(|planned| planned.at <= beat) {
                self.trouble(what);
            }
            if script.peek().is_none() && beat > 200 {
                // What was planned and never met is not waited for.
                self.calm_down();
            }
            if beat > 0 && beat % self.scenario.patience == 0 {
                self.cancel_all();
            }
            let due = self.driver.due().is_some_and(|due| due <= self.now());
            if self.driver.is_busy() || due {
                self.step();
                continue;
            }
            self.check_idle();
            if !self.happen() {
                self.check_end();
                match afterwards.next() {
                    Some(what) => self.trouble(what),
                    None => return,
                }
            }
        }
        panic!("it does not come to its end: {}", self.stuck());
    }

    fn inputs(&self) -> Vec<(String, Value)> {
        let given = &self.scenario.definition.inputs;
        stead_lang::inputs::check_inputs(&self.ready.plan, given).unwrap().into_iter().collect()
    }

    pub(super) fn ask(&mut self, stream: StreamId, what: Ask, input: impl Into<Said>) {
        self.tokens += 1;
        let asked = Asked { stream, what, input: input.into(), times: 0 };
        self.asked.insert(self.tokens, asked);
        self.ask_again(self.tokens);
    }

    fn ask_again(&mut self, token: u64) {
        let Some(asked) = self.asked.get_mut(&token) else { return };
        asked.times += 1;
        let revision = matches!(asked.what, Ask::Start).then(|| self.ready.plan.revision.clone());
        let (stream, input) = (asked.stream.clone(), asked.input.clone());
        self.driver.push(Addressed { stream, input: input.into(), revision, token });
    }

    fn push(&mut self, stream: &StreamId, input: Input) {
        self.driver.push(Addressed::to(stream.clone(), input));
    }

    fn step(&mut self) {
        let crossed = self.faults.crossed();
        match self.driver.step(self.now()) {
            Ok(stepped) => {
                let idle = stepped.written.is_empty() && !self.driver.is_busy();
                self.idle_wakes = if idle { self.idle_wakes + 1 } else { 0 };
                assert!(
                    self.idle_wakes < 50,
                    "it is woken again and again, and nothing is done: {}",
                    self.stuck()
                );
                match self.crash_behind.take() {
                    Some(_) if stepped.written.is_empty() => {
                        self.perform(stepped, usize::MAX);
                        self.crash_behind = Some(0);
                    }
                    Some(performed) => {
                        self.counts.add("crash behind a commit");
                        self.perform(stepped, performed);
                        self.crash(None);
                    }
                    None => self.perform(stepped, usize::MAX),
                }
            }
            Err(EngineError::Store(StoreError::Injected { point })) => {
                self.counts.add(&format!("refused at {point}"));
                assert!(self.faults.crossed() > crossed);
                let moved = self.journal.look(&mut self.store);
                assert!(
                    moved.is_empty() || point == Point::AfterCommit,
                    "P2: a commit that failed at {point} has left something"
                );
                match self.then {
                    Then::Crash => self.crash(None),
                    Then::GoOn => self.ask_all_again(),
                }
            }
            Err(error) => panic!("the driver fails: {error}"),
        }
    }

    fn ask_all_again(&mut self) {
        for token in self.asked.keys().copied().collect::<Vec<_>>() {
            self.ask_again(token);
        }
    }

    /// Takes what a step gave, and of its effects the first so many.
    fn perform(&mut self, stepped: Stepped, most: usize) {
        assert!(stepped.troubles.is_empty(), "runs cannot go on: {:?}", stepped.troubles);
        for written in &stepped.written {
            let row = self.store.row_of(&written.stream, written.seq).unwrap();
            let told = (written.position, &written.events[..]);
            assert_eq!((row.position, &row.events[..]), told, "P2: told, and not kept so");
        }
        let moved = self.journal.look(&mut self.store);
        self.check_holders(&moved);
        for stream in &moved {
            let mirror = self.journal.streams.get_mut(stream).unwrap();
            // An ended run is not kept in memory; one that has gone on is looked at now and then, a large one seldom.
            if let Some(memory) = self.driver.state(stream)
                && (mirror.state.seq < 20 || self.rng.hits(1, if self.looked < LOOKED { 5 } else { 200 }))
            {
                self.looked += crate::journal::same(memory, mirror);
            }
        }
        for (token, answer) in stepped.answers {
            self.answered(token, answer);
        }
        for (effect, folder) in stepped.effects.into_iter().take(most) {
            assert_eq!(folder, "/p");
            match effect {
                Effect::Execute(job) => self.execute(job),
                Effect::Begin(attempt) => self.begins(&attempt),
                Effect::End { attempt, reason } => {
                    let Some(under_way) = self.outside.under_way.get(&attempt) else { continue };
                    let (takes, result) = self.manners.ending(under_way, reason);
                    self.outside.note(self.passed + takes, Happening::Ends(attempt, result));
                }
            }
        }
    }

    /// Nothing is told before it is durable, and what is refused could not be done.
    fn answered(&mut self, token: u64, answer: Result<(), Refusal>) {
        let Some(asked) = self.asked.remove(&token) else { return };
        if let Ask::Act { actor, act } = &asked.what {
            let answer = match answer {
                Ok(()) => Ok(()),
                Err(Refusal::Refused(why)) => Err(why),
                Err(other) => panic!("{:?} is answered by {other:?}", asked.what),
            };
            return self.journal.tasks.told(&asked.stream, actor, act, answer);
        }
        let mirror = self.journal.streams.get(&asked.stream);
        match (answer, mirror) {
            (Ok(()), Some(mirror)) => match &asked.what {
                Ask::Act { .. } => unreachable!("told above"),
                Ask::Start => assert!(mirror.state.exists()),
                Ask::Cancel => assert!(mirror.asked_to_end, "P2: a cancel is answered that is not durable"),
                Ask::Pause => assert!(mirror.pauses > 0, "P2: a pause is answered that is not durable"),
                Ask::Resume => assert!(mirror.resumes > 0, "P2: an answer that is not durable"),
                Ask::Settle { .. } => assert!(mirror.settled > 0, "P2: an answer that is not durable"),
                Ask::Retry { before, .. } => {
                    assert!(mirror.reopens > *before, "P2: a retry is answered that is not durable");
                }
                Ask::Signal { id } => {
                    let known = id.as_ref().is_none_or(|id| mirror.signals.ids.contains(id));
                    assert!(known && mirror.signals.came > 0, "P2: a signal is answered that is not durable");
                }
            },
            (Err(Refusal::Refused(why)), Some(mirror)) => {
                let stood = match &asked.what {
                    Ask::Act { .. } => unreachable!("told above"),
                    Ask::Start => mirror.state.exists(),
                    Ask::Cancel => mirror.asked_to_end || mirror.state.status.is_end(),
                    // Of two that came together the other one may have been first.
                    Ask::Pause | Ask::Resume => true,
                    Ask::Signal { .. } => mirror.state.status.is_end(),
                    Ask::Retry { again, before } => {
                        mirror.reopens > *before || self.cannot_retry(&asked.stream, again)
                    }
                    Ask::Settle { path } => {
                        let parked = self.parked().iter().any(|(s, p)| *s == asked.stream && p == path);
                        !parked || asked.times > 1
                    }
                };
                assert!(stood, "{:?} is refused: {why}", asked.what);
            }
            (answer, _) => panic!("{:?} is answered by {answer:?}", asked.what),
        }
    }

    fn execute(&mut self, job: Execute) {
        let AttemptId { stream, path, number } = job.attempt.clone();
        let mirror = self
            .journal
            .streams
            .get_mut(&stream)
            .unwrap_or_else(|| panic!("P2: {} is performed for a run that is not durable", job.attempt));
        let place = (path.clone(), number);
        let started = mirror.started.get(&place);
        let request = started.unwrap_or_else(|| panic!("P2: {} is not in the journal", job.attempt));
        assert!(
            !mirror.ended.contains(&place),
            "P1: {} is performed again, its result is durable",
            job.attempt
        );
        if let Some(request) = request {
            assert_eq!(*request, job.request, "P2: {} is asked for what is not in the journal", job.attempt);
        }
        let open = mirror.state.open_attempts().contains(&job.attempt);
        assert!(open, "P2: {} is performed and the journal says that it is not under way", job.attempt);
        let failures = mirror.failures.get(&path).copied().unwrap_or(0);
        self.check_key(&job);

        let attempt = self.manners.of_attempt(&job, failures);
        if job.once && attempt.queued.is_none() {
            self.begins_once(&job.attempt);
        }
        let id = job.attempt.clone();
        if attempt.immediate {
            return self.end(&id, attempt.result);
        }
        if let Some(after) = attempt.queued {
            self.push(&stream, Input::AttemptPlace { path, number, begins: false });
            self.outside.note(self.passed + after, Happening::Begins(id.clone()));
        }
        let lasts = attempt.lasts.filter(|_| !std::mem::take(&mut self.lost));
        let held = job.once && attempt.queued.is_some();
        if let Some(lasts) = lasts.filter(|_| !held) {
            let at = self.passed + attempt.queued.unwrap_or(0) + lasts;
            self.outside.note(at, Happening::Ends(id.clone(), attempt.result.clone()));
        }
        let queued = attempt.queued.is_some();
        let twice =
            self.outside.under_way.insert(id, UnderWay { job, queued, held, lasts, result: attempt.result });
        assert!(twice.is_none(), "it is handed out twice");
    }

    /// One that must happen once and was queued: that it begins is durable.
    fn begins(&mut self, attempt: &AttemptId) {
        let Some(under_way) = self.outside.under_way.get_mut(attempt) else { return };
        assert!(std::mem::take(&mut under_way.held), "{attempt} begins, and did not wait for that");
        if let Some(lasts) = under_way.lasts {
            let result = under_way.result.clone();
            self.outside.note(self.passed + lasts, Happening::Ends(attempt.clone(), result));
        }
        self.begins_once(attempt);
    }

    /// A key belongs to an instance, and all its attempts share it.
    fn check_key(&mut self, job: &Execute) {
        let instance = (job.attempt.stream.clone(), job.attempt.path.clone());
        let mirror = self.journal.streams.get_mut(&job.attempt.stream).unwrap();
        if let Some(completed) = mirror.rekeyed.remove(&job.attempt.path) {
            let before = self.keys.remove(&instance);
            let same = before.as_ref() == Some(&job.key);
            assert!(!completed || !same, "P1: {} was completed, and runs again under its key", job.attempt);
        }
        let key = self.keys.entry(instance.clone()).or_insert_with(|| job.key.clone());
        assert_eq!(*key, job.key, "the key of {} changes", job.attempt);
        let of = self.instances.entry(job.key.clone()).or_insert_with(|| instance.clone());
        assert_eq!(*of, instance, "the key {} is that of two instances", job.key);
    }

    /// What must happen once happens again only when somebody said so.
    fn begins_once(&mut self, attempt: &AttemptId) {
        let instance = (attempt.stream.clone(), attempt.path.clone());
        let begun = self.begun_once.entry(instance).or_default();
        *begun += 1;
        let again = self.journal.streams[&attempt.stream].again.get(&attempt.path).copied().unwrap_or(0);
        assert!(
            *begun <= 1 + again,
            "P2: {attempt} must happen once, begins the {begun}. time, {again} said so"
        );
    }

    /// Tells the result of an attempt.
    fn end(&mut self, attempt: &AttemptId, result: AttemptResult) {
        let AttemptId { stream, path, number } = attempt.clone();
        if std::mem::take(&mut self.doubled) {
            self.counts.add("result doubled");
            let again = Happening::Stray(attempt.clone(), result.clone());
            let later = Time::try_from(self.rng.below(50_000)).unwrap();
            self.outside.note(self.passed + later, again);
        }
        self.push(&stream, Input::AttemptEnded { path, number, result });
    }

    /// The next thing that happens by itself; false when there is none.
    fn happen(&mut self) -> bool {
        if self.rng.hits(1, 4) && self.send_awaited() {
            return true;
        }
        if self.rng.hits(1, 4) && self.people_act() {
            return true;
        }
        let due = self.driver.due().map(|due| due - self.skew);
        let outside = self.outside.next();
        match (outside, due) {
            (Some(at), due) if due.is_none_or(|due| at <= due) => {
                self.passed = self.passed.max(at);
                self.take_next();
                // Several at once now and then.
                while self.rng.hits(1, 4) && self.outside.next().is_some() {
                    self.passed = self.passed.max(self.outside.next().unwrap());
                    self.take_next();
                }
                true
            }
            (_, Some(due)) => {
                self.passed = self.passed.max(due);
                true
            }
            _ => self.settle_parked() || self.send_awaited() || self.resume_paused() || self.people_act(),
        }
    }

    /// Somebody sends what runs wait for.
    fn send_awaited(&mut self) -> bool {
        let open = self.journal.streams.iter().filter(|(_, mirror)| !mirror.paused);
        let awaited: Vec<(StreamId, String)> = open
            .flat_map(|(id, mirror)| mirror.signals.awaited.values().map(|name| (id.clone(), name.clone())))
            .collect();
        for (stream, name) in &awaited {
            self.counts.add("signal that was awaited");
            self.signal(stream.clone(), name, None, None, false);
        }
        !awaited.is_empty()
    }

    fn signal(
        &mut self,
        stream: StreamId,
        name: &str,
        step: Option<&str>,
        id: Option<String>,
        offline: bool,
    ) {
        // All say the same where it must not matter which of them is taken.
        let data = match self.scenario.calm || !self.rng.hits(1, 8) {
            true => serde_json::json!({ "v": 1 }),
            false => Value::Null,
        };
        let (name, step, by) = (name.to_owned(), step.map(str::to_owned), "user:ana".to_owned());
        let input = Input::Signal { name, step, id: id.clone(), data, by };
        self.person(offline, stream, Ask::Signal { id }, input);
    }

    fn cancel_all(&mut self) {
        let all: Vec<StreamId> = self.journal.streams.keys().cloned().collect();
        for stream in all {
            let input = Input::Cancel { by: "user:ana".into(), reason: None, force: true };
            self.ask(stream, Ask::Cancel, input);
        }
    }

    /// Somebody wants a run to go on that has ended.
    fn retry(&mut self, pick: u64, how: u8, changed: bool, offline: bool) {
        let Some(stream) = self.picked(pick) else { return };
        let mirror = self.journal.streams.get_mut(&stream).unwrap();
        let mut paths = Vec::new();
        flatten(&mirror.view(&self.ready.plans[&mirror.state.revision]).steps, &mut paths);
        paths.push("nowhere".to_owned());
        let path = self.rng.pick(&paths).clone();
        let again = match how {
            0 => Again::Failed,
            1 => Again::From(path),
            _ => Again::Only(path),
        };
        let mut inputs = if changed && stream == top() { self.inputs() } else { Vec::new() };
        inputs.iter_mut().filter(|(name, _)| name == "n").for_each(|(_, value)| *value = 5.into());
        let before = self.journal.streams[&stream].reopens;
        self.counts.add("retry");
        let input = Input::Retry { by: "user:ana".into(), again: again.clone(), inputs };
        self.person(offline, stream, Ask::Retry { again, before }, input);
    }

    /// Whether there is nothing to be retried, as the journal has it.
    fn cannot_retry(&mut self, stream: &StreamId, again: &Again) -> bool {
        let mirror = self.journal.streams.get_mut(stream).unwrap();
        let plan = &self.ready.plans[&mirror.state.revision];
        mirror.view(plan);
        mirror.state.selection(plan, again).is_err()
    }

    /// Somebody lets go on what still pauses.
    fn resume_paused(&mut self) -> bool {
        let paused = self.journal.streams.iter().filter(|(_, mirror)| mirror.paused);
        let paused: Vec<StreamId> = paused.map(|(id, _)| id.clone()).collect();
        for stream in &paused {
            self.counts.add("resumed");
            self.ask(stream.clone(), Ask::Resume, Input::Resume { by: "user:ana".into() });
        }
        !paused.is_empty()
    }

    fn take_next(&mut self) {
        let Some((_, what)) = self.outside.agenda.pop_first() else { return };
        match what {
            Happening::Begins(id) => {
                let Some(under_way) = self.outside.under_way.get_mut(&id) else { return };
                under_way.queued = false;
                let AttemptId { stream, path, number } = id;
                self.push(&stream, Input::AttemptPlace { path, number, begins: true });
            }
            Happening::Ends(id, result) => {
                if self.outside.under_way.remove(&id).is_some() {
                    self.end(&id, result);
                }
            }
            Happening::Stray(id, result) => {
                self.counts.add("stray result");
                self.end(&id, result);
            }
        }
    }

    /// Attempts whose end somebody has to say.
    pub(super) fn parked(&self) -> Vec<(StreamId, String)> {
        let mut parked = Vec::new();
        for (id, mirror) in &self.journal.streams {
            if !mirror.state.status.is_end() {
                let waits = mirror.state.waits_for().into_iter().filter(|waits| waits.kind == "settle");
                parked.extend(waits.map(|waits| (id.clone(), waits.path)));
            }
        }
        parked
    }

    /// Somebody looks what became of attempts whose end nobody knows.
    fn settle_parked(&mut self) -> bool {
        let parked = self.parked();
        for (stream, path) in &parked {
            let verdict = self.verdict(stream, path);
            self.settle(stream, path, verdict);
        }
        !parked.is_empty()
    }

    fn verdict(&mut self, stream: &StreamId, path: &str) -> SettleInput {
        let job = self.journal.streams[stream].started.get(&(path.to_owned(), 1)).cloned().flatten();
        let output = job.and_then(|request| request.get("value").cloned());
        match (self.scenario.calm, self.rng.below(3), output) {
            // What it would have come to: so the run ends as one in which nothing was lost.
            (true, 0 | 1, Some(value)) if value.get("pad").is_none() && value.get("may_fail").is_none() => {
                SettleInput::Done(value)
            }
            (true, ..) | (false, 0, _) => SettleInput::Again,
            (false, 1, Some(value)) => SettleInput::Done(value),
            _ => SettleInput::Failed,
        }
    }

    fn settle(&mut self, stream: &StreamId, path: &str, verdict: SettleInput) {
        self.counts.add("settled");
        let input = Input::Settle { path: path.to_owned(), verdict, by: "user:ana".into() };
        self.ask(stream.clone(), Ask::Settle { path: path.to_owned() }, input);
    }

    fn trouble(&mut self, what: &Trouble) {
        match what {
            Trouble::Refuse { nth, then } => {
                self.then = *then;
                self.faults.fail_at(*nth);
            }
            Trouble::RefuseAt { point, nth, then } => {
                self.then = *then;
                self.faults.fail_at_point(*point, *nth);
            }
            Trouble::Crash { snapshot } => self.crash(*snapshot),
            Trouble::CrashBehindCommit { performed } => self.crash_behind = Some(*performed),
            Trouble::Leave => self.leave(),
            Trouble::ClockBack { millis } => {
                self.counts.add("clock back");
                self.skew -= millis;
            }
            Trouble::Cancel { pick, offline, force } => {
                if let Some(stream) = self.picked(*pick) {
                    let input = Input::Cancel { by: "user:ana".into(), reason: None, force: *force };
                    self.person(*offline, stream, Ask::Cancel, input);
                }
            }
            Trouble::Pause { pick, offline, now } => {
                if let Some(stream) = self.picked(*pick) {
                    let input = Input::Pause { by: "user:ana".into(), now: *now };
                    self.person(*offline, stream, Ask::Pause, input);
                }
            }
            Trouble::Resume { pick, offline } => {
                if let Some(stream) = self.picked(*pick) {
                    let input = Input::Resume { by: "user:ana".into() };
                    self.person(*offline, stream, Ask::Resume, input);
                }
            }
            Trouble::Settle { pick, verdict, offline } => self.person_settles(*pick, *verdict, *offline),
            Trouble::Signal { pick, name, step, id, offline } => {
                if let Some(stream) = self.picked(*pick) {
                    self.counts.add("signal from outside");
                    let id = id.map(|id| format!("id {id}"));
                    self.signal(stream, &signal_name(*name), *step, id, *offline);
                }
            }
            Trouble::Retry { pick, how, changed, offline } => self.retry(*pick, *how, *changed, *offline),
            Trouble::StartAgain => {
                let inputs = self.inputs();
                let input = Input::Start {
                    inputs,
                    project: "p".into(),
                    folder: "/p".into(),
                    breaks: Breaks::default(),
                    by: "user:ana".into(),
                };
                if self.journal.streams.contains_key(&top()) {
                    self.ask(top(), Ask::Start, input);
                }
            }
            Trouble::Nudge { pick, time } => {
                if let Some(stream) = self.picked(*pick) {
                    self.push(&stream, if *time { Input::Time } else { Input::Continue });
                }
            }
            Trouble::Saved { pick } => {
                // Another process does it: what is planned for this one's commits does not meet it.
                if self.library.save_anew(*pick, &mut self.store.reopen().with_faults(Faults::new())) {
                    self.counts.add("saved anew");
                }
            }
            Trouble::TooLate { pick } => self.too_late(*pick),
            Trouble::Doubled => self.doubled = true,
            Trouble::Lost => self.lost = true,
            Trouble::Late => self.late = true,
        }
    }

    /// Nothing goes wrong any more.
    fn calm_down(&mut self) {
        self.faults.clear();
        (self.crash_behind, self.doubled, self.lost) = (None, false, false);
    }

    fn picked(&self, pick: u64) -> Option<StreamId> {
        let all: Vec<&StreamId> = self.journal.streams.keys().collect();
        let at = usize::try_from(pick % 1_000).unwrap();
        (!all.is_empty()).then(|| all[at % all.len()].clone())
    }

    fn person_settles(&mut self, pick: u64, verdict: u8, offline: bool) {
        let parked = self.parked();
        let at = usize::try_from(pick % 1_000).unwrap();
        let (stream, path) = match parked.len() {
            0 => match self.picked(pick) {
                // One that is not parked.
                Some(stream) => (stream, "a0".to_owned()),
                None => return,
            },
            n => parked[at % n].clone(),
        };
        let verdict = match verdict {
            0 => SettleInput::Again,
            1 => SettleInput::Done(serde_json::json!({ "v": 3 })),
            _ => SettleInput::Failed,
        };
        let input = Input::Settle { path: path.clone(), verdict, by: "user:ana".into() };
        self.person(offline, stream, Ask::Settle { path }, input);
    }

    /// Somebody wants something, perhaps where no engine runs.
    pub(super) fn person(&mut self, offline: bool, stream: StreamId, what: Ask, input: impl Into<Said>) {
        if offline {
            self.counts.add("asked where no engine runs");
            self.stop_driver();
            self.driver.perform_nothing();
            self.ask(stream, what, input);
            self.take_turns_only();
            self.start_driver();
        } else {
            self.ask(stream, what, input);
        }
    }

    /// Takes the turns of a process that performs nothing, as a command does it that found no engine.
    fn take_turns_only(&mut self) {
        while self.driver.is_busy() {
            match self.driver.step(self.now()) {
                Ok(mut stepped) => {
                    let effects = std::mem::take(&mut stepped.effects);
                    self.perform(stepped, 0);
                    for (effect, _) in effects {
                        let Effect::End { attempt, .. } = effect else {
                            panic!("P2: one who performs nothing is asked to perform")
                        };
                        let AttemptId { stream, path, number } = attempt;
                        let result = outside::ended();
                        self.push(&stream, Input::AttemptEnded { path, number, result });
                    }
                }
                // Such a command says so and leaves.
                Err(EngineError::Store(StoreError::Injected { .. })) => return,
                Err(error) => panic!("the driver fails: {error}"),
            }
        }
    }

    /// The engine leaves as it is asked to: what must not be cut off ends, and is booked.
    fn leave(&mut self) {
        self.counts.add("left");
        self.driver.perform_nothing();
        let once: Vec<AttemptId> = self
            .outside
            .under_way
            .iter()
            .filter(|(_, u)| u.job.once && !u.queued && !u.held)
            .map(|(id, _)| id.clone())
            .collect();
        for id in once {
            if let Some(under_way) = self.outside.under_way.remove(&id) {
                self.end(&id, under_way.result);
            }
        }
        self.take_turns_only();
        self.crash(None);
    }

    /// The engine is lost, and another comes.
    fn crash(&mut self, snapshot: Option<bool>) {
        self.counts.add("crash");
        if let Some(readable) = snapshot {
            self.put_snapshots(readable);
        }
        self.stop_driver();
        self.start_driver();
    }

    fn stop_driver(&mut self) {
        let late = std::mem::take(&mut self.late);
        self.outside.lose(self.passed, late);
        self.driver = open(&self.store, self.ready, self.folder);
        self.journal.look(&mut self.store);
    }

    fn start_driver(&mut self) {
        self.driver = open(&self.store, self.ready, self.folder);
        self.journal.look(&mut self.store);
        let known = self.journal.open_attempts();
        let lost: BTreeSet<AttemptId> = self.driver.open_attempts().unwrap().into_iter().collect();
        assert_eq!(lost, known, "attempts under way, as a new engine finds them");
        let recovered = self.driver.recover().unwrap();
        let forgotten: Vec<_> = lost.iter().filter(|attempt| !recovered.contains(&attempt.stream)).collect();
        assert!(forgotten.is_empty(), "P2: {forgotten:?} were lost and nobody looks after them");
        self.ask_all_again();
    }

    /// Snapshots of all that is in memory; some that no reader of today understands.
    fn put_snapshots(&mut self, readable: bool) {
        for (id, mirror) in &self.journal.streams {
            let Some(state) = self.driver.state(id).filter(|state| state.seq == mirror.state.seq) else {
                continue;
            };
            if state.seq == 0 {
                continue;
            }
            let snapshot = stead_store::Snapshot {
                format: if readable { stead_core::run::SNAPSHOT_FORMAT } else { 0 },
                seq: state.seq,
                state: if readable { state.snapshot().unwrap() } else { b"of another time".to_vec() },
            };
            self.counts.add(if readable { "snapshot" } else { "strange snapshot" });
            self.store.put_snapshot(id, &snapshot).unwrap();
        }
        for (id, mirror) in &self.journal.tasks.all {
            let snapshot = stead_store::Snapshot {
                format: if readable { task::TASK_SNAPSHOT_FORMAT } else { 0 },
                seq: mirror.state.seq,
                state: if readable { mirror.state.snapshot().unwrap() } else { b"of another time".to_vec() },
            };
            self.counts.add(if readable { "snapshot of a task" } else { "strange snapshot of a task" });
            self.store.put_snapshot(id, &snapshot).unwrap();
        }
    }

    pub(super) fn files(&self) -> FileStore {
        FileStore::attach(self.folder)
    }

    /// What is open, and what each waits for.
    pub(super) fn stuck(&self) -> String {
        let open = self.journal.streams.iter().filter(|(_, mirror)| !mirror.state.status.is_end());
        let one = |(id, mirror): (&StreamId, &Mirror)| {
            let waits: Vec<String> =
                mirror.state.waits_for().iter().map(|w| format!("{} {}", w.kind, w.path)).collect();
            let attempts: Vec<String> =
                mirror.state.open_attempts().iter().map(ToString::to_string).collect();
            format!("{id} waits for {waits:?}, under way: {attempts:?}")
        };
        open.map(one).collect::<Vec<_>>().join("; ")
    }
}

fn flatten(steps: &[StepNow], into: &mut Vec<String>) {
    for step in steps {
        into.push(step.path.clone());
        flatten(&step.inside, into);
    }
}

fn open(store: &MemoryStore, ready: &Ready, folder: &Path) -> Driver<MemoryStore> {
    let mut driver = Driver::new(store.reopen(), FileStore::attach(folder)).unwrap();
    for plan in ready.plans.values() {
        // Made again by the driver itself it costs most of a simulation; other tests do that.
        driver.plans().put(plan.clone());
    }
    driver
}

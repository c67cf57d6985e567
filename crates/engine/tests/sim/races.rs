//! Two who want something of one task at once, in every order, through the driver and whatever goes wrong: one of them
//! settles it, and the other is told which.

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::people::Actor;
use stead_core::run::Input as RunInput;
use stead_core::run::event::Breaks;
use stead_core::status::RunStatus;
use stead_core::task::{Act, Ended, Input, TaskStatus};
use stead_engine::EngineError;
use stead_engine::driver::{Addressed, Driver, Refusal};
use stead_lang::Bundle;
use stead_lang::plan::Plan;
use stead_store::Store as _;
use stead_store::fault::Faults;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;

use crate::journal::Journal;
use crate::people::actors;
use crate::rng::Rng;
use crate::scenario::POINTS;
use crate::world::{Said, top};

/// Seeds of each race.
const SEEDS: u64 = 1_000;
const HOUR: Time = 3_600_000;

/// One that is told what becomes of what it wants.
struct Wish {
    to: StreamId,
    input: Said,
    /// Who does what, of a task.
    deed: Option<(String, Act)>,
    answer: Option<Result<(), String>>,
}

struct Race {
    rng: Rng,
    plan: std::sync::Arc<Plan>,
    store: MemoryStore,
    faults: Faults,
    folder: tempfile::TempDir,
    driver: Driver<MemoryStore>,
    journal: Journal,
    now: Time,
    crashes: bool,
    wishes: Vec<Wish>,
}

impl Race {
    /// A run that asks at a gate with these keys.
    fn of(seed: u64, keys: &Value) -> Self {
        Self::of_time(seed, "1h", keys)
    }

    /// The same with so much time.
    fn of_time(seed: u64, time: &str, keys: &Value) -> Self {
        let mut gate = json!({ "title": "Ship it?" });
        gate.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let ship = json!({ "id": "ship", "timeout": time, "approve": gate });
        let document =
            json!({ "stead": 1, "name": "race", "steps": [ship, { "id": "after", "set": { "v": 1 } }] });
        let bundle = Bundle::single("race.yml", document.to_string());
        let plan = stead_lang::check(&bundle).plan.unwrap();
        let faults = Faults::new();
        let mut store = MemoryStore::new().with_faults(faults.clone());
        store.put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let driver = open(&store, &plan, folder.path());
        let rng = Rng::of(seed, "race");
        let (journal, wishes) = (Journal::default(), Vec::new());
        let mut race =
            Self { rng, plan, store, faults, folder, driver, journal, now: 1_000, crashes: false, wishes };
        let start = RunInput::Start {
            inputs: Vec::new(),
            project: "p".into(),
            folder: "/p".into(),
            breaks: Breaks::default(),
            by: "user:ana".into(),
        };
        race.wants(top(), start.into(), None);
        race.go();
        race
    }

    fn task(&self) -> StreamId {
        StreamId::task(&top(), "ship", 1)
    }

    fn wants(&mut self, to: StreamId, input: Said, deed: Option<(String, Act)>) {
        self.wishes.push(Wish { to, input, deed, answer: None });
        self.push(self.wishes.len());
    }

    fn push(&mut self, token: usize) {
        let wish = &self.wishes[token - 1];
        let revision = (token == 1).then(|| self.plan.revision.clone());
        let (stream, input) = (wish.to.clone(), wish.input.clone().into());
        self.driver.push(Addressed { stream, input, revision, token: token as u64 });
    }

    fn acts(&mut self, name: &str, act: Act) {
        let actor: Actor = actors().into_iter().find(|actor| actor.user == name).unwrap();
        let deed = Some((name.to_owned(), act.clone()));
        let input = Input::Act { actor, act };
        self.wants(self.task(), input.into(), deed);
    }

    /// Both want something: in this order or the other one, in one commit or two, with or without something that
    /// goes wrong.
    fn both(&mut self, mut wishes: [&dyn Fn(&mut Self); 2]) {
        if self.rng.hits(1, 2) {
            wishes.swap(0, 1);
        }
        if self.rng.hits(2, 3) {
            self.crashes = self.rng.hits(1, 2);
            self.faults.fail_at_point(*self.rng.pick(&POINTS), self.rng.between(1, 3));
        }
        wishes[0](self);
        if self.rng.hits(1, 2) {
            self.go();
        }
        wishes[1](self);
        self.go();
        self.faults.clear();
    }

    /// Until nothing is left to be done at once.
    fn go(&mut self) {
        while self.driver.is_busy() || self.driver.due().is_some_and(|due| due <= self.now) {
            match self.driver.step(self.now) {
                Ok(stepped) => {
                    assert!(stepped.troubles.is_empty(), "{:?}", stepped.troubles);
                    self.journal.look(&mut self.store);
                    for (token, answer) in stepped.answers {
                        self.answered(token, answer);
                    }
                }
                Err(EngineError::Store(_)) => {
                    if self.crashes {
                        self.driver = open(&self.store, &self.plan, self.folder.path());
                        self.driver.recover().unwrap();
                    }
                    self.journal.look(&mut self.store);
                    // Whoever was not answered asks again.
                    let open = |wish: &(usize, &Wish)| wish.1.answer.is_none();
                    let open: Vec<usize> =
                        self.wishes.iter().enumerate().filter(open).map(|(at, _)| at + 1).collect();
                    open.into_iter().for_each(|token| self.push(token));
                }
                Err(error) => panic!("the driver fails: {error}"),
            }
        }
    }

    fn answered(&mut self, token: u64, answer: Result<(), Refusal>) {
        let answer = answer.map_err(|refusal| match refusal {
            Refusal::Refused(why) => why,
            other => panic!("{other:?}"),
        });
        let task = self.task();
        let wish = &mut self.wishes[usize::try_from(token).unwrap() - 1];
        if let Some((actor, act)) = &wish.deed {
            self.journal.tasks.told(&task, actor, act, answer.clone());
        }
        wish.answer.get_or_insert(answer);
    }

    /// How the task ended, and how the run did; each wish was answered.
    fn end(&mut self) -> (Ended, RunStatus) {
        self.now += 9 * HOUR;
        self.go();
        let mirror = &self.journal.tasks.all[&self.task()];
        let run = &self.journal.streams[&top()];
        assert!(run.state.status.is_end(), "{}", run.state.status);
        assert!(self.wishes.iter().all(|wish| wish.answer.is_some()), "somebody is not answered");
        (mirror.state.ended.unwrap().1, run.state.status)
    }

    /// What whoever acted on the task was told: of one who asked twice, since nobody answered, either will do.
    fn answer_to(&self, name: &str) -> &Result<(), String> {
        let mine = |wish: &&Wish| wish.deed.as_ref().is_some_and(|(who, _)| who == name);
        self.wishes.iter().rfind(mine).unwrap().answer.as_ref().unwrap()
    }

    fn decided(&self, name: &str) -> bool {
        self.journal.tasks.all[&self.task()].state.submission_of(name).is_some()
    }

    /// Either it counts, and is told so or by one's own name; or it does not, and who was first is told.
    fn one_of(&self, name: &str, counts: bool, else_told: &str) {
        assert_eq!(self.decided(name), counts, "{name}");
        match self.answer_to(name) {
            Ok(()) => assert!(counts, "{name} is told that it counts"),
            Err(why) if counts => assert!(why.contains(name), "{why}"),
            Err(why) => assert!(why.contains(else_told), "{why}"),
        }
    }
}

fn open(store: &MemoryStore, plan: &std::sync::Arc<Plan>, folder: &std::path::Path) -> Driver<MemoryStore> {
    let mut driver = Driver::new(store.reopen(), FileStore::attach(folder)).unwrap();
    driver.plans().put(plan.clone());
    driver
}

fn decide(accept: bool) -> Act {
    let comment = if accept { String::new() } else { "no".to_owned() };
    Act::Decide { accept, comment, form: None, version: None }
}

#[test]
fn p4_a_decision_and_the_time_out() {
    let mut met = [0; 4];
    for seed in 0..SEEDS {
        let (word, by_time, told) = *Rng::of(seed, "on_timeout").pick(&[
            ("fail", Ended::TimedOut, "has timed out at"),
            ("accept", Ended::Accepted, "by the engine, as it has timed out"),
            ("reject", Ended::Rejected, "by the engine, as it has timed out"),
        ]);
        let accept = seed.is_multiple_of(2);
        let mut race = Race::of(seed, &json!({ "on_timeout": word }));
        let early = Time::try_from(race.rng.below(3)).unwrap() - 1;
        race.now = 1_000 + HOUR - early;
        let task = race.task();
        race.both([&|race: &mut Race| race.acts("user:bo", decide(accept)), &|race: &mut Race| {
            race.driver.push(Addressed::to(task.clone(), Input::Time));
        }]);
        let (ended, _) = race.end();
        let in_time = early > 0;
        assert_eq!(
            ended,
            match (in_time, accept) {
                (true, true) => Ended::Accepted,
                (true, false) => Ended::Rejected,
                _ => by_time,
            }
        );
        race.one_of("user:bo", in_time, told);
        met[usize::from(in_time) + 2 * usize::from(accept)] += 1;
    }
    assert!(met.iter().all(|n| *n > 100), "{met:?}");
}

#[test]
fn p4_a_decision_and_a_cancel() {
    let mut met = [0; 2];
    for seed in 0..SEEDS {
        let mut race = Race::of(seed, &json!({}));
        let accept = seed.is_multiple_of(2);
        race.both([&|race: &mut Race| race.acts("user:bo", decide(accept)), &|race: &mut Race| {
            let cancel = RunInput::Cancel { by: "user:ana".into(), reason: None, force: false };
            race.wants(top(), cancel.into(), None);
        }]);
        let (ended, status) = race.end();
        let counts = ended != Ended::Withdrawn;
        race.one_of("user:bo", counts, "was withdrawn at");
        match counts {
            true => assert_eq!(ended == Ended::Accepted, accept),
            // The one that was first is not taken back by the other.
            false => assert_eq!(status, RunStatus::Cancelled),
        }
        met[usize::from(counts)] += 1;
    }
    assert!(met.iter().all(|n| *n > 100), "{met:?}");
}

#[test]
fn p4_two_last_votes() {
    let mut met = [0; 2];
    for seed in 0..SEEDS {
        let mut race = Race::of(seed, &json!({ "quorum": 2 }));
        race.acts("user:ana", decide(true));
        race.go();
        race.both([&|race: &mut Race| race.acts("user:bo", decide(true)), &|race: &mut Race| {
            race.acts("user:cy", decide(false));
        }]);
        let (ended, status) = race.end();
        let accepted = ended == Ended::Accepted;
        assert_eq!(status == RunStatus::Completed, accepted);
        race.one_of("user:bo", accepted, "rejected at 1970-01-01T00:00:01Z by user:cy");
        race.one_of("user:cy", !accepted, "accepted at 1970-01-01T00:00:01Z by user:ana, user:bo");
        met[usize::from(accepted)] += 1;
    }
    assert!(met.iter().all(|n| *n > 100), "{met:?}");
}

#[test]
fn p4_a_claim_and_the_end_of_another() {
    let mut met = [0; 2];
    for seed in 0..SEEDS {
        let mut race = Race::of_time(seed, "3h", &json!({}));
        race.acts("user:ana", Act::Claim);
        race.go();
        let claim = race.journal.tasks.all[&race.task()].state.claim.clone().unwrap();
        let before = Time::try_from(race.rng.below(3)).unwrap() - 1;
        race.now = claim.until - before;
        race.both([&|race: &mut Race| race.acts("user:bo", Act::Claim), &|race: &mut Race| {
            race.acts("user:ana", Act::Claim);
        }]);
        let mirror = &race.journal.tasks.all[&race.task()];
        let has = mirror.state.claim.as_ref().unwrap().by.clone();
        assert_eq!(mirror.state.status, TaskStatus::Claimed);
        let (winner, loser) =
            if has == "user:bo" { ("user:bo", "user:ana") } else { ("user:ana", "user:bo") };
        assert!(before <= 0 || winner == "user:ana", "taken before the lease was over");
        assert_eq!(*race.answer_to(winner), Ok(()));
        let why = race.answer_to(loser).as_ref().unwrap_err();
        assert!(why.starts_with(&format!("{winner} works on it, until")), "{why}");
        met[usize::from(winner == "user:bo")] += 1;
        race.end();
    }
    assert!(met.iter().all(|n| *n > 100), "{met:?}");
}

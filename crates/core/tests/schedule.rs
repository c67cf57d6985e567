//! Schedules: the real turn with a clock that is set by hand, each journal read back and held against the state.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::limits;
use stead_core::message::Message;
use stead_core::run::MessageBody;
use stead_core::schedule::{
    Cause, Event, Given, HOOK_FULL, Input, NOT_ON, ScheduleState, SkipWhy, Spec, Status, What, turn,
};
use stead_core::status::{Outcome, RunStatus};
use stead_core::value::{Payload, Values};
use stead_lang::cron::{Cron, Zone};
use stead_lang::plan::{HookFormat, Missed, Overlap, Plan, TriggerOn};
use stead_lang::{Bundle, check};

fn time(text: &str) -> Time {
    Zone::named("UTC").unwrap().instant(text).unwrap()
}

fn times(cron: &str, zone: &str) -> TriggerOn {
    let (overlap, missed) = (Overlap::default(), Missed::default());
    TriggerOn::Time { cron: cron.into(), zone: zone.into(), overlap, missed, jitter: 0 }
}

fn with(cron: &str, overlap: Overlap, missed: Missed) -> TriggerOn {
    TriggerOn::Time { cron: cron.into(), zone: "UTC".into(), overlap, missed, jitter: 0 }
}

fn spec(on: TriggerOn) -> Spec {
    Spec {
        name: "nightly".into(),
        workflow: "w".into(),
        revision: "a".repeat(64),
        number: Some(1),
        on,
        given: Given::Values(Map::new()),
        project: "docs".into(),
        folder: "/f".into(),
        owner: "user:ana".into(),
    }
}

/// A schedule and those it speaks to.
struct World {
    state: ScheduleState,
    /// What its journal gives.
    replayed: ScheduleState,
    at: Time,
    turns: u32,
    plan: Option<Plan>,
    events: Vec<Event>,
    /// What runs were told to start, how often, and with what.
    starts: BTreeMap<StreamId, (u32, Value)>,
    order: Vec<StreamId>,
    cancelled: Vec<StreamId>,
}

impl World {
    fn on(on: TriggerOn, at: &str) -> World {
        let id = StreamId::schedule("nightly");
        let (state, replayed) = (ScheduleState::new(id.clone()), ScheduleState::new(id));
        let (starts, order, cancelled) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut world = World {
            state,
            replayed,
            at: time(at),
            turns: 0,
            plan: None,
            events: Vec::new(),
            starts,
            order,
            cancelled,
        };
        world.take(Input::TurnOn(Box::new(spec(on)))).unwrap();
        world
    }

    #[expect(clippy::needless_pass_by_value, reason = "inputs are made where they are given")]
    fn take(&mut self, input: Input) -> Result<usize, String> {
        let turn = turn(&mut self.state, &input, self.at, self.plan.as_ref(), &mut Values::default());
        let bytes = serde_json::to_vec(&turn.events).unwrap();
        let events: Vec<Event> = serde_json::from_slice(&bytes).unwrap();
        events.iter().for_each(|event| self.replayed.apply(event, self.state.at));
        self.turns += 1;
        // All of it is looked at each time at first, and then now and then.
        if self.turns < 50 || self.turns.is_multiple_of(499) {
            assert_eq!(self.replayed, self.state, "its journal says the same");
            let snapshot = ScheduleState::from_snapshot(&self.state.snapshot().unwrap()).unwrap();
            assert_eq!(snapshot, self.state);
        }
        self.events.extend(events);
        for message in turn.messages {
            match MessageBody::of(&message).unwrap() {
                MessageBody::StartRun { inputs: Payload::Value(inputs), by, project, parent, .. } => {
                    assert_eq!((by.as_str(), project.as_str()), ("user:ana", "docs"));
                    assert_eq!((parent.run, parent.path.as_str()), (self.state.id.clone(), "nightly"));
                    self.starts.entry(message.to.clone()).or_insert((0, inputs)).0 += 1;
                    self.order.push(message.to);
                }
                MessageBody::CancelRun { .. } => self.cancelled.push(message.to),
                other => panic!("{other:?}"),
            }
        }
        match turn.refused {
            Some(why) => Err(why),
            None => Ok(turn.events.len()),
        }
    }

    fn go(&mut self, at: Time) {
        self.at = at;
        self.take(Input::Time).unwrap();
    }

    fn go_to(&mut self, at: &str) {
        self.go(time(at));
    }

    /// The run that started last has ended.
    fn end(&mut self, run: &StreamId) {
        let body = MessageBody::RunEnded {
            run: run.clone(),
            path: "nightly".into(),
            number: 1,
            status: RunStatus::Completed,
            outcome: Outcome::Ok,
            outputs: None,
            error: None,
            spent: 0,
            short: false,
        };
        let body = serde_json::to_value(body).unwrap();
        let to = self.state.id.clone();
        self.take(Input::Message(Message { id: "m".into(), from: run.clone(), to, body })).unwrap();
    }

    fn end_all(&mut self) {
        for run in self.state.open.keys().cloned().collect::<Vec<_>>() {
            self.end(&run);
        }
    }

    fn causes(&self) -> Vec<Cause> {
        let started = |event: &Event| match event {
            Event::RunStarted { cause, .. } => Some(cause.clone()),
            _ => None,
        };
        self.events.iter().filter_map(started).collect()
    }

    fn skipped(&self) -> Vec<&SkipWhy> {
        let mut skipped = Vec::new();
        for event in &self.events {
            if let Event::Skipped { why, .. } = event {
                skipped.push(why);
            }
        }
        skipped
    }
}

fn by() -> String {
    "user:ana".into()
}

#[test]
fn a_year_in_six_zones_fires_each_time_of_the_rule_once() {
    let (begin, end) = (time("2026-11-01T00:00:00Z"), time("2027-11-01T00:00:00Z"));
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "America/Santiago",
        "UTC",
    ];
    for name in zones {
        for rule in ["30 2 * * *", "15 * * * *", "0 0 * * *"] {
            let mut world = World::on(times(rule, name), "2026-11-01T00:00:00Z");
            // An engine looks when it is due, and sometimes in between.
            let mut looked = 0_i64;
            while let Some(due) = world.state.due().filter(|due| *due < end) {
                looked += 1;
                if looked % 7 == 0 {
                    let between = world.at + (due - world.at) / 2;
                    world.go(between);
                }
                world.go(due + looked % 5 * 1_000);
                world.end_all();
            }
            // What is a time of the rule by the clocks of the place was looked at apart: crates/lang.
            let (cron, zone) = (Cron::parse(rule).unwrap(), Zone::named(name).unwrap());
            let all = cron.following(&zone, begin, 9_000);
            let wanted: Vec<Time> = all.iter().map(|one| one.at).filter(|at| *at < end).collect();
            let fired: Vec<Time> = world.causes().iter().map(Cause::instant).collect();
            assert_eq!(fired, wanted, "{rule} in {name}");
            assert!(world.causes().iter().all(|cause| matches!(cause, Cause::Due { .. })));
            assert!(world.starts.values().all(|(count, _)| *count == 1));
            assert_eq!(world.starts.len(), wanted.len(), "an id for each");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_or_forward_fires_nothing_twice() {
    let mut world = World::on(times("0 * * * *", "UTC"), "2027-01-01T00:30:00Z");
    world.go_to("2027-01-01T01:00:00Z");
    world.end_all();
    // Back by an hour and a half: the time of the stream stays.
    world.go_to("2026-12-31T23:30:00Z");
    world.go_to("2027-01-01T01:00:00Z");
    world.go_to("2027-01-01T01:59:59Z");
    assert_eq!(world.starts.len(), 1);
    world.go_to("2027-01-01T02:00:00Z");
    world.end_all();
    assert_eq!(world.starts.len(), 2);
    // Forward by ten hours: the newest of what it jumped over, once.
    world.go_to("2027-01-01T12:30:00Z");
    world.end_all();
    let last = world.causes().pop().unwrap();
    assert_eq!(last, Cause::Missed { instant: time("2027-01-01T12:00:00Z") });
    assert_eq!((world.starts.len(), world.state.missed), (3, 9));
}

#[test]
fn what_was_missed_counts_as_the_rule_says() {
    for (missed, started, lost) in [(Missed::None, 0, 5), (Missed::Latest, 1, 4), (Missed::All, 5, 0)] {
        let mut world = World::on(with("0 * * * *", Overlap::Skip, missed), "2027-01-01T00:30:00Z");
        world.go_to("2027-01-01T05:30:00Z");
        // All that counts goes one after the other, whatever the rule for overlap says.
        for _ in 0..10 {
            assert!(world.state.open.len() <= 1);
            world.end_all();
        }
        assert_eq!((world.starts.len(), world.state.missed), (started, lost), "{missed:?}");
        // A look that comes a little late has missed nothing.
        world.go_to("2027-01-01T06:00:40Z");
        let last = world.causes().pop().unwrap();
        assert_eq!(last, Cause::Due { instant: time("2027-01-01T06:00:00Z") }, "{missed:?}");
        // What is late gives way to what is in time.
        world.end_all();
        world.go_to("2027-01-01T09:00:00Z");
        let late = world.causes().split_off(started);
        let late = late.iter().filter(|cause| matches!(cause, Cause::Missed { .. })).count();
        assert_eq!(late, usize::from(missed == Missed::All), "{missed:?}");
    }
}

#[test]
fn p11_what_was_missed_and_is_started_is_bounded() {
    for (rule, down) in [("* * * * *", "2037-01-01T00:00:30Z"), ("0 0 * * *", "2036-01-01T06:00:00Z")] {
        let mut world = World::on(with(rule, Overlap::Queue, Missed::All), "2027-01-01T00:00:30Z");
        world.go_to(down);
        while !world.state.open.is_empty() {
            world.end_all();
        }
        // One may be in time.
        let late = world.causes().iter().filter(|cause| matches!(cause, Cause::Missed { .. })).count();
        assert_eq!(late, limits::MISSED_STARTED, "{rule}");
        let said = |past: &&stead_core::schedule::Past| matches!(past.what, What::Missed { more: true, .. });
        let told = world.events.iter().any(|event| matches!(event, Event::TimesMissed { more: true, .. }));
        assert!(told || world.state.history.iter().any(|past| said(&past)), "{rule}");
        // It goes on from there.
        assert!(world.state.next.unwrap().instant > world.at);
    }
}

#[test]
fn a_time_at_which_a_run_is_under_way_is_left_out() {
    let mut world = World::on(with("0 * * * *", Overlap::Skip, Missed::Latest), "2027-01-01T00:30:00Z");
    world.go_to("2027-01-01T01:00:00Z");
    world.go_to("2027-01-01T02:00:00Z");
    let run = world.order[0].clone();
    assert_eq!(world.skipped(), [&SkipWhy::StillRunning { run: run.clone() }]);
    world.end(&run);
    // A second end of it is nothing new.
    let before = world.state.seq;
    world.end(&run);
    assert_eq!(world.state.seq, before);
    world.go_to("2027-01-01T03:00:00Z");
    assert_eq!((world.starts.len(), world.state.skipped), (2, 1));
}

#[test]
fn p11_times_that_wait_are_bounded() {
    let mut world = World::on(with("0 * * * *", Overlap::Queue, Missed::Latest), "2027-01-01T00:30:00Z");
    for _ in 0..limits::SCHEDULE_QUEUE + 3 {
        let due = world.state.due().unwrap();
        world.go(due);
    }
    assert_eq!((world.state.queue.len(), world.starts.len()), (limits::SCHEDULE_QUEUE, 1));
    assert_eq!(world.skipped(), [&SkipWhy::QueueFull, &SkipWhy::QueueFull]);
    // One after the other, in their order.
    while !world.state.open.is_empty() {
        assert_eq!(world.state.open.len(), 1);
        world.end_all();
    }
    let instants: Vec<Time> = world.causes().iter().map(Cause::instant).collect();
    assert_eq!(instants.len(), limits::SCHEDULE_QUEUE + 1);
    assert!(instants.is_sorted());
}

#[test]
fn a_run_that_is_under_way_is_cancelled_and_its_end_awaited() {
    let mut world = World::on(with("0 * * * *", Overlap::Cancel, Missed::Latest), "2027-01-01T00:30:00Z");
    for hour in 1..=3 {
        world.go_to(&format!("2027-01-01T0{hour}:00:00Z"));
    }
    let first = world.order[0].clone();
    // It was told once, and nothing begins before it has ended; of those that wait the newest counts.
    assert_eq!((world.cancelled.clone(), world.starts.len()), (vec![first.clone()], 1));
    world.end(&first);
    assert_eq!(world.causes().pop(), Some(Cause::Due { instant: time("2027-01-01T03:00:00Z") }));
    assert_eq!((world.skipped(), world.state.queue.len()), (vec![&SkipWhy::Replaced], 0));
}

#[test]
fn a_pause_lets_nothing_start_and_what_came_in_it_does_not_count() {
    let mut world = World::on(with("0 * * * *", Overlap::Queue, Missed::All), "2027-01-01T00:30:00Z");
    world.take(Input::Pause { by: by(), until: None }).unwrap();
    world.go_to("2027-01-01T05:30:00Z");
    assert_eq!((world.starts.len(), world.state.due()), (0, None));
    world.take(Input::Resume { by: by() }).unwrap();
    assert_eq!(world.take(Input::Resume { by: by() }).unwrap_err(), "the schedule is not paused");
    world.go_to("2027-01-01T06:00:00Z");
    world.end_all();
    assert_eq!((world.starts.len(), world.state.missed), (1, 0));
    // Until a time: it goes on by itself.
    let until = Some(time("2027-01-01T08:15:00Z"));
    assert!(world.take(Input::Pause { by: by(), until: Some(world.at) }).is_err());
    world.take(Input::Pause { by: by(), until }).unwrap();
    assert_eq!(world.state.due(), until);
    world.go_to("2027-01-01T09:00:00Z");
    assert_eq!((world.state.status, world.starts.len()), (Status::On, 2));
    // What waits when it is paused goes on waiting.
    world.go_to("2027-01-01T10:00:00Z");
    world.take(Input::Pause { by: by(), until: None }).unwrap();
    world.end_all();
    assert_eq!((world.starts.len(), world.state.queue.len()), (2, 1));
    world.take(Input::Resume { by: by() }).unwrap();
    assert_eq!((world.starts.len(), world.state.queue.len()), (3, 0));
}

#[test]
fn skip_now_and_off() {
    let mut world = World::on(times("0 * * * *", "UTC"), "2027-01-01T00:30:00Z");
    world.take(Input::Skip { by: by() }).unwrap();
    world.go_to("2027-01-01T01:00:00Z");
    assert_eq!(world.starts.len(), 0);
    for _ in 0..2 {
        world.take(Input::Now { by: by() }).unwrap();
    }
    assert_eq!((world.starts.len(), world.state.open.len()), (2, 2), "each wish is a run of its own");
    world.take(Input::TurnOff { by: by() }).unwrap();
    assert_eq!((world.state.due(), world.state.in_use()), (None, true), "runs under way are waited for");
    world.end_all();
    assert!(!world.state.in_use());
    world.go_to("2027-01-01T05:00:00Z");
    for input in [Input::Skip { by: by() }, Input::Now { by: by() }, Input::TurnOff { by: by() }] {
        assert_eq!(world.take(input).unwrap_err(), NOT_ON);
    }
    // On again it begins there; another workflow may take the name now.
    let other = Spec { workflow: "other".into(), ..spec(times("0 * * * *", "UTC")) };
    world.take(Input::TurnOn(Box::new(other))).unwrap();
    assert_eq!(world.state.next.unwrap().instant, time("2027-01-01T06:00:00Z"));
    let error = world.take(Input::TurnOn(Box::new(spec(times("0 * * * *", "UTC"))))).unwrap_err();
    assert!(error.contains("of the workflow `other`"), "{error}");
}

#[test]
fn p11_a_backfill_is_bounded_and_starts_each_time_once() {
    let mut world = World::on(times("0 * * * *", "UTC"), "2027-01-01T00:30:00Z");
    world.go_to("2027-01-01T01:00:00Z");
    world.end_all();
    let back = |from: &str, to: &str| Input::Backfill { by: by(), from: time(from), to: time(to) };
    world.take(back("2026-12-31T22:00:00Z", "2027-01-01T02:00:00Z")).unwrap();
    while !world.state.open.is_empty() {
        assert_eq!(world.state.open.len(), 1, "one after the other");
        world.end_all();
    }
    // 22, 23, 0 and 1 o'clock: the last had its run, and is asked for under the same id.
    assert_eq!((world.order.len(), world.starts.len()), (5, 4));
    assert!(world.take(back("2027-01-01T01:30:00Z", "2027-01-01T02:00:00Z")).is_err(), "nothing in it");
    let hours = |n: usize| world.at - i64::try_from(n).unwrap() * 3_600_000 + 1;
    let (fits, long) = (hours(limits::BACKFILL), hours(limits::BACKFILL + 1));
    let (by, to) = (by(), world.at + 1);
    let error = world.take(Input::Backfill { by: by.clone(), from: long, to }).unwrap_err();
    assert!(error.contains("more than 1000 times"), "{error}");
    world.take(Input::Backfill { by: by.clone(), from: fits, to }).unwrap();
    let error = world.take(Input::Backfill { by, from: world.at - 7_200_000, to }).unwrap_err();
    assert!(error.contains("wait already"), "{error}");
}

#[test]
fn jitter_is_the_same_whoever_reckons() {
    let spread = TriggerOn::Time {
        cron: "0 * * * *".into(),
        zone: "UTC".into(),
        overlap: Overlap::Skip,
        missed: Missed::Latest,
        jitter: 600_000,
    };
    let mut dues = Vec::new();
    for _ in 0..2 {
        let mut world = World::on(spread.clone(), "2027-01-01T00:30:00Z");
        let mut own = Vec::new();
        for _ in 0..24 {
            let next = world.state.next.unwrap();
            assert!((0..=600_000).contains(&(next.due - next.instant)));
            own.push(next.due - next.instant);
            world.go(next.due - 1);
            world.go(next.due);
            assert_eq!(world.causes().pop().unwrap(), Cause::Due { instant: next.instant });
            world.end_all();
        }
        assert!(own.iter().collect::<std::collections::BTreeSet<_>>().len() > 20, "{own:?}");
        dues.push(own);
    }
    assert_eq!(dues[0], dues[1]);
}

#[test]
fn p11_what_is_over_is_remembered_so_far() {
    let mut world = World::on(times("* * * * *", "UTC"), "2027-01-01T00:00:30Z");
    for _ in 0..limits::SCHEDULE_HISTORY + 5 {
        let due = world.state.due().unwrap();
        world.go(due);
        world.end_all();
    }
    assert_eq!(world.state.history.len(), limits::SCHEDULE_HISTORY);
    assert_eq!(world.state.started, limits::SCHEDULE_HISTORY as u64 + 5);
}

fn planned(triggers: &str) -> Plan {
    let text = format!(
        "stead: 1\nname: w\ninputs: {{ a: {{ type: string }} }}\ntriggers:\n{triggers}steps:\n  - {{ id: s, noop: {{}} }}\n"
    );
    let checked = check(&Bundle::single("w.yml", text));
    let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    Plan::clone(&plan)
}

#[test]
fn runs_are_given_what_the_trigger_says_of_the_event() {
    let mut world = World::on(times("30 2 * * *", "Europe/Berlin"), "2027-03-27T12:00:00Z");
    world.plan = Some(planned(
        "  - { cron: \"30 2 * * *\", tz: Europe/Berlin, inputs: { a: \"${{ event.schedule }} ${{ event.time }} ${{ event.local }}\" } }\n",
    ));
    let given = Spec { given: Given::Trigger(0), ..spec(times("30 2 * * *", "Europe/Berlin")) };
    world.take(Input::TurnOn(Box::new(given))).unwrap();
    world.go_to("2027-03-28T01:00:00Z");
    let run = world.order[0].clone();
    let wanted = json!({"a": "nightly 2027-03-28T01:00:00Z 2027-03-28T03:00:00+02:00"});
    assert_eq!(world.starts[&run].1, wanted);
}

fn hook() -> TriggerOn {
    TriggerOn::Hook { name: "nightly".into(), secret: "S".into(), format: HookFormat::Standard }
}

fn deliver(id: &str) -> Input {
    Input::Deliver { id: id.into(), kind: None, headers: Map::new(), body: json!({"n": id}) }
}

fn hooked() -> World {
    let mut world = World::on(hook(), "2027-01-01T00:00:00Z");
    world.plan = Some(planned(
        "  - { webhook: nightly, secret: S, inputs: { a: \"${{ event.id }} ${{ event.body.n }}\" } }\n",
    ));
    let given = Spec { given: Given::Trigger(0), ..spec(hook()) };
    world.take(Input::TurnOn(Box::new(given))).unwrap();
    world
}

#[test]
fn a_request_that_comes_again_counts_once() {
    let mut world = hooked();
    for id in ["a", "b", "a", "a"] {
        world.take(deliver(id)).unwrap();
    }
    assert_eq!((world.order.len(), world.state.open.len()), (2, 2), "they do not wait for each other");
    assert_eq!(world.starts[&world.order[0]].1, json!({"a": "a a"}));
    world.end_all();
    // Long after it is forgotten it would be the same run.
    world.go(world.at + limits::DELIVERY_MILLIS + 1);
    world.take(deliver("c")).unwrap();
    assert_eq!(world.state.seen.len(), 1);
    world.take(deliver("a")).unwrap();
    assert_eq!((world.order.len(), world.starts.len()), (4, 3));
    // A body that has not what the trigger wants is told, and starts nothing.
    let empty = Input::Deliver { id: "d".into(), kind: None, headers: Map::new(), body: json!({}) };
    assert!(world.take(empty).unwrap_err().contains("no value"));
    let last = &world.state.history.back().unwrap().what;
    assert!(matches!(last, What::NotStarted { why, .. } if why.contains('n')), "{last:?}");
    world.take(Input::Pause { by: by(), until: None }).unwrap();
    assert_eq!(world.take(deliver("e")).unwrap_err(), "the webhook is paused");
}

#[test]
fn p11_requests_that_are_under_way_and_remembered_are_bounded() {
    let mut world = hooked();
    for n in 0..limits::HOOK_OPEN {
        world.take(deliver(&format!("d{n}"))).unwrap();
    }
    assert_eq!(world.take(deliver("more")).unwrap_err(), HOOK_FULL);
    world.take(deliver("d1")).unwrap();
    let first = world.order[0].clone();
    world.end(&first);
    world.take(deliver("more")).unwrap();
    assert_eq!(world.starts.len(), limits::HOOK_OPEN + 1);
    // Those that are remembered, whatever became of them.
    world.end_all();
    let at = world.at;
    world.state.seen.extend((0..limits::HOOK_IDS).map(|n| (format!("x{n}"), at)));
    assert_eq!(world.state.open.len(), 0);
    let refused = turn(&mut world.state, &deliver("again"), at, None, &mut Values::default()).refused;
    assert_eq!(refused.as_deref(), Some(HOOK_FULL));
    let later = at + limits::DELIVERY_MILLIS + 1;
    let turn = turn(&mut world.state, &deliver("again"), later, world.plan.as_ref(), &mut Values::default());
    assert_eq!((turn.refused, world.state.seen.len()), (None, 1), "what is old makes room");
}

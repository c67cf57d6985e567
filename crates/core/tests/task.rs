//! What people are asked: every status with every input, races, quorums, who may.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::people::Actor;
use stead_core::task::{
    Act, Asked, Asks, Ended, Escalate, Event, Input, OnTimeout, Origin, Taken, TaskKind, TaskState,
    TaskStatus, ToRun, ToTask, Turn, turn,
};
use stead_core::value::{Payload, ValueRef, Values};
use stead_core::{Time, limits};

const HOUR: Time = 3_600_000;

fn asked(kind: TaskKind) -> Asked {
    let run = StreamId::new("r_top");
    Asked {
        kind,
        origin: Origin {
            run: run.clone(),
            top: run,
            path: "ship".into(),
            number: 1,
            workflow: "fix".into(),
            project: String::new(),
        },
        title: "Ship it?".into(),
        shown: Payload::Value(json!([["plan", { "text": "as it is" }]])),
        form: None,
        questions: None,
        version: "v1".into(),
        by: vec!["group:makers".into()],
        not: Vec::new(),
        quorum: 1,
        rejects: 1,
        remind: None,
        escalate: None,
        due_at: None,
        on_timeout: OnTimeout::Fail,
    }
}

fn person(name: &str) -> Actor {
    Actor { user: format!("user:{name}"), groups: vec!["makers".into()], ..Actor::default() }
}

/// A task with the journal of what happened to it.
struct Desk {
    state: TaskState,
    events: Vec<(Time, Event)>,
    messages: Vec<Message>,
    at: Time,
}

impl Desk {
    fn empty() -> Self {
        let state = TaskState::new(StreamId::new("t_x"));
        Desk { state, events: Vec::new(), messages: Vec::new(), at: 1_000 }
    }

    fn open(asked: Asked) -> Self {
        let mut desk = Desk::empty();
        desk.give(&message(&ToTask::OpenTask { asked: Box::new(asked) }));
        desk
    }

    /// Gives it an input, and holds the state against what its journal gives.
    fn give(&mut self, input: &Input) -> Turn {
        let mut values = Values::default();
        let out = loop {
            match turn(&mut self.state, input, self.at, &mut values) {
                Ok(out) => break out,
                Err(needs) => {
                    for need in needs {
                        let value = self.load(&need);
                        values.put(need, value);
                    }
                }
            }
        };
        let at = self.state.at;
        self.events.extend(out.events.iter().map(|event| (at, event.clone())));
        self.messages.extend(out.messages.clone());
        let mut replayed = TaskState::new(self.state.id.clone());
        for (at, event) in &self.events {
            let bytes = serde_json::to_vec(event).unwrap();
            replayed.apply(&serde_json::from_slice(&bytes).unwrap(), *at);
        }
        assert_eq!(replayed, self.state);
        assert_eq!(self.state.misfit(), None);
        let snapshot = TaskState::from_snapshot(&self.state.snapshot().unwrap()).unwrap();
        assert_eq!(snapshot, self.state);
        out
    }

    fn load(&self, reference: &ValueRef) -> Value {
        match reference {
            ValueRef::Inline(value) => value.clone(),
            ValueRef::Event { seq, at } => {
                let event = &self.events[usize::try_from(*seq).unwrap() - 1].1;
                serde_json::to_value(event).unwrap().pointer(at).unwrap().clone()
            }
            ValueRef::File { .. } | ValueRef::Line { .. } => json!("a file"),
        }
    }

    fn act(&mut self, who: &str, act: Act) -> Result<(), String> {
        let input = Input::Act { actor: person(who), act };
        self.give(&input).refused.map_or(Ok(()), Err)
    }

    fn accept(&mut self, who: &str) -> Result<(), String> {
        self.act(who, decide(true, ""))
    }

    fn reject(&mut self, who: &str, why: &str) -> Result<(), String> {
        self.act(who, decide(false, why))
    }

    fn at(&mut self, at: Time) -> &mut Self {
        self.at = at;
        self
    }

    /// The one end that the run was told.
    fn end(&self) -> (Ended, Value) {
        let [message] = &*self.messages else { panic!("{} ends were told", self.messages.len()) };
        let Some(ToRun::TaskEnded { ended, output, .. }) = ToRun::of(message) else { panic!("no end") };
        match output {
            Some(Payload::Value(value)) => (ended, value),
            _ => (ended, Value::Null),
        }
    }
}

fn decide(accept: bool, comment: &str) -> Act {
    Act::Decide { accept, comment: comment.into(), form: None, version: None }
}

fn message(said: &ToTask) -> Input {
    let (id, from, to) = ("m".to_owned(), StreamId::new("r_top"), StreamId::new("t_x"));
    Input::Message(Message { id, from, to, body: serde_json::to_value(said).unwrap() })
}

fn withdraw() -> Input {
    message(&ToTask::WithdrawTask { why: "cancelled".into() })
}

/// A task of each status.
fn of(status: TaskStatus) -> Desk {
    let timed = Asked { due_at: Some(10 * HOUR), ..asked(TaskKind::Gate) };
    let mut desk = if status == TaskStatus::Pending { Desk::empty() } else { Desk::open(timed) };
    match status {
        TaskStatus::Pending | TaskStatus::Open => {}
        TaskStatus::Claimed => desk.act("ana", Act::Claim).unwrap(),
        TaskStatus::Completed => desk.accept("bo").unwrap(),
        TaskStatus::TimedOut => _ = desk.at(10 * HOUR).give(&Input::Time),
        TaskStatus::Withdrawn => _ = desk.give(&withdraw()),
    }
    assert_eq!(desk.state.status, status);
    desk
}

#[test]
fn every_status_takes_every_input_as_the_table_says_or_refuses_it() {
    for status in TaskStatus::ALL {
        for asks in Asks::ALL {
            let mut desk = of(*status);
            let act = |act| Input::Act { actor: person("ana"), act };
            let input = match asks {
                Asks::Open => message(&ToTask::OpenTask { asked: Box::new(asked(TaskKind::Gate)) }),
                Asks::Withdraw => withdraw(),
                Asks::Claim => act(Act::Claim),
                Asks::Release => act(Act::Release),
                Asks::Submit => act(decide(true, "")),
                Asks::Skip => act(Act::Skip { reason: "away".into() }),
                Asks::Delegate => act(Act::Delegate { to: "user:bo".into() }),
                Asks::Gone => Input::Gone { who: "user:ana".into() },
                Asks::Time => {
                    desk.at(10 * HOUR);
                    Input::Time
                }
            };
            let (before, events) = (desk.state.status, desk.events.len());
            let out = desk.give(&input);
            let row = format!("{status} takes {asks:?}");
            match status.takes(*asks) {
                Taken::To(to) => {
                    assert_eq!(out.refused, None, "{row}");
                    assert!(to.contains(&desk.state.status), "{row}: it is {}", desk.state.status);
                    assert!(desk.events.len() > events, "{row}");
                }
                Taken::Nothing => {
                    assert_eq!((out.refused, desk.state.status), (None, before), "{row}");
                    assert_eq!(desk.events.len(), events, "{row}");
                }
                Taken::Refused => {
                    assert!(out.refused.is_some(), "{row}");
                    assert_eq!((desk.state.status, desk.events.len()), (before, events), "{row}");
                }
            }
        }
    }
}

#[test]
fn p4_a_decision_counts_once_and_says_who_when_what_and_why() {
    let mut desk = Desk::open(asked(TaskKind::Gate));
    desk.at(2_000).act("ana", decide(false, "the tests are red")).unwrap();
    let (ended, output) = desk.end();
    assert_eq!(ended, Ended::Rejected);
    assert_eq!(output["decision"], "reject");
    assert_eq!(output["by"], json!(["user:ana"]));
    assert_eq!(output["comment"], "the tests are red");
    assert_eq!(output["at"], "1970-01-01T00:00:02Z");
    // Whoever comes later is told who was there before.
    let late = desk.at(3_000).accept("bo").unwrap_err();
    assert!(late.contains("rejected at 1970-01-01T00:00:02Z by user:ana"), "{late}");
    assert_eq!(desk.accept("ana").unwrap_err(), late);
    assert_eq!(desk.messages.len(), 1);
}

#[test]
fn p4_a_decision_is_bound_to_what_was_shown() {
    let mut desk = Desk::open(asked(TaskKind::Gate));
    let on = |version: &str| Act::Decide {
        accept: true,
        comment: String::new(),
        form: None,
        version: Some(version.to_owned()),
    };
    let why = desk.act("ana", on("v0")).unwrap_err();
    assert!(why.contains("has changed since"), "{why}");
    desk.act("ana", on("v1")).unwrap();
    let Some((_, Event::TaskDecided { version, .. })) = desk.events.get(1) else { panic!("no decision") };
    assert_eq!(version, "v1");
}

#[test]
fn p4_a_quorum_is_of_people_and_the_first_bound_reached_settles_it() {
    let gate = Asked { quorum: 3, rejects: 2, ..asked(TaskKind::Gate) };
    let mut desk = Desk::open(gate.clone());
    desk.accept("ana").unwrap();
    let why = desk.accept("ana").unwrap_err();
    assert!(why.contains("user:ana has accepted it at"), "{why}");
    desk.accept("bo").unwrap();
    desk.reject("cy", "no").unwrap();
    assert_eq!((desk.state.status, desk.state.votes()), (TaskStatus::Open, (2, 1)));
    desk.accept("di").unwrap();
    let (ended, output) = desk.end();
    assert_eq!((ended, &output["by"]), (Ended::Accepted, &json!(["user:ana", "user:bo", "user:di"])));
    let decisions = output["decisions"].as_array().unwrap();
    assert_eq!(
        decisions.iter().map(|one| one["decision"].as_str().unwrap()).collect::<Vec<_>>(),
        ["accept", "accept", "reject", "accept"]
    );
    let mut desk = Desk::open(gate);
    desk.reject("ana", "too slow").unwrap();
    desk.reject("bo", "").unwrap();
    let Some(ToRun::TaskEnded { ended, comments, .. }) = ToRun::of(&desk.messages[0]) else { panic!() };
    assert_eq!((ended, comments.as_deref()), (Ended::Rejected, Some("user:ana: too slow")));
}

#[test]
fn who_may_act_and_who_may_not() {
    let gate = Asked { not: vec!["user:ana".into(), "agents".into()], ..asked(TaskKind::Gate) };
    let mut desk = Desk::open(gate);
    let why = desk.accept("ana").unwrap_err();
    assert!(why.contains("`not` names user:ana"), "{why}");
    let agent = Actor { agent: true, ..person("bot") };
    let why = desk.give(&Input::Act { actor: agent, act: decide(true, "") }).refused.unwrap();
    assert!(why.contains("`not` names agents"), "{why}");
    let stranger = Actor { groups: Vec::new(), ..person("eve") };
    let why = desk.give(&Input::Act { actor: stranger, act: decide(true, "") }).refused.unwrap();
    assert!(why.contains("these may: group:makers"), "{why}");
    desk.accept("bo").unwrap();
}

#[test]
fn p4_an_agent_does_not_decide_on_the_work_of_its_own_run() {
    let gate = Asked { by: vec!["agents".into(), "group:makers".into()], ..asked(TaskKind::Gate) };
    let mut desk = Desk::open(gate);
    let own = Actor { agent: true, run: Some(StreamId::new("r_top")), ..person("r_top/code") };
    for act in [decide(true, ""), Act::Claim, Act::Delegate { to: "user:bo".into() }] {
        let why = desk.give(&Input::Act { actor: own.clone(), act }).refused.unwrap();
        assert!(why.contains("does not decide on its own work"), "{why}");
    }
    let other = Actor { run: Some(StreamId::new("r_other")), ..own };
    assert_eq!(desk.give(&Input::Act { actor: other, act: decide(true, "") }).refused, None);
}

#[test]
fn p4_of_two_inputs_that_race_exactly_one_settles_it() {
    let gate = || Desk::open(Asked { due_at: Some(10 * HOUR), ..asked(TaskKind::Gate) });
    // A decision and the time-out, in both orders, also where the time is noticed by the decision first.
    let mut desk = gate();
    desk.at(10 * HOUR - 1).accept("ana").unwrap();
    desk.at(10 * HOUR).give(&Input::Time);
    assert_eq!(desk.end().0, Ended::Accepted);
    let mut desk = gate();
    let why = desk.at(10 * HOUR).accept("ana").unwrap_err();
    assert!(why.contains("the task has timed out at"), "{why}");
    assert_eq!(desk.end().0, Ended::TimedOut);
    // A decision and the withdrawal.
    let mut desk = gate();
    desk.accept("ana").unwrap();
    desk.give(&withdraw());
    assert_eq!(desk.end().0, Ended::Accepted);
    let mut desk = gate();
    desk.give(&withdraw());
    let why = desk.accept("ana").unwrap_err();
    assert!(why.contains("was withdrawn at"), "{why}");
    assert_eq!(desk.end().0, Ended::Withdrawn);
    // Two last votes.
    for (first, second) in [("ana", "bo"), ("bo", "ana")] {
        let mut desk = gate();
        desk.accept(first).unwrap();
        let why = desk.reject(second, "no").unwrap_err();
        assert!(why.contains(&format!("by user:{first}")), "{why}");
        assert_eq!(desk.end().0, Ended::Accepted);
    }
    // A claim and the end of the lease of another.
    let mut desk = gate();
    desk.act("ana", Act::Claim).unwrap();
    let until = desk.at + i64::try_from(limits::TASK_LEASE).unwrap();
    let why = desk.at(until - 1).act("bo", Act::Claim).unwrap_err();
    assert!(why.contains("user:ana works on it"), "{why}");
    desk.at(until).act("bo", Act::Claim).unwrap();
    assert_eq!(desk.state.claim.as_ref().unwrap().by, "user:bo");
}

#[test]
fn a_time_out_decides_only_what_was_declared_and_in_the_engines_name() {
    for (on_timeout, ended, decision) in [
        (OnTimeout::Fail, Ended::TimedOut, Value::Null),
        (OnTimeout::Accept, Ended::Accepted, json!("accept")),
        (OnTimeout::Reject, Ended::Rejected, json!("reject")),
    ] {
        let gate = Asked { due_at: Some(2 * HOUR), on_timeout, quorum: 2, ..asked(TaskKind::Gate) };
        let mut desk = Desk::open(gate);
        desk.accept("ana").unwrap();
        desk.at(2 * HOUR).give(&Input::Time);
        let (as_it_ended, output) = desk.end();
        assert_eq!((as_it_ended, &output["decision"]), (ended, &decision));
        if !decision.is_null() {
            assert_eq!((&output["by"], &output["comment"]), (&json!(["engine"]), &Value::Null));
            assert_eq!(output["decisions"][0]["by"], "user:ana");
        }
    }
}

#[test]
fn p4_whoever_is_late_is_told_who_settled_it_and_nobody_else() {
    let gate = || Asked { quorum: 2, due_at: Some(2 * HOUR), ..asked(TaskKind::Gate) };
    let mut desk = Desk::open(Asked { rejects: 2, ..gate() });
    desk.reject("ana", "no").unwrap();
    desk.accept("bo").unwrap();
    desk.accept("cy").unwrap();
    let late = desk.accept("di").unwrap_err();
    assert!(late.contains("accepted at 1970-01-01T00:00:01Z by user:bo, user:cy"), "{late}");
    // Too few had said so: it was the time.
    let mut desk = Desk::open(Asked { on_timeout: OnTimeout::Accept, ..gate() });
    desk.accept("ana").unwrap();
    let late = desk.at(2 * HOUR).accept("bo").unwrap_err();
    assert!(late.ends_with("by the engine, as it has timed out"), "{late}");
}

#[test]
fn it_is_reminded_of_escalated_and_given_back_as_time_goes_by() {
    let gate = Asked {
        remind: Some(6 * 3_600_000),
        escalate: Some(Escalate { after: 12 * 3_600_000, to: vec!["group:leads".into()] }),
        due_at: Some(48 * HOUR),
        ..asked(TaskKind::Gate)
    };
    let mut desk = Desk::open(gate);
    desk.act("ana", Act::Claim).unwrap();
    while let Some(due) = desk.state.due() {
        desk.at(due).give(&Input::Time);
    }
    let told: Vec<&str> = desk
        .events
        .iter()
        .map(|(_, event)| match event {
            Event::TaskOpened { .. } => "opened",
            Event::TaskClaimed { .. } => "claimed",
            Event::TaskReleased { .. } => "released",
            Event::TaskReminded { .. } => "reminded",
            Event::TaskEscalated { .. } => "escalated",
            Event::TaskEnded { .. } => "ended",
            _ => "else",
        })
        .collect();
    let rest = ["reminded"; 5];
    let begun = ["opened", "claimed", "released", "reminded", "escalated", "reminded"];
    assert_eq!(told, [&begun[..], &rest[..], &["ended"]].concat());
    // An engine that was away reminds once for all that it missed.
    let gate = Asked { remind: Some(3_600_000), ..asked(TaskKind::Gate) };
    let mut desk = Desk::open(gate);
    desk.at(1_000 * HOUR).give(&Input::Time);
    assert_eq!(desk.state.reminded, 1);
}

#[test]
fn what_one_who_is_gone_has_claimed_goes_back_and_nothing_else() {
    let mut desk = Desk::open(asked(TaskKind::Gate));
    desk.act("ana", Act::Claim).unwrap();
    // Somebody else has it by now.
    assert!(desk.give(&Input::Gone { who: "user:bo".into() }).events.is_empty());
    assert_eq!(desk.give(&Input::Gone { who: "user:ana".into() }).events.len(), 1);
    desk.accept("bo").unwrap();
}

#[test]
fn those_to_whom_it_is_escalated_or_given_may_act() {
    let lead = Actor { user: "user:lu".into(), groups: vec!["leads".into()], ..Actor::default() };
    let escalate = Some(Escalate { after: 3_600_000, to: vec!["group:leads".into()] });
    let mut desk = Desk::open(Asked { escalate, ..asked(TaskKind::Gate) });
    let input = Input::Act { actor: lead, act: decide(true, "") };
    assert!(desk.give(&input).refused.is_some());
    assert_eq!(desk.at(2 * HOUR).give(&input).refused, None);
    let mut desk = Desk::open(asked(TaskKind::Gate));
    desk.act("ana", Act::Delegate { to: "user:eve".into() }).unwrap();
    let why = desk.accept("ana").unwrap_err();
    assert!(why.contains("user:ana gave it to user:eve"), "{why}");
    let eve = Actor { user: "user:eve".into(), ..Actor::default() };
    assert_eq!(desk.give(&Input::Act { actor: eve, act: decide(true, "") }).refused, None);
    assert_eq!(desk.end().1["by"], json!(["user:eve"]));
}

#[test]
fn questions_are_answered_and_a_gate_is_decided_on() {
    let mut desk = Desk::open(asked(TaskKind::Questions));
    let answers = json!({ "colour": "red", "more": "x".repeat(1_000) });
    let answer = Act::Answer { answers: answers.clone(), comment: String::new(), version: None };
    assert!(desk.accept("ana").unwrap_err().contains("answered, not decided on"));
    desk.act("ana", answer.clone()).unwrap();
    assert_eq!(desk.end(), (Ended::Answered, answers));
    let mut desk = Desk::open(asked(TaskKind::Gate));
    assert!(desk.act("ana", answer).unwrap_err().contains("accepted or rejected"));
}

#[test]
fn the_inbox_is_of_those_who_can_still_act() {
    let mut desk = Desk::open(Asked {
        by: vec!["user:ana".into(), "user:bo".into(), "group:makers".into()],
        quorum: 3,
        ..asked(TaskKind::Gate)
    });
    desk.accept("ana").unwrap();
    desk.act("bo", Act::Skip { reason: "away".into() }).unwrap();
    let head = desk.state.head().unwrap();
    assert_eq!(head.to, ["group:makers"]);
    assert_eq!(head.not, ["user:ana", "user:bo"]);
    assert_eq!((head.part.accepts, head.part.quorum), (1, 3));
    // Who has said to stay out may come back.
    desk.accept("bo").unwrap();
    desk.give(&withdraw());
    assert_eq!(desk.state.head().unwrap().to, Vec::<String>::new());
}

#[test]
fn p11_what_people_hand_in_is_bounded() {
    let mut desk = Desk::open(asked(TaskKind::Gate));
    let why = desk.reject("ana", &"x".repeat(limits::COMMENT_BYTES + 1)).unwrap_err();
    assert!(why.contains("the comment is larger than 64 KiB"), "{why}");
    let form = Some(json!("x".repeat(limits::SUBMISSION_BYTES)));
    let why = desk.act("ana", Act::Decide { accept: true, comment: String::new(), form, version: None });
    assert!(why.unwrap_err().contains("larger than 1024 KiB"));
    for n in 0..limits::TASK_DELEGATIONS {
        desk.act(&format!("u{n}"), Act::Delegate { to: format!("user:v{n}") }).unwrap();
    }
    let why = desk.act("ana", Act::Delegate { to: "user:eve".into() }).unwrap_err();
    assert!(why.contains("100 times"), "{why}");
    let mut desk = Desk::open(Asked { remind: Some(1), ..asked(TaskKind::Gate) });
    for _ in 0..limits::TASK_REMINDERS {
        desk.at += 1;
        desk.give(&Input::Time);
    }
    assert_eq!((desk.state.reminded, desk.state.due()), (limits::TASK_REMINDERS, None));
    assert_eq!(limits::TASK_LEASE, 2 * 3_600_000);
}

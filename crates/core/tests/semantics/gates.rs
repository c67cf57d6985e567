//! Gates and questions: what is asked, of whom, and what an answer does to the run.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_core::task::{Act, TaskStatus};
use stead_core::value::Payload;

use crate::harness::World;

const HOUR: i64 = 3_600_000;

fn gate(keys: &str) -> World {
    World::run(&format!(
        "steps:\n  - {{ id: draft, noop: {{ text: one }} }}\n  - id: ship\n    approve: {{ title: Ship it?, show: [draft]{keys} }}\n  - {{ id: after, noop: '${{{{ steps.ship.output }}}}' }}\n"
    ))
}

#[test]
fn p2_rule_29_a_gate_shows_what_it_was_given_and_waits_for_a_person() {
    let mut world = gate("");
    let step = world.step("ship");
    assert_eq!(step.status, StepStatus::Waiting);
    let waits = step.waits_for.unwrap();
    assert_eq!((waits.kind.as_str(), waits.detail.as_deref()), ("person", Some("role:approver")));
    let task = world.task_of("ship");
    let asked = world.tasks[&task].0.asked.clone().unwrap();
    assert_eq!(asked.title, "Ship it?");
    assert_eq!(asked.origin.run, world.top);
    assert_eq!(world.tasks[&task].0.opened_at, world.at);
    assert_eq!(world.state().head().status, RunStatus::Waiting);
    world.decide("ship", "bo", true, "fine").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let after = &world.outputs()["after"];
    assert_eq!(after["decision"], "accept");
    assert_eq!(after["by"], json!(["user:bo"]));
    assert_eq!(after["comment"], "fine");
}

#[test]
fn rule_30_rejected_fails_unless_something_else_is_said() {
    let mut world = gate("");
    world.decide("ship", "bo", false, "too slow").unwrap();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Rejected, "ship"));
    assert_eq!(message, "it was rejected: too slow");
    let mut world = gate(", on_reject: continue");
    world.decide("ship", "bo", false, "too slow").unwrap();
    // Read, and not passed over in silence.
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.outputs()["after"]["decision"], "reject");
    assert_eq!(world.step("ship").outcome, Some(Outcome::Rejected));
}

#[test]
fn rule_30_a_time_out_fails_or_decides_in_the_engines_name() {
    let timed = |keys: &str| {
        let mut world = World::run(&format!(
            "steps:\n  - id: ship\n    approve: {{ title: Ship it?{keys} }}\n    timeout: 2h\noutputs: {{ by: '${{{{ steps.ship.output.by }}}}' }}\n"
        ));
        world.pass(3 * HOUR);
        world
    };
    let world = timed("");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    assert_eq!(world.error().0, ErrorKind::Timeout);
    let world = timed(", on_timeout: reject");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    let world = timed(", on_timeout: accept");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs()["by"], json!(["engine"]));
}

#[test]
fn who_may_is_named_with_the_starter_and_those_who_worked_on_a_step() {
    let mut world = World::run(
        "steps:\n  - id: first\n    approve: { title: One?, by: ['role:approver'] }\n  - id: second\n    approve: { title: Two?, by: ['role:approver'], not: [starter, 'step:first'] }\n",
    );
    world.decide("first", "bo", true, "").unwrap();
    let why = world.decide("second", "ana", true, "").unwrap_err();
    assert!(why.contains("`not` names user:ana"), "{why}");
    let why = world.decide("second", "bo", true, "").unwrap_err();
    assert!(why.contains("`not` names user:bo"), "{why}");
    world.decide("second", "cy", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn whoever_worked_on_what_is_shown_may_be_left_out() {
    let mut world = World::run(
        "steps:
  - { id: plan, ask: { title: What?, form: { type: object }, by: ['role:approver'] } }
  - { id: other, approve: { title: That?, by: ['role:approver'] } }
  - { id: built, noop: 1 }
  - id: ship
    approve: { title: Ship it?, show: { plan: '${{ steps.plan.output }}', built: '${{ steps.built.output }}' }, not: [authors] }
",
    );
    let answer = Act::Answer { answers: json!({}), comment: String::new(), version: None };
    world.act("plan", "bo", answer).unwrap();
    world.decide("other", "cy", true, "").unwrap();
    let why = world.decide("ship", "bo", true, "").unwrap_err();
    assert!(why.contains("`not` names user:bo"), "{why}");
    // What is not shown is nobody's work here.
    world.decide("ship", "cy", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn whoever_decided_an_earlier_instance_may_be_left_out() {
    // By a redo, by a loop, by a visit; also of those that are long forgotten, and after a crash.
    for (text, first, later) in [
        (
            "steps:
  - { id: draft, noop: 1 }
  - { id: ship, approve: { title: A, not: [deciders], on_reject: { redo: draft, max: 3 } } }
",
            "ship",
            ["ship~2", "ship~3"],
        ),
        (
            "steps:
  - id: rounds
    loop: { max: 3 }
    steps:
      - { id: ship, approve: { title: A, not: [deciders], on_reject: continue } }
",
            "rounds#1/ship",
            ["rounds#2/ship", "rounds#3/ship"],
        ),
        (
            "states:
  - { id: draft, noop: 1, next: ship }
  - id: ship
    approve: { title: A, not: [deciders], on_reject: continue }
    next: [{ when: steps.ship.output.decision == 'reject', go: draft, max: 2 }, { go: end }]
",
            "ship",
            ["ship~2", "ship~3"],
        ),
    ] {
        for crash in [false, true] {
            let mut world = World::run(text);
            world.decide(first, "bo", false, "no").unwrap();
            if crash {
                world.crash_to_snapshot();
            }
            let why = world.decide(later[0], "bo", true, "").unwrap_err();
            assert!(why.contains("`not` names user:bo"), "{why}");
            world.decide(later[0], "cy", false, "no").unwrap();
            if crash {
                world.crash();
            }
            for who in ["bo", "cy"] {
                let why = world.decide(later[1], who, true, "").unwrap_err();
                assert!(why.contains(&format!("`not` names user:{who}")), "{why}");
            }
            world.decide(later[1], "di", true, "").unwrap();
            assert!(world.ended().0.is_end());
        }
    }
}

#[test]
fn items_are_gates_apart_and_say_nothing_of_who_decided_the_others() {
    let mut world = World::run(
        "steps:\n  - id: each\n    foreach: { in: [a, b], key: '${{ item }}' }\n    approve: { title: A, not: [deciders] }\n",
    );
    world.decide("each[a]", "bo", true, "").unwrap();
    world.decide("each[b]", "bo", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn questions_go_to_the_starter_and_their_answers_are_the_output() {
    let mut world = World::run(
        "steps:\n  - id: make\n    set: { all: [ { id: colour, text: Which?, choices: [red, blue] } ] }\n  - id: ask\n    ask: { title: Some questions, questions: '${{ steps.make.output.all }}' }\n  - { id: none, ask: { questions: '${{ [] }}' } }\noutputs: { colour: '${{ steps.ask.output.colour }}', none: '${{ steps.none.output }}' }\n",
    );
    let answer = Act::Answer { answers: json!({ "colour": "red" }), comment: String::new(), version: None };
    let why = world.act("ask", "bo", answer.clone()).unwrap_err();
    assert!(why.contains("these may: user:ana"), "{why}");
    world.act("ask", "ana", answer).unwrap();
    assert_eq!(world.outputs(), json!({ "colour": "red", "none": {} }));
}

#[test]
fn rule_32_each_instance_asks_for_itself() {
    let mut world = World::run(
        "steps:\n  - id: each\n    foreach: { in: [a, b], key: '${{ item }}', parallel: 2 }\n    approve: { title: 'Take ${{ item }}?' }\n",
    );
    let (a, b) = (world.task_of("each[a]"), world.task_of("each[b]"));
    assert_ne!(a, b);
    world.decide("each[b]", "bo", true, "").unwrap();
    assert_eq!(world.status("each[a]"), StepStatus::Waiting);
    assert_eq!(world.tasks[&a].0.status, TaskStatus::Open);
    world.decide("each[a]", "bo", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn p5_a_cancelled_run_withdraws_what_it_asks_and_awaits_the_end() {
    let mut world = gate("");
    let task = world.task_of("ship");
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(world.tasks[&task].0.status, TaskStatus::Withdrawn);
    assert_eq!(world.events("ship"), ["task_opened", "step_ending", "task_ended"]);
}

#[test]
fn rule_33_a_deadline_withdraws_it_and_fails_the_step() {
    let mut world = World::run("steps:\n  - { id: ship, approve: { title: Ship it? }, deadline: 1h }\n");
    let task = world.task_of("ship");
    world.pass(2 * HOUR);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    assert_eq!(world.tasks[&task].0.status, TaskStatus::Withdrawn);
}

#[test]
fn rule_34_a_decision_that_was_there_before_the_end_of_the_run_stands() {
    // The decision is under way to the run when that is cancelled: the gate is accepted, the run is cancelled.
    let mut world = gate("");
    let task = world.task_of("ship");
    let actor = stead_core::people::Actor::alone("user:bo");
    let act = Act::Decide { accept: true, comment: String::new(), form: None, version: None };
    world.give_task(&task, &stead_core::task::Input::Act { actor, act });
    let top = world.top.clone();
    let cancel = stead_core::run::Input::Cancel { by: "user:ana".into(), reason: None, force: false };
    world.give(&top, cancel);
    world.go();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    assert_eq!(world.status("ship"), StepStatus::Completed);
    assert_eq!(world.tasks[&task].0.status, TaskStatus::Completed);
    assert_eq!(world.status("after"), StepStatus::Cancelled);
}

#[test]
fn p1_a_gate_that_is_decided_is_not_asked_again_after_a_crash() {
    for snapshot in [false, true] {
        let crash = |world: &mut World| if snapshot { world.crash_to_snapshot() } else { world.crash() };
        let mut world = gate("");
        crash(&mut world);
        assert_eq!(world.status("ship"), StepStatus::Waiting);
        world.decide("ship", "bo", true, "").unwrap();
        crash(&mut world);
        assert_eq!(world.ended().0, RunStatus::Completed);
        assert_eq!(world.tasks.len(), 1);
        assert_eq!(world.executed.iter().filter(|key| key.contains("draft")).count(), 1);
    }
}

#[test]
fn rule_41_a_decision_while_the_run_is_paused_takes_effect_when_it_goes_on() {
    let mut world = gate("");
    let top = world.top.clone();
    world.give(&top, stead_core::run::Input::Pause { by: "user:ana".into(), now: false });
    world.decide("ship", "bo", true, "").unwrap();
    assert_eq!(world.status("after"), StepStatus::Pending);
    world.give(&top, stead_core::run::Input::Resume { by: "user:ana".into() });
    world.go();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn a_gate_in_a_child_knows_the_run_at_the_top_and_its_starter() {
    let mut world = World::run(
        "steps:\n  - id: child\n    workflow: { inline: { stead: 1, name: kid, steps: [ { id: ship, approve: { title: Ship it?, not: [starter] } } ] } }\n",
    );
    let task = world.tasks.keys().next().unwrap().clone();
    let asked = world.tasks[&task].0.asked.clone().unwrap();
    assert_eq!(asked.origin.top, world.top);
    assert_ne!(asked.origin.run, world.top);
    assert_eq!(asked.not, ["user:ana"]);
    world.cancel();
    assert_eq!(world.tasks[&task].0.status, TaskStatus::Withdrawn);
    assert_eq!(world.ended().0, RunStatus::Cancelled);
}

#[test]
fn what_is_shown_is_bound_to_its_version_and_may_be_large() {
    let mut world = World::run(
        "steps:\n  - { id: draft, noop: '${{ [1, 2, 3] }}' }\n  - { id: a, approve: { title: A, show: [draft] } }\n  - { id: b, approve: { title: B, show: { it: '${{ steps.draft.output }}' } } }\n",
    );
    let first = world.task_of("a");
    let version = world.tasks[&first].0.asked.clone().unwrap().version;
    world.decide("a", "bo", true, "").unwrap();
    let second = world.task_of("b");
    assert_ne!(world.tasks[&second].0.asked.clone().unwrap().version, version);
    let large = World::run(&format!(
        "steps:\n  - {{ id: a, approve: {{ title: A, show: {{ it: {} }} }} }}\n",
        "x".repeat(40_000)
    ));
    let sent = large.tasks.values().next().unwrap().0.asked.clone().unwrap().shown;
    let stead_core::value::ValueRef::File { hash } = sent else { panic!("{sent:?}") };
    let value: Value = serde_json::from_slice(&large.files[&hash]).unwrap();
    assert_eq!(value[0][0], "it");
    let _: Payload = Payload::File { hash, size: 1 };
}

#[test]
fn a_selector_that_names_nobody_fails_the_step() {
    let world = World::run(
        "steps:\n  - { id: who, set: { a: everybody } }\n  - { id: ship, approve: { title: A, by: ['${{ steps.who.output.a }}'] } }\n",
    );
    let (kind, _, message) = world.error();
    assert_eq!(kind, ErrorKind::Expression);
    assert!(message.contains("`everybody` names nobody"), "{message}");
}

#[test]
fn p11_settings_of_gates_that_are_computed_are_bounded() {
    let with = |keys: &str| {
        World::run(&format!(
            "steps:\n  - {{ id: n, set: {{ n: 100000 }} }}\n  - {{ id: ship, approve: {{ title: A, {keys} }} }}\n"
        ))
    };
    let (kind, _, message) = with("quorum: '${{ steps.n.output.n }}'").error();
    assert_eq!(kind, ErrorKind::Expression);
    assert!(message.contains("quorum"), "{message}");
    let mut world = with("on_reject: { redo: n, max: '${{ steps.n.output.n }}' }");
    world.decide("ship", "bo", false, "no").unwrap();
    let (_, _, message) = world.error();
    assert!(message.contains("on_reject.max"), "{message}");
}

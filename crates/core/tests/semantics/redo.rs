//! Rejections that lead back to an earlier step.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_core::task::TaskStatus;

use crate::harness::World;

const HOUR: i64 = 3_600_000;

/// A draft that is improved until it is accepted, with something beside it that has nothing to do with that.
fn draft(more: &str) -> World {
    World::run(&format!(
        "steps:
  - {{ id: plan, noop: plan }}
  - {{ id: draft, noop: {{ n: '${{{{ feedback }}}}' }} }}
  - {{ id: check, noop: '${{{{ steps.draft.output.n }}}}' }}
  - {{ id: beside, needs: [plan], noop: beside }}
  - id: ship
    needs: [check]
    approve: {{ title: Ship it?, show: [draft], on_reject: {{ redo: draft, max: 2 }} }}
    {more}
  - {{ id: after, needs: [ship, beside], noop: '${{{{ steps.draft.output.n }}}}' }}
"
    ))
}

#[test]
fn rule_22_23_a_rejection_begins_the_step_and_all_that_need_it_again() {
    let mut world = draft("");
    assert_eq!(world.executed.len(), 4);
    let first = world.task_of("ship");
    world.decide("ship", "bo", false, "shorter").unwrap();
    // The gate is a new one, and asks anew; what does not need the draft is kept.
    let second = world.task_of("ship~2");
    assert_ne!(first, second);
    assert_eq!(world.tasks[&first].0.status, TaskStatus::Completed);
    let again: Vec<&str> = world.executed[4..].iter().map(|key| key.rsplit(':').next().unwrap()).collect();
    assert_eq!(again.len(), 2, "{again:?}");
    assert_eq!(world.status("draft~2"), StepStatus::Completed);
    assert_eq!(world.status("beside"), StepStatus::Completed);
    world.decide("ship~2", "bo", false, "simpler").unwrap();
    world.decide("ship~3", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs()["after"], json!("simpler"));
    assert_eq!(world.executed.iter().filter(|key| key.contains("beside") || key.contains("plan")).count(), 2);
}

#[test]
fn rule_22_rejected_more_often_the_gate_fails() {
    let mut world = draft("");
    for gate in ["ship", "ship~2", "ship~3"] {
        world.decide(gate, "bo", false, "no").unwrap();
    }
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    assert_eq!(world.error(), (ErrorKind::Rejected, "ship~3".into(), "it was rejected: no".into()));
}

#[test]
fn rule_30_what_the_engine_rejects_leads_nowhere() {
    let mut world = World::run(
        "steps:\n  - { id: draft, noop: 1 }\n  - { id: ship, approve: { title: A, on_timeout: reject, on_reject: { redo: draft } }, timeout: 1h }\n",
    );
    world.pass(2 * HOUR);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    assert_eq!(world.executed.len(), 1);
}

#[test]
fn p1_rule_22_a_redo_survives_a_crash_at_each_of_its_points() {
    for snapshot in [false, true] {
        let crash = |world: &mut World| if snapshot { world.crash_to_snapshot() } else { world.crash() };
        let mut world = draft("");
        crash(&mut world);
        world.decide("ship", "bo", false, "shorter").unwrap();
        crash(&mut world);
        world.decide("ship~2", "bo", true, "").unwrap();
        crash(&mut world);
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
        assert_eq!(world.outputs()["after"], json!("shorter"));
        let mut keys = world.executed.clone();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), world.executed.len(), "each ran once");
    }
}

#[test]
fn rule_22_what_runs_of_what_begins_again_is_ended_first() {
    for crash in [false, true] {
        let mut world = World::run(
            "steps:
  - { id: draft, noop: 1 }
  - { id: slow, needs: [draft], noop: { hang: true } }
  - { id: ship, needs: [draft], approve: { title: A, on_reject: { redo: draft } } }
  - { id: after, needs: [slow, ship], noop: '${{ [feedback] }}' }
",
        );
        world.hold_ends = true;
        world.decide("ship", "bo", false, "no").unwrap();
        // It is told to end; nothing begins before it has.
        assert_eq!(world.ends.len(), 1);
        assert_eq!(world.status("draft"), StepStatus::Completed);
        world.hold_ends = false;
        if crash {
            world.crash();
        } else {
            world.go();
        }
        assert_eq!(world.status("draft~2"), StepStatus::Completed);
        assert_eq!(world.status("slow~2"), StepStatus::Running);
        world.decide("ship~2", "bo", true, "").unwrap();
        world.end("slow~2", crate::harness::ok(json!(2)));
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
        // It is no part of what was sent back to, though it needs it.
        assert_eq!(world.outputs()["after"], json!([null]));
    }
}

#[test]
fn p5_a_run_that_is_cancelled_while_it_goes_back_ends() {
    let mut world = World::run(
        "steps:
  - { id: draft, noop: 1 }
  - { id: slow, needs: [draft], noop: { hang: true } }
  - { id: ship, needs: [draft], approve: { title: A, on_reject: { redo: draft } } }
",
    );
    world.hold_ends = true;
    world.decide("ship", "bo", false, "no").unwrap();
    world.cancel();
    world.hold_ends = false;
    world.go();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
}

#[test]
fn rule_6_counts_are_of_each_instance_of_the_block_and_feedback_reaches_inside() {
    let mut world = World::run(
        "steps:
  - id: each
    foreach: { in: [a, b], key: '${{ item }}' }
    steps:
      - id: draft
        steps:
          - { id: inner, noop: '${{ [item, feedback] }}' }
      - { id: ship, approve: { title: A, on_reject: { redo: draft, max: 1 } } }
    outputs: { told: '${{ steps.draft.output.inner }}' }
",
    );
    world.decide("each[a]/ship", "bo", false, "more of a").unwrap();
    world.decide("each[a]/ship~2", "bo", true, "").unwrap();
    world.decide("each[b]/ship", "bo", false, "more of b").unwrap();
    world.decide("each[b]/ship~2", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(
        world.outputs()["each"],
        json!([{ "told": ["a", "more of a"] }, { "told": ["b", "more of b"] }])
    );
}

#[test]
fn rule_18_what_a_redo_replaced_does_not_degrade_the_run() {
    let mut world = World::run(
        "steps:
  - { id: plan, noop: 1 }
  - { id: draft, on_error: continue, noop: '${{ feedback == null ? {\"fail\": \"bad\"} : {\"ok\": true} }}' }
  - { id: ship, needs: [draft], approve: { title: A, on_reject: { redo: draft } } }
",
    );
    assert_eq!(world.status("draft"), StepStatus::Failed);
    world.decide("ship", "bo", false, "again").unwrap();
    world.decide("ship~2", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_37_undo_takes_what_a_redo_replaced_too() {
    let mut world = World::run(
        "steps:
  - { id: draft, noop: 1, undo: { run: 'true' } }
  - { id: ship, approve: { title: A, on_reject: { redo: draft } } }
  - { id: bad, fail: no }
",
    );
    world.decide("ship", "bo", false, "again").unwrap();
    world.decide("ship~2", "bo", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Failed);
    let undone: Vec<&String> = world.executed.iter().filter(|key| key.contains("!undo")).collect();
    assert_eq!(undone.len(), 2, "{undone:?}");
    assert!(undone[0].contains("draft~2!undo"), "the newest first: {undone:?}");
}

#[test]
fn a_run_that_failed_for_its_gate_is_retried_from_the_gate() {
    let mut world = draft("");
    for gate in ["ship", "ship~2", "ship~3"] {
        world.decide(gate, "bo", false, "no").unwrap();
    }
    let top = world.top.clone();
    let again = stead_core::run::Again::Failed;
    world.give(&top, stead_core::run::Input::Retry { by: "user:ana".into(), again, inputs: Vec::new() });
    world.go();
    let executed = world.executed.len();
    world.decide("ship~3", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.executed.len(), executed + 1, "only what comes after it");
}

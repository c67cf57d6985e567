//! Ends of runs: cancel, and what is late.

use serde_json::json;
use stead_core::effect::{EndReason, ErrorKind};
use stead_core::run::Input;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

#[test]
fn rule_36_cancel_ends_what_runs_and_then_the_run() {
    let mut world = World::run(
        "steps:\n  - id: each\n    foreach: { in: '${{ [1, 2, 3] }}', parallel: 2 }\n    steps:\n      - { id: a, noop: { hang: 1 } }\n      - { id: b, set: { v: 1 } }\n  - { id: after, set: { v: 1 } }\n",
    );
    world.cancel();
    let both =
        [("each[0]/a".to_owned(), EndReason::Cancelled), ("each[1]/a".to_owned(), EndReason::Cancelled)];
    assert_eq!(world.ends, both);
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(world.status("each"), StepStatus::Cancelled);
    assert_eq!(world.status("after"), StepStatus::Cancelled);
    assert_eq!(world.executed.len(), 2);
}

#[test]
fn a_run_that_waits_is_cancelled_at_once() {
    let mut world = World::run("steps:\n  - { id: w, wait: { for: 2h } }\n");
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(world.state().due(), None);
}

#[test]
fn what_comes_after_the_end_changes_nothing() {
    let mut world = World::run("steps:\n  - { id: a, noop: { hang: 1 } }\n");
    let job = world.open[0].clone();
    world.cancel();
    let seq = world.state().seq;
    world.finish(&job, ok(json!(1)));
    world.cancel();
    let top = world.top.clone();
    world.give(&top, Input::Time);
    world.give(&top, Input::Continue);
    world.give(&top, Input::Recovered);
    assert_eq!(world.state().seq, seq);
}

#[test]
fn cancel_beats_the_deadline_and_a_failure_beats_what_follows_it() {
    let mut world =
        World::run("deadline: 10s\nsteps:\n  - { id: a, effect: once, timeout: 1h, noop: { hang: 1 } }\n");
    let job = world.open[0].clone();
    world.cancel();
    world.pass(20_000);
    assert_eq!(world.state().status, RunStatus::Running, "a once step is let finish");
    world.finish(&job, ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
}

#[test]
fn fail_fails_its_step_with_its_message() {
    let world = World::run(
        "inputs: { n: { type: integer, default: 3 } }\nsteps:\n  - { id: no, if: inputs.n > 2, fail: '${{ inputs.n }} is too much' }\n",
    );
    assert_eq!(world.error(), (ErrorKind::Fail, "no".to_owned(), "3 is too much".to_owned()));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    let refused = World::run("steps:\n  - { id: no, fail: { message: not this one, outcome: rejected } }\n");
    assert_eq!(refused.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    let mut tolerated = World::run(
        "steps:\n  - { id: no, on_error: continue, fail: never mind }\n  - { id: on, noop: '${{ steps.no.error.message }}' }\n",
    );
    assert_eq!(tolerated.status("on"), StepStatus::Completed);
    assert_eq!(tolerated.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn finish_ends_the_run_completed_and_what_is_under_way_is_ended() {
    let text = "steps:\n  - { id: slow, noop: { hang: 1 } }\n  - { id: w, needs: [], wait: { for: 1h } }\n  - { id: enough, needs: [], finish: enough is enough }\n  - { id: after, needs: [enough], noop: 1 }\noutputs: { said: '${{ steps.enough.output }}', after: '${{ steps.after.output }}' }\n";
    let mut world = World::run(text);
    assert_eq!(world.ends, [("slow".to_owned(), EndReason::Cancelled)]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::StoppedEarly)));
    assert_eq!(world.status("slow"), StepStatus::Cancelled);
    assert_eq!(world.status("w"), StepStatus::Cancelled);
    assert_eq!(world.status("after"), StepStatus::Cancelled);
    // Rule 7: an output that reads a step which did not run is left out.
    assert_eq!(world.outputs(), json!({"said": "enough is enough"}));
}

#[test]
fn rule_18_degraded_goes_before_stopped_early() {
    let world = World::run(
        "steps:\n  - { id: bad, on_error: continue, noop: { fail: x } }\n  - id: g\n    steps:\n      - { id: stop, finish: done }\n      - { id: never, noop: 1 }\n",
    );
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.executed, ["r_test/bad"]);
}

#[test]
fn a_child_that_finishes_early_completes_its_step_so() {
    let mut world = World::run(
        "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: kid, steps: [ { id: s, finish: early }, { id: t, noop: 1 } ] } }\n  - { id: after, noop: 2 }\n",
    );
    assert_eq!(world.step("c").outcome, Some(Outcome::StoppedEarly));
    assert_eq!(world.status("after"), StepStatus::Completed);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

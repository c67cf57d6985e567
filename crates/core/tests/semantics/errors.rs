//! Errors go up.

use serde_json::json;
use stead_core::effect::{AttemptResult, EndReason, ErrorKind};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, failed, ok};

#[test]
fn rule_13_an_expression_without_a_value_fails_its_step() {
    let mut world = World::run(
        "inputs: { n: { type: integer, default: 0 } }\nsteps:\n  - { id: s, set: { v: '${{ 1 / inputs.n }}' } }\n  - { id: t, set: { v: 1 } }\n",
    );
    assert_eq!(world.status("s"), StepStatus::Failed);
    assert_eq!(world.status("t"), StepStatus::Cancelled, "nothing new starts, the rest is cancelled");
    assert_eq!(world.error().0, ErrorKind::Expression);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_13_a_condition_that_is_no_boolean_fails_its_step() {
    let mut world =
        World::run("steps:\n  - { id: a, noop: 5 }\n  - { id: s, if: steps.a.output, set: { v: 1 } }\n");
    assert_eq!(world.status("s"), StepStatus::Failed);
    assert_eq!(world.error().0, ErrorKind::Expression);
}

#[test]
fn rule_14_a_failed_attempt_is_tried_again_then_the_step_fails_and_its_block_stops() {
    let mut world = World::run(
        "steps:\n  - id: g\n    steps:\n      - { id: a, retry: { attempts: 3, wait: 1s, jitter: 0 }, noop: { fail: broken } }\n      - { id: b, set: { v: 1 } }\n  - { id: after, set: { v: 2 } }\n",
    );
    assert_eq!(world.status("g/a"), StepStatus::Waiting);
    world.pass(1_000);
    assert_eq!(world.step("g/a").tries, 2);
    world.pass(1_999);
    assert_eq!(world.step("g/a").tries, 2, "the wait doubles");
    world.pass(1);
    assert_eq!(world.status("g/a"), StepStatus::Failed);
    assert_eq!(world.status("g/b"), StepStatus::Cancelled);
    assert_eq!(world.status("g"), StepStatus::Failed);
    assert_eq!(world.status("after"), StepStatus::Cancelled);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str(), message.as_str()), (ErrorKind::Exit, "g/a", "broken"));
    assert_eq!(world.executed.len(), 3);
    assert!(world.executed.iter().all(|key| key == "r_test/g/a"), "rule 24: the tries share the key");
}

#[test]
fn rule_14_a_try_that_succeeds_ends_the_tries() {
    let mut world =
        World::run("steps:\n  - { id: a, retry: { attempts: 5, wait: 1s }, noop: { fail_first: 2 } }\n");
    world.pass(60_000);
    assert_eq!(world.step("a").tries, 3);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_14_a_wait_that_was_asked_for_is_kept_up_to_max_wait() {
    let mut world = World::run(
        "steps:\n  - { id: a, retry: { attempts: 4, wait: 1s, max_wait: 30s, jitter: 0 }, noop: { hang: 1 } }\n",
    );
    let limited = |after| AttemptResult { retry_after: Some(after), ..failed(ErrorKind::RateLimit, "busy") };
    for (after, waits) in [(5_000, 5_000), (100, 2_000), (3_600_000, 30_000)] {
        let tries = world.step("a").tries;
        world.end("a", limited(after));
        world.pass(waits - 1);
        assert_eq!(world.step("a").tries, tries, "{after}");
        world.pass(1);
        assert_eq!(world.step("a").tries, tries + 1, "{after}");
    }
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_14_only_listed_kinds_are_tried_again() {
    let mut world = World::run(
        "steps:\n  - { id: a, retry: { attempts: 5, errors: [timeout] }, noop: { fail: broken } }\n",
    );
    assert_eq!(world.status("a"), StepStatus::Failed);
    assert_eq!(world.step("a").tries, 1);
}

#[test]
fn rule_14_what_runs_beside_a_failure_is_ended_and_the_first_error_counts() {
    let mut world = World::run(
        "steps:\n  - { id: a, noop: { hang: 1 } }\n  - { id: b, needs: [], noop: { hang: 1 } }\n  - { id: c, needs: [], wait: { for: 1h } }\n  - { id: d, set: { v: 1 } }\n",
    );
    // What was told to end reports back late, and with an error of its own.
    let job = world.open.remove(1);
    world.end("a", failed(ErrorKind::Exit, "first"));
    assert_eq!(world.ends, [("b".to_owned(), EndReason::Cancelled)]);
    assert_eq!(
        world.state().status,
        RunStatus::Running,
        "a block has ended when its last attempt has (rule 16)"
    );
    world.finish(&job, failed(ErrorKind::Exit, "second"));
    assert_eq!(world.status("b"), StepStatus::Cancelled);
    assert_eq!(world.status("c"), StepStatus::Cancelled);
    assert_eq!(world.status("d"), StepStatus::Cancelled);
    assert_eq!(world.error().2, "first");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_15_continue_leaves_the_step_failed_and_the_block_goes_on() {
    let mut world = World::run(
        "steps:\n  - id: g\n    on_error: continue\n    steps:\n      - { id: a, noop: { fail: broken } }\n      - { id: b, set: { v: 1 } }\n  - { id: after, noop: '${{ steps.g.error.step }}' }\noutputs: { at: '${{ steps.after.output }}' }\n",
    );
    assert_eq!(world.status("g"), StepStatus::Failed);
    assert_eq!(world.outputs(), json!({"at": "g/a"}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_16_a_once_step_is_let_finish() {
    let mut world = World::run(
        "steps:\n  - { id: a, noop: { hang: 1 } }\n  - { id: b, needs: [], effect: once, noop: { hang: 1 } }\n",
    );
    world.end("a", failed(ErrorKind::Exit, "broken"));
    assert_eq!(world.ends, [], "it is not cut off in the middle");
    assert_eq!(world.state().status, RunStatus::Running);
    world.end("b", ok(json!(2)));
    assert_eq!(world.status("b"), StepStatus::Completed);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_17_outcomes_of_failures() {
    let timed_out = World::run("steps:\n  - { id: a, timeout: 1s, wait: { for: 1h } }\n");
    let mut world = timed_out;
    world.pass(1_000);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    let exhausted = World::run("steps:\n  - { id: a, loop: { max: 2, until: 'false' }, set: { v: 1 } }\n");
    assert_eq!(exhausted.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert_eq!(exhausted.error().0, ErrorKind::Exhausted);
}

#[test]
fn rule_18_trouble_that_a_later_iteration_replaced_does_not_degrade() {
    let text = "steps:\n  - id: l\n    loop: { max: 3, until: iteration == LAST }\n    steps:\n      - { id: a, if: iteration == 1, on_error: continue, noop: { fail: broken } }\n      - { id: b, set: { v: 1 } }\n";
    let replaced = World::run(&text.replace("LAST", "2"));
    assert_eq!(replaced.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let current = World::run(&text.replace("LAST", "1"));
    assert_eq!(current.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn p3_a_loop_that_ran_out_under_continue_is_named_and_degrades() {
    let mut world = World::run(
        "steps:\n  - { id: a, loop: { max: 2, until: 'false', on_exhausted: continue }, noop: '${{ iteration }}' }\n  - { id: b, noop: '${{ steps.a.outcome }} ${{ steps.a.output }}' }\noutputs: { b: '${{ steps.b.output }}' }\n",
    );
    assert_eq!(world.step("a").outcome, Some(Outcome::Exhausted));
    assert_eq!(world.outputs(), json!({"b": "exhausted 2"}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn p3_an_output_that_cannot_be_computed_is_no_completion() {
    let world =
        World::run("steps:\n  - { id: a, noop: { x: 1 } }\noutputs: { y: '${{ steps.a.output.y }}' }\n");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.error().0, ErrorKind::Expression);
}

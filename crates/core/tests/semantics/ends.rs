//! Ends of runs: cancel, and what is late.

use serde_json::json;
use stead_core::effect::EndReason;
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

//! The engine goes and another comes.

use serde_json::json;
use stead_core::effect::{EndReason, ErrorKind};
use stead_core::run::{Input, turn::SettleInput};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

#[test]
fn rule_16_a_lost_attempt_is_made_again_with_the_same_key_and_is_no_try() {
    let mut world = World::run("steps:\n  - { id: a, noop: { hang: 1 } }\n");
    assert!(!world.open[0].again);
    world.crash();
    assert_eq!(world.executed, ["r_test/a", "r_test/a"]);
    assert!(world.open[0].again, "the executor is told that it may have happened");
    assert_eq!(world.step("a").tries, 1);
    assert_eq!(world.open[0].attempt.number, 2, "results of the lost one are told apart");
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_16_after_ten_losses_the_step_fails() {
    let mut world = World::run("steps:\n  - { id: a, noop: { hang: 1 } }\n");
    for _ in 0..10 {
        assert_eq!(world.state().status, RunStatus::Running);
        world.crash();
    }
    world.crash();
    assert_eq!(world.error().0, ErrorKind::Lost);
    assert_eq!(world.executed.len(), 11);
}

#[test]
fn what_was_parked_and_is_ended_with_its_block_is_settled_no_more() {
    let mut world = World::run(
        "steps:
  - { id: parked, effect: once, noop: { hang: 1 } }
  - { id: stays, needs: [], effect: none, noop: { hang: 1 } }
  - { id: w, needs: [], wait: { for: 1s } }
  - { id: bad, needs: [w], fail: broken }
",
    );
    world.crash();
    assert_eq!(world.status("parked"), StepStatus::Waiting);
    // What stays is being ended, and takes its time; what is parked is over at once.
    world.hold_ends = true;
    world.pass(1_000);
    assert_eq!(world.status("parked"), StepStatus::Cancelled);
    let (top, verdict) = (world.top.clone(), SettleInput::Done(json!(1)));
    world.give(&top, Input::Settle { path: "parked".into(), verdict, by: "user:ana".into() });
    assert_eq!(world.status("parked"), StepStatus::Cancelled);
    world.hold_ends = false;
    world.go();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_41_the_probe_of_what_was_lost_is_asked_when_a_paused_run_goes_on() {
    let text = "steps: [ { id: pay, effect: once, noop: 1, verify: { run: [probe] } } ]\n";
    let mut world = World::run_with(text, json!({}), Box::new(|_| None));
    let top = world.top.clone();
    world.give(&top, Input::Pause { by: "user:ana".into(), now: false });
    world.crash();
    world.crash();
    assert_eq!(world.executed, ["r_test/pay"], "nothing begins while it is paused");
    world.give(&top, Input::Resume { by: "user:ana".into() });
    assert_eq!(world.executed, ["r_test/pay", "r_test/pay!verify"]);
    world.end("pay!verify", ok(json!("paid")));
    assert_eq!(world.outputs(), json!({"pay": "paid"}));
}

#[test]
fn a_lost_probe_that_was_being_ended_says_nothing_twice() {
    let text = "steps:
  - { id: pay, effect: once, noop: 1, verify: { run: [probe], timeout: 10s } }
  - { id: w, needs: [], wait: { for: 1s } }
  - { id: bad, needs: [w], fail: broken }
";
    // Nothing ends by itself.
    let mut world = World::run_with(text, json!({}), Box::new(|_| None));
    world.hold_ends = true;
    world.crash();
    world.pass(11_000);
    assert_eq!(world.state().status, RunStatus::Running, "the probe is being ended");
    world.crash();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.events("pay").iter().filter(|event| *event == "step_cancelled").count(), 1);
}

#[test]
fn p5_a_probe_is_ended_where_somebody_settles_before_it_says_anything() {
    let text = "steps: [ { id: pay, effect: once, noop: 1, verify: { run: [probe] } } ]\n";
    for verdict in [SettleInput::Done(json!("paid")), SettleInput::Failed, SettleInput::Again] {
        let mut world = World::run_with(text, json!({}), Box::new(|_| None));
        world.hold_ends = true;
        world.crash();
        let top = world.top.clone();
        let again = verdict == SettleInput::Again;
        world.give(&top, Input::Settle { path: "pay".into(), verdict, by: "user:ana".into() });
        assert_eq!(world.ends, [("pay!verify".to_owned(), EndReason::Cancelled)]);
        assert!(!world.state().status.is_end(), "the run has not ended before all it does");
        if again {
            world.crash();
            assert_eq!(
                world.view().waits_for[0].kind,
                "settle",
                "nobody hears the old probe of the new attempt"
            );
            continue;
        }
        world.end("pay!verify", ok(json!("not paid")));
        assert!(world.state().status.is_end(), "it has");
    }
}

#[test]
fn a_once_step_parks_and_somebody_settles_it() {
    let text = "steps:\n  - { id: a, effect: once, noop: { hang: 1 } }\n  - { id: b, noop: '${{ steps.a.output }}' }\n";
    let parked = || {
        let mut world = World::run(text);
        world.crash();
        assert_eq!(world.executed.len(), 1, "it is never made again by itself");
        assert_eq!(world.status("a"), StepStatus::Waiting);
        assert_eq!(world.view().waits_for[0].kind, "settle");
        world.crash();
        assert_eq!(world.executed.len(), 1);
        world
    };
    let settle = |world: &mut World, verdict| {
        let top = world.top.clone();
        world.give(&top, Input::Settle { path: "a".into(), verdict, by: "user:ana".into() });
        world.go();
    };
    let mut done = parked();
    settle(&mut done, SettleInput::Done(json!(7)));
    assert_eq!(done.outputs(), json!({"a": 7, "b": 7}));
    let mut again = parked();
    settle(&mut again, SettleInput::Again);
    assert_eq!(again.executed.len(), 2);
    again.end("a", ok(json!(8)));
    assert_eq!(again.outputs(), json!({"a": 8, "b": 8}));
    let mut failed = parked();
    settle(&mut failed, SettleInput::Failed);
    assert_eq!(failed.error().0, ErrorKind::Lost);
    let mut cancelled = parked();
    cancelled.cancel();
    assert_eq!(cancelled.ended().0, RunStatus::Cancelled);
}

#[test]
fn what_was_being_ended_is_over() {
    let mut world =
        World::run("steps:\n  - { id: a, noop: { hang: 1 } }\n  - { id: w, needs: [], wait: { for: 1h } }\n");
    let top = world.top.clone();
    world.give(&top, Input::Cancel { by: "user:ana".into(), reason: None, force: false });
    assert_eq!(world.state().status, RunStatus::Running);
    world.crash();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(world.executed.len(), 1);
}

/// A run that is read back after every single turn ends as one that is not.
#[test]
fn p2_reading_back_at_any_turn_changes_nothing() {
    let text = "inputs: { n: { type: integer, default: 3 } }\nvars: { base: '${{ inputs.n * 100 }}' }\nsteps:\n  - id: seed\n    noop: '${{ vars.base }}'\n  - id: l\n    loop: { max: 5, until: steps.pick.output >= 2 }\n    steps:\n      - id: each\n        foreach: { in: \"${{ ['a', 'b', 'c'] }}\", key: '${{ item }}', parallel: 2 }\n        noop: '${{ item + string(iteration) }}'\n      - { id: pick, noop: '${{ iteration }}' }\n    outputs: { all: '${{ steps.each.output }}' }\n  - { id: bad, on_error: continue, retry: { attempts: 2, wait: 1s }, noop: { fail: x } }\n  - id: child\n    workflow: { inline: { stead: 1, name: kid, steps: [ { id: k, noop: kid } ] } }\n  - { id: w, wait: { for: 1m } }\noutputs: { l: '${{ steps.l.output.all }}', kid: '${{ steps.child.output.k }}', seed: '${{ steps.seed.output }}' }\n";
    let mut plain = World::run(text);
    plain.pass(600_000);
    let mut read_back = World::run_with(text, json!({}), Box::new(|_| None));
    let mut rounds = 0;
    while !read_back.state().status.is_end() {
        rounds += 1;
        assert!(rounds < 1_000);
        read_back.crash();
        if let Some(job) = read_back.open.first().cloned() {
            read_back.open.remove(0);
            let value = job.request["value"].clone();
            let result = match value.get("fail") {
                Some(_) => crate::harness::failed(ErrorKind::Exit, "x"),
                None => ok(value),
            };
            read_back.finish(&job, result);
            read_back.go();
        } else {
            read_back.pass(60_000);
        }
    }
    assert_eq!(read_back.outputs(), plain.outputs());
    assert_eq!(read_back.ended(), plain.ended());
    assert_eq!(plain.outputs(), json!({"l": ["a2", "b2", "c2"], "kid": "kid", "seed": 300}));
}

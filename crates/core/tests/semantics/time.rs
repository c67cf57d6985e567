//! Time.

use serde_json::json;
use stead_core::effect::{EndReason, ErrorKind};
use stead_core::run::Input;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

#[test]
fn a_wait_ends_when_its_time_has_come() {
    let mut world = World::run("steps:\n  - { id: w, wait: { for: 2h } }\n  - { id: s, set: { v: 1 } }\n");
    assert_eq!(world.state().status, RunStatus::Waiting);
    let waits = world.view().waits_for;
    assert_eq!((waits[0].kind.as_str(), waits[0].path.as_str()), ("timer", "w"));
    assert_eq!(waits[0].until, Some(world.at + 7_200_000));
    world.pass(7_199_999);
    assert_eq!(world.status("w"), StepStatus::Waiting);
    world.pass(1);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn a_wait_for_an_instant_that_has_passed_ends_at_once() {
    let mut world = World::run("steps:\n  - { id: w, wait: { at: '1970-01-01T00:00:01Z' } }\n");
    world.pass(0);
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn rule_33_timeout_is_of_one_attempt_and_a_try_may_follow() {
    let mut world = World::run(
        "steps:\n  - { id: a, timeout: 10s, retry: { attempts: 2, wait: 1s, jitter: 0 }, noop: { hang: 1 } }\n",
    );
    world.pass(10_000);
    assert_eq!(world.ends, [("a".to_owned(), EndReason::Timeout)]);
    assert_eq!(world.status("a"), StepStatus::Waiting);
    world.ends.clear();
    world.pass(1_000);
    assert_eq!(world.step("a").tries, 2);
    world.pass(10_000);
    assert_eq!(world.error().0, ErrorKind::Timeout);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
}

#[test]
fn rule_33_timeout_does_not_run_while_the_attempt_queues() {
    let mut world = World::run("steps:\n  - { id: a, timeout: 10s, effect: once, noop: { hang: 1 } }\n");
    let top = world.top.clone();
    let place = |begins| Input::AttemptPlace { path: "a".into(), number: 1, begins };
    world.give(&top, place(false));
    assert_eq!(world.view().waits_for[0].kind, "slot");
    world.pass(60_000);
    assert_eq!(world.ends, []);
    // One that has not begun is no riddle after a crash, whatever its effect.
    world.crash();
    assert_eq!(world.step("a").tries, 1);
    let place = |begins| Input::AttemptPlace { path: "a".into(), number: 2, begins };
    world.give(&top, place(false));
    assert!(world.begins.is_empty());
    world.give(&top, place(true));
    assert_eq!(world.begins, ["a"], "P2: it begins when that is durable, not when there is a place");
    assert_eq!(world.status("a"), StepStatus::Running);
    world.pass(9_999);
    assert_eq!(world.ends, []);
    world.pass(1);
    assert_eq!(world.ends, [("a".to_owned(), EndReason::Timeout)]);
    assert_eq!(world.error().0, ErrorKind::Timeout);
}

#[test]
fn a_queued_attempt_is_cancelled_without_having_begun() {
    let mut world = World::run("steps:\n  - { id: a, effect: once, noop: { hang: 1 } }\n");
    let top = world.top.clone();
    world.give(&top, Input::AttemptPlace { path: "a".into(), number: 1, begins: false });
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
}

#[test]
fn rule_14_what_stops_already_fails_with_its_first_error_though_its_deadline_passes() {
    let inside = "[ { id: a, effect: once, noop: { hang: 1 } }, { id: b, needs: [], fail: broken } ]";
    for text in [
        format!("deadline: 5s\nsteps: {inside}\n"),
        format!("steps:\n  - id: g\n    deadline: 5s\n    steps: {inside}\n"),
    ] {
        let mut world = World::run(&text);
        // `a` is let finish, and that takes longer than there is time.
        world.pass(10_000);
        let path = world.open[0].attempt.path.clone();
        world.end(&path, ok(json!(1)));
        assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)), "{text}");
        assert_eq!(world.error().0, ErrorKind::Fail, "{text}");
    }
}

#[test]
fn rule_33_a_deadline_ends_what_is_inside_and_no_retry_follows() {
    let mut world = World::run(
        "steps:\n  - id: g\n    deadline: 5s\n    on_error: continue\n    steps:\n      - { id: a, retry: 9, noop: { hang: 1 } }\n      - { id: b, set: { v: 1 } }\n  - { id: after, noop: '${{ steps.g.error.kind }}' }\noutputs: { after: '${{ steps.after.output }}' }\n",
    );
    world.pass(5_000);
    assert_eq!(world.ends, [("g/a".to_owned(), EndReason::Cancelled)]);
    assert_eq!(world.status("g/a"), StepStatus::Cancelled);
    assert_eq!(world.outputs(), json!({"after": "timeout"}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_33_the_deadline_of_the_document_fails_the_run_whatever_on_error_says() {
    let mut world = World::run(
        "deadline: 5s\nsteps:\n  - { id: a, on_error: continue, wait: { for: 1h } }\n  - { id: b, set: { v: 1 } }\n",
    );
    world.pass(5_000);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    assert_eq!(world.status("b"), StepStatus::Cancelled);
}

#[test]
fn rule_34_of_two_that_race_the_first_counts_and_the_other_is_late() {
    let mut world = World::run(
        "steps:\n  - { id: a, timeout: 10s, noop: { hang: 1 } }\n  - { id: w, needs: [], wait: { for: 1h } }\n",
    );
    let job = world.open[0].clone();
    world.end("a", ok(json!(1)));
    world.finish(&job, ok(json!(2)));
    assert_eq!(world.events("a").last().unwrap(), "late");
    world.pass(3_600_000);
    assert_eq!(world.outputs()["a"], json!(1));
}

#[test]
fn rule_34_a_result_behind_a_time_out_does_not_count() {
    let mut world = World::run("steps:\n  - { id: a, timeout: 10s, noop: { hang: 1 } }\n");
    let job = world.open.remove(0);
    world.pass(10_000);
    assert_eq!(world.status("a"), StepStatus::Running, "its end is awaited");
    world.finish(&job, ok(json!("came after all")));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
}

#[test]
fn rule_35_jitter_is_derived_and_stays_within_its_bounds() {
    let text = "steps:\n  - { id: a, retry: { attempts: 20, wait: 10s, factor: 1, jitter: 0.5 }, noop: { fail: x } }\n";
    let waits = |_: u32| {
        let mut world = World::run(text);
        let mut all = Vec::new();
        while !world.state().status.is_end() {
            let wait = world.state().due().unwrap() - world.at;
            all.push(wait);
            world.pass(wait);
        }
        all
    };
    let all = waits(1);
    assert_eq!(all, waits(2), "the same run waits the same");
    assert_eq!(all.len(), 19);
    assert!(all.iter().all(|wait| (5_000..=15_000).contains(wait)), "{all:?}");
    assert!(all.iter().min() != all.iter().max(), "it is spread");
}

#[test]
fn time_never_goes_back_within_a_run() {
    let mut world =
        World::run("steps:\n  - { id: w, wait: { for: 10s } }\n  - { id: v, wait: { for: 10s } }\n");
    world.pass(10_000);
    let at = world.state().at;
    world.at -= 5_000;
    world.cancel();
    assert!(world.state().at >= at);
}

#[test]
fn what_a_run_waits_for_ends_with_the_first_time_that_reaches_it() {
    let text = "
steps:
  - id: g
    deadline: 1m
    steps:
      - { id: late, needs: [], wait: { for: 1h } }
      - { id: soon, needs: [], wait: { for: 10s } }
    finally:
      - { id: last, retry: { attempts: 2, wait: 2h, max_wait: 2h, jitter: 0 }, noop: { fail: x } }
deadline: 30m
";
    let mut world = World::run(text);
    let left = |world: &mut World| -> Vec<(String, i64)> {
        let at = world.at;
        let of = world.view().waits_for.into_iter();
        of.map(|waits| (waits.path, waits.until.unwrap() - at)).collect()
    };
    let of = |path: &str, seconds: i64| (path.to_owned(), seconds * 1_000);
    assert_eq!(left(&mut world), [of("g/late", 60), of("g/soon", 10)]);
    world.pass(60_000);
    assert_eq!(left(&mut world), [of("g/last", 7_200)], "no deadline from outside reaches into `finally`");
}

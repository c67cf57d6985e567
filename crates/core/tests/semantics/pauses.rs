//! Rule 41: pause and resume.

use serde_json::json;
use stead_core::effect::EndReason;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

fn pause(world: &mut World, now: bool) {
    let top = world.top.clone();
    world.give(&top, Input::Pause { by: "user:ana".into(), now });
    world.go();
}

fn resume(world: &mut World) {
    let top = world.top.clone();
    world.give(&top, Input::Resume { by: "user:ana".into() });
    world.go();
}

const TWO: &str = "
steps:
  - { id: a, noop: { hang: 1 } }
  - { id: b, noop: 2 }
";

#[test]
fn rule_41_what_runs_may_end_and_nothing_new_begins() {
    let mut world = World::run(TWO);
    pause(&mut world, false);
    assert_eq!(world.ended().0, RunStatus::Paused);
    assert_eq!(world.view().waits_for[0].kind, "resume");
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended().0, RunStatus::Paused);
    assert_eq!(world.status("a"), StepStatus::Completed);
    assert_eq!(world.status("b"), StepStatus::Pending);
    resume(&mut world);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn p5_rule_41_now_ends_what_runs_and_it_is_made_again_with_the_same_key() {
    let mut world = World::run(TWO);
    pause(&mut world, true);
    assert_eq!(world.ends, [("a".to_owned(), EndReason::Paused)]);
    assert_eq!(world.status("a"), StepStatus::Waiting);
    assert_eq!(world.step("a").tries, 0, "that was no try");
    resume(&mut world);
    world.pass(0);
    assert_eq!(world.executed, ["r_test/a", "r_test/a"]);
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_41_a_once_step_is_not_cut_off_by_a_pause() {
    let mut world = World::run("steps: [{ id: a, effect: once, noop: { hang: 1 } }]");
    pause(&mut world, true);
    assert!(world.ends.is_empty());
    world.end("a", ok(json!(1)));
    resume(&mut world);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_41_timers_run_on_and_act_at_resume_in_their_order() {
    let text = "
steps:
  - { id: w, wait: { for: 10s } }
  - { id: t, needs: [], deadline: 5s, on_error: continue, wait: { for: 20s } }
";
    let mut world = World::run(text);
    pause(&mut world, false);
    world.pass(60_000);
    assert_eq!(world.status("w"), StepStatus::Waiting);
    assert_eq!(world.state().due(), None, "nothing wakes a paused run");
    resume(&mut world);
    assert_eq!(world.status("w"), StepStatus::Completed);
    assert_eq!(world.status("t"), StepStatus::Failed, "its deadline passed before it was over");
}

#[test]
fn rule_41_the_time_out_of_an_attempt_that_runs_acts_at_once() {
    let mut world = World::run("steps: [{ id: a, timeout: 5s, noop: { hang: 1 } }]");
    pause(&mut world, false);
    world.pass(6_000);
    assert_eq!(world.ends, [("a".to_owned(), EndReason::Timeout)]);
    assert_eq!(world.ended().0, RunStatus::Paused);
    resume(&mut world);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
}

#[test]
fn rule_41_it_reaches_child_runs() {
    let text = "
steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: inner
        steps: [{ id: a, noop: { hang: 1 } }, { id: b, noop: 1 }]
";
    let mut world = World::run(text);
    pause(&mut world, false);
    let child = world.runs.keys().find(|id| **id != world.top).unwrap().clone();
    assert_eq!(world.runs[&child].state.status, RunStatus::Paused);
    world.end("a", ok(json!(1)));
    assert_eq!(world.executed.len(), 1);
    resume(&mut world);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_41_cancel_works_while_paused() {
    let mut world = World::run(TWO);
    pause(&mut world, false);
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
}

#[test]
fn rule_41_a_paused_run_stays_paused_over_a_crash() {
    let mut world = World::run(TWO);
    pause(&mut world, false);
    world.crash();
    assert_eq!(world.ended().0, RunStatus::Paused);
    assert_eq!(world.executed.len(), 1, "what was lost is made again later");
    resume(&mut world);
    world.pass(0);
    assert_eq!(world.executed.len(), 2);
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn a_run_stops_before_each_step_or_before_one() {
    let text = "
steps:
  - { id: a, noop: 1 }
  - id: group
    steps:
      - { id: b, noop: 1 }
      - { id: c, noop: 1 }
";
    let each = Breaks { each: true, at: Vec::new() };
    let mut world = World::run_breaking(text, each);
    let mut stops = Vec::new();
    while world.ended().0 == RunStatus::Paused {
        stops.push(world.view().waits_for[0].path.clone());
        if stops.len() == 2 {
            world.crash();
        }
        resume(&mut world);
    }
    assert_eq!(stops, ["a", "group", "group/b", "group/c"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));

    let mut world = World::run_breaking(text, Breaks { each: false, at: vec!["group/c".into()] });
    assert_eq!(world.view().waits_for[0].path, "group/c");
    assert_eq!(world.status("group/b"), StepStatus::Completed);
    resume(&mut world);
    assert_eq!(world.ended().0, RunStatus::Completed);
}

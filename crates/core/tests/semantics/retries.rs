//! Retry of runs that have ended: what runs again, what is kept.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use stead_core::effect::{AttemptResult, ErrorKind};
use stead_core::run::{Again, Input};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, failed, ok};

/// What fails right now: keys without the run's id.
#[derive(Clone, Default)]
struct Broken(Rc<RefCell<Vec<String>>>);

impl Broken {
    fn set(&self, keys: &[&str]) {
        *self.0.borrow_mut() = keys.iter().map(|key| (*key).to_owned()).collect();
    }
}

fn run(text: &str, broken: &Broken) -> World {
    let broken = broken.clone();
    let mut calls = 0;
    let script = move |job: &stead_core::effect::Execute| -> Option<AttemptResult> {
        calls += 1;
        let path = &job.attempt.path;
        if broken.0.borrow().contains(path) {
            return Some(failed(ErrorKind::Exit, "broken"));
        }
        Some(ok(Value::from(calls)))
    };
    World::run_with(text, json!({}), Box::new(script))
}

fn retry(world: &mut World, again: Again) {
    let top = world.top.clone();
    let before = world.executed.len();
    world.give(&top, Input::Retry { by: "user:ana".into(), again, inputs: Vec::new() });
    world.go();
    world.executed.drain(..before);
}

fn keys(world: &World) -> Vec<String> {
    world.executed.iter().map(|key| key.trim_start_matches("r_test/").to_owned()).collect()
}

const LIST: &str = "
steps:
  - { id: a, noop: 1 }
  - { id: b, noop: 2 }
  - { id: c, noop: 3 }
finally:
  - { id: tidy, noop: 4 }
";

#[test]
fn p1_a_retry_runs_what_failed_and_keeps_what_is_completed() {
    let broken = Broken::default();
    broken.set(&["b"]);
    let mut world = run(LIST, &broken);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["b", "c", "tidy+1"], "finally runs again, as a new happening");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs()["a"], json!(1));
    let numbers: Vec<String> = world.events("b").into_iter().filter(|e| e == "attempt_started").collect();
    assert_eq!(numbers.len(), 2, "the old try stays in the history");
}

#[test]
fn a_retry_may_fail_again_and_be_retried_again() {
    let broken = Broken::default();
    broken.set(&["c"]);
    let mut world = run(LIST, &broken);
    for _ in 0..3 {
        retry(&mut world, Again::Failed);
        assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
        world.crash();
    }
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn from_a_step_on_everything_that_follows_runs_again_under_new_keys() {
    let text = "
steps:
  - { id: a, noop: 1 }
  - { id: b, needs: [a], noop: 2 }
  - { id: c, needs: [], noop: 3 }
  - { id: d, needs: [b], noop: 4 }
";
    let mut world = run(text, &Broken::default());
    retry(&mut world, Again::From("b".into()));
    assert_eq!(keys(&world), ["b+1", "d+1"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    retry(&mut world, Again::Only("a".into()));
    assert_eq!(keys(&world), ["a+1"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn failed_items_of_a_settled_foreach_run_again_alone() {
    let text = "
steps:
  - { id: each, foreach: { in: [x, y, z], join: settled }, noop: \"${{ item }}\" }
  - { id: after, noop: 1 }
";
    let broken = Broken::default();
    broken.set(&["each[0]", "each[2]"]);
    let mut world = run(text, &broken);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["each[0]", "each[2]"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs()["each"].as_array().unwrap().len(), 3);
    assert!(world.outputs()["each"].as_array().unwrap().iter().all(Value::is_number));
}

#[test]
fn one_item_and_one_iteration() {
    let text = "
steps:
  - { id: each, foreach: { in: [x, y] }, noop: 1 }
  - { id: again, loop: { max: 3 }, noop: 2 }
";
    let mut world = run(text, &Broken::default());
    retry(&mut world, Again::Only("each[1]".into()));
    assert_eq!(keys(&world), ["each[1]+1"]);
    retry(&mut world, Again::From("again#3".into()));
    assert_eq!(keys(&world), ["again#3+1"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let top = world.top.clone();
    let seq = world.state().seq;
    retry(&mut world, Again::Only("again#2".into()));
    assert_eq!(world.runs[&top].state.seq, seq, "others follow from it");
    world.crash();
    retry(&mut world, Again::From("again#2".into()));
    assert_eq!(keys(&world), ["again#2+1", "again#3+2"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn p3_a_retry_without_anything_to_do_is_refused() {
    let mut world = run(LIST, &Broken::default());
    let seq = world.state().seq;
    for again in [Again::Failed, Again::From("none".into()), Again::Only("a!undo".into())] {
        retry(&mut world, again);
        assert_eq!(world.state().seq, seq);
    }
}

#[test]
fn rule_38_what_was_undone_runs_again() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [undo] } }
  - { id: b, noop: 1 }
  - { id: c, noop: 2 }
";
    let broken = Broken::default();
    broken.set(&["c"]);
    let mut world = run(text, &broken);
    assert_eq!(keys(&world), ["a", "b", "c", "a!undo"]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["a+1", "c", "a!undo+1"]);
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["a+2", "c"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn a_machine_is_retried_from_its_last_visit() {
    let text = "
states:
  - { id: a, noop: 1, next: [ { when: iteration < 2, go: a }, { go: b } ] }
  - { id: b, noop: 2, next: end }
";
    let broken = Broken::default();
    broken.set(&["b"]);
    let mut world = run(text, &broken);
    assert_eq!(keys(&world), ["a", "a~2", "b"]);
    world.crash();
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["b"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn a_step_that_ran_out_begins_afresh() {
    let text = "steps: [{ id: l, loop: { max: 4, until: steps.l.output > 5 }, noop: 1 }]";
    let mut world = run(text, &Broken::default());
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["l#1+1", "l#2+1"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn changed_inputs_count_for_what_runs_again_and_for_vars() {
    let text = "
inputs: { n: { type: integer, default: 1 } }
vars: { twice: \"${{ inputs.n * 2 }}\" }
steps:
  - { id: a, set: { n: \"${{ vars.twice }}\" } }
  - { id: b, set: { n: \"${{ vars.twice }}\", ok: \"${{ 10 / (inputs.n - 1) }}\" } }
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    let top = world.top.clone();
    let inputs = vec![("n".to_owned(), json!(2))];
    world.give(&top, Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs });
    world.go();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"a": {"n": 2}, "b": {"n": 4, "ok": 10}}));
}

#[test]
fn a_cancelled_run_and_its_child_go_on() {
    let text = "
steps:
  - { id: a, noop: 1 }
  - id: child
    workflow:
      inline: { stead: 1, name: inner, steps: [{ id: w, wait: { for: 1h } }] }
  - { id: z, noop: 2 }
";
    let mut world = run(text, &Broken::default());
    world.cancel();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    retry(&mut world, Again::Failed);
    assert_eq!(world.status("child"), StepStatus::Waiting);
    world.pass(3_700_000);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(keys(&world), ["z"]);
    assert_eq!(world.runs.len(), 3, "a retry is a new child run");
}

#[test]
fn a_deadline_begins_to_run_anew() {
    let text = "
deadline: 10s
steps:
  - { id: a, noop: { hang: 1 } }
";
    let mut world = World::run(text);
    world.pass(11_000);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    retry(&mut world, Again::Failed);
    assert_eq!(world.ended().0, RunStatus::Running);
    world.pass(5_000);
    assert_eq!(world.ended().0, RunStatus::Running);
    world.pass(6_000);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
}

#[test]
fn rule_48_a_machine_goes_back_to_the_first_state_that_was_undone() {
    let broken = Broken::default();
    broken.set(&["ship"]);
    let text = "
states:
  - { id: look, noop: 0, next: reserve }
  - { id: reserve, noop: 1, undo: { run: [free] }, next: [{ go: charge, max: 1 }] }
  - { id: charge, noop: 2, undo: { run: [pay_back] }, next: ship }
  - { id: ship, noop: 3, next: end }
finally:
  - { id: tidy, noop: 4 }
";
    let mut world = run(text, &broken);
    assert_eq!(world.ended().0, RunStatus::Failed);
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    // Nothing is shipped that is not paid for; what was not undone is kept.
    assert_eq!(keys(&world), ["reserve+1", "charge+1", "ship", "tidy+1"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_48_a_loop_goes_back_to_the_first_iteration_in_which_something_was_undone() {
    let broken = Broken::default();
    broken.set(&["again#3/b"]);
    let text = "
steps:
  - id: again
    loop: { max: 3 }
    steps:
      - { id: a, noop: \"${{ iteration }}\", undo: { run: [take_back] } }
      - { id: b, noop: \"${{ iteration == 1 ? 0 : previous.b.output }}\" }
";
    let mut world = run(text, &broken);
    assert_eq!(world.ended().0, RunStatus::Failed);
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    // What was completed happens anew, what failed is tried again.
    let anew = ["again#1/a+1", "again#1/b+1", "again#2/a+1", "again#2/b+1", "again#3/a+1", "again#3/b"];
    assert_eq!(keys(&world), anew);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_37_what_could_not_be_undone_is_tried_again_when_the_run_fails_again() {
    let broken = Broken::default();
    broken.set(&["b", "a!undo"]);
    let text = "
steps:
  - { id: a, noop: 1, undo: { run: [take_back] } }
  - { id: b, noop: 2 }
";
    let mut world = run(text, &broken);
    assert_eq!(keys(&world), ["a", "b", "a!undo"]);
    broken.set(&["b"]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["b", "a!undo"], "a is still there, and is taken back now");
    broken.set(&[]);
    retry(&mut world, Again::Failed);
    assert_eq!(keys(&world), ["a+1", "b"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_48_an_item_that_was_ended_goes_on_where_it_was() {
    let broken = Broken::default();
    broken.set(&["all[0]/b", "all[1]/b"]);
    let text = "
steps:
  - id: all
    foreach: { in: [1, 2], parallel: 2 }
    outputs: { x: \"${{ steps.b.output }}\" }
    steps:
      - { id: a, noop: \"${{ item }}\" }
      - { id: b, noop: \"${{ item }}\", retry: { attempts: 2, wait: \"${{ item }}h\", max_wait: 9h, jitter: 0 } }
";
    let mut world = run(text, &broken);
    assert_eq!(keys(&world), ["all[0]/a", "all[1]/a", "all[0]/b", "all[1]/b"]);
    world.pass(3_600_000);
    assert_eq!(world.ended().0, RunStatus::Failed);
    broken.set(&[]);
    world.crash();
    retry(&mut world, Again::Failed);
    // What was completed in the item that was only ended is kept.
    assert_eq!(keys(&world), ["all[0]/b", "all[1]/b"]);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

//! Machines of states: which state follows, how often, and what is read of it.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

const REVIEW: &str = "
states:
  - id: draft
    noop: { text: \"${{ 'v' + string(iteration) }}\" }
    next: review
  - id: review
    noop: { good: \"${{ iteration > 2 }}\" }
    next:
      - { when: steps.review.output.good, go: end }
      - { go: draft }
outputs: { text: \"${{ steps.draft.output.text }}\", visits: \"${{ size(steps.draft.instances) }}\" }
";

#[test]
fn the_first_true_entry_wins_and_steps_are_the_last_visit() {
    let mut world = World::run(REVIEW);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"text": "v3", "visits": 3}));
    assert_eq!(
        world.executed.iter().map(|key| key.trim_start_matches("r_test/")).collect::<Vec<_>>(),
        ["draft", "review", "draft~2", "review~2", "draft~3", "review~3"]
    );
    assert_eq!(world.step("draft~3").label, "draft~3");
}

#[test]
fn rule_09_instances_of_a_state_are_its_visits() {
    let text = REVIEW.replace(
        "visits: \"${{ size(steps.draft.instances) }}\"",
        "visits: \"${{ steps.draft.instances.map(v, [v.iteration, v.output.text]) }}\"",
    );
    let world = World::run(&text);
    assert_eq!(world.outputs()["visits"], json!([[1, "v1"], [2, "v2"], [3, "v3"]]));
}

#[test]
fn an_entry_counts_as_false_once_it_was_taken_so_often() {
    let text = "
states:
  - id: work
    noop: 1
    next:
      - { when: 'true', go: work, max: 2 }
      - { go: give_up }
  - { id: give_up, noop: 2, next: end }
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let keys: Vec<&str> = world.executed.iter().map(|key| key.trim_start_matches("r_test/")).collect();
    assert_eq!(keys, ["work", "work~2", "work~3", "give_up"]);
}

#[test]
fn p3_without_a_transition_that_holds_the_block_fails() {
    let text = "
states:
  - id: a
    noop: { ok: false }
    next: [ { when: steps.a.output.ok, go: end } ]
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::NoTransition, "a"));
    assert!(message.contains("no entry of `next`"), "{message}");
}

#[test]
fn p3_a_state_is_visited_a_hundred_times_and_then_the_block_fails() {
    let text = "
states:
  - id: a
    set: { n: 1 }
    next: [ { when: iteration < 1, go: end }, { go: a } ]
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert!(world.error().2.contains("100"), "{:?}", world.error());
    assert_eq!(world.state().completed, 100);
}

#[test]
fn go_fail_fails_the_block_and_end_completes_it() {
    let text = "
states:
  - { id: a, set: { n: 1 }, next: [ { when: 'true', go: fail }, { go: end } ] }
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.error().0, ErrorKind::Fail);
}

#[test]
fn rule_06_counts_start_afresh_with_each_instance_of_the_block() {
    let text = "
steps:
  - id: each
    foreach: { in: [a, b] }
    states:
      - id: work
        set: { n: \"${{ iteration }}\" }
        next: [ { when: iteration < 2, go: work, max: 1 }, { go: end } ]
    outputs: { n: \"${{ steps.work.output.n }}\" }
";
    let world = World::run(text);
    assert_eq!(world.outputs(), json!({"each": [{"n": 2}, {"n": 2}]}));
}

#[test]
fn rule_15_go_on_error_is_try_and_catch_and_does_not_degrade() {
    let text = "
states:
  - id: try
    on_error: { go: catch }
    steps:
      - { id: a, noop: 1 }
      - { id: b, noop: { fail: broken } }
    next: end
  - { id: catch, set: { why: \"${{ steps.try.error.message }}\" }, next: end }
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"catch": {"why": "broken"}}));
    assert_eq!(world.status("try"), StepStatus::Failed);
}

#[test]
fn rule_15_with_continue_next_is_looked_at() {
    let text = "
states:
  - id: a
    on_error: continue
    noop: { fail: no }
    next: [ { when: \"steps.a.status == 'failed'\", go: b }, { go: end } ]
  - { id: b, set: { n: 1 }, next: end }
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)), "dealt with, rule 18");
    assert_eq!(world.outputs(), json!({"b": {"n": 1}}));
}

#[test]
fn rule_18_trouble_inside_a_last_visit_counts_and_of_a_replaced_one_does_not() {
    let text = "
states:
  - id: part
    steps:
      - { id: a, on_error: continue, noop: \"${{ iteration == BAD ? {'fail': 'no'} : {'v': 1} }}\" }
    next: [ { when: iteration < 2, go: part }, { go: end } ]
";
    let world = World::run(&text.replace("BAD", "1"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let world = World::run(&text.replace("BAD", "2"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn a_failed_state_stops_the_machine() {
    let text = "
states:
  - { id: a, noop: { fail: no }, next: b }
  - { id: b, noop: 1, next: end }
finally:
  - { id: tidy, noop: \"${{ ended.status }}\" }
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.status("b"), StepStatus::Cancelled);
    assert_eq!(world.status("tidy"), StepStatus::Completed);
}

#[test]
fn states_that_were_not_visited_are_skipped_once_the_machine_is_done() {
    let text = "
states:
  - { id: a, noop: 1, next: [ { when: 'true', go: end }, { go: b } ] }
  - { id: b, noop: 1, next: end }
";
    let mut world = World::run(text);
    assert_eq!(world.ended().0, RunStatus::Completed);
    assert_eq!(world.status("b"), StepStatus::Skipped);
}

#[test]
fn an_error_in_when_fails_the_block() {
    let text = "
states:
  - { id: a, noop: { v: 1 }, next: [ { when: steps.a.output.w, go: end }, { go: a } ] }
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.error().0, ErrorKind::Expression);
}

#[test]
fn a_machine_goes_on_after_a_crash_in_any_state() {
    let text = REVIEW.replace("noop: { text", "noop: { hang: 1, text");
    let mut world = World::run(&text);
    for visit in ["draft", "draft~2", "draft~3"] {
        world.crash();
        assert_eq!(world.status(visit), StepStatus::Running);
        world.end(visit, ok(json!({"text": visit})));
    }
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"text": "draft~3", "visits": 3}));
}

#[test]
fn rule_37_undo_takes_replaced_visits_too() {
    let text = "
states:
  - id: a
    run: [do]
    undo: { run: [undo] }
    next: [ { when: iteration < 3, go: a }, { go: b } ]
  - { id: b, fail: enough }
";
    let world = World::run_with(text, json!({}), Box::new(|_| Some(ok(json!(1)))));
    assert_eq!(world.ended().0, RunStatus::Failed);
    let keys: Vec<&str> = world.executed.iter().map(|key| key.trim_start_matches("r_test/")).collect();
    assert_eq!(keys, ["a", "a~2", "a~3", "a~3!undo", "a~2!undo", "a!undo"]);
}

#[test]
fn states_that_a_run_did_not_come_to_are_left_out_or_cancelled_with_it() {
    let text = "
states:
  - { id: a, noop: { WORD: 1 }, next: [ { when: steps.a.output.skip > 0, go: end }, { go: b } ] }
  - { id: b, set: { n: 1 }, next: end }
";
    let mut world = World::run(&text.replace("WORD", "skip"));
    assert_eq!(world.ended().0, RunStatus::Completed);
    assert_eq!(world.status("b"), StepStatus::Skipped);
    let mut world = World::run(&text.replace("WORD: 1", "fail: broken"));
    assert_eq!(world.ended().0, RunStatus::Failed);
    assert_eq!(world.status("b"), StepStatus::Cancelled);
}

#[test]
fn rule_18_a_state_that_was_blocked_degrades_its_run_though_the_machine_went_on() {
    let text = "
states:
  - { id: a, on_error: continue, noop: { fail: broken }, next: b }
  - { id: b, noop: \"${{ steps.a.output }}\", next: end }
";
    let mut world = World::run(text);
    assert_eq!(world.status("b"), StepStatus::Blocked);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

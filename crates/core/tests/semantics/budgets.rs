//! Rule 43: budgets of attempts.

use serde_json::json;
use stead_core::effect::{AttemptResult, EndReason, ErrorKind};
use stead_core::limits;
use stead_core::run::{Again, Budget, Input, turn::SettleInput};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

fn used(world: &mut World, path: &str) -> (u32, u32) {
    let budget = if path.is_empty() { world.view().budget } else { world.step(path).budget };
    let Budget { attempts, used, .. } = budget.unwrap();
    (used, attempts)
}

/// A child that makes so many attempts, one after another.
fn child(n: u32) -> String {
    format!("inline: {{ stead: 1, name: kid, steps: [ {{ id: l, loop: {{ max: {n} }}, noop: 1 }} ] }}")
}

#[test]
fn rule_43_a_run_makes_as_many_attempts_as_its_budget_and_no_more() {
    let mut world = World::run("budget: { attempts: 3 }\nsteps:\n  - { id: l, loop: { max: 3 }, noop: 1 }\n");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(used(&mut world, ""), (3, 3));
    let mut world = World::run(
        "budget: { attempts: 3 }\nsteps:\n  - { id: l, on_error: continue, loop: { max: 4 }, noop: 1 }\n  - { id: after, set: { v: 1 } }\n",
    );
    assert_eq!(world.executed.len(), 3);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Budget, "l#4"));
    assert_eq!(message, "the budget of the run is used up: 3 attempts");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)), "no `on_error` stops that");
    assert_eq!(world.status("after"), StepStatus::Cancelled);
    assert_eq!(world.events(""), ["budget_spent"]);
}

#[test]
fn rule_43_the_budget_of_a_step_fails_it_and_its_on_error_decides() {
    let mut world = World::run(
        "steps:\n  - id: g\n    budget: { attempts: 2 }\n    on_error: continue\n    steps:\n      - { id: a, on_error: continue, noop: { fail: x } }\n      - { id: b, noop: 1 }\n      - { id: c, on_error: continue, noop: 1 }\n      - { id: d, set: { v: 1 } }\n  - { id: after, noop: '${{ steps.g.error.kind + \" \" + steps.g.error.step + \" \" + steps.g.outcome }}' }\n",
    );
    assert_eq!(world.outputs()["after"], json!("budget g/c exhausted"));
    assert_eq!(world.executed, ["r_test/g/a", "r_test/g/b", "r_test/after"]);
    let step = world.step("g");
    assert_eq!((step.status, step.outcome), (StepStatus::Failed, Some(Outcome::Exhausted)));
    assert_eq!(world.status("g/d"), StepStatus::Cancelled);
    assert_eq!(used(&mut world, "g"), (2, 2));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_43_tries_count_and_an_action_may_have_a_budget_of_its_own() {
    let mut world = World::run(
        "steps:\n  - { id: a, budget: { attempts: 3 }, retry: { attempts: 9, wait: 1s, jitter: 0 }, noop: { fail: x } }\n",
    );
    world.pass(100_000);
    assert_eq!(world.executed.len(), 3);
    assert_eq!(world.error().0, ErrorKind::Budget);
    assert_eq!(world.error().2, "the budget of `a` is used up: 3 attempts");
    assert_eq!(used(&mut world, "a"), (3, 3));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
}

#[test]
fn rule_43_what_runs_inside_is_ended() {
    let mut world = World::run(
        "steps:\n  - id: each\n    budget: { attempts: 2 }\n    foreach: { in: [1, 2, 3], parallel: 3 }\n    noop: { hang: 1 }\n",
    );
    assert_eq!(
        world.ends,
        [("each[0]".to_owned(), EndReason::Cancelled), ("each[1]".to_owned(), EndReason::Cancelled)]
    );
    assert_eq!((world.status("each"), world.error().0), (StepStatus::Failed, ErrorKind::Budget));
    assert_eq!(world.executed.len(), 2);
}

#[test]
fn rule_43_the_outermost_budget_that_is_used_up_counts() {
    let world = World::run(
        "budget: { attempts: 2 }\nsteps:\n  - id: g\n    budget: { attempts: 2 }\n    on_error: continue\n    steps:\n      - { id: l, loop: { max: 5 }, noop: 1 }\n  - { id: after, set: { v: 1 } }\n",
    );
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert!(world.error().2.contains("of the run"), "{}", world.error().2);
}

#[test]
fn rule_43_finally_and_undo_count_nowhere() {
    let mut world = World::run(
        "budget: { attempts: 2 }\nsteps:\n  - { id: a, noop: 1, undo: { run: [undo, a] } }\n  - { id: l, loop: { max: 5 }, noop: 2 }\nfinally:\n  - { id: f, loop: { max: 3 }, noop: 3 }\n",
    );
    assert_eq!(
        world.executed,
        ["r_test/a", "r_test/l#1", "r_test/a!undo", "r_test/f#1", "r_test/f#2", "r_test/f#3"]
    );
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert_eq!(used(&mut world, ""), (2, 2));
}

#[test]
fn rule_43_a_lost_attempt_is_not_counted_twice() {
    let mut world = World::run(
        "budget: { attempts: 2 }\nsteps:\n  - { id: a, noop: { hang: 1 } }\n  - { id: b, effect: once, noop: { hang: 1 } }\n  - { id: c, on_error: continue, noop: 1 }\n",
    );
    for _ in 0..4 {
        world.crash();
        world.crash_to_snapshot();
    }
    assert_eq!(used(&mut world, ""), (1, 2));
    world.end("a", ok(json!(1)));
    world.crash();
    assert_eq!(used(&mut world, ""), (2, 2), "parked, it was made all the same");
    let top = world.top.clone();
    let settle = |verdict| Input::Settle { path: "b".into(), verdict, by: "user:ana".into() };
    world.give(&top, settle(SettleInput::Again));
    world.go();
    assert_eq!(used(&mut world, ""), (2, 2));
    world.crash();
    world.give(&top, settle(SettleInput::Done(json!(1))));
    world.go();
    assert_eq!(world.error().0, ErrorKind::Budget);
    assert_eq!(world.error().1, "c");
}

#[test]
fn rule_43_children_get_what_is_left_and_report_what_they_used() {
    let mut world = World::run(&format!(
        "budget: {{ attempts: 10 }}\nsteps:\n  - {{ id: a, noop: 1 }}\n  - {{ id: c, workflow: {{ {} }} }}\n  - {{ id: d, loop: {{ max: 5 }}, noop: 1 }}\n  - {{ id: e, on_error: continue, noop: 1 }}\n",
        child(3)
    ));
    let kid = world.runs.iter().find(|(id, _)| **id != world.top).unwrap().1;
    assert_eq!(kid.state.budget().map(|budget| (budget.used, budget.attempts)), Some((3, 9)));
    assert_eq!(used(&mut world, ""), (10, 10));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_43_a_child_that_needs_more_than_there_is_uses_the_budget_up() {
    let mut world = World::run(&format!(
        "budget: {{ attempts: 4 }}\nsteps:\n  - {{ id: a, noop: 1 }}\n  - {{ id: c, on_error: continue, workflow: {{ {} }} }}\n  - {{ id: after, set: {{ v: 1 }} }}\n",
        child(9)
    ));
    assert_eq!(world.executed.len(), 4);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)), "no `on_error` stops that");
    assert_eq!(world.error().0, ErrorKind::Budget);
    assert_eq!(used(&mut world, ""), (4, 4));
    assert_eq!(world.status("c"), StepStatus::Failed);
}

#[test]
fn rule_43_a_childs_own_smaller_budget_is_its_failure_only() {
    let kid = "inline: { stead: 1, name: kid, budget: { attempts: 2 }, steps: [ { id: l, loop: { max: 9 }, noop: 1 } ] }";
    let mut world = World::run(&format!(
        "budget: {{ attempts: 6 }}\nsteps:\n  - {{ id: c, on_error: continue, workflow: {{ {kid} }} }}\n  - {{ id: after, loop: {{ max: 4 }}, noop: 1 }}\n"
    ));
    let step = world.step("c");
    assert_eq!((step.outcome, step.error.unwrap().kind), (Some(Outcome::Exhausted), ErrorKind::Child));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(used(&mut world, ""), (6, 6));
}

#[test]
fn rule_43_children_beside_each_other_share_what_is_left() {
    let slow = "inline: { stead: 1, name: kid, steps: [ { id: k, noop: { hang: 1 } } ] }";
    let mut world = World::run(&format!(
        "budget: {{ attempts: 10 }}\nsteps:\n  - id: each\n    foreach: {{ in: [1, 2, 3, 4], parallel: 3 }}\n    workflow: {{ {slow} }}\n"
    ));
    let shares = |world: &World| -> Vec<u32> {
        let top = &world.top;
        let mut all: Vec<u32> = world
            .runs
            .iter()
            .filter(|(id, _)| *id != top)
            .map(|(_, r)| r.state.budget().unwrap().attempts)
            .collect();
        all.sort_unstable();
        all
    };
    assert_eq!(shares(&world), [2, 2, 4], "a third of what is left each time, rounded up");
    assert_eq!(world.view().budget, Some(Budget { attempts: 10, used: 0, reserved: 8 }));
    world.crash();
    assert_eq!(world.view().budget, Some(Budget { attempts: 10, used: 0, reserved: 8 }));
    while let Some(job) = world.open.first().cloned() {
        world.open.remove(0);
        world.finish(&job, ok(json!(1)));
        world.go();
    }
    assert_eq!(world.view().budget, Some(Budget { attempts: 10, used: 4, reserved: 0 }));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    // Of steps those count that make attempts, have not ended, and wait for no other of them.
    let mut world = World::run(&format!(
        "budget: {{ attempts: 9 }}\nsteps:\n  - {{ id: a, needs: [], workflow: {{ {slow} }} }}\n  - {{ id: b, needs: [], steps: [ {{ id: i, wait: {{ for: 1h }} }}, {{ id: n, noop: 1 }} ] }}\n  - {{ id: c, needs: [a], noop: 1 }}\n  - {{ id: d, needs: [], set: {{ v: 1 }} }}\n  - {{ id: e, needs: [], wait: {{ for: 1h }} }}\n"
    ));
    assert_eq!(shares(&world), [5]);
    world.cancel();
    assert_eq!(world.view().budget, Some(Budget { attempts: 9, used: 1, reserved: 0 }));
}

#[test]
fn rule_43_a_child_of_a_child_counts_all_the_way_up() {
    let inner = "{ stead: 1, name: inner, steps: [ { id: l, loop: { max: 3 }, noop: 1 } ] }";
    let outer = format!(
        "inline: {{ stead: 1, name: outer, steps: [ {{ id: o, noop: 1 }}, {{ id: w, workflow: {{ inline: {inner} }} }} ] }}"
    );
    let mut world = World::run(&format!(
        "budget: {{ attempts: 8 }}\nsteps:\n  - {{ id: l, budget: {{ attempts: 9 }}, loop: {{ max: 2 }}, workflow: {{ {outer} }} }}\n"
    ));
    assert_eq!(used(&mut world, ""), (8, 8));
    assert_eq!(used(&mut world, "l"), (8, 9));
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn rule_43_a_child_that_is_ended_by_force_of_time_gives_back_what_it_did_not_use() {
    let slow = "inline: { stead: 1, name: kid, steps: [ { id: k, noop: { hang: 1 } } ] }";
    let mut world = World::run(&format!(
        "budget: {{ attempts: 5 }}\nsteps:\n  - {{ id: c, on_error: continue, timeout: 10s, workflow: {{ {slow} }} }}\n  - {{ id: l, loop: {{ max: 4 }}, noop: 1 }}\n"
    ));
    world.pass(10_000);
    assert_eq!(used(&mut world, ""), (5, 5));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_43_a_paused_attempt_that_is_made_again_counts_once() {
    let mut world = World::run("budget: { attempts: 1 }\nsteps:\n  - { id: a, noop: { hang: 1 } }\n");
    let top = world.top.clone();
    world.give(&top, Input::Pause { by: "user:ana".into(), now: true });
    world.go();
    assert_eq!(used(&mut world, ""), (0, 1));
    world.ends.clear();
    world.give(&top, Input::Resume { by: "user:ana".into() });
    world.pass(0);
    assert_eq!(used(&mut world, ""), (1, 1));
    world.end("a", ok(json!(1)));
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn a_retry_of_the_run_has_all_of_the_budget_again() {
    let mut world = World::run("budget: { attempts: 2 }\nsteps:\n  - { id: l, loop: { max: 4 }, noop: 1 }\n");
    assert_eq!(world.error().0, ErrorKind::Budget);
    let top = world.top.clone();
    world.give(&top, Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs: Vec::new() });
    world.go();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.executed.len(), 4);
}

#[test]
fn rule_43_a_budget_may_be_computed_and_is_bounded() {
    let text = "inputs: { n: { type: integer } }\nbudget: { attempts: '${{ inputs.n }}' }\nsteps:\n  - { id: g, budget: { attempts: '${{ inputs.n * 2 }}' }, loop: { max: 3 }, noop: 1 }\n";
    let mut world = World::run_inputs(text, json!({"n": 3}));
    assert_eq!((used(&mut world, ""), used(&mut world, "g")), ((3, 3), (3, 6)));
    let world = World::run_inputs(text, json!({"n": limits::BUDGET_ATTEMPTS + 1}));
    assert!(world.error().2.contains("budget.attempts is 1000001"), "{}", world.error().2);
    let world = World::run_inputs(text, json!({"n": 0}));
    assert_eq!(world.error().0, ErrorKind::Expression);
    let step = text.replace("budget: { attempts: '${{ inputs.n }}' }\n", "");
    let world = World::run_inputs(&step, json!({"n": 0}));
    assert_eq!((world.error().0, world.error().1.as_str()), (ErrorKind::Expression, "g"));
}

#[test]
fn rule_43_skipped_and_pure_steps_need_no_budget() {
    let mut world = World::run(
        "budget: { attempts: 1 }\nsteps:\n  - { id: a, noop: 1 }\n  - { id: b, budget: { attempts: 1 }, if: 'false', noop: 1 }\n  - { id: c, budget: { attempts: 1 }, set: { v: 1 } }\n  - { id: w, budget: { attempts: 1 }, wait: { for: 1s } }\n",
    );
    world.pass(1_000);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_43_a_queued_attempt_is_reserved() {
    let mut world =
        World::run("budget: { attempts: 1 }\nsteps:\n  - { id: a, effect: once, noop: { hang: 1 } }\n");
    let top = world.top.clone();
    world.give(&top, Input::AttemptPlace { path: "a".into(), number: 1, begins: false });
    assert_eq!(used(&mut world, ""), (1, 1));
    world.crash();
    assert_eq!(used(&mut world, ""), (1, 1));
    world.end("a", AttemptResult { output: Some(json!(1)), ..AttemptResult::default() });
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn rule_43_a_child_that_waited_for_a_place_has_no_more_than_its_step_has() {
    let text = "
budget: { attempts: 9 }
steps:
  - id: c
    budget: { attempts: 2 }
    concurrency: { key: k }
    workflow:
      inline:
        stead: 1
        name: inner
        steps: [{ id: all, foreach: { in: [1, 2, 3] }, noop: \"${{ item }}\" }]
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert_eq!(world.executed.len(), 2);
    assert_eq!(world.step("c").budget.map(|budget| budget.used), Some(2));
}

//! foreach and loop.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, failed, ok};

#[test]
fn rule_19_an_empty_or_double_key_fails_the_step_before_any_item() {
    for (keys, what) in [("['a', '']", "empty"), ("['a', 'a']", "twice")] {
        let world = World::run(&format!(
            "steps:\n  - id: each\n    foreach: {{ in: \"${{{{ {keys} }}}}\", key: '${{{{ item }}}}' }}\n    noop: 1\n"
        ));
        let (kind, _, message) = world.error();
        assert_eq!(kind, ErrorKind::Expression);
        assert!(message.contains(what), "{message}");
        assert!(world.executed.is_empty());
    }
}

#[test]
fn rule_19_in_takes_a_list_or_a_map() {
    let world = World::run(
        "steps:\n  - { id: n, noop: 5 }\n  - { id: each, foreach: { in: '${{ steps.n.output }}' }, set: { v: 1 } }\n",
    );
    assert!(world.error().2.contains("a number"), "{}", world.error().2);
}

#[test]
fn rule_20_an_item_holds_its_place_from_start_to_end() {
    let mut world = World::run(
        "steps:\n  - id: each\n    foreach: { in: '${{ [1, 2, 3, 4] }}', parallel: 2 }\n    retry: { attempts: 2, wait: 1s, jitter: 0 }\n    noop: { hang: 1, n: '${{ item }}' }\n",
    );
    let open = |world: &World| world.open.iter().map(|job| job.attempt.path.clone()).collect::<Vec<_>>();
    assert_eq!(open(&world), ["each[0]", "each[1]"]);
    world.end("each[0]", failed(ErrorKind::Exit, "broken"));
    assert_eq!(open(&world), ["each[1]"], "the wait for the next try holds the place");
    world.pass(1_000);
    assert_eq!(open(&world), ["each[1]", "each[0]"]);
    world.end("each[0]", ok(json!(1)));
    assert_eq!(open(&world), ["each[1]", "each[2]"]);
    for path in ["each[1]", "each[2]", "each[3]"] {
        world.end(path, ok(json!(path)));
    }
    assert_eq!(world.outputs(), json!({"each": [1, "each[1]", "each[2]", "each[3]"]}));
}

#[test]
fn rule_20_a_failed_item_ends_the_others_and_the_step() {
    let mut world = World::run(
        "steps:\n  - id: each\n    on_error: continue\n    foreach: { in: '${{ [1, 2, 3] }}', parallel: 2 }\n    noop: { hang: 1 }\n  - { id: after, noop: '${{ steps.each.error.step }}' }\noutputs: { after: '${{ steps.after.output }}' }\n",
    );
    world.end("each[1]", failed(ErrorKind::Exit, "broken"));
    assert_eq!(world.status("each"), StepStatus::Failed);
    assert_eq!(world.outputs(), json!({"after": "each[1]"}));
    assert_eq!(world.executed, ["r_test/each[0]", "r_test/each[1]", "r_test/after"], "the third never began");
}

#[test]
fn rule_21_until_is_evaluated_from_min_on() {
    let world = World::run(
        "steps:\n  - { id: l, loop: { max: 9, min: 3, until: 'true' }, noop: '${{ iteration }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"l": 3}));
}

#[test]
fn rule_21_without_a_condition_max_is_how_often() {
    let world = World::run("steps:\n  - { id: l, loop: { max: 3 }, noop: '${{ iteration }}' }\n");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"l": 3}));
}

#[test]
fn rule_21_a_failed_iteration_fails_the_loop() {
    let world = World::run(
        "steps:\n  - id: l\n    loop: { max: 5 }\n    steps:\n      - { id: a, noop: { ok: '${{ iteration }}' } }\n      - { id: b, set: { v: '${{ 1 / (2 - iteration) }}' } }\n",
    );
    assert_eq!(world.error().1, "l#2/b");
    assert_eq!(world.executed.len(), 2);
}

#[test]
fn rule_21_max_is_at_least_one() {
    let world = World::run(
        "inputs: { n: { type: integer, default: 0 } }\nsteps:\n  - { id: l, loop: { max: '${{ inputs.n }}' }, set: { v: 1 } }\n",
    );
    assert!(world.error().2.contains("loop.max"), "{}", world.error().2);
}

#[test]
fn rule_21_a_foreach_in_a_loop_is_read_afresh() {
    let world = World::run(
        "steps:\n  - id: l\n    loop: { max: 3 }\n    steps:\n      - id: list\n        noop: \"${{ iteration == 1 ? ['a'] : previous.list.output + ['b'] }}\"\n      - id: each\n        foreach: { in: '${{ steps.list.output }}' }\n        noop: '${{ item }}'\n    outputs: { all: '${{ steps.each.output }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"l": {"all": ["a", "b", "b"]}}));
}

#[test]
fn rule_24_instances_are_named_by_path() {
    let world = World::run(
        "steps:\n  - id: per_epic\n    foreach: { in: \"${{ ['E-1', 'E/2'] }}\", key: '${{ item }}' }\n    steps:\n      - { id: draft, loop: { max: 2 }, noop: 1 }\n",
    );
    assert_eq!(
        world.executed,
        [
            "r_test/per_epic[E-1]/draft#1",
            "r_test/per_epic[E-1]/draft#2",
            "r_test/per_epic[E/2]/draft#1",
            "r_test/per_epic[E/2]/draft#2",
        ]
    );
}

#[test]
fn a_thousand_items_run_beside_each_other() {
    let all: Vec<u32> = (1..=1000).collect();
    let world = World::run_inputs(
        "inputs: { all: { type: array } }\nsteps:\n  - { id: n, foreach: { in: '${{ inputs.all }}', parallel: 1000 }, noop: '${{ item }}' }\noutputs: { sum: '${{ sum(steps.n.output) }}' }\n",
        json!({ "all": all }),
    );
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"sum": 500_500}));
}

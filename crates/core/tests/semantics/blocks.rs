//! Blocks and names.

use serde_json::json;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::World;

#[test]
fn rule_01_insides_of_siblings_may_have_steps_of_one_name() {
    let world = World::run(
        "steps:\n  - id: a\n    steps: [ { id: x, set: { n: 1 } } ]\n  - id: b\n    steps: [ { id: x, set: { n: 2 } } ]\n\
         outputs: { a: '${{ steps.a.output.x.n }}', b: '${{ steps.b.output.x.n }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"a": 1, "b": 2}));
}

#[test]
fn rule_02_a_step_reads_its_block_and_what_encloses_it() {
    let world = World::run(
        "inputs: { n: { type: integer, default: 4 } }\nvars: { m: '${{ inputs.n * 2 }}' }\n\
         steps:\n  - id: outer\n    set: { v: 10 }\n  - id: group\n    steps:\n      - id: one\n        set: { v: '${{ steps.outer.output.v + vars.m }}' }\n      - id: two\n        set: { v: '${{ steps.one.output.v + inputs.n }}' }\n    outputs: { v: '${{ steps.two.output.v }}' }\n\
         outputs: { v: '${{ steps.group.output.v }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"v": 22}));
}

#[test]
fn rule_03_in_until_the_id_is_the_iteration_and_outside_it_is_the_whole() {
    let mut world = World::run(
        "steps:\n  - id: count\n    loop: { max: 10, until: steps.count.output.n >= 3 }\n    set: { n: '${{ iteration }}' }\n\
         outputs: { n: '${{ steps.count.output.n }}', first: '${{ steps.count.instances[0].output.n }}', all: '${{ steps.count.instances.map(i, i.iteration) }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"n": 3, "first": 1, "all": [1, 2, 3]}));
    assert_eq!(world.status("count"), StepStatus::Completed);
}

#[test]
fn rule_04_previous_is_to_the_last_iteration_what_steps_is_to_this_one() {
    let world = World::run(
        "steps:\n  - id: grow\n    loop: { max: 4 }\n    steps:\n      - id: v\n        set: { n: '${{ iteration > 1 ? previous.v.output.n * 2 : 1 }}' }\n    outputs: { n: '${{ steps.v.output.n }}' }\n\
         \n  - id: sum\n    loop: { max: 3 }\n    set: { n: '${{ iteration == 1 ? 10 : previous.sum.output.n + 1 }}' }\n\
         outputs: { n: '${{ steps.grow.output.n }}', sum: '${{ steps.sum.output.n }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"n": 8, "sum": 12}));
}

#[test]
fn rule_04_an_outer_item_is_reached_by_its_name() {
    let world = World::run(
        "steps:\n  - id: rows\n    foreach: { in: '${{ [1, 2] }}', as: row }\n    steps:\n      - id: cells\n        foreach: { in: '${{ [10, 20] }}', as: cell }\n        noop: '${{ row * cell + index }}'\n    outputs: { c: '${{ steps.cells.output }}' }\n\
         outputs: { all: '${{ steps.rows.output.map(r, r.c) }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"all": [[10, 21], [20, 41]]}));
}

#[test]
fn rule_05_a_key_sees_the_item_and_in_sees_what_the_step_sees() {
    let mut world = World::run(
        "steps:\n  - id: list\n    noop: [ { id: E-1 }, { id: E-2 } ]\n  - id: each\n    foreach: { in: '${{ steps.list.output }}', as: epic, key: '${{ epic.id }}-x' }\n    noop: '${{ key }}'\n\
         outputs: { keys: '${{ steps.each.output }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"keys": ["E-1-x", "E-2-x"]}));
    assert_eq!(world.events("each[E-2-x]"), ["attempt_started", "attempt_ended"]);
    assert_eq!(world.step("each").items.unwrap().done, 2);
}

#[test]
fn rule_12_needs_make_an_order_and_what_needs_nothing_starts_at_once() {
    let mut world = World::run(
        "steps:\n  - id: a\n    noop: { hang: true }\n  - id: b\n    needs: []\n    noop: 2\n  - id: c\n    needs: [b]\n    noop: 3\n  - id: d\n    noop: 4\n",
    );
    assert_eq!(world.status("a"), StepStatus::Running);
    assert_eq!(world.status("b"), StepStatus::Completed);
    assert_eq!(world.status("c"), StepStatus::Completed);
    assert_eq!(world.status("d"), StepStatus::Pending, "by default a step needs all above it");
    world.end("a", crate::harness::ok(json!(1)));
    assert_eq!(world.status("d"), StepStatus::Completed);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_12_a_skipped_step_meets_a_need() {
    let mut world = World::run(
        "steps:\n  - id: a\n    if: 1 > 2\n    set: { v: 1 }\n  - id: b\n    needs: [a]\n    set: { a: \"${{ steps.a.?output.orValue('none') }}\", s: '${{ steps.a.status }}' }\noutputs: { b: '${{ steps.b.output }}' }\n",
    );
    assert_eq!(world.status("a"), StepStatus::Skipped);
    assert_eq!(world.outputs(), json!({"b": {"a": "none", "s": "skipped"}}));
}

#[test]
fn if_is_evaluated_once_before_foreach() {
    let mut world = World::run(
        "steps:\n  - id: never\n    if: 'false'\n    foreach: { in: '${{ [1, 2] }}' }\n    noop: '${{ item }}'\n",
    );
    assert_eq!(world.status("never"), StepStatus::Skipped);
    assert!(world.executed.is_empty());
}

//! Outputs.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::World;

#[test]
fn rule_07_a_block_without_outputs_gives_those_of_its_steps() {
    let world = World::run(
        "steps:\n  - id: g\n    steps:\n      - { id: a, set: { v: 1 } }\n      - { id: b, if: 'false', set: { v: 2 } }\n      - { id: c, noop: three }\n",
    );
    assert_eq!(world.outputs(), json!({"g": {"a": {"v": 1}, "c": "three"}}));
}

#[test]
fn rule_07_an_error_in_outputs_fails_the_block() {
    let mut world = World::run(
        "steps:\n  - id: data\n    noop: { a: 1 }\n  - id: g\n    steps:\n      - { id: a, noop: { x: 1 } }\n    outputs: { v: '${{ steps.a.output.y }}' }\n",
    );
    assert_eq!(world.status("g"), StepStatus::Failed);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Expression, "g"));
    assert!(message.contains('y') && message.contains('x'), "names what there is: {message}");
}

#[test]
fn rule_08_foreach_gives_a_list_for_a_list_and_a_map_for_a_map() {
    let world = World::run(
        "steps:\n  - id: list\n    foreach: { in: '${{ [3, 1, 2] }}', parallel: 3 }\n    noop: '${{ item * 10 }}'\n  - id: map\n    foreach: { in: \"${{ {'b': 1, 'a': 2} }}\" }\n    noop: '${{ key + string(item) }}'\n  - id: empty\n    foreach: { in: '${{ [] }}' }\n    noop: x\n  - id: loop\n    loop: { max: 3 }\n    noop: '${{ iteration }}'\n",
    );
    let outputs = world.outputs();
    assert_eq!(outputs["list"], json!([30, 10, 20]), "in the order of `in`");
    assert_eq!(outputs["map"], json!({"b": "b1", "a": "a2"}));
    assert_eq!(
        outputs["map"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["b", "a"],
        "in the order of `in`"
    );
    assert_eq!(outputs["empty"], json!([]));
    assert_eq!(outputs["loop"], json!(3), "the last iteration's");
}

#[test]
fn rule_08_an_element_without_an_output_is_null() {
    let world = World::run(
        "steps:\n  - id: waits\n    foreach: { in: '${{ [1, 2] }}' }\n    steps:\n      - { id: s, if: item == 1, noop: one }\n    outputs: { s: \"${{ steps.s.?output.orValue(null) }}\" }\noutputs: { all: '${{ steps.waits.output.map(w, w.s) }}' }\n",
    );
    assert_eq!(world.outputs(), json!({"all": ["one", null]}));
}

#[test]
fn rule_09_instances_list_items_with_the_keys_of_a_step() {
    let world = World::run(
        "steps:\n  - id: each\n    foreach: { in: \"${{ [{'k': 'x'}, {'k': 'y'}] }}\", as: e, key: '${{ e.k }}' }\n    noop: '${{ e.k }}'\noutputs:\n  all: \"${{ steps.each.instances.map(i, [string(i.index), i.key, i.item.k, i.status, i.output]) }}\"\n  tries: '${{ steps.each.instances.map(i, i.attempts) }}'\n",
    );
    let want = json!([["0", "x", "x", "completed", "x"], ["1", "y", "y", "completed", "y"]]);
    assert_eq!(world.outputs(), json!({"all": want, "tries": [1, 1]}));
}

#[test]
fn rule_10_what_has_no_output_is_read_through_a_guard() {
    let world = World::run(
        "steps:\n  - id: bad\n    on_error: continue\n    noop: { fail: broken }\n  - id: after\n    set:\n      a: \"${{ steps.bad.?output.orValue('nothing') }}\"\n      b: '${{ has(steps.bad.output) ? 1 : 0 }}'\n      c: '${{ steps.bad.error.kind }}: ${{ steps.bad.error.message }} at ${{ steps.bad.error.step }}'\noutputs: { after: '${{ steps.after.output }}' }\n",
    );
    assert_eq!(world.outputs()["after"], json!({"a": "nothing", "b": 0, "c": "exit: broken at bad"}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_11_a_reader_of_what_failed_is_blocked_and_so_on() {
    let mut world = World::run(
        "steps:\n  - id: bad\n    on_error: continue\n    noop: { fail: broken }\n  - id: reads\n    set: { v: '${{ steps.bad.output }}' }\n  - id: reads_that\n    noop: '${{ steps.reads.output }}'\n  - id: reads_not\n    set: { v: 1 }\n",
    );
    assert_eq!(world.status("reads"), StepStatus::Blocked);
    assert_eq!(world.status("reads_that"), StepStatus::Blocked);
    assert_eq!(
        world.status("reads_not"),
        StepStatus::Completed,
        "rule 12: what reads nothing of it just runs"
    );
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.events("reads_that"), ["step_blocked"]);
}

#[test]
fn values_of_any_size_come_through_unchanged() {
    let small = "x".repeat(10);
    let event = "y".repeat(3_000);
    let file = "z".repeat(100_000);
    let text = "inputs: { a: { type: string }, b: { type: string }, c: { type: string } }\nsteps:\n  - id: keep\n    set: { a: '${{ inputs.a }}', b: '${{ inputs.b }}', c: '${{ inputs.c }}' }\n  - id: effect\n    noop: '${{ steps.keep.output }}'\n  - id: sizes\n    noop: '${{ [steps.effect.output.a, steps.effect.output.b, steps.effect.output.c].map(t, size(t)) }}'\noutputs: { sizes: '${{ steps.sizes.output }}', all: '${{ steps.effect.output }}' }\n";
    let inputs = json!({"a": small, "b": event, "c": file});
    let mut world = World::run_inputs(text, inputs.clone());
    assert_eq!(world.outputs(), json!({"sizes": [10, 3_000, 100_000], "all": inputs}));
    let journal: Vec<Value> =
        world.runs[&world.top].journal.iter().map(|(_, e)| serde_json::to_value(e).unwrap()).collect();
    assert!(!journal.iter().any(|e| e.to_string().contains("zzzz")), "large values stand in files by hash");
    world.crash();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn vars_are_computed_once_in_order() {
    let world = World::run_inputs(
        "inputs: { n: { type: integer } }\nvars: { a: '${{ inputs.n + 1 }}', b: '${{ vars.a * 2 }}' }\nsteps:\n  - { id: s, set: { v: '${{ vars.b }}' } }\n",
        json!({"n": 4}),
    );
    assert_eq!(world.outputs(), json!({"s": {"v": 10}}));
}

#[test]
fn run_tells_of_itself() {
    let world =
        World::run("steps:\n  - { id: s, noop: '${{ run.id }} ${{ run.workflow }} ${{ run.project }}' }\n");
    assert_eq!(world.outputs(), json!({"s": "r_test test p"}));
}

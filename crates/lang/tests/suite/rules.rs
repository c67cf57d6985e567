//! What the check enforces of the language's numbered rules, each under its number.

use crate::common::{checked, codes, finds, good, shown};

/// Steps that do nothing, one for each id.
fn noops(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("  - id: {id}\n    noop: null\n")).collect()
}

/// The positions that a step of the document's block reads without a guard.
fn reads(text: &str, id: &str) -> Vec<(u32, usize)> {
    let plan = good(text).plan.unwrap();
    let step = plan.steps.iter().find(|s| s.id == id).unwrap();
    step.reads.iter().map(|r| (r.up, r.step)).collect()
}

#[test]
fn rule_01_ids_are_unique_in_their_block_and_around() {
    finds(&format!("steps:\n{}", noops(&["a", "b", "a"])), &[("E0303", 8, "`a` is given twice")]);
    finds(
        "steps:\n  - id: a\n    noop: 1\n  - id: g\n    steps:\n      - id: a\n        noop: 1\n      - id: g\n        noop: 1\n",
        &[("E0303", 8, "a step around"), ("E0303", 10, "a step around")],
    );
    // An id that stands below in an outer block is around just as well.
    finds(
        "steps:\n  - id: g\n    steps:\n      - id: late\n        noop: 1\n  - id: late\n    noop: 1\n",
        &[("E0303", 6, "`late`")],
    );
    // The insides of siblings may repeat ids.
    good(
        "steps:\n  - id: g\n    steps:\n      - id: a\n        noop: 1\n  - id: h\n    steps:\n      - id: a\n        noop: 1\n",
    );
}

#[test]
fn rule_01_needs_names_the_own_block_only() {
    finds(
        "steps:\n  - id: a\n    noop: 1\n  - id: g\n    steps:\n      - id: b\n        needs: [a]\n        noop: 1\n",
        &[("E0305", 9, "no step `a` in this block")],
    );
    finds(
        "steps:\n  - id: a\n    needs: [b, a]\n    noop: 1\n  - id: b\n    needs: [a, a]\n    noop: 1\n",
        &[("E0306", 5, "`b` comes after"), ("E0306", 5, "cannot need itself"), ("E0219", 8, "named twice")],
    );
}

#[test]
fn rule_02_a_step_reads_only_what_its_needs_reach() {
    let graph = |needs: &str| {
        format!(
            "steps:\n  - id: a\n    noop: 1\n  - id: b\n    needs: [a]\n    noop: 1\n  - id: c\n    needs: []\n    noop: 1\n  - id: d\n    needs: {needs}\n    noop: \"${{{{ [steps.a.output, steps.b.output] }}}}\"\n"
        )
    };
    // Directly, and through others.
    good(&graph("[b]"));
    finds(&graph("[a]"), &[("E0308", 14, "`b` need not have run")]);
    finds(&graph("[c]"), &[("E0308", 14, "`a`"), ("E0308", 14, "`b`")]);
    finds(&graph("[]"), &[("E0308", 14, "`a`"), ("E0308", 14, "`b`")]);
}

#[test]
fn rule_02_a_step_reads_what_the_steps_around_it_may_read() {
    let nested = |needs: &str| {
        format!(
            "steps:\n  - id: a\n    noop: 1\n  - id: g\n    needs: {needs}\n    steps:\n      - id: h\n        steps:\n          - id: b\n            noop: \"${{{{ steps.a.output }}}}\"\n"
        )
    };
    good(&nested("[a]"));
    finds(&nested("[]"), &[("E0308", 12, "`a` need not have run")]);
    let found = checked(&nested("[]"));
    assert_eq!(found.diagnostics[0].help.as_deref(), Some("a step around this one has to need `a`"));
}

#[test]
fn rule_02_the_inside_of_a_sibling_is_not_read() {
    finds(
        "steps:\n  - id: g\n    steps:\n      - id: inner\n        noop: 1\n  - id: b\n    noop: \"${{ steps.inner.output }}\"\n",
        &[("E0309", 9, "stands inside of `g`")],
    );
    good(
        "steps:\n  - id: g\n    outputs: { x: \"${{ steps.inner.output }}\" }\n    steps:\n      - id: inner\n        noop: 1\n  - id: b\n    noop: \"${{ steps.g.output.x }}\"\n",
    );
    // What a group shows is known.
    finds(
        "steps:\n  - id: g\n    outputs: { total: \"${{ steps.inner.output }}\" }\n    steps:\n      - id: inner\n        noop: 1\n  - id: b\n    noop: \"${{ steps.g.output.totl }}\"\n",
        &[("E0408", 10, "totl")],
    );
}

#[test]
fn rule_02_neither_a_step_nor_what_is_around_it_reads_itself() {
    finds(
        "steps:\n  - id: g\n    steps:\n      - id: a\n        noop: \"${{ [steps.a.output, steps.g.output] }}\"\n",
        &[("E0310", 7, "`a` reads itself"), ("E0310", 7, "`g` is around this step")],
    );
}

#[test]
fn rule_03_until_sees_this_iteration_of_an_action() {
    good("steps:\n  - id: a\n    loop: { max: 3, until: steps.a.output.done }\n    noop: { done: true }\n");
    // Its own keys see the whole, which is not done.
    finds(
        "steps:\n  - id: a\n    loop: { max: 3, until: steps.a.output.done }\n    noop: \"${{ steps.a.output }}\"\n",
        &[("E0310", 6, "reads itself")],
    );
    // The iteration before is the same step.
    good(
        "steps:\n  - id: a\n    loop: { max: 3 }\n    noop: \"${{ iteration > 1 ? previous.a.output : 0 }}\"\n",
    );
    // The output of the whole is that of its iterations: a list for a list.
    finds(
        "steps:\n  - id: a\n    foreach: { in: [1, 2] }\n    set: { x: 1 }\n  - id: b\n    noop: \"${{ steps.a.output.x }}\"\n  - id: c\n    noop: \"${{ steps.a.output[0].x }}\"\n",
        &[("E0409", 8, "")],
    );
}

#[test]
fn rule_04_previous_is_the_iteration_before_of_the_innermost_loop() {
    good(
        "steps:\n  - id: l\n    loop: { max: 2 }\n    steps:\n      - id: a\n        noop: \"${{ iteration > 1 ? previous.b.output : 0 }}\"\n      - id: b\n        noop: 1\n",
    );
    finds(
        "steps:\n  - id: l\n    loop: { max: 2 }\n    steps:\n      - id: a\n        noop: \"${{ previous.c.output }}\"\n",
        &[("E0307", 8, "the loop has no step `c`")],
    );
    finds(
        "steps:\n  - id: a\n    foreach: { in: [1] }\n    noop: \"${{ [previous.a.output, iteration] }}\"\n",
        &[("E0312", 6, "`previous`"), ("E0312", 6, "`iteration`")],
    );
    // In a foreach inside of a loop both are known, and `previous` is the loop's.
    good(
        "steps:\n  - id: l\n    loop: { max: 2 }\n    steps:\n      - id: a\n        foreach: { in: [1] }\n        noop: \"${{ [iteration, index, key, item, previous.?a.output.orValue(null)] }}\"\n",
    );
}

#[test]
fn rule_05_each_key_sees_what_it_may() {
    // What a step sees before its elements: nothing of them.
    finds(
        "steps:\n  - id: a\n    if: item == 1\n    foreach: { in: \"${{ [index] }}\", parallel: \"${{ key }}\" }\n    deadline: \"${{ item }}\"\n    noop: 1\n",
        &[("E0312", 5, "`item`"), ("E0312", 6, "`index`"), ("E0312", 6, "`key`"), ("E0312", 7, "`item`")],
    );
    // `foreach.key` sees the element as well.
    good("steps:\n  - id: a\n    foreach: { in: [{ n: x }], key: \"${{ item.n }}\" }\n    noop: 1\n");
    finds(
        "steps:\n  - id: a\n    foreach: { in: [{ n: x }], key: \"${{ index }}\" }\n    noop: 1\n",
        &[("E0312", 5, "`index`")],
    );
    // The name given by `as` takes the place of `item`.
    finds(
        "steps:\n  - id: a\n    foreach: { in: [1], as: x }\n    noop: \"${{ [x, item] }}\"\n",
        &[("E0312", 6, "`item`")],
    );
    // `loop.max` sees what the step sees, `until` and `outputs` the inside of the block too.
    finds(
        "steps:\n  - id: l\n    loop: { max: \"${{ steps.a.output }}\", until: steps.a.output }\n    outputs: { a: \"${{ steps.a.output }}\" }\n    steps:\n      - id: a\n        noop: 1\n",
        &[("E0309", 5, "stands inside")],
    );
    // Keys of an instance see the element.
    good(
        "steps:\n  - id: a\n    foreach: { in: [1, 2] }\n    run: [echo, \"${{ item }}\"]\n    timeout: \"${{ item }}s\"\n    retry: { attempts: \"${{ item }}\" }\n    env: { A: \"${{ index }}\" }\n",
    );
}

#[test]
fn rule_05_the_head_sees_no_steps() {
    finds(
        "vars: { a: \"${{ steps.x.output }}\", b: \"${{ vars.a }}\", c: \"${{ vars.d }}\", d: 1 }\nenv: { A: \"${{ steps.x.output }}\" }\nsteps:\n  - id: x\n    noop: \"${{ vars.d }}\"\n",
        &[("E0312", 3, "no steps"), ("E0408", 3, "d"), ("E0312", 4, "no steps")],
    );
}

#[test]
fn rule_10_the_output_of_a_skipped_step_is_read_through_a_guard() {
    let reader = |reader: &str| {
        format!(
            "inputs: {{ on: {{ type: boolean }} }}\nsteps:\n  - id: a\n    if: inputs.on\n    noop: 1\n  - id: b\n{reader}"
        )
    };
    for guarded in [
        "    noop: \"${{ steps.a.?output.orValue(0) }}\"\n",
        "    noop: \"${{ has(steps.a.output) ? steps.a.output : 0 }}\"\n",
        "    noop: \"${{ steps.a.status == 'completed' ? steps.a.output : 0 }}\"\n",
        "    if: has(steps.a.output)\n    noop: \"${{ steps.a.output }}\"\n",
        "    if: steps.a.status == 'completed' && inputs.on\n    noop: \"${{ steps.a.output }}\"\n",
        "    noop: \"${{ steps.a.status }}\"\n",
        "    if: has(steps.a.output)\n    steps:\n      - id: c\n        noop: \"${{ steps.a.output }}\"\n",
        "    if: has(steps.a.output)\n    outputs: { x: \"${{ steps.a.output }}\" }\n    steps:\n      - id: c\n        noop: 1\n",
    ] {
        good(&reader(guarded));
    }
    for bare in [
        "    noop: \"${{ steps.a.output }}\"\n",
        "    noop: \"${{ has(steps.a.output) ? 0 : steps.a.output }}\"\n",
        "    if: steps.a.output == 1\n    noop: 1\n",
        "    if: inputs.on || has(steps.a.output)\n    noop: \"${{ steps.a.output }}\"\n",
    ] {
        let found = checked(&reader(bare));
        assert_eq!(codes(&found), ["E0311"], "{bare}\n{}", shown(&found));
    }
}

#[test]
fn rule_11_outputs_and_until_need_guards_too() {
    finds(
        "inputs: { on: { type: boolean } }\nsteps:\n  - id: a\n    if: inputs.on\n    noop: 1\n  - id: l\n    loop: { max: 2, until: steps.b.output == 1 }\n    steps:\n      - id: b\n        if: inputs.on\n        noop: 1\noutputs: { a: \"${{ steps.a.output }}\" }\n",
        &[("E0311", 9, "`b`"), ("E0311", 14, "`a`")],
    );
}

#[test]
fn rule_3_in_until_the_own_id_is_an_iteration_which_has_run_whatever_if_says() {
    good(
        "inputs: { on: { type: boolean } }\nsteps:\n  - id: a\n    if: inputs.on\n    loop: { max: 2, until: steps.a.output == 1 }\n    noop: 1\n",
    );
}

#[test]
fn rule_11_what_makes_a_reader_blocked_is_known_from_its_text() {
    let text = "steps:\n  - id: a\n    noop: 1\n  - id: b\n    noop: 1\n  - id: c\n    noop: \"${{ [steps.a.output, steps.b.?output.orValue(0)] }}\"\n";
    assert_eq!(reads(text, "c"), [(0, 0)]);
    let text = "steps:\n  - id: a\n    noop: 1\n  - id: g\n    steps:\n      - id: b\n        noop: 1\n      - id: c\n        if: steps.b.output == 1\n        run: ls\n        env: { A: \"${{ steps.a.output }}\" }\n";
    assert_eq!(reads(text, "c"), [(0, 0), (1, 0)]);
    // What only the outputs and `until` read blocks nothing.
    let text = "steps:\n  - id: a\n    noop: 1\n  - id: g\n    loop: { max: 1, until: steps.a.output == 1 }\n    outputs: { a: \"${{ steps.a.output }}\" }\n    steps:\n      - id: b\n        noop: 1\n";
    assert_eq!(reads(text, "g"), []);
    // Status and error can be read of a failed step.
    let text = "steps:\n  - id: a\n    noop: 1\n  - id: b\n    noop: \"${{ [steps.a.status, steps.a.?error.message.orValue('')] }}\"\n";
    assert_eq!(reads(text, "b"), []);
}

#[test]
fn rule_13_kinds_of_error_are_known() {
    finds(
        "steps:\n  - id: a\n    run: ls\n    retry: { errors: [exit, time_out] }\n",
        &[("E0204", 6, "`time_out`")],
    );
}

#[test]
fn rule_19_foreach_goes_over_lists_and_maps() {
    good("steps:\n  - id: a\n    foreach: { in: { x: 1, y: 2 } }\n    noop: \"${{ [key, item] }}\"\n");
    finds("steps:\n  - id: a\n    foreach: { in: 3 }\n    noop: 1\n", &[("E0203", 5, "`in` is a list")]);
    finds(
        "steps:\n  - id: a\n    foreach: { in: \"${{ 'abc' }}\" }\n    noop: 1\n",
        &[("E0411", 5, "a list or a map is needed here, and this gives a text")],
    );
}

#[test]
fn rule_20_retry_and_timeout_are_of_instances_and_not_of_groups() {
    finds(
        "steps:\n  - id: g\n    retry: 2\n    timeout: 1m\n    effect: once\n    steps:\n      - id: a\n        noop: 1\n",
        &[("E0209", 5, "`retry`"), ("E0209", 6, "`timeout`"), ("E0209", 7, "`effect`")],
    );
}

#[test]
fn rule_21_a_loop_has_at_least_one_iteration() {
    finds("steps:\n  - id: a\n    loop: { max: 0 }\n    noop: 1\n", &[("E0206", 5, "`max`")]);
    finds("steps:\n  - id: a\n    loop: { max: 2, min: 3 }\n    noop: 1\n", &[("E0206", 5, "`min` is 3")]);
    finds(
        "steps:\n  - id: a\n    loop: { max: 3, until: steps.a.output.text }\n    set: { text: x }\n",
        &[("E0410", 5, "a boolean")],
    );
}

#[test]
fn rule_44_children_are_pinned_and_have_a_head_of_their_own() {
    let text = "\
secrets: [TOKEN]
vars: { v: 1 }
steps:
  - id: a
    workflow:
      inline:
        stead: 1
        name: child
        steps:
          - id: b
            run: ls
            env: { TOKEN: \"${{ secrets.TOKEN }}\", V: \"${{ vars.v }}\" }
";
    finds(text, &[("E0314", 14, "`TOKEN` is not declared"), ("E0408", 14, "v")]);
}

#[test]
fn rule_45_secrets_stand_alone_in_their_marks_in_env_and_stdin() {
    good(
        "secrets: [A]\nenv: { X: \"${{ secrets.A }}\" }\nsteps:\n  - id: a\n    run: ls\n    env: { Y: \"t ${{ secrets.A }} ${{ run.id }}\" }\n    stdin: { token: \"${{ secrets.A }}\" }\n",
    );
    finds(
        "secrets: [A]\nvars: { v: \"${{ secrets.A }}\" }\nenv: { X: \"t ${{ secrets.A + '' }}\" }\nsteps:\n  - id: a\n    if: secrets.A == ''\n    run: [echo, \"${{ secrets.A }}\"]\n  - id: b\n    set: { x: \"${{ secrets.A }}\" }\n  - id: c\n    noop: \"${{ [secrets.A] }}\"\n  - id: d\n    run: ls\n    stdin: \"${{ secrets.A + 'x' }}\"\noutputs: { o: \"${{ secrets.A }}\" }\n",
        &[
            ("E0313", 4, ""),
            ("E0313", 5, "alone"),
            ("E0313", 8, ""),
            ("E0313", 9, ""),
            ("E0313", 11, ""),
            ("E0313", 13, ""),
            ("E0313", 16, "alone"),
            ("E0313", 17, ""),
        ],
    );
    finds(
        "secrets: [API_TOKEN]\nsteps:\n  - id: a\n    run: ls\n    env: { T: \"${{ secrets.API_TOKN }}\" }\n",
        &[("E0314", 7, "`API_TOKN`")],
    );
}

#[test]
fn p12_no_value_becomes_code() {
    finds(
        "inputs: { x: { type: string } }\nsteps:\n  - id: a\n    run: |\n      set -e\n      echo ${{ inputs.x }}\n",
        &[("E0412", 8, "taken as it stands")],
    );
    let help = checked("inputs: { x: { type: string } }\nsteps:\n  - id: a\n    run: echo ${{ inputs.x }}\n");
    let help = help.diagnostics[0].help.clone().unwrap();
    assert!(help.contains("env: { VALUE: \"${{ inputs.x }}\" }") && help.contains("\"$VALUE\""), "{help}");
    // A program that is handed its code as an argument.
    for run in [
        "[bash, -c, \"echo ${{ inputs.x }}\"]",
        "[/bin/sh, -ec, \"${{ inputs.x }}\"]",
        "[python3, -I, -c, \"print(${{ inputs.x }})\"]",
        "[node, -e, \"${{ inputs.x }}\"]",
    ] {
        let text = format!("inputs: {{ x: {{ type: string }} }}\nsteps:\n  - id: a\n    run: {run}\n");
        assert_eq!(codes(&checked(&text)), ["E0412"], "{run}");
    }
    for run in [
        "[bash, -c, 'echo \"$1\"', bash, \"${{ inputs.x }}\"]",
        "[bash, \"${{ inputs.x }}\"]",
        "[echo, -c, \"${{ inputs.x }}\"]",
        "[bash, -c, 'echo $${{ text']",
        "[bash, --norc, script.sh, \"${{ inputs.x }}\"]",
    ] {
        good(&format!("inputs: {{ x: {{ type: string }} }}\nsteps:\n  - id: a\n    run: {run}\n"));
    }
}

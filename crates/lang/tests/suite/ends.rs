//! Joins, `finally`, `undo` and `verify`: what becomes of them, and what is refused of them.

use stead_lang::plan::{ActionKind, Block, Body, EffectRule, Join, OnError, Plan, Setting};

use crate::common::{checked, codes, finds, good, shown};

fn plan(text: &str) -> std::sync::Arc<Plan> {
    good(text).plan.unwrap()
}

fn block<'p>(plan: &'p Plan, path: &str) -> &'p Block {
    match &plan.steps.iter().find(|s| s.path == path).unwrap().body {
        Body::Block(block) => block,
        Body::Action(_) => panic!("`{path}` is no group"),
    }
}

/// Two parts and a reader of them.
fn joined(join: &str, reader: &str) -> String {
    format!(
        "steps:\n  - id: g\n    join: {join}\n    outputs: {{ a: \"{reader}\" }}\n    steps:\n      - {{ id: a, needs: [], noop: 1 }}\n      - {{ id: b, needs: [], noop: 2 }}\n"
    )
}

#[test]
fn rule_26_a_join_is_a_word_or_a_number() {
    for (word, join) in [
        ("all", Join::All),
        ("first", Join::First),
        ("majority", Join::Majority),
        ("settled", Join::Settled),
        ("1", Join::Count(1)),
        ("2", Join::Count(2)),
    ] {
        assert_eq!(block(&plan(&joined(word, "x")), "g").join, join, "{word}");
        let each = format!("steps:\n  - id: a\n    foreach: {{ in: [1, 2], join: {word} }}\n    noop: 1\n");
        let plan = plan(&each);
        let Some(stead_lang::plan::Each::Foreach { join: got, .. }) = plan.steps[0].each else { panic!() };
        assert_eq!(got, join, "{word}");
    }
    finds(&joined("most", "x"), &[("E0204", 5, "`most`")]);
    finds(&joined("${{ 2 }}", "x"), &[("E0218", 5, "no expression")]);
    finds(&joined("1.5", "x"), &[("E0206", 5, "1.5")]);
}

#[test]
fn rule_26_a_join_asks_for_no_more_parts_than_there_are() {
    finds(&joined("3", "x"), &[("E0206", 5, "3 parts are to complete, and there are 2")]);
    finds(&joined("0", "x"), &[("E0206", 5, "from 1 to 2")]);
    let each = |items: &str, join: &str| {
        format!(
            "inputs: {{ l: {{ type: array }} }}\nsteps:\n  - id: a\n    foreach: {{ in: {items}, join: {join} }}\n    noop: 1\n"
        )
    };
    finds(&each("[1, 2]", "3"), &[("E0206", 6, "there are 2")]);
    finds(&each("{ a: 1 }", "2"), &[("E0206", 6, "there are 1")]);
    good(&each("\"${{ inputs.l }}\"", "3"));
}

#[test]
fn rule_26_parts_of_a_join_wait_for_none() {
    let steps = |join: &str, needs: &str| {
        format!(
            "steps:\n  - id: g\n    join: {join}\n    steps:\n      - {{ id: a, noop: 1 }}\n      - {{ id: b, {needs} noop: 2 }}\n"
        )
    };
    good(&steps("first", "needs: [],"));
    good(&steps("all", ""));
    finds(&steps("first", ""), &[("E0321", 8, "a part of a join waits")]);
    finds(&steps("settled", "needs: [a],"), &[("E0321", 8, "a part of a join waits")]);
}

#[test]
fn rule_11_parts_of_a_join_are_read_through_a_guard() {
    for join in ["first", "majority", "settled", "1"] {
        finds(
            &joined(join, "${{ steps.a.output }}"),
            &[("E0311", 6, "`a` is a part of a join that does without some")],
        );
        good(&joined(join, "${{ steps.a.?output.orValue(0) }}"));
        good(&joined(join, "${{ steps.a.status }}"));
    }
    good(&joined("all", "${{ steps.a.output }}"));
    finds(
        "steps:\n  - id: g\n    join: first\n    loop: { max: 2, until: steps.a.output == 1 }\n    steps:\n      - { id: a, needs: [], noop: 1 }\n",
        &[("E0311", 6, "part of a join")],
    );
    // What is inside of a part is not: it has its own order.
    good(
        "steps:\n  - id: g\n    join: first\n    steps:\n      - id: a\n        needs: []\n        steps:\n          - { id: x, noop: 1 }\n          - { id: y, noop: \"${{ steps.x.output }}\" }\n",
    );
}

#[test]
fn rule_08_an_element_may_be_null_where_not_all_complete() {
    let text = |join: &str| {
        format!(
            "steps:\n  - id: a\n    foreach: {{ in: [1, 2], join: {join} }}\n    run: ls\n  - id: b\n    noop: \"${{{{ steps.a.output.filter(x, x != null) }}}}\"\n"
        )
    };
    good(&text("settled"));
}

const DOCUMENT_END: &str = "steps:\n  - { id: a, noop: 1 }\nfinally:\n  - { id: x, noop: \"${{ ended.status }}\" }\n  - { id: y, noop: 2 }\n  - { id: z, noop: \"${{ steps.x.output }}\" }\n";

#[test]
fn rule_39_the_steps_of_an_end_stand_behind_the_own_ones_in_order() {
    let plan = plan(DOCUMENT_END);
    assert_eq!((plan.root.own, plan.root.steps.len(), plan.root.finally().len()), (1, 4, 3));
    let needs: Vec<_> = plan.steps.iter().map(|s| (s.id.as_str(), s.finally, s.needs.as_slice())).collect();
    let expected: Vec<(&str, bool, &[usize])> =
        vec![("a", false, &[]), ("x", true, &[]), ("y", true, &[1]), ("z", true, &[2])];
    assert_eq!(needs, expected);
    assert!(plan.steps[0].needed_by.is_empty(), "no own step waits for or holds up an end");
    assert_eq!(plan.root.by_id["z"], 3);
    assert!(plan.steps[1..].iter().all(|s| s.on_error == OnError::Continue));
    assert_eq!(plan.steps[3].reads.iter().map(|r| (r.up, r.step)).collect::<Vec<_>>(), [(0, 1)]);
    let group = "steps:\n  - id: g\n    steps: [{ id: a, noop: 1 }]\n    finally: [{ id: b, noop: 1 }]\n  - { id: c, noop: 1 }\n";
    let grouped = good(group).plan.unwrap();
    assert_eq!((block(&grouped, "g").own, block(&grouped, "g").steps.len()), (1, 2));
    assert!(grouped.steps.iter().find(|s| s.path == "g/b").unwrap().finally);
    // Inside of a group in an end, steps are ordinary ones.
    let nested = good("steps:\n  - { id: a, noop: 1 }\nfinally:\n  - id: g\n    steps: [{ id: b, noop: 1 }, { id: c, noop: \"${{ ended.outcome }}\" }]\n").plan.unwrap();
    let inner = nested.steps.iter().find(|s| s.path == "g/c").unwrap();
    assert!(!inner.finally && inner.on_error == OnError::Stop && inner.needs == [0]);
}

#[test]
fn rule_39_an_end_reads_the_steps_of_its_block_through_guards_only() {
    let end = |reader: &str| {
        format!(
            "steps:\n  - {{ id: a, noop: 1 }}\n  - id: g\n    steps:\n      - {{ id: b, noop: 1 }}\n    finally:\n      - {reader}\n"
        )
    };
    good(&end("{ id: x, noop: \"${{ [steps.a.output, steps.b.?output.orValue(0), steps.b.status] }}\" }"));
    good(&end("{ id: x, if: has(steps.b.output), noop: \"${{ steps.b.output }}\" }"));
    good(&end("{ id: x, noop: \"${{ steps.b.?error.message.orValue('') }}\" }"));
    finds(
        &end("{ id: x, noop: \"${{ steps.b.output }}\" }"),
        &[("E0311", 9, "the block may have ended before `b` completed")],
    );
    finds(
        &end("{ id: x, steps: [{ id: y, noop: \"${{ steps.b.output }}\" }] }"),
        &[("E0311", 9, "may have ended before")],
    );
}

#[test]
fn rule_39_ended_is_known_at_the_end_only() {
    good(
        "steps:\n  - { id: a, noop: 1 }\nfinally:\n  - id: x\n    if: ended.status == 'failed' && ended.outcome != 'ok'\n    noop: \"${{ [ended.error.message, ended.error.kind, ended.error.step] }}\"\n",
    );
    finds(
        "steps:\n  - { id: a, if: ended.status == 'failed', noop: 1 }\noutputs: { o: \"${{ ended.status }}\" }\nfinally:\n  - { id: x, noop: \"${{ ended.state }}\" }\n",
        &[("E0312", 4, "`ended`"), ("E0312", 5, "`ended`"), ("E0408", 7, "state")],
    );
    finds(
        "steps:\n  - id: a\n    foreach: { in: [1], as: ended }\n    noop: 1\n",
        &[("E0304", 5, "`ended` means something else")],
    );
}

#[test]
fn rule_39_nothing_reads_what_comes_at_the_end() {
    finds(
        "steps:\n  - { id: a, noop: \"${{ steps.x.output }}\" }\n  - { id: b, needs: [x], noop: 1 }\noutputs: { o: \"${{ steps.x.output }}\" }\nfinally:\n  - { id: x, noop: \"${{ steps.y.output }}\" }\n  - { id: y, noop: 1 }\n",
        &[
            ("E0308", 4, "`x` stands in `finally`"),
            ("E0306", 5, "`x` comes after"),
            ("E0308", 6, "`x` stands in `finally`"),
            ("E0308", 8, "`y` stands in `finally`"),
        ],
    );
    // It gives nothing to the outputs where none are declared.
    finds(
        "steps:\n  - id: g\n    steps: [{ id: a, noop: 1 }]\n    finally: [{ id: x, noop: 1 }]\n  - { id: b, noop: \"${{ steps.g.output.x }}\" }\n",
        &[("E0408", 7, "x")],
    );
    // Nor is it there in the iteration after.
    finds(
        "steps:\n  - id: g\n    loop: { max: 2 }\n    steps: [{ id: a, noop: \"${{ previous.x.output }}\" }]\n    finally: [{ id: x, noop: 1 }]\n",
        &[("E0307", 6, "`x`")],
    );
}

#[test]
fn rule_01_ids_of_an_end_are_those_of_its_block() {
    finds(
        "steps:\n  - { id: a, noop: 1 }\nfinally:\n  - { id: a, noop: 1 }\n",
        &[("E0303", 6, "`a` is given twice")],
    );
    finds(
        "steps:\n  - id: g\n    steps: [{ id: x, noop: 1 }]\nfinally:\n  - { id: x, noop: 1 }\n",
        &[("E0303", 5, "a step around")],
    );
}

#[test]
fn rule_32_an_end_waits_for_nothing_and_nobody() {
    for (action, code) in [
        ("wait: { for: 1s }", "E0221"),
        ("finish: done", "E0221"),
        ("workflow: { inline: { stead: 1, name: c, steps: [{ id: i, noop: 1 }] } }", "E0221"),
    ] {
        let text = format!("steps:\n  - {{ id: a, noop: 1 }}\nfinally:\n  - id: x\n    {action}\n");
        assert_eq!(codes(&checked(&text)), [code], "{action}");
        let text = format!(
            "steps:\n  - {{ id: a, noop: 1 }}\nfinally:\n  - id: x\n    foreach: {{ in: [1] }}\n    steps:\n      - id: y\n        steps:\n          - id: z\n            {action}\n"
        );
        assert_eq!(codes(&checked(&text)), [code], "{action}");
    }
    let text = "steps:\n  - { id: a, noop: 1 }\nfinally:\n  - { id: x, ask: { title: hm }, noop: 1 }\n";
    assert!(codes(&checked(text)).contains(&"E0221"), "{}", shown(&checked(text)));
}

#[test]
fn rule_39_an_end_has_its_own_order_and_is_not_taken_back() {
    let end = |keys: &str| {
        format!("steps:\n  - {{ id: a, noop: 1 }}\nfinally:\n  - id: x\n    noop: 1\n    {keys}\n")
    };
    good(&end("on_error: continue"));
    for keys in ["needs: []", "on_error: stop", "undo: { run: ls }"] {
        finds(&end(keys), &[("E0209", 8, "has no place in `finally`")]);
    }
    finds(
        "steps:\n  - { id: a, noop: 1 }\nfinally:\n  - id: g\n    steps:\n      - { id: x, noop: 1, undo: { run: ls } }\n      - { id: y, needs: [], on_error: stop, noop: 1 }\n",
        &[("E0209", 8, "`undo` has no place")],
    );
    finds("steps:\n  - { id: a, noop: 1 }\nfinally: []\n", &[("E0214", 5, "there are no steps")]);
}

#[test]
fn rule_37_undo_is_an_action_with_its_keys() {
    let text = "\
secrets: [TOKEN]
env: { CI: \"1\" }
defaults: { timeout: 5m, retry: 4, shell: sh, cwd: sub }
steps:
  - id: a
    noop: { name: x }
    effect: once
    retry: 1
    undo: { run: ./back.sh, env: { T: \"${{ secrets.TOKEN }}\", N: \"${{ steps.a.output.name }}\" }, stdin: \"${{ secrets.TOKEN }}\", retry: { attempts: 2, wait: 3s }, timeout: 1m, effect: none }
    verify: { run: [./done.sh], parse: json, expect: any }
";
    let plan = plan(text);
    let undo = plan.steps[0].undo.as_ref().unwrap();
    assert_eq!((undo.name, undo.effect), ("run", EffectRule::None));
    assert!(matches!((&undo.retry.attempts, &undo.retry.wait), (Setting::Fixed(2), Setting::Fixed(3_000))));
    assert!(matches!(undo.timeout, Some(Setting::Fixed(60_000))));
    let ActionKind::Effect { executor: "process", request } = &undo.kind else { panic!() };
    let stead_lang::template::Template::Map(entries) = request else { panic!("{request:?}") };
    let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["script", "env", "cwd", "stdin", "parse", "expect"]);
    let verify = plan.steps[0].verify.as_ref().unwrap();
    assert!(matches!(
        (&verify.retry.attempts, &verify.timeout),
        (Setting::Fixed(4), Some(Setting::Fixed(300_000)))
    ));
    assert!(plan.steps[0].reads.is_empty(), "what only `undo` reads blocks nothing");
}

#[test]
fn rule_37_undo_sees_what_its_step_sees_and_its_step() {
    // In a foreach and a loop the id is this instance, not the whole.
    for each in ["foreach: { in: [{ k: 1 }], as: e }", "loop: { max: 2 }"] {
        let name = if each.starts_with('f') { "e.k" } else { "iteration" };
        good(&format!(
            "steps:\n  - {{ id: p, noop: 1 }}\n  - id: a\n    {each}\n    set: {{ n: 1 }}\n    undo: {{ run: [x, \"${{{{ steps.a.output.n + {name} }}}}\", \"${{{{ steps.p.output }}}}\"] }}\n"
        ));
    }
    // The action itself does not see its own step.
    finds(
        "steps:\n  - id: a\n    noop: \"${{ steps.a.output }}\"\n    undo: { run: [x, \"${{ steps.a.output }}\"] }\n",
        &[("E0310", 5, "reads itself")],
    );
    // A group is undone as one, and what was skipped is not undone.
    good(
        "steps:\n  - id: g\n    if: 1 < 2\n    outputs: { n: 1 }\n    steps: [{ id: a, noop: 1 }]\n    undo: { run: [x, \"${{ steps.g.output.n }}\"] }\n",
    );
    finds(
        "steps:\n  - id: g\n    steps: [{ id: a, noop: 1 }]\n    undo: { run: [x, \"${{ steps.a.output }}\"] }\n",
        &[("E0309", 6, "stands inside")],
    );
    finds(
        "steps:\n  - id: p\n    if: 1 < 2\n    noop: 1\n  - id: a\n    noop: 1\n    undo: { run: [x, \"${{ steps.p.output }}\"] }\n",
        &[("E0311", 9, "`p` may have been skipped")],
    );
}

#[test]
fn undo_and_verify_do_one_thing_of_a_few() {
    let undo = |undo: &str| format!("steps:\n  - id: a\n    noop: 1\n    undo: {undo}\n");
    finds(&undo("{ set: { a: 1 } }"), &[("E0209", 6, "`set` has no place in `undo`")]);
    finds(&undo("{ timeout: 1s }"), &[("E0207", 6, "`undo` does nothing")]);
    assert!(codes(&checked(&undo("{ run: ls, calc: {} }"))).contains(&"E0208"));
    finds(&undo("{ run: ls, needs: [] }"), &[("E0201", 6, "no key `needs`")]);
    finds(&undo("./back.sh"), &[("E0203", 6, "`undo` is a map")]);
    finds(&undo("{ agent: { prompt: hm } }"), &[("E0501", 6, "`agent`")]);
    finds(&undo("{ run: \"echo ${{ steps.a.output }}\" }"), &[("E0412", 6, "taken as it stands")]);
}

#[test]
fn settings_of_undo_are_written_out() {
    let undo = |head: &str, keys: &str| {
        format!(
            "inputs: {{ n: {{ type: integer }} }}\n{head}steps:\n  - id: a\n    noop: 1\n    undo: {{ run: ls{keys} }}\n"
        )
    };
    finds(&undo("", ", timeout: \"${{ inputs.n }}s\""), &[("E0218", 7, "no expression")]);
    finds(&undo("", ", retry: \"${{ inputs.n }}\""), &[("E0218", 7, "no expression")]);
    finds(&undo("", ", retry: { wait: \"${{ inputs.n }}s\" }"), &[("E0218", 7, "no expression")]);
    let head = "defaults: { timeout: \"${{ inputs.n }}s\" }\n";
    finds(&undo(head, ""), &[("E0218", 8, "`defaults.timeout` is computed")]);
    good(&undo(head, ", timeout: 1s"));
    finds(
        &undo("defaults: { retry: { jitter: \"${{ inputs.n }}\" } }\n", ""),
        &[("E0218", 8, "`defaults.retry`")],
    );
}

#[test]
fn verify_is_asked_of_once_steps_only() {
    let verify = |does: &str| format!("steps:\n  - id: a\n    {does}\n    verify: {{ run: ls }}\n");
    good(&verify("noop: 1\n    effect: once"));
    finds(&verify("noop: 1"), &[("E0222", 6, "never asked")]);
    finds(&verify("set: { a: 1 }"), &[("E0222", 6, "never asked")]);
    finds(&verify("steps: [{ id: b, noop: 1 }]"), &[("E0222", 6, "no place in a group")]);
    // When it is asked, the step has no output yet.
    let text = "steps:\n  - id: a\n    noop: 1\n    effect: once\n    verify: { run: [x, \"${{ steps.a.output }}\", \"${{ steps.a.attempts }}\"] }\n";
    finds(text, &[("E0311", 7, "no output yet")]);
}

#[test]
fn files_of_the_end_are_gathered() {
    let parent = "stead: 1\nname: p\nsteps:\n  - { id: a, noop: 1 }\nfinally:\n  - id: g\n    steps: [{ id: c, workflow: { path: c.yml } }]\n";
    let child = "stead: 1\nname: c\nsteps:\n  - { id: a, rnu: 1 }\n";
    let found = crate::common::checked_files("p.yml", &[("p.yml", parent), ("c.yml", child)]);
    assert_eq!(codes(&found), ["E0221", "E0201"], "{}", shown(&found));
}

#[test]
fn rule_58_lines_of_a_file_have_no_keys_and_their_outputs_are_counted() {
    let each = |of: &str, more: &str, rest: &str| {
        format!(
            "inputs: {{ f: {{ type: file }}, l: {{ type: array, items: {{ type: integer }} }}, o: {{ type: object }}, t: {{ type: string }} }}\nsteps:\n  - id: a\n    foreach: {{ in: {of}, parse: jsonl{more} }}\n    noop: \"${{{{ item.x }}}}\"\n{rest}"
        )
    };
    let file = "\"${{ inputs.f }}\"";
    let plan = good(&each(
        file,
        ", join: settled",
        "  - { id: b, set: { n: \"${{ steps.a.output.failed + 1 }}\" } }\n",
    ));
    assert!(matches!(
        plan.plan.as_ref().unwrap().steps[0].each,
        Some(stead_lang::plan::Each::Foreach { lines: true, .. })
    ));
    // A map whose keys are not known may be a file.
    good(&each("\"${{ inputs.o }}\"", "", ""));
    finds(
        &each("\"${{ inputs.l }}\"", "", ""),
        &[("E0411", 6, "a file is needed here, and this gives a list")],
    );
    finds(&each("\"${{ inputs.t }}\"", "", ""), &[("E0411", 6, "a file is needed here")]);
    finds(&each("[1, 2]", "", ""), &[("E0203", 6, "an expression that gives a file")]);
    finds(&each("rows.jsonl", "", ""), &[("E0203", 6, "an expression that gives a file")]);
    finds(&each(file, ", key: \"${{ item.x }}\"", ""), &[("E0209", 6, "have no `key`")]);
    for join in ["first", "majority", "2"] {
        finds(&each(file, &format!(", join: {join}"), ""), &[("E0209", 6, "`join` is `all` or `settled`")]);
    }
    finds(
        &each(file, "", "  - { id: b, noop: \"${{ steps.a.instances }}\" }\n"),
        &[("E0408", 8, "instances")],
    );
    finds(&each(file, "", "  - { id: b, noop: \"${{ steps.a.output.all }}\" }\n"), &[("E0408", 8, "all")]);
    finds(&each(file, ", as: row", ""), &[("E0312", 7, "item")]);
}

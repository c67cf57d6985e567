//! What a definition becomes.

use serde_json::{Value, json};
use stead_lang::plan::{
    Action, ActionKind, Body, Each, EffectRule, InputKind, OnError, Plan, Setting, Step, Wait,
};
use stead_lang::template::{Piece, Template};

use crate::common::{checked, good, shown};

fn plan(text: &str) -> std::sync::Arc<Plan> {
    good(text).plan.unwrap()
}

fn step<'p>(plan: &'p Plan, path: &str) -> &'p Step {
    plan.steps.iter().find(|s| s.path == path).unwrap()
}

fn action<'p>(plan: &'p Plan, path: &str) -> &'p Action {
    match &step(plan, path).body {
        Body::Action(action) => action,
        Body::Block(_) => panic!("`{path}` is a group"),
    }
}

/// A template as JSON: expressions as `=source`, texts of pieces as lists, secrets as `!NAME`.
fn plain(template: &Template) -> Value {
    match template {
        Template::Literal(value) => value.clone(),
        Template::Expr(expr) => json!(format!("={}", expr.source())),
        Template::Text(pieces) => pieces
            .iter()
            .map(|p| match p {
                Piece::Text(text) => json!(text),
                Piece::Expr(expr) => json!(format!("={}", expr.source())),
                Piece::Secret(name) => json!(format!("!{name}")),
            })
            .collect(),
        Template::List(items) => items.iter().map(plain).collect(),
        Template::Map(entries) => {
            Value::Object(entries.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        Template::Secret(name) => json!(format!("!{name}")),
    }
}

fn request(text: &str) -> Value {
    let plan = plan(text);
    match &action(&plan, "a").kind {
        ActionKind::Effect { executor, request } => {
            let mut request = plain(request);
            request["executor"] = json!(executor);
            request
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn run_asks_for_a_script_or_a_program() {
    assert_eq!(
        request("steps:\n  - id: a\n    run: echo hi\n"),
        json!({"script": {"shell": "bash", "text": "echo hi"}, "parse": "text", "expect": [0], "executor": "process"})
    );
    let text = "\
inputs: { n: { type: integer } }
secrets: [KEY]
env: { A: \"1\", B: 2.50 }
steps:
  - id: a
    run: [./x, 1.10, \"${{ inputs.n }}\", \"n=${{ inputs.n }}\"]
    env: { B: \"${{ inputs.n }}\", K: \"${{ secrets.KEY }}\" }
    cwd: \"${{ inputs.n }}/x\"
    stdin: { n: \"${{ inputs.n }}\", k: \"${{ secrets.KEY }}\", v: 1 }
    parse: lines
    expect: any
";
    assert_eq!(
        request(text),
        json!({
            "argv": ["./x", "1.10", ["=inputs.n"], ["n=", "=inputs.n"]],
            "env": {"A": "1", "B": ["=inputs.n"], "K": "!KEY"},
            "cwd": ["=inputs.n", "/x"],
            "stdin": {"n": "=inputs.n", "k": "!KEY", "v": 1},
            "parse": "lines",
            "expect": "any",
            "executor": "process",
        })
    );
}

#[test]
fn noop_gives_its_value_to_its_executor() {
    let text = "inputs: { n: { type: integer } }\nsteps:\n  - id: a\n    noop: { x: \"${{ inputs.n }}\" }\n";
    assert_eq!(request(text), json!({"value": {"x": "=inputs.n"}, "executor": "noop"}));
}

#[test]
fn values_stay_what_their_author_wrote_where_text_is_expected() {
    let text = "\
description: 2026-11-21
inputs:
  version: { type: string, default: 1.10, enum: [1.10, 1.20, no] }
  count: { type: integer, default: 010 }
env: { V: 1.10, ON: on, Y: yes, D: 2026-01-31, H: 0x1F, O: 010, T: true }
steps:
  - id: a
    name: 1.0
    run: [echo, 1.10, no, 010, 0x1F, true, 2026-01-31]
  - id: b
    set: { no: no, when: 2026-01-31, hex: 0x1F, real: 1.5, yes: yes, on: true, nothing: ~, empty: }
";
    let plan = plan(text);
    assert_eq!(plan.description.as_deref(), Some("2026-11-21"));
    assert_eq!(plan.inputs[0].default, Some(json!("1.10")));
    assert_eq!(plan.inputs[0].schema["enum"], json!(["1.10", "1.20", "no"]));
    assert_eq!(plan.inputs[1].default, Some(json!(10)));
    assert_eq!(step(&plan, "a").name.as_deref(), Some("1.0"));
    let ActionKind::Effect { request, .. } = &action(&plan, "a").kind else { panic!() };
    let request = plain(request);
    assert_eq!(request["argv"], json!(["echo", "1.10", "no", "010", "0x1F", "true", "2026-01-31"]));
    let env =
        json!({"V": "1.10", "ON": "on", "Y": "yes", "D": "2026-01-31", "H": "0x1F", "O": "010", "T": "true"});
    assert_eq!(request["env"], env);
    let ActionKind::Set(values) = &action(&plan, "b").kind else { panic!() };
    let values = plain(values);
    let expected = json!({"no": "no", "when": "2026-01-31", "hex": 31, "real": 1.5, "yes": "yes", "on": true, "nothing": null, "empty": null});
    assert_eq!(values, expected);
}

#[test]
fn a_number_that_may_be_meant_as_text_is_warned_of() {
    let found = checked(
        "steps:\n  - id: a\n    set: { v: 1.10, zip: 01234, fine: 0.50, whole: 2.0, quoted: \"1.10\" }\n",
    );
    let messages: Vec<&str> = found.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["`1.10` is read as the number 1.1", "`01234` is read as the number 1234"]);
    assert!(found.plan.is_some(), "{}", shown(&found));
}

#[test]
fn needs_are_the_fewest_that_imply_all() {
    let text = "\
steps:
  - { id: a, noop: 1 }
  - { id: b, noop: 1 }
  - { id: c, needs: [], noop: 1 }
  - { id: d, needs: [a, b], noop: 1 }
  - { id: e, noop: 1 }
  - { id: f, needs: [c, d], noop: 1 }
  - { id: g, noop: 1 }
";
    let plan = plan(text);
    let needs: Vec<(&str, &[usize])> =
        plan.steps.iter().map(|s| (s.id.as_str(), s.needs.as_slice())).collect();
    let expected: Vec<(&str, &[usize])> = vec![
        ("a", &[]),
        ("b", &[0]),
        ("c", &[]),
        ("d", &[1]),
        ("e", &[2, 3]),
        ("f", &[2, 3]),
        ("g", &[4, 5]),
    ];
    assert_eq!(needs, expected);
    assert_eq!(plan.steps[2].needed_by, [4, 5]);
    assert_eq!(plan.steps[3].needed_by, [4, 5]);
    assert_eq!(plan.root.by_id["f"], 5);
}

#[test]
fn steps_stand_outer_before_inner_with_their_paths() {
    let text = "\
steps:
  - id: g
    steps:
      - id: h
        steps: [{ id: x, noop: 1 }]
      - { id: y, noop: 1 }
  - { id: z, noop: 1 }
";
    let plan = plan(text);
    let paths: Vec<(&str, Option<u32>)> = plan.steps.iter().map(|s| (s.path.as_str(), s.parent)).collect();
    assert_eq!(paths, [("g", None), ("g/h", Some(0)), ("g/h/x", Some(1)), ("g/y", Some(0)), ("z", None)]);
    assert_eq!(plan.root.steps, [0, 4]);
    let Body::Block(g) = &plan.steps[0].body else { panic!() };
    assert_eq!((g.steps.as_slice(), g.by_id["y"]), ([1, 3].as_slice(), 1));
}

#[test]
fn what_is_not_said_has_the_defaults_of_the_language() {
    let plan = plan(
        "steps:\n  - id: a\n    run: ls\n  - id: w\n    wait: { for: 1h30m }\n  - id: s\n    set: { x: 1 }\n",
    );
    let run = action(&plan, "a");
    assert!(matches!(run.timeout, Some(Setting::Fixed(3_600_000))));
    assert!(matches!(run.retry.attempts, Setting::Fixed(1)));
    assert!(matches!(run.retry.wait, Setting::Fixed(1_000)));
    assert!(matches!(run.retry.max_wait, Setting::Fixed(60_000)));
    assert_eq!(run.retry.errors, ["timeout", "exit", "network", "rate_limit", "schema", "child"]);
    assert_eq!((run.effect, step(&plan, "a").on_error), (EffectRule::Idempotent, OnError::Stop));
    assert!(action(&plan, "w").timeout.is_none() && action(&plan, "s").timeout.is_none());
    assert!(matches!(action(&plan, "w").kind, ActionKind::Wait(Wait::For(Setting::Fixed(5_400_000)))));
}

#[test]
fn defaults_of_the_document_reach_run_only() {
    let text = "\
defaults: { timeout: 5m, retry: 3, shell: sh, cwd: sub }
steps:
  - { id: a, run: ls }
  - { id: b, run: ls, timeout: 1m, retry: { attempts: 2, wait: 2s }, shell: python, cwd: own }
  - { id: c, noop: 1 }
  - { id: d, run: ls, effect: once }
  - { id: e, wait: { for: 1s } }
";
    let plan = plan(text);
    let of = |id: &str| {
        let action = action(&plan, id);
        let Setting::Fixed(attempts) = action.retry.attempts else { panic!() };
        let timeout = action.timeout.as_ref().map(|t| if let Setting::Fixed(t) = t { *t } else { 0 });
        (attempts, timeout)
    };
    assert_eq!(of("a"), (3, Some(300_000)));
    assert_eq!(of("b"), (2, Some(60_000)));
    assert_eq!(of("c"), (1, Some(3_600_000)));
    assert_eq!(of("d"), (1, Some(300_000)), "a step with `effect: once` is not tried again");
    assert_eq!(of("e"), (1, None));
    let ActionKind::Effect { request, .. } = &action(&plan, "a").kind else { panic!() };
    assert_eq!((&plain(request)["script"]["shell"], &plain(request)["cwd"]), (&json!("sh"), &json!("sub")));
    let ActionKind::Effect { request, .. } = &action(&plan, "b").kind else { panic!() };
    assert_eq!(
        (&plain(request)["script"]["shell"], &plain(request)["cwd"]),
        (&json!("python"), &json!("own"))
    );
}

#[test]
fn iterations_are_read_with_what_may_be_computed() {
    let text = "\
inputs: { n: { type: integer } }
deadline: 2h
steps:
  - id: a
    foreach: { in: [1, 2], as: x, key: \"k${{ x }}\", parallel: \"${{ inputs.n }}\" }
    noop: 1
    deadline: \"${{ inputs.n }}m\"
  - id: b
    loop: { max: \"${{ inputs.n }}\", until: iteration > 2, min: 2, on_exhausted: continue }
    noop: 1
    on_error: continue
";
    let plan = plan(text);
    assert!(matches!(plan.deadline, Some(Setting::Fixed(7_200_000))));
    let Some(Each::Foreach { items, binding, key, parallel, .. }) = &step(&plan, "a").each else { panic!() };
    assert_eq!((plain(items), binding.as_str()), (json!([1, 2]), "x"));
    assert_eq!(plain(key.as_ref().unwrap()), json!(["k", "=x"]));
    assert!(matches!(parallel, Setting::Computed(_)));
    assert!(matches!(step(&plan, "a").deadline, Some(Setting::Computed(_))));
    let Some(Each::Loop { max, min, until, continue_on_exhausted }) = &step(&plan, "b").each else {
        panic!()
    };
    assert!(matches!((max, min), (Setting::Computed(_), Setting::Fixed(2))));
    assert_eq!((until.as_ref().unwrap().source(), continue_on_exhausted), ("iteration > 2", &true));
    assert_eq!(step(&plan, "b").on_error, OnError::Continue);
}

#[test]
fn instances_are_kept_only_for_steps_that_may_be_asked_for_them() {
    let read = |reader: &str| {
        let text = format!(
            "steps:\n  - {{ id: a, noop: 1 }}\n  - {{ id: b, noop: 1 }}\n  - id: c\n    noop: \"${{{{ {reader} }}}}\"\n"
        );
        let plan = plan(&text);
        plan.steps.iter().filter(|s| s.instances_read).map(|s| s.id.clone()).collect::<Vec<_>>()
    };
    assert!(read("steps.a.output").is_empty());
    assert!(read("[steps.a.status, steps.b.error, steps.a.attempts]").is_empty());
    assert_eq!(read("steps.a.instances"), ["a"]);
    assert_eq!(read("steps.a"), ["a"]);
    assert_eq!(read("steps.a[steps.b.output]"), ["a"]);
    assert_eq!(read("steps"), ["a", "b"]);
    assert_eq!(read("steps[steps.b.output].status"), ["a", "b"]);
    assert_eq!(read("steps.map(id, id)"), ["a", "b"]);
}

#[test]
fn inputs_are_declared_by_type_and_schema() {
    let text = "\
inputs:
  repo: { type: string, description: Path, stdin: true, minLength: 1 }
  count: { type: integer, default: 3, minimum: 1, maximum: 9 }
  names: { type: array, items: { type: string }, default: [] }
  meta: { type: object, schema: { properties: { a: { type: integer } }, required: [a] } }
  source: { type: file, default: source.txt }
steps:
  - id: a
    run: [echo, \"${{ inputs.meta.a + inputs.count }}\", \"${{ inputs.source.path }}\"]
";
    let plan = plan(text);
    let kinds: Vec<InputKind> = plan.inputs.iter().map(|i| i.kind).collect();
    assert_eq!(
        kinds,
        [InputKind::String, InputKind::Integer, InputKind::Array, InputKind::Object, InputKind::File]
    );
    assert!(plan.inputs[0].stdin && plan.inputs[0].default.is_none());
    assert_eq!(plan.inputs[1].schema, json!({"type": "integer", "minimum": 1, "maximum": 9}));
    assert_eq!(plan.inputs[2].default, Some(json!([])));
    assert_eq!(plan.inputs[4].default, Some(json!("source.txt")));
}

#[test]
fn types_of_inputs_and_outputs_find_misspelt_fields() {
    for (reader, code) in [
        ("inputs.tilte", "E0408"),
        ("inputs.meta.zz", "E0408"),
        ("run.idd", "E0408"),
        ("steps.values.output.totl", "E0408"),
        ("steps.values.ouput", "E0408"),
        ("steps.lines.output[0] - 1", "E0409"),
        ("nothing", "E0407"),
    ] {
        let text = format!(
            "inputs: {{ title: {{ type: string }}, meta: {{ type: object, properties: {{ a: {{ type: string }} }}, additionalProperties: false }} }}\nsteps:\n  - id: values\n    set: {{ total: 1 }}\n  - id: lines\n    run: ls\n    parse: lines\n  - id: c\n    noop: \"${{{{ {reader} }}}}\"\n"
        );
        let found = checked(&text);
        assert_eq!(crate::common::codes(&found), [code], "{reader}\n{}", shown(&found));
    }
}

#[test]
fn comments_layout_and_notation_do_not_change_the_revision() {
    let revision = |text: &str| plan(text).revision.clone();
    let first = revision("steps:\n  - id: a\n    run: [ls, -l]\n    env: { A: x }\n");
    assert_eq!(first.len(), 64);
    for same in [
        "# a comment\nsteps:\n  - id: a   # another\n    run:\n      - ls\n      - '-l'\n    env:\n      A: \"x\"\n",
        "{\"stead\": 1, \"name\": \"example\", \"steps\": [{\"id\": \"a\", \"run\": [\"ls\", \"-l\"], \"env\": {\"A\": \"x\"}}]}",
        "stead: 1\r\nname: example\r\nsteps:\r\n  - id: a\r\n    run: [ls, &l -l]\r\n    env: { A: x }\r\n",
        "\u{feff}stead: 1\nname: &n example\nsteps:\n  - id: a\n    run: [ls, -l]\n    env: { A: x }\n",
    ] {
        let text = if same.contains("stead:") || same.starts_with('{') {
            same.to_owned()
        } else {
            format!("stead: 1\nname: example\n{same}")
        };
        let found = stead_lang::check(&stead_lang::Bundle::single("flow.yml", text));
        assert_eq!(
            found.plan.as_ref().map(|p| p.revision.as_str()),
            Some(first.as_str()),
            "{same}\n{}",
            shown(&found)
        );
    }
    for other in [
        "steps:\n  - id: a\n    run: [ls, -l]\n    env: { A: y }\n",
        "steps:\n  - id: a\n    run: [ls, -l]\n    env: { B: x }\n",
        "description: new\nsteps:\n  - id: a\n    run: [ls, -l]\n    env: { A: x }\n",
    ] {
        assert_ne!(revision(other), first, "{other}");
    }
    // The same number in two forms may be two texts.
    let version = |v: &str| revision(&format!("steps:\n  - id: a\n    run: [echo, {v}]\n"));
    assert_ne!(version("1.1"), version("1.10"));
}

#[test]
fn anchors_are_expanded() {
    let text = "\
steps:
  - id: a
    run: ls
    retry: &r { attempts: 3, wait: 2s }
  - id: b
    run: ls
    retry: *r
";
    let plan = plan(text);
    assert!(matches!(action(&plan, "b").retry.attempts, Setting::Fixed(3)));
    // A mistake in what an anchor names is one mistake.
    let found = checked(
        "steps:\n  - id: a\n    run: ls\n    retry: &r { atempts: 3 }\n  - id: b\n    run: ls\n    retry: *r\n",
    );
    assert_eq!(crate::common::codes(&found), ["E0201"], "{}", shown(&found));
}

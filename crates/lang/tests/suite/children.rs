//! Child workflows, and the other files that a definition names.

use std::collections::BTreeMap;

use serde_json::json;
use stead_lang::plan::{ActionKind, Body, Plan};
use stead_lang::{Bundle, check, collect};

use crate::common::{checked_files, codes, finds, good, shown};

const CHILD: &str = "stead: 1\nname: child\ninputs: { text: { type: string }, n: { type: integer, default: 1 } }\nsteps:\n  - id: up\n    run: tr a-z A-Z\n    stdin: ${{ inputs.text }}\noutputs: { text: \"${{ steps.up.output }}\" }\n";

fn parent(workflow: &str) -> String {
    format!(
        "stead: 1\nname: parent\nsteps:\n  - id: c\n    workflow: {workflow}\n  - id: show\n    run: [echo, \"${{{{ steps.c.output.text }}}}\"]\n"
    )
}

fn child_of(plan: &Plan) -> (String, String) {
    let Body::Action(action) = &plan.steps[0].body else { panic!() };
    let ActionKind::Workflow(child) = &action.kind else { panic!() };
    (child.workflow.clone(), child.revision.clone())
}

#[test]
fn a_child_by_path_is_pinned_and_stored() {
    let text = parent("{ path: flows/child.yml, inputs: { text: 1.10 } }");
    let checked =
        checked_files("parent.yml", &[("parent.yml", &text), ("flows/child.yml", CHILD), ("other.yml", "x")]);
    let plan = checked.plan.clone().unwrap_or_else(|| panic!("{}", shown(&checked)));
    let (name, revision) = child_of(&plan);
    assert_eq!(name, "child");
    let bundle = &checked.children[&revision];
    assert_eq!(bundle.entry, "flows/child.yml");
    assert_eq!(bundle.files.keys().collect::<Vec<_>>(), ["flows/child.yml"]);
    // Checked by itself it is the same revision: that is how it is loaded from where it was stored.
    let stored: Bundle = serde_json::from_value(serde_json::to_value(bundle).unwrap()).unwrap();
    assert_eq!(&stored, bundle);
    assert_eq!(check(&stored).plan.unwrap().revision, revision);
    // What is written for a text stays what was written.
    let Body::Action(action) = &plan.steps[0].body else { panic!() };
    let ActionKind::Workflow(child) = &action.kind else { panic!() };
    let stead_lang::template::Template::Literal(inputs) = &child.inputs else { panic!("{:?}", child.inputs) };
    assert_eq!(inputs, &json!({"text": "1.10"}));
}

#[test]
fn a_child_inline_is_pinned_by_its_own_text() {
    let inline = |comment: &str, text: &str| {
        format!(
            "stead: 1\nname: parent\n{comment}steps:\n  - id: c\n    workflow:\n      inline:\n        stead: 1\n        name: inner\n        steps:\n          - id: a\n            run: {text}\n"
        )
    };
    let first = checked_files("p.yml", &[("p.yml", &inline("", "ls"))]);
    let (name, revision) = child_of(first.plan.as_ref().unwrap());
    assert_eq!(name, "inner");
    let bundle = &first.children[&revision];
    assert_eq!(bundle.entry, "p.yml#/steps/0/workflow/inline");
    assert_eq!(check(bundle).plan.unwrap().revision, revision);
    // The rest of the file is not a part of it, and it is a part of the file.
    let commented = checked_files("p.yml", &[("p.yml", &inline("description: other\n", "ls"))]);
    assert_eq!(child_of(commented.plan.as_ref().unwrap()).1, revision);
    let other = checked_files("p.yml", &[("p.yml", &inline("", "pwd"))]);
    assert_ne!(child_of(other.plan.as_ref().unwrap()).1, revision);
    assert_ne!(other.plan.unwrap().revision, first.plan.unwrap().revision);
}

#[test]
fn a_change_in_a_child_or_schema_changes_the_revision() {
    let text = "stead: 1\nname: p\ninputs: { i: { type: object, schema: s.json } }\nsteps:\n  - id: c\n    workflow: { path: child.yml, inputs: { text: x } }\n";
    let revision = |child: &str, schema: &str| {
        let files = [("p.yml", text), ("child.yml", child), ("s.json", schema)];
        let checked = checked_files("p.yml", &files);
        checked.plan.as_ref().unwrap_or_else(|| panic!("{}", shown(&checked))).revision.clone()
    };
    let first = revision(CHILD, "{\"type\": \"object\"}");
    assert_eq!(revision(&format!("# comment\n{CHILD}"), "{ \"type\":\"object\" }"), first);
    assert_ne!(revision(&CHILD.replace("a-z", "a-y"), "{\"type\": \"object\"}"), first);
    assert_ne!(revision(CHILD, "{\"type\": \"object\", \"minProperties\": 1}"), first);
}

#[test]
fn grandchildren_are_stored_with_all_their_files() {
    let a = "stead: 1\nname: a\nsteps:\n  - id: c\n    workflow: { path: sub/b.yml }\n";
    let b =
        "stead: 1\nname: b\nsteps:\n  - id: c\n    workflow: { path: ../c.yml, inputs: { x: { n: 1 } } }\n";
    let c = "stead: 1\nname: c\ninputs: { x: { type: object, schema: ./schemas/x.json } }\nsteps:\n  - id: c\n    run: ls\n";
    let schema = "{\"properties\": {\"n\": {\"type\": \"integer\"}}}";
    let files = [("a.yml", a), ("sub/b.yml", b), ("c.yml", c), ("schemas/x.json", schema)];
    let checked = checked_files("a.yml", &files);
    assert!(checked.plan.is_some(), "{}", shown(&checked));
    let stored: BTreeMap<&str, Vec<&String>> =
        checked.children.values().map(|b| (b.entry.as_str(), b.files.keys().collect())).collect();
    assert_eq!(stored["c.yml"], ["c.yml", "schemas/x.json"]);
    assert_eq!(stored["sub/b.yml"], ["c.yml", "schemas/x.json", "sub/b.yml"]);
    for (revision, bundle) in &checked.children {
        assert_eq!(check(bundle).plan.unwrap().revision, *revision);
    }
}

#[test]
fn problems_of_a_child_are_reported_in_its_file() {
    let text = parent("{ path: child.yml, inputs: { text: x } }");
    let child = CHILD.replace("stdin: ", "stdn: ");
    let checked = checked_files("parent.yml", &[("parent.yml", &text), ("child.yml", &child)]);
    let found: Vec<_> =
        checked.diagnostics.iter().map(|d| (d.code.as_str(), d.file.as_str(), d.span.line)).collect();
    assert_eq!(found, [("E0201", "child.yml", 7)], "{}", shown(&checked));
    assert!(shown(&checked).contains(" --> child.yml:7:5\n"), "{}", shown(&checked));
}

#[test]
fn a_broken_schema_is_reported_in_its_file() {
    let text = "stead: 1\nname: p\ninputs: { i: { type: object, schema: s.json } }\nsteps:\n  - id: c\n    run: ls\n";
    let schema = "{\n  \"properties\": {\n    \"a\": {\"type\": \"integr\"}\n  }\n}\n";
    let checked = checked_files("p.yml", &[("p.yml", text), ("s.json", schema)]);
    let found: Vec<_> =
        checked.diagnostics.iter().map(|d| (d.code.as_str(), d.file.as_str(), d.span.line)).collect();
    assert_eq!(found, [("E0212", "s.json", 3)], "{}", shown(&checked));
}

#[test]
fn schemas_reach_nothing_outside() {
    for reference in ["https://example.org/x.json", "file:///etc/passwd", "other.json"] {
        let text = format!(
            "stead: 1\nname: p\ninputs: {{ i: {{ type: object, schema: {{ $ref: \"{reference}\" }} }} }}\nsteps:\n  - id: c\n    run: ls\n"
        );
        let checked = checked_files("p.yml", &[("p.yml", &text)]);
        assert_eq!(codes(&checked), ["E0212"], "{}", shown(&checked));
    }
}

#[test]
fn circles_are_named_whole() {
    let flow = |name: &str, path: &str| {
        format!("stead: 1\nname: {name}\nsteps:\n  - id: x\n    workflow: {{ path: {path} }}\n")
    };
    let (a, b, c) = (flow("a", "b.yml"), flow("b", "c.yml"), flow("c", "b.yml"));
    let checked = checked_files("a.yml", &[("a.yml", &a), ("b.yml", &b), ("c.yml", &c)]);
    assert_eq!(codes(&checked), ["E0317"], "{}", shown(&checked));
    assert_eq!(checked.diagnostics[0].file, "c.yml");
    assert!(checked.diagnostics[0].message.ends_with("`b.yml` → `c.yml` → `b.yml`"), "{}", shown(&checked));
    // A child inline that starts the file it stands in.
    let inline = "stead: 1\nname: a\nsteps:\n  - id: x\n    workflow:\n      inline:\n        stead: 1\n        name: i\n        steps:\n          - id: y\n            workflow: { path: a.yml }\n";
    let checked = checked_files("a.yml", &[("a.yml", inline)]);
    assert_eq!(codes(&checked), ["E0317"], "{}", shown(&checked));
}

#[test]
fn the_same_child_twice_is_no_circle() {
    let text = "stead: 1\nname: p\nsteps:\n  - id: a\n    workflow: { path: child.yml, inputs: { text: x } }\n  - id: b\n    workflow: { path: ./child.yml, inputs: { text: y } }\n";
    let checked = checked_files("p.yml", &[("p.yml", text), ("child.yml", CHILD)]);
    assert!(checked.plan.is_some(), "{}", shown(&checked));
    assert_eq!(checked.children.len(), 1);
}

#[test]
fn inputs_of_a_child_are_held_against_what_it_declares() {
    let text = parent("{ path: child.yml, inputs: { txt: a, n: many } }");
    let checked = checked_files("p.yml", &[("p.yml", &text), ("child.yml", CHILD)]);
    let found: Vec<_> = checked.diagnostics.iter().map(|d| (d.code.as_str(), d.nearest.as_deref())).collect();
    assert_eq!(found, [("E0318", Some("text")), ("E0319", None), ("E0320", None)], "{}", shown(&checked));
    // What the child gives is known to its parent.
    let text = parent("{ path: child.yml, inputs: { text: a } }").replace("output.text", "output.txt");
    let checked = checked_files("p.yml", &[("p.yml", &text), ("child.yml", CHILD)]);
    assert_eq!(codes(&checked), ["E0408"], "{}", shown(&checked));
}

#[test]
fn files_that_cannot_be_read_are_reported_where_they_are_named() {
    let text = parent("{ path: child.yml, inputs: { text: a } }");
    let checked = checked_files("p.yml", &[("p.yml", &text)]);
    assert_eq!(codes(&checked), ["E0315"], "{}", shown(&checked));
    assert_eq!(checked.diagnostics[0].path, "/steps/0/workflow/path");
    let checked = checked_files("nowhere.yml", &[]);
    assert_eq!((codes(&checked), checked.plan.is_none()), (vec!["E0315"], true));
    let text = parent("{ path: ../../child.yml, inputs: { text: a } }");
    let checked = checked_files("sub/p.yml", &[("sub/p.yml", &text)]);
    assert_eq!(codes(&checked), ["E0316"], "{}", shown(&checked));
}

#[test]
fn only_files_that_are_named_are_asked_for() {
    let text = "stead: 1\nname: p\ninputs: { i: { type: object, schema: s.json } }\nsteps:\n  - id: g\n    steps:\n      - id: c\n        workflow:\n          inline:\n            stead: 1\n            name: x\n            steps:\n              - id: d\n                workflow: { path: d.yml }\n";
    let mut asked = Vec::new();
    let bundle = collect("p.yml", &mut |path| {
        asked.push(path.to_owned());
        Ok(if path == "p.yml" { text.to_owned() } else { "{}".to_owned() })
    });
    asked.sort();
    assert_eq!(asked, ["d.yml", "p.yml", "s.json"]);
    assert_eq!(bundle.files.len(), 3);
}

#[test]
fn rule_44_inputs_of_a_child_may_be_computed_at_once() {
    let text = |inputs: &str| {
        format!(
            "inputs: {{ o: {{ type: object }}, t: {{ type: string }} }}\nsteps:\n  - id: a\n    workflow:\n      inline: {{ stead: 1, name: one, inputs: {{ n: {{ type: integer }} }}, steps: [{{ id: b, noop: 1 }}] }}\n      inputs: {inputs}\n"
        )
    };
    good(&text("\"${{ inputs.o }}\""));
    finds(&text("\"${{ inputs.t }}\""), &[("E0411", 8, "a map is needed here, and this gives a text")]);
    finds(&text("\"x ${{ inputs.t }}\""), &[("E0203", 8, "one expression that gives it")]);
    finds(&text("nothing"), &[("E0319", 8, "`n`"), ("E0203", 8, "an expression that gives one")]);
}

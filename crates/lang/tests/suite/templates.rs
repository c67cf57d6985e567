//! Templates: what a step takes from one, and what is refused.

use stead_lang::plan::{ActionKind, Body, Plan, Setting};
use stead_lang::{Bundle, check, expanded};

use crate::common::{checked, checked_files, codes, finds, good, shown, whole};

fn plan(text: &str) -> std::sync::Arc<Plan> {
    good(text).plan.unwrap()
}

/// The definition with its templates put in; it has to mean the same, to the revision.
#[track_caller]
fn expand(text: &str) -> String {
    let bundle = Bundle::single("flow.yml", whole(text));
    let text = expanded(&bundle).unwrap();
    let again = check(&Bundle::single("flow.yml", text.clone()));
    let first = check(&bundle);
    assert!(again.plan.is_some(), "{text}\n{}", shown(&again));
    let (first, again) = (first.plan.unwrap(), again.plan.unwrap());
    assert!(said(&first) == said(&again), "{text}");
    assert_eq!(first.revision, again.revision, "{text}");
    assert_eq!(expanded(&Bundle::single("flow.yml", text.clone())).unwrap(), text, "once is enough");
    text
}

/// A plan in words, but for tables whose order is left to chance.
fn said(plan: &Plan) -> String {
    let whole = format!("{plan:?}");
    let pieces = whole.split("by_id: {").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest));
    let mut first = whole.split("by_id: {").next().unwrap_or_default().to_owned();
    first.extend(pieces.skip(1));
    first
}

const TEXT: &str = "\
templates:
  stage:
    run: [./agent.sh, --as, planner]
    env: { A: base, B: base }
    retry: { attempts: 3, wait: 1s }
    stdin: { deep: { x: 1, y: [1, 2] }, z: 0 }
steps:
  - id: plan
    use: stage
  - id: code
    use: stage
    run: [./agent.sh, --as, coder]
    env: { B: own, C: own }
    retry: { wait: 5s }
    stdin: { deep: { y: [3] }, z: { w: 1 } }
";

#[test]
fn a_step_lies_over_its_template_key_by_key() {
    let text = expand(TEXT);
    let steps = &text[text.find("steps:").unwrap()..];
    assert_eq!(
        steps,
        "\
steps:
  - id: plan
    run:
      - ./agent.sh
      - --as
      - planner
    env:
      A: base
      B: base
    retry:
      attempts: 3
      wait: 1s
    stdin:
      deep:
        x: 1
        y:
          - 1
          - 2
      z: 0
  - id: code
    run:
      - ./agent.sh
      - --as
      - coder
    env:
      B: own
      C: own
      A: base
    retry:
      wait: 5s
      attempts: 3
    stdin:
      deep:
        y:
          - 3
        x: 1
      z:
        w: 1
"
    );
    assert!(!text.contains("templates") && !text.contains("use"), "{text}");
    let plan = plan(TEXT);
    let Body::Action(code) = &plan.steps[1].body else { panic!() };
    assert!(matches!((&code.retry.attempts, &code.retry.wait), (Setting::Fixed(3), Setting::Fixed(5_000))));
}

#[test]
fn groups_states_ends_and_children_take_templates() {
    let text = "\
templates:
  twice: { loop: { max: 2 }, steps: [{ id: x, noop: 1 }], finally: [{ id: y, noop: 2 }] }
  say: { run: [echo] }
  led: { next: end }
  child:
    workflow:
      inline:
        stead: 1
        name: child
        templates: { say: { noop: inner } }
        steps: [{ id: c, use: say }]
states:
  - id: g
    use: twice
    next: h
  - id: h
    use: led
    steps:
      - { id: a, use: say }
      - id: deeper
        steps: [{ id: b, use: say, run: [echo, \"${{ steps.a.output }}\"] }]
      - { id: k, use: child, workflow: { inputs: {} } }
finally:
  - { id: z, use: say }
";
    let plan = plan(text);
    let paths: Vec<&str> = plan.steps.iter().map(|s| s.path.as_str()).collect();
    assert_eq!(paths, ["g", "g/x", "g/y", "h", "h/a", "h/deeper", "h/deeper/b", "h/k", "z"]);
    let Body::Block(g) = &plan.steps[0].body else { panic!() };
    assert_eq!((g.own, g.steps.len()), (1, 2));
    expand(text);
}

#[test]
fn files_in_templates_are_gathered() {
    let parent = "stead: 1\nname: p\ntemplates: { child: { workflow: { path: c.yml } } }\nsteps:\n  - { id: a, use: child, workflow: { inputs: { n: 1 } } }\n";
    let child = "stead: 1\nname: c\ninputs: { n: { type: integer } }\nsteps:\n  - { id: a, noop: 1 }\n";
    let found = checked_files("p.yml", &[("p.yml", parent), ("c.yml", child)]);
    assert!(found.plan.is_some() && found.children.len() == 1, "{}", shown(&found));
    let Body::Action(action) = &found.plan.unwrap().steps[0].body.clone() else { panic!() };
    assert!(matches!(&action.kind, ActionKind::Workflow(child) if child.workflow == "c"));
}

#[test]
fn a_child_inside_of_an_expanded_definition_can_be_taken_out() {
    // What starts it names it by its place, which is that in the document as it is without templates.
    let text = "\
templates: { t: { workflow: { inline: { stead: 1, name: inner, steps: [{ id: x, noop: 1 }] } } } }
steps:
  - { id: first, noop: 1 }
  - { id: a, use: t }
";
    let found = good(text);
    let (revision, bundle) = found.children.first_key_value().unwrap();
    let child = check(bundle);
    assert_eq!(&child.plan.as_ref().unwrap().revision, revision, "{}", bundle.entry);
}

#[test]
fn findings_point_to_where_the_wrong_text_stands() {
    let text = "\
templates:
  stage:
    run: [ls]
    rtry: 3
    timeout: 10
steps:
  - { id: a, use: stage }
  - { id: b, use: stage, evn: {} }
  - { id: c, use: stage, timeout: 20 }
";
    finds(text, &[("E0201", 6, "`rtry`"), ("E0205", 7, ""), ("E0201", 10, "`evn`"), ("E0205", 11, "")]);
    let found = checked(text);
    let paths: Vec<&str> = found.diagnostics.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/templates/stage/rtry", "/templates/stage/timeout", "/steps/1/evn", "/steps/2/timeout"]
    );
    // Names are judged where they stand too.
    finds(
        "templates: { t: { noop: \"${{ steps.nope.output }}\" } }\nsteps:\n  - { id: a, use: t }\n",
        &[("E0307", 3, "`nope`")],
    );
}

#[test]
fn templates_use_no_templates() {
    let text = "\
templates:
  a: { use: a, noop: 1 }
  b: { use: a }
  c: { steps: [{ id: x, use: c }, { id: y, states: [{ id: z, use: a, next: end }] }] }
steps:
  - { id: s, use: a }
  - { id: t, use: b, noop: 1 }
  - { id: u, use: c }
";
    finds(
        text,
        &[
            ("E0326", 4, "`a` uses itself"),
            ("E0326", 5, "`b` uses a template"),
            ("E0326", 6, "`c` uses itself"),
            ("E0326", 6, "`c` uses a template"),
        ],
    );
}

#[test]
fn names_of_templates_are_known() {
    let text = |used: &str| {
        format!(
            "templates: {{ stage: {{ noop: 1 }} }}\nsteps:\n  - {{ id: a, use: {used} }}\n  - {{ id: b, use: stage }}\n"
        )
    };
    good(&text("stage"));
    finds(&text("stag"), &[("E0327", 5, "no template `stag`")]);
    assert_eq!(checked(&text("stag")).diagnostics[0].nearest.as_deref(), Some("stage"));
    finds(&text("[stage]"), &[("E0203", 5, "name of a template")]);
    finds(&text("\"${{ 'stage' }}\""), &[("E0218", 5, "no expression")]);
    finds(&text("multi_adjudication"), &[("E0502", 5, "`multi_adjudication`")]);
    // One of the document's own comes first.
    good("templates: { single: { noop: 1 } }\nsteps:\n  - { id: a, use: single }\n");
    finds("steps:\n  - { id: a, use: stage }\n", &[("E0327", 4, "no template `stage`")]);
    finds("states:\n  - { id: a, use: stage }\n", &[("E0327", 4, "no template `stage`")]);
    // What stands beside the name is checked all the same, and what is known to be there is not missed.
    finds(
        "steps:\n  - { id: a, use: stage, rtry: 1 }\n  - { id: b, noop: \"${{ [steps.a.output, steps.x.output] }}\" }\n",
        &[("E0327", 4, "`stage`"), ("E0201", 4, "`rtry`"), ("E0307", 5, "`x`")],
    );
}

#[test]
fn templates_are_parts_of_steps() {
    let text = |template: &str| format!("templates: {template}\nsteps:\n  - {{ id: a, noop: 1 }}\n");
    finds(&text("[a]"), &[("E0203", 3, "`templates` is a map")]);
    finds(&text("{ t: { noop: 1 } }"), &[("W0301", 3, "no step uses the template `t`")]);
    finds(
        "templates: { T-x: { noop: 1 }, u: [1], v: { id: v, noop: 1 } }\nsteps:\n  - { id: a, use: T-x }\n  - { id: b, use: u, noop: 1 }\n  - { id: c, use: v }\n",
        &[("E0301", 3, "`T-x`"), ("E0203", 3, "`u` is a map"), ("E0209", 3, "no `id`")],
    );
    finds(
        "templates: { t: { run: [ls] } }\nsteps:\n  - { id: a, use: t, noop: 1 }\n",
        &[("E0208", 3, "does `noop` already, and `run`")],
    );
}

#[test]
fn the_revision_is_that_of_what_is_run() {
    let revision = |text: &str| checked(text).plan.unwrap().revision.clone();
    let used = "templates: { t: { noop: 1 } }\nsteps:\n  - { id: a, use: t }\n";
    assert_eq!(revision(used), revision("steps:\n  - { id: a, noop: 1 }\n"));
    assert_eq!(revision(used), revision(&used.replace("t:", "u:").replace("use: t", "use: u")));
    assert_ne!(revision(used), revision(&used.replace("noop: 1", "noop: 2")));
}

#[test]
fn expressions_named_use_are_data_elsewhere() {
    good(
        "templates: { t: { noop: { use: x, templates: y } } }\nsteps:\n  - { id: a, use: t }\n  - { id: b, set: { use: 1, steps: [{ use: 2 }] } }\n",
    );
}

#[test]
fn what_templates_grow_to_is_bounded() {
    use stead_lang::limits::{DOCUMENT_DEPTH, DOCUMENT_NODES, NAMES};
    let steps = |n: usize| (0..n).map(|n| format!("  - {{ id: s{n}, use: t }}\n")).collect::<String>();
    let wide =
        |n: usize| format!("templates: {{ t: {{ noop: [{}] }} }}\nsteps:\n{}", "1,".repeat(n), steps(10));
    assert!(checked(&wide(DOCUMENT_NODES / 10 - 10)).plan.is_some());
    finds(&wide(DOCUMENT_NODES / 10), &[("E0110", 14, "too many values once the templates are put in")]);
    // A template as deep as it may be, taken far inside.
    let deep = |n: usize, groups: usize| {
        let open = (0..groups).map(|n| format!("{{ id: g{n}, steps: [")).collect::<String>();
        format!(
            "templates: {{ t: {{ noop: {}{} }} }}\nsteps: [{open}{{ id: a, use: t }}{}]\n",
            "[".repeat(n),
            "]".repeat(n),
            "] }".repeat(groups)
        )
    };
    assert!(checked(&deep(DOCUMENT_DEPTH - 3 - 10, 5)).plan.is_some());
    finds(&deep(DOCUMENT_DEPTH - 3, 5), &[("E0110", 4, "nested too deeply once")]);
    let many = |n: usize| {
        let all: String = (0..n).map(|n| format!("t{n}: {{ noop: 1 }},")).collect();
        checked(&format!("templates: {{ {all} }}\nsteps:\n  - {{ id: a, use: t0 }}\n"))
    };
    assert!(many(NAMES).plan.is_some());
    assert!(codes(&many(NAMES + 1)).contains(&"E0215"));
    // Maps of many keys lie on each other without being looked through for each key.
    let keys = |from: usize| (from..from + 50_000).map(|n| format!("k{n}: 1,")).collect::<String>();
    let found = checked(&format!(
        "templates: {{ t: {{ set: {{ {} }} }} }}\nsteps: [{{ id: a, use: t, set: {{ {} }} }}]\n",
        keys(0),
        keys(25_000)
    ));
    assert!(found.plan.is_some(), "{:?}", found.diagnostics.first());
}

#[test]
fn everything_can_be_written_out() {
    let text = include_str!("../definitions/everything.yml");
    let out = expand(text);
    assert!(out.contains("run: |\n      echo \"$TITLE\" > title.txt\n"), "{out}");
    for code in stead_lang::codes::all().filter(|c| !c.mended.is_empty()) {
        expand(code.mended);
    }
}

//! Scopes, documents, and the steps that produce them.

use stead_lang::plan::{ActionKind, Block, Body, Each, OnReject, People, Plan, Production, Setting, Step};

use crate::common::{checked, checked_files, codes, finds, good, shown};

const HEAD: &str = "\
inputs: { lead: { type: string, default: ana } }
scopes: { project: {}, epic: { parent: project }, story: { parent: epic } }
documents:
  backlog:
    scope: project
    schema: { type: object, required: [epics], properties: { epics: { type: array, items: { type: object } } } }
    accept: { by: [\"role:pm\"], revise: 3, timeout: 2d, on_timeout: reject }
  design: { scope: epic, accept: { by: [\"user:${{ inputs.lead }}\"], title: \"Design of ${{ key }}?\" } }
  text: { scope: story, on_findings: fail, schema: { type: string } }
";

const STEPS: &str = "\
steps:
  - id: backlog
    produces: backlog
    run: ./backlog.sh
    parse: json
    retry: 4
  - id: per_epic
    foreach: { in: \"${{ steps.backlog.output.epics }}\", as: epic, scope: epic }
    steps:
      - id: design
        produces: design
        run: [./design.sh, \"${{ feedback }}\"]
      - id: per_story
        foreach: { in: \"${{ epic.stories }}\", as: story, key: \"${{ story.name }}\", scope: story }
        produces: text
        outputs: { all: \"${{ steps.written.output }}\" }
        steps:
          - { id: written, run: [./write.sh, \"${{ steps.design.output }}\"] }
";

fn whole(steps: &str) -> String {
    format!("{HEAD}{steps}")
}

fn step<'p>(plan: &'p Plan, path: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.path == path).unwrap_or_else(|| panic!("no {path}"))
}

fn production<'p>(plan: &'p Plan, path: &str) -> (&'p Block, &'p Production) {
    let Body::Block(block) = &step(plan, path).body else { panic!("{path} is no block") };
    (block, block.production.as_deref().unwrap())
}

fn people<'p>(plan: &'p Plan, path: &str) -> &'p People {
    let Body::Action(action) = &step(plan, path).body else { panic!("{path}") };
    let ActionKind::People(people) = &action.kind else { panic!("{path}") };
    people
}

#[test]
fn rule_65_a_step_that_produces_a_document_makes_drafts_until_one_is_accepted() {
    let plan = good(&whole(STEPS).replace("type: string }\n", "type: object }\n")).plan.unwrap();
    let (block, made) = production(&plan, "backlog");
    let inside: Vec<&str> = block.steps.iter().map(|ix| plan.steps[*ix as usize].path.as_str()).collect();
    assert_eq!(inside, ["backlog/draft", "backlog/version", "backlog/findings", "backlog/accept"]);
    assert_eq!((made.ask, made.accept), (Some(2), Some(3)));
    assert!(matches!(made.tries, Setting::Fixed(4)));
    let accept = people(&plan, "backlog/accept");
    assert!(matches!(&accept.on_reject, OnReject::Redo { step: 0, max: Setting::Fixed(3) }));
    // Whoever may accept is asked about findings, too.
    assert_eq!(people(&plan, "backlog/findings").by.len(), 1);
    // What is inside of a group that produces something stands in its draft.
    let (_, text) = production(&plan, "per_epic/per_story");
    assert_eq!((text.ask, text.accept), (None, None));
    let written = step(&plan, "per_epic/per_story/draft/written");
    assert_eq!(plan.steps[written.parent.unwrap() as usize].path, "per_epic/per_story/draft");
    // Rejected once, the design is refused.
    assert!(matches!(people(&plan, "per_epic/design/accept").on_reject, OnReject::Fail));
}

#[test]
fn rule_68_what_a_document_is_built_on_is_what_it_reads_through_whatever_is_between() {
    let steps = format!(
        "{STEPS}  - {{ id: sized, set: {{ n: \"${{{{ size(steps.backlog.output.epics) }}}}\" }} }}
  - {{ id: again, needs: [backlog, sized], produces: backlog, run: [./again.sh, \"${{{{ steps.sized.output.n }}}}\"], parse: json }}
"
    );
    let plan = good(&whole(&steps).replace("type: string }\n", "type: object }\n")).plan.unwrap();
    let named = |path: &str| -> Vec<&str> {
        let reads = &production(&plan, path).1.reads;
        reads.iter().map(|at| plan.documents[*at].name.as_str()).collect()
    };
    assert_eq!(named("backlog"), [""; 0]);
    // Through the items that it is made for.
    assert_eq!(named("per_epic/design"), ["backlog"]);
    assert_eq!(named("per_epic/per_story"), ["backlog", "design"]);
    assert_eq!(named("again"), ["backlog"]);
}

#[test]
fn rule_66_scopes_stand_in_each_other_and_documents_in_their_scope() {
    let design = |steps: &str| {
        format!("{HEAD}steps:\n  - {{ id: b, produces: backlog, run: ./b.sh, parse: json }}\n{steps}")
    };
    for (steps, line, part) in [
        // Not in its scope.
        ("  - { id: d, produces: design, run: ./d.sh }\n", 12, "is of the scope `epic`"),
        // A level is left out.
        (
            "  - id: s\n    foreach: { in: [1], key: x, scope: story }\n    produces: text\n    run: ./d.sh\n",
            13,
            "is a scope inside of `epic`",
        ),
        // That of the whole run.
        (
            "  - id: s\n    foreach: { in: [1], key: x, scope: project }\n    run: ./d.sh\n",
            13,
            "is the scope of the whole run",
        ),
        // Once for each item of what is no scope.
        (
            "  - id: s\n    foreach: { in: [1], key: x }\n    produces: backlog\n    run: ./d.sh\n    parse: json\n",
            14,
            "once for each item of `s`",
        ),
        // Two at the same time.
        (
            "  - { id: s, needs: [], produces: backlog, run: ./d.sh, parse: json }\n",
            12,
            "`b` produces the same document",
        ),
    ] {
        let found = checked(&design(steps));
        let mismatch = found.diagnostics.iter().find(|d| d.code == "E0335");
        let mismatch = mismatch.unwrap_or_else(|| panic!("{steps}\n{}", shown(&found)));
        assert!(mismatch.message.contains(part) && mismatch.span.line == line + 2, "{}", shown(&found));
        assert!(mismatch.help.is_some());
    }
    // Siblings' documents are not read: what is inside of another step is nobody's else.
    let sibling = "  - id: e\n    foreach: { in: [1], key: x, scope: epic }\n    steps: [{ id: d, produces: design, run: ./d.sh }]\n  - { id: f, run: [echo, \"${{ steps.d.output }}\"] }\n";
    assert!(codes(&checked(&design(sibling))).contains(&"E0309"), "{}", shown(&checked(&design(sibling))));
}

#[test]
fn scopes_are_a_tree() {
    let with = |scopes: &str| format!("scopes: {scopes}\nsteps: [{{ id: a, run: ls }}]\n");
    finds(&with("{ a: {}, b: {} }"), &[("E0333", 3, "has no parent, and neither has `a`")]);
    finds(&with("{ a: { parent: c }, b: { parent: a }, c: { parent: b } }"), &[("E0333", 3, "in a circle")]);
    finds(&with("{ a: {}, b: { parent: aa } }"), &[("E0332", 3, "there is no scope `aa`")]);
    finds(&with("{ a: {}, B: { parent: a } }"), &[("E0301", 3, "`B` is no name")]);
    finds(&with("{ a: { of: b } }"), &[("E0201", 3, "no key `of`")]);
}

#[test]
fn rule_65_what_cannot_be_a_document_is_refused() {
    let with = |keys: &str| {
        format!(
            "documents: {{ d: {{ schema: {{ type: object }} }} }}\nsteps:\n  - id: a\n    produces: d\n{keys}"
        )
    };
    finds(&with("    run: ls\n"), &[("E0411", 6, "gives a text")]);
    finds(&with("    fail: no\n"), &[("E0209", 6, "no output")]);
    finds(&with("    approve: {}\n"), &[("E0209", 6, "a decision is no document")]);
    finds(
        &with("    run: ls\n    parse: json\n    undo: { run: rm }\n"),
        &[("E0209", 9, "`undo` is about one attempt")],
    );
    finds(
        "documents: { d: {} }\nsteps:\n  - { id: a, run: ls }\nfinally:\n  - { id: b, produces: d, run: ls }\n",
        &[("E0209", 7, "in a `finally`")],
    );
    finds(
        "documents: { d: { accept: { show: [a], on_reject: fail } } }\nsteps: [{ id: a, produces: d, run: ls }]\n",
        &[("E0209", 3, "`show` has no place"), ("E0209", 3, "`on_reject` has no place")],
    );
    finds(
        "documents: { d: { on_findings: fail } }\nsteps: [{ id: a, produces: d, run: ls }]\n",
        &[("E0229", 3, "nothing is found")],
    );
    // What is said of one that nothing produces has no effect.
    finds(
        "documents: { d: { accept: { by: [\"rool:x\"] } } }\nsteps: [{ id: a, run: ls }]\n",
        &[("W0303", 3, "no step produces `d`")],
    );
    let found = checked_files(
        "w.yml",
        &[
            (
                "w.yml",
                "stead: 1\nname: w\ndocuments: { d: { schema: s.json } }\nsteps: [{ id: a, produces: d, run: ls, parse: json }]\noutputs: { x: \"${{ steps.a.output.nam }}\" }\n",
            ),
            (
                "s.json",
                r#"{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false}"#,
            ),
        ],
    );
    assert_eq!(codes(&found), ["E0408"], "{}", shown(&found));
}

#[test]
fn rule_67_needs_documents_waits_for_what_is_read_and_no_more() {
    let text = "documents: { a: {}, b: {}, c: {} }
steps:
  - { id: a, needs: [], produces: a, run: ./a.sh }
  - { id: b, needs: [], produces: b, run: ./b.sh }
  - { id: slow, needs: [], run: ./slow.sh }
  - id: c
    needs: documents
    produces: c
    steps:
      - { id: one, run: [./c.sh, \"${{ steps.a.output }}\"] }
  - { id: d, needs: documents, run: ./d.sh }
";
    let plan = good(text).plan.unwrap();
    assert_eq!(step(&plan, "c").needs, [0]);
    assert_eq!(step(&plan, "d").needs, [0_usize; 0]);
    finds(
        "steps:\n  - { id: d, needs: documents, run: [echo, \"${{ steps.e.output }}\"] }\n  - { id: e, run: ls }\n",
        &[("E0308", 4, "need not have run")],
    );
}

#[test]
fn items_of_a_scope_are_known_by_their_keys() {
    let plan = good(&whole(STEPS).replace("type: string }\n", "type: object }\n")).plan.unwrap();
    let scope = |path: &str| match &step(&plan, path).each {
        Some(Each::Foreach { scope, .. }) => scope.map(|at| plan.scopes[at].name.as_str()),
        _ => None,
    };
    assert_eq!((scope("per_epic"), scope("per_epic/per_story")), (Some("epic"), Some("story")));
    finds(
        "scopes: { p: {}, e: { parent: p } }\ninputs: { f: { type: file } }\nsteps: [{ id: a, foreach: { in: \"${{ inputs.f }}\", parse: jsonl, scope: e }, run: ls }]\n",
        &[("E0209", 5, "no documents are made of them")],
    );
}

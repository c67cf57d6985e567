//! Documents: versions, findings, sign-off, scopes, and what is stale.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_core::run::{Again, DocumentNow, DocumentStatus, Input, Standing};
use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_core::task::{Act, TaskStatus};

use crate::harness::World;

/// One document that one step produces.
fn plan(document: &str, step: &str) -> World {
    World::run(&format!(
        "documents:\n  plan: {document}\nsteps:\n  - {{ id: make, produces: plan, {step} }}\n  - {{ id: after, noop: '${{{{ steps.make.output }}}}' }}\n"
    ))
}

fn document(world: &mut World, name: &str) -> DocumentNow {
    let all = world.documents();
    let found = all.iter().find(|document| document.document == name);
    found.cloned().unwrap_or_else(|| panic!("no {name} in {all:?}"))
}

fn stands(world: &mut World) -> Vec<(String, DocumentStatus)> {
    world.documents().into_iter().map(|document| (document.document, document.status)).collect()
}

fn asked(world: &mut World, path: &str) -> stead_core::task::Question {
    let task = world.task_of(path);
    (**world.tasks[&task].0.asked.as_ref().unwrap()).clone()
}

fn answer(decision: &str, comment: &str) -> Act {
    let answers = match comment {
        "" => json!({ "decision": decision }),
        comment => json!({ "decision": decision, "comment": comment }),
    };
    Act::Answer { answers, comment: String::new(), version: None }
}

/// How often something was made.
fn made(world: &World, path: &str) -> usize {
    world.executed.iter().filter(|key| key.contains(path)).count()
}

#[test]
fn rule_65_a_document_nobody_has_to_accept_is_accepted_as_it_is_made() {
    let mut world = plan("{}", "noop: { a: 1 }");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    // The step gives what its draft gave.
    assert_eq!(world.outputs(), json!({ "make": { "a": 1 }, "after": { "a": 1 } }));
    let found = document(&mut world, "plan");
    assert_eq!(
        (found.status, found.version, found.path.as_str()),
        (DocumentStatus::Accepted, Some(1), "make")
    );
    assert_eq!(found.versions[0].standing, Standing::Accepted);
}

#[test]
fn p1_p4_rule_65_an_accepted_version_is_never_made_again() {
    let mut world = plan("{ accept: { by: ['role:approver'] } }", "noop: { a: 1 }");
    assert_eq!(world.step("make").status, StepStatus::Running);
    assert_eq!(document(&mut world, "plan").status, DocumentStatus::Waiting);
    let asked = asked(&mut world, "make/accept");
    assert_eq!(asked.title.as_str(), "Accept plan version 1?");
    world.crash();
    world.crash();
    world.decide("make/accept", "bo", true, "good").unwrap();
    world.crash();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(made(&world, "make"), 1, "{:?}", world.executed);
    let found = document(&mut world, "plan");
    assert_eq!((found.status, found.versions.len()), (DocumentStatus::Accepted, 1));
    assert_eq!(found.versions[0].by, ["user:bo"]);
}

#[test]
fn rule_65_a_rejected_version_is_made_anew_with_the_comment_as_feedback() {
    let mut world =
        plan("{ accept: { by: ['role:approver'], revise: 1 } }", "noop: '${{ { \"says\": feedback } }}'");
    let first = world.task_of("make/accept");
    world.decide("make/accept", "bo", false, "shorter").unwrap();
    assert_eq!(world.tasks[&first].0.status, TaskStatus::Completed);
    // The second gate shows the second version.
    assert_eq!(asked(&mut world, "make/accept~2").title, "Accept plan version 2?");
    world.decide("make/accept~2", "cy", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs()["after"], json!({ "says": "shorter" }));
    let found = document(&mut world, "plan");
    let standing: Vec<Standing> = found.versions.iter().map(|version| version.standing).collect();
    assert_eq!(standing, [Standing::Rejected, Standing::Accepted]);
    assert_eq!((found.version, found.versions[0].by.clone()), (Some(2), vec!["user:bo".to_owned()]));
    assert_ne!(found.versions[0].hash, found.versions[1].hash);
}

#[test]
fn rule_65_rejected_more_often_than_it_may_be_revised_the_step_fails() {
    let mut world = plan("{ accept: { by: ['role:approver'], revise: 1 } }", "noop: 1");
    world.decide("make/accept", "bo", false, "no").unwrap();
    world.decide("make/accept~2", "bo", false, "never").unwrap();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    assert_eq!(world.error(), (ErrorKind::Rejected, "make/accept~2".into(), "it was rejected: never".into()));
    let found = document(&mut world, "plan");
    assert_eq!((found.status, found.version), (DocumentStatus::Failed, None));
    // Tried again, the same version is asked about: it was made.
    let made_before = made(&world, "make");
    let top = world.top.clone();
    world.give(&top, Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs: vec![] });
    world.go();
    world.decide("make/accept~2", "bo", true, "well").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(made(&world, "make"), made_before);
    assert_eq!(document(&mut world, "plan").version, Some(2));
}

const SCHEMA: &str = "schema: { type: object, required: [name] }";

/// Misses the schema until it is told something.
const MISSES: &str = "noop: '${{ feedback == null ? {\"x\": \"\"} : {\"name\": feedback} }}'";

#[test]
fn rule_69_what_the_schema_finds_goes_back_to_the_producer() {
    let mut world = plan(&format!("{{ {SCHEMA} }}"), &format!("{MISSES}, retry: 2"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let told = world.outputs()["after"]["name"].as_str().unwrap().to_owned();
    assert!(told.contains("\"name\" is a required property"), "{told}");
    let found = document(&mut world, "plan");
    assert_eq!((found.versions[0].findings, found.versions[0].standing), (1, Standing::Rejected));
    assert_eq!((found.version, found.versions[1].findings), (Some(2), 0));
}

#[test]
fn rule_69_after_as_many_tries_as_it_has_people_are_asked() {
    let never = "noop: '${{ {\"says\": feedback} }}', retry: 2";
    let mut world = plan(&format!("{{ {SCHEMA} }}"), never);
    assert_eq!(document(&mut world, "plan").status, DocumentStatus::Waiting);
    assert_eq!(document(&mut world, "plan").versions.len(), 2);
    let asked = asked(&mut world, "make/findings");
    assert_eq!(asked.title.as_str(), "plan version 2 misses its schema");
    assert_eq!(asked.by, ["user:ana"]);
    // Another one is made, and its producer is told what was said; the count begins anew.
    world.act("make/findings", "ana", answer("retry", "put a name in")).unwrap();
    let found = document(&mut world, "plan");
    assert_eq!((found.versions.len(), found.status), (4, DocumentStatus::Waiting));
    // Taken in spite of what was found.
    world.act("make/findings~2", "ana", answer("take", "")).unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let found = document(&mut world, "plan");
    assert_eq!((found.version, found.versions[3].by.clone()), (Some(4), vec!["user:ana".to_owned()]));
    let third = &world.value_of("plan", 3)["says"];
    assert!(third.as_str().unwrap().starts_with("put a name in\n"), "{third}");
}

#[test]
fn rule_69_what_is_abandoned_fails_and_what_nobody_is_asked_about_as_well() {
    let mut world = plan(&format!("{{ {SCHEMA} }}"), "noop: {}");
    world.act("make/findings", "ana", answer("abandon", "no use")).unwrap();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Rejected)));
    assert!(world.error().2.contains("abandoned: no use"), "{:?}", world.error());
    let world = plan(&format!("{{ {SCHEMA}, on_findings: fail }}"), "noop: {}");
    let (kind, step, why) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Schema, "make/version"));
    assert!(why.contains("misses its schema") && why.contains("required"), "{why}");
}

#[test]
fn rule_69_whoever_takes_it_as_it_is_has_accepted_it_unless_several_have_to() {
    let of = |quorum: u32| {
        let accept = format!("accept: {{ by: ['role:approver'], quorum: {quorum} }}");
        plan(&format!("{{ {SCHEMA}, {accept} }}"), "noop: {}")
    };
    let mut world = of(1);
    world.act("make/findings", "bo", answer("take", "")).unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let mut world = of(2);
    world.act("make/findings", "bo", answer("take", "")).unwrap();
    let shown = asked(&mut world, "make/accept");
    assert!(format!("{:?}", shown.shown).contains("findings"), "{:?}", shown.shown);
    world.decide("make/accept", "bo", true, "").unwrap();
    world.decide("make/accept", "cy", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

/// Epics, each with a design that is accepted and stories that are written.
const EPICS: &str = "
scopes: { project: {}, epic: { parent: project }, story: { parent: epic } }
documents:
  backlog: { accept: { by: ['role:approver'], revise: 2 } }
  design: { scope: epic, accept: { by: ['role:approver'], revise: 1 } }
  text: { scope: story }
steps:
  - id: backlog
    produces: backlog
    noop: { epics: [ { id: E-1, stories: [ { id: S-1 }, { title: without an id } ] }, { id: 7, stories: [] } ] }
  - id: per_epic
    foreach: { in: '${{ steps.backlog.output.epics }}', as: epic, scope: epic }
    steps:
      - { id: design, produces: design, noop: '${{ {\"of\": epic.id, \"told\": feedback} }}' }
      - id: per_story
        foreach: { in: '${{ epic.stories }}', as: story, scope: story }
        produces: text
        steps: [ { id: write, noop: '${{ {\"key\": key, \"design\": steps.design.output.of} }}' } ]
        outputs: { all: '${{ steps.write.output }}' }
  - { id: end, noop: '${{ steps.per_epic.output }}' }
";

#[test]
fn rule_66_each_key_of_a_scope_has_its_own_document() {
    let mut world = World::run(EPICS);
    world.decide("backlog/accept", "bo", true, "").unwrap();
    assert_eq!(
        stands(&mut world),
        [
            ("backlog".to_owned(), DocumentStatus::Accepted),
            ("design[E-1]".to_owned(), DocumentStatus::Waiting),
            ("text[E-1][*]".to_owned(), DocumentStatus::Blocked),
        ]
    );
    // Each decision is about one of them.
    world.decide("per_epic[E-1]/design/accept", "bo", false, "again").unwrap();
    world.decide("per_epic[E-1]/design/accept~2", "bo", true, "").unwrap();
    assert_eq!(document(&mut world, "design[E-1]").version, Some(2));
    world.decide("per_epic[7]/design/accept", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let names: Vec<String> = world.documents().into_iter().map(|document| document.document).collect();
    // What has no id is known by its place and what it says, and an empty collection makes nothing.
    let own = names.iter().find(|name| name.starts_with("text[E-1][2-")).unwrap().clone();
    assert_eq!(names, ["backlog", "design[7]", "design[E-1]", own.as_str(), "text[E-1][S-1]"]);
    assert_eq!(own.len(), "text[E-1][2-12345678]".len());
    assert_eq!(world.value_of("design[7]", 1), json!({ "of": 7, "told": null }));
    assert_eq!(world.value_of("text[E-1][S-1]", 1), json!({ "all": { "key": "S-1", "design": "E-1" } }));
    assert_eq!(made(&world, "design/draft"), 3);
}

#[test]
fn p1_rule_66_a_run_of_documents_goes_on_wherever_it_was_left() {
    let mut world = World::run(EPICS);
    for path in ["backlog/accept", "per_epic[E-1]/design/accept", "per_epic[7]/design/accept"] {
        world.crash();
        world.decide(path, "bo", true, "").unwrap();
        world.crash();
    }
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let mut keys = world.executed.clone();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), world.executed.len(), "nothing is made twice: {:?}", world.executed);
}

/// A list that is made anew while what was built on it waits.
const RENEWED: &str = "
inputs: { second: { type: array, default: [ { id: a }, { id: c }, { id: b } ] } }
scopes: { project: {}, part: { parent: project } }
documents: { list: {}, part_text: { scope: part, accept: { by: ['role:approver'] } }, whole: {}, other: {} }
steps:
  - { id: list, produces: list, noop: [ { id: a }, { id: b } ] }
  - id: parts
    foreach: { in: '${{ steps.list.output }}', as: part, scope: part, parallel: 2 }
    produces: part_text
    noop: '${{ part.id }}'
  - { id: go, needs: [list], wait: { signal: go } }
  - { id: again, needs: [go], produces: list, noop: '${{ inputs.second }}' }
  - { id: whole, needs: documents, produces: whole, noop: '${{ steps.parts.output }}' }
  - { id: other, needs: [], produces: other, noop: 1 }
";

#[test]
fn rule_68_a_later_version_makes_stale_what_was_built_on_it_and_restarts_nothing() {
    let mut world = World::run(RENEWED);
    world.decide("parts[a]/accept", "bo", true, "").unwrap();
    world.signal("go", json!(null));
    let stale = |world: &mut World, name: &str| document(world, name).stale_by;
    assert_eq!(stale(&mut world, "part_text[a]"), ["list"]);
    // The list is read once: nobody is renamed, and the new one is not begun.
    let names: Vec<String> = world.documents().into_iter().map(|document| document.document).collect();
    assert_eq!(names, ["list", "part_text[a]", "part_text[b]", "whole", "other"]);
    world.decide("parts[b]/accept", "bo", true, "").unwrap();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    // What is built on what is stale is so as well; what has nothing to do with it is not.
    assert_eq!(
        stands(&mut world),
        [
            ("list".to_owned(), DocumentStatus::Accepted),
            ("part_text[a]".to_owned(), DocumentStatus::Stale),
            ("part_text[b]".to_owned(), DocumentStatus::Stale),
            ("whole".to_owned(), DocumentStatus::Stale),
            ("other".to_owned(), DocumentStatus::Accepted),
        ]
    );
    assert_eq!(made(&world, "parts["), 2);
}

#[test]
fn rule_68_the_same_again_is_no_change() {
    let mut world = World::run_inputs(RENEWED, json!({ "second": [ { "id": "a" }, { "id": "b" } ] }));
    world.decide("parts[a]/accept", "bo", true, "").unwrap();
    world.decide("parts[b]/accept", "bo", true, "").unwrap();
    world.signal("go", json!(null));
    let all = world.documents();
    assert!(all.iter().all(|document| document.status == DocumentStatus::Accepted), "{all:?}");
    assert_eq!(document(&mut world, "list").version, Some(2));
}

#[test]
fn rule_67_a_step_begins_as_soon_as_what_it_reads_is_accepted() {
    let mut world = World::run(
        "documents: { a: {}, b: { accept: { by: ['role:approver'] } }, c: {} }
steps:
  - { id: a, needs: [], produces: a, noop: 1 }
  - { id: b, needs: [], produces: b, noop: 2 }
  - { id: slow, needs: [], noop: { hang: 1 } }
  - { id: c, needs: documents, produces: c, noop: '${{ steps.b.output }}' }
",
    );
    assert_eq!(document(&mut world, "c").needs, ["b"]);
    assert_eq!(document(&mut world, "c").status, DocumentStatus::Blocked);
    world.decide("b/accept", "bo", true, "").unwrap();
    assert_eq!(world.status("c"), StepStatus::Completed);
    assert_eq!(world.status("slow"), StepStatus::Running);
}

#[test]
fn p5_a_run_that_is_cancelled_withdraws_what_it_asks_about_a_version() {
    let mut world = plan("{ accept: { by: ['role:approver'] } }", "noop: 1");
    let task = world.task_of("make/accept");
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(world.tasks[&task].0.status, TaskStatus::Withdrawn);
    let found = document(&mut world, "plan");
    assert_eq!((found.status, found.versions[0].standing), (DocumentStatus::Cancelled, Standing::Made));
}

#[test]
fn rule_48_made_again_by_a_retry_it_is_a_further_version_and_the_old_one_stays() {
    let mut world = plan("{ accept: { by: ['role:approver'] } }", "noop: '${{ run.id }}'");
    world.decide("make/accept", "bo", true, "").unwrap();
    let top = world.top.clone();
    let again = Again::From("make".into());
    world.give(&top, Input::Retry { by: "user:ana".into(), again, inputs: vec![] });
    world.go();
    let found = document(&mut world, "plan");
    assert_eq!((found.status, found.version, found.versions.len()), (DocumentStatus::Waiting, Some(1), 2));
    world.decide("make/accept", "bo", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
    let found = document(&mut world, "plan");
    let standing: Vec<Standing> = found.versions.iter().map(|version| version.standing).collect();
    assert_eq!((found.version, standing), (Some(2), vec![Standing::Accepted; 2]));
}

#[test]
fn rule_48_what_is_named_inside_of_a_step_that_produces_means_the_step() {
    let mut world = plan("{ accept: { by: ['role:approver'] } }", "noop: 1");
    world.decide("make/accept", "bo", true, "").unwrap();
    let top = world.top.clone();
    for (number, inside) in [(2, "make/draft"), (3, "make/version"), (4, "make/accept")] {
        let again = Again::Only(inside.into());
        world.give(&top, Input::Retry { by: "user:ana".into(), again, inputs: vec![] });
        world.go();
        assert_eq!(document(&mut world, "plan").versions.len(), number, "{inside}");
        world.decide("make/accept", "bo", true, "").unwrap();
        assert_eq!(document(&mut world, "plan").version, Some(u32::try_from(number).unwrap()), "{inside}");
    }
    // What missed its schema is made anew, and not only looked at once more.
    let mut world = plan(&format!("{{ {SCHEMA}, on_findings: fail }}"), "noop: {}");
    let before = made(&world, "make");
    let top = world.top.clone();
    world.give(&top, Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs: vec![] });
    world.go();
    assert_eq!(made(&world, "make"), before + 1);
    assert_eq!(document(&mut world, "plan").versions.len(), 2);
}

#[test]
fn a_document_is_made_in_loops_machines_and_by_people_as_by_any_step() {
    let mut world = World::run(
        "documents: { l: {}, s: {}, q: { schema: { type: object, required: [name] } } }
steps:
  - { id: l, loop: { max: 3, until: 'steps.l.output == 2' }, produces: l, noop: '${{ iteration }}' }
  - id: m
    states:
      - { id: s, produces: s, noop: '${{ iteration }}', next: [ { when: 'steps.s.output < 2', go: s }, { go: end } ] }
  - id: q
    produces: q
    ask: { form: { type: object, required: [name], properties: { name: { type: string } } } }
outputs: { l: '${{ steps.l.output }}', m: '${{ steps.m.output.s }}', q: '${{ steps.q.output.name }}' }
",
    );
    assert_eq!(document(&mut world, "q").status, DocumentStatus::Waiting);
    let filled = Act::Answer { answers: json!({ "name": "x" }), comment: String::new(), version: None };
    world.act("q/draft", "ana", filled).unwrap();
    assert_eq!(world.outputs(), json!({ "l": 2, "m": 2, "q": "x" }));
    for name in ["l", "s"] {
        assert_eq!(document(&mut world, name).version, Some(2), "{name}");
    }
}

#[test]
fn rule_65_whoever_wrote_a_version_or_rejected_one_may_be_kept_from_accepting_it() {
    let mut world = World::run(
        "documents: { a: { accept: { by: ['role:approver'], not: [authors, deciders], revise: 3 } } }
steps:
  - id: a
    produces: a
    ask: { by: ['role:approver'], form: { type: object, properties: { t: { type: string } } } }
",
    );
    let written = || Act::Answer { answers: json!({ "t": "x" }), comment: String::new(), version: None };
    world.act("a/draft", "ana", written()).unwrap();
    let why = world.decide("a/accept", "ana", true, "").unwrap_err();
    assert!(why.contains("user:ana"), "{why}");
    world.decide("a/accept", "bo", false, "no").unwrap();
    world.act("a/draft~2", "ana", written()).unwrap();
    let why = world.decide("a/accept~2", "bo", true, "").unwrap_err();
    assert!(why.contains("user:bo"), "{why}");
    world.decide("a/accept~2", "cy", true, "").unwrap();
    assert_eq!(world.ended().0, RunStatus::Completed);
}

#[test]
fn a_draft_that_fails_fails_its_step_and_its_block_goes_on_as_that_says() {
    let mut world = World::run(
        "documents: { a: { accept: { by: ['role:approver'] } } }
steps:
  - { id: a, produces: a, on_error: continue, noop: { fail: broken } }
  - { id: b, noop: '${{ steps.a.output }}' }
",
    );
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!((world.status("a"), world.status("b")), (StepStatus::Failed, StepStatus::Blocked));
    assert_eq!(document(&mut world, "a").status, DocumentStatus::Failed);
}

#[test]
fn p11_documents_and_versions_are_bounded() {
    let most = stead_core::limits::DOCUMENT_VERSIONS;
    let world = World::run(&format!(
        "documents: {{ a: {{}} }}\nsteps:\n  - {{ id: a, loop: {{ max: {} }}, produces: a, set: {{ n: 1 }} }}\n",
        most + 1
    ));
    assert_eq!(world.error().0, ErrorKind::Exhausted);
    assert!(world.error().2.contains("may have no more"), "{:?}", world.error());
    let most = stead_core::limits::DOCUMENTS;
    let items: Vec<Value> = (0..=most).map(|n| json!(n)).collect();
    let world = World::run_inputs(
        "inputs: { all: { type: array } }\nscopes: { p: {}, e: { parent: p } }\ndocuments: { a: { scope: e } }\nsteps:\n  - { id: a, foreach: { in: '${{ inputs.all }}', scope: e }, produces: a, set: { n: 1 } }\n",
        json!({ "all": items }),
    );
    assert_eq!(world.error().0, ErrorKind::Exhausted);
    assert!(world.error().2.contains("documents"), "{:?}", world.error());
}

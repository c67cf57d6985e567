//! Workflows of annotation and of documents: imported, and run with programs in the place of people.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::import::{calls, sample, with_answers};
use crate::project::Project;

/// A sample that was imported, with a program `stand-in` in the place of people and agents.
fn imported(dialect: &str, name: &str, answers: &[(&str, Value)]) -> Project {
    let project = Project::new().with(name, &sample(&format!("{dialect}/{name}")));
    for folder in ["handlers", "workflows"] {
        std::fs::create_dir(project.path(folder)).unwrap();
    }
    if dialect == "glyph" {
        let child = sample("glyph/workflows/link-terms.yml");
        std::fs::write(project.path("workflows/link-terms.yml"), child).unwrap();
    }
    with_answers(project, name, answers)
}

/// A handler that notes that it ran, and gives what it is told.
fn handler(project: &Project, name: &str, gives: &str) {
    let path = project.path(&format!("handlers/{name}"));
    let script = format!("#!/bin/sh\ncat > /dev/null\necho \"handler {name}\" >> calls\n{gives}\n");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// The names of the steps that were called, in order.
fn order(project: &Project) -> Vec<String> {
    calls(project).iter().map(|call| call.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
}

#[test]
fn import_annotation_of_one_is_complete_when_it_is_handed_in() {
    let project = imported("glyph", "minimal.yaml", &[("annotate", json!({"value": {"label": "joy"}}))]);
    project.call(&["run", "run.yml", "-i", "task={\"text\": \"x\"}"]).is(0);
    assert_eq!(order(&project), ["annotate"]);
    assert!(calls(&project)[0].contains("task= {\"text\":\"x\"}"), "{:?}", calls(&project));
}

#[test]
fn import_annotation_goes_where_the_agreement_leads() {
    let answers = |agreement: f64| {
        let task = json!({"value": {"label": "joy"}, "submissions": [1, 2, 3], "agreement": agreement, "agreed": agreement >= 0.85});
        [("annotate", task), ("adjudicate", json!({"value": {"final_decision": "joy"}}))]
    };
    let project = imported("glyph", "agreement.yaml", &answers(0.9));
    let got = project.call(&["run", "run.yml", "-i", "task={}", "--json"]).is(0);
    assert_eq!(order(&project), ["annotate"]);
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outcome"], "ok", "{}", got.out);
    let project = imported("glyph", "agreement.yaml", &answers(0.2));
    project.call(&["run", "run.yml", "-i", "task={}"]).is(0);
    assert_eq!(order(&project), ["annotate", "adjudicate"]);
    // An agreement that is not defined is none.
    let undefined = [
        ("annotate", json!({"value": null, "submissions": [], "agreement": null, "agreed": false})),
        ("adjudicate", json!({"value": {"final_decision": "joy"}})),
    ];
    let project = imported("glyph", "agreement.yaml", &undefined);
    project.call(&["run", "run.yml", "-i", "task={}"]).is(0);
    assert_eq!(order(&project), ["annotate", "adjudicate"]);
}

#[test]
fn p3_import_annotation_that_is_rejected_for_ever_ends_failed() {
    let answers = |decision: &str| {
        [
            ("annotate", json!({"value": {"label": "x"}, "agreement": 0.9, "agreed": true})),
            ("second_look", json!({"decision": decision, "comment": "again"})),
            ("adjudicate", json!({"value": {"final_decision": "x"}})),
        ]
    };
    let project = imported("glyph", "review.yaml", &answers("reject"));
    project.call(&["run", "run.yml", "-i", "task={}", "-i", "context={\"priority\": 1}"]).is(1);
    let all = order(&project);
    assert_eq!(
        all.iter().filter(|step| *step == "annotate").count(),
        4,
        "once, and three times again: {all:?}"
    );
    assert!(calls(&project)[2].contains("rejected_because= again"), "{:?}", calls(&project));
    let project = imported("glyph", "review.yaml", &answers("accept"));
    project.call(&["run", "run.yml", "-i", "task={}", "-i", "context={\"priority\": 5}"]).is(0);
    assert_eq!(order(&project), ["annotate", "second_look", "adjudicate"], "the condition holds");
    let project = imported("glyph", "review.yaml", &answers("accept"));
    project.call(&["run", "run.yml", "-i", "task={}", "-i", "context={\"priority\": 1}"]).is(0);
    assert_eq!(order(&project), ["annotate", "second_look"]);
}

#[test]
fn import_annotation_in_parallel_comes_together_once() {
    let value = |label: &str| json!({"value": {"label": label, "text": label}});
    let answers = [
        ("ner", value("entities")),
        ("linking", value("links")),
        ("classify", value("letter")),
        ("final_review", json!({"decision": "accept"})),
    ];
    let project = imported("glyph", "parallel.yaml", &answers);
    for name in ["register_task", "split", "suggest_class", "log_class", "publish", "count_up"] {
        handler(&project, name, "echo '{\"text\": \"t\"}'");
    }
    handler(&project, "merge", "echo '{\"text\": \"merged\"}'");
    project.call(&["run", "run.yml", "-i", "task={}"]).is(0);
    let mut all = order(&project);
    assert_eq!(all.first().unwrap(), "register_task");
    assert_eq!(&all[all.len() - 4..], ["merge", "final_review", "publish", "count_up"]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 11, "{all:?}");
    let linking = calls(&project).into_iter().find(|call| call.contains(" linking ")).unwrap();
    assert!(linking.contains("entities= entities") && linking.contains("language= en"), "{linking}");
}

#[test]
fn import_handlers_run_as_programs_with_their_configuration() {
    let project = imported("glyph", "handlers.yaml", &[]);
    handler(&project, "clean", "echo '{\"words\": 5, \"empty\": false}'");
    // Twice there is a rest.
    handler(
        &project,
        "split",
        "test -e b && { echo '{\"rest\": 0}'; exit; }; test -e a && touch b; touch a; echo '{\"rest\": 1}'",
    );
    handler(&project, "store", "echo '{}'");
    project.call(&["run", "made.yml", "-i", "task={}"]).is(0);
    assert_eq!(order(&project), ["clean", "split", "split", "split", "store"]);
    // Short texts are not split.
    let project = imported("glyph", "handlers.yaml", &[]);
    handler(&project, "clean", "echo '{\"words\": 1, \"empty\": false}'");
    handler(&project, "store", "echo '{}'");
    project.call(&["run", "made.yml", "-i", "task={}"]).is(0);
    assert_eq!(order(&project), ["clean", "store"]);
    // A handler that fails leads to `_failed`, which fails the run.
    let project = imported("glyph", "handlers.yaml", &[]);
    handler(&project, "clean", "exit 3");
    project.call(&["run", "made.yml", "-i", "task={}"]).is(1);
    assert_eq!(order(&project), ["clean"]);
}

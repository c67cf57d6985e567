//! Workflows of annotation and of documents: imported, and run with programs in the place of people.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::import::{calls, sample, with_answers, with_answers_of};
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

/// Answers of a plan whose check says this each time.
fn discovery(passes: bool, choice: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("questions_pass_a", json!({"questions": [{"id": "who", "text": "For whom?"}]})),
        ("questions_entry", json!({"who": "nurses"})),
        ("generation_consent", json!({"decision": "accept"})),
        ("generation", json!({"title": "one"})),
        ("qa", json!({"pass": passes, "feedback": "too short"})),
        ("remediation", json!({"title": "two"})),
        ("qa_operator", json!({"choice": choice})),
    ]
}

#[test]
fn import_a_document_is_written_with_the_answers() {
    let answers = [
        ("brief_questions", json!({"questions": [{"id": "who", "text": "For whom?"}]})),
        ("brief_answers", json!({"who": "nurses"})),
        ("brief", json!({"title": "Shifts"})),
    ];
    let project = imported("documents", "brief.json", &answers);
    project.stead("run run.yml").is(0);
    assert_eq!(order(&project), ["brief_questions", "brief_answers", "brief"]);
    assert!(calls(&project)[1].contains("For whom?"), "{:?}", calls(&project));
    assert!(calls(&project)[2].contains("nurses"), "{:?}", calls(&project));
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outputs"]["brief"]["title"], "Shifts", "{run}");
}

#[test]
fn import_documents_go_through_what_they_list_level_by_level() {
    let mut answers: Vec<(String, Value)> = Vec::new();
    let documents =
        ["discovery", "epic_backlog", "architecture", "epic_architecture", "story_backlog", "implementation"];
    for name in documents {
        answers.push((format!("{name}_questions"), json!({"questions": []})));
        answers.push((format!("{name}_answers"), json!({})));
        let list = match name {
            "epic_backlog" => json!({"epics": [{"id": "E-1"}, {"id": "E-2"}]}),
            "story_backlog" => {
                json!({"stories": [{"story_id": "S-1"}, {"story_id": "S-2"}, {"story_id": "S-3"}]})
            }
            name => json!({"title": name}),
        };
        answers.push((name.to_owned(), list));
    }
    let answers: Vec<(&str, Value)> =
        answers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let project = imported("documents", "product.json", &answers);
    project.call(&["run", "run.yml", "-i", "concierge_intake={\"text\": \"shifts\"}"]).is(0);
    let all = order(&project);
    let count = |name: &str| all.iter().filter(|step| *step == name).count();
    assert_eq!((count("discovery"), count("epic_architecture"), count("story_backlog")), (1, 2, 2));
    assert_eq!(count("implementation"), 6, "three stories of each of two epics");
    let last = calls(&project).into_iter().rfind(|call| call.starts_with("agent implementation ")).unwrap();
    assert!(last.contains("\"story_id\":\"S-3\"") && last.contains("\"id\":\"E-2\""), "{last}");
    // An element without an id ends the step, before any of them is begun.
    let mut answers = answers;
    for (name, value) in &mut answers {
        if *name == "epic_backlog" {
            *value = json!({"epics": [{"id": "E-1"}, {"name": "no id"}]});
        }
    }
    let project = imported("documents", "product.json", &answers);
    project.call(&["run", "run.yml", "-i", "concierge_intake={}"]).is(1);
    assert!(!order(&project).contains(&"epic_architecture".to_owned()));
}

#[test]
fn p1_p4_import_documents_are_signed_off_and_none_is_written_again() {
    let mut answers: Vec<(String, Value)> = Vec::new();
    let documents =
        ["discovery", "epic_backlog", "architecture", "epic_architecture", "story_backlog", "implementation"];
    for name in documents {
        answers.push((format!("{name}_questions"), json!({"questions": []})));
        let list = match name {
            "epic_backlog" => json!({"epics": [{"id": "E-1"}]}),
            "story_backlog" => json!({"stories": [{"story_id": "S-1"}]}),
            name => json!({"title": name}),
        };
        answers.push((name.to_owned(), list));
    }
    let answers: Vec<(&str, Value)> =
        answers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let project = Project::new().with("product.json", &sample("documents/product.json"));
    // People are people here.
    let project = with_answers_of(project, "product.json", &answers, &["agent"]);
    let mut ended = project.call(&["run", "run.yml", "-i", "concierge_intake={}"]).is(4).code;
    let mut signed = 0;
    while ended == 4 {
        project.stead("approve @last").is(0);
        ended = project.stead("resume @last").code;
        signed += 1;
        assert!(signed < 10, "it comes to its end");
    }
    assert_eq!((ended, signed), (0, 3), "backlog, architecture, and the stories of one epic");
    let mut written = order(&project);
    written.retain(|step| !step.ends_with("_questions"));
    assert_eq!(written, documents, "each is written once");
    let all = project.stead("documents @last --json").is(0).lines();
    assert!(all.iter().all(|row| row["status"] == "accepted"), "{all:?}");
}

#[test]
fn import_documents_of_hand_ask_people_to_begin_and_to_write() {
    let answers = [
        ("plan_start", json!({"decision": "accept"})),
        ("plan_questions", json!({"questions": []})),
        ("plan_answers", json!({})),
        ("plan", json!({"title": "Plan"})),
        ("work_packages", json!({"packages": [{"id": "W-1"}]})),
        ("per_package_start", json!({"decision": "accept"})),
        ("statement_questions", json!({"questions": []})),
        ("statement_answers", json!({})),
        ("statement", json!({"title": "Statement"})),
    ];
    let project = imported("documents", "packages.json", &answers);
    project.stead("run run.yml").is(0);
    assert_eq!(order(&project), answers.map(|(step, _)| step));
}

#[test]
fn import_a_plan_that_passes_is_stabilized() {
    let project = imported("documents", "discovery.json", &discovery(true, "abandon"));
    project.call(&["run", "run.yml", "-i", "concierge_intake={}"]).is(0);
    assert_eq!(
        order(&project),
        ["questions_pass_a", "questions_entry", "generation_consent", "generation", "qa"]
    );
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outputs"]["document"]["title"], "one", "{run}");
    let generation = &calls(&project)[3];
    assert!(generation.contains("nurses"), "{generation}");
}

#[test]
fn p3_import_a_plan_that_never_passes_asks_a_person_and_ends_rejected() {
    let project = imported("documents", "discovery.json", &discovery(false, "abandon"));
    project.call(&["run", "run.yml", "-i", "concierge_intake={}"]).is(1);
    let all = order(&project);
    assert_eq!(&all[4..], ["qa", "remediation", "qa", "remediation", "qa", "qa_operator"]);
    let second =
        calls(&project).into_iter().filter(|call| call.starts_with("agent remediation ")).nth(1).unwrap();
    assert!(second.contains("\"title\":\"two\"") && second.contains("too short"), "{second}");
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outcome"], "rejected");
    // Who tries again does so twice, and then it is over.
    let project = imported("documents", "discovery.json", &discovery(false, "retry"));
    project.call(&["run", "run.yml", "-i", "concierge_intake={}"]).is(1);
    assert_eq!(order(&project).iter().filter(|step| *step == "qa_operator").count(), 3);
}

#[test]
fn import_a_gate_leads_by_what_was_classified_and_chosen() {
    let answers = |outcome: &str, choice: &str| {
        [
            ("gate_pass_a", json!({"outcome": outcome, "questions": []})),
            ("gate_entry", json!({"confirmed": true})),
            ("gate_needs_clarification", json!({})),
            ("generation", json!({"title": "one"})),
            ("release", json!({"choice": choice})),
        ]
    };
    let run = |outcome: &str, choice: &str, code: i32| {
        let project = imported("documents", "intake.json", &answers(outcome, choice));
        std::fs::create_dir(project.path("checks")).unwrap();
        std::fs::write(project.path("checks/qa"), "#!/bin/sh\necho '{}'\n").unwrap();
        std::fs::set_permissions(project.path("checks/qa"), PermissionsExt::from_mode(0o755)).unwrap();
        project.stead("run run.yml").is(code);
        order(&project)
    };
    assert_eq!(run("qualified", "yes", 0), ["gate_pass_a", "gate_entry", "generation", "release"]);
    assert_eq!(run("out_of_scope", "yes", 1), ["gate_pass_a"]);
    let asked = run("needs_clarification", "yes", 1);
    assert_eq!(asked.iter().filter(|step| *step == "gate_needs_clarification").count(), 3);
    let again = run("qualified", "no", 1);
    assert_eq!(again.iter().filter(|step| *step == "generation").count(), 4, "once, and three times again");
}

#[test]
fn import_a_plan_without_people_runs_as_it_is() {
    let check = |project: &Project, script: &str| {
        std::fs::create_dir(project.path("checks")).unwrap();
        std::fs::write(project.path("checks/qa"), format!("#!/bin/sh\ncat >> seen\n{script}\n")).unwrap();
        std::fs::set_permissions(project.path("checks/qa"), PermissionsExt::from_mode(0o755)).unwrap();
    };
    let project = imported("documents", "checked.json", &[]);
    check(&project, "echo '{}'");
    project.call(&["run", "made.yml", "-i", "report={\"lines\": 3}"]).is(0);
    assert!(std::fs::read_to_string(project.path("seen")).unwrap().contains("\"lines\":3"));
    // What does not fit is looked at twice again, and then blocks.
    let project = imported("documents", "checked.json", &[]);
    check(&project, "echo x >> times; echo '{}'; exit 1");
    project.call(&["run", "made.yml", "-i", "report={}"]).is(1).says("It is not");
    assert_eq!(std::fs::read_to_string(project.path("times")).unwrap().lines().count(), 3);
}

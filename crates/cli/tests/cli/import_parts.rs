//! Batches of one calculation file and roles of stages: imported, and run.

use serde_json::{Value, json};

use crate::import::{calls, sample, with_answers};
use crate::project::Project;

fn outcome(project: &Project) -> Value {
    project.stead("status @last --json").is(0).json()["outcome"].clone()
}

#[test]
fn import_a_batch_calculates_each_combination_and_goes_on_past_failures() {
    let project = Project::new().with("sweep.json", &sample("batch/sweep.json"));
    std::fs::create_dir(project.path("tables")).unwrap();
    std::fs::write(project.path("tables/loads.csv"), sample("batch/tables/loads.csv")).unwrap();
    let project =
        with_answers(project, "sweep.json", &[("cases", json!({"stress": {"value": 1, "unit": "psi"}}))]);
    project.stead("run run.yml -i w:=[5,5] -i sr:=[0.1,0.2]").is(0);
    // Three different numbers, two radii, one load, two grades.
    let all = calls(&project);
    assert_eq!(all.len(), 12, "{all:?}");
    assert!(all[0].contains("bolts_Nr-1_Sr-0.1_W-5_grade-A325_L-6_E-29000.pdf"), "{}", all[0]);
    assert_eq!(outcome(&project), "ok");
    // All of them fail: each is tried twice, and the run says that it is not whole.
    std::fs::remove_file(project.path("answer-cases.json")).unwrap();
    std::fs::remove_file(project.path("calls")).unwrap();
    project.stead("run run.yml -i w:=[5] -i sr:=[0.1] -i nr:=[1]").is(0);
    assert_eq!(calls(&project).len(), 4);
    assert_eq!(outcome(&project), "degraded");
}

#[test]
fn import_rows_of_a_batch_calculates_each() {
    let project = Project::new().with("rows.json", &sample("batch/rows.json"));
    let answers = [("beam", json!({"a": 1})), ("column", json!({})), ("column_2", json!({}))];
    let project = with_answers(project, "rows.json", &answers);
    let got: Value = project.stead("run run.yml -o beam").is(0).json();
    assert_eq!(got, json!([{"a": 1}, {"a": 1}, {"a": 1}]));
    let all = calls(&project);
    let named = |name: &str| all.iter().filter(|call| call.contains(name)).count();
    assert_eq!(
        (all.len(), named("beam_L-24_W-4.5.pdf"), named("column_height-4_max load-12.pdf")),
        (5, 1, 1),
        "{all:?}"
    );
}

#[test]
fn import_a_role_makes_a_workflow_of_one_agent() {
    let project = Project::new().with("coder.md", &sample("role/coder.md"));
    let project = with_answers(project, "coder.md", &[("coder", json!("done"))]);
    project.stead("run run.yml").is(2).says("`task`");
    project
        .call(&[
            "run",
            "run.yml",
            "-i",
            "task=Mend it",
            "-i",
            "plan:={\"phases\": [{\"name\": \"first\", \"tasks\": [{\"id\": \"T1\"}]}]}",
        ])
        .is(0);
    let all = calls(&project);
    assert!(all[0].contains("Mend it") && all[0].contains("- first: T1 (first)"), "{all:?}");
    assert!(!all[0].contains("There is no plan"), "{all:?}");
}

#[test]
fn import_stages_are_told_what_their_roles_say() {
    let project = Project::new().with("write.workflow.yml", &sample("stages/roles.workflow.yml"));
    for folder in ["roles", "stages"] {
        std::fs::create_dir(project.path(folder)).unwrap();
    }
    for file in ["roles/author.md", "roles/editor.md", "roles/critic.md", "stages/review.panel.yml"] {
        std::fs::write(project.path(file), sample(&format!("stages/{file}"))).unwrap();
    }
    let answers = [
        ("draft", json!("a draft")),
        ("edit", json!("an edit")),
        ("panel", json!("a view")),
        ("first", json!({})),
        ("second", json!({})),
        ("verdict", json!({"done": true})),
    ];
    let project = with_answers(project, "write.workflow.yml", &answers);
    project.stead("run run.yml -i topic=tea -i words=300").is(0);
    let all = calls(&project);
    let of = |step: &str| all.iter().find(|call| call.split(' ').nth(1) == Some(step)).unwrap();
    assert!(
        of("draft").contains("provider= gemini") && of("draft").contains("Write about tea in 300 words."),
        "{all:?}"
    );
    assert!(of("draft").contains("Every claim has a source"));
    assert!(of("edit").contains("provider= codex") && of("edit").contains("- style/guide.md"), "{all:?}");
    assert!(
        all.iter().any(|call| call.starts_with("agent panel") && call.contains("Write about tea")),
        "{all:?}"
    );
}

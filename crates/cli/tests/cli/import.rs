//! Definitions of other tools: imported, and run.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use stead_lang::tree::read;

use crate::project::Project;
use crate::stand_in::{replaced, with_stand_ins};

/// A sample of the language's own tests.
pub(crate) fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lang/tests/import").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A project with a sample that was imported, in which `stand-in` plays all actions that are not built, and people: it notes what it
/// was given and answers with the file of its step, or fails without one.
fn imported(dialect: &str, name: &str, answers: &[(&str, Value)]) -> Project {
    let project = Project::new().with(name, &sample(&format!("{dialect}/{name}")));
    std::fs::create_dir(project.path("stages")).unwrap();
    for profile in ["check.gate.yml", "plan.committee.yml"].iter().filter(|_| dialect == "stages") {
        let name = format!("stages/{profile}");
        std::fs::write(project.path(&name), sample(&format!("stages/{name}"))).unwrap();
    }
    with_answers(project, name, answers)
}

/// Imports a file of a project, and puts `stand-in` with its answers beside it.
pub(crate) fn with_answers(project: Project, name: &str, answers: &[(&str, Value)]) -> Project {
    with_answers_of(project, name, answers, &replaced())
}

/// The same, and `stand-in` plays these actions only.
pub(crate) fn with_answers_of(
    project: Project,
    name: &str,
    answers: &[(&str, Value)],
    actions: &[&str],
) -> Project {
    project.call(&["import", name, "-o", "made.yml"]).is(0).says("kept");
    let text = std::fs::read_to_string(project.path("made.yml")).unwrap();
    let document = read("made.yml", &text, &mut Vec::new()).unwrap();
    let whole = with_stand_ins(document.root().to_json().unwrap(), actions);
    let script =
        "#!/bin/sh\necho \"$*\" | tr '\\n' ' ' >> calls\necho >> calls\nexec cat \"answer-$2.json\"\n";
    let mut project = project.with("run.yml", &whole.to_string()).with("stand-in", script);
    std::fs::set_permissions(project.path("stand-in"), PermissionsExt::from_mode(0o755)).unwrap();
    for (step, answer) in answers {
        project = project.with(&format!("answer-{step}.json"), &answer.to_string());
    }
    project
}

pub(crate) fn calls(project: &Project) -> Vec<String> {
    let text = std::fs::read_to_string(project.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn import_writes_the_definition_and_says_what_became_of_each_construct() {
    let project = Project::new().with("bolts.json", &sample("chain/bolts.json"));
    let got = project.stead("import bolts.json").is(0);
    assert_eq!(got.out, sample("chain/expected/bolts.json.yml"));
    got.says("read as chains of calculation files").says("not expressible: pause_mode");
    let got = project.stead("import bolts.json -o made.yml").is(0);
    assert_eq!(got.out, "");
    got.says("46 kept, 6 changed, 6 not expressible")
        .says("`calc` is an action of the language that this version does not have")
        .says("written to made.yml");
    assert_eq!(
        std::fs::read_to_string(project.path("made.yml")).unwrap(),
        sample("chain/expected/bolts.json.yml")
    );
    // What is there stays.
    let project = project.with("made.yml", "mine");
    project.stead("import bolts.json -o made.yml").is(2).says("C0202").says("--force");
    assert_eq!(std::fs::read_to_string(project.path("made.yml")).unwrap(), "mine");
    project.stead("import bolts.json -o made.yml --force").is(0);
    assert_ne!(std::fs::read_to_string(project.path("made.yml")).unwrap(), "mine");
    let json = project.stead("import bolts.json --json").is(0).json();
    assert_eq!((&json["dialect"], &json["kept"], &json["changed"]), (&json!("chain"), &json!(46), &json!(6)));
    // The first entry is of no field: what the tool does by itself.
    let first = &json["report"][1];
    assert_eq!(
        (&first["construct"], &first["verdict"], &first["line"]),
        (&json!("name"), &json!("kept"), &json!(2))
    );
    let all = json["diagnostics"].as_array().unwrap();
    assert!(!all.is_empty() && all.iter().all(|found| found["code"] == "E0501"));
}

#[test]
fn import_refuses_what_is_no_dialect_and_says_what_was_tried() {
    let project = Project::new().with("a.json", "{\"files\": 3}").with("b.json", "{\"files\": [");
    project
        .stead("import a.json")
        .is(2)
        .says("C0206")
        .says("chain (chains of calculation files (JSON)): its `files` is no list");
    project.stead("import a.json --from chain").is(2).says("its `files` is no list");
    project.stead("import a.json --from nothing").is(2).says("chain");
    project.stead("import b.json").is(2).says("C0206").says("b.json:1");
    project.stead("import none.json").is(2).says("C0202").says("there is no such file");
    let error = project.stead("import a.json --json").is(2).json();
    assert_eq!(error["code"], "C0206");
}

#[test]
fn import_a_chain_hands_values_on_and_ends_as_the_chain_would() {
    let beam = [
        ("beam", json!({"stress": {"value": 12.5, "unit": "MPa"}})),
        ("deflect", json!({"max deflection": {"value": 3, "unit": "mm"}})),
        ("report", json!({})),
    ];
    let project = imported("chain", "beam.json", &beam);
    project.stead("run run.yml").is(0);
    let calls = calls(&project);
    assert_eq!(calls.len(), 3);
    assert!(calls[1].contains("load_stress= {\"value\":12.5,\"unit\":\"MPa\"}"), "{calls:?}");
    assert!(calls[2].contains("defl= {\"value\":3,\"unit\":\"mm\"}"), "{calls:?}");
    // A step that fails stops the chain.
    let project = imported("chain", "beam.json", &beam[..1]);
    project.stead("run run.yml").is(1);
    assert_eq!(self::calls(&project).len(), 2);
}

#[test]
fn import_a_chain_that_goes_on_blocks_what_lacks_its_values() {
    let project = imported("chain", "twice.json", &[("load_2", json!({})), ("end_", json!({}))]);
    project.stead("run run.yml").is(0);
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outcome"], "degraded");
    let called: Vec<String> =
        calls(&project).iter().map(|call| call.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(called, ["load", "load_2"], "sum needs load, and end needs sum");
}

#[test]
fn import_a_sweep_takes_each_combination_once_and_its_conditions_end_it() {
    let bolts = |stress: f64, deflection: f64| {
        let outputs = json!({"stress": {"value": stress, "unit": "psi"}, "deflection": {"value": deflection, "unit": "mm"}});
        [("bolts", outputs), ("deflect", json!({}))]
    };
    let project = imported("chain", "bolts.json", &bolts(40_000.0, 1.0));
    project.stead("run run.yml").is(0);
    assert_eq!(calls(&project).iter().filter(|call| call.starts_with("calc deflect")).count(), 8);
    // The condition of failure.
    let project = imported("chain", "bolts.json", &bolts(60_000.0, 1.0));
    project.stead("run run.yml").is(1).says("Over the limit (case 0)");
    assert_eq!(calls(&project).len(), 1);
    // That of success ends each case early.
    let project = imported("chain", "bolts.json", &bolts(50.0, 3.0));
    project.stead("run run.yml").is(0);
    assert_eq!(calls(&project).len(), 8);
}

#[test]
fn import_stages_repeat_until_the_check_is_content_and_end_exhausted_otherwise() {
    let answers = |done: bool| {
        let plan = json!({"phases": []});
        [
            ("plan", plan),
            ("code", json!({})),
            ("test", json!({})),
            ("gate", json!({"done": done, "recommended_next_stage": "code"})),
        ]
    };
    let project = imported("stages", "feature.workflow.yml", &answers(true));
    let inputs = "-i request=x -i repo=y";
    project.stead(&format!("run run.yml {inputs}")).is(0);
    assert_eq!(calls(&project).len(), 4);
    // Never content: the stage that is recommended begins each further round, and the run does not end as completed.
    let project = imported("stages", "feature.workflow.yml", &answers(false));
    project.stead(&format!("run run.yml {inputs}")).is(1);
    let run: Value = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outcome"], "exhausted");
    let called: Vec<String> =
        calls(&project).iter().map(|call| call.split(' ').nth(1).unwrap_or_default().to_owned()).collect();
    let count = |step: &str| called.iter().filter(|call| *call == step).count();
    assert_eq!((count("plan"), count("code"), count("gate")), (1, 5, 5));
}

#[test]
fn import_stages_begin_anew_until_there_were_rounds_enough() {
    let answers =
        [("analyze", json!({})), ("plan", json!({})), ("code", json!({})), ("review", json!({"done": true}))];
    let project = imported("stages", "moonshot.workflow.yml", &answers);
    project.stead("run run.yml").is(0);
    assert_eq!(calls(&project).len(), 12, "three rounds, each from the first stage");
}

#[test]
fn import_stages_with_several_providers_take_the_first_that_succeeds() {
    let answers = [("research", json!({})), ("draft", json!({})), ("vote", json!({}))];
    let project = imported("stages", "parallel.workflow.yml", &answers);
    project.stead("run run.yml -i topic=bees").is(0);
    assert!(calls(&project).iter().any(|call| call.contains("Find what is known about bees")));
}

//! Workflows of pflow, in JSON and in Markdown: imported, and run.

use serde_json::{Value, json};

use crate::project::Project;

/// A file among the samples of the language's own tests.
fn sample(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lang/tests/import").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A project in which a sample was imported as `made.yml`, with the files that it names beside it.
fn imported(dialect: &str, name: &str, beside: &[&str]) -> Project {
    let mut project = Project::new().with(name, &sample(&format!("{dialect}/{name}")));
    for file in beside {
        if let Some((folder, _)) = file.rsplit_once('/') {
            std::fs::create_dir_all(project.path(folder)).unwrap();
        }
        project = project.with(file, &sample(&format!("{dialect}/{file}")));
    }
    let got = project.call(&["import", name, "-o", "made.yml"]).is(0);
    assert!(!got.err.contains("cannot be run by this version"), "{}", got.err);
    project
}

/// What a run gives.
fn outputs(project: &Project, inputs: &[&str]) -> Value {
    let words: Vec<&str> =
        ["run", "made.yml"].into_iter().chain(inputs.iter().flat_map(|i| ["-i", i])).collect();
    project.call(&words).is(0).json()
}

#[test]
fn p12_values_of_imported_commands_never_become_code() {
    let evil = "who=$(touch hacked) `touch hacked` \"; touch hacked; ' && touch hacked #";
    for (dialect, name) in [("pflow", "count-lines.json"), ("pflow-md", "count-lines.pflow.md")] {
        let project = imported(dialect, name, &[]).with("f.txt", "a\nb\n");
        let given = outputs(&project, &["path=f.txt", evil]);
        assert_eq!(given["lines"], "2", "{name}");
        let said = given["said"].as_str().unwrap();
        assert!(
            said.contains("$(touch hacked) `touch hacked` \"; touch hacked; ' && touch hacked #"),
            "{said}"
        );
        assert!(!project.path("hacked").exists(), "{name}: a value was run");
    }
}

#[test]
fn import_a_graph_whose_ways_part_lead_back_and_catch_errors() {
    let project = imported("pflow", "routes.json", &[]);
    let run = |limit: &str| {
        let _ = std::fs::remove_file(project.path("rounds"));
        outputs(&project, &[&format!("limit={limit}")])
    };
    assert_eq!(run("3"), json!({"how": "small after 3", "rounds": 3, "why": null}));
    assert_eq!(run("6"), json!({"how": "large", "rounds": 6, "why": null}));
    // The code said `end`.
    assert_eq!(run("5"), json!({"how": "failed", "rounds": 5, "why": null}));
    let failed = run("0");
    assert_eq!((&failed["how"], &failed["rounds"]), (&json!("failed"), &Value::Null));
    assert!(failed["why"].as_str().unwrap().contains("no limit"), "{failed}");
}

#[test]
fn import_steps_in_markdown_whose_code_says_what_is_next() {
    let project = imported("pflow-md", "branching.pflow.md", &[]);
    let run = |items: &str| outputs(&project, &[&format!("items={items}")]);
    assert_eq!(run("3"), json!({"said": "done with small", "first": 0}));
    assert_eq!(run("7"), json!({"said": "done with large", "first": 0}));
    assert_eq!(run("5"), json!({"said": null, "first": 0}));
    let failed = run("0");
    assert_eq!(failed["first"], Value::Null);
    assert!(failed["said"].as_str().unwrap().contains("nothing to do"), "{failed}");
}

#[test]
fn import_acts_on_files_and_deletes_none_that_nobody_allowed() {
    let project = imported("pflow", "files.json", &[]);
    project.stead("run made.yml").is(1).says("give `confirm_delete=true` to allow it");
    assert!(project.path("out/a.txt").exists());
    let given = outputs(&project, &["confirm_delete=true", "note=one"]);
    assert_eq!(given, json!({"text": "one", "again": "one and one", "kept": "out/a.txt"}));
    assert!(!project.path("out/a.txt").exists());
    assert_eq!(std::fs::read(project.path("out/d.bin")).unwrap(), [0, 1, 2]);
}

#[test]
fn import_workflows_that_call_others_with_them_in_one_definition() {
    let project = imported("pflow", "titles.json", &["children/to-upper.json"]);
    // What was called is in the definition: its file is not needed any more.
    std::fs::remove_dir_all(project.path("children")).unwrap();
    let given = outputs(&project, &["title=Hi", "body=there"]);
    assert_eq!(given["shouted"], "THERE!HI!");
    assert_eq!(given["both"], "{\"title\":\"HI\",\"body\":\"THERE\"}");

    let beside = ["children/judge-round.pflow.md", "to-upper.pflow.md", "texts/upper.sh"];
    let project = imported("pflow-md", "tournament.pflow.md", &beside);
    assert_eq!(outputs(&project, &[]), json!({"winner": "ADA", "stopped": "condition"}));
    assert_eq!(std::fs::read_to_string(project.path("winner-2.txt")).unwrap(), "ADA wins");
}

#[test]
fn import_rounds_and_items_with_what_they_give() {
    let project = imported("pflow", "rounds.json", &[]);
    let given = outputs(&project, &[]);
    let greeted =
        |item: &str, at: u32| json!({"item": item, "stdout": format!("hi {item} {at}"), "exit_code": 0});
    let all = [greeted("ada", 0), greeted("b \"c\" $(touch hacked)", 1), greeted("ada", 2)];
    assert_eq!(given["greetings"], json!(all));
    assert_eq!((&given["winner"], &given["ended"]), (&json!("ada"), &json!("condition")));
    assert_eq!(given["second"], "b \"c\" $(touch hacked)/hi b \"c\" $(touch hacked) 1");
    assert_eq!(given["upper"], "ADA");
    assert!(!project.path("hacked").exists());
    let run = project.stead("status @last --json").is(0).json();
    assert_eq!(run["outcome"], "degraded", "one item failed, and the others went on");
}

#[test]
fn import_a_graph_in_which_several_nodes_follow_one() {
    let project = imported("pflow", "fork.json", &[]);
    assert_eq!(outputs(&project, &[]), json!({"sum": 13}));
}

#[test]
fn import_says_where_a_workflow_in_markdown_is_damaged() {
    let text = "# T\n\n## Steps\n\n### one\n\n- type: shell\n- what\n\n```shell command\necho\n";
    let project = Project::new().with("a.md", text).with("b.md", "# T\n\nNo steps: here, or there: any.\n");
    let got = project.stead("import a.md").is(2).says("C0206").says("E0114");
    got.says("a.md:8:1").says("`what` is no field").says("a.md:10:1").says("this block is not closed");
    let got = project.stead("import b.md").is(2).says("C0206");
    got.says("pflow-md (pflow's workflows (Markdown)): it has no heading `## Steps`");
    project.stead("import a.md --from chain").is(2).says("it is neither JSON nor YAML");
    let json = Project::new().with("c.json", "{\"nodes\": []}");
    json.stead("import c.json --from pflow").is(2).says("no element of its `nodes` has an `id` and a `type`");
    json.stead("import c.json --from pflow-md").is(2).says("it has no heading `## Steps`");
}

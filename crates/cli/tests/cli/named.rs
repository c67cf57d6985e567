//! Runs of workflows by their names, and children that are called by theirs.

use serde_json::{Value, json};

use crate::project::{Got, Project};

fn leaf(name: &str, word: &str) -> String {
    format!(
        "stead: 1\nname: {name}\ninputs: {{ n: {{ type: integer, default: 1 }} }}\nsteps:\n  - {{ id: say, run: [echo, {word}] }}\noutputs: {{ said: '${{{{ steps.say.output }}}}' }}\n"
    )
}

/// A workflow that waits, then calls another.
fn waiter(workflow: &str) -> String {
    format!(
        "stead: 1\nname: waiter\nsteps:\n  - {{ id: w, wait: {{ signal: go }} }}\n  - id: c\n    workflow: {workflow}\noutputs: {{ said: '${{{{ steps.c.output.said }}}}' }}\n"
    )
}

fn caller(name: &str, workflow: &str) -> String {
    format!("stead: 1\nname: {name}\nsteps:\n  - id: c\n    workflow: {workflow}\n")
}

impl Project {
    fn saves(self, name: &str, text: &str) -> Self {
        let based = self.stead(&format!("show {name} --json"));
        let newest = if based.code == 0 { based.json()["row"]["newest"].as_u64() } else { None };
        let project = self.with("saved.tmp", text);
        let base = newest.map_or_else(String::new, |newest| format!(" --based-on {newest}"));
        project.stead(&format!("save saved.tmp --name {name}{base}")).is(0);
        std::fs::remove_file(project.path("saved.tmp")).unwrap();
        project
    }

    fn workflows_folder(self) -> Self {
        std::fs::create_dir_all(self.path("workflows")).unwrap();
        self
    }
}

fn said(got: Got) -> Value {
    got.is(0).json()["said"].clone()
}

#[test]
fn a_workflow_is_run_by_its_name_and_an_old_revision_by_its_number() {
    let project = Project::new().saves("greet", &leaf("greet", "one")).saves("greet", &leaf("greet", "two"));
    assert_eq!(said(project.stead("run greet")), "two");
    assert_eq!(said(project.stead("run greet@1")), "one");
    assert_eq!(project.last()["workflow"], "greet");
    project.stead("run greet@3").is(2).says("S0702");
    project.stead("run great").is(2).says("S0701").says("did you mean `greet`?").says("no file `great`");
    project.stead("run greet@x").is(2).says("greet@x");
    // It runs under the name that it has in the library, and its runs are counted there.
    let project = project.saves("hello", &leaf("greet", "three"));
    assert_eq!(said(project.stead("run hello")), "three");
    assert_eq!(project.last()["workflow"], "hello");
    project.stead("rename hello salute").is(0);
    project.stead("run salute").is(0);
    assert_eq!(project.stead("show salute --json").json()["row"]["runs"], 2);
    // A draft is none to run, an earlier revision is.
    let project = project.with("half.yml", "stead: 1\nname: greet\n");
    project.stead("save half.yml --draft --based-on 2").is(0);
    project.stead("run greet").is(2).says("R0406").says("greet@3 is a draft");
    assert_eq!(said(project.stead("run greet@2")), "two");
    project.stead("delete greet").is(0);
    project.stead("run greet").is(2).says("S0703").says("stead restore");
}

#[test]
fn the_library_goes_before_files_and_files_of_the_project_count_as_named() {
    let project = Project::new().workflows_folder().with("workflows/greet.yml", &leaf("greet", "file"));
    assert_eq!(said(project.stead("run greet")), "file");
    project.stead("check greet").is(0).answers("workflows/greet.yml: ok, greet@");
    let project = project.saves("greet", &leaf("greet", "saved"));
    let got = project
        .stead("run greet")
        .is(0)
        .says("greet is greet@1 of the library; workflows/greet.yml is another text");
    assert_eq!(got.json()["said"], "saved");
    project
        .stead("check greet")
        .is(0)
        .answers("greet@1 of the library, which goes before workflows/greet.yml");
    project.stead("check workflows/greet.yml").is(0).answers("not greet@1 of the library");
    assert_eq!(said(project.stead("run workflows/greet.yml")), "file");
    let checked = project.stead("check workflows/greet.yml --format json").is(0).json();
    assert_eq!(checked["files"][0]["library"], json!({"name": "greet", "number": 1, "same": false}));
    // From below the project's folder the same files are named.
    std::fs::create_dir_all(project.path("sub/deep")).unwrap();
    let project = project.with("workflows/other.yml", &leaf("other", "below"));
    let mut command = project.command();
    command.current_dir(project.path("sub/deep")).args(["run", "other", "-o", "said"]);
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), "below\n");
    // A path is a path.
    let project = project.with("plain", &leaf("plain", "by path"));
    assert_eq!(said(project.stead("run plain")), "by path");
    // Saved, nothing is to be told.
    project.stead("save workflows/greet.yml --based-on 1").is(0);
    let got = project.stead("run greet").is(0);
    assert!(!got.err.contains("another text"), "{got:#?}");
    project.stead("check workflows/greet.yml").is(0).answers("greet@2 of the library\n");
}

#[test]
fn a_definition_may_be_given_itself() {
    let project = Project::new();
    let text = leaf("greet", "inline");
    assert_eq!(said(project.fed(&["run", "-"], &text)), "inline");
    assert_eq!(said(project.call(&["run", &text])), "inline");
    let json = r#"{"stead": 1, "name": "j", "steps": [{"id": "a", "run": ["echo", "x"]}], "outputs": {"said": "${{ steps.a.output }}"}}"#;
    assert_eq!(said(project.call(&["run", json])), "x");
    project.fed(&["run", "-"], "steps: 7").is(2).says("(inline):1:");
    project.fed(&["check", "-"], &text).is(0).answers("ok, greet@");
    let mut command = project.command();
    let child = command.args(["run", "-"]).stdin(std::process::Stdio::piped());
    let mut child =
        child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\xff\xfe").unwrap();
    crate::project::finish(child).is(2).says("C0202");
}

#[test]
fn p6_a_run_that_waits_goes_on_with_the_children_it_started_with() {
    let typed = |word: &str| {
        format!(
            "stead: 1\nname: kid\ninputs: {{ it: {{ type: object, schema: it.json, default: {{ a: 1 }} }} }}\nsteps:\n  - {{ id: say, run: [echo, {word}] }}\noutputs: {{ said: '${{{{ steps.say.output }}}}' }}\n"
        )
    };
    let inner = |word: &str| {
        format!(
            "stead: 1\nname: inner\nsteps:\n  - {{ id: w, wait: {{ signal: go }} }}\n  - {{ id: k, workflow: {{ name: kid }} }}\noutputs: {{ said: '${{{{ steps.k.output.said + \" {word}\" }}}}' }}\n"
        )
    };
    let project = Project::new().with("it.json", "{\"type\": \"object\"}").with("kid.yml", &typed("old"));
    project.stead("save kid.yml").is(0);
    let project = project.saves("inner", &inner("old")).saves("outer", &caller("outer", "{ name: inner }"));
    project.stead("run outer --no-wait").is(4);
    let outer = project.last();
    let child = project.stead("runs --all --json --workflow inner").is(0).lines()[0].clone();
    // Everything is saved anew while it waits in its child.
    let project = project
        .with("it.json", "{\"type\": \"object\", \"required\": [\"b\"]}")
        .with("kid.yml", &typed("new"));
    project.stead("save kid.yml").is(2).says("E0");
    let project = project.with("it.json", "{\"type\": \"object\", \"minProperties\": 1}");
    project.stead("save kid.yml").is(0).answers("kid@2");
    let project = project.saves("inner", &inner("new")).saves("outer", &caller("outer", "{ name: inner@2 }"));
    project.stead(&format!("signal {} go", child["run"].as_str().unwrap())).is(0);
    let run = outer["run"].as_str().unwrap();
    project.stead(&format!("resume {run}")).is(0);
    let view = project.stead(&format!("status {run} --json")).is(0).json();
    assert_eq!(view["outputs"]["c"]["said"], "old old");
    assert_eq!(view["revision"], outer["revision"]);
    // What it is pinned to names the definition, and what its names came to.
    let kept = project.stead("show outer@1 --json").is(0).json();
    let definition = kept["revision"]["revision"].as_str().unwrap();
    assert!(view["revision"].as_str().unwrap().starts_with(&format!("{definition}+")), "{view}");
}

#[test]
fn p6_a_run_that_was_not_asked_to_keeps_its_children_through_a_restart() {
    let project =
        Project::new().saves("leaf", &leaf("leaf", "old")).with("waiter.yml", &waiter("{ name: leaf }"));
    project.stead("run waiter.yml --no-wait").is(4);
    let newest =
        project.with("newest.yml", &waiter("{ name: leaf, revision: latest }").replace("waiter", "newest"));
    newest.stead("run newest.yml --no-wait").is(4);
    let project = newest.saves("leaf", &leaf("leaf", "new"));
    project.stead("signal waiter go").is(0);
    project.stead("signal newest go").is(0);
    project.stead("resume").is(0);
    let said = |name: &str| {
        let run = project.stead(&format!("runs --json --workflow {name}")).is(0).lines()[0]["run"].clone();
        project.stead(&format!("status {} --json", run.as_str().unwrap())).json()["outputs"]["said"].clone()
    };
    assert_eq!(said("waiter"), "old");
    assert_eq!(said("newest"), "new");
    // One that is gone by then fails its step and nothing else.
    project.stead("run newest.yml --no-wait").is(4);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    project.stead("delete leaf").is(0);
    project.stead(&format!("signal {run} go")).is(0);
    project.stead(&format!("resume {run}")).is(1);
    let view = project.stead(&format!("status {run} --json")).json();
    assert!(view.to_string().contains("the workflow `leaf` was deleted by user:ana"), "{view}");
}

#[test]
fn what_calls_others_is_checked_when_it_is_saved_and_when_it_starts() {
    let project = Project::new().with("p.yml", &caller("p", "{ name: leaf, inputs: { m: 1 } }"));
    project.stead("save p.yml").is(2).says("E0328").says("there is no workflow `leaf`");
    let project = project.saves("leaf", &leaf("leaf", "one"));
    project.stead("check p.yml").is(2).answers("E0318").answers("`leaf` has no input `m`");
    let project = project.with("p.yml", &caller("p", "{ name: leef }"));
    project.stead("check p.yml").is(2).answers("did you mean `leaf`?");
    let project = project.with("p.yml", &caller("p", "{ name: leaf }"));
    project.stead("save p.yml").is(0);
    // The callee is kept as long as it is called; the caller goes first.
    project.stead("delete leaf").is(1).says("S0708").says("called by p");
    project.stead("rename leaf other").is(1).says("S0708");
    project.stead("show leaf").is(0).answers("called by  p");
    project.stead("show p").is(0).answers("calls      leaf");
    project.stead("delete p").is(0);
    project.stead("delete leaf").is(0);
    // Restored without what it calls it says so when it starts.
    project.stead("restore p").is(0);
    project
        .stead("run p")
        .is(2)
        .says("E0328")
        .says("`leaf` was deleted by user:ana")
        .says("stead restore leaf");
    project.stead("restore leaf").is(0);
    project.stead("run p").is(0);
    // A child whose inputs changed is noticed before the run starts.
    let strict = leaf("leaf", "one").replace(", default: 1", "");
    let project = project.saves("leaf", &strict);
    project.stead("run p").is(2).says("E0319").says("`leaf` needs the input `n`");
}

#[test]
fn circles_are_found_when_checking_and_again_at_the_start() {
    let project = Project::new().saves("b", &leaf("b", "one")).saves("a", &caller("a", "{ name: b }"));
    let project = project.with("b.yml", &caller("b", "{ name: a }"));
    project.stead("check b.yml").is(2).answers("E0317").answers("`b.yml` → `a@1/saved.tmp` → `b`");
    project.stead("save b.yml --based-on 1").is(2).says("E0317");
    // Two who save at the same time, each without the other's: found when one of them is run.
    let project = project.saves("c", &leaf("c", "one")).saves("d", &caller("d", "{ name: c }"));
    let project = project.workflows_folder().with("workflows/e.yml", &caller("e", "{ path: ../f.yml }"));
    let project = project.with("f.yml", &leaf("f", "one"));
    project.stead("run e").is(0);
    let project = project.with("f.yml", &caller("f", "{ name: e }"));
    project.stead("run e").is(2).says("E0317").says("`workflows/e.yml` → `f.yml` → `e`");
}

#[test]
fn pause_cancel_and_retry_reach_children_that_are_called_by_name() {
    let bad = "stead: 1\nname: kid\nsteps:\n  - { id: a, run: 'echo a >> told' }\n  - { id: b, run: 'test -e there' }\n";
    let project = Project::new().saves("kid", bad).saves("top", &caller("top", "{ name: kid }"));
    project.stead("run top").is(1);
    // The child is a new run, with the revision that the top was started with.
    let project = project.saves("kid", &leaf("kid", "new")).with("there", "");
    project.stead("retry @last").is(0);
    assert_eq!(project.text("told"), "a\na\n");
    let wait = "stead: 1\nname: kid\nsteps:\n  - { id: w, wait: { for: 1h } }\n";
    let project = project.saves("kid", wait);
    project.stead("run top --no-wait").is(4);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    let child = |project: &Project| {
        project.stead(&format!("runs --parent {run} --json")).is(0).lines()[0]["status"].clone()
    };
    project.stead(&format!("pause {run}")).is(0);
    assert_eq!(child(&project), "paused");
    project.stead(&format!("cancel {run}")).is(0);
    assert_eq!(child(&project), "cancelled");
    // Many at once, and one that takes too long.
    let many = "stead: 1\nname: many\nsteps:\n  - id: each\n    foreach: { in: '${{ [1, 2, 3, 4] }}', parallel: 2 }\n    workflow: { name: leaf, inputs: { n: '${{ item }}' } }\n  - id: slow\n    on_error: continue\n    timeout: 100ms\n    workflow: { name: kid }\n";
    let project = project.saves("leaf", &leaf("leaf", "x")).saves("many", many);
    project.stead("run many").is(0).says("degraded");
    let runs = project
        .stead(&format!("runs --json -n 0 --parent {}", project.last()["run"].as_str().unwrap()))
        .lines();
    let of = |name: &str| {
        runs.iter().filter(|run| run["workflow"] == name).map(|run| run["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("leaf"), vec![json!("completed"); 4]);
    assert_eq!(of("kid"), [json!("cancelled")]);
}

#[test]
fn what_a_workflow_takes_is_shown_though_it_calls_a_file_of_the_project() {
    let project = Project::new().workflows_folder().with("workflows/greet.yml", &leaf("greet", "file"));
    let parent = "stead: 1\nname: parent\ninputs: { times: { type: integer, default: 2, description: How often } }\nsteps:\n  - { id: before, set: { a: 1 } }\n  - id: group\n    needs: []\n    steps:\n      - { id: c, workflow: { name: greet, inputs: { n: '${{ inputs.times }}' } } }\n      - { id: after, set: { said: '${{ steps.c.output.said }}' } }\noutputs: { said: '${{ steps.group.output.after.said }}' }\n";
    let project = project.saves("parent", parent);
    let shown = project.stead("show parent").is(0);
    shown.answers("inputs     times: integer = 2  How often");
    let shown = project.stead("show parent --json").is(0).json();
    let contents = &shown["contents"];
    assert_eq!(contents["outputs"], json!(["said"]));
    assert_eq!(contents["steps"], json!(["before", "group", "group/c", "group/after"]));
    assert_eq!((&contents["calls"], &contents["files"]), (&json!(["greet"]), &json!(["saved.tmp"])));
    // So it is where the file is gone, or the called one has been deleted.
    std::fs::remove_file(project.path("workflows/greet.yml")).unwrap();
    assert_eq!(project.stead("show parent --json").is(0).json()["contents"], *contents);
    project.stead("run parent").is(2).says("E0328");
    // A draft shows what can be read of it.
    let project = project.with(
        "half.yml",
        &parent.replace("name: parent", "name: half").replace("set: { a: 1 }", "nonsense: 1"),
    );
    project.stead("save half.yml --draft").is(0);
    let half = project.stead("show half --json").is(0).json();
    assert_eq!(half["contents"]["inputs"][0]["name"], "times");
}

//! `init`, `check`, `graph`, `explain`, `schema`.

use crate::project::Project;

#[test]
fn init_makes_a_project_whose_example_runs() {
    let project = Project::bare();
    let got = project.stead("init").is(0);
    assert!(project.text(".stead/.gitignore").contains('*'));
    let hello = project.text("workflows/hello.yml");
    assert!(hello.starts_with("# yaml-language-server: $schema=../.stead/workflow.schema.json\n"), "{hello}");
    assert!(project.text(".stead/workflow.schema.json").starts_with('{'));
    // Every line of the answer is a command that works.
    for line in got.out.lines() {
        project.stead(line.strip_prefix("stead ").unwrap()).is(if line == "stead status" { 2 } else { 0 });
    }
    let got = project.call(&["run", "workflows/hello.yml", "-i", "who=Ana"]).is(0);
    assert_eq!(got.json(), serde_json::json!({"greeting": "Hello, Ana!", "letters": 11}));
}

#[test]
fn init_overwrites_nothing_of_the_author() {
    let project = Project::bare();
    project.stead("init").is(0);
    std::fs::write(project.path("workflows/hello.yml"), "mine").unwrap();
    std::fs::write(project.path(".stead/workflow.schema.json"), "old").unwrap();
    project.stead("init").is(0).says("stays as it is");
    assert_eq!(project.text("workflows/hello.yml"), "mine");
    assert!(project.text(".stead/workflow.schema.json").len() > 10, "the schema is Stead's own");
    project.stead("init nowhere").is(2).says("there is no folder");
}

#[test]
// P7.
fn check_tells_all_that_is_wrong_at_once() {
    let project = Project::new().workflow("good", "steps: [{ id: a, run: echo }]\n").workflow(
        "bad",
        "steps:\n  - { id: a, rum: echo }\n  - { id: a, run: 'true', timeout: 5 parsecs }\n",
    );
    project.stead("check good.yml").is(0).answers("good.yml: ok, good@");
    let got = project.stead("check good.yml bad.yml").is(2).answers("bad.yml:4:").answers("bad.yml:5:");
    assert!(got.out.contains("good.yml: ok"), "{got:#?}");
    assert!(!got.out.contains('\x1b'));
    let got = project.stead("check bad.yml good.yml --format json").is(2);
    let report = got.json();
    assert_eq!((report["ok"].clone(), report["files"][1]["ok"].clone()), (false.into(), true.into()));
    let found = report["files"][0]["diagnostics"].as_array().unwrap();
    assert!(found.len() >= 3, "{report:#}");
    assert_eq!(report["errors"], found.iter().filter(|f| f["severity"] == "error").count());
    for finding in found {
        assert!(finding["code"].is_string() && finding["span"]["line"].as_u64() > Some(0), "{finding}");
    }
    project.stead("check none.yml").is(2).answers("no such file");
    project.stead("check --color always bad.yml").is(2).answers("\x1b[");
    project.stead("check").is(2).says("FILE");
}

#[test]
fn a_definition_is_printed_as_it_is_once_templates_are_put_in() {
    let project = Project::new()
        .workflow(
            "parts",
            "templates: { say: { run: [echo, hello], retry: &r 3 } }\nsteps:\n  - { id: a, use: say }\n  - { id: b, use: say, retry: 2 }\n  - { id: c, run: ls, retry: *r }\n",
        )
        .workflow("unused", "templates: { say: { run: echo } }\nsteps: [{ id: a, run: ls }]\n")
        .workflow("bad", "steps: [{ id: a, use: say }]\n");
    let got = project.stead("check --expand parts.yml").is(0);
    assert_eq!(
        got.out,
        "stead: 1\nname: parts\nsteps:\n  - id: a\n    run:\n      - echo\n      - hello\n    retry: 3\n  - id: b\n    retry: 2\n    run:\n      - echo\n      - hello\n  - id: c\n    run: ls\n    retry: 3\n"
    );
    // What is printed is the same workflow, to the revision.
    std::fs::write(project.path("whole.yml"), &got.out).unwrap();
    let revision = |file: &str| {
        let report = project.stead(&format!("check {file} --format json")).is(0).json();
        report["files"][0]["revision"].as_str().unwrap().to_owned()
    };
    assert_eq!(revision("whole.yml"), revision("parts.yml"));
    project.stead("check --expand unused.yml").is(0).says("W0301").answers("name: unused");
    project.stead("check --expand bad.yml").is(2).says("E0327");
    project.stead("check --expand parts.yml unused.yml").is(2).says("takes one definition");
    project.stead("check --expand parts.yml --format json").is(2).says("cannot be used with");
}

#[test]
fn every_code_is_explained() {
    let project = Project::new();
    let list = project.stead("explain").is(0);
    assert!(list.out.lines().count() > 30, "{list:#?}");
    for line in list.out.lines().step_by(7) {
        let code = line.split(' ').next().unwrap();
        project.stead(&format!("explain {code}")).is(0).answers(code);
    }
    project.stead("explain c0201").is(0).answers("--input-file");
    project.stead("explain E9999").is(2).says("error[C0103]: there is no code `E9999`");
}

#[test]
fn the_schema_is_json() {
    let got = Project::new().stead("schema").is(0);
    assert!(got.json()["$schema"].is_string());
}

#[test]
fn the_command_line_itself() {
    let project = Project::new();
    project.stead("--help").is(0).answers("Exit codes: 0 done, 1 the run failed");
    project.stead("--version").is(0).answers("stead ");
    project.stead("rnu").is(2).says("run");
    project.stead("run --input").is(2);
    for command in
        ["init", "check", "explain", "run", "resume", "cancel", "settle", "runs", "status", "logs", "schema"]
    {
        project.stead(&format!("{command} --help")).is(0);
    }
}

#[test]
fn graph_draws_the_order_in_three_ways() {
    let project = Project::new().workflow(
        "g",
        "steps:\n  - { id: a, run: echo }\n  - { id: b, needs: [], run: echo }\n  - { id: c, run: echo }\n",
    );
    project.stead("graph g.yml").is(0).answers("├─ b  run  at once").answers("└─ c  run  after a, b");
    project.stead("graph g.yml --format mermaid").is(0).answers("a --> c");
    project.stead("graph g.yml --format dot").is(0).answers("\"a\" -> \"c\";");
    project.stead("graph nowhere.yml").is(2);
}

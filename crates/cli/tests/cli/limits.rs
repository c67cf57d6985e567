//! Places that runs share: who has them, who waits, and what the command line says of it.

use std::process::Child;

use serde_json::json;

use crate::project::{Project, finish, signal};

fn project() -> Project {
    let late = "concurrency: { key: prod }\nsteps: [{ id: w, wait: { for: 1h } }]\n";
    Project::new()
        .workflow("late", late)
        .workflow("eager", &late.replace("key: prod", "key: prod, on_full: refuse"))
        .workflow("newest", &late.replace("key: prod", "key: prod, on_full: cancel_old"))
        .workflow(
            "both",
            "steps:\n  - { id: a, needs: [], concurrency: { key: db }, run: echo 1 }\n  - { id: b, needs: [], concurrency: { key: db }, run: echo 2 }\n",
        )
}

fn last(project: &Project) -> String {
    project.last()["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_waits_for_the_place_of_another_and_gets_it_when_that_ends() {
    let project = project();
    project.stead("limits").is(0).says("nobody has a place");
    project.stead("run late.yml --no-wait").is(4);
    let first = last(&project);
    // It waits for somebody, so there is no reason to stay.
    project.stead("run late.yml --no-wait").is(4);
    let second = last(&project);
    let shown = format!("waits for a place for `prod`, held by {first}");
    let got = project.stead(&format!("status {second}")).is(0);
    assert!(got.out.contains(&shown), "{got:#?}");
    project.stead("runs").is(0).answers("waits for a place for `prod`");
    assert_eq!(project.stead("runs --status waiting --json").lines().len(), 2);
    let got = project.stead("limits").is(0);
    let line = got.out.lines().nth(1).unwrap();
    assert!(line.starts_with("prod") && line.contains("1 of 1") && line.contains(&first), "{got:#?}");
    let got = project.stead("limits prod").is(0);
    let rows: Vec<&str> = got.out.lines().skip(1).collect();
    assert!(rows[0].contains(&first) && rows[0].contains("has it"), "{got:#?}");
    assert!(rows[1].contains(&second) && rows[1].contains("waits"), "{got:#?}");
    let limit = project.stead("limits --json").is(0).json();
    assert_eq!((limit["key"].as_str(), limit["held"].as_u64()), (Some("prod"), Some(1)));
    assert_eq!(limit["waiters"][0]["run"], second.as_str());
    assert!(project.stead("limits other --json").is(0).lines().is_empty());
    // Its place is given back where no engine runs, too.
    project.stead(&format!("cancel {first}")).is(0);
    project.stead("limits prod").is(0).answers(&second);
    project.stead(&format!("status {second} --json")).is(0);
    project.stead(&format!("resume {second} --no-wait")).is(4);
    let view = project.stead(&format!("status {second} --json")).is(0).json();
    assert_eq!(view["waits_for"][0]["kind"], "timer", "it has begun");
    project.stead(&format!("cancel {second}")).is(0);
    project.stead("limits").is(0).says("nobody has a place");
}

#[test]
fn a_run_is_refused_or_cancels_the_oldest_as_it_says() {
    let project = project();
    project.stead("run late.yml --no-wait").is(4);
    let first = last(&project);
    let got = project.stead("run eager.yml").is(1);
    let why = format!("there is no place for `prod`: run {first} of late has it");
    assert!(got.err.contains(&why) && got.err.contains("exhausted"), "{got:#?}");
    let got = project.stead("run newest.yml --no-wait").is(4);
    assert!(!got.err.contains("error"), "{got:#?}");
    assert_eq!(project.stead(&format!("status {first} --json")).is(0).json()["status"], "cancelled");
    let third = last(&project);
    assert_eq!(project.stead("limits --json").is(0).json()["holders"][0]["run"], third.as_str());
    // A project has places of its own.
    project.stead("run late.yml --no-wait --project docs").is(4);
    assert_eq!(project.stead("limits --json").is(0).lines().len(), 2);
    let docs = project.stead("limits prod --project docs --json").is(0).json();
    assert_eq!(docs["holders"][0]["run"], last(&project).as_str());
}

#[test]
fn steps_that_wait_for_a_place_are_told_line_by_line_and_as_json() {
    let project = project();
    let got = project.stead("run both.yml").is(0);
    let has = got.err.lines().filter(|line| line.contains("it has its place")).count();
    let asks = got.err.lines().filter(|line| line.contains("for a place for `db`")).count();
    assert_eq!((has, asks), (2, 2), "{got:#?}");
    let events = project.stead("run both.yml --json").is(0).lines();
    // Those of limits are not of the run.
    assert!(events.iter().all(|event| event["run"].as_str().is_none_or(|run| run.starts_with("r_"))));
    let asked = events.iter().filter(|event| event["event"]["type"] == "place_asked");
    assert_eq!(asked.count(), 2, "{events:#?}");
}

#[test]
fn a_place_is_freed_by_hand_only_where_nobody_can_give_it_back() {
    let project = project();
    project.stead("run late.yml --no-wait").is(4);
    let run = last(&project);
    project.stead(&format!("limits --free {run}")).is(2).says("KEY");
    project.stead(&format!("limits prod --free {run}")).is(1).says("error[R0203]").says("it can go on");
    let error = project.stead("limits prod --free r_none --json").is(1).json();
    assert_eq!(error["code"], "R0203");
    project.stead("limits nothing --free r_none").is(1).says("nobody asked for a place");
    Project::bare().stead("limits k --free r_none").is(2).says("error[R0201]");
}

/// A terminal with a run of `turn`, which has come to have its place or to wait for it.
fn terminal(project: &Project, name: &str) -> Child {
    let child = project.spawn(&format!("run turn.yml -i name={name}"));
    let ready = |p: &Project| {
        let line = p.stead(&format!("runs --where name={name} --json")).lines().into_iter().next();
        line.is_some_and(|line| line["status"] == "waiting" || p.path(&format!("{name}.begun")).exists())
    };
    project.wait_for("the run to begin or to wait", ready);
    child
}

fn turns() -> Project {
    Project::new().workflow(
        "turn",
        "inputs: { name: { type: string, index: true } }\nconcurrency: {}\nsteps:\n  - id: s\n    run: 'exec 9>alone; flock -n 9 || exit 9; touch $N.begun; echo $N >> ran; until [ -e $N.go ]; do sleep 0.02; done; echo $N'\n    env: { N: '${{ inputs.name }}' }\n",
    )
}

fn go(project: &Project, name: &str) {
    std::fs::write(project.path(&format!("{name}.go")), "").unwrap();
}

#[test]
fn runs_of_several_terminals_take_turns() {
    let project = turns();
    let terminals = ["a", "b", "c"].map(|name| (name, terminal(&project, name)));
    assert_eq!(project.stead("limits turn --json").is(0).json()["waiting"], 2);
    for (name, _) in &terminals {
        project.wait_for_file(&format!("{name}.begun"));
        go(&project, name);
    }
    // Whoever carries the others leaves when nothing of theirs is under way, and the next one takes over.
    for (name, terminal) in terminals {
        assert_eq!(finish(terminal).is(0).json(), json!({ "s": name }));
    }
    assert_eq!(project.text("ran"), "a\nb\nc\n");
    project.stead("limits").is(0).says("nobody has a place");
}

#[test]
fn p2_the_place_of_a_killed_terminal_stays_with_its_run() {
    let project = turns();
    let first = terminal(&project, "a");
    let second = terminal(&project, "b");
    signal(&first, "KILL");
    finish(first);
    // Its step is made again by the second terminal, whose own run waits as before.
    project.wait_for("the step to be made again", |p| p.text("ran") == "a\na\n");
    let limit = project.stead("limits turn --json").is(0).json();
    assert_eq!((&limit["held"], &limit["waiting"]), (&json!(1), &json!(1)));
    go(&project, "a");
    project.wait_for_file("b.begun");
    go(&project, "b");
    assert_eq!(finish(second).is(0).json(), json!({ "s": "b" }));
    assert_eq!(project.text("ran"), "a\na\nb\n");
}

//! `stead watch`: looking on, beside whoever performs the runs.

use std::io::{BufRead as _, BufReader};

use crate::project::{Project, finish, signal, start};
use crate::serve::serve_with;

const SLOW: &str = "steps:\n  - { id: a, run: 'while ! test -e go; do sleep 0.02; done; echo one' }\n  - { id: b, run: [echo, two] }\noutputs: { said: '${{ steps.b.output }}' }\n";
const WAITS: &str = "steps:\n  - { id: a, wait: { signal: go } }\n";

#[test]
fn one_who_watched_before_the_run_began_sees_it_end() {
    let project = Project::new().workflow("slow", SLOW);
    let watching = project.spawn("watch --workflow slow");
    let running = project.spawn("run slow.yml");
    project.wait_for("run", |project| project.last()["status"] == "running");
    std::fs::write(project.path("go"), "").unwrap();
    finish(running).is(0);
    let got = finish(watching).is(0);
    assert_eq!(got.json(), serde_json::json!({"said": "two"}));
    // Into a pipe: a line for each change, once, and no colours.
    for line in ["completed  a", "completed  b", "completed  run"] {
        assert_eq!(got.err.matches(line).count(), 1, "{}", got.err);
    }
    assert!(!got.err.contains('\u{1b}'), "{}", got.err);
}

#[test]
fn watching_ends_by_itself_when_it_was_said_how_long_or_until_when() {
    let project =
        Project::new().workflow("waits", WAITS).workflow("bad", "steps: [ { id: a, run: exit 3 } ]\n");
    project.stead("watch --grace 50ms").is(2).says("no run is open");
    project.stead("watch --grace soon").is(2).says("`--grace soon` is no time");
    project.stead("run waits.yml --no-wait").is(4);
    project.stead("watch --timeout 50ms").is(5);
    project.stead("watch waits --until waiting").is(0).says("waiting");
    project.stead("run bad.yml").is(1);
    // It has failed already, and the other one waits for ever.
    project.stead("watch waits bad --until failed").is(1);
    let records = project.stead("watch bad --json").is(1).lines();
    let last = records.last().unwrap();
    assert_eq!((&last["type"], &last["status"]), (&"result".into(), &"failed".into()));
    // The address at which a server shows it names it as well.
    let run = project.last()["run"].as_str().unwrap().to_owned();
    project.stead(&format!("watch http://127.0.0.1:7700/r/{run}?step=a")).is(1);
    project.stead("watch http://127.0.0.1:7700/r/").is(2);
}

#[test]
fn one_who_leaves_leaves_the_run_alone() {
    let project = Project::new().workflow("slow", SLOW);
    let running = project.spawn("run slow.yml");
    project.wait_for("run", |project| project.last()["status"] == "running");
    let mut watching = project.spawn("watch slow");
    let mut line = String::new();
    BufReader::new(watching.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("watching"), "{line}");
    signal(&watching, "INT");
    finish(watching).is(130);
    std::fs::write(project.path("go"), "").unwrap();
    finish(running).is(0);
}

#[test]
fn the_browser_gets_the_address_of_the_server_of_the_home() {
    let project = Project::new().workflow("waits", WAITS);
    project.stead("open --print").is(2).says("nobody serves this home");
    let served = serve_with(&project, "serve --listen 127.0.0.1:0");
    let got = project.stead("open --print").is(0);
    assert!(got.out.starts_with("http://127.0.0.1:") && got.out.ends_with("/api/v1/docs\n"), "{}", got.out);
    project.stead("run waits.yml --no-wait").is(4);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    std::fs::write(project.path("browser"), "#!/bin/sh\necho \"$1\" > seen.tmp; mv seen.tmp seen\n").unwrap();
    let mut command = project.command();
    command.args(["open", "waits"]).env("BROWSER", project.path("browser"));
    std::process::Command::new("chmod").arg("+x").arg(project.path("browser")).status().unwrap();
    finish(start(&mut command)).is(0);
    project.wait_for_file("seen");
    assert!(project.text("seen").trim().ends_with(&format!("/api/v1/runs/{run}")));
    served.leave("TERM").is(0);
}

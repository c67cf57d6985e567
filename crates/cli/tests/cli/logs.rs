//! `logs`.

use serde_json::Value;

use crate::project::{Project, finish};

fn project() -> Project {
    Project::new()
        .workflow("many", "steps:\n  - { id: one, run: 'echo out; echo err >&2' }\n  - { id: two, run: \"printf 'a\\\\033[31mred\\\\033[2J\\\\nb\\\\nc'\" }\n  - { id: silent, run: 'true' }\n")
        .workflow("fails", "steps:\n  - { id: fine, run: echo fine }\n  - { id: bad, run: 'echo try; exit 1', retry: { attempts: 2, wait: 1ms } }\n")
}

#[test]
fn all_steps_are_printed_with_their_names() {
    let project = project();
    project.stead("run many.yml").is(0);
    let got = project.stead("logs many").is(0);
    let mut lines: Vec<&str> = got.out.lines().collect();
    lines[..2].sort_unstable();
    assert_eq!(
        lines,
        ["one      │ err", "one      │ out", "two      │ ared", "two      │ b", "two      │ c"]
    );
    assert_eq!(project.stead("logs many/two").is(0).out, "ared\nb\nc\n");
    assert_eq!(project.stead("logs many --step two -n 1").is(0).out, "c\n");
    assert_eq!(project.stead("logs many --grep ^[bo]").is(0).out, "one      │ out\ntwo      │ b\n");
    assert_eq!(project.stead("logs many/two --raw").is(0).out, "a\x1b[31mred\x1b[2J\nb\nc");
    assert_eq!(project.stead("logs many/two --color always -n 3").is(0).out, "a\x1b[31mred\x1b[0m\nb\nc\n");
    let lines = project.stead("logs many/two --json").is(0).lines();
    assert_eq!((lines[1]["text"].clone(), lines[1]["line"].clone()), ("b".into(), 2.into()));
    assert_eq!((lines[1]["path"].clone(), lines[1]["stream"].clone()), ("two".into(), "out".into()));
    let got = project.stead("logs many/two -t -n 1").is(0);
    let (time, text) = got.out.split_once(' ').unwrap();
    assert!(time.ends_with('Z') && time.contains('T') && text == "c\n", "{got:#?}");
    project.stead("logs many/silent").is(0).says("silent has printed nothing");
}

#[test]
fn of_a_failed_run_only_what_failed() {
    let project = project();
    project.stead("run fails.yml").is(1);
    let got = project.stead("logs fails").is(0).says("`--all` shows everything");
    assert_eq!(got.out, "try\n");
    let got = project.stead("logs fails --all").is(0);
    assert_eq!(got.out.lines().count(), 3, "{got:#?}");
    assert!(got.out.contains("bad (try 2) │ try"), "{got:#?}");
    assert_eq!(project.stead("logs fails/bad --attempt 1").is(0).out, "try\n");
    assert_eq!(project.stead("logs fails --attempt 2").is(0).out, "try\n");
}

#[test]
fn lines_of_a_time_are_printed() {
    let project = Project::new().workflow(
        "two",
        "steps:\n  - { id: a, run: 'echo first; while [ ! -e go ]; do sleep 0.01; done; sleep 0.01; echo second' }\n",
    );
    let run = project.spawn("run two.yml");
    let mut first = Value::Null;
    project.wait_for("a line", |project| {
        let got = project.call(&["logs", "two/a", "--json"]);
        first = got.out.lines().next().map_or(Value::Null, |line| serde_json::from_str(line).unwrap());
        first["text"] == "first"
    });
    std::fs::write(project.path("go"), "").unwrap();
    finish(run).is(0);
    // Behind the millisecond in which the first came.
    let at = first["at"].as_i64().unwrap() + 1;
    let instant = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap().to_string();
    let logs = |words: &[&str]| project.call(&[&["logs", "two/a"], words].concat());
    assert_eq!(logs(&["--since", &instant(at)]).is(0).out, "second\n");
    assert_eq!(logs(&["--until", &instant(at)]).is(0).out, "first\n");
    assert_eq!(logs(&["--until", &instant(at), "--raw"]).is(0).out, "first\n");
    assert_eq!(logs(&["--since", "10m"]).is(0).out, "first\nsecond\n");
    assert_eq!(logs(&["--since", "10m", "-n", "1"]).is(0).out, "second\n");
    assert_eq!(logs(&["--until", "10m"]).is(0).out, "");
    logs(&["--since", "soon"]).is(2).says("`--since soon` is no time");
}

#[test]
fn what_is_not_there_is_named() {
    let project = project();
    project.stead("logs").is(2).says("error[C0102]");
    project.stead("run many.yml").is(0);
    project.stead("logs many/three").is(2).says("there is no step three").says("one  try 1");
    project.stead("logs many/one --attempt 4").is(2).says("there is no log of try 4");
    project.stead("logs many --grep [").is(2).says("is no regular expression");
    project.stead("logs many/one --step two").is(2).says("named twice");
    project.stead("logs nobody").is(2).says("error[R0201]");
}

#[test]
fn a_log_is_followed_to_the_end_of_the_run() {
    let project = Project::new().workflow(
        "slow",
        "steps:\n  - { id: a, run: 'echo first; touch begun; while [ ! -e go ]; do sleep 0.02; done; echo second' }\n  - { id: b, run: echo third }\n",
    );
    let run = project.spawn("run slow.yml");
    project.wait_for_file("begun");
    let logs = project.spawn("logs slow --follow");
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::fs::write(project.path("go"), "").unwrap();
    finish(run).is(0);
    let got = finish(logs).is(0);
    assert_eq!(got.out, "a        │ first\na        │ second\nb        │ third\n");
}

//! `run` where nothing can be drawn: answers, lines, JSON, exit codes.

use serde_json::{Value, json};

use crate::project::Project;

const TWO: &str = "steps:\n  - { id: one, run: echo 1 }\n  - { id: two, run: echo 2 }\n";

#[test]
fn the_answer_goes_to_standard_output_and_progress_elsewhere() {
    let project = Project::new()
        .workflow("two", &format!("{TWO}outputs: {{ text: \"${{{{ steps.two.output }}}}\", list: [1] }}\n"));
    let got = project.stead("run two.yml").is(0).says("next: stead status r_");
    assert_eq!(got.json(), json!({"text": "2", "list": [1]}));
    assert_eq!(project.stead("run two.yml -o text").is(0).out, "2\n");
    assert_eq!(project.stead("run two.yml --output list").is(0).json(), json!([1]));
    project.stead("run two.yml -o none").is(2).says("it has text, list");
}

#[test]
fn piped_there_is_one_line_per_change_and_no_escape() {
    let project = Project::new().workflow("two", TWO);
    let got = project.stead("run two.yml").is(0);
    assert!(!got.err.contains('\x1b') && !got.out.contains('\x1b'), "{got:#?}");
    let told: Vec<Vec<&str>> =
        got.err.lines().map(|line| line.split_whitespace().skip(1).take(2).collect()).collect();
    let expected = [
        ["started", "run"],
        ["running", "one"],
        ["completed", "one"],
        ["running", "two"],
        ["completed", "two"],
        ["completed", "run"],
    ];
    assert_eq!(told[..6], expected, "{got:#?}");
    let time = got.err.split(' ').next().unwrap();
    assert!(time.len() == 8 && time.chars().all(|c| c.is_ascii_digit() || c == ':'), "{time}");
}

#[test]
fn json_is_one_event_per_line_and_ends_with_the_result() {
    let child = "stead: 1\nname: child\nsteps: [{ id: inner, run: echo hi }]\n";
    let project = Project::new()
        .with("child.yml", child)
        .workflow("parent", "steps:\n  - { id: sub, workflow: { path: child.yml } }\n");
    let got = project.stead("run parent.yml --json").is(0);
    assert!(got.err.is_empty(), "{got:#?}");
    let lines = got.lines();
    let (result, events) = lines.split_last().unwrap();
    assert_eq!((result["type"].clone(), result["status"].clone()), ("result".into(), "completed".into()));
    assert_eq!(result["outputs"], json!({"sub": {"inner": "hi"}}));
    let run = &result["run"];
    let own: Vec<&Value> = events.iter().filter(|event| event["run"] == *run).collect();
    for (seq, event) in (1..).zip(&own) {
        assert_eq!(event["seq"], seq);
        assert!(event["position"].is_u64() && event["at"].is_u64() && event["event"]["type"].is_string());
    }
    assert_eq!(own.last().unwrap()["event"]["type"], "run_completed");
    assert!(events.iter().any(|event| event["run"] != *run && event["event"]["type"] == "run_completed"));
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    let project = Project::new().workflow(
        "fails",
        "steps:\n  - id: bad\n    run: echo oops >&2; exit 3\n    retry: { attempts: 2, wait: 10ms }\n  - { id: after, run: echo }\n",
    );
    let got = project.stead("run fails.yml").is(1).says("failed at bad:").says("oops");
    assert!(got.out.is_empty());
    assert!(got.err.contains("try 1 failed  exit code 3: oops  again in"), "{got:#?}");
    let run = project.last()["run"].as_str().unwrap().to_owned();
    assert!(got.err.contains(&format!("next: stead logs {run} · stead status {run}")), "{got:#?}");
    let result = project.stead("run fails.yml --json").is(1).lines().pop().unwrap();
    assert_eq!((result["status"].clone(), result["error"]["step"].clone()), ("failed".into(), "bad".into()));
}

#[test]
fn a_degraded_run_is_completed_and_warns() {
    let project = Project::new().workflow(
        "deg",
        "steps:\n  - { id: bad, run: 'false', on_error: continue }\n  - { id: good, run: echo }\n",
    );
    project.stead("run deg.yml").is(0).says("warning: completed with trouble inside");
}

#[test]
fn a_definition_with_errors_is_not_run() {
    let project = Project::new().workflow("bad", "steps: [{ id: a, rum: x }]\n");
    project.stead("run bad.yml").is(2).says("bad.yml:3:").says("error[C0203]: bad.yml cannot be run");
    let error = project.stead("run bad.yml --json").is(2).lines().pop().unwrap();
    assert_eq!(error["type"], "error");
    assert!(error["diagnostics"][0]["code"].is_string(), "{error}");
    project.stead("run none.yml").is(2).says("no such file");
    project.stead("run bad.yml --timeout soon").is(2).says("is no time");
}

#[test]
fn it_does_not_wait_where_it_is_told_not_to() {
    let project = Project::new()
        .workflow("late", "steps: [{ id: w, wait: { for: 1h } }]\n")
        .workflow("again", "steps: [{ id: a, run: 'test -e there || { touch there; exit 1; }', retry: { attempts: 2, wait: 300ms } }]\n");
    let got = project.stead("run late.yml --no-wait").is(4).says("next: stead resume r_");
    assert!(got.out.is_empty());
    let result = project.stead("run late.yml --no-wait --json").is(4).lines().pop().unwrap();
    assert_eq!(
        (result["status"].clone(), result["waits_for"][0]["kind"].clone()),
        ("waiting".into(), "timer".into())
    );
    // A retry is a part of the work.
    project.stead("run again.yml --no-wait").is(0);
}

#[test]
fn out_of_time_it_leaves_and_the_run_goes_on_later() {
    let project = Project::new()
        .workflow("slow", "steps: [{ id: w, wait: { for: 700ms } }, { id: e, run: echo end }]\n");
    project.stead("run slow.yml --timeout 100ms").is(5).says("next: stead resume r_");
    assert_eq!(project.stead("resume @last -o e").is(0).out, "end\n");
}

#[test]
fn another_home_stands_beside() {
    let project = Project::new().workflow("two", TWO);
    let got = project.stead("--home other run two.yml").is(0);
    assert!(got.err.contains("next: stead --home other status r_"), "{got:#?}");
    assert!(project.stead("runs").is(0).out.is_empty());
    project.stead("runs --home other").is(0).answers("two");
    std::fs::write(project.path("file"), "").unwrap();
    project.stead("--home file run two.yml").is(6).says("error[R0301]");
}

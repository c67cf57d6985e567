//! `runs`, `status`, `cancel`, `settle`, and how runs are named.

use crate::project::{Project, finish, signal};

fn project() -> Project {
    Project::new()
        .workflow(
            "good",
            "steps:\n  - { id: a, run: echo 1 }\n  - id: g\n    steps: [{ id: b, run: echo 2 }]\n",
        )
        .workflow("bad", "steps: [{ id: a, run: 'echo no >&2; exit 1' }]\n")
        .workflow("late", "steps: [{ id: w, wait: { for: 1h } }]\n")
}

#[test]
fn runs_are_listed_newest_first_and_by_what_is_asked() {
    let project = project();
    project.stead("runs").is(0).says("there are no runs yet");
    project.stead("run good.yml").is(0);
    project.stead("run bad.yml").is(1);
    project.stead("run late.yml --no-wait").is(4);
    let got = project.stead("runs").is(0);
    let names: Vec<&str> =
        got.out.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(names, ["late", "bad", "good"], "{got:#?}");
    assert!(got.out.contains("w: waits 1h 00m more") || got.out.contains("w: waits 59m"), "{got:#?}");
    assert!(got.out.contains("exit code 1: no"), "{got:#?}");
    assert!(!got.out.contains('\x1b'));
    let of = |words: &str| project.stead(words).is(0).out.lines().count();
    assert_eq!(of("runs --status failed --json"), 1);
    assert_eq!(of("runs --status completed,failed --json"), 2);
    assert_eq!(of("runs --status open --json"), 1);
    assert_eq!(of("runs --workflow good --json"), 1);
    assert_eq!(of("runs --limit 2 --json"), 2);
    project.stead("runs --workflow nobody").is(0).says("no run fits");
    project.stead("runs --status lost").is(2).says("it is one of open, pending");
    assert_eq!(project.stead("status --short").is(0).out, "●0 ◆1 ✗1\n");
}

#[test]
fn runs_are_found_by_outcome_project_time_and_text() {
    let project = project();
    project.stead("run good.yml --project docs").is(0);
    project.stead("run bad.yml").is(1);
    project.stead("run late.yml --no-wait --project docs").is(4);
    let found = |words: &str| -> Vec<String> {
        let got = project.call(&[&["runs", "--json"][..], &words.split(' ').collect::<Vec<_>>()].concat());
        got.is(0).lines().iter().map(|row| row["workflow"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("--project docs"), ["late", "good"]);
    assert_eq!(found("--project="), ["bad"]);
    assert_eq!(found("--outcome ok,degraded"), ["good"]);
    assert_eq!(found("--outcome error --status failed,waiting"), ["bad"]);
    assert_eq!(found("--text CODE"), ["bad"]);
    assert_eq!(found("--text doc --status open"), ["late"]);
    assert_eq!(found("--since 1h"), ["late", "bad", "good"]);
    assert!(found("--until 1h").is_empty());
    assert_eq!(found("--since 2026-01-01 --until 9000-01-01T00:00:00Z").len(), 3);
    assert!(found("--since 9000-01-01T12:30").is_empty());
    project
        .stead("runs --since soon")
        .is(2)
        .says("error[C0101]: `--since soon` is no time")
        .says("2026-03-01");
    project.stead("runs --since 2026-03-01T25:00").is(2).says("is no time");
    project.stead("runs --outcome fine").is(2).says("it is one of ok, degraded");
    let long = "x".repeat(101);
    project
        .stead(&format!("run good.yml --project {long}"))
        .is(2)
        .says("error[R0106]")
        .says("1 to 100 bytes");
    project.call(&["run", "good.yml", "--project", "a\tb"]).is(2).says("control characters");
}

#[test]
fn a_long_list_is_read_page_by_page() {
    let project = project();
    for _ in 0..5 {
        project.stead("run good.yml").is(0);
    }
    let ids = |words: &str| -> Vec<String> {
        let rows = project.stead(words).is(0).lines();
        rows.iter().map(|row| row["run"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids("runs --json");
    assert_eq!(all.len(), 5);
    let first = project.stead("runs -n 3").is(0);
    assert!(first.err.contains(&format!("go on with --after {}", all[2])), "{first:#?}");
    assert_eq!(ids("runs --json -n 3"), all[..3]);
    // A run that comes in between shifts nothing.
    project.stead("run bad.yml").is(1);
    let next = ids(&format!("runs --json -n 3 --after {}", all[2]));
    assert_eq!(next, all[3..]);
    let last = project.stead(&format!("runs -n 2 --after {}", all[2])).is(0);
    assert_eq!((last.out.lines().count(), last.err.as_str()), (3, ""));
    project.stead("runs --after nobody").is(2).says("error[R0201]");
    Project::bare().stead("runs --after r_x").is(2).says("error[R0201]");
}

#[test]
fn children_are_listed_when_asked_for() {
    let project = project().workflow("up", "steps: [{ id: s, workflow: { path: good.yml } }]\n");
    project.stead("run up.yml").is(0);
    assert_eq!(project.stead("runs --json").lines().len(), 1);
    assert_eq!(project.stead("runs --json --all").lines().len(), 2);
    let children = project.stead("runs --json --parent up").is(0).lines();
    assert_eq!((children.len(), &children[0]["workflow"]), (1, &"good".into()));
    let leaf = children[0]["run"].as_str().unwrap();
    assert!(project.stead(&format!("runs --json --parent {leaf}")).is(0).lines().is_empty());
    project.stead("runs --parent nobody").is(2).says("error[R0201]");
}

#[test]
fn a_run_is_shown_with_all_its_steps() {
    let project = project();
    project.stead("run good.yml").is(0);
    let got = project.stead("status good").is(0);
    let lines: Vec<&str> = got.out.lines().collect();
    assert!(lines[0].starts_with("✓ good@") && lines[0].contains("completed"), "{got:#?}");
    assert!(lines[1].starts_with("├─ ✓ a") && lines[2].starts_with("└─ ✓ g"), "{got:#?}");
    assert!(lines[3].starts_with("   └─ ✓ b"), "{got:#?}");
    assert!(got.out.contains("outputs\n  a  \"1\""), "{got:#?}");
    let view = project.stead("status good --json").is(0).json();
    assert_eq!(
        (view["status"].clone(), view["steps"][1]["inside"][0]["path"].clone()),
        ("completed".into(), "g/b".into())
    );
    assert!(project.stead("status good --short").is(0).out.ends_with("2/2\n"));
    project.stead("run bad.yml").is(1);
    project
        .stead("status @last:failed")
        .is(0)
        .answers("failed at a:\n  exit code 1")
        .answers("next: stead logs r_");
}

#[test]
fn runs_are_named_in_many_ways() {
    let project = project();
    project.stead("run good.yml").is(0);
    let good = project.last()["run"].as_str().unwrap().to_owned();
    project.stead("run bad.yml").is(1);
    for name in [good.as_str(), &good[..8], "@last:completed", "good"] {
        project.stead(&format!("status {name}")).is(0).answers(&good);
    }
    project.stead("status @last").is(0).answers("bad@");
    project.stead("status r_").is(2).says("error[R0202]: several runs begin with r_");
    project.stead("status nobody").is(2).says("error[R0201]: there is no run nobody");
    let got = project.stead("status").is(2).says("error[C0102]: no run was named");
    assert!(got.err.contains(&good) && got.err.contains("bad  failed"), "{got:#?}");
    let error = project.stead("status nobody --json").is(2).json();
    assert_eq!(error["code"], "R0201");
    let empty = Project::bare();
    empty.stead("status r_x").is(2).says("the home is");
}

#[test]
fn a_run_that_waits_is_cancelled() {
    let project = project();
    project.stead("run late.yml --no-wait").is(4);
    let run = project.last()["run"].as_str().unwrap().to_owned();
    let got = project.call(&["cancel", &run, "--reason", "not needed"]).is(0);
    assert_eq!(got.out, format!("{run} cancelled\n"));
    project.stead(&format!("cancel {run}")).is(1).says("error[R0203]").says("has ended");
    project.stead("cancel nobody").is(2);
    project.stead(&format!("resume {run}")).is(3);
    let got = project.stead(&format!("cancel {run} --json")).is(1);
    assert_eq!(got.json()["code"], "R0203");
}

#[test]
fn a_lost_step_is_settled_by_a_person() {
    let project = Project::new().workflow(
        "once",
        "steps:\n  - { id: pay, effect: once, run: 'echo paying; echo 42 > $STEAD_DIR/receipt; touch begun; sleep 30' }\n  - { id: say, run: [echo, \"${{ steps.pay.output }}\"] }\n",
    );
    let child = project.spawn("run once.yml");
    project.wait_for_file("begun");
    project.wait_for("what it printed", |p| p.stead("logs once").out.contains("paying"));
    signal(&child, "KILL");
    finish(child);
    // Nobody could answer while this process held the home, so it does not wait for that.
    let got = project.stead("resume once").is(4).says("somebody");
    let run = project.last()["run"].as_str().unwrap().to_owned();
    assert!(got.err.contains(&format!("stead settle {run} pay")), "{got:#?}");
    project.stead("status once").is(0).answers("waits for somebody to settle it");
    project.stead("settle once --again").is(2);
    project.stead("settle once say").is(1).says("error[R0203]").says("not parked");
    // What is known: what was asked, the process and its end, what it printed and left.
    let got = project.stead("settle once pay").is(0).answers("whether attempt 1 happened is not known");
    for known in ["echo paying", &format!("{run}/pay"), "ended by Stead", "| paying", "receipt  3 bytes"] {
        assert!(got.out.contains(known), "{known}: {got:#?}");
    }
    assert!(got.err.contains(&format!("stead settle {run} pay --done VALUE|--again|--failed")), "{got:#?}");
    let got = project.stead("settle once --json").is(0).json();
    let file = got["evidence"][0]["files"][0]["path"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "42\n");
    project.stead("settle once say --again").is(1).says("error[R0203]");
    project.call(&["settle", "once", "pay", "--done", "by hand"]).is(0).answers("pay settled");
    assert!(!std::path::Path::new(&file).exists(), "what nobody needs any more is removed");
    project.stead("settle once").is(0).says("no step of");
    assert_eq!(project.stead("resume once -o say").is(0).out, "by hand\n");
}

//! Leaving a run before its end, and going on with it: P1 (a finished step never runs again) and P2 (the same
//! result whatever ended the process).

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::project::{Project, finish, signal};

/// `one` counts how often it ran; `two` waits for somebody to write `go`.
fn project() -> Project {
    Project::new().workflow(
        "work",
        "steps:\n  - { id: one, run: 'echo x >> ones; echo 1' }\n  - { id: two, run: 'touch begun; while [ ! -e go ]; do sleep 0.02; done; echo 2' }\n\
         outputs: { sum: \"${{ steps.one.output + steps.two.output }}\" }\n",
    )
}

#[test]
fn ctrl_c_leaves_and_resume_gives_the_same_result() {
    let project = project();
    let child = project.spawn("run work.yml");
    project.wait_for_file("begun");
    signal(&child, "INT");
    let got = finish(child).is(130).says("leaving").says("Ctrl-C again cancels the run");
    assert!(got.out.is_empty(), "{got:#?}");
    let run = project.last()["run"].as_str().unwrap().to_owned();
    assert!(got.err.contains(&format!("next: stead resume {run} · stead cancel {run}")), "{got:#?}");
    std::fs::write(project.path("go"), "").unwrap();
    assert_eq!(project.stead(&format!("resume {run}")).is(0).json(), json!({"sum": "12"}));
    assert_eq!(project.text("ones"), "x\n", "a finished step does not run again");
    // Asked once more it says the same.
    assert_eq!(project.stead("resume work -o sum").is(0).out, "12\n");
}

#[test]
fn ctrl_c_twice_cancels() {
    let project = project();
    let child = project.spawn("run work.yml --json");
    project.wait_for_file("begun");
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    let got = finish(child).is(3);
    let result = got.lines().pop().unwrap();
    assert_eq!((result["type"].clone(), result["status"].clone()), ("result".into(), "cancelled".into()));
    project.stead("resume").is(0).says("no run is open");
}

#[test]
fn terminate_and_hang_up_leave_at_once() {
    for name in ["TERM", "HUP"] {
        let project = project();
        let child = project.spawn("run work.yml");
        project.wait_for_file("begun");
        signal(&child, name);
        finish(child).is(130);
        std::fs::write(project.path("go"), "").unwrap();
        project.stead("resume work").is(0);
    }
}

#[test]
fn killed_it_goes_on_with_the_same_result() {
    let project = project();
    let child = project.spawn("run work.yml");
    project.wait_for_file("begun");
    signal(&child, "KILL");
    finish(child);
    std::fs::write(project.path("go"), "").unwrap();
    assert_eq!(project.stead("resume @last").is(0).json(), json!({"sum": "12"}));
    assert_eq!(project.text("ones"), "x\n");
}

#[test]
fn all_open_runs_are_resumed_together() {
    let project = project().workflow("late", "steps: [{ id: w, wait: { for: 4s } }]\n");
    project.stead("run late.yml --no-wait").is(4);
    let child = project.spawn("run work.yml");
    project.wait_for_file("begun");
    signal(&child, "TERM");
    finish(child).is(130);
    std::fs::write(project.path("go"), "").unwrap();
    let got = project.stead("resume").is(0);
    assert_eq!(got.out.lines().count(), 2, "{got:#?}");
    assert!(got.out.contains("  work  completed\n") && got.out.contains("  late  completed\n"), "{got:#?}");
    let lines = project.stead("resume --json");
    assert!(lines.is(0).out.is_empty());
    project.stead("resume nobody").is(2).says("error[R0201]");
}

#[test]
fn a_reader_that_goes_does_not_end_the_run() {
    let project = project();
    let mut child = project.spawn("run work.yml --json");
    project.wait_for_file("begun");
    drop(child.stdout.take());
    std::fs::write(project.path("go"), "").unwrap();
    let got = finish(child);
    // It noticed with the next event, or was through by then.
    assert!([0, 130].contains(&got.code), "{got:#?}");
    assert!(!got.err.contains("panic"), "{got:#?}");
    project.stead("resume @last").is(0);
    let mut child = project.spawn("explain");
    drop(child.stdout.take());
    assert_eq!(finish(child).is(0).err, "");
}

#[test]
fn errors_without_a_reader_are_no_trouble() {
    let project = project();
    std::fs::write(project.path("go"), "").unwrap();
    let child =
        project.command().args(["run", "work.yml"]).stderr(Stdio::null()).stdout(Stdio::piped()).spawn();
    assert_eq!(finish(child.unwrap()).is(0).json(), json!({"sum": "12"}));
    let mut child = project.spawn("run work.yml");
    drop(child.stderr.take());
    finish(child).is(0);
}

#[test]
fn work_of_other_runs_is_waited_for() {
    let project = project().workflow("quick", "steps: [{ id: q, run: echo q }]\n");
    let child = project.spawn("run work.yml");
    project.wait_for_file("begun");
    signal(&child, "KILL");
    finish(child);
    std::fs::remove_file(project.path("begun")).unwrap();
    let child = project.spawn("run quick.yml");
    project.wait_for("the end of quick", |p| {
        p.stead("runs --workflow quick --status completed").out.contains("quick")
    });
    project.wait_for_file("begun");
    std::fs::write(project.path("go"), "").unwrap();
    finish(child).is(0).says("other runs of this home still have 1 attempt under way");
    project.stead("status work").is(0).answers("completed");
}

/// `work` as above, with an undo and a `finally` that waits for somebody to write `tidied`.
fn saga() -> Project {
    Project::new().workflow(
        "saga",
        "steps:
  - { id: one, run: 'echo one >> ran', undo: { run: 'echo undo >> ran' } }
  - { id: two, run: 'touch begun; exec sleep 60' }
finally:
  - { id: tidy, run: 'touch tidying; while [ ! -e tidied ]; do sleep 0.02; done; echo tidy >> ran' }
",
    )
}

#[test]
fn ctrl_c_twice_cancels_and_stays_until_all_is_undone() {
    let project = saga();
    let child = project.spawn("run saga.yml");
    project.wait_for_file("begun");
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    project.wait_for_file("tidying");
    std::fs::write(project.path("tidied"), "").unwrap();
    finish(child).is(3).says("cleaning up");
    assert_eq!(project.text("ran"), "one\nundo\ntidy\n");
}

#[test]
fn a_third_ctrl_c_leaves_the_rest_to_resume() {
    let project = saga();
    let child = project.spawn("run saga.yml");
    project.wait_for_file("begun");
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    project.wait_for_file("tidying");
    signal(&child, "INT");
    finish(child).is(130).says("next: stead resume");
    assert_eq!(project.text("ran"), "one\nundo\n");
    std::fs::write(project.path("tidied"), "").unwrap();
    project.stead("resume @last").is(3);
    assert_eq!(project.text("ran"), "one\nundo\ntidy\n");
}

#[test]
fn events_between_the_command_and_its_engine_are_told() {
    let project = project();
    let child = project.spawn("run work.yml");
    project.wait_for_file("begun");
    signal(&child, "KILL");
    finish(child);
    std::fs::write(project.path("go"), "").unwrap();
    let told = project.stead("resume @last --json").is(0).lines();
    // The first thing that the next engine writes, before anybody can have followed it.
    assert_eq!(told[0]["event"]["type"], "attempt_lost", "{told:#?}");
    let told: Vec<_> = told.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(told, (told[0]..told[0] + told.len() as u64).collect::<Vec<_>>());
}

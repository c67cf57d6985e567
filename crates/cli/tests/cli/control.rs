//! `pause`, `resume`, `retry`, and cancel of what cleans up.

use serde_json::Value;

use crate::project::Project;

fn ran(project: &Project) -> Vec<String> {
    project.text("ran").lines().map(str::to_owned).collect()
}

fn saga() -> Project {
    Project::new().workflow(
        "saga",
        "steps:
  - { id: a, run: 'echo a >> ran', undo: { run: 'echo undo-a >> ran' } }
  - { id: b, run: 'echo b >> ran; test -e good' }
finally:
  - { id: tidy, run: 'echo tidy >> ran' }
",
    )
}

#[test]
fn a_failed_run_is_retried_and_it_is_said_first_what_runs_again() {
    let project = saga();
    project.stead("run saga.yml").is(1);
    assert_eq!(ran(&project), ["a", "b", "undo-a", "tidy"]);
    let got = project.stead("retry @last --dry-run").is(0);
    assert!(got.out.contains("3 steps again, 0 completed steps kept"), "{got:#?}");
    assert!(got.out.contains("again  a\n") && got.out.contains("again  b\n"), "{got:#?}");
    assert_eq!(ran(&project).len(), 4, "a dry run runs nothing");
    let project = project.with("good", "");
    project.stead("retry @last").is(0).says("3 steps again");
    assert_eq!(ran(&project)[4..], ["a", "b", "tidy"]);
    project.stead("retry @last").is(1).says("nothing in it failed");
    project.stead("retry @last --only b").is(0).says("2 steps again, 1 completed step kept");
    assert_eq!(ran(&project)[7..], ["b", "tidy"]);
    project.stead("retry @last --from nowhere").is(1).says("the run has no such step");
    let logs = project.stead("logs @last/b").is(0);
    assert!(!logs.out.contains("error"), "{logs:#?}");
}

#[test]
fn all_failed_runs_are_retried_in_bulk() {
    let project = saga();
    project.stead("run saga.yml").is(1);
    project.stead("run saga.yml").is(1);
    let project = project.with("good", "");
    project.stead("retry --all --workflow saga").is(0);
    let got = project.stead("runs --status completed --json").is(0);
    assert_eq!(got.out.lines().count(), 2);
    project.stead("retry --all").is(0).says("no run has failed");
}

#[test]
fn a_retry_takes_other_inputs() {
    let project = Project::new().workflow(
        "divide",
        "inputs: { by: { type: integer } }\nsteps:\n  - { id: a, run: 'echo a >> ran' }\n  - { id: b, set: { v: '${{ 10 / inputs.by }}' } }\n",
    );
    project.stead("run divide.yml -i by=0").is(1);
    project.stead("retry @last -i by=x").is(2).says("by");
    project.stead("retry @last -i by=5 --output b").is(0).answers("\"v\": 2");
    assert_eq!(ran(&project), ["a"], "what is completed is kept");
}

#[test]
fn a_run_stops_before_each_step_and_goes_on_with_resume() {
    let project = saga().with("good", "");
    project.stead("run saga.yml --pause-each").is(4).says("before a");
    assert!(ran(&project).is_empty());
    project.stead("status @last").is(0).answers("paused");
    project.stead("resume @last").is(4).says("before b");
    project.stead("resume @last").is(4).says("before tidy");
    project.stead("resume @last").is(0);
    assert_eq!(ran(&project), ["a", "b", "tidy"]);
    project.stead("run saga.yml --pause-at tdy").is(2).says("did you mean `tidy`?");
}

#[test]
fn a_run_without_an_engine_is_paused_and_resumed() {
    let project = Project::new().workflow(
        "late",
        "steps:\n  - { id: w, wait: { for: 1s } }\n  - { id: after, run: 'echo after >> ran' }\n",
    );
    project.stead("run late.yml --no-wait").is(4);
    project.stead("pause @last").is(0).answers("paused").says("stead resume");
    project.stead("pause @last").is(1).says("paused already");
    let status: Value = serde_json::from_str(&project.stead("status @last --json").is(0).out).unwrap();
    assert_eq!(status["status"], "paused");
    // Without a name paused runs are left alone.
    project.stead("resume").is(0);
    assert!(ran(&project).is_empty());
    project.stead("resume @last").is(0);
    assert_eq!(ran(&project), ["after"]);
    project.stead("pause @last").is(1).says("the run has ended");
}

#[test]
fn cancel_without_an_engine_leaves_undo_and_finally_to_the_next_one_unless_forced() {
    let text = "steps:
  - { id: a, run: 'echo a >> ran', undo: { run: 'echo undo >> ran' } }
  - { id: w, wait: { for: 1h } }
finally:
  - { id: tidy, run: 'echo tidy >> ran' }
";
    let project = Project::new().workflow("late", text);
    project.stead("run late.yml --no-wait").is(4);
    project.stead("cancel @last").is(0).says("resume");
    assert_eq!(ran(&project), ["a"]);
    project.stead("resume @last").is(3);
    assert_eq!(ran(&project), ["a", "undo", "tidy"]);
    project.stead("run late.yml --no-wait").is(4);
    project.stead("cancel @last --force").is(0).answers("cancelled");
    assert_eq!(ran(&project)[3..], ["a"]);
}

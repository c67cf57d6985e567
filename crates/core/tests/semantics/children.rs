//! Child runs: streams of their own, joined by messages.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::World;

const DOUBLE: &str = "inline: { stead: 1, name: double, inputs: { n: { type: integer } }, steps: [ { id: d, noop: '${{ inputs.n * 2 }}' } ], outputs: { n: '${{ steps.d.output }}' } }";

#[test]
fn rule_44_a_child_is_a_run_of_its_own_and_gives_its_outputs() {
    let world = World::run(&format!(
        "steps:\n  - id: each\n    foreach: {{ in: '${{{{ [1, 2, 3] }}}}', parallel: 3 }}\n    workflow: {{ {DOUBLE}, inputs: {{ n: '${{{{ item }}}}' }} }}\noutputs: {{ all: '${{{{ steps.each.output.map(o, o.n) }}}}' }}\n"
    ));
    assert_eq!(world.outputs(), json!({"all": [2, 4, 6]}));
    assert_eq!(world.runs.len(), 4);
    let top = world.top.clone();
    for (id, run) in &world.runs {
        if *id != top {
            let parent = run.state.parent.as_ref().unwrap();
            assert_eq!(parent.run, top, "both journals name each other");
            assert_eq!(run.state.workflow, "double");
            assert_eq!(run.state.depth, 1);
            assert_eq!(run.state.starter, "user:ana", "who started the run at the top");
        }
    }
    assert_eq!(world.events("each[1]"), ["child_started", "child_ended"]);
}

#[test]
fn rule_44_a_child_that_fails_fails_its_step_and_a_retry_is_a_new_run() {
    let mut world = World::run(
        "steps:\n  - id: c\n    retry: { attempts: 2, wait: 1s, jitter: 0 }\n    workflow: { inline: { stead: 1, name: bad, steps: [ { id: b, noop: { fail: broken } } ] } }\n",
    );
    assert_eq!(world.status("c"), StepStatus::Waiting);
    world.pass(1_000);
    assert_eq!(world.runs.len(), 3);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Child, "c"));
    assert!(message.contains("broken") && message.contains("at b"), "{message}");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_17_the_outcome_of_a_child_is_that_of_its_step() {
    let world = World::run(
        "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: bad, steps: [ { id: b, loop: { max: 1, until: 'false' }, set: { v: 1 } } ] } }\n",
    );
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
}

#[test]
fn rule_18_a_degraded_child_degrades() {
    let mut world = World::run(
        "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: half, steps: [ { id: b, on_error: continue, noop: { fail: broken } } ] } }\n",
    );
    assert_eq!(world.step("c").outcome, Some(Outcome::Degraded));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn p5_cancel_reaches_child_runs_and_waits_for_them() {
    let mut world = World::run(
        "steps:\n  - id: c\n    workflow: { inline: { stead: 1, name: slow, steps: [ { id: b, noop: { hang: 1 } } ] } }\n",
    );
    assert_eq!(world.state().status, RunStatus::Waiting);
    assert_eq!(world.view().waits_for[0].kind, "child");
    world.cancel();
    assert!(world.runs.values().all(|run| run.state.status == RunStatus::Cancelled));
    assert_eq!(world.ends.len(), 1);
}

#[test]
fn rule_33_the_time_out_of_a_child_is_of_the_whole_of_it() {
    let mut world = World::run(
        "steps:\n  - id: c\n    timeout: 10s\n    workflow: { inline: { stead: 1, name: slow, steps: [ { id: b, noop: { hang: 1 } } ] } }\n",
    );
    world.pass(10_000);
    assert_eq!(world.error().0, ErrorKind::Timeout);
    assert!(world.runs.values().all(|run| run.state.status.is_end()));
}

#[test]
fn rule_44_inputs_that_do_not_fit_fail_the_child() {
    let mut world = World::run(&format!(
        "steps:\n  - {{ id: v, noop: text }}\n  - id: c\n    workflow: {{ {DOUBLE}, inputs: {{ n: '${{{{ steps.v.output }}}}' }} }}\n"
    ));
    assert_eq!(world.error().0, ErrorKind::Child);
    assert!(world.error().2.contains("inputs"), "{}", world.error().2);
    assert_eq!(world.status("c"), StepStatus::Failed);
}

/// A workflow of the library that gives a word.
fn kid(word: &str) -> String {
    format!(
        "stead: 1\nname: kid\nsteps:\n  - {{ id: say, noop: {word} }}\noutputs: {{ said: '${{{{ steps.say.output }}}}' }}\n"
    )
}

#[test]
fn rule_44_latest_is_the_newest_when_the_step_starts() {
    let text = "steps:\n  - { id: w, wait: { for: 1h } }\n  - id: pinned\n    workflow: { name: kid }\n  - id: newest\n    workflow: { name: kid, revision: latest }\noutputs: { pinned: '${{ steps.pinned.output.said }}', newest: '${{ steps.newest.output.said }}' }\n";
    let mut world = World::run_among(text, &[("kid", &kid("old"))]);
    world.saved.insert("kid".into(), kid("new"));
    world.pass(3_600_000);
    assert_eq!(world.outputs(), json!({"pinned": "old", "newest": "new"}));
    // What the step came to stands in the journal: the same after a restart, whatever the library has by then.
    let revisions: Vec<String> = world.runs.values().map(|run| run.state.revision.clone()).collect();
    assert_eq!(revisions.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[test]
fn rule_44_latest_is_looked_up_anew_by_each_try() {
    let bad = "stead: 1\nname: kid\nsteps: [ { id: say, noop: { fail: broken } } ]\n";
    let text = "steps:\n  - id: c\n    retry: { attempts: 2, wait: 1s, jitter: 0 }\n    workflow: { name: kid, revision: latest }\n";
    let mut world = World::run_among(text, &[("kid", bad)]);
    assert_eq!(world.status("c"), StepStatus::Waiting);
    world.saved.insert("kid".into(), kid("mended"));
    world.pass(1_000);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    // One that is gone by then fails its step.
    let mut world = World::run_among(text, &[("kid", bad)]);
    world.saved.clear();
    world.pass(1_000);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Child, "c"));
    assert!(message.contains("no workflow `kid`"), "{message}");
}

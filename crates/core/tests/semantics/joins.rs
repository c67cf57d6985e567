//! Rules 26 to 28: how many parts must complete, and what becomes of the others.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

const RACE: &str = "
steps:
  - id: race
    join: JOIN
    steps:
      - { id: a, needs: [], noop: A }
      - { id: b, needs: [], noop: B }
      - { id: c, needs: [], noop: C }
";

fn race(join: &str, a: &str, b: &str, c: &str) -> World {
    World::run(
        &RACE
            .replace("JOIN", join)
            .replace("A }", &format!("{a} }}"))
            .replace("B }", &format!("{b} }}"))
            .replace("C }", &format!("{c} }}")),
    )
}

#[test]
fn rule_26_first_is_the_first_success() {
    let mut world = race("first", "{ fail: no }", "{ value: 2 }", "{ hang: 1 }");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.status("race/a"), StepStatus::Failed);
    assert_eq!(world.status("race/b"), StepStatus::Completed);
    assert_eq!(world.status("race/c"), StepStatus::Cancelled);
    assert_eq!(world.outputs(), json!({"race": {"b": {"value": 2}}}));
}

#[test]
fn p5_rule_26_the_others_are_ended_and_their_ends_awaited() {
    let world = race("first", "{ hang: 1 }", "{ value: 2 }", "{ hang: 1 }");
    let ends: Vec<&str> = world.ends.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(ends, ["race/a", "race/c"]);
    assert_eq!(world.events("race/c").last().unwrap(), "attempt_ended");
    let events = world.events("race");
    assert_eq!(events, ["group_started", "join_decided", "step_completed"]);
}

#[test]
fn rule_26_majority_is_more_than_half_of_what_is_not_skipped() {
    let text = "
steps:
  - id: vote
    join: majority
    steps:
      - { id: a, needs: [], noop: 1 }
      - { id: b, needs: [], if: 'false', noop: 1 }
      - { id: c, needs: [], noop: { hang: 1 } }
      - { id: d, needs: [], noop: 1 }
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.status("vote/b"), StepStatus::Skipped);
    assert_eq!(world.status("vote/c"), StepStatus::Cancelled);
}

#[test]
fn rule_26_out_of_reach_fails_with_the_first_error_and_ends_the_others() {
    let mut world = race("2", "{ fail: first }", "{ fail: second }", "{ hang: 1 }");
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.error(), (ErrorKind::Exit, "race/a".into(), "first".into()));
    assert_eq!(world.status("race/c"), StepStatus::Cancelled);
}

#[test]
fn rule_26_so_many_items() {
    let text = "
steps:
  - id: ask
    foreach: { in: [1, 2, 3, 4], parallel: 4, join: 2 }
    noop: \"${{ item % 2 == 0 ? {'fail': 'even'} : {'got': item} }}\"
";
    let world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.outputs(), json!({"ask": [{"got": 1}, null, {"got": 3}, null]}));
}

#[test]
fn rule_26_items_not_begun_never_begin_once_it_is_reached() {
    let text = "
steps:
  - id: ask
    foreach: { in: [1, 2, 3], join: first }
    noop: ${{ item }}
";
    let world = World::run(text);
    assert_eq!(world.executed, ["r_test/ask[0]"]);
    assert_eq!(world.outputs(), json!({"ask": [1]}));
}

#[test]
fn rule_26_settled_waits_for_all_and_is_degraded() {
    let mut world = race("settled", "{ fail: no }", "{ value: 2 }", "{ fail: no }");
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.step("race").outcome, Some(Outcome::Degraded));
    assert!(world.ends.is_empty());
    let text = "
steps:
  - { id: ask, foreach: { in: [1, 2], join: settled }, noop: { fail: no } }
  - { id: after, noop: 1 }
";
    let mut world = World::run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.status("after"), StepStatus::Completed);
}

#[test]
fn rule_27_what_a_loser_completed_is_undone_newest_first_then_its_finally_runs() {
    let text = "
steps:
  - id: race
    join: first
    steps:
      - id: slow
        needs: []
        steps:
          - { id: one, run: [a], undo: { run: [undo, one] } }
          - { id: two, run: [b], undo: { run: [undo, two] } }
          - { id: three, run: [hang] }
        finally:
          - { id: tidy, run: [tidy] }
      - { id: fast, needs: [], run: [later] }
";
    let mut world = World::run_with(
        text,
        json!({}),
        Box::new(|job| {
            let word = job.request["argv"].as_array().map_or("", |list| list[0].as_str().unwrap_or(""));
            (!matches!(word, "hang" | "later")).then(|| ok(json!(1)))
        }),
    );
    world.end("race/fast", ok(json!("won")));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    let keys: Vec<&str> = world.executed.iter().map(|key| key.trim_start_matches("r_test/race/")).collect();
    assert_eq!(
        keys,
        ["fast", "slow/one", "slow/two", "slow/three", "slow/two!undo", "slow/one!undo", "slow/tidy"]
    );
    assert_eq!(world.status("race/slow"), StepStatus::Cancelled);
    let events = world.events("race");
    assert_eq!(events.last().unwrap(), "step_completed", "only when all losers have ended");
}

#[test]
fn rule_28_no_parts() {
    for (join, ended) in [
        ("all", (RunStatus::Completed, Some(Outcome::Ok))),
        ("settled", (RunStatus::Completed, Some(Outcome::Ok))),
        ("first", (RunStatus::Failed, Some(Outcome::Exhausted))),
        ("majority", (RunStatus::Failed, Some(Outcome::Exhausted))),
        ("1", (RunStatus::Failed, Some(Outcome::Exhausted))),
    ] {
        let text = format!(
            "steps: [{{ id: a, foreach: {{ in: '${{{{ [1].filter(n, n > 1) }}}}', join: {join} }}, noop: 1 }}]"
        );
        assert_eq!(World::run(&text).ended(), ended, "{join} over no items");
        let text = format!(
            "steps: [{{ id: g, join: {join}, steps: [{{ id: a, needs: [], if: 'false', noop: 1 }}] }}]"
        );
        assert_eq!(World::run(&text).ended(), ended, "{join} over skipped steps");
    }
}

#[test]
fn a_join_goes_on_after_a_crash() {
    for at in 0..6 {
        let mut world = race("first", "{ hang: 1 }", "{ hang: 1 }", "{ hang: 1 }");
        if at % 2 == 0 {
            world.crash();
        }
        world.end("race/b", ok(json!(1)));
        world.crash();
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
        assert_eq!(world.outputs(), json!({"race": {"b": 1}}));
    }
}

//! Rules 36 to 40: undo, `finally`, and how they go with cancel.

use serde_json::{Value, json};
use stead_core::effect::{AttemptResult, ErrorKind, Execute};
use stead_core::run::{Event, Input, turn::SettleInput};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, failed, ok};

/// A program does what its first word says: `fail` fails, `hang` hangs, anything else gives its words back.
fn by_words(job: &Execute) -> Option<AttemptResult> {
    let words: Vec<String> = serde_json::from_value(job.request["argv"].clone()).unwrap_or_default();
    match words.first().map(String::as_str) {
        Some("fail") => Some(failed(ErrorKind::Exit, "no")),
        Some("hang") => None,
        _ => Some(ok(Value::from(words.join(" ")))),
    }
}

fn run(text: &str) -> World {
    World::run_with(text, json!({}), Box::new(by_words))
}

fn keys(world: &World) -> Vec<String> {
    world.executed.iter().map(|key| key.trim_start_matches("r_test/").to_owned()).collect()
}

const SAGA: &str = "
steps:
  - { id: flight, run: [book, flight], undo: { run: [cancel, \"${{ steps.flight.output }}\"] } }
  - { id: hotel, run: [book, hotel], undo: { run: [cancel, hotel] } }
  - { id: car, run: [WORD, car], undo: { run: [cancel, car] } }
finally:
  - { id: report, run: [report, \"${{ ended.status }}\", \"${{ ended.error.?step.orValue('') }}\"] }
";

#[test]
fn rule_36_a_run_that_fails_undoes_then_runs_its_finally() {
    let mut world = run(&SAGA.replace("WORD", "fail"));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.error().1, "car");
    assert_eq!(keys(&world), ["flight", "hotel", "car", "hotel!undo", "flight!undo", "report"]);
    let view = world.view();
    let asides: Vec<_> = view.asides.iter().map(|step| (step.path.as_str(), step.action.as_str())).collect();
    assert_eq!(asides, [("flight!undo", "undo"), ("hotel!undo", "undo")]);
    assert_eq!(world.status("report"), StepStatus::Completed);
}

#[test]
fn rule_36_cancel_does_the_same_and_completion_undoes_nothing() {
    let mut world = run(&SAGA.replace("WORD", "hang"));
    world.cancel();
    assert_eq!(world.ended(), (RunStatus::Cancelled, Some(Outcome::Cancelled)));
    assert_eq!(keys(&world), ["flight", "hotel", "car", "hotel!undo", "flight!undo", "report"]);
    let world = run(&SAGA.replace("WORD", "book"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(keys(&world), ["flight", "hotel", "car", "report"]);
}

#[test]
fn rule_37_undo_takes_items_and_replaced_iterations_newest_first_over_all_branches() {
    let text = "
steps:
  - id: each
    foreach: { in: [x, y], as: name }
    run: [do, \"${{ name }}\"]
    undo: { run: [undo, \"${{ name }}\", \"${{ steps.each.output }}\"] }
  - id: again
    loop: { max: 3 }
    steps:
      - { id: part, run: [do, \"${{ iteration }}\"], undo: { run: [undo, \"${{ iteration }}\"] } }
  - { id: last, run: [fail] }
";
    let world = run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(
        keys(&world)[5..],
        [
            "last",
            "again#3/part!undo",
            "again#2/part!undo",
            "again#1/part!undo",
            "each[1]!undo",
            "each[0]!undo"
        ]
    );
}

#[test]
fn rule_37_it_sees_what_its_step_saw_and_its_step() {
    let text = "
vars: { who: ana }
steps:
  - id: again
    loop: { max: 2 }
    steps:
      - id: pay
        run: [paid, \"${{ iteration }}\"]
        undo: { run: [undo, \"${{ vars.who }}\", \"${{ steps.pay.output }}\", \"${{ iteration }}\"] }
  - { id: last, run: [fail] }
";
    let mut asked = Vec::new();
    let (tell, told) = std::sync::mpsc::channel();
    let world = World::run_with(
        text,
        json!({}),
        Box::new(move |job| {
            tell.send(job.request["argv"].clone()).unwrap();
            by_words(job)
        }),
    );
    assert_eq!(world.ended().0, RunStatus::Failed);
    asked.extend(told.try_iter());
    assert_eq!(asked[3..], [json!(["undo", "ana", "paid 2", "2"]), json!(["undo", "ana", "paid 1", "1"])]);
}

#[test]
fn rule_37_one_that_fails_after_its_retries_is_recorded_and_the_others_go_on() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [undo] } }
  - { id: b, run: [do], undo: { run: [fail], retry: { attempts: 2, wait: 1s } } }
  - { id: c, run: [fail] }
";
    let mut world = run(text);
    assert_eq!(world.ended().0, RunStatus::Waiting);
    assert_eq!(world.view().waits_for[0].path, "b!undo");
    world.pass(5_000);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(keys(&world), ["a", "b", "c", "b!undo", "b!undo", "a!undo"]);
    let asides = world.view().asides;
    assert_eq!(
        asides.iter().map(|s| s.status).collect::<Vec<_>>(),
        [StepStatus::Completed, StepStatus::Failed]
    );
    assert_eq!(world.error().1, "c", "the first error stays the error of the run");
}

#[test]
fn rule_37_an_undo_that_cannot_be_computed_is_recorded() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [undo] } }
  - { id: b, run: [do], parse: json, undo: { run: [undo, \"${{ steps.b.output.none }}\"] } }
  - { id: c, run: [fail] }
";
    let mut world = run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(keys(&world), ["a", "b", "c", "a!undo"]);
    let failed = world.view().asides.into_iter().find(|step| step.path == "b!undo").unwrap();
    assert_eq!(failed.error.unwrap().kind, ErrorKind::Expression);
}

#[test]
fn rule_37_a_parked_once_step_is_settled_before_undo_begins() {
    let text = "
steps:
  - id: both
    steps:
      - { id: pay, needs: [], effect: once, run: [hang], undo: { run: [undo, pay] } }
      - { id: other, needs: [], run: [hang] }
";
    for (verdict, undone) in [(SettleInput::Done(json!("paid")), true), (SettleInput::Failed, false)] {
        let mut world = run(text);
        world.crash();
        assert_eq!(world.status("both/pay"), StepStatus::Waiting);
        world.cancel();
        assert_eq!(world.ended().0, RunStatus::Waiting, "somebody has to say whether it happened");
        assert_eq!(world.view().waits_for[0].kind, "settle");
        let top = world.top.clone();
        world.give(&top, Input::Settle { path: "both/pay".into(), verdict, by: "user:ana".into() });
        world.go();
        assert_eq!(world.ended().0, RunStatus::Cancelled);
        assert_eq!(keys(&world).contains(&"both/pay!undo".to_owned()), undone);
    }
}

#[test]
fn p2_rule_37_undo_that_is_killed_is_made_again_and_each_happens_once() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [undo] } }
  - { id: b, run: [do], undo: { run: [hang] } }
  - { id: c, run: [fail] }
finally:
  - { id: tidy, run: [hang] }
";
    let mut world = run(text);
    world.crash();
    assert_eq!(keys(&world), ["a", "b", "c", "b!undo", "b!undo"]);
    world.end("b!undo", ok(json!(1)));
    world.crash();
    assert_eq!(keys(&world)[5..], ["a!undo", "tidy", "tidy"]);
    world.end("tidy", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
}

#[test]
fn rule_37_child_runs_are_undone_by_the_undo_of_their_step_only() {
    let text = "
steps:
  - id: child
    workflow:
      inline:
        stead: 1
        name: inner
        steps: [{ id: do, run: [do], undo: { run: [undo] } }]
    undo: { run: [undo, child] }
  - { id: c, run: [fail] }
";
    let world = run(text);
    assert_eq!(world.ended().0, RunStatus::Failed);
    let undone: Vec<&String> = world.executed.iter().filter(|key| key.ends_with("!undo")).collect();
    assert_eq!(undone, ["r_test/child!undo"]);
}

#[test]
fn rule_38_a_caught_failure_undoes_nothing() {
    let text = "
steps:
  - id: try
    on_error: continue
    steps:
      - { id: a, run: [do], undo: { run: [undo] } }
      - { id: b, run: [fail] }
  - { id: after, run: [do] }
";
    let world = run(text);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(keys(&world), ["try/a", "try/b", "after"]);
}

#[test]
fn rule_39_finally_runs_once_however_its_block_ends_and_cannot_change_that() {
    for (word, status) in [("do", "completed"), ("fail", "failed")] {
        let text = format!(
            "
steps:
  - id: group
    on_error: continue
    steps:
      - {{ id: a, run: [{word}] }}
    outputs: {{ got: \"${{{{ steps.a.output }}}}\" }}
    finally:
      - {{ id: one, run: [fail] }}
      - {{ id: two, run: [\"${{{{ ended.status }}}}\"] }}
"
        );
        let mut world = run(&text);
        assert_eq!(keys(&world), ["group/a", "group/one", "group/two"]);
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
        assert_eq!(world.step("group").status.to_string(), status);
        assert_eq!(world.status("group/one"), StepStatus::Failed);
        assert_eq!(world.status("group/two"), StepStatus::Completed);
        if word == "do" {
            assert_eq!(world.outputs(), json!({"group": {"got": "do"}}));
        }
    }
}

#[test]
fn rule_39_finally_knows_no_deadline_from_outside_but_its_own_time_outs() {
    let text = "
deadline: 10s
steps:
  - id: group
    deadline: 5s
    steps:
      - { id: a, run: [hang] }
    finally:
      - { id: tidy, run: [hang], timeout: 1m }
";
    let mut world = run(text);
    world.pass(20_000);
    assert_eq!(world.status("group/a"), StepStatus::Cancelled);
    assert_eq!(world.status("group/tidy"), StepStatus::Running);
    world.pass(60_000);
    assert_eq!(world.status("group/tidy"), StepStatus::Failed);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
}

#[test]
fn rule_39_inner_finally_runs_before_the_undo_of_the_run() {
    let text = "
steps:
  - { id: first, run: [do], undo: { run: [undo] } }
  - id: group
    steps: [{ id: a, run: [fail] }]
    finally: [{ id: inner, run: [tidy] }]
finally:
  - { id: outer, run: [tidy] }
";
    let world = run(text);
    assert_eq!(keys(&world), ["first", "group/a", "group/inner", "first!undo", "outer"]);
}

#[test]
fn rule_39_outputs_are_computed_before_finally_and_an_error_there_fails_the_block() {
    let text = "
steps:
  - { id: a, run: [do], parse: json }
outputs: { wrong: \"${{ steps.a.output[7] }}\" }
finally:
  - { id: tell, run: [\"${{ ended.error.kind }}\"] }
";
    let mut world = run(text);
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    assert_eq!(world.status("tell"), StepStatus::Completed);
    assert_eq!(keys(&world), ["a", "tell"]);
}

#[test]
fn rule_39_after_finish_finally_runs_and_trouble_in_it_degrades() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [undo] } }
  - { id: stop, finish: enough }
  - { id: never, run: [do] }
finally:
  - { id: tidy, run: [WORD] }
";
    let world = run(&text.replace("WORD", "do"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::StoppedEarly)));
    assert_eq!(keys(&world), ["a", "tidy"]);
    let world = run(&text.replace("WORD", "fail"));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
}

#[test]
fn rule_40_cancel_while_it_winds_up_is_recorded_and_force_ends_it() {
    let text = "
steps:
  - { id: a, run: [do], undo: { run: [hang] } }
  - { id: b, run: [fail] }
finally:
  - { id: tidy, run: [hang] }
";
    let mut world = run(text);
    world.cancel();
    assert_eq!(world.ended().0, RunStatus::Running);
    world.end("a!undo", ok(json!(1)));
    assert_eq!(world.status("tidy"), StepStatus::Running);
    let top = world.top.clone();
    world.give(&top, Input::Cancel { by: "user:ana".into(), reason: None, force: true });
    world.go();
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)), "how it ends was settled before");
    assert_eq!(world.status("tidy"), StepStatus::Cancelled);

    let mut world = run(text);
    world.give(&top, Input::Cancel { by: "user:ana".into(), reason: None, force: true });
    world.go();
    assert_eq!(world.ended().0, RunStatus::Failed);
    assert_eq!(keys(&world), ["a", "b", "a!undo"]);
}

#[test]
fn a_lost_once_step_asks_its_probe_first() {
    let text = "
steps:
  - { id: pay, effect: once, run: [hang], verify: { run: [PROBE] } }
  - { id: after, run: [\"${{ steps.pay.output }}\"] }
";
    // It happened: the probe's output is the step's.
    let mut world = run(&text.replace("PROBE", "yes"));
    world.crash();
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(keys(&world), ["pay", "pay!verify", "after"]);
    assert_eq!(world.outputs(), json!({"pay": "yes", "after": "yes"}));
    // It did not: it is made again.
    let mut world = run(&text.replace("PROBE", "fail"));
    world.crash();
    assert_eq!(keys(&world), ["pay", "pay!verify", "pay"]);
    world.crash();
    assert_eq!(keys(&world)[3..], ["pay!verify", "pay"], "and asked again, when it is lost again");
    let numbers: Vec<u32> = world.runs[&world.top]
        .journal
        .iter()
        .filter_map(|(_, event)| match event {
            Event::AttemptStarted { path, number, .. } if path == "pay!verify" => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [1, 2], "results of the first time are told apart");
    // It does not know: somebody has to.
    let mut world = run(&text.replace("PROBE", "hang"));
    world.crash();
    assert_eq!(world.ended().0, RunStatus::Running);
    let unknown = AttemptResult { exit_code: Some(3), ..failed(ErrorKind::Exit, "who knows") };
    world.end("pay!verify", unknown);
    assert_eq!(world.ended().0, RunStatus::Waiting);
    assert_eq!(world.view().waits_for[0].kind, "settle");
}

#[test]
fn rule_37_what_completes_while_the_run_is_paused_is_undone_in_its_turn() {
    let text = "
steps:
  - { id: a, needs: [], run: [hang], undo: { run: [undo, a] } }
  - { id: b, needs: [], run: [hang], undo: { run: [undo, b] } }
  - { id: c, needs: [], run: [hang], undo: { run: [undo, c] } }
";
    for crash in [false, true] {
        let mut world = run(text);
        world.end("b", ok(json!(1)));
        let top = world.top.clone();
        world.give(&top, Input::Pause { by: "user:ana".into(), now: false });
        world.end("c", ok(json!(1)));
        world.end("a", ok(json!(1)));
        if crash {
            world.crash();
        }
        world.cancel();
        assert_eq!(keys(&world)[3..], ["a!undo", "c!undo", "b!undo"], "crash: {crash}");
        assert_eq!(world.ended().0, RunStatus::Cancelled);
    }
}

//! Places that runs and steps share by a key.

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::ids::StreamId;
use stead_core::limit;
use stead_core::run::{Again, Input};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::{World, ok};

const HANG: &str = "noop: { hang: 1 }";

/// A definition whose runs take places, and whose step hangs.
fn deploy(rule: &str) -> String {
    format!("stead: 1\nname: deploy\nconcurrency: {rule}\nsteps: [ {{ id: a, {HANG} }} ]\n")
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn rule_51_runs_wait_for_their_place_in_the_order_of_their_coming() {
    let text = deploy("{}");
    let mut world = World::run(&text);
    for run in ["r_b", "r_c"] {
        world.also(run, &text);
        let waits = world.view().waits_for.remove(0);
        assert_eq!((waits.kind.as_str(), waits.path.as_str()), ("slot", ""));
        assert_eq!(waits.detail.as_deref(), Some("a place for `deploy`"));
        assert_eq!((world.state().status, world.status("a")), (RunStatus::Waiting, StepStatus::Pending));
    }
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b", "r_c"])));
    assert_eq!(
        world.limit("deploy").before(&world.limit("deploy").waiters().last().unwrap().ask.id),
        Some(1)
    );
    for (run, next) in [("r_test", "r_b"), ("r_b", "r_c")] {
        world.look(run).end("a", ok(json!(1)));
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
        world.look(next);
        assert_eq!((world.state().status, world.status("a")), (RunStatus::Running, StepStatus::Running));
    }
    world.end("a", ok(json!(1)));
    assert!(!world.limit("deploy").in_use());
}

#[test]
fn rule_57_every_end_of_a_run_gives_its_place_back_in_the_same_turn() {
    let text = deploy("{}") + "deadline: 1h\nfinally: [ { id: z, noop: 1 } ]\n";
    let mut world = World::run(&text);
    // Cancelled with its place, and while it waits.
    for run in ["r_b", "r_c", "r_d", "r_e"] {
        world.also(run, &text);
    }
    world.look("r_c").cancel();
    assert_eq!((world.ended().0, world.status("z")), (RunStatus::Cancelled, StepStatus::Cancelled));
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b", "r_d", "r_e"])));
    world.look("r_test").cancel();
    assert_eq!((world.ended().0, world.status("z")), (RunStatus::Cancelled, StepStatus::Completed));
    assert_eq!(world.places("deploy"), (names(&["r_b"]), names(&["r_d", "r_e"])));
    // Failed.
    world.look("r_b").end("a", crate::harness::failed(ErrorKind::Exit, "no"));
    assert_eq!(world.places("deploy"), (names(&["r_d"]), names(&["r_e"])));
    // Out of time, with its place and while it waits: the deadline runs from when the run was made.
    world.pass(3_600_000);
    for run in ["r_d", "r_e"] {
        assert_eq!(world.look(run).ended(), (RunStatus::Failed, Some(Outcome::TimedOut)));
    }
    assert!(!world.limit("deploy").in_use());
    world.also("r_f", &deploy("{}"));
    world.also("r_g", &text.replace("deadline: 1h", "deadline: 10m"));
    world.pass(600_000);
    let (kind, _, message) = world.error();
    assert!(kind == ErrorKind::Timeout && message.contains("while it waited for a place"), "{message}");
    assert_eq!(world.places("deploy"), (names(&["r_f"]), names(&[])));
}

#[test]
fn rule_52_a_run_that_is_refused_fails_and_says_who_has_the_place() {
    let mut world = World::run(&deploy("{ key: prod }"));
    world.also("r_b", &deploy("{ key: prod, on_full: refuse }"));
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str()), (ErrorKind::Exhausted, ""));
    assert_eq!(message, "there is no place for `prod`: run r_test of deploy has it");
    // Another key is another limit, and so is another project's.
    world.also("r_c", &deploy("{ key: test, on_full: refuse }"));
    assert_eq!(world.state().status, RunStatus::Running);
    assert_ne!(StreamId::limit("p", "prod"), StreamId::limit("q", "prod"));
}

#[test]
fn rule_53_the_oldest_is_cancelled_and_its_end_is_awaited() {
    let text = deploy("{ on_full: cancel_old }") + "finally: [ { id: z, noop: { hang: 1 } } ]\n";
    let mut world = World::run(&text);
    world.also("r_b", &text);
    // What it does at its end is awaited with its place in its hands.
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b"])));
    // The one that comes now cancels the one that waits, for the other is on its way out.
    world.also("r_c", &text);
    assert_eq!(world.look("r_b").ended().0, RunStatus::Cancelled);
    assert_eq!(world.look("r_c").state().status, RunStatus::Waiting);
    world.look("r_test").end("z", ok(json!(1)));
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    let asked = world.look("r_test").runs[&StreamId::new("r_test")].journal.iter().find_map(|(_, event)| {
        let event = serde_json::to_value(event).unwrap();
        (event["type"] == "cancel_requested").then_some(event)
    });
    assert_eq!(asked.unwrap()["by"], "run:r_b");
    assert_eq!(world.look("r_c").status("a"), StepStatus::Running);
}

#[test]
fn rule_50_a_step_has_its_place_from_start_to_end_with_all_it_does() {
    let text = "steps:\n  - id: g\n    concurrency: { key: db }\n    foreach: { in: [1, 2] }\n    retry: 2\n    noop: { hang: 1 }\n  - { id: after, noop: { hang: 1 } }\n";
    let mut world = World::run(text);
    world.also("r_b", text);
    let waiting = world.step("g");
    assert_eq!((waiting.status, waiting.action.as_str()), (StepStatus::Waiting, "foreach"));
    assert_eq!(waiting.waits_for.unwrap().detail.as_deref(), Some("a place for `db`"));
    assert_eq!(world.state().status, RunStatus::Waiting);
    world.look("r_test").end("g[0]", crate::harness::failed(ErrorKind::Exit, "no"));
    world.pass(10_000);
    world.end("g[0]", ok(json!(1)));
    assert_eq!(world.places("db"), (names(&["r_test/g"]), names(&["r_b/g"])));
    world.end("g[1]", ok(json!(1)));
    assert_eq!(world.places("db"), (names(&["r_b/g"]), names(&[])));
    assert_eq!(world.look("r_b").status("g[0]"), StepStatus::Running);
}

#[test]
fn rule_50_a_step_that_is_skipped_or_blocked_asks_for_nothing() {
    let text = "steps:\n  - id: a\n    if: 'false'\n    concurrency: { key: k }\n    noop: 1\n  - { id: f, on_error: continue, noop: { fail: broken } }\n  - id: b\n    concurrency: { key: k }\n    noop: \"${{ steps.f.output }}\"\n";
    let mut world = World::run(text);
    assert_eq!((world.status("a"), world.status("b")), (StepStatus::Skipped, StepStatus::Blocked));
    assert!(world.limits.is_empty());
}

#[test]
fn rule_51_a_step_that_waits_for_a_place_can_be_ended() {
    let text = "steps:\n  - id: g\n    deadline: 10s\n    on_error: continue\n    concurrency: { key: db }\n    steps: [ { id: a, noop: { hang: 1 } } ]\n    finally: [ { id: z, noop: 1 } ]\n";
    let mut world = World::run(&text.replace("deadline: 10s", "deadline: 10h"));
    world.also("r_b", text);
    world.also("r_c", text);
    // Its deadline runs while it waits, and its `finally` does not run, for it has not begun.
    world.pass(10_000);
    let step = world.step("g");
    assert_eq!((step.status, step.error.unwrap().kind), (StepStatus::Failed, ErrorKind::Timeout));
    assert!(step.inside.is_empty() && world.open.len() == 1);
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
    assert_eq!(world.places("db"), (names(&["r_test/g"]), names(&[])));
    world.also("r_d", text);
    world.cancel();
    assert_eq!((world.ended().0, world.status("g")), (RunStatus::Cancelled, StepStatus::Cancelled));
    assert_eq!(world.places("db"), (names(&["r_test/g"]), names(&[])));
}

#[test]
fn rule_53_a_step_that_loses_its_place_fails_and_on_error_decides() {
    for (body, inner) in [
        ("noop: { hang: 1 }", "a"),
        ("steps: [ { id: i, noop: { hang: 1 } } ]", "a/i"),
        ("foreach: { in: [1] }\n    noop: { hang: 1 }", "a[0]"),
        ("wait: { for: 1h }", ""),
        ("workflow: { inline: { stead: 1, name: slow, steps: [ { id: b, noop: { hang: 1 } } ] } }", "b"),
    ] {
        let text = format!(
            "steps:\n  - id: a\n    on_error: continue\n    concurrency: {{ key: k, on_full: cancel_old }}\n    {body}\n  - {{ id: next, noop: 1 }}\n"
        );
        let mut world = World::run(&text);
        world.also("r_b", &text);
        let ended: Vec<&str> = world.ends.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(ended, if inner.is_empty() { vec![] } else { vec![inner] }, "{body}");
        let step = world.look("r_test").step("a");
        let error = step.error.unwrap();
        assert_eq!((step.status, error.kind), (StepStatus::Failed, ErrorKind::Cancelled), "{body}");
        assert!(error.message.contains("run r_b asked for its place for `k`"), "{}", error.message);
        assert_eq!(world.status("next"), StepStatus::Completed);
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
        assert_eq!(world.places("k"), (names(&["r_b/a"]), names(&[])), "{body}");
    }
}

#[test]
fn rule_54_what_is_inside_of_a_holder_does_not_wait_for_it() {
    // The head, a step, and a step in it: one key.
    let text = "concurrency: { key: k }\nsteps:\n  - id: g\n    concurrency: { key: k }\n    steps: [ { id: a, concurrency: { key: k }, noop: { hang: 1 } } ]\n";
    let mut world = World::run(text);
    assert_eq!(world.status("g/a"), StepStatus::Running);
    assert_eq!(world.places("k").0, names(&["r_test", "r_test/g", "r_test/g/a"]));
    world.also("r_b", text);
    assert_eq!(world.state().status, RunStatus::Waiting);
    world.look("r_test").end("g/a", ok(json!(1)));
    assert_eq!(world.look("r_b").status("g/a"), StepStatus::Running);
}

#[test]
fn rule_54_children_share_the_place_of_what_is_around_them_one_after_the_other() {
    let child = "workflow: { inline: { stead: 1, name: inner, concurrency: { key: k }, steps: [ { id: b, noop: { hang: 1 } } ] } }";
    let text = format!(
        "concurrency: {{ key: k }}\nsteps:\n  - id: c\n    foreach: {{ in: [1, 2], parallel: 2 }}\n    {child}\n"
    );
    let mut world = World::run(&text);
    // Not beside each other, for that is what the key is for, and not behind whoever came from outside.
    world.also("r_b", "concurrency: { key: k }\nsteps: [ { id: a, noop: { hang: 1 } } ]\n");
    world.look("r_test");
    assert_eq!(world.open.len(), 1);
    world.end("b", ok(json!(1)));
    assert_eq!((world.open.len(), world.state().status), (1, RunStatus::Waiting));
    world.end("b", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.look("r_b").status("a"), StepStatus::Running);
    // A refusal counts the same way: what is around does not refuse what is inside.
    let text = text
        .replace("key: k }, steps", "key: k, on_full: refuse }, steps")
        .replace("parallel: 2", "parallel: 1");
    let mut world = World::run(&text);
    world.end("b", ok(json!(1)));
    world.end("b", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_55_key_and_number_are_computed_and_the_newest_number_counts() {
    let text = |max: u32| {
        format!(
            "vars: {{ n: {max} }}\nconcurrency: {{ key: \"${{{{ run.workflow }}}}-x\", max: \"${{{{ vars.n }}}}\" }}\nsteps: [ {{ id: a, {HANG} }} ]\n"
        )
    };
    let mut world = World::run(&text(1));
    world.also("r_b", &text(1));
    world.also("r_c", &text(1));
    // More places are for those who came before.
    world.also("r_d", &text(2));
    assert_eq!(world.places("test-x"), (names(&["r_test", "r_b"]), names(&["r_c", "r_d"])));
    // Fewer take none away, but give none either.
    world.also("r_e", &text(1));
    world.look("r_test").end("a", ok(json!(1)));
    assert_eq!(world.places("test-x"), (names(&["r_b"]), names(&["r_c", "r_d", "r_e"])));
}

#[test]
fn p11_keys_and_numbers_of_places_are_bounded() {
    for n in [0, 10_001] {
        let world = World::run(&format!(
            "vars: {{ n: {n} }}\nconcurrency: {{ max: \"${{{{ vars.n }}}}\" }}\nsteps: [ {{ id: a, noop: 1 }} ]\n"
        ));
        assert_eq!(world.error().0, ErrorKind::Expression);
        let message = format!("concurrency.max is {n}, it takes 1 to 10000");
        assert!(world.error().2.contains(&message), "{}", world.error().2);
    }
    for (key, fits) in [("", false), (&*"x".repeat(256), true), (&*"x".repeat(257), false)] {
        let text = "steps:\n  - id: a\n    concurrency: { key: \"${{ 'KEY' }}\" }\n    noop: 1\n";
        let world = World::run(&text.replace("KEY", key));
        match fits {
            true => assert_eq!(world.ended().0, RunStatus::Completed),
            false => assert!(world.error().2.contains("it takes 1 to 256"), "{}", world.error().2),
        }
    }
}

#[test]
fn rule_56_a_paused_run_keeps_its_place_and_takes_one_and_begins_when_it_goes_on() {
    let text = deploy("{}");
    let mut world = World::run(&text);
    world.also("r_b", &text);
    let pause = Input::Pause { by: "user:ana".into(), now: false };
    for run in ["r_test", "r_b"] {
        world.give(&StreamId::new(run), pause.clone());
    }
    assert_eq!(world.look("r_b").state().status, RunStatus::Paused);
    world.look("r_test").end("a", ok(json!(1)));
    // The result is booked, the run has not ended.
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b"])));
    world.give(&StreamId::new("r_test"), Input::Resume { by: "user:ana".into() });
    world.go();
    assert_eq!(world.places("deploy"), (names(&["r_b"]), names(&[])));
    assert_eq!(
        (world.look("r_b").state().status, world.status("a")),
        (RunStatus::Paused, StepStatus::Pending)
    );
    world.give(&StreamId::new("r_b"), Input::Resume { by: "user:ana".into() });
    world.go();
    assert_eq!(world.status("a"), StepStatus::Running);
    // One that is resumed before its turn waits on.
    world.also("r_c", &text);
    world.give(&StreamId::new("r_c"), pause);
    world.give(&StreamId::new("r_c"), Input::Resume { by: "user:ana".into() });
    world.go();
    assert_eq!(world.state().status, RunStatus::Waiting);
}

#[test]
fn rule_57_a_crash_loses_no_place_and_gives_none_twice() {
    let text = deploy("{}");
    let step =
        "steps:\n  - id: g\n    concurrency: { key: deploy }\n    steps: [ { id: a, noop: { hang: 1 } } ]\n";
    let mut world = World::run(&text);
    world.also("r_b", step);
    world.also("r_c", &text);
    world.crash();
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b/g", "r_c"])));
    world.look("r_test").end("a", ok(json!(1)));
    world.crash();
    assert_eq!(world.places("deploy"), (names(&["r_b/g"]), names(&["r_c"])));
    assert_eq!(world.look("r_b").status("g/a"), StepStatus::Running);
    world.end("g/a", ok(json!(1)));
    assert_eq!(world.look("r_c").status("a"), StepStatus::Running);
    assert_eq!(world.places("deploy"), (names(&["r_c"]), names(&[])));
}

#[test]
fn rule_57_a_message_that_comes_again_or_too_late_changes_nothing() {
    let text = deploy("{}");
    let mut world = World::run(&text);
    world.also("r_b", &text);
    let limit = StreamId::limit("p", "deploy");
    // Granted again, and granted to one that has withdrawn.
    world.also("r_c", &text);
    world.cancel();
    let run = StreamId::new("r_c");
    let body = serde_json::to_value(limit::ToRun::PlaceGranted { path: String::new(), number: 2 }).unwrap();
    let message = |to: &StreamId| stead_core::message::Message {
        id: "again".into(),
        from: limit.clone(),
        to: to.clone(),
        body: body.clone(),
    };
    world.give(&run, Input::Message(message(&run)));
    world.go();
    let top = StreamId::new("r_test");
    let before = world.runs[&top].journal.len();
    world.give(&top, Input::Message(message(&top)));
    world.go();
    assert_eq!(world.runs[&top].journal.len(), before);
    assert_eq!(world.places("deploy"), (names(&["r_test"]), names(&["r_b"])));
}

#[test]
fn rule_57_what_a_lost_run_has_is_given_to_the_next() {
    let text = deploy("{}");
    let mut world = World::run(&text);
    world.also("r_b", &text);
    let limit = StreamId::limit("p", "deploy");
    world.give_limit(&limit, &limit::Input::Gone(vec![StreamId::new("r_test")]));
    world.go();
    assert_eq!(world.places("deploy"), (names(&["r_b"]), names(&[])));
    world.give_limit(&limit, &limit::Input::Free { run: StreamId::new("r_b"), by: "user:ana".into() });
    assert!(!world.limit("deploy").in_use());
    assert_eq!(world.status("a"), StepStatus::Running);
}

#[test]
fn rule_56_a_run_that_is_tried_again_asks_for_its_places_again_before_anything_of_it_runs() {
    let group = "steps:\n  - id: g\n    concurrency: { key: db }\n    steps:\n      - { id: a, noop: 1 }\n      - { id: b, noop: { hang: 1 } }\n";
    let text = format!("concurrency: {{}}\n{group}");
    let mut world = World::run(&text);
    world.end("g/b", no());
    assert_eq!(world.ended().0, RunStatus::Failed);
    // Others have the places by now. That of the run comes first, then that of the step.
    world.also("r_b", &text);
    world.also("r_c", group);
    let executed = world.executed.len();
    retry(&mut world, "r_test");
    assert_eq!(world.look("r_test").state().status, RunStatus::Waiting);
    let waits = |world: &mut World| -> Vec<String> {
        let waits = world.look("r_test").view().waits_for.into_iter();
        waits.map(|waits| format!("{}: {}", waits.path, waits.detail.unwrap())).collect()
    };
    assert_eq!(waits(&mut world), [": a place for `test`"]);
    world.crash();
    assert_eq!(world.look("r_test").state().status, RunStatus::Waiting);
    world.look("r_b").end("g/b", ok(json!(1)));
    assert_eq!(waits(&mut world), ["g: a place for `db`"]);
    world.crash();
    assert_eq!(waits(&mut world), ["g: a place for `db`"]);
    world.look("r_c").end("g/b", ok(json!(1)));
    assert_eq!(world.places("test").0, names(&["r_test"]));
    assert_eq!(world.places("db").0, names(&["r_test/g"]));
    assert_eq!(world.look("r_test").status("g/b"), StepStatus::Running);
    world.end("g/b", ok(json!(2)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert!(world.executed.len() > executed && !world.limit("test").in_use() && !world.limit("db").in_use());
    // With an equal key what is inside uses the place of what is around it, as it did before.
    let mut world = World::run(&format!("concurrency: {{ key: db }}\n{group}"));
    world.end("g/b", crate::harness::failed(ErrorKind::Exit, "no"));
    retry(&mut world, "r_test");
    assert_eq!(world.places("db"), (names(&["r_test", "r_test/g"]), names(&[])));
    assert_eq!(world.status("g/b"), StepStatus::Running);
    // One that never began asks as one that is new; one that waits again can be cancelled.
    let mut world = World::run(&deploy("{}"));
    world.also("r_b", &deploy("{ on_full: refuse }"));
    assert_eq!(world.ended().0, RunStatus::Failed);
    world.look("r_test").end("a", crate::harness::failed(ErrorKind::Exit, "no"));
    retry(&mut world, "r_b");
    assert_eq!(world.look("r_b").status("a"), StepStatus::Running);
    retry(&mut world, "r_test");
    assert_eq!(world.look("r_test").state().status, RunStatus::Waiting);
    world.cancel();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    assert_eq!(world.places("deploy"), (names(&["r_b"]), names(&[])));
}

fn retry(world: &mut World, run: &str) {
    let input = Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs: Vec::new() };
    world.give(&StreamId::new(run), input);
    world.go();
}

fn pause(world: &mut World, run: &str) {
    world.give(&StreamId::new(run), Input::Pause { by: "user:ana".into(), now: false });
    world.go();
}

fn resume(world: &mut World, run: &str) {
    world.give(&StreamId::new(run), Input::Resume { by: "user:ana".into() });
    world.go();
}

fn no() -> stead_core::effect::AttemptResult {
    crate::harness::failed(ErrorKind::Exit, "no")
}

#[test]
fn rule_56_what_is_tried_again_does_not_wait_for_itself() {
    // The run, a step in it, and one beside that, by one key.
    let text = "concurrency: { key: k }\nsteps:\n  - id: g\n    needs: []\n    on_error: continue\n    concurrency: { key: k }\n    steps: [ { id: a, concurrency: { key: k }, noop: { hang: 1 } } ]\n  - id: h\n    needs: []\n    concurrency: { key: k }\n    steps: [ { id: b, noop: { hang: 1 } } ]\n";
    let mut world = World::run(text);
    world.end("g/a", no());
    world.end("h/b", no());
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    world.also("r_b", &deploy("{ key: k }"));
    retry(&mut world, "r_test");
    assert_eq!(world.places("k"), (names(&["r_b"]), names(&["r_test"])));
    world.look("r_b").end("a", ok(json!(1)));
    // The one goes on, the other one is held up and nothing else.
    assert_eq!(world.look("r_test").status("g/a"), StepStatus::Running);
    assert_eq!((world.status("h"), world.open.len()), (StepStatus::Waiting, 1));
    world.crash();
    world.look("r_test").end("g/a", ok(json!(1)));
    world.end("h/b", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert!(!world.limit("k").in_use());
}

/// A run that failed at `g/b`, another one with its places, and then it is tried again.
fn retried(rule: &str) -> World {
    let text = format!(
        "concurrency: {{ {rule} }}\nsteps:\n  - id: g\n    on_error: continue\n    deadline: 1h\n    concurrency: {{ key: db, {rule} }}\n    steps:\n      - {{ id: a, noop: 1 }}\n      - {{ id: b, noop: {{ hang: 1 }} }}\n    finally: [ {{ id: z, noop: 1 }} ]\n  - {{ id: bad, noop: {{ hang: 1 }} }}\nfinally: [ {{ id: zz, noop: 1 }} ]\n"
    );
    let mut world = World::run(&text);
    world.end("g/b", no());
    world.end("bad", no());
    assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
    world
}

#[test]
fn rule_56_a_run_that_is_tried_again_and_refused_ends_as_any_other() {
    // Its own place.
    let mut world = retried("on_full: refuse");
    world.also("r_b", &deploy("{ key: test }"));
    let ran = world.executed.len();
    retry(&mut world, "r_test");
    assert_eq!(world.look("r_test").ended(), (RunStatus::Failed, Some(Outcome::Exhausted)));
    assert!(world.error().2.contains("there is no place for `test`: run r_b of deploy has it"));
    assert_eq!(world.executed[ran..], ["r_test/g/z+1", "r_test/zz+1"], "only what runs at every end");
    assert_eq!(world.places("test"), (names(&["r_b"]), names(&[])));
    assert!(!world.limit("db").in_use());
    // That of a step: its `on_error` decides.
    let mut world = retried("on_full: refuse");
    world.also("r_c", "steps: [ { id: x, concurrency: { key: db }, noop: { hang: 1 } } ]\n");
    retry(&mut world, "r_test");
    let step = world.look("r_test").step("g");
    assert_eq!((step.status, step.error.unwrap().kind), (StepStatus::Failed, ErrorKind::Exhausted));
    assert_eq!(world.status("bad"), StepStatus::Running, "the run goes on behind it");
}

#[test]
fn rule_56_a_run_that_is_tried_again_and_waits_can_be_ended() {
    // Cancelled, also by force, and out of time.
    for force in [false, true] {
        let mut world = retried("on_full: queue");
        world.also("r_b", &deploy("{ key: test }"));
        retry(&mut world, "r_test");
        assert_eq!(world.look("r_test").state().status, RunStatus::Waiting);
        let cancel = Input::Cancel { by: "user:ana".into(), reason: None, force };
        world.give(&StreamId::new("r_test"), cancel);
        world.go();
        assert_eq!(world.ended().0, RunStatus::Cancelled, "force: {force}");
        assert_eq!(world.places("test"), (names(&["r_b"]), names(&[])));
        assert!(!world.limit("db").in_use());
    }
    let mut world = retried("on_full: queue");
    world.also("r_c", "steps: [ { id: x, concurrency: { key: db }, timeout: 2h, noop: { hang: 1 } } ]\n");
    retry(&mut world, "r_test");
    world.pass(3_600_000);
    let step = world.look("r_test").step("g");
    assert_eq!((step.status, step.error.unwrap().kind), (StepStatus::Failed, ErrorKind::Timeout));
    assert_eq!((world.status("bad"), world.open.len()), (StepStatus::Running, 2));
    assert_eq!(world.places("db"), (names(&["r_c/x"]), names(&[])));
}

#[test]
fn rule_51_what_waits_for_a_place_ends_with_what_is_around_it() {
    // A part that loses its join.
    let text = "steps:\n  - id: g\n    join: first\n    steps:\n      - { id: a, needs: [], noop: { hang: 1 } }\n      - { id: b, needs: [], concurrency: { key: db }, noop: 1 }\n";
    let mut world = World::run("steps: [ { id: x, concurrency: { key: db }, noop: { hang: 1 } } ]\n");
    world.also("r_b", text);
    assert_eq!(world.places("db"), (names(&["r_test/x"]), names(&["r_b/g/b"])));
    world.end("g/a", ok(json!(1)));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
    assert_eq!(world.status("g/b"), StepStatus::Cancelled);
    // The end of a block that stops, and of a run by force.
    let text = "steps:\n  - { id: a, needs: [], noop: { hang: 1 } }\n  - { id: b, needs: [], concurrency: { key: db }, noop: 1 }\nfinally: [ { id: z, noop: { hang: 1 } } ]\n";
    world.also("r_c", text);
    world.end("a", no());
    assert_eq!((world.status("b"), world.status("z")), (StepStatus::Cancelled, StepStatus::Running));
    assert_eq!(world.places("db"), (names(&["r_test/x"]), names(&[])));
    world.also("r_d", text);
    let force = Input::Cancel { by: "user:ana".into(), reason: None, force: true };
    world.give(&StreamId::new("r_d"), force);
    world.go();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    assert_eq!(world.places("db"), (names(&["r_test/x"]), names(&[])));
}

#[test]
fn rule_50_each_visit_of_a_state_has_a_place_of_its_own() {
    let text = "states:\n  - id: a\n    concurrency: { key: db }\n    noop: { hang: 1 }\n    next: [ { go: b, max: 2 }, { go: end } ]\n  - { id: b, noop: { hang: 1 }, next: a }\n";
    let mut world = World::run(text);
    world.end("a", ok(json!(1)));
    // Between two visits others have it.
    assert!(!world.limit("db").in_use());
    world.also("r_b", text);
    world.look("r_test").end("b", ok(json!(1)));
    assert_eq!(world.places("db"), (names(&["r_b/a"]), names(&["r_test/a~2"])));
    world.look("r_b").end("a", ok(json!(1)));
    assert_eq!(world.places("db"), (names(&["r_test/a~2"]), names(&[])));
    assert_eq!(world.look("r_test").status("a~2"), StepStatus::Running);
}

#[test]
fn rule_53_a_run_that_waits_or_is_paused_is_cancelled_as_any_other() {
    let newest = deploy("{ key: k, on_full: cancel_old }");
    for paused in [false, true] {
        let mut world = World::run("concurrency: { key: k }\nsteps: [ { id: w, wait: { for: 1h } } ]\n");
        if paused {
            pause(&mut world, "r_test");
        }
        world.also("r_b", &newest);
        assert_eq!(world.look("r_test").ended().0, RunStatus::Cancelled, "paused: {paused}");
        assert_eq!(world.look("r_b").status("a"), StepStatus::Running);
    }
    // One that waits for its place, and is paused besides.
    let tidies = deploy("{ key: k }") + "finally: [ { id: z, noop: { hang: 1 } } ]\n";
    let mut world = World::run(&tidies);
    world.cancel();
    world.also("r_b", &deploy("{ key: k }"));
    pause(&mut world, "r_b");
    world.also("r_c", &newest);
    world.also("r_d", &newest);
    assert_eq!(world.look("r_b").ended().0, RunStatus::Cancelled);
    assert_eq!(world.places("k"), (names(&["r_test"]), names(&["r_c", "r_d"])), "each cancels one");
}

#[test]
fn rule_56_a_step_of_a_paused_run_keeps_its_place_until_that_goes_on() {
    let step = |body: &str| {
        format!(
            "steps:\n  - id: a\n    on_error: continue\n    concurrency: {{ key: k, on_full: cancel_old }}\n    {body}\n  - {{ id: after, noop: 1 }}\n"
        )
    };
    for (body, inner) in
        [("noop: { hang: 1 }", "a"), ("steps: [ { id: i, noop: { hang: 1 } }, { id: j, noop: 1 } ]", "a/i")]
    {
        let mut world = World::run(&step(body));
        pause(&mut world, "r_test");
        world.also("r_b", &step("noop: { hang: 1 }"));
        assert_eq!(world.places("k"), (names(&["r_test/a"]), names(&["r_b/a"])), "{body}");
        // It is told, and nothing of it begins or ends by that while the run is paused.
        assert!(world.ends.is_empty());
        world.crash();
        resume(&mut world, "r_test");
        let step = world.look("r_test").step("a");
        assert_eq!(
            (step.status, step.error.unwrap().kind),
            (StepStatus::Failed, ErrorKind::Cancelled),
            "{inner}"
        );
        assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Degraded)));
        assert_eq!(world.look("r_b").status("a"), StepStatus::Running);
    }
    // One that was granted meanwhile begins when the run goes on.
    let mut world = World::run(&step("noop: { hang: 1 }"));
    world.also("r_b", &step("noop: { hang: 1 }").replace(", on_full: cancel_old", ""));
    pause(&mut world, "r_b");
    world.look("r_test").end("a", ok(json!(1)));
    assert_eq!(world.places("k"), (names(&["r_b/a"]), names(&[])));
    assert_eq!(world.look("r_b").state().status, RunStatus::Paused);
    assert!(world.open.is_empty());
    world.crash();
    resume(&mut world, "r_b");
    assert_eq!(world.status("a"), StepStatus::Running);
}

#[test]
fn rule_33_a_timeout_does_not_run_while_a_step_waits_for_its_place() {
    let mut world =
        World::run("steps: [ { id: x, timeout: 9h, concurrency: { key: db }, noop: { hang: 1 } } ]\n");
    let kid = "{ inline: { stead: 1, name: kid, steps: [ { id: k, noop: { hang: 1 } } ] } }";
    for (run, body) in [
        ("r_b", "noop: { hang: 1 }".to_owned()),
        ("r_c", "wait: { for: 20s }".to_owned()),
        ("r_d", format!("workflow: {kid}")),
    ] {
        world.also(
            run,
            &format!("steps: [ {{ id: s, timeout: 10s, concurrency: {{ key: db }}, {body} }} ]\n"),
        );
    }
    world.pass(3_600_000);
    assert_eq!(world.places("db"), (names(&["r_test/x"]), names(&["r_b/s", "r_c/s", "r_d/s"])));
    world.look("r_test").end("x", ok(json!(1)));
    for run in ["r_b", "r_c", "r_d"] {
        assert_ne!(world.look(run).status("s"), StepStatus::Failed, "{run}");
        world.pass(10_000);
        assert_eq!(world.error().0, ErrorKind::Timeout, "{run}: from its beginning");
    }
}

#[test]
fn rule_53_a_place_that_is_lost_where_no_engine_is_ends_its_step_when_one_comes() {
    for body in [
        "wait: { signal: go }",
        "wait: { for: 1h }",
        "noop: { fail: no }\n    retry: { attempts: 2, wait: 1h }",
    ] {
        let text = format!("steps:\n  - id: a\n    concurrency: {{ key: k }}\n    {body}\n");
        let mut world = World::run(&text);
        assert_eq!(world.status("a"), StepStatus::Waiting, "{body}");
        let (top, limit) = (world.top.clone(), StreamId::limit("p", "k"));
        let said = limit::ToRun::PlaceRevoked { path: "a".into(), number: 3, by: StreamId::new("r_b") };
        let body = serde_json::to_value(said).unwrap();
        world.performs_nothing = true;
        let message = stead_core::message::Message { id: "m".into(), from: limit, to: top.clone(), body };
        world.give(&top, Input::Message(message));
        world.performs_nothing = false;
        world.crash();
        assert_eq!(world.ended(), (RunStatus::Failed, Some(Outcome::Error)));
        assert_eq!(world.error().0, ErrorKind::Cancelled);
    }
}

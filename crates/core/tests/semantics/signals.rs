//! Signals: sent to a run and a name, and taken once.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_core::limits;
use stead_core::run::{Event, Input, RunState};
use stead_core::status::{Outcome, RunStatus, StepStatus};

use crate::harness::World;

const WAIT: &str = "steps:\n  - { id: w, wait: { signal: go } }\n";
const BOTH: &str = "steps:\n  - { id: a, needs: [], wait: { signal: go } }\n  - { id: b, needs: [], wait: { signal: go } }\n";

#[test]
fn rule_42_a_wait_ends_with_the_data_of_its_signal() {
    let mut world = World::run(
        "steps:\n  - { id: w, wait: { signal: '${{ \"go-\" + run.id }}' } }\n  - { id: s, noop: '${{ steps.w.output.n + 1 }}' }\n",
    );
    assert_eq!(world.state().status, RunStatus::Waiting);
    let waits = &world.view().waits_for[0];
    assert_eq!((waits.kind.as_str(), waits.path.as_str()), ("signal", "w"));
    assert_eq!((waits.detail.as_deref(), waits.until), (Some("go-r_test"), None));
    world.signal("other", json!(1));
    assert_eq!(world.status("w"), StepStatus::Waiting);
    assert_eq!(world.signal("go-r_test", json!({"n": 4})), None);
    assert_eq!(world.outputs(), json!({"w": {"n": 4}, "s": 5}));
    assert_eq!(world.events("w"), ["signal_awaited", "signal_came"]);
}

#[test]
fn rule_42_a_signal_is_taken_once_by_the_wait_that_is_open_longest() {
    // `b` stands above and opens later.
    let mut world = World::run(
        "steps:\n  - { id: t, needs: [], wait: { for: 1s } }\n  - { id: b, needs: [t], wait: { signal: go } }\n  - { id: a, needs: [], wait: { signal: go } }\n",
    );
    world.pass(1_000);
    world.signal("go", json!("first"));
    assert_eq!((world.status("a"), world.status("b")), (StepStatus::Completed, StepStatus::Waiting));
    world.signal("go", json!("second"));
    assert_eq!(world.outputs(), json!({"a": "first", "b": "second"}));
}

#[test]
fn rule_42_an_early_signal_is_kept_and_taken_in_the_order_of_coming() {
    let mut world = World::run(
        "steps:\n  - { id: t, wait: { for: 1s } }\n  - id: l\n    loop: { max: 3 }\n    wait: { signal: go }\n",
    );
    for n in 1..=4 {
        world.signal("go", json!(n));
        world.signal("else", json!(n));
    }
    assert_eq!(world.view().signals_kept, 8);
    // Large ones are found again as well, also by another engine.
    world.signal("go", json!("x".repeat(1_000)));
    world.crash();
    world.pass(1_000);
    assert_eq!(world.outputs(), json!({"l": 3}));
    assert_eq!(world.events("l#2"), ["signal_taken"]);
    let view = world.view();
    let left: Vec<&str> = view.signals.iter().map(|signal| signal.name.as_str()).collect();
    assert_eq!((left, view.signals_kept), (vec!["else", "else", "else", "go", "else", "go"], 6), "listed");
    assert_eq!((view.signals[0].by.as_str(), view.signals[0].at), ("user:ana", 1_000_000));
}

#[test]
fn rule_42_large_data_that_came_early_is_the_output() {
    for size in [10, 1_000, 100_000] {
        let mut world = World::run(
            "steps:\n  - { id: t, wait: { for: 1s } }\n  - { id: w, wait: { signal: go } }\n  - { id: n, noop: '${{ size(steps.w.output) }}' }\n",
        );
        world.signal("go", json!("x".repeat(size)));
        world.crash();
        world.pass(1_000);
        assert_eq!(world.outputs()["n"], json!(size));
    }
}

#[test]
fn rule_42_an_id_counts_once() {
    let mut world = World::run(BOTH);
    let top = world.top.clone();
    let send = |world: &mut World, id: &str| world.signal_as(&top, "go", None, Some(id), json!(id));
    assert_eq!(send(&mut world, "m1"), None);
    let seq = world.state().seq;
    assert_eq!(send(&mut world, "m1"), None, "it came: no error");
    world.crash();
    assert_eq!(send(&mut world, "m1"), None);
    assert_eq!(world.state().seq, seq, "and nothing happens");
    send(&mut world, "m2");
    assert_eq!(world.outputs(), json!({"a": "m1", "b": "m2"}));
    assert_eq!(send(&mut world, "m2"), None, "nor is it one when the run has ended since");
    assert_eq!(send(&mut world, "m3"), Some("the run has ended"));
}

#[test]
fn rule_42_a_signal_to_an_instance_reaches_the_waits_inside_it() {
    let mut world = World::run(
        "steps:\n  - id: each\n    foreach: { in: [a, b, a/b], key: '${{ item }}', parallel: 3 }\n    steps:\n      - { id: w, wait: { signal: go } }\n",
    );
    let top = world.top.clone();
    let send = |world: &mut World, step: &str| {
        assert_eq!(world.signal_as(&top, "go", Some(step), None, json!(step)), None);
    };
    send(&mut world, "each[b]");
    assert_eq!(world.status("each[a]/w"), StepStatus::Waiting, "it is open longer, and not meant");
    send(&mut world, "each[b]/w");
    send(&mut world, "nowhere");
    send(&mut world, "each[a");
    assert_eq!(world.view().signals_kept, 3, "nobody they are for");
    send(&mut world, "each");
    world.signal("go", json!("any"));
    assert_eq!(world.outputs()["each"], json!([{"w": "each"}, {"w": "each[b]"}, {"w": "any"}]));
    let left = world.view().signals;
    assert_eq!(left[0].step.as_deref(), Some("each[b]/w"));
}

#[test]
fn rule_42_an_early_signal_to_an_instance_is_kept_for_it() {
    let mut world = World::run(
        "steps:\n  - { id: t, wait: { for: 1s } }\n  - id: each\n    foreach: { in: [a, b], key: '${{ item }}' }\n    steps:\n      - { id: w, wait: { signal: go } }\n",
    );
    let top = world.top.clone();
    world.signal_as(&top, "go", Some("each[b]"), None, json!("for b"));
    world.signal_as(&top, "go", Some("each"), None, json!("for any"));
    world.signal("go", json!("for all"));
    world.crash();
    world.pass(1_000);
    assert_eq!(world.outputs()["each"], json!([{"w": "for any"}, {"w": "for b"}]));
    assert_eq!(world.view().signals_kept, 1);
}

#[test]
fn rule_34_of_a_signal_and_a_deadline_the_first_counts() {
    for key in ["timeout", "deadline"] {
        let text = format!(
            "steps:\n  - {{ id: w, {key}: 10s, on_error: continue, wait: {{ signal: go }} }}\n  - {{ id: t, wait: {{ for: 1h }} }}\n  - {{ id: v, wait: {{ signal: go }} }}\n"
        );
        let mut world = World::run(&text);
        assert_eq!(world.view().waits_for[0].until, Some(world.at + 10_000));
        world.pass(9_999);
        world.signal("go", json!(1));
        world.pass(3_600_000);
        assert_eq!(world.status("w"), StepStatus::Completed, "{key}");
        let mut world = World::run(&text);
        world.pass(10_000);
        let step = world.step("w");
        assert_eq!((step.status, step.outcome), (StepStatus::Failed, Some(Outcome::TimedOut)), "{key}");
        assert_eq!(step.error.unwrap().kind, ErrorKind::Timeout);
        // Late for one, it is there for the next.
        world.signal("go", json!(2));
        world.pass(3_600_000);
        assert_eq!(world.outputs(), json!({"v": 2}), "{key}");
    }
}

#[test]
fn rule_41_signals_and_time_outs_take_effect_at_resume_in_the_order_they_came() {
    let text = "steps:\n  - { id: a, needs: [], on_error: continue, timeout: 10s, wait: { signal: go } }\n  - { id: b, needs: [], wait: { signal: go } }\n";
    for (first, status) in [(5_000, StepStatus::Completed), (15_000, StepStatus::Failed)] {
        let mut world = World::run(text);
        let top = world.top.clone();
        world.give(&top, Input::Pause { by: "user:ana".into(), now: false });
        world.pass(first);
        world.signal("go", json!(1));
        world.pass(20_000);
        world.signal("go", json!(2));
        assert_eq!(world.view().signals_kept, 2, "kept");
        world.crash();
        assert_eq!(world.status("b"), StepStatus::Waiting);
        world.give(&top, Input::Resume { by: "user:ana".into() });
        world.go();
        assert_eq!(world.status("a"), status);
        assert_eq!(world.status("b"), StepStatus::Completed);
        let b = world.outputs()["b"].clone();
        assert_eq!(b, json!(if status == StepStatus::Completed { 2 } else { 1 }));
    }
}

#[test]
fn a_run_that_waits_for_a_signal_is_cancelled_and_takes_no_more() {
    let mut world = World::run(WAIT);
    world.signal("else", json!(1));
    world.cancel();
    assert_eq!(world.ended().0, RunStatus::Cancelled);
    assert_eq!(world.signal("go", json!(1)), Some("the run has ended"));
    assert_eq!(world.view().signals_kept, 1, "what was left at the end is listed");
}

#[test]
fn a_wait_that_stops_with_its_block_leaves_the_signal_to_others() {
    let mut world = World::run(
        "steps:\n  - id: g\n    on_error: continue\n    steps:\n      - { id: a, needs: [], wait: { signal: go } }\n      - { id: slow, needs: [], effect: once, noop: { hang: 1 } }\n      - { id: bad, needs: [], noop: { fail: x } }\n  - { id: w, wait: { signal: go } }\n",
    );
    assert_eq!(world.status("g/slow"), StepStatus::Running, "the group still ends");
    world.signal("go", json!(1));
    world.end("g/slow", crate::harness::ok(json!(1)));
    assert_eq!(world.status("w"), StepStatus::Completed);
}

#[test]
fn a_wait_that_is_about_to_be_ended_leaves_the_signal_to_others() {
    let mut world = World::run(
        "steps:\n  - id: g\n    on_error: continue\n    steps:\n      - { id: a, needs: [], wait: { signal: go } }\n      - { id: b, needs: [], effect: once, noop: { hang: 1 } }\n  - { id: w, wait: { signal: go } }\n",
    );
    world.crash();
    let top = world.top.clone();
    // Somebody settles the lost step where no engine is, and somebody else sends the signal.
    world.performs_nothing = true;
    let failed = stead_core::run::turn::SettleInput::Failed;
    world.give(&top, Input::Settle { path: "g/b".into(), verdict: failed, by: "user:ana".into() });
    assert_eq!(world.signal("go", json!(1)), None);
    assert_eq!((world.status("g/a"), world.view().signals_kept), (StepStatus::Waiting, 1));
    world.performs_nothing = false;
    world.crash();
    assert_eq!((world.status("g/a"), world.status("w")), (StepStatus::Cancelled, StepStatus::Completed));
}

#[test]
fn rule_42_a_step_sends_to_its_own_run_unless_it_says_otherwise() {
    let world = World::run(
        "steps:\n  - { id: early, signal: { name: e, data: 1 } }\n  - { id: w, needs: [], wait: { signal: go } }\n  - { id: s, needs: [early], signal: { name: go, data: { n: '${{ 1 + 1 }}' } } }\n  - { id: v, needs: [w], wait: { signal: e } }\n",
    );
    let runs = json!({"runs": ["r_test"]});
    assert_eq!(world.outputs(), json!({"early": runs, "w": {"n": 2}, "s": runs, "v": 1}));
    assert_eq!(world.ended(), (RunStatus::Completed, Some(Outcome::Ok)));
}

#[test]
fn rule_42_runs_signal_each_other() {
    let mut world = World::run(
        "steps:\n  - { id: w, wait: { signal: ready } }\n  - { id: s, signal: { run: '${{ steps.w.output.from }}', name: done, step: 'g/w', data: '${{ steps.w.output.big }}' } }\n",
    );
    let other = world.beside(
        "r_other",
        "steps:\n  - { id: s, signal: { run: r_test, name: ready, data: { from: '${{ run.id }}', big: '${{ [1, 2, 3].map(n, \"x\") }}' } } }\n  - id: g\n    steps:\n      - { id: w, wait: { signal: done } }\n",
        json!({}),
    );
    assert_eq!(world.outputs()["s"], json!({"runs": ["r_other"]}));
    let kept = world.runs[&other].journal.iter().find_map(|(_, event)| match event {
        Event::SignalCame { by, path, .. } => Some((by.clone(), path.clone())),
        _ => None,
    });
    assert_eq!(kept, Some(("run:r_test".into(), Some("g/w".into()))));
    assert_eq!(world.runs[&other].state.status, RunStatus::Completed);
}

#[test]
fn a_signal_to_nobody_fails_its_step() {
    let send = "steps:\n  - { id: s, signal: { run: r_other, name: go } }\n";
    let world = World::run(send);
    let (kind, step, message) = world.error();
    assert_eq!((kind, step.as_str(), message.as_str()), (ErrorKind::Exit, "s", "there is no run r_other"));
    let mut world = World::run(WAIT);
    world.beside("r_other", "steps:\n  - { id: s, set: { v: 1 } }\n", json!({}));
    let sender = world.beside("r_sender", send, json!({}));
    let error = world.runs[&sender].state.error.clone().unwrap();
    assert_eq!(error.message, "run r_other has ended: it is completed");
}

#[test]
fn rule_42_open_runs_are_found_by_their_indexed_inputs() {
    let order = "stead: 1\nname: order\ninputs: { id: { type: integer, index: true }, kind: { type: string, index: true, default: plain }, note: { type: string, default: x } }\nsteps:\n  - { id: w, wait: { signal: paid } }\n";
    let mut world = World::run(WAIT);
    let seven = world.beside("r_7", order, json!({"id": 7}));
    let eight = world.beside("r_8", order, json!({"id": 8, "kind": "rush"}));
    let done = world.beside("r_9", order, json!({"id": 7}));
    world.signal_as(&done, "paid", None, None, json!(0));
    let again = world.beside("r_a", order, json!({"id": 7, "kind": "rush"}));
    assert_eq!(
        world.runs[&eight].state.head().keys,
        [("id".into(), "8".into()), ("kind".into(), "rush".into())]
    );
    let send = |world: &mut World, id: &str, by: &str| {
        let text = format!(
            "steps:\n  - {{ id: s, signal: {{ run: {{ workflow: order, where: {{ {by} }} }}, name: paid, data: 5 }} }}\n"
        );
        let sender = world.beside(id, &text, json!({}));
        let out = world.runs[&sender].state.outputs_at().cloned();
        let Some(stead_core::value::ValueRef::Inline(out)) = out else {
            panic!("{:?}", world.runs[&sender].state)
        };
        out["s"]["runs"].clone()
    };
    assert_eq!(send(&mut world, "r_s1", "id: '${{ 10 - 3.0 }}', kind: plain"), json!(["r_7"]));
    assert_eq!(send(&mut world, "r_s2", "kind: rush"), json!(["r_8", "r_a"]));
    assert_eq!(send(&mut world, "r_s3", "id: 7"), json!([]), "all have ended");
    assert_eq!(send(&mut world, "r_s4", "note: x"), json!([]), "not indexed");
    for run in [seven, eight, again] {
        assert_eq!(world.runs[&run].state.status, RunStatus::Completed);
    }
}

#[test]
fn what_was_looked_up_is_of_the_moment() {
    let mut world = World::run(
        "steps:\n  - { id: first, wait: { for: 1s } }\n  - id: l\n    loop: { max: 2 }\n    on_error: continue\n    steps:\n      - { id: s, signal: { run: r_other, name: go } }\n      - { id: t, wait: { for: 1s } }\n",
    );
    world.beside("r_other", "steps:\n  - { id: w, wait: { signal: go } }\n", json!({}));
    world.pass(1_000);
    assert_eq!(world.status("l#1/s"), StepStatus::Completed);
    world.pass(1_000);
    assert_eq!(world.status("l"), StepStatus::Failed, "the other has ended meanwhile");
}

#[test]
fn p11_signals_that_are_kept_are_bounded_and_ten_thousand_are_taken() {
    let text = format!(
        "steps:\n  - {{ id: t, wait: {{ for: 1s }} }}\n  - {{ id: l, loop: {{ max: {} }}, wait: {{ signal: go }} }}\n",
        limits::SIGNALS_KEPT
    );
    let mut world = World::run(&text);
    for n in 0..limits::SIGNALS_KEPT {
        assert_eq!(world.signal("go", json!(n)), None);
    }
    let refused = world.signal("go", json!("one more")).unwrap();
    assert!(refused.contains(&limits::SIGNALS_KEPT.to_string()), "{refused}");
    assert!(world.state().head().signals_full);
    let sender = world.beside("r_s", "steps:\n  - { id: s, signal: { run: r_test, name: go } }\n", json!({}));
    assert_eq!(world.runs[&sender].state.error.as_ref().unwrap().kind, ErrorKind::Exhausted);
    world.crash();
    world.pass(1_000);
    assert_eq!(world.outputs(), json!({"l": limits::SIGNALS_KEPT - 1}));
    assert_eq!(world.view().signals_kept, 0);
}

#[test]
fn a_full_run_still_takes_what_it_waits_for_and_notes_what_it_cannot() {
    let mut world =
        World::run("steps:\n  - { id: w, wait: { signal: go } }\n  - { id: t, wait: { for: 1h } }\n");
    for n in 0..limits::SIGNALS_KEPT {
        world.signal("else", json!(n));
    }
    assert_eq!(world.signal("go", json!(1)), None);
    assert_eq!(world.status("w"), StepStatus::Completed);
    let body = stead_core::run::MessageBody::Signal {
        name: "go".into(),
        step: None,
        by: "run:r_x".into(),
        data: stead_core::value::Payload::Value(Value::Null),
    };
    let top = world.top.clone();
    let message = stead_core::message::Message {
        id: "m".into(),
        from: stead_core::ids::StreamId::new("r_x"),
        to: top.clone(),
        body: serde_json::to_value(&body).unwrap(),
    };
    world.give(&top, Input::Message(message));
    let last = world.runs[&top].journal.last().unwrap().1.clone();
    assert!(matches!(last, Event::SignalRefused { .. }), "{last:?}");
}

#[test]
fn p11_ids_that_are_remembered_are_bounded() {
    let mut world = World::run("steps:\n  - { id: l, loop: { max: 100000 }, wait: { signal: go } }\n");
    let top = world.top.clone();
    for n in 0..=limits::SIGNAL_IDS {
        world.signal_as(&top, "go", None, Some(&n.to_string()), json!(n));
    }
    let begun = |world: &mut World| world.step("l").items.unwrap().begun as usize;
    assert_eq!(begun(&mut world), limits::SIGNAL_IDS + 2);
    world.signal_as(&top, "go", None, Some("1"), json!(1));
    assert_eq!(begun(&mut world), limits::SIGNAL_IDS + 2, "known");
    let state = world.state();
    let back = RunState::from_snapshot(&state.snapshot().unwrap()).unwrap();
    assert_eq!(back.snapshot().unwrap(), state.snapshot().unwrap(), "a snapshot has them too");
    world.signal_as(&top, "go", None, Some("0"), json!(0));
    assert_eq!(begun(&mut world), limits::SIGNAL_IDS + 3, "the oldest is forgotten");
}

#[test]
fn p11_what_a_signal_carries_is_bounded() {
    let mut world = World::run(WAIT);
    let top = world.top.clone();
    let long = "x".repeat(limits::SIGNAL_NAME_BYTES + 1);
    assert!(world.signal(&long, json!(1)).unwrap().contains("200 bytes"));
    assert!(world.signal("", json!(1)).unwrap().contains("200 bytes"));
    assert!(world.signal_as(&top, "go", None, Some(&long), json!(1)).unwrap().contains("200 bytes"));
    let path = "x".repeat(limits::PATH_BYTES + 1);
    assert!(world.signal_as(&top, "go", Some(&path), None, json!(1)).unwrap().contains("4096"));
    let large = json!("x".repeat(limits::SIGNAL_BYTES));
    assert!(world.signal("go", large.clone()).unwrap().contains("1 MiB"));
    assert_eq!(world.state().status, RunStatus::Waiting);
    let send = "inputs: { d: { type: string }, n: { type: string } }\nsteps:\n  - { id: s, signal: { name: '${{ inputs.n }}', data: '${{ inputs.d }}' } }\n";
    let world = World::run_inputs(send, json!({"d": large, "n": "go"}));
    assert!(world.error().2.contains("1 MiB"), "{}", world.error().2);
    let world = World::run_inputs(send, json!({"d": "", "n": long}));
    assert!(world.error().2.contains("200 bytes"), "{}", world.error().2);
    let world = World::run_inputs(
        "inputs: { n: { type: string } }\nsteps:\n  - { id: w, wait: { signal: '${{ inputs.n }}' } }\n",
        json!({"n": ""}),
    );
    assert_eq!(world.error().0, ErrorKind::Expression);
}

#[test]
fn p11_runs_that_get_one_signal_are_bounded() {
    let order = "stead: 1\nname: order\ninputs: { id: { type: integer, index: true } }\nsteps:\n  - { id: w, wait: { signal: paid } }\n";
    let mut world = World::run(WAIT);
    for n in 0..=limits::SIGNAL_RUNS {
        world.beside(&format!("r_{n:05}"), order, json!({"id": 1}));
    }
    let send = "steps:\n  - { id: s, signal: { run: { workflow: order, where: { id: 1 } }, name: paid, data: [1, 2] } }\n";
    let sender = world.beside("r_s1", send, json!({}));
    let error = world.runs[&sender].state.error.clone().unwrap();
    assert!(error.kind == ErrorKind::Exhausted && error.message.contains("1000"), "{error:?}");
    world.signal_as(&stead_core::ids::StreamId::new("r_00000"), "paid", None, None, json!(0));
    world.beside("r_s2", send, json!({}));
    assert!(world.runs.iter().all(|(id, run)| !id.as_str().starts_with("r_0") || run.state.status.is_end()));
}

#[test]
fn a_retried_run_takes_what_was_left_and_stays_findable() {
    let text = "inputs: { id: { type: integer, index: true } }\nsteps:\n  - { id: w, timeout: 10s, wait: { signal: go } }\n";
    let mut world = World::run_inputs(text, json!({"id": 7}));
    world.signal("later", json!(1));
    world.pass(10_000);
    assert_eq!(world.ended().0, RunStatus::Failed);
    let top = world.top.clone();
    let retry = |id: u32| Input::Retry {
        by: "user:ana".into(),
        again: stead_core::run::Again::Failed,
        inputs: vec![("id".into(), json!(id))],
    };
    world.give(&top, retry(8));
    assert_eq!(world.ended().0, RunStatus::Failed, "refused: it is found by that input");
    world.give(&top, retry(7));
    world.go();
    assert_eq!(world.state().status, RunStatus::Waiting);
    world.crash();
    world.signal("go", json!(2));
    assert_eq!(world.outputs(), json!({"w": 2}));
    assert_eq!(world.view().signals_kept, 1);
}

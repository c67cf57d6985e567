//! Bounds of the core (P11): each is gone past.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_core::limits;
use stead_core::run::Event;
use stead_core::status::RunStatus;

use crate::harness::{World, failed};

fn refusal(text: &str, inputs: Value) -> String {
    let world = World::run_inputs(text, inputs);
    assert_eq!(world.ended().0, RunStatus::Failed);
    world.error().2
}

#[test]
fn p11_items_of_a_foreach_are_bounded() {
    let list: Vec<u32> = (0..=u32::try_from(limits::FOREACH_ITEMS).unwrap()).collect();
    let text = "inputs: { all: { type: array } }\nsteps:\n  - { id: e, foreach: { in: '${{ inputs.all }}' }, set: { v: 1 } }\n";
    assert!(refusal(text, json!({ "all": list })).contains("100001"));
}

#[test]
fn p11_counts_are_bounded() {
    let n = json!({ "n": u64::from(limits::LOOP_MAX) + 1 });
    let with = |step: &str| format!("inputs: {{ n: {{ type: integer }} }}\nsteps:\n  - {step}\n");
    let step = "{ id: l, loop: { max: '${{ inputs.n }}' }, set: { v: 1 } }";
    assert!(refusal(&with(step), n.clone()).contains("loop.max"));
    let step = "{ id: e, foreach: { in: '${{ [1] }}', parallel: '${{ inputs.n }}' }, set: { v: 1 } }";
    assert!(refusal(&with(step), n.clone()).contains("foreach.parallel"));
    let step = "{ id: r, retry: { attempts: '${{ inputs.n }}' }, noop: { fail: x } }";
    assert!(refusal(&with(step), n).contains("retry.attempts"));
}

#[test]
fn p11_visits_of_a_state_are_bounded() {
    let machine = |next: &str| {
        format!(
            "inputs: {{ n: {{ type: integer, default: 1 }} }}\nstates:\n  - {{ id: a, noop: '${{{{ iteration }}}}', next: {next} }}\n"
        )
    };
    let world = World::run(&machine("[{ when: steps.a.output < 0, go: end }, { go: a }]"));
    let most = limits::STATE_VISITS as usize;
    assert_eq!((world.executed.len(), world.error().0), (most, ErrorKind::Exhausted));
    assert_eq!(world.ended().0, RunStatus::Failed);
    let world =
        World::run(&machine(&format!("[{{ when: steps.a.output == {most}, go: end }}, {{ go: a }}]")));
    assert_eq!((world.executed.len(), world.ended().0), (most, RunStatus::Completed));
    let n = json!({ "n": limits::STATE_VISITS + 1 });
    assert!(refusal(&machine("[{ go: a, max: '${{ inputs.n }}' }, { go: end }]"), n).contains("next.max"));
}

#[test]
fn p11_large_values_stand_beside_the_state_and_the_journal() {
    // Where a value of so many bytes of JSON is found: in the state as it is kept, and in the journal.
    let found = |bytes: usize| {
        let text = "v".repeat(bytes - 2);
        let inputs = json!({ "t": text });
        let world = World::run_inputs(
            "inputs: { t: { type: string } }\nsteps:\n  - { id: a, noop: '${{ inputs.t }}' }\n  - { id: w, wait: { for: 1h } }\n",
            inputs,
        );
        let state = String::from_utf8(world.state().snapshot().unwrap()).unwrap();
        let ended = |event: &Event| match event {
            Event::AttemptEnded { .. } => serde_json::to_string(event).unwrap().contains(&text),
            _ => false,
        };
        let journal = &world.runs[&world.top].journal;
        (state.contains(&text), journal.iter().any(|(_, event)| ended(event)))
    };
    assert_eq!(found(limits::INLINE_BYTES), (true, true));
    assert_eq!(found(limits::INLINE_BYTES + 1), (false, true));
    assert_eq!(found(limits::EVENT_BYTES), (false, true));
    assert_eq!(found(limits::EVENT_BYTES + 1), (false, false));
}

#[test]
fn p11_keys_are_bounded() {
    let text = "inputs: { k: { type: string } }\nsteps:\n  - { id: e, foreach: { in: '${{ [1] }}', key: '${{ inputs.k }}' }, set: { v: 1 } }\n";
    assert!(refusal(text, json!({ "k": "k".repeat(limits::KEY_BYTES + 1) })).contains("256"));
}

#[test]
fn p11_lengths_of_time_are_bounded() {
    let text = "inputs: { t: { type: string } }\nsteps:\n  - { id: w, wait: { for: '${{ inputs.t }}' } }\n";
    assert!(refusal(text, json!({ "t": "9000d" })).contains("ten years"));
}

#[test]
fn p11_texts_of_errors_are_cut() {
    let long = "e".repeat(limits::ERROR_BYTES * 2);
    let script = move |_: &_| Some(failed(ErrorKind::Exit, &long));
    let world = World::run_with("steps:\n  - { id: a, noop: 1 }\n", json!({}), Box::new(script));
    let message = world.error().2;
    assert!(message.len() < limits::ERROR_BYTES + 20 && message.ends_with("(cut)"));
}

#[test]
fn p11_a_turn_is_bounded_and_the_rest_follows() {
    let world = World::run("steps:\n  - { id: l, loop: { max: 5000 }, set: { v: '${{ iteration }}' } }\n");
    assert_eq!(world.outputs(), json!({"l": {"v": 5000}}));
    assert!(world.cuts >= 4, "{} turns were cut", world.cuts);
}

#[test]
fn p11_values_above_the_bound_fail_their_step() {
    let script = |job: &stead_core::effect::Execute| {
        let huge = if job.attempt.path == "a" { "x".repeat(limits::VALUE_BYTES + 1) } else { String::new() };
        Some(crate::harness::ok(Value::String(huge)))
    };
    let world = World::run_with("steps:\n  - { id: a, noop: 1 }\n", json!({}), Box::new(script));
    assert!(world.error().2.contains("64 MiB"), "{}", world.error().2);
    let ended = world.runs[&world.top].journal.iter().find_map(|(_, event)| match event {
        Event::AttemptEnded { output, .. } => Some(output.clone()),
        _ => None,
    });
    assert_eq!(ended, Some(None), "nothing of it is kept");
}

#[test]
fn p11_what_a_run_waits_for_is_listed_to_a_bound() {
    let list: Vec<usize> = (0..limits::WAITS_LISTED * 2).collect();
    let mut world = World::run_inputs(
        "inputs: { all: { type: array } }\nsteps:\n  - { id: w, foreach: { in: '${{ inputs.all }}', parallel: 100 }, wait: { for: 1h } }\n",
        json!({ "all": list }),
    );
    assert_eq!(world.view().waits_for.len(), limits::WAITS_LISTED);
    assert_eq!(world.state().head().waits_for.len(), limits::WAITS_LISTED);
}

#[test]
fn p11_a_turn_stops_behind_many_bytes() {
    // Each iteration gives just less than what becomes a file.
    let text = "x".repeat(limits::EVENT_BYTES - 100);
    let world = World::run_inputs(
        "inputs: { t: { type: string } }\nsteps:\n  - { id: l, loop: { max: 100 }, set: { t: '${{ inputs.t }}' } }\n",
        json!({ "t": text }),
    );
    assert_eq!(world.ended().0, RunStatus::Completed);
    assert!(world.cuts >= 2, "{} turns were cut, {} bytes were made", world.cuts, 100 * text.len());
}

#[test]
fn p11_runs_inside_runs_are_bounded() {
    let (kid, _) = crate::harness::plan("steps:\n  - { id: k, set: { v: 1 } }\n");
    let mut state = stead_core::run::RunState::new(stead_core::ids::StreamId::new("r_kid"));
    let parent =
        stead_core::run::Parent { run: stead_core::ids::StreamId::new("r_up"), path: "s".into(), number: 1 };
    let body = stead_core::run::MessageBody::StartRun {
        revision: kid.revision.clone(),
        top: None,
        by: "user:ana".into(),
        inputs: stead_core::value::Payload::Value(json!({})),
        project: String::new(),
        folder: String::new(),
        parent,
        depth: limits::CHILD_DEPTH + 1,
        share: None,
        within: Vec::new(),
    };
    let message = stead_core::message::Message {
        id: "m".into(),
        from: stead_core::ids::StreamId::new("r_up"),
        to: state.id.clone(),
        body: serde_json::to_value(&body).unwrap(),
    };
    let mut values = stead_core::value::Values::default();
    let mut ctx = stead_core::run::Ctx { plan: &kid, at: 1, values: &mut values };
    let turn =
        stead_core::run::turn(&mut state, &stead_core::run::Input::Message(message), &mut ctx).unwrap();
    assert_eq!(state.status, RunStatus::Failed);
    assert!(state.error.unwrap().message.contains("deeper than 10"));
    assert_eq!(turn.messages.len(), 1, "the parent is told");
}

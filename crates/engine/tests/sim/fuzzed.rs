//! No journal and no snapshot makes the state panic, whatever is wrong with it: it is refused, with the place. And
//! whatever passes the check can be run: the promises hold for it as for what the simulator makes itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::run::{Ctx, Event, Input, RunState, turn};
use stead_core::value::{ValueRef, Values};
use stead_lang::Bundle;
use stead_lang::plan::{ActionKind, Body, InputKind, Plan};

use crate::fuzz::{Fuzz, came_to, shape};
use crate::generate::{Definition, ENTRY};
use crate::rng::Rng;
use crate::scenario::{self, Scenario};
use crate::simulate::{journals, report, simulate};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");
/// Seeds of the simulator whose journals are mutated.
const SEEDS: u64 = 40;
/// Events of a journal that is mutated, at most.
const EVENTS: usize = 30;

const WORDS: &[&str] = &[
    "",
    "a0",
    "b0",
    "a0/b0",
    "a0[0]",
    "a0[0]/b0",
    "a0#1",
    "a0#2",
    "a0~2",
    "a0!undo",
    "a0!verify",
    "!undo",
    "/",
    "[",
    "a0[",
    "a0#4294967295",
    "a0~99999999999",
    "end",
    "fail",
    "completed",
    "failed",
    "cancelled",
    "ok",
    "error",
    "timed_out",
    "expression",
    "stop",
    "again",
    "later",
    "parked",
    "over",
    "done",
    "first",
    "settled",
];

/// Words of definitions.
const DEFINED: &[&str] = &[
    "first",
    "majority",
    "settled",
    "all",
    "continue",
    "stop",
    "end",
    "fail",
    "once",
    "none",
    "1s",
    "2h",
    "36h",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "0",
    "1",
    "3",
    "${{ item }}",
    "${{ iteration }}",
    "${{ index }}",
    "iteration < 3",
    "${{ [1, 2][7] }}",
    "${{ 1 / 0 }}",
    "a0",
    "b0",
    "go",
    "text",
    "json",
];

/// Journals of runs as the simulator makes them, each with the plan of its run: a text names its plan by place.
fn runs() -> (Vec<Arc<Plan>>, Vec<String>) {
    let (mut plans, mut texts) = (Vec::new(), Vec::new());
    for seed in 1..=SEEDS {
        for (plan, events) in journals(&scenario::of(seed)) {
            if events.len() > EVENTS {
                continue;
            }
            let all = [vec![json!(plans.len())], events].concat();
            texts.push(Value::Array(all).to_string());
            plans.push(plan);
        }
    }
    (plans, texts)
}

/// Books the events of a text and looks at what comes of it, in all ways that there are.
fn books(plans: &[Arc<Plan>], text: &str) -> u64 {
    let Ok(Value::Array(mut all)) = serde_json::from_str::<Value>(text) else { return 0 };
    if all.is_empty() {
        return 0;
    }
    let at = all.remove(0).as_u64().map_or(0, |at| usize::try_from(at).unwrap() % plans.len());
    let events: Vec<Event> = match serde_json::from_value(Value::Array(all)) {
        Ok(events) => events,
        Err(error) => return came_to((1, shape(&error.to_string()))),
    };
    let mut state = RunState::new(StreamId::new("r_top"));
    for (at, event) in (0..).zip(&events) {
        state.apply(event, 1_700_000_000_000 + at * 1_000);
    }
    let mut state = state.replayed();
    let looked = looks(&plans[at], &mut state);
    match looked {
        Ok(looked) if state.exists() => came_to((looked, goes_on(&plans[at], state))),
        Ok(looked) => looked,
        Err(why) => came_to((2, shape(&why))),
    }
}

/// Looks at a state in all ways that there are; says why it is refused.
fn looks(plan: &Plan, state: &mut RunState) -> Result<u64, String> {
    state.fits(plan)?;
    let waits = state.waits_for().len();
    state.head();
    state.open_attempts();
    let view = state.view(plan);
    let bytes = state.snapshot().unwrap();
    let mut back = RunState::from_snapshot(&bytes).unwrap_or_else(|why| panic!("its own snapshot: {why}"));
    back.fits(plan).unwrap();
    assert_eq!(back.view(plan), view);
    Ok(came_to((view.status.to_string(), waits.min(3), state.open_attempts().len().min(3))))
}

/// Gives it what any run is given.
fn goes_on(plan: &Plan, mut state: RunState) -> u64 {
    let mut values = Values::default();
    let inputs = [
        Input::Recovered,
        Input::Time,
        Input::Resume { by: "ana".into() },
        Input::Cancel { by: "ana".into(), reason: None, force: false },
        Input::Time,
        Input::Cancel { by: "ana".into(), reason: None, force: true },
    ];
    let mut events = 0;
    for (input, at) in inputs.iter().zip(1..) {
        let at: Time = state.at + at * 100_000_000;
        for _ in 0..10 {
            let mut ctx = Ctx { plan, at, values: &mut values };
            let taken = turn(&mut state, input, &mut ctx);
            if let Some((_, why)) = state.misfit() {
                // What cannot be showed only in what would follow, and nothing of it is written.
                return came_to((3, shape(why)));
            }
            match taken {
                Ok(turn) => {
                    events += turn.events.len();
                    break;
                }
                Err(needs) => {
                    for need in needs.0 {
                        match need {
                            stead_core::run::Need::Value(ValueRef::Inline(_)) => panic!("it is at hand"),
                            stead_core::run::Need::Value(reference) => {
                                values.put(reference, json!([1, {"v": 2}]));
                            }
                            stead_core::run::Need::Runs(find) => values.put_found(find, Vec::new()),
                            stead_core::run::Need::Lines(hash) => values.put_count(hash, Ok(2)),
                            stead_core::run::Need::Newest(name) => {
                                values.put_newest(name, Err("there is no library".to_owned()));
                            }
                        }
                    }
                }
            }
        }
    }
    came_to((events.min(9), state.status.to_string()))
}

/// Runs what passes the check, with all kinds of trouble.
fn is_run(text: &str) -> u64 {
    let Some(tree) = stead_lang::tree::read(ENTRY, text, &mut Vec::new()) else { return 0 };
    let Ok(document) = tree.root().to_json() else { return 0 };
    let checked = stead_lang::check(&Bundle::single(ENTRY, document.to_string()));
    let Some(plan) = checked.plan else {
        let mut codes: Vec<&str> = checked.diagnostics.iter().map(|d| d.code.as_str()).collect();
        codes.dedup();
        codes.truncate(2);
        return came_to((1, codes));
    };
    // With places under several keys steps may wait for each other, and do so for ever.
    if plan.steps.len() > 40 || text.contains("concurrency") {
        return 2;
    }
    // Nobody in this world decides.
    if plan.steps.iter().any(
        |step| matches!(&step.body, Body::Action(action) if matches!(action.kind, ActionKind::People(_))),
    ) {
        return 5;
    }
    let given = plan.inputs.iter().filter(|input| input.default.is_none());
    let inputs: Map<String, Value> = given.map(|input| (input.name.clone(), some(input.kind))).collect();
    if stead_lang::inputs::check_inputs(&plan, &inputs).is_err() {
        return 3;
    }
    let seed = came_to(text) % 1_000_000;
    let files = [(ENTRY.to_owned(), document)].into();
    let definition = Definition { files, library: BTreeMap::new(), inputs };
    let scenario = scenario::around(seed, false, definition, Rng::of(seed, "fuzzed"));
    let scenario = Scenario { patience: 400, ..scenario };
    match simulate(&scenario) {
        Ok(counts) => came_to((4, counts.met.keys().collect::<Vec<_>>())),
        Err(failure) => panic!("{}", report(&scenario, &failure)),
    }
}

/// A value of a type.
fn some(kind: InputKind) -> Value {
    match kind {
        InputKind::String => json!("text"),
        InputKind::Integer => json!(3),
        InputKind::Number => json!(1.5),
        InputKind::Boolean => json!(true),
        InputKind::Object => json!({ "v": 1 }),
        InputKind::Array => json!([1, 2]),
        InputKind::File => json!({ "path": "/x", "name": "x", "hash": "0".repeat(64), "size": 1 }),
    }
}

#[test]
fn p1_p2_p3_p5_whatever_passes_the_check_can_be_run() {
    let own = (1..=SEEDS).map(|seed| scenario::of(seed).definition.files[ENTRY].to_string());
    let texts = own.chain(definitions()).collect();
    Fuzz::new("runs", FOLDER, texts, DEFINED).run(is_run);
}

/// All definitions of the tests, and those that are given away as examples.
fn definitions() -> Vec<String> {
    let folders = ["../lang/tests/definitions", "../lang/tests/definitions/whole", "../../examples"];
    let mut all = Vec::new();
    for folder in folders.map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "yml"));
        files.sort();
        all.extend(files.iter().map(|file| std::fs::read_to_string(file).unwrap()));
    }
    all
}

#[test]
fn any_journal_is_booked_or_refused() {
    let (plans, texts) = runs();
    Fuzz::new("journal", FOLDER, texts, WORDS).run(|text| books(&plans, text));
}

#[test]
fn any_snapshot_is_read_or_refused() {
    let (plans, texts) = runs();
    let snapshots = texts.iter().zip(&plans).enumerate().map(|(at, (text, _))| {
        let all: Vec<Value> = serde_json::from_str(text).unwrap();
        let mut state = RunState::new(StreamId::new("r_top"));
        // Half of the way.
        for event in &all[1..=all.len() / 2] {
            let event: Event = serde_json::from_value(event.clone()).unwrap();
            state.apply(&event, 1_700_000_000_000);
        }
        let snapshot: Value = serde_json::from_slice(&state.snapshot().unwrap()).unwrap();
        json!([at, snapshot]).to_string()
    });
    let snapshots = snapshots.collect();
    Fuzz::new("snapshot", FOLDER, snapshots, WORDS).run(|text| {
        let Ok((at, snapshot)) = serde_json::from_str::<(usize, Value)>(text) else { return 0 };
        match RunState::from_snapshot(snapshot.to_string().as_bytes()) {
            Ok(mut state) => {
                looks(&plans[at % plans.len()], &mut state).unwrap_or_else(|why| came_to((2, shape(&why))))
            }
            Err(why) => came_to((4, shape(&why.to_string()))),
        }
    });
}

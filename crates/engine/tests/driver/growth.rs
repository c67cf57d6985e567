//! What a run costs per step does not grow with its length: counted, not timed.

use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};
use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind};
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_engine::driver::{Addressed, Driver};
use stead_lang::Bundle;
use stead_store::Store as _;
use stead_store::files::FileStore;

use crate::backend::{Backend as _, Counted};

const SET_LOOP: &str = "steps:\n  - { id: l, loop: { max: '${{ inputs.n }}' }, set: { v: 1 } }\n";
const NOOP_LOOP: &str = "steps:\n  - { id: l, loop: { max: '${{ inputs.n }}' }, noop: 1 }\n";
const GROUP_LOOP: &str = "steps:\n  - id: l\n    loop: { max: '${{ inputs.n / 2 }}' }\n    steps:\n      - { id: a, noop: '${{ iteration }}' }\n      - { id: b, noop: '${{ steps.a.output + 1 }}' }\n    outputs: { b: '${{ steps.b.output }}' }\n";
const NOOP_ITEMS: &str =
    "steps:\n  - { id: each, foreach: { in: '${{ inputs.items }}', parallel: 20 }, noop: '${{ item }}' }\n";
const SET_ITEMS: &str =
    "steps:\n  - { id: each, foreach: { in: '${{ inputs.items }}' }, set: { v: '${{ item }}' } }\n";

const LINES: &str = "steps:\n  - { id: each, foreach: { in: '${{ inputs.rows }}', parse: jsonl, parallel: 20, join: settled }, noop: '${{ item }}' }\n";

/// What a run of so many steps cost.
#[derive(Debug)]
struct Cost {
    steps: u64,
    commits: u64,
    rows: u64,
    bytes: u64,
    heads: u64,
    /// Rows of all kinds written and read.
    touched: u64,
    snapshot_bytes: u64,
    /// Instances in the last snapshot.
    instances: u64,
    /// Rows read by an engine that takes over half way.
    read_back: u64,
    /// Bytes of values at hand, at most.
    in_memory: usize,
}

type Figure = fn(&Cost) -> u64;

/// Runs a definition with `n` steps to its end. Half way the engine is lost and another takes over.
fn cost(body: &str, n: u64) -> Cost {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let files = || FileStore::open(&folder.path().join("files")).unwrap();
    let text = format!(
        "stead: 1\nname: grow\ninputs: {{ n: {{ type: integer }}, items: {{ type: array }}, rows: {{ type: file }} }}\n{body}"
    );
    let bundle = Bundle::single("grow.yml", text);
    let checked = stead_lang::check(&bundle);
    let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    let store = Counted::default();
    let count = store.count.clone();
    let open = || {
        let mut opened = store.open();
        opened.put_definition(&plan.revision, &serde_json::to_vec(&bundle).unwrap()).unwrap();
        Driver::new(opened, files()).unwrap()
    };
    let mut driver = open();
    let items = if body.contains("items") { vec![json!(1); usize::try_from(n).unwrap()] } else { Vec::new() };
    let lines = if body == LINES { "1\n".repeat(usize::try_from(n).unwrap()) } else { String::new() };
    let rows = json!({"hash": files().put(lines.as_bytes()).unwrap().hash});
    let inputs = [("n", json!(n)), ("items", Value::Array(items)), ("rows", rows)];
    let inputs = inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (stream, revision) = (StreamId::new("r_grow"), Some(plan.revision.clone()));
    let input = Input::Start {
        inputs,
        project: String::new(),
        folder: String::new(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    };
    driver.push(Addressed { stream, input: input.into(), revision, token: 1 });
    let (mut ended, mut performed, mut read_back) = (Vec::new(), 0, 0);
    let mut in_memory = 0;
    while driver.is_busy() {
        let stepped = driver.step(1_000_000).unwrap();
        ended.extend(stepped.ended);
        in_memory = in_memory.max(driver.in_memory().1);
        let before = performed;
        for (effect, _) in stepped.effects {
            let Effect::Execute(job) = effect else { panic!("{effect:?}") };
            performed += 1;
            let failed = (body == LINES && performed % 20 == 0)
                .then(|| AttemptError { kind: ErrorKind::Exit, message: "one of the bad rows".to_owned() });
            let output = job.request.get("value").cloned();
            let result = AttemptResult { output, error: failed, ..AttemptResult::default() };
            let input = Input::AttemptEnded { path: job.attempt.path, number: job.attempt.number, result };
            driver.push(Addressed::to(job.attempt.stream, input));
        }
        if before < n / 2 && performed >= n / 2 {
            let before = count.read.load(Relaxed);
            driver = open();
            driver.open_attempts().unwrap();
            assert!(!driver.recover().unwrap().is_empty());
            read_back = count.read.load(Relaxed) - before;
        }
    }
    assert_eq!(ended, [StreamId::new("r_grow")], "{body} of {n} has not ended");
    let written = [&count.rows, &count.heads, &count.others, &count.snapshots];
    Cost {
        steps: n,
        commits: count.commits.load(Relaxed),
        rows: count.rows.load(Relaxed),
        bytes: count.bytes.load(Relaxed),
        heads: count.heads.load(Relaxed),
        touched: written.iter().map(|n| n.load(Relaxed)).sum::<u64>() + count.read.load(Relaxed),
        snapshot_bytes: count.snapshot_bytes.load(Relaxed),
        instances: count.instances.load(Relaxed),
        read_back,
        in_memory,
    }
}

/// Runs 1,000, 10,000 and 100,000 steps and holds what each step cost against what it cost in the shorter run.
fn grow(body: &str) -> [Cost; 3] {
    let costs = [1_000, 10_000, 100_000].map(|n| cost(body, n));
    let figures: [(&str, Figure); 5] = [
        ("commits", |cost| cost.commits),
        ("journal rows", |cost| cost.rows),
        ("journal bytes", |cost| cost.bytes),
        ("heads written", |cost| cost.heads),
        ("records touched", |cost| cost.touched),
    ];
    for (what, figure) in figures {
        for pair in costs.windows(2) {
            // a / n grows by less than a tenth: compared without dividing.
            let (less, more) = (&pair[0], &pair[1]);
            let (before, after) = (figure(less) * more.steps, figure(more) * less.steps);
            assert!(
                after * 10 <= before * 11,
                "{what} per step grow: {} for {} steps, {} for {}\n{costs:#?}",
                figure(less),
                less.steps,
                figure(more),
                more.steps
            );
        }
    }
    for cost in &costs {
        assert!(cost.snapshot_bytes <= cost.bytes * 3, "snapshots outgrow the journal: {costs:#?}");
    }
    costs
}

/// What a loop keeps does not depend on how often it has gone round.
fn keeps_little(costs: &[Cost]) {
    for cost in costs {
        assert!(cost.instances <= 10, "iterations are kept: {costs:#?}");
        assert!(cost.read_back <= 1_100, "an engine that takes over reads all: {costs:#?}");
    }
}

#[test]
fn p11_a_loop_of_values_costs_the_same_per_step_at_any_length() {
    let costs = grow(SET_LOOP);
    // A turn is full behind 1,000 events (P11), and the turns of a step go into one commit.
    assert!((100..=120).contains(&costs[2].rows) && costs[2].commits <= 10, "{costs:#?}");
}

#[test]
fn a_loop_of_effects_costs_the_same_per_step_at_any_length() {
    let costs = grow(NOOP_LOOP);
    keeps_little(&costs);
    assert!(costs[2].heads <= 4, "a head is written when what it lists changes: {costs:#?}");
    assert!(costs[2].rows <= costs[2].steps + 10, "a turn makes one row: {costs:#?}");
}

#[test]
fn a_loop_of_groups_costs_the_same_per_step_at_any_length() {
    keeps_little(&grow(GROUP_LOOP));
}

#[test]
fn items_that_are_values_cost_the_same_each_however_many_there_are() {
    grow(SET_ITEMS);
}

#[test]
fn items_that_are_effects_cost_the_same_each_however_many_there_are() {
    let costs = grow(NOOP_ITEMS);
    for cost in &costs {
        assert!(cost.instances <= cost.steps + 10, "{costs:#?}");
        // As many rows as are as large as the last snapshot.
        assert!(cost.read_back <= cost.steps, "an engine that takes over reads all: {costs:#?}");
    }
}

#[test]
fn rule_58_lines_cost_the_same_each_and_are_not_kept_however_many_there_are() {
    let costs = grow(LINES);
    for cost in &costs {
        assert!(cost.instances <= 20 + 2, "what is over is kept: {costs:#?}");
        assert!(cost.read_back <= 1_100, "an engine that takes over reads all: {costs:#?}");
        assert!(cost.in_memory <= 64 * 1024, "lines are kept: {costs:#?}");
    }
    // Each is as small as the first, so all of them are a few bytes per line.
    assert!(costs.iter().all(|cost| cost.snapshot_bytes <= cost.steps * 30), "snapshots grow: {costs:#?}");
}

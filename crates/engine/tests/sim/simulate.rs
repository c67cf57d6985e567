//! A simulation from its scenario, and what is wrong with it; the smallest scenario in which the same is wrong.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

use serde_json::Value;
use stead_core::ids::{StreamId, StreamKind};
use stead_lang::plan::Plan;
use stead_store::Reader as _;
use stead_store::files::FileStore;
use stead_store::memory::MemoryStore;

use crate::generate::{ROWS, rows};
use crate::scenario::Scenario;
use crate::world::{Counts, Ready, World};

/// What is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Where in the code it was noticed: two failures there are taken as one and the same.
    pub(crate) place: String,
    pub(crate) message: String,
    pub(crate) journal: Vec<String>,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static NOTICED: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
    /// Files by hash: the same bytes are the same file, so all scenarios of a thread share the folder.
    static FOLDER: tempfile::TempDir = {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let files = FileStore::open(folder.path()).unwrap();
        for (count, maps) in (0..=ROWS).flat_map(|count| [(count, false), (count, true)]) {
            files.put(rows(count, maps).as_bytes()).unwrap();
        }
        folder
    };
}

/// Panics of this thread are noted instead of printed while simulations run.
fn note_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                return usual(info);
            }
            let payload = info.payload();
            let message = payload.downcast_ref::<String>().cloned();
            let message = message.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let place = info.location().map_or_else(String::new, ToString::to_string);
            NOTICED.with_borrow_mut(|noticed| *noticed = Some((place, message.unwrap_or_default())));
        }));
    });
}

/// Runs a scenario.
pub(crate) fn simulate(scenario: &Scenario) -> Result<Counts, Box<Failure>> {
    note_panics();
    let store = MemoryStore::new();
    QUIET.set(true);
    let ran = catch_unwind(AssertUnwindSafe(|| FOLDER.with(|folder| run(scenario, &store, folder.path()))));
    QUIET.set(false);
    ran.map_err(|_| {
        let noticed = NOTICED.with_borrow_mut(Option::take);
        let (place, message) = noticed.unwrap_or_default();
        Box::new(Failure { place, message, journal: journal(&store) })
    })
}

fn run(scenario: &Scenario, store: &MemoryStore, folder: &std::path::Path) -> Counts {
    let ready = Ready::new(scenario);
    let mut world = World::new(scenario, &ready, store, folder);
    world.counts.used = crate::generate::used(&scenario.definition);
    world.run();
    if scenario.calm {
        let quiet = Scenario { script: Vec::new(), afterwards: Vec::new(), ..scenario.clone() };
        let mut plain = World::new(&quiet, &ready, &MemoryStore::new(), folder);
        plain.run();
        assert_eq!(
            world.came(),
            plain.came(),
            "P2: it ended differently from one without any trouble (right)"
        );
    }
    world.counts
}

/// Whether a scenario gives the same journal, byte for byte, when it is run again.
pub(crate) fn repeats(scenario: &Scenario) -> bool {
    let journal = || {
        let store = MemoryStore::new();
        FOLDER.with(|folder| run(scenario, &store, folder.path()));
        store.reopen().journal_after(0, usize::MAX).unwrap()
    };
    journal() == journal()
}

fn journal(store: &MemoryStore) -> Vec<String> {
    let mut lines = Vec::new();
    for (stream, row) in store.reopen().journal_after(0, usize::MAX).unwrap_or_default() {
        let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap_or_default();
        for (seq, event) in (row.seq..).zip(events) {
            let mut event = event.to_string();
            if let Some((cut, _)) = event.char_indices().nth(300) {
                event.truncate(cut);
                event.push('…');
            }
            lines.push(format!("{stream} {seq} at {} by {}: {event}", row.at, row.cause));
        }
    }
    lines
}

/// Takes parts away for as long as the same stays wrong: at most so many tries.
pub(crate) fn shrink(scenario: &Scenario, failure: &Failure, tries: u32) -> (Scenario, Failure) {
    let mut best = (scenario.clone(), failure.clone());
    let mut left = tries;
    loop {
        let mut smaller = None;
        for candidate in candidates(&best.0) {
            if left == 0 {
                return best;
            }
            left -= 1;
            if let Err(found) = simulate(&candidate)
                && found.place == failure.place
            {
                smaller = Some((candidate, *found));
                break;
            }
        }
        match smaller {
            Some(found) => best = found,
            None => return best,
        }
    }
}

/// Scenarios with one part less.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let halves = scenario.script.len() / 2;
    if halves > 0 {
        for part in [&scenario.script[halves..], &scenario.script[..halves]] {
            all.push(Scenario { script: part.to_vec(), ..scenario.clone() });
        }
    }
    for at in 0..scenario.script.len() {
        let mut less = scenario.clone();
        less.script.remove(at);
        all.push(less);
    }
    if scenario.beside > 0 {
        all.push(Scenario { beside: scenario.beside - 1, ..scenario.clone() });
    }
    for at in 0..scenario.afterwards.len() {
        let mut less = scenario.clone();
        less.afterwards.remove(at);
        all.push(less);
    }
    for (path, document) in &scenario.definition.files {
        for smaller in without(document, scenario.calm) {
            let mut less = scenario.clone();
            less.definition.files.insert(path.clone(), smaller);
            all.push(less);
        }
    }
    for (name, revisions) in &scenario.definition.library {
        for (at, document) in revisions.iter().enumerate() {
            for smaller in without(document, scenario.calm) {
                let mut less = scenario.clone();
                less.definition.library.get_mut(name).unwrap()[at] = smaller;
                all.push(less);
            }
        }
    }
    all
}

/// Without these it may not be calm any more: what fails is not dealt with, and what is first counts.
const CALMING: &[&str] = &["on_error", "join", "on_exhausted", "use", "max", "budget"];

/// The values with one step or one key less. What is no definition any more fails in another place.
fn without(value: &Value, calm: bool) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Array(items) => {
            for at in (0..items.len()).rev() {
                let mut less = items.clone();
                less.remove(at);
                all.push(Value::Array(less));
            }
            for (at, item) in items.iter().enumerate() {
                for smaller in without(item, calm) {
                    let mut less = items.clone();
                    less[at] = smaller;
                    all.push(Value::Array(less));
                }
            }
        }
        Value::Object(map) => {
            let kept = |key: &str| matches!(key, "id" | "stead" | "name") || (calm && CALMING.contains(&key));
            for key in map.keys().filter(|key| !kept(key)) {
                let mut less = map.clone();
                less.shift_remove(key);
                all.push(Value::Object(less));
            }
            // A step in place of a group, an action without its items.
            for (key, item) in map {
                for smaller in without(item, calm) {
                    let mut less = map.clone();
                    less.insert(key.clone(), smaller);
                    all.push(Value::Object(less));
                }
            }
            if map.contains_key("id") && !map.contains_key("noop") {
                let id = &map["id"];
                all.push(serde_json::json!({ "id": id, "noop": { "v": 1 } }));
            }
        }
        _ => {}
    }
    all
}

/// All that somebody needs to see what is wrong.
pub(crate) fn report(scenario: &Scenario, failure: &Failure) -> String {
    let pretty = |value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut said = vec![
        format!("seed {} fails at {}:", scenario.seed, failure.place),
        failure.message.clone(),
        String::new(),
    ];
    said.extend(
        scenario.definition.files.iter().map(|(path, document)| format!("{path}: {}\n", pretty(document))),
    );
    said.extend(
        scenario
            .definition
            .library
            .iter()
            .flat_map(|(name, all)| all.iter().map(move |document| (name, document)))
            .map(|(name, document)| format!("saved {name}: {}\n", pretty(document))),
    );
    said.push(format!("inputs: {}", Value::Object(scenario.definition.inputs.clone())));
    said.push(format!("calm: {}, runs beside: {}", scenario.calm, scenario.beside));
    said.extend(scenario.script.iter().map(|planned| format!("at {}: {:?}", planned.at, planned.what)));
    said.extend(scenario.afterwards.iter().map(|what| format!("afterwards: {what:?}")));
    said.push("\njournal:".to_owned());
    said.extend(failure.journal.iter().map(|line| format!("  {line}")));
    said.join("\n")
}

/// The runs of a scenario: the plan of each, and its events.
pub(crate) fn journals(scenario: &Scenario) -> Vec<(Arc<Plan>, Vec<Value>)> {
    let ready = Ready::new(scenario);
    let store = MemoryStore::new();
    FOLDER.with(|folder| World::new(scenario, &ready, &store, folder.path()).run());
    let mut runs: BTreeMap<StreamId, Vec<Value>> = BTreeMap::new();
    for (stream, row) in store.reopen().journal_after(0, usize::MAX).unwrap() {
        let events: Vec<Value> = serde_json::from_slice(&row.events).unwrap();
        if stream.kind() == StreamKind::Run {
            runs.entry(stream).or_default().extend(events);
        }
    }
    let plan = |events: &[Value]| ready.plans[events[0]["revision"].as_str().unwrap()].clone();
    runs.into_values().map(|events| (plan(&events), events)).collect()
}

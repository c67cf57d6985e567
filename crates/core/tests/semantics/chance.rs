//! Runs that share places, steered by chance: paused, resumed, cancelled, tried again, lost with their engine. What
//! runs and limits say of the places fits together after every step, and in the end all is given back.

use std::collections::BTreeSet;

use serde_json::json;
use stead_core::effect::ErrorKind;
use stead_core::ids::StreamId;
use stead_core::limit::{AskId, LimitState, Place};
use stead_core::run::{Again, Input};
use stead_core::status::RunStatus;

use crate::harness::{World, failed, ok};

/// Chance by a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn pick<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

const HANG: &str = "noop: { hang: 1 }";

/// A definition whose runs and steps ask for places of one key.
fn definition(chance: &mut Chance, name: &str) -> String {
    let max = 1 + chance.below(2);
    let rule = |chance: &mut Chance| {
        let on_full = chance.pick(&["queue", "queue", "queue", "cancel_old", "refuse"]);
        format!("concurrency: {{ key: k, max: {max}, on_full: {on_full} }}")
    };
    let mut lines = vec!["stead: 1".to_owned(), format!("name: {name}")];
    if chance.below(2) == 0 {
        lines.push(rule(chance));
    }
    lines.push(chance.pick(&["", "", "", "deadline: 3h"]).to_owned());
    lines.push("steps:".to_owned());
    for n in 0..1 + chance.below(3) {
        lines.push(format!("  - id: s{n}"));
        for keys in [&["", "needs: []"][..], &["", "on_error: continue"], &["", "", "deadline: 2h"]] {
            lines.push(format!("    {}", chance.pick(keys)));
        }
        if chance.below(3) > 0 {
            lines.push(format!("    {}", rule(chance)));
        }
        let inner = if chance.below(2) == 0 { format!(", {}", rule(chance)) } else { String::new() };
        let undo = chance.pick(&["", ", undo: { run: [undo] }"]);
        let i = format!("{{ id: i{inner}, {HANG}{undo} }}");
        let machine = format!("{{ id: i{inner}, {HANG}, next: [ {{ go: i, max: 1 }}, {{ go: end }} ] }}");
        let kid = format!("stead: 1, name: kid{inner}, steps: [ {{ id: b, {HANG} }} ]");
        let body = match chance.below(6) {
            0 => vec![
                format!("steps: [ {i}, {{ id: j{inner}, needs: [], {HANG} }} ]"),
                format!("finally: [ {{ id: z, {HANG} }} ]"),
            ],
            1 => vec![
                "foreach: { in: [1, 2, 3], parallel: 2 }".to_owned(),
                format!("steps: [ {i}, {{ id: l, on_error: continue, {HANG} }} ]"),
            ],
            2 => vec![format!("workflow: {{ inline: {{ {kid} }} }}")],
            3 => vec!["wait: { for: 1h }".to_owned()],
            4 => vec![format!("states: [ {machine} ]")],
            _ => vec![HANG.to_owned(), "retry: 2".to_owned()],
        };
        lines.extend(body.into_iter().map(|line| format!("    {line}")));
    }
    lines.push(format!("finally: [ {{ id: last, {HANG} }} ]"));
    lines.join("\n") + "\n"
}

/// Both sides know the same, nobody has a place too many, and nobody waits for one that is free.
fn check(world: &World, seed: u64) {
    let (mut has, mut waits) = (BTreeSet::new(), BTreeSet::new());
    for run in world.runs.values() {
        has.extend(run.state.places_held().into_iter().map(|(_, held)| held.ask));
        waits.extend(run.state.places_awaited().into_iter().map(|(_, held)| held.ask));
    }
    let ask = |place: &Place| place.ask.id.clone();
    let limits = || world.limits.values().map(|(limit, _)| limit);
    let holders: BTreeSet<AskId> = limits().flat_map(LimitState::holders).map(ask).collect();
    let waiters: BTreeSet<AskId> = limits().flat_map(LimitState::waiters).map(ask).collect();
    assert_eq!((has, waits), (holders, waiters), "seed {seed}: places that are lost");
    for limit in limits() {
        let around: BTreeSet<&AskId> = limit.holders().flat_map(|place| &place.ask.inside).collect();
        let free = |place: &&Place| !around.contains(&place.ask.id);
        let leaves: Vec<&AskId> = limit.holders().filter(free).map(|place| &place.ask.id).collect();
        for place in limit.waiters().filter(|place| !place.revoked) {
            let lent = place.ask.inside.iter().any(|ask| leaves.contains(&ask));
            let idle = leaves.len() < limit.max as usize;
            assert!(!lent && !idle, "seed {seed}: {:?} waits for a place that is free", place.ask);
        }
    }
}

fn tops(world: &World) -> Vec<StreamId> {
    let own = |id: &&StreamId| ["r_test", "r_b", "r_c"].contains(&id.as_str());
    world.runs.keys().filter(own).cloned().collect()
}

/// An attempt that is under way ends. Those that hang do, whatever they were told.
fn end_one(world: &mut World, chance: &mut Chance, fails: bool) {
    if world.open.is_empty() {
        return;
    }
    let at = chance.below(world.open.len());
    let job = world.open.remove(at);
    let result = if fails { failed(ErrorKind::Exit, "no") } else { ok(json!(1)) };
    world.finish(&job, result);
}

fn steer(world: &mut World, chance: &mut Chance) {
    let all: Vec<StreamId> = world.runs.keys().cloned().collect();
    let run = all[chance.below(all.len())].clone();
    let by = || "user:ana".to_owned();
    match chance.below(16) {
        0..=4 => end_one(world, chance, false),
        5 | 6 => end_one(world, chance, true),
        7 => world.give(&run, Input::Pause { by: by(), now: chance.below(2) == 0 }),
        8 | 9 => world.give(&run, Input::Resume { by: by() }),
        10 => {
            let force = chance.below(3) == 0;
            world.give(&run, Input::Cancel { by: by(), reason: None, force });
        }
        11..=13 => {
            let again = match chance.below(3) {
                0 => Again::From("s0".into()),
                _ => Again::Failed,
            };
            world.give(&run, Input::Retry { by: by(), again, inputs: Vec::new() });
        }
        14 => world.pass(1_800_000),
        _ if chance.below(2) == 0 => world.crash(),
        _ => world.crash_to_snapshot(),
    }
}

#[test]
fn rule_57_whatever_is_done_to_runs_no_place_is_lost() {
    let (mut waited, mut retried) = (0, 0);
    for seed in 0..80 {
        let mut chance = Chance(seed);
        let mut world = World::run(&definition(&mut chance, "a"));
        for run in ["r_b", "r_c"] {
            world.also(run, &definition(&mut chance, "b"));
        }
        for _ in 0..40 {
            let before = world.runs.values().filter(|run| run.state.status.is_end()).count();
            steer(&mut world, &mut chance);
            let after = world.runs.values().filter(|run| run.state.status.is_end()).count();
            retried += usize::from(after < before);
            // What is on its way may be overtaken by what comes next.
            if chance.below(3) > 0 {
                world.go();
                check(&world, seed);
                waited += world.limits.values().filter(|(limit, _)| limit.has_waiting()).count();
            }
        }
        // Nobody interferes any more.
        for _ in 0..500 {
            world.go();
            check(&world, seed);
            let open: Vec<StreamId> =
                tops(&world).into_iter().filter(|id| !world.runs[id].state.status.is_end()).collect();
            if open.is_empty() {
                break;
            }
            for id in world.runs.keys().cloned().collect::<Vec<_>>() {
                if world.runs[&id].state.status == RunStatus::Paused {
                    world.give(&id, Input::Resume { by: "user:ana".into() });
                }
            }
            end_one(&mut world, &mut chance, false);
            world.pass(600_000);
        }
        for id in tops(&world) {
            assert!(
                world.runs[&id].state.status.is_end(),
                "seed {seed}: {id} does not end: {:#?}",
                world.look(id.as_str()).view()
            );
        }
        assert!(
            world.limits.values().all(|(limit, _)| !limit.in_use()),
            "seed {seed}: a place is not given back"
        );
    }
    assert!(waited > 500 && retried > 100, "{waited} waits, {retried} retries");
}

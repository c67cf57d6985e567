//! The simulator: the driver as it is, over the store in memory, with a clock and executors that a seed scripts.
//!
//! Definitions and faults are generated, promises are checked after each step, and a seed repeats all of it
//! exactly. `cargo xtask sim` goes on with more seeds, for as long as it is told to.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "../../../lang/tests/fuzz/mod.rs"]
mod fuzz;
mod fuzzed;
mod generate;
mod journal;
mod outside;
mod people;
mod places;
mod promises;
mod races;
mod rng;
mod said;
mod scenario;
mod schedules;
mod signals;
mod simulate;
mod tasks;
mod unwound;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulate::{report, shrink, simulate};
use world::Counts;

/// Seeds that are tried with the tests.
const SEEDS: u64 = 2_000;
/// What those seeds meet, each at least ten times: without it they would show less than they say.
const MET: &[&str] = &[
    "a newer child is taken",
    "acted after the end",
    "asked where no engine runs",
    "attempt_began",
    "attempt_ended",
    "attempt_ending",
    "attempt_lost",
    "attempt_queued",
    "attempt_settled",
    "attempt_started",
    "block_ending",
    "budget_set",
    "budget_spent",
    "cancel_requested",
    "cancelled cancelled",
    "child_ended",
    "child_started",
    "clock back",
    "completed degraded",
    "completed ok",
    "completed stopped_early",
    "crash behind a commit",
    "crash",
    "decided and cancelled at once",
    "decided at the last moment",
    "document_accepted",
    "document_made",
    "failed error",
    "failed exhausted",
    "failed rejected",
    "failed timed_out",
    "finish_requested",
    "foreach_started",
    "group_started",
    "join_decided",
    "late",
    "left",
    "loop_started",
    "nobody is left who may act",
    "people: claim",
    "people: delegate",
    "people: release",
    "people: skip",
    "people: submit",
    "place_asked",
    "place_granted",
    "place_left",
    "place_refused",
    "place_revoked",
    "redo_asked",
    "redone",
    "refused at before commit",
    "refused at head",
    "refused at journal",
    "refused at message",
    "refused at taken",
    "refused at task",
    "result doubled",
    "resumed",
    "retry",
    "run_cancelled",
    "run_completed",
    "run_created",
    "run_failed",
    "run_paused",
    "run_reopened",
    "run_resumed",
    "run_started",
    "saved anew",
    "signal from outside",
    "signal that was awaited",
    "signal_awaited",
    "signal_came",
    "signal_sent",
    "signal_taken",
    "snapshot of a task",
    "snapshot",
    "step_blocked",
    "step_cancelled",
    "step_completed",
    "step_ending",
    "step_failed",
    "step_skipped",
    "strange snapshot of a task",
    "strange snapshot",
    "stray result",
    "task_answered",
    "task_claimed",
    "task_decided",
    "task_delegated",
    "task_ended",
    "task_escalated",
    "task_opened",
    "task_released",
    "task_reminded",
    "task_skipped",
    "undo_ready",
    "wait_started",
    "went",
];
/// Simulations to make a failing one small.
const SHRINKS: u32 = 600;

/// Tries seeds from `first` on until `enough` says so of the count of those before. Gives how many were tried.
fn try_seeds(first: u64, enough: impl Fn(u64) -> bool + Sync) -> (u64, Counts) {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let all = Mutex::new((0, Counts::default()));
    let worker = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if enough(at) || failed.load(Ordering::Relaxed) {
                return;
            }
            let scenario = scenario::of(first + at);
            match simulate(&scenario) {
                Ok(counts) => {
                    let mut all = all.lock().unwrap();
                    all.0 += 1;
                    all.1.join(counts);
                }
                Err(failure) => {
                    failed.store(true, Ordering::Relaxed);
                    eprintln!("seed {} fails: {}; making it small", scenario.seed, failure.message);
                    let refused = failure.message.starts_with(world::REFUSED);
                    let (small, failure) = shrink(&scenario, &failure, if refused { 0 } else { SHRINKS });
                    panic!("{}", report(&small, &failure));
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    all.into_inner().unwrap()
}

/// How often definitions used each key of the language.
fn say_used(counts: &Counts) {
    let mut last = "";
    for ((place, key), n) in &counts.used {
        if *place != last {
            eprintln!("  {place}:");
        }
        eprintln!("  {n:8} {key}");
        last = place;
    }
}

/// `STEAD_SIM_SEED` is the first seed, `STEAD_SIM_MINUTES` how long to go on, `STEAD_SIM_SEEDS` how far.
fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// What starts runs by itself is a stream of its own, and goes through the same by itself (`schedules`). To a run a
/// declaration is nothing.
fn is_of_triggers((place, key): &(&str, &str)) -> bool {
    *place == "trigger" || (*place == "document" && *key == "triggers")
}

#[test]
fn p1_p2_p3_p4_p5_p10_hold_whatever_happens() {
    let (tried, counts) = try_seeds(1, |at| at >= SEEDS);
    eprintln!("{tried} seeds, {} steps", counts.met.get("attempt_started").unwrap_or(&0));
    for (what, n) in &counts.met {
        eprintln!("  {n:8} {what}");
    }
    say_used(&counts);
    assert_eq!(tried, SEEDS, "seeds that were tried");
    let unused: Vec<_> = stead_lang::keys::places()
        .into_iter()
        .map(|(place, key)| (place, key.name))
        .filter(|key| !counts.used.contains_key(key) && !is_of_triggers(key))
        .collect();
    assert!(unused.is_empty(), "keys of the language that no definition has: {unused:?}");
    for what in MET {
        let n = counts.met.get(*what).copied().unwrap_or(0);
        assert!(n >= 10, "`{what}` was met {n} times: the seeds do not show what they are to show");
    }
}

#[test]
fn a_seed_repeats_all_of_it() {
    for seed in 1..=30 {
        assert!(simulate::repeats(&scenario::of(seed)), "seed {seed} gives one thing and then another");
    }
}

#[test]
#[ignore = "goes on for as long as it is told: cargo xtask sim"]
fn more_seeds() {
    let first = number("STEAD_SIM_SEED").unwrap_or(1);
    let minutes = number("STEAD_SIM_MINUTES").unwrap_or(0);
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let seeds = number("STEAD_SIM_SEEDS").unwrap_or(if minutes > 0 { u64::MAX } else { 1 });
    let over = |at| at >= seeds || (minutes > 0 && at > 0 && Instant::now() >= until);
    let (tried, counts) = try_seeds(first, over);
    eprintln!("{tried} seeds from {first} on");
    for (what, n) in &counts.met {
        eprintln!("  {n:8} {what}");
    }
}

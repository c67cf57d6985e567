//! Those who follow what is written: slow ones, many rows, no reader.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use serde_json::{Map, Value};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_engine::engine::Asker;
use stead_engine::live::{Cursor, Live, Next, Wish};
use stead_engine::operations::{Answer, Operation};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, Home, Settings, limits};
use stead_lang::Bundle;

const LONG: Duration = Duration::from_secs(60);

fn start(asker: &Asker, run: &str, loops: usize) {
    let text = format!(
        "stead: 1\nname: test\nsteps:\n  - id: a\n    loop: {{ max: {loops}, until: iteration == {loops} }}\n    noop: 1\n"
    );
    let started = asker.ask(Operation::Start {
        run: StreamId::new(run),
        bundle: Bundle::single("test.yml", text),
        inputs: Map::new(),
        project: String::new(),
        folder: "/tmp".into(),
        breaks: Breaks::default(),
        by: "user:ana".into(),
    });
    assert!(matches!(started, Ok(Answer::Started { .. })));
}

fn follow(asker: &Asker, run: &str, after: Option<Cursor>) -> (Live, Receiver<()>) {
    let (woken, wakes) = unbounded();
    let wish = Wish::Run { run: StreamId::new(run), children: false, logs: None, until_end: true };
    // Nobody hears it only when the test is over.
    let wake = move || _ = woken.send(());
    (asker.live(wish, after, wake).unwrap(), wakes)
}

/// Positions that are told until the run has ended.
fn told(live: &mut Live, wakes: &Receiver<()>) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        match live.take().unwrap() {
            Next::Told(told) if told.kind == "journal" => {
                let rows: Vec<Value> = serde_json::from_str(&told.data).unwrap();
                seen.extend(rows.iter().map(|row| row["position"].as_u64().unwrap()));
                assert_eq!(seen.last(), Some(&told.cursor.position));
            }
            Next::Told(_) | Next::More => {}
            Next::Nothing => wakes.recv_timeout(LONG).unwrap(),
            Next::Over => return seen,
        }
    }
}

fn journal(asker: &Asker, run: &str) -> Vec<u64> {
    let events = Operation::Events { run: run.into(), after: 0, limit: usize::MAX };
    let Ok(Answer::Events { events, .. }) = asker.ask(events) else { panic!("no events") };
    let mut positions: Vec<u64> = events.into_iter().map(|event| event.position).collect();
    positions.dedup();
    positions
}

#[test]
fn p11_one_who_is_slow_holds_little_and_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    let engine = Engine::open(&home, Settings::from(Arc::new(EnvironmentSecrets))).unwrap();
    let asker = engine.asker();
    // So many rows that its mailbox is emptied while it takes nothing, and more than are read at once.
    let loops = limits::LIVE_WAITING;
    start(&asker, "r_slow", loops);
    let (mut slow, wakes) = follow(&asker, "r_slow", None);
    let (mut quick, quick_wakes) = follow(&asker, "r_slow", None);
    let seen = told(&mut quick, &quick_wakes);
    assert!(seen.len() > limits::LIVE_WAITING, "{}", seen.len());
    assert_eq!(seen, journal(&asker, "r_slow"));
    assert_eq!(told(&mut slow, &wakes), seen);
    // From the middle on.
    let half = Cursor { position: seen[seen.len() / 2], log: None };
    let (mut late, wakes) = follow(&asker, "r_slow", Some(half));
    assert_eq!(told(&mut late, &wakes), seen[seen.len() / 2 + 1..]);
    engine.stop().unwrap();
}

#[test]
fn one_who_is_not_woken_in_vain_is_told_when_the_engine_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join(".stead"));
    let engine = Engine::open(&home, Settings::from(Arc::new(EnvironmentSecrets))).unwrap();
    let asker = engine.asker();
    start(&asker, "r_other", 1);
    let text = "stead: 1\nname: waits\nsteps:\n  - { id: a, wait: { signal: go } }\n";
    asker
        .ask(Operation::Start {
            run: StreamId::new("r_waits"),
            bundle: Bundle::single("test.yml", text),
            inputs: Map::new(),
            project: String::new(),
            folder: "/tmp".into(),
            breaks: Breaks::default(),
            by: "user:ana".into(),
        })
        .unwrap();
    let wakes = Arc::new(AtomicUsize::new(0));
    let count = wakes.clone();
    let wish = Wish::Run { run: StreamId::new("r_waits"), children: true, logs: None, until_end: false };
    let mut live = asker.live(wish, None, move || _ = count.fetch_add(1, Ordering::SeqCst)).unwrap();
    while live.take().unwrap() != Next::Nothing {}
    let before = wakes.load(Ordering::SeqCst);
    start(&asker, "r_third", 50);
    let (mut third, third_wakes) = follow(&asker, "r_third", None);
    told(&mut third, &third_wakes);
    assert_eq!(wakes.load(Ordering::SeqCst), before, "what another run does wakes nobody");
    engine.stop().unwrap();
    while live.take().is_ok_and(|next| next != Next::Over) {}
}

//! The socket of a home, from the client's end.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_engine::Settings;
use stead_engine::operations::{Answer, Operation};
use stead_engine::seat::{Heard, Seat, Unanswered, Wish};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::socket::{Link, PROTOCOL, VERSION};
use stead_engine::{Engine, EngineError, Home, limits};
use stead_lang::Bundle;

fn settings() -> Settings {
    Settings::from(Arc::new(EnvironmentSecrets))
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn home(&self) -> Home {
        Home::at(&self.folder.path().join(".stead"))
    }

    fn open(&self) -> Engine {
        Engine::open(&self.home(), Arc::new(EnvironmentSecrets)).unwrap()
    }

    fn sit(&self) -> Seat {
        Seat::take(&self.home(), &settings(), &[], &mut |_| true).unwrap()
    }

    fn start(&self, id: &str, body: &str) -> Operation {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let folder = self.folder.path().display().to_string();
        let (run, inputs, project) = (StreamId::new(id), Map::new(), String::new());
        Operation::Start { run, bundle, inputs, project, folder, breaks: Breaks::default() }
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(self.home().root().join("socket")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

fn ask(seat: &Seat, operation: &Operation) -> Result<Answer, EngineError> {
    match seat.ask(&mut Wish::new().unwrap(), operation, &mut |_| true) {
        Ok(answer) => Ok(answer),
        Err(Unanswered::Engine(error)) => Err(error),
        Err(Unanswered::Lost) => panic!("lost"),
    }
}

fn send(stream: &mut UnixStream, value: &Value) {
    let bytes = serde_json::to_vec(value).unwrap();
    stream.write_all(&u32::try_from(bytes.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&bytes).unwrap();
}

/// The next frame; nothing at the end.
fn next(stream: &mut UnixStream) -> Option<Value> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut bytes).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

fn greet(stream: &mut UnixStream) -> Value {
    send(stream, &json!({"protocol": PROTOCOL, "version": VERSION, "pid": 1}));
    next(stream).unwrap()
}

/// All events of a run that are heard until it has ended.
fn hear(heard: &Heard, run: &str) -> Vec<(u64, Value)> {
    let mut all = Vec::new();
    loop {
        let written = heard.written.recv_timeout(Duration::from_secs(20)).unwrap();
        if written.stream.as_str() != run {
            continue;
        }
        let events: Vec<Value> = serde_json::from_slice(&written.events).unwrap();
        all.extend((written.seq..).zip(events));
        let last = all.last().unwrap().1["type"].as_str().unwrap().to_owned();
        if ["run_completed", "run_failed", "run_cancelled"].contains(&&*last) {
            return all;
        }
    }
}

const CHAIN: &str = "steps: [{ id: l, loop: { max: 300 }, noop: '${{ iteration }}' }]\n";

#[test]
fn a_follower_hears_its_run_from_its_first_event_to_its_last_and_its_children() {
    let bench = Bench::new();
    let engine = bench.open();
    let seat = bench.sit();
    assert_eq!(seat.carrier(), Some(std::process::id()));
    let runs = ["r_a", "r_b"].map(StreamId::new);
    let heard = seat.follow(&runs[..1], None, &mut |_| true).unwrap();
    ask(&seat, &bench.start("r_b", CHAIN)).unwrap();
    let body = "steps:\n  - { id: n, noop: 1 }\n  - id: c\n    workflow: { inline: { stead: 1, name: kid, steps: [ { id: k, noop: 7 } ] } }\n";
    ask(&seat, &bench.start("r_a", body)).unwrap();
    let mut streams = std::collections::BTreeSet::new();
    let mut seqs = Vec::new();
    loop {
        let written = heard.written.recv_timeout(Duration::from_secs(20)).unwrap();
        streams.insert(written.stream.to_string());
        if written.stream.as_str() == "r_a" {
            let events: Vec<Value> = serde_json::from_slice(&written.events).unwrap();
            seqs.extend((written.seq..).take(events.len()));
            if events.last().unwrap()["type"] == "run_completed" {
                break;
            }
        }
    }
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "each event once, in order");
    assert_eq!(streams.len(), 2, "its child too, and nobody else: {streams:?}");
    assert!(!heard.link.try_iter().any(|link| matches!(link, Link::Broken(_) | Link::Gone)));
    engine.stop().unwrap();
    assert!(heard.link.iter().any(|link| link == Link::Gone));
}

#[test]
fn one_goes_on_from_a_position() {
    let bench = Bench::new();
    let engine = bench.open();
    let seat = bench.sit();
    let runs = [StreamId::new("r_a")];
    let heard = seat.follow(&runs, None, &mut |_| true).unwrap();
    ask(&seat, &bench.start("r_a", CHAIN)).unwrap();
    let first = heard.written.recv().unwrap();
    let all = hear(&heard, "r_a");
    // Dropped, and taken up again behind the first row.
    drop(heard);
    let again = seat.follow(&runs, Some(first.position), &mut |_| true).unwrap();
    assert_eq!(hear(&again, "r_a"), all);
    engine.stop().unwrap();
}

#[test]
fn p11_one_who_takes_nothing_costs_nothing_and_misses_nothing() {
    let bench = Bench::new();
    let engine = bench.open();
    let mut slow = bench.raw();
    greet(&mut slow);
    send(&mut slow, &json!({"call": "follow", "runs": [], "after": 0}));
    assert_eq!(next(&mut slow).unwrap()["reply"], "following");
    // Far more than a socket holds, while nobody reads.
    let seat = bench.sit();
    let heard = seat.follow(&[], None, &mut |_| true).unwrap();
    let text = "x".repeat(20_000);
    let body = format!("steps: [{{ id: l, loop: {{ max: 300 }}, noop: '{text}' }}]\n");
    ask(&seat, &bench.start("r_a", &body)).unwrap();
    let all = hear(&heard, "r_a");
    // The others were not held up. What the slow one takes up now is whole as far as it goes, and the rest is there.
    let mut got = Vec::new();
    while got.len() < all.len() {
        let Some(told) = next(&mut slow) else { break };
        if let Some(written) = told.get("written") {
            let events = written["events"].as_array().unwrap().clone();
            got.extend((written["seq"].as_u64().unwrap()..).zip(events));
        }
    }
    assert_eq!(got, all[..got.len()]);
    assert_eq!(got.len(), all.len());
    engine.stop().unwrap();
}

#[test]
fn another_protocol_or_release_is_refused_with_both_numbers() {
    let bench = Bench::new();
    let engine = bench.open();
    for (protocol, version) in [(PROTOCOL + 1, VERSION), (PROTOCOL, "99.0.0")] {
        let mut stream = bench.raw();
        send(&mut stream, &json!({"protocol": protocol, "version": version, "pid": 1, "more": true}));
        let ours = next(&mut stream).unwrap();
        assert_eq!((ours["protocol"].clone(), ours["version"].clone()), (json!(PROTOCOL), json!(VERSION)));
        assert_eq!(next(&mut stream), None, "nothing more is said");
    }
    engine.stop().unwrap();
}

/// Something that says it is the engine of a home.
fn impostor(
    bench: &Bench,
    hello: &'static str,
) -> (stead_store::lock::HomeLock, std::thread::JoinHandle<()>) {
    let home = bench.home();
    bench.open().stop().unwrap();
    let mut lock = stead_store::lock::HomeLock::take(home.root(), "impostor", 1).unwrap();
    let path = home.root().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    lock.listens(&path).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        next(&mut stream).unwrap();
        send(&mut stream, &serde_json::from_str(hello).unwrap());
    });
    (lock, thread)
}

#[test]
fn an_engine_of_another_release_is_named_and_reading_goes_on() {
    let bench = Bench::new();
    let hello = r#"{"protocol": 99, "version": "9.9.9", "pid": 4711}"#;
    let (lock, thread) = impostor(&bench, hello);
    let Err(error) = Seat::take(&bench.home(), &settings(), &[], &mut |_| true) else { panic!() };
    assert_eq!(error.code(), "R0304");
    let text = error.to_string();
    assert!(text.contains("process 4711") && text.contains("9.9.9") && text.contains(VERSION), "{text}");
    thread.join().unwrap();
    drop(lock);
    let (_lock, thread) = impostor(&bench, hello);
    let runs = stead_engine::ask_home(&bench.home(), Operation::Runs { query: Default::default() });
    assert_eq!(runs.unwrap(), Answer::Runs { runs: Vec::new() }, "the store is read instead");
    thread.join().unwrap();
}

#[test]
fn what_cannot_be_understood_is_answered_and_harms_nobody() {
    let bench = Bench::new();
    let engine = bench.open();
    for call in [json!({"call": "dance"}), json!([1, 2]), json!({"call": "ask", "id": "x"})] {
        let mut stream = bench.raw();
        greet(&mut stream);
        send(&mut stream, &call);
        let reply = next(&mut stream).unwrap();
        assert_eq!(
            (reply["reply"].clone(), reply["fault"]["code"].clone()),
            (json!("fault"), json!("R0306"))
        );
    }
    // P11: a length beyond the bound is not waited for.
    let mut stream = bench.raw();
    greet(&mut stream);
    stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let reply = next(&mut stream).unwrap();
    assert!(reply["fault"]["message"].as_str().unwrap().contains("is longer than"), "{reply}");
    // One that says nothing, and one that goes in the middle of a word.
    let _silent = bench.raw();
    let mut half = bench.raw();
    half.write_all(&[0, 0]).unwrap();
    drop(half);
    assert!(matches!(ask(&bench.sit(), &Operation::Engine), Ok(Answer::Engine { engine: Some(_) })));
    engine.stop().unwrap();
}

#[test]
fn p11_so_many_are_let_in_and_the_others_come_again() {
    let bench = Bench::new();
    let engine = bench.open();
    let crowd: Vec<UnixStream> = (0..limits::CONNECTIONS)
        .map(|_| {
            let mut stream = bench.raw();
            greet(&mut stream);
            stream
        })
        .collect();
    let mut one_more = bench.raw();
    send(&mut one_more, &json!({"protocol": PROTOCOL, "version": VERSION, "pid": 1}));
    assert_eq!(next(&mut one_more), None, "it is not let in");
    drop(crowd);
    assert!(matches!(ask(&bench.sit(), &Operation::Engine), Ok(Answer::Engine { .. })));
    engine.stop().unwrap();
}

#[test]
fn a_wish_asked_again_is_granted_once() {
    let bench = Bench::new();
    let engine = bench.open();
    let mut stream = bench.raw();
    greet(&mut stream);
    let mut ask = |id: &str, again: bool, operation: &Operation| {
        let operation = serde_json::to_value(operation).unwrap();
        send(&mut stream, &json!({"call": "ask", "id": id, "again": again, "operation": operation}));
        next(&mut stream).unwrap()
    };
    let start = bench.start("r_a", "steps: [{ id: w, wait: { for: 1h } }]\n");
    assert_eq!(ask("w1", false, &start)["answer"]["answer"], "started");
    // Whoever lost the answer asks again; whoever means another start is refused.
    assert_eq!(ask("w1", true, &start)["answer"]["answer"], "started");
    assert_eq!(ask("w2", false, &start)["fault"]["fault"], "refused");
    let cancel = Operation::Cancel { run: "r_a".into(), by: "user:ana".into(), reason: None, force: false };
    assert_eq!(ask("w3", false, &cancel)["answer"]["answer"], "done");
    assert_eq!(ask("w3", true, &cancel)["answer"]["answer"], "done");
    assert_eq!(ask("w4", true, &cancel)["fault"]["fault"], "refused", "it was never asked before");
    engine.stop().unwrap();
    // The next engine knows as well.
    let engine = bench.open();
    let mut stream = bench.raw();
    greet(&mut stream);
    let operation = serde_json::to_value(&cancel).unwrap();
    send(&mut stream, &json!({"call": "ask", "id": "w3", "again": true, "operation": operation}));
    assert_eq!(next(&mut stream).unwrap()["answer"]["answer"], "done");
    engine.stop().unwrap();
}

#[test]
fn an_engine_that_leaves_closes_the_door_behind_it() {
    let bench = Bench::new();
    let engine = bench.open();
    let seat = bench.sit();
    let mut idle = bench.raw();
    greet(&mut idle);
    engine.stop().unwrap();
    assert_eq!(next(&mut idle), None);
    assert!(matches!(
        seat.ask(&mut Wish::new().unwrap(), &Operation::Engine, &mut |_| true),
        Err(Unanswered::Lost)
    ));
    assert!(!bench.home().root().join("socket").exists());
    assert!(matches!(bench.sit(), Seat::Own(_)));
}

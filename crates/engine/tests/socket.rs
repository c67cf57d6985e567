//! The socket of a home, from the client's end.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_engine::operations::{Answer, Operation};
use stead_engine::seat::{Heard, Seat, Unanswered, Wish};
use stead_engine::secrets::{ConfiguredSecrets, EnvironmentSecrets};
use stead_engine::socket::{Link, PROTOCOL, VERSION};
use stead_engine::{Engine, EngineError, Home, Measures, Settings, limits};
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
        self.open_with(&Measures::default())
    }

    fn open_with(&self, measures: &Measures) -> Engine {
        Engine::open(&self.home(), Settings { measures: measures.clone(), ..settings() }).unwrap()
    }

    fn sit(&self) -> Seat {
        Seat::take(&self.home(), &settings(), &[], &mut |_| true).unwrap()
    }

    fn start(&self, id: &str, body: &str) -> Operation {
        let bundle = Bundle::single("test.yml", format!("stead: 1\nname: test\n{body}"));
        let folder = self.folder.path().display().to_string();
        let (run, inputs, project) = (StreamId::new(id), Map::new(), String::new());
        Operation::Start {
            run,
            bundle,
            inputs,
            project,
            folder,
            breaks: Breaks::default(),
            by: "user:ana".into(),
        }
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

/// What a follower without a client is told: events until nothing more comes, or so many.
fn take(stream: &mut UnixStream, most: usize) -> Vec<(u64, Value)> {
    let mut got = Vec::new();
    while got.len() < most {
        let Some(told) = next(stream) else { break };
        if let Some(written) = told.get("written") {
            let events = written["events"].as_array().unwrap().clone();
            got.extend((written["seq"].as_u64().unwrap()..).zip(events));
        }
    }
    got
}

/// Writes far more than a socket holds: 10 MB of events.
fn write_much(bench: &Bench, seat: &Seat) -> Vec<(u64, Value)> {
    let text = "x".repeat(20_000);
    let body = format!("steps: [{{ id: l, loop: {{ max: 500 }}, noop: '{text}' }}]\n");
    ask(seat, &bench.start("r_much", &body)).unwrap();
    // Asked for and not followed: a follower of a busy machine may be slow as well.
    let mut all: Vec<(u64, Value)> = Vec::new();
    while all.last().is_none_or(|(_, event)| event["type"] != "run_completed") {
        let after = all.last().map_or(0, |(seq, _)| *seq);
        let more = Operation::Events { run: "r_much".into(), after, limit: 1_000 };
        let Answer::Events { events, .. } = ask(seat, &more).unwrap() else { panic!("no events") };
        if events.is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        all.extend(events.into_iter().map(|row| (row.seq, row.event)));
    }
    all
}

fn follow_all(bench: &Bench, after: u64) -> UnixStream {
    let mut stream = bench.raw();
    greet(&mut stream);
    send(&mut stream, &json!({"call": "follow", "runs": [], "after": after}));
    assert_eq!(next(&mut stream).unwrap()["reply"], "following");
    stream
}

#[test]
fn p11_one_who_takes_nothing_holds_nobody_up_and_misses_nothing() {
    let bench = Bench::new();
    let engine = bench.open();
    let mut slow = follow_all(&bench, 0);
    let all = write_much(&bench, &bench.sit());
    assert_eq!(take(&mut slow, all.len()), all);
    engine.stop().unwrap();
}

#[test]
fn p11_one_who_takes_nothing_for_long_is_cut_off_and_goes_on_where_it_was() {
    let bench = Bench::new();
    let engine = bench.open_with(&Measures { stall: Duration::from_millis(20), ..Measures::default() });
    let mut slow = follow_all(&bench, 0);
    let all = write_much(&bench, &bench.sit());
    until_hung_up(&slow);
    // What is in the socket is taken, the last piece of it cut off in the middle.
    let mut got = take(&mut slow, all.len());
    assert!(!got.is_empty() && got.len() < all.len(), "it was to be cut off");
    while got.len() < all.len() {
        // Whoever is slow again is cut off again. There is a position to a row, and the first row has several events.
        let from = got.len() as u64;
        let mut again = follow_all(&bench, from.saturating_sub(10));
        let more = take_to(&mut again, all.len() as u64);
        got.extend(more.into_iter().filter(|(seq, _)| *seq > from));
    }
    assert_eq!(got, all);
    engine.stop().unwrap();
}

/// Waits until the other end has closed.
fn until_hung_up(stream: &UnixStream) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(stream, PollFlags::empty())];
    let time = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(poll(&mut fds, Some(&time)).unwrap(), 1);
    assert!(fds[0].revents().contains(PollFlags::HUP));
}

/// What a follower is told up to an event, or until it is cut off.
fn take_to(stream: &mut UnixStream, last: u64) -> Vec<(u64, Value)> {
    let mut got = Vec::new();
    while got.last().is_none_or(|(seq, _)| *seq < last) {
        let one = take(stream, 1);
        if one.is_empty() {
            break;
        }
        got.extend(one);
    }
    got
}

#[test]
fn p11_an_engine_that_leaves_does_not_wait_for_one_who_takes_nothing() {
    let bench = Bench::new();
    let engine = bench.open_with(&Measures { stall: Duration::from_secs(3600), ..Measures::default() });
    let _slow = follow_all(&bench, 0);
    write_much(&bench, &bench.sit());
    engine.stop().unwrap();
}

#[test]
fn p11_events_come_in_pieces() {
    let bench = Bench::new();
    let engine = bench.open();
    let seat = bench.sit();
    let all = write_much(&bench, &seat);
    let mut got = Vec::new();
    let mut pieces = 0;
    loop {
        let after = got.last().map_or(0, |(seq, _)| *seq);
        let operation = Operation::Events { run: "r_much".into(), after, limit: usize::MAX };
        let Answer::Events { events, last } = ask(&seat, &operation).unwrap() else { panic!() };
        got.extend(events.into_iter().map(|row| (row.seq, row.event)));
        pieces += 1;
        if got.last().unwrap().0 == last {
            break;
        }
    }
    assert!(pieces > 1);
    assert_eq!(got, all);
    engine.stop().unwrap();
}

#[test]
fn p11_an_answer_that_is_too_long_is_read_from_the_store() {
    let bench = Bench::new();
    let engine = bench.open_with(&Measures { answer_bytes: 1_000, ..Measures::default() });
    let seat = bench.sit();
    write_much(&bench, &seat);
    let operation = Operation::Status { run: "r_much".into() };
    let error = ask(&seat, &operation);
    assert!(matches!(error, Ok(Answer::Status { .. })), "{error:?}");
    let told = stead_engine::ask_home(&bench.home(), operation);
    assert!(matches!(told, Ok(Answer::Status { .. })), "{told:?}");
    engine.stop().unwrap();
}

#[test]
fn p11_what_is_lent_is_bounded() {
    let bench = Bench::new();
    let engine = bench.open();
    let seat = bench.sit();
    let lent = |bytes: usize| {
        let json = json!({"variables": [], "secrets": {"TOKEN": "x".repeat(bytes)}});
        let environment = serde_json::from_value(json).unwrap();
        seat.lend(&StreamId::new("r_a"), &environment, &mut |_| true)
    };
    assert!(lent(limits::LENT_BYTES - 5).is_ok());
    let Err(Unanswered::Engine(error)) = lent(limits::LENT_BYTES) else { panic!() };
    assert_eq!(error.code(), "R0306");
    engine.stop().unwrap();
}

#[test]
fn p11_one_that_does_not_say_who_it_is_is_not_kept() {
    let bench = Bench::new();
    let engine = bench.open();
    let mut silent = bench.raw();
    assert_eq!(next(&mut silent), None);
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
            (reply["reply"].clone(), reply["fault"]["fault"].clone()),
            (json!("fault"), json!("not_taken"))
        );
    }
    // P11: a length beyond the bound is not waited for.
    let mut stream = bench.raw();
    greet(&mut stream);
    stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
    let reply = next(&mut stream).unwrap();
    assert!(reply["fault"]["why"].as_str().unwrap().contains("is longer than"), "{reply}");
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
    // A journal that is looked through in several pieces.
    let many = limits::SCAN_ROWS + 100;
    let body = format!(
        "steps:\n  - {{ id: l, loop: {{ max: {many} }}, noop: 1 }}\n  - {{ id: w, wait: {{ for: 1h }} }}\n"
    );
    let start = bench.start("r_a", &body);
    assert_eq!(ask("w1", false, &start)["answer"]["answer"], "started");
    // Whoever lost the answer asks again; whoever means another start is refused.
    assert_eq!(ask("w1", true, &start)["answer"]["answer"], "started");
    assert_eq!(ask("w2", false, &start)["fault"]["fault"], "refused");
    let cancel = Operation::Cancel { run: "r_a".into(), by: "user:ana".into(), reason: None, force: false };
    loop {
        let status = ask("", false, &Operation::Status { run: "r_a".into() });
        if status["answer"]["view"]["status"] == "waiting" {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
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

/// Bytes that an engine sends, up to the end of a run; whatever is asked meanwhile.
fn listen(stream: &mut UnixStream, wanted: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    // Each answer has one word for its kind; what comes between are events and signs of life.
    while String::from_utf8_lossy(&all).matches("\"answer\":\"").count() < wanted {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "it hung up: {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&buffer[..read]);
    }
    all
}

#[test]
fn p9_secrets_do_not_cross_the_socket() {
    const VALUE: &str = "hunter22-is-secret";
    let bench = Bench::new();
    bench.home().make().unwrap();
    let file = bench.home().root().join("settings.yml");
    std::fs::write(&file, format!("secrets:\n  TOKEN: {VALUE}\n")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let secrets = Arc::new(ConfiguredSecrets::of(bench.home().root(), |_| None));
    let engine = Engine::open(&bench.home(), secrets).unwrap();
    let mut follower = bench.raw();
    greet(&mut follower);
    send(&mut follower, &json!({"call": "follow", "runs": ["r_a"], "after": null}));
    let body = "secrets: [TOKEN]
steps:
  - { id: out, run: 'echo \"$T\"; echo \"$T\" >&2', env: { T: '${{ secrets.TOKEN }}' } }
  - { id: split, run: 'printf %s \"${T:0:7}\"; sleep 0.05; echo \"${T:7}\"', env: { T: '${{ secrets.TOKEN }}' } }
  - { id: bad, run: 'echo \"$T\" | base64; echo \"$T\" >&2; exit 3', env: { T: '${{ secrets.TOKEN }}' }, on_error: continue }
outputs: { said: '${{ steps.out.output }}' }
";
    let mut caller = bench.raw();
    greet(&mut caller);
    let ask = |caller: &mut UnixStream, n: usize, operation: &Operation| {
        let operation = serde_json::to_value(operation).unwrap();
        send(caller, &json!({"call": "ask", "id": format!("w{n}"), "again": false, "operation": operation}));
        listen(caller, 1)
    };
    let mut heard = ask(&mut caller, 0, &bench.start("r_a", body));
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&heard).contains("run_completed") {
        let read = follower.read(&mut buffer).unwrap();
        assert!(read > 0);
        heard.extend_from_slice(&buffer[..read]);
    }
    let run = || "r_a".to_owned();
    let questions = [
        Operation::Status { run: run() },
        Operation::Events { run: run(), after: 0, limit: 1_000 },
        Operation::Definition { run: run() },
        Operation::Logs { run: run() },
        Operation::Evidence { run: run(), step: None },
    ];
    for (n, question) in questions.iter().enumerate() {
        heard.extend(ask(&mut caller, n + 1, question));
    }
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("***"), "there is something to be hidden: {text}");
    for form in [VALUE, "aHVudGVyMjItaXMtc2VjcmV0", "hunter2"] {
        assert!(!text.contains(form), "{form}: {text}");
    }
    engine.stop().unwrap();
}

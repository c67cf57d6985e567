//! Live events, by clients that come and go.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use stead_server::Measures;

use crate::served::{Served, serving};

/// A message of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
struct Message {
    id: String,
    kind: String,
    data: Value,
}

/// A client that follows.
struct Follower {
    lines: BufReader<TcpStream>,
}

fn quick() -> Measures {
    Measures { stream_pause: Duration::from_millis(1), ..Measures::default() }
}

impl Served {
    fn open(&self, path: &str, last: Option<&str>) -> TcpStream {
        let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let addr = self.server.addr();
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\naccept: text/event-stream\r\n{last}\r\n"
        );
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn follow(&self, path: &str, last: Option<&str>) -> Follower {
        let mut lines = BufReader::new(self.open(path, last));
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        while line != "\r\n" {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        Follower { lines }
    }

    fn start(&self, definition: &Value) -> String {
        let (status, answer) = self.asked("POST", "/runs", &json!({ "definition": definition }).to_string());
        assert_eq!(status, 201, "{answer}");
        answer["run"].as_str().unwrap().to_owned()
    }

    /// All that the journal has of a run: position and number of each event.
    fn journal(&self, run: &str) -> Vec<(u64, u64)> {
        let mut found: Vec<(u64, u64)> = Vec::new();
        loop {
            let after = found.last().map_or(0, |(_, seq)| *seq);
            let (_, page) = self.asked("GET", &format!("/runs/{run}/events?after={after}&limit=500"), "");
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                return found;
            }
            let number = |event: &Value, name: &str| event[name].as_u64().unwrap();
            found.extend(events.iter().map(|event| (number(event, "position"), number(event, "seq"))));
        }
    }
}

impl Follower {
    /// The next message; none: the stream has ended.
    fn next(&mut self) -> Option<Message> {
        let mut message = Message::default();
        loop {
            let line = self.line()?;
            if let Some(id) = line.strip_prefix("id: ") {
                message.id = id.to_owned();
            } else if let Some(kind) = line.strip_prefix("event: ") {
                message.kind = kind.to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                message.data = serde_json::from_str(data).unwrap();
            } else if line.is_empty() && !message.kind.is_empty() {
                return Some(message);
            }
        }
    }

    /// A line of the stream, put together from its chunks.
    fn line(&mut self) -> Option<String> {
        // The length of a chunk, which holds whole lines.
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let text = line.trim_end_matches(['\r', '\n']);
            let is_length = line.ends_with("\r\n") && u64::from_str_radix(text, 16).is_ok();
            if text == "0" && is_length {
                return None;
            }
            // What parts two chunks.
            if is_length || line == "\r\n" {
                continue;
            }
            return Some(text.to_owned());
        }
    }

    fn until(&mut self, mut done: impl FnMut(&Message) -> bool) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let message = self.next().unwrap_or_else(|| panic!("the stream ended behind {all:#?}"));
            all.push(message);
            if done(&all[all.len() - 1]) {
                return all;
            }
        }
    }
}

/// Messages that came whole in what a client got before it was killed.
fn whole(bytes: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(bytes);
    let Some((_, mut body)) = text.split_once("\r\n\r\n") else { return Vec::new() };
    let mut stream = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        match rest.get(..length) {
            Some(chunk) => stream.push_str(chunk),
            None => {
                stream.push_str(rest);
                break;
            }
        }
        body = rest.get(length + 2..).unwrap_or_default();
    }
    let Some((complete, _)) = stream.rsplit_once("\n\n") else { return Vec::new() };
    let mut found = Vec::new();
    for block in complete.split("\n\n") {
        let mut message = Message::default();
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => message.id = id.to_owned(),
                Some(("event", kind)) => message.kind = kind.to_owned(),
                Some(("data", data)) => message.data = serde_json::from_str(data).unwrap(),
                _ => {}
            }
        }
        if !message.kind.is_empty() {
            found.push(message);
        }
    }
    found
}

fn rows(message: &Message) -> &[Value] {
    message.data.as_array().map_or(&[], Vec::as_slice)
}

/// Steps that are each made durable by themselves, in a run and in one that it starts.
fn long(iterations: u32) -> Value {
    let noops = |id: &str| {
        json!({
            "id": id, "loop": { "max": iterations, "until": format!("iteration == {iterations}") },
            "noop": "x".repeat(200),
        })
    };
    let inner = json!({ "stead": 1, "name": "inner", "steps": [noops("inside")] });
    json!({ "stead": 1, "name": "long", "steps": [
        noops("before"), { "id": "child", "workflow": { "inline": inner } }, noops("behind"),
    ] })
}

/// Numbers that look random, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[test]
fn p2_a_client_that_is_killed_200_times_sees_every_position_once() {
    for children in [false, true] {
        let served = serving(quick());
        let run = served.start(&long(150));
        let path = format!("/runs/{run}/events?until=end&children={children}");
        let mut chance = Chance(0x5eed);
        let mut seen: Vec<(u64, String)> = Vec::new();
        let mut last: Option<String> = None;
        let (mut kills, mut ended) = (0, false);
        while kills < 200 || !ended {
            let mut stream = served.open(&path, last.as_deref());
            // Somewhere in the head, in the middle of a message, or behind some of them.
            let most = 1 << (6 + chance.below(14));
            let mut got = vec![0; 1 + usize::try_from(chance.below(most)).unwrap()];
            let mut filled = 0;
            while filled < got.len() {
                match stream.read(&mut got[filled..]).unwrap() {
                    0 => break,
                    bytes => filled += bytes,
                }
            }
            drop(stream);
            kills += 1;
            ended = got[..filled].ends_with(b"\r\n0\r\n\r\n");
            for message in whole(&got[..filled]) {
                last = Some(message.id.clone());
                for row in rows(&message) {
                    seen.push((row["position"].as_u64().unwrap(), row["run"].as_str().unwrap().to_owned()));
                }
            }
        }
        let mut expected: BTreeMap<u64, String> = BTreeMap::new();
        let mut runs = vec![run.clone()];
        if children {
            let (_, page) = served.asked("GET", &format!("/runs?parent={run}"), "");
            runs.push(page["runs"][0]["run"].as_str().unwrap().to_owned());
        }
        for run in runs {
            expected.extend(served.journal(&run).into_iter().map(|(position, _)| (position, run.clone())));
        }
        assert_eq!(seen, expected.into_iter().collect::<Vec<_>>(), "{path}, {kills} kills");
        served.engine.stop().unwrap();
    }
}

#[test]
fn a_stream_tells_what_was_what_is_and_ends_with_the_run_where_that_is_asked() {
    let served = serving(quick());
    let run = served.start(&json!({ "stead": 1, "name": "waits", "steps": [
        { "id": "first", "noop": 1 }, { "id": "gate", "approve": { "title": "Go on?" } },
    ] }));
    let mut follower = served.follow(&format!("/runs/{run}/events?until=end"), None);
    let begin = follower.next().unwrap();
    assert_eq!((begin.kind.as_str(), &begin.data), ("open", &json!({ "position": 0 })));
    let opened =
        |message: &Message| rows(message).iter().any(|row| row["events"].to_string().contains("task_opened"));
    let before = follower.until(opened);
    assert!(before.iter().all(|message| message.kind == "journal"));
    let (_, tasks) = served.asked("GET", "/tasks", "");
    let task = tasks["tasks"][0]["task"].as_str().unwrap();
    let (status, answer) = served.asked("POST", &format!("/tasks/{task}:decide"), r#"{"accept": true}"#);
    assert_eq!(status, 200, "{answer}");
    let mut behind = Vec::new();
    while let Some(message) = follower.next() {
        behind.push(message);
    }
    let all: Vec<u64> =
        before.iter().chain(&behind).flat_map(rows).map(|row| row["position"].as_u64().unwrap()).collect();
    let mut expected: Vec<u64> = served.journal(&run).into_iter().map(|(position, _)| position).collect();
    expected.dedup();
    assert_eq!(all, expected);
    // One who comes when all is over hears all of it, and goes on behind the last one with nothing.
    let mut late = served.follow(&format!("/runs/{run}/events?until=end"), None);
    let mut heard = 0;
    while let Some(message) = late.next() {
        heard += rows(&message).len();
    }
    assert_eq!(heard, expected.len());
    let last = behind.last().unwrap().id.clone();
    let mut late = served.follow(&format!("/runs/{run}/events?until=end"), Some(&last));
    assert_eq!(late.next().unwrap().kind, "open");
    assert_eq!(late.next(), None);
    served.engine.stop().unwrap();
}

#[test]
fn the_log_of_a_step_goes_on_behind_the_line_that_was_told_last() {
    let served = serving(quick());
    // Two attempts, each with lines of its own.
    let script = "for i in 1 2 3; do echo \"line $i of $STEAD_ATTEMPT\"; done; sleep 0.3; test -e again || { touch again; exit 1; }";
    let run = served.start(&json!({ "stead": 1, "name": "prints", "steps": [
        { "id": "talk", "run": script, "retry": { "attempts": 2, "wait": "1ms" } },
    ] }));
    let path = format!("/runs/{run}/events?logs=talk&until=end");
    let mut lines: Vec<(u64, u64)> = Vec::new();
    let mut last: Option<String> = None;
    // Each time only one message is taken.
    loop {
        let mut follower = served.follow(&path, last.as_deref());
        follower.until(|message| message.kind == "open");
        let Some(message) = follower.next() else { break };
        last = Some(message.id.clone());
        if message.kind == "log" {
            let attempt = message.data["attempt"].as_u64().unwrap();
            let told = message.data["lines"].as_array().unwrap();
            lines.extend(told.iter().map(|line| (attempt, line["n"].as_u64().unwrap())));
        }
    }
    let expected: Vec<(u64, u64)> = [1, 2].into_iter().flat_map(|a| [1, 2, 3].map(|n| (a, n))).collect();
    // A program that fails leaves a note behind its lines.
    lines.retain(|(_, line)| *line <= 3);
    assert_eq!(lines, expected);
    served.engine.stop().unwrap();
}

#[test]
fn lists_are_told_as_they_change_and_again_from_a_position() {
    let served = serving(quick());
    let mut follower = served.follow("/events", None);
    assert_eq!(follower.next().unwrap().kind, "open");
    let empty = follower.next().unwrap();
    assert_eq!((empty.kind.as_str(), &empty.data["count"]), ("inbox", &json!(0)));
    let gate = json!({ "stead": 1, "name": "waits", "steps": [
        { "id": "gate", "approve": { "title": "Go on?" } },
    ] });
    let run = served.start(&gate);
    let (mut status, mut count) = (Value::Null, Value::Null);
    follower.until(|message| {
        match message.kind.as_str() {
            "runs" => status = rows(message).iter().find(|row| row["run"] == run).unwrap()["status"].clone(),
            "inbox" => count = message.data["count"].clone(),
            _ => {}
        }
        (status == "waiting") && (count == 1)
    });
    // Only one of the topics, from the beginning.
    let mut runs = served.follow("/events?topics=runs&position=0", None);
    let told = runs.until(|message| rows(message).iter().any(|row| row["run"] == run));
    assert!(told.iter().all(|message| message.kind != "inbox"));
    let mut inbox = served.follow("/events?topics=inbox", None);
    let told = inbox.until(|message| message.kind == "inbox");
    assert_eq!(told.last().unwrap().data["count"], 1);
    served.engine.stop().unwrap();
}

#[test]
fn what_cannot_be_followed_says_why() {
    let served = serving(quick());
    let run = served.start(&json!({ "stead": 1, "name": "short", "steps": [{ "id": "a", "noop": 1 }] }));
    let events = format!("/runs/{run}/events");
    for (path, last, status, code) in [
        ("/runs/r_none/events".to_owned(), None, 404, "R0201"),
        (format!("{events}?position=x"), None, 400, "H0206"),
        (format!("{events}?after=1"), None, 400, "H0206"),
        (format!("{events}?until=tomorrow"), None, 400, "H0206"),
        (format!("{events}?what=1"), None, 400, "H0206"),
        (events.clone(), Some("12-3"), 400, "H0206"),
        (events.clone(), Some("99999"), 412, "R0308"),
        ("/events?topics=weather".to_owned(), None, 400, "H0206"),
    ] {
        let mut stream = served.open(&path, last);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {last:?}: {text}");
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{path} {last:?}: {text}");
    }
    assert_eq!(served.asked("GET", "/events", "").0, 406);
    assert_eq!(served.asked("GET", &format!("{events}?position=1"), "").0, 400);
    served.engine.stop().unwrap();
}

#[test]
fn p11_those_who_follow_are_bounded_and_have_places_of_their_own() {
    let served = serving(Measures { streams: 2, connections: 1, ..quick() });
    // Each takes the place of a connection, and gives it back when it begins to follow.
    let begun = || {
        let mut follower = served.follow("/events", None);
        assert_eq!(follower.next().unwrap().kind, "open");
        follower
    };
    let (one, _other) = (begun(), begun());
    let mut text = String::new();
    served.open("/events", None).take(40).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    // One that goes makes place for another.
    drop(one);
    loop {
        let mut line = String::new();
        BufReader::new(served.open("/events", None)).read_line(&mut line).unwrap();
        if line.starts_with("HTTP/1.1 200") {
            break;
        }
    }
    served.engine.stop().unwrap();
}

#[test]
fn one_who_is_told_nothing_gets_a_sign_of_life_and_hears_when_the_server_leaves() {
    let served = serving(Measures { heartbeat: Duration::from_millis(20), ..quick() });
    let mut follower = served.follow("/events", None);
    let mut signs = 0;
    while signs < 3 {
        signs += usize::from(follower.line().unwrap() == ":");
    }
    let Served { engine, server, folder } = served;
    server.stop();
    while follower.line().is_some() {}
    engine.stop().unwrap();
    drop(folder);
}

/// A thousand by default; `STEAD_LIVE_CLIENTS` says another number.
#[test]
fn a_thousand_clients_follow_and_each_is_told() {
    let clients: usize = std::env::var("STEAD_LIVE_CLIENTS").map_or(1_000, |number| number.parse().unwrap());
    stead_platform::machine::open_files(2 * clients as u64 + 1_000);
    let served =
        serving(Measures { stream_pause: Duration::from_millis(1), streams: clients, ..Measures::default() });
    let gate =
        json!({ "stead": 1, "name": "waits", "steps": [{ "id": "gate", "wait": { "signal": "go" } }] });
    let run = served.start(&gate);
    let path = format!("/runs/{run}/events?until=end");
    let mut followers: Vec<Follower> = (0..clients).map(|_| served.follow(&path, None)).collect();
    // The server has time for others.
    assert_eq!(served.asked("GET", &format!("/runs/{run}"), "").0, 200);
    let (status, answer) = served.asked("POST", &format!("/runs/{run}:signal"), r#"{"name": "go"}"#);
    assert_eq!(status, 200, "{answer}");
    let mut expected: Vec<u64> = served.journal(&run).into_iter().map(|(position, _)| position).collect();
    expected.dedup();
    for follower in &mut followers {
        let mut seen = Vec::new();
        while let Some(message) = follower.next() {
            seen.extend(rows(&message).iter().map(|row| row["position"].as_u64().unwrap()));
        }
        assert!(seen.len() >= expected.len() && seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    }
    served.engine.stop().unwrap();
}

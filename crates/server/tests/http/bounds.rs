//! The bounds of the server, each gone past over a real connection (P11).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use stead_server::{Measures, limits};

use crate::served::{PATIENCE, Served, rest, serving};

#[test]
fn p11_bodies_are_bounded() {
    let served = serving(Measures { body_bytes: 1_000, ..Measures::default() });
    let fits = json!({ "workflow": "w".repeat(900) }).to_string();
    assert_eq!(served.asked("POST", "/runs", &fits).1["code"], "H0205", "it is read, and is no name");
    let long = json!({ "workflow": "w".repeat(1_000) }).to_string();
    let (status, problem) = served.asked("POST", "/runs", &long);
    assert_eq!((status, &problem["code"]), (413, &json!("H0203")));
    // What does not say its length is counted.
    let chunk = "x".repeat(600);
    let chunked = format!(
        "POST /api/v1/runs HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n258\r\n{chunk}\r\n258\r\n{chunk}\r\n0\r\n\r\n",
        served.server.addr()
    );
    assert!(served.sent(&chunked).starts_with("HTTP/1.1 413 "));
}

#[test]
fn p11_a_body_has_its_time() {
    let served = serving(Measures { body_time: Duration::from_millis(50), ..Measures::default() });
    let whole = served.request("POST", "/runs", "{}{}");
    let got = served.sent(whole.strip_suffix("{}").unwrap());
    assert!(got.starts_with("HTTP/1.1 408 ") && got.contains("H0207"), "{got}");
}

#[test]
fn a_body_that_is_cut_off_does_nothing() {
    let served = serving(Measures::default());
    let whole = served.request("POST", "/runs", "{\"definition\": \"stead: 1\"}");
    let mut stream = served.connect();
    stream.write_all(&whole.as_bytes()[..whole.len() - 3]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let got = rest(stream);
    assert!(got.is_empty() || got.contains("H0208"), "{got}");
    assert_eq!(served.asked("GET", "/runs", "").1["runs"], json!([]));
}

#[test]
fn p11_heads_are_bounded_in_time_and_bytes() {
    let served = serving(Measures { head_time: Duration::from_millis(50), ..Measures::default() });
    let got = served.sent("GET /api/v1/runs HTTP/1.1\r\n");
    assert!(got.is_empty() || got.starts_with("HTTP/1.1 408 "), "{got}");
    let served = serving(Measures::default());
    let long = "x".repeat(2 * limits::HEAD_BYTES);
    let got = served
        .sent(&format!("GET /api/v1/runs HTTP/1.1\r\nhost: {}\r\nx: {long}\r\n\r\n", served.server.addr()));
    assert!(got.is_empty() || got.starts_with("HTTP/1.1 431 "), "{got}");
    assert_eq!(served.asked("GET", "/runs", "").0, 200, "others are answered");
}

#[test]
fn p11_connections_are_bounded_and_one_more_is_told() {
    let served = serving(Measures { connections: 2, ..Measures::default() });
    let request = served.request("GET", "/engine", "").replace("connection: close\r\n", "");
    let connected = || {
        let mut stream = served.connect();
        stream.write_all(request.as_bytes()).unwrap();
        // Its place is taken when it is answered.
        stream.read_exact(&mut [0]).unwrap();
        stream
    };
    let open = [connected(), connected()];
    let got = rest(served.connect());
    assert!(got.starts_with("HTTP/1.1 503 ") && got.contains("H0302"), "{got}");
    drop(open);
    let begun = std::time::Instant::now();
    while served.sent(&served.request("GET", "/engine", "")).starts_with("HTTP/1.1 503 ") {
        assert!(begun.elapsed() < PATIENCE, "the places were not given back");
    }
}

#[test]
fn p11_requests_wait_for_their_turn_for_a_time() {
    let served =
        serving(Measures { handlers: 1, turn_time: Duration::from_millis(1), ..Measures::default() });
    // A definition of so many steps is checked for longer than that.
    let steps: String = (0..3_000).map(|n| format!("  - {{ id: s{n}, run: 'true' }}\n")).collect();
    let body =
        json!({ "definition": format!("stead: 1\nname: long\nsteps:\n{steps}"), "inputs": {"none": 1} })
            .to_string();
    let request = served.request("POST", "/runs", &body);
    let all: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let got: Vec<String> = all.into_iter().map(rest).collect();
    let busy = got.iter().filter(|got| got.starts_with("HTTP/1.1 503 ") && got.contains("H0301"));
    let done = got.iter().filter(|got| got.starts_with("HTTP/1.1 422 "));
    assert_eq!((busy.clone().count() + done.clone().count(), got.len()), (8, 8), "{got:?}");
    assert!(busy.count() > 0 && done.count() > 0, "{got:?}");
}

#[test]
fn p11_who_takes_in_nothing_is_cut_off() {
    let served =
        serving(Measures { stall: Duration::from_millis(100), connections: 1, ..Measures::default() });
    let text = "x".repeat(1 << 19);
    let definition = format!("stead: 1\nname: big\nsteps:\n  - {{ id: a, set: {{ b: '{text}' }} }}\n");
    let (status, got) = served.asked("POST", "/runs", &json!({ "definition": definition }).to_string());
    assert_eq!(status, 201, "{got}");
    let run = got["run"].as_str().unwrap();
    let mut stream = served.connect();
    let ask =
        served.request("GET", &format!("/runs/{run}/definition"), "").replace("connection: close\r\n", "");
    // More answers than the system keeps for who does not read; the place is the only one.
    stream.write_all(ask.repeat(80).as_bytes()).unwrap();
    let begun = std::time::Instant::now();
    while served.sent(&served.request("GET", "/engine", "")).starts_with("HTTP/1.1 503 ") {
        assert!(begun.elapsed() < PATIENCE, "it was not cut off");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn p11_so_many_runs_are_acted_on_at_once() {
    let served = serving(Measures::default());
    let ids =
        |n: usize| json!({"action": "cancel", "ids": (0..n).map(|n| format!("r_{n}")).collect::<Vec<_>>()});
    let (status, told) = served.asked("POST", "/runs:bulk", &ids(limits::BULK).to_string());
    assert_eq!((status, &told["failed"]), (200, &json!(limits::BULK)));
    let (status, told) = served.asked("POST", "/runs:bulk", &ids(limits::BULK + 1).to_string());
    assert_eq!((status, &told["code"]), (400, &json!("H0205")), "{told}");
}

#[test]
fn p11_pages_are_bounded() {
    let served = serving(Measures::default());
    for limit in ["0", "501", "-1", "x"] {
        assert_eq!(served.asked("GET", &format!("/runs?limit={limit}"), "").1["code"], "H0206", "{limit}");
    }
    assert_eq!(served.asked("GET", &format!("/runs?limit={}", limits::PAGE), "").0, 200);
    let definition = "stead: 1\nname: a\nsteps:\n  - { id: a, set: { b: 1 } }\n";
    for _ in 0..=limits::PAGE_USUAL {
        assert_eq!(served.asked("POST", "/runs", &json!({ "definition": definition }).to_string()).0, 201);
    }
    let (_, page) = served.asked("GET", "/runs", "");
    assert_eq!(page["runs"].as_array().unwrap().len(), limits::PAGE_USUAL);
    let (_, next) = served.asked("GET", &format!("/runs?after={}", page["next"].as_str().unwrap()), "");
    assert_eq!((next["runs"].as_array().unwrap().len(), &next["next"]), (1, &Value::Null));
}

/// What is on its way into a home.
fn on_its_way(served: &Served) -> usize {
    std::fs::read_dir(served.folder.path().join(".stead/uploads/tmp")).map_or(0, Iterator::count)
}

#[test]
fn p11_files_that_are_uploaded_are_bounded() {
    let served = serving(Measures { upload_bytes: 1_000, ..Measures::default() });
    let (status, told) = served.asked("POST", "/files", &"x".repeat(1_000));
    assert_eq!((status, &told["size"]), (201, &json!(1_000)), "{told}");
    // Said beforehand: none of it is waited for.
    let said = served.request("POST", "/files", "").replace("content-length: 0", "content-length: 1001");
    let got = served.sent(&said);
    assert!(got.starts_with("HTTP/1.1 413 ") && got.contains("H0203"), "{got}");
    // What does not say its length is counted.
    let chunk = format!("258\r\n{}\r\n", "x".repeat(600));
    let chunked =
        served.request("POST", "/files", "").replace("content-length: 0", "transfer-encoding: chunked");
    let got = served.sent(&format!("{chunked}{chunk}{chunk}0\r\n\r\n"));
    assert!(got.starts_with("HTTP/1.1 413 ") && got.contains("H0203"), "{got}");
    let begun = std::time::Instant::now();
    while on_its_way(&served) > 0 {
        assert!(begun.elapsed() < PATIENCE, "nothing is to be left of it");
    }
}

#[test]
fn a_file_that_is_cut_off_or_does_not_go_on_leaves_nothing() {
    let served = serving(Measures { stall: Duration::from_millis(200), ..Measures::default() });
    let whole = served.request("POST", "/files", &"x".repeat(100_000));
    let mut stream = served.connect();
    stream.write_all(&whole.as_bytes()[..whole.len() - 3]).unwrap();
    let begun = std::time::Instant::now();
    while on_its_way(&served) == 0 {
        assert!(begun.elapsed() < PATIENCE, "it did not begin");
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let got = rest(stream);
    assert!(got.is_empty() || got.contains("H0208"), "{got}");
    // One that comes no further is ended.
    let mut stream = served.connect();
    stream.write_all(&whole.as_bytes()[..whole.len() - 3]).unwrap();
    let got = rest(stream);
    assert!(got.starts_with("HTTP/1.1 408 ") && got.contains("H0207"), "{got}");
    while on_its_way(&served) > 0 {
        assert!(begun.elapsed() < PATIENCE, "nothing is to be left of it");
    }
    let hash = blake3::hash("x".repeat(100_000 - 3).as_bytes()).to_hex();
    assert_eq!(served.asked("GET", &format!("/files/{hash}"), "").1["code"], "R0213");
}

#[test]
fn p11_so_many_files_are_uploaded_at_once() {
    let served = serving(Measures { turn_time: Duration::from_millis(1), ..Measures::default() });
    let begun = served.request("POST", "/files", "x");
    let all: Vec<TcpStream> = (0..limits::UPLOADS)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(begun.strip_suffix('x').unwrap().as_bytes()).unwrap();
            stream
        })
        .collect();
    let since = std::time::Instant::now();
    while on_its_way(&served) < limits::UPLOADS {
        assert!(since.elapsed() < PATIENCE, "they did not begin");
    }
    let got = served.sent(&begun);
    assert!(got.starts_with("HTTP/1.1 503 ") && got.contains("H0301"), "{got}");
    assert_eq!(served.asked("GET", "/engine", "").0, 200, "others are answered");
    for mut stream in all {
        stream.write_all(b"x").unwrap();
        assert!(rest(stream).starts_with("HTTP/1.1 201 "));
    }
}

#[test]
fn p11_a_server_that_stops_waits_for_requests_for_a_time() {
    let served = serving(Measures { drain: Duration::from_millis(50), ..Measures::default() });
    let mut stream = served.connect();
    let whole = served.request("POST", "/runs", "{}{}");
    stream.write_all(whole.strip_suffix("{}").unwrap().as_bytes()).unwrap();
    let Served { folder, engine, server } = served;
    // It would wait for the rest of the body for half a minute.
    server.stop();
    assert_eq!(rest(stream), "");
    engine.stop().unwrap();
    drop(folder);
}

#[test]
fn p11_bodies_of_webhooks_are_bounded() {
    let served = serving(Measures { hook_bytes: 100, ..Measures::default() });
    let posted = |length: usize| {
        let (addr, body) = (served.server.addr(), "x".repeat(length));
        served.sent(&format!(
            "POST /hooks/none HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    };
    assert!(posted(100).starts_with("HTTP/1.1 401 "), "{}", posted(100));
    assert!(posted(101).starts_with("HTTP/1.1 413 "), "{}", posted(101));
}

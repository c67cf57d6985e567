//! Whether a server is ready, as what happens to its store decides it.

use std::time::{Duration, Instant};

use serde_json::json;
use stead_engine::log::{Format, Level, Log};
use stead_server::Measures;
use stead_store::sqlite::Options;

use crate::served::{PATIENCE, Served, serving, serving_with};

/// Status and text of a path outside of the API.
fn told(served: &Served, path: &str) -> (u16, String) {
    let got = served.sent(&format!("GET {path} HTTP/1.1\r\nhost: 192.0.2.7\r\nconnection: close\r\n\r\n"));
    let (head, body) = got.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {got}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[track_caller]
fn becomes(served: &Served, status: u16, text: &str) {
    let begun = Instant::now();
    loop {
        let now = told(served, "/readyz");
        if now == (status, text.to_owned()) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{now:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_cannot_write_is_not_ready_until_it_can() {
    let store = Options { busy: Duration::from_millis(10), ..Options::default() };
    let of_engine = stead_engine::Measures { store, ..stead_engine::Measures::default() };
    let file = tempfile::NamedTempFile::new().unwrap();
    let log = Log::to(file.reopen().unwrap(), Format::Text, Level::Warn).unwrap();
    let served = serving_with(Measures::default(), of_engine, log.clone());
    assert_eq!(told(&served, "/readyz"), (200, "ok\n".into()));
    let other = rusqlite::Connection::open(served.folder.path().join(".stead/stead.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(told(&served, "/readyz"), (200, "ok\n".into()), "nobody has tried yet");
    let run = json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, noop: 1 }\n"}).to_string();
    let (status, problem) = served.asked("POST", "/runs", &run);
    assert_eq!((status, &problem["code"]), (503, &json!("R0307")));
    // What could not be written was taken back, and nothing else is to be written: it is known all the same, and stays so.
    for _ in 0..20 {
        assert_eq!(told(&served, "/readyz"), (503, "the store cannot be written\n".into()));
        assert_eq!(served.asked("GET", "/runs", "").0, 200, "what reads is answered");
    }
    let metrics = served.sent(&format!(
        "GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        served.server.addr()
    ));
    assert!(metrics.contains("\nstead_store_writable 0\n"), "{metrics}");
    assert_eq!(told(&served, "/livez"), (200, "ok\n".into()));
    other.execute_batch("ROLLBACK").unwrap();
    // Nobody has to ask for anything.
    becomes(&served, 200, "ok\n");
    assert_eq!(served.asked("POST", "/runs", &run).0, 201);
    // Once each, however often it was tried meanwhile.
    log.flush(PATIENCE);
    let said = std::fs::read_to_string(file.path()).unwrap();
    let events: Vec<&str> = said.lines().filter(|line| line.contains(" store.")).collect();
    assert_eq!(events.len(), 2, "{said}");
    assert!(events[0].contains(" error store.unwritable code=S0404 why="), "{said}");
    assert!(events[1].contains(" warn  store.writable seconds="), "{said}");
    let refused: Vec<&str> = said.lines().filter(|line| line.contains(" request ")).collect();
    // Those who asked whether it is ready follow.
    assert!(refused.len() >= 21, "{said}");
    assert!(refused[0].contains("method=POST route=/api/v1/runs status=503"), "{said}");
}

#[test]
fn whoever_watches_is_answered_however_much_there_is_to_do() {
    let served = serving(Measures { handlers: 1, turn_time: Duration::from_secs(60), ..Measures::default() });
    let run = json!({"definition": "stead: 1\nname: a\nsteps:\n  - { id: a, noop: 1 }\n"}).to_string();
    let held = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| served.asked("POST", "/runs", &run).0)).collect();
        let told: Vec<_> = (0..50).map(|n| told(&served, ["/livez", "/readyz"][n % 2])).collect();
        assert!(told.iter().all(|told| *told == (200, "ok\n".into())), "{told:?}");
        asked.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(held, [201; 8]);
}

#[test]
fn an_engine_that_has_stopped_is_told_of() {
    let Served { folder, engine, server } = serving(Measures::default());
    engine.stop().unwrap();
    let mut stream = std::net::TcpStream::connect(server.addr()).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let got = crate::served::rest(stream);
    assert!(got.starts_with("HTTP/1.1 503 ") && got.ends_with("the engine has stopped\n"), "{got}");
    drop((folder, server));
}

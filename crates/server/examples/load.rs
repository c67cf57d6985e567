//! The load test of docs/benchmarks.md: a server over loopback, bounded in time and number.
//!
//! `cargo xtask bench http` builds and runs this and makes the table. One line of JSON per cell:
//! `{"name", "value", "unit", "detail"}`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool: it prints, and stops when something is off"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_engine::engine::draw_run;
use stead_engine::operations::Operation;
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::{Engine, Home, Settings};
use stead_lang::Bundle;
use stead_server::{Host, Measures, Server, listen};

const ONE: &str = "stead: 1\nname: one\nsteps: [ { id: a, noop: 1 } ]\n";
const THREE: &str =
    "stead: 1\nname: three\nsteps: [ { id: a, noop: 1 }, { id: b, noop: 2 }, { id: c, noop: 3 } ]\n";
const GATE: &str = "stead: 1\nname: gate\nsteps: [ { id: g, approve: { title: 'Go on?' } } ]\n";
const SIGNALS: &str = "stead: 1\nname: signals\nsteps: [ { id: w, loop: { max: 1000, until: 'false' }, wait: { signal: go } } ]\n";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, binary) = (PathBuf::from(&args[0]).join("http"), PathBuf::from(&args[1]));
    stead_platform::machine::open_files(16_000);
    idle(&folder, &binary);
    let bench = Bench::new(&folder);
    bench.starts(1, 2_000);
    bench.starts(16, 8_000);
    bench.decisions(16, 2_000);
    bench.lists(1_000);
    bench.latency(50);
    let none = bench.runs(10_000);
    report(
        "W3 beside nobody",
        none,
        "runs/s",
        "10000 runs of 3 noop steps, started by 16 callers in the process",
    );
    let followers = bench.followers(1_000, "run");
    let waiting = bench.runs(10_000);
    report("W3 beside 1000 who each follow another run", waiting, "runs/s", &ratio(waiting, none));
    drop(followers);
    let followers = bench.followers(100, "lists");
    let lists = bench.runs(10_000);
    report("W3 beside 100 who follow all lists", lists, "runs/s", &ratio(lists, none));
    drop(followers);
    bench.close();
}

fn ratio(now: f64, before: f64) -> String {
    format!("{:.0} % of that beside nobody", 100.0 * now / before)
}

fn report(name: &str, value: f64, unit: &str, detail: &str) {
    println!("{}", json!({"name": name, "value": value, "unit": unit, "detail": detail}));
}

/// Memory of a server that has nothing to do.
fn idle(folder: &Path, binary: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    let mut serve = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder)
        .env("STEAD_HOME", folder.join("idle"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(serve.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let status = std::fs::read_to_string(format!("/proc/{}/status", serve.id())).unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: f64 = kib.trim().trim_end_matches(" kB").parse().unwrap();
    report("an idle server: memory", kib / 1024.0, "MB", "resident, half a second after it listens");
    serve.kill().unwrap();
    serve.wait().unwrap();
}

struct Bench {
    engine: Engine,
    server: Server,
    folder: PathBuf,
}

/// How long each of many took.
struct Times(Vec<Duration>);

impl Times {
    fn at(&self, share: f64) -> f64 {
        // Of so many that one more or less says nothing.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let place = (self.0.len() as f64 * share) as usize;
        self.0[place.min(self.0.len() - 1)].as_secs_f64() * 1_000.0
    }

    fn told(&mut self) -> String {
        self.0.sort();
        format!("p50 {:.2} ms, p99 {:.2} ms", self.at(0.5), self.at(0.99))
    }
}

impl Bench {
    fn new(folder: &Path) -> Self {
        let home = Home::at(&folder.join("home"));
        let engine = Engine::open(&home, Settings::from(Arc::new(EnvironmentSecrets))).unwrap();
        let host =
            Host { asker: engine.asker(), by: "user:bench".into(), folder: folder.to_owned(), public: None };
        let server =
            Server::start(host, listen::address("127.0.0.1:0").unwrap(), Measures::default()).unwrap();
        Self { engine, server, folder: folder.to_owned() }
    }

    fn close(self) {
        self.server.stop();
        self.engine.stop().unwrap();
        let _ = std::fs::remove_dir_all(self.folder);
    }

    /// Requests by so many clients, each on a connection of its own that stays open.
    fn asked(&self, clients: usize, requests: &[(String, String)]) -> (f64, Times) {
        let (addr, next) = (self.server.addr(), AtomicUsize::new(0));
        let begun = Instant::now();
        let times = std::thread::scope(|scope| {
            let one = || {
                let mut client = Client::new(addr);
                let mut times = Vec::new();
                while let Some((path, body)) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    client.ask(path, body);
                    times.push(begun.elapsed());
                }
                times
            };
            let threads: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let many = f64::from(u32::try_from(requests.len()).unwrap());
        (many / begun.elapsed().as_secs_f64(), Times(times))
    }

    fn starts(&self, clients: usize, count: usize) {
        let request = ("/runs".to_owned(), json!({"definition": ONE}).to_string());
        let (rate, mut times) = self.asked(clients, &vec![request; count]);
        report(&format!("start a run, {clients} at a time"), rate, "/s", &times.told());
    }

    fn decisions(&self, clients: usize, count: usize) {
        let request = ("/runs".to_owned(), json!({"definition": GATE}).to_string());
        self.asked(clients, &vec![request; count]);
        let mut client = Client::new(self.server.addr());
        let (mut tasks, mut after) = (Vec::new(), String::new());
        while tasks.len() < count {
            let page = client.ask(&format!("/tasks?limit=500{after}"), "");
            let rows = page["tasks"].as_array().unwrap();
            tasks.extend(rows.iter().map(|task| task["task"].as_str().unwrap().to_owned()));
            after = page["next"].as_str().map(|next| format!("&after={next}")).unwrap_or_default();
            if after.is_empty() && tasks.len() < count {
                tasks.clear();
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let decide = |task: &String| (format!("/tasks/{task}:decide"), r#"{"accept":true}"#.to_owned());
        let requests: Vec<_> = tasks.iter().map(decide).collect();
        let (rate, mut times) = self.asked(clients, &requests);
        report(&format!("decide a gate, {clients} at a time"), rate, "/s", &times.told());
    }

    fn lists(&self, count: usize) {
        let request = ("/runs?limit=50".to_owned(), String::new());
        let (rate, mut times) = self.asked(1, &vec![request; count]);
        report("list 50 of 12000 runs, 1 at a time", rate, "/s", &times.told());
    }

    /// From the moment at which a signal is sent until one who follows hears of it.
    fn latency(&self, count: usize) {
        let mut client = Client::new(self.server.addr());
        let run = self.waiting(&mut client);
        let mut lines = BufReader::new(follow(self.server.addr(), &format!("/runs/{run}/events")));
        let mut line = String::new();
        let mut heard = |what: &str| loop {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0);
            if line.contains(what) {
                return;
            }
        };
        heard("signal_awaited");
        let mut times = Vec::new();
        for _ in 0..count {
            // Between two messages a client is left alone for a while.
            std::thread::sleep(Duration::from_millis(150));
            let begun = Instant::now();
            client.ask(&format!("/runs/{run}:signal"), r#"{"name":"go"}"#);
            heard("signal_");
            times.push(begun.elapsed());
        }
        let mut times = Times(times);
        let told = times.told();
        report("live events: from a signal until one who follows hears of it", times.at(0.5), "ms", &told);
    }

    fn waiting(&self, client: &mut Client) -> String {
        let started = client.ask("/runs", &json!({"definition": SIGNALS}).to_string());
        started["run"].as_str().unwrap().to_owned()
    }

    fn followers(&self, count: usize, what: &str) -> Vec<TcpStream> {
        let mut client = Client::new(self.server.addr());
        let mut all = Vec::new();
        for _ in 0..count {
            let path = match what {
                "lists" => "/events".to_owned(),
                _ => format!("/runs/{}/events", self.waiting(&mut client)),
            };
            let stream = follow(self.server.addr(), &path);
            // What comes is taken in and thrown away.
            let mut taken = stream.try_clone().unwrap();
            let drain = move || {
                let mut bytes = [0; 65536];
                while taken.read(&mut bytes).is_ok_and(|read| read > 0) {}
            };
            std::thread::Builder::new().stack_size(128 << 10).spawn(drain).unwrap();
            all.push(stream);
        }
        all
    }

    /// Runs of three steps a second, started in this process.
    fn runs(&self, count: usize) -> f64 {
        let written = self.engine.follow().unwrap();
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let asker = self.engine.asker();
                    while next.fetch_add(1, Ordering::Relaxed) < count {
                        asker.ask(start()).unwrap();
                    }
                });
            }
            let mut ended = 0;
            while ended < count {
                let row = written.recv_timeout(Duration::from_secs(60)).unwrap();
                let done = String::from_utf8_lossy(&row.events).matches("\"run_completed\"").count();
                ended += done;
            }
        });
        f64::from(u32::try_from(count).unwrap()) / begun.elapsed().as_secs_f64()
    }
}

fn start() -> Operation {
    let run: StreamId = draw_run().unwrap();
    Operation::Start {
        run,
        bundle: Bundle::single("three.yml", THREE),
        inputs: Map::new(),
        project: String::new(),
        folder: "/tmp".into(),
        breaks: Breaks::default(),
        by: "user:bench".into(),
    }
}

fn follow(addr: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    let request = format!("GET /api/v1{path} HTTP/1.1\r\nhost: {addr}\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A client with a connection that stays open.
struct Client {
    addr: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { addr, stream: BufReader::new(stream) }
    }

    fn ask(&mut self, path: &str, body: &str) -> Value {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let (addr, length) = (self.addr, body.len());
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length, mut well) = (String::new(), 0, false);
        while line != "\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up");
            well |= line.starts_with("HTTP/1.1 2");
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        assert!(well, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

//! The workloads of docs/benchmarks.md, each beside what the disk gives in the same minute.
//!
//! `cargo xtask bench` builds and runs this and makes the table. One line of JSON per cell:
//! `{"name", "value", "unit", "detail"}`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool: it prints, and stops when something is off"
)]

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use serde_json::{Map, Value, json};
use stead_core::effect::{AttemptId, AttemptResult, Effect};
use stead_core::ids::StreamId;
use stead_core::run::Input;
use stead_core::run::event::Breaks;
use stead_engine::driver::{Addressed, Driver, Written};
use stead_engine::operations::{Operation, Receivers};
use stead_engine::secrets::EnvironmentSecrets;
use stead_engine::tasks::{Deed, TaskOperation, TaskQuery};
use stead_engine::{Engine, Home};
use stead_lang::Bundle;
use stead_store::memory::MemoryStore;
use stead_store::{Commit, Store as _};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, home, waiting, running] = &args[..]
        && mode == HOLD
    {
        return hold(Path::new(home), waiting.parse().unwrap(), running.parse().unwrap());
    }
    let folder = PathBuf::from(&args[0]);
    let binary = PathBuf::from(&args[1]);
    let wanted = &args[2..];
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(name));
    calibrate(&folder);
    if wants("w1") {
        one_process(&folder, &binary);
    }
    if wants("w2a") {
        for n in [10_000, 100_000] {
            steps(&folder, &format!("W2a {n} set steps"), n, "set: { n: '${{ iteration + 1 }}' }");
        }
    }
    if wants("w2b") {
        for n in [1_000, 10_000] {
            steps(&folder, &format!("W2b {n} noop steps"), n, "noop: '${{ iteration + 1 }}'");
        }
    }
    if wants("w3") {
        many_runs(&folder, 10_000);
    }
    if wants("w4") {
        for _ in 0..3 {
            fan_out(&folder, 1_000);
        }
    }
    if wants("w5") {
        parked(&folder, 10_000, true);
        parked(&folder, 100_000, false);
    }
    if wants("tasks") {
        asked(&folder, 100_000);
    }
    if wants("w6") {
        processes(&folder, 200);
    }
    if wants("batch") {
        for rows in [10_000, 100_000] {
            batch(&folder, &binary, rows);
        }
    }
    if wants("m") {
        turns(100_000);
        for batch in [1, 64] {
            commits(&folder, batch);
        }
    }
    if wants("recovery") {
        recovery(&folder, 10_000, 1_000);
    }
}

fn report(name: &str, value: f64, unit: &str, detail: &str) {
    println!("{}", json!({"name": name, "value": value, "unit": unit, "detail": detail}));
}

/// What the disk and the system give, for the ratios.
fn calibrate(folder: &Path) {
    let path = folder.join("calibration");
    let mut file = File::options().create(true).append(true).open(&path).unwrap();
    let (start, mut count) = (Instant::now(), 0u32);
    while start.elapsed() < Duration::from_millis(700) {
        file.write_all(&[b'x'; 200]).unwrap();
        rustix::fs::fdatasync(file.as_fd()).unwrap();
        count += 1;
    }
    report(
        "disk: fdatasync of 200 bytes appended",
        f64::from(count) / start.elapsed().as_secs_f64(),
        "/s",
        "",
    );
    let rate = bare_commits(&folder.join("bare.db"));
    report("disk: SQLite, one row a commit, WAL, FULL", rate, "/s", "");
    let (start, n) = (Instant::now(), 200);
    for _ in 0..n {
        Command::new("/bin/true").status().unwrap();
    }
    let each = start.elapsed().as_secs_f64() * 1_000.0 / f64::from(n);
    report("system: spawn and wait for /bin/true", each, "ms", "");
}

/// One row of 200 bytes a commit, in a database as plain as can be: what the disk gives at most.
fn bare_commits(path: &Path) -> f64 {
    let _ = std::fs::remove_file(path);
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB);",
    )
    .unwrap();
    let mut insert = db.prepare("INSERT INTO t(b) VALUES (?1)").unwrap();
    let (start, mut count) = (Instant::now(), 0u32);
    while start.elapsed() < Duration::from_secs(1) {
        insert.execute([&[b'y'; 200][..]]).unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

struct Bench {
    engine: Engine,
    follow: Receiver<Written>,
    home: tempfile::TempDir,
}

impl Bench {
    fn new(folder: &Path) -> Self {
        Self::at(tempfile::tempdir_in(folder).unwrap())
    }

    fn at(home: tempfile::TempDir) -> Self {
        let engine = Engine::open(&Home::at(home.path()), Arc::new(EnvironmentSecrets)).unwrap();
        let follow = engine.follow().unwrap();
        Self { engine, follow, home }
    }

    fn run(number: u64) -> StreamId {
        let mut chance = [0u8; 10];
        chance[..8].copy_from_slice(&number.to_be_bytes());
        StreamId::run(chance)
    }

    fn start(&self, number: u64, text: &str) -> StreamId {
        self.start_in("/", number, text)
    }

    fn start_in(&self, folder: &str, number: u64, text: &str) -> StreamId {
        let bundle = Bundle::single("bench.yml", text);
        let run = Self::run(number);
        let (project, folder) = (String::new(), folder.to_owned());
        self.engine
            .ask(Operation::Start {
                run: run.clone(),
                bundle,
                inputs: Map::new(),
                project,
                folder,
                breaks: Breaks::default(),
                by: "user:ana".into(),
            })
            .unwrap();
        run
    }

    /// Sends the signal that a run waits for.
    fn signal(&self, number: u64) {
        let to = Receivers::Run(Self::run(number).to_string());
        let (name, data, by) = ("go".to_owned(), json!(number), "user:bench".to_owned());
        self.engine.ask(Operation::Signal { to, name, step: None, data, id: None, by }).unwrap();
    }

    /// Waits until so many events of a type were written.
    fn count(&self, what: &str, n: u64) {
        let wanted = format!("\"type\":\"{what}\"");
        let mut left = n;
        while left > 0 {
            let written = self.follow.recv().unwrap();
            left -= u64::from(String::from_utf8_lossy(&written.events).contains(&wanted));
        }
    }

    /// Waits until a run ends; gives what it came to.
    fn next_end(&self) -> Value {
        loop {
            let written = self.follow.recv().unwrap();
            // The end of a run is the last event of its last row.
            let tail = &written.events[written.events.len().saturating_sub(400)..];
            if !String::from_utf8_lossy(tail).contains("\"run_") {
                continue;
            }
            let events: Vec<Value> = serde_json::from_slice(&written.events).unwrap();
            let last = events.last().unwrap();
            match last["type"].as_str() {
                Some("run_completed") => return last["outputs"]["value"].clone(),
                Some("run_failed" | "run_cancelled") => panic!("{last}"),
                _ => {}
            }
        }
    }

    /// Stops, and says how large the database is with all that was written moved into it.
    fn stop(self) -> u64 {
        self.engine.stop().unwrap();
        let path = self.home.path().join("stead.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        std::fs::metadata(path).map_or(0, |m| m.len())
    }
}

fn head(body: &str) -> String {
    format!("stead: 1\nname: bench\n{body}")
}

fn one_process(folder: &Path, binary: &Path) {
    let definition = folder.join("hello.yml");
    std::fs::write(&definition, head("steps:\n  - id: hello\n    run: [echo, hello]\n")).unwrap();
    let (mut walls, before) = (Vec::new(), children_cpu());
    // The system counts CPU time in hundredths of a second, so it is taken over all of them.
    let times = 50;
    for _ in 0..times {
        let home = tempfile::tempdir_in(folder).unwrap();
        let start = Instant::now();
        let output =
            Command::new(binary).arg("run").arg(&definition).env("STEAD_HOME", home.path()).output().unwrap();
        walls.push(start.elapsed().as_secs_f64() * 1_000.0);
        assert!(output.status.success(), "{output:?}");
    }
    let cpu = (children_cpu() - before) / f64::from(times);
    let detail = format!("median of {times}, home made from nothing");
    report("W1 one-step run, whole process: wall", median(&mut walls), "ms", &detail);
    report("W1 one-step run, whole process: CPU", cpu, "ms", "mean, the step's own program included");
}

/// CPU time of children that ended, in milliseconds.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[13..15].iter().map(|f| f.parse::<f64>().unwrap()).sum();
    ticks * 10.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn steps(folder: &Path, name: &str, n: u32, action: &str) {
    let bench = Bench::new(folder);
    let text = head(&format!("steps:\n  - id: s\n    loop: {{ max: {n} }}\n    {action}\n"));
    let start = Instant::now();
    bench.start(1, &text);
    let outputs = bench.next_end();
    let rate = f64::from(n) / start.elapsed().as_secs_f64();
    let n_out = if outputs["s"].is_object() { &outputs["s"]["n"] } else { &outputs["s"] };
    assert_eq!(*n_out, json!(n + 1));
    let bytes = bench.stop() / u64::from(n);
    report(name, rate, "steps/s", &format!("{bytes} bytes a step in the database"));
}

fn many_runs(folder: &Path, runs: u64) {
    let bench = Bench::new(folder);
    let text = head(
        "steps:\n  - { id: a, noop: 1 }\n  - { id: b, noop: '${{ steps.a.output + 1 }}' }\n  - { id: c, noop: '${{ steps.b.output + 1 }}' }\n",
    );
    let start = Instant::now();
    let bench = Arc::new(bench);
    let next = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let (permits, places) = crossbeam_channel::bounded::<()>(64);
    for _ in 0..64 {
        permits.send(()).unwrap();
    }
    let starters: Vec<_> = (0..16)
        .map(|_| {
            let (bench, next, places, text) = (bench.clone(), next.clone(), places.clone(), text.clone());
            std::thread::spawn(move || {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= runs || places.recv().is_err() {
                        return;
                    }
                    bench.start(number, &text);
                }
            })
        })
        .collect();
    for _ in 0..runs {
        assert_eq!(bench.next_end()["c"], json!(3));
        let _ = permits.send(());
    }
    let rate = runs as f64 / start.elapsed().as_secs_f64();
    for starter in starters {
        starter.join().unwrap();
    }
    report(
        &format!("W3 {runs} runs of 3 noop steps, 64 at a time"),
        rate,
        "runs/s",
        "16 callers, each start answered when durable",
    );
}

fn fan_out(folder: &Path, n: u32) {
    let bench = Bench::new(folder);
    let list = json!((1..=n).collect::<Vec<_>>());
    let text = head(&format!(
        "inputs: {{ all: {{ type: array, default: {list} }} }}\nsteps:\n  - id: each\n    foreach: {{ in: '${{{{ inputs.all }}}}', parallel: {n} }}\n    noop: '${{{{ item }}}}'\noutputs: {{ sum: '${{{{ sum(steps.each.output) }}}}' }}\n"
    ));
    let start = Instant::now();
    bench.start(1, &text);
    let outputs = bench.next_end();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(outputs["sum"], json!(n * (n + 1) / 2));
    report(&format!("W4 {n} parallel noop steps in one run"), seconds * 1_000.0, "ms", "");
    bench.engine.stop().unwrap();
}

/// Memory of this process, in MB: the engine's with what is measured around it.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// Does something for each number, 64 at a time.
fn together<R>(n: u64, each: impl Fn(u64) + Sync, meanwhile: impl FnOnce() -> R) -> R {
    let next = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= n {
                        return;
                    }
                    each(number);
                }
            });
        }
        meanwhile()
    })
}

/// Runs that each wait for a signal, and then get it: all, or one after another a few of them.
fn parked(folder: &Path, n: u64, all: bool) {
    let before = resident();
    let bench = Bench::new(folder);
    let text = head("steps:\n  - { id: w, wait: { signal: go } }\n");
    let start = Instant::now();
    together(n, |number| drop(bench.start(number, &text)), || bench.count("signal_awaited", n));
    let seconds = start.elapsed().as_secs_f64();
    report(&format!("W5 {n} runs parked"), seconds, "s", "64 callers, each start answered when durable");
    let memory = resident();
    let detail = format!("{:.1} MB more than before they were there", memory - before);
    report(&format!("W5 {n} parked runs: memory of the process"), memory, "MB", &detail);
    if all {
        let start = Instant::now();
        together(n, |number| bench.signal(number), || bench.count("run_completed", n));
        let seconds = start.elapsed().as_secs_f64();
        report(
            &format!("W5 {n} parked runs signalled and ended"),
            seconds,
            "s",
            "64 callers, each answered when durable",
        );
    } else {
        let mut times: Vec<f64> = (0..50)
            .map(|at| {
                let start = Instant::now();
                bench.signal(at * n / 50);
                bench.count("run_completed", 1);
                start.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        let name = format!("W5 one signal among {n} parked runs, until its run has ended");
        let worst = times.iter().copied().fold(0.0, f64::max);
        report(&name, median(&mut times), "ms", &format!("median of 50, at most {worst:.1} ms"));
    }
    bench.engine.stop().unwrap();
}

/// Gates that wait for a person, the inbox of one, and a decision on one of them.
fn asked(folder: &Path, n: u64) {
    let bench = Bench::new(folder);
    let text = head("steps:\n  - { id: ship, approve: { title: Ship it? } }\n");
    let start = Instant::now();
    // Once of the run and once of the task.
    together(n, |number| drop(bench.start(number, &text)), || bench.count("task_opened", 2 * n));
    report(
        &format!("tasks: {n} runs that ask"),
        start.elapsed().as_secs_f64(),
        "s",
        "until each task is open",
    );
    let by = || "user:ana".to_owned();
    let list = |query| bench.engine.ask(Operation::Task(TaskOperation::List { query, by: by() })).unwrap();
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            let start = Instant::now();
            list(TaskQuery { limit: 50, ..TaskQuery::default() });
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    let worst = times.iter().copied().fold(0.0, f64::max);
    let detail = format!("50 of them, median of 50, at most {worst:.1} ms");
    report(&format!("tasks: the inbox of one person among {n}"), median(&mut times), "ms", &detail);
    let mut times: Vec<f64> = (0..50)
        .map(|at| {
            let start = Instant::now();
            let task = format!("{}/ship", Bench::run(at * n / 50));
            let (accept, comment, form, version) = (true, String::new(), None, None);
            let deed = Deed::Decide { accept, comment, form, version };
            bench.engine.ask(Operation::Task(TaskOperation::Act { task, deed, by: by() })).unwrap();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    let worst = times.iter().copied().fold(0.0, f64::max);
    let detail = format!("median of 50, at most {worst:.1} ms");
    report(&format!("tasks: one decision among {n}, until it is durable"), median(&mut times), "ms", &detail);
    bench.engine.stop().unwrap();
}

/// CPU time of this thread.
fn on_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Turns of a run whose steps end one after another, written to memory: the core and the driver, without a disk and
/// without threads.
fn turns(n: u32) {
    let home = tempfile::tempdir().unwrap();
    let files = stead_store::files::FileStore::open(&home.path().join("files")).unwrap();
    let mut driver = Driver::new(MemoryStore::new(), files).unwrap();
    let text =
        head(&format!("steps:\n  - id: s\n    loop: {{ max: {n} }}\n    noop: '${{{{ iteration + 1 }}}}'\n"));
    let bundle = Bundle::single("bench.yml", text);
    let plan = stead_lang::check(&bundle).plan.unwrap();
    let (revision, run) = (plan.revision.clone(), Bench::run(1));
    driver.plans().put(plan);
    let (project, folder, inputs) = (String::new(), "/".to_owned(), Vec::new());
    let start = Input::Start { inputs, project, folder, breaks: Breaks::default(), by: "user:ana".into() };
    driver.push(Addressed { revision: Some(revision), ..Addressed::to(run, start) });
    let (begun, mut at, mut turns) = (on_cpu(), 0, 0u32);
    while driver.is_busy() {
        at += 1;
        let stepped = driver.step(at).unwrap();
        turns += 1;
        for (effect, _) in stepped.effects {
            let Effect::Execute(job) = effect else { continue };
            let result = AttemptResult { output: Some(json!(turns)), ..AttemptResult::default() };
            let AttemptId { stream, path, number } = job.attempt;
            driver.push(Addressed::to(stream, Input::AttemptEnded { path, number, result }));
        }
    }
    assert!(turns > n);
    let micros = (on_cpu() - begun).as_secs_f64() * 1e6 / f64::from(turns);
    report("M3 turn of a step that ends and the next one", micros, "us", "with its commit to memory, CPU");
}

/// Turns of that size in the store alone.
fn commits(folder: &Path, batch: u64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let mut store = stead_store::sqlite::SqliteStore::open(&folder.path().join("stead.db")).unwrap();
    let fence = store.take_fence().unwrap();
    let streams: Vec<StreamId> = (0..batch).map(Bench::run).collect();
    let (begun, wall, mut seq) = (on_cpu(), Instant::now(), 1);
    while wall.elapsed() < Duration::from_secs(1) {
        let row = |stream: &StreamId| Commit {
            stream: stream.clone(),
            expected_seq: seq,
            cause: "attempt".to_owned(),
            at: 1,
            count: 2,
            events: vec![b'x'; 200],
            messages: Vec::new(),
            taken: Vec::new(),
            due: None,
            head: None,
            open: None,
            task: None,
            jobs: Vec::new(),
        };
        let rows: Vec<Commit> = streams.iter().map(row).collect();
        store.commit(fence, &rows).unwrap();
        seq += 2;
    }
    let turns = (seq / 2 * batch) as f64;
    let micros = (on_cpu() - begun).as_secs_f64() * 1e6 / turns;
    let detail = format!("CPU; {:.0} turns/s", turns / wall.elapsed().as_secs_f64());
    report(&format!("M4 turn in the store, {batch} a commit"), micros, "us", &detail);
}

/// The word by which this program is another one: an engine with runs, that is going to be killed.
const HOLD: &str = "--hold";

/// Runs that wait for a signal, and runs whose programs sleep until there is a file.
fn hold(home: &Path, waiting: u64, running: u64) {
    let engine = Engine::open(&Home::at(home), Arc::new(EnvironmentSecrets)).unwrap();
    let follow = engine.follow().unwrap();
    // It is killed, so nothing is cleaned up twice.
    let around = tempfile::tempdir().unwrap();
    let bench = Bench { engine, follow, home: around };
    let waits = head("steps:\n  - { id: w, wait: { signal: go } }\n");
    let sleeps = head("steps:\n  - { id: s, run: 'test -e go || sleep 600' }\n");
    let folder = home.display().to_string();
    together(waiting, |number| drop(bench.start(number, &waits)), || bench.count("signal_awaited", waiting));
    let first = waiting;
    together(
        running,
        |number| drop(bench.start_in(&folder, first + number, &sleeps)),
        || bench.count("attempt_started", running),
    );
    println!("ready");
    std::thread::sleep(Duration::from_secs(600));
}

/// An engine is killed with all its runs open; the next one takes its place.
fn recovery(folder: &Path, waiting: u64, running: u64) {
    use std::io::BufRead as _;
    let home = tempfile::tempdir_in(folder).unwrap();
    let mut engine = Command::new(std::env::current_exe().unwrap())
        .args([HOLD, home.path().to_str().unwrap(), &waiting.to_string(), &running.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    std::io::BufReader::new(engine.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ready");
    std::fs::write(home.path().join("go"), "").unwrap();
    engine.kill().unwrap();
    engine.wait().unwrap();
    let name = |what: &str| format!("recovery of {waiting} waiting and {running} running runs: {what}");
    let start = Instant::now();
    let outside = {
        let home = Home::at(home.path());
        std::thread::spawn(move || {
            // Another process asks as soon as somebody listens; nobody does in the first moment.
            let to = Receivers::Run(Bench::run(0).to_string());
            let (name, data, by) = ("go".to_owned(), json!(0), "user:bench".to_owned());
            let signal = Operation::Signal { to, name, step: None, data, id: None, by };
            while !home.root().join("socket").exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
            stead_engine::ask_home(&home, signal).unwrap();
            start.elapsed()
        })
    };
    let bench = Bench::at(home);
    report(&name("the engine takes operations"), start.elapsed().as_secs_f64() * 1_000.0, "ms", "");
    let answered = outside.join().unwrap().as_secs_f64() * 1_000.0;
    report(&name("first operation of another process answered"), answered, "ms", "a signal, durable");
    // The one that has its signal is among them.
    bench.count("run_completed", running + 1);
    let seconds = start.elapsed().as_secs_f64();
    report(&name("all running ones have ended"), seconds, "s", "each step's program once more");
    report(&name("memory of the process"), resident(), "MB", "");
    together(waiting - 1, |number| bench.signal(number + 1), || bench.count("run_completed", waiting - 1));
    let seconds = start.elapsed().as_secs_f64();
    report(&name("all waiting ones signalled and ended"), seconds, "s", "since the start");
    let Ok(stead_engine::operations::Answer::Runs { runs }) = bench.engine.ask(Operation::Runs {
        query: stead_engine::operations::RunQuery {
            status: [stead_core::status::RunStatus::Completed].into(),
            limit: usize::MAX,
            ..Default::default()
        },
    }) else {
        panic!("no list of runs");
    };
    assert_eq!(runs.len() as u64, waiting + running);
    bench.engine.stop().unwrap();
}

fn processes(folder: &Path, n: u32) {
    let bench = Bench::new(folder);
    let text = head(&format!("steps:\n  - id: s\n    loop: {{ max: {n} }}\n    run: [/bin/true]\n"));
    let start = Instant::now();
    bench.start(1, &text);
    bench.next_end();
    let each = start.elapsed().as_secs_f64() * 1_000.0 / f64::from(n);
    let start = Instant::now();
    for _ in 0..n {
        Command::new("/bin/true").status().unwrap();
    }
    let bare = start.elapsed().as_secs_f64() * 1_000.0 / f64::from(n);
    report(&format!("W6 {n} steps /bin/true: each"), each, "ms", "");
    report(
        "W6 overhead over spawning it",
        each - bare,
        "ms",
        &format!("spawn alone {bare:.2} ms, same minute"),
    );
    bench.engine.stop().unwrap();
}

/// A batch of so many rows by the binary, of which one in twenty fails: rows per second, and the most memory it had.
fn batch(folder: &Path, binary: &Path, rows: u32) {
    let folder = folder.join(format!("batch-{rows}"));
    std::fs::create_dir_all(&folder).unwrap();
    let text = "stead: 1\nname: one\ninputs: { n: { type: integer } }\nsteps:\n  - { id: bad, if: inputs.n % 20 == 0, fail: bad }\n  - { id: v, set: { n: '${{ inputs.n }}' } }\noutputs: { n: '${{ steps.v.output.n }}' }\n";
    std::fs::write(folder.join("one.yml"), text).unwrap();
    let mut table = std::io::BufWriter::new(File::create(folder.join("rows.csv")).unwrap());
    writeln!(table, "n").unwrap();
    (0..rows).for_each(|n| writeln!(table, "{n}").unwrap());
    table.into_inner().unwrap();
    let mut command = std::process::Command::new(binary);
    command.args(["--home", "home", "batch", "one.yml", "--items", "rows.csv", "--on-error", "continue"]);
    command.args(["--parallel", "16", "-o", "results.csv"]).current_dir(&folder);
    let null = std::process::Stdio::null;
    let start = Instant::now();
    let mut child = command.stdin(null()).stdout(null()).stderr(null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0;
    let ended = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = kb.unwrap_or(most);
        match child.try_wait().unwrap() {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(ended.success(), "{ended}");
    let seconds = start.elapsed().as_secs_f64();
    let name = format!("batch of {rows} rows");
    report(&name, f64::from(rows) / seconds, "rows/s", "a child run each, results written");
    report(&name, most / 1024.0, "MiB", "the most memory that the process had");
    std::fs::remove_dir_all(&folder).unwrap();
}

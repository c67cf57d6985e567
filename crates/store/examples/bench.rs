//! What a commit costs: `cargo run --release -p stead-store --example bench [FOLDER]`.
//!
//! The folder must be on the disk that is of interest. Rounds of the workloads alternate, for disks that
//! others use too; a row shows the median round. CPU is this process', user and system.
//!
//! On a two-core machine whose disk syncs in 20 us, events of 200 bytes:
//!
//! | what | a second | us CPU each |
//! | --- | --- | --- |
//! | bare row in a table of its own, 1 a commit | 27,100 | 15 |
//! | turn of one stream, 1 a commit | 23,300 | 20 |
//! | turn among 100,000 parked streams, 1 a commit | 17,100 | 34 |
//! | turns of 64 streams, 64 a commit | 136,000 | 5.2 |
//! | turns among 100,000 parked streams, 64 a commit | 51,000 | 17 |
//! | runs of 3 steps: 4 turns and 2 heads each, 64 runs a commit | 46,700 | 17 |
//! | messages sent and taken, 64 a commit | 97,000 | 7.7 |
//!
//! When the same disk was busy and a sync took 3 ms, a turn of one stream was as fast as a bare row (325 and
//! 323 a second): the second page of a commit costs CPU, not a second sync.
//!
//! What was tried and made no difference beyond the noise of about 5 %: pages of 2 and 8 KiB, a checkpoint
//! after 4 or 32 MiB of WAL instead of 8, a cache of 32 MiB, `mmap`, `fdatasync` for `fsync`. A journal
//! clustered by stream and number (`WITHOUT ROWID`), its positions in an index, was as fast for one stream
//! with small pages and up to 15 % slower with large ones.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench")]

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use stead_core::ids::StreamId;
use stead_core::status::RunStatus;
use stead_store::conformance::{commit, head, message};
use stead_store::sqlite::SqliteStore;
use stead_store::{Commit, Filter, Reader, Store};

const EVENTS: usize = 200;

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut bare = Bare::new(&path("bare.db"));
    let mut one = Turns::new(&path("one.db"), 1, 1);
    let mut batch = Turns::new(&path("batch.db"), 64, 64);
    let mut runs = Runs::new(&path("runs.db"));
    let mut children = Messages::new(&path("messages.db"));
    let mut parked = Turns::new(&path("parked.db"), 100_000, 64);
    let mut lone = Turns::new(&path("lone.db"), 100_000, 1);
    let mut work: Vec<(&str, Work)> = vec![
        ("bare row, WAL and FULL, 1 a commit", Box::new(|| bare.round(600))),
        ("turn of one stream, 1 a commit", Box::new(|| one.round(600))),
        ("turn among 100,000 parked, 1 a commit", Box::new(|| lone.round(600))),
        ("turns of 64 streams, 64 a commit", Box::new(|| batch.round(100))),
        ("turns among 100,000 parked, 64 a commit", Box::new(|| parked.round(100))),
        ("runs of 3 steps, 64 a commit", Box::new(|| runs.round(25))),
        ("messages sent and taken, 64 a commit", Box::new(|| children.round(50))),
    ];
    let mut found: Vec<Vec<(f64, f64)>> = vec![Vec::new(); work.len()];
    for round in 0..12 {
        for (index, (_, step)) in work.iter_mut().enumerate() {
            let (before, start) = (cpu(), Instant::now());
            let count = step() as f64;
            let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu() - before);
            // The first rounds grow the WAL to its size.
            if round > 1 {
                found[index].push((count / seconds, cpu / count * 1e6));
            }
        }
    }
    for (index, (name, _)) in work.iter().enumerate() {
        let median = |part: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = found[index].iter().map(part).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!("{name:44} {:9.0} a second {:7.1} us CPU", median(|x| x.0), median(|x| x.1));
    }
    drop(work);
    let start = Instant::now();
    let loaded = one.store.load(&name(1, 0)).unwrap().unwrap();
    let took = start.elapsed().as_secs_f64() * 1e6 / loaded.rows.len() as f64;
    println!("{:44} {took:9.2} us a row", "load, hashes checked");
    timed("a new database", || drop(SqliteStore::open(&path("new.db")).unwrap()));
    timed("an existing one opened", || drop(SqliteStore::open(&path("new.db")).unwrap()));
    let store = &mut parked.store;
    let list = |prefix: &str, status: &[RunStatus]| Filter {
        prefix: Some(prefix.to_owned()),
        status: status.to_owned(),
        limit: 50,
        ..Filter::default()
    };
    let some = name(1, 4711).as_str()[..6].to_owned();
    for round in ["first", "again"] {
        timed(&format!("50 newest of 100,000 heads, {round}"), || {
            store.heads(&list("r_", &[])).unwrap();
        });
        timed(&format!("those of a status that none has, {round}"), || {
            store.heads(&list("r_", &[RunStatus::Failed])).unwrap();
        });
        timed(&format!("those of a longer prefix, {round}"), || {
            store.heads(&list(&some, &[])).unwrap();
        });
        timed(&format!("open streams among 100,000, {round}"), || {
            store.open_streams().unwrap();
        });
    }
}

fn timed(what: &str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    println!("{what:44} {:9.2} ms", start.elapsed().as_secs_f64() * 1e3);
}

type Work<'a> = Box<dyn FnMut() -> usize + 'a>;

/// User and system time of this process in seconds.
fn cpu() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Names as runs have them: without any order.
fn name(seed: u64, number: u64) -> StreamId {
    let mut chance = [0u8; 10];
    let mut mixed = (seed << 40 | number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^= mixed >> 32;
    chance[..8].copy_from_slice(&mixed.to_le_bytes());
    chance[8..].copy_from_slice(&(number as u16).to_le_bytes());
    StreamId::run(chance)
}

fn turn(stream: &StreamId, seq: u64) -> Commit {
    Commit { events: vec![b'x'; EVENTS], ..commit(stream, seq, 1) }
}

/// The least that can be durable: one row in one table.
struct Bare(Connection);

impl Bare {
    fn new(path: &Path) -> Self {
        let conn = Connection::open(path).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = full;
             CREATE TABLE bare (position INTEGER PRIMARY KEY, events BLOB NOT NULL)",
        )
        .unwrap();
        Self(conn)
    }

    fn round(&mut self, commits: usize) -> usize {
        for _ in 0..commits {
            let events = [b'x'; EVENTS + 60];
            self.0
                .prepare_cached("INSERT INTO bare (events) VALUES (?1)")
                .unwrap()
                .execute(params![events])
                .unwrap();
        }
        commits
    }
}

/// A turn of `per` of `streams` streams in each commit, no head.
struct Turns {
    store: SqliteStore,
    fence: u64,
    names: Vec<StreamId>,
    next: Vec<u64>,
    per: usize,
    at: usize,
}

impl Turns {
    fn new(path: &Path, streams: usize, per: usize) -> Self {
        let mut store = SqliteStore::open(path).unwrap();
        let fence = store.take_fence().unwrap();
        let names: Vec<StreamId> = (0..streams as u64).map(|number| name(1, number)).collect();
        for part in names.chunks(1000) {
            let begin = |stream| Commit { head: Some(head(RunStatus::Waiting, false)), ..turn(stream, 1) };
            let batch: Vec<Commit> = part.iter().map(begin).collect();
            store.commit(fence, &batch).unwrap();
        }
        Self { store, fence, next: vec![2; streams], names, per, at: 0 }
    }

    fn round(&mut self, commits: usize) -> usize {
        let streams = self.names.len();
        for _ in 0..commits {
            let batch: Vec<Commit> = (0..self.per)
                .map(|_| {
                    // A prime step goes through all of them, far apart.
                    self.at = (self.at + 611_953) % streams;
                    self.next[self.at] += 1;
                    turn(&self.names[self.at], self.next[self.at] - 1)
                })
                .collect();
            self.store.commit(self.fence, &batch).unwrap();
        }
        commits * self.per
    }
}

/// 64 new runs at a time: started, three results, a head at start and end.
struct Runs {
    store: SqliteStore,
    fence: u64,
    made: u64,
}

impl Runs {
    fn new(path: &Path) -> Self {
        let mut store = SqliteStore::open(path).unwrap();
        let fence = store.take_fence().unwrap();
        Self { store, fence, made: 0 }
    }

    fn round(&mut self, generations: usize) -> usize {
        for _ in 0..generations {
            let names: Vec<StreamId> = (self.made..self.made + 64).map(|number| name(2, number)).collect();
            self.made += 64;
            for seq in 1..=4 {
                let head = match seq {
                    1 => Some(head(RunStatus::Running, true)),
                    4 => Some(head(RunStatus::Completed, false)),
                    _ => None,
                };
                let batch: Vec<Commit> =
                    names.iter().map(|name| Commit { head: head.clone(), ..turn(name, seq) }).collect();
                self.store.commit(self.fence, &batch).unwrap();
            }
        }
        generations * 64
    }
}

/// 64 streams that each send a message to one, which takes them by the next commit.
struct Messages {
    turns: Turns,
    parent: u64,
}

impl Messages {
    fn new(path: &Path) -> Self {
        Self { turns: Turns::new(path, 65, 64), parent: 2 }
    }

    fn round(&mut self, commits: usize) -> usize {
        let to = self.turns.names[64].clone();
        for _ in 0..commits {
            let batch: Vec<Commit> = (0..64)
                .map(|index| {
                    let (stream, seq) = (&self.turns.names[index], self.turns.next[index]);
                    Commit {
                        messages: vec![message(&format!("{stream}:{seq}"), stream, &to)],
                        ..turn(stream, seq)
                    }
                })
                .collect();
            self.turns.next[..64].iter_mut().for_each(|next| *next += 1);
            let taken = batch.iter().map(|commit| commit.messages[0].id.clone()).collect();
            self.turns.store.commit(self.turns.fence, &batch).unwrap();
            let take = Commit { taken, ..turn(&to, self.parent) };
            self.parent += 1;
            self.turns.store.commit(self.turns.fence, &[take]).unwrap();
        }
        commits * 64
    }
}

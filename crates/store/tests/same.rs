//! Memory and SQLite answer alike, whatever is asked of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::folder;
use proptest::prelude::*;
use stead_core::head::Head;
use stead_core::status::{Outcome, RunStatus};
use stead_store::conformance::{commit, head, message, seen, stream};
use stead_store::fault::Faults;
use stead_store::memory::MemoryStore;
use stead_store::sqlite::SqliteStore;
use stead_store::{Commit, Filter, Job, Reader, Snapshot, Store};

#[derive(Debug, Clone)]
struct Turn {
    stream: usize,
    /// Added to the number that is right.
    off: u64,
    count: u64,
    due: Option<Option<i64>>,
    head: Option<(RunStatus, bool)>,
    sends: Vec<(usize, u8)>,
    takes: Vec<u8>,
    job: Option<u8>,
}

#[derive(Debug, Clone)]
enum Step {
    Commit { turns: Vec<Turn>, old_fence: bool, fail_at: Option<u64> },
    Reopen,
    Snapshot { stream: usize, format: u32, seq: u64 },
    Definition(u8, u8),
}

fn turn() -> impl Strategy<Value = Turn> {
    let status = prop::sample::select(RunStatus::ALL);
    (
        0..4usize,
        prop_oneof![12 => Just(0u64), 1 => Just(1)],
        0..4u64,
        prop::option::weighted(0.4, prop::option::of(0..9i64)),
        prop::option::weighted(0.4, (status, any::<bool>())),
        prop::collection::vec((0..4usize, 0..4u8), 0..3),
        prop_oneof![5 => Just(vec![]), 2 => prop::collection::vec(0..4u8, 1..3)],
        prop::option::weighted(0.2, 0..4u8),
    )
        .prop_map(|(stream, off, count, due, head, sends, takes, job)| Turn {
            stream,
            off,
            count,
            due,
            head,
            sends,
            takes,
            job,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let fail_at = prop::option::weighted(0.2, 1..12u64);
    prop_oneof![
        8 => (prop::collection::vec(turn(), 1..4), prop::bool::weighted(0.05), fail_at)
            .prop_map(|(turns, old_fence, fail_at)| Step::Commit { turns, old_fence, fail_at }),
        1 => Just(Step::Reopen),
        1 => (0..4usize, 1..3u32, 0..12u64).prop_map(|(stream, format, seq)| Step::Snapshot { stream, format, seq }),
        1 => (0..3u8, 0..3u8).prop_map(|(revision, text)| Step::Definition(revision, text)),
    ]
}

/// The turns as commits, on the numbers that the store is at.
fn commits(store: &mut dyn Store, turns: &[Turn]) -> Vec<Commit> {
    let mut next: Vec<u64> = (0..4).map(|number| store.verify(&stream(number)).unwrap() + 1).collect();
    let make = |turn: &Turn| {
        let id = stream(turn.stream);
        let seq = next[turn.stream] + turn.off;
        next[turn.stream] = seq + turn.count;
        let named = |(to, number): &(usize, u8)| message(&format!("m{number}"), &id, &stream(*to));
        Commit {
            due: turn.due,
            // What a run is never changes; how it stands does.
            head: turn.head.map(|(status, open)| Head {
                parent: (turn.stream > 1).then(|| stream(0)),
                workflow: format!("w{}", turn.stream % 2),
                project: ["", "Docs"][turn.stream / 2].to_owned(),
                created_at: [10, 30, 20, 30][turn.stream],
                keys: vec![("k".to_owned(), (turn.stream % 2).to_string())],
                error: (status == RunStatus::Failed).then(|| format!("exit {}: ÄRGER", turn.count)),
                ..head(status, open)
            }),
            messages: turn.sends.iter().map(named).collect(),
            taken: turn.takes.iter().map(|number| format!("m{number}")).collect(),
            jobs: turn
                .job
                .iter()
                .map(|n| Job {
                    id: format!("j{n}"),
                    kind: "mail".into(),
                    target: "t".into(),
                    body: seq.into(),
                })
                .collect(),
            ..commit(&id, seq, turn.count)
        }
    };
    turns.iter().map(make).collect()
}

fn filters() -> Vec<Filter> {
    vec![
        Filter { status: vec![RunStatus::Running, RunStatus::Failed], ..Filter::default() },
        Filter { status: vec![RunStatus::Completed], outcome: vec![Outcome::Ok], ..Filter::default() },
        Filter { outcome: vec![Outcome::Error, Outcome::Cancelled], limit: 2, ..Filter::default() },
        Filter { keys: vec![("k".to_owned(), "1".to_owned())], ..Filter::default() },
        Filter { top_only: true, limit: 2, ..Filter::default() },
        Filter { parent: Some(stream(0)), since: Some(30), ..Filter::default() },
        Filter { project: Some("Docs".to_owned()), until: Some(30), ..Filter::default() },
        Filter { project: Some(String::new()), since: Some(11), until: Some(31), ..Filter::default() },
        Filter { text: Some("EXIT 1: Är".to_owned()), ..Filter::default() },
        Filter { text: Some("docS".to_owned()), after: Some(stream(3)), ..Filter::default() },
        Filter { after: Some(stream(2)), limit: 1, ..Filter::default() },
        Filter { workflow: Some("w1".to_owned()), prefix: Some(stream(1).to_string()), ..Filter::default() },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_alike(steps in prop::collection::vec(step(), 1..25)) {
        let folder = folder();
        let path = folder.path().join("db");
        let (faults, faults_too) = (Faults::new(), Faults::new());
        let mut memory = MemoryStore::new().with_faults(faults.clone());
        let mut sqlite = SqliteStore::open(&path).unwrap().with_faults(faults_too.clone());
        let mut fence = memory.take_fence().unwrap();
        prop_assert_eq!(sqlite.take_fence().unwrap(), fence);
        let streams: Vec<_> = (0..4).map(stream).collect();
        for step in steps {
            match step {
                Step::Commit { turns, old_fence, fail_at } => {
                    let batch = commits(&mut memory, &turns);
                    if let Some(nth) = fail_at {
                        faults.fail_at(nth);
                        faults_too.fail_at(nth);
                    }
                    let fence = fence - u64::from(old_fence);
                    let (one, two) = (memory.commit(fence, &batch), sqlite.commit(fence, &batch));
                    prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
                    faults.clear();
                    faults_too.clear();
                }
                Step::Reopen => {
                    memory = memory.reopen();
                    drop(sqlite);
                    sqlite = SqliteStore::open(&path).unwrap().with_faults(faults_too.clone());
                    fence = memory.take_fence().unwrap();
                    prop_assert_eq!(sqlite.take_fence().unwrap(), fence);
                }
                Step::Snapshot { stream: number, format, seq } => {
                    let snapshot = Snapshot { format, seq, state: vec![number as u8; 9] };
                    let one = memory.put_snapshot(&stream(number), &snapshot);
                    let two = sqlite.put_snapshot(&stream(number), &snapshot);
                    prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
                }
                Step::Definition(revision, text) => {
                    let revision = revision.to_string();
                    memory.put_definition(&revision, &[text]).unwrap();
                    sqlite.put_definition(&revision, &[text]).unwrap();
                    prop_assert_eq!(memory.definition(&revision).unwrap(), sqlite.definition(&revision).unwrap());
                }
            }
            prop_assert_eq!(seen(&mut memory, &streams), seen(&mut sqlite, &streams));
            for filter in filters() {
                prop_assert_eq!(memory.heads(&filter).unwrap(), sqlite.heads(&filter).unwrap());
            }
        }
    }
}

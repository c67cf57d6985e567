//! The library: memory and SQLite answer alike, and writers who know nothing of each other.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::sync::Barrier;

use common::folder;
use proptest::prelude::*;
use stead_core::head::Head;
use stead_core::status::RunStatus;
use stead_store::conformance::{commit, head, stream};
use stead_store::library::{How, Library, LibraryReader, Save, Saved, WorkflowFilter};
use stead_store::memory::MemoryStore;
use stead_store::sqlite::SqliteStore;
use stead_store::{Commit, Store, StoreError};

const NAMES: &[&str] = &["label-images", "label", "Report", "report", "night"];
const WORDS: &[&str] =
    &["label", "images", "week", "table-of", "night_run", "x1", "größe", "Ω", "lab", "tab", "ni"];

#[derive(Debug, Clone)]
enum Step {
    Save(Box<Save>),
    Describe(usize, Option<String>, Option<Vec<String>>),
    Delete(usize),
    Restore(usize),
    Rename(usize, usize),
    Origin(usize, usize, u32),
    Run(usize, usize, RunStatus),
    Reopen,
}

fn words(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(WORDS).prop_map(str::to_owned), 0..most)
}

fn name() -> impl Strategy<Value = usize> {
    0..NAMES.len()
}

fn save() -> impl Strategy<Value = Save> {
    let calls = prop::collection::vec(prop::sample::select(NAMES).prop_map(str::to_owned), 0..2);
    let labels = prop::option::of(prop::collection::vec(prop::sample::select(&["a", "b"][..]), 0..3));
    let base = (prop::option::weighted(0.5, 1..4u32), prop::option::weighted(0.5, 0..2usize));
    (name(), 0..3u8, 0..2u8, base, words(9), words(20), calls, labels).prop_map(
        |(name, meaning, writing, (based_on, file), description, steps, calls, labels)| Save {
            name: NAMES[name].to_owned(),
            revision: format!("hash {meaning}"),
            bytes: vec![meaning, writing],
            draft: meaning == 2,
            message: format!("message {writing}"),
            at: i64::from(writing),
            by: "user:ana".to_owned(),
            based_on,
            file: file.map(|file| format!("/{file}")),
            description: description.join(" "),
            steps,
            calls,
            labels: labels.map(|labels| labels.into_iter().map(str::to_owned).collect()),
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let labels = prop::option::of(prop::collection::vec(Just("a".to_owned()), 0..2));
    let description = prop::option::of(words(4).prop_map(|words| words.join(" ")));
    let status = prop::sample::select(RunStatus::ALL);
    prop_oneof![
        8 => save().prop_map(|save| Step::Save(Box::new(save))),
        1 => (name(), description, labels).prop_map(|(name, text, labels)| Step::Describe(name, text, labels)),
        2 => name().prop_map(Step::Delete),
        2 => name().prop_map(Step::Restore),
        1 => (name(), name()).prop_map(|(name, to)| Step::Rename(name, to)),
        1 => (0..2usize, name(), 1..4u32).prop_map(|(file, name, number)| Step::Origin(file, name, number)),
        2 => (0..3usize, name(), status).prop_map(|(run, name, status)| Step::Run(run, name, status)),
        1 => Just(Step::Reopen),
    ]
}

/// One step, and what came of it.
fn take(store: &mut impl Store, fence: u64, step: &Step) -> String {
    let by = "user:bo";
    match step {
        Step::Save(save) => format!("{:?}", store.save(save)),
        Step::Describe(name, text, labels) => {
            format!("{:?}", store.describe(NAMES[*name], text.as_deref(), labels.as_deref(), 5, by))
        }
        Step::Delete(name) => format!("{:?}", store.delete(NAMES[*name], 6, by)),
        Step::Restore(name) => format!("{:?}", store.restore(NAMES[*name], 7, by)),
        Step::Rename(name, to) => format!("{:?}", store.rename(NAMES[*name], NAMES[*to], 8, by)),
        Step::Origin(file, name, number) => {
            format!("{:?}", store.note_origin(&format!("/{file}"), NAMES[*name], *number))
        }
        Step::Run(run, name, status) => {
            let expected_seq = store.verify(&stream(*run)).unwrap() + 1;
            // What a run is of never changes.
            let workflow = store
                .head(&stream(*run))
                .unwrap()
                .map_or_else(|| NAMES[*name].to_owned(), |l| l.head.workflow);
            let head = Head { workflow, ..head(*status, false) };
            let turn = Commit { head: Some(head), ..commit(&stream(*run), expected_seq, 1) };
            format!("{:?}", store.commit(fence, &[turn]))
        }
        Step::Reopen => String::new(),
    }
}

/// All that can be seen of a library.
fn seen(store: &mut impl Store, wanted: &str) -> String {
    let all = WorkflowFilter::default;
    let mut parts: Vec<String> = [
        all(),
        WorkflowFilter { deleted: true, ..all() },
        WorkflowFilter { label: Some("a".into()), after: Some("label".into()), ..all() },
        WorkflowFilter { words: Some(wanted.into()), ..all() },
        WorkflowFilter { words: Some(wanted.into()), label: Some("a".into()), limit: 1, ..all() },
    ]
    .iter()
    .map(|filter| format!("{:#?}", store.workflows(filter)))
    .collect();
    for name in NAMES {
        parts.push(format!("{:?}", store.workflow(name)));
        parts.push(format!("{:?}", store.changes(name, 1, 5)));
        parts.push(format!("{:?} {:?}", store.callers(name), store.times_run(name)));
        for number in [None, Some(1), Some(2)] {
            parts.push(format!("{:?}", store.kept(name, number)));
        }
        parts.extend(["/0", "/1"].map(|file| format!("{:?}", store.origin(file, name))));
    }
    parts.extend((0..3).map(|n| format!("{:?}", store.definition(&format!("hash {n}")))));
    parts.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_alike(steps in prop::collection::vec(step(), 1..25), wanted in words(4)) {
        let folder = folder();
        let path = folder.path().join("db");
        let mut memory = MemoryStore::new();
        let mut sqlite = SqliteStore::open(&path).unwrap();
        let fence = memory.take_fence().unwrap();
        prop_assert_eq!(sqlite.take_fence().unwrap(), fence);
        let wanted = wanted.join(" ");
        for step in steps {
            if matches!(step, Step::Reopen) {
                sqlite = SqliteStore::open(&path).unwrap();
            }
            prop_assert_eq!(take(&mut memory, fence, &step), take(&mut sqlite, fence, &step));
            prop_assert_eq!(seen(&mut memory, &wanted), seen(&mut sqlite, &wanted));
        }
    }
}

fn text(name: &str, writer: usize) -> Save {
    Save {
        name: name.to_owned(),
        revision: format!("hash {writer}"),
        bytes: vec![b'x'; 100 + writer],
        by: format!("user:{writer}"),
        ..Save::default()
    }
}

// What looks first and writes then would let several through.
#[test]
fn of_many_writers_one_makes_a_name_and_the_others_hear_of_it() {
    const WRITERS: usize = 8;
    let folder = folder();
    let path = folder.path().join("db");
    for round in 0..10 {
        let name = format!("name-{round}");
        let begin = Barrier::new(WRITERS);
        let write = |writer: usize| {
            let store = SqliteStore::open(&path);
            // Whoever could not open it must not keep the others waiting.
            begin.wait();
            store?.save(&text(&name, writer))
        };
        let results: Vec<Result<Saved, StoreError>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let made: Vec<usize> = (0..WRITERS).filter(|at| results[*at].is_ok()).collect();
        let [winner] = made[..] else { panic!("one was to make it: {results:?}") };
        assert_eq!(results[winner].as_ref().unwrap(), &Saved { number: 1, how: How::New });
        let others = results.iter().filter_map(|result| result.as_ref().err());
        others.for_each(|error| assert_eq!(error.code(), "S0705", "{error}"));
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.kept(&name, None).unwrap().unwrap().bytes, text(&name, winner).bytes);
        assert_eq!(store.changes(&name, 0, 99).unwrap().len(), 1);
    }
    assert_eq!(SqliteStore::open(&path).unwrap().check().unwrap(), [""; 0]);
}

// A lost update would be one that said it succeeded and whose text is not in the history.
#[test]
fn of_updates_made_from_one_revision_one_succeeds() {
    const WRITERS: usize = 8;
    let folder = folder();
    let path = folder.path().join("db");
    SqliteStore::open(&path).unwrap().save(&text("one", 0)).unwrap();
    let done: usize = std::thread::scope(|scope| {
        let update = |writer: usize| {
            let mut store = SqliteStore::open(&path).unwrap();
            let mut done = 0;
            for turn in 0..20 {
                let newest = store.workflow("one").unwrap().unwrap().newest;
                let save = text("one", 1 + writer + turn * WRITERS);
                match store.save(&Save { based_on: Some(newest), ..save }) {
                    Ok(saved) => {
                        assert_eq!(saved, Saved { number: newest + 1, how: How::Next });
                        done += 1;
                    }
                    Err(error) => assert_eq!(error.code(), "S0706", "{error}"),
                }
            }
            done
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || update(writer))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.workflow("one").unwrap().unwrap().newest as usize, 1 + done);
    assert_eq!(store.changes("one", 0, 999).unwrap().len(), 1 + done);
}

//! Drafts: of several windows of one person that save at once, one is told; and their bounds.

mod common;

use std::sync::Barrier;

use common::folder;
use stead_core::ids::StreamId;
use stead_store::drafts::{Draft, DraftReader as _, Drafts as _, Over};
use stead_store::limits::{
    ACCOUNTS, ANSWER_BYTES, ANSWER_KEPT, ANSWERS, ANSWERS_BYTES, DRAFT_KEPT, DRAFTS, NOTES, SESSIONS, TOKENS,
};
use stead_store::sqlite::SqliteStore;
use stead_store::{StoreError, conformance};

const ANA: &str = "user:ana";

// What looks first and writes then would let several through.
#[test]
fn of_many_who_save_over_one_draft_one_does() {
    const WRITERS: usize = 8;
    let folder = folder();
    let path = folder.path().join("db");
    let task = StreamId::new("t_0000000000000001");
    let first = Draft::new(1, "first");
    SqliteStore::open(&path).unwrap().put_draft(&task, ANA, &first, Over::Nothing).unwrap();
    let begin = Barrier::new(WRITERS);
    let write = |writer: usize| {
        let mut store = SqliteStore::open(&path).unwrap();
        let mine = Draft::new(2, &format!("by {writer}"));
        begin.wait();
        store.put_draft(&task, ANA, &mine, Over::Etag(&first.etag)).map(|()| mine)
    };
    let results: Vec<Result<Draft, StoreError>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let kept = SqliteStore::open(&path).unwrap().draft(&task, ANA).unwrap().unwrap();
    let won: Vec<&Draft> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won, [&kept]);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, StoreError::DraftChanged { .. }), "{error}");
    }
}

#[test]
fn p11_drafts_of_one_person_are_bounded() {
    // The case goes one past each.
    assert_eq!((DRAFTS, DRAFT_KEPT), (1_000, 2_592_000_000));
    let case = conformance::CASES.iter().find(|(name, _)| *name == "bounds_drafts");
    assert!(case.is_some(), "every store goes past them");
}

#[test]
fn p11_kept_answers_are_bounded() {
    // The case goes one past each.
    assert_eq!((ANSWER_KEPT, ANSWERS), (86_400_000, 5_000));
    assert_eq!((ANSWER_BYTES, ANSWERS_BYTES), (1 << 20, 32 << 20));
    let case = conformance::CASES.iter().find(|(name, _)| *name == "bounds_answers");
    assert!(case.is_some(), "every store goes past them");
}

#[test]
fn p11_keys_and_notes_are_bounded() {
    // The case goes one past each.
    assert_eq!((TOKENS, SESSIONS, NOTES, ACCOUNTS), (50, 20, 10_000, 10));
    let case = conformance::CASES.iter().find(|(name, _)| *name == "bounds_keys");
    assert!(case.is_some(), "every store goes past them");
}

#[test]
fn p11_jobs_that_are_over_are_bounded() {
    // The case goes one past it.
    assert_eq!(stead_store::limits::JOBS_OVER, 1_000);
    assert!(conformance::CASES.iter().any(|(name, _)| *name == "bounds_jobs"), "every store goes past it");
}

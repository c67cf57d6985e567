//! Journals, snapshots, definitions.

use super::StoreFactory;
use super::samples::{commit, stream};
use crate::{Snapshot, Store, StoreError};

/// Stream 1 with rows of events 1, 2 to 4, 5, 6 to 10; stream 2 among them.
fn rows(factory: &mut dyn StoreFactory) -> Box<dyn Store> {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    for (seq, count) in [(1, 1), (2, 3), (5, 1), (6, 5)] {
        store.commit(fence, &[commit(&stream(1), seq, count), commit(&stream(2), seq, count)]).unwrap();
    }
    store
}

/// The row that holds an event, its first, its last or between.
pub fn finds_the_row_of_an_event(factory: &mut dyn StoreFactory) {
    let mut store = rows(factory);
    for (seq, first) in [(1, 1), (2, 2), (3, 2), (4, 2), (5, 5), (6, 6), (8, 6), (10, 6)] {
        assert_eq!(store.row_of(&stream(1), seq).unwrap().seq, first, "of event {seq}");
    }
    for (of, wrong) in [(1, 0), (1, 11), (1, u64::MAX), (3, 1)] {
        match store.row_of(&stream(of), wrong) {
            Err(StoreError::NoSuchEvent { stream: id, seq }) => assert_eq!((id, seq), (stream(of), wrong)),
            other => panic!("no event {wrong} was to be found: {other:?}"),
        }
    }
}

/// Rows from an event on, the row that holds it included.
pub fn reads_journals_in_parts(factory: &mut dyn StoreFactory) {
    let mut store = rows(factory);
    for (from, limit, expected) in [
        (0, usize::MAX, &[1, 2, 5, 6][..]),
        (1, 2, &[1, 2]),
        (2, 2, &[2, 5]),
        (3, 9, &[2, 5, 6]),
        (10, 9, &[6]),
        (11, 9, &[]),
        (1, 0, &[]),
    ] {
        let found: Vec<u64> =
            store.journal(&stream(1), from, limit).unwrap().iter().map(|row| row.seq).collect();
        assert_eq!(found, expected, "from {from}, at most {limit}");
    }
}

fn snapshot(format: u32, seq: u64) -> Snapshot {
    Snapshot { format, seq, state: format!("state at {seq}, format {format}").into_bytes() }
}

/// The newest snapshot comes with the rows behind it; an older one does not take its place.
pub fn keeps_the_newest_snapshot(factory: &mut dyn StoreFactory) {
    let mut store = rows(factory);
    let check = |store: &mut dyn Store, expected: &Snapshot, rows: &[u64]| {
        let loaded = store.load(&stream(1)).unwrap().unwrap();
        assert_eq!(loaded.snapshot.as_ref(), Some(expected));
        assert_eq!(loaded.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), rows);
    };
    store.put_snapshot(&stream(1), &snapshot(1, 4)).unwrap();
    check(store.as_mut(), &snapshot(1, 4), &[5, 6]);
    store.put_snapshot(&stream(1), &snapshot(1, 10)).unwrap();
    check(store.as_mut(), &snapshot(1, 10), &[]);
    store.put_snapshot(&stream(1), &snapshot(1, 5)).unwrap();
    check(store.as_mut(), &snapshot(1, 10), &[]);
    // Of another format: made by another release, which cannot use the newer one.
    store.put_snapshot(&stream(1), &snapshot(2, 1)).unwrap();
    let mut store = factory.reopen(store);
    check(store.as_mut(), &snapshot(2, 1), &[2, 5, 6]);
    // The journal goes on behind it, and stays whole.
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[commit(&stream(1), 11, 1)]).unwrap();
    check(store.as_mut(), &snapshot(2, 1), &[2, 5, 6, 11]);
    assert_eq!(store.journal(&stream(1), 1, 100).unwrap().len(), 5);
    assert!(store.load(&stream(2)).unwrap().unwrap().snapshot.is_none());
}

/// A snapshot in the middle of a turn, behind the journal or of no stream.
pub fn refuses_a_misplaced_snapshot(factory: &mut dyn StoreFactory) {
    let mut store = rows(factory);
    for (of, wrong) in [(1, 0), (1, 3), (1, 11), (3, 1)] {
        let result = store.put_snapshot(&stream(of), &snapshot(1, wrong));
        assert!(matches!(result, Err(StoreError::SnapshotPlace { .. })), "at {wrong}: {result:?}");
    }
    assert!(store.load(&stream(1)).unwrap().unwrap().snapshot.is_none());
    assert!(store.load(&stream(3)).unwrap().is_none());
}

/// A whole journal is found whole.
pub fn verifies_journals(factory: &mut dyn StoreFactory) {
    let mut store = rows(factory);
    assert_eq!(store.verify(&stream(1)).unwrap(), 10);
    assert_eq!(store.verify(&stream(3)).unwrap(), 0);
    store.put_snapshot(&stream(1), &snapshot(1, 5)).unwrap();
    assert_eq!(store.verify(&stream(1)).unwrap(), 10);
}

/// The first text of a revision stays: a revision is the hash of its text.
pub fn keeps_definitions(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    assert_eq!(store.definition("a").unwrap(), None);
    store.put_definition("a", b"one").unwrap();
    store.put_definition("a", b"two").unwrap();
    store.put_definition("b", b"").unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.definition("a").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.definition("b").unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(store.definition("c").unwrap(), None);
}

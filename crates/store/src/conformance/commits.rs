//! What a commit writes, and when it is refused.

use serde_json::json;
use stead_core::status::RunStatus;

use super::samples::{commit, head, message, stream};
use super::{StoreFactory, seen};
use crate::{Commit, Job, StoreError};

/// A commit with something in every part, of stream 1, which then has two events.
pub(super) fn full() -> Commit {
    let (one, two) = (stream(1), stream(2));
    Commit {
        cause: "start".to_owned(),
        messages: vec![message("m1", &one, &two), message("m2", &one, &one)],
        due: Some(Some(500)),
        head: Some(head(RunStatus::Running, true)),
        jobs: vec![Job {
            id: "j1".to_owned(),
            kind: "mail".to_owned(),
            target: "t".to_owned(),
            body: json!({ "to": "a@b" }),
        }],
        ..commit(&one, 1, 2)
    }
}

/// Each part of a commit is read back as it was written.
pub fn writes_all_parts(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let written = full();
    assert_eq!(store.commit(fence, std::slice::from_ref(&written)).unwrap(), [Some(1)]);

    let (one, two) = (stream(1), stream(2));
    let loaded = store.load(&one).unwrap().unwrap();
    assert!(loaded.snapshot.is_none());
    assert_eq!(loaded.rows.len(), 1);
    let row = &loaded.rows[0];
    assert_eq!((row.position, row.seq, row.count, row.at), (1, 1, 2, written.at));
    assert_eq!((row.cause.as_str(), &row.events), ("start", &written.events));
    let listed = store.head(&one).unwrap().unwrap();
    assert_eq!((Some(listed.head), listed.due, listed.seq), (written.head, Some(500), 2));
    assert_eq!(store.inbox(&two).unwrap(), written.messages[..1]);
    assert_eq!(store.inbox(&one).unwrap(), written.messages[1..]);
    assert_eq!(store.jobs(10).unwrap(), written.jobs);
    assert_eq!(store.jobs(0).unwrap(), []);
    assert_eq!(store.next_due().unwrap(), Some(500));

    // A stream that is only written to has no journal and no head.
    assert!(store.load(&two).unwrap().is_none());
    assert!(store.head(&two).unwrap().is_none());
    assert!(store.journal(&two, 1, 10).unwrap().is_empty());

    // Without events there is no row; the rest is written all the same.
    let quiet = Commit { count: 0, events: Vec::new(), due: Some(None), ..commit(&one, 3, 0) };
    assert_eq!(store.commit(fence, &[quiet]).unwrap(), [None]);
    assert_eq!(store.next_due().unwrap(), None);
    assert_eq!(store.commit(fence, &[]).unwrap(), []);
    // A head that is not given stays.
    assert_eq!(store.commit(fence, &[commit(&one, 3, 1)]).unwrap(), [Some(2)]);
    assert_eq!(store.head(&one).unwrap().unwrap().seq, 3);
}

/// An `expected_seq` that is not the next refuses the whole batch.
pub fn refuses_another_number(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[full()]).unwrap();
    let streams = [stream(1), stream(2), stream(3)];
    let before = seen(store.as_mut(), &streams);
    let behind = Commit { head: Some(head(RunStatus::Failed, false)), ..commit(&stream(1), 2, 1) };
    for (wrong, expected, actual) in
        [(behind, 2, 3), (commit(&stream(1), 4, 1), 4, 3), (commit(&stream(2), 2, 1), 2, 1)]
    {
        let batch = [commit(&stream(3), 1, 1), wrong.clone()];
        match store.commit(fence, &batch) {
            Err(StoreError::Conflict { stream, expected: e, actual: a }) => {
                assert_eq!((stream, e, a), (wrong.stream, expected, actual));
            }
            other => panic!("a conflict was expected: {other:?}"),
        }
        assert_eq!(seen(store.as_mut(), &streams), before);
    }
    store.commit(fence, &[commit(&stream(3), 1, 1), commit(&stream(1), 3, 1)]).unwrap();
}

/// Who lost the fence writes nothing.
pub fn refuses_an_old_fence(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let old = store.take_fence().unwrap();
    store.commit(old, &[full()]).unwrap();
    let new = store.take_fence().unwrap();
    assert!(new > old);
    let before = seen(store.as_mut(), &[stream(1)]);
    for wrong in [old, new + 1] {
        match store.commit(wrong, &[commit(&stream(1), 3, 1)]) {
            Err(StoreError::Fenced { ours, newest }) => assert_eq!((ours, newest), (wrong, new)),
            other => panic!("the fence was to refuse: {other:?}"),
        }
    }
    assert_eq!(seen(store.as_mut(), &[stream(1)]), before);
    store.commit(new, &[commit(&stream(1), 3, 1)]).unwrap();
}

/// A commit that contradicts itself is refused, with all that is in its batch.
pub fn refuses_contradictions(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let empty = Commit { events: Vec::new(), ..commit(&stream(1), 1, 2) };
    let from_zero = Commit { expected_seq: 0, ..commit(&stream(1), 1, 1) };
    for wrong in [empty, from_zero] {
        let result = store.commit(fence, &[commit(&stream(2), 1, 1), wrong]);
        assert!(matches!(result, Err(StoreError::Malformed { .. })), "{result:?}");
        assert!(store.load(&stream(2)).unwrap().is_none());
    }
}

/// A stream may take several turns in one batch, each on the last.
pub fn takes_several_commits_of_one_stream(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let (one, two) = (stream(1), stream(2));
    let batch =
        [commit(&one, 1, 2), commit(&two, 1, 1), commit(&one, 3, 1), commit(&one, 4, 0), commit(&one, 4, 3)];
    assert_eq!(store.commit(fence, &batch).unwrap(), [Some(1), Some(2), Some(3), None, Some(4)]);
    let rows = store.load(&one).unwrap().unwrap().rows;
    let numbers: Vec<_> = rows.iter().map(|row| (row.position, row.seq, row.last())).collect();
    assert_eq!(numbers, [(1, 1, 2), (3, 3, 3), (4, 4, 6)]);
    assert_eq!(store.verify(&one).unwrap(), 6);
    let again = store.commit(fence, &[commit(&one, 7, 1), commit(&one, 7, 1)]);
    assert!(matches!(again, Err(StoreError::Conflict { expected: 7, actual: 8, .. })), "{again:?}");
    assert_eq!(store.verify(&one).unwrap(), 6);
}

/// Positions grow over all streams and commits; a refused commit leaves no hole that a follower waits for.
pub fn numbers_positions_in_order(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let mut expected = Vec::new();
    for turn in 0..6 {
        let batch: Vec<Commit> = (0..4).map(|number| commit(&stream(number), turn * 2 + 1, 2)).collect();
        for position in store.commit(fence, &batch).unwrap() {
            expected.push(position.unwrap());
        }
        assert!(store.commit(fence, &[commit(&stream(5), 1, 1), commit(&stream(6), 2, 1)]).is_err());
    }
    assert!(expected.is_sorted_by(|a, b| a < b), "{expected:?}");
    let mut after = 0;
    let mut found = Vec::new();
    loop {
        let rows = store.journal_after(after, 5).unwrap();
        let Some((_, last)) = rows.last() else { break };
        assert!(rows.len() <= 5);
        after = last.position;
        found.extend(rows);
    }
    assert_eq!(found.iter().map(|(_, row)| row.position).collect::<Vec<_>>(), expected);
    for (index, (id, row)) in found.iter().enumerate() {
        assert_eq!((id, row.seq), (&stream(index % 4), index as u64 / 4 * 2 + 1));
    }
    assert_eq!(store.journal_after(u64::MAX, 5).unwrap().len(), 0);
    assert_eq!(store.newest().unwrap(), after);
    for (index, (id, row)) in found.iter().enumerate() {
        assert_eq!(store.last_at(id, row.position).unwrap(), row.last());
        let before = found[..index].iter().rev().find(|(other, _)| other == id);
        assert_eq!(store.last_at(id, row.position - 1).unwrap(), before.map_or(0, |(_, row)| row.last()));
    }
    assert_eq!(store.last_at(&stream(99), u64::MAX).unwrap(), 0);
}

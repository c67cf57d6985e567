//! Crashes and failures.

use stead_core::status::RunStatus;

use super::commits::full;
use super::samples::{commit, head, message, stream};
use super::{StoreFactory, seen};
use crate::fault::Point;
use crate::{Commit, StoreError};

/// What was committed is there when the store is opened again.
pub fn comes_back_after_reopening(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[full(), commit(&stream(2), 1, 3)]).unwrap();
    store.put_definition("rev", b"text").unwrap();
    let streams = [stream(1), stream(2)];
    let before = seen(store.as_mut(), &streams);
    let mut store = factory.reopen(store);
    assert_eq!(seen(store.as_mut(), &streams), before);
    assert_eq!(store.definition("rev").unwrap().as_deref(), Some(&b"text"[..]));
}

/// The next holder goes on where the last one was: numbers, positions and fence.
pub fn goes_on_after_a_crash(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let old = store.take_fence().unwrap();
    store.commit(old, &[commit(&stream(1), 1, 2)]).unwrap();
    let mut store = factory.reopen(store);
    let new = store.take_fence().unwrap();
    assert!(new > old);
    assert!(matches!(store.commit(old, &[commit(&stream(1), 3, 1)]), Err(StoreError::Fenced { .. })));
    let again = store.commit(new, &[commit(&stream(1), 1, 2)]);
    assert!(matches!(again, Err(StoreError::Conflict { actual: 3, .. })), "{again:?}");
    assert_eq!(store.commit(new, &[commit(&stream(1), 3, 1)]).unwrap(), [Some(2)]);
    assert_eq!(store.verify(&stream(1)).unwrap(), 3);
}

/// Two turns, with every part among them, behind a first one.
fn batch() -> Vec<Commit> {
    let (one, two) = (stream(1), stream(2));
    vec![
        Commit {
            taken: vec!["m2".to_owned()],
            due: Some(Some(900)),
            head: Some(head(RunStatus::Waiting, false)),
            messages: vec![message("m3", &one, &two)],
            jobs: vec![crate::Job {
                id: "j2".to_owned(),
                kind: "mail".to_owned(),
                target: String::new(),
                body: serde_json::Value::Null,
            }],
            ..commit(&one, 3, 2)
        },
        Commit { taken: vec!["m1".to_owned(), "m3".to_owned()], ..commit(&two, 1, 1) },
    ]
}

/// Whichever write fails, nothing of the commit is there, and the store goes on: also when it is opened
/// again instead.
pub fn leaves_nothing_of_a_failed_commit(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let mut fence = store.take_fence().unwrap();
    store.commit(fence, &[full()]).unwrap();
    let streams = [stream(1), stream(2)];
    let before = seen(store.as_mut(), &streams);
    let faults = factory.faults();
    let mut failed = Vec::new();
    for nth in 1.. {
        faults.fail_at(nth);
        match store.commit(fence, &batch()) {
            Err(StoreError::Injected { point: Point::AfterCommit }) => break,
            Err(StoreError::Injected { point }) => failed.push(point),
            other => panic!("the fault {nth} was to be reported: {other:?}"),
        }
        assert_eq!(seen(store.as_mut(), &streams), before, "after the fault {nth}");
        if nth % 2 == 0 {
            store = factory.reopen(store);
            fence = store.take_fence().unwrap();
            assert_eq!(seen(store.as_mut(), &streams), before, "reopened after the fault {nth}");
        }
    }
    for point in [Point::Journal, Point::Head, Point::Taken, Point::Message, Point::Job, Point::BeforeCommit]
    {
        assert!(failed.contains(&point), "{point} was never crossed: {failed:?}");
    }
    // The last one was durable.
    assert_eq!(store.verify(&stream(1)).unwrap(), 4);
    assert_eq!(
        store.commit(fence, &[commit(&stream(1), 5, 1), commit(&stream(2), 2, 1)]).unwrap(),
        [Some(4), Some(5)]
    );
    assert_eq!(store.verify(&stream(1)).unwrap(), 5);
}

/// An engine that dies between the commit and its answer finds the commit whole.
pub fn tells_nothing_of_a_lost_answer(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[full()]).unwrap();
    factory.faults().fail_at_point(Point::AfterCommit, 1);
    let lost = store.commit(fence, &batch());
    assert!(matches!(lost, Err(StoreError::Injected { point: Point::AfterCommit })), "{lost:?}");
    let mut store = factory.reopen(store);
    let fence = store.take_fence().unwrap();
    assert_eq!(store.verify(&stream(1)).unwrap(), 4);
    assert_eq!(store.head(&stream(1)).unwrap().unwrap().due, Some(900));
    assert!(store.inbox(&stream(2)).unwrap().is_empty());
    assert_eq!(store.jobs(10).unwrap().len(), 2);
    // Its repetition is refused, not doubled.
    assert!(matches!(store.commit(fence, &batch()), Err(StoreError::Conflict { .. })));
}

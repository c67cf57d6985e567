//! Large rows and many streams.

use stead_core::status::RunStatus;

use super::StoreFactory;
use super::samples::{commit, head, message, stream};
use crate::{Commit, Filter, Snapshot};

/// A mebibyte in each part that is of any size.
pub fn takes_large_rows(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let large = |fill: u8| -> Vec<u8> { (0..1 << 20).map(|n: u32| fill ^ n.to_le_bytes()[1]).collect() };
    let mut sent = message("m", &stream(1), &stream(2));
    sent.body = serde_json::Value::String("x".repeat(1 << 20));
    let first = Commit { events: large(1), messages: vec![sent.clone()], ..commit(&stream(1), 1, 1000) };
    let second = Commit { events: large(2), ..commit(&stream(1), 1001, 1) };
    store.commit(fence, &[first.clone(), second.clone()]).unwrap();
    store.put_definition("rev", &large(3)).unwrap();
    let snapshot = Snapshot { format: 1, seq: 1000, state: large(4) };
    let mut store = factory.reopen(store);
    let rows = store.load(&stream(1)).unwrap().unwrap().rows;
    assert!(rows[0].events == first.events && rows[1].events == second.events);
    store.put_snapshot(&stream(1), &snapshot).unwrap();
    let loaded = store.load(&stream(1)).unwrap().unwrap();
    assert!(loaded.snapshot == Some(snapshot));
    assert!(loaded.rows.len() == 1 && loaded.rows[0].events == second.events);
    assert!(store.inbox(&stream(2)).unwrap() == [sent]);
    assert!(store.definition("rev").unwrap() == Some(large(3)));
}

/// Ten thousand streams that wait: listed, found and continued.
pub fn takes_many_streams(factory: &mut dyn StoreFactory) {
    const MANY: usize = 10_000;
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let numbers: Vec<usize> = (0..MANY).collect();
    for part in numbers.chunks(500) {
        let batch: Vec<Commit> = part
            .iter()
            .map(|&number| Commit {
                due: Some(Some(i64::try_from(MANY - number).unwrap())),
                head: Some(head(RunStatus::Waiting, number % 100 == 0)),
                ..commit(&stream(number), 1, 2)
            })
            .collect();
        store.commit(fence, &batch).unwrap();
    }
    let mut store = factory.reopen(store);
    let fence = store.take_fence().unwrap();
    assert_eq!(store.open_streams().unwrap().len(), MANY / 100);
    assert_eq!(store.due_streams(3, 10).unwrap(), [stream(MANY - 1), stream(MANY - 2), stream(MANY - 3)]);
    assert_eq!(store.heads(&Filter::default()).unwrap().len(), MANY);
    for part in numbers.chunks(1000) {
        let batch: Vec<Commit> = part.iter().map(|&number| commit(&stream(number), 3, 1)).collect();
        store.commit(fence, &batch).unwrap();
    }
    for number in (0..MANY).step_by(997) {
        assert_eq!(store.verify(&stream(number)).unwrap(), 3);
    }
    assert_eq!(store.journal_after(2 * MANY as u64 - 1, 5).unwrap().len(), 1);
}

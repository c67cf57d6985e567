//! Inboxes.

use super::samples::{commit, message, stream};
use super::{StoreFactory, seen};
use crate::{Commit, Store, StoreError};

fn takes(of: usize, seq: u64, ids: &[&str]) -> Commit {
    Commit { taken: ids.iter().map(|id| (*id).to_owned()).collect(), ..commit(&stream(of), seq, 1) }
}

fn sends(from: usize, seq: u64, to: usize, ids: &[&str]) -> Commit {
    let messages = ids.iter().map(|id| message(id, &stream(from), &stream(to))).collect();
    Commit { messages, ..commit(&stream(from), seq, 1) }
}

fn ids(store: &mut dyn Store, of: usize) -> Vec<String> {
    store.inbox(&stream(of)).unwrap().into_iter().map(|message| message.id).collect()
}

fn assert_not_there(result: Result<impl std::fmt::Debug, StoreError>, wanted: &str) {
    match result {
        Err(StoreError::NotInInbox { id, .. }) => assert_eq!(id, wanted),
        other => panic!("{wanted} was not to be found: {other:?}"),
    }
}

/// A message that was taken, or is another stream's, cannot be taken; nothing of such a batch is written.
pub fn takes_a_message_once(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[sends(1, 1, 2, &["a", "b"]), sends(3, 1, 4, &["a"])]).unwrap();
    store.commit(fence, &[takes(2, 1, &["a"])]).unwrap();
    assert_eq!(ids(store.as_mut(), 2), ["b"]);
    // The message of the same id to another stream is another one.
    assert_eq!(ids(store.as_mut(), 4), ["a"]);

    let before = seen(store.as_mut(), &[stream(1), stream(2), stream(4)]);
    assert_not_there(store.commit(fence, &[takes(2, 2, &["b"]), takes(2, 3, &["a"])]), "a");
    assert_not_there(store.commit(fence, &[takes(2, 2, &["b", "b"])]), "b");
    assert_not_there(store.commit(fence, &[takes(1, 2, &["b"])]), "b");
    assert_eq!(seen(store.as_mut(), &[stream(1), stream(2), stream(4)]), before);
    store.commit(fence, &[takes(2, 2, &["b"])]).unwrap();
    assert!(ids(store.as_mut(), 2).is_empty());
}

/// Messages are given in the order of their coming; one that comes twice while it waits is there once.
pub fn keeps_messages_in_order(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.commit(fence, &[sends(1, 1, 9, &["z", "b"]), sends(2, 1, 9, &["a"])]).unwrap();
    store.commit(fence, &[sends(3, 1, 9, &["c", "z"]), sends(1, 2, 8, &["x"])]).unwrap();
    assert_eq!(ids(store.as_mut(), 9), ["z", "b", "a", "c"]);
    store.commit(fence, &[takes(9, 1, &["c", "b"])]).unwrap();
    store.commit(fence, &[sends(3, 2, 9, &["d"])]).unwrap();
    assert_eq!(ids(store.as_mut(), 9), ["z", "a", "d"]);
    let found = store.inbox(&stream(9)).unwrap();
    assert_eq!(found[0], message("z", &stream(1), &stream(9)));
}

/// Within a batch the order counts: what was sent by an earlier commit can be taken by a later one.
pub fn takes_what_the_same_batch_sent(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    assert_not_there(store.commit(fence, &[takes(2, 1, &["m"]), sends(1, 1, 2, &["m"])]), "m");
    store.commit(fence, &[sends(1, 1, 2, &["m"]), takes(2, 1, &["m"])]).unwrap();
    assert!(ids(store.as_mut(), 2).is_empty());
    assert!(store.open_streams().unwrap().is_empty());
    // A turn takes before it sends.
    let own = Commit { messages: vec![message("n", &stream(1), &stream(1))], ..takes(1, 2, &["n"]) };
    assert_not_there(store.commit(fence, &[own]), "n");
    // Taken once, even if it was sent and taken before.
    assert_not_there(
        store.commit(fence, &[sends(1, 2, 2, &["m"]), takes(2, 2, &["m"]), takes(2, 3, &["m"])]),
        "m",
    );
}

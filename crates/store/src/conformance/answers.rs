//! Kept answers.

use super::StoreFactory;
use crate::Store;
use crate::answers::{Asked, Known};
use crate::limits::{ANSWER_BYTES, ANSWER_KEPT, ANSWERS, ANSWERS_BYTES};

fn asked(key: &str, at: i64) -> Asked {
    Asked {
        person: "user:ana".into(),
        key: key.into(),
        at,
        request: format!("of {key}"),
        wish: format!("w{key}{at}"),
    }
}

fn answer(store: &mut dyn Store, key: &str, at: i64) -> Option<Option<Vec<u8>>> {
    let probe = Asked { wish: "probe".into(), ..asked(key, at) };
    let known = store.note_asked(&probe).unwrap();
    if known.is_none() {
        store.forget_asked(&probe).unwrap();
    }
    known.map(|known| known.answer)
}

/// A request is noted once; what is known of it is told to whoever comes again, for a day, also after a crash.
pub fn keeps_answers(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let first = asked("a", 1_000);
    assert_eq!(store.note_asked(&first).unwrap(), None);
    let mut store = factory.reopen(store);
    let again = Asked { request: "other".into(), wish: "other".into(), ..asked("a", 2_000) };
    assert_eq!(store.note_asked(&again).unwrap(), Some(Known { asked: first.clone(), answer: None }));
    // It is another one that has the key.
    store.keep_answer(&again, b"wrong").unwrap();
    store.forget_asked(&again).unwrap();
    assert_eq!(store.note_asked(&again).unwrap(), Some(Known { asked: first.clone(), answer: None }));
    store.keep_answer(&first, b"told").unwrap();
    let mut store = factory.reopen(store);
    let known = Known { asked: first, answer: Some(b"told".to_vec()) };
    assert_eq!(store.note_asked(&again).unwrap(), Some(known));
    let of_bo = Asked { person: "user:bo".into(), ..again };
    assert_eq!(store.note_asked(&of_bo).unwrap(), None, "keys are somebody's");
    store.forget_asked(&of_bo).unwrap();
    assert_eq!(store.note_asked(&of_bo).unwrap(), None);
}

/// So long, so many, so large.
pub fn bounds_answers(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let first = asked("a", 1_000);
    store.note_asked(&first).unwrap();
    store.keep_answer(&first, b"told").unwrap();
    assert!(answer(store.as_mut(), "a", 1_000 + ANSWER_KEPT - 1).is_some());
    assert_eq!(answer(store.as_mut(), "a", 1_000 + ANSWER_KEPT), None, "it was forgotten");
    let large = asked("large", 2_000);
    store.note_asked(&large).unwrap();
    store.keep_answer(&large, &vec![1; ANSWER_BYTES + 1]).unwrap();
    assert_eq!(answer(store.as_mut(), "large", 2_000), Some(Some(Vec::new())), "it is too much to be kept");
    let fitting = ANSWERS_BYTES / ANSWER_BYTES;
    for number in 0..=fitting {
        let one = asked(&format!("b{number}"), 3_000 + number as i64);
        store.note_asked(&one).unwrap();
        store.keep_answer(&one, &vec![1; ANSWER_BYTES]).unwrap();
    }
    assert_eq!(answer(store.as_mut(), "b0", 4_000), None, "the oldest has gone");
    assert!(answer(store.as_mut(), "b1", 4_000).is_some());
    for number in 0..ANSWERS {
        store.note_asked(&asked(&format!("c{number}"), 5_000 + number as i64)).unwrap();
    }
    assert_eq!(answer(store.as_mut(), "b1", 90_000), None, "so many are kept");
    assert_eq!(answer(store.as_mut(), "c1", 90_000), Some(None));
}

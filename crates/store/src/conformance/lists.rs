//! Open streams, due ones, and the list of heads.

use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::status::{Outcome, RunStatus};

use super::StoreFactory;
use super::samples::{commit, head, message, stream};
use crate::{Commit, Filter, Store};

fn with_head(number: usize, head: Head) -> Commit {
    Commit { head: Some(head), ..commit(&stream(number), 1, 1) }
}

/// Open heads, and whoever has a message: each once, until it is neither.
pub fn lists_open_streams(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let open = |store: &mut dyn Store| store.open_streams().unwrap();
    assert!(open(store.as_mut()).is_empty());
    let both = Commit {
        messages: vec![message("a", &stream(1), &stream(1)), message("b", &stream(1), &stream(7))],
        ..with_head(1, head(RunStatus::Running, true))
    };
    let batch =
        [with_head(3, head(RunStatus::Waiting, false)), both, with_head(2, head(RunStatus::Pending, true))];
    store.commit(fence, &batch).unwrap();
    store
        .commit(
            fence,
            &[Commit { messages: vec![message("c", &stream(1), &stream(3))], ..commit(&stream(1), 2, 1) }],
        )
        .unwrap();
    let mut store = factory.reopen(store);
    let fence = store.take_fence().unwrap();
    assert_eq!(open(store.as_mut()), [stream(1), stream(2), stream(7), stream(3)]);
    let closed = |number, seq, taken: &str| Commit {
        head: Some(head(RunStatus::Completed, false)),
        taken: vec![taken.to_owned()],
        ..commit(&stream(number), seq, 1)
    };
    store.commit(fence, &[closed(7, 1, "b"), closed(3, 2, "c"), closed(1, 3, "a")]).unwrap();
    assert_eq!(open(store.as_mut()), [stream(2)]);
}

/// The earliest first, up to and with the time asked for.
pub fn orders_due_streams(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    assert_eq!(store.next_due().unwrap(), None);
    let due = |number, seq, due| Commit { due: Some(due), ..commit(&stream(number), seq, 1) };
    let batch =
        [due(1, 1, Some(30)), due(2, 1, Some(10)), due(3, 1, Some(20)), due(4, 1, None), due(5, 1, Some(20))];
    store.commit(fence, &batch).unwrap();
    let mut found = |at, limit| -> Vec<StreamId> { store.due_streams(at, limit).unwrap() };
    assert_eq!(found(9, 10), []);
    assert_eq!(found(20, 10), [stream(2), stream(3), stream(5)]);
    assert_eq!(found(i64::MAX, 10), [stream(2), stream(3), stream(5), stream(1)]);
    assert_eq!(found(100, 2), [stream(2), stream(3)]);
    assert_eq!(found(100, 0), []);
    assert_eq!(store.next_due().unwrap(), Some(10));
    // Moved, taken away, and left alone by a commit that does not speak of it.
    store.commit(fence, &[due(2, 2, None), due(1, 2, Some(5)), commit(&stream(3), 2, 1)]).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.due_streams(100, 10).unwrap(), [stream(1), stream(3), stream(5)]);
    assert_eq!(store.next_due().unwrap(), Some(5));
}

/// Each part of the filter, alone and together; the newest first.
pub fn filters_heads(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let named = |workflow: &str, head: Head| Head { workflow: workflow.to_owned(), ..head };
    let child = Head { parent: Some(stream(1)), ..head(RunStatus::Running, true) };
    let degraded = Head { outcome: Some(Outcome::Degraded), ..head(RunStatus::Completed, false) };
    let batch = [
        with_head(1, head(RunStatus::Running, true)),
        with_head(2, named("label", head(RunStatus::Completed, false))),
        with_head(3, child),
        commit(&stream(4), 1, 1),
        with_head(5, degraded),
        Commit { head: Some(head(RunStatus::Failed, false)), ..commit(&StreamId::new("s_other"), 1, 1) },
    ];
    store.commit(fence, &batch).unwrap();
    // A head that is written again keeps its place.
    store
        .commit(fence, &[Commit { head: Some(head(RunStatus::Waiting, false)), ..commit(&stream(1), 2, 1) }])
        .unwrap();
    let mut found = |filter: Filter| -> Vec<String> {
        store.heads(&filter).unwrap().into_iter().map(|listed| listed.stream.to_string()).collect()
    };
    let names =
        |numbers: &[usize]| -> Vec<String> { numbers.iter().map(|n| stream(*n).to_string()).collect() };
    let all = Filter::default;
    let runs = || Filter { prefix: Some("r_".to_owned()), ..all() };
    assert_eq!(found(all()), [vec!["s_other".to_owned()], names(&[5, 3, 2, 1])].concat());
    assert_eq!(found(runs()), names(&[5, 3, 2, 1]));
    assert_eq!(found(Filter { limit: 2, ..runs() }), names(&[5, 3]));
    assert_eq!(found(Filter { prefix: Some(stream(3).to_string()), ..all() }), names(&[3]));
    assert_eq!(found(Filter { prefix: Some("r%".to_owned()), ..all() }), names(&[]));
    assert_eq!(found(Filter { prefix: Some(String::new()), limit: 1, ..all() }), ["s_other"]);
    assert_eq!(found(Filter { top_only: true, ..runs() }), names(&[5, 2, 1]));
    assert_eq!(found(Filter { workflow: Some("label".to_owned()), ..all() }), names(&[2]));
    assert_eq!(found(Filter { outcome: Some(Outcome::Degraded), ..all() }), names(&[5]));
    assert_eq!(
        found(Filter { status: vec![RunStatus::Waiting, RunStatus::Running], ..all() }),
        names(&[3, 1])
    );
    assert_eq!(found(Filter { status: vec![RunStatus::Pending], ..all() }), names(&[]));
    let together = Filter {
        status: vec![RunStatus::Completed],
        outcome: Some(Outcome::Ok),
        workflow: Some("label".to_owned()),
        prefix: Some("r_0".to_owned()),
        top_only: true,
        limit: 7,
    };
    assert_eq!(found(together), names(&[2]));
    let listed = store.heads(&runs()).unwrap();
    assert_eq!(listed.iter().map(|listed| listed.seq).collect::<Vec<_>>(), [1, 1, 1, 2]);
    assert!(store.head(&stream(4)).unwrap().is_none());
    for one in listed {
        assert_eq!(store.head(&one.stream).unwrap().as_ref(), Some(&one));
    }
}

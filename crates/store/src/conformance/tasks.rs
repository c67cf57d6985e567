//! Inboxes, and what somebody has acted on.

use stead_core::ids::StreamId;
use stead_core::task::{Ended, Origin, Part, TaskHead, TaskKind, TaskStatus};

use super::StoreFactory;
use super::samples::{commit, stream};
use crate::tasks::{ListedTask, TaskFilter};
use crate::{Commit, Store};

/// A task of a number.
pub fn task(number: usize) -> StreamId {
    StreamId::new(&format!("t_{number:016}"))
}

pub(super) fn row(run: usize, to: &[&str]) -> TaskHead {
    TaskHead {
        origin: Origin {
            run: stream(run),
            top: stream(run),
            path: "ship".into(),
            number: 1,
            workflow: "fix".into(),
            project: String::new(),
        },
        kind: TaskKind::Gate,
        title: "Ship it?".into(),
        status: TaskStatus::Open,
        ended: None,
        opened_at: 10,
        ended_at: None,
        due_at: Some(20),
        to: to.iter().map(|who| (*who).to_owned()).collect(),
        not: vec!["user:eve".into()],
        claimed: None,
        part: Part { accepts: 0, quorum: 1, rejects: 0, most: 1 },
        acted: Vec::new(),
    }
}

pub(super) fn with(number: usize, seq: u64, head: TaskHead) -> Commit {
    Commit { task: Some(head), ..commit(&task(number), seq, 1) }
}

fn found(store: &mut dyn Store, filter: &TaskFilter) -> Vec<StreamId> {
    store.tasks(filter).unwrap().into_iter().map(|listed| listed.task).collect()
}

fn to(who: &[&str]) -> TaskFilter {
    TaskFilter { to: who.iter().map(|who| (*who).to_owned()).collect(), ..TaskFilter::default() }
}

/// An inbox has what its person may act on, in the order of its coming, by pages, and nothing that is over.
pub fn lists_inboxes(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let batch = [
        with(3, 1, row(1, &["group:makers"])),
        with(1, 1, row(1, &["user:ana", "group:makers"])),
        with(2, 1, row(2, &["user:Bo"])),
    ];
    store.commit(fence, &batch).unwrap();
    let mut store = factory.reopen(store);
    let fence = store.take_fence().unwrap();
    let store_ = store.as_mut();
    assert_eq!(found(store_, &to(&["group:makers", "user:ana"])), [task(3), task(1)]);
    assert_eq!(found(store_, &to(&["user:bo"])), [task(2)]);
    assert_eq!(found(store_, &to(&["user:eve"])), []);
    let page = TaskFilter { limit: 1, ..to(&["group:makers", "user:ana"]) };
    assert_eq!(found(store_, &page), [task(3)]);
    assert_eq!(found(store_, &TaskFilter { after: Some(task(3)), ..page.clone() }), [task(1)]);
    assert_eq!(found(store_, &TaskFilter { after: Some(task(1)), ..page.clone() }), []);
    assert_eq!(found(store_, &TaskFilter { after: Some(task(9)), ..page }), []);
    let all = TaskFilter { newest_first: true, ..TaskFilter::default() };
    assert_eq!(found(store_, &all), [task(2), task(1), task(3)]);
    assert_eq!(
        found(store_, &TaskFilter { run: Some(stream(1)), ..TaskFilter::default() }),
        [task(3), task(1)]
    );
    assert_eq!(found(store_, &TaskFilter { top: Some(stream(2)), ..TaskFilter::default() }), [task(2)]);
    let prefix = Some(task(2).as_str().to_owned());
    assert_eq!(found(store_, &TaskFilter { prefix, ..TaskFilter::default() }), [task(2)]);
    let head = row(1, &["group:makers"]);
    assert_eq!(store.task(&task(3)).unwrap(), Some(ListedTask { task: task(3), head: head.clone() }));
    assert_eq!(store.task(&task(9)).unwrap(), None);
    // Somebody has acted, others may still; then it is over.
    let voted = TaskHead { acted: vec!["user:ana".into()], to: vec!["user:cy".into()], ..head };
    store.commit(fence, &[with(3, 2, voted.clone())]).unwrap();
    let store_ = store.as_mut();
    assert_eq!(found(store_, &to(&["group:makers", "user:ana"])), [task(1)]);
    assert_eq!(found(store_, &to(&["user:cy"])), [task(3)]);
    let over = TaskHead {
        status: TaskStatus::Completed,
        ended: Some(Ended::Accepted),
        ended_at: Some(30),
        to: Vec::new(),
        acted: vec!["user:ana".into(), "user:Cy".into()],
        ..voted
    };
    // A commit that does not speak of the row leaves it alone.
    store.commit(fence, &[with(3, 3, over.clone()), commit(&task(1), 2, 1)]).unwrap();
    let store_ = store.as_mut();
    assert_eq!(found(store_, &to(&["user:cy"])), []);
    assert_eq!(found(store_, &TaskFilter { open: Some(false), ..TaskFilter::default() }), [task(3)]);
    assert_eq!(found(store_, &TaskFilter { open: Some(true), ..TaskFilter::default() }), [task(1), task(2)]);
    for who in ["user:ana", "user:cy"] {
        let acted = TaskFilter { acted: vec![who.into()], open: Some(false), ..TaskFilter::default() };
        assert_eq!(found(store_, &acted), [task(3)]);
    }
    assert_eq!(store.task(&task(3)).unwrap().unwrap().head, over);
}

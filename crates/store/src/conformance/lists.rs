//! Open streams, due ones, and the list of heads.

use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::status::{Outcome, RunStatus};
use stead_core::task::{TaskHead, TaskStatus};

use super::samples::{commit, head, message, stream};
use super::{StoreFactory, tasks};
use crate::{Commit, Filter, OpenCounts, Store};

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

/// A stream without a head is open as its commits say, and is in no list of heads.
pub fn opens_streams_without_a_head(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let with = |number, seq, open| Commit { open: Some(open), ..commit(&stream(number), seq, 1) };
    let batch = [
        with(1, 1, true),
        with(2, 1, false),
        commit(&stream(3), 1, 1),
        with_head(4, head(RunStatus::Running, true)),
    ];
    store.commit(fence, &batch).unwrap();
    let mut store = factory.reopen(store);
    let fence = store.take_fence().unwrap();
    assert_eq!(store.open_streams().unwrap(), [stream(1), stream(4)]);
    // Left alone by a commit that does not speak of it, changed by one without events; a head says it itself.
    let said = Commit { open: Some(true), count: 0, events: Vec::new(), ..commit(&stream(2), 2, 1) };
    let headed = Commit {
        open: Some(true),
        head: Some(head(RunStatus::Completed, false)),
        ..commit(&stream(4), 2, 1)
    };
    store.commit(fence, &[commit(&stream(1), 2, 1), said, headed]).unwrap();
    assert_eq!(store.open_streams().unwrap(), [stream(1), stream(2)]);
    store.commit(fence, &[with(1, 3, false)]).unwrap();
    assert_eq!(store.open_streams().unwrap(), [stream(2)]);
    assert_eq!(store.heads(&Filter::default()).unwrap().len(), 1);
    assert!(store.head(&stream(2)).unwrap().is_none());
}

/// Runs and tasks that are over are not counted.
pub fn counts_what_is_open(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    assert_eq!(store.open_counts().unwrap(), OpenCounts::default());
    let statuses = [RunStatus::Waiting, RunStatus::Completed, RunStatus::Waiting, RunStatus::Failed];
    let heads = statuses.iter().enumerate().map(|(n, status)| with_head(n + 1, head(*status, false)));
    store.commit(fence, &heads.collect::<Vec<_>>()).unwrap();
    let tasks = [1, 2].map(|number| tasks::with(number, 1, tasks::row(1, &["user:ana"])));
    store.commit(fence, &tasks).unwrap();
    let waiting = |count| vec![(RunStatus::Waiting, count)];
    assert_eq!(store.open_counts().unwrap(), OpenCounts { runs: waiting(2), tasks: 2 });
    let ended = Commit { expected_seq: 2, ..with_head(1, head(RunStatus::Completed, false)) };
    let over = TaskHead { status: TaskStatus::Completed, ..tasks::row(1, &[]) };
    store.commit(fence, &[ended, tasks::with(1, 2, over)]).unwrap();
    assert_eq!(store.open_counts().unwrap(), OpenCounts { runs: waiting(1), tasks: 1 });
    store.probe().unwrap();
    store.probe().unwrap();
    assert_eq!(store.take_fence().unwrap(), fence + 1, "trying to write is no fence");
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
    let keyed = |keys: &[(&str, &str)], head: Head| {
        let keys = keys.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Head { keys: keys.collect(), ..head }
    };
    let child = Head { parent: Some(stream(1)), ..head(RunStatus::Running, true) };
    let degraded = Head { outcome: Some(Outcome::Degraded), ..head(RunStatus::Completed, false) };
    let batch = [
        with_head(1, head(RunStatus::Running, true)),
        with_head(2, keyed(&[("order", "7")], named("label", head(RunStatus::Completed, false)))),
        with_head(3, child),
        commit(&stream(4), 1, 1),
        with_head(5, keyed(&[("kind", "rush"), ("order", "7")], degraded)),
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
    assert_eq!(found(Filter { outcome: vec![Outcome::Degraded], ..all() }), names(&[5]));
    assert_eq!(
        found(Filter { status: vec![RunStatus::Waiting, RunStatus::Running], ..all() }),
        names(&[3, 1])
    );
    assert_eq!(found(Filter { status: vec![RunStatus::Pending], ..all() }), names(&[]));
    let together = Filter {
        status: vec![RunStatus::Completed],
        outcome: vec![Outcome::Degraded, Outcome::Ok],
        workflow: Some("label".to_owned()),
        project: Some("docs".to_owned()),
        prefix: Some("r_0".to_owned()),
        keys: Vec::new(),
        top_only: true,
        since: Some(10),
        until: Some(11),
        text: Some("LAB".to_owned()),
        limit: 7,
        ..all()
    };
    assert_eq!(found(together), names(&[2]));
    for (keys, wanted) in [
        (vec![("order", "7")], &[5, 2][..]),
        (vec![("order", "7"), ("kind", "rush")], &[5]),
        (vec![("kind", "7")], &[]),
        (vec![("order", "7"), ("kind", "none")], &[]),
    ] {
        let keys = keys.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(found(Filter { keys, ..all() }), names(wanted));
    }
    let listed = store.heads(&runs()).unwrap();
    assert_eq!(listed.iter().map(|listed| listed.seq).collect::<Vec<_>>(), [1, 1, 1, 2]);
    assert!(store.head(&stream(4)).unwrap().is_none());
    for one in listed {
        assert_eq!(store.head(&one.stream).unwrap().as_ref(), Some(&one));
    }
}

/// Times, projects, parents and texts; a head that is written later than its stream has them too.
pub fn filters_heads_by_what_stays(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let made =
        |created_at, project: &str, head: Head| Head { created_at, project: project.to_owned(), ..head };
    let child = Head { parent: Some(stream(1)), ..head(RunStatus::Running, true) };
    let failed = Head {
        error: Some("exit code 1: No such ISSUE, 100% ärgerlich".to_owned()),
        ..head(RunStatus::Failed, false)
    };
    let batch = [
        commit(&stream(6), 1, 1),
        with_head(1, made(10, "", head(RunStatus::Running, true))),
        with_head(2, made(40, "Docs", Head { starter: "user:bo".to_owned(), ..child.clone() })),
        // The clock was set back.
        with_head(3, made(20, "Docs", failed)),
        with_head(4, made(30, "other", Head { parent: Some(stream(2)), ..child })),
    ];
    store.commit(fence, &batch).unwrap();
    // Its place is that of the stream.
    let late = made(25, "Docs", Head { workflow: "late".to_owned(), ..head(RunStatus::Running, true) });
    store.commit(fence, &[Commit { head: Some(late), ..commit(&stream(6), 2, 1) }]).unwrap();
    let mut store = factory.reopen(store);
    let mut found = |filter: Filter| -> Vec<StreamId> {
        store.heads(&filter).unwrap().into_iter().map(|listed| listed.stream).collect()
    };
    let names = |numbers: &[usize]| -> Vec<StreamId> { numbers.iter().map(|n| stream(*n)).collect() };
    let all = Filter::default;
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..all() };
    let project = |name: &str| Filter { project: Some(name.to_owned()), ..all() };
    assert_eq!(found(all()), names(&[4, 3, 2, 1, 6]));
    assert_eq!(found(Filter { since: Some(25), ..all() }), names(&[4, 2, 6]));
    assert_eq!(found(Filter { until: Some(25), ..all() }), names(&[3, 1]));
    assert_eq!(found(Filter { since: Some(20), until: Some(30), ..all() }), names(&[3, 6]));
    assert_eq!(found(Filter { since: Some(41), ..all() }), names(&[]));
    assert_eq!(found(Filter { until: Some(10), ..all() }), names(&[]));
    assert_eq!(found(project("Docs")), names(&[3, 2, 6]));
    assert_eq!(found(project("docs")), names(&[]));
    assert_eq!(found(project("")), names(&[1]));
    assert_eq!(found(Filter { parent: Some(stream(1)), ..all() }), names(&[2]));
    assert_eq!(found(Filter { parent: Some(stream(2)), top_only: true, ..all() }), names(&[]));
    assert_eq!(found(Filter { workflow: Some("late".to_owned()), ..all() }), names(&[6]));
    let starters =
        |names: &[&str]| Filter { starters: names.iter().map(ToString::to_string).collect(), ..all() };
    assert_eq!(found(starters(&["user:bo"])), names(&[2]));
    assert_eq!(found(starters(&["user:bo", "user:ana"])), names(&[4, 3, 2, 1, 6]));
    assert_eq!(found(Filter { since: Some(25), ..starters(&["user:ana"]) }), names(&[4, 6]));
    assert_eq!(found(starters(&["bo"])), names(&[]));
    assert_eq!(found(text("such issue")), names(&[3]));
    assert_eq!(found(text("DOCS")), names(&[3, 2, 6]));
    assert_eq!(found(text("rELEASE")), names(&[4, 3, 2, 1]));
    assert_eq!(found(text(&stream(4).to_string()[8..])), names(&[4]));
    // As it stands, no pattern; beyond ASCII as it is written.
    assert_eq!(found(text("100%")), names(&[3]));
    assert_eq!(found(text("1%0")), names(&[]));
    assert_eq!(found(text("ärger")), names(&[3]));
    assert_eq!(found(text("ÄRGER")), names(&[]));
    assert_eq!(found(text("")), names(&[4, 3, 2, 1, 6]));
}

/// A page begins behind the last of the one before, whatever came in between.
pub fn lists_heads_by_pages(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    let head_of = |number: usize| match number % 3 {
        0 => head(RunStatus::Failed, false),
        _ => head(RunStatus::Completed, false),
    };
    let batch: Vec<Commit> = (1..=9).map(|number| with_head(number, head_of(number))).collect();
    store.commit(fence, &batch).unwrap();
    let page = |store: &mut dyn Store, filter: Filter| -> Vec<StreamId> {
        store.heads(&filter).unwrap().into_iter().map(|listed| listed.stream).collect()
    };
    let names = |numbers: &[usize]| -> Vec<StreamId> { numbers.iter().map(|n| stream(*n)).collect() };
    let first = page(store.as_mut(), Filter { limit: 4, ..Filter::default() });
    assert_eq!(first, names(&[9, 8, 7, 6]));
    store.commit(fence, &[with_head(10, head_of(10))]).unwrap();
    let after = |number: usize| Filter { after: Some(stream(number)), limit: 4, ..Filter::default() };
    assert_eq!(page(store.as_mut(), after(6)), names(&[5, 4, 3, 2]));
    assert_eq!(page(store.as_mut(), after(2)), names(&[1]));
    assert_eq!(page(store.as_mut(), after(1)), names(&[]));
    let failed = |number| Filter { status: vec![RunStatus::Failed], ..after(number) };
    assert_eq!(page(store.as_mut(), failed(8)), names(&[6, 3]));
    assert_eq!(page(store.as_mut(), after(99)), names(&[]));
}

//! The library: names, revisions, refusals, what is found.

use stead_core::head::Head;
use stead_core::status::RunStatus;

use super::StoreFactory;
use super::samples::{commit, head, stream};
use crate::fault::Point;
use crate::library::{Change, How, Refusal, Save, Saved, What, Workflow, WorkflowFilter};
use crate::{Commit, Store, StoreError};

/// A text to be saved: its hash is what it says, small and without what is behind `#`.
fn text(name: &str, text: &str) -> Save {
    let meaning = text.split('#').next().unwrap().trim().to_lowercase();
    Save {
        name: name.to_owned(),
        revision: format!("hash of {meaning}"),
        bytes: text.as_bytes().to_vec(),
        message: format!("as {meaning}"),
        at: 100,
        by: "user:ana".to_owned(),
        description: format!("does {meaning}"),
        steps: vec![format!("step_{meaning}")],
        ..Save::default()
    }
}

fn saved(number: u32, how: How) -> Saved {
    Saved { number, how }
}

#[track_caller]
fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Refusal {
    match result {
        Err(StoreError::Library(refusal)) => refusal,
        other => panic!("it was to be refused: {other:?}"),
    }
}

fn names(store: &mut dyn Store, filter: &WorkflowFilter) -> Vec<String> {
    store.workflows(filter).unwrap().into_iter().map(|workflow| workflow.name).collect()
}

fn all() -> WorkflowFilter {
    WorkflowFilter::default()
}

/// Numbers count per name; the newest as it is makes none; each text comes back as it was written.
pub fn numbers_revisions_by_name(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    assert_eq!(store.save(&text("greet", "One")).unwrap(), saved(1, How::New));
    assert_eq!(store.save(&text("greet", "One")).unwrap(), saved(1, How::Unchanged));
    let next = |words: &str, base| Save { based_on: Some(base), at: 200, ..text("greet", words) };
    assert_eq!(store.save(&next("Two", 1)).unwrap(), saved(2, How::Next));
    // Back to what it was: a new number for a hash that was there before.
    assert_eq!(store.save(&next("One", 2)).unwrap(), saved(3, How::Next));
    assert_eq!(store.save(&text("other", "Two")).unwrap(), saved(1, How::New));
    // The same meaning written differently: the text is the author's newest, the number stays.
    let written = Save { by: "user:bo".to_owned(), ..next("one # with a word on it", 3) };
    assert_eq!(store.save(&written).unwrap(), saved(3, How::Text));
    let mut store = factory.reopen(store);
    let mut bytes = |name: &str, number| {
        let kept = store.kept(name, number).unwrap()?;
        Some((kept.revision.number, String::from_utf8(kept.bytes).unwrap()))
    };
    assert_eq!(bytes("greet", None), Some((3, "one # with a word on it".to_owned())));
    assert_eq!(bytes("greet", Some(1)), Some((1, "One".to_owned())));
    assert_eq!(bytes("greet", Some(2)), Some((2, "Two".to_owned())));
    assert_eq!(bytes("other", Some(1)), Some((1, "Two".to_owned())));
    assert_eq!(bytes("greet", Some(4)), None);
    assert_eq!(bytes("nobody", None), None);
    let Workflow { newest, revision, created_at, created_by, updated_at, updated_by, .. } =
        store.workflow("greet").unwrap().unwrap();
    assert_eq!((newest, revision.as_str()), (3, "hash of one"));
    assert_eq!((created_at, created_by.as_str()), (100, "user:ana"));
    assert_eq!((updated_at, updated_by.as_str()), (200, "user:bo"));
    // What runs are pinned to is kept in the same place.
    assert_eq!(store.definition("hash of one").unwrap().unwrap(), b"One");
    let kept = store.kept("greet", Some(2)).unwrap().unwrap().revision;
    assert_eq!((kept.message.as_str(), kept.by.as_str(), kept.at), ("as two", "user:ana", 200));
}

/// A text takes the place of the newest only where it was made from that.
pub fn refuses_what_was_made_from_an_older_revision(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    store.save(&text("greet", "one")).unwrap();
    let taken = refusal(store.save(&text("greet", "two")));
    assert_eq!(taken, Refusal::Taken { name: "greet".into(), newest: 1, at: 100, by: "user:ana".into() });
    let two = Save { based_on: Some(1), at: 200, by: "user:bo".into(), ..text("greet", "two") };
    store.save(&two).unwrap();
    let late = refusal(store.save(&Save { based_on: Some(1), ..text("greet", "three") }));
    let theirs =
        Refusal::NotNewest { name: "greet".into(), base: 1, newest: 2, at: 200, by: "user:bo".into() };
    assert_eq!(late, theirs);
    // Not even for a word beside it: somebody's words would be lost.
    assert_eq!(refusal(store.save(&Save { based_on: Some(1), ..text("greet", "two # a word") })), theirs);
    // One that says nothing new needs no base, and one that was never there has none.
    assert_eq!(store.save(&Save { based_on: Some(1), ..text("greet", "two") }).unwrap().how, How::Unchanged);
    let unknown = refusal(store.save(&Save { based_on: Some(1), ..text("nobody", "one") }));
    assert_eq!(unknown, Refusal::Unknown { name: "nobody".into(), near: None });
    // 0: it is to be new.
    let fresh = |name: &str| Save { based_on: Some(0), ..text(name, "one") };
    assert_eq!(store.save(&fresh("fresh")).unwrap().how, How::New);
    assert!(matches!(refusal(store.save(&fresh("greet"))), Refusal::NotNewest { base: 0, .. }));
    assert_eq!(store.workflow("greet").unwrap().unwrap().newest, 2);
    assert_eq!(store.changes("greet", 0, 9).unwrap().len(), 2);
}

/// A file is known to be what was saved from it, or exported to it, of each workflow.
pub fn knows_what_files_are(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let from = |file: &str, save: Save| Save { file: Some(file.to_owned()), ..save };
    store.save(&from("/a.yml", text("greet", "one"))).unwrap();
    assert_eq!(store.save(&from("/a.yml", text("greet", "two"))).unwrap(), saved(2, How::Next));
    refusal(store.save(&from("/b.yml", text("greet", "three"))));
    store.note_origin("/b.yml", "greet", 2).unwrap();
    assert_eq!(store.save(&from("/b.yml", text("greet", "three"))).unwrap(), saved(3, How::Next));
    let late = refusal(store.save(&from("/a.yml", text("greet", "four"))));
    assert!(matches!(late, Refusal::NotNewest { base: 2, newest: 3, .. }), "{late:?}");
    // What somebody says goes before what is known.
    let said = Save { based_on: Some(3), ..from("/a.yml", text("greet", "four")) };
    assert_eq!(store.save(&said).unwrap().number, 4);
    // The same file may be another workflow as well.
    store.save(&from("/a.yml", text("other", "four"))).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.origin("/a.yml", "greet").unwrap(), Some(4));
    assert_eq!(store.origin("/a.yml", "other").unwrap(), Some(1));
    assert_eq!(store.origin("/b.yml", "other").unwrap(), None);
    assert_eq!(store.origin("/a.yml", "nobody").unwrap(), None);
    store.rename("other", "renamed", 300, "user:ana").unwrap();
    assert_eq!(store.origin("/a.yml", "renamed").unwrap(), Some(1));
    assert!(!store.declined("/c.yml").unwrap());
    store.decline("/c.yml").unwrap();
    store.decline("/c.yml").unwrap();
    assert!(store.declined("/c.yml").unwrap());
    store.save(&from("/c.yml", text("third", "one"))).unwrap();
    assert!(!store.declined("/c.yml").unwrap());
    let unknown = refusal(store.note_origin("/c.yml", "nobody", 1));
    assert_eq!(unknown, Refusal::Unknown { name: "nobody".into(), near: None });
}

/// A run keeps the name that it began under, and is one of its workflow under any other.
pub fn counts_runs_under_all_names(factory: &mut dyn StoreFactory) {
    use stead_core::status::RunStatus;
    let mut store = factory.open();
    let fence = store.take_fence().unwrap();
    store.save(&text("greet", "one")).unwrap();
    let run = |number: usize, name: &str, at: i64, status: RunStatus| {
        let head = stead_core::head::Head {
            workflow: name.to_owned(),
            created_at: at,
            ..super::samples::head(status, !status.is_end())
        };
        let commit = super::samples::commit(&super::samples::stream(number), 1, 1);
        crate::Commit { head: Some(head), ..commit }
    };
    store
        .commit(fence, &[run(1, "greet", 10, RunStatus::Completed), run(2, "greet", 20, RunStatus::Waiting)])
        .unwrap();
    store.rename("greet", "hello", 100, "user:ana").unwrap();
    store.commit(fence, &[run(3, "hello", 110, RunStatus::Completed)]).unwrap();
    assert_eq!(store.names_of("hello").unwrap(), [("hello".into(), None), ("greet".into(), Some(100))]);
    assert_eq!(store.times_run("hello").unwrap(), 3);
    // Another one takes the name; what ran before is not its.
    store.save(&Save { at: 150, ..text("greet", "two") }).unwrap();
    store.commit(fence, &[run(4, "greet", 160, RunStatus::Completed)]).unwrap();
    assert_eq!(store.times_run("hello").unwrap(), 3);
    let running = refusal(store.delete("hello", 200, "user:ana"));
    assert_eq!(running, Refusal::Running { name: "hello".into(), runs: vec![super::samples::stream(2)] });
}

/// Names that differ in case only are one name.
pub fn takes_names_that_differ_in_case_for_one(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    store.save(&text("Greet", "one")).unwrap();
    assert!(matches!(refusal(store.save(&text("greet", "two"))), Refusal::Taken { .. }));
    assert_eq!(store.workflow("GREET").unwrap().unwrap().name, "Greet");
    store.save(&text("other", "two")).unwrap();
    let taken = refusal(store.rename("other", "gREET", 1, "user:ana"));
    assert_eq!(taken, Refusal::NameTaken { name: "Greet".into(), deleted: false });
    // Its own name in another case is free for it.
    store.rename("greet", "greet", 1, "user:ana").unwrap();
    assert_eq!(names(store.as_mut(), &all()), ["greet", "other"]);
}

/// Deleted it is kept and can be restored; its name stays its own.
pub fn deletes_and_restores(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    store.save(&text("greet", "one")).unwrap();
    let by = "user:bo";
    assert_eq!(refusal(store.restore("greet", 2, by)), Refusal::NotDeleted { name: "greet".into() });
    store.delete("greet", 200, by).unwrap();
    let gone = Refusal::Deleted { name: "greet".into(), at: 200, by: by.into() };
    assert_eq!(refusal(store.delete("greet", 300, by)), gone);
    assert_eq!(refusal(store.save(&text("greet", "one"))), gone);
    assert_eq!(refusal(store.describe("greet", Some("x"), None, 1, by)), gone);
    assert_eq!(refusal(store.rename("greet", "other", 1, by)), gone);
    let unknown = Refusal::Unknown { name: "nobody".into(), near: None };
    assert_eq!(refusal(store.delete("nobody", 1, by)), unknown);
    assert_eq!(refusal(store.restore("nobody", 1, by)), unknown);
    assert_eq!(refusal(store.rename("nobody", "x", 1, by)), unknown);
    let mut store = factory.reopen(store);
    assert_eq!(names(store.as_mut(), &all()), [""; 0]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { words: Some("one".into()), ..all() }), [""; 0]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { deleted: true, ..all() }), ["greet"]);
    let deleted = store.workflow("greet").unwrap().unwrap();
    assert_eq!((deleted.deleted_at, deleted.deleted_by.as_deref()), (Some(200), Some(by)));
    assert_eq!(store.kept("greet", Some(1)).unwrap().unwrap().bytes, b"one");
    store.save(&text("other", "two")).unwrap();
    let taken = refusal(store.rename("other", "greet", 1, by));
    assert_eq!(taken, Refusal::NameTaken { name: "greet".into(), deleted: true });
    store.restore("greet", 400, by).unwrap();
    assert_eq!(names(store.as_mut(), &all()), ["greet", "other"]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { words: Some("one".into()), ..all() }), ["greet"]);
    let next = Save { based_on: Some(1), ..text("greet", "two") };
    assert_eq!(store.save(&next).unwrap(), saved(2, How::Next));
}

/// What others call, and what runs, is neither deleted nor (the first) renamed.
pub fn keeps_what_is_called_or_runs(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let calling = |name: &str, callees: &[&str], base| Save {
        calls: callees.iter().map(|callee| (*callee).to_owned()).collect(),
        based_on: base,
        ..text(name, &format!("{name} {callees:?}"))
    };
    store.save(&text("child", "one")).unwrap();
    store.save(&calling("b", &["child", "other"], None)).unwrap();
    store.save(&calling("a", &["Child"], None)).unwrap();
    store.save(&calling("child", &["child"], Some(1))).unwrap();
    let called = Refusal::Called { name: "child".into(), callers: vec!["a".into(), "b".into()] };
    assert_eq!(store.callers("child").unwrap(), ["a", "b"]);
    assert_eq!(refusal(store.delete("child", 1, "user:ana")), called);
    assert_eq!(refusal(store.rename("child", "kid", 1, "user:ana")), called);
    // The newest revision counts, and what is not deleted.
    store.save(&calling("a", &["other"], Some(1))).unwrap();
    store.delete("b", 1, "user:ana").unwrap();
    assert_eq!(store.callers("child").unwrap(), [""; 0]);
    let fence = store.take_fence().unwrap();
    let run = |number: usize, status: RunStatus, workflow: &str| Commit {
        head: Some(Head { workflow: workflow.to_owned(), ..head(status, false) }),
        ..commit(&stream(number), 1, 1)
    };
    let statuses = [RunStatus::Waiting, RunStatus::Completed, RunStatus::Failed, RunStatus::Paused];
    let mut batch: Vec<Commit> = (1..).zip(statuses).map(|(n, status)| run(n, status, "child")).collect();
    batch.push(run(9, RunStatus::Running, "other"));
    store.commit(fence, &batch).unwrap();
    let running = Refusal::Running { name: "child".into(), runs: vec![stream(4), stream(1)] };
    assert_eq!(refusal(store.delete("child", 1, "user:ana")), running);
    assert_eq!(store.times_run("child").unwrap(), 4);
    assert_eq!(store.times_run("nobody").unwrap(), 0);
    let ended = |number| Commit {
        head: Some(Head { workflow: "child".into(), ..head(RunStatus::Cancelled, false) }),
        ..commit(&stream(number), 2, 1)
    };
    store.commit(fence, &[ended(1), ended(4)]).unwrap();
    store.delete("child", 1, "user:ana").unwrap();
}

/// Everything that was done, the newest first, and what is said beside the text.
pub fn tells_what_was_done(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let by = "user:bo";
    let labelled = Save { labels: Some(vec!["nightly".into()]), ..text("greet", "one") };
    store.save(&labelled).unwrap();
    store.save(&Save { based_on: Some(1), at: 110, ..text("greet", "two") }).unwrap();
    assert_eq!(store.workflow("greet").unwrap().unwrap().description, "does two");
    store.describe("greet", Some("Greets"), None, 120, by).unwrap();
    store.describe("greet", None, Some(&["a".into(), "b".into()]), 130, by).unwrap();
    store.rename("greet", "hello", 140, by).unwrap();
    store.delete("hello", 150, by).unwrap();
    store.restore("hello", 160, by).unwrap();
    let mut store = factory.reopen(store);
    let found = store.workflow("hello").unwrap().unwrap();
    assert_eq!((found.description.as_str(), &found.labels[..]), ("Greets", &["a".into(), "b".into()][..]));
    assert_eq!((found.created_at, found.updated_at), (100, 160));
    assert!(store.workflow("greet").unwrap().is_none());
    let done: Vec<Change> = store.changes("hello", 0, 99).unwrap();
    let done: Vec<(i64, What, u32, &str)> =
        done.iter().map(|change| (change.at, change.what, change.number, change.detail.as_str())).collect();
    let wanted = [
        (160, What::Restored, 2, ""),
        (150, What::Deleted, 2, ""),
        (140, What::Renamed, 2, "greet"),
        (130, What::Described, 2, ""),
        (120, What::Described, 2, ""),
        (110, What::Saved, 2, "as two"),
        (100, What::Saved, 1, "as one"),
    ];
    assert_eq!(done, wanted);
    assert_eq!(store.changes("hello", 2, 1).unwrap()[0].at, 140);
    assert_eq!(store.changes("nobody", 0, 9).unwrap(), []);
    // An empty description is none; labels that come with the text as it is are put on all the same.
    store.describe("hello", Some(""), None, 170, by).unwrap();
    assert_eq!(store.workflow("hello").unwrap().unwrap().description, "does two");
    let again = Save { labels: Some(Vec::new()), at: 180, ..text("hello", "two") };
    assert_eq!(store.save(&again).unwrap(), saved(2, How::Unchanged));
    assert_eq!(store.workflow("hello").unwrap().unwrap().labels, [""; 0]);
    assert_eq!(store.changes("hello", 0, 1).unwrap()[0].what, What::Described);
    // Said again it is nothing new.
    store.save(&again).unwrap();
    assert_eq!(store.changes("hello", 0, 99).unwrap().len(), 9);
}

/// By name, in pages, by label.
pub fn lists_workflows(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    for (name, labels) in [("c", "x"), ("a", "x y"), ("b", ""), ("d", "y")] {
        let labels = labels.split_whitespace().map(str::to_owned).collect();
        store.save(&Save { labels: Some(labels), ..text(name, "one") }).unwrap();
    }
    let page = |after: &str| WorkflowFilter { after: Some(after.into()), limit: 2, ..all() };
    assert_eq!(names(store.as_mut(), &all()), ["a", "b", "c", "d"]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { limit: 3, ..all() }), ["a", "b", "c"]);
    assert_eq!(names(store.as_mut(), &page("b")), ["c", "d"]);
    assert_eq!(names(store.as_mut(), &page("bb")), ["c", "d"]);
    assert_eq!(names(store.as_mut(), &page("d")), [""; 0]);
    let labelled = |label: &str| WorkflowFilter { label: Some(label.into()), ..all() };
    assert_eq!(names(store.as_mut(), &labelled("y")), ["a", "d"]);
    assert_eq!(names(store.as_mut(), &labelled("X")), [""; 0]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { after: Some("a".into()), ..labelled("y") }), ["d"]);
}

/// Every word begins one somewhere; the place counts, and a rare word more than a frequent one.
pub fn finds_workflows_by_words(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let page = |name: &str, description: &str, steps: &[&str], labels: &[&str]| Save {
        description: description.to_owned(),
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        labels: Some(labels.iter().map(|label| (*label).to_owned()).collect()),
        ..text(name, name)
    };
    let pages = [
        page("label-images", "Three people mark what is seen", &["annotate", "settle"], &["vision"]),
        page("report", "Labels of the week, as a table", &["fetch", "write_table"], &["nightly"]),
        page("nightly-backup", "Copies the store", &["copy", "verify"], &["ops"]),
        page("cleanup", "Removes what is old", &["label_old", "remove"], &["ops", "nightly"]),
        page("label", "", &["x"], &[]),
        page("über-größe", "日本語 text", &["mess_groesse"], &[]),
    ];
    for page in &pages {
        store.save(page).unwrap();
    }
    let mut store = factory.reopen(store);
    let mut found =
        |words: &str| names(store.as_mut(), &WorkflowFilter { words: Some(words.into()), ..all() });
    assert_eq!(found("label"), ["label", "label-images", "report", "cleanup"]);
    assert_eq!(found("LABEL images"), ["label-images"]);
    assert_eq!(found("label-images"), ["label-images"]);
    assert_eq!(found("nightly"), ["nightly-backup", "cleanup", "report"]);
    assert_eq!(found("nightly ops"), ["nightly-backup", "cleanup"]);
    assert_eq!(found("write_tab"), ["report"]);
    assert_eq!(found("annotate"), ["label-images"]);
    assert_eq!(found("bel"), [""; 0]);
    assert_eq!(found("label nowhere"), [""; 0]);
    assert_eq!(found("ÜBER"), ["über-größe"]);
    assert_eq!(found("日本"), ["über-größe"]);
    // What means something to a search engine means nothing here.
    assert_eq!(found("\"label* OR (report) NEAR/2 -x"), [""; 0]);
    assert_eq!(found("name:label"), [""; 0]);
    assert_eq!(found("…—!"), [""; 0]);
    assert_eq!(found(""), [""; 0]);
    let ops = WorkflowFilter { words: Some("nightly".into()), label: Some("ops".into()), ..all() };
    assert_eq!(names(store.as_mut(), &ops), ["nightly-backup", "cleanup"]);
    assert_eq!(names(store.as_mut(), &WorkflowFilter { limit: 1, ..ops }), ["nightly-backup"]);
    // What is said beside the text is found at once, and what is not said any more is not.
    store.describe("label", Some("Puts words on pictures"), Some(&["vision".into()]), 1, "user:ana").unwrap();
    let mut found =
        |words: &str| names(store.as_mut(), &WorkflowFilter { words: Some(words.into()), ..all() });
    assert_eq!(found("pictures"), ["label"]);
    assert_eq!(found("vision"), ["label", "label-images"]);
    store.rename("label", "name-things", 1, "user:ana").unwrap();
    let report =
        Save { based_on: Some(1), revision: "other".into(), ..page("report", "A table", &["get"], &[]) };
    store.save(&report).unwrap();
    let mut found =
        |words: &str| names(store.as_mut(), &WorkflowFilter { words: Some(words.into()), ..all() });
    assert_eq!(found("label"), ["label-images", "cleanup"]);
    assert_eq!(found("fetch"), [""; 0]);
    assert_eq!(found("get"), ["report"]);
}

/// What is refused, or fails in the middle, has changed nothing.
pub fn leaves_nothing_of_a_failed_save(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let faults = factory.faults();
    faults.fail_at_point(Point::BeforeCommit, 1);
    assert!(matches!(store.save(&text("greet", "one")), Err(StoreError::Injected { .. })));
    let mut store = factory.reopen(store);
    assert!(store.workflow("greet").unwrap().is_none());
    assert_eq!(store.save(&text("greet", "one")).unwrap(), saved(1, How::New));
    faults.fail_at_point(Point::BeforeCommit, 1);
    let two = Save { based_on: Some(1), ..text("greet", "two") };
    assert!(store.save(&two).is_err());
    let mut store = factory.reopen(store);
    assert_eq!(store.workflow("greet").unwrap().unwrap().newest, 1);
    assert_eq!(store.changes("greet", 0, 9).unwrap().len(), 1);
    // Durable, and the answer is lost: saved again it is there.
    faults.fail_at_point(Point::AfterCommit, 1);
    assert!(store.save(&two).is_err());
    let mut store = factory.reopen(store);
    assert_eq!(store.save(&two).unwrap(), saved(2, How::Unchanged));
}

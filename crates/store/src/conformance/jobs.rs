//! Jobs: made with a turn, tried in the order of their times, over in the end; and their bound.

use serde_json::json;

use super::{StoreFactory, commit, stream};
use crate::jobs::{JobFilter, JobRow, JobState};
use crate::limits::JOBS_OVER;
use crate::{Job, Store};

fn job(id: &str, target: &str) -> Job {
    Job { id: id.to_owned(), kind: "notify".into(), target: target.to_owned(), body: json!({ "id": id }) }
}

/// Later than the commits.
const NOW: i64 = 1_770_000_000_000;

fn made(store: &mut dyn Store, jobs: Vec<Job>) {
    let fence = store.take_fence().unwrap();
    let mut commit = commit(&stream(1), 1, 1);
    commit.jobs = jobs;
    store.commit(fence, &[commit]).unwrap();
}

fn ids(rows: &[JobRow]) -> Vec<&str> {
    rows.iter().map(|row| row.job.id.as_str()).collect()
}

/// A job is there with its turn, is due at once, and goes on as it was settled, after a crash too.
pub fn settles_jobs(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    made(store.as_mut(), vec![job("a", "mail"), job("b", "mail"), job("c", "chat")]);
    let mut store = factory.reopen(store);
    let targets = store.job_targets("notify").unwrap();
    assert_eq!(targets.iter().map(|(target, _)| target.as_str()).collect::<Vec<_>>(), ["chat", "mail"]);
    assert_eq!(store.job_targets("other").unwrap(), []);
    let waiting = [("notify", 9), ("notify", 2), ("other", 9)];
    assert_eq!(waiting.map(|(kind, most)| store.jobs_waiting(kind, most).unwrap()), [3, 2, 0]);
    let first = store.next_job("notify", "mail", NOW).unwrap().unwrap();
    assert_eq!((first.job.id.as_str(), first.state, first.tries), ("a", JobState::Waiting, 0));
    assert_eq!(first.stream, stream(1));
    let later =
        JobRow { due: NOW + 5, tries: 1, error: Some("gone".into()), done: vec!["ana@x".into()], ..first };
    store.settle_job(&later).unwrap();
    assert_eq!(store.next_job("notify", "mail", NOW + 4).unwrap().unwrap().job.id, "b");
    let over = |id: &str, state| JobRow { state, ended_at: Some(9), ..later_of(id, &later) };
    store.settle_job(&over("b", JobState::Delivered)).unwrap();
    assert_eq!(store.next_job("notify", "mail", NOW + 4).unwrap(), None);
    assert_eq!(store.next_job("notify", "mail", NOW + 5).unwrap(), Some(later.clone()));
    store.settle_job(&over("a", JobState::Failed)).unwrap();
    // What is over stays so.
    store.settle_job(&later).unwrap();
    let mut store = factory.reopen(store);
    assert_eq!(store.job("a").unwrap().unwrap().state, JobState::Failed);
    let counts = store.job_counts("notify").unwrap();
    assert_eq!(counts.map(|(_, count)| count), [1, 1, 1]);
    let filter = |state, after: Option<&str>| JobFilter {
        kind: "notify".into(),
        state,
        after: after.map(str::to_owned),
        limit: 10,
    };
    assert_eq!(ids(&store.job_rows(&filter(None, None)).unwrap()), ["c", "b", "a"]);
    assert_eq!(ids(&store.job_rows(&filter(None, Some("b"))).unwrap()), ["a"]);
    assert_eq!(ids(&store.job_rows(&filter(Some(JobState::Failed), None)).unwrap()), ["a"]);
    assert_eq!(store.jobs_waiting("notify", 9).unwrap(), 1);
    assert!(store.retry_job("a", NOW + 7).unwrap());
    assert!(!store.retry_job("a", NOW + 7).unwrap(), "it waits already");
    assert!(!store.retry_job("b", NOW + 7).unwrap(), "it was delivered");
    let again = store.next_job("notify", "mail", NOW + 7).unwrap().unwrap();
    assert_eq!((again.tries, again.done), (0, later.done), "who has it is not told twice");
}

fn later_of(id: &str, row: &JobRow) -> JobRow {
    JobRow { job: Job { id: id.to_owned(), body: json!({ "id": id }), ..row.job.clone() }, ..row.clone() }
}

/// Of those that are over so many are kept; the oldest go.
pub fn bounds_jobs(factory: &mut dyn StoreFactory) {
    let mut store = factory.open();
    let all: Vec<Job> = (0..=JOBS_OVER).map(|n| job(&format!("j{n:06}"), "mail")).collect();
    made(store.as_mut(), all);
    let last = store.job("j000000").unwrap().unwrap();
    for n in 0..=JOBS_OVER {
        let mut row = later_of(&format!("j{n:06}"), &last);
        row.state = JobState::Delivered;
        store.settle_job(&row).unwrap();
    }
    assert_eq!(store.job("j000000").unwrap(), None);
    let counts = store.job_counts("notify").unwrap();
    assert_eq!(counts.map(|(_, count)| count), [0, JOBS_OVER as u64, 0]);
}

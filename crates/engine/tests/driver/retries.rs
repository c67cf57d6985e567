//! Runs that go on behind their end, when much of them was forgotten.

use std::sync::atomic::Ordering::Relaxed;

use stead_core::effect::{AttemptError, AttemptResult, Effect, ErrorKind, Execute};
use stead_core::ids::StreamId;
use stead_core::run::{Again, Input};
use stead_core::status::RunStatus;
use stead_engine::driver::{Addressed, Driver, Stepped};
use stead_store::Store;

use crate::backend::{Backend as _, Counted};
use crate::places::{start, with};

/// Performs what is handed out, in order; `bad` fails. Gives what was performed.
fn perform<S: Store>(driver: &mut Driver<S>, stepped: Stepped, fails: &str, all: &mut Vec<Execute>) {
    for (effect, _) in stepped.effects {
        let Effect::Execute(job) = effect else { continue };
        let failed = || AttemptError { kind: ErrorKind::Exit, message: "no".into() };
        let error = (job.attempt.path == fails).then(failed);
        let result = AttemptResult { output: Some(1.into()), error, ..AttemptResult::default() };
        let (path, number) = (job.attempt.path.clone(), job.attempt.number);
        driver.push(Addressed::to(job.attempt.stream.clone(), Input::AttemptEnded { path, number, result }));
        all.push(job);
    }
}

fn went<S: Store>(driver: &mut Driver<S>, fails: &str, steps: usize) -> Vec<Execute> {
    let mut all = Vec::new();
    for _ in 0..steps {
        if !driver.is_busy() {
            break;
        }
        let stepped = driver.step(1_000).unwrap();
        perform(driver, stepped, fails, &mut all);
    }
    all
}

// Items that have ended are forgotten in memory and so in snapshots. A retry goes by the journal, which has all: what
// was completed and not undone is not performed again, and what is has a new key and a new number.
#[test]
fn p1_a_retry_of_what_a_snapshot_has_forgotten_keeps_what_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Counted::default();
    let items: Vec<u32> = (0..400).collect();
    let text = format!(
        "steps:\n  - id: each\n    foreach: {{ in: {items:?}, parallel: 5 }}\n    steps:\n      - {{ id: a, noop: 1, undo: {{ run: [back] }} }}\n      - {{ id: b, noop: 2 }}\n    outputs: {{ v: 1 }}\n  - {{ id: bad, noop: 3 }}\n"
    );
    let text = text.as_str();
    let (mut driver, revision) = with(store.open(), text, folder.path());
    driver.push(start("r_a", &revision));
    let first = went(&mut driver, "bad", usize::MAX);
    assert!(first.len() >= 3 * items.len() && store.count.snapshots.load(Relaxed) > 0);
    let run = StreamId::new("r_a");
    assert_eq!(store.open().head_of(&run), RunStatus::Failed);
    let retry = Input::Retry { by: "user:ana".into(), again: Again::Failed, inputs: Vec::new() };
    // The engine is lost in the middle of it, besides.
    let mut driver = with(store.open(), text, folder.path()).0;
    driver.push(Addressed::to(run.clone(), retry));
    let mut again = went(&mut driver, "", 20);
    let mut driver = with(store.open(), text, folder.path()).0;
    driver.recover().unwrap();
    again.extend(went(&mut driver, "", usize::MAX));
    assert_eq!(store.open().head_of(&run), RunStatus::Completed);
    let named = |end: &str| again.iter().filter(|job| job.attempt.path.ends_with(end)).count();
    assert_eq!(named("/b"), 0, "P1: completed, and not undone");
    assert!(named("/a") >= items.len() && named("bad") >= 1);
    for job in again.iter().filter(|job| job.attempt.path.ends_with("/a")) {
        assert!(job.key.ends_with("+1") && job.attempt.number > 1, "{} {}", job.attempt, job.key);
    }
}

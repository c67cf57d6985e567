//! Attempts that must not begin yet, though they have been handed out.
//!
//! Two things hold an attempt back in an engine that has just taken a home over: programs of the dead engine that still
//! run for the same step, and a terminal that is about to lend the environment of its run. Only what is concerned
//! waits. To the journal a held attempt is one that queues: it has not begun, whatever happens to this engine.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use stead_core::effect::{AttemptId, Execute};
use stead_core::ids::StreamId;
use stead_platform::process::Stray;

/// What must not begin yet, and why.
#[derive(Default)]
pub(super) struct Held {
    jobs: Vec<HeldJob>,
    /// Programs of dead engines, by step instance: attempts of which there are some left.
    strays: HashMap<(StreamId, String), HashSet<String>>,
    /// Runs whose terminals are there and have not lent yet.
    expected: HashSet<StreamId>,
    /// They are waited for until then.
    until: Option<Instant>,
}

/// An attempt that is held.
pub(super) struct HeldJob {
    pub(super) job: Execute,
    pub(super) folder: String,
    pub(super) top: StreamId,
}

impl Held {
    /// Runs whose terminals are about to lend.
    pub(super) fn expect(&mut self, runs: HashSet<StreamId>, at_most: Duration) {
        self.until = (!runs.is_empty()).then(|| Instant::now() + at_most);
        self.expected = runs;
    }

    /// Programs of dead engines that are being ended.
    pub(super) fn strays(&mut self, strays: &[Stray]) {
        for stray in strays {
            if let Some(step) = step_of(&stray.attempt) {
                self.strays.entry(step).or_default().insert(stray.attempt.clone());
            }
        }
    }

    /// An environment was lent for a run.
    pub(super) fn lent(&mut self, run: &StreamId) {
        self.expected.remove(run);
    }

    /// Nothing is left of an attempt of a dead engine.
    pub(super) fn gone(&mut self, attempt: &str) {
        let Some(step) = step_of(attempt) else { return };
        if let Some(left) = self.strays.get_mut(&step) {
            left.remove(attempt);
            if left.is_empty() {
                self.strays.remove(&step);
            }
        }
    }

    /// Whether nothing can be held back.
    pub(super) fn holds_nothing(&self) -> bool {
        self.strays.is_empty() && self.expected.is_empty() && self.jobs.is_empty()
    }

    /// Whether an attempt has to wait.
    pub(super) fn holds(&self, job: &Execute, top: &StreamId) -> bool {
        if self.expected.contains(top) {
            return true;
        }
        // Made for each attempt only where there are strays at all.
        !self.strays.is_empty()
            && self.strays.contains_key(&(job.attempt.stream.clone(), job.attempt.path.clone()))
    }

    /// Keeps one.
    pub(super) fn keep(&mut self, job: HeldJob) {
        self.jobs.push(job);
    }

    /// Gives up one that is to end before it began.
    pub(super) fn take(&mut self, attempt: &AttemptId) -> Option<HeldJob> {
        let at = self.jobs.iter().position(|held| held.job.attempt == *attempt)?;
        Some(self.jobs.remove(at))
    }

    /// Those that need not wait any more.
    pub(super) fn released(&mut self) -> Vec<HeldJob> {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.until = None;
            // Whoever was about to lend has not; the engine's own environment serves.
            self.expected.clear();
        }
        if self.jobs.is_empty() {
            return Vec::new();
        }
        let jobs = std::mem::take(&mut self.jobs);
        let (stay, go) = jobs.into_iter().partition(|held| self.holds(&held.job, &held.top));
        self.jobs = stay;
        go
    }

    /// When to look again without anything having happened.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until.filter(|_| !self.jobs.is_empty())
    }
}

/// The step instance of an attempt that is written `STREAM:PATH:NUMBER`.
pub(super) fn step_of(attempt: &str) -> Option<(StreamId, String)> {
    attempt_of(attempt).map(|attempt| (attempt.stream, attempt.path))
}

/// An attempt that is written so.
pub(super) fn attempt_of(attempt: &str) -> Option<AttemptId> {
    let (stream, rest) = attempt.split_once(':')?;
    let (path, number) = rest.rsplit_once(':')?;
    Some(AttemptId { stream: StreamId::new(stream), path: path.to_owned(), number: number.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use stead_platform::process::ProcessId;

    use super::*;

    fn job(run: &str, path: &str, number: u32) -> HeldJob {
        let attempt = AttemptId { stream: StreamId::new(run), path: path.into(), number };
        let job = Execute {
            attempt,
            executor: "process".into(),
            request: serde_json::Value::Null,
            secrets: Vec::new(),
            key: String::new(),
            once: false,
            again: true,
        };
        HeldJob { job, folder: String::new(), top: StreamId::new(run) }
    }

    fn stray(attempt: &str) -> Stray {
        Stray { id: ProcessId { pid: 7, start: 7 }, name: "sleep".into(), attempt: attempt.into(), dir: None }
    }

    #[test]
    fn only_the_step_of_a_stray_waits_until_nothing_is_left_of_it() {
        let mut held = Held::default();
        held.strays(&[stray("r_a:x[a:b]:1"), stray("r_a:x[a:b]:2")]);
        assert!(held.holds(&job("r_a", "x[a:b]", 3).job, &StreamId::new("r_a")));
        assert!(!held.holds(&job("r_a", "y", 1).job, &StreamId::new("r_a")));
        assert!(!held.holds(&job("r_b", "x[a:b]", 3).job, &StreamId::new("r_b")));
        held.keep(job("r_a", "x[a:b]", 3));
        held.gone("r_a:x[a:b]:1");
        assert!(held.released().is_empty());
        held.gone("r_a:x[a:b]:2");
        assert_eq!(held.released().len(), 1);
        assert!(held.holds_nothing());
    }

    #[test]
    fn a_run_whose_terminal_is_about_to_lend_waits_for_it_and_not_for_ever() {
        let mut held = Held::default();
        held.expect(HashSet::from([StreamId::new("r_a")]), Duration::from_secs(60));
        held.keep(job("r_a", "x", 1));
        assert!(held.released().is_empty());
        held.lent(&StreamId::new("r_a"));
        assert_eq!(held.released().len(), 1);
        held.expect(HashSet::from([StreamId::new("r_b")]), Duration::ZERO);
        held.keep(job("r_b", "x", 1));
        assert_eq!(held.released().len(), 1);
        assert!(held.holds_nothing());
    }

    #[test]
    fn one_that_is_to_end_is_given_up() {
        let mut held = Held::default();
        held.keep(job("r_a", "x", 1));
        let attempt = job("r_a", "x", 1).job.attempt;
        assert!(held.take(&attempt).is_some() && held.take(&attempt).is_none());
    }
}

//! The numbers that are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use stead_core::Time;
use stead_core::effect::{AttemptResult, ErrorKind};
use stead_core::head::Head;
use stead_core::ids::StreamKind;
use stead_core::status::{Outcome, RunStatus};
use stead_core::task::TaskHead;
use stead_store::{Commit, OpenCounts};

use super::text::{Counter, Times};
use crate::limits;

/// Actions whose attempts are counted: the name of each and that of its executor. What has another one is counted as
/// the last.
pub(crate) const ACTIONS: [(&str, &str); 5] =
    [("run", "process"), ("http", "http"), ("file", "file"), ("noop", "noop"), ("other", "")];

/// What attempts come to.
pub(super) const RESULTS: [&str; 17] = [
    "ok",
    "exit",
    "timeout",
    "network",
    "rate_limit",
    "schema",
    "expression",
    "rejected",
    "disagreement",
    "exhausted",
    "budget",
    "child",
    "cancelled",
    "fail",
    "no_transition",
    "lost",
    "other",
];

/// Who starts runs.
pub(super) const STARTERS: [&str; 3] = ["request", "schedule", "run"];

/// Kinds of streams.
pub(super) const KINDS: [&str; 4] = ["run", "limit", "task", "schedule"];

/// What becomes of one try to deliver a notification.
pub(super) const DELIVERIES: [&str; 3] = ["delivered", "retry", "failed"];

/// Upper ends for the times of commits, in microseconds.
const COMMIT_TIMES: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Those of attempts.
const ATTEMPT_TIMES: &[u64] = &[
    1_000,
    5_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    14_400_000_000,
];

/// What an engine counts.
#[derive(Debug)]
pub(crate) struct Counts {
    begun: Instant,
    /// Open runs by status; those of the statuses that are an end stay 0.
    pub(super) runs: [AtomicI64; RunStatus::ALL.len()],
    pub(super) started: [Counter; STARTERS.len()],
    pub(super) ended: [Counter; Outcome::ALL.len()],
    pub(super) tasks: AtomicI64,
    pub(super) turns: [Counter; KINDS.len()],
    pub(super) commits: Times,
    pub(super) unwritten: Counter,
    pub(super) journal_bytes: Counter,
    /// Nanoseconds in which the driver was at work.
    pub(super) busy: Counter,
    /// When the step that it is at began, in nanoseconds since `begun`; 0: it is at none.
    step_since: AtomicU64,
    over: AtomicBool,
    pub(super) attempts_started: [Counter; ACTIONS.len()],
    pub(super) attempts_ended: [[Counter; RESULTS.len()]; ACTIONS.len()],
    pub(super) attempts_time: [Times; ACTIONS.len()],
    /// Attempts that have a place.
    pub(super) running: AtomicI64,
    pub(super) deliveries: [Counter; DELIVERIES.len()],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            runs: Default::default(),
            started: Default::default(),
            ended: Default::default(),
            tasks: AtomicI64::new(0),
            turns: Default::default(),
            commits: Times::new(COMMIT_TIMES),
            unwritten: Counter::default(),
            journal_bytes: Counter::default(),
            busy: Counter::default(),
            step_since: AtomicU64::new(0),
            over: AtomicBool::new(false),
            attempts_started: Default::default(),
            attempts_ended: Default::default(),
            attempts_time: std::array::from_fn(|_| Times::new(ATTEMPT_TIMES)),
            running: AtomicI64::new(0),
            deliveries: Default::default(),
        }
    }
}

/// Why nothing that writes should be sent here, in a few words that give nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// The engine has stopped, or is about to.
    Stopped,
    /// Nothing can be written: the disk is full, say.
    Unwritable,
    /// The driver has not come back from a step for long.
    Stuck,
}

impl Unready {
    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "the engine has stopped",
            Self::Unwritable => "the store cannot be written",
            Self::Stuck => "the engine does not come back from a step",
        }
    }
}

/// What lists showed of a stream before a turn.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Listing {
    run: Option<(RunStatus, Option<Time>)>,
    task: bool,
}

impl Listing {
    pub(crate) fn of(head: Option<&Head>, task: Option<&TaskHead>) -> Self {
        Self {
            run: head.map(|head| (head.status, head.ended_at)),
            task: task.is_some_and(|task| !task.status.is_end()),
        }
    }
}

/// What the turns of one step change in what is counted. It counts when they are durable.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    runs: [i64; RunStatus::ALL.len()],
    started: [u64; STARTERS.len()],
    ended: [u64; Outcome::ALL.len()],
    tasks: i64,
}

impl Moves {
    /// A stream is listed otherwise than it was.
    pub(crate) fn note(&mut self, before: Listing, head: Option<&Head>, task: Option<&TaskHead>) {
        if let Some(task) = task {
            self.tasks += i64::from(!task.status.is_end()) - i64::from(before.task);
        }
        let Some(head) = head else { return };
        match before.run {
            Some((status, _)) => self.runs[status as usize] -= 1,
            None => {
                let starter = match (&head.parent, &head.schedule) {
                    (Some(_), _) => 2,
                    (None, Some(_)) => 1,
                    (None, None) => 0,
                };
                self.started[starter] += 1;
            }
        }
        self.runs[head.status as usize] += 1;
        let ended_before = before.run.and_then(|(_, ended)| ended);
        if let Some(outcome) = head.outcome
            && head.status.is_end()
            && head.ended_at != ended_before
        {
            self.ended[outcome as usize] += 1;
        }
    }
}

/// What became of one try to deliver a notification.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tried {
    /// It is delivered.
    Delivered,
    /// It is tried again.
    Again,
    /// It has failed.
    Failed,
}

/// An attempt that is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Working {
    action: usize,
    since: Option<Instant>,
}

fn action_of(executor: &str) -> usize {
    let known = ACTIONS.iter().position(|(_, name)| *name == executor);
    known.unwrap_or(ACTIONS.len() - 1)
}

fn result_of(result: &AttemptResult) -> usize {
    let Some(error) = &result.error else { return 0 };
    match error.kind {
        ErrorKind::Exit => 1,
        ErrorKind::Timeout => 2,
        ErrorKind::Network => 3,
        ErrorKind::RateLimit => 4,
        ErrorKind::Schema => 5,
        ErrorKind::Expression => 6,
        ErrorKind::Rejected => 7,
        ErrorKind::Disagreement => 8,
        ErrorKind::Exhausted => 9,
        ErrorKind::Budget => 10,
        ErrorKind::Child => 11,
        ErrorKind::Cancelled => 12,
        ErrorKind::Fail => 13,
        ErrorKind::NoTransition => 14,
        ErrorKind::Lost => 15,
    }
}

impl Counts {
    /// What was open when the engine began.
    pub(crate) fn open(&self, open: &OpenCounts) {
        for (status, count) in &open.runs {
            self.runs[*status as usize].store(signed(*count), Ordering::Relaxed);
        }
        self.tasks.store(signed(open.tasks), Ordering::Relaxed);
    }

    /// A commit is durable, after this time.
    pub(crate) fn committed(&self, commits: &[Commit], moves: &Moves, time: Duration) {
        self.commits.note(time);
        for commit in commits.iter().filter(|commit| commit.count > 0) {
            let kind = match commit.stream.kind() {
                StreamKind::Run => 0,
                StreamKind::Limit => 1,
                StreamKind::Task => 2,
                StreamKind::Schedule => 3,
            };
            self.turns[kind].one();
            self.journal_bytes.add(commit.events.len() as u64);
        }
        for (kept, more) in self.runs.iter().zip(moves.runs) {
            if more != 0 {
                kept.fetch_add(more, Ordering::Relaxed);
            }
        }
        self.tasks.fetch_add(moves.tasks, Ordering::Relaxed);
        for (kept, more) in self.started.iter().zip(moves.started) {
            kept.add(more);
        }
        for (kept, more) in self.ended.iter().zip(moves.ended) {
            kept.add(more);
        }
    }

    /// A commit has failed.
    pub(crate) fn failed(&self) {
        self.unwritten.one();
    }

    /// The driver begins a step.
    pub(crate) fn step(&self) -> Instant {
        let now = Instant::now();
        self.step_since.store(nanos(now.duration_since(self.begun)).max(1), Ordering::Relaxed);
        now
    }

    /// It has come back from it.
    pub(crate) fn stepped(&self, since: Instant) {
        self.step_since.store(0, Ordering::Relaxed);
        self.busy.add(nanos(since.elapsed()));
    }

    /// The driver's thread ends when this is dropped, however it does.
    pub(crate) fn until_over(self: &Arc<Self>) -> Over {
        Over(self.clone())
    }

    /// Whether the driver takes turns.
    pub(crate) fn driven(&self) -> Result<(), Unready> {
        if self.over.load(Ordering::Relaxed) {
            return Err(Unready::Stopped);
        }
        match self.step_since.load(Ordering::Relaxed) {
            0 => Ok(()),
            since => {
                let time = nanos(self.begun.elapsed()).saturating_sub(since);
                if time > nanos(limits::STEP_STUCK) { Err(Unready::Stuck) } else { Ok(()) }
            }
        }
    }

    /// An attempt is handed to its executor.
    pub(crate) fn attempt(&self, executor: &str) -> Working {
        let action = action_of(executor);
        self.attempts_started[action].one();
        Working { action, since: None }
    }

    /// It has found its place.
    pub(crate) fn begins(&self, working: &mut Working) {
        if working.since.replace(Instant::now()).is_none() {
            self.running.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It has ended. Without a result nobody was told of one.
    pub(crate) fn ends(&self, working: Working, result: Option<&AttemptResult>) {
        if working.since.is_some() {
            self.running.fetch_sub(1, Ordering::Relaxed);
        }
        let Some(result) = result else { return };
        self.attempts_ended[working.action][result_of(result)].one();
        if let Some(since) = working.since {
            self.attempts_time[working.action].note(since.elapsed());
        }
    }

    /// A notification was tried to be delivered.
    pub(crate) fn delivery(&self, what: Tried) {
        self.deliveries[what as usize].one();
    }
}

/// See [`Counts::until_over`].
pub(crate) struct Over(Arc<Counts>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use stead_core::effect::AttemptError;

    use super::*;

    #[test]
    fn every_kind_of_error_is_told_by_its_own_word() {
        // Those of the language, as they are written there.
        let words = RESULTS.iter().skip(1).take(RESULTS.len() - 2);
        for (at, word) in words.enumerate() {
            let kind: ErrorKind = serde_json::from_value((*word).into()).unwrap();
            let error = Some(AttemptError { kind, message: String::new() });
            assert_eq!(result_of(&AttemptResult { error, ..AttemptResult::default() }), at + 1, "{word}");
        }
    }

    #[test]
    fn every_executor_is_an_action() {
        let known: Vec<&str> = ACTIONS.iter().map(|(_, executor)| *executor).collect();
        let all = crate::executors::all(
            Arc::new(crate::secrets::EnvironmentSecrets),
            crate::net::NetworkPolicy::OWN,
        );
        for name in all.keys() {
            assert!(known.contains(name), "{name}");
        }
    }

    #[test]
    fn p11_a_driver_that_does_not_come_back_is_told_of_after_a_time() {
        let counts = Arc::new(Counts::default());
        assert_eq!(counts.driven(), Ok(()));
        let since = counts.step();
        assert_eq!(counts.driven(), Ok(()), "it is at it");
        let long = Counts { begun: since.checked_sub(limits::STEP_STUCK * 2).unwrap(), ..Counts::default() };
        long.step_since.store(1, Ordering::Relaxed);
        assert_eq!(long.driven(), Err(Unready::Stuck));
        long.stepped(since);
        assert_eq!(long.driven(), Ok(()));
        drop(counts.until_over());
        assert_eq!(counts.driven(), Err(Unready::Stopped));
    }
}

//! What stands around the driver: executors, attempts under way, those who follow.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crossbeam_channel::Sender;
use stead_core::effect::{AttemptId, AttemptResult, EndReason, Execute};
use stead_core::ids::StreamId;
use stead_core::run::Input;

use super::commands::Command;
use super::desk::Notices;
use super::held::{Held, HeldJob};
use super::recovery::{self, Beside};
use crate::attempts::{Attempts, Report, Taken};
use crate::driver::{Addressed, Written};
use crate::evidence::{Kept, Left};
use crate::executor::{Executor, NoControl, Place, Slot, ended_early};
use crate::executors;
use crate::failpoint;
use crate::feed::Feed;
use crate::home::Home;
use crate::lent::Environment;
use crate::limits;
use crate::metrics::{Counts, Working};
use crate::settings::Settings;

/// The input that a result is.
pub(super) fn ended(attempt: AttemptId, result: AttemptResult) -> Addressed {
    let AttemptId { stream, path, number } = attempt;
    Addressed::to(stream, Input::AttemptEnded { path, number, result })
}

/// The input that finding a place, or finding none yet, is.
fn placed(attempt: AttemptId, begins: bool) -> Addressed {
    let AttemptId { stream, path, number } = attempt;
    Addressed::to(stream, Input::AttemptPlace { path, number, begins })
}

/// Executors, attempts under way, and those who follow.
pub(super) struct Outside {
    home: Home,
    executors: HashMap<&'static str, Arc<dyn Executor>>,
    pub(super) attempts: Arc<Attempts>,
    /// What is counted.
    counts: Arc<Counts>,
    /// Attempts under way, for what is counted of them.
    working: HashMap<AttemptId, Working>,
    /// Attempts that wait for a place.
    queued: HashSet<AttemptId>,
    pub(super) followers: Vec<Sender<Written>>,
    pub(super) notices: Arc<Notices>,
    pub(super) feed: Arc<Feed>,
    /// Environments that terminals lend, by run.
    pub(super) lent: Lent,
    /// Attempts that must not begin yet.
    pub(super) held: Held,
    /// Whether programs of dead engines were looked for when this one began.
    pub(super) looked_for_strays: bool,
    /// Folders of attempts that must happen once.
    pub(super) kept: Kept,
    /// What clears up behind dead engines.
    pub(super) beside: Beside,
    commands: Sender<Command>,
}

impl Outside {
    pub(super) fn new(
        home: Home,
        settings: Settings,
        commands: Sender<Command>,
        notices: Arc<Notices>,
        feed: Arc<Feed>,
    ) -> Self {
        let executors = executors::all(settings.secrets, settings.network);
        let sender = commands.clone();
        let report = move |report| {
            let command = match report {
                Report::Started(attempt) => Command::Begins(attempt),
                Report::Ended(attempt, result) => {
                    failpoint::cross("effect.after");
                    Command::Result(attempt, result)
                }
            };
            // Without a driver nobody wants the result; the next engine makes the attempt again.
            let _ = sender.send(command);
        };
        let attempts = Arc::new(Attempts::with(settings.measures.places, Arc::new(report)));
        Self {
            home,
            executors,
            attempts,
            counts: notices.counts.clone(),
            working: HashMap::new(),
            queued: HashSet::new(),
            followers: Vec::new(),
            notices,
            feed,
            lent: Lent::default(),
            held: Held::default(),
            looked_for_strays: false,
            kept: Kept::default(),
            beside: Beside::default(),
            commands,
        }
    }

    /// Starts an attempt of a run that was started by `top`, or is it; gives the result back at once when there is
    /// nothing to wait for.
    pub(super) fn execute(&mut self, job: Execute, folder: &str, top: &StreamId) -> Option<Addressed> {
        let Some(executor) = self.executors.get(job.executor.as_str()).cloned() else {
            let error = stead_core::effect::AttemptError {
                kind: stead_core::effect::ErrorKind::Lost,
                message: format!("this engine has no executor `{}`", job.executor),
            };
            return Some(ended(
                job.attempt,
                AttemptResult { error: Some(error), ..AttemptResult::default() },
            ));
        };
        let mut working = self.counts.attempt(&job.executor);
        if job.once && executor.slot() == Slot::Process {
            self.kept.keep(job.attempt.clone(), self.home.place(&job.attempt, folder).dir);
        }
        if job.again && !self.looked_for_strays {
            self.look_for_strays(&job.attempt);
        }
        if !executor.immediate() && self.held.holds(&job, top) {
            self.notices.under_way.fetch_add(1, Ordering::Relaxed);
            let queues = placed(job.attempt.clone(), false);
            self.working.insert(job.attempt.clone(), working);
            self.held.keep(HeldJob { job, folder: folder.to_owned(), top: top.clone() });
            return Some(queues);
        }
        let place = self.place(&job.attempt, folder, top);
        if executor.immediate() {
            // What the driver performs itself is over at once and never told to end.
            self.counts.begins(&mut working);
            let result = executor.perform(&job, &place, &NoControl);
            self.counts.ends(working, Some(&result));
            failpoint::cross("effect.after");
            return Some(ended(job.attempt, result));
        }
        let attempt = job.attempt.clone();
        self.working.insert(attempt.clone(), working);
        match self.attempts.start(job, executor, place) {
            Taken::No => {
                self.working.remove(&attempt);
                None
            }
            Taken::Begins => {
                self.notices.under_way.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::Queued => {
                self.notices.under_way.fetch_add(1, Ordering::Relaxed);
                self.queued.insert(attempt.clone());
                Some(placed(attempt, false))
            }
        }
    }

    /// An attempt is made again that an engine before has lost: its program may still be there.
    fn look_for_strays(&mut self, attempt: &AttemptId) {
        let strays = recovery::strays_of(&self.home, attempt);
        self.held.strays(&strays);
        // Without a thread to end them they end with their attempt's time-out; nothing else can be done here.
        let _ = recovery::end_beside(
            &self.beside,
            strays,
            Left::default(),
            &self.home,
            limits::END_GRACE,
            self.commands.clone(),
        );
    }

    fn place(&self, attempt: &AttemptId, folder: &str, top: &StreamId) -> Place {
        let mut place = self.home.place(attempt, folder);
        place.lent = self.lent.of(top);
        place.trace = self.notices.traces.parent(attempt, top);
        place
    }

    /// Starts what was held back and need not be any longer.
    pub(super) fn release(&mut self) {
        for HeldJob { job, folder, top } in self.held.released() {
            // It was found when the attempt came.
            let Some(executor) = self.executors.get(job.executor.as_str()).cloned() else { continue };
            let (attempt, place) = (job.attempt.clone(), self.place(&job.attempt, &folder, &top));
            match self.attempts.start_queued(job, executor.clone(), place) {
                Taken::No => {
                    self.working.remove(&attempt);
                    self.notices.under_way.fetch_sub(1, Ordering::Relaxed);
                }
                Taken::Begins | Taken::Queued => drop(self.queued.insert(attempt)),
            }
        }
    }

    /// Ends an attempt; the input that this is, for one that was held back.
    pub(super) fn end(&mut self, attempt: &AttemptId, reason: EndReason) -> Option<Addressed> {
        if let Some(held) = self.held.take(attempt) {
            let result = ended_early(reason);
            self.over(attempt, &result);
            return Some(ended(held.job.attempt, result));
        }
        self.attempts.end(attempt, reason);
        None
    }

    /// An attempt has ended.
    pub(super) fn over(&mut self, attempt: &AttemptId, result: &AttemptResult) {
        self.notices.under_way.fetch_sub(1, Ordering::Relaxed);
        if let Some(working) = self.working.remove(attempt) {
            self.counts.ends(working, Some(result));
        }
    }

    /// An attempt begins: the input that this is, if it was queued before.
    pub(super) fn begins(&mut self, attempt: AttemptId) -> Option<Addressed> {
        if let Some(working) = self.working.get_mut(&attempt) {
            self.counts.begins(working);
        }
        self.queued.remove(&attempt).then(|| placed(attempt, true))
    }

    /// Tells followers what is durable.
    pub(super) fn tell(&mut self, written: &[Written]) {
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return };
        self.kept.written(written);
        self.feed.advance(first.position, last.position);
        for written in written {
            self.followers.retain(|follower| follower.send(written.clone()).is_ok());
        }
    }
}

/// Environments that terminals lend, each until its run has ended.
#[derive(Default)]
pub(super) struct Lent(HashMap<StreamId, (Arc<Environment>, Weak<()>)>);

impl Lent {
    /// Keeps one; false: there are too many. As long as the terminal is there that lent first, its environment stays.
    pub(super) fn put(&mut self, run: StreamId, environment: Arc<Environment>, lender: Weak<()>) -> bool {
        match self.0.get(&run) {
            Some((_, first)) if first.strong_count() > 0 => return true,
            None if self.0.len() >= limits::LENT_RUNS => return false,
            _ => {}
        }
        self.0.insert(run, (environment, lender));
        true
    }

    /// That of a run that no other has started.
    pub(super) fn of(&self, top: &StreamId) -> Option<Arc<Environment>> {
        self.0.get(top).map(|(environment, _)| environment.clone())
    }

    /// Whether a terminal is there that lent one: it waits for its run.
    pub(super) fn has_lender(&self) -> bool {
        self.0.values().any(|(_, lender)| lender.strong_count() > 0)
    }

    /// Whether there is none at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The run has ended.
    pub(super) fn drop_of(&mut self, run: &StreamId) {
        self.0.remove(run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(token: &str) -> Arc<Environment> {
        let json = serde_json::json!({"variables": [], "secrets": {"TOKEN": token}});
        Arc::new(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn the_first_lender_stays_as_long_as_it_is_there() {
        let (mut lent, run) = (Lent::default(), StreamId::new("r_a"));
        let (first, second) = (Arc::new(()), Arc::new(()));
        assert!(lent.put(run.clone(), environment("first"), Arc::downgrade(&first)));
        assert!(lent.put(run.clone(), environment("second"), Arc::downgrade(&second)));
        assert_eq!(lent.of(&run), Some(environment("first")));
        drop(first);
        assert_eq!(lent.of(&run), Some(environment("first")), "kept when its terminal goes");
        assert!(lent.put(run.clone(), environment("second"), Arc::downgrade(&second)));
        assert_eq!(lent.of(&run), Some(environment("second")));
        lent.drop_of(&run);
        assert!(lent.is_empty());
    }

    #[test]
    fn p11_environments_are_lent_for_so_many_runs() {
        let mut lent = Lent::default();
        for n in 0..limits::LENT_RUNS {
            assert!(lent.put(StreamId::new(&format!("r_{n}")), environment("x"), Weak::new()));
        }
        assert!(!lent.put(StreamId::new("r_more"), environment("x"), Weak::new()));
        assert!(lent.put(StreamId::new("r_1"), environment("x"), Weak::new()));
    }
}

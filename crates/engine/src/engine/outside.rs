//! What stands around the driver: executors, attempts under way, those who follow.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::Sender;
use stead_core::effect::{AttemptId, AttemptResult, Execute};
use stead_core::ids::StreamId;
use stead_core::run::Input;

use super::commands::Command;
use crate::attempts::{Attempts, Places, Report, Taken};
use crate::driver::{Addressed, Written};
use crate::executor::{Executor, NoControl};
use crate::executors;
use crate::failpoint;
use crate::home::Home;
use crate::settings::Settings;

/// The input that a result is.
pub(super) fn ended(attempt: AttemptId, result: AttemptResult) -> Addressed {
    let AttemptId { stream, path, number } = attempt;
    Addressed { stream, input: Input::AttemptEnded { path, number, result }, revision: None, token: 0 }
}

/// The input that finding a place, or finding none yet, is.
fn placed(attempt: AttemptId, begins: bool) -> Addressed {
    let AttemptId { stream, path, number } = attempt;
    Addressed { stream, input: Input::AttemptPlace { path, number, begins }, revision: None, token: 0 }
}

/// Executors, attempts under way, and those who follow.
pub(super) struct Outside {
    home: Home,
    executors: HashMap<&'static str, Arc<dyn Executor>>,
    pub(super) attempts: Arc<Attempts>,
    /// Attempts that wait for a place.
    queued: HashSet<AttemptId>,
    pub(super) followers: Vec<Sender<Written>>,
    pub(super) under_way: Arc<AtomicUsize>,
    /// Runs that cannot go on, and why.
    pub(super) troubles: Arc<Mutex<BTreeMap<StreamId, String>>>,
}

impl Outside {
    pub(super) fn new(
        home: Home,
        settings: Settings,
        commands: Sender<Command>,
        under_way: Arc<AtomicUsize>,
    ) -> Self {
        let executors = executors::all(settings.secrets, settings.network);
        let report = move |report| {
            let command = match report {
                Report::Started(attempt) => Command::Begins(attempt),
                Report::Ended(attempt, result) => {
                    failpoint::cross("effect.after");
                    Command::Result(attempt, result)
                }
            };
            // Without a driver nobody wants the result; the next engine makes the attempt again.
            let _ = commands.send(command);
        };
        let attempts = Arc::new(Attempts::with(Places::default(), Arc::new(report)));
        Self {
            home,
            executors,
            attempts,
            queued: HashSet::new(),
            followers: Vec::new(),
            under_way,
            troubles: Arc::default(),
        }
    }

    /// Starts an attempt; gives the result back at once when there is nothing to wait for.
    pub(super) fn execute(&mut self, job: Execute, folder: &str) -> Option<Addressed> {
        let Some(executor) = self.executors.get(job.executor.as_str()) else {
            let error = stead_core::effect::AttemptError {
                kind: stead_core::effect::ErrorKind::Lost,
                message: format!("this engine has no executor `{}`", job.executor),
            };
            return Some(ended(
                job.attempt,
                AttemptResult { error: Some(error), ..AttemptResult::default() },
            ));
        };
        let place = self.home.place(&job.attempt, folder);
        if executor.immediate() {
            // What the driver performs itself is over at once and never told to end.
            let result = executor.perform(&job, &place, &NoControl);
            failpoint::cross("effect.after");
            return Some(ended(job.attempt, result));
        }
        let attempt = job.attempt.clone();
        match self.attempts.start(job, executor.clone(), place) {
            Taken::No => None,
            Taken::Begins => {
                self.under_way.fetch_add(1, Ordering::Relaxed);
                None
            }
            Taken::Queued => {
                self.under_way.fetch_add(1, Ordering::Relaxed);
                self.queued.insert(attempt.clone());
                Some(placed(attempt, false))
            }
        }
    }

    /// An attempt begins: the input that this is, if it was queued before.
    pub(super) fn begins(&mut self, attempt: AttemptId) -> Option<Addressed> {
        self.queued.remove(&attempt).then(|| placed(attempt, true))
    }

    pub(super) fn tell(&mut self, written: &Written) {
        self.followers.retain(|follower| follower.send(written.clone()).is_ok());
    }
}

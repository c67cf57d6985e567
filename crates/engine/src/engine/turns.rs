//! The driver's thread: inputs gathered, one step, and what follows from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde_json::json;
use stead_core::Time;
use stead_core::effect::Effect;
use stead_core::run::Input;
use stead_core::task;
use stead_store::Store;
use stead_store::sqlite::SqliteStore;

use super::commands::{Command, Kept, Write, clock};
use super::desk::lock;
use super::outside::{Outside, ended};
use crate::driver::{Addressed, Driver, Ended, Given, Refusal, Stepped};
use crate::error::EngineError;
use crate::limits;
use crate::log::Level;
use crate::metrics::Counts;
use crate::notify::deliver::Notifier;
use crate::operations::StoreTrouble;
use crate::traces::About;

/// The driver's thread.
pub(super) struct Loop {
    pub(super) driver: Driver<SqliteStore>,
    pub(super) outside: Outside,
    pub(super) inbox: Receiver<Command>,
    pub(super) replies: HashMap<u64, Sender<Result<(), Refusal>>>,
    pub(super) next: u64,
    pub(super) last: Time,
    /// To stop as soon as no attempt is under way.
    pub(super) leaving: bool,
    /// What is counted.
    pub(super) counts: Arc<Counts>,
    /// Who delivers notifications.
    pub(super) notifier: Arc<Notifier>,
    /// When what could not be written is tried again.
    pub(super) retry: Retry,
}

/// Growing waits.
pub(super) struct Retry {
    first: Duration,
    most: Duration,
    next: Option<Duration>,
}

impl Retry {
    pub(super) fn new((first, most): (Duration, Duration)) -> Self {
        Self { first, most, next: None }
    }

    fn next(&mut self) -> Duration {
        let wait = self.next.unwrap_or(self.first).min(self.most);
        self.next = Some(wait * 2);
        wait
    }

    /// The wait that comes next, where one was begun.
    fn pending(&self) -> Option<Duration> {
        self.next.map(|next| next.min(self.most))
    }

    fn begun(&self) -> bool {
        self.next.is_some()
    }

    fn reset(&mut self) {
        self.next = None;
    }
}

fn unwritten(error: &EngineError) -> Refusal {
    Refusal::Store { why: error.to_string(), help: error.help().unwrap_or_default() }
}

impl Loop {
    pub(super) fn run(mut self) -> Result<(), EngineError> {
        let _over = self.counts.until_over();
        let result = self.turns();
        // Whoever waits for an answer learns that there is none by the closing of the channel.
        self.replies.clear();
        self.outside.attempts.stop();
        let result = result.and_then(|()| self.last_results());
        self.outside.feed.close();
        result
    }

    /// Books what ended by itself while the engine stopped. What would follow is left to the next engine.
    fn last_results(&mut self) -> Result<(), EngineError> {
        self.driver.perform_nothing();
        while let Ok(command) = self.inbox.try_recv() {
            if let Command::Result(attempt, result) = command {
                self.driver.push(ended(attempt, result));
            }
        }
        while self.driver.is_busy() {
            let stepped = self.driver.step(clock(self.last))?;
            if stepped.jobs > 0 {
                self.notifier.wake();
            }
            self.outside.tell(&stepped.written);
        }
        Ok(())
    }

    fn turns(&mut self) -> Result<(), EngineError> {
        loop {
            if !self.gather()? {
                return Ok(());
            }
            self.last = clock(self.last);
            let since = self.counts.step();
            let stepped = match self.driver.step(self.last) {
                Ok(stepped) => stepped,
                Err(error) => {
                    self.counts.stepped(since);
                    self.counts.failed();
                    for token in self.driver.take_dropped() {
                        if let Some(reply) = self.replies.remove(&token) {
                            let _ = reply.send(Err(unwritten(&error)));
                        }
                    }
                    if !error.passes() {
                        return Err(error);
                    }
                    if !self.wait_out(&error)? {
                        return Ok(());
                    }
                    continue;
                }
            };
            self.written(&stepped);
            self.perform(stepped);
            self.counts.stepped(since);
        }
    }

    /// Waits before what could not be written is tried again. It is at once when somebody asks for something new, who
    /// is not to wait for an answer longer than it takes. False: stop.
    fn wait_out(&mut self, error: &EngineError) -> Result<bool, EngineError> {
        let until = Instant::now() + self.trouble(error);
        loop {
            match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(command) => {
                    let asked = matches!(command, Command::Write { .. });
                    if !self.command(command)? {
                        return Ok(false);
                    }
                    if asked {
                        return Ok(true);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(true),
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
    }

    /// Says that nothing can be written for now, and how long to wait.
    fn trouble(&mut self, error: &EngineError) -> Duration {
        let log = &self.outside.notices.log;
        let mut trouble = lock(&self.outside.notices.store);
        if trouble.is_none() {
            let fields = [("code", json!(error.code())), ("why", json!(error.to_string()))];
            log.note(Level::Error, "store.unwritable", &fields);
        }
        let (since, tries) = trouble.as_ref().map_or((self.last, 0), |known| (known.since, known.tries));
        *trouble = Some(StoreTrouble {
            code: error.code().to_owned(),
            why: error.to_string(),
            help: error.help(),
            since,
            tries: tries + 1,
        });
        self.retry.next()
    }

    /// A step went well. Where something could not be written before, that is over when something was, be it a trial:
    /// what failed may have been taken back, and then nothing is left that would show it.
    fn written(&mut self, stepped: &Stepped) {
        if !self.retry.begun() {
            return;
        }
        if stepped.written.is_empty()
            && let Err(error) = self.driver.store().probe()
        {
            let error = EngineError::from(error);
            self.trouble(&error);
            return;
        }
        self.retry.reset();
        let trouble = lock(&self.outside.notices.store).take();
        if let Some(trouble) = trouble {
            let seconds = self.last.saturating_sub(trouble.since) / 1_000;
            let fields = [("seconds", json!(seconds)), ("tries", json!(trouble.tries))];
            self.outside.notices.log.note(Level::Warn, "store.writable", &fields);
        }
    }

    /// Takes what has come; waits when there is nothing to do. False: stop.
    fn gather(&mut self) -> Result<bool, EngineError> {
        if self.is_quiet() {
            return Ok(false);
        }
        self.outside.release();
        if !self.driver.is_busy() {
            let wait = match self.driver.due() {
                // Looked at again before it is due: a clock that was set, or a machine that slept, shows then.
                Some(due) => {
                    let left = u64::try_from(due.saturating_sub(clock(self.last))).unwrap_or(0);
                    Duration::from_millis(left).min(limits::CLOCK_LOOK)
                }
                None => limits::CLOCK_LOOK,
            };
            let wait = match self.outside.held.until() {
                Some(until) => wait.min(until.saturating_duration_since(Instant::now())),
                None => wait,
            };
            // What could not be written was taken back: by and by it is tried whether something can.
            let wait = self.retry.pending().map_or(wait, |pending| wait.min(pending));
            match self.inbox.recv_timeout(wait) {
                Ok(command) => {
                    if !self.command(command)? {
                        return Ok(false);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        }
        for _ in 0..limits::BATCH {
            let Ok(command) = self.inbox.try_recv() else { break };
            if !self.command(command)? {
                return Ok(false);
            }
        }
        Ok(!self.is_quiet())
    }

    /// Whether to leave now: no attempt is under way. Where somebody waits to go on with all that is open, what
    /// follows from the last result is left to them; else it is done first, as far as it goes.
    fn is_quiet(&self) -> bool {
        self.leaving
            && self.outside.notices.under_way.load(Ordering::Relaxed) == 0
            && (self.outside.lent.has_lender() || (!self.driver.is_busy() && self.inbox.is_empty()))
    }

    fn command(&mut self, command: Command) -> Result<bool, EngineError> {
        match command {
            Command::Write { stream, write, id, reply } => {
                let token = self.next;
                self.next += 1;
                if let Some(id) = id {
                    self.driver.name(token, &id);
                }
                self.replies.insert(token, reply);
                let (input, revision): (Given, _) = match write {
                    Write::Input(input) => (input.into(), None),
                    Write::Limit(input) => (input.into(), None),
                    Write::Task { gone, input } => {
                        let gone = gone.map(|who| Addressed::to(stream.clone(), task::Input::Gone { who }));
                        gone.into_iter().for_each(|gone| self.driver.push(gone));
                        ((*input).into(), None)
                    }
                    Write::Schedule { kept, input } => {
                        match kept.map(|kept| self.keep(&kept)) {
                            Some(Err(error)) if error.passes() => {
                                self.trouble(&error);
                                if let Some(reply) = self.replies.remove(&token) {
                                    let _ = reply.send(Err(unwritten(&error)));
                                }
                                return Ok(true);
                            }
                            Some(Err(error)) => return Err(error),
                            Some(Ok(_)) | None => {}
                        }
                        ((*input).into(), None)
                    }
                    Write::Start { kept, inputs, project, folder, breaks, by } => {
                        let revision = match self.keep(&kept) {
                            Err(error) if error.passes() => {
                                self.trouble(&error);
                                if let Some(reply) = self.replies.remove(&token) {
                                    let _ = reply.send(Err(unwritten(&error)));
                                }
                                return Ok(true);
                            }
                            other => other?,
                        };
                        (Input::Start { inputs, project, folder, breaks, by }.into(), Some(revision))
                    }
                };
                self.driver.push(Addressed { stream, input, revision, token });
            }
            Command::Lend { run, environment, lender, reply } => {
                self.outside.held.lent(&run);
                // Whoever lent may have gone.
                let _ = reply.send(self.outside.lent.put(run, environment, lender));
                self.outside.release();
            }
            Command::Gone(attempt) => {
                self.outside.held.gone(&attempt);
                self.outside.release();
            }
            Command::Leave => self.leaving = true,
            Command::Result(attempt, result) => {
                self.outside.over(&attempt, &result);
                self.driver.push(ended(attempt, result));
            }
            Command::Follow(sender, known) => {
                self.outside.followers.push(sender);
                // Whoever asked may have gone.
                let _ = known.send(());
            }
            Command::Begins(attempt) => {
                if let Some(input) = self.outside.begins(attempt) {
                    self.driver.push(input);
                }
            }
            Command::Stop => return Ok(false),
        }
        Ok(true)
    }

    /// Keeps a definition and those of its children, once per engine.
    fn keep(&mut self, kept: &Kept) -> Result<String, EngineError> {
        let revision = kept.plan.revision.clone();
        if !self.driver.plans().has(&revision) {
            for (revision, bytes) in &kept.definitions {
                self.driver.store().put_definition(revision, bytes)?;
            }
            self.driver.plans().put(kept.plan.clone());
        }
        Ok(revision)
    }

    fn perform(&mut self, stepped: Stepped) {
        let traces = &self.outside.notices.traces;
        if traces.is_on() {
            let driver = &mut self.driver;
            traces.stepped(&stepped, self.last, |run| About {
                top: driver.top_of(run),
                workflow: driver.workflow_of(run).unwrap_or_default(),
            });
        }
        for (token, answer) in stepped.answers {
            if let Some(reply) = self.replies.remove(&token) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        }
        let log = &self.outside.notices.log;
        for (run, why) in &stepped.troubles {
            log.note(Level::Error, "run.stuck", &[("run", json!(run)), ("why", json!(why))]);
        }
        for Ended { run, head } in &stepped.over {
            let fields = [
                ("run", json!(run)),
                ("workflow", json!(head.workflow)),
                ("status", json!(head.status)),
                ("outcome", json!(head.outcome)),
                ("error", json!(head.error)),
            ];
            log.note(Level::Info, "run.ended", &fields);
        }
        if !stepped.troubles.is_empty() {
            lock(&self.outside.notices.troubles).extend(stepped.troubles);
        }
        if stepped.jobs > 0 {
            self.notifier.wake();
        }
        self.outside.tell(&stepped.written);
        for run in &stepped.ended {
            self.outside.lent.drop_of(run);
        }
        for (effect, folder) in stepped.effects {
            match effect {
                Effect::Execute(job) => {
                    let alone = self.outside.lent.is_empty()
                        && self.outside.held.holds_nothing()
                        && !self.outside.notices.traces.is_on();
                    let top = match alone {
                        true => job.attempt.stream.clone(),
                        false => self.driver.top_of(&job.attempt.stream),
                    };
                    if let Some(result) = self.outside.execute(job, &folder, &top) {
                        self.driver.push(result);
                    }
                }
                Effect::Begin(attempt) => self.outside.attempts.begin(&attempt),
                Effect::End { attempt, reason } => {
                    if let Some(result) = self.outside.end(&attempt, reason) {
                        self.driver.push(result);
                    }
                }
            }
        }
    }
}

//! The driver's thread: inputs gathered, one step, and what follows from it.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use stead_core::Time;
use stead_core::effect::Effect;
use stead_core::run::Input;
use stead_store::Store;
use stead_store::sqlite::SqliteStore;

use super::commands::{Command, Kept, Write, clock};
use super::outside::{Outside, ended};
use crate::driver::{Addressed, Driver, Refusal, Stepped};
use crate::error::EngineError;
use crate::limits;

/// The driver's thread.
pub(super) struct Loop {
    pub(super) driver: Driver<SqliteStore>,
    pub(super) outside: Outside,
    pub(super) inbox: Receiver<Command>,
    pub(super) replies: HashMap<u64, Sender<Result<(), Refusal>>>,
    pub(super) next: u64,
    pub(super) last: Time,
}

impl Loop {
    pub(super) fn run(mut self) -> Result<(), EngineError> {
        let result = self.turns();
        // Whoever waits for an answer learns that there is none by the closing of the channel.
        self.replies.clear();
        self.outside.attempts.stop();
        result.and_then(|()| self.last_results())
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
            stepped.written.iter().for_each(|written| self.outside.tell(written));
        }
        Ok(())
    }

    fn turns(&mut self) -> Result<(), EngineError> {
        loop {
            if !self.gather()? {
                return Ok(());
            }
            self.last = clock(self.last);
            let stepped = match self.driver.step(self.last) {
                Ok(stepped) => stepped,
                Err(error) => {
                    for (_, reply) in self.replies.drain() {
                        let _ = reply.send(Err(Refusal::Store(error.to_string())));
                    }
                    return Err(error);
                }
            };
            self.perform(stepped);
        }
    }

    /// Takes what has come; waits when there is nothing to do. False: stop.
    fn gather(&mut self) -> Result<bool, EngineError> {
        if !self.driver.is_busy() {
            let wait = match self.driver.due() {
                // Looked at again before it is due: a clock that was set, or a machine that slept, shows then.
                Some(due) => {
                    let left = u64::try_from(due.saturating_sub(clock(self.last))).unwrap_or(0);
                    Duration::from_millis(left).min(limits::CLOCK_LOOK)
                }
                None => limits::CLOCK_LOOK,
            };
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
        Ok(true)
    }

    fn command(&mut self, command: Command) -> Result<bool, EngineError> {
        match command {
            Command::Write { stream, write, reply } => {
                let token = self.next;
                self.next += 1;
                self.replies.insert(token, reply);
                let (input, revision) = match write {
                    Write::Input(input) => (input, None),
                    Write::Start { kept, inputs, project, folder, breaks } => {
                        let revision = self.keep(&kept)?;
                        (Input::Start { inputs, project, folder, breaks }, Some(revision))
                    }
                };
                self.driver.push(Addressed { stream, input, revision, token });
            }
            Command::Result(attempt, result) => {
                self.outside.under_way.fetch_sub(1, Ordering::Relaxed);
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
        for (token, answer) in stepped.answers {
            if let Some(reply) = self.replies.remove(&token) {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        }
        if !stepped.troubles.is_empty() {
            let mut known = self.outside.troubles.lock().unwrap_or_else(PoisonError::into_inner);
            known.extend(stepped.troubles);
        }
        for written in stepped.written {
            self.outside.tell(&written);
        }
        for (effect, folder) in stepped.effects {
            match effect {
                Effect::Execute(job) => {
                    if let Some(result) = self.outside.execute(job, &folder) {
                        self.driver.push(result);
                    }
                }
                Effect::Begin(attempt) => self.outside.attempts.begin(&attempt),
                Effect::End { attempt, reason } => self.outside.attempts.end(&attempt, reason),
            }
        }
    }
}

//! Following runs from their first event to their end, and leaving them before it.

pub mod conclude;
pub mod frame;
pub mod leave;
pub mod picture;
pub mod plain;
pub mod screen;
pub mod show;
pub mod tail;

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, never, select};
use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_engine::driver::Written;
use stead_engine::engine::Engine;
use stead_engine::error::EngineError;
use stead_engine::operations::{Answer, Operation};

use crate::error::{CliError, Kind};
use crate::here::{Here, unexpected};
use crate::out;
use crate::signals::Leave;
use crate::text;
use picture::{Happened, Picture};
use show::Show;

pub use conclude::{Answers, conclude};

/// What the command line says about following.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Leave when nothing but waiting is left.
    pub no_wait: bool,
    /// Leave then.
    pub until: Option<Instant>,
}

/// Why following is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// All runs that were asked for have ended.
    Ended,
    /// They wait, and nothing else is left to do.
    Waits,
    /// The time to watch is over.
    TimedOut,
    /// Somebody wants this process to leave.
    Signal(Leave),
    /// Nobody reads the events any more.
    Closed,
}

/// An engine, and what comes out of it.
pub struct Following<'h> {
    /// Where.
    pub here: &'h Here,
    /// The engine.
    pub engine: Engine,
    /// What it writes.
    pub written: Receiver<Written>,
    /// Signals to this process.
    pub signals: Receiver<Leave>,
    /// The runs.
    pub picture: Picture,
    /// How they are shown.
    pub show: Show,
}

impl Following<'_> {
    /// Follows until the runs have ended, or there is a reason to leave before.
    ///
    /// # Errors
    /// When the engine stopped by itself, or an event cannot be read.
    pub fn follow(&mut self, wish: Wish) -> Result<Why, CliError> {
        loop {
            // Ends are looked for before anything is waited for: a resumed run may have ended.
            if self.picture.all_ended() {
                return Ok(Why::Ended);
            }
            if self.written.is_empty() && self.rests(wish)? {
                return Ok(Why::Waits);
            }
            self.show.tick(self.here, &mut self.picture);
            let mut pace = self.show.pace();
            if let Some(until) = wish.until {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(Why::TimedOut);
                }
                pace = pace.min(left);
            }
            select! {
                recv(self.signals) -> signal => match signal {
                    Ok(signal) => return Ok(Why::Signal(signal)),
                    // The listener is gone; without it there are no signals to handle.
                    Err(_) => self.signals = never(),
                },
                recv(self.written) -> written => {
                    let Ok(written) = written else {
                        self.engine.wait()?;
                        return Err(CliError::machine("the engine has stopped"));
                    };
                    match self.take(written) {
                        Err(error) if error.kind == Kind::Closed => return Ok(Why::Closed),
                        other => other?,
                    }
                }
                default(pace) => self.troubles()?,
            }
        }
    }

    /// Takes what was written, and what else is there already, so that a burst costs one picture.
    fn take(&mut self, first: Written) -> Result<(), CliError> {
        const BURST: usize = 1024;
        let mut happened = self.book(first)?;
        for _ in 0..BURST {
            let Ok(written) = self.written.try_recv() else { break };
            happened.extend(self.book(written)?);
        }
        self.show.happened(&happened)
    }

    fn book(&mut self, written: Written) -> Result<Vec<Happened>, CliError> {
        let Written { stream, position, seq, at, events } = written;
        if self.picture.misses(&stream, seq) {
            return self.read(&stream);
        }
        let events: Vec<Value> = serde_json::from_slice(&events)
            .map_err(|e| CliError::machine(format!("the events of {stream} cannot be read: {e}")))?;
        self.picture.book(&stream, position, seq, at, events)
    }

    /// Whether to leave because the runs only wait. One that waits for people is left in any case: as long as
    /// this process holds the home, nobody else could answer.
    fn rests(&mut self, wish: Wish) -> Result<bool, CliError> {
        let open = self.picture.roots.iter().filter(|run| !self.picture.status(run).is_end());
        let open: Vec<_> = open.cloned().collect();
        let resting = open
            .iter()
            .all(|run| self.picture.needs_people(run) || (wish.no_wait && self.picture.rests(run)));
        if !resting {
            return Ok(false);
        }
        // A turn may be followed by another one at once: the row of the run knows.
        for run in open {
            use stead_core::status::RunStatus::{Paused, Waiting};
            if !matches!(self.view(run.as_str())?.status, Waiting | Paused) {
                return Ok(false);
            }
        }
        Ok(self.written.is_empty())
    }

    /// A run at this moment, with its outputs.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn view(&self, run: &str) -> Result<View, CliError> {
        match self.engine.ask(Operation::Status { run: run.to_owned() })? {
            Answer::Status { view } => Ok(*view),
            other => Err(unexpected(&other)),
        }
    }

    /// Books what happened in a run before anybody watched, and in its child runs. It is not shown.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn catch_up(&mut self, run: &StreamId) -> Result<(), CliError> {
        self.read(run).map(|_| ())
    }

    /// Reads what the picture does not have yet of a run and its child runs.
    fn read(&mut self, run: &StreamId) -> Result<Vec<Happened>, CliError> {
        const ROWS: usize = 1000;
        let mut happened = Vec::new();
        let mut after = self.picture.seq(run);
        loop {
            let ask = Operation::Events { run: run.to_string(), after, limit: ROWS };
            let (events, last) = match self.engine.ask(ask) {
                Ok(Answer::Events { events, last }) => (events, last),
                Ok(other) => return Err(unexpected(&other)),
                // A child run whose first turn is to come.
                Err(EngineError::NoRun { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            let Some(end) = events.last().map(|row| row.seq) else { break };
            for row in events {
                happened.extend(self.picture.book(
                    &row.run,
                    row.position,
                    row.seq,
                    row.at,
                    vec![row.event],
                )?);
            }
            if end >= last {
                break;
            }
            after = end;
        }
        for child in self.picture.children(run) {
            happened.extend(self.read(&child)?);
        }
        Ok(happened)
    }

    /// A run that cannot go on is not waited for.
    fn troubles(&self) -> Result<(), CliError> {
        let mut runs = self.picture.roots.clone();
        while let Some(run) = runs.pop() {
            if self.picture.status(&run).is_end() {
                continue;
            }
            if let Some(why) = self.engine.trouble(&run) {
                return Err(CliError::machine(format!("run {run} cannot go on: {why}")));
            }
            runs.extend(self.picture.children(&run));
        }
        Ok(())
    }

    /// Waits until no attempt of other runs is under way: they go on in this process, too. A signal ends it.
    pub fn wait_for_others(&mut self) {
        if self.engine.under_way() == 0 {
            return;
        }
        let n = text::count(self.engine.under_way(), "attempt");
        out::note(&format!(
            "other runs of this home still have {n} under way; Ctrl-C leaves them to be resumed"
        ));
        while self.engine.under_way() > 0 {
            // What they write is not shown.
            while self.written.try_recv().is_ok() {}
            match self.signals.recv_timeout(Duration::from_millis(50)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

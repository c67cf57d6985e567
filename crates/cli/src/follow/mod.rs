//! Following runs from their first event to their end, and leaving them before it.

mod before;
pub mod conclude;
pub mod frame;
pub mod leave;
pub mod picture;
mod place;
pub mod plain;
pub mod screen;
pub mod show;
pub mod tail;

use std::collections::BTreeSet;
use std::time::Instant;

use crossbeam_channel::{Receiver, never, select};
use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_engine::carried::Mark;
use stead_engine::driver::Written;
use stead_engine::error::EngineError;
use stead_engine::operations::{Answer, EngineNow, Operation};
use stead_engine::seat::{Heard, Seat};
use stead_engine::settings::Settings;
use stead_engine::socket::Link;

use crate::error::{CliError, Kind};
use crate::here::{Here, unexpected};
use crate::out;
use crate::signals::Leave;
use crate::text;
use before::Reading;
use picture::{Happened, Picture};
use show::Show;

pub use before::{Before, Look};
pub use conclude::{Answers, conclude};
pub(crate) use place::settings;

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

/// A place at a home, what is heard there, and how it is shown.
pub struct Following<'h> {
    /// Where.
    pub here: &'h Here,
    /// Of the engine, when this process holds the home.
    pub settings: Settings,
    /// The engine: of this process, or of the one that holds the home.
    pub seat: Seat,
    /// What it writes.
    heard: Heard,
    /// Signals to this process.
    pub signals: Receiver<Leave>,
    /// The runs.
    pub picture: Picture,
    /// How they are shown.
    pub show: Show,
    /// What the runs are lent where another process performs them: names of secrets.
    lends: Vec<(StreamId, BTreeSet<String>)>,
    /// Says to the next engine that they are waited for.
    marks: Vec<Mark>,
    /// The last position that was heard.
    position: Option<u64>,
    /// A signal that came while the engine was waited for.
    interrupted: Option<Leave>,
    /// Why nothing can be written, as far as it was told.
    store: Option<String>,
    /// It was said that the server does not answer.
    away: bool,
}

impl<'h> Following<'h> {
    /// Follows until the runs have ended, or there is a reason to leave before.
    ///
    /// # Errors
    /// When the engine stopped by itself, or an event cannot be read.
    pub fn follow(&mut self, wish: Wish) -> Result<Why, CliError> {
        match self.hear(wish) {
            Err(error) if error.kind == Kind::Closed => Ok(Why::Closed),
            Err(error) => self.interrupted.take().map(Why::Signal).ok_or(error),
            Ok(why) => Ok(why),
        }
    }

    fn hear(&mut self, wish: Wish) -> Result<Why, CliError> {
        loop {
            // Ends are looked for before anything is waited for: a resumed run may have ended.
            if self.picture.all_ended() {
                return Ok(Why::Ended);
            }
            if self.heard.written.is_empty() && self.rests(wish)? {
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
                recv(self.heard.written) -> written => match written {
                    Ok(written) => self.take(written)?,
                    Err(_) => self.lost()?,
                },
                recv(self.heard.link) -> link => match link {
                    Ok(Link::Now(now)) => self.troubles(*now)?,
                    Ok(Link::Silent) => {
                        let pid = self.seat.carrier().unwrap_or_default();
                        self.show.note(&format!("the engine of this home (process {pid}) does not answer"));
                    }
                    Ok(Link::Away(why)) => {
                        self.show.note(&format!("the connection to the server broke off ({why}); it is made again"));
                    }
                    Ok(Link::Back) if self.here.server().is_some() => {
                        self.show.note("the server answers again: it goes on where it was");
                    }
                    Ok(Link::Refused { code, message, help, blame }) => {
                        let told = EngineError::Told { code, message, help, blame };
                        return Err(self.here.explained(told));
                    }
                    Ok(Link::Back) => self.show.note("the engine of this home answers again"),
                    Ok(Link::Broken(why)) => {
                        let what = "what the engine of this home says cannot be understood";
                        return Err(CliError::machine(format!("this is a bug in Stead: {what}: {why}")));
                    }
                    // What was heard before is taken first; then the other channel is closed as well.
                    Ok(Link::Gone) | Err(_) => self.heard.link = never(),
                },
                default(pace) => if let Seat::Own(engine) = &self.seat {
                    let now = engine.now();
                    self.troubles(now)?;
                },
            }
        }
    }

    /// Takes what was written, and what else is there already, so that a burst costs one picture.
    fn take(&mut self, first: Written) -> Result<(), CliError> {
        const BURST: usize = 1024;
        let mut happened = self.book(first)?;
        for _ in 0..BURST {
            let Ok(written) = self.heard.written.try_recv() else { break };
            happened.extend(self.book(written)?);
        }
        self.show.happened(&happened)
    }

    fn book(&mut self, written: Written) -> Result<Vec<Happened>, CliError> {
        let Written { stream, position, seq, at, events } = written;
        self.position = Some(position);
        if self.picture.misses(&stream, seq) {
            return self.read_run(&stream);
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
        Ok(self.heard.written.is_empty())
    }

    /// A run at this moment, with its outputs.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn view(&mut self, run: &str) -> Result<View, CliError> {
        match self.ask(&Operation::Status { run: run.to_owned() })? {
            Answer::Status { view } => Ok(*view),
            other => Err(unexpected(&other)),
        }
    }

    /// Shows what happened in the runs and was not heard.
    ///
    /// # Errors
    /// When it cannot be read, or standard output is closed and events go there.
    pub fn news(&mut self) -> Result<(), CliError> {
        for root in self.picture.roots.clone() {
            let happened = self.read_run(&root)?;
            self.show.happened(&happened)?;
        }
        Ok(())
    }

    /// Reads what the picture does not have yet of a run and its child runs.
    fn read_run(&mut self, run: &StreamId) -> Result<Vec<Happened>, CliError> {
        before::read_on(self, run)
    }

    /// A run that cannot go on is not waited for. A store that cannot be written for now is told of once.
    fn troubles(&mut self, now: EngineNow) -> Result<(), CliError> {
        let store = now.store.map(|trouble| trouble.why);
        if store != self.store {
            self.show.note(&match &store {
                Some(why) => format!("nothing can be written: {why}; it is tried again by itself"),
                None => "what could not be written is written".to_owned(),
            });
            self.store = store;
        }
        if now.troubles.is_empty() {
            return Ok(());
        }
        let mut runs = self.picture.roots.clone();
        while let Some(run) = runs.pop() {
            if self.picture.status(&run).is_end() {
                continue;
            }
            if let Some(trouble) = now.troubles.iter().find(|trouble| trouble.run == run) {
                return Err(CliError::machine(format!("run {run} cannot go on: {}", trouble.why)));
            }
            runs.extend(self.picture.children(&run));
        }
        Ok(())
    }

    /// Waits until no attempt of other runs is under way: they go on in this process, too. A signal ends it.
    /// Another process that waits goes on with them then.
    pub fn leave_others(&mut self) {
        let Seat::Own(engine) = &self.seat else { return };
        let under_way = engine.under_way();
        engine.leave_when_quiet();
        if under_way > 0 {
            let n = text::count(under_way, "attempt");
            out::note(&format!(
                "other runs of this home still have {n} under way; Ctrl-C leaves them to be resumed"
            ));
        }
        loop {
            select! {
                // What they write is not shown.
                recv(self.heard.written) -> written => if written.is_err() { return },
                recv(self.signals) -> _ => return,
            }
        }
    }

    /// Leaves the home, if this process holds it.
    ///
    /// # Errors
    /// When the engine had stopped because of one.
    pub fn stop(self) -> Result<(), CliError> {
        match self.seat {
            Seat::Own(engine) => Ok(engine.stop()?),
            Seat::Carried(_) | Seat::Remote(_) => Ok(()),
        }
    }
}

impl Reading for Following<'_> {
    fn picture(&mut self) -> &mut Picture {
        &mut self.picture
    }

    fn read(&mut self, operation: &Operation) -> Result<Result<Answer, EngineError>, CliError> {
        self.ask_engine(operation)
    }
}

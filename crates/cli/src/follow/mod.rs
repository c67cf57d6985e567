//! Following runs from their first event to their end, and leaving them before it.

mod before;
pub mod conclude;
pub mod frame;
pub mod leave;
pub mod picture;
pub mod plain;
pub mod screen;
pub mod show;
pub mod tail;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};
use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_engine::carried::Mark;
use stead_engine::driver::Written;
use stead_engine::engine::Waiting;
use stead_engine::error::EngineError;
use stead_engine::lent::{self, Environment};
use stead_engine::limits;
use stead_engine::operations::{Answer, EngineNow, Operation};
use stead_engine::seat::{Heard, Seat, Unanswered};
use stead_engine::secrets::ConfiguredSecrets;
use stead_engine::settings::Settings;
use stead_engine::socket::Link;
use stead_lang::Bundle;

use crate::error::{CliError, Kind, codes};
use crate::here::{Here, no_answer, unexpected};
use crate::out;
use crate::signals::{self, Leave};
use crate::text;
use before::Reading;
use picture::{Happened, Picture};
use show::Show;

pub use before::Before;
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
}

impl<'h> Following<'h> {
    /// Takes a place at the home.
    ///
    /// # Errors
    /// When the home cannot be used, or whoever holds it does not answer.
    pub fn open(here: &'h Here, json: bool) -> Result<Self, CliError> {
        Self::open_with(here, json, signals::listen()?, Picture::default())
    }

    /// [`open`](Self::open), with what is known of runs already.
    fn open_with(
        here: &'h Here,
        json: bool,
        signals: Receiver<Leave>,
        picture: Picture,
    ) -> Result<Self, CliError> {
        Self::sit(here, settings(here)?, signals, picture, Show::new(here, json))
    }

    /// Takes a place at the home after it was left: what was heard is known already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn sit(
        here: &'h Here,
        settings: Settings,
        signals: Receiver<Leave>,
        picture: Picture,
        mut show: Show,
    ) -> Result<Self, CliError> {
        let mut interrupted = None;
        let mut waits = Waits::new(&signals, &mut interrupted, &mut show, Some(limits::ANSWER_PATIENCE));
        let seat = Seat::take(&here.home, &settings, &[], &mut |waiting| waits.on(waiting));
        let seat = seat.map_err(|error| match interrupted {
            Some(_) => CliError::left("left before the engine of this home answered: nothing was started"),
            None => here.explained(error),
        })?;
        let heard = Heard::nothing();
        let (lends, marks) = (Vec::new(), Vec::new());
        let (position, interrupted, store) = (None, None, None);
        Ok(Self {
            here,
            settings,
            seat,
            heard,
            signals,
            picture,
            show,
            lends,
            marks,
            position,
            interrupted,
            store,
        })
    }

    /// Names of the secrets that a definition is lent, if it is performed by another process.
    pub fn secrets_of(&self, bundle: &Bundle) -> BTreeSet<String> {
        match &self.seat {
            Seat::Own(_) => BTreeSet::new(),
            Seat::Carried(_) => lent::secrets_of(bundle),
        }
    }

    /// Hears of a run from now on. Where another process performs it, it is lent the environment of this one, and
    /// these secrets.
    ///
    /// # Errors
    /// When the engine does not take it, or a signal came meanwhile.
    pub fn attend(&mut self, runs: Vec<(StreamId, BTreeSet<String>)>) -> Result<(), CliError> {
        self.lends = runs;
        while let Err(unanswered) = self.join() {
            self.sit_again(unanswered)?;
        }
        Ok(())
    }

    fn join(&mut self) -> Result<(), Unanswered> {
        let mut waits = Waits::new(&self.signals, &mut self.interrupted, &mut self.show, None);
        let patience: &mut stead_engine::engine::Patience<'_> = &mut |waiting| waits.on(waiting);
        if self.seat.carrier().is_some() {
            for (run, names) in &self.lends {
                if !self.marks.iter().any(|mark| mark.run() == run) {
                    self.marks.extend(Mark::of(&self.here.home, run).map_err(Unanswered::Engine)?);
                }
                self.seat.lend(run, &Environment::of_process(names), patience)?;
            }
        } else {
            self.marks.clear();
        }
        let mut runs = self.picture.roots.clone();
        let mut next = 0;
        while next < runs.len() {
            runs.extend(self.picture.children(&runs[next]));
            next += 1;
        }
        self.heard = self.seat.follow(&runs, self.position, patience)?;
        Ok(())
    }

    /// Has an operation performed, once, by whoever holds the home until it is.
    ///
    /// # Errors
    /// When it is refused, or a signal came meanwhile.
    pub fn ask(&mut self, operation: &Operation) -> Result<Answer, CliError> {
        self.ask_engine(operation)?.map_err(|error| self.here.explained(error))
    }

    /// As [`ask`](Self::ask), with what the engine answers as it is.
    fn ask_engine(&mut self, operation: &Operation) -> Result<Result<Answer, EngineError>, CliError> {
        let mut wish = stead_engine::seat::Wish::new()?;
        loop {
            let mut waits = Waits::new(&self.signals, &mut self.interrupted, &mut self.show, None);
            match self.seat.ask(&mut wish, operation, &mut |waiting| waits.on(waiting)) {
                Ok(answer) => return Ok(Ok(answer)),
                Err(Unanswered::Engine(error)) if self.interrupted.is_none() => return Ok(Err(error)),
                Err(unanswered) => self.go_on(unanswered)?,
            }
        }
    }

    /// The engine has gone: finds the next one, or becomes it, and goes on where it was.
    fn go_on(&mut self, unanswered: Unanswered) -> Result<(), CliError> {
        self.sit_again(unanswered)?;
        while let Err(unanswered) = self.join() {
            self.sit_again(unanswered)?;
        }
        Ok(())
    }

    fn sit_again(&mut self, unanswered: Unanswered) -> Result<(), CliError> {
        if self.interrupted.is_some() {
            return Err(CliError::left("left while the engine of this home was waited for"));
        }
        if let Unanswered::Engine(error) = unanswered {
            return Err(self.here.explained(error));
        }
        self.heard = Heard::nothing();
        let mut waits = Waits::new(&self.signals, &mut self.interrupted, &mut self.show, None);
        let own: Vec<&StreamId> = self.marks.iter().map(Mark::run).collect();
        let seat = Seat::take(&self.here.home, &self.settings, &own, &mut |waiting| waits.on(waiting));
        match seat {
            Ok(seat) => {
                self.seat = seat;
                Ok(())
            }
            Err(_) if self.interrupted.is_some() => {
                Err(CliError::left("left while the engine of this home was waited for"))
            }
            Err(error) => Err(self.here.explained(error)),
        }
    }

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

    /// Nothing more will be heard of the engine.
    fn lost(&mut self) -> Result<(), CliError> {
        if let Seat::Own(engine) = &self.seat {
            engine.wait()?;
            return Err(CliError::machine("the engine has stopped"));
        }
        self.go_on(Unanswered::Lost)?;
        // What was written while nobody was heard.
        self.news()
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
            Seat::Carried(_) => Ok(()),
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

/// Settings of an engine that holds the home here.
///
/// # Errors
/// When a file with secrets cannot be used. The secrets themselves are looked for when a step needs them.
fn settings(here: &Here) -> Result<Settings, CliError> {
    let of_environment = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let secrets = Arc::new(ConfiguredSecrets::of(here.home.root(), of_environment));
    secrets.check().map_err(|error| CliError::usage(codes::SETTINGS, error.to_string()))?;
    Ok(Settings::from(secrets))
}

/// What happens while whoever holds the home is waited for.
struct Waits<'a> {
    signals: &'a Receiver<Leave>,
    interrupted: &'a mut Option<Leave>,
    show: &'a mut Show,
    limit: Option<Duration>,
    told: bool,
}

impl<'a> Waits<'a> {
    fn new(
        signals: &'a Receiver<Leave>,
        interrupted: &'a mut Option<Leave>,
        show: &'a mut Show,
        limit: Option<Duration>,
    ) -> Self {
        Self { signals, interrupted, show, limit, told: false }
    }

    /// Says once that it takes long; false: a signal came, or it takes too long.
    fn on(&mut self, waiting: &Waiting<'_>) -> bool {
        if let Ok(signal) = self.signals.try_recv() {
            *self.interrupted = Some(signal);
            return false;
        }
        if waiting.time >= limits::SILENCE && !std::mem::replace(&mut self.told, true) {
            self.show.note(&no_answer(waiting));
        }
        self.limit.is_none_or(|limit| waiting.time < limit)
    }
}

//! A place at a home: taken, asked, lost and taken again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use stead_core::ids::StreamId;
use stead_engine::carried::Mark;
use stead_engine::engine::{Patience, Waiting};
use stead_engine::error::EngineError;
use stead_engine::lent::{self, Environment};
use stead_engine::limits;
use stead_engine::operations::{Answer, Operation};
use stead_engine::seat::{Heard, Seat, Unanswered, Wish};
use stead_engine::secrets::ConfiguredSecrets;
use stead_engine::settings::Settings;
use stead_lang::Bundle;
use stead_lang::plan::Plan;

use super::Following;
use super::picture::Picture;
use super::show::Show;
use crate::error::{CliError, codes};
use crate::here::{Here, no_answer, unexpected};
use crate::place::Place;
use crate::signals::{self, Leave};

/// How long a server that does not answer is waited for before it is asked again.
const AGAIN: Duration = Duration::from_millis(500);

impl<'h> Following<'h> {
    /// Takes a place at the home.
    ///
    /// # Errors
    /// When the home cannot be used, or whoever holds it does not answer.
    pub fn open(here: &'h Here, json: bool) -> Result<Self, CliError> {
        Self::open_with(here, json, signals::listen()?, Picture::default())
    }

    /// [`open`](Self::open), with what is known of runs already.
    pub(super) fn open_with(
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
    pub(super) fn sit(
        here: &'h Here,
        settings: Settings,
        signals: Receiver<Leave>,
        picture: Picture,
        mut show: Show,
    ) -> Result<Self, CliError> {
        let mut interrupted = None;
        let mut waits = Waits::new(&signals, &mut interrupted, &mut show, Some(limits::ANSWER_PATIENCE));
        let seat = match &here.place {
            Place::Home(home) => Seat::take(home, &settings, &[], &mut |waiting| waits.on(waiting)),
            Place::Server(server) => Ok(Seat::Remote(server.clone())),
        };
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
            away: false,
        })
    }

    /// Names of the secrets that a definition is lent, if it is performed by another process.
    pub fn secrets_of(&self, bundle: &Bundle) -> BTreeSet<String> {
        match &self.seat {
            // Nothing is lent to a server elsewhere: it has secrets of its own.
            Seat::Own(_) | Seat::Remote(_) => BTreeSet::new(),
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
        let patience: &mut Patience<'_> = &mut |waiting| waits.on(waiting);
        if let (Seat::Carried(_), Place::Home(home)) = (&self.seat, &self.here.place) {
            for (run, names) in &self.lends {
                if !self.marks.iter().any(|mark| mark.run() == run) {
                    self.marks.extend(Mark::of(home, run).map_err(Unanswered::Engine)?);
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
    pub(super) fn ask_engine(
        &mut self,
        operation: &Operation,
    ) -> Result<Result<Answer, EngineError>, CliError> {
        let mut wish = Wish::new()?;
        loop {
            let mut waits = Waits::new(&self.signals, &mut self.interrupted, &mut self.show, None);
            match self.seat.ask(&mut wish, operation, &mut |waiting| waits.on(waiting)) {
                Ok(answer) => {
                    self.away = false;
                    return Ok(Ok(answer));
                }
                Err(Unanswered::Engine(error)) if self.interrupted.is_none() => return Ok(Err(error)),
                Err(unanswered) => self.go_on(unanswered)?,
            }
        }
    }

    /// The engine has gone: finds the next one, or becomes it, and goes on where it was.
    pub(super) fn go_on(&mut self, unanswered: Unanswered) -> Result<(), CliError> {
        if let (Seat::Remote(server), Unanswered::Lost) = (&self.seat, &unanswered) {
            // What is heard goes on by itself; only what was asked is asked again.
            let origin = server.origin().to_owned();
            return self.rest(&origin);
        }
        self.sit_again(unanswered)?;
        while let Err(unanswered) = self.join() {
            self.sit_again(unanswered)?;
        }
        Ok(())
    }

    /// Waits a moment for a server that does not answer.
    fn rest(&mut self, server: &str) -> Result<(), CliError> {
        if !std::mem::replace(&mut self.away, true) {
            self.show.note(&format!("the server {server} does not answer; it is asked again"));
        }
        if let Ok(signal) = self.signals.recv_timeout(AGAIN) {
            self.interrupted = Some(signal);
            return Err(CliError::left("left while the server was waited for"));
        }
        Ok(())
    }

    /// Starts a run, and hears of it from then on; gives its id. At a server elsewhere that is the server's to say.
    ///
    /// # Errors
    /// When it is refused, or a signal came meanwhile.
    pub fn start(
        &mut self,
        start: &Operation,
        plan: Arc<Plan>,
        secrets: BTreeSet<String>,
    ) -> Result<StreamId, CliError> {
        let Operation::Start { run, .. } = start else {
            return Err(CliError::machine("this is a bug in Stead: another operation was taken for a start"));
        };
        let mut run = run.clone();
        if matches!(self.seat, Seat::Remote(_)) {
            match self.ask(start)? {
                Answer::Started { run: known } => run = known,
                other => return Err(unexpected(&other)),
            }
        }
        self.picture.watch(&run, Some(plan));
        self.attend(vec![(run.clone(), secrets)])?;
        if !matches!(self.seat, Seat::Remote(_)) {
            self.ask(start)?;
        }
        Ok(run)
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
        let seat = match &self.here.place {
            Place::Home(home) => Seat::take(home, &self.settings, &own, &mut |waiting| waits.on(waiting)),
            Place::Server(server) => Ok(Seat::Remote(server.clone())),
        };
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

    /// Nothing more will be heard of the engine.
    pub(super) fn lost(&mut self) -> Result<(), CliError> {
        if let Seat::Own(engine) = &self.seat {
            engine.wait()?;
            return Err(CliError::machine("the engine has stopped"));
        }
        self.go_on(Unanswered::Lost)?;
        // What was written while nobody was heard.
        self.news()
    }
}

/// Settings of an engine that holds the home here.
///
/// # Errors
/// When a file with secrets cannot be used. The secrets themselves are looked for when a step needs them.
pub(crate) fn settings(here: &Here) -> Result<Settings, CliError> {
    let of_environment = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let Place::Home(home) = &here.place else {
        // A server has its own.
        let none = Arc::new(ConfiguredSecrets::of(Path::new(""), |_| None));
        return Ok(Settings { caller: here.caller.clone(), ..Settings::from(none) });
    };
    let secrets = Arc::new(ConfiguredSecrets::of(home.root(), of_environment));
    secrets.check().map_err(|error| CliError::usage(codes::SETTINGS, error.to_string()))?;
    Ok(Settings { caller: here.caller.clone(), ..Settings::from(secrets) })
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

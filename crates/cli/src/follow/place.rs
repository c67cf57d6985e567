//! A place at a home: taken, asked, lost and taken again.

use std::collections::BTreeSet;
use std::path::PathBuf;
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

use super::Following;
use super::picture::Picture;
use super::show::Show;
use crate::error::{CliError, codes};
use crate::here::{Here, no_answer};
use crate::signals::{self, Leave};

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
        let patience: &mut Patience<'_> = &mut |waiting| waits.on(waiting);
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
    pub(super) fn ask_engine(
        &mut self,
        operation: &Operation,
    ) -> Result<Result<Answer, EngineError>, CliError> {
        let mut wish = Wish::new()?;
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
    pub(super) fn go_on(&mut self, unanswered: Unanswered) -> Result<(), CliError> {
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
    let secrets = Arc::new(ConfiguredSecrets::of(here.home.root(), of_environment));
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

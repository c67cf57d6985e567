//! Runs as they stand before this process takes a place at their home: whatever comes later is news.

use std::collections::BTreeSet;

use stead_core::ids::StreamId;
use stead_engine::error::EngineError;
use stead_engine::operations::{Answer, Operation};
use stead_lang::Bundle;

use super::Following;
use super::picture::{Happened, Picture};
use super::show::Show;
use crate::error::CliError;
use crate::here::{Here, unexpected};
use crate::signals;

/// Runs that were there before, and what is known of them.
pub struct Before<'h> {
    here: &'h Here,
    picture: Picture,
    definitions: Vec<(StreamId, Option<Bundle>)>,
}

impl<'h> Before<'h> {
    /// Looks up runs and their child runs. One whose definition cannot be read is shown in one line; that the engine
    /// cannot go on with it either is its own business to say.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of(here: &'h Here, runs: &[StreamId]) -> Result<Self, CliError> {
        let mut picture = Picture::default();
        let mut definitions = Vec::new();
        for run in runs {
            definitions.push((run.clone(), watch(here, &mut picture, run)));
        }
        picture.tell_apart();
        let mut before = Self { here, picture, definitions };
        for run in runs {
            // Quietly: nobody has followed yet.
            read_on(&mut before, run)?;
        }
        Ok(before)
    }

    /// Looks on without a place at the home: whoever holds it is asked what happened, or the store is read.
    pub fn look(mut self, json: bool, compact: bool) -> Look<'h> {
        self.picture.compact = compact;
        let show = Show::new(self.here, json);
        Look { here: self.here, picture: self.picture, show }
    }

    /// Takes a place at the home, and hears of these runs from now on.
    ///
    /// # Errors
    /// When the home cannot be used, or whoever holds it does not answer.
    pub fn follow(self, json: bool) -> Result<Following<'h>, CliError> {
        let signals = signals::listen()?;
        let mut following = Following::open_with(self.here, json, signals, self.picture)?;
        let runs = self.definitions.into_iter();
        let runs = runs.map(|(run, bundle)| {
            let secrets = bundle.map(|bundle| following.secrets_of(&bundle));
            (run, secrets.unwrap_or_else(BTreeSet::new))
        });
        let runs = runs.collect();
        following.attend(runs)?;
        Ok(following)
    }
}

/// Shows a run from now on, by its definition where that can be read.
fn watch(here: &Here, picture: &mut Picture, run: &StreamId) -> Option<Bundle> {
    let bundle = match here.ask(Operation::Definition { run: run.to_string() }) {
        Ok(Answer::Definition { bundle, .. }) => Some(bundle),
        _ => None,
    };
    picture.watch(run, bundle.as_ref().and_then(|bundle| stead_lang::check(bundle).plan));
    bundle
}

/// Somebody who looks on.
pub struct Look<'h> {
    here: &'h Here,
    /// The runs.
    pub picture: Picture,
    /// How they are shown.
    pub show: Show,
}

impl Look<'_> {
    /// Looks at one more run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add(&mut self, run: &StreamId) -> Result<(), CliError> {
        watch(self.here, &mut self.picture, run);
        self.picture.tell_apart();
        Ok(())
    }

    /// Shows what has happened since.
    ///
    /// # Errors
    /// When it cannot be read, or standard output is closed and events go there.
    pub fn news(&mut self) -> Result<(), CliError> {
        for root in self.picture.roots.clone() {
            if !self.picture.status(&root).is_end() {
                let happened = read_on(self, &root)?;
                self.show.happened(&happened)?;
            }
        }
        Ok(())
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        self.show.tick(self.here, &mut self.picture);
    }
}

impl Reading for Look<'_> {
    fn picture(&mut self) -> &mut Picture {
        &mut self.picture
    }

    fn read(&mut self, operation: &Operation) -> Result<Result<Answer, EngineError>, CliError> {
        Ok(self.here.ask_home(operation.clone()))
    }
}

/// Whoever has a picture of runs and can read on.
pub(super) trait Reading {
    /// What is known already.
    fn picture(&mut self) -> &mut Picture;

    /// Has an operation answered.
    ///
    /// # Errors
    /// When nobody can be asked any more; the inner one is the answer.
    fn read(&mut self, operation: &Operation) -> Result<Result<Answer, EngineError>, CliError>;
}

impl Reading for Before<'_> {
    fn picture(&mut self) -> &mut Picture {
        &mut self.picture
    }

    fn read(&mut self, operation: &Operation) -> Result<Result<Answer, EngineError>, CliError> {
        Ok(self.here.ask_home(operation.clone()))
    }
}

/// Reads what the picture does not have yet of a run and its child runs.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read_on(reading: &mut impl Reading, run: &StreamId) -> Result<Vec<Happened>, CliError> {
    const ROWS: usize = 1000;
    let mut happened = Vec::new();
    let mut after = reading.picture().seq(run);
    loop {
        let ask = Operation::Events { run: run.to_string(), after, limit: ROWS };
        let (events, last) = match reading.read(&ask)? {
            Ok(Answer::Events { events, last }) => (events, last),
            Ok(other) => return Err(unexpected(&other)),
            // A child run whose first turn is to come.
            Err(EngineError::NoRun { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        let Some(end) = events.last().map(|row| row.seq) else { break };
        for row in events {
            let booked = reading.picture().book(&row.run, row.position, row.seq, row.at, vec![row.event])?;
            happened.extend(booked);
        }
        if end >= last {
            break;
        }
        after = end;
    }
    for child in reading.picture().children(run) {
        happened.extend(read_on(reading, &child)?);
    }
    Ok(happened)
}

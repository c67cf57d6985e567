//! A place at a home: its engine, or a connection to the one it has.
//!
//! Whoever wants to see a run through sits down: the first holds the home, the others are carried. When the holder
//! goes, in whatever way, those who were carried find their connection lost and sit down again; one of them holds the
//! home then.

use std::time::Instant;

use crossbeam_channel::{Receiver, never};
use stead_core::ids::StreamId;
use stead_store::{Position, StoreError};

use crate::driver::Written;
use crate::engine::{Engine, Patience, wait_for_place, wish};
use crate::error::EngineError;
use crate::home::Home;
use crate::lent::Environment;
use crate::operations::{Answer, Operation};
use crate::remote::{self, Follow, Remote};
use crate::settings::Settings;
use crate::socket::{Client, Failed, Followed, Link};

/// A place at a home.
pub enum Seat {
    /// This process holds the home.
    Own(Engine),
    /// Another one does.
    Carried(Client),
    /// A server elsewhere does.
    Remote(Remote),
}

/// Why nothing came of what was asked.
#[derive(Debug)]
pub enum Unanswered {
    /// The process that held the home has gone: sit down again, and ask again.
    Lost,
    /// It was asked in vain, or refused.
    Engine(EngineError),
}

impl From<EngineError> for Unanswered {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Something that is wanted, once: asked again it is known by its name.
#[derive(Debug)]
pub struct Wish {
    name: String,
    asked: bool,
}

impl Wish {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<Self, EngineError> {
        Ok(Self { name: wish()?, asked: false })
    }
}

/// What is heard at a place.
pub struct Heard {
    /// What is written, from when this was made. Closed when the engine has gone.
    pub written: Receiver<Written>,
    /// News of an engine elsewhere.
    pub link: Receiver<Link>,
    /// Keeps the connection.
    _followed: Option<Followed>,
    _remote: Option<Follow>,
}

impl Heard {
    /// Of nobody.
    pub fn nothing() -> Self {
        Self { written: never(), link: never(), _followed: None, _remote: None }
    }
}

impl Seat {
    /// Takes a place: holds the home if nobody does, else goes to who holds it. One that comes or goes is waited for.
    ///
    /// # Errors
    /// When the home or its socket cannot be used, or whoever holds it does not answer for longer than somebody
    /// wants to wait.
    /// `own` are marked runs of this process: nobody else is to lend for them.
    pub fn take(
        home: &Home,
        settings: &Settings,
        own: &[&StreamId],
        patience: &mut Patience<'_>,
    ) -> Result<Self, EngineError> {
        let since = Instant::now();
        loop {
            let held = match Engine::take_over(home, settings.clone(), own) {
                Ok(engine) => return Ok(Self::Own(engine)),
                Err(EngineError::Store(
                    held @ (StoreError::Held { .. } | StoreError::HeldByUnknown { .. }),
                )) => held,
                Err(error) => return Err(error),
            };
            if let Some(client) = Client::connect(home, &settings.caller, patience)? {
                return Ok(Self::Carried(client));
            }
            wait_for_place(home, since, held, patience)?;
        }
    }

    /// Whether others go on with the runs when this process leaves.
    pub fn is_carried(&self) -> bool {
        !matches!(self, Self::Own(_))
    }

    /// The process that holds the home, when it is another one of this machine.
    pub fn carrier(&self) -> Option<u32> {
        match self {
            Self::Own(_) | Self::Remote(_) => None,
            Self::Carried(client) => Some(client.pid()),
        }
    }

    /// Has an operation performed. A wish that was asked for before, at any seat of this home, counts once.
    ///
    /// # Errors
    /// When it is refused, or the engine is lost.
    pub fn ask(
        &self,
        wish: &mut Wish,
        operation: &Operation,
        patience: &mut Patience<'_>,
    ) -> Result<Answer, Unanswered> {
        let again = std::mem::replace(&mut wish.asked, true);
        match self {
            Self::Own(engine) => Ok(engine.ask_as(&wish.name, again, operation.clone())?),
            Self::Carried(client) => match client.ask(&wish.name, again, operation, patience) {
                // It stands in the store as well, where there is no bound to it.
                Err(Failed::TooLong) if !operation.writes() => Ok(client.read(operation)?),
                answer => answer.map_err(|failed| unanswered(client, failed)),
            },
            Self::Remote(server) => {
                server.ask(&wish.name, operation, patience).map_err(|failed| not_told(server, failed))
            }
        }
    }

    /// Lends an environment for a run and those it starts. The engine of this process has its own.
    ///
    /// # Errors
    /// When it is not taken, or the engine is lost.
    pub fn lend(
        &self,
        run: &StreamId,
        environment: &Environment,
        patience: &mut Patience<'_>,
    ) -> Result<(), Unanswered> {
        match self {
            // What runs at a server elsewhere has the environment and the secrets of that.
            Self::Own(_) | Self::Remote(_) => Ok(()),
            Self::Carried(client) => {
                client.lend(run, environment, patience).map_err(|failed| unanswered(client, failed))
            }
        }
    }

    /// Hears what is written of runs and those they start, from behind a position or from now on.
    ///
    /// # Errors
    /// When the engine is lost.
    pub fn follow(
        &self,
        runs: &[StreamId],
        after: Option<Position>,
        patience: &mut Patience<'_>,
    ) -> Result<Heard, Unanswered> {
        match self {
            // What others wrote before is read from the journal by whoever follows.
            Self::Own(engine) => {
                Ok(Heard { written: engine.follow()?, link: never(), _followed: None, _remote: None })
            }
            Self::Carried(client) => {
                let followed = client.follow(runs, after, patience);
                let followed = followed.map_err(|failed| unanswered(client, failed))?;
                let (written, link) = (followed.written.clone(), followed.link.clone());
                Ok(Heard { written, link, _followed: Some(followed), _remote: None })
            }
            Self::Remote(server) => {
                let heard = server.follow(runs, after)?;
                let (written, link) = (heard.written.clone(), heard.link.clone());
                Ok(Heard { written, link, _followed: None, _remote: Some(heard) })
            }
        }
    }
}

/// One that has answered before is waited for: it may be begun again.
fn not_told(server: &Remote, failed: remote::Failed) -> Unanswered {
    match failed {
        remote::Failed::Unreached(_) if server.reached() => Unanswered::Lost,
        remote::Failed::Unreached(error) => Unanswered::Engine(error.into()),
        remote::Failed::Lost(_) | remote::Failed::Busy(..) => Unanswered::Lost,
        remote::Failed::GaveUp => Unanswered::Engine(server.no_answer(false).into()),
        remote::Failed::Engine(error) => Unanswered::Engine(error),
    }
}

fn unanswered(client: &Client, failed: Failed) -> Unanswered {
    match failed {
        Failed::Lost => Unanswered::Lost,
        Failed::GaveUp => Unanswered::Engine(client.no_answer()),
        Failed::TooLong => {
            let why = "the answer is too long to be sent".to_owned();
            Unanswered::Engine(EngineError::NotTaken { why })
        }
        Failed::Engine(error) => Unanswered::Engine(error),
    }
}

//! The end of those who ask.

use std::borrow::Cow;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use stead_core::ids::StreamId;
use stead_store::Position;
use stead_store::lock::Holder;

use super::frame::{self, FrameError};
use super::place;
use super::words::{Call, Fault, Hello, Reply, Told, VERSION};
use crate::blame::Blame;
use crate::driver::Written;
use crate::engine::{Patience, Waiting, read_store};
use crate::error::EngineError;
use crate::home::Home;
use crate::lent::Environment;
use crate::limits;
use crate::operations::{Answer, EngineNow, Operation};
use crate::people::Caller;

/// How often one who waits looks up.
const LOOK: Duration = Duration::from_millis(50);

/// A connection to the engine of a home.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    holder: Holder,
    home: Home,
    caller: Caller,
}

/// Why nothing came of a call.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The engine has gone, or is going. It may have done what it was asked to.
    Lost,
    /// It did not answer for longer than somebody wanted to wait.
    GaveUp,
    /// The answer is longer than an answer may be.
    TooLong,
    /// It answered.
    Engine(EngineError),
}

impl From<FrameError> for Failed {
    fn from(error: FrameError) -> Self {
        match error {
            // Whatever became of the connection: it is gone.
            FrameError::Closed | FrameError::Io(_) => Self::Lost,
            FrameError::GaveUp => Self::GaveUp,
            FrameError::TooLong { .. } => Self::TooLong,
            FrameError::Malformed(error) => Self::Engine(EngineError::bug(&error)),
        }
    }
}

impl Client {
    /// Connects to the engine of a home. `None`: there is none, or it is only coming or going.
    pub(crate) fn connect(
        home: &Home,
        caller: &Caller,
        patience: &mut Patience<'_>,
    ) -> Result<Option<Self>, EngineError> {
        let Some((stream, holder)) = place::connect(home)? else { return Ok(None) };
        let client = Self { stream, holder, home: home.clone(), caller: caller.clone() };
        match client.greet(patience) {
            Ok(()) => Ok(Some(client)),
            Err(Failed::Lost) => Ok(None),
            Err(Failed::GaveUp) => Err(client.no_answer()),
            Err(Failed::TooLong) => Err(EngineError::bug(&"a greeting that is too long")),
            Err(Failed::Engine(error)) => Err(error),
        }
    }

    fn greet(&self, patience: &mut Patience<'_>) -> Result<(), Failed> {
        let timeouts = self.stream.set_read_timeout(Some(LOOK));
        timeouts.and_then(|()| self.stream.set_write_timeout(Some(LOOK))).map_err(|_| Failed::Lost)?;
        self.write(&Hello::ours(), patience)?;
        let theirs: Hello = self.hear_one(patience)?;
        if let Some(why) = theirs.refused {
            return Err(Failed::Engine(EngineError::NotTaken { why }));
        }
        if !theirs.fits() {
            let (pid, ours) = (theirs.pid, VERSION.to_owned());
            let theirs = format!("{} (protocol {})", theirs.version, theirs.protocol);
            return Err(Failed::Engine(EngineError::OtherRelease { pid, theirs, ours }));
        }
        Ok(())
    }

    /// The process at the other end.
    pub fn pid(&self) -> u32 {
        self.holder.pid
    }

    pub(crate) fn no_answer(&self) -> EngineError {
        EngineError::NoAnswer { pid: self.holder.pid }
    }

    /// Has an operation performed.
    pub(crate) fn ask(
        &self,
        id: &str,
        again: bool,
        operation: &Operation,
        patience: &mut Patience<'_>,
    ) -> Result<Answer, Failed> {
        let (id, operation) = (Cow::Borrowed(id), Cow::Borrowed(operation));
        let call = Call::Ask { id, again, operation, caller: self.caller.clone() };
        match self.call(&call, patience)? {
            Reply::Answer { answer } => Ok(answer),
            other => Err(strange(&other)),
        }
    }

    /// Reads from the store of the home itself.
    pub(crate) fn read(&self, operation: &Operation) -> Result<Answer, EngineError> {
        read_store(&self.home, &self.caller, operation)
    }

    /// Lends an environment for a run, and for those it starts.
    pub(crate) fn lend(
        &self,
        run: &StreamId,
        environment: &Environment,
        patience: &mut Patience<'_>,
    ) -> Result<(), Failed> {
        let call = Call::Lend { run: run.clone(), environment: Cow::Borrowed(environment) };
        match self.call(&call, patience)? {
            Reply::Lent => Ok(()),
            other => Err(strange(&other)),
        }
    }

    /// Hears what is written, on a connection of its own: of these runs and those they start; of all, when none is
    /// named.
    pub(crate) fn follow(
        &self,
        runs: &[StreamId],
        after: Option<Position>,
        patience: &mut Patience<'_>,
    ) -> Result<Followed, Failed> {
        let client = Self::connect(&self.home, &self.caller, patience).map_err(Failed::Engine)?;
        let client = client.ok_or(Failed::Lost)?;
        let call = Call::Follow { runs: runs.to_vec(), after, caller: self.caller.clone() };
        match client.call(&call, patience)? {
            Reply::Following => {}
            other => return Err(strange(&other)),
        }
        let stop = client.stream.try_clone().map_err(|_| Failed::Lost)?;
        let (rows, written) = bounded(limits::FOLLOW_QUEUE);
        let (news, link) = bounded(limits::FOLLOW_QUEUE);
        let thread = std::thread::Builder::new().name("follow".into());
        let hear = move || {
            client.hear(&rows, &news);
            let _ = news.send(Link::Gone);
        };
        thread.spawn(hear).map_err(|error| Failed::Engine(EngineError::Stopped(error.to_string())))?;
        Ok(Followed { written, link, _hangs_up: Arc::new(HangUp(stop)) })
    }

    /// Hands on what it hears until the engine, or whoever listens, has gone.
    fn hear(&self, rows: &Sender<Written>, news: &Sender<Link>) {
        let mut silent = false;
        loop {
            let mut quiet = |time: Duration| {
                if time >= limits::SILENCE && !silent {
                    silent = true;
                    return news.send(Link::Silent).is_ok();
                }
                true
            };
            let told: Told<'_> = match frame::read(&mut &self.stream, limits::ANSWER_BYTES, &mut quiet) {
                Ok(told) => told,
                Err(FrameError::Malformed(error)) => {
                    let _ = news.send(Link::Broken(error.to_string()));
                    return;
                }
                Err(_) => return,
            };
            if std::mem::take(&mut silent) && news.send(Link::Back).is_err() {
                return;
            }
            match told {
                Told::Written { run, position, seq, at, events } => {
                    let events = events.get().as_bytes().into();
                    if rows.send(Written { stream: run, position, seq, at, events }).is_err() {
                        return;
                    }
                }
                Told::Now { engine } => {
                    if news.send(Link::Now(Box::new(engine))).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn call(&self, call: &Call<'_>, patience: &mut Patience<'_>) -> Result<Reply, Failed> {
        self.write(call, patience)?;
        match self.hear_one(patience)? {
            Reply::Fault { fault: Fault::TooLong } => Err(Failed::TooLong),
            Reply::Fault { fault } => Err(Failed::Engine(fault.into())),
            reply => Ok(reply),
        }
    }

    fn write(&self, value: &impl serde::Serialize, patience: &mut Patience<'_>) -> Result<(), Failed> {
        let mut waited = |time| patience(&Waiting { holder: Some(&self.holder), time });
        match frame::write(&mut &self.stream, value, limits::REQUEST_BYTES, &mut waited) {
            Err(FrameError::TooLong { size, limit }) => {
                let why = format!("a request of {size} bytes is longer than {limit}");
                Err(Failed::Engine(EngineError::NotTaken { why }))
            }
            other => Ok(other?),
        }
    }

    fn hear_one<T: serde::de::DeserializeOwned>(&self, patience: &mut Patience<'_>) -> Result<T, Failed> {
        let mut waited = |time| patience(&Waiting { holder: Some(&self.holder), time });
        Ok(frame::read(&mut &self.stream, limits::ANSWER_BYTES, &mut waited)?)
    }
}

fn strange(reply: &Reply) -> Failed {
    Failed::Engine(EngineError::bug(&format!("an answer of the wrong kind came: {reply:?}")))
}

/// What is heard of the engine of a home.
#[derive(Debug, Clone)]
pub struct Followed {
    /// What is written. Closed when the engine has gone.
    pub written: Receiver<Written>,
    /// News of the engine itself.
    pub link: Receiver<Link>,
    _hangs_up: Arc<HangUp>,
}

/// News of an engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Link {
    /// What it is doing.
    Now(Box<EngineNow>),
    /// Nothing is heard of it for a while, not even that it is there.
    Silent,
    /// It is heard of again.
    Back,
    /// What it says cannot be understood: why.
    Broken(String),
    /// It has gone.
    Gone,
    /// The connection to a server elsewhere broke off, and is made again by itself: why.
    Away(String),
    /// A server elsewhere does not tell any more.
    Refused {
        /// Stable code.
        code: String,
        /// Why.
        message: String,
        /// What to try.
        help: Option<String>,
        /// Whose it is.
        blame: Blame,
    },
}

/// Closes the connection when nobody listens any more, so that the thread that reads it ends.
#[derive(Debug)]
struct HangUp(UnixStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

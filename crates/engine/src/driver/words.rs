//! What goes into the driver, and what comes out of it.

use stead_core::Time;
use stead_core::effect::Effect;
use stead_core::head::Head;
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit;
use stead_core::message::Message;
use stead_core::run::Input;
use stead_core::schedule;
use stead_core::task;
use stead_store::Position;

use super::{places, schedules, tasks};

/// An input and where it goes.
#[derive(Debug)]
pub struct Addressed {
    /// The stream.
    pub stream: StreamId,
    /// The input.
    pub input: Given,
    /// The revision that a run which begins is pinned to.
    pub revision: Option<String>,
    /// Whom to answer once it is durable; nobody, when 0.
    pub token: u64,
}

impl Addressed {
    /// An input that nobody waits for.
    pub fn to(stream: StreamId, input: impl Into<Given>) -> Self {
        Self { stream, input: input.into(), revision: None, token: 0 }
    }
}

/// An input, by the kind of its stream.
#[derive(Debug)]
pub enum Given {
    /// Of a run.
    Run(Input),
    /// Of a limit.
    Limit(limit::Input),
    /// Of a task.
    Task(task::Input),
    /// Of a schedule.
    Schedule(schedule::Input),
    /// It is as late as the step says.
    Time,
    /// A new engine brings it on.
    Recovered,
}

impl From<Input> for Given {
    fn from(input: Input) -> Self {
        Given::Run(input)
    }
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Stepped {
    /// Effects that leave the process and wait in the store now.
    pub jobs: usize,
    /// To be done now, with the folder that relative paths are relative to.
    pub effects: Vec<(Effect, String)>,
    /// Answers: what became of the input of each token.
    pub answers: Vec<(u64, Result<(), Refusal>)>,
    /// What was written, for those who follow.
    pub written: Vec<Written>,
    /// Runs that have ended.
    pub ended: Vec<StreamId>,
    /// Runs of which lists show now that they are over.
    pub over: Vec<Ended>,
    /// Runs that cannot go on: their definition, journal or a value cannot be read. Why.
    pub troubles: Vec<(StreamId, String)>,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub run: StreamId,
    /// What lists show of it.
    pub head: Head,
}

/// Why an input was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for something that cannot be.
    Refused(String),
    /// There is no such run.
    Unknown,
    /// The store could not write it: why, and what to try.
    Store {
        /// Why.
        why: String,
        /// What to try.
        help: String,
    },
}

/// Events of one turn, as they stand in the journal.
#[derive(Debug, Clone)]
pub struct Written {
    /// The stream.
    pub stream: StreamId,
    /// Place in the store.
    pub position: Position,
    /// Number of the first event.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The events: a JSON array.
    pub events: std::sync::Arc<[u8]>,
}

/// The input that a message is.
pub(super) fn given(message: Message) -> Addressed {
    let stream = message.to.clone();
    match stream.kind() {
        StreamKind::Run => Addressed::to(stream, Input::Message(message)),
        StreamKind::Limit => Addressed::to(stream, limit::Input::Message(message)),
        StreamKind::Task => Addressed::to(stream, task::Input::Message(message)),
        StreamKind::Schedule => Addressed::to(stream, schedule::Input::Message(message)),
    }
}

impl Given {
    /// What the journal says caused a turn.
    pub(super) fn cause(&self) -> String {
        match self {
            Given::Run(input) => cause(input),
            Given::Limit(input) => places::cause(input),
            Given::Task(input) => tasks::cause(input),
            Given::Schedule(input) => schedules::cause(input),
            Given::Time => "time".to_owned(),
            Given::Recovered => "recovered".to_owned(),
        }
    }
}

fn cause(input: &Input) -> String {
    match input {
        Input::Start { .. } => "start".to_owned(),
        Input::AttemptPlace { .. } => "place".to_owned(),
        Input::AttemptEnded { .. } => "attempt".to_owned(),
        Input::Message(message) => format!("message:{}", message.id),
        Input::Time => "time".to_owned(),
        Input::Continue => "continue".to_owned(),
        Input::Recovered => "recovered".to_owned(),
        Input::Cancel { .. } => "cancel".to_owned(),
        Input::Pause { .. } => "pause".to_owned(),
        Input::Resume { .. } => "resume".to_owned(),
        Input::Retry { .. } => "retry".to_owned(),
        Input::Signal { .. } => "signal".to_owned(),
        Input::Settle { .. } => "settle".to_owned(),
    }
}

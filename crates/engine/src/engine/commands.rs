//! What the driver's thread is told, and how operations come to it.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;
use serde_json::Value;
use stead_core::Time;
use stead_core::effect::{AttemptId, AttemptResult};
use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit;
use stead_core::run::event::Breaks;
use stead_core::run::{Input, turn::SettleInput};
use stead_core::schedule;
use stead_core::task;
use stead_store::Reader;
use stead_store::files::FileStore;
use stead_store::sqlite::{SqliteReader, SqliteStore};

use crate::driver::{Refusal, Written};
use crate::error::EngineError;
use crate::home::Home;
use crate::lent::Environment;
use crate::operations::{Operation, Settlement};
use crate::reads::Reads;
use crate::schedules::ScheduleOperation;
use crate::tasks::{TaskOperation, Wanted, written};

/// What the driver's thread is told.
pub(super) enum Command {
    /// An operation that writes. The run it is about is found already.
    /// `id` names the wish of another process, which may ask again.
    Write { stream: StreamId, write: Write, id: Option<String>, reply: Sender<Result<(), Refusal>> },
    /// An environment for the programs of a run; the answer: whether it is kept.
    Lend { run: StreamId, environment: Arc<Environment>, lender: Weak<()>, reply: Sender<bool> },
    /// An attempt that was queued has found a place.
    Begins(AttemptId),
    /// An attempt has ended.
    Result(AttemptId, AttemptResult),
    /// Somebody wants to know what is written from now on.
    Follow(Sender<Written>, Sender<()>),
    /// Nothing is left of an attempt of a dead engine.
    Gone(String),
    /// Stop as soon as no attempt is under way.
    Leave,
    /// Stop: attempts are ended, what is under way is made again by the next engine.
    Stop,
}

pub(super) enum Write {
    Start {
        kept: Arc<Kept>,
        inputs: Vec<(String, Value)>,
        project: String,
        folder: String,
        breaks: Breaks,
        by: String,
    },
    Input(Input),
    /// To a limit.
    Limit(limit::Input),
    /// To a schedule; where it is turned on, with the definition of its runs.
    Schedule {
        kept: Option<Arc<Kept>>,
        input: Box<schedule::Input>,
    },
    /// To a task; before that, that one who has claimed it is gone.
    Task {
        gone: Option<String>,
        input: Box<task::Input>,
    },
}

/// A definition that was checked, as it is kept.
pub(super) struct Kept {
    pub(super) plan: Arc<stead_lang::plan::Plan>,
    /// Bytes by revision: its own and its children's.
    pub(super) definitions: Vec<(String, Vec<u8>)>,
}

impl Kept {
    pub(super) fn check(bundle: &stead_lang::Bundle) -> Result<Self, EngineError> {
        let checked = stead_lang::check(bundle);
        let Some(plan) = checked.plan else {
            return Err(EngineError::Invalid { diagnostics: checked.diagnostics });
        };
        let mut definitions = Vec::new();
        for (revision, bundle) in checked.children.iter().chain([(&plan.revision, bundle)]) {
            definitions
                .push((revision.clone(), serde_json::to_vec(bundle).map_err(|e| EngineError::bug(&e))?));
        }
        Ok(Self { plan, definitions })
    }
}

/// What an operation writes, and to which stream.
pub(super) fn writing<R: Reader>(
    operation: Operation,
    reads: &mut Reads<R>,
) -> Result<(StreamId, Write), EngineError> {
    Ok(match operation {
        Operation::Start { .. } => return Err(EngineError::Stopped("a run is started by an engine".into())),
        Operation::Cancel { run, by, reason, force } => {
            (reads.find(&run)?, Write::Input(Input::Cancel { by, reason, force }))
        }
        Operation::Pause { run, by, now } => (reads.find(&run)?, Write::Input(Input::Pause { by, now })),
        Operation::Retry { run, by, again, inputs, .. } => {
            let inputs = reads.inputs_with(&run, &inputs)?;
            (reads.find(&run)?, Write::Input(Input::Retry { by, again, inputs }))
        }
        Operation::Resume { run, by } => (reads.find(&run)?, Write::Input(Input::Resume { by })),
        Operation::Settle { run, step, verdict, by } => {
            let verdict = match verdict {
                Settlement::Done(value) => SettleInput::Done(value),
                Settlement::Again => SettleInput::Again,
                Settlement::Failed => SettleInput::Failed,
            };
            (reads.find(&run)?, Write::Input(Input::Settle { path: step, verdict, by }))
        }
        Operation::FreePlace { project, key, run, by } => {
            let run = reads.place_to_free(&project, &key, &run)?;
            (StreamId::limit(&project, &key), Write::Limit(limit::Input::Free { run, by }))
        }
        Operation::Task(TaskOperation::Act { task, deed, by }) => {
            let Wanted { task, gone, input } = written(reads, &task, deed, &by)?;
            (task, Write::Task { gone, input: Box::new(input) })
        }
        Operation::Schedule(ScheduleOperation::Change { schedule, change, by }) => {
            let id = crate::schedules::named(reads.reader_mut(), &schedule)?.id;
            let input = Box::new(crate::schedules::change(&change, by));
            (id, Write::Schedule { kept: None, input })
        }
        Operation::Schedule(ScheduleOperation::Backfill { schedule, from, to, dry_run: false, by }) => {
            let id = crate::schedules::named(reads.reader_mut(), &schedule)?.id;
            (id, Write::Schedule { kept: None, input: Box::new(schedule::Input::Backfill { by, from, to }) })
        }
        Operation::Schedule(ScheduleOperation::Deliver { hook, id, kind, headers, body }) => {
            let input = Box::new(schedule::Input::Deliver { id, kind, headers, body });
            (StreamId::schedule(&hook), Write::Schedule { kept: None, input })
        }
        Operation::Signal { .. } => {
            return Err(EngineError::Bug("a signal goes to several runs".into()));
        }
        Operation::Runs { .. }
        | Operation::Limits { .. }
        | Operation::Status { .. }
        | Operation::Events { .. }
        | Operation::Logs { .. }
        | Operation::LogText { .. }
        | Operation::Evidence { .. }
        | Operation::Results { .. }
        | Operation::Definition { .. }
        | Operation::Documents { .. }
        | Operation::Document { .. }
        | Operation::Engine
        | Operation::Metrics
        | Operation::Library(_)
        | Operation::People(_)
        | Operation::Access(_)
        | Operation::Schedule(_)
        | Operation::Notifications(_)
        | Operation::File(_)
        | Operation::Task(_) => {
            return Err(EngineError::Bug("an operation that reads was to be written".into()));
        }
    })
}

pub(super) fn reads_of(home: &Home) -> Result<Reads<SqliteReader>, EngineError> {
    let reader = SqliteStore::open_read_only(&home.database())?;
    Ok(Reads::new(reader, FileStore::attach(&home.files()), home.clone()))
}

/// How this process was called, for whoever finds the home held.
pub(super) fn called() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

pub(super) fn refused(stream: &StreamId, refusal: Refusal) -> EngineError {
    match refusal {
        Refusal::Refused(why) => EngineError::Refused { id: stream.to_string(), why },
        Refusal::Unknown if stream.kind() == StreamKind::Task => {
            EngineError::NoTask { wanted: stream.to_string(), why: "it has no journal".to_owned() }
        }
        Refusal::Unknown => EngineError::NoRun { id: stream.to_string() },
        Refusal::Store { why, help } => EngineError::Unwritten { why, help },
    }
}

/// Milliseconds since 1970, never less than before.
pub(super) fn clock(last: Time) -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time::try_from(now.as_millis()).unwrap_or(Time::MAX).max(last)
}

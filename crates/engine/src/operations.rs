//! The operations: one enum of requests, one of answers.
//!
//! Command line, and later socket, HTTP and MCP, speak to Stead through these and nothing else (P8). Both
//! sides are plain data, so that they can cross a process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_core::run::{Again, Selection, View};
use stead_core::status::{Outcome, RunStatus};
use stead_lang::Bundle;

use crate::access::{AccessAnswer, AccessOperation};
use crate::batch::results::Results;
use crate::documents::{DocumentText, DocumentsNow};
use crate::evidence::Evidence;
use crate::library::{LibraryAnswer, LibraryOperation};
use crate::logs::{LogPart, LogTold};
use crate::notify::{NotificationAnswer, NotificationOperation};
use crate::people::{PeopleAnswer, PeopleOperation};
use crate::schedules::{ScheduleAnswer, ScheduleOperation};
use crate::tasks::{TaskAnswer, TaskOperation};
use crate::uploads::{FileAnswer, FileOperation};

/// Something to be done or told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum Operation {
    /// Start a run of a definition with given inputs; what is missing takes its default. `run` is the id, drawn
    /// by the caller, so that asking twice starts once.
    Start {
        run: StreamId,
        bundle: Bundle,
        inputs: Map<String, Value>,
        project: String,
        folder: String,
        /// Where the run stops by itself.
        #[serde(default, skip_serializing_if = "Breaks::is_empty")]
        breaks: Breaks,
        by: String,
    },
    /// End a run: what is under way is ended, what is completed is undone, its `finally` runs, then the run is
    /// cancelled. By force undo and `finally` end as well.
    Cancel {
        run: String,
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        #[serde(default)]
        force: bool,
    },
    /// Begin nothing new in a run until it is resumed; `now` ends what is under way as well, to be made again.
    Pause {
        run: String,
        by: String,
        #[serde(default)]
        now: bool,
    },
    /// Go on with a paused run.
    Resume { run: String, by: String },
    /// Go on with a run that has ended: what failed runs again, and what is named. Inputs given here replace those
    /// it had. With `dry_run` it is only told what would run again.
    Retry {
        run: String,
        by: String,
        #[serde(default)]
        again: Again,
        #[serde(default)]
        inputs: Map<String, Value>,
        #[serde(default)]
        dry_run: bool,
    },
    /// Say what a parked attempt came to.
    Settle { run: String, step: String, verdict: Settlement, by: String },
    /// Send a signal: to the wait for it that is open longest, else it is kept for the next. What comes again with
    /// the same id does not count.
    Signal {
        to: Receivers,
        name: String,
        /// Path of a step instance: only waits there and inside take it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        #[serde(default)]
        data: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        by: String,
    },
    /// Take back the place that a run has for a key, and give it to the next: of a run that cannot go on, and so
    /// cannot give it back.
    FreePlace { project: String, key: String, run: String, by: String },
    /// The limits in use: who has their places, and who waits for one.
    Limits {
        /// Only of this project; an empty text: of none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<String>,
        /// Only of this key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// The runs of the home, the newest first.
    Runs { query: RunQuery },
    /// One run at this moment.
    Status { run: String },
    /// Events of a run behind a number, at most `limit` rows of the journal.
    Events { run: String, after: u64, limit: usize },
    /// The attempts of a run that left a log.
    Logs { run: String },
    /// What stands in the log of an attempt of a step: lines by their numbers, or where something is found. Of the last
    /// attempt that left a log, where none is said.
    LogText {
        run: String,
        step: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        part: LogPart,
    },
    /// What is known of the attempts of a run whose end is not known: of one step, or of all.
    Evidence {
        run: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
    },
    /// What became of the rows of a batch, in order, from position `after` on; at most `limit` rows, and at most
    /// [`limits::RESULT_ROWS`](crate::limits::RESULT_ROWS).
    Results { run: String, after: u32, limit: usize },
    /// The definition that a run is pinned to.
    Definition { run: String },
    /// The documents of a run, and how they stand.
    Documents { run: String },
    /// What a version of a document says: of the one of a number, else of the one that others build on, else of the newest.
    Document {
        run: String,
        /// Its name, with the keys of its scopes.
        document: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    },
    /// What the engine of the home is doing, if there is one.
    Engine,
    /// What the engine of the home has counted, for who watches over it.
    Metrics,
    /// Something about named workflows. It needs no engine.
    Library(LibraryOperation),
    /// Something about the people of the home. It needs no engine.
    People(PeopleOperation),
    /// Something about what people are known by who ask from elsewhere. It needs no engine.
    Access(AccessOperation),
    /// Something about what people are asked.
    Task(TaskOperation),
    /// Something about what starts runs by itself.
    Schedule(ScheduleOperation),
    /// Something about notifications. It needs no engine.
    Notifications(NotificationOperation),
    /// Something about files that come from elsewhere.
    File(FileOperation),
}

impl Operation {
    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        if let Operation::Schedule(operation) = self {
            return operation.writes();
        }
        !matches!(
            self,
            Operation::Retry { dry_run: true, .. }
                | Operation::Runs { .. }
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
                | Operation::Notifications(_)
                | Operation::File(_)
                | Operation::Task(
                    TaskOperation::List { .. } | TaskOperation::Show { .. } | TaskOperation::Draft { .. }
                )
        )
    }

    /// The run that it is about, as it was named.
    pub fn run(&self) -> Option<&str> {
        match self {
            Operation::Start { run, .. } => Some(run.as_str()),
            Operation::Cancel { run, .. }
            | Operation::Settle { run, .. }
            | Operation::Pause { run, .. }
            | Operation::Resume { run, .. }
            | Operation::Retry { run, .. }
            | Operation::Signal { to: Receivers::Run(run), .. }
            | Operation::Status { run }
            | Operation::Events { run, .. }
            | Operation::Logs { run }
            | Operation::LogText { run, .. }
            | Operation::Evidence { run, .. }
            | Operation::Results { run, .. }
            | Operation::Documents { run }
            | Operation::Document { run, .. }
            | Operation::Definition { run } => Some(run),
            Operation::FreePlace { run, .. } => Some(run),
            Operation::File(operation) => operation.run(),
            Operation::Signal { to: Receivers::Where { .. }, .. }
            | Operation::Runs { .. }
            | Operation::Limits { .. }
            | Operation::Engine
            | Operation::Metrics
            | Operation::Library(_)
            | Operation::People(_)
            | Operation::Access(_)
            | Operation::Schedule(_)
            | Operation::Notifications(_)
            | Operation::Task(_) => None,
        }
    }

    /// Who does it, where that is kept.
    pub(crate) fn by_mut(&mut self) -> Option<&mut String> {
        match self {
            Operation::Start { by, .. }
            | Operation::Cancel { by, .. }
            | Operation::Pause { by, .. }
            | Operation::Resume { by, .. }
            | Operation::Retry { by, .. }
            | Operation::Settle { by, .. }
            | Operation::Signal { by, .. }
            | Operation::FreePlace { by, .. }
            | Operation::People(PeopleOperation::Edit { by, .. }) => Some(by),
            Operation::Task(operation) => Some(operation.by_mut()),
            Operation::Schedule(operation) => operation.by_mut(),
            Operation::Library(operation) => operation.by_mut(),
            Operation::File(operation) => Some(operation.by_mut()),
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
            | Operation::Access(_)
            | Operation::Notifications(_)
            | Operation::People(_) => None,
        }
    }

    /// Says who does it, where that is kept and nobody knows better: in a home to which nobody was added.
    pub fn set_by(&mut self, name: &str) {
        if let Some(by) = self.by_mut() {
            name.clone_into(by);
        }
    }

    /// The name of the run that it is about, where one may stand that means another run a moment later: `@last`.
    pub(crate) fn name_mut(&mut self) -> Option<&mut String> {
        match self {
            Operation::Cancel { run, .. }
            | Operation::Settle { run, .. }
            | Operation::Pause { run, .. }
            | Operation::Resume { run, .. }
            | Operation::Retry { run, .. }
            | Operation::Signal { to: Receivers::Run(run), .. }
            | Operation::Status { run }
            | Operation::Events { run, .. }
            | Operation::Logs { run }
            | Operation::LogText { run, .. }
            | Operation::Evidence { run, .. }
            | Operation::Results { run, .. }
            | Operation::Documents { run }
            | Operation::Document { run, .. }
            | Operation::Definition { run } => Some(run),
            Operation::File(operation) => operation.run_mut(),
            Operation::Signal { to: Receivers::Where { .. }, .. }
            | Operation::Start { .. }
            // It may be of a run that is not there any more.
            | Operation::FreePlace { .. }
            | Operation::Runs { .. }
            | Operation::Limits { .. }
            | Operation::Engine
            | Operation::Metrics
            | Operation::Library(_)
            | Operation::People(_)
            | Operation::Access(_)
            | Operation::Schedule(_)
            | Operation::Notifications(_)
            | Operation::Task(_) => None,
        }
    }
}

/// Who gets a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receivers {
    /// A run, named as for every operation.
    Run(String),
    /// The open runs of a workflow that are found by all of these.
    Where {
        /// Name of the workflow.
        workflow: String,
        /// Inputs with `index: true`, and their values as text.
        keys: Vec<(String, String)>,
    },
}

/// What somebody says of a parked attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It happened; this is its output.
    Done(Value),
    /// It did not; run it again.
    Again,
    /// The step failed.
    Failed,
}

/// Which runs. What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunQuery {
    /// Only these statuses; empty: all.
    pub status: Vec<RunStatus>,
    /// Only these outcomes; empty: all.
    pub outcome: Vec<Outcome>,
    /// Only this workflow.
    pub workflow: Option<String>,
    /// Only this project; an empty text: those of none.
    pub project: Option<String>,
    /// Only runs that are found by all of these: inputs with `index: true`, and their values as text.
    pub keys: Vec<(String, String)>,
    /// Child runs too.
    pub children: bool,
    /// Only the child runs of this one, however a run may be named.
    pub parent: Option<String>,
    /// Only those that this one has started: `user:NAME`, `agent:NAME`, or a name of either.
    pub starter: Option<String>,
    /// Only those created at this time or later.
    pub since: Option<Time>,
    /// Only those created before this time.
    pub until: Option<Time>,
    /// Only those with this text in id, workflow, project or error; letters of ASCII match in either case.
    pub text: Option<String>,
    /// Only those that come after this run in the list: the next page.
    pub after: Option<String>,
    /// Only of these projects: those that whoever asks may look at. It is put in where the operation is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Vec<String>>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum Answer {
    /// The run is durable.
    Started { run: StreamId },
    /// It is durable.
    Done { run: StreamId },
    /// See [`Operation::Retry`].
    Retry { run: StreamId, selection: Selection },
    /// Every one of these runs has the signal, durably.
    Signalled { runs: Vec<StreamId> },
    /// See [`Operation::Runs`].
    Runs { runs: Vec<RunRow> },
    /// See [`Operation::Limits`].
    Limits {
        limits: Vec<LimitRow>,
        /// Those that cannot be read: nobody gets a place of theirs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unread: Vec<Trouble>,
    },
    /// See [`Operation::Status`].
    Status { view: Box<View> },
    /// See [`Operation::Events`]. `last` is the number of the last event there is.
    Events { events: Vec<EventRow>, last: u64 },
    /// See [`Operation::Logs`].
    Logs { run: StreamId, logs: Vec<LogFile> },
    /// See [`Operation::LogText`].
    LogText { run: StreamId, step: String, attempt: u32, told: LogTold },
    /// See [`Operation::Evidence`].
    Evidence { run: StreamId, evidence: Vec<Evidence> },
    /// See [`Operation::Results`].
    Results(Box<Results>),
    /// See [`Operation::Definition`].
    Definition { revision: String, bundle: Bundle },
    /// See [`Operation::Documents`].
    Documents(Box<DocumentsNow>),
    /// See [`Operation::Document`].
    Document(Box<DocumentText>),
    /// See [`Operation::Engine`].
    Engine { engine: Option<EngineNow> },
    /// See [`Operation::Metrics`]. The text format of Prometheus.
    Metrics { text: String },
    /// See [`Operation::Library`].
    Library(Box<LibraryAnswer>),
    /// See [`Operation::People`].
    People(Box<PeopleAnswer>),
    /// See [`Operation::Access`].
    Access(Box<AccessAnswer>),
    /// See [`Operation::Task`].
    Task(TaskAnswer),
    /// See [`Operation::Schedule`].
    Schedule(ScheduleAnswer),
    /// See [`Operation::Notifications`].
    Notifications(Box<NotificationAnswer>),
    /// See [`Operation::File`].
    File(Box<FileAnswer>),
}

/// What the engine of a home is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineNow {
    /// Its process.
    pub pid: u32,
    /// Its release.
    pub version: String,
    /// Since when it holds the home.
    pub since: Time,
    /// Where it answers over HTTP, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Attempts under way, those that queue included.
    pub under_way: usize,
    /// Runs that cannot go on.
    pub troubles: Vec<Trouble>,
    /// Why nothing can be written at the moment. It is tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreTrouble>,
}

/// A run that cannot go on: something of it cannot be read. It stays as it is, and holds up no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trouble {
    /// The run.
    pub run: StreamId,
    /// Why.
    pub why: String,
}

/// A store that cannot be written for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreTrouble {
    /// Stable code of the error.
    pub code: String,
    /// What is wrong.
    pub why: String,
    /// What to try.
    pub help: Option<String>,
    /// Since when.
    pub since: Time,
    /// How often it was tried since.
    pub tries: u32,
}

/// A limit that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitRow {
    /// The limit.
    pub limit: StreamId,
    /// Whose runs share it.
    pub project: String,
    /// For what.
    pub key: String,
    /// How many places there are.
    pub max: u32,
    /// How many have one.
    pub held: usize,
    /// How many wait.
    pub waiting: usize,
    /// The first of those that have a place, the oldest asking first.
    pub holders: Vec<PlaceRow>,
    /// The first of those that wait, in the order of their coming.
    pub waiters: Vec<PlaceRow>,
}

/// Somebody who has a place or waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceRow {
    /// The run.
    pub run: StreamId,
    /// The step instance; empty for the run itself.
    pub path: String,
    /// The run's workflow.
    pub workflow: String,
    /// Since when it has it, or waits.
    pub since: Time,
    /// It was told to go, for another run cancels the oldest.
    pub leaving: bool,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRow {
    /// The run.
    pub run: StreamId,
    /// What lists show.
    #[serde(flatten)]
    pub head: Head,
    /// When it is woken next.
    pub due: Option<Time>,
}

impl From<stead_store::Listed> for RunRow {
    fn from(listed: stead_store::Listed) -> Self {
        Self { run: listed.stream, head: listed.head, due: listed.due }
    }
}

/// An event as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventRow {
    /// Place among all rows of the store: what live events resume from.
    pub position: u64,
    /// The run.
    pub run: StreamId,
    /// Number of the event in its run.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// What happened, as the journal has it.
    pub event: Value,
}

/// A log that an attempt left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogFile {
    /// The step instance.
    pub path: String,
    /// Number of the attempt.
    pub attempt: u32,
    /// When the attempt began.
    pub started_at: Time,
    /// Whether it is still under way.
    pub open: bool,
    /// The file.
    pub file: String,
}

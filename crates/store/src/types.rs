//! What goes into a store and comes out of it.

use stead_core::Time;
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::status::{Outcome, RunStatus};
use stead_core::task::TaskHead;

/// Place of a journal row among all rows of the store, from 1, growing.
pub type Position = u64;
/// Number of an event within its stream, from 1, without gaps.
pub type Seq = u64;

/// What one stream writes in one commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The stream.
    pub stream: StreamId,
    /// Number of the first event; the stream's last one plus 1.
    pub expected_seq: Seq,
    /// How many events `events` holds; 0 makes no journal row.
    pub count: u64,
    /// The events: a JSON array, serialised once.
    pub events: Vec<u8>,
    /// When.
    pub at: Time,
    /// What caused it: `start`, `attempt`, `time`, a message's id, an operation.
    pub cause: String,
    /// Messages sent: they go into the receivers' inboxes.
    pub messages: Vec<Message>,
    /// Ids of the messages of this stream's inbox that these turns took.
    pub taken: Vec<String>,
    /// `Some(due)` changes the due time.
    pub due: Option<Option<Time>>,
    /// `Some` writes the head. Workflow, project, parent and time of creation are those of the first one written.
    pub head: Option<Head>,
    /// `Some` says whether a stream without a head is loaded when the engine starts; a head says so itself.
    pub open: Option<bool>,
    /// `Some` writes the row of a task, and in whose inbox it is. The run is that of the first one written.
    pub task: Option<TaskHead>,
    /// Effects that leave the process.
    pub jobs: Vec<Job>,
}

/// An effect that leaves the process. What becomes of it: [`JobRow`](crate::jobs::JobRow).
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Unique; the same turn makes the same id.
    pub id: String,
    /// What kind of work.
    pub kind: String,
    /// For whom: one at a time is delivered to each.
    pub target: String,
    /// What to do.
    pub body: serde_json::Value,
}

/// How much is open in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenCounts {
    /// Runs that have not ended, by status; those of which there is none are left out.
    pub runs: Vec<(RunStatus, u64)>,
    /// Tasks that nobody has decided yet.
    pub tasks: u64,
}

/// A journal row: the events of one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Place among all rows of the store.
    pub position: Position,
    /// Number of its first event.
    pub seq: Seq,
    /// How many events.
    pub count: u64,
    /// When.
    pub at: Time,
    /// What caused it.
    pub cause: String,
    /// The events: a JSON array.
    pub events: Vec<u8>,
}

/// A state as it was behind an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the format of `state`; another one is dropped by the reader.
    pub format: u32,
    /// The last event that is in it.
    pub seq: Seq,
    /// The state.
    pub state: Vec<u8>,
}

/// A stream as it is read back.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The newest snapshot, if there is one.
    pub snapshot: Option<Snapshot>,
    /// The rows behind it (all, without one), in order.
    pub rows: Vec<Row>,
}

/// A head in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The stream.
    pub stream: StreamId,
    /// Its head.
    pub head: Head,
    /// When it is due.
    pub due: Option<Time>,
    /// Number of its last event.
    pub seq: Seq,
}

/// Which heads.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these statuses; empty: all.
    pub status: Vec<RunStatus>,
    /// Only these outcomes; empty: all.
    pub outcome: Vec<Outcome>,
    /// Only this workflow.
    pub workflow: Option<String>,
    /// Only this project.
    pub project: Option<String>,
    /// Only of these projects.
    pub projects: Option<Vec<String>>,
    /// Only runs that one of these has started; empty: all.
    pub starters: Vec<String>,
    /// Only streams whose id begins so.
    pub prefix: Option<String>,
    /// Only runs that are found by all of these: indexed inputs and their values, as text.
    pub keys: Vec<(String, String)>,
    /// Only runs that no run started.
    pub top_only: bool,
    /// Only runs that this one started.
    pub parent: Option<StreamId>,
    /// Only those created at this time or later.
    pub since: Option<Time>,
    /// Only those created before this time.
    pub until: Option<Time>,
    /// Only those with this text in id, workflow, project or error. Letters of ASCII match in either case.
    pub text: Option<String>,
    /// Only those that come after this one in the list: the next page. Nothing comes after one that is not known.
    pub after: Option<StreamId>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

//! What the outside must do after a turn is durable, and what comes back.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_lang::template::SecretPlace;

use crate::ids::StreamId;

/// Names one try of one step instance. Written `STREAM:PATH:NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The run.
    pub stream: StreamId,
    /// The step instance, such as `per_epic[E-2]/draft#3`.
    pub path: String,
    /// Number of the try, from 1.
    pub number: u32,
}

impl std::fmt::Display for AttemptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.stream, self.path, self.number)
    }
}

/// Something to do outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Perform an attempt.
    Execute(Execute),
    /// An attempt that was queued and has found a place may begin now: that it begins is durable. Only those
    /// that must happen once wait for it; a second time costs the others nothing but the time.
    Begin(AttemptId),
    /// End an attempt: TERM, grace, KILL. Its result is still awaited.
    End {
        /// Which.
        attempt: AttemptId,
        /// Why.
        reason: EndReason,
    },
}

/// Why an attempt is ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its time is over.
    Timeout,
    /// Its result is not wanted any more: the run was cancelled, or its block stops.
    Cancelled,
    /// The run is paused at once: it is made again when the run goes on.
    Paused,
}

/// An attempt to perform.
#[derive(Debug, Clone, PartialEq)]
pub struct Execute {
    /// Which.
    pub attempt: AttemptId,
    /// Name of the executor.
    pub executor: String,
    /// What it is asked to do, resolved; the shape is the executor's own.
    pub request: Value,
    /// Where in the request secrets go. The executor puts them in at the last moment.
    pub secrets: Vec<SecretPlace>,
    /// Idempotency key: belongs to the instance, all its attempts share it.
    pub key: String,
    /// Whether it must not be cut off in the middle (`effect: once`): an engine that stops lets it finish.
    pub once: bool,
    /// Whether a try before this one was lost in a crash, and may have happened.
    pub again: bool,
}

/// Kinds of error, as `retry.errors` and `steps.ID.error.kind` name them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the language")]
pub enum ErrorKind {
    Exit,
    Timeout,
    Network,
    RateLimit,
    Schema,
    Expression,
    Rejected,
    Disagreement,
    Exhausted,
    Budget,
    Child,
    Cancelled,
    Fail,
    NoTransition,
    Lost,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AttemptResult {
    /// What went wrong; `None`: it succeeded.
    pub error: Option<AttemptError>,
    /// The step's output.
    pub output: Option<Value>,
    /// The step's `values`.
    pub values: Option<Value>,
    /// Exit code of a program.
    pub exit_code: Option<i32>,
    /// How long to leave whoever failed alone before the next try, in milliseconds: a server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What happened, for people, in one or a few lines.
    pub message: String,
}

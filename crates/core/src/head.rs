//! The one row of a stream that lists read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::ids::StreamId;
use crate::status::{Outcome, RunStatus};

/// What lists show of a run. Written when a listed value changes, not at every turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// Name of the workflow.
    pub workflow: String,
    /// Revision it is pinned to: 64 hex digits.
    pub revision: String,
    /// Project it belongs to; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// Status.
    pub status: RunStatus,
    /// Outcome, once it has ended.
    pub outcome: Option<Outcome>,
    /// Whether attempts are under way or a turn is due: such a stream is loaded when the engine starts.
    pub open: bool,
    /// What it waits for, for people; empty when it does not wait.
    pub waits_for: Vec<WaitsFor>,
    /// The first error, once it has failed.
    pub error: Option<String>,
    /// The run that started it.
    pub parent: Option<StreamId>,
    /// Name of the schedule that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// What it is found by: inputs with `index: true` and their values, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<(String, String)>,
    /// Who started it; of a child run, who started the run at the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub starter: String,
    /// It keeps so many signals that it takes no more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub signals_full: bool,
    /// When it was created.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// One thing an open run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitsFor {
    /// `timer`, `retry`, `signal`, `child`, `settle`, `slot`, and later `person`, `worker`.
    pub kind: String,
    /// The step instance that waits.
    pub path: String,
    /// Since when.
    pub since: Time,
    /// Until when, where that is known.
    pub until: Option<Time>,
    /// More: the child's id, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

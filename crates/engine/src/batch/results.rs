//! What became of each row of a batch, in order.
//!
//! A row's run has an id that is made of the batch, the row and the number of its try, so nothing has to be kept or
//! searched: the newest try is looked up by its id. Asked for in pages, it takes no memory however many rows there are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::ids::StreamId;
use stead_core::status::{Outcome, RunStatus};
use stead_lang::plan::{ActionKind, Body, Each, Plan};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowResult {
    /// Position of the row, from 0.
    pub index: u32,
    /// What the row is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// Status of its run; `pending` where it has not begun, `cancelled` where it will not any more.
    pub status: RunStatus,
    /// Once its run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Its run, the newest try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<StreamId>,
    /// What the run was given.
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// What it gave, once it is completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// The run of the batch.
    pub run: StreamId,
    /// How many rows there are.
    pub total: u32,
    /// Outputs that the workflow declares, in order; none where it declares none.
    pub outputs: Vec<String>,
    /// Inputs that the workflow declares, in order.
    pub inputs: Vec<String>,
    /// These rows.
    pub rows: Vec<RowResult>,
}

/// The step of a plan that runs a workflow per line, and the revision of that.
pub(crate) fn rows_of(plan: &Plan) -> Option<(&str, &str)> {
    plan.root.steps.iter().find_map(|step| {
        let step = plan.steps.get(*step as usize)?;
        match (&step.each, &step.body) {
            (Some(Each::Foreach { lines: true, .. }), Body::Action(action)) => match &action.kind {
                ActionKind::Workflow(child) => Some((step.path.as_str(), child.revision.as_str())),
                _ => None,
            },
            _ => None,
        }
    })
}

//! The same done to several runs.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::ids::StreamId;
use stead_core::run::Again;
use stead_core::status::{Outcome, RunStatus};
use stead_engine::operations::{Answer, Operation};

use super::route::NO_OPERATION;
use super::{Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::limits;
use crate::problem::{self, Problem};

pub(super) const ROUTES: &[Route] = &[Route::post(
    "/runs:bulk",
    NO_OPERATION,
    "Cancel, pause, resume or retry several runs; each for itself, with what came of it",
    bulk,
)
.takes(of::<BulkBody>)
.gives(of::<BulkDone>)
.refuses(&[404])];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BulkBody {
    /// What is done.
    action: Action,
    /// The runs, at most 500; one that is named twice is acted on once. Either these or `snapshot`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    ids: Option<Vec<String>>,
    /// Those of a list, as it was told: the `token` of its `snapshot`.
    #[serde(default)]
    snapshot: Option<String>,
    /// Why, where they are cancelled.
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BulkAction")]
enum Action {
    /// End them.
    Cancel,
    /// Begin nothing new in them.
    Pause,
    /// Go on with them.
    Resume,
    /// Run again what failed in them.
    Retry,
}

#[derive(Serialize, JsonSchema)]
struct BulkDone {
    /// So many were acted on.
    done: usize,
    /// So many were not.
    failed: usize,
    /// What came of each, in the order of the request.
    results: Vec<One>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BulkResult")]
struct One {
    /// The run as it was named.
    id: String,
    /// Whether it was done.
    ok: bool,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<StreamId>,
    /// How it stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<RunStatus>,
    /// Once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Why it was not done, as it is told of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<problem::Body>")]
    problem: Option<Value>,
}

fn bulk(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let BulkBody { action, ids, snapshot, reason } = call.take()?;
    let ids = match (ids, snapshot) {
        (Some(ids), None) if ids.is_empty() || ids.len() > limits::BULK => {
            let (most, are) = (limits::BULK, ids.len());
            return Err(Problem::body(format!("`ids` takes 1 to {most} runs, and has {are}")));
        }
        (Some(ids), None) => ids,
        (None, Some(token)) => frozen(call, &token)?,
        _ => return Err(Problem::body("it takes either `ids` or `snapshot`")),
    };
    let mut seen = HashSet::new();
    let ids: Vec<String> = ids.into_iter().filter(|id| seen.insert(id.clone())).collect();
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        results.push(match one(call, action, &id, reason.clone()) {
            Ok((run, status, outcome)) => {
                One { id, ok: true, run: Some(run), status: Some(status), outcome, problem: None }
            }
            // What is wrong with the server concerns all of them.
            Err(problem) if problem.status >= 500 => return Err(problem),
            Err(problem) => {
                let problem = Some(problem.to_json());
                One { id, ok: false, run: None, status: None, outcome: None, problem }
            }
        });
    }
    let done = results.iter().filter(|one| one.ok).count();
    Ok(Reply::ok(BulkDone { done, failed: results.len() - done, results }))
}

/// The runs of a list as it was told.
fn frozen(call: &Call<'_>, token: &str) -> Result<Vec<String>, Problem> {
    let runs = call.snapshots.get(token, &call.host.asker.who()?).ok_or_else(|| {
        let problem = Problem::new(404, "H0228", "there is no such snapshot of a list, or it is not yours");
        problem.help(
            "ask for the list again with snapshot=true: it is kept for an hour, and not over a restart of the server",
        )
    })?;
    Ok(runs.into_iter().map(|run| run.to_string()).collect())
}

fn one(
    call: &Call<'_>,
    action: Action,
    id: &str,
    reason: Option<String>,
) -> Result<(StreamId, RunStatus, Option<Outcome>), Problem> {
    let (run, by) = (id.to_owned(), call.by());
    let operation = match action {
        Action::Cancel => Operation::Cancel { run, by, reason, force: false },
        Action::Pause => Operation::Pause { run, by, now: false },
        Action::Resume => Operation::Resume { run, by },
        Action::Retry => {
            Operation::Retry { run, by, again: Again::Failed, inputs: Map::new(), dry_run: false }
        }
    };
    let Answer::Done { run } = call.ask(operation)? else { return Err(unexpected()) };
    let Answer::Status { view } = call.ask(Operation::Status { run: run.to_string() })? else {
        return Err(unexpected());
    };
    Ok((run, view.status, view.outcome))
}

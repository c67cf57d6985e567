//! Routes of runs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stead_core::run::Again;
use stead_core::run::event::Breaks;
use stead_core::status::{Outcome, RunStatus};
use stead_engine::engine::draw_run;
use stead_engine::limits::RESULT_ROWS;
use stead_engine::operations::{Answer, Operation, Receivers, RunQuery, Settlement};

use super::{BASE, Route, definition, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/runs",
        operation: "Runs",
        summary: "The runs of the home, the newest first",
        query: &[
            "status", "outcome", "workflow", "project", "key", "children", "parent", "since", "until",
            "text", "after", "limit",
        ],
        perform: list,
    },
    Route {
        method: "POST",
        path: "/runs",
        operation: "Start",
        summary: "Start a run of a workflow of the library, or of a definition",
        query: &[],
        perform: start,
    },
    Route {
        method: "GET",
        path: "/runs/{run}",
        operation: "Status",
        summary: "One run at this moment",
        query: &[],
        perform: status,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:cancel",
        operation: "Cancel",
        summary: "End a run: what is under way is ended, what is completed is undone",
        query: &[],
        perform: cancel,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:pause",
        operation: "Pause",
        summary: "Begin nothing new in a run until it is resumed",
        query: &[],
        perform: pause,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:resume",
        operation: "Resume",
        summary: "Go on with a paused run",
        query: &[],
        perform: resume,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:retry",
        operation: "Retry",
        summary: "Go on with a run that has ended: what failed runs again",
        query: &["dry_run"],
        perform: retry,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:settle",
        operation: "Settle",
        summary: "Say what an attempt came to whose end is not known",
        query: &[],
        perform: settle,
    },
    Route {
        method: "POST",
        path: "/runs/{run}:signal",
        operation: "Signal",
        summary: "Send a signal to a run",
        query: &[],
        perform: signal,
    },
    Route {
        method: "POST",
        path: "/signals",
        operation: "Signal",
        summary: "Send a signal to the open runs of a workflow that are found by their keys",
        query: &[],
        perform: signal_where,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/events",
        operation: "Events",
        summary: "What happened in a run, by the numbers of its events",
        query: &["after", "limit"],
        perform: events,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/results",
        operation: "Results",
        summary: "What became of the rows of a batch, in order",
        query: &["after", "limit"],
        perform: results,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/documents",
        operation: "Documents",
        summary: "The documents of a run, and how they stand",
        query: &[],
        perform: documents,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/documents/{document}",
        operation: "Document",
        summary: "What a version of a document says",
        query: &["version"],
        perform: document,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/definition",
        operation: "Definition",
        summary: "The definition that a run is pinned to",
        query: &[],
        perform: pinned,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/logs",
        operation: "Logs",
        summary: "The attempts of a run that left a log",
        query: &[],
        perform: logs,
    },
    Route {
        method: "GET",
        path: "/runs/{run}/evidence",
        operation: "Evidence",
        summary: "What is known of the attempts of a run whose end is not known",
        query: &["step"],
        perform: evidence,
    },
];

fn list(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let page = call.page()?;
    let key = |key: &str| {
        let pair = key.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| Problem::parameter("key", "it takes NAME=VALUE"))
    };
    let query = RunQuery {
        status: call.words("status", RunStatus::ALL, RunStatus::as_str)?,
        outcome: call.words("outcome", Outcome::ALL, Outcome::as_str)?,
        workflow: call.text("workflow"),
        project: call.text("project"),
        keys: call.all("key").map(key).collect::<Result<_, _>>()?,
        children: call.flag("children")?,
        parent: call.text("parent"),
        since: call.time("since")?,
        until: call.time("until")?,
        text: call.text("text"),
        after: call.text("after"),
        // One more than is told says whether there are more.
        limit: page + 1,
    };
    let Answer::Runs { mut runs } = call.ask(Operation::Runs { query })? else { return Err(unexpected()) };
    let more = runs.len() > page;
    runs.truncate(page);
    let next = runs.last().filter(|_| more).map(|row| row.run.to_string());
    Ok(Reply::ok(json!({ "runs": runs, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    definition: Option<Value>,
    #[serde(default)]
    inputs: Map<String, Value>,
    #[serde(default)]
    project: String,
    #[serde(default)]
    pause_each: bool,
    #[serde(default)]
    pause_at: Vec<String>,
}

fn start(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let body: StartBody = call.take()?;
    let bundle = match (&body.workflow, &body.definition) {
        (Some(name), None) => definition::named(call, name)?,
        (None, Some(text)) => definition::given(call, text)?,
        _ => return Err(Problem::body("it takes either `workflow` or `definition`")),
    };
    let operation = Operation::Start {
        run: draw_run()?,
        bundle,
        inputs: body.inputs,
        project: body.project,
        folder: call.host.folder.display().to_string(),
        breaks: Breaks { each: body.pause_each, at: body.pause_at },
        by: call.by(),
    };
    let Answer::Started { run } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::made(format!("{BASE}/runs/{run}"), json!({ "run": run })))
}

fn status(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Status { view } = call.ask(Operation::Status { run: call.named("run") })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!(view)))
}

/// Performs it and says how the run stands then.
fn done(call: &Call<'_>, operation: Operation) -> Result<Reply, Problem> {
    let Answer::Done { run } = call.ask(operation)? else { return Err(unexpected()) };
    let Answer::Status { view } = call.ask(Operation::Status { run: run.to_string() })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!({ "run": run, "status": view.status, "outcome": view.outcome })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    force: bool,
}

fn cancel(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let CancelBody { reason, force } = call.take()?;
    done(call, Operation::Cancel { run: call.named("run"), by: call.by(), reason, force })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    #[serde(default)]
    now: bool,
}

fn pause(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PauseBody { now } = call.take()?;
    done(call, Operation::Pause { run: call.named("run"), by: call.by(), now })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

fn resume(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, Operation::Resume { run: call.named("run"), by: call.by() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    only: Option<String>,
    #[serde(default)]
    inputs: Map<String, Value>,
}

fn retry(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let dry_run = call.flag("dry_run")?;
    let RetryBody { from, only, inputs } = call.take()?;
    let again = match (from, only) {
        (None, None) => Again::Failed,
        (Some(step), None) => Again::From(step),
        (None, Some(step)) => Again::Only(step),
        _ => return Err(Problem::body("it takes `from` or `only`, not both")),
    };
    let operation = Operation::Retry { run: call.named("run"), by: call.by(), again, inputs, dry_run };
    if !dry_run {
        return done(call, operation);
    }
    let Answer::Retry { run, selection } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(
        json!({ "run": run, "rerun": selection.drop, "reopen": selection.reopen, "kept": selection.kept }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettleBody {
    step: String,
    verdict: Verdict,
    #[serde(default)]
    output: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Done,
    Again,
    Failed,
}

fn settle(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let SettleBody { step, verdict, output } = call.take()?;
    let verdict = match (verdict, output) {
        (Verdict::Done, output) => Settlement::Done(output.unwrap_or_default()),
        (Verdict::Again, None) => Settlement::Again,
        (Verdict::Failed, None) => Settlement::Failed,
        _ => return Err(Problem::body("`output` goes with the verdict `done`")),
    };
    done(call, Operation::Settle { run: call.named("run"), step, verdict, by: call.by() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalBody {
    name: String,
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    keys: BTreeMap<String, String>,
    #[serde(default)]
    step: Option<String>,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    id: Option<String>,
}

fn signal(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let body: SignalBody = call.take()?;
    if body.workflow.is_some() || !body.keys.is_empty() {
        return Err(Problem::body(
            "the run is named in the path; `workflow` and `keys` are taken at /signals",
        ));
    }
    send(call, Receivers::Run(call.named("run")), body)
}

fn signal_where(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let mut body: SignalBody = call.take()?;
    let keys = std::mem::take(&mut body.keys).into_iter().collect();
    let workflow = body.workflow.take().ok_or_else(|| Problem::body("missing field `workflow`"))?;
    send(call, Receivers::Where { workflow, keys }, body)
}

fn send(call: &Call<'_>, to: Receivers, body: SignalBody) -> Result<Reply, Problem> {
    let SignalBody { name, step, data, id, .. } = body;
    let operation = Operation::Signal { to, name, step, data, id, by: call.by() };
    let Answer::Signalled { runs } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "runs": runs })))
}

fn events(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let after = call.number("after")?.unwrap_or(0);
    let operation = Operation::Events { run: call.named("run"), after, limit: call.page()? };
    let Answer::Events { events, last } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "events": events, "last": last })))
}

fn results(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let after = call.number("after")?.unwrap_or(0);
    let limit = call.page()?.min(RESULT_ROWS);
    let Answer::Results(results) = call.ask(Operation::Results { run: call.named("run"), after, limit })?
    else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!(results)))
}

fn documents(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Documents(documents) = call.ask(Operation::Documents { run: call.named("run") })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!(documents)))
}

fn document(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (run, document) = (call.named("run"), call.named("document"));
    let operation = Operation::Document { run, document, version: call.number("version")? };
    let Answer::Document(document) = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!(document)))
}

fn pinned(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let answer = call.ask(Operation::Definition { run: call.named("run") })?;
    let Answer::Definition { revision, bundle } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "revision": revision, "entry": bundle.entry, "files": bundle.files })))
}

fn logs(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Logs { run, logs } = call.ask(Operation::Logs { run: call.named("run") })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!({ "run": run, "logs": logs })))
}

fn evidence(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = Operation::Evidence { run: call.named("run"), step: call.text("step") };
    let Answer::Evidence { run, evidence } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "run": run, "evidence": evidence })))
}

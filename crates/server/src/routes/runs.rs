//! Routes of runs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_core::ids::StreamId;
use stead_core::run::event::Breaks;
use stead_core::run::{Again, Selection, View};
use stead_core::status::{Outcome, RunStatus};
use stead_engine::batch::results::Results;
use stead_engine::documents::{DocumentText, DocumentsNow};
use stead_engine::engine::draw_run;
use stead_engine::evidence::Evidence;
use stead_engine::limits::RESULT_ROWS;
use stead_engine::operations::{
    Answer, EventRow, LogFile, Operation, Receivers, RunQuery, RunRow, Settlement,
};

use super::route::{AFTER, Kind, LIMIT, Param, flag, number, text, time, word, words};
use super::{BASE, Route, definition, live, of, unexpected};
use crate::again::Wished;
use crate::call::{Call, NoBody, Reply};
use crate::limits;
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/runs", "Runs", "The runs of the home, the newest first", list)
        .query(&[
            words("status", statuses, "Only these statuses"),
            words("outcome", outcomes, "Only these outcomes"),
            text("workflow", "Only runs of this workflow"),
            text("project", "Only runs of this project; an empty text: of none"),
            Param::new(
                "key",
                Kind::Pairs,
                "Only runs that are found by this: an input with `index: true`, and its value as text",
            ),
            flag("children", "Child runs too"),
            text("parent", "Only the child runs of this one"),
            text(
                "starter",
                "Only those that this one has started: `user:NAME`, `agent:NAME`, or a name of either",
            ),
            time("since", "Only those created then or later"),
            time("until", "Only those created before"),
            text("text", "Only those with this text in id, workflow, project or error"),
            flag("snapshot", "Keep all that fit, as they are now, for `/runs:bulk`: 500 at most"),
            AFTER,
            LIMIT,
        ])
        .gives(of::<RunsPage>)
        .refuses(&[404]),
    Route::post("/runs", "Start", "Start a run of a workflow of the library, or of a definition", start)
        .query(&[text("project", "The project it belongs to; else that of the body, else none")])
        .takes(of::<StartBody>)
        .or_whole()
        .makes(of::<RunMade>)
        .refuses(&[404, 409, 422]),
    Route::get("/runs/{run}", "Status", "One run at this moment", status).gives(of::<View>).etag(),
    Route::post(
        "/runs/{run}:cancel",
        "Cancel",
        "End a run: what is under way is ended, what is completed is undone",
        cancel,
    )
    .takes(of::<CancelBody>)
    .gives(of::<RunDone>)
    .refuses(&[409]),
    Route::post("/runs/{run}:pause", "Pause", "Begin nothing new in a run until it is resumed", pause)
        .takes(of::<PauseBody>)
        .gives(of::<RunDone>)
        .refuses(&[409]),
    Route::post("/runs/{run}:resume", "Resume", "Go on with a paused run", resume)
        .takes(of::<NoBody>)
        .gives(of::<RunDone>)
        .refuses(&[409]),
    Route::post(
        "/runs/{run}:retry",
        "Retry",
        "Go on with a run that has ended: what failed runs again",
        retry,
    )
    .query(&[flag("dry_run", "Only tell what would run again")])
    .takes(of::<RetryBody>)
    .gives(of::<Retried>)
    .refuses(&[409, 422]),
    Route::post("/runs/{run}:settle", "Settle", "Say what an attempt came to whose end is not known", settle)
        .takes(of::<SettleBody>)
        .gives(of::<RunDone>)
        .refuses(&[409]),
    Route::post("/runs/{run}:signal", "Signal", "Send a signal to a run", signal)
        .takes(of::<SignalBody>)
        .gives(of::<Signalled>)
        .refuses(&[409]),
    Route::post(
        "/signals",
        "Signal",
        "Send a signal to the open runs of a workflow that are found by their keys",
        signal_where,
    )
    .takes(of::<SignalWhereBody>)
    .gives(of::<Signalled>)
    .refuses(&[404, 409, 422]),
    Route::get(
        "/runs/{run}/events",
        "Events",
        "What happened in a run, by the numbers of its events; as server-sent events also what happens",
        events,
    )
    .query(&[
        Param::new("after", Kind::Number(0, u64::MAX), "Of a page: only events behind this number"),
        LIMIT,
        live::POSITION,
        flag("children", "Of live events: those of the runs that it starts, too"),
        text("logs", "Of live events: the log of this step instance, too"),
        word("until", live::untils, "Of live events: only until the run has ended"),
    ])
    .gives(of::<EventsPage>)
    .streams()
    .refuses(&[412]),
    Route::get("/runs/{run}/results", "Results", "What became of the rows of a batch, in order", results)
        .query(&[number("after", "Only rows from this position on"), LIMIT])
        .gives(of::<Results>)
        .refuses(&[409]),
    Route::get("/runs/{run}/documents", "Documents", "The documents of a run, and how they stand", documents)
        .gives(of::<DocumentsNow>),
    Route::get("/runs/{run}/documents/{document}", "Document", "What a version of a document says", document)
        .query(&[number(
            "version",
            "The version of this number; else the one that others build on, else the newest",
        )])
        .gives(of::<DocumentText>),
    Route::get("/runs/{run}/definition", "Definition", "The definition that a run is pinned to", pinned)
        .gives(of::<PinnedDefinition>),
    Route::get("/runs/{run}/logs", "Logs", "The attempts of a run that left a log", logs)
        .gives(of::<LogFiles>),
    Route::get(
        "/runs/{run}/evidence",
        "Evidence",
        "What is known of the attempts of a run whose end is not known",
        evidence,
    )
    .query(&[text("step", "Only of this step instance")])
    .gives(of::<EvidenceNow>)
    .refuses(&[409]),
];

fn statuses() -> Vec<&'static str> {
    RunStatus::ALL.iter().map(|status| status.as_str()).collect()
}

fn outcomes() -> Vec<&'static str> {
    Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect()
}

#[derive(Serialize, JsonSchema)]
struct RunsPage {
    /// The runs, the newest first.
    runs: Vec<RunRow>,
    /// What `after` takes for the next page; null where there is none.
    next: Option<String>,
    /// All that fit, of all pages, where `snapshot` was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Snapshot>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RunsSnapshot")]
struct Snapshot {
    /// What `/runs:bulk` takes as `snapshot`: exactly these runs, for an hour, of who has asked.
    token: String,
    /// How many there are in it.
    count: usize,
    /// There were more than are in it: the newest are.
    more: bool,
}

/// Keeps which runs fit, of all pages; `runs` are the first of them, one more than a snapshot has.
fn kept(call: &Call<'_>, runs: &[RunRow]) -> Result<Snapshot, Problem> {
    let more = runs.len() > limits::BULK;
    let runs: Vec<StreamId> = runs.iter().take(limits::BULK).map(|row| row.run.clone()).collect();
    let (token, count) = (draw_run()?.as_str().replace("r_", "s_"), runs.len());
    call.snapshots.keep(token.clone(), call.host.asker.who()?, runs, limits::SNAPSHOT_TIME);
    Ok(Snapshot { token, count, more })
}

fn ask_runs(call: &Call<'_>, query: RunQuery) -> Result<Vec<RunRow>, Problem> {
    match call.ask(Operation::Runs { query })? {
        Answer::Runs { runs } => Ok(runs),
        _ => Err(unexpected()),
    }
}

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
        starter: call.text("starter"),
        since: call.time("since")?,
        until: call.time("until")?,
        text: call.text("text"),
        after: call.text("after"),
        seen: None,
        // One more than is told says whether there are more.
        limit: page + 1,
    };
    let (mut runs, snapshot) = match call.flag("snapshot")? {
        false => (ask_runs(call, query)?, None),
        true => {
            let all = RunQuery { after: None, limit: limits::BULK + 1, ..query.clone() };
            let all = ask_runs(call, all)?;
            let snapshot = Some(kept(call, &all)?);
            // The first page is of the same moment.
            (if query.after.is_some() { ask_runs(call, query)? } else { all }, snapshot)
        }
    };
    let more = runs.len() > page;
    runs.truncate(page);
    let next = runs.last().filter(|_| more).map(|row| row.run.to_string());
    Ok(Reply::ok(RunsPage { runs, next, snapshot }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StartBody {
    /// A workflow of the library: `NAME`, or `NAME@N` for a revision of it. Either this or `definition`.
    #[serde(default)]
    workflow: Option<String>,
    /// A definition. It names no files.
    #[serde(default)]
    #[schemars(with = "Option<definition::Given>")]
    definition: Option<Value>,
    /// Inputs by name; what is missing takes its default.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// The project it belongs to; empty for none.
    #[serde(default)]
    project: String,
    /// Pause before each step.
    #[serde(default)]
    pause_each: bool,
    /// Pause before these steps.
    #[serde(default)]
    pause_at: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct RunMade {
    /// The run.
    run: StreamId,
}

fn start(call: &mut Call<'_>) -> Result<Reply, Problem> {
    call.says("project", call.text("project"))?;
    let body: StartBody = call.take()?;
    let run = call.new_run()?;
    if call.wished.as_ref().is_some_and(Wished::is_again)
        && let Ok(Answer::Status { .. }) = call.host.asker.ask(Operation::Status { run: run.to_string() })
    {
        // Whatever became of the workflow since.
        return Ok(Reply::made(format!("{BASE}/runs/{run}"), RunMade { run }));
    }
    let bundle = match (&body.workflow, &body.definition) {
        (Some(name), None) => definition::named(call, name)?,
        (None, Some(text)) => definition::given(call, text)?,
        _ => return Err(Problem::body("it takes either `workflow` or `definition`")),
    };
    let operation = Operation::Start {
        run,
        bundle,
        inputs: body.inputs,
        project: body.project,
        folder: call.host.folder.display().to_string(),
        breaks: Breaks { each: body.pause_each, at: body.pause_at },
        by: call.by(),
    };
    let Answer::Started { run } = call.ask(operation)? else { return Err(unexpected()) };
    let location = format!("{BASE}/runs/{run}");
    Ok(Reply::made(location, RunMade { run }))
}

fn status(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Status { view } = call.ask(Operation::Status { run: call.named("run") })? else {
        return Err(unexpected());
    };
    let etag = Some(view.seq.to_string());
    Ok(Reply { etag, ..Reply::ok(view) })
}

#[derive(Serialize, JsonSchema)]
struct RunDone {
    /// The run.
    run: StreamId,
    /// How it stands now.
    status: RunStatus,
    /// Once it has ended.
    outcome: Option<Outcome>,
}

/// Performs it and says how the run stands then.
fn stands(call: &Call<'_>, operation: Operation) -> Result<RunDone, Problem> {
    let Answer::Done { run } = call.ask(operation)? else { return Err(unexpected()) };
    let Answer::Status { view } = call.ask(Operation::Status { run: run.to_string() })? else {
        return Err(unexpected());
    };
    Ok(RunDone { run, status: view.status, outcome: view.outcome })
}

fn done(call: &Call<'_>, operation: Operation) -> Result<Reply, Problem> {
    stands(call, operation).map(Reply::ok)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    /// Why.
    #[serde(default)]
    reason: Option<String>,
    /// End what is undone and what stands in `finally` as well.
    #[serde(default)]
    force: bool,
}

fn cancel(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let CancelBody { reason, force } = call.take()?;
    done(call, Operation::Cancel { run: call.named("run"), by: call.by(), reason, force })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    /// End what is under way as well; it is made again.
    #[serde(default)]
    now: bool,
}

fn pause(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PauseBody { now } = call.take()?;
    done(call, Operation::Pause { run: call.named("run"), by: call.by(), now })
}

fn resume(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    done(call, Operation::Resume { run: call.named("run"), by: call.by() })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// This step and all that needs it run again, as well as what failed.
    #[serde(default)]
    from: Option<String>,
    /// Only this step runs again.
    #[serde(default)]
    only: Option<String>,
    /// Inputs that take the place of those it had.
    #[serde(default)]
    inputs: Map<String, Value>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Retried {
    /// It goes on.
    Done(RunDone),
    /// What would run again, where `dry_run` was said.
    Plan {
        /// The run.
        run: StreamId,
        /// Paths of instances that would be begun anew.
        rerun: Vec<String>,
        /// Paths of what would be open again around them; the empty one is the run.
        reopen: Vec<String>,
        /// So many steps, items and iterations are completed and stay so.
        kept: u64,
    },
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
        return Ok(Reply::ok(Retried::Done(stands(call, operation)?)));
    }
    let Answer::Retry { run, selection } = call.ask(operation)? else { return Err(unexpected()) };
    let Selection { drop: rerun, reopen, kept } = selection;
    Ok(Reply::ok(Retried::Plan { run, rerun, reopen, kept }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SettleBody {
    /// The step instance.
    step: String,
    /// What it came to.
    verdict: Verdict,
    /// The output of what is done.
    #[serde(default)]
    output: Option<Value>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SettleVerdict")]
enum Verdict {
    /// It happened.
    Done,
    /// It did not; run it again.
    Again,
    /// The step failed.
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignalBody {
    /// The signal.
    name: String,
    /// Only waits of this step instance and inside take it.
    #[serde(default)]
    step: Option<String>,
    /// What it carries.
    #[serde(default)]
    data: Value,
    /// What comes again with the same id does not count.
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignalWhereBody {
    /// Open runs of this workflow get it.
    workflow: String,
    /// That are found by all of these: inputs with `index: true`, and their values as text.
    #[serde(default)]
    keys: BTreeMap<String, String>,
    /// The signal.
    name: String,
    /// Only waits of this step instance and inside take it.
    #[serde(default)]
    step: Option<String>,
    /// What it carries.
    #[serde(default)]
    data: Value,
    /// What comes again with the same id does not count.
    #[serde(default)]
    id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Signalled {
    /// Each of these has it.
    runs: Vec<StreamId>,
}

fn signal(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let body: SignalBody = call.take()?;
    send(call, Receivers::Run(call.named("run")), body)
}

fn signal_where(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let SignalWhereBody { workflow, keys, name, step, data, id } = call.take()?;
    let keys = keys.into_iter().collect();
    send(call, Receivers::Where { workflow, keys }, SignalBody { name, step, data, id })
}

fn send(call: &Call<'_>, to: Receivers, body: SignalBody) -> Result<Reply, Problem> {
    let SignalBody { name, step, data, id } = body;
    let operation = Operation::Signal { to, name, step, data, id, by: call.by() };
    let Answer::Signalled { runs } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(Signalled { runs }))
}

#[derive(Serialize, JsonSchema)]
struct EventsPage {
    /// The events.
    events: Vec<EventRow>,
    /// Number of the last event there is.
    last: u64,
}

fn events(call: &mut Call<'_>) -> Result<Reply, Problem> {
    if call.stream {
        return live::run(call);
    }
    live::no_events(call)?;
    let after = call.number("after")?.unwrap_or(0);
    let operation = Operation::Events { run: call.named("run"), after, limit: call.page()? };
    let Answer::Events { events, last } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(EventsPage { events, last }))
}

fn results(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let after = call.number("after")?.unwrap_or(0);
    let limit = call.page()?.min(RESULT_ROWS);
    let Answer::Results(results) = call.ask(Operation::Results { run: call.named("run"), after, limit })?
    else {
        return Err(unexpected());
    };
    Ok(Reply::ok(results))
}

fn documents(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Documents(documents) = call.ask(Operation::Documents { run: call.named("run") })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(documents))
}

fn document(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (run, document) = (call.named("run"), call.named("document"));
    let operation = Operation::Document { run, document, version: call.number("version")? };
    let Answer::Document(document) = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(document))
}

#[derive(Serialize, JsonSchema)]
struct PinnedDefinition {
    /// The revision that the run is pinned to.
    revision: String,
    /// Path of the definition among the files.
    entry: String,
    /// All texts, by path.
    files: BTreeMap<String, String>,
}

fn pinned(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let answer = call.ask(Operation::Definition { run: call.named("run") })?;
    let Answer::Definition { revision, bundle } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(PinnedDefinition { revision, entry: bundle.entry, files: bundle.files }))
}

#[derive(Serialize, JsonSchema)]
struct LogFiles {
    /// The run.
    run: StreamId,
    /// The logs that its attempts left.
    logs: Vec<LogFile>,
}

fn logs(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Logs { run, logs } = call.ask(Operation::Logs { run: call.named("run") })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(LogFiles { run, logs }))
}

#[derive(Serialize, JsonSchema)]
struct EvidenceNow {
    /// The run.
    run: StreamId,
    /// What is known, by attempt.
    evidence: Vec<Evidence>,
}

fn evidence(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = Operation::Evidence { run: call.named("run"), step: call.text("step") };
    let Answer::Evidence { run, evidence } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(EvidenceNow { run, evidence }))
}

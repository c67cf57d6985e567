//! Routes of what people are asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::Time;
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{Deed, Draft, DraftNow, TaskAnswer, TaskNow, TaskOperation, TaskQuery, TaskRow};

use super::route::{AFTER, LIMIT, flag, text};
use super::{Route, of, unexpected};
use crate::call::{Call, NoBody, Reply};
use crate::limits;
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/tasks",
        "Task.List",
        "The open tasks of who asks; of everybody, or those that are over, where that is said",
        list,
    )
    .query(&[
        flag("everybody", "All of them, not only those that who asks may act on"),
        flag("done", "Those that are over, in which who asks had a part, the newest first"),
        text("run", "Only those of this run and the runs it started"),
        AFTER,
        LIMIT,
    ])
    .gives(of::<TasksPage>)
    .refuses(&[404]),
    Route::get("/tasks/{task}", "Task.Show", "One task with all that is shown", show)
        .gives(of::<TaskNow>)
        .etag(),
    Route::post("/tasks/{task}:decide", "Task.Act.Decide", "Accept or reject what a gate shows", decide)
        .takes(of::<DecideBody>)
        .if_match()
        .gives(of::<TaskRow>)
        .refuses(&[409, 422]),
    Route::post("/tasks/{task}:answer", "Task.Act.Answer", "Answer the questions of a run", answer)
        .takes(of::<AnswerBody>)
        .if_match()
        .gives(of::<TaskRow>)
        .refuses(&[409, 422]),
    Route::post(
        "/tasks/{task}:claim",
        "Task.Act.Claim",
        "Work on a task, so that others leave it alone",
        claim,
    )
    .takes(of::<NoBody>)
    .gives(of::<TaskRow>)
    .refuses(&[409]),
    Route::post("/tasks/{task}:release", "Task.Act.Release", "Give a claimed task back", release)
        .takes(of::<NoBody>)
        .gives(of::<TaskRow>)
        .refuses(&[409]),
    Route::post("/tasks/{task}:skip", "Task.Act.Skip", "Not act on a task", skip)
        .takes(of::<SkipBody>)
        .gives(of::<TaskRow>)
        .refuses(&[409]),
    Route::post(
        "/tasks/{task}:delegate",
        "Task.Act.Delegate",
        "Give the own part in a task to somebody else",
        delegate,
    )
    .takes(of::<DelegateBody>)
    .gives(of::<TaskRow>)
    .refuses(&[409, 422]),
    Route::put(
        "/tasks/{task}/draft",
        "Task.Draft",
        "Keep what was filled in and not handed in; `If-Match` names the draft it takes the place of",
        draft,
    )
    .takes(of::<DraftBody>)
    .if_match()
    .gives(of::<DraftKept>)
    .refuses(&[409, 412, 422]),
    Route::delete("/tasks/{task}/draft", "Task.Draft", "Throw the own draft away", undraft)
        .takes(of::<NoBody>)
        .if_match()
        .gives(of::<DraftKept>)
        .refuses(&[409, 412]),
    Route::get("/inbox/count", "Task.List", "How many open tasks wait for who asks", count)
        .gives(of::<InboxCount>),
];

fn ask(call: &Call<'_>, operation: TaskOperation) -> Result<TaskAnswer, Problem> {
    match call.ask(Operation::Task(operation))? {
        Answer::Task(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

#[derive(Serialize, JsonSchema)]
struct TasksPage {
    /// The tasks.
    tasks: Vec<TaskRow>,
    /// What `after` takes for the next page; null where there is none.
    next: Option<String>,
}

fn list(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let page = call.page()?;
    let query = TaskQuery {
        everybody: call.flag("everybody")?,
        done: call.flag("done")?,
        run: call.text("run"),
        after: call.text("after"),
        limit: page + 1,
    };
    let TaskAnswer::Tasks { mut tasks } = ask(call, TaskOperation::List { query, by: call.by() })? else {
        return Err(unexpected());
    };
    let more = tasks.len() > page;
    tasks.truncate(page);
    let next = tasks.last().filter(|_| more).map(|row| row.task.to_string());
    Ok(Reply::ok(TasksPage { tasks, next }))
}

#[derive(Serialize, JsonSchema)]
struct InboxCount {
    /// So many wait; of more than 1,000 as many.
    count: usize,
    /// There are more than were counted.
    more: bool,
    /// The first time at which one of them is out of time.
    next_due_at: Option<Time>,
}

fn count(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let query = TaskQuery { limit: limits::COUNTED + 1, ..TaskQuery::default() };
    let TaskAnswer::Tasks { tasks } = ask(call, TaskOperation::List { query, by: call.by() })? else {
        return Err(unexpected());
    };
    let more = tasks.len() > limits::COUNTED;
    let next_due_at = tasks.iter().filter_map(|task| task.head.due_at).min();
    Ok(Reply::ok(InboxCount { count: tasks.len().min(limits::COUNTED), more, next_due_at }))
}

fn show(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let TaskAnswer::Task { task } =
        ask(call, TaskOperation::Show { task: call.named("task"), by: call.by() })?
    else {
        return Err(unexpected());
    };
    let etag = Some(task.version.clone());
    Ok(Reply { etag, ..Reply::ok(task) })
}

fn act(call: &Call<'_>, deed: Deed) -> Result<Reply, Problem> {
    let operation = TaskOperation::Act { task: call.named("task"), deed, by: call.by() };
    let TaskAnswer::Acted { task } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(task))
}

/// The version that was looked at: in the body, or as `If-Match`.
fn seen(call: &Call<'_>, version: Option<String>) -> Option<String> {
    version.or_else(|| call.if_match.clone())
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecideBody {
    /// Accept, or reject.
    accept: bool,
    /// Why.
    #[serde(default)]
    comment: String,
    /// The form, filled in, where the gate has one.
    #[serde(default)]
    form: Option<Value>,
    /// That of what was looked at: a decision on something else is refused. `If-Match` says the same.
    #[serde(default)]
    version: Option<String>,
}

fn decide(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DecideBody { accept, comment, form, version } = call.take()?;
    let version = seen(call, version);
    act(call, Deed::Decide { accept, comment, form, version })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// By the ids of the questions, or as the form says.
    answers: Value,
    /// More.
    #[serde(default)]
    comment: String,
    /// That of what was looked at. `If-Match` says the same.
    #[serde(default)]
    version: Option<String>,
}

fn answer(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let AnswerBody { answers, comment, version } = call.take()?;
    let version = seen(call, version);
    act(call, Deed::Answer { answers, comment, version })
}

fn claim(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    act(call, Deed::Claim)
}

fn release(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    act(call, Deed::Release)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SkipBody {
    /// Why.
    reason: String,
}

fn skip(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let SkipBody { reason } = call.take()?;
    act(call, Deed::Skip { reason })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DelegateBody {
    /// Somebody, by any of their names.
    to: String,
}

fn delegate(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DelegateBody { to } = call.take()?;
    act(call, Deed::Delegate { to })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DraftBody {
    /// What they lean to, at a gate.
    #[serde(default)]
    accept: Option<bool>,
    /// What they would say.
    #[serde(default)]
    comment: String,
    /// The form or the answers so far; what does not fit yet may stand in it.
    #[serde(default)]
    form: serde_json::Map<String, Value>,
}

#[derive(Serialize, JsonSchema)]
struct DraftKept {
    /// The draft as it is kept; null where it was thrown away.
    draft: Option<DraftNow>,
}

fn draft(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DraftBody { accept, comment, form } = call.take()?;
    keep(call, Some(Draft { accept, comment, form }))
}

fn undraft(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    keep(call, None)
}

fn keep(call: &Call<'_>, draft: Option<Draft>) -> Result<Reply, Problem> {
    let (task, based_on) = (call.named("task"), call.if_match.clone());
    let operation = TaskOperation::Draft { task, draft, based_on, by: call.by() };
    let TaskAnswer::Drafted { draft } = ask(call, operation)? else { return Err(unexpected()) };
    let etag = draft.as_ref().map(|draft| draft.etag.clone());
    Ok(Reply { etag, ..Reply::ok(DraftKept { draft }) })
}

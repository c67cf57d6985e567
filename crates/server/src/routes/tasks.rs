//! Routes of what people are asked.

use serde::Deserialize;
use serde_json::{Value, json};
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{Deed, Draft, TaskAnswer, TaskOperation, TaskQuery};

use super::{Route, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/tasks",
        operation: "Task.List",
        summary: "The open tasks of who asks; of everybody, or those that are over, where that is said",
        query: &["everybody", "done", "run", "after", "limit"],
        perform: list,
    },
    Route {
        method: "GET",
        path: "/tasks/{task}",
        operation: "Task.Show",
        summary: "One task with all that is shown",
        query: &[],
        perform: show,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:decide",
        operation: "Task.Act.Decide",
        summary: "Accept or reject what a gate shows",
        query: &[],
        perform: decide,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:answer",
        operation: "Task.Act.Answer",
        summary: "Answer the questions of a run",
        query: &[],
        perform: answer,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:claim",
        operation: "Task.Act.Claim",
        summary: "Work on a task, so that others leave it alone",
        query: &[],
        perform: claim,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:release",
        operation: "Task.Act.Release",
        summary: "Give a claimed task back",
        query: &[],
        perform: release,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:skip",
        operation: "Task.Act.Skip",
        summary: "Not act on a task",
        query: &[],
        perform: skip,
    },
    Route {
        method: "POST",
        path: "/tasks/{task}:delegate",
        operation: "Task.Act.Delegate",
        summary: "Give the own part in a task to somebody else",
        query: &[],
        perform: delegate,
    },
    Route {
        method: "PUT",
        path: "/tasks/{task}/draft",
        operation: "Task.Draft",
        summary: "Keep what was filled in and not handed in; `If-Match` names the draft it takes the place of",
        query: &[],
        perform: draft,
    },
    Route {
        method: "DELETE",
        path: "/tasks/{task}/draft",
        operation: "Task.Draft",
        summary: "Throw the own draft away",
        query: &[],
        perform: undraft,
    },
];

fn ask(call: &Call<'_>, operation: TaskOperation) -> Result<TaskAnswer, Problem> {
    match call.ask(Operation::Task(operation))? {
        Answer::Task(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
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
    Ok(Reply::ok(json!({ "tasks": tasks, "next": next })))
}

fn show(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let TaskAnswer::Task { task } =
        ask(call, TaskOperation::Show { task: call.named("task"), by: call.by() })?
    else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!(task)))
}

fn act(call: &Call<'_>, deed: Deed) -> Result<Reply, Problem> {
    let operation = TaskOperation::Act { task: call.named("task"), deed, by: call.by() };
    let TaskAnswer::Acted { task } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!(task)))
}

/// The version that was looked at: in the body, or as `If-Match`.
fn seen(call: &Call<'_>, version: Option<String>) -> Option<String> {
    version.or_else(|| call.if_match.clone())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideBody {
    accept: bool,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    form: Option<Value>,
    #[serde(default)]
    version: Option<String>,
}

fn decide(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DecideBody { accept, comment, form, version } = call.take()?;
    let version = seen(call, version);
    act(call, Deed::Decide { accept, comment, form, version })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    answers: Value,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    version: Option<String>,
}

fn answer(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let AnswerBody { answers, comment, version } = call.take()?;
    let version = seen(call, version);
    act(call, Deed::Answer { answers, comment, version })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoBody {}

fn claim(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    act(call, Deed::Claim)
}

fn release(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    act(call, Deed::Release)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkipBody {
    reason: String,
}

fn skip(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let SkipBody { reason } = call.take()?;
    act(call, Deed::Skip { reason })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelegateBody {
    to: String,
}

fn delegate(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let DelegateBody { to } = call.take()?;
    act(call, Deed::Delegate { to })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftBody {
    #[serde(default)]
    accept: Option<bool>,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    form: serde_json::Map<String, Value>,
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
    Ok(Reply { etag, ..Reply::ok(json!({ "draft": draft })) })
}

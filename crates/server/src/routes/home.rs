//! Routes of the home: its people, its limits, its engine.

use serde::Deserialize;
use serde_json::json;
use stead_core::people::Edit;
use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{PeopleAnswer, PeopleOperation};

use super::{Route, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/me",
        operation: "People.Me",
        summary: "Who the one is that asks",
        query: &[],
        perform: me,
    },
    Route {
        method: "GET",
        path: "/people",
        operation: "People.List",
        summary: "All people and groups",
        query: &[],
        perform: people,
    },
    Route {
        method: "POST",
        path: "/people:edit",
        operation: "People.Edit",
        summary: "Change something about the people, all of it or nothing",
        query: &[],
        perform: edit,
    },
    Route {
        method: "GET",
        path: "/people/changes",
        operation: "People.Changes",
        summary: "What was changed about the people, the newest first",
        query: &["skip", "limit"],
        perform: changes,
    },
    Route {
        method: "GET",
        path: "/limits",
        operation: "Limits",
        summary: "The limits in use: who has their places, and who waits for one",
        query: &["project", "key"],
        perform: limits,
    },
    Route {
        method: "POST",
        path: "/limits:free",
        operation: "FreePlace",
        summary: "Take a place back from a run that cannot go on",
        query: &[],
        perform: free,
    },
    Route {
        method: "GET",
        path: "/engine",
        operation: "Engine",
        summary: "What the engine of the home is doing",
        query: &[],
        perform: engine,
    },
];

fn ask(call: &Call<'_>, operation: PeopleOperation) -> Result<PeopleAnswer, Problem> {
    match call.ask(Operation::People(operation))? {
        Answer::People(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

fn me(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PeopleAnswer::Me { actor, system } = ask(call, PeopleOperation::Me)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!({ "actor": actor, "system": system })))
}

fn people(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PeopleAnswer::People { users, groups } = ask(call, PeopleOperation::List)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(json!({ "users": users, "groups": groups })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditBody {
    edits: Vec<Edit>,
}

fn edit(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let EditBody { edits } = call.take()?;
    let answer = ask(call, PeopleOperation::Edit { edits, by: call.by() })?;
    let PeopleAnswer::Edited { changes, founder, left } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "changes": changes, "founder": founder, "left": left })))
}

fn changes(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (skip, limit) = (call.number("skip")?.unwrap_or(0), call.page()?);
    let answer = ask(call, PeopleOperation::Changes { skip, limit })?;
    let PeopleAnswer::Changes { changes } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "changes": changes })))
}

fn limits(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = Operation::Limits { project: call.text("project"), key: call.text("key") };
    let Answer::Limits { limits, unread } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "limits": limits, "unread": unread })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FreeBody {
    #[serde(default)]
    project: String,
    key: String,
    run: String,
}

fn free(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let FreeBody { project, key, run } = call.take()?;
    match call.ask(Operation::FreePlace { project, key, run: run.clone(), by: call.by() })? {
        Answer::Done { .. } => Ok(Reply::ok(json!({ "run": run }))),
        _ => Err(unexpected()),
    }
}

fn engine(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Engine { engine } = call.ask(Operation::Engine)? else { return Err(unexpected()) };
    Ok(Reply::ok(json!({ "engine": engine })))
}

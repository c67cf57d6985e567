//! Routes of the home: its people, its limits, its engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::people::{Actor, Change, Edit};
use stead_engine::operations::{Answer, EngineNow, LimitRow, Operation, Trouble};
use stead_engine::people::{GroupRow, LeftTask, PeopleAnswer, PeopleOperation, UserRow};

use super::route::{LIMIT, SKIP, text};
use super::{Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/me", "People.Me", "Who the one is that asks", me).gives(of::<Me>),
    Route::get("/people", "People.List", "All people and groups", people).gives(of::<People>),
    Route::post(
        "/people:edit",
        "People.Edit",
        "Change something about the people, all of it or nothing",
        edit,
    )
    .takes(of::<EditBody>)
    .gives(of::<Edited>)
    .refuses(&[404, 409, 422]),
    Route::get(
        "/people/changes",
        "People.Changes",
        "What was changed about the people, the newest first",
        changes,
    )
    .query(&[SKIP, LIMIT])
    .gives(of::<PeopleChanges>),
    Route::get("/limits", "Limits", "The limits in use: who has their places, and who waits for one", limits)
        .query(&[
            text("project", "Only of this project; an empty text: of none"),
            text("key", "Only of this key"),
        ])
        .gives(of::<Limits>),
    Route::post("/limits:free", "FreePlace", "Take a place back from a run that cannot go on", free)
        .takes(of::<FreeBody>)
        .gives(of::<Freed>)
        .refuses(&[404, 409]),
    Route::get("/engine", "Engine", "What the engine of the home is doing", engine).gives(of::<EngineTold>),
];

fn ask(call: &Call<'_>, operation: PeopleOperation) -> Result<PeopleAnswer, Problem> {
    match call.ask(Operation::People(operation))? {
        Answer::People(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

#[derive(Serialize, JsonSchema)]
struct Me {
    /// Who it is, with groups and roles.
    actor: Actor,
    /// What the system calls the user of the server.
    system: String,
    /// By what it is known who asks: `socket` (their process), `step`, `token NAME`.
    means: String,
}

fn me(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PeopleAnswer::Me { actor, system, means } = ask(call, PeopleOperation::Me)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(Me { actor, system, means }))
}

#[derive(Serialize, JsonSchema)]
struct People {
    /// People and agents.
    users: Vec<UserRow>,
    /// Groups.
    groups: Vec<GroupRow>,
}

fn people(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PeopleAnswer::People { users, groups } = ask(call, PeopleOperation::List)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(People { users, groups }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EditBody {
    /// The changes, in order.
    edits: Vec<Edit>,
}

#[derive(Serialize, JsonSchema)]
struct Edited {
    /// What was changed.
    changes: Vec<Change>,
    /// Who became admin by it: whoever adds the first people.
    founder: Option<String>,
    /// Open tasks that something was taken from.
    left: Vec<LeftTask>,
}

#[derive(Serialize, JsonSchema)]
struct PeopleChanges {
    /// What was changed, the newest first.
    changes: Vec<Change>,
}

fn edit(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let EditBody { edits } = call.take()?;
    let answer = ask(call, PeopleOperation::Edit { edits, by: call.by() })?;
    let PeopleAnswer::Edited { changes, founder, left } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(Edited { changes, founder, left }))
}

fn changes(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (skip, limit) = (call.skip()?, call.page()?);
    let answer = ask(call, PeopleOperation::Changes { skip, limit })?;
    let PeopleAnswer::Changes { changes } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(PeopleChanges { changes }))
}

#[derive(Serialize, JsonSchema)]
struct Limits {
    /// Those that can be read.
    limits: Vec<LimitRow>,
    /// Those that cannot: nobody gets a place of theirs.
    unread: Vec<Trouble>,
}

fn limits(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = Operation::Limits { project: call.text("project"), key: call.text("key") };
    let Answer::Limits { limits, unread } = call.ask(operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(Limits { limits, unread }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FreeBody {
    /// The project whose runs share it; empty for none.
    #[serde(default)]
    project: String,
    /// What the places are for.
    key: String,
    /// The run that has one.
    run: String,
}

#[derive(Serialize, JsonSchema)]
struct Freed {
    /// The run that had it.
    run: String,
}

fn free(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let FreeBody { project, key, run } = call.take()?;
    match call.ask(Operation::FreePlace { project, key, run: run.clone(), by: call.by() })? {
        Answer::Done { .. } => Ok(Reply::ok(Freed { run })),
        _ => Err(unexpected()),
    }
}

#[derive(Serialize, JsonSchema)]
struct EngineTold {
    /// The engine; null where there is none.
    engine: Option<EngineNow>,
}

fn engine(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::Engine { engine } = call.ask(Operation::Engine)? else { return Err(unexpected()) };
    Ok(Reply::ok(EngineTold { engine }))
}

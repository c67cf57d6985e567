//! Routes of sessions and passwords, and of links to tasks.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::people::Actor;
use stead_engine::access::{AccessAnswer, AccessOperation, Secret};
use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{PeopleAnswer, PeopleOperation};

use super::route::text;
use super::{Route, of, unexpected};
use crate::call::{Call, NoBody, Reply};
use crate::cookie::csrf;
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::post("/session", "Access.SignIn", "Sign in at a browser: the answer sets its cookie", sign_in)
        .takes(of::<SignInBody>)
        .gives(of::<SignedIn>)
        .open()
        .guessed()
        // What opens is kept nowhere.
        .unkeyed()
        .refuses(&[409]),
    Route::get("/session", "People.Me", "Who asks, and what a page of a session sends along", session)
        .gives(of::<SessionNow>),
    Route::delete("/session", "Access.SignOut", "Sign out: the session ends, and its cookie goes", sign_out)
        .takes(of::<NoBody>)
        .gives(of::<SignedOut>)
        .refuses(&[409]),
    Route::put("/password", "Access.SetPassword", "Set a password; all sessions end", set_password)
        .takes(of::<PasswordBody>)
        .gives(of::<PasswordSet>)
        .guessed()
        .refuses(&[404, 409, 422]),
    Route::delete(
        "/password",
        "Access.RemovePassword",
        "Take a password away; all sessions end",
        unset_password,
    )
    .query(&[text("user", "Whose; one's own unless said. For others it takes an admin")])
    .takes(of::<NoBody>)
    .gives(of::<PasswordSet>)
    .refuses(&[404, 409]),
    Route::post(
        "/tasks/{task}:link",
        "Access.Link",
        "Make a link to an open task. Its address is in this answer and nowhere else",
        link,
    )
    .takes(of::<LinkBody>)
    .gives(of::<Linked>)
    .unkeyed()
    .refuses(&[409]),
];

fn ask(call: &Call<'_>, operation: AccessOperation) -> Result<AccessAnswer, Problem> {
    match call.ask(Operation::Access(operation))? {
        Answer::Access(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    /// Any of one's names.
    name: String,
    /// The password.
    password: Secret,
}

#[derive(Serialize, JsonSchema)]
struct SignedIn {
    /// Who one is now.
    user: String,
    /// When the session ends in any case; it ends earlier when nothing is asked for a day.
    expires_at: Time,
    /// Send it as `X-CSRF-Token` with all that changes something.
    csrf: String,
}

fn sign_in(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let SignInBody { name, password } = call.take()?;
    let answer = ask(call, AccessOperation::SignIn { name, password })?;
    let AccessAnswer::SignedIn { user, expires_at, secret } = answer else { return Err(unexpected()) };
    let lasts = u64::try_from(stead_engine::limits::SESSION_TIME).unwrap_or_default();
    let cookie = Some(call.cookie.set(&secret, Duration::from_millis(lasts)));
    Ok(Reply { cookie, ..Reply::ok(SignedIn { user, expires_at, csrf: csrf(&secret) }) })
}

#[derive(Serialize, JsonSchema)]
struct SessionNow {
    /// Who it is, with groups and roles.
    actor: Actor,
    /// By what it is known who asks: `session`, `socket` (their process), `step`, `token NAME`.
    means: String,
    /// Of a session: send it as `X-CSRF-Token` with all that changes something.
    csrf: Option<String>,
}

fn session(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Answer::People(answer) = call.ask(Operation::People(PeopleOperation::Me))? else {
        return Err(unexpected());
    };
    let PeopleAnswer::Me { actor, means, .. } = *answer else { return Err(unexpected()) };
    Ok(Reply::ok(SessionNow { actor, means, csrf: call.csrf.clone() }))
}

#[derive(Serialize, JsonSchema)]
struct SignedOut {
    /// Who one was.
    user: String,
}

fn sign_out(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    let AccessAnswer::SignedOut { user } = ask(call, AccessOperation::SignOut)? else {
        return Err(unexpected());
    };
    Ok(Reply { cookie: Some(call.cookie.clear()), ..Reply::ok(SignedOut { user }) })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    /// The new one.
    password: Secret,
    /// Whose; one's own unless said. For others it takes an admin.
    #[serde(default)]
    user: Option<String>,
    /// The one that holds now, where it is one's own and there is one.
    #[serde(default)]
    current: Option<Secret>,
}

#[derive(Serialize, JsonSchema)]
struct PasswordSet {
    /// Whose.
    user: String,
}

fn set_password(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let PasswordBody { password, user, current } = call.take()?;
    let answer = ask(call, AccessOperation::SetPassword { user, password, current })?;
    let AccessAnswer::PasswordSet { user } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(PasswordSet { user }))
}

fn unset_password(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    let answer = ask(call, AccessOperation::RemovePassword { user: call.text("user") })?;
    let AccessAnswer::PasswordRemoved { user, .. } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(PasswordSet { user }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    /// For whom; for oneself unless said. For others it takes an admin.
    #[serde(default)]
    user: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Linked {
    /// Names it; `DELETE /tokens/{token}` ends it.
    id: String,
    /// What it is to.
    task: String,
    /// Who acts by it.
    user: String,
    /// Until when it can be used.
    expires_at: Time,
    /// The page. Whoever has it acts as `user` on this task.
    url: Secret,
}

fn link(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let LinkBody { user } = call.take()?;
    let answer = ask(call, AccessOperation::Link { task: call.named("task"), user })?;
    let AccessAnswer::Linked { id, task, user, expires_at, url } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(Linked { id, task, user, expires_at, url }))
}

//! Routes of what people are known by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_engine::access::{AccessAnswer, AccessOperation, AuditQuery, AuditRow, Secret, TokenRow};
use stead_engine::operations::{Answer, Operation};

use super::route::{AFTER, LIMIT, flag, text, time};
use super::{BASE, Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/tokens", "Access.List", "Tokens, never their secrets; one's own unless said", tokens)
        .query(&[
            text("user", "Those of somebody else, for admins"),
            flag("all", "Those of everybody, for admins"),
        ])
        .gives(of::<Tokens>)
        .refuses(&[404, 409]),
    Route::post(
        "/tokens",
        "Access.Create",
        "Make a token. Its secret is in this answer and nowhere else",
        create,
    )
    .takes(of::<CreateBody>)
    .makes(of::<Created>)
    .unkeyed()
    .refuses(&[404, 409, 422]),
    Route::get("/audit", "Access.Audit", "Who did what, and who was refused, the newest first", audit)
        .query(&[
            text("user", "Only by this one: any of their names; or an address"),
            text("about", "Only about what has this text in its name"),
            time("since", "Only at this time or later"),
            time("until", "Only before this time"),
            AFTER,
            LIMIT,
        ])
        .gives(of::<Audited>)
        .refuses(&[409]),
    Route::delete("/tokens/{token}", "Access.Revoke", "End a token at once", revoke)
        .query(&[text("user", "Whose, where it is named and is not one's own")])
        .gives(of::<Revoked>)
        .refuses(&[409]),
];

#[derive(Serialize, JsonSchema)]
struct Tokens {
    /// The newest first; those that are over stay for a while.
    tokens: Vec<TokenRow>,
}

#[derive(Serialize, JsonSchema)]
struct Audited {
    /// About as many as were asked for; none where there is more of what does not fit.
    entries: Vec<AuditRow>,
    /// What `after` takes for the next page; null: there is none.
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Created {
    /// What is kept of it.
    token: TokenRow,
    /// The token itself: send it as `Authorization: Bearer`.
    secret: Secret,
}

#[derive(Serialize, JsonSchema)]
struct Revoked {
    /// The token that is over.
    token: TokenRow,
}

fn ask(call: &Call<'_>, operation: AccessOperation) -> Result<AccessAnswer, Problem> {
    match call.ask(Operation::Access(operation))? {
        Answer::Access(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

fn tokens(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = AccessOperation::List { user: call.text("user"), all: call.flag("all")? };
    let AccessAnswer::Tokens { tokens } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(Tokens { tokens }))
}

fn audit(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let query = AuditQuery {
        user: call.text("user"),
        about: call.text("about"),
        since: call.time("since")?,
        until: call.time("until")?,
        after: call.text("after"),
        limit: call.page()?,
    };
    let answer = ask(call, AccessOperation::Audit { query })?;
    let AccessAnswer::Audit { entries, next } = answer else { return Err(unexpected()) };
    Ok(Reply::ok(Audited { entries, next }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    /// What it is called: what it is for.
    name: String,
    /// Whose it is; one's own unless said. For others it takes an admin.
    #[serde(default)]
    user: Option<String>,
    /// When it ends by itself.
    #[serde(default)]
    expires: Option<Time>,
    /// The role that it is held to: what it may do beyond that, it may not.
    #[serde(default)]
    role: Option<String>,
}

fn create(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let CreateBody { name, user, expires, role } = call.take()?;
    let answer = ask(call, AccessOperation::Create { name, user, expires, role })?;
    let AccessAnswer::Created { token, secret } = answer else { return Err(unexpected()) };
    let at = format!("{BASE}/tokens/{}", token.id);
    Ok(Reply::made(at, Created { token, secret }))
}

fn revoke(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let operation = AccessOperation::Revoke { token: call.named("token"), user: call.text("user") };
    let AccessAnswer::Revoked { token } = ask(call, operation)? else { return Err(unexpected()) };
    Ok(Reply::ok(Revoked { token }))
}

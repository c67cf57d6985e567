//! Routes of signing in by the provider that the home names.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use stead_engine::access::{AccessAnswer, AccessOperation, Secret};
use stead_engine::limits::{OIDC_WAIT, SESSION_TIME};
use stead_engine::operations::{Answer, Operation};

use super::route::text;
use super::{Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::links::escaped;
use crate::problem::Problem;

/// A page that loads nothing and goes nowhere but where it says.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML: &str = "text/html; charset=utf-8";
/// Where a browser goes that has not said.
const USUAL: &str = "/api/v1/docs";

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/session/oidc/begin",
        "Access.BeginSignIn",
        "Sign in by the provider of the home: sends a browser there",
        begin,
    )
    .query(&[text("to", "The path of this server where the browser goes in the end")])
    .sends(of::<Begun>)
    .open()
    .guessed()
    .refuses(&[404, 409]),
    Route::get(
        "/session/oidc/callback",
        "Access.FinishSignIn",
        "Where the provider sends the browser back to: the answer sets the cookie of a session",
        finish,
    )
    .query(&[
        text("state", "What the browser was sent with").needed(),
        text("code", "What the provider gives the token for"),
        text("iss", "Which provider it is"),
        text("error", "Why there is no code"),
    ])
    .and_others()
    .tells(HTML)
    .open()
    .guessed()
    .refuses(&[404, 409]),
];

fn ask(call: &Call<'_>, operation: AccessOperation) -> Result<AccessAnswer, Problem> {
    match call.ask(Operation::Access(operation))? {
        Answer::Access(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

#[derive(Serialize, JsonSchema)]
struct Begun {
    /// Where the browser goes.
    url: Secret,
}

fn begin(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let to = Some(call.text("to").unwrap_or_else(|| USUAL.to_owned()));
    let AccessAnswer::SignInBegun { url, kept } = ask(call, AccessOperation::BeginSignIn { to })? else {
        return Err(unexpected());
    };
    let (location, cookie) = (Some(url.reveal().to_owned()), Some(call.cookie.keep(&kept, OIDC_WAIT)));
    Ok(Reply { status: 303, location, cookie, ..Reply::ok(Begun { url }) })
}

fn finish(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let Some(state) = call.text("state").map(Secret::new) else {
        return Err(Problem::parameter("state", "it has to be there"));
    };
    let operation = AccessOperation::FinishSignIn {
        state,
        kept: call.kept.clone(),
        code: call.text("code").map(Secret::new),
        issuer: call.text("iss"),
        error: call.text("error"),
    };
    let AccessAnswer::SignInFinished { user, secret, to, .. } = ask(call, operation)? else {
        return Err(unexpected());
    };
    let lasts = Duration::from_millis(u64::try_from(SESSION_TIME).unwrap_or_default());
    // A page, and not a way on by a status: to the browser that would come from the provider, and it would not show
    // the new cookie there.
    let (name, to) = (escaped(user.strip_prefix("user:").unwrap_or(&user)), escaped(&to));
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={to}\"><title>Signed in</title></head><body><p>Signed in as {name}. <a href=\"{to}\">Go on</a></p></body></html>\n"
    );
    let (cookie, policy) = (Some(call.cookie.set(&secret, lasts)), Some(POLICY.to_owned()));
    Ok(Reply { cookie, policy, ..Reply::text(HTML, page) })
}

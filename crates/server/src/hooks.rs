//! Requests of webhooks: `POST /hooks/NAME`, outside of the API. Who sends shows no token: the signature says who it is.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use stead_engine::log::Level;
use stead_engine::operations::{Answer, Operation};
use stead_engine::schedules::hook::Request;
use stead_engine::schedules::{ScheduleAnswer, ScheduleOperation};

use crate::call::{self, Reply};
use crate::door::Failures;
use crate::limits;
use crate::problem::Problem;
use crate::routes::unexpected;
use crate::seen::At;
use crate::server::Host;

/// What the paths of webhooks begin with.
pub(crate) const PATH: &str = "/hooks/";

/// How they are named where nobody is to be named.
pub(crate) const AT: At = At::outside("/hooks/{name}");

/// Headers that a run is told of, where they are there.
const TOLD: [&str; 10] = [
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "x-github-delivery",
    "x-github-event",
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "x-request-id",
];

/// The webhook that a request is for.
///
/// # Errors
/// When it is asked otherwise than by a request that delivers.
pub(crate) fn named(method: &str, path: &str) -> Option<Result<String, Problem>> {
    let rest = path.strip_prefix(PATH)?;
    if method != "POST" {
        let detail = format!("this path does not take {method}");
        let problem = Problem::new(405, "H0202", detail).help("it takes POST");
        return Some(Err(Problem { allow: Some("POST".into()), ..problem }));
    }
    // What is no name is no webhook's: it is answered like one that is not there.
    Some(Ok(call::decoded(rest).unwrap_or_default().chars().take(limits::HOOK_NAME_CHARS).collect()))
}

/// Delivers a request.
pub(crate) fn deliver(
    host: &Host,
    failures: &Failures,
    from: IpAddr,
    hook: String,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Reply, Problem> {
    let header = |name: &str| {
        let mut all = headers.get_all(name).iter();
        // One that is said twice says nothing.
        all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let request = Request { header: &header, body: bytes };
    let (asker, delivery) = host.asker.of_hook(&hook, request).map_err(|error| {
        let code = error.code().to_owned();
        let problem = match code.as_str() {
            // It is told to who serves, in `stead audit`, and not to who sends.
            "R0416" | "R0419" => unknown(),
            _ => Problem::from(error),
        };
        let problem = failures.refused(&host.asker, from, &code, problem);
        if problem.status == 401 {
            let fields = [("hook", json!(hook)), ("code", json!(code)), ("from", json!(from))];
            host.asker.log().note(Level::Warn, "webhook.unsigned", &fields);
        }
        problem
    })?;
    let body = body(header("content-type"), bytes)?;
    let text = |name: &str| Some((name.to_owned(), Value::from(header(name)?)));
    let headers: Map<String, Value> = TOLD.iter().filter_map(|name| text(name)).collect();
    let operation = ScheduleOperation::Deliver { hook, id: delivery.id, kind: delivery.kind, headers, body };
    match asker.ask(Operation::Schedule(operation)).map_err(Problem::from)? {
        Answer::Schedule(ScheduleAnswer::Delivered { run }) => {
            Ok(Reply { status: 202, ..Reply::ok(json!({ "run": run })) })
        }
        _ => Err(unexpected()),
    }
}

/// What all hear who have not signed as they should, whatever is there.
pub(crate) fn unknown() -> Problem {
    let error = stead_engine::schedules::ScheduleError::HookUnknown;
    Problem::new(401, error.code(), error.to_string()).help(error.help())
}

/// A body as runs see it: JSON where it is said to be, else its text; nothing where it is none.
fn body(kind: Option<&str>, bytes: &[u8]) -> Result<Value, Problem> {
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match kind == "application/json" || kind.ends_with("+json") {
        true => serde_json::from_slice(bytes).map_err(Problem::body),
        false => Ok(std::str::from_utf8(bytes).map_or(Value::Null, Value::from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_what_its_type_says() {
        assert_eq!(body(Some("application/json; charset=utf-8"), b"{\"a\":1}").unwrap(), json!({"a": 1}));
        assert_eq!(body(Some("application/cloudevents+json"), b"[1]").unwrap(), json!([1]));
        assert_eq!(body(Some("text/plain"), b"{}").unwrap(), json!("{}"));
        assert_eq!(body(None, b"\xff").unwrap(), Value::Null);
        assert_eq!(body(Some("application/json"), b"").unwrap(), Value::Null);
        assert_eq!(body(Some("application/json"), b"{").unwrap_err().code.as_ref(), "H0205");
    }

    #[test]
    fn p11_the_name_of_a_webhook_is_bounded() {
        let long = format!("{PATH}{}", "x".repeat(limits::HOOK_NAME_CHARS + 1));
        assert_eq!(named("POST", &long).unwrap().unwrap().len(), limits::HOOK_NAME_CHARS);
        assert_eq!(named("GET", "/hooks/x").unwrap().unwrap_err().status, 405);
        assert!(named("POST", "/api/v1/runs").is_none());
        assert_eq!(named("POST", "/hooks/%ff").unwrap().unwrap(), "");
    }
}

//! A request to a server.

use std::fmt::Write as _;
use std::sync::Arc;

use ring::hmac;
use serde_json::Value;
use stead_core::Time;

use super::Undelivered;
use super::rules::{Part, Webhook};
use crate::executor::Control;
use crate::net::{Body, Call, Client, Url};
use crate::redact::Redaction;
use crate::secrets::Secrets;

/// Sends it.
pub(super) fn send(
    hook: &Webhook,
    id: &str,
    message: &Value,
    now: Time,
    client: &Arc<Client>,
    secrets: &dyn Secrets,
    control: &dyn Control,
) -> Result<(), Undelivered> {
    let url = Url::parse(&hook.url).map_err(|why| Undelivered::for_good(format!("the address {why}")))?;
    let body = message.to_string();
    let mut used = Vec::new();
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Stead-Notification".to_owned(), id.to_owned()),
        ("Idempotency-Key".to_owned(), format!("\"{id}\"")),
    ];
    for (name, parts) in &hook.headers {
        let mut value = String::new();
        for part in parts {
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Secret(name) => {
                    let secret = secrets.get(name, None, control)?;
                    value.push_str(secret.expose());
                    used.push(secret);
                }
            }
        }
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.clone(), value));
    }
    if let Some(name) = &hook.secret {
        let secret = secrets.get(name, None, control)?;
        let at = (now / 1000).to_string();
        headers.push(("Stead-Signature".to_owned(), format!("v1={}", sign(secret.expose(), &at, &body))));
        headers.push(("Stead-Timestamp".to_owned(), at));
        used.push(secret);
    }
    let redaction = Redaction::of(&used);
    let call = Call { method: "POST", url: &url, headers: &headers, body: Body::Bytes(body.as_bytes()) };
    let answer = client.call(call, control).map_err(|error| {
        let mut failed = Undelivered::from(error);
        failed.why = redaction.text(&failed.why).into_owned();
        failed
    })?;
    let said = crate::net::reason(answer.status).map(|reason| format!(" ({reason})")).unwrap_or_default();
    let why = format!("{} answered {}{said}", url.host(), answer.status);
    match answer.status {
        200..=299 => Ok(()),
        // What it cannot do now; all else it does not want.
        408 | 409 | 425 | 429 | 500..=599 => Err(Undelivered::now(why)),
        _ => Err(Undelivered::for_good(why)),
    }
}

/// HMAC-SHA256 over time and body, in hex: the time is signed along, so that an old message is known as one.
fn sign(secret: &str, at: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Into a text nothing fails.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

//! Redirects: what is asked next, and of what is asked nobody else is told.

use super::request::Request;
use crate::net::Answer;

/// Where an answer leads, if it does.
pub(super) fn location(answer: &Answer) -> Option<String> {
    let leads = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    // As it came: what is no ASCII in it was read byte by byte.
    let text = answer.header("location").filter(|_| leads)?;
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Some(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
}

/// Makes a request the next one.
pub(super) fn follow(request: &mut Request, status: u16, location: &str) -> Result<(), String> {
    let from = &request.url;
    let to = from.join(location).map_err(|why| format!("{from} redirects to an address that {why}"))?;
    if from.is_secure() && !to.is_secure() {
        return Err(format!(
            "{from} redirects to {to}, which is not secure: call that address if you trust it"
        ));
    }
    // As all clients do: what was sent is not sent again, but for 307 and 308, which say so.
    let asks = match (status, request.method) {
        (303, "HEAD") | (307 | 308, _) => request.method,
        (303, _) | (301 | 302, "POST") => "GET",
        (_, method) => method,
    };
    if asks != request.method {
        request.method = asks;
        request.body = None;
        let of_body = ["content-type", "content-language", "idempotency-key"];
        request.headers.retain(|header| !of_body.contains(&header.name.to_ascii_lowercase().as_str()));
    }
    if !from.same_origin(&to) {
        request.headers.retain(|header| !header.private);
        if request.body.as_ref().is_some_and(|body| body.private) {
            return Err(format!(
                "{from} redirects to {to}, another server, and the body has a secret in it: call that address if it \
                 is meant for it"
            ));
        }
    }
    request.url = to;
    Ok(())
}

//! Requests to servers (`http`).
//!
//! An attempt is one request, and the redirects that follow from it, each a call of its own: the address is
//! checked anew and told to nobody else who asks. All that comes back is bounded and redacted, and an attempt
//! that is to end closes its connection at once.

mod answer;
mod redirect;
mod request;
mod wait;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stead_core::effect::{AttemptError, AttemptResult, EndReason, ErrorKind, Execute};
use stead_lang::template::SecretPlace;

use crate::executor::{Control, Executor, Place, Slot};
use crate::limits::{HttpLimits, LOG_LIMIT};
use crate::logs::LogWriter;
use crate::net::{self, Answer, Call, Client, NetworkPolicy};
use crate::redact::Redaction;
use crate::secrets::{self, Secrets};

use request::{Content, Request};

/// Performs `http`.
pub struct HttpExecutor {
    limits: HttpLimits,
    secrets: Arc<dyn Secrets>,
    client: Arc<Client>,
}

impl HttpExecutor {
    /// One that takes secrets from there and calls what the policy allows.
    pub fn new(secrets: Arc<dyn Secrets>, policy: NetworkPolicy) -> Self {
        let limits = HttpLimits::default();
        Self { limits, secrets, client: Client::new(policy, limits.connect, limits.head) }
    }

    fn attempt(
        &self,
        job: &Execute,
        place: &Place,
        control: &dyn Control,
        redaction: &mut Redaction,
    ) -> Result<Value, Failure> {
        let value = self.with_secrets(job, place, control, redaction)?;
        let mut request = Request::read(&value, &job.secrets, &place.files).map_err(Failure::exit)?;
        if !matches!(request.method, "GET" | "HEAD") && !request.has("Idempotency-Key") {
            request.headers.push(idempotency_key(&job.key));
        }
        if let Some(trace) = place.trace.as_ref().filter(|_| !request.has("traceparent")) {
            request.headers.push(traced(trace));
        }
        let mut log = Log { writer: LogWriter::new(&place.log, LOG_LIMIT), redaction };
        for hop in 0.. {
            if let Some(reason) = control.ended() {
                return Err(Failure::ended(reason));
            }
            let mut answer = self.call(&request, control, &mut log)?;
            let name = request.url.file_name().to_owned();
            let reader = answer::Reader {
                client: &self.client,
                limits: &self.limits,
                redaction,
                place,
                control,
                name: &name,
            };
            if request.expect.allows(answer.status) {
                return reader.output(answer, request.parse);
            }
            let Some(location) = redirect::location(&answer) else {
                return Err(unexpected(&request, &mut answer, &reader));
            };
            if hop >= self.limits.redirects {
                let why = format!("more than {} redirects, the last to `{location}`", self.limits.redirects);
                return Err(Failure::exit(why));
            }
            redirect::follow(&mut request, answer.status, &location).map_err(Failure::exit)?;
        }
        Err(Failure::exit("no answer"))
    }

    /// The request with its secrets, which are to be redacted from now on.
    fn with_secrets<'a>(
        &self,
        job: &'a Execute,
        place: &Place,
        control: &dyn Control,
        redaction: &mut Redaction,
    ) -> Result<Cow<'a, Value>, Failure> {
        if job.secrets.is_empty() {
            return Ok(Cow::Borrowed(&job.request));
        }
        let places = ["headers", "auth", "json", "body"];
        let stray = job
            .secrets
            .iter()
            .find(|place| !place.pointer.split('/').nth(1).is_some_and(|key| places.contains(&key)));
        if let Some(SecretPlace { pointer: at, name, .. }) = stray {
            return Err(Failure::exit(format!("secret `{name}` may not go to `{at}` (a bug in Stead)")));
        }
        let mut value = job.request.clone();
        let used = secrets::put_in(&mut value, &job.secrets, &*self.secrets, place.lent(), control)
            .map_err(|error| Failure::exit(error.to_string()))?;
        *redaction = Redaction::of(&used);
        Ok(Cow::Owned(value))
    }

    /// One call, with a line in the log of what it came to.
    fn call(&self, request: &Request, control: &dyn Control, log: &mut Log<'_>) -> Result<Answer, Failure> {
        let mut headers: Vec<(String, String)> =
            request.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect();
        // Where there may be a body, its length is said, also of none.
        let mut body = match request.method {
            "POST" | "PUT" | "PATCH" => net::Body::Bytes(b""),
            _ => net::Body::None,
        };
        if let Some(sent) = &request.body {
            if !request.has("Content-Type") {
                headers.push(("Content-Type".to_owned(), sent.media.to_owned()));
            }
            body = match &sent.content {
                Content::Bytes(bytes) => net::Body::Bytes(bytes),
                Content::File(file) => {
                    let copy =
                        file.try_clone().and_then(|mut file| std::io::Seek::rewind(&mut file).map(|()| file));
                    net::Body::File(
                        copy.map_err(|error| Failure::exit(format!("cannot read the file: {error}")))?,
                    )
                }
            };
        }
        let begun = Instant::now();
        let answer = self
            .client
            .call(Call { method: request.method, url: &request.url, headers: &headers, body }, control);
        let took = begun.elapsed().as_millis();
        let (method, url) = (request.method, &request.url);
        match answer {
            Ok(answer) => {
                let length = answer.length.map(|length| format!(", {length} bytes")).unwrap_or_default();
                log.note(&format!("{method} {url} answered {} after {took} ms{length}", answer.status));
                Ok(answer)
            }
            Err(error) => {
                let failure = Failure::of(error, control);
                log.note(&format!("{method} {url} failed after {took} ms: {}", failure.message));
                Err(failure)
            }
        }
    }
}

impl Executor for HttpExecutor {
    fn name(&self) -> &'static str {
        "http"
    }

    fn slot(&self) -> Slot {
        Slot::Connection
    }

    fn perform(&self, job: &Execute, place: &Place, control: &dyn Control) -> AttemptResult {
        let mut redaction = Redaction::default();
        match self.attempt(job, place, control, &mut redaction) {
            Ok(output) => AttemptResult { output: Some(output), ..AttemptResult::default() },
            Err(failure) => {
                // Messages are made of redacted parts; an address may still hold what nobody thought of.
                let message = redaction.text(&failure.message).into_owned();
                AttemptResult {
                    error: Some(AttemptError { kind: failure.kind, message }),
                    exit_code: failure.exit_code,
                    retry_after: failure.retry_after,
                    ..AttemptResult::default()
                }
            }
        }
    }
}

/// Why an attempt failed.
#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    message: String,
    /// 1 where the server said that there is no such thing: what a probe asks for.
    exit_code: Option<i32>,
    retry_after: Option<u64>,
}

impl Failure {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), exit_code: None, retry_after: None }
    }

    fn exit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Exit, message)
    }

    fn network(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Network, message)
    }

    fn schema(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Schema, message)
    }

    fn ended(reason: EndReason) -> Self {
        match reason {
            EndReason::Timeout => {
                Self::new(ErrorKind::Timeout, "its time was over before the answer was whole")
            }
            EndReason::Cancelled => Self::new(ErrorKind::Cancelled, "cancelled before the answer was whole"),
            EndReason::Paused => Self::new(ErrorKind::Cancelled, "paused before the answer was whole"),
        }
    }
}

/// The answer is there, and its status is not among those that are expected.
fn unexpected(request: &Request, answer: &mut Answer, reader: &answer::Reader<'_>) -> Failure {
    let status = answer.status;
    let reason = net::reason(status).map(|reason| format!(" {reason}")).unwrap_or_default();
    let mut message = format!("{} {} answered {status}{reason}", request.method, request.url);
    let excerpt = reader.excerpt(answer);
    if !excerpt.is_empty() {
        message.push_str(": ");
        message.push_str(&excerpt);
    }
    let kind = if status == 429 { ErrorKind::RateLimit } else { ErrorKind::Exit };
    let after = answer.header("retry-after").filter(|_| matches!(status, 429 | 503));
    Failure {
        exit_code: matches!(status, 404 | 410).then_some(1),
        retry_after: after.and_then(|after| wait::millis(after, now())),
        ..Failure::new(kind, message)
    }
}

/// Lets the server tell a repeated request from a new one. Headers take ASCII, and servers 255 bytes of it.
fn idempotency_key(key: &str) -> request::Header {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '%' | '\\');
    let mut value = String::new();
    for c in key.chars() {
        if plain(c) { value.push(c) } else { value.push_str(&net::parameter(c.encode_utf8(&mut [0; 4]))) }
    }
    if value.len() > 255 {
        value.truncate(190);
        value.push('-');
        value.push_str(&blake3::hash(key.as_bytes()).to_hex());
    }
    request::Header { name: "Idempotency-Key".to_owned(), value, private: false }
}

/// The span that the request is made in. Whoever is redirected to elsewhere is not told.
fn traced(trace: &str) -> request::Header {
    request::Header { name: "traceparent".to_owned(), value: trace.to_owned(), private: true }
}

/// The log of the attempt.
struct Log<'a> {
    writer: LogWriter,
    redaction: &'a Redaction,
}

impl Log<'_> {
    fn note(&mut self, text: &str) {
        self.writer.note(now(), &self.redaction.text(text));
        self.writer.flush();
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

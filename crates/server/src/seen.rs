//! What is known of a request while it is answered: for what is counted, and told in a line.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hyper::header::HeaderName;
use hyper::{HeaderMap, Method};
use serde_json::json;
use stead_engine::engine::Asker;
use stead_engine::log::{Level, Log};
use stead_engine::traces::{Request, Traces};

use crate::hooks;
use crate::limits;
use crate::routes::{BASE, Route};
use crate::watched::Watched;

/// Names a request, in its answer and in what is said of it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace that a request belongs to.
const TRACE: HeaderName = HeaderName::from_static("traceparent");

/// The path of a request, as the table has it: without what stands for a run, a name, a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    api: bool,
    path: &'static str,
}

impl At {
    /// A path at which there is nothing.
    pub(crate) const NOWHERE: Self = Self { api: false, path: "none" };

    /// A path outside of the API.
    pub(crate) const fn outside(path: &'static str) -> Self {
        Self { api: false, path }
    }

    /// That of a route.
    pub(crate) fn route(route: &Route) -> Self {
        Self { api: true, path: route.path }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.api { BASE } else { "" })?;
        f.write_str(self.path)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Since when.
    pub(crate) begun: Instant,
    /// Its method, as far as it is one of those that are known.
    pub(crate) method: &'static str,
    /// What it is called.
    pub(crate) id: String,
    /// The trace that it belongs to.
    parent: Option<String>,
    at: OnceLock<At>,
    who: OnceLock<String>,
    from: OnceLock<IpAddr>,
}

impl Seen {
    /// One that has just come. What a proxy calls it that is believed it is called here.
    pub(crate) fn new(method: &Method, headers: &HeaderMap, believed: bool) -> Self {
        let given = headers.get(REQUEST_ID).filter(|_| believed).and_then(|id| id.to_str().ok());
        let id = given.filter(|id| is_id(id)).map_or_else(next_id, str::to_owned);
        let parent = headers.get(TRACE).and_then(|parent| parent.to_str().ok()).map(str::to_owned);
        let (at, who, from) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { begun: Instant::now(), method: known(method), id, parent, at, who, from }
    }

    /// Who asks. It is looked up only where a line of this level would be said.
    pub(crate) fn is_by(&self, asker: &Asker, level: Level) {
        if asker.log().takes(level)
            && self.who.get().is_none()
            && let Ok(who) = asker.who()
        {
            // Said once, by whoever finds it.
            let _ = self.who.set(who);
        }
    }

    /// Where it comes from.
    pub(crate) fn is_from(&self, from: IpAddr) {
        let _ = self.from.set(from);
    }

    /// Says that it was answered.
    pub(crate) fn answered(&self, log: &Log, status: u16, code: Option<&str>) {
        let at = self.at();
        let level = match status {
            503 => Level::Warn,
            500.. => Level::Error,
            401 | 403 | 429 => Level::Warn,
            200..300 if Watched::is_at(at) => Level::Debug,
            _ => Level::Info,
        };
        if !log.takes(level) {
            return;
        }
        let event = if at == hooks::AT && status >= 300 { "webhook.refused" } else { "request" };
        let millis = self.begun.elapsed().as_micros();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a time of days is told to the microsecond all the same"
        )]
        let millis = millis as f64 / 1e3;
        let fields = [
            ("id", json!(self.id)),
            ("method", json!(self.method)),
            ("route", json!(at.to_string())),
            ("status", json!(status)),
            ("ms", json!(millis)),
            ("user", json!(self.who.get())),
            ("from", json!(self.from.get())),
            ("code", json!(code)),
        ];
        log.note(level, event, &fields);
    }

    /// Traces that it was answered. What is asked again and again is not worth it.
    pub(crate) fn traced(&self, traces: &Traces, status: u16) {
        let at = self.at();
        if !traces.is_on() || Watched::is_at(at) {
            return;
        }
        traces.request(&Request {
            method: self.method,
            route: (at != At::NOWHERE).then(|| at.to_string()),
            status,
            begun: self.begun,
            id: &self.id,
            parent: self.parent.as_deref(),
        });
    }

    /// Where it goes.
    pub(crate) fn is_at(&self, at: At) {
        // Said once, by whoever finds it.
        let _ = self.at.set(at);
    }

    /// Where it goes; nowhere, as long as that is not known.
    pub(crate) fn at(&self) -> At {
        self.at.get().copied().unwrap_or(At::NOWHERE)
    }
}

/// Whether a text may name a request: so many plain letters.
fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    (1..=limits::REQUEST_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// A name that no other request has: of this process by a number, and of others by when it began.
fn next_id() -> String {
    static PROCESS: OnceLock<String> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let process = PROCESS.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let hash = blake3::hash(format!("{} {}", std::process::id(), since.as_nanos()).as_bytes());
        hash.to_hex()[..8].to_owned()
    });
    format!("{process}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A method may be any word that a client likes.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_only_a_proxy_that_is_believed_names_a_request_and_in_plain_letters() {
        let named = |id: &str, believed: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, id.parse().unwrap());
            Seen::new(&Method::GET, &headers, believed).id
        };
        assert_eq!(named("7b-A_1.c", true), "7b-A_1.c");
        let long = "x".repeat(limits::REQUEST_ID + 1);
        for (id, believed) in [("7b", false), ("a b", true), ("a\"b", true), ("", true), (&long, true)] {
            let given = named(id, believed);
            assert!(given != id && is_id(&given), "{id} {given}");
        }
        assert_ne!(next_id(), next_id());
    }
}

//! One request to a server elsewhere, and its answer.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use serde::Deserialize;
use serde_json::Value;
use stead_core::effect::EndReason;

use super::error::{Older, RemoteError};
use super::words::PROTOCOL;
use super::{Inner, Remote};
use crate::error::EngineError;
use crate::executor::EndSwitch;
use crate::limits;
use crate::net::{Answer, Body, Call, CallError};
use crate::socket::{Fault, VERSION};

/// How often one who waits looks up.
const LOOK: Duration = Duration::from_millis(20);

/// A request.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// Beside who asks.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Content,
    pub(super) most: usize,
}

/// What a request carries.
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// All of a file, read as it is sent.
    File(File),
}

/// What came back.
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) retry_after: Option<u64>,
    pub(super) body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug)]
pub(super) enum Broken {
    /// There was no connection: nothing was sent.
    Unreached(RemoteError),
    /// It broke off: it may have been done.
    Off(String),
    /// Somebody does not want to wait any longer.
    GaveUp,
    /// It cannot be asked so, whenever.
    Wrong(RemoteError),
}

impl Inner {
    /// Sends a request; its answer is read by whoever asked.
    pub(super) fn call(
        &self,
        method: &'static str,
        path: &str,
        headers: &[(String, String)],
        body: Body<'_>,
        end: &EndSwitch,
    ) -> Result<Answer, Broken> {
        let server = || self.origin.clone();
        let mut all = headers.to_vec();
        if let Some(token) = &self.token {
            all.push(("authorization".to_owned(), format!("Bearer {}", token.reveal())));
        }
        let url = self.url.join(path).map_err(|why| {
            Broken::Wrong(RemoteError::Address { url: self.origin.clone(), why: format!("{why} ({path})") })
        })?;
        let connected = Arc::new(AtomicBool::new(false));
        let call = Call { method, url: &url, headers: &all, body };
        self.client.call_noting(call, end, &connected).map_err(|error| match error {
            CallError::Network(why) if why.starts_with("the head of the answer is larger") => {
                Broken::Wrong(RemoteError::TooLong { server: server(), most: limits::REMOTE_HEAD_BYTES })
            }
            CallError::Request(why) => Broken::Wrong(RemoteError::Unreachable { server: server(), why }),
            CallError::Network(why) if connected.load(Ordering::Relaxed) => Broken::Off(why),
            CallError::Network(why) => Broken::Unreached(match why.starts_with("no secure connection") {
                true => RemoteError::Tls { server: server(), why },
                false => RemoteError::Unreachable { server: server(), why },
            }),
        })
    }

    fn sent(&self, request: Request, end: &EndSwitch) -> Result<Told, Broken> {
        let Request { method, path, headers, body, most } = request;
        let answer = match body {
            Content::Bytes(bytes) => self.call(method, &path, &headers, Body::Bytes(&bytes), end)?,
            Content::File(file) => self.call(method, &path, &headers, Body::File(file), end)?,
        };
        let most = if answer.status < 400 { most } else { limits::REMOTE_PROBLEM_BYTES };
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        let retry_after = answer.header("retry-after").and_then(|wait| wait.parse().ok());
        let status = answer.status;
        let mut body = Vec::new();
        let mut reader = answer.body.take(most as u64 + 1);
        reader.read_to_end(&mut body).map_err(|error| {
            let (CallError::Network(why) | CallError::Request(why)) = self.client.cut_off(error);
            Broken::Off(why)
        })?;
        if body.len() > most {
            return Err(Broken::Wrong(RemoteError::TooLong { server: self.origin.clone(), most }));
        }
        Ok(Told { status, kind, retry_after, body })
    }
}

impl Remote {
    /// Sends a request and waits for its whole answer, as long as somebody wants to.
    pub(super) fn send(&self, request: Request, patience: &mut dyn FnMut() -> bool) -> Result<Told, Broken> {
        let wrong = |error: std::io::Error| {
            Broken::Wrong(RemoteError::Unreachable { server: self.0.origin.clone(), why: error.to_string() })
        };
        let end = Arc::new(EndSwitch::new().map_err(wrong)?);
        let (tell, told) = bounded(1);
        let (inner, ends) = (self.0.clone(), end.clone());
        let ask = move || {
            // Nobody waits any more only when it was given up.
            let _ = tell.send(inner.sent(request, &ends));
        };
        std::thread::Builder::new().name("remote".into()).spawn(ask).map_err(wrong)?;
        loop {
            match told.recv_timeout(LOOK) {
                Ok(told) => {
                    if told.is_ok() {
                        self.0.reached.store(true, Ordering::Relaxed);
                    }
                    return told;
                }
                Err(RecvTimeoutError::Timeout) if patience() => {}
                Err(RecvTimeoutError::Timeout) => {
                    end.end(EndReason::Cancelled);
                    return Err(Broken::GaveUp);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Broken::Off("the thread that asks is gone".to_owned()));
                }
            }
        }
    }

    /// Whether it has answered in this process.
    pub(crate) fn reached(&self) -> bool {
        self.0.reached.load(Ordering::Relaxed)
    }

    /// What a refusal means.
    pub(super) fn refused(&self, told: &Told) -> EngineError {
        #[derive(Deserialize)]
        struct Problem {
            code: String,
            detail: String,
            #[serde(default)]
            help: Option<String>,
            #[serde(default)]
            fault: Option<Value>,
            #[serde(default)]
            protocol: Option<u32>,
            #[serde(default)]
            release: Option<String>,
        }
        let problem = serde_json::from_slice::<Problem>(&told.body).ok();
        let Some(problem) = problem.filter(|_| told.kind.starts_with("application/problem+json")) else {
            return self.strange(told).into();
        };
        if let Some(fault) = problem.fault.and_then(|fault| serde_json::from_value::<Fault>(fault).ok()) {
            return fault.into();
        }
        let server = self.0.origin.clone();
        // A release that has no such route: the codes of paths and methods are as old as the server.
        if matches!(problem.code.as_str(), "H0201" | "H0202") {
            let why = "the server does not take operations at this path".to_owned();
            let theirs = "an older one".to_owned();
            return RemoteError::OtherRelease { server, theirs, why, older: Older::Server }.into();
        }
        if let Some(protocol) = problem.protocol {
            let theirs = problem.release.unwrap_or_default();
            let why = format!("it speaks the protocol {protocol}, this program {PROTOCOL}");
            let why = if protocol == PROTOCOL { problem.detail } else { why };
            let older = older(protocol, &theirs);
            return RemoteError::OtherRelease { server, theirs, why, older }.into();
        }
        let Problem { code, detail: message, help, .. } = problem;
        RemoteError::Refused { server, status: told.status, code, message, help }.into()
    }

    /// What came is not from Stead.
    pub(super) fn strange(&self, told: &Told) -> RemoteError {
        let kind: String = told.kind.chars().filter(|c| !c.is_control()).take(100).collect();
        let kind = if kind.is_empty() { "nothing that says its type".to_owned() } else { kind };
        let what = match told.status {
            300..400 => format!("it answers {} and sends on to somewhere else", told.status),
            status => format!("it answers {status} with {kind}"),
        };
        RemoteError::NotStead { server: self.0.origin.clone(), what }
    }
}

/// Which end is older, by the number of the protocol, else by the release.
pub(super) fn older(protocol: u32, theirs: &str) -> Older {
    let numbers = |release: &str| -> Option<Vec<u64>> {
        release.split(['-', '+']).next()?.split('.').map(|part| part.parse().ok()).collect()
    };
    match protocol.cmp(&PROTOCOL) {
        std::cmp::Ordering::Less => Older::Server,
        std::cmp::Ordering::Greater => Older::This,
        std::cmp::Ordering::Equal => match (numbers(theirs), numbers(VERSION)) {
            (Some(theirs), Some(ours)) if theirs < ours => Older::Server,
            (Some(theirs), Some(ours)) if theirs > ours => Older::This,
            _ => Older::Unknown,
        },
    }
}

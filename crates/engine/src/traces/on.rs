//! Where spans go.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use stead_core::Time;
use stead_core::effect::{AttemptId, Effect};
use stead_core::ids::{StreamId, StreamKind};
use stead_core::status::RunStatus;

use super::send::{Exporter, Leave};
use super::span::{self, Kind, Span};
use super::{About, Request, config};
use crate::driver::{Ended, Stepped, Written};
use crate::limits;
use crate::log::Log;
use crate::metrics::text::Counter;

/// Where spans go. Without a collector nowhere.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

struct Inner {
    spans: Sender<Span>,
    leave: Sender<Leave>,
    dropped: Arc<Counter>,
    /// Attempts that were handed out and have not ended, by run.
    open: Mutex<Opened>,
    /// Of what ids of requests are made: no other process has it.
    seed: String,
    next: AtomicU64,
}

/// Attempts that have not ended, by run, path and number.
type Opened = HashMap<StreamId, HashMap<(String, u32), Open>>;

/// An attempt that has not ended.
#[derive(Debug, Clone)]
struct Open {
    action: &'static str,
    begun: Time,
    about: About,
}

/// An event of a run, as far as it is about attempts. What is not looked at is not read either.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow)]
    path: Option<&'a RawValue>,
    #[serde(borrow)]
    number: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// What an attempt failed by.
#[derive(Deserialize)]
struct Failed {
    kind: String,
}

impl Traces {
    /// As the environment says: `OTEL_EXPORTER_OTLP_ENDPOINT` and its like.
    ///
    /// # Errors
    /// When something there cannot be understood: what. Or when no thread can be made.
    pub fn of_environment(get: impl Fn(&str) -> Option<String>, log: &Log) -> Result<Self, String> {
        let Some(config) = config::read(get)? else { return Ok(Self::default()) };
        let (traces, dropped, spans, leave) = Self::queue();
        let exporter = Exporter::new(config, spans, leave, dropped, log.clone());
        let thread = std::thread::Builder::new().name("traces".into()).spawn(move || exporter.run());
        thread.map_err(|error| format!("no thread can be made: {error}"))?;
        Ok(traces)
    }

    fn queue() -> (Self, Arc<Counter>, Receiver<Span>, Receiver<Leave>) {
        let (spans, queued) = bounded(limits::TRACE_QUEUE);
        let (leave, leaving) = bounded(1);
        let dropped = Arc::<Counter>::default();
        // Keys of a hash are drawn at random by the standard library.
        let seed = format!("{:x} {}", RandomState::new().hash_one(nanos()), std::process::id());
        let (open, next) = (Mutex::default(), AtomicU64::new(0));
        let inner = Inner { spans, leave, dropped: dropped.clone(), open, seed, next };
        (Self(Some(Arc::new(inner))), dropped, queued, leaving)
    }

    /// Whether spans go anywhere.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What a step of the driver has written and hands out.
    pub(crate) fn stepped(&self, stepped: &Stepped, now: Time, mut about: impl FnMut(&StreamId) -> About) {
        let Some(inner) = &self.0 else { return };
        for (effect, _) in &stepped.effects {
            if let Effect::Execute(job) = effect {
                // Asked now, for a run that ends with the attempt is not in memory then.
                let about = about(&job.attempt.stream);
                let open = Open { action: action(&job.executor), begun: now, about };
                let (run, key) = (job.attempt.stream.clone(), (job.attempt.path.clone(), job.attempt.number));
                inner.open().entry(run).or_default().entry(key).or_insert(open);
            }
        }
        for written in stepped.written.iter().filter(|written| written.stream.kind() == StreamKind::Run) {
            inner.written(written, &mut about);
        }
        for ended in &stepped.over {
            inner.over(ended, &mut about);
        }
        for run in &stepped.ended {
            inner.open().remove(run);
        }
    }

    /// What the program of an attempt is told, so that it goes on with the trace.
    pub(crate) fn parent(&self, attempt: &AttemptId, top: &StreamId) -> Option<String> {
        self.is_on().then(|| span::traceparent(span::trace_of(top), span::of_attempt(attempt)))
    }

    /// A request was answered. One of a trace that is not recorded is not either.
    pub fn request(&self, request: &Request<'_>) {
        let Some(inner) = &self.0 else { return };
        let parent = request.parent.and_then(span::read_traceparent);
        if parent.is_some_and(|(.., recorded)| !recorded) {
            return;
        }
        let new = format!("{} {}", inner.seed, inner.next.fetch_add(1, Ordering::Relaxed));
        let ended = nanos();
        inner.put(Span {
            trace: parent.map_or_else(|| span::first(&format!("trace {new}")), |(trace, ..)| trace),
            id: span::first(&format!("span {new}")),
            parent: parent.map(|(_, span, _)| span),
            kind: Kind::Server,
            name: match &request.route {
                Some(route) => format!("{} {route}", request.method),
                None => request.method.to_owned(),
            },
            begun: ended.saturating_sub(request.begun.elapsed().as_nanos()),
            ended,
            failed: request.status >= 500,
            attributes: vec![
                ("http.request.method", json!(request.method)),
                ("http.route", json!(request.route)),
                ("http.response.status_code", json!(request.status)),
                ("stead.request", json!(request.id)),
            ],
        });
    }

    /// Sends what waits, and waits for that no longer than a time.
    pub fn leave(&self, at_most: Duration) {
        let Some(inner) = &self.0 else { return };
        let (done, sent) = bounded(1);
        if inner.leave.try_send((Instant::now() + at_most, done)).is_ok() {
            // What is not sent by then is lost.
            let _ = sent.recv_timeout(at_most);
        }
    }
}

impl Inner {
    fn put(&self, span: Span) {
        if let Err(TrySendError::Full(_)) = self.spans.try_send(span) {
            self.dropped.one();
        }
    }

    fn open(&self) -> MutexGuard<'_, Opened> {
        // Whole after every step.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begins(&self, run: &StreamId, key: &(String, u32), at: Time) {
        if let Some(open) = self.open().get_mut(run).and_then(|attempts| attempts.get_mut(key)) {
            open.begun = at;
        }
    }

    fn written(&self, written: &Written, about: &mut impl FnMut(&StreamId) -> About) {
        // What does not look like that has no attempt in it that could be told of.
        let Ok(events) = serde_json::from_slice::<Vec<Told<'_>>>(&written.events) else { return };
        for event in events {
            if !event.kind.starts_with("attempt_") {
                continue;
            }
            let path = event.path.and_then(|path| serde_json::from_str::<String>(path.get()).ok());
            let number = event.number.and_then(|number| serde_json::from_str::<u32>(number.get()).ok());
            let (Some(path), Some(number)) = (path, number) else { continue };
            match event.kind {
                "attempt_started" | "attempt_began" => {
                    self.begins(&written.stream, &(path, number), written.at);
                }
                "attempt_ended" => {
                    let error =
                        event.error.and_then(|error| serde_json::from_str::<Failed>(error.get()).ok());
                    self.attempt(
                        written,
                        path,
                        number,
                        error.as_ref().map(|error| error.kind.as_str()),
                        about,
                    );
                }
                "attempt_lost" => self.attempt(written, path, number, Some("lost"), about),
                _ => {}
            }
        }
    }

    /// An attempt has ended.
    fn attempt(
        &self,
        written: &Written,
        path: String,
        number: u32,
        error: Option<&str>,
        about: &mut impl FnMut(&StreamId) -> About,
    ) {
        let run = &written.stream;
        let open = self.open().get_mut(run).and_then(|attempts| attempts.remove(&(path.clone(), number)));
        let (begun, action, About { top, workflow }) = match open {
            Some(Open { action, begun, about }) => (begun, Some(action), about),
            // An engine before this one has begun it, and only the end is known here.
            None => (written.at, None, about(run)),
        };
        let shown = span::bounded(&span::without_keys(&path));
        self.put(Span {
            trace: span::trace_of(&top),
            id: span::of_attempt(&AttemptId { stream: run.clone(), path, number }),
            parent: Some(span::of_run(run)),
            kind: Kind::Internal,
            name: shown.clone(),
            begun: of_millis(begun),
            ended: of_millis(written.at),
            failed: error.is_some(),
            attributes: vec![
                ("stead.run", json!(run)),
                ("stead.workflow", json!(span::bounded(&workflow))),
                ("stead.step", json!(shown)),
                ("stead.attempt", json!(number)),
                ("stead.action", json!(action)),
                ("stead.result", json!(if error.is_some() { "error" } else { "ok" })),
                ("error.type", json!(error)),
            ],
        });
    }

    /// A run has ended.
    fn over(&self, ended: &Ended, about: &mut impl FnMut(&StreamId) -> About) {
        let (run, head) = (&ended.run, &ended.head);
        if run.kind() != StreamKind::Run {
            return;
        }
        let workflow = span::bounded(&head.workflow);
        self.put(Span {
            trace: span::trace_of(&about(run).top),
            id: span::of_run(run),
            parent: head.parent.as_ref().map(span::of_run),
            kind: Kind::Internal,
            name: workflow.clone(),
            begun: of_millis(head.created_at),
            ended: of_millis(head.ended_at.unwrap_or(head.created_at)),
            failed: head.status == RunStatus::Failed,
            attributes: vec![
                ("stead.run", json!(run)),
                ("stead.workflow", json!(workflow)),
                ("stead.status", json!(head.status)),
                ("stead.outcome", json!(head.outcome)),
            ],
        });
    }
}

/// What an executor is called in definitions.
fn action(executor: &str) -> &'static str {
    let known = crate::metrics::ACTIONS.iter().find(|(_, name)| *name == executor);
    known.map_or("other", |(action, _)| action)
}

fn of_millis(time: Time) -> u128 {
    u128::try_from(time).unwrap_or(0) * 1_000_000
}

fn nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_nobody_waits_for_a_collector_and_what_is_dropped_is_counted() {
        let (traces, dropped, spans, _leave) = Traces::queue();
        let asked = |parent: Option<&'static str>| Request {
            method: "GET",
            route: None,
            status: 200,
            begun: Instant::now(),
            id: "x",
            parent,
        };
        for _ in 0..limits::TRACE_QUEUE + 10 {
            traces.request(&asked(None));
        }
        assert_eq!((dropped.get(), spans.len()), (10, limits::TRACE_QUEUE));
        let ids: std::collections::HashSet<[u8; 8]> = spans.try_iter().map(|span| span.id).collect();
        assert_eq!(ids.len(), limits::TRACE_QUEUE, "each has its own");
        traces.request(&asked(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")));
        assert!(spans.is_empty(), "whoever asks does not record it");
    }
}

//! Traces: runs, attempts and requests as spans, sent to a collector of OpenTelemetry (OTLP over HTTP, as JSON).
//!
//! What is sent says what happened, how long it took, and how it ended: names and numbers, and no value of anybody. Ids are
//! made from those of runs, so that the next engine goes on with the trace of a run that this one began. Nobody waits for a
//! collector: spans go through a queue, and what does not fit into it is dropped and counted. All of it is compiled in by the
//! feature `otel`; without it nothing is traced.

#[cfg(feature = "otel")]
mod config;
#[cfg(feature = "otel")]
mod on;
#[cfg(feature = "otel")]
mod send;
#[cfg(feature = "otel")]
mod span;
#[cfg(not(feature = "otel"))]
mod without;

use std::time::Instant;

use stead_core::ids::StreamId;

#[cfg(feature = "otel")]
pub use on::Traces;
#[cfg(not(feature = "otel"))]
pub use without::Traces;

/// What is said of the run of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// The run at the top of those that started it: all of them are one trace.
    pub(crate) top: StreamId,
    /// The name of its workflow.
    pub(crate) workflow: String,
}

/// A request that was answered.
#[derive(Debug)]
pub struct Request<'a> {
    /// One of those that are known.
    pub method: &'static str,
    /// The path as the table of routes has it; none, where there is nothing at it.
    pub route: Option<String>,
    /// What was answered.
    pub status: u16,
    /// Since when.
    pub begun: Instant,
    /// What the request is called.
    pub id: &'a str,
    /// The trace that it belongs to, as `traceparent` has it.
    pub parent: Option<&'a str>,
}

//! What the server counts: requests, and who is not let in.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stead_engine::metrics::text::{Counter, Family, Kind, Text, Times};

use crate::seen::{At, Seen};

/// Upper ends for the times of requests, in microseconds.
const TIMES: &[u64] = &[
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// Classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Statuses of those who were not let in.
const REFUSED: [(u16, &str); 3] = [(401, "401"), (403, "403"), (429, "429")];

static REQUESTS: Family = Family {
    name: "stead_http_requests_total",
    kind: Kind::Counter,
    labels: &["method", "route", "status"],
    help: "Requests that were answered",
};
static DURATION: Family = Family {
    name: "stead_http_request_duration_seconds",
    kind: Kind::Histogram,
    labels: &["method", "route"],
    help: "Time to the answer; of live events to its beginning",
};
static NOT_LET_IN: Family = Family {
    name: "stead_http_refused_total",
    kind: Kind::Counter,
    labels: &["status"],
    help: "Requests of those who were not let in, or told to wait",
};
static WEBHOOKS: Family = Family {
    name: "stead_webhooks_total",
    kind: Kind::Counter,
    labels: &["result"],
    help: "Requests of webhooks that were taken, and that were not",
};
static CONNECTIONS: Family = Family {
    name: "stead_http_connections",
    kind: Kind::Gauge,
    labels: &[],
    help: "Connections that are open, but for those of live events",
};
static TOO_MANY: Family = Family {
    name: "stead_http_connections_refused_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Connections beyond as many as may be",
};
static STREAMS: Family =
    Family { name: "stead_http_streams", kind: Kind::Gauge, labels: &[], help: "Connections of live events" };

/// All that the server tells, beside what its engine does.
pub static FAMILIES: &[&Family] =
    &[&REQUESTS, &DURATION, &NOT_LET_IN, &WEBHOOKS, &CONNECTIONS, &TOO_MANY, &STREAMS];

/// Requests of a method at a path.
#[derive(Debug)]
struct Row {
    classes: [Counter; CLASSES.len()],
    times: Times,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// As many as there are routes and methods at most, for what is no route is counted as one.
    rows: Mutex<BTreeMap<(At, &'static str), Row>>,
    refused: [Counter; REFUSED.len()],
    hooks_taken: Counter,
    hooks_refused: Counter,
    too_many: Counter,
}

/// How many places are taken.
pub(crate) struct Taken {
    pub(crate) connections: usize,
    pub(crate) streams: usize,
}

impl Counts {
    /// A request was answered.
    pub(crate) fn answered(&self, seen: &Seen, status: u16, time: Duration) {
        let at = seen.at();
        if let Some(place) = REFUSED.iter().position(|(refused, _)| *refused == status) {
            self.refused[place].one();
        }
        if at == crate::hooks::AT {
            match status {
                200..300 => self.hooks_taken.one(),
                _ => self.hooks_refused.one(),
            }
        }
        // Connections are answered by one thread, so nobody waits here but for who reads the numbers.
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Row { classes: Default::default(), times: Times::new(TIMES) };
        let row = rows.entry((at, seen.method)).or_insert_with(new);
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        row.classes[class].one();
        row.times.note(time);
    }

    /// A connection was refused, for there are too many.
    pub(crate) fn one_too_many(&self) {
        self.too_many.one();
    }

    /// All of it, as text.
    pub(crate) fn told(&self, taken: &Taken) -> String {
        let mut text = Text::new();
        {
            let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let mut requests = text.family(&REQUESTS);
            for ((at, method), row) in &*rows {
                let at = at.to_string();
                for (class, count) in CLASSES.iter().zip(&row.classes).filter(|(_, count)| count.get() > 0) {
                    requests.number(&[method, &at, class], count.get());
                }
            }
            let mut times = text.family(&DURATION);
            for ((at, method), row) in &*rows {
                times.times(&[method, &at.to_string()], &row.times);
            }
        }
        let mut refused = text.family(&NOT_LET_IN);
        for ((_, status), count) in REFUSED.iter().zip(&self.refused) {
            refused.number(&[status], count.get());
        }
        text.family(&WEBHOOKS)
            .number(&["taken"], self.hooks_taken.get())
            .number(&["refused"], self.hooks_refused.get());
        text.family(&CONNECTIONS).number(&[], taken.connections);
        text.family(&TOO_MANY).number(&[], self.too_many.get());
        text.family(&STREAMS).number(&[], taken.streams);
        text.into_string()
    }
}

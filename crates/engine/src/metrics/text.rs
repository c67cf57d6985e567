//! The text format that Prometheus and whatever understands it reads, version 0.0.4. Names are such that OpenMetrics
//! takes them as well: what only grows ends with `_total`.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The media type of the text.
pub const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is told under one name.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What its numbers do.
    pub kind: Kind,
    /// Names of its labels. The values of each are words of a list in the code, never a name or an id of somebody's.
    pub labels: &'static [&'static str],
    /// What it means, in a line.
    pub help: &'static str,
}

/// What numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, from 0 when the process begins.
    Counter,
    /// They are as they are.
    Gauge,
    /// They are spread over ranges.
    Histogram,
}

impl Kind {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        // Nothing else is read by it.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Times, by fixed ranges.
#[derive(Debug)]
pub struct Times {
    /// The upper ends, in microseconds.
    ends: &'static [u64],
    /// How many fell into each; the last is of those above all.
    counts: Box<[Counter]>,
    nanos: Counter,
}

impl Times {
    /// None yet; the upper ends are in microseconds, the smallest first.
    pub fn new(ends: &'static [u64]) -> Self {
        Self {
            ends,
            counts: (0..=ends.len()).map(|_| Counter::default()).collect(),
            nanos: Counter::default(),
        }
    }

    /// One more.
    pub fn note(&self, time: Duration) {
        let micros = time.as_nanos().div_ceil(1_000);
        let at = self.ends.partition_point(|end| u128::from(*end) < micros);
        if let Some(count) = self.counts.get(at) {
            count.one();
        }
        self.nanos.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many were noted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(Counter::get).sum()
    }
}

/// A text that grows.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Nothing told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a family; its numbers follow. One without any is told of as well, so that whoever reads knows it.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let Family { name, kind, help, .. } = family;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
        Samples { text: self, family }
    }

    /// What was told.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The numbers of a family.
pub struct Samples<'t> {
    text: &'t mut Text,
    family: &'static Family,
}

impl Samples<'_> {
    /// A number; `values` are those of the labels, in order.
    pub fn number(&mut self, values: &[&str], number: impl std::fmt::Display) -> &mut Self {
        self.line("", values, None, number);
        self
    }

    /// Times.
    pub fn times(&mut self, values: &[&str], times: &Times) -> &mut Self {
        let mut sum = 0;
        let counts: Vec<u64> = times.counts.iter().map(Counter::get).collect();
        for (end, count) in times.ends.iter().zip(&counts) {
            sum += count;
            self.line("_bucket", values, Some(&seconds(*end * 1_000)), sum);
        }
        // The same numbers as in the lines above, whatever has come meanwhile.
        sum += counts.last().copied().unwrap_or(0);
        self.line("_bucket", values, Some("+Inf"), sum);
        self.line("_sum", values, None, seconds(times.nanos.get()));
        self.line("_count", values, None, sum);
        self
    }

    fn line(&mut self, suffix: &str, values: &[&str], end: Option<&str>, number: impl std::fmt::Display) {
        debug_assert_eq!(values.len(), self.family.labels.len(), "{}", self.family.name);
        let text = &mut self.text.0;
        text.push_str(self.family.name);
        text.push_str(suffix);
        let labels = self.family.labels.iter().copied().zip(values.iter().copied());
        let labels = labels.chain(end.map(|end| ("le", end)));
        for (at, (name, value)) in labels.clone().enumerate() {
            text.push(if at == 0 { '{' } else { ',' });
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(text, "{name}=\"{value}\"");
        }
        if labels.count() > 0 {
            text.push('}');
        }
        let _ = writeln!(text, " {number}");
    }
}

/// Nanoseconds as seconds.
pub fn seconds(nanos: u64) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time of months is told to the microsecond all the same"
    )]
    let seconds = nanos as f64 / 1e9;
    seconds.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    static NUMBERS: Family =
        Family { name: "x_total", kind: Kind::Counter, labels: &["who"], help: "A \\ and\na line" };
    static TIMES: Family =
        Family { name: "x_seconds", kind: Kind::Histogram, labels: &["who"], help: "Times" };

    #[test]
    fn numbers_are_told_with_their_labels_escaped() {
        let mut text = Text::new();
        text.family(&NUMBERS).number(&["a\"b\\c\nd"], 3);
        assert_eq!(
            text.into_string(),
            "# HELP x_total A \\\\ and\\na line\n# TYPE x_total counter\nx_total{who=\"a\\\"b\\\\c\\nd\"} 3\n"
        );
    }

    #[test]
    fn times_are_told_by_ranges_that_hold_each_other() {
        let times = Times::new(&[500, 2_500]);
        for micros in [500, 501, 2_500, 2_501, 9_000_000] {
            times.note(Duration::from_micros(micros));
        }
        // A range has its upper end in it, and nothing above that.
        times.note(Duration::from_nanos(2_500_001));
        let mut text = Text::new();
        text.family(&TIMES).times(&["a"], &times);
        let told = text.into_string();
        let lines: Vec<&str> = told.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "x_seconds_bucket{who=\"a\",le=\"0.0005\"} 1",
                "x_seconds_bucket{who=\"a\",le=\"0.0025\"} 3",
                "x_seconds_bucket{who=\"a\",le=\"+Inf\"} 6",
                "x_seconds_sum{who=\"a\"} 9.008502001",
                "x_seconds_count{who=\"a\"} 6",
            ]
        );
        assert_eq!(times.count(), 6);
    }
}

//! A span, and how it is written: the JSON of OTLP 1.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;

use crate::limits::TRACE_TEXT;

/// What a span is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// In nanoseconds since 1970.
    pub(super) begun: u128,
    pub(super) ended: u128,
    pub(super) failed: bool,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

/// The trace of a run that no other has started.
pub(super) fn trace_of(top: &StreamId) -> [u8; 16] {
    first(&format!("stead trace\n{top}"))
}

/// The span of a run.
pub(super) fn of_run(run: &StreamId) -> [u8; 8] {
    first(&format!("stead run\n{run}"))
}

/// That of an attempt.
pub(super) fn of_attempt(attempt: &AttemptId) -> [u8; 8] {
    first(&format!("stead attempt\n{attempt}"))
}

/// The first bytes of a hash.
pub(super) fn first<const N: usize>(text: &str) -> [u8; N] {
    let hash = blake3::hash(text.as_bytes());
    std::array::from_fn(|at| hash.as_bytes()[at])
}

/// A path without the keys of items, which are values.
pub(super) fn without_keys(path: &str) -> String {
    let mut within = false;
    let keep = |c: &char| {
        let kept = !within || *c == ']';
        within = if *c == '[' { true } else { within && *c != ']' };
        kept
    };
    // A key has no brackets of its own: they are encoded.
    path.chars().filter(keep).collect()
}

/// A text, no longer than what is sent of one.
pub(super) fn bounded(text: &str) -> String {
    match text.char_indices().nth(TRACE_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a program is told of the span that it works for.
pub(super) fn traceparent(trace: [u8; 16], span: [u8; 8]) -> String {
    format!("00-{}-{}-01", hex(&trace), hex(&span))
}

/// What a header of that name says: trace, span, and whether it is recorded. `None`: it says nothing that could be understood.
pub(super) fn read_traceparent(text: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let text = text.trim();
    let (known, more) = text.split_at_checked(55)?;
    let mut parts = known.split('-');
    let [version] = bytes(parts.next()?)?;
    let (trace, span): ([u8; 16], [u8; 8]) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
    let [flags] = bytes(parts.next()?)?;
    let fits = match version {
        0 => more.is_empty(),
        255 => false,
        // What a later one says more stands behind.
        _ => more.is_empty() || more.starts_with('-'),
    };
    let given = trace != [0; 16] && span != [0; 8];
    (fits && given && parts.next().is_none()).then_some((trace, span, flags & 1 == 1))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut all = [0; N];
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    for (byte, pair) in all.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? * 16 + digit(pair[1])?;
    }
    Some(all)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Into a text nothing fails.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Attributes as they are sent. What is not known is left out.
pub(super) fn attributes<'a>(all: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Value {
    let one = |(key, value): (&str, &Value)| {
        let value = match value {
            Value::Null => return None,
            Value::Number(number) => json!({"intValue": number.to_string()}),
            Value::Bool(flag) => json!({"boolValue": flag}),
            Value::String(text) => json!({"stringValue": text}),
            other => json!({"stringValue": other.to_string()}),
        };
        Some(json!({"key": key, "value": value}))
    };
    all.into_iter().filter_map(one).collect()
}

impl Span {
    fn json(&self) -> Value {
        let mut span = json!({
            "traceId": hex(&self.trace),
            "spanId": hex(&self.id),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": self.begun.min(self.ended).to_string(),
            "endTimeUnixNano": self.ended.to_string(),
            "attributes": attributes(self.attributes.iter().map(|(key, value)| (*key, value))),
        });
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = hex(parent).into();
        }
        if self.failed {
            // Without what is said of it, in which values may stand.
            span["status"] = json!({"code": 2});
        }
        span
    }
}

/// What is sent.
pub(super) fn request(resource: &Value, spans: &[Span]) -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "stead", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans.iter().map(Span::json).collect::<Vec<_>>(),
        }],
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_where_what_is_said_of_it_is_understood() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (trace, span, recorded) = read_traceparent(text).unwrap();
        assert!(recorded);
        assert_eq!(traceparent(trace, span), text);
        assert!(!read_traceparent(&text.replace("-01", "-00")).unwrap().2);
        assert!(read_traceparent(&format!("{}-more", text.replacen("00", "01", 1))).is_some());
        for wrong in [
            "",
            "00",
            &text[..54],
            &format!("{text}-more"),
            &text.to_uppercase(),
            &text.replacen("00", "ff", 1),
            &text.replacen("00-", "0-0", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            &"é".repeat(40),
        ] {
            assert_eq!(read_traceparent(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn p9_keys_of_items_are_in_no_path() {
        assert_eq!(without_keys("all[ana@example.org]/draft#3"), "all[]/draft#3");
        assert_eq!(without_keys("a[x]/b[y%5D]/c!undo"), "a[]/b[]/c!undo");
        assert_eq!(without_keys("plain/path~2"), "plain/path~2");
    }

    #[test]
    fn p11_texts_of_spans_are_bounded() {
        let long = "é".repeat(TRACE_TEXT);
        assert_eq!(bounded(&long), long);
        assert_eq!(bounded(&format!("{long}xx")).chars().count(), TRACE_TEXT + 1);
    }

    #[test]
    fn ids_are_those_of_the_run_whoever_makes_them() {
        let run = StreamId::new("r_0000000000000001");
        let attempt = AttemptId { stream: run.clone(), path: "a".into(), number: 1 };
        // Programs and other engines have these: they stay.
        let text = traceparent(trace_of(&run), of_attempt(&attempt));
        assert_eq!(text, "00-1e6c25cd66da606fef47441fa1895f0c-9d63c0f039071b31-01");
        assert_eq!(hex(&of_run(&run)), "0c98605a46d910f4");
    }
}

//! From bytes to values: what `parse` says of what a program printed, a file holds, or a server answered.

use serde_json::Value;

use crate::redact::Redaction;

/// Characters shown of what does not parse, to each side.
const EXCERPT: usize = 40;

/// What editors of another system put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Text that must be UTF-8. `help` says what to do with what is none.
pub(super) fn text(what: &str, bytes: Vec<u8>, help: &str) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{what} is no UTF-8 text (at byte {at}): {help}")
    })
}

/// The lines of a text, without their breaks. A break at the end begins no further line.
pub(super) fn lines(text: &str) -> Value {
    if text.is_empty() {
        return Value::Array(Vec::new());
    }
    let text = without_last_break(text);
    text.split('\n').map(|line| Value::from(line.strip_suffix('\r').unwrap_or(line))).collect()
}

/// One line break, not all: programs end their output with one, and more are meant.
pub(super) fn without_last_break(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}

/// The value of a JSON text, redacted.
pub(super) fn json(what: &str, bytes: &[u8], redaction: &Redaction) -> Result<Value, String> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(format!("{what} is empty, and `parse: json` expects a value"));
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            redaction.value(&mut value);
            Ok(value)
        }
        Err(error) => Err(describe(what, bytes, &error, redaction)),
    }
}

/// What is wrong with JSON: the position, and what stands there.
pub(super) fn describe(what: &str, bytes: &[u8], error: &serde_json::Error, redaction: &Redaction) -> String {
    // serde_json adds the position itself; without it the reason stays.
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or(&reason);
    let mut message =
        format!("{what} is not JSON: {reason} at line {}, column {}", error.line(), error.column());
    let excerpt = if redaction.is_in(bytes) {
        // An excerpt could cut a secret in two and show half of it: cut what was redacted instead.
        let redacted = redaction.bytes(bytes);
        match serde_json::from_slice::<Value>(&redacted) {
            Err(error) => excerpt(&redacted, &error),
            Ok(_) => String::new(),
        }
    } else {
        excerpt(bytes, error)
    };
    if !excerpt.is_empty() {
        message.push_str(": ");
        message.push_str(&excerpt);
    }
    message
}

/// The surroundings of an error, with `⟨here⟩` at its place.
fn excerpt(bytes: &[u8], error: &serde_json::Error) -> String {
    let line = bytes.split(|&b| b == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let at = error.column().saturating_sub(1).min(line.len());
    let (before, after) = line.split_at(at);
    let before = String::from_utf8_lossy(&before[before.len().saturating_sub(4 * EXCERPT)..]).into_owned();
    let after = String::from_utf8_lossy(&after[..after.len().min(4 * EXCERPT)]).into_owned();
    let skip = before.chars().count().saturating_sub(EXCERPT);
    let shown: String =
        before.chars().skip(skip).chain("⟨here⟩".chars()).chain(after.chars().take(EXCERPT)).collect();
    shown.trim().replace(|c: char| c.is_control(), " ")
}

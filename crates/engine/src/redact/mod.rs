//! Redaction: the text of secrets is replaced by `***` in all that comes back from an attempt.
//!
//! A secret is found as it is and in the forms in which programs show it by accident: escaped in JSON, in a
//! URL, quoted by `set -x`, as base64 (at any of the three alignments, so also inside `user:token`), as hex,
//! and line by line. It is found across the borders of reads. A program that sets out to disguise a secret
//! (reverses it, prints it letter by letter) is not stopped.

mod forms;
mod stream;

pub use stream::RedactStream;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::secrets::SecretString;

/// What stands in the place of a secret.
pub const MARK: &str = "***";

/// The texts to redact, ready for searching. Cheap to clone.
#[derive(Clone)]
pub struct Redaction(Arc<Patterns>);

/// Patterns by their first byte, the longest first.
struct Patterns {
    by_first: Vec<Vec<Box<[u8]>>>,
    count: usize,
}

/// What is at one place of a text.
enum Found {
    /// Nothing begins here.
    Nothing,
    /// A pattern of this length.
    Match(usize),
    /// The text ends within what may become a pattern.
    Open,
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redaction({} patterns)", self.0.count)
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Redaction {
    /// For these secrets.
    pub fn of(secrets: &[SecretString]) -> Self {
        let mut forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms::of(secret.expose())).collect();
        forms.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        let count = forms.len();
        let mut by_first = if count == 0 { Vec::new() } else { vec![Vec::new(); 256] };
        for form in forms {
            by_first[usize::from(form[0])].push(form.into_boxed_slice());
        }
        Self(Arc::new(Patterns { by_first, count }))
    }

    /// Whether there is nothing to redact.
    pub fn is_empty(&self) -> bool {
        self.0.count == 0
    }

    /// Redacts bytes as they go by.
    pub fn stream(&self) -> RedactStream {
        RedactStream::new(self.clone())
    }

    /// Redacts bytes that are all there.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if !self.is_in(bytes) {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut stream = self.stream();
        stream.push(bytes, &mut out);
        stream.finish(&mut out);
        Cow::Owned(out)
    }

    /// Redacts a text.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // All patterns are text, so what is left between them is text as well.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Redacts a value: texts, keys, and numbers that spell a secret (they become text).
    pub fn value(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                if self.is_in(text.as_bytes()) {
                    *value = Value::String(self.text(&text).into_owned());
                }
            }
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.text(text) {
                    *text = redacted;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(map) => {
                if map.keys().any(|key| self.is_in(key.as_bytes())) {
                    *map = std::mem::take(map)
                        .into_iter()
                        .map(|(key, item)| (self.text(&key).into_owned(), item))
                        .collect::<Map<_, _>>();
                }
                map.values_mut().for_each(|item| self.value(item));
            }
        }
    }

    /// Whether any form of a secret is in these bytes.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        !self.is_empty() && (0..bytes.len()).any(|at| matches!(self.find(bytes, at, true), Found::Match(_)))
    }

    /// What begins at a place. `last`: no more bytes will come.
    fn find(&self, bytes: &[u8], at: usize, last: bool) -> Found {
        let rest = &bytes[at..];
        for pattern in &self.0.by_first[usize::from(bytes[at])] {
            if rest.starts_with(pattern) {
                return Found::Match(pattern.len());
            }
            // Longest first: an open longer one goes before a shorter one that is all there.
            if !last && pattern.starts_with(rest) {
                return Found::Open;
            }
        }
        Found::Nothing
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redaction(secrets: &[&str]) -> Redaction {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::new("S", s).unwrap()).collect();
        Redaction::of(&secrets)
    }

    #[test]
    fn values_are_redacted_in_all_their_parts() {
        let redaction = redaction(&["12345678", "hunter22"]);
        let mut value = json!({
            "text": "token=hunter22.", "hunter22": 1, "number": 12345678, "list": [["ahunter22b"], true, null],
        });
        redaction.value(&mut value);
        assert_eq!(
            value,
            json!({"text": "token=***.", "***": 1, "number": "***", "list": [["a***b"], true, null]})
        );
    }

    #[test]
    fn text_between_secrets_stays_text() {
        let redaction = redaction(&["gehëim"]);
        assert_eq!(redaction.text("ä gehëim ö"), "ä *** ö");
        assert!(matches!(redaction.text("äöü"), Cow::Borrowed(_)));
        assert!(Redaction::default().is_empty());
        assert_eq!(Redaction::default().text("hunter22"), "hunter22");
    }

    #[test]
    fn debug_output_tells_nothing() {
        assert!(!format!("{:?}", redaction(&["hunter22"])).contains("hunter22"));
    }
}

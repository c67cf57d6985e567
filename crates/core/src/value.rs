//! Values by reference.
//!
//! A value stands in one place only: in the state when it is tiny, in the event that made it, or in a file
//! by hash. Everywhere else there is a [`ValueRef`]. The same reference always means the same bytes, which
//! keeps evaluation pure although the host loads values as they are asked for.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits;
use crate::run::{FilePut, Find, Found};

/// A value as an event carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// The value itself.
    Value(Value),
    /// A file by hash that holds its JSON; written and synced before the commit that names it.
    File {
        /// blake3, 64 hex digits.
        hash: String,
        /// Bytes of JSON.
        size: u64,
    },
}

impl Payload {
    /// A value as it is carried where so many bytes have room; what has none is a file, to be written before the commit
    /// that names it.
    pub(crate) fn of(value: Value, room: usize, values: &mut Values, files: &mut Vec<FilePut>) -> Self {
        if json_len(&value, room).is_some() {
            return Payload::Value(value);
        }
        let bytes = value.to_string().into_bytes();
        let hash = blake3::hash(&bytes).to_hex().to_string();
        let size = bytes.len() as u64;
        values.put(ValueRef::File { hash: hash.clone() }, value);
        files.push(FilePut { hash: hash.clone(), bytes });
        Payload::File { hash, size }
    }
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRef {
    /// Here.
    Inline(Value),
    /// In an event of the own journal.
    Event {
        /// Number of the event.
        seq: u64,
        /// JSON pointer within the event.
        at: Cow<'static, str>,
    },
    /// In a file by hash.
    File {
        /// blake3, 64 hex digits.
        hash: String,
    },
    /// A line of a file by hash; its value is there or why there is none, see [`Values::put_line`].
    Line {
        /// blake3, 64 hex digits.
        hash: String,
        /// Position among the lines that are not blank, from 0.
        index: u32,
    },
}

impl ValueRef {
    /// The reference to a payload of event `seq`, at `at` in it.
    pub fn to(payload: &Payload, seq: u64, at: impl FnOnce() -> Cow<'static, str>) -> ValueRef {
        match payload {
            Payload::File { hash, .. } => ValueRef::File { hash: hash.clone() },
            Payload::Value(value) if json_len(value, limits::INLINE_BYTES).is_some() => {
                ValueRef::Inline(value.clone())
            }
            Payload::Value(_) => ValueRef::Event { seq, at: at() },
        }
    }
}

/// Values that were loaded, by their reference. Filled by the host, and by turns with what they make.
#[derive(Debug, Default)]
pub struct Values {
    events: HashMap<(u64, Cow<'static, str>), Value>,
    files: HashMap<String, Value>,
    found: HashMap<Find, Vec<Found>>,
    newest: HashMap<String, Result<String, String>>,
    lines: HashMap<(String, u32), Result<Value, String>>,
    counts: HashMap<String, Result<u32, String>>,
    bytes: usize,
}

impl Values {
    /// The value, if it is at hand.
    pub fn get<'a>(&'a self, reference: &'a ValueRef) -> Option<&'a Value> {
        match reference {
            ValueRef::Inline(value) => Some(value),
            ValueRef::Event { seq, at } => self.events.get(&(*seq, at.clone())),
            ValueRef::File { hash } => self.files.get(hash),
            ValueRef::Line { hash, index } => self.line(hash, *index).and_then(|line| line.as_ref().ok()),
        }
    }

    /// A line of a file, if it is at hand: its value, or why it has none.
    pub fn line(&self, hash: &str, index: u32) -> Option<&Result<Value, String>> {
        self.lines.get(&(hash.to_owned(), index))
    }

    /// Takes in a line of a file: its value, or why it is none.
    pub fn put_line(&mut self, hash: String, index: u32, line: Result<Value, String>) {
        let size = line.as_ref().map_or(32, weight);
        if self.lines.insert((hash, index), line).is_none() {
            self.bytes += size;
        }
    }

    /// Forgets a line that nobody reads any more.
    pub(crate) fn drop_line(&mut self, hash: &str, index: u32) {
        if let Some(line) = self.lines.remove(&(hash.to_owned(), index)) {
            self.bytes = self.bytes.saturating_sub(line.as_ref().map_or(32, weight));
        }
    }

    /// Takes in how many lines a file has, or why it cannot be read line by line.
    pub fn put_count(&mut self, hash: String, count: Result<u32, String>) {
        self.counts.insert(hash, count);
    }

    /// How many lines a file has.
    pub(crate) fn count(&self, hash: &str) -> Option<&Result<u32, String>> {
        self.counts.get(hash)
    }

    /// Takes a value in. Inline references hold theirs already.
    pub fn put(&mut self, reference: ValueRef, value: Value) {
        let size = weight(&value);
        let before = match reference {
            ValueRef::Inline(_) => return,
            ValueRef::Event { seq, at } => self.events.insert((seq, at), value),
            ValueRef::File { hash } => self.files.insert(hash, value),
            ValueRef::Line { hash, index } => return self.put_line(hash, index, Ok(value)),
        };
        if before.is_none() {
            self.bytes += size;
        }
    }

    /// Takes in runs that were looked up.
    pub fn put_found(&mut self, find: Find, found: Vec<Found>) {
        self.found.insert(find, found);
    }

    /// Runs that were looked up. They are of that moment, so they are given out once.
    pub(crate) fn take_found(&mut self, find: &Find) -> Option<Vec<Found>> {
        self.found.remove(find)
    }

    /// Takes in the newest revision of a workflow of the library, or why there is none to run.
    pub fn put_newest(&mut self, workflow: String, revision: Result<String, String>) {
        self.newest.insert(workflow, revision);
    }

    /// The newest revision of a workflow. It is of that moment, so it is given out once.
    pub(crate) fn take_newest(&mut self, workflow: &str) -> Option<Result<String, String>> {
        self.newest.remove(workflow)
    }

    /// Roughly how much memory the values take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all: they are asked for again.
    pub fn clear(&mut self) {
        *self = Values::default();
    }
}

/// Length of the compact JSON text, or `None` when it is longer than `cap`. Stops counting there.
pub fn json_len(value: &Value, cap: usize) -> Option<usize> {
    let mut left = cap;
    spend(value, &mut left)?;
    Some(cap - left)
}

fn spend(value: &Value, left: &mut usize) -> Option<()> {
    let take = |n: usize, left: &mut usize| -> Option<()> {
        *left = left.checked_sub(n)?;
        Some(())
    };
    match value {
        Value::Null | Value::Bool(true) => take(4, left),
        Value::Bool(false) => take(5, left),
        Value::Number(n) => take(n.as_i64().map_or(20, digits), left),
        Value::String(s) => take(text_len(s), left),
        Value::Array(items) => {
            take(2 + items.len().saturating_sub(1), left)?;
            items.iter().try_for_each(|item| spend(item, left))
        }
        Value::Object(map) => {
            take(2 + map.len().saturating_sub(1), left)?;
            map.iter().try_for_each(|(key, item)| {
                take(text_len(key) + 1, left)?;
                spend(item, left)
            })
        }
    }
}

fn digits(n: i64) -> usize {
    let sign = usize::from(n < 0);
    sign + n.unsigned_abs().checked_ilog10().map_or(1, |d| d as usize + 1)
}

fn text_len(text: &str) -> usize {
    let escapes = text.bytes().map(|b| match b {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
        0..=31 => 5,
        _ => 0,
    });
    text.len() + 2 + escapes.sum::<usize>()
}

/// Roughly how much memory a value takes.
fn weight(value: &Value) -> usize {
    let inner = match value {
        Value::String(s) => s.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(map) => map.iter().map(|(k, v)| k.len() + 48 + weight(v)).sum(),
        _ => 0,
    };
    32 + inner
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn length_is_that_of_the_text() {
        for value in [
            json!(null),
            json!([true, false, 0, -1, 10, 99, 100, -1000]),
            json!({"a": "b\"c\\d\n\u{1}", "": [], "x": {}}),
            json!("äöü"),
            json!(i64::MIN),
        ] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(json_len(&value, 1000), Some(text.len()), "{text}");
            assert_eq!(json_len(&value, text.len()), Some(text.len()));
            assert_eq!(json_len(&value, text.len() - 1), None, "{text}");
        }
    }
}

//! What a file step asks for: the resolved `file` step, as the plan makes it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A resolved `file` step.
#[derive(Debug, PartialEq)]
pub(super) enum Request<'a> {
    Read { from: Source<'a>, parse: Parse },
    Write { path: &'a str, content: Content<'a> },
    Copy { from: Source<'a>, to: &'a str },
    Move { from: &'a str, to: &'a str },
    Delete { paths: Vec<&'a str> },
}

/// What is written.
#[derive(Debug, PartialEq)]
pub(super) enum Content<'a> {
    /// Text as it is, anything else as JSON.
    Value(&'a Value),
    Base64(&'a str),
}

/// What is read or copied.
#[derive(Debug, PartialEq)]
pub(super) enum Source<'a> {
    /// A file of the project.
    Path(&'a str),
    /// A file by hash.
    Hash { hash: &'a str, name: &'a str },
}

/// What is made of the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parse {
    Text,
    Json,
    Lines,
    Base64,
    File,
}

impl<'a> Request<'a> {
    /// Reads a request. A value of the wrong kind came from an expression; anything else that does not fit was
    /// made by another version, or by a bug.
    pub(super) fn read(value: &'a Value) -> Result<Self, String> {
        let bug = || "the request of a file step is malformed (a bug in Stead)".to_owned();
        let map = value.as_object().ok_or_else(bug)?;
        let text = |key: &str| map.get(key).and_then(Value::as_str).ok_or_else(bug);
        if let Some(from) = map.get("read") {
            let parse = map.get("parse").and_then(|parse| Parse::deserialize(parse).ok()).ok_or_else(bug)?;
            return Ok(Self::Read { from: source(from)?, parse });
        }
        if map.contains_key("write") {
            return Ok(Self::Write { path: text("write")?, content: content(map).ok_or_else(bug)? });
        }
        if let Some(from) = map.get("copy") {
            return Ok(Self::Copy { from: source(from)?, to: text("to")? });
        }
        if map.contains_key("move") {
            return Ok(Self::Move { from: text("move")?, to: text("to")? });
        }
        let paths = map.get("delete").and_then(Value::as_array).ok_or_else(bug)?;
        let paths: Option<_> = paths.iter().map(Value::as_str).collect();
        Ok(Self::Delete { paths: paths.ok_or_else(bug)? })
    }
}

fn content(map: &Map<String, Value>) -> Option<Content<'_>> {
    match map.get("content") {
        Some(value) => Some(Content::Value(value)),
        None => map.get("base64").and_then(Value::as_str).map(Content::Base64),
    }
}

fn source(value: &Value) -> Result<Source<'_>, String> {
    match (value, value.get("hash").and_then(Value::as_str)) {
        (Value::String(path), _) => Ok(Source::Path(path)),
        (_, Some(hash)) => {
            let name = value.get("name").and_then(Value::as_str).unwrap_or(hash);
            Ok(Source::Hash { hash, name })
        }
        _ => Err("what is read or copied is a path, or a file by hash: an input of type `file`, or what a step gave as one"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_act_is_told_apart() {
        let hash = json!({"path": "/x", "name": "x", "hash": "ab", "size": 1});
        for (value, request) in [
            (
                json!({"read": "a", "parse": "lines"}),
                Request::Read { from: Source::Path("a"), parse: Parse::Lines },
            ),
            (
                json!({"write": "a", "base64": "eA=="}),
                Request::Write { path: "a", content: Content::Base64("eA==") },
            ),
            (json!({"copy": "a", "to": "b"}), Request::Copy { from: Source::Path("a"), to: "b" }),
            (
                json!({"copy": hash, "to": "b"}),
                Request::Copy { from: Source::Hash { hash: "ab", name: "x" }, to: "b" },
            ),
            (json!({"move": "a", "to": "b"}), Request::Move { from: "a", to: "b" }),
            (json!({"delete": ["a", "b"]}), Request::Delete { paths: vec!["a", "b"] }),
        ] {
            assert_eq!(Request::read(&value), Ok(request), "{value}");
        }
    }

    #[test]
    fn a_request_that_does_not_fit_is_refused() {
        for value in [
            json!(null),
            json!({}),
            json!({"read": "a"}),
            json!({"write": "a"}),
            json!({"copy": "a"}),
            json!({"move": "a"}),
            json!({"delete": [1]}),
        ] {
            assert!(Request::read(&value).unwrap_err().contains("a bug in Stead"), "{value}");
        }
        let nothing = json!({"copy": {"size": 1}, "to": "b"});
        assert!(Request::read(&nothing).unwrap_err().contains("is a path, or a file by hash"));
    }
}

//! What a process step asks for: the resolved `run` step, as the plan makes it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A resolved `run` step. Exactly one of `script` and `argv` is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request<'a> {
    #[serde(default, borrow)]
    pub(super) script: Option<Script<'a>>,
    #[serde(default, borrow)]
    pub(super) argv: Option<Vec<Cow<'a, str>>>,
    #[serde(default, borrow)]
    pub(super) env: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Relative to the project's folder.
    #[serde(default, borrow)]
    pub(super) cwd: Option<Cow<'a, str>>,
    /// Text as it is, anything else as JSON; `null`: none.
    #[serde(default)]
    pub(super) stdin: Value,
    #[serde(default)]
    pub(super) parse: Parse,
    #[serde(default)]
    pub(super) expect: Expect,
}

/// A text for a shell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script<'a> {
    #[serde(default = "bash", borrow)]
    pub(super) shell: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
}

fn bash() -> Cow<'static, str> {
    Cow::Borrowed("bash")
}

/// How standard output becomes the step's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parse {
    #[default]
    Text,
    Json,
    Lines,
    None,
}

impl Parse {
    pub(super) fn is_wanted(self) -> bool {
        self != Self::None
    }
}

/// Exit codes that are no error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Any,
    Codes(Vec<i32>),
}

impl Default for Expect {
    fn default() -> Self {
        Self::Codes(vec![0])
    }
}

impl Expect {
    pub(super) fn allows(&self, code: i32) -> bool {
        match self {
            Self::Any => true,
            Self::Codes(codes) => codes.contains(&code),
        }
    }
}

/// By hand: an untagged enum would answer "did not match any variant" to all mistakes.
impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Codes;
        impl<'de> Visitor<'de> for Codes {
            type Value = Expect;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of exit codes or \"any\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Expect, E> {
                if text == "any" {
                    Ok(Expect::Any)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Expect, A::Error> {
                let mut codes = Vec::new();
                while let Some(code) = seq.next_element()? {
                    codes.push(code);
                }
                Ok(Expect::Codes(codes))
            }
        }
        deserializer.deserialize_any(Codes)
    }
}

impl<'a> Request<'a> {
    /// Reads a request. One that does not fit was made by another version, or by a bug.
    pub(super) fn read(value: &'a Value) -> Result<Self, String> {
        let request = Self::deserialize(value).map_err(|error| {
            format!("the request of a process step is malformed (a bug in Stead): {error}")
        })?;
        if request.script.is_some() == request.argv.is_some() {
            return Err("a process step needs a script or a program (a bug in Stead)".to_owned());
        }
        if request.argv.as_ref().is_some_and(|argv| argv.first().is_none_or(|program| program.is_empty())) {
            return Err("no program is named: the first item of `run` is empty".to_owned());
        }
        Ok(request)
    }

    /// The bytes for standard input; `None`: there are none.
    pub(super) fn stdin_bytes(&self) -> Option<Vec<u8>> {
        match &self.stdin {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(other.to_string().into_bytes()),
        }
        .filter(|bytes| !bytes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_has_its_default() {
        let value = json!({"script": {"text": "true"}});
        let request = Request::read(&value).unwrap();
        assert_eq!(request.script.as_ref().unwrap().shell, "bash");
        assert_eq!((request.parse, &request.expect), (Parse::Text, &Expect::Codes(vec![0])));
        assert_eq!(request.stdin_bytes(), None);
    }

    #[test]
    fn standard_input_is_text_or_json() {
        for (stdin, bytes) in
            [(json!("a\nb"), "a\nb"), (json!({"a": [1]}), r#"{"a":[1]}"#), (json!(false), "false")]
        {
            let value = json!({"argv": ["cat"], "stdin": stdin});
            assert_eq!(Request::read(&value).unwrap().stdin_bytes().unwrap(), bytes.as_bytes());
        }
    }

    #[test]
    fn exit_codes_are_a_list_or_any() {
        let expect = |expect: Value| {
            Request::read(&json!({"argv": ["x"], "expect": expect})).map(|request| request.expect)
        };
        assert_eq!(expect(json!("any")), Ok(Expect::Any));
        assert_eq!(expect(json!([0, 3])), Ok(Expect::Codes(vec![0, 3])));
        assert!(expect(json!("all")).unwrap_err().contains("a list of exit codes or \"any\""));
    }

    #[test]
    fn a_request_that_does_not_fit_is_refused() {
        for value in [
            json!({}),
            json!({"argv": []}),
            json!({"argv": [""]}),
            json!({"argv": ["a"], "script": {"text": ""}}),
            json!({"argv": ["a"], "other": 1}),
            json!({"argv": ["a"], "env": {"A": 1}}),
            json!(null),
        ] {
            assert!(Request::read(&value).is_err(), "{value}");
        }
    }
}

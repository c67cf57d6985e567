//! Bodies that are a definition themselves: `curl --data-binary @flow.yml -H 'Content-Type: application/yaml'`.
//!
//! A route that takes a definition takes it in two ways: as `definition` of an object that says more beside it, or as the
//! whole body, whose text is kept as its author wrote it. What the object says beside it are parameters then.

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::call::{self, Call};
use crate::problem::Problem;

/// Where the definition stands in an object that says more.
const DEFINITION: &str = "definition";
/// What a definition has, and such an object never has.
const OWN: &[&str] = &["stead", "steps", "states"];

/// A definition as the whole body; its text is kept as it is. `/schema/workflow.json` has what may stand in it.
#[derive(JsonSchema)]
#[schemars(rename = "WholeDefinition")]
#[expect(dead_code, reason = "it is the schema of a body that is kept as a text")]
pub(crate) struct Whole {
    /// The version of the language: 1.
    stead: Value,
}

/// What a body holds, on a route that takes a definition: where it is one itself, an object with its text as `definition`.
///
/// # Errors
/// When the type is not read, or it cannot be understood.
pub(crate) fn body(kind: Option<&str>, bytes: &[u8]) -> Result<Value, Problem> {
    let read = call::body(kind, bytes);
    let whole = match &read {
        Ok(Value::Object(map)) => OWN.iter().any(|key| map.contains_key(*key)),
        Ok(_) => false,
        // What is wrong with the YAML of a definition is told as all that is wrong with one.
        Err(problem) => problem.status == 400 && call::is_yaml(kind) && begins(bytes),
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if whole => Ok(json!({ (DEFINITION): text })),
        _ => read,
    }
}

/// Whether a text that cannot be read was to be a definition.
fn begins(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"stead:"))
}

impl Call<'_> {
    /// Puts what a parameter says into the body, where a body that says more than a definition has a field for it.
    ///
    /// # Errors
    /// When the body says something else.
    pub(crate) fn says(&mut self, name: &str, value: Option<impl Into<Value>>) -> Result<(), Problem> {
        let (Some(value), Some(body)) = (value, self.body.as_object_mut()) else { return Ok(()) };
        let value = value.into();
        match body.get(name) {
            Some(said) if !said.is_null() && *said != value => {
                Err(Problem::parameter(name, "the body says something else"))
            }
            _ => {
                body.insert(name.to_owned(), value);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_taken_as_it_was_written_and_an_object_around_one_as_what_it_says() {
        let yaml = Some("text/yaml; charset=utf-8");
        let text = "# mine\r\nstead:   1\nname: a\n";
        assert_eq!(body(yaml, text.as_bytes()).unwrap(), json!({"definition": text}));
        let text = "{ \"stead\" : 1 }";
        assert_eq!(body(Some("application/json"), text.as_bytes()).unwrap(), json!({"definition": text}));
        // What lacks its head, or cannot be read, is one that has errors.
        for text in ["name: a\nsteps: []\n", "stead: 1\nsteps: [\n", "name: a\nstead: 1\n\tx: y\n"] {
            assert_eq!(body(yaml, text.as_bytes()).unwrap(), json!({"definition": text}), "{text}");
        }
        let around = json!({"definition": {"stead": 1}, "name": "a"});
        assert_eq!(body(yaml, b"definition: { stead: 1 }\nname: a\n").unwrap(), around);
        assert_eq!(body(yaml, b"").unwrap(), json!({}));
        assert_eq!(body(yaml, b"workflow: a\n").unwrap(), json!({"workflow": "a"}));
        for (kind, bytes) in [
            (yaml, &b"definition: [\n"[..]),
            (yaml, b"stead: 1\nname: \xff\n"),
            (Some("application/json"), b"{\"stead\": 1"),
        ] {
            assert_eq!(body(kind, bytes).unwrap_err().code.as_ref(), "H0205");
        }
        assert_eq!(body(Some("text/plain"), b"stead: 1").unwrap_err().status, 415);
    }
}

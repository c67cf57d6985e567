//! Definitions as requests bring them: as a text, as a value, or by the name of a workflow.

use schemars::JsonSchema;
use serde_json::{Map, Value};
use stead_engine::EngineError;
use stead_engine::library::{LibraryAnswer, LibraryError, LibraryOperation};
use stead_engine::operations::{Answer, Operation};
use stead_lang::bundle::{Bundle, Called, Missing, Source};
use stead_lang::tree::ReadProblem;
use stead_lang::{gather, link, names};
use stead_store::StoreError;
use stead_store::library::{Refusal, Revision, Workflow};

use super::unexpected;
use crate::call::Call;
use crate::problem::Problem;

/// What a definition is called that has no file.
const INLINE: &str = "(inline)";

/// A definition as a body has it: its text, or the same as a value.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Definition")]
#[expect(dead_code, reason = "it is the schema of a value that is told apart by hand, for the messages")]
pub(super) enum Given {
    /// YAML or JSON.
    Text(String),
    /// It as an object.
    Object(Map<String, Value>),
}

/// The definition that a request brings: its text, or the same as a value. Files are not read: they would be those of
/// the server's machine.
pub(super) fn given(call: &Call<'_>, definition: &Value) -> Result<Bundle, Problem> {
    let text = match definition {
        Value::String(text) => text.clone(),
        Value::Object(_) => serde_json::to_string_pretty(definition).unwrap_or_default(),
        _ => return Err(Problem::body("`definition` takes a text, or an object")),
    };
    Ok(gather(INLINE, &mut Saved { call, text: Some(text) }))
}

/// A workflow of the library that is to be run: `NAME` or `NAME@N`.
pub(super) fn named(call: &Call<'_>, word: &str) -> Result<Bundle, Problem> {
    numbered(call, word).map(|(bundle, _)| bundle)
}

/// The same, with the number of the revision.
pub(super) fn numbered(call: &Call<'_>, word: &str) -> Result<(Bundle, u32), Problem> {
    let (name, number) = names::reference(word).map_err(|_| {
        Problem::body(format!("`{}` is no name of a workflow", word.chars().take(100).collect::<String>()))
    })?;
    let mut source = Saved { call, text: None };
    let (workflow, revision, bundle) = match source.saved(name, number) {
        Ok(found) => found,
        Err(NotThere::Refusal(refusal)) => return Err(EngineError::Store(refusal.into()).into()),
        Err(NotThere::Problem(problem)) => return Err(problem),
    };
    if revision.draft {
        let (name, number) = (workflow.name, revision.number);
        return Err(EngineError::from(LibraryError::Draft { name, number }).into());
    }
    Ok((link(Bundle { called: Some(workflow.name), ..bundle }, &mut source), revision.number))
}

/// The library, and one text.
struct Saved<'c, 'h> {
    call: &'c Call<'h>,
    text: Option<String>,
}

enum NotThere {
    Refusal(Refusal),
    Problem(Problem),
}

impl Saved<'_, '_> {
    fn saved(&self, name: &str, number: Option<u32>) -> Result<(Workflow, Revision, Bundle), NotThere> {
        let operation = LibraryOperation::Load { name: name.to_owned(), number };
        let answer = match self.call.host.asker.ask(Operation::Library(operation)) {
            Ok(Answer::Library(answer)) => *answer,
            Ok(_) => return Err(NotThere::Problem(unexpected())),
            Err(EngineError::Store(StoreError::Library(refusal))) => return Err(NotThere::Refusal(refusal)),
            Err(error) => return Err(NotThere::Problem(error.into())),
        };
        let LibraryAnswer::Loaded { workflow, revision, bundle } = answer else {
            return Err(NotThere::Problem(unexpected()));
        };
        match workflow.deleted_at {
            None => Ok((workflow, revision, bundle)),
            Some(at) => {
                let (name, by) = (workflow.name, workflow.deleted_by.unwrap_or_default());
                Err(NotThere::Refusal(Refusal::Deleted { name, at, by }))
            }
        }
    }
}

impl Source for Saved<'_, '_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        match &self.text {
            Some(text) if path == INLINE => Ok(text.clone()),
            _ => Err(ReadProblem::Other("a definition that comes over HTTP names no files".to_owned())),
        }
    }

    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing> {
        match self.saved(name, number) {
            Ok((_, Revision { draft: true, number, .. }, _)) => Err(Missing::Draft { number }),
            Ok((workflow, Revision { number, .. }, bundle)) => {
                Ok(Called::Saved { name: workflow.name, number, bundle, beside: None })
            }
            Err(NotThere::Refusal(Refusal::NoRevision { newest, .. })) => Err(Missing::NoRevision { newest }),
            Err(NotThere::Refusal(Refusal::Deleted { by, .. })) => Err(Missing::Deleted { by }),
            Err(NotThere::Refusal(Refusal::Unknown { near, .. })) => Err(Missing::Unknown { near }),
            Err(NotThere::Refusal(other)) => Err(Missing::Unreadable(other.to_string())),
            Err(NotThere::Problem(problem)) => Err(Missing::Unreadable(problem.detail)),
        }
    }
}

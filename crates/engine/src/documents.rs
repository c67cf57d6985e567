//! The documents of a run: which there are and how they stand, what a version says, and what two of them differ in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::run::{DocumentNow, VersionNow};
use stead_lang::plan::answers;
use stead_store::Reader;

use crate::error::EngineError;
use crate::reads::Reads;

/// The documents of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsNow {
    /// The run.
    pub run: StreamId,
    /// Its workflow.
    pub workflow: String,
    /// Its documents, in the order of their declaration and by their keys.
    pub documents: Vec<DocumentNow>,
}

/// A version of a document, with what it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentText {
    /// The run.
    pub run: StreamId,
    /// How the document stands.
    pub document: DocumentNow,
    /// The version that is shown.
    pub version: VersionNow,
    /// What it says.
    pub value: Value,
}

impl DocumentText {
    /// It as a text: a text as it is, anything else as JSON.
    pub fn text(&self) -> String {
        match &self.value {
            Value::String(text) if text.ends_with('\n') => text.clone(),
            Value::String(text) => format!("{text}\n"),
            // A value always serialises.
            value => serde_json::to_string_pretty(value).unwrap_or_default() + "\n",
        }
    }
}

impl<R: Reader> Reads<R> {
    /// The documents of a run.
    ///
    /// # Errors
    /// When there is no such run, or it cannot be read.
    pub(crate) fn documents(&mut self, run: &str) -> Result<DocumentsNow, EngineError> {
        let (id, mut state, plan) = self.state(run)?;
        let mut documents = state.documents_now(&plan);
        for document in &mut documents {
            let said = state.said_of_versions(&document.document);
            for (version, said) in document.versions.iter_mut().zip(said) {
                if let Some(reference) = said {
                    let value = self.value(&id, reference)?;
                    version.comment = comment(&value);
                }
            }
        }
        Ok(DocumentsNow { run: id, workflow: state.workflow.clone(), documents })
    }

    /// A version of a document: of a number, else the one that others build on, else the newest.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn document(
        &mut self,
        run: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<DocumentText, EngineError> {
        let all = self.documents(run)?;
        let (id, state, _) = self.state(run)?;
        let named = all.documents.iter().find(|document| document.document == name);
        let found = state.document_version(name, version);
        let (Some(document), Some((number, reference))) = (named, found) else {
            return Err(EngineError::NoDocument { run: id, why: missing(&all.documents, name, version) });
        };
        let value = self.value(&id, reference)?;
        let version = document.versions.iter().find(|known| known.version == number);
        let Some(version) = version.cloned() else {
            return Err(EngineError::Bug(format!("version {number} of {name} is known and not listed")));
        };
        Ok(DocumentText { run: id, document: document.clone(), version, value })
    }
}

/// What is different from one version to another, as a unified diff without its head; nothing, where they say the same.
pub fn compared(one: &DocumentText, two: &DocumentText) -> String {
    crate::library::compare::unified(&one.text(), &two.text()).2
}

/// blake3 of a text, in 64 hex digits.
pub fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a gate's output, an answer about findings, or a comment says.
fn comment(said: &Value) -> Option<String> {
    let text = match said {
        Value::String(text) => text.as_str(),
        other => other.get(answers::COMMENT).and_then(Value::as_str).unwrap_or_default(),
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// Why there is no such version.
fn missing(all: &[DocumentNow], name: &str, version: Option<u32>) -> String {
    match (all.iter().find(|document| document.document == name), version) {
        (Some(document), Some(number)) if !document.versions.is_empty() => {
            format!("`{name}` has no version {number}: the newest is {}", document.versions.len())
        }
        (Some(document), _) => format!("there is no version of `{name}` yet: it is {}", document.status),
        (None, _) => {
            let known = all.iter().map(|document| document.document.as_str());
            match stead_lang::diagnostic::nearest(name, known) {
                Some(near) => format!("it has no document `{name}`; did you mean `{near}`?"),
                None => format!("it has no document `{name}`"),
            }
        }
    }
}

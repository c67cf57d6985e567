//! What is wrong with a definition, and where.

mod render;
mod sources;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use render::{RenderOptions, render};
pub use sources::Sources;

use crate::codes::Code;
use crate::limits;
use crate::tree::{Entry, Node, Shape};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The definition can be run all the same.
    Warning,
    /// The definition cannot be run.
    Error,
}

/// A place in a source text. Lines and columns count from 1, columns count characters; offsets count bytes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Span {
    /// Line of the first character, from 1.
    pub line: u32,
    /// Column of the first character, from 1, in characters.
    pub column: u32,
    /// Byte offset of the first character.
    pub start: u32,
    /// Byte offset behind the last character.
    pub end: u32,
}

/// One finding: code, severity, place, what is wrong and what to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Stable code such as `E0104`; `stead explain CODE` tells more.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, as it was named to the check.
    pub file: String,
    /// Where in the file.
    pub span: Span,
    /// JSON pointer of the place in the document, such as `/steps/2/run`.
    pub path: String,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The nearest name that would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl Diagnostic {
    /// A finding without help.
    pub(crate) fn new(
        code: &'static Code,
        file: &str,
        span: Span,
        path: String,
        message: impl Into<String>,
    ) -> Self {
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(limits::MESSAGE_CHARS) {
            message.truncate(cut);
            message.push('…');
        }
        Self {
            code: code.code.to_owned(),
            severity: code.severity(),
            file: file.to_owned(),
            span,
            path,
            message,
            help: None,
            nearest: None,
        }
    }

    /// A finding at a node.
    pub(crate) fn at(code: &'static Code, node: Node<'_>, message: impl Into<String>) -> Self {
        // Where nothing is written there is nothing to mark but the key that has no value.
        let span = if node.shape() == Shape::Nothing { node.key_span() } else { node.span() };
        Self::new(code, node.document().file(), span, node.written_path(), message)
    }

    /// A finding about a map or list as a whole, marked where it begins.
    pub(crate) fn at_start(code: &'static Code, node: Node<'_>, message: impl Into<String>) -> Self {
        let span = match (node.shape(), node.entries().next(), node.items().next()) {
            (Shape::Map, Some(first), _) => first.key_span(),
            (Shape::List, _, Some(first)) if first.shape() == Shape::Scalar => first.span(),
            _ => node.key_span(),
        };
        Self::new(code, node.document().file(), span, node.written_path(), message)
    }

    /// A finding at a key.
    pub(crate) fn at_key(code: &'static Code, entry: Entry<'_>, message: impl Into<String>) -> Self {
        let node = entry.value;
        Self::new(code, node.document().file(), entry.key_span(), node.written_path(), message)
    }

    /// With what to try.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With the nearest name.
    pub(crate) fn nearest(self, name: impl Into<String>) -> Self {
        Self { nearest: Some(name.into()), ..self }
    }
}

/// Whether a nearest name is still looked for, behind so many findings, among so many names.
pub(crate) fn worth_looking(found: usize, names: usize) -> bool {
    found.saturating_mul(names) <= limits::NEAREST_WORK
}

/// The nearest of some names, if one is near enough to be what was meant.
pub fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    // A name that is much longer or shorter is not the one; to see that is cheap, to measure it is not.
    let similar =
        |candidate: &&str| candidate.len().abs_diff(name.len()) <= candidate.len().max(name.len()) / 3 + 1;
    crate::expr::nearest(name, names.into_iter().filter(similar)).map(str::to_owned)
}

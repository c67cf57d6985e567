//! What is wrong with a definition, and where.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The definition can be run all the same.
    Warning,
    /// The definition cannot be run.
    Error,
}

/// A place in a source text. Lines and columns count from 1, columns count characters; offsets count bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

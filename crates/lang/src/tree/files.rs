//! Texts of files, and why there may be none.

use crate::diagnostic::Span;

/// Why a file could not be handed over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadProblem {
    /// There is none of that name.
    NotFound,
    /// It is no UTF-8: line and column of the first byte that does not fit.
    NotText {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// Something else, in words.
    Other(String),
}

impl ReadProblem {
    /// Whether the file is there and is no text.
    pub(crate) fn is_not_text(&self) -> bool {
        matches!(self, Self::NotText { .. })
    }

    /// Where in the file the problem is.
    pub(crate) fn place(&self) -> Option<Span> {
        match *self {
            Self::NotText { line, column } => Some(Span { line, column, start: 0, end: 0 }),
            _ => None,
        }
    }
}

impl std::fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such file"),
            Self::NotText { line, column } => {
                write!(f, "it is no UTF-8 text: line {line}, column {column} does not fit")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// The text of a file from its bytes.
///
/// # Errors
/// With the place of the first byte that is no UTF-8.
pub fn text_of(bytes: Vec<u8>) -> Result<String, ReadProblem> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let good = String::from_utf8_lossy(good);
        let line = good.matches('\n').count() as u32 + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
        ReadProblem::NotText { line, column }
    })
}

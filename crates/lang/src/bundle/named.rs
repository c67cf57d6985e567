//! Workflows that a definition calls by name, as they were found.

use serde::{Deserialize, Serialize};

use super::Bundle;
use crate::tree::ReadProblem;

/// Where definitions come from.
pub trait Source {
    /// The text of a file.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn read(&mut self, path: &str) -> Result<String, ReadProblem>;

    /// The workflow of this name; its newest revision where no number is said.
    ///
    /// # Errors
    /// When there is none that can be called.
    fn named(&mut self, name: &str, number: Option<u32>) -> Result<Called, Missing>;
}

/// A workflow that was found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// A revision of the library.
    Saved {
        /// Its name there.
        name: String,
        /// Its number.
        number: u32,
        /// Its definition with the files that this names by path.
        bundle: Bundle,
        /// A file of the project that has the name as well, and says something else.
        beside: Option<String>,
    },
    /// A file of the project, by its path.
    File(String),
}

/// What a name in a definition stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// A workflow: where it is in the bundle.
    There {
        /// Its entry in the bundle.
        entry: String,
        /// The name it was found by.
        name: String,
        /// Its number; none of a file of the project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        /// A file of the project that has the name as well, and says something else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<String>,
    },
    /// None that can be called.
    Missing(Missing),
}

/// Why there is no workflow of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nobody was asked.
    Unasked,
    /// Neither the library nor the project has it.
    Unknown {
        /// The name that is most like it.
        near: Option<String>,
    },
    /// The library has it, and not this revision.
    NoRevision {
        /// The newest there is.
        newest: u32,
    },
    /// It was deleted.
    Deleted {
        /// By whom.
        by: String,
    },
    /// The revision is a draft.
    Draft {
        /// Its number.
        number: u32,
    },
    /// It cannot be read.
    Unreadable(String),
}

/// Files alone: no name is known.
pub(super) struct Files<'r>(pub(super) &'r mut dyn FnMut(&str) -> Result<String, ReadProblem>);

impl Source for Files<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        (self.0)(path)
    }

    fn named(&mut self, _: &str, _: Option<u32>) -> Result<Called, Missing> {
        Err(Missing::Unasked)
    }
}

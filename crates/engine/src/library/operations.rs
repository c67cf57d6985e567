//! What a library is asked, and what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::status::{Outcome, RunStatus};
use stead_lang::Bundle;
use stead_store::library::{Change, How, Revision, Workflow, WorkflowFilter};

use super::compare::FileDiff;
use super::contents::Contents;

/// Something to be done in the library, or told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum LibraryOperation {
    /// Save a definition under a name: as a new workflow, or as the next revision of one that is there.
    Save(Box<SaveAs>),
    /// The workflows: by name, or the best first where words are looked for.
    Workflows { filter: WorkflowFilter },
    /// One workflow: a revision of it, what it takes and gives, how its runs went.
    Show { name: String, number: Option<u32> },
    /// The text of a revision, with all the files it names.
    Load { name: String, number: Option<u32> },
    /// What was done to a workflow, the newest first. 0 changes: all.
    History { name: String, skip: usize, limit: usize },
    /// What is different between two texts.
    Compare { from: Side, to: Side },
    /// Say something about a workflow, beside its text. What is left out stays; an empty description leaves it to the
    /// text again.
    Describe { name: String, description: Option<String>, labels: Option<Vec<String>>, by: String },
    /// Delete a workflow. It is kept and can be restored.
    Delete { name: String, by: String },
    /// Take a deleted workflow back.
    Restore { name: String, by: String },
    /// Give a workflow another name.
    Rename { name: String, to: String, by: String },
    /// A revision was written to a file: what is saved from there is based on it.
    Exported { file: String, name: String, number: u32 },
    /// Somebody does not want a file to be saved.
    Decline { file: String },
    /// Whether somebody has said so.
    Declined { file: String },
}

impl LibraryOperation {
    /// Who does it, where that is kept.
    pub(crate) fn by_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Save(save) => Some(&mut save.by),
            Self::Describe { by, .. }
            | Self::Delete { by, .. }
            | Self::Restore { by, .. }
            | Self::Rename { by, .. } => Some(by),
            Self::Workflows { .. }
            | Self::Show { .. }
            | Self::Load { .. }
            | Self::History { .. }
            | Self::Compare { .. }
            | Self::Exported { .. }
            | Self::Decline { .. }
            | Self::Declined { .. } => None,
        }
    }
}

/// What is saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SaveAs {
    /// The definition with all the files it names.
    pub bundle: Bundle,
    /// Its name; else the one that its text says.
    pub name: Option<String>,
    /// Why.
    pub message: String,
    /// `Some` takes the place of its labels.
    pub labels: Option<Vec<String>>,
    /// The revision that it was made from; else what the file is known to be.
    pub based_on: Option<u32>,
    /// Where it lies, as a whole path.
    pub file: Option<String>,
    /// It may have errors; then it is kept and cannot be run.
    pub draft: bool,
    /// Who.
    pub by: String,
}

/// A text to be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A revision in the library; the newest where no number is said.
    Saved {
        /// The workflow.
        name: String,
        /// The revision.
        number: Option<u32>,
    },
    /// A definition that is not in it, and what it is called.
    Text {
        /// Its file, say.
        called: String,
        /// The definition.
        bundle: Bundle,
    },
}

/// What came of an operation of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum LibraryAnswer {
    /// See [`LibraryOperation::Save`].
    Saved { workflow: Workflow, number: u32, how: How },
    /// See [`LibraryOperation::Workflows`].
    Workflows { workflows: Vec<WorkflowRow> },
    /// See [`LibraryOperation::Show`]. A draft that cannot be read has no contents.
    Shown {
        row: WorkflowRow,
        revision: Revision,
        contents: Option<Contents>,
        /// Workflows that call it by name.
        callers: Vec<String>,
        /// How long its last runs took that completed: the shortest, the median, the longest.
        took: Option<[i64; 3]>,
    },
    /// See [`LibraryOperation::Load`].
    Loaded { workflow: Workflow, revision: Revision, bundle: Bundle },
    /// See [`LibraryOperation::History`].
    History { name: String, newest: u32, changes: Vec<Change> },
    /// See [`LibraryOperation::Compare`]. `same`: they mean the same, whatever is written differently.
    Compared { from: String, to: String, same: bool, files: Vec<FileDiff> },
    /// It is durable.
    Done { workflow: Workflow },
    /// See [`LibraryOperation::Declined`].
    Declined { declined: bool },
}

/// A workflow in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowRow {
    /// What is kept of it.
    #[serde(flatten)]
    pub workflow: Workflow,
    /// How often it was run: counted over all runs of this name, child runs included.
    pub runs: u64,
    /// The newest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
}

/// The newest run of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastRun {
    /// The run.
    pub run: StreamId,
    /// Status.
    pub status: RunStatus,
    /// Once it has ended.
    pub outcome: Option<Outcome>,
    /// When it was created.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

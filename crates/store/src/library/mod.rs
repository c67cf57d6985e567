//! The library: named workflows and their revisions.
//!
//! It stands beside the streams. Each operation is one transaction that any process may make: no fence, no lock of
//! the home, no engine. What a revision holds is kept as the definitions of runs are, under the same hash, once.
//! Only where the same revision was written differently (comments, layout) its own text is kept as well, so that
//! every author gets back what they wrote.

mod memory;
mod refusal;
mod words;

pub(crate) use memory::Shelf;
pub use refusal::Refusal;
pub(crate) use words::{Field, normal, query};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_core::ids::StreamId;

use crate::StoreError;

/// A workflow to be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Save {
    /// Its name.
    pub name: String,
    /// Hash of what it means.
    pub revision: String,
    /// Its text with all the files that it names, as they were written.
    pub bytes: Vec<u8>,
    /// It has errors and is not to be run.
    pub draft: bool,
    /// Why, in the author's words.
    pub message: String,
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// Number of the revision that this one was made from, where somebody says so; 0: it is to be new.
    pub based_on: Option<u32>,
    /// Where its text lies. It is known from then on which revision the file was.
    pub file: Option<String>,
    /// What its text says about itself.
    pub description: String,
    /// Names and ids of its steps.
    pub steps: Vec<String>,
    /// The workflows that it calls by name.
    pub calls: Vec<String>,
    /// `Some` takes the place of its labels.
    pub labels: Option<Vec<String>>,
}

/// What became of a [`Save`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The number it has.
    pub number: u32,
    /// How it came to that.
    pub how: How,
}

/// How a saved text came to its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A name that was not in the library.
    New,
    /// The next revision.
    Next,
    /// The newest one, written differently: it has that text now.
    Text,
    /// The newest one, as it is.
    Unchanged,
}

/// A workflow of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Number of its newest revision.
    pub newest: u32,
    /// Hash of that one.
    pub revision: String,
    /// Whether that one is a draft.
    pub draft: bool,
    /// What somebody says about it, else what its newest text says.
    pub description: String,
    /// Words that people have put on it.
    pub labels: Vec<String>,
    /// When it was saved first.
    pub created_at: Time,
    /// By whom.
    pub created_by: String,
    /// When it was changed last.
    pub updated_at: Time,
    /// By whom.
    pub updated_by: String,
    /// When it was deleted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Time>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<String>,
}

/// A revision of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// Its number, from 1.
    pub number: u32,
    /// Its hash.
    pub revision: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// When it was saved.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// Why, in the author's words.
    pub message: String,
}

/// A revision, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What lists show of it.
    pub revision: Revision,
    /// Its text with all the files that it names.
    pub bytes: Vec<u8>,
}

/// Something that was done to a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WorkflowChange")]
pub struct Change {
    /// When.
    pub at: Time,
    /// By whom.
    pub by: String,
    /// What.
    pub what: What,
    /// The revision that was saved, or was the newest then.
    pub number: u32,
    /// The message of what was saved, the name before it was renamed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What was done to a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WorkflowDeed")]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words are those of the operations")]
pub enum What {
    Saved,
    /// Saved with the same meaning and another text.
    Text,
    Described,
    Renamed,
    Deleted,
    Restored,
}

impl What {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Text => "text",
            Self::Described => "described",
            Self::Renamed => "renamed",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Saved, Self::Text, Self::Described, Self::Renamed, Self::Deleted, Self::Restored];
}

/// Which workflows. What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkflowFilter {
    /// Only those in which each of these words begins a word of name, labels, description or steps. The best come
    /// first: then there are no pages.
    pub words: Option<String>,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those that were deleted; without it only those that were not.
    pub deleted: bool,
    /// Only those behind this name in the list: the next page.
    pub after: Option<String>,
    /// At most so many; 0: no limit.
    pub limit: usize,
}

/// What is read of a library. Names are compared without regard to case.
pub trait LibraryReader {
    /// A workflow, deleted or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn workflow(&mut self, name: &str) -> Result<Option<Workflow>, StoreError>;

    /// Workflows that pass a filter: by name, or the best first where words are looked for.
    ///
    /// A word in the name counts more than one in the labels, in the description, in the steps, in this order; a
    /// rare word more than a frequent one; what is named exactly so goes before all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn workflows(&mut self, filter: &WorkflowFilter) -> Result<Vec<Workflow>, StoreError>;

    /// A revision of a workflow, deleted or not; the newest where none is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn kept(&mut self, name: &str, number: Option<u32>) -> Result<Option<Kept>, StoreError>;

    /// What was done to a workflow, the newest first: at most `limit`, from number `skip` on.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changes(&mut self, name: &str, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// Workflows whose newest revision calls this one by name, without itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn callers(&mut self, name: &str) -> Result<Vec<String>, StoreError>;

    /// The names under which runs of a workflow stand: its own first, then those that it had before it was renamed,
    /// each with the time until which it had it. A run keeps the name that it began under.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn names_of(&mut self, name: &str) -> Result<Vec<(String, Option<Time>)>, StoreError>;

    /// How many runs of a workflow there are, under all names that it had, child runs included.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn times_run(&mut self, name: &str) -> Result<u64, StoreError>;

    /// The revision of a workflow that a file is known to be: when it was saved from there, or exported to there.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn origin(&mut self, file: &str, name: &str) -> Result<Option<u32>, StoreError>;

    /// Whether the owner of a file has said that it is not to be saved.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn declined(&mut self, file: &str) -> Result<bool, StoreError>;
}

/// A library. Each operation is durable when it returns; a refused one has changed nothing.
///
/// Refusals are [`StoreError::Library`].
pub trait Library: LibraryReader {
    /// Saves a workflow: a new name, or the next revision of one that is there. What is the newest already makes no
    /// new number.
    ///
    /// # Errors
    /// Refused where the name is deleted, where the newest revision is not the one that this was made from
    /// (`based_on`, else what `file` is known to be), or where that is not known. And when the store cannot be
    /// written.
    fn save(&mut self, save: &Save) -> Result<Saved, StoreError>;

    /// Changes what is said about a workflow: `Some` takes the place of what is there, an empty description leaves it
    /// to the text again.
    ///
    /// # Errors
    /// Refused where there is none. And when the store cannot be written.
    fn describe(
        &mut self,
        name: &str,
        description: Option<&str>,
        labels: Option<&[String]>,
        at: Time,
        by: &str,
    ) -> Result<(), StoreError>;

    /// Deletes a workflow; it is kept, and can be restored.
    ///
    /// # Errors
    /// Refused where there is none, where others call it by name, or where runs of it are open. And when the store
    /// cannot be written.
    fn delete(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError>;

    /// Takes a deleted workflow back.
    ///
    /// # Errors
    /// Refused where it is not deleted. And when the store cannot be written.
    fn restore(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError>;

    /// Gives a workflow another name.
    ///
    /// # Errors
    /// Refused where there is none, where the name is taken, or where others call it by name. And when the store
    /// cannot be written.
    fn rename(&mut self, name: &str, to: &str, at: Time, by: &str) -> Result<(), StoreError>;

    /// Notes which revision of a workflow a file is.
    ///
    /// # Errors
    /// Refused where there is no such workflow. And when the store cannot be written.
    fn note_origin(&mut self, file: &str, name: &str, number: u32) -> Result<(), StoreError>;

    /// Notes that a file is not to be saved, which its saving takes back.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn decline(&mut self, file: &str) -> Result<(), StoreError>;
}

/// Open runs that a refusal names, at most.
pub(crate) const RUNS_NAMED: usize = 5;

/// What a text may take the place of: decided alike by every store.
///
/// `known` is what the file is known to be, of this workflow.
pub(crate) fn base(save: &Save, newest: &Revision, known: Option<u32>) -> Result<(), Refusal> {
    let (name, number) = (save.name.clone(), newest.number);
    let (at, by) = (newest.at, newest.by.clone());
    match save.based_on.or(known) {
        Some(base) if base == number => Ok(()),
        Some(base) => Err(Refusal::NotNewest { name, base, newest: number, at, by }),
        None => Err(Refusal::Taken { name, newest: number, at, by }),
    }
}

/// The names of a workflow, by what was done to it, the newest first.
pub(crate) fn names_of(name: &str, changes: impl IntoIterator<Item = Change>) -> Vec<(String, Option<Time>)> {
    let renamed = changes.into_iter().filter(|change| change.what == What::Renamed);
    let before = renamed.map(|change| (change.detail, Some(change.at)));
    std::iter::once((name.to_owned(), None)).chain(before).collect()
}

/// Refuses what open runs stand against.
pub(crate) fn closed(name: &str, runs: Vec<StreamId>) -> Result<(), Refusal> {
    match runs.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Running { name: name.to_owned(), runs }),
    }
}

/// Refuses what callers stand against.
pub(crate) fn uncalled(name: &str, callers: Vec<String>) -> Result<(), Refusal> {
    match callers.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Called { name: name.to_owned(), callers }),
    }
}

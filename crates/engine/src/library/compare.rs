//! What is different between two texts, file by file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};
use stead_lang::plan::definition_of;
use stead_lang::{Bundle, check};

use super::open::reader;
use super::operations::{LibraryAnswer, Side};
use super::{find, unknown};
use crate::error::EngineError;
use crate::home::Home;
use crate::limits;

/// What is different in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileDiff {
    /// Its path.
    pub file: String,
    /// What became of it.
    pub change: FileChange,
    /// Lines that only the second text has.
    pub added: usize,
    /// Lines that only the first text has.
    pub removed: usize,
    /// The lines, as a unified diff without its head.
    pub text: String,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum FileChange {
    Changed,
    Added,
    Removed,
}

/// Compares two texts.
pub(super) fn compare(home: &Home, from: Side, to: Side) -> Result<LibraryAnswer, EngineError> {
    let (from, one, first) = text(home, from)?;
    let (to, two, second) = text(home, to)?;
    let same = one == two || first.is_some() && first == second;
    Ok(LibraryAnswer::Compared { from, to, same, files: files(&one, &two) })
}

/// A side as it is called, its text, and its revision if it has one.
fn text(home: &Home, side: Side) -> Result<(String, Bundle, Option<String>), EngineError> {
    match side {
        Side::Text { called, bundle } => {
            let revision = check(&bundle).plan.map(|plan| definition_of(&plan.revision).to_owned());
            Ok((called, bundle.own(), revision))
        }
        Side::Saved { name, number } => {
            let mut reader = reader(home)?.ok_or_else(|| unknown(&name))?;
            let (workflow, kept, bundle) = find(&mut reader, &name, number)?;
            let called = format!("{}@{}", workflow.name, kept.revision.number);
            Ok((called, bundle, Some(kept.revision.revision)))
        }
    }
}

/// The files that are different, the definition itself first.
fn files(one: &Bundle, two: &Bundle) -> Vec<FileDiff> {
    // The definition is the same file, whatever it is called on each side.
    let paths = |bundle: &'_ Bundle| -> Vec<String> {
        bundle.files.keys().filter(|path| **path != bundle.entry).cloned().collect()
    };
    let mut pairs = vec![(two.entry.clone(), one.files.get(&one.entry), two.files.get(&two.entry))];
    let mut others = [paths(one), paths(two)].concat();
    others.sort();
    others.dedup();
    pairs.extend(others.into_iter().map(|path| {
        let (one, two) = (one.files.get(&path), two.files.get(&path));
        (path, one, two)
    }));
    pairs.into_iter().filter_map(|(file, one, two)| diff(file, one, two)).collect()
}

fn diff(file: String, one: Option<&String>, two: Option<&String>) -> Option<FileDiff> {
    let change = match (one, two) {
        (None, None) => return None,
        (Some(one), Some(two)) if one == two => return None,
        (Some(_), Some(_)) => FileChange::Changed,
        (None, Some(_)) => FileChange::Added,
        (Some(_), None) => FileChange::Removed,
    };
    let text = |side: Option<&'_ String>| side.cloned().unwrap_or_default();
    let (one, two) = (text(one), text(two));
    let (added, removed, text) = unified(&one, &two);
    Some(FileDiff { file, change, added, removed, text })
}

/// Lines that only the second text has, lines that only the first has, and both as a unified diff without its head.
pub(crate) fn unified(one: &str, two: &str) -> (usize, usize, String) {
    // Two texts of a mebibyte that have nothing in common would take minutes to be compared exactly.
    let diff = TextDiff::configure().timeout(limits::COMPARE_TIME).diff_lines(one, two);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (count(ChangeTag::Insert), count(ChangeTag::Delete), diff.unified_diff().context_radius(3).to_string())
}

//! A definition with all the files that it names by a key.

mod collect;
mod named;
mod own;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use collect::{collect, gather, link};
pub use named::{Called, Missing, Named, Source};

use crate::tree::ReadProblem;

/// A definition with the texts of all files it names, theirs included. It is what is stored as a revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// The file of the definition. For one that stands inside of another: the file, `#`, and its JSON pointer.
    pub entry: String,
    /// Texts by path.
    pub files: BTreeMap<String, String>,
    /// Files that could not be handed over, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, ReadProblem>,
    /// Its name in the library, where it is run from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// What the names of workflows stand for that it calls, and that these call: by how they are written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named: BTreeMap<String, Named>,
}

/// The folder in a bundle in which files of the project stand that were found by a name, where the definition itself is
/// of the library.
pub(crate) const PROJECT: &str = "@project";

impl Bundle {
    /// A definition that names no files.
    pub fn single(entry: impl Into<String>, text: impl Into<String>) -> Self {
        let entry = entry.into();
        Self { files: BTreeMap::from([(entry.clone(), text.into())]), entry, ..Self::default() }
    }

    /// The text of a file.
    pub(crate) fn text(&self, file: &str) -> Result<&str, ReadProblem> {
        match self.files.get(file) {
            Some(text) => Ok(text),
            None => Err(self.unread.get(file).cloned().unwrap_or(ReadProblem::NotFound)),
        }
    }

    /// The bundle of a definition that is named by this one: it has some of its files, and calls some of those that it
    /// calls.
    pub(crate) fn part(&self, entry: String, called: Option<String>, parts: &Parts) -> Self {
        let files = parts.files.iter().filter_map(|f| Some((f.clone(), self.files.get(f)?.clone())));
        let named = parts.named.iter().filter_map(|n| Some((n.clone(), self.named.get(n)?.clone())));
        Self { entry, files: files.collect(), unread: BTreeMap::new(), called, named: named.collect() }
    }
}

/// The files of a bundle, and the names in it, that belong to one definition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) files: BTreeSet<String>,
    pub(crate) named: BTreeSet<String>,
}

impl Parts {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.files.extend(other.files.iter().cloned());
        self.named.extend(other.named.iter().cloned());
    }
}

/// The file of an entry, and the place in it: empty for the whole.
pub(crate) fn split(entry: &str) -> (&str, &str) {
    entry.split_once("#/").map_or((entry, ""), |(file, _)| (file, &entry[file.len() + 1..]))
}

/// The file that a path names which stands in another file.
///
/// Both are relative to the project's folder, and no path leads out of it: what a definition names is stored
/// with it, and a definition that someone else wrote should not take a reader's other files along. A file that
/// was named by an absolute path is allowed to name what lies beside and above it.
pub(crate) fn resolve(from: &str, path: &str) -> Result<String, &'static str> {
    if path.is_empty() {
        return Err("is empty");
    }
    if path.starts_with('/') || path.starts_with('~') {
        return Err("is no relative path");
    }
    if path.contains(['\\', '\0', '#']) {
        return Err("has a character in it that paths do not have");
    }
    let absolute = from.starts_with('/');
    let mut steps: Vec<&str> = from.split('/').filter(|s| !s.is_empty()).collect();
    steps.pop();
    // What came from the library stays among what came with it.
    let floor = usize::from(steps.first().is_some_and(|folder| {
        *folder == PROJECT || crate::names::reference(folder).is_ok_and(|(_, number)| number.is_some())
    }));
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                if steps.len() <= floor || steps.pop().is_none_or(|s| s == "..") {
                    return Err("leads out of the project's folder");
                }
            }
            step => steps.push(step),
        }
    }
    if steps.is_empty() {
        return Err("names no file");
    }
    let joined = steps.join("/");
    Ok(if absolute { format!("/{joined}") } else { joined })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        for (from, path, expected) in [
            ("a.yml", "b.yml", Ok("b.yml")),
            ("a.yml", "./b.yml", Ok("b.yml")),
            ("flows/a.yml", "b.yml", Ok("flows/b.yml")),
            ("flows/a.yml", "../schemas/b.json", Ok("schemas/b.json")),
            ("./flows/a.yml", "b.yml", Ok("./flows/b.yml")),
            ("/home/u/p/a.yml", "../b.yml", Ok("/home/u/b.yml")),
            ("a.yml", "../b.yml", Err("leads out of the project's folder")),
            ("flows/a.yml", "../../b.yml", Err("leads out of the project's folder")),
            ("a.yml", "/etc/passwd", Err("is no relative path")),
            ("a.yml", "~/b.yml", Err("is no relative path")),
            ("a.yml", "", Err("is empty")),
            ("a.yml", ".", Err("names no file")),
            ("greet@3/flows/a.yml", "../b.yml", Ok("greet@3/b.yml")),
            ("greet@3/a.yml", "../b.yml", Err("leads out of the project's folder")),
            ("@project/workflows/a.yml", "../../b.yml", Err("leads out of the project's folder")),
        ] {
            assert_eq!(resolve(from, path), expected.map(str::to_owned), "{from} {path}");
        }
    }

    #[test]
    fn an_entry_may_stand_inside_of_a_file() {
        assert_eq!(split("a.yml"), ("a.yml", ""));
        assert_eq!(split("a.yml#/steps/0/workflow/inline"), ("a.yml", "/steps/0/workflow/inline"));
    }
}

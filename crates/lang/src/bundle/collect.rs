//! Gathering the files that a definition names, and the workflows that it calls.

use std::collections::{BTreeMap, BTreeSet};

use super::named::{Called, Files, Missing, Named, Source};
use super::{Bundle, PROJECT, resolve, split};
use crate::limits;
use crate::names;
use crate::templates;
use crate::tree::{self, Node, ReadProblem};

/// Gathers a definition and all the files that it names by a key, and those that these name, from wherever
/// `read` takes them. Files that cannot be read are noted in the bundle; [`check`](crate::check()) says so where
/// they are named.
pub fn collect(entry: &str, read: &mut dyn FnMut(&str) -> Result<String, ReadProblem>) -> Bundle {
    gather(entry, &mut Files(read))
}

/// [`collect`], with the workflows that are called by name, and those that these call.
pub fn gather(entry: &str, source: &mut dyn Source) -> Bundle {
    let bundle = Bundle { entry: entry.to_owned(), ..Bundle::default() };
    Gatherer::new(bundle, source).all()
}

/// A definition of the library with the workflows that it calls by name, and those that these call, as they are now.
/// Its own files are those it was saved with; `source` is asked for no others.
pub fn link(saved: Bundle, source: &mut dyn Source) -> Bundle {
    let Bundle { entry, files, unread, called, .. } = saved;
    let bundle = Bundle { entry, called, ..Bundle::default() };
    Gatherer { kept: files, lost: unread, closed: true, ..Gatherer::new(bundle, source) }.all()
}

fn name_of(reference: &str) -> &str {
    reference.split_once('@').map_or(reference, |(name, _)| name)
}

/// What a file is named as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Definition,
    Other,
}

/// What was found in a text.
#[derive(Default)]
struct FoundIn<'t> {
    paths: Vec<(&'t str, What)>,
    names: Vec<&'t str>,
}

struct Gatherer<'s> {
    source: &'s mut dyn Source,
    bundle: Bundle,
    waiting: Vec<(String, What)>,
    seen: BTreeSet<String>,
    bytes: usize,
    /// Texts that came with a revision of the library, and why some did not.
    kept: BTreeMap<String, String>,
    lost: BTreeMap<String, ReadProblem>,
    /// The definition is of the library: no file of the project belongs to it.
    closed: bool,
    /// The folders in the bundle in which revisions of the library stand.
    folders: BTreeSet<String>,
}

impl<'s> Gatherer<'s> {
    fn new(bundle: Bundle, source: &'s mut dyn Source) -> Self {
        Self {
            source,
            bundle,
            waiting: Vec::new(),
            seen: BTreeSet::new(),
            bytes: 0,
            kept: BTreeMap::new(),
            lost: BTreeMap::new(),
            closed: false,
            folders: BTreeSet::new(),
        }
    }

    fn all(mut self) -> Bundle {
        let (file, _) = split(&self.bundle.entry);
        self.waits(file.to_owned(), What::Definition);
        while let Some((file, what)) = self.waiting.pop() {
            self.one(file, what);
        }
        self.bundle
    }

    fn waits(&mut self, file: String, what: What) {
        if self.seen.insert(file.clone()) {
            self.waiting.push((file, what));
        }
    }

    fn one(&mut self, file: String, what: What) {
        if self.bundle.files.len() >= limits::BUNDLE_FILES {
            let why = format!("a definition names at most {} files", limits::BUNDLE_FILES);
            self.bundle.unread.insert(file, ReadProblem::Other(why));
            return;
        }
        let text = match self.read(&file) {
            Ok(text) => text,
            Err(why) => {
                self.bundle.unread.insert(file, why);
                return;
            }
        };
        self.bytes += text.len();
        if self.bytes > limits::BUNDLE_BYTES {
            let why = format!("the files of a definition have at most {} bytes", limits::BUNDLE_BYTES);
            self.bundle.unread.insert(file, ReadProblem::Other(why));
            return;
        }
        if what == What::Definition {
            self.look_into(&file, &text);
        }
        self.bundle.files.insert(file, text);
    }

    fn read(&mut self, file: &str) -> Result<String, ReadProblem> {
        if let Some(text) = self.kept.remove(file) {
            return Ok(text);
        }
        if let Some(why) = self.lost.remove(file) {
            return Err(why);
        }
        let folder = file.split_once('/').map_or("", |(folder, _)| folder);
        if self.closed && folder == PROJECT {
            return self.source.read(&file[PROJECT.len() + 1..]);
        }
        if self.closed || self.folders.contains(folder) {
            return Err(ReadProblem::NotFound);
        }
        self.source.read(file)
    }

    /// Notes what a definition names.
    fn look_into(&mut self, file: &str, text: &str) {
        let document = tree::read(file, text, &mut Vec::new());
        let Some(document) = document.and_then(|d| templates::expand(d, &mut Vec::new())) else { return };
        let mut found = FoundIn::default();
        in_definition(document.root(), &mut found);
        for (path, what) in found.paths {
            if let Ok(path) = resolve(file, path) {
                self.waits(path, what);
            }
        }
        for reference in found.names {
            self.calls(reference);
        }
    }

    /// Finds a workflow by its name, once: it is the same one wherever it is called.
    fn calls(&mut self, reference: &str) {
        let Ok((name, number)) = names::reference(reference) else { return };
        if self.bundle.named.contains_key(reference) || self.bundle.named.len() >= limits::BUNDLE_FILES {
            return;
        }
        let named = match self.source.named(name, number) {
            Ok(Called::Saved { name, number, bundle, beside }) => {
                let folder = format!("{name}@{number}");
                let inside = |path: &str| format!("{folder}/{path}");
                if self.folders.insert(folder.clone()) {
                    self.kept.extend(bundle.files.into_iter().map(|(path, text)| (inside(&path), text)));
                    self.lost.extend(bundle.unread.into_iter().map(|(path, why)| (inside(&path), why)));
                }
                Named::There { entry: inside(&bundle.entry), name, number: Some(number), beside }
            }
            Ok(Called::File(path)) => {
                let entry = if self.closed { format!("{PROJECT}/{path}") } else { path };
                Named::There { entry, name: name.to_owned(), number: None, beside: None }
            }
            Err(why) => Named::Missing(why),
        };
        if let Named::There { entry, .. } = &named {
            let (file, _) = split(entry);
            self.waits(file.to_owned(), What::Definition);
        }
        self.bundle.named.insert(reference.to_owned(), named);
    }
}

fn in_definition<'t>(node: Node<'t>, found: &mut FoundIn<'t>) {
    let inputs = node.get("inputs").into_iter().flat_map(|n| n.entries());
    let schemas = inputs.filter_map(|e| e.value.get("schema")?.raw());
    found.paths.extend(schemas.map(|path| (path, What::Other)));
    for document in node.get("documents").into_iter().flat_map(|n| n.entries()) {
        let form = document.value.get("accept").and_then(|accept| accept.get("form"));
        let named = [document.value.get("schema"), form].into_iter().flatten().filter_map(Node::raw);
        found.paths.extend(named.map(|path| (path, What::Other)));
    }
    in_steps(node, found);
}

/// Groups and children stand in each other at most as deeply as the tree goes.
fn in_steps<'t>(block: Node<'t>, found: &mut FoundIn<'t>) {
    for step in
        ["steps", "states", "finally"].into_iter().filter_map(|key| block.get(key)).flat_map(Node::items)
    {
        for asked in ["approve", "ask"].into_iter().filter_map(|key| step.get(key)) {
            found.paths.extend(asked.get("form").and_then(Node::raw).map(|path| (path, What::Other)));
        }
        if let Some(child) = step.get("workflow") {
            found.paths.extend(child.get("path").and_then(Node::raw).map(|path| (path, What::Definition)));
            found.names.extend(child.get("name").and_then(Node::raw));
            if let Some(inline) = child.get("inline") {
                in_definition(inline, found);
            }
        }
        in_steps(step, found);
    }
}

impl Missing {
    /// What is wrong with a name that stands in a definition.
    pub fn told(&self, reference: &str) -> String {
        let name = name_of(reference);
        match self {
            Self::Unasked => format!("nobody here knows a workflow `{name}`"),
            Self::Unknown { .. } => {
                format!(
                    "there is no workflow `{name}`, neither in the library nor in the project's `workflows`"
                )
            }
            Self::NoRevision { newest } => {
                format!("there is no `{reference}` in the library: the newest is {name}@{newest}")
            }
            Self::Deleted { by } => format!("the workflow `{name}` was deleted by {by}"),
            Self::Draft { number } => format!("{name}@{number} is a draft, and drafts are not run"),
            Self::Unreadable(why) => format!("the workflow `{name}` cannot be read: {why}"),
        }
    }

    /// What to try.
    pub fn help(&self, reference: &str) -> Option<String> {
        let name = name_of(reference);
        Some(match self {
            Self::Unknown { near: Some(near) } => format!("did you mean `{near}`?"),
            Self::Unknown { near: None } => "save it first: `stead save FILE`".to_owned(),
            Self::NoRevision { .. } => format!("`stead history {name}` lists its revisions"),
            Self::Deleted { .. } => format!("`stead restore {name}` takes it back"),
            Self::Draft { .. } => "save it without `--draft`, or call an earlier revision".to_owned(),
            Self::Unasked | Self::Unreadable(_) => return None,
        })
    }
}

//! Gathering the files that a definition names.

use std::collections::BTreeSet;

use super::{Bundle, resolve, split};
use crate::limits;
use crate::templates;
use crate::tree::{self, Node, ReadProblem};

/// Gathers a definition and all the files that it names by a key, and those that these name, from wherever
/// `read` takes them. Files that cannot be read are noted in the bundle; [`check`](crate::check()) says so where
/// they are named.
pub fn collect(entry: &str, read: &mut dyn FnMut(&str) -> Result<String, ReadProblem>) -> Bundle {
    let (file, _) = split(entry);
    let mut bundle = Bundle { entry: entry.to_owned(), ..Bundle::default() };
    let mut waiting: Vec<(String, What)> = vec![(file.to_owned(), What::Definition)];
    let mut seen: BTreeSet<String> = BTreeSet::from([file.to_owned()]);
    let mut bytes = 0;
    while let Some((file, what)) = waiting.pop() {
        if bundle.files.len() >= limits::BUNDLE_FILES {
            let why = format!("a definition names at most {} files", limits::BUNDLE_FILES);
            bundle.unread.insert(file, ReadProblem::Other(why));
            continue;
        }
        match read(&file) {
            Ok(text) => {
                bytes += text.len();
                if bytes > limits::BUNDLE_BYTES {
                    let why =
                        format!("the files of a definition have at most {} bytes", limits::BUNDLE_BYTES);
                    bundle.unread.insert(file, ReadProblem::Other(why));
                    continue;
                }
                if what == What::Definition {
                    for next in named(&file, &text) {
                        if seen.insert(next.0.clone()) {
                            waiting.push(next);
                        }
                    }
                }
                bundle.files.insert(file, text);
            }
            Err(why) => {
                bundle.unread.insert(file, why);
            }
        }
    }
    bundle
}

/// What a file is named as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Definition,
    Other,
}

/// The files that a text names.
fn named(file: &str, text: &str) -> Vec<(String, What)> {
    let document = tree::read(file, text, &mut Vec::new());
    let Some(document) = document.and_then(|d| templates::expand(d, &mut Vec::new())) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    in_definition(document.root(), &mut found);
    let resolved = found.into_iter().filter_map(|(path, what)| Some((resolve(file, path).ok()?, what)));
    resolved.collect()
}

fn in_definition<'t>(node: Node<'t>, found: &mut Vec<(&'t str, What)>) {
    let inputs = node.get("inputs").into_iter().flat_map(|n| n.entries());
    let schemas = inputs.filter_map(|e| e.value.get("schema")?.raw());
    found.extend(schemas.map(|path| (path, What::Other)));
    in_steps(node, found);
}

/// Groups and children stand in each other at most as deeply as the tree goes.
fn in_steps<'t>(block: Node<'t>, found: &mut Vec<(&'t str, What)>) {
    for step in
        ["steps", "states", "finally"].into_iter().filter_map(|key| block.get(key)).flat_map(Node::items)
    {
        if let Some(child) = step.get("workflow") {
            found.extend(child.get("path").and_then(Node::raw).map(|path| (path, What::Definition)));
            if let Some(inline) = child.get("inline") {
                in_definition(inline, found);
            }
        }
        in_steps(step, found);
    }
}

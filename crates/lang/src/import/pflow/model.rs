//! The graph as both notations have it: nodes with their types and params, inputs, and who reads what.

use std::collections::{HashMap, HashSet};

use super::graph::Graph;
use super::template::{Piece, Seg, each_ref, pieces};
use crate::import::naming::{Given, snake};
use crate::import::source::At;
use crate::tree::{Node as TreeNode, Shape};

/// How a workflow is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Markdown,
}

impl Form {
    /// Where its nodes stand.
    pub(super) fn nodes(self) -> &'static str {
        match self {
            Self::Json => "nodes",
            Self::Markdown => "steps",
        }
    }
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shell,
    Code,
    Http,
    Llm,
    Agent,
    Read,
    Write,
    Copy,
    Move,
    Delete,
    Mcp,
    Workflow,
    /// A type that comes from elsewhere: a program of the user's takes its place.
    Other,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word.replace('_', "-").as_str() {
            "shell" => Self::Shell,
            "code" | "python" | "python-code" => Self::Code,
            "http" => Self::Http,
            "llm" => Self::Llm,
            "agent" | "claude-code" => Self::Agent,
            "read-file" => Self::Read,
            "write-file" => Self::Write,
            "copy-file" => Self::Copy,
            "move-file" => Self::Move,
            "delete-file" => Self::Delete,
            "workflow" => Self::Workflow,
            word if word.starts_with("mcp-") => Self::Mcp,
            _ => Self::Other,
        }
    }

    /// Whether it says where the flow goes by a word of its own.
    pub(super) fn routes(self) -> bool {
        matches!(self, Self::Code | Self::Other)
    }
}

/// A node.
pub(super) struct Node<'s, 't> {
    pub(super) at: At<'s, 't>,
    pub(super) form: Form,
    /// As the source calls it.
    pub(super) name: String,
    /// The step's id.
    pub(super) id: String,
    pub(super) word: &'t str,
    pub(super) kind: Kind,
    pub(super) batch: Option<Batch<'s, 't>>,
    /// Whether it goes in rounds by itself.
    pub(super) looped: bool,
    /// What is known of the workflow that it calls.
    pub(super) child: Option<Child>,
    /// Params that are the path of a file, with its text.
    pub(super) files: Vec<(&'static str, String)>,
}

/// The items of a node.
pub(super) struct Batch<'s, 't> {
    pub(super) at: At<'s, 't>,
    /// The item, as the source calls it.
    pub(super) name: String,
    /// As expressions here do.
    pub(super) id: String,
    /// Whether items that fail leave the others alone.
    pub(super) goes_on: bool,
}

/// A workflow that is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Child {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<String>,
}

/// An input of a workflow.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) id: String,
    /// Its type here.
    pub(super) kind: &'static str,
    /// Whether it may be left out and has no default: an empty value says so.
    pub(super) empty: bool,
    /// Whether it has to be given.
    pub(super) required: bool,
}

/// A workflow while it is made.
pub(super) struct Flow<'s, 't> {
    pub(super) root: At<'s, 't>,
    pub(super) nodes: Vec<Node<'s, 't>>,
    pub(super) inputs: Vec<Input>,
    /// Which input has a name.
    pub(super) names: HashMap<String, usize>,
    /// Pieces of text that prompts share: what stands before each value.
    pub(super) chunks: HashMap<&'t str, &'t str>,
    pub(super) graph: Graph,
    /// Names outside of any node that stand for an output of one: `output_mapping`.
    pub(super) aliases: HashMap<String, (usize, String)>,
    /// What is read anywhere, as (name, key).
    pub(super) reads: HashSet<(String, String)>,
    /// Ids that steps have.
    pub(super) given: Given,
    /// Whether somebody deletes files, which needs a word from who starts the run.
    pub(super) confirms: bool,
}

impl<'s, 't> Node<'s, 't> {
    /// What is known of a node at first; `None` for what is none.
    pub(super) fn new(at: At<'s, 't>, form: Form, name: &str, id: String, word: &'t str) -> Self {
        let batch = at.get("batch").filter(|at| at.is_map()).map(|at| {
            let name = at.text_at("as").unwrap_or("item").to_owned();
            // Not a name that expressions use for something else.
            let id = match snake(&name, "item") {
                id if TAKEN.contains(&id.as_str()) => id + "_",
                id => id,
            };
            let goes_on = at.node.get("error_handling").and_then(TreeNode::raw) == Some("continue");
            Batch { at, name, id, goes_on }
        });
        let looped = batch.is_none() && at.node.get("loop").is_some_and(|node| node.shape() == Shape::Map);
        let kind = Kind::of(word);
        Self {
            at,
            form,
            name: name.to_owned(),
            id,
            word,
            kind,
            batch,
            looped,
            child: None,
            files: Vec::new(),
        }
    }

    /// The params, marked as read.
    pub(super) fn params(&self) -> Option<At<'s, 't>> {
        match self.form {
            Form::Json => self.at.get("params").filter(|at| at.is_map()),
            Form::Markdown => Some(self.at),
        }
    }

    /// A param, marked as read.
    pub(super) fn param(&self, key: &str) -> Option<At<'s, 't>> {
        self.params()?.get(key)
    }

    /// The text of a param, as it is written.
    pub(super) fn word_of(&self, key: &str) -> Option<&'t str> {
        self.param(key)?.text()
    }

    /// A text of a node, or of the file that it names.
    pub(super) fn source(&self, key: &str) -> Option<(At<'s, 't>, String)> {
        let at = self.param(key)?;
        let text = at.text()?;
        let file = self.files.iter().find(|(known, _)| *known == key);
        Some((at, file.map_or(text, |(_, content)| content).to_owned()))
    }

    /// What it cannot do without and does not have: its step fails until it is there.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let needed: &[&str] = match self.kind {
            Kind::Shell => &["command"],
            Kind::Code => &["code"],
            Kind::Http => &["url"],
            Kind::Read | Kind::Delete => &["file_path"],
            Kind::Write => &["file_path", "content"],
            Kind::Copy | Kind::Move => &["source_path", "dest_path"],
            Kind::Workflow => {
                let keys = ["workflow", "workflow_name", "workflow_ref"];
                let named = keys.into_iter().find_map(|key| self.param(key)?.node.raw());
                let known = named.is_some_and(|named| !named.contains("${"));
                return (!known && self.child.is_none()).then_some("a workflow that is known before the run");
            }
            Kind::Llm | Kind::Agent | Kind::Mcp | Kind::Other => &[],
        };
        let text = |key: &str| match key {
            "file_path" | "source_path" | "dest_path" if self.word_of(key).is_some_and(leads_out) => false,
            "url" => self.word_of("url").is_some_and(|url| {
                // What is read in it is known by the run.
                let known = pieces(url).iter().all(|piece| !matches!(piece, Piece::Read(_)));
                !known || crate::actions::not_an_address(url).is_none()
            }),
            "content" => self.param(key).is_some(),
            _ => self.source(key).is_some_and(|(_, text)| !text.trim().is_empty()),
        };
        needed.iter().find(|key| !text(key)).copied()
    }

    /// Whether it puts something behind a file.
    pub(super) fn appends(&self) -> bool {
        let params = self.params().map(|params| params.node);
        params.and_then(|params| params.get("append")).and_then(TreeNode::raw) == Some("true")
    }

    /// Whether a param is there.
    pub(super) fn has(&self, key: &str) -> bool {
        let params = match self.form {
            Form::Json => self.at.node.get("params"),
            Form::Markdown => Some(self.at.node),
        };
        params.and_then(|params| params.get(key)).is_some()
    }

    /// All params, marked as read, without the keys that every node has.
    pub(super) fn all_params(&self) -> Vec<(&'t str, At<'s, 't>)> {
        let Some(params) = self.params() else { return Vec::new() };
        let own = |key: &str| self.form == Form::Json || !OF_NODES.contains(&key);
        let keys = params.node.entries().map(|entry| entry.key).filter(|key| own(key));
        keys.filter_map(|key| Some((key, params.get(key)?))).collect()
    }
}

impl Batch<'_, '_> {
    /// Whether no item has what a path reads, where the items are written out.
    pub(super) fn lacks(&self, path: &[Seg]) -> bool {
        let items = self.at.node.get("items").filter(|items| items.shape() == Shape::List);
        items.is_some_and(|items| {
            items.items().len() > 0 && none_has(&items.items().collect::<Vec<_>>(), path)
        })
    }
}

/// Whether none of some values has what a path reads.
fn none_has(values: &[TreeNode<'_>], path: &[Seg]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    // What is read elsewhere may be anything.
    if values.iter().any(|value| value.raw().is_some_and(|text| text.contains("${"))) {
        return false;
    }
    let inner: Vec<TreeNode<'_>> = match first {
        Seg::Field(key) => values.iter().filter_map(|value| value.get(key)).collect(),
        Seg::Index(_) | Seg::Of(_) => values.iter().flat_map(|value| value.items()).collect(),
    };
    inner.is_empty() || none_has(&inner, rest)
}

/// Whether a path that is written out leads above the folder where it begins.
fn leads_out(path: &str) -> bool {
    let mut depth = 0_i64;
    !path.contains("${")
        && path.split('/').any(|part| {
            depth += match part {
                "" | "." => 0,
                ".." => -1,
                _ => 1,
            };
            depth < 0
        })
}

/// Names in reach of expressions, and words that they keep.
const TAKEN: &[&str] = &[
    "inputs",
    "vars",
    "secrets",
    "run",
    "steps",
    "index",
    "key",
    "iteration",
    "previous",
    "feedback",
    "ended",
    "event",
    "optional",
    "one",
    "parsed",
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "type",
    "duration",
    "timestamp",
    "null_type",
    "dyn",
];

/// Keys of a step in Markdown that are no params.
pub(super) const OF_NODES: &[&str] = &[
    "id",
    "type",
    "purpose",
    "next",
    "on-error",
    "batch",
    "cache",
    "prompt_cache",
    "prewarm",
    "retry",
    "loop",
    "approval",
];

impl<'s, 't> Flow<'s, 't> {
    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The id of a step inside of another one.
    pub(super) fn inner_id(&self, id: &str, word: &str) -> String {
        let mut inner = format!("{id}_{word}");
        while self.nodes.iter().any(|node| node.id == inner) {
            inner.push('_');
        }
        inner
    }

    pub(super) fn input(&self, name: &str) -> Option<&Input> {
        self.names.get(name).and_then(|index| self.inputs.get(*index))
    }

    /// Whether a key of a node is read anywhere.
    pub(super) fn is_read(&self, name: &str, key: &str) -> bool {
        self.reads.contains(&(name.to_owned(), key.to_owned()))
    }
}

/// Who reads what in a text, as (name, key).
pub(super) fn reads_of(root: TreeNode<'_>) -> HashSet<(String, String)> {
    let mut found = HashSet::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        open.extend(node.items());
        open.extend(node.entries().map(|entry| entry.value));
        if let Some(text) = node.raw().filter(|text| text.contains("${")) {
            each_ref(text, &mut |read| {
                for seg in &read.path {
                    if let Seg::Field(key) = seg {
                        found.insert((read.root.clone(), key.clone()));
                    }
                }
            });
        }
    }
    found
}

//! pflow's workflows: a graph of nodes in JSON, raw or in its wrapper, and the same in Markdown.
//!
//! Both notations come to one tree of nearly the same shape, with places in the author's text, and are converted by the
//! same code: [`model`] has the nodes and inputs, [`graph`] which follows which, [`refs`] what is read where; one file
//! per family of types makes the action, and [`steps`] puts the steps together.

mod block;
mod child;
mod code;
mod each;
mod entry;
mod fields;
mod files;
mod graph;
mod head;
mod markdown;
mod model;
mod other;
mod outputs;
mod prompts;
mod refs;
mod request;
mod shell;
mod steps;
mod template;
mod texts;
mod values;
mod ways;

use std::collections::HashMap;

use super::naming::{Given, kebab, snake};
use super::out::Map;
use super::report::Verdict::{Changed, Kept, NotExpressible};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, lacks};
use crate::limits;
use crate::tree::{Node as TreeNode, Plain, Shape};
use graph::Graph;
use model::{Child, Flow, Form, Kind, Node};

use markdown::{document, is_one};

pub(super) static JSON: Spec = Spec {
    dialect: Dialect::Pflow,
    name: "pflow",
    title: "pflow's graphs (JSON)",
    notation: Notation::Data,
    fields: fields::JSON,
    folds: fields::FOLDS,
    fits: |root| {
        if root.get("ir").is_some() {
            let inner = lacks(root, &[("ir", Shape::Map)]).and_then(|()| match root.get("ir") {
                Some(ir) => nodes(ir, "nodes"),
                None => Ok(()),
            });
            return inner.map_err(|why| why.replacen("it has", "its `ir` has", 1));
        }
        nodes(root, "nodes")
    },
    convert: |root, context| convert(root, Form::Json, context),
};

pub(super) static MARKDOWN: Spec = Spec {
    dialect: Dialect::PflowMd,
    name: "pflow-md",
    title: "pflow's workflows (Markdown)",
    notation: Notation::Markdown {
        // A role may have such a heading in its template.
        marked: |text| is_one(text) && !super::roles::is_one(text),
        lacks: "it has no heading `## Steps`",
        read: document,
    },
    fields: fields::MARKDOWN,
    folds: &[],
    fits: |root| nodes(root, "steps"),
    convert: |root, context| convert(root, Form::Markdown, context),
};

fn spec(form: Form) -> &'static Spec {
    match form {
        Form::Json => &JSON,
        Form::Markdown => &MARKDOWN,
    }
}

/// Whether there are nodes, and not too many of them.
fn nodes(root: TreeNode<'_>, key: &str) -> Result<(), String> {
    lacks(root, &[(key, Shape::List)])?;
    let all = root.get(key).map(TreeNode::items);
    let said = |node: TreeNode<'_>, key: &str| {
        let value = node.get(key).filter(|value| value.plain() != Some(Plain::Null));
        value.and_then(TreeNode::raw).is_some()
    };
    let typed = |node: TreeNode<'_>| said(node, "id") && said(node, "type");
    match all {
        Some(all) if all.len() > limits::IMPORT_NODES => {
            Err(format!("it has {} nodes, and at most {} are read", all.len(), limits::IMPORT_NODES))
        }
        Some(all) if all.clone().any(typed) => Ok(()),
        _ => Err(format!("no element of its `{key}` has an `id` and a `type`")),
    }
}

/// What is around a workflow that is converted.
struct Around {
    /// Its file.
    file: String,
    /// The files of those that call it.
    paths: Vec<String>,
    /// How many were taken in so far.
    made: usize,
}

fn convert(root: At<'_, '_>, form: Form, context: &mut Context<'_>) -> Map {
    let mut around = Around { file: context.file.clone(), paths: Vec::new(), made: 0 };
    let stem = context.stem.clone();
    top(root, form, &stem, context, &mut around).0
}

/// A workflow with what is said about it.
fn top(
    root: At<'_, '_>,
    form: Form,
    stem: &str,
    context: &mut Context<'_>,
    around: &mut Around,
) -> (Map, Child) {
    let (said, inner, title) = match form {
        Form::Json => {
            let inner = root.get("ir").filter(|ir| ir.is_map()).unwrap_or(root);
            (root, inner, root.text_at("name"))
        }
        Form::Markdown => {
            let front = root.get("frontmatter").filter(|front| front.is_map());
            let name = front.and_then(|front| front.text_at("name"));
            // The file has the name; the title is for people.
            root.get("title");
            (front.filter(|front| front.node.get("description").is_some()).unwrap_or(root), root, name)
        }
    };
    root.get("description");
    let wanted = title.unwrap_or(stem);
    let name = kebab(wanted, "workflow");
    if title.is_some_and(|title| title != name)
        && let Some(at) =
            root.get("name").or_else(|| root.get("frontmatter").and_then(|front| front.get("name")))
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    if form == Form::Markdown
        && let Some(at) = root.get("title")
    {
        at.say(Changed, format!("the workflow is known by its file or its own name: `{name}`"));
    }
    let description =
        said.text_at("description").or_else(|| root.text_at("title").filter(|_| form == Form::Markdown));
    workflow(inner, form, &name, description, context, around)
}

/// A workflow: its definition, and what those that call it have to know.
fn workflow<'s, 't>(
    at: At<'s, 't>,
    form: Form,
    name: &str,
    description: Option<&str>,
    context: &mut Context<'_>,
    around: &mut Around,
) -> (Map, Child) {
    let mut flow: Flow<'s, 't> = Flow {
        root: at,
        nodes: Vec::new(),
        inputs: Vec::new(),
        names: HashMap::new(),
        chunks: HashMap::new(),
        graph: Graph::default(),
        aliases: HashMap::new(),
        reads: model::reads_of(at.node),
        given: Given::default(),
        confirms: false,
    };
    at.get("ir_version");
    if let Some(mode) = at.get("template_resolution_mode")
        && mode.node.raw() != Some("strict")
    {
        mode.say(Changed, "what is missing is an error; nothing goes on with the text of a reference");
    }
    if let Some(spaced) = at.get("enable_namespacing") {
        match spaced.node.plain() {
            Some(Plain::Bool(true)) => spaced.say(Kept, "each output is read from its step"),
            _ => spaced.say_with(
                NotExpressible,
                "each output is read from its step: a name without its node reads nothing",
                Some("write `${node.key}`, and import again"),
            ),
        }
    }
    let declared = head::inputs(&mut flow, at);
    head::chunks(&mut flow, at);
    let mut inline: HashMap<usize, Map> = HashMap::new();
    for node_at in at.list(form.nodes()) {
        let (Some(id), Some(word)) = (node_at.text_at("id"), node_at.text_at("type")) else {
            node_at.say_all(NotExpressible, "a node has an `id` and a `type`", None);
            continue;
        };
        if flow.index_of(id).is_some() {
            node_at.say_all(
                NotExpressible,
                format!("there is a node `{id}` already: this one is left out"),
                None,
            );
            continue;
        }
        let step = flow.given.give(&snake(id, "step"));
        if step != id
            && let Some(at) = node_at.get("id")
        {
            at.say(Changed, format!("ids are in snake_case: `{step}`"));
        }
        node_at.becomes_step(&step);
        let mut node = Node::new(node_at, form, id, step, word);
        named_files(&mut node, context, around);
        if let Some((definition, child)) = child::child(&node, context, around) {
            inline.insert(flow.nodes.len(), definition);
            node.child = Some(child);
        }
        flow.confirms |= node.kind == Kind::Delete;
        flow.nodes.push(node);
    }
    flow.graph = Graph::of(at, &flow.nodes, form);
    head::aliases(&mut flow, at);
    head::mappings(&flow, at);
    block::ways_of_errors(&flow);
    let made = flow.graph.order.clone();
    let made: Vec<(usize, Vec<Map>)> = made
        .into_iter()
        .map(|index| (index, steps::steps(&mut flow, index, inline.remove(&index))))
        .collect();
    let (key, block) = block::block(&flow, made);
    let mut definition = super::head(name, description.map(values::prose).as_deref());
    let declared = head::confirmed(&mut flow, declared);
    definition = definition.with_some("inputs", declared.filled());
    definition.set(key, block);
    let outputs = head::outputs(&flow, at);
    let child = Child {
        inputs: flow.inputs.clone(),
        outputs: outputs.0.iter().map(|(key, _)| key.clone()).collect(),
    };
    (definition.with_some("outputs", outputs.filled()), child)
}

/// Params that a file's text takes the place of.
const OF_FILES: &[&str] = &["command", "code", "prompt", "task", "system", "system_prompt", "context"];

/// Reads the files that params name.
fn named_files(node: &mut Node<'_, '_>, context: &mut Context<'_>, around: &Around) {
    for &key in OF_FILES {
        if !node.has(key) || matches!(node.kind, Kind::Mcp | Kind::Other) {
            continue;
        }
        let Some(at) = node.param(key) else { continue };
        let text = at.node.raw().unwrap_or_default().trim();
        let path = text.starts_with("./") || text.starts_with("../");
        if !path || text.contains(char::is_whitespace) || text.contains('$') {
            continue;
        }
        let path = child::beside(&around.file, text);
        match (context.read)(&path) {
            Ok(content) if content.len() <= limits::DOCUMENT_BYTES => {
                at.say(Kept, format!("the text of `{path}` stands in the step"));
                node.files.push((key, content));
            }
            _ => {
                let why = format!("`{path}` cannot be read: its path is taken for the text");
                at.say_with(NotExpressible, why, Some("put the file there, and import again"));
            }
        }
    }
}

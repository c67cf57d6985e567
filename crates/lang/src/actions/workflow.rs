//! `workflow`: a child run.

use super::Action;
use crate::codes;
use crate::decode::{ActionAt, ChildFacts, Decoder, Done, Output, Slot, Wants, Which};
use crate::diagnostic::{Diagnostic, nearest};
use crate::inputs;
use crate::keys::{Key, Shape};
use crate::names;
use crate::plan::{ActionKind, Child};
use crate::template::Template;
use crate::tree::{Node, Shape as Form};

static KEYS: &[Key] = &[
    Key::new(
        "name",
        Shape::WorkflowReference,
        "A workflow by its name: of the library, or in the project's folder `workflows`. `NAME@N` is a revision of the library; without a number it is the newest when the top run starts, and stays that",
    ),
    Key::new("path", Shape::Path, "File of the child's definition, relative to this file"),
    Key::new("inline", Shape::Document, "The child's definition itself"),
    Key::new(
        "revision",
        Shape::Words(REVISIONS),
        "With `name`: the newest of the library when the step starts, instead of when the top run does",
    ),
    Key::new(
        "inputs",
        Shape::Either(&[Shape::Names(&Shape::Any), Shape::Template]),
        "What the child is given: by name, or one expression that gives a map of all, which is held against what the child declares when it starts",
    ),
];

static REVISIONS: &[&str] = &["latest"];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "workflow",
    table: &[Key::new(
        "workflow",
        Shape::Map("workflow", &[KEYS]),
        "A child run: exactly one of `name`, `path` and `inline`. The child has a head of its own and takes nothing over from the parent but its `inputs`",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "The child's outputs",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let fields = cx.fields(at.value, "`workflow`", &[KEYS])?;
    let said: Vec<(&str, Node<'t>)> =
        ["name", "path", "inline"].into_iter().filter_map(|key| Some((key, fields.get(key)?))).collect();
    let facts = match said[..] {
        [("name", node)] => cx.text(node, "the name of a workflow").and_then(|name| named(cx, node, name)),
        [("path", node)] => {
            cx.text(node, "the path of a child").and_then(|path| child(cx, node, Which::Path(path)))
        }
        [(_, node)] => child(cx, node, Which::Inline),
        [(first, _), (second, node), ..] => {
            let message = format!("`workflow` has `{first}` or `{second}`, not both");
            cx.push(Diagnostic::at_start(codes::NOT_ONE, node, message).help("remove one of the two"));
            None
        }
        [] => {
            if !fields.refused {
                let message = "`workflow` does not say which";
                let problem = Diagnostic::at_start(codes::NOT_ONE, at.value, message);
                cx.push(
                    problem
                        .help("give it `name: other`, `path: ./child.yml`, or the definition under `inline`"),
                );
            }
            None
        }
    };
    let latest = fields.get("revision").is_some_and(|node| is_latest(cx, node, &said));
    let given = fields.get("inputs");
    let inputs = given_inputs(cx, given, facts.as_ref(), at.slot);
    let facts = facts?;
    check_missing(cx, given.unwrap_or(at.value), given, &facts);
    let output = Output::Known(facts.output.clone());
    let child = Child {
        workflow: facts.name,
        revision: facts.revision,
        latest,
        inputs: inputs?,
        budget: facts.budget,
    };
    Some(Done { kind: ActionKind::Workflow(child), output })
}

/// A child that is called by its name.
fn named<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, name: &str) -> Option<ChildFacts> {
    if let Err(wrong) = names::reference(name) {
        let problem = Diagnostic::at(codes::BAD_NAME, node, wrong.message);
        cx.push(Diagnostic { help: wrong.help, nearest: wrong.nearest, ..problem });
        return None;
    }
    child(cx, node, Which::Name(name))
}

/// Whether the newest revision is meant, whatever is pinned.
fn is_latest<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, said: &[(&str, Node<'t>)]) -> bool {
    if cx.word(node, "`revision`", REVISIONS).is_none() {
        return false;
    }
    let misplaced = |message: &str, help: &str| {
        cx.push(Diagnostic::at(codes::MISPLACED_KEY, node, message).help(help));
        false
    };
    match said {
        [("name", name)] => match name.raw().and_then(|name| name.split_once('@')) {
            None => true,
            Some((name, _)) => misplaced(
                "the name says which revision it is already",
                &format!("say `name: {name}` for the newest, or leave `revision` out"),
            ),
        },
        _ => misplaced("only a workflow that is called by its name has revisions", "leave `revision` out"),
    }
}

fn child<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, which: Which<'_>) -> Option<ChildFacts> {
    match cx.outside.child(node, which) {
        Ok(facts) => {
            // What is called by name is no part of the definition.
            if let (Some(facts), Which::Path(path)) = (&facts, which) {
                cx.name_file(path, facts.own.clone());
            }
            facts
        }
        Err(problem) => {
            cx.push(*problem);
            None
        }
    }
}

/// The values that the child is given, each held against what the child declares.
fn given_inputs<'t>(
    cx: &Decoder<'t, '_>,
    given: Option<Node<'t>>,
    facts: Option<&ChildFacts>,
    slot: Slot,
) -> Option<Template> {
    let Some(node) = given else { return Some(Template::Literal(serde_json::json!({}))) };
    if is_computed(node) {
        let computed = cx.template(node, slot, Wants::Map)?;
        if matches!(computed, Template::Expr(_)) {
            return Some(computed);
        }
        cx.wrong_type(node, "`inputs` is a map of values, or one expression that gives it");
        return None;
    }
    if node.shape() != Form::Map {
        cx.wrong_type(node, "`inputs` is a map of values, or an expression that gives one");
        return None;
    }
    let mut inputs = Vec::new();
    let mut whole = true;
    for entry in node.entries() {
        let declared = facts.and_then(|f| f.inputs.iter().find(|i| i.name == entry.key));
        if let (Some(facts), None) = (facts, declared) {
            let message = format!("`{}` has no input `{}`", facts.name, entry.key);
            let problem = Diagnostic::at_key(codes::CHILD_INPUT_UNKNOWN, entry, message);
            let names = facts.inputs.iter().map(|i| i.name.as_str());
            cx.push(match nearest(entry.key, names.clone()) {
                Some(near) => problem.nearest(near),
                None => problem.help(inputs_are(names)),
            });
        }
        let computed = cx.template(entry.value, slot, Wants::Any);
        let value = match (computed, declared) {
            // What is written for a text stays what was written.
            (Some(Template::Literal(read)), Some(declared)) => {
                let escaped = entry.value.raw().is_some_and(|text| text.contains("${{"));
                let value = if escaped { Some(read) } else { cx.typed(entry.value, declared.kind) };
                if let Some(value) = &value
                    && let Some(why) = inputs::misfit(declared, value)
                {
                    let message = format!("the input `{}` of the child does not fit: {why}", entry.key);
                    cx.problem(codes::CHILD_INPUT_MISFIT, entry.value, message);
                }
                value.map(Template::Literal)
            }
            (computed, _) => computed,
        };
        match value {
            Some(value) => inputs.push((entry.key.to_owned(), value)),
            None => whole = false,
        }
    }
    whole.then(|| Template::map(inputs))
}

/// Whether all that the child is given is computed at once.
fn is_computed(node: Node<'_>) -> bool {
    node.shape() != Form::Map && node.raw().is_some_and(|text| text.contains("${{"))
}

fn check_missing<'t>(cx: &Decoder<'t, '_>, at: Node<'t>, given: Option<Node<'t>>, facts: &ChildFacts) {
    if given.is_some_and(is_computed) {
        return;
    }
    for input in facts.inputs.iter().filter(|i| i.default.is_none()) {
        if given.is_some_and(|g| g.entry(&input.name).is_some()) {
            continue;
        }
        let message = format!("`{}` needs the input `{}`", facts.name, input.name);
        let help = input.description.clone().unwrap_or_else(|| "it has no default".to_owned());
        cx.push(Diagnostic::at_start(codes::CHILD_INPUT_MISSING, at, message).help(help));
    }
}

fn inputs_are<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
    if names.is_empty() { "it takes none".to_owned() } else { format!("its inputs are {}", names.join(", ")) }
}

//! `workflow`: a child run.

use super::Action;
use crate::codes;
use crate::decode::{ActionAt, ChildFacts, Decoder, Done, Output, Slot, Wants};
use crate::diagnostic::{Diagnostic, nearest};
use crate::inputs;
use crate::keys::{Key, Shape};
use crate::plan::{ActionKind, Child};
use crate::template::Template;
use crate::tree::{Node, Shape as Form};

static KEYS: &[Key] = &[
    Key::new("path", Shape::Path, "File of the child's definition, relative to this file"),
    Key::new("inline", Shape::Document, "The child's definition itself"),
    Key::new("inputs", Shape::Names(&Shape::Any), "What the child is given"),
    Key::later("name", "A workflow of the library, or NAME@REVISION"),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "workflow",
    table: &[Key::new(
        "workflow",
        Shape::Map("workflow", &[KEYS]),
        "A child run: exactly one of `path` and `inline`. The child has a head of its own and takes nothing over from the parent but its `inputs`",
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
    let facts = match (fields.get("path"), fields.get("inline")) {
        (Some(node), None) => {
            cx.text(node, "the path of a child").and_then(|path| child(cx, node, Some(path)))
        }
        (None, Some(node)) => child(cx, node, None),
        (Some(_), Some(second)) => {
            let message = "`workflow` has `path` or `inline`, not both";
            cx.push(Diagnostic::at_start(codes::NOT_ONE, second, message).help("remove one of the two"));
            None
        }
        (None, None) => {
            if !fields.refused {
                let message = "`workflow` does not say which";
                let problem = Diagnostic::at_start(codes::NOT_ONE, at.value, message);
                cx.push(problem.help("give it `path: ./child.yml`, or the definition under `inline`"));
            }
            None
        }
    };
    let given = fields.get("inputs");
    let inputs = given_inputs(cx, given, facts.as_ref(), at.slot);
    let facts = facts?;
    check_missing(cx, given.unwrap_or(at.value), given, &facts);
    let output = Output::Known(facts.output.clone());
    let child =
        Child { workflow: facts.name, revision: facts.revision, inputs: inputs?, budget: facts.budget };
    Some(Done { kind: ActionKind::Workflow(child), output })
}

fn child<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, path: Option<&str>) -> Option<ChildFacts> {
    match cx.outside.child(node, path) {
        Ok(facts) => {
            if let (Some(facts), Some(path)) = (&facts, path) {
                cx.name_file(path, facts.revision.clone());
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
    if node.shape() != Form::Map {
        cx.wrong_type(node, "`inputs` is a map of values");
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

fn check_missing<'t>(cx: &Decoder<'t, '_>, at: Node<'t>, given: Option<Node<'t>>, facts: &ChildFacts) {
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

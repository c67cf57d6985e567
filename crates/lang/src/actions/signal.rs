//! `signal`: sends a signal to a run, or to all open runs that have a key.

use super::Action;
use crate::codes;
use crate::decode::{ActionAt, Decoder, Done, Naming, Output, Wants};
use crate::diagnostic::Diagnostic;
use crate::expr::{Field, Type};
use crate::keys::{Key, Shape};
use crate::limits;
use crate::plan::{ActionKind, Signal, SignalTo};
use crate::template::Template;
use crate::tree::{Node, Shape as Form};

static KEYS: &[Key] = &[
    Key::new("name", Shape::Template, "Its name: what the receiver waits for").required(),
    Key::new(
        "run",
        Shape::Either(&[Shape::Template, Shape::Map("receivers", &[RECEIVERS])]),
        "Id of the run that gets it, or which open runs do; without it this run",
    ),
    Key::new(
        "step",
        Shape::Template,
        "Path of a step instance of the receiver, such as `each[a]/wait`: only waits there and inside take it",
    ),
    Key::new("data", Shape::Any, "What comes with it: the output of the wait that takes it").default("null"),
];

/// The keys of the map that `run` may be.
pub static RECEIVERS: &[Key] = &[
    Key::new("workflow", Shape::WorkflowName, "Name of their workflow").required(),
    Key::new(
        "where",
        Shape::Names(&Shape::Template),
        "Values of inputs with `index: true`: the open runs that have all of them get it",
    )
    .required(),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "signal",
    table: &[Key::new(
        "signal",
        Shape::Map("signal", &[KEYS]),
        "Sends a signal to a run that waits for it, or will",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "A map with `runs`: the ids of the runs it was sent to",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let fields = cx.fields(at.value, "`signal`", &[KEYS])?;
    // All is read before giving up, so that everything wrong in it is found.
    let name = fields.get("name").and_then(|n| named(cx, n, at));
    let to = match fields.get("run") {
        None => Some(SignalTo::Own),
        Some(node) if node.shape() == Form::Map => receivers(cx, node, at),
        Some(node) => cx.text_template(node, "the id of a run", at.slot).map(SignalTo::Run),
    };
    let step = match fields.get("step") {
        None => Some(None),
        Some(node) => cx.text_template(node, "the path of a step", at.slot).map(Some),
    };
    let data = match fields.get("data") {
        None => Some(Template::Literal(serde_json::Value::Null)),
        Some(node) => cx.template(node, at.slot, Wants::Any),
    };
    let kind = ActionKind::Signal(Signal { to: to?, step: step?, name: name?, data: data? });
    let output = Type::map(vec![Field::required("runs", Type::list(Type::String))], false);
    Some(Done { kind, output: Output::Known(output) })
}

/// The name of a signal: of one that is sent, and of one that is waited for.
pub(super) fn named<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, at: &ActionAt<'_, 't>) -> Option<Template> {
    let name = cx.text_template(node, "the name of a signal", at.slot)?;
    let Template::Literal(serde_json::Value::String(text)) = &name else { return Some(name) };
    if text.is_empty() {
        cx.problem(codes::EMPTY_VALUE, node, "the name of the signal is empty");
        return None;
    }
    if text.len() > limits::SIGNAL_NAME_BYTES {
        let message = format!("the name of the signal has {} bytes", text.len());
        let help = format!("at most {} are allowed", limits::SIGNAL_NAME_BYTES);
        cx.push(Diagnostic::at(codes::TOO_MANY, node, message).help(help));
        return None;
    }
    Some(name)
}

fn receivers<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, at: &ActionAt<'_, 't>) -> Option<SignalTo> {
    let fields = cx.fields(node, "`run` of a signal", &[RECEIVERS])?;
    let workflow = fields.get("workflow").and_then(|n| cx.name(n, "a workflow", Naming::Kebab));
    let inputs = fields.get("where").and_then(|node| {
        let entries = cx.entries(node, "`where` is a map of values of inputs")?;
        if entries.len() == 0 {
            let help = "name an input of the workflow that has `index: true`, and its value";
            cx.push(Diagnostic::at(codes::EMPTY_VALUE, node, "`where` names no input").help(help));
            return None;
        }
        let inputs = entries.map(|entry| {
            let named = cx.key_name(entry, "an input", Naming::Snake);
            let computed = entry.value.raw().is_some_and(|text| text.contains("${{"));
            let value = match computed {
                // A number keeps its type, so that it is found however it is written.
                true => cx.template(entry.value, at.slot, Wants::Any),
                false => cx.text_template(entry.value, "the value of an input", at.slot),
            };
            value.filter(|_| named).map(|value| (entry.key.to_owned(), value))
        });
        let inputs: Vec<_> = inputs.collect();
        inputs.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(SignalTo::Where { workflow: workflow?.to_owned(), inputs: inputs? })
}

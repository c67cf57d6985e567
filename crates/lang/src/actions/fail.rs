//! `fail`: the step fails.

use super::Action;
use crate::decode::{ActionAt, Decoder, Done, Output};
use crate::expr::Type;
use crate::keys::{Key, Shape};
use crate::plan::ActionKind;
use crate::tree::Shape as Form;

static OUTCOMES: &[&str] = &["error", "rejected"];

static KEYS: &[Key] = &[
    Key::new("message", Shape::Template, "What is wrong, for people").required(),
    Key::new("outcome", Shape::Words(OUTCOMES), "How what fails because of it ends").default("error"),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "fail",
    table: &[Key::new(
        "fail",
        Shape::Either(&[Shape::Template, Shape::Map("fail", &[KEYS])]),
        "The step fails, with this message",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "None",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let (message, outcome) = if at.value.shape() == Form::Map {
        let fields = cx.fields(at.value, "`fail`", &[KEYS])?;
        let outcome = fields.get("outcome").and_then(|node| cx.word(node, "`outcome`", OUTCOMES));
        (cx.text_template(fields.get("message")?, "a message", at.slot)?, outcome)
    } else {
        (cx.text_template(at.value, "a message", at.slot)?, None)
    };
    let kind = ActionKind::Fail { message, rejected: outcome == Some("rejected") };
    Some(Done { kind, output: Output::Known(Type::Null) })
}

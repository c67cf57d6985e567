//! `finish`: the run ends now, completed.

use super::Action;
use crate::decode::{ActionAt, Decoder, Done, Output};
use crate::expr::Type;
use crate::keys::{Key, Shape};
use crate::plan::ActionKind;

/// The action.
pub(super) static ACTION: Action = Action {
    name: "finish",
    table: &[Key::new(
        "finish",
        Shape::Template,
        "The run ends now, completed as `stopped_early`; the text says why. What is under way is ended",
    )],
    keys: &[],
    step_keys: &[],
    output: "The text",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let text = cx.text_template(at.value, "a text", at.slot)?;
    Some(Done { kind: ActionKind::Finish(text), output: Output::Known(Type::String) })
}

//! `set`: pure values.

use super::Action;
use crate::decode::{ActionAt, Decoder, Done, Output, Wants};
use crate::keys::{Key, Shape};
use crate::plan::ActionKind;
use crate::tree::Shape as Form;

/// The action.
pub(super) static ACTION: Action = Action {
    name: "set",
    table: &[Key::new("set", Shape::Names(&Shape::Any), "Pure values by name")],
    keys: &[],
    step_keys: &[],
    output: "The map",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    if at.value.shape() != Form::Map {
        cx.wrong_type(at.value, "`set` is a map of values");
        return None;
    }
    let values = cx.template(at.value, at.slot, Wants::Any)?;
    Some(Done { kind: ActionKind::Set(values), output: Output::OfTemplate })
}

//! `noop`: gives its value back through an executor.

use super::{Action, EFFECT};
use crate::decode::{ActionAt, Decoder, Done, Output, Wants};
use crate::expr::Type;
use crate::keys::{Key, Shape};
use crate::plan::ActionKind;
use crate::template::Template;

/// The action.
pub(super) static ACTION: Action = Action {
    name: "noop",
    table: &[Key::new(
        "noop",
        Shape::Any,
        "Gives its value back through an executor: an effect that does nothing, for tests and measurements",
    )],
    keys: &[],
    step_keys: &[EFFECT],
    output: "The value",
    defaults: false,
    timed: true,
    effects: true,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let value = cx.template(at.value, at.slot, Wants::Any)?;
    let request = Template::map(vec![("value".to_owned(), value)]);
    let kind = ActionKind::Effect { executor: "noop", request };
    Some(Done { kind, output: Output::Known(Type::Dyn) })
}

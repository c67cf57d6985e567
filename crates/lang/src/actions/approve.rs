//! `approve`: a gate.

use super::Action;
use crate::decode::{ActionAt, Decoder, Done};
use crate::keys::{
    BY, ESCALATION, FORM, Key, NOT, ON_REJECT, QUORUM, REDO, REJECTS, REMIND, SHOW, Shape, TITLE,
    WHEN_TIME_IS_UP,
};

static KEYS: &[Key] = &[
    TITLE,
    SHOW,
    FORM,
    BY.default("[role:approver]"),
    NOT,
    QUORUM,
    REJECTS,
    REMIND,
    ESCALATION,
    WHEN_TIME_IS_UP,
    Key::new(
        "on_reject",
        Shape::Either(&[Shape::Words(ON_REJECT), Shape::Map("on_reject", &[REDO])]),
        "What a rejection does: the step fails, it completes and the decision is read, or steps above start again",
    )
    .default("fail"),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "approve",
    table: &[Key::new(
        "approve",
        Shape::Map("approve", &[KEYS]),
        "A gate: waits for a decision on exactly what is shown",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "A map with `decision` (`accept` or `reject`), `comment`, `by` (a list of who decided), `at`, `form`, and `decisions`: what each of them said",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    cx.gate(at, KEYS)
}

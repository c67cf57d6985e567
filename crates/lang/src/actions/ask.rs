//! `ask`: questions to a person.

use super::Action;
use crate::decode::{ActionAt, Decoder, Done};
use crate::keys::{BY, ESCALATION, FORM, Key, NOT, QUESTION, REMIND, SHOW, Shape, TITLE};

static KEYS: &[Key] = &[
    TITLE,
    SHOW,
    Key::new(
        "questions",
        Shape::Either(&[Shape::List(&Shape::Map("question", &[QUESTION])), Shape::Expression]),
        "The questions, or an expression that gives them; none, and the step is done at once",
    ),
    FORM,
    BY.default("[starter]"),
    NOT,
    REMIND,
    ESCALATION,
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "ask",
    table: &[Key::new(
        "ask",
        Shape::Map("ask", &[KEYS]),
        "Asks a person and waits for the answers: exactly one of `questions` and `form`",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "The answers by the ids of their questions, or what was filled in",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    cx.asked(at, KEYS)
}

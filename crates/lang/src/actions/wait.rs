//! `wait`: for a length of time, or until an instant.

use super::Action;
use crate::codes;
use crate::decode::{ActionAt, Decoder, Done, Output};
use crate::diagnostic::Diagnostic;
use crate::duration::parse_time;
use crate::expr::Type;
use crate::keys::{Key, Shape};
use crate::plan::{ActionKind, Wait};

static KEYS: &[Key] = &[
    Key::new("for", Shape::Duration, "How long"),
    Key::new("at", Shape::Time, "Until when; an instant that has passed is no wait"),
    Key::later("signal", "A signal of this name"),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "wait",
    table: &[Key::new(
        "wait",
        Shape::Map("wait", &[KEYS]),
        "Waits, at no cost: exactly one of `for` and `at`",
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
    let fields = cx.fields(at.value, "`wait`", &[KEYS])?;
    let wait = match (fields.get("for"), fields.get("at")) {
        (Some(node), None) => Wait::For(cx.duration(node, "`for`", at.slot)?),
        (None, Some(node)) => {
            if let Some(text) = node.raw().filter(|t| !t.contains("${{"))
                && let Err(error) = parse_time(text)
            {
                let help = "write it as `2026-11-21T09:00:00Z`, with its offset from UTC";
                cx.push(Diagnostic::at(codes::BAD_TIME, node, error.message).help(help));
                return None;
            }
            Wait::At(cx.text_template(node, "an instant", at.slot)?)
        }
        (Some(_), Some(second)) => {
            let problem = Diagnostic::at_start(codes::NOT_ONE, second, "`wait` has `for` or `at`, not both");
            cx.push(problem.help("make two steps of it"));
            return None;
        }
        (None, None) => {
            if !fields.refused {
                let problem = Diagnostic::at_start(codes::NOT_ONE, at.value, "`wait` does not say what for");
                cx.push(problem.help("give it `for: 30s` or `at: TIME`"));
            }
            return None;
        }
    };
    Some(Done { kind: ActionKind::Wait(wait), output: Output::Known(Type::Null) })
}

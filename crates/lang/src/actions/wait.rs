//! `wait`: for a length of time, until an instant, or for a signal.

use super::{Action, signal};
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
    Key::new("signal", Shape::Template, "A signal of this name; one that came before it is taken at once"),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "wait",
    table: &[Key::new(
        "wait",
        Shape::Map("wait", &[KEYS]),
        "Waits, at no cost: exactly one of `for`, `at` and `signal`",
    )],
    keys: KEYS,
    step_keys: &[],
    output: "The data of the signal; none after a time",
    defaults: false,
    timed: false,
    effects: false,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let fields = cx.fields(at.value, "`wait`", &[KEYS])?;
    let mut given = KEYS.iter().filter_map(|key| Some((key.name, fields.get(key.name)?)));
    let Some((key, node)) = given.next() else {
        if !fields.refused {
            let problem = Diagnostic::at_start(codes::NOT_ONE, at.value, "`wait` does not say what for");
            cx.push(problem.help("give it `for: 30s`, `at: TIME` or `signal: NAME`"));
        }
        return None;
    };
    if let Some((second, place)) = given.next() {
        let message = format!("`wait` has `{key}` or `{second}`, not both");
        let help = match second {
            "signal" => "for a signal that may not come, give the step a `timeout`",
            _ => "make two steps of it",
        };
        cx.push(Diagnostic::at_start(codes::NOT_ONE, place, message).help(help));
        return None;
    }
    let (wait, output) = match key {
        "for" => (Wait::For(cx.duration(node, "`for`", at.slot)?), Type::Null),
        "at" => {
            if let Some(text) = node.raw().filter(|t| !t.contains("${{"))
                && let Err(error) = parse_time(text)
            {
                let help = "write it as `2026-11-21T09:00:00Z`, with its offset from UTC";
                cx.push(Diagnostic::at(codes::BAD_TIME, node, error.message).help(help));
                return None;
            }
            (Wait::At(cx.text_template(node, "an instant", at.slot)?), Type::Null)
        }
        _ => (Wait::Signal(signal::named(cx, node, at)?), Type::Dyn),
    };
    Some(Done { kind: ActionKind::Wait(wait), output: Output::Known(output) })
}

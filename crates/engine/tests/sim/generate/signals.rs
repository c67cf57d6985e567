//! Signals: steps that send them, and steps that wait for them.

use serde_json::{Map, Value, json};

use super::actions::Inside;
use super::reads::{Gives, marked};
use super::{Generator, Scope};

/// Names of signals, some of which depend on where in a run they are asked for.
pub(crate) fn name_of(nth: u64) -> String {
    ["go", "stop", "s-0", "s-1"][usize::try_from(nth % 4).unwrap()].to_owned()
}

fn named(make: &mut Generator, scope: &Scope) -> Value {
    match make.rng.below(3) {
        0 => json!(format!("s-${{{{ max(0, {}) % 2 }}}}", make.number(scope, 1))),
        nth => json!(name_of(nth)),
    }
}

/// A step that waits for a signal. What comes with it has a number `v`.
pub(super) fn awaited(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    step.insert("wait".into(), json!({ "signal": named(make, scope) }));
    if make.takes("timeout") {
        step.insert("timeout".into(), make.duration());
    }
    Inside::action(Gives::V)
}

/// A step that sends one: to its own run, to one by its id, or to all that are found. Which signal a wait gets
/// is chance, so where that must not matter all say the same.
pub(super) fn sent(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let v = if make.calm { json!(1) } else { marked(&make.number(scope, 1)) };
    let mut signal = json!({ "name": named(make, scope), "data": { "v": v } });
    match make.rng.below(6) {
        0 => signal["run"] = marked("run.id"),
        1 | 2 if !make.indexed.is_empty() => {
            let workflow = make.rng.pick(&make.indexed).clone();
            signal["run"] =
                json!({ "workflow": workflow, "where": { "whose": *make.rng.pick(&["x", "y"]) } });
        }
        3 if !make.calm => signal["run"] = json!(*make.rng.pick(&["r_top", "r_nobody"])),
        _ => {}
    }
    if make.rng.hits(1, 5) {
        signal["step"] = json!(*make.rng.pick(&["a0", "b0", "a1", "a0[0]", "a0#2/b1"]));
    }
    step.insert("signal".into(), signal);
    Inside::action(Gives::Size)
}

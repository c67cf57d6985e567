//! Machines: states, and where they lead.

use serde_json::{Map, Value, json};

use super::blocks::id;
use super::reads::Read;
use super::steps::Place;
use super::{Generator, Scope};

impl Generator {
    /// States that lead on to the next one, and at times back, to the end or to failure before.
    pub(crate) fn machine(&mut self, holder: &mut Map<String, Value>, around: &Scope) -> Vec<Read> {
        let count = self.room(around).min(4);
        let (mut states, mut made): (Vec<Value>, Vec<Read>) = (Vec::new(), Vec::new());
        for at in 0..count {
            self.left = self.left.saturating_sub(1);
            let mut scope = Scope { back: Vec::new(), ..around.clone() };
            // `iteration` counts the visits; there is no `previous`.
            scope.looped = Some(Vec::new());
            scope.reads.extend(made.iter().cloned());
            let last = at + 1 == count;
            let (mut state, mut read) = self.step(id(around, at), &scope, Place::State { last });
            // Of no items nothing ends.
            let each = state.contains_key("foreach") || state.contains_key("loop");
            let ends = !each && (state.contains_key("fail") || state.contains_key("finish"));
            if ends {
                state.remove("on_error");
                read.tolerated = false;
            } else {
                scope.reads.push(Read { guarded: true, ..read.clone() });
                let on = if last { "end".to_owned() } else { id(around, at + 1) };
                state.insert("next".into(), self.next(&scope, around, at, &on));
                if read.tolerated && self.rng.hits(1, 2) {
                    // A failure leads elsewhere, so nobody can be sure that it completed.
                    let to = if self.calm || self.rng.hits(2, 3) { on } else { "fail".to_owned() };
                    state.insert("on_error".into(), json!({ "go": to }));
                    read.guarded = true;
                }
            }
            states.push(self.templated(state));
            made.push(read);
        }
        holder.insert("states".into(), Value::Array(states));
        // The machine may have ended before it came to the later ones.
        made.iter_mut().for_each(|state| state.guarded = true);
        made
    }

    fn next(&mut self, scope: &Scope, around: &Scope, at: usize, on: &str) -> Value {
        let mut entries = Vec::new();
        if self.rng.hits(1, 3) {
            let back = id(around, self.rng.index(at + 1));
            let max = self.rng.between(1, 3);
            entries.push(match self.rng.below(4) {
                0 => json!({ "when": format!("iteration < {max}"), "go": back }),
                1 => json!({ "go": back, "max": max }),
                _ => json!({ "when": self.when(scope), "go": back, "max": max }),
            });
        }
        if self.rng.hits(1, 4) {
            let to = if self.calm || self.rng.hits(1, 2) { "end" } else { "fail" };
            entries.push(json!({ "when": self.when(scope), "go": to }));
        }
        if entries.is_empty() && self.rng.hits(1, 2) {
            return json!(on);
        }
        let mut always = json!({ "go": on });
        if !self.calm && self.rng.hits(1, 12) {
            // It may be that no way out holds.
            always["when"] = json!(self.when(scope));
        }
        entries.push(always);
        Value::Array(entries)
    }

    fn when(&mut self, scope: &Scope) -> String {
        match self.calm {
            // What cannot be computed is a failure.
            true => "iteration % 2 == 1".to_owned(),
            false => self.condition(scope),
        }
    }
}

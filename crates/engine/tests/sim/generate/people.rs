//! Gates and questions: who is asked what, and what an answer does.

use serde_json::{Map, Value, json};

use super::actions::Inside;
use super::reads::{Gives, marked};
use super::{Generator, Scope};

/// How many may have worked on a step at most, where that cannot be said.
pub(crate) const MANY: u32 = 99;

/// A gate. Where all must come to the same, only so many decide and so few are left out that somebody is left.
pub(super) fn gate(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let mut gate = make.asked(step, scope);
    if make.rng.hits(1, 3) {
        gate.insert("form".into(), form());
    }
    let named = gate.get("by").is_some_and(|by| by == &json!(["user:bo", "user:cy"]));
    let quorum = make.rng.between(1, if make.calm || named { 2 } else { 3 });
    if quorum > 1 {
        gate.insert("quorum".into(), json!(quorum));
    }
    if make.rng.hits(1, 3) {
        let rejects = make.rng.between(1, 3);
        let rejects = if make.rng.hits(1, 4) { marked(&rejects.to_string()) } else { json!(rejects) };
        gate.insert("rejects".into(), if make.calm { json!(1) } else { rejects });
    }
    if step.contains_key("timeout") && make.rng.hits(2, 3) {
        gate.insert("on_timeout".into(), json!(*make.rng.pick(&["fail", "accept", "reject"])));
    }
    let back = scope.back.clone();
    // What runs beside what is done again is ended wherever it has come to.
    let ordered = !make.calm || make.mix.weight("needs") == 0;
    let may = !back.is_empty() && ordered;
    match make.rng.below(4) {
        0 | 1 if may => {
            let mut redo = json!({ "redo": *make.rng.pick(&back) });
            if make.rng.hits(1, 2) {
                redo["max"] = json!(make.rng.between(1, 3));
            }
            gate.insert("on_reject".into(), redo);
        }
        2 => _ = gate.insert("on_reject".into(), json!(*make.rng.pick(&["continue", "continue", "fail"]))),
        _ => {}
    }
    step.insert("approve".into(), Value::Object(gate));
    let workers = u32::try_from(quorum).unwrap();
    Inside { workers: if make.calm { workers } else { MANY }, ..Inside::action(Gives::Size) }
}

/// Questions, or a form that has a number `v`.
pub(super) fn questions(
    make: &mut Generator,
    step: &mut Map<String, Value>,
    scope: &Scope,
    _: bool,
) -> Inside {
    let mut ask = make.asked(step, scope);
    let gives = match make.rng.below(3) {
        0 => {
            ask.insert("form".into(), form());
            Gives::V
        }
        1 => {
            let made = "[{'id': 'a', 'text': 'A?', 'answer_type': 'number'}]";
            ask.insert("questions".into(), marked(if make.rng.hits(1, 3) { "[]" } else { made }));
            Gives::Nothing
        }
        _ => {
            let all = [
                json!({ "id": "a", "text": "A?", "why_it_matters": "It does.", "default": "x" }),
                json!({ "id": "b", "text": "B?", "answer_type": "number", "priority": "should" }),
                json!({ "id": "c", "text": "C?", "choices": ["x", "y"], "required": true }),
            ];
            let count = usize::try_from(make.rng.between(1, 3)).unwrap();
            ask.insert("questions".into(), json!(all[3 - count..]));
            Gives::Nothing
        }
    };
    step.insert("ask".into(), Value::Object(ask));
    Inside { workers: 1, ..Inside::action(gives) }
}

fn form() -> Value {
    json!({ "type": "object", "required": ["v"], "properties": { "v": { "type": "integer" } } })
}

impl Generator {
    /// What gates and questions have in common. The step's time is set before: the others come before its end.
    fn asked(&mut self, step: &mut Map<String, Value>, scope: &Scope) -> Map<String, Value> {
        let mut asked = Map::new();
        if self.takes("timeout") {
            step.insert("timeout".into(), json!(*self.rng.pick(&["2h", "36h"])));
        }
        if self.rng.hits(2, 3) {
            let title = format!("Is it {}?", marked(&self.number(scope, 1)).as_str().unwrap());
            asked.insert("title".into(), json!(title));
        }
        // One that may be wanting shows nothing.
        let seen: Vec<String> = scope
            .reads
            .iter()
            .filter(|read| !read.guarded && !read.tolerated && read.gives != Gives::Nothing)
            .map(|read| read.id.clone())
            .collect();
        match self.rng.below(3) {
            0 if !seen.is_empty() => _ = asked.insert("show".into(), json!([*self.rng.pick(&seen)])),
            1 => {
                let pad = if self.takes("large") { "x".repeat(40_000) } else { String::new() };
                let show = json!({ "It is": marked(&self.number(scope, 1)), "And": pad });
                asked.insert("show".into(), show);
            }
            _ => {}
        }
        let worked = self.worked(scope);
        let by = match self.rng.below(8) {
            0 => json!(["role:approver"]),
            1 => json!(["group:makers"]),
            2 => json!(["user:bo", "user:cy"]),
            3 => json!(["agents", "role:approver"]),
            4 => json!(["user:${{ 'bo' }}", "group:makers", "starter"]),
            // A group in which nobody is.
            6 if !self.calm && self.rng.hits(1, 4) => json!(["group:empty"]),
            5 if worked.is_some() => json!([worked.clone().unwrap(), "role:approver"]),
            _ => Value::Null,
        };
        let open = by.is_array() && !by.as_array().unwrap().contains(&json!("user:bo"));
        if !by.is_null() {
            asked.insert("by".into(), by.clone());
        }
        let seen = asked.get("show").and_then(|show| show.get(0)?.as_str());
        let made = scope.reads.iter().find(|read| Some(read.id.as_str()) == seen);
        let authors = made.is_some_and(|read| read.workers > 0 && (!self.calm || read.workers <= 2));
        // Where it has to go on, somebody has to be left.
        if self.rng.hits(1, 2) && (open || !self.calm) {
            let mut not = vec![*self.rng.pick(&["starter", "agents"])];
            if let Some(worked) = &worked {
                not.push(worked);
            }
            if authors {
                not.push("authors");
            }
            if !self.calm && self.rng.hits(1, 3) {
                not.push("deciders");
            }
            not.retain(|word| !by.as_array().is_some_and(|by| by.contains(&json!(word))));
            asked.insert("not".into(), json!(not));
        }
        if self.rng.hits(1, 3) {
            asked.insert("remind".into(), json!(*self.rng.pick(&["10m", "30m", "1h"])));
        }
        if self.rng.hits(1, 3) {
            let to = json!(*self.rng.pick(&["group:leads", "user:eve"]));
            asked.insert("escalate".into(), json!({ "after": *self.rng.pick(&["5m", "1h"]), "to": [to] }));
        }
        asked
    }

    /// A step that somebody has worked on.
    fn worked(&mut self, scope: &Scope) -> Option<String> {
        let most = if self.calm { 2 } else { MANY };
        let reads = scope.reads.iter().filter(|read| read.workers > 0 && read.workers <= most);
        let all: Vec<String> = reads.map(|read| format!("step:{}", read.id)).collect();
        (!all.is_empty()).then(|| self.rng.pick(&all).clone())
    }
}

//! Which keys of the language a definition uses, by the tables that the language is made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stead_lang::actions::ACTIONS;
use stead_lang::keys::{self, Key};

use super::Definition;

/// How often each key is used, by its place as `stead_lang::keys::places` names it.
pub(crate) type Used = BTreeMap<(&'static str, &'static str), u64>;

/// The keys of a definition and of its children.
pub(crate) fn used(definition: &Definition) -> Used {
    let mut walk = Walk::default();
    let all = definition.files.values().chain(definition.library.values().flatten());
    all.for_each(|document| walk.document(document));
    walk.0
}

#[derive(Default)]
struct Walk(Used);

impl Walk {
    /// Counts the keys of a map that stand in a table; gives those with their values.
    fn keys<'v>(
        &mut self,
        place: &'static str,
        table: &[&'static [Key]],
        value: &'v Value,
    ) -> Vec<(&'static str, &'v Value)> {
        let known = |name: &str| table.iter().flat_map(|keys| keys.iter()).find(|key| key.name == name);
        let map: Option<&Map<String, Value>> = value.as_object();
        let found: Vec<(&'static str, &Value)> =
            map.into_iter().flatten().filter_map(|(name, value)| Some((known(name)?.name, value))).collect();
        for (name, _) in &found {
            *self.0.entry((place, name)).or_default() += 1;
        }
        found
    }

    fn document(&mut self, document: &Value) {
        for (key, value) in self.keys("document", &[keys::DOCUMENT], document) {
            match key {
                "inputs" => values(value).for_each(|input| _ = self.keys("input", &[keys::INPUT], input)),
                "defaults" => {
                    self.keys("defaults", &[keys::DEFAULTS], value);
                    self.retry(&value["retry"]);
                }
                "concurrency" => _ = self.keys("concurrency", &[keys::CONCURRENCY], value),
                "budget" => _ = self.keys("budget", &[keys::BUDGET], value),
                "scopes" => values(value).for_each(|scope| _ = self.keys("scope", &[keys::SCOPE], scope)),
                "documents" => values(value).for_each(|one| {
                    self.keys("document_type", &[keys::DOCUMENT_TYPE], one);
                    self.keys("accept", &[keys::ACCEPT], &one["accept"]);
                }),
                "steps" | "states" | "finally" | "templates" => {
                    values(value).for_each(|step| self.step(step));
                }
                _ => {}
            }
        }
    }

    fn retry(&mut self, value: &Value) {
        self.keys("retry", &[keys::RETRY], value);
    }

    fn step(&mut self, step: &Value) {
        for (key, value) in self.keys("step", &[keys::STEP], step) {
            match key {
                "foreach" => _ = self.keys("foreach", &[keys::FOREACH], value),
                "loop" => _ = self.keys("loop", &[keys::LOOP], value),
                "next" => values(value).for_each(|entry| _ = self.keys("next", &[keys::NEXT], entry)),
                "on_error" => _ = self.keys("on_error", &[keys::CAUGHT], value),
                "budget" => _ = self.keys("budget", &[keys::BUDGET], value),
                "concurrency" => _ = self.keys("concurrency", &[keys::STEP_CONCURRENCY], value),
                "retry" => self.retry(value),
                "undo" => {
                    self.keys("undo", &[keys::BESIDE], value);
                    self.retry(&value["retry"]);
                    self.action(value);
                }
                "verify" => self.action(value),
                _ => {}
            }
        }
        if ["steps", "states", "outputs", "finally"].iter().any(|key| step.get(key).is_some()) {
            for (key, value) in self.keys("group", &[keys::GROUP], step) {
                if matches!(key, "steps" | "states" | "finally") {
                    values(value).for_each(|step| self.step(step));
                }
            }
        }
        self.action(step);
    }

    fn action(&mut self, step: &Value) {
        for action in ACTIONS {
            let Some(value) = step.get(action.name) else { continue };
            *self.0.entry(("action", action.name)).or_default() += 1;
            self.keys(action.name, &[action.keys], value);
            self.keys(action.name, &[action.step_keys], step);
            self.keys("escalate", &[keys::ESCALATE], &value["escalate"]);
            self.keys("on_reject", &[keys::REDO], &value["on_reject"]);
            if action.name == "ask" {
                values(&value["questions"]).for_each(|one| _ = self.keys("question", &[keys::QUESTION], one));
            }
            if let Some(inline) = value.get("inline") {
                self.document(inline);
            }
        }
    }
}

/// The values of a map or list.
fn values(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

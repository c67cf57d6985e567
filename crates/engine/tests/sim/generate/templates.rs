//! Parts of steps that stand elsewhere.

use serde_json::{Map, Value, json};

use super::Generator;

/// Keys that a step keeps: its name, what others say about it, and what holds other steps.
const OWN: &[&str] = &["id", "needs", "next", "use", "steps", "states", "finally", "workflow"];

impl Generator {
    /// The step, with some of its keys or parts of their maps in a template.
    pub(crate) fn templated(&mut self, mut step: Map<String, Value>) -> Value {
        if !self.takes("templates") {
            return Value::Object(step);
        }
        let mut template = Map::new();
        for key in step.keys().cloned().collect::<Vec<_>>() {
            if OWN.contains(&key.as_str()) || self.rng.hits(1, 2) {
                continue;
            }
            match step.get_mut(&key) {
                // Of maps on both sides each key counts.
                Some(Value::Object(map)) if map.len() > 1 && self.rng.hits(1, 2) => {
                    let inner = map.keys().nth(self.rng.index(map.len())).cloned().unwrap();
                    let value = map.shift_remove(&inner).unwrap();
                    template.insert(key, json!({ inner: value }));
                }
                _ => {
                    let value = step.shift_remove(&key).unwrap();
                    template.insert(key, value);
                }
            }
        }
        let template = Value::Object(template);
        if template.as_object().is_none_or(Map::is_empty) {
            return Value::Object(step);
        }
        let here = self.templates.last_mut().unwrap();
        let name = match here.iter().find(|(_, other)| **other == template) {
            Some((name, _)) => name.clone(),
            None => {
                let name = format!("t{}", here.len());
                here.insert(name.clone(), template);
                name
            }
        };
        step.insert("use".into(), json!(name));
        Value::Object(step)
    }
}

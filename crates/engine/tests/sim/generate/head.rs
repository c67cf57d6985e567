//! Documents: the head, and the block below it.

use serde_json::{Map, Value, json};

use super::documents::Declared;
use super::reads::marked;
use super::{Generator, Scope};

impl Generator {
    /// A document, and what it is to be given.
    pub(crate) fn document(&mut self, name: &str, child_depth: u32) -> (Value, Map<String, Value>) {
        let mut document = Map::new();
        document.insert("stead".into(), json!(1));
        document.insert("name".into(), json!(name));
        let mut scope = Scope { child_depth, ..Scope::default() };
        self.templates.push(Map::new());
        self.declared.push(Declared::default());
        let given = self.inputs(name, &mut document, &mut scope);
        if self.takes("words") {
            document.insert("description".into(), json!("Made of a seed."));
        }
        self.vars(&mut document, &mut scope);
        if self.mix.weight("run") > 0 && self.rng.hits(1, 3) {
            document.insert("secrets".into(), json!(["TOKEN"]));
            scope.secrets = true;
        }
        if self.mix.weight("run") > 0 && self.rng.hits(1, 4) {
            document.insert("env".into(), json!({ "LEVEL": "low", "N": marked(&self.number(&scope, 1)) }));
        }
        if self.rng.hits(1, 4) {
            self.defaults(&mut document);
        }
        if self.takes("budget") {
            let budget = self.budget();
            document.insert("budget".into(), budget);
        }
        if self.takes("run_deadline") {
            let deadline = self.duration();
            document.insert("deadline".into(), deadline);
        }
        if self.takes("concurrency") {
            let rule = self.concurrency(true);
            document.insert("concurrency".into(), rule);
        }
        let reads = self.block(&mut document, &scope, false);
        if self.rng.hits(3, 4) {
            document.insert("outputs".into(), self.outputs(&Scope { reads, ..scope }));
        }
        self.declared.pop().unwrap().enter(&mut document);
        let templates = self.templates.pop().unwrap();
        if !templates.is_empty() {
            document.insert("templates".into(), Value::Object(templates));
        }
        (Value::Object(document), given)
    }

    fn inputs(
        &mut self,
        name: &str,
        document: &mut Map<String, Value>,
        scope: &mut Scope,
    ) -> Map<String, Value> {
        let mut given = Map::new();
        if self.rng.hits(1, 2) {
            return given;
        }
        let mut inputs = Map::new();
        if self.takes("signal") {
            // What runs are found by.
            let whose = json!({ "type": "string", "index": true, "default": "x", "enum": ["x", "y"] });
            inputs.insert("whose".into(), whose);
            self.indexed.push(name.to_owned());
        }
        if self.takes("words") {
            let all = [
                (
                    "title",
                    json!({ "type": "string", "default": "a title", "stdin": true, "description": "A word" }),
                ),
                ("deep", json!({ "type": "boolean", "default": false })),
                ("ratio", json!({ "type": "number", "default": 0.5, "maximum": 1 })),
                ("rows", json!({ "type": "array", "items": { "type": "integer" }, "default": [1, 2] })),
                ("meta", json!({ "type": "object", "schema": { "required": ["a"] }, "default": { "a": 1 } })),
            ];
            for (name, input) in all {
                if self.rng.hits(1, 2) {
                    inputs.insert(name.into(), input);
                }
            }
        }
        for name in ["n", "m"] {
            let mut input = json!({"type": "integer"});
            let default = self.rng.hits(1, 2);
            if default {
                input["default"] = json!(self.rng.below(7));
            }
            if !default || self.rng.hits(1, 2) {
                given.insert(name.into(), json!(self.rng.below(7)));
            }
            inputs.insert(name.into(), input);
            scope.inputs.push(name.into());
        }
        document.insert("inputs".into(), Value::Object(inputs));
        given
    }

    fn vars(&mut self, document: &mut Map<String, Value>, scope: &mut Scope) {
        if self.rng.hits(2, 3) {
            return;
        }
        let mut vars = Map::new();
        for name in ["k", "w"] {
            vars.insert(name.into(), marked(&self.number(scope, 1)));
            scope.vars.push(name.into());
        }
        document.insert("vars".into(), Value::Object(vars));
    }

    fn defaults(&mut self, document: &mut Map<String, Value>) {
        let mut defaults = Map::new();
        if self.takes("timeout") {
            defaults.insert("timeout".into(), self.duration());
        }
        if self.takes("retry") {
            defaults.insert("retry".into(), self.retry());
        }
        if self.takes("words") {
            defaults.insert("shell".into(), json!("sh"));
            defaults.insert("cwd".into(), json!("."));
        }
        if !defaults.is_empty() {
            document.insert("defaults".into(), Value::Object(defaults));
        }
    }

    /// What a document or group gives: a number `v`, and perhaps more.
    pub(crate) fn outputs(&mut self, scope: &Scope) -> Value {
        let mut outputs = Map::new();
        let numbers: Vec<String> =
            scope.reads.clone().iter().filter_map(|read| self.output_number(read)).collect();
        let all = if numbers.is_empty() { "0".to_owned() } else { numbers.join(" + ") };
        outputs.insert("v".into(), marked(&all));
        if self.rng.hits(1, 3) && !scope.reads.is_empty() {
            let id = &self.rng.pick(&scope.reads).id;
            outputs.insert("whole".into(), marked(&format!("steps.{id}.?output.orValue(null)")));
            outputs.insert("text".into(), json!(format!("{id}: ${{{{ steps.{id}.status }}}}")));
        }
        Value::Object(outputs)
    }

    /// One that fails with what it reads is for definitions whose course may depend on chance.
    fn output_number(&mut self, read: &super::reads::Read) -> Option<String> {
        match self.calm || self.rng.hits(4, 5) {
            true => self.safe_number_of(read),
            false => self.number_of(read),
        }
    }
}

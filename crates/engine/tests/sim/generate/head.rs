//! Documents: the head, and the block below it.

use serde_json::{Map, Value, json};

use super::reads::marked;
use super::{Generator, Scope};

impl Generator {
    /// A document, and what it is to be given.
    pub(crate) fn document(&mut self, name: &str, child_depth: u32) -> (Value, Map<String, Value>) {
        let mut document = Map::new();
        document.insert("stead".into(), json!(1));
        document.insert("name".into(), json!(name));
        let mut scope = Scope { child_depth, ..Scope::default() };
        let given = self.inputs(&mut document, &mut scope);
        self.vars(&mut document, &mut scope);
        if self.mix.weight("run") > 0 && self.rng.hits(1, 3) {
            document.insert("secrets".into(), json!(["TOKEN"]));
            scope.secrets = true;
        }
        if self.rng.hits(1, 4) {
            self.defaults(&mut document);
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
        (Value::Object(document), given)
    }

    fn inputs(&mut self, document: &mut Map<String, Value>, scope: &mut Scope) -> Map<String, Value> {
        let mut given = Map::new();
        if self.rng.hits(1, 2) {
            return given;
        }
        let mut inputs = Map::new();
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

//! Documents: what a step produces, in which scope, and who accepts it.

use serde_json::{Map, Value, json};

use super::actions::Inside;
use super::people::MANY;
use super::{Generator, Scope};

/// What a document that is made declares, while it is made.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    documents: Map<String, Value>,
    /// Scopes and the ones around them, the outermost first.
    scopes: Vec<(String, Option<String>)>,
}

/// Where a step stands among the scopes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Within {
    /// The scope; none: that of the whole run.
    pub(crate) scope: Option<String>,
    /// Whether items that are no keys of a scope are around: what is produced there would be so more than once.
    pub(crate) among_items: bool,
}

impl Declared {
    /// Puts what was declared into the head.
    pub(crate) fn enter(self, document: &mut Map<String, Value>) {
        if !self.scopes.is_empty() {
            let parent =
                |around: Option<String>| around.map_or_else(|| json!({}), |name| json!({ "parent": name }));
            let scopes: Map<String, Value> =
                self.scopes.into_iter().map(|(name, around)| (name, parent(around))).collect();
            document.insert("scopes".into(), Value::Object(scopes));
        }
        if !self.documents.is_empty() {
            document.insert("documents".into(), Value::Object(self.documents));
        }
    }
}

impl Generator {
    /// A scope for the items of a step, sometimes.
    pub(crate) fn scope_of_items(&mut self, inner: &mut Scope) -> Option<String> {
        if inner.within.among_items || inner.finally || !self.takes("documents") {
            inner.within.among_items = true;
            return None;
        }
        let declared = self.declared.last_mut().unwrap();
        if declared.scopes.is_empty() {
            declared.scopes.push(("whole".into(), None));
        }
        let around = inner.within.scope.clone().unwrap_or_else(|| "whole".into());
        let name = format!("s{}", declared.scopes.len());
        declared.scopes.push((name.clone(), Some(around)));
        inner.within.scope = Some(name.clone());
        Some(name)
    }

    /// Lets a step produce a document, where it may.
    pub(crate) fn produces(&mut self, step: &mut Map<String, Value>, inner: &Scope, inside: &mut Inside) {
        let none = ["fail", "finish", "approve", "undo", "verify"].iter().any(|key| step.contains_key(*key));
        if none || inner.finally || inner.within.among_items || !self.takes("documents") {
            return;
        }
        let mut document = Map::new();
        if let Some(scope) = &inner.within.scope {
            document.insert("scope".into(), json!(scope));
        }
        if self.takes("words") {
            document.insert("description".into(), json!("One of many."));
        }
        if self.rng.hits(1, 2) {
            // Of what has a number `v` half is found fault with, whoever made it.
            let even = json!({ "properties": { "v": { "multipleOf": 2 } } });
            let schema = json!({ "anyOf": [ { "not": { "required": ["v"] } }, even ] });
            document.insert("schema".into(), schema);
            if !self.calm && self.rng.hits(1, 3) {
                document.insert("on_findings".into(), json!(*self.rng.pick(&["ask", "fail"])));
            }
        }
        if self.mix.weight("people") > 0 && self.rng.hits(2, 3) {
            let accept = self.accept();
            document.insert("accept".into(), accept);
        }
        let asks = document.contains_key("schema") && document.get("on_findings") != Some(&json!("fail"));
        if asks || document.contains_key("accept") {
            inside.workers = MANY;
        }
        let declared = self.declared.last_mut().unwrap();
        let name = format!("d{}", declared.documents.len());
        declared.documents.insert(name.clone(), Value::Object(document));
        step.insert("produces".into(), json!(name));
    }

    fn accept(&mut self) -> Value {
        let mut accept = Map::new();
        match self.rng.below(4) {
            0 => _ = accept.insert("by".into(), json!(["group:makers"])),
            1 => _ = accept.insert("by".into(), json!(["role:approver", "user:bo"])),
            _ => {}
        }
        if self.rng.hits(1, 3) {
            accept.insert("not".into(), json!(if self.calm { ["agents"] } else { ["deciders"] }));
        }
        if self.rng.hits(1, 3) {
            accept.insert("title".into(), json!("Is it good?"));
        }
        if self.rng.hits(1, 4) {
            let form = json!({ "type": "object", "properties": { "v": { "type": "integer" } } });
            accept.insert("form".into(), form);
        }
        if self.rng.hits(1, 4) {
            accept.insert("quorum".into(), json!(2));
        }
        if self.rng.hits(1, 4) {
            accept.insert("rejects".into(), json!(if self.calm { 1 } else { 2 }));
        }
        if self.rng.hits(1, 2) {
            accept.insert("revise".into(), json!(self.rng.between(0, 3)));
        }
        if self.rng.hits(1, 4) {
            accept.insert("remind".into(), json!("1h"));
        }
        if self.rng.hits(1, 4) {
            accept.insert("escalate".into(), json!({ "after": "2h", "to": ["group:leads"] }));
        }
        if self.takes("timeout") {
            accept.insert("timeout".into(), json!("36h"));
            accept.insert("on_timeout".into(), json!(*self.rng.pick(&["fail", "accept", "reject"])));
        }
        Value::Object(accept)
    }
}

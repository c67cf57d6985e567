//! What is known while stages are made: those that were, and the inputs that their variables become.

use std::collections::HashMap;

use super::rounds::START;
use crate::import::Context;
use crate::import::naming::snake;
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::Changed;
use crate::import::roles::{Role, beside, shared};
use crate::import::source::At;

/// What is known while stages are made.
pub(super) struct Stages {
    /// The variables that were met, and the types of the inputs that they become.
    pub(super) inputs: Map,
    /// Ids of the stages in order, with whether the output stands under `result`.
    pub(super) made: Vec<Made>,
    /// All stages with their ids.
    pub(super) all: Vec<(String, String)>,
    /// Whether they go in rounds.
    pub(super) looped: bool,
    /// Roles that were looked for, and what was found.
    pub(super) roles: HashMap<String, Option<Role>>,
}

pub(super) struct Made {
    pub(super) stage: String,
    pub(super) id: String,
    pub(super) grouped: bool,
}

impl Stages {
    /// What the file of a role says, if there is one.
    pub(super) fn role(&mut self, name: &str, context: &mut Context<'_>) -> Option<Role> {
        if !self.roles.contains_key(name) {
            let inputs = &mut self.inputs;
            let found = beside(name, context, &mut |variable, input| shared(inputs, variable, input));
            self.roles.insert(name.to_owned(), found);
        }
        self.roles.get(name).cloned().flatten()
    }

    /// A list becomes an input with that list as its default.
    pub(super) fn list(&mut self, name: &str, items: Out) -> String {
        let mut id = name.to_owned();
        while self.inputs.get(&id).is_some() {
            id.push_str("_items");
        }
        self.inputs.set(&id, Map::new().with("type", "array").with("default", items));
        format!("inputs.{id}")
    }

    /// A variable becomes an input.
    pub(super) fn variable(&mut self, name: &str, kind: &str) -> String {
        let id = snake(name, "value");
        if self.inputs.get(&id).is_none() || kind == "array" {
            self.inputs.set(&id, Map::new().with("type", kind));
        }
        format!("inputs.{id}")
    }

    /// A prompt with the variables of the tool as inputs: `${vars.x}` and `{{ x }}`.
    pub(super) fn prompt(&mut self, at: At<'_, '_>, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        loop {
            let dollar = rest.find("${").filter(|at| !rest.get(*at..).is_some_and(|r| r.starts_with("${{")));
            let braces = rest.find("{{").filter(|at| *at == 0 || rest.as_bytes().get(at - 1) != Some(&b'$'));
            let (start, open, close) = match (dollar, braces) {
                (Some(d), Some(b)) if b < d => (b, "{{", "}}"),
                (Some(d), _) => (d, "${", "}"),
                (None, Some(b)) => (b, "{{", "}}"),
                (None, None) => break,
            };
            let body = rest.get(start + open.len()..).unwrap_or_default();
            let Some(end) = body.find(close) else { break };
            let name = body.get(..end).unwrap_or_default().trim();
            let name = name.strip_prefix("vars.").unwrap_or(name);
            out.push_str(&literal(rest.get(..start).unwrap_or_default()));
            if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) && !name.is_empty()
            {
                out.push_str(&marked(&self.variable(name, "string")));
            } else {
                at.say(
                    Changed,
                    format!("`{name}` is no variable of the workflow: it is left in the text as it stands"),
                );
                out.push_str(&literal(
                    rest.get(start..start + open.len() + end + close.len()).unwrap_or_default(),
                ));
            }
            rest = body.get(end + close.len()..).unwrap_or_default();
        }
        out.push_str(&literal(rest));
        out
    }
}

impl Made {
    /// What it gave, wherever the run came to: in this round, else in an earlier one.
    pub(super) fn output(&self, looped: bool) -> String {
        let (id, result) = (&self.id, if self.grouped { ".?result" } else { "" });
        let before = if looped { format!("steps.{START}.output.context.{id}") } else { "null".to_owned() };
        format!("steps.{id}.?output{result}.orValue({before})")
    }

    /// What it gave in the round before, or that one knew of earlier ones.
    pub(super) fn before(&self) -> String {
        let (id, result) = (&self.id, if self.grouped { ".?result" } else { "" });
        marked(&format!(
            "previous.?{id}.?output{result}.orValue(previous.?{START}.?output.?context.?{id}.orValue(null))"
        ))
    }
}

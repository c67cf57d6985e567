//! The head of a definition, and its block.

use serde_json::Value;

use super::fields::Elsewhere;
use super::step::{self, Place};
use super::{Decoded, Decoder, Defaults, Fields, Naming, Notes, Output, Outside, Role, Slot, Wants};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys;
use crate::limits;
use crate::plan::{Block, Plan};
use crate::template::Template;
use crate::tree::{Node, Plain};

/// Decodes a definition. The findings come with whatever plan there is; it is whole when there are none.
pub(crate) fn document<'t>(node: Node<'t>, outside: &dyn Outside) -> (Option<Decoded<'t>>, Vec<Diagnostic>) {
    let decoder = Decoder::new(outside);
    let decoded = decoder.document(node);
    (decoded, decoder.problems.into_inner())
}

impl<'t> Decoder<'t, '_> {
    fn document(&self, node: Node<'t>) -> Option<Decoded<'t>> {
        let lent: &[&str] = if node.get("states").is_some() { &["steps"] } else { &[] };
        let fields = self.fields_but(node, "a definition", &[keys::DOCUMENT], lent, step_key)?;
        if let Some(version) = fields.get("stead") {
            self.version(version);
        }
        let name = fields.get("name").and_then(|n| self.name(n, "a workflow", Naming::Kebab));
        let description = fields
            .get("description")
            .and_then(|n| self.prose(n, "the description", limits::DESCRIPTION_CHARS));
        let inputs = fields.get("inputs").map(|n| self.inputs(n)).unwrap_or_default();
        if let Some(secrets) = fields.get("secrets") {
            self.secret_names(secrets);
        }
        let vars = fields.get("vars").map(|n| self.vars(n)).unwrap_or_default();
        let head = Slot::new(None, Role::Head);
        if let Some(env) = fields.get("env") {
            *self.env.borrow_mut() = self.environment(env, head);
        }
        if let Some(defaults) = fields.get("defaults") {
            *self.defaults.borrow_mut() = self.defaults(defaults, head);
        }
        let deadline = fields.get("deadline").and_then(|n| self.time_limit(n, "a deadline", head));
        let budget = fields.get("budget").and_then(|n| self.budget(n, head));
        let called = name.unwrap_or_default();
        let concurrency = fields.get("concurrency").and_then(|n| self.concurrency_of_runs(n, called, head));
        let triggers = fields.get("triggers").map(|n| self.triggers(n, called, &inputs)).unwrap_or_default();
        self.scopes_and_documents(&fields);
        let mut root = Block::default();
        if let (Some(_), Some(states)) = (fields.get("steps"), fields.node().entry("states")) {
            let problem =
                Diagnostic::at_key(codes::NOT_ONE, states, "a definition has `steps` or `states`, not both");
            self.push(problem.help("make a step of one of them: a group with `steps` or `states`"));
        }
        self.block(&fields, &mut root, Place::outermost());
        root.outputs = fields.get("outputs").map(|n| self.outputs(n, None));
        self.unproduced();
        let documents = self.documents.take().into_iter().map(|(document, _)| document).collect();
        let (steps, notes): (Vec<_>, Vec<_>) = self.steps.take().into_iter().unzip();
        let plan = Plan {
            name: called.to_owned(),
            description,
            revision: String::new(),
            inputs,
            secrets: self.secrets.take(),
            vars,
            deadline,
            budget,
            concurrency,
            triggers,
            scopes: self.scopes.take(),
            documents,
            steps,
            root,
        };
        Some(Decoded { plan, steps: notes, sites: self.sites.take(), named: self.named.take() })
    }

    fn version(&self, node: Node<'t>) {
        match node.plain() {
            Some(Plain::Number(number)) if number.as_i64() == Some(1) => {}
            Some(Plain::Number(number)) => {
                let message = format!("version {number} of the language is not known");
                self.push(Diagnostic::at(codes::BAD_VERSION, node, message).help("write `stead: 1`"));
            }
            _ => {
                let message = "the version of the language is the number 1";
                self.push(Diagnostic::at(codes::BAD_VERSION, node, message).help("write `stead: 1`"));
            }
        }
    }

    fn secret_names(&self, node: Node<'t>) {
        let Some(items) = self.list(node, "`secrets` is a list of names") else { return };
        if items.len() > limits::NAMES {
            let message = format!("there are {} secrets", items.len());
            let help = format!("at most {} are read", limits::NAMES);
            self.push(Diagnostic::at_start(codes::TOO_MANY, node, message).help(help));
            return;
        }
        for item in items {
            let Some(name) = self.name(item, "a secret", Naming::Environment) else { continue };
            let mut secrets = self.secrets.borrow_mut();
            if secrets.iter().any(|s| s == name) {
                self.problem(codes::DOUBLED, item, format!("the secret `{name}` is named twice"));
            } else {
                secrets.push(name.to_owned());
            }
        }
    }

    fn vars(&self, node: Node<'t>) -> Vec<(String, Template)> {
        let Some(entries) = self.entries(node, "`vars` is a map of values") else { return Vec::new() };
        let mut vars = Vec::new();
        for (at, entry) in entries.enumerate() {
            let named = self.key_name(entry, "a variable", Naming::Snake);
            let value = self.template(entry.value, Slot::new(None, Role::Var(at)), Wants::Any);
            // A variable that is broken keeps its place, so that those below it know its name.
            let value = value.filter(|_| named).unwrap_or(Template::Literal(Value::Null));
            vars.push((entry.key.to_owned(), value));
        }
        vars
    }

    /// The environment of processes: texts, and secrets that stand alone.
    pub(crate) fn environment(&self, node: Node<'t>, slot: Slot) -> Vec<(String, Template)> {
        let Some(entries) = self.entries(node, "`env` is a map of texts") else { return Vec::new() };
        let mut env = Vec::new();
        for entry in entries {
            let named = self.key_name(entry, "a variable of the environment", Naming::Environment);
            let value = self.text_template(entry.value, "a variable of the environment", slot.with_secrets());
            if let (true, Some(value)) = (named, value) {
                env.push((entry.key.to_owned(), value));
            }
        }
        env
    }

    fn defaults(&self, node: Node<'t>, head: Slot) -> Defaults {
        let Some(fields) = self.fields(node, "`defaults`", &[keys::DEFAULTS]) else {
            return Defaults::default();
        };
        Defaults {
            timeout: fields.get("timeout").and_then(|n| self.time_limit(n, "a time limit", head)),
            retry: fields.get("retry").and_then(|n| self.retry(n, head)),
            shell: fields
                .get("shell")
                .and_then(|n| self.word(n, "`shell`", crate::actions::SHELLS))
                .map(str::to_owned),
            cwd: fields.get("cwd").and_then(|n| self.text_template(n, "a folder", head)),
        }
    }

    /// Declared outputs of a block.
    pub(crate) fn outputs(&self, node: Node<'t>, step: Option<u32>) -> Vec<(String, Template)> {
        let Some(entries) = self.entries(node, "`outputs` is a map of values") else { return Vec::new() };
        let slot = Slot::new(step, Role::Outputs);
        let mut outputs = Vec::new();
        for entry in entries {
            let named = self.key_name(entry, "an output", Naming::Snake);
            let value = self.template(entry.value, slot, Wants::Any);
            if let (true, Some(value)) = (named, value) {
                outputs.push((entry.key.to_owned(), value));
            }
        }
        outputs
    }

    /// The steps or states of a block, and those of its end.
    pub(crate) fn block(&self, fields: &Fields<'t>, block: &mut Block, place: Place<'_>) {
        if let Some(steps) = fields.get("steps") {
            block.steps = self.steps(steps, "steps", place);
        } else if let Some(states) = fields.get("states") {
            block.machine = true;
            block.steps = self.steps(states, "states", place.as_a_state());
        }
        block.own = block.steps.len();
        if let Some(finally) = fields.get("finally") {
            block.steps.extend(self.steps(finally, "finally", place.at_the_end()));
        }
    }

    /// The steps under a key of a block, entered into the plan in the order of the text.
    pub(crate) fn steps(&self, node: Node<'t>, key: &str, place: Place<'_>) -> Vec<u32> {
        let what = if key == "states" { "states" } else { "steps" };
        let Some(items) = self.list(node, &format!("`{key}` is a list of {what}")) else { return Vec::new() };
        if items.len() == 0 {
            let help = match key {
                "finally" => "leave `finally` out",
                "states" => "a machine has at least one state",
                _ => "a block has at least one step",
            };
            self.push(Diagnostic::at(codes::EMPTY_VALUE, node, format!("there are no {what}")).help(help));
        }
        let mut steps = Vec::with_capacity(items.len());
        for item in items {
            let count = self.steps.borrow().len();
            if count >= limits::STEPS {
                let help = format!(
                    "a definition has at most {} steps; move some into a child workflow",
                    limits::STEPS
                );
                self.push(Diagnostic::at_start(codes::TOO_MANY, item, "there are too many steps").help(help));
                break;
            }
            let ix = count as u32;
            self.steps.borrow_mut().push((step::blank(place.parent), blank_notes(item)));
            let step = self.step(item, ix, place);
            self.steps.borrow_mut()[ix as usize].0 = step;
            steps.push(ix);
        }
        steps
    }
}

/// Where a key of steps belongs that stands in the head by mistake.
fn step_key(key: &str) -> Elsewhere {
    let action = crate::actions::find(key).is_some();
    let step = keys::find(&[keys::STEP], key).is_some() || crate::actions::step_key(key).is_some();
    if action || step {
        return Elsewhere::At(format!("`{key}` is a key of a step: put it into an entry of `steps`"));
    }
    Elsewhere::Nowhere
}

fn blank_notes(node: Node<'_>) -> Notes<'_> {
    let output = Output::Known(crate::expr::Type::Dyn);
    Notes {
        node,
        id: node,
        needs: None,
        sites: Vec::new(),
        output,
        next: Vec::new(),
        caught: None,
        redo: None,
        workers: Vec::new(),
        authors: None,
        astray: false,
        needs_documents: false,
        produces: None,
        scope: None,
    }
}

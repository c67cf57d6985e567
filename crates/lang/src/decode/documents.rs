//! Scopes, documents, and what steps produce.

use serde_json::Value;

use super::fields::Elsewhere;
use super::{ActionAt, Decoder, Fields, Naming, Role, Slot};
use crate::check::questions;
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::keys;
use crate::limits;
use crate::plan::{
    Action, ActionKind, Body, DocumentType, EffectRule, OnReject, OnTimeout, People, PeopleKind, Produces,
    Scope, Setting, StepIx,
};
use crate::template::Template;
use crate::tree::{Entry, Node};

/// What the checks have to know of a declared document beside the plan.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'t> {
    /// Where it is declared.
    pub(crate) entry: Entry<'t>,
    /// The gate that a version has to pass.
    accept: Option<Node<'t>>,
    /// Whether people are asked about a version that misses the schema.
    asks: bool,
}

impl<'t> Decoder<'t, '_> {
    /// `scopes` and `documents` of the head.
    pub(super) fn scopes_and_documents(&self, fields: &Fields<'t>) {
        if let Some(node) = fields.get("scopes") {
            let scopes = self.scopes(node);
            *self.scopes.borrow_mut() = scopes;
        }
        if let Some(node) = fields.get("documents") {
            let documents = self.documents(node);
            *self.documents.borrow_mut() = documents;
        }
    }

    fn scopes(&self, node: Node<'t>) -> Vec<Scope> {
        let Some(entries) = self.entries(node, "`scopes` is a map of scopes") else { return Vec::new() };
        let names: Vec<&'t str> = entries.clone().map(|entry| entry.key).collect();
        let mut outermost: Option<&str> = None;
        let mut scopes = Vec::with_capacity(names.len());
        for entry in entries {
            self.key_name(entry, "a scope", Naming::Snake);
            let fields = self.fields(entry.value, "a scope", &[keys::SCOPE]);
            let written = fields.as_ref().and_then(|fields| fields.get("parent"));
            let parent = written.and_then(|node| {
                let name = self.text(node, "a scope")?;
                let found = names.iter().position(|known| *known == name);
                if found.is_none() {
                    self.unknown(codes::UNKNOWN_SCOPE, node, "scope", name, &names);
                }
                found
            });
            if written.is_none() && fields.is_some() {
                match outermost {
                    None => outermost = Some(entry.key),
                    Some(first) => {
                        let message = format!("`{}` has no parent, and neither has `{first}`", entry.key);
                        let help = "one scope is that of the whole run, and has no parent; all others are inside of another one";
                        self.push(Diagnostic::at_key(codes::SCOPE_TREE, entry, message).help(help));
                    }
                }
            }
            scopes.push(Scope { name: entry.key.to_owned(), parent });
        }
        for (entry, at) in node.entries().zip(0..scopes.len()) {
            let mut seen = vec![at];
            let mut up = scopes[at].parent;
            while let Some(next) = up.filter(|next| !seen.contains(next)) {
                seen.push(next);
                up = scopes[next].parent;
            }
            if up == Some(at) {
                let way = seen.iter().chain([&at]).map(|at| format!("`{}`", scopes[*at].name));
                let message =
                    format!("the scopes go round in a circle: {}", way.collect::<Vec<_>>().join(" → "));
                let help = "give one of them another parent, or none";
                self.push(Diagnostic::at_key(codes::SCOPE_TREE, entry, message).help(help));
                return Vec::new();
            }
        }
        scopes
    }

    fn documents(&self, node: Node<'t>) -> Vec<(DocumentType, Declared<'t>)> {
        let Some(entries) = self.entries(node, "`documents` is a map of documents") else {
            return Vec::new();
        };
        entries.map(|entry| self.document_type(entry)).collect()
    }

    fn document_type(&self, entry: Entry<'t>) -> (DocumentType, Declared<'t>) {
        self.key_name(entry, "a document", Naming::Snake);
        let name = entry.key.to_owned();
        let mut declared = Declared { entry, accept: None, asks: true };
        let mut document = DocumentType { name, description: None, scope: None, schema: None };
        let Some(fields) = self.fields(entry.value, "a document", &[keys::DOCUMENT_TYPE]) else {
            return (document, declared);
        };
        document.description = fields
            .get("description")
            .and_then(|n| self.prose(n, "the description", limits::DESCRIPTION_CHARS));
        if let Some(node) = fields.get("scope") {
            document.scope = self.scope_named(node);
        }
        let schema = fields.get("schema").and_then(|node| self.schema(node));
        // What is broken was reported in its own file.
        document.schema = schema.filter(|schema| !schema.is_null());
        declared.accept = fields.get("accept");
        let findings = fields.get("on_findings");
        let said = findings.and_then(|node| self.word(node, "`on_findings`", keys::ON_FINDINGS));
        declared.asks = said != Some("fail");
        if let (Some(_), None) = (findings, fields.get("schema")) {
            let message = "without a `schema` nothing is found";
            let help = "give the document a `schema`, or leave `on_findings` out";
            if let Some(entry) = entry.value.entry("on_findings") {
                self.push(Diagnostic::at_key(codes::NEVER, entry, message).help(help));
            }
        }
        (document, declared)
    }

    /// The position of a scope that is named; none of that of the whole run.
    fn scope_named(&self, node: Node<'t>) -> Option<usize> {
        let name = self.text(node, "a scope")?;
        let scopes = self.scopes.borrow();
        match scopes.iter().position(|scope| scope.name == name) {
            Some(at) => scopes[at].parent.map(|_| at),
            None => {
                let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
                self.unknown(codes::UNKNOWN_SCOPE, node, "scope", name, &names);
                None
            }
        }
    }

    /// `foreach.scope`
    pub(super) fn scope_of_items(&self, node: Node<'t>, ix: StepIx) -> Option<usize> {
        self.steps.borrow_mut()[ix as usize].1.scope = Some(node);
        let scope = self.scope_named(node);
        let outermost = |name: &str| {
            self.scopes.borrow().iter().any(|scope| scope.name == name && scope.parent.is_none())
        };
        if scope.is_none() && node.raw().is_some_and(outermost) {
            let message = format!("`{}` is the scope of the whole run", node.raw().unwrap_or_default());
            let help = "name a scope that is inside of another one";
            self.push(Diagnostic::at(codes::SCOPE_MISMATCH, node, message).help(help));
        }
        scope
    }

    fn unknown(&self, code: &'static codes::Code, node: Node<'t>, what: &str, name: &str, names: &[&str]) {
        let problem = Diagnostic::at(code, node, format!("there is no {what} `{name}`"));
        let near = nearest(name, names.iter().copied());
        self.push(match near {
            Some(near) => problem.nearest(near),
            None => problem.help(format!("declare it in the head, under `{what}s`")),
        });
    }

    /// `produces` of a step.
    pub(super) fn produces(
        &self,
        node: Node<'t>,
        fields: &Fields<'t>,
        ix: StepIx,
        body: &Body,
        ending: bool,
    ) -> Option<Box<Produces>> {
        let name = self.text(node, "a document")?;
        let known = self.documents.borrow();
        let Some(document) = known.iter().position(|(document, _)| document.name == name) else {
            let names: Vec<&str> = known.iter().map(|(document, _)| document.name.as_str()).collect();
            self.unknown(codes::UNKNOWN_DOCUMENT, node, "document", name, &names);
            return None;
        };
        let declared = known[document].1;
        drop(known);
        self.steps.borrow_mut()[ix as usize].1.produces = Some(node);
        let misplaced = |message: &str, help: &str| {
            self.push(Diagnostic::at(codes::MISPLACED_KEY, node, message).help(help));
        };
        if ending {
            misplaced("nothing is produced in a `finally`", "produce it in a step of the block");
        }
        let ends = matches!(
            body,
            Body::Action(Action { kind: ActionKind::Fail { .. } | ActionKind::Finish(_), .. })
        );
        if ends {
            misplaced("this step has no output to be a document", "produce it in a step before");
        }
        if fields.node().get("approve").is_some() {
            misplaced(
                "a decision is no document",
                "let a step before the gate produce it, and `accept` say who accepts it",
            );
        }
        for key in ["undo", "verify"] {
            if let Some(entry) = fields.node().entry(key) {
                let message = format!("`{key}` is about one attempt, and a document may take several drafts");
                let help = format!(
                    "make the step a group that `produces`, with a step inside of it that has `{key}`"
                );
                self.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
            }
        }
        let slot = Slot::new(Some(ix), Role::Instance);
        let authors = self.steps.borrow()[ix as usize].1.authors;
        let accept = declared.accept.and_then(|node| self.acceptance(node, slot));
        // Those of a version are whoever worked on its draft, whatever the step itself shows.
        self.steps.borrow_mut()[ix as usize].1.authors = authors;
        let schema = self.documents.borrow()[document].0.schema.is_some();
        let ask = (schema && declared.asks).then(|| Box::new(asks(accept.as_ref())));
        let tries = match body {
            Body::Action(action)
                if action.effect != EffectRule::Once
                    && action.retry.errors.iter().any(|error| error == "schema") =>
            {
                action.retry.attempts.clone()
            }
            _ => Setting::Fixed(1),
        };
        Some(Box::new(Produces { document, accept: accept.map(Box::new), ask, tries }))
    }

    /// `accept`: the keys of a gate, as it stands at a step that produces the document.
    fn acceptance(&self, node: Node<'t>, slot: Slot) -> Option<Action> {
        let fields = self.fields_but(node, "`accept`", &[keys::ACCEPT], &[], |key| match key {
            "show" => Elsewhere::At("what is shown is the version that is to be accepted".to_owned()),
            "on_reject" => Elsewhere::At("`revise` says how often it may be rejected".to_owned()),
            _ => Elsewhere::Nowhere,
        })?;
        let at = ActionAt { fields: &fields, value: node, slot };
        let mut people = self.gate_of(&at, &fields);
        let revise = fields.get("revise").and_then(|n| self.integer(n, "`revise`", (0, limits::REDOS), slot));
        people.on_reject = match revise {
            None | Some(Setting::Fixed(0)) => OnReject::Fail,
            Some(max) => OnReject::Redo { step: 0, max },
        };
        let timeout = fields.get("timeout").and_then(|n| self.time_limit(n, "a time limit", slot));
        Some(people_asked("approve", people, timeout))
    }

    /// Says which documents nothing produces.
    pub(super) fn unproduced(&self) {
        let steps = self.steps.borrow();
        let produced: Vec<usize> =
            steps.iter().filter_map(|(step, _)| Some(step.produces.as_ref()?.document)).collect();
        for (at, (document, declared)) in self.documents.borrow().iter().enumerate() {
            if !produced.contains(&at) {
                let message = format!("no step produces `{}`", document.name);
                let help = format!("give a step `produces: {}`, or leave the document out", document.name);
                self.push(Diagnostic::at_key(codes::UNPRODUCED, declared.entry, message).help(help));
            }
        }
    }
}

/// What people are asked about findings: those who would accept, else whoever started the run.
fn asks(accept: Option<&Action>) -> Action {
    let gate = match accept.map(|action| &action.kind) {
        Some(ActionKind::People(gate)) => Some(gate),
        _ => None,
    };
    let people = People {
        kind: PeopleKind::Questions,
        title: Template::Literal(Value::Null),
        show: Vec::new(),
        form: None,
        questions: Some(Template::Literal(questions())),
        by: gate.map_or_else(|| vec![Template::Literal(Value::from("starter"))], |gate| gate.by.clone()),
        not: gate.map(|gate| gate.not.clone()).unwrap_or_default(),
        quorum: Setting::Fixed(1),
        rejects: Setting::Fixed(1),
        remind: gate.and_then(|gate| gate.remind.clone()),
        escalate: gate.and_then(|gate| gate.escalate.clone()),
        on_timeout: OnTimeout::Fail,
        on_reject: OnReject::Fail,
    };
    people_asked("ask", people, None)
}

fn people_asked(name: &'static str, people: People, timeout: Option<Setting<u64>>) -> Action {
    Action {
        name,
        kind: ActionKind::People(Box::new(people)),
        retry: super::retry_default(),
        timeout,
        effect: EffectRule::Idempotent,
    }
}

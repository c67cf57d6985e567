//! A document workflow: steps that produce documents, in scopes, and iterations over what documents list.

use std::collections::HashSet;

use super::steps::step_name;
use super::types::{Types, list_name};
use crate::import::naming::{Given, snake};
use crate::import::out::{Map, marked, member};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What is in reach of a step in one block.
#[derive(Default)]
pub(super) struct Frame<'t> {
    /// Documents that were produced in it so far, by the steps that did.
    pub(super) produced: Vec<(&'t str, String)>,
    /// The kind of element that it is run for, and its name.
    pub(super) element: Option<(&'t str, String)>,
}

/// The workflow while it is made.
pub(super) struct Scoped<'s, 't> {
    pub(super) types: Types<'s, 't>,
    pub(super) given: Given,
    names: Given,
    pub(super) frames: Vec<Frame<'t>>,
    /// Documents that any step produces.
    pub(super) anywhere: HashSet<&'t str>,
    pub(super) inputs: Map,
    pub(super) made: usize,
}

pub(super) fn scoped(root: At<'_, '_>, mut definition: Map) -> Map {
    let types = Types::read(root);
    let mut names = Given::default();
    for name in [
        "inputs",
        "vars",
        "secrets",
        "run",
        "steps",
        "item",
        "index",
        "key",
        "iteration",
        "previous",
        "feedback",
        "ended",
        "event",
    ] {
        names.give(name);
    }
    for name in crate::expr::TYPE_NAMES {
        names.give(name);
    }
    let mut all = Scoped {
        types,
        given: Given::default(),
        names,
        frames: Vec::new(),
        anywhere: HashSet::new(),
        inputs: Map::new(),
        made: 0,
    };
    let steps = root.list("steps");
    all.look(&steps);
    let first = steps.iter().find_map(|at| at.is_map().then(|| at.text_at("scope")).flatten());
    let roots = || all.types.scopes.iter().filter(|(_, _, up)| up.is_none());
    let scope = roots().find(|(name, ..)| Some(*name) == first).or_else(|| roots().next());
    let scope = scope.map(|(_, id, _)| id.as_str());
    let scope = scope.unwrap_or("project").to_owned();
    all.frames.push(Frame::default());
    let (made, outputs) = all.block(&steps, &scope);
    if made.is_empty() {
        let nothing = Map::new().with("id", "nothing").with("fail", "none of the steps could be taken");
        return definition.with("steps", vec![nothing]);
    }
    root.say_of(
        "clarification",
        Changed,
        "an agent asks first and a person answers, in steps of their own; without questions nobody is asked",
        Some("take the two steps away where nothing is to be asked"),
    );
    root.say_of("attempts", Kept, "a document that does not fit its schema is written again with the findings, three times in all, as there", None);
    let (scopes, documents) = all.types.declared(root, &scope);
    if let Some(inputs) = all.inputs.filled() {
        definition.set("inputs", inputs);
    }
    definition
        .with("scopes", scopes)
        .with_some("documents", documents.filled())
        .with("steps", made)
        .with_some("outputs", outputs.filled())
}

impl<'s, 't> Scoped<'s, 't> {
    /// Notes what is produced anywhere.
    fn look(&mut self, steps: &[At<'s, 't>]) {
        for at in steps.iter().filter(|at| at.is_map()) {
            self.anywhere.extend(at.node.get("produces").and_then(crate::tree::Node::raw));
            if at.node.get("steps").is_some() {
                let inner = at.list("steps");
                self.look(&inner);
            }
        }
    }

    /// The steps of a block, and what it gives.
    fn block(&mut self, steps: &[At<'s, 't>], scope: &str) -> (Vec<Map>, Map) {
        let (mut made, mut outputs) = (Vec::new(), Map::new());
        for at in steps {
            if !at.is_map() {
                at.entries();
                continue;
            }
            if self.made >= limits::IMPORT_GRAPH {
                at.say_all(NotExpressible, format!("at most {} steps are taken", limits::IMPORT_GRAPH), None);
                continue;
            }
            self.made += 1;
            if at.node.get("iterate_over").is_some() || at.node.get("steps").is_some() {
                if let Some((step, id)) = self.iteration(*at, scope) {
                    outputs.set(&id, marked(&format!("steps.{id}.output")));
                    made.push(step);
                }
            } else {
                self.production(*at, scope, &mut made, &mut outputs);
            }
        }
        (made, outputs)
    }

    fn iteration(&mut self, at: At<'s, 't>, around: &str) -> Option<(Map, String)> {
        let Some(over) = at.get("iterate_over").filter(|over| over.is_map()) else {
            at.say_all(NotExpressible, "it has `steps` and does not say what they are done for", None);
            return None;
        };
        let (kind, list) = (
            over.text_at("entity_type"),
            over.text_at("collection_field").and_then(|list| list_name(over, list)),
        );
        let (Some(list), Some(document)) = (list, over.text_at("doc_type")) else {
            at.say_all(NotExpressible, "`iterate_over` lacks `doc_type` or `collection_field`", None);
            return None;
        };
        let id = self.given.give(&snake(step_name(at), "each"));
        at.becomes_step(&id);
        let source = match self.document(document) {
            Some(step) => format!("steps.{step}.output"),
            None if self.anywhere.contains(document) => {
                let why =
                    format!("`{document}` is not in reach here: it is produced later, or in a scope inside");
                at.say_all(NotExpressible, why, Some("go through it behind the step that produces it"));
                return None;
            }
            None => self.input(document, true),
        };
        if let Some(position) = self.types.document(document)
            && !self.types.documents[position].lists.iter().any(|known| known == list)
        {
            self.types.documents[position].lists.push(list.to_owned());
            if let Some(at) = over.get("collection_field") {
                at.say(Changed, format!("`{document}` did not declare this list: its schema requires it"));
            }
        }
        let entity = kind.and_then(|kind| self.types.entities.iter().find(|(known, ..)| *known == kind));
        if let (None, Some(at)) = (entity, over.get("entity_type")) {
            at.say(Changed, "no such kind of element is declared");
        }
        let creates = entity.and_then(|(.., scope)| *scope);
        let name =
            entity.map_or_else(|| snake(kind.unwrap_or("element"), "element"), |(_, id, _)| id.clone());
        let name = self.names.give(&name);
        let declared = |scope: &&str| self.types.scope(scope).is_some();
        let said = at.text_at("scope");
        let wanted = creates.filter(declared).or_else(|| said.filter(declared)).or(creates).or(said);
        let scope = self.nested(wanted.unwrap_or(name.as_str()), &name, around, at);
        let manual = self.manual(at);
        let number = kind.unwrap_or("element");
        let keys = ["id".to_owned(), "entity_id".to_owned(), format!("{number}_id")];
        let key = keys.iter().rev().fold("''".to_owned(), |otherwise, key| {
            let one = match member(key) {
                dotted if dotted.starts_with('.') => format!("{name}.?{key}"),
                bracketed => format!("{name}[?{}", &bracketed[1..]),
            };
            format!("{one}.orValue({otherwise})")
        });
        self.frames.push(Frame { produced: Vec::new(), element: kind.map(|kind| (kind, name.clone())) });
        let inner = at.list("steps");
        let (mut steps, outputs) = self.block(&inner, &scope);
        self.frames.pop();
        if steps.is_empty() {
            at.say_all(NotExpressible, "none of its steps could be taken", None);
            return None;
        }
        if manual {
            let gate =
                self.start(&id, &format!("Go on with {}?", marked(&format!("text({name})"))), Map::new());
            steps.insert(0, gate);
        }
        at.say_of(
            "iterate_over",
            Changed,
            &format!("an element is known by its `id`, `entity_id` or `{number}_id`; without one the step fails, where the tool made one up"),
            None,
        );
        let foreach = Map::new()
            .with("in", marked(&format!("{source}{}", member(list))))
            .with("as", name)
            .with("key", marked(&format!("string({key})")))
            .with_some("scope", (scope != around).then_some(scope));
        let step = Map::new()
            .with("id", id.as_str())
            .with("foreach", foreach)
            .with("steps", steps)
            .with_some("outputs", outputs.filled());
        Some((step, id))
    }

    /// A scope inside of another one, by its id. Where there is none the elements get one of their own: there is one
    /// document for each of them.
    fn nested(&mut self, name: &str, element: &str, around: &str, at: At<'s, 't>) -> String {
        let outer = self.types.scopes.iter().find(|(_, id, _)| id == around).map(|(name, ..)| *name);
        match self.types.scopes.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, id, parent)) if id != around => {
                if *parent != outer {
                    let why = format!("the scope `{id}` is one inside of `{around}` here");
                    at.say_of("scopes", Changed, &why, None);
                    *parent = outer;
                }
                id.clone()
            }
            known => {
                let known = known.is_some();
                let id = self.types.own_scope(element, around);
                let why = match known {
                    true => format!(
                        "there is one document for each element: the scope `{id}` inside of `{around}`"
                    ),
                    false => {
                        format!("there is no scope `{name}`: its elements have `{id}`, inside of `{around}`")
                    }
                };
                at.say_of("scopes", Changed, &why, Some("declare it in `scopes`"));
                id
            }
        }
    }

    /// The nearest step in reach that produces a document.
    pub(super) fn document(&self, name: &str) -> Option<String> {
        let mut all = self.frames.iter().rev().flat_map(|frame| frame.produced.iter().rev());
        all.find(|(known, _)| *known == name).map(|(_, step)| step.clone())
    }

    /// A document that nobody produces here: it is given.
    pub(super) fn input(&mut self, name: &str, required: bool) -> String {
        let id = snake(name, "document");
        if self.inputs.get(&id).is_none() {
            let input = Map::new().with("type", "object");
            let input = if required { input } else { input.with("default", Map::new()) };
            self.inputs.set(&id, input);
        }
        format!("inputs.{id}")
    }

    /// Whether a person starts it.
    pub(super) fn manual(&self, at: At<'s, 't>) -> bool {
        match at.text_at("execution_mode") {
            Some("manual") => true,
            Some("auto") | None => false,
            Some(other) => {
                if let Some(at) = at.get("execution_mode") {
                    at.say(Changed, format!("`{other}` is neither `auto` nor `manual`: it starts by itself"));
                }
                false
            }
        }
    }
}

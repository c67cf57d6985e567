//! A plan of one document: nodes and edges that become a machine of states.

use std::cell::RefCell;
use std::collections::HashMap;

use super::ends::End;
use super::parts::{Kind, Node, nodes};
use super::prompt::texts;
use crate::import::machine::{Exit, Machine, ROUNDS, State, machine};
use crate::import::naming::{Given, snake, suffixed};
use crate::import::out::{Map, Out, literal, marked, member};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// The plan while it is made.
pub(super) struct Plan<'s, 't> {
    pub(super) nodes: Vec<Node<'s, 't>>,
    given: RefCell<Given>,
    /// Names of the states that a node has beside its own.
    names: RefCell<HashMap<(usize, String), String>>,
    /// Names and expressions of what a run is given.
    inputs: Vec<(String, String)>,
    pub(super) states: Vec<State>,
    /// What stands behind the states of the node that is made.
    pub(super) later: Vec<State>,
    pub(super) ends: Option<End>,
    pub(super) rounds: i64,
}

pub(super) fn plan(root: At<'_, '_>, mut definition: Map) -> Map {
    let mut given = Given::default();
    let nodes = nodes(root, &mut given);
    let mut inputs = Map::new();
    let mut names = Vec::new();
    for name in root.get("requires_inputs").map(texts).unwrap_or_default() {
        let id = snake(&name, "document");
        if inputs.get(&id).is_none() {
            names.push((id.clone(), format!("inputs.{id}")));
            inputs.set(&id, Map::new().with("type", "object"));
        }
    }
    let breaker = root.get("governance").filter(|g| g.is_map()).and_then(|g| {
        for entry in g.node.entries() {
            g.get(entry.key);
        }
        g.get("circuit_breaker").filter(|b| b.is_map())
    });
    if let Some(at) = breaker {
        at.get("applies_to");
        at.get("on_trip");
    }
    let most = i64::from(limits::VISITS);
    let said = breaker.and_then(|at| at.integer("max_retries", 1, most));
    let own = nodes.iter().filter_map(|node| node.at.get("remediation").filter(|r| r.is_map()));
    let own: Vec<i64> = own.filter_map(|at| at.integer("max_attempts", 1, most)).collect();
    let rounds = said.or_else(|| own.first().copied()).unwrap_or(ROUNDS);
    if let Some(at) = root.get("thread_ownership").filter(|at| at.is_map()) {
        at.entries();
    }
    let entries = root.get("entry_node_ids").map(texts).unwrap_or_default();
    let entry = entries.first().and_then(|name| nodes.iter().position(|node| node.name == name));
    if let Some(at) = root.get("entry_node_ids") {
        if entry.is_none() {
            at.say(Changed, "no node has this id: the machine begins with the first one");
        } else if entries.len() > 1 {
            at.say(NotExpressible, "a machine begins with one state: the first of them");
        }
    }
    let mut plan = Plan {
        nodes,
        given: RefCell::new(given),
        names: RefCell::default(),
        inputs: names,
        states: Vec::new(),
        later: Vec::new(),
        ends: None,
        rounds,
    };
    let mut order = plan.reached(entry.unwrap_or(0));
    let Machine { states, lost, bounded, open } = loop {
        let left = plan.nodes.iter_mut().enumerate().filter(|(at, _)| !order.contains(at));
        left.for_each(|(_, node)| node.kind = Kind::Unknown);
        plan.states.clear();
        plan.ends = None;
        for at in &order {
            plan.node(*at);
        }
        plan.finish_ends();
        let made = machine(std::mem::take(&mut plan.states), rounds);
        // What only ways lead to that are never taken is left out, and all is made again without it.
        let before = order.len();
        order.retain(|at| !made.lost.contains(&plan.nodes[*at].id));
        if order.len() == before {
            break made;
        }
    };
    for (_, node) in plan.nodes.iter().enumerate().filter(|(at, _)| !order.contains(at)) {
        node.at.say_all(
            NotExpressible,
            format!("no edge that is taken leads to `{}`: it is left out", node.name),
            Some("lead an edge there, or take it away"),
        );
    }
    for id in lost {
        root.say_of("edges", Changed, &format!("no way leads to the state `{id}`: it is left out"), None);
    }
    for (from, to) in bounded {
        let why = format!("how often `{from}` leads back to `{to}` is not said: {rounds} times");
        root.say_of("edges", Changed, &why, Some("say `max`"));
    }
    for id in open {
        let why = format!(
            "where no edge of `{id}` fits, the run fails (`no_transition`); the tool stopped without a word"
        );
        root.say_of("edges", Changed, &why, None);
    }
    let (scopes, documents) = plan.documents(root, &order);
    if let Some(inputs) = inputs.filled() {
        definition.set("inputs", inputs);
    }
    let document = plan.document();
    let mut outputs = Map::new();
    if let Some(document) = document {
        outputs.set("document", marked(&document));
    }
    definition
        .with_some("scopes", documents.clone().filled().map(|_| scopes))
        .with_some("documents", documents.filled())
        .with("states", states)
        .with_some("outputs", outputs.filled())
}

impl<'s, 't> Plan<'s, 't> {
    /// The nodes that edges lead to, first the one with which it begins, then as in the file.
    fn reached(&self, entry: usize) -> Vec<usize> {
        if self.nodes.is_empty() {
            return Vec::new();
        }
        let mut seen = vec![entry];
        let mut next = 0;
        while let Some(at) = seen.get(next).copied() {
            for edge in &self.nodes[at].edges {
                let named = edge.options.iter().filter_map(|option| self.option(option));
                let asked = edge.to.is_none().then(|| self.option("abandon")).flatten();
                for to in edge.to.into_iter().chain(named).chain(asked) {
                    if !seen.contains(&to) {
                        seen.push(to);
                    }
                }
            }
            next += 1;
        }
        seen[1..].sort_unstable();
        seen
    }

    /// The end that an option of a person leads to.
    pub(super) fn option(&self, option: &str) -> Option<usize> {
        let wanted = if option == "abandon" { "abandoned" } else { option };
        self.nodes.iter().position(|node| {
            node.kind == Kind::End
                && (node.name == option || node.at.text_at("terminal_outcome") == Some(wanted))
        })
    }

    /// The name of a state that a node has beside its own.
    pub(super) fn id(&self, at: usize, suffix: &str) -> String {
        self.id_for(at, suffix, suffix)
    }

    /// The same, where several are named alike: each has a key.
    pub(super) fn id_for(&self, at: usize, suffix: &str, key: &str) -> String {
        let give = || match self.nodes.get(at) {
            Some(node) => self.given.borrow_mut().give(&suffixed(&node.id, suffix)),
            None => self.given.borrow_mut().give(suffix),
        };
        self.names.borrow_mut().entry((at, key.to_owned())).or_insert_with(give).clone()
    }

    /// The name of a part of a gate.
    pub(super) fn part(&self, at: usize, position: usize) -> String {
        match self.nodes[at].internals.get(position) {
            Some((name, _)) => {
                // Two of them may be written alike.
                let name = snake(name, "part");
                let before = &self.nodes[at].internals[..position];
                let same = before.iter().filter(|(other, _)| snake(other, "part") == name).count();
                self.id(at, &if same == 0 { name } else { format!("{name}_{same}") })
            }
            None if position == 0 => self.id(at, "pass"),
            None => self.id(at, "entry"),
        }
    }

    /// The state with which a node begins.
    pub(super) fn first(&self, at: usize) -> String {
        match self.nodes[at].consent {
            true => self.id(at, "consent"),
            false => self.begun(at),
        }
    }

    /// The same, once it was begun with.
    fn begun(&self, at: usize) -> String {
        let node = &self.nodes[at];
        match node.kind {
            Kind::Questions | Kind::Intake => self.part(at, 0),
            Kind::Check if self.document().is_some() => self.id(at, "document"),
            _ => node.id.clone(),
        }
    }

    fn node(&mut self, at: usize) {
        let node = &self.nodes[at];
        if node.consent {
            let gate = Map::new()
                .with("title", literal(&format!("Begin with {}?", node.title)))
                .with("by", vec![Out::from("role:operator")]);
            let id = self.id(at, "consent");
            let go = self.begun(at);
            self.states.push(State {
                id,
                step: Map::new().with("approve", gate),
                exits: vec![Exit::to(go)],
                caught: None,
            });
        }
        self.made(at);
        self.states.append(&mut self.later);
    }

    fn made(&mut self, at: usize) {
        match self.nodes[at].kind {
            Kind::Task => self.task(at),
            Kind::Check => self.check(at),
            Kind::Questions | Kind::Intake => self.gate(at),
            Kind::Choice => self.choice(at),
            Kind::End => self.end(at),
            Kind::Unknown => {
                let node = &self.nodes[at];
                let message = format!("{}: a node of this kind is not known", node.name);
                let step = Map::new().with("fail", literal(&message));
                self.states.push(State { id: node.id.clone(), step, exits: Vec::new(), caught: None });
            }
        }
    }

    /// The document as it is, whoever wrote it last.
    pub(super) fn document(&self) -> Option<String> {
        let tasks: Vec<&Node<'_, '_>> = self.nodes.iter().filter(|node| node.kind == Kind::Task).collect();
        let wanted = tasks.iter().find_map(|node| node.produces.as_deref());
        let of = |node: &&&Node<'_, '_>| wanted.is_none() || node.produces.as_deref() == wanted;
        let all: Vec<&str> = tasks.iter().filter(of).map(|node| node.id.as_str()).collect();
        if all.is_empty() {
            return None;
        }
        let value = all
            .iter()
            .fold("null".to_owned(), |otherwise, id| format!("steps.{id}.?output.orValue({otherwise})"));
        Some(value)
    }

    /// What is in the output of a gate, which hands values on; of others it is not known.
    fn gives(&self, node: &Node<'_, '_>) -> Option<Vec<String>> {
        let asks = match node.kind {
            Kind::Questions => true,
            Kind::Intake => false,
            _ => return None,
        };
        let mut all: Vec<String> = Vec::new();
        for (name, part) in &node.internals {
            match part.text_at("internal_type") {
                Some("UI") => all.extend([
                    snake(name, "part"),
                    if asks { "clarifications" } else { "confirmed" }.to_owned(),
                ]),
                Some("LLM") | None => all.push(snake(name, "part")),
                Some(_) => {}
            }
        }
        if node.internals.is_empty() {
            let answered = if asks { "clarifications" } else { "confirmed" };
            all.extend(["pass".to_owned(), "entry".to_owned(), answered.to_owned()]);
        }
        Some(all)
    }

    /// What a node is given: what the run was, what its inputs name, and what was found of what it wrote.
    pub(super) fn given(&self, at: usize) -> Vec<(String, String)> {
        let mut out = self.inputs.clone();
        let mut put = |name: String, value: String| {
            if !out.iter().any(|(known, _)| *known == name) {
                out.push((name, value));
            }
        };
        let named = self.nodes[at].at.list("inputs");
        let mut any = false;
        for input in named {
            if !input.is_map() {
                input.entries();
                continue;
            }
            let (from, field) = (input.text_at("from"), input.text_at("field"));
            let own = self.nodes[at].name;
            let found = from.filter(|name| *name != own);
            let found = found.and_then(|name| self.nodes.iter().find(|node| node.name == name));
            match found.filter(|node| !matches!(node.kind, Kind::End | Kind::Unknown)) {
                Some(node) => {
                    any = true;
                    let gives = self.gives(node);
                    let known = field
                        .filter(|field| gives.as_ref().is_none_or(|all| all.iter().any(|one| one == field)));
                    if let (None, Some(at)) = (known, input.get("field")) {
                        at.say(Changed, "it gives nothing of this name: all that it gives is read");
                    }
                    let part = known.map(|field| match member(field) {
                        dotted if dotted.starts_with('.') => format!(".?{field}"),
                        bracketed => format!("[?{}", &bracketed[1..]),
                    });
                    let name = known.unwrap_or(node.name).to_owned();
                    put(name, format!("steps.{}.?output{}.orValue(null)", node.id, part.unwrap_or_default()));
                }
                None => input.say_all(NotExpressible, "no node that is reached has this name", None),
            }
        }
        let others = || self.nodes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, node)| node);
        if !any {
            for node in others().filter(|node| matches!(node.kind, Kind::Questions | Kind::Intake)) {
                put(node.name.to_owned(), format!("steps.{}.?output.orValue(null)", node.id));
            }
        }
        let checks = others()
            .filter(|node| node.kind == Kind::Check && node.edges.iter().any(|edge| edge.to == Some(at)));
        let checks: Vec<&Node<'_, '_>> = checks.collect();
        let whole = self.document().is_some();
        let own = (self.nodes[at].kind == Kind::Check).then(|| &self.nodes[at]);
        // What was checked last, which is what is to be repaired.
        if let Some(check) = own.or_else(|| checks.last().copied()).filter(|_| whole) {
            put("document".to_owned(), {
                let of = self.nodes.iter().position(|node| node.name == check.name).unwrap_or(at);
                format!("steps.{}.?output.?document.orValue(null)", self.id(of, "document"))
            });
        }
        for check in checks {
            put(check.name.to_owned(), format!("steps.{}.?output.orValue(null)", check.id));
        }
        out
    }

    /// `scopes` and `documents`.
    fn documents(&self, root: At<'_, '_>, order: &[usize]) -> (Map, Map) {
        let scope = snake(root.text_at("scope_type").unwrap_or("project"), "project");
        let mut documents = Map::new();
        let about = root.text_at("document_type");
        for at in order {
            let node = &self.nodes[*at];
            if let (Kind::Task, Some(name)) = (node.kind, &node.produces) {
                documents.set(&snake(name, "document"), Map::new().with("scope", scope.as_str()));
            }
        }
        if let Some(about) = about
            && documents.get(&snake(about, "document")).is_none()
            && let Some(at) = root.get("document_type")
        {
            at.say(Changed, "no node produces it: its document has another name, or none");
        } else if let Some(at) = root.get("document_type") {
            at.say(Kept, "the document of `produces`");
        }
        (Map::new().with(&scope, Map::new()), documents)
    }
}

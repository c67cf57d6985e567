//! A plan of one document: nodes and edges that become a machine of states.

use std::cell::RefCell;
use std::collections::HashMap;

use super::ends::End;
use super::parts::{Bound, Edge, Kind, Node, fails, leads_on, nodes};
use super::prompt::{Work, includes, object, of_type, texts};
use crate::import::machine::{Exit, Machine, ROUNDS, State, machine};
use crate::import::naming::{Given, snake, suffixed};
use crate::import::out::{Map, Out, literal, marked, member, prose};
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
    let order = plan.reached(entry.unwrap_or(0));
    for (at, node) in plan.nodes.iter().enumerate() {
        if !order.contains(&at) {
            node.at.say_all(
                NotExpressible,
                format!("no edge leads to `{}`: it is left out", node.name),
                Some("lead an edge there, or take it away"),
            );
        }
    }
    plan.nodes
        .iter_mut()
        .enumerate()
        .filter(|(at, _)| !order.contains(at))
        .for_each(|(_, node)| node.kind = Kind::Unknown);
    for at in &order {
        plan.node(*at);
    }
    plan.finish_ends();
    let states = std::mem::take(&mut plan.states);
    let Machine { states, lost, bounded, open } = machine(states, rounds);
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
        let give = || self.given.borrow_mut().give(&suffixed(&self.nodes[at].id, suffix));
        self.names.borrow_mut().entry((at, suffix.to_owned())).or_insert_with(give).clone()
    }

    /// A name that nothing has yet.
    pub(super) fn new_id(&self, wanted: &str) -> String {
        self.given.borrow_mut().give(wanted)
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

    fn task(&mut self, at: usize) {
        let node = &self.nodes[at];
        let mut work =
            Work { what: describe(node.at, &node.title), given: self.given(at), ..Work::default() };
        work.texts.extend(node.at.text_at("task_ref").map(str::to_owned));
        includes(node.at, &mut work);
        work.output = Some(object(&[], &[]));
        let mut step = named(node).with("agent", work.agent());
        match node.at.text_at("internal_type") {
            Some("LLM") | None => {}
            Some(other) => {
                if let Some(at) = node.at.get("internal_type") {
                    at.say(Changed, format!("`{other}`: an agent does it"));
                }
            }
        }
        if let Some(document) = &node.produces {
            step.set("produces", snake(document, "document"));
        }
        self.put(at, step, "steps.ID.?output.?outcome.orValue('')", None);
    }

    fn check(&mut self, at: usize) {
        let node = &self.nodes[at];
        let part = node.internals.first().map(|(_, part)| *part);
        for (_, more) in node.internals.iter().skip(1) {
            more.say_all(NotExpressible, "a check is one step: the first part of it", None);
        }
        let mode = part.and_then(|part| part.text_at("qa_mode")).or_else(|| node.at.text_at("qa_mode"));
        let given = self.given(at);
        let document = self.document();
        if let Some(document) = document {
            let step = Map::new().with("set", Map::new().with("document", marked(&document)));
            let id = self.id(at, "document");
            self.states.push(State { id, step, exits: vec![Exit::to(node.id.clone())], caught: None });
        }
        let mut step = named(node);
        let passes = if mode == Some("structural") {
            let mut values = Map::new();
            for (name, value) in &given {
                values.set(name, marked(value));
            }
            step.set("name", prose(&describe(node.at, &node.title), limits::TITLE_CHARS));
            step.set("run", vec![Out::from(format!("./checks/{}", node.id))]);
            step.set("stdin", values);
            step.set("expect", vec![Out::from(0), Out::from(1)]);
            step.set("parse", "json");
            node.at.say_of("qa_mode", Changed, &format!("a program does it: `./checks/{}`, which ends with 0 or 1 and prints its findings as JSON", node.id), None);
            format!("steps.{}.exit_code == 0", node.id)
        } else {
            let mut work = Work { what: describe(node.at, &node.title), given, ..Work::default() };
            work.texts.extend(node.at.text_at("task_ref").map(str::to_owned));
            includes(node.at, &mut work);
            if let Some(part) = part {
                inner(part, &mut work);
            }
            let answer = [("pass", of_type("boolean")), ("feedback", of_type("string"))];
            work.output = Some(object(&["pass"], &answer));
            step.set("agent", work.agent());
            format!("steps.{}.output.pass", node.id)
        };
        if node.produces.is_some()
            && let Some(at) = node.at.get("produces")
        {
            at.say(Changed, "what it found is read as its output");
        }
        self.put(at, step, "steps.ID.?output.?outcome.orValue('')", Some(&passes));
    }

    /// A state with the ways of its node: by what it says of itself, whether it passes, or by what a person chooses.
    pub(super) fn put(&mut self, at: usize, step: Map, outcome: &str, passes: Option<&str>) {
        let id = self.nodes[at].id.clone();
        let outcome = outcome.replace("ID", &id);
        let edges = self.nodes[at].edges.clone();
        let (mut exits, mut caught) = (Vec::new(), None);
        let chosen: Vec<&Edge<'_, '_>> = edges.iter().filter(|edge| edge.chosen).collect();
        for edge in edges.iter().filter(|edge| !edge.chosen) {
            if edge.bound == Bound::None && fails(edge.outcome) && passes.is_none() && caught.is_none() {
                caught = Some(self.goal(at, edge));
                continue;
            }
            let when = match passes {
                Some(passes) if leads_on(edge.outcome) => Some(passes.to_owned()),
                Some(passes) if fails(edge.outcome) => Some(format!("!({passes})")),
                None if leads_on(edge.outcome) => None,
                _ => Some(format!("{outcome} == {}", crate::import::out::quoted(edge.outcome))),
            };
            let go = self.goal(at, edge);
            exits.push(bounded(edge, when, go));
        }
        if chosen.is_empty() {
            if exits.is_empty() {
                let why = format!(
                    "no edge leads on from `{}`: the run fails there, and does not end as completed",
                    self.nodes[at].name
                );
                self.nodes[at].at.say_of("edges", Changed, &why, None);
                exits.push(Exit::to("fail"));
            }
        } else {
            // What it says of itself is first; what people choose is the rest.
            exits.retain(|exit| exit.when.is_some());
            exits.push(Exit::to(self.id(at, "choice")));
        }
        self.states.push(State { id: id.clone(), step, exits, caught });
        if !chosen.is_empty() {
            let chosen: Vec<Edge<'_, '_>> = chosen.into_iter().cloned().collect();
            let choice = self.id(at, "choice");
            self.chosen(at, &choice, &chosen);
        }
    }

    /// Where an edge leads: to a node, or to a person who is asked.
    pub(super) fn goal(&mut self, at: usize, edge: &Edge<'s, 't>) -> String {
        match edge.to {
            Some(to) => self.first(to),
            None => self.operator(at, edge),
        }
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

/// `name`, where a node says more than its id.
pub(super) fn named(node: &Node<'_, '_>) -> Map {
    match node.title == node.name {
        true => Map::new(),
        false => Map::new().with("name", prose(&node.title, limits::TITLE_CHARS)),
    }
}

/// What is to be done, of a node or a part of one.
pub(super) fn describe(at: At<'_, '_>, title: &str) -> String {
    match at.text_at("description") {
        Some(text) if !text.trim().is_empty() => format!("{title}: {text}"),
        _ => title.to_owned(),
    }
}

/// What a part of a gate adds to what an agent is told.
pub(super) fn inner(at: At<'_, '_>, work: &mut Work) {
    at.get("internal_type");
    at.get("name");
    if let Some(text) = at.text_at("description") {
        work.what = format!("{}. {text}", work.what.trim_end_matches('.'));
    }
    for key in ["template_ref", "task_ref", "op_ref"] {
        work.texts.extend(at.text_at(key).map(str::to_owned));
    }
    includes(at, work);
    for key in ["output_schema_ref", "output_schema"] {
        at.get(key);
    }
}

/// A way with what its edge says of how often it is taken.
pub(super) fn bounded(edge: &Edge<'_, '_>, when: Option<String>, go: String) -> Exit {
    match edge.bound {
        Bound::None | Bound::Rest => Exit { when, go, max: None },
        Bound::Most(max) => Exit { when, go, max: Some(max) },
        Bound::Never => Exit { when: Some("false".to_owned()), go, max: None },
    }
}

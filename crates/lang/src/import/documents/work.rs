//! What a node of a plan does: agents that write, checks, and where they lead.

use super::parts::{Bound, Edge, Node, fails, leads_on};
use super::plan::Plan;
use super::prompt::{Work, includes, object, of_type};
use crate::import::machine::{Exit, State};
use crate::import::naming::snake;
use crate::import::out::{Map, Out, marked, prose, quoted};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::limits;

impl<'s, 't> Plan<'s, 't> {
    /// Where no edge leads on, the run fails: it does not end as completed.
    pub(super) fn leads_on(&self, at: usize, exits: &mut Vec<Exit>) {
        if exits.is_empty() {
            let why = format!(
                "no edge leads on from `{}`: the run fails there, and does not end as completed",
                self.nodes[at].name
            );
            self.nodes[at].at.say_of("edges", Changed, &why, None);
            exits.push(Exit::to("fail"));
        }
    }

    pub(super) fn task(&mut self, at: usize) {
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

    pub(super) fn check(&mut self, at: usize) {
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
                _ => Some(format!("{outcome} == {}", quoted(edge.outcome))),
            };
            let go = self.goal(at, edge);
            exits.push(bounded(edge, when, go));
        }
        if chosen.is_empty() {
            self.leads_on(at, &mut exits);
        } else {
            // What it says of itself is first; what people choose is the rest.
            exits.retain(|exit| exit.when.is_some());
            exits.push(Exit::to(self.id(at, "choice")));
        }
        self.states.push(State { id, step, exits, caught });
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

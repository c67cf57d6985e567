//! Gates of a plan: an agent asks or classifies, a person answers or confirms, and the values are handed on.

use super::parts::{Edge, Kind, leads_on};
use super::plan::Plan;
use super::prompt::{Work, includes, object, of_type, one_of, questions};
use super::work::{bounded, describe, inner, named};
use crate::import::machine::{Exit, State};
use crate::import::naming::snake;
use crate::import::out::{Map, Out, literal, marked, quoted};
use crate::import::report::Verdict::{Changed, Kept};
use crate::import::source::At;

/// What a part of a gate is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Agent,
    Person,
    Values,
}

impl<'s, 't> Plan<'s, 't> {
    /// The states of a gate. The last one has its id, and holds what all of them gave.
    pub(super) fn gate(&mut self, at: usize) {
        let node = &self.nodes[at];
        let asks = node.kind == Kind::Questions;
        let id = node.id.clone();
        let mut parts: Vec<(String, Part, Option<At<'s, 't>>)> = Vec::new();
        for (_, inner) in &node.internals {
            let part = match inner.text_at("internal_type") {
                Some("LLM") | None => Part::Agent,
                Some("UI") => Part::Person,
                Some("MECH") => Part::Values,
                Some(other) => {
                    if let Some(at) = inner.get("internal_type") {
                        at.say(
                            Changed,
                            format!("`{other}` is none of `LLM`, `UI`, `MECH`: the values are handed on"),
                        );
                    }
                    Part::Values
                }
            };
            parts.push((self.part(at, parts.len()), part, Some(*inner)));
        }
        if parts.is_empty() {
            parts.push((self.part(at, 0), Part::Agent, None));
            parts.push((self.part(at, 1), Part::Person, None));
            node.at.say_of("internals", Changed, "an agent asks, and a person answers", None);
        }
        let edges = node.edges.clone();
        let main = edges.iter().find(|edge| edge.to.is_some() && leads_on(edge.outcome));
        let main = main.or_else(|| edges.iter().find(|edge| edge.to.is_some())).map(|edge| edge.outcome);
        let others: Vec<&Edge<'s, 't>> =
            edges.iter().filter(|edge| Some(edge.outcome) != main && !(asks && edge.to.is_none())).collect();
        for edge in edges.iter().filter(|edge| asks && edge.to.is_none()) {
            edge.at.say_of("edges", Kept, "the person who answers is waited for", None);
        }
        let agents: Vec<String> =
            parts.iter().filter(|(_, part, _)| *part == Part::Agent).map(|(id, ..)| id.clone()).collect();
        let mut values: Vec<(String, String)> = Vec::new();
        let mut answered: Option<String> = None;
        for (position, (state, part, inner)) in parts.iter().enumerate() {
            let next = parts.get(position + 1).map_or_else(|| id.clone(), |(next, ..)| next.clone());
            let (mut exits, mut step) = (Vec::new(), Map::new());
            let mut sure = true;
            match part {
                Part::Agent => {
                    let first = agents.first() == Some(state);
                    let schema = answer(asks, first.then_some(()).map(|()| outcomes(main, &others)), first);
                    step.set("agent", self.asking(at, *inner, schema));
                    if first {
                        for edge in &others {
                            let when = format!(
                                "steps.{state}.output.?outcome.orValue('') == {}",
                                quoted(edge.outcome)
                            );
                            let go = match edge.to {
                                Some(to) => self.first(to),
                                None => self.more(at, state, edge.outcome),
                            };
                            let mut exit = bounded(edge, Some(when), go);
                            if edge.to.is_none() && exit.max.is_none() {
                                let why =
                                    format!("how often more is asked for is not said: {} times", self.rounds);
                                edge.at.say_of("edges", Changed, &why, Some("say `max`"));
                                exit.max = Some(self.rounds);
                            }
                            exits.push(exit);
                        }
                        sure = others.is_empty();
                    }
                }
                Part::Person => {
                    step.set("ask", self.entry(at, *inner, &agents, asks));
                    answered = Some(format!("steps.{state}.?output.orValue(null)"));
                }
                Part::Values => {
                    let all: Map = Map(values
                        .iter()
                        .map(|(name, value)| (name.clone(), marked(value).into()))
                        .collect());
                    let all = if all.is_empty() { Map::new().with("passed", true) } else { all };
                    step.set("set", all);
                    if let Some(inner) = inner {
                        for key in ["description", "op_ref", "name"] {
                            inner.get(key);
                        }
                    }
                }
            }
            if *part != Part::Values {
                let name = inner
                    .and_then(|inner| inner.node.path().rsplit('/').next().map(|key| snake(key, "part")));
                let name = name.unwrap_or_else(|| {
                    if *part == Part::Agent { "pass".to_owned() } else { "entry".to_owned() }
                });
                values.push((name, format!("steps.{state}.?output.orValue(null)")));
            }
            // What is neither is no outcome: the run fails.
            let when = main
                .filter(|_| !sure)
                .map(|main| format!("steps.{state}.output.?outcome.orValue('') == {}", quoted(main)));
            exits.push(Exit { when, go: next, max: None });
            self.states.push(State { id: state.clone(), step, exits, caught: None });
        }
        let mut all: Map =
            Map(values.iter().map(|(name, value)| (name.clone(), marked(value).into())).collect());
        if let Some(answered) = answered {
            all.set(if asks { "clarifications" } else { "confirmed" }, marked(&answered));
        }
        if all.is_empty() {
            all.set("passed", true);
        }
        if let Some(at) = self.nodes[at].at.get("produces") {
            at.say(Changed, format!("what it gives is read as the output of `{id}`"));
        }
        let step = named(&self.nodes[at]).with("set", all);
        let on: Vec<Edge<'s, 't>> = edges.iter().filter(|edge| Some(edge.outcome) == main).cloned().collect();
        let mut exits: Vec<Exit> = Vec::new();
        for edge in &on {
            let go = self.goal(at, edge);
            exits.push(bounded(edge, None, go));
        }
        self.leads_on(at, &mut exits);
        self.states.push(State { id, step, exits, caught: None });
    }

    /// The agent of a gate.
    fn asking(&self, at: usize, part: Option<At<'s, 't>>, schema: Map) -> Map {
        let node = &self.nodes[at];
        let mut work =
            Work { what: describe(node.at, &node.title), given: self.given(at), ..Work::default() };
        work.texts.extend(node.at.text_at("task_ref").map(str::to_owned));
        includes(node.at, &mut work);
        if let Some(part) = part {
            inner(part, &mut work);
        }
        work.output = Some(schema);
        work.agent()
    }

    /// The person of a gate.
    fn entry(&self, at: usize, part: Option<At<'s, 't>>, agents: &[String], asks: bool) -> Map {
        let node = &self.nodes[at];
        if let Some(part) = part {
            part.get("op_ref");
        }
        let title = part.and_then(|part| part.text_at("name")).unwrap_or(&node.title);
        let title = match part.and_then(|part| part.text_at("description")) {
            Some(text) => format!("{title}: {text}"),
            None => title.to_owned(),
        };
        let ask = Map::new().with("title", literal(&title)).with("by", vec![Out::from("role:operator")]);
        match agents.first() {
            Some(agent) if asks => {
                ask.with("questions", marked(&format!("steps.{agent}.?output.?questions.orValue([])")))
            }
            Some(agent) => {
                let show =
                    Map::new().with("classified", marked(&format!("steps.{agent}.?output.orValue(null)")));
                ask.with("show", show).with(
                    "form",
                    object(&[], &[("confirmed", of_type("boolean")), ("correction", of_type("string"))]),
                )
            }
            None => ask.with("form", object(&[], &[("answer", of_type("string"))])),
        }
    }

    /// A state that asks for more, and begins the gate again.
    fn more(&mut self, at: usize, state: &str, outcome: &str) -> String {
        let id = self.id_for(at, &snake(outcome, "more"), &format!("more {outcome}"));
        if self.later.iter().any(|state| state.id == id) {
            return id;
        }
        let ask = Map::new()
            .with("title", literal(&format!("{}: please say more", self.nodes[at].title)))
            .with("questions", marked(&format!("steps.{state}.?output.?questions.orValue([])")))
            .with("by", vec![Out::from("starter")]);
        let step = Map::new().with("ask", ask);
        let exits = vec![Exit::to(state)];
        self.later.push(State { id: id.clone(), step, exits, caught: None });
        id
    }

    /// A gate without parts: a person chooses among its outcomes.
    pub(super) fn choice(&mut self, at: usize) {
        let id = self.nodes[at].id.clone();
        let edges = self.nodes[at].edges.clone();
        self.chosen(at, &id, &edges);
    }

    /// A person chooses among edges.
    pub(super) fn chosen(&mut self, at: usize, id: &str, edges: &[Edge<'s, 't>]) {
        let mut words: Vec<&str> = edges.iter().map(|edge| edge.outcome).collect();
        words.dedup();
        let node = &self.nodes[at];
        let mut step = Map::new();
        if words.is_empty() {
            let why = format!(
                "no edge leads on from `{}`: the run fails there, and does not end as completed",
                node.name
            );
            node.at.say_of("edges", Changed, &why, None);
            step.set("fail", literal(&format!("{}: nothing follows", node.title)));
            self.states.push(State { id: id.to_owned(), step, exits: Vec::new(), caught: None });
            return;
        }
        let mut ask = Map::new()
            .with("title", literal(&describe(node.at, &node.title)))
            .with("form", one_of("choice", &words))
            .with("by", vec![Out::from("role:operator")]);
        if let Some(document) = self.document() {
            ask.set("show", Map::new().with("document", marked(&document)));
        }
        step.set("ask", ask);
        let mut exits = Vec::new();
        for edge in edges {
            let when = format!("steps.{id}.output.?choice.orValue('') == {}", quoted(edge.outcome));
            let go = self.goal(at, edge);
            exits.push(bounded(edge, Some(when), go));
        }
        self.states.push(State { id: id.to_owned(), step, exits, caught: None });
    }
}

/// The outcomes that an agent tells apart.
fn outcomes<'t>(main: Option<&'t str>, others: &[&Edge<'_, 't>]) -> Vec<&'t str> {
    let mut all: Vec<&str> = Vec::new();
    if !others.is_empty() {
        all.extend(main);
        for edge in others {
            if !all.contains(&edge.outcome) {
                all.push(edge.outcome);
            }
        }
    }
    all
}

/// The schema of what the agent of a gate answers.
fn answer(asks: bool, outcomes: Option<Vec<&str>>, first: bool) -> Map {
    let outcomes = outcomes.unwrap_or_default();
    let mut schema = if asks && first { questions() } else { object(&[], &[]) };
    if outcomes.is_empty() {
        return schema;
    }
    let words: Vec<Out> = outcomes.iter().map(|word| literal(word).into()).collect();
    let mut properties = match schema.get("properties") {
        Some(Out::Map(properties)) => properties.clone(),
        _ => {
            let Some(Out::Map(properties)) = questions().get("properties").cloned() else { return schema };
            properties
        }
    };
    properties.set("outcome", Map::new().with("enum", words));
    schema.set(
        "required",
        if asks { vec![Out::from("questions"), Out::from("outcome")] } else { vec![Out::from("outcome")] },
    );
    schema.set("properties", properties);
    schema
}

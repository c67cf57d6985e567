//! Ends of a plan, and the person who is asked where an edge leads nowhere.

use super::parts::Edge;
use super::plan::Plan;
use super::prompt::one_of;
use super::work::describe;
use crate::import::machine::{Exit, State};
use crate::import::out::{Map, Out, literal, marked, quoted};
use crate::import::report::Verdict::{Changed, Kept};

/// The end that is made where a plan has none for who gives up.
pub(super) struct End(String);

impl<'s, 't> Plan<'s, 't> {
    /// The state of an end.
    pub(super) fn end(&mut self, at: usize) {
        let node = &self.nodes[at];
        let outcome = node.at.text_at("terminal_outcome").unwrap_or("blocked");
        let gate = node.at.text_at("gate_outcome");
        let id = node.id.clone();
        let message = describe(node.at, &node.title);
        let mut exits = Vec::new();
        let step = match outcome {
            "stabilized" => {
                let mut values = Map::new().with("result", "stabilized").with_some("gate", gate.map(literal));
                if let Some(document) = self.document() {
                    values.set("document", marked(&document));
                }
                exits.push(Exit::to("end"));
                Map::new().with("set", values)
            }
            other => {
                let as_what = if other == "abandoned" { "rejected" } else { "error" };
                if !matches!(other, "blocked" | "abandoned" | "escalated")
                    && let Some(at) = node.at.get("terminal_outcome")
                {
                    at.say(Changed, format!("`{other}` is no end that is known: the run fails"));
                }
                let message = match gate {
                    Some(gate) => format!("{message} ({other}, {gate})"),
                    None => format!("{message} ({other})"),
                };
                Map::new()
                    .with("fail", Map::new().with("message", literal(&message)).with("outcome", as_what))
            }
        };
        self.states.push(State { id, step, exits, caught: None });
    }

    /// The state in which a person says how it goes on.
    pub(super) fn operator(&mut self, at: usize, edge: &Edge<'s, 't>) -> String {
        let node = &self.nodes[at];
        let mut options: Vec<String> = Vec::new();
        for option in &edge.options {
            if !option.is_empty() && !options.contains(option) {
                options.push(option.clone());
            }
        }
        if options.is_empty() {
            edge.at.say_of(
                "edges",
                Changed,
                "it leads nowhere: a person says whether it is tried again or given up",
                None,
            );
            options = vec!["retry".to_owned(), "abandon".to_owned()];
        }
        let again = node.edges.iter().find(|other| other.outcome == edge.outcome && other.to.is_some());
        let again = again.and_then(|edge| edge.to);
        let (title, check) = (node.title.clone(), node.id.clone());
        let id = self.id_for(at, "operator", &edge.at.node.path());
        let words: Vec<&str> = options.iter().map(String::as_str).collect();
        let ask = Map::new()
            .with("title", literal(&format!("{title}: how does it go on?")))
            .with("show", Map::new().with("found", marked(&format!("steps.{check}.?output.orValue(null)"))))
            .with("form", one_of("choice", &words))
            .with("by", vec![Out::from("role:operator")]);
        let mut exits = Vec::new();
        for option in &options {
            let when = format!("steps.{id}.output.?choice.orValue('') == {}", quoted(option));
            let (go, max) = match option.as_str() {
                "retry" => {
                    (again.map_or_else(|| self.first(at), |to| self.first(to)), Some(self.rounds.max(1)))
                }
                other => match self.option(other) {
                    Some(end) => (self.first(end), None),
                    None => {
                        if !matches!(other, "abandon" | "escalate") {
                            let why = format!("nothing is known of `{other}`: the run is given up");
                            edge.at.say_of("escalation_options", Changed, &why, None);
                        }
                        (self.given_up(), None)
                    }
                },
            };
            exits.push(Exit { when: Some(when), go, max });
        }
        edge.at.say_of("edges", Kept, &format!("a person is asked: `{id}`"), None);
        self.later.push(State { id: id.clone(), step: Map::new().with("ask", ask), exits, caught: None });
        id
    }

    fn given_up(&mut self) -> String {
        match &self.ends {
            Some(End(id)) => id.clone(),
            None => {
                let id = self.id_for(usize::MAX, "given_up", "given_up");
                self.ends = Some(End(id.clone()));
                id
            }
        }
    }

    /// The end that was needed on the way.
    pub(super) fn finish_ends(&mut self) {
        if let Some(End(id)) = self.ends.take() {
            let fail = Map::new().with("message", "Given up by the operator").with("outcome", "rejected");
            self.states.push(State {
                id,
                step: Map::new().with("fail", fail),
                exits: Vec::new(),
                caught: None,
            });
        }
    }
}

//! Nodes and edges of a plan, as they are read.

use crate::import::naming::{Given, snake};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Task,
    Check,
    /// Questions, and their answers.
    Questions,
    /// What is asked for is classified, and confirmed.
    Intake,
    /// A person chooses among the outcomes.
    Choice,
    End,
    Unknown,
}

/// A node of a plan.
pub(super) struct Node<'s, 't> {
    pub(super) at: At<'s, 't>,
    pub(super) name: &'t str,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: Kind,
    /// Parts of a gate, by name.
    pub(super) internals: Vec<(&'t str, At<'s, 't>)>,
    pub(super) consent: bool,
    /// The document that it produces.
    pub(super) produces: Option<String>,
    pub(super) edges: Vec<Edge<'s, 't>>,
}

/// How often a way is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    None,
    /// So often at most.
    Most(i64),
    /// When the others are used up.
    Rest,
    Never,
}

/// An edge of a plan.
#[derive(Clone)]
pub(super) struct Edge<'s, 't> {
    pub(super) at: At<'s, 't>,
    /// The node it leads to; none: a person is asked.
    pub(super) to: Option<usize>,
    pub(super) outcome: &'t str,
    pub(super) chosen: bool,
    pub(super) bound: Bound,
    pub(super) options: Vec<String>,
}

/// Whether an outcome is the one that leads on.
pub(super) fn leads_on(outcome: &str) -> bool {
    matches!(
        outcome,
        "success" | "pass" | "passed" | "qualified" | "accepted" | "confirmed" | "complete" | "completed"
    )
}

/// Whether an outcome says that the work failed.
pub(super) fn fails(outcome: &str) -> bool {
    matches!(outcome, "failed" | "fail" | "failure" | "error")
}

pub(super) fn nodes<'s, 't>(root: At<'s, 't>, given: &mut Given) -> Vec<Node<'s, 't>> {
    let mut out: Vec<Node<'s, 't>> = Vec::new();
    for at in root.list("nodes") {
        if !at.is_map() {
            at.entries();
            continue;
        }
        let Some(name) = at.text_at("node_id").filter(|name| !name.is_empty()) else {
            at.say_all(NotExpressible, "it has no id", None);
            continue;
        };
        if out.len() == limits::IMPORT_GRAPH || out.iter().any(|node| node.name == name) {
            at.say_all(NotExpressible, "its id is taken, or there are too many nodes", None);
            continue;
        }
        for key in ["requires_qa", "non_advancing", "station", "_position"] {
            at.get(key);
        }
        if let Some(remediation) = at.get("remediation").filter(|r| r.is_map()) {
            remediation.get("enabled");
            remediation.get("feedback_to");
        }
        let id = given.give(&snake(name, "node"));
        at.becomes_step(&id);
        let gate = at.text_at("gate_kind");
        let internals: Vec<(&str, At<'_, '_>)> = at
            .map("internals")
            .into_iter()
            .filter(|(_, inner)| inner.is_map())
            .take(limits::IMPORT_STAGES)
            .collect();
        let kind = match (at.text_at("type").unwrap_or("task"), gate) {
            ("task", _) => Kind::Task,
            ("qa", _) | ("gate", Some("qa")) => Kind::Check,
            ("pgc", _) | ("gate", Some("pgc")) => Kind::Questions,
            ("intake_gate", _) => Kind::Intake,
            ("gate", _) if internals.is_empty() => Kind::Choice,
            ("gate", _) => Kind::Intake,
            ("end", _) => Kind::End,
            (other, _) => {
                if let Some(at) = at.get("type") {
                    at.say_with(
                        NotExpressible,
                        format!("`{other}` is no kind of node that is known: a run that comes there fails"),
                        Some("put what it does in its place"),
                    );
                }
                Kind::Unknown
            }
        };
        if let (Some(other), Some(place)) = (gate, at.get("gate_kind"))
            && !matches!(other, "qa" | "pgc")
        {
            place.say(
                Changed,
                format!("`{other}` is no kind of gate that is known: its parts say what it does"),
            );
        }
        let title = at.text_at("name").unwrap_or(name).to_owned();
        let produces = at.text_at("produces").map(str::to_owned);
        let consent = at.flag("requires_consent").unwrap_or(false);
        out.push(Node { at, name, id, title, kind, internals, consent, produces, edges: Vec::new() });
    }
    edges(root, &mut out);
    out
}

fn edges<'s, 't>(root: At<'s, 't>, nodes: &mut [Node<'s, 't>]) {
    for at in root.list("edges") {
        if !at.is_map() {
            at.entries();
            continue;
        }
        for key in ["edge_id", "label", "non_advancing"] {
            at.get(key);
        }
        let find = |name: &str| nodes.iter().position(|node| node.name == name);
        let end = |keys: [&str; 2]| keys.into_iter().find_map(|key| at.get(key));
        let Some(from) = end(["from", "from_node_id"]).and_then(At::text).and_then(find) else {
            at.say_all(NotExpressible, "it comes from no node that is known", None);
            continue;
        };
        let to = match end(["to", "to_node_id"]) {
            None => None,
            Some(place) => match place.text().and_then(find) {
                Some(to) => Some(to),
                None => {
                    at.say_all(NotExpressible, "it leads to no node that is known", None);
                    continue;
                }
            },
        };
        if matches!(nodes[from].kind, Kind::End | Kind::Unknown) {
            at.say_all(NotExpressible, "nothing leads on from there", None);
            continue;
        }
        let outcome = at.text_at("outcome").unwrap_or("success");
        let chosen = match at.text_at("kind") {
            Some("user_choice" | "manual") => true,
            Some("auto") | None => false,
            Some(other) => {
                if let Some(at) = at.get("kind") {
                    at.say(
                        Changed,
                        format!("`{other}` is neither `auto` nor `user_choice`: it is taken by itself"),
                    );
                }
                false
            }
        };
        let options = at.get("escalation_options").map(super::prompt::texts).unwrap_or_default();
        let bound =
            at.list("conditions").into_iter().fold(Bound::None, |bound, one| match (bound, condition(one)) {
                (Bound::Never, _) | (_, Bound::Never) => Bound::Never,
                (Bound::None, other) | (other, Bound::None) => other,
                (Bound::Most(a), Bound::Most(b)) => Bound::Most(a.min(b)),
                (Bound::Rest, Bound::Rest) => Bound::Rest,
                (Bound::Most(_), Bound::Rest) | (Bound::Rest, Bound::Most(_)) => {
                    one.say(NotExpressible, "between two counts: the way is never taken");
                    Bound::Never
                }
            });
        nodes[from].edges.push(Edge { at, to, outcome, chosen, bound, options });
    }
    for node in nodes {
        // Those that count come before those that take the rest.
        node.edges.sort_by_key(|edge| edge.bound == Bound::Rest);
    }
}

/// What a condition says of how often a way is taken.
fn condition(at: At<'_, '_>) -> Bound {
    if !at.is_map() {
        at.entries();
        return Bound::Never;
    }
    let kind = at.text_at("type").unwrap_or_default();
    let op = at.text_at("op").or_else(|| at.text_at("operator")).unwrap_or_default();
    let value = at.get("value").and_then(|at| at.node.raw()).and_then(|text| text.parse::<i64>().ok());
    let most =
        |count: i64| if count < 1 { Bound::Never } else { Bound::Most(count.min(i64::from(limits::VISITS))) };
    match (kind, op, value) {
        ("retry_count", "lt", Some(count)) => most(count),
        ("retry_count", "lte", Some(count)) => most(count.saturating_add(1)),
        ("retry_count", "eq", Some(0)) => most(1),
        ("retry_count", "gt" | "gte" | "ne", Some(_)) => Bound::Rest,
        _ => {
            let why = format!("`{kind}` with `{op}` cannot be asked about: the way is never taken");
            at.say_all(NotExpressible, why, Some("write it as `when` by hand"));
            Bound::Never
        }
    }
}

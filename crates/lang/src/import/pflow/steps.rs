//! What every node has, whatever it does: items, rounds, tries, an approval, and where it leads.

use super::each::{batch, retry, rounds, timeout, tries};
use super::graph::Blocks;
use super::model::{Flow, Kind, Node};
use super::refs::Place;
use super::values::prose;
use super::{child, code, files, other, prompts, request, shell};
use crate::import::naming::seconds;
use crate::import::out::{Map, Out, label, literal};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What a node does, as keys of its step.
#[derive(Default)]
pub(super) struct Action {
    pub(super) keys: Map,
    /// Seconds that it has where it says nothing.
    pub(super) seconds: Option<f64>,
    /// Tries that the tool makes by itself.
    pub(super) retry: Option<Map>,
}

impl Action {
    pub(super) fn of(keys: Map) -> Self {
        Self { keys, ..Self::default() }
    }

    pub(super) fn within(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Tried three times, a second apart, for errors that pass.
    pub(super) fn thrice(self, errors: &[&str]) -> Self {
        let errors: Vec<String> = errors.iter().map(|error| (*error).to_owned()).collect();
        let retry = tries(3, 1.0, 1, None).with("errors", errors);
        Self { retry: Some(retry), ..self }
    }
}

/// The steps of a node: itself, behind what has to be asked first.
pub(super) fn steps(flow: &mut Flow<'_, '_>, index: usize, inline: Option<Map>) -> Vec<Map> {
    let asked = flow.nodes[index].at.get("approval").and_then(|at| {
        let wanted = at.text() == Some("required");
        if !wanted {
            at.say(NotExpressible, "`required` is the only approval that is known");
        }
        wanted.then(|| approval(flow, index, at))
    });
    let flow = &*flow;
    let node = &flow.nodes[index];
    let place = Place::of(index);
    let action = match node.kind {
        _ if node.lacks().is_some() => failing(flow, node),
        Kind::Shell => shell::action(flow, node, place),
        Kind::Code => code::action(flow, node, place),
        Kind::Http => request::action(flow, node, place),
        Kind::Llm | Kind::Agent => prompts::action(flow, node, place),
        Kind::Read | Kind::Write | Kind::Copy | Kind::Move | Kind::Delete => files::action(flow, node, place),
        Kind::Workflow => child::action(flow, node, place, inline),
        Kind::Mcp => other::tool(flow, node, place),
        Kind::Other => other::program(flow, node, place),
    };
    let mut step = Map::new().with("id", node.id.as_str());
    if let Some(name) = title(node) {
        step.set("name", name);
    }
    let batch = batch(flow, node, place);
    step = step.with_some("foreach", batch.as_ref().map(|batch| batch.foreach.clone()));
    step = step.with_some("loop", rounds(flow, node, place));
    step.0.extend(action.keys.0);
    let whole = node.lacks().is_none();
    if whole && (node.has("timeout") || action.seconds.is_some()) {
        step = step.with_some("timeout", timeout(node, action.seconds).map(seconds));
    }
    let retry = retry(node, batch.and_then(|batch| batch.retry), action.retry);
    step = step.with_some("retry", retry.filter(|_| whole));
    if let Some(at) = node.at.get("cache") {
        match node.at.flag("cache") {
            Some(true) => step.set("cache", Map::new()),
            Some(false) => at.say(Kept, "nothing is reused without `cache`"),
            None => {}
        }
    } else if node.kind == Kind::Llm {
        let why = "answers of models are not reused by themselves, as they were there";
        node.at.say_of("cache", Changed, why, Some("say `cache` in the step"));
    }
    asked.into_iter().chain([step]).collect()
}

/// A step in the place of one that is not whole.
fn failing(flow: &Flow<'_, '_>, node: &Node<'_, '_>) -> Action {
    let what = node.lacks().unwrap_or_default();
    let why = format!("it lacks `{what}`, or has one that cannot be used: the step fails until it is mended");
    node.at.say_of(what, NotExpressible, &why, None);
    let message = format!("{} lacks {what}", literal(&node.name));
    if flow.graph.blocks != Blocks::States {
        return Action::of(Map::new().with("fail", message));
    }
    // A state that fails by itself leads nowhere: a program that does keeps its ways.
    let keys = Map::new()
        .with("shell", "sh")
        .with("run", "echo \"$WHY\" >&2\nexit 1")
        .with("env", Map::new().with("WHY", message));
    Action::of(keys.with("parse", "json"))
}

/// The purpose of a node as the name of its step.
fn title(node: &Node<'_, '_>) -> Option<String> {
    let at = node.at.get("purpose")?;
    let text = at.text()?.trim();
    let line = text.lines().next()?.trim();
    let cut: String = prose(line).chars().take(limits::TITLE_CHARS).collect();
    if cut != text {
        at.say(
            Changed,
            "its first line is the `name` of the step; the rest has no place in a definition but a comment",
        );
    }
    Some(cut).filter(|cut| !cut.is_empty())
}

/// The gate before a step.
fn approval(flow: &mut Flow<'_, '_>, index: usize, at: At<'_, '_>) -> Map {
    let id = flow.given.give(&format!("{}_approval", flow.nodes[index].id));
    let node = &flow.nodes[index];
    let outside = Place { inside: false, ..Place::of(index) };
    let mut show = Map::new();
    for (key, param) in node.all_params() {
        // What the items say is not known before.
        let value = match key {
            "command" | "code" => param.node.raw().map(|text| Out::from(literal(text))),
            _ if node.batch.is_some() || node.looped => None,
            _ => Some(flow.value(param, outside)),
        };
        if let Some(value) = value {
            show.set(label(key), value);
        }
    }
    if let Some(items) = node.batch.as_ref().and_then(|batch| batch.at.get("items")) {
        show.set("items", flow.parsed(items, outside));
    }
    let why = format!(
        "the gate `{id}` before it; who says no ends the run as rejected. One answer is for all rounds and items"
    );
    at.say(Kept, why);
    let approve =
        Map::new().with("title", format!("Run {}?", literal(&node.name))).with_some("show", show.filled());
    Map::new().with("id", id).with("approve", approve)
}

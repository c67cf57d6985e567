//! Models and agents.

use super::each::{carried, from_round_to_round};
use super::model::{Flow, Kind, Node};
use super::refs::Place;
use super::steps::Action;
use super::template::pieces;
use super::values::expression;
use crate::import::out::{Map, literal};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};

/// Settings of models and agents that the provider has here.
const OF_PROVIDERS: &[&str] = &[
    "temperature",
    "max_tokens",
    "allowed_tools",
    "disallowed_tools",
    "max_thinking_tokens",
    "sandbox",
    "use_api_key",
    "approval_policy",
    "add_dir",
    "config",
];

pub(super) fn action(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let model = node.kind == Kind::Llm;
    let names = named(flow, node, place);
    let inside = Place { names: &names, ..place };
    let mut agent = Map::new().with("provider", provider(node));
    if let Some(at) = node.param("model") {
        let text = at.text().unwrap_or_default();
        let name = if model { text.split_once('/').map_or(text, |(_, name)| name) } else { text };
        agent.set("model", flow.text(at, name, place));
    }
    if let Some(at) = node.param("profile") {
        agent.set("profile", flow.text(at, at.text().unwrap_or_default(), place));
    }
    let mut prompt = String::new();
    for chunk in cached(flow, node, place) {
        prompt.push_str(&literal(chunk.0));
        prompt.push_str(&chunk.1);
    }
    for key in ["system", "system_prompt", "context"] {
        let Some((at, text)) = node.source(key) else { continue };
        prompt.push_str(&flow.mixed(at, &pieces(text.trim_end()), inside));
        prompt.push_str("\n\n");
        at.say(Changed, "it stands at the beginning of the prompt");
    }
    match node.source("prompt").or_else(|| node.source("task")) {
        Some((at, text)) => prompt.push_str(&flow.mixed(at, &pieces(&text), inside)),
        None => {
            let why = "it has no `prompt`";
            node.at.say_of("prompt", NotExpressible, why, Some("say `agent.prompt`"));
        }
    }
    let one_word = !prompt.trim().contains(char::is_whitespace);
    if one_word && (prompt.trim().ends_with(".md") || prompt.trim().ends_with(".txt")) {
        // Otherwise it would be the path of a file.
        prompt = format!("{} ", prompt.trim());
    }
    agent.set("prompt", prompt);
    if let Some(at) = node.param("images") {
        agent.set("attach", flow.value(at, inside));
    }
    if let Some(at) = node.param("output_schema") {
        if at.is_map() {
            agent.set("output", at.whole());
        } else {
            at.say(NotExpressible, "a schema is written in the definition: it is left out");
        }
    }
    if let Some(at) = node.param("cwd").or_else(|| node.param("working_directory")) {
        agent.set("workspace", flow.text(at, at.text().unwrap_or_default(), place));
    } else if !model {
        agent.set("workspace", ".");
    }
    if let Some(at) = node.param("resume") {
        agent.set("session", flow.text(at, at.text().unwrap_or_default(), place));
    }
    if let Some(turns) = node.params().and_then(|params| params.integer("max_turns", 1, 10_000)) {
        agent.set("max_turns", turns);
    }
    if let Some(at) = node.param("schema_retries") {
        at.say(Changed, "an answer that misses its schema is repaired in the same session by itself");
    }
    for key in OF_PROVIDERS {
        if let Some(at) = node.param(key) {
            let why = "it is a setting of the provider, which a definition does not have";
            at.say_with(
                NotExpressible,
                why,
                Some("make a profile of the provider with it, and say `agent.profile`"),
            );
        }
    }
    let action = Action::of(Map::new().with("agent", agent));
    let errors = ["network", "rate_limit", "timeout"];
    if model { action.thrice(&errors) } else { action.within(300.0) }
}

fn provider(node: &Node<'_, '_>) -> String {
    if node.kind == Kind::Agent {
        return match node.param("backend").and_then(|at| at.text().map(|text| (at, text))) {
            None | Some((_, "claude")) => "claude-code".to_owned(),
            Some((_, "codex")) => "codex".to_owned(),
            Some((at, other)) => {
                at.say(NotExpressible, "`claude` and `codex` are known; the name is taken as it is");
                literal(other)
            }
        };
    }
    match node.param("model").and_then(|at| at.node.raw()).and_then(|model| model.split_once('/')) {
        Some((provider, _)) if !provider.contains('$') => literal(provider),
        _ => {
            let why = "which provider answers was found by the keys that were at hand: `llm` stands for it";
            node.at.say_of("provider", Changed, why, Some("name a provider of yours in `agent.provider`"));
            "llm".to_owned()
        }
    }
}

/// The values that a prompt's own names stand for.
fn named(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Vec<(String, String)> {
    let Some(at) = node.param("inputs") else { return Vec::new() };
    if !at.is_map() {
        at.say(NotExpressible, "it is no map of names: the prompt is given none");
        return Vec::new();
    }
    at.say(Kept, "what the prompt calls by these names stands in it as its expression");
    let mut named = Vec::new();
    for entry in at.node.entries() {
        let Some(inner) = at.get(entry.key) else { continue };
        let first = flow.value(inner, place);
        let value = from_round_to_round(first, carried(flow, node, place, entry.key));
        named.push((entry.key.to_owned(), expression(&value)));
    }
    named
}

/// The shared pieces of text that stand before a prompt.
fn cached<'t>(flow: &Flow<'_, 't>, node: &Node<'_, '_>, place: Place<'_>) -> Vec<(&'t str, String)> {
    if let Some(at) = node.at.get("prewarm") {
        at.say(NotExpressible, "providers keep prompts by themselves");
    }
    let Some(at) = node.at.get("prompt_cache") else { return Vec::new() };
    if node.kind != Kind::Llm {
        at.say(NotExpressible, "only models have shared pieces of prompts, as there");
        return Vec::new();
    }
    at.say(Changed, "the pieces stand before the prompt; what of it is kept is the provider's business");
    let mut found = Vec::new();
    for item in at.items() {
        let name = item.node.raw().unwrap_or_default();
        match flow.chunks.get(name) {
            Some(prose) => {
                let value = flow.mixed(item, &pieces(&format!("${{{name}}}")), place);
                found.push((*prose, format!("{value}\n\n")));
            }
            None => item.say(NotExpressible, format!("there is no piece `{name}`")),
        }
    }
    found
}

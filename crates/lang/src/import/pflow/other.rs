//! Tools of MCP servers, and nodes of types that come from elsewhere.

use super::head;
use super::model::{Flow, Node};
use super::refs::Place;
use super::steps::Action;
use crate::import::naming::kebab;
use crate::import::out::{Map, Out, literal};
use crate::import::report::Verdict::{Changed, NotExpressible};

/// The params but for what every node has.
fn arguments(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Map {
    let mut map = head::filled(flow, place.reader);
    for (key, at) in node.all_params() {
        if key != "timeout" {
            map.set(key, flow.value(at, place));
        }
    }
    map
}

pub(super) fn tool(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let name = node.word.get(4..).unwrap_or_default();
    let (server, tool) = name.rsplit_once('-').unwrap_or((name, ""));
    if let Some(at) = node.at.get("type") {
        if tool.is_empty() {
            let why = "the type names a server and no tool";
            at.say_with(NotExpressible, why, Some("say `mcp.tool`"));
        } else if server.contains('-') {
            let why = format!(
                "the name has several parts: `{server}` is taken for the server, `{tool}` for the tool"
            );
            at.say_with(Changed, why, Some("look whether the server ends there"));
        }
    }
    let mcp = Map::new()
        .with("server", literal(server))
        .with("tool", literal(tool))
        .with_some("arguments", arguments(flow, node, place).filled());
    Action::of(Map::new().with("mcp", mcp))
}

pub(super) fn program(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let program = format!("./nodes/{}", kebab(node.word, "node"));
    if let Some(at) = node.at.get("type") {
        let why = format!(
            "`{}` is no type that is known: a program of yours, `{program}`, takes its place",
            node.word
        );
        let help = "it gets the params as JSON on standard input, and prints its outputs as a map of JSON; or write another action";
        at.say_with(NotExpressible, why, Some(help));
    }
    let stdin: Out = arguments(flow, node, place).into();
    Action::of(Map::new().with("run", vec![Out::from(program)]).with("stdin", stdin).with("parse", "json"))
}

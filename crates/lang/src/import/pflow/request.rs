//! Requests to servers.

use std::collections::HashSet;

use super::model::{Flow, Node};
use super::refs::{Place, Ty};
use super::steps::Action;
use super::values::as_text;
use crate::actions::not_a_header;
use crate::import::out::{Map, Out};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

pub(super) fn action(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let Some(url) = node.param("url") else { return Action::default() };
    let body = node.param("body");
    let method =
        match node.param("method").and_then(|at| at.text().map(|text| (at, text.to_ascii_lowercase()))) {
            Some((_, method)) if METHODS.contains(&method.as_str()) => method,
            Some((at, _)) => {
                let usual = if body.is_some() { "post" } else { "get" };
                at.say(NotExpressible, format!("it is none of {}: {usual} is taken", METHODS.join(", ")));
                usual.to_owned()
            }
            None => if body.is_some() { "post" } else { "get" }.to_owned(),
        };
    let text = url.text().unwrap_or_default();
    let mut http = Map::new().with("method", method).with("url", flow.text(url, text.trim(), place));
    for (param, key) in [("params", "query"), ("headers", "headers")] {
        let Some(at) = node.param(param) else { continue };
        match flow.value(at, place) {
            Out::Map(map) if key == "headers" => http.set(key, headers(node, at, map)),
            Out::Map(map) => {
                let plain = map.0.into_iter().map(|(name, value)| match value {
                    value @ Out::Map(_) => (name, as_text(value)),
                    value => (name, value),
                });
                http.set(key, Map(plain.collect()));
            }
            _ => at.say(NotExpressible, "it is no map of names: it is left out"),
        }
    }
    http = http.with_some("auth", auth(flow, node, place));
    let bare = matches!(crate::import::pflow::values::text(&http, "method"), Some("get" | "head"));
    if let Some(at) = body.filter(|_| bare) {
        at.say(NotExpressible, "a request by `get` or `head` has no body: it is left out");
    } else if let Some(at) = body {
        let read = flow.expression(at, place);
        match (at.is_map() || at.is_list(), read) {
            (true, _) => http.set("json", flow.value(at, place)),
            (false, Some((_, Ty::Any))) => {
                at.say(Changed, "it is sent as JSON; a text among them would be sent as a text of JSON");
                http.set("json", flow.value(at, place));
            }
            (false, _) => http.set("body", flow.value(at, place)),
        }
    }
    // A whole answer with an error is an error there as well; who is tried again is who could not be reached.
    Action::of(Map::new().with("http", http)).within(30.0).thrice(&["network", "timeout"])
}

/// The headers that a step may set.
fn headers(node: &Node<'_, '_>, at: At<'_, '_>, map: Map) -> Map {
    let mut known: HashSet<String> = HashSet::new();
    let mut made = Map::new();
    for (name, value) in map.0 {
        let small = name.to_ascii_lowercase();
        let why = match not_a_header(&small) {
            Some(why) => why,
            None if small == "authorization" && node.has("auth_token") => "is said by `auth_token` already",
            None if !known.insert(small) => "is given twice",
            None => {
                made.set(&name, as_text(value));
                continue;
            }
        };
        at.say(NotExpressible, format!("`{name}` {why}: it is left out"));
    }
    made
}

fn auth(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Option<Map> {
    let secret = |key: &str| -> Option<Out> {
        let at = node.param(key)?;
        let value = flow.text(at, at.text()?, place);
        let why = "it is a value of the run, which its journal holds";
        at.say_with(Changed, why, Some("name it in `secrets`, and write `${{ secrets.NAME }}`"));
        Some(value)
    };
    let name = node.word_of("api_key_header");
    match (secret("auth_token"), secret("api_key")) {
        (Some(token), key) => {
            if key.is_some()
                && let Some(at) = node.param("api_key")
            {
                at.say(NotExpressible, "`auth_token` goes before it; both were refused there");
            }
            Some(Map::new().with("bearer", token))
        }
        (None, Some(key)) => {
            let usual = "X-API-Key";
            let wanted = name.unwrap_or(usual);
            let name = match not_a_header(&wanted.to_ascii_lowercase()) {
                None => wanted,
                Some(why) => {
                    node.at.say_of(
                        "api_key_header",
                        NotExpressible,
                        &format!("`{wanted}` {why}: `{usual}` is taken"),
                        None,
                    );
                    usual
                }
            };
            let header = Map::new().with("name", name).with("value", key);
            Some(Map::new().with("header", header))
        }
        (None, None) => {
            if let Some(at) = node.param("api_key_header") {
                at.say(NotExpressible, "there is no `api_key` to send in it");
            }
            None
        }
    }
}

//! The ways between nodes, as each notation says them.

use std::collections::HashMap;

use super::graph::{Graph, Named};
use super::model::{Form, Kind, Node};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

type Names<'n> = HashMap<&'n str, usize>;

/// `edges` of a graph in JSON.
pub(super) fn edges(root: At<'_, '_>, nodes: &[Node<'_, '_>], names: &Names<'_>, graph: &mut Graph) {
    let edges = root.list("edges");
    if edges.is_empty() && nodes.len() > 1 {
        let why = "without edges the nodes run in the order of the list; the tool ran the first one alone";
        root.say_of("no edges", Changed, why, None);
        for node in 1..nodes.len() {
            graph.ways[node - 1].next.push(node);
        }
    }
    for at in edges {
        let ends = (at.text_at("from"), at.text_at("to"));
        let action = at.text_at("action").unwrap_or("default");
        let (Some(from), Some(to)) = ends else {
            at.say_all(NotExpressible, "an edge has `from` and `to`", None);
            continue;
        };
        let lost = [from, to].into_iter().find(|name| !names.contains_key(name));
        if let Some(name) = lost {
            let near = crate::expr::nearest(name, names.keys().copied());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            at.say_all(NotExpressible, format!("there is no node `{name}`"), help.as_deref());
            continue;
        }
        let (from, to) = (names[from], names[to]);
        way(at, &nodes[from], &mut graph.ways[from], action, to);
    }
    for (index, node) in nodes.iter().enumerate() {
        let ends = targets(node).is_some_and(|(targets, _)| targets.iter().any(|to| to == "end"));
        if ends && !graph.ways[index].named.iter().any(|named| named.word == "end") {
            graph.ways[index].named.push(Named { word: "end".to_owned(), to: None });
        }
    }
}

/// One way more.
fn way(at: At<'_, '_>, node: &Node<'_, '_>, ways: &mut super::graph::Ways, action: &str, to: usize) {
    // A workflow may say by which word its failure goes.
    let failure = match node.kind {
        Kind::Workflow => node.word_of("error_action").unwrap_or("error"),
        _ => "error",
    };
    if action == failure || action == "error" {
        if ways.error.replace(to).is_some() {
            at.say(Changed, "the last of several ways of an error is taken, as there");
        }
    } else if action == "default" {
        if !ways.next.contains(&to) {
            ways.next.push(to);
        }
    } else if node.kind.routes() {
        if let Some(known) = ways.named.iter_mut().find(|named| named.word == action) {
            at.say(Changed, format!("the last of several ways of `{action}` is taken, as there"));
            known.to = Some(to);
        } else {
            ways.named.push(Named { word: action.to_owned(), to: Some(to) });
        }
    } else {
        let why = format!("a node of the type {} never gives `{action}`: the way was never taken", node.word);
        at.say_all(NotExpressible, why, Some("let a `code` node say `next`, or write `when` in `next`"));
    }
}

/// `next` and `on-error` of steps in Markdown, the order of the text, and what the code of a step says.
pub(super) fn written(nodes: &[Node<'_, '_>], names: &Names<'_>, graph: &mut Graph) {
    for (index, node) in nodes.iter().enumerate() {
        let find = |at: At<'_, '_>, name: &str| {
            let found = names.get(name).copied();
            if found.is_none() {
                let near = crate::expr::nearest(name, names.keys().copied());
                let help = near.map(|near| format!("did you mean `{near}`?"));
                at.say_with(NotExpressible, format!("there is no step `{name}`"), help.as_deref());
            }
            found
        };
        let next = node.at.get("next");
        let mut named: Vec<Named> = Vec::new();
        let mut ends = false;
        match next.and_then(|at| at.text().map(|text| (at, text))) {
            Some((at, text)) => {
                let all: Vec<&str> = text.split(',').map(str::trim).filter(|to| !to.is_empty()).collect();
                let to: Vec<(&str, usize)> = all
                    .iter()
                    .filter(|to| **to != "end")
                    .filter_map(|to| find(at, to).map(|index| (*to, index)))
                    .collect();
                ends = all.contains(&"end");
                graph.ways[index].next.extend(to.first().map(|(_, to)| *to));
                if to.len() > 1 {
                    named.extend(
                        to.iter().map(|(word, to)| Named { word: (*word).to_owned(), to: Some(*to) }),
                    );
                    if !node.kind.routes() {
                        at.say(
                            Changed,
                            "the first of them follows; a step of this type chooses no other, as there",
                        );
                    }
                }
            }
            None => graph.ways[index].next.extend(Some(index + 1).filter(|next| *next < nodes.len())),
        }
        if let Some(at) = node.at.get("on-error")
            && let Some(name) = at.text()
        {
            graph.ways[index].error = find(at, name);
        }
        if let Some((targets, dynamic)) = targets(node) {
            let at = node.param("code").unwrap_or(node.at);
            for word in targets.iter().filter(|word| *word != "end") {
                if !named.iter().any(|named| named.word == *word)
                    && let Some(to) = find(at, word)
                {
                    named.push(Named { word: word.clone(), to: Some(to) });
                }
            }
            if ends || dynamic || targets.iter().any(|to| to == "end") {
                named.push(Named { word: "end".to_owned(), to: None });
            }
            if dynamic && next.is_none() {
                let why =
                    "`next` is computed: it may name no step, for none are declared, and then the run fails";
                node.at.say_of("computed next", Changed, why, Some("say all that it may be in `next`"));
            }
        } else if node.kind == Kind::Code && !named.is_empty() {
            let why = "its code never says `next`: the first of them follows";
            node.at.say_of("next that nobody says", Kept, why, None);
            named.clear();
        }
        if node.kind.routes() {
            graph.ways[index].named = named;
        }
    }
}

/// What the code of a node says is next, and whether that is computed; `None` where it says nothing.
pub(super) fn targets(node: &Node<'_, '_>) -> Option<(Vec<String>, bool)> {
    if node.kind != Kind::Code {
        return None;
    }
    let code = match node.form {
        Form::Json => node.at.node.get("params")?.get("code")?,
        Form::Markdown => node.at.node.get("code")?,
    };
    let (mut targets, mut dynamic) = (Vec::new(), false);
    for line in code.raw()?.lines() {
        let Some(rest) = line.trim_start().strip_prefix("next") else { continue };
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix(':') {
            Some(typed) => typed.split_once('=').map_or("", |(_, value)| value),
            None => match rest.strip_prefix('=') {
                Some(value) if !value.starts_with('=') => value,
                _ => continue,
            },
        };
        let value = rest.trim();
        if value.is_empty() {
            continue;
        }
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let inner = quote.and_then(|quote| value.get(1..)?.split_once(quote));
        match inner {
            Some((word, rest)) if rest.trim().is_empty() || rest.trim_start().starts_with('#') => {
                if !targets.iter().any(|known| known == word) {
                    targets.push(word.to_owned());
                }
            }
            _ => dynamic = true,
        }
    }
    (dynamic || !targets.is_empty()).then_some((targets, dynamic))
}

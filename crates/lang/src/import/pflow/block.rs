//! The steps of all nodes in one block, and where each leads.

use std::collections::HashMap;

use super::graph::Blocks;
use super::model::Flow;
use super::values::{put_behind, text};
use crate::import::out::{Map, quoted};
use crate::import::report::Verdict::Changed;
use crate::limits;

/// Puts the steps of all nodes into one block, and says where each leads.
pub(super) fn block(flow: &Flow<'_, '_>, mut made: Vec<(usize, Vec<Map>)>) -> (&'static str, Vec<Map>) {
    // Where a node begins: its gate, if it has one.
    let first: HashMap<usize, String> = made
        .iter()
        .filter_map(|(index, steps)| Some((*index, text(steps.first()?, "id")?.to_owned())))
        .collect();
    let go = |to: Option<usize>| to.and_then(|to| first.get(&to)).map_or("end", String::as_str).to_owned();
    let ending = if flow.graph.blocks == Blocks::States { flow.graph.ending() } else { Vec::new() };
    for (index, steps) in &mut made {
        match flow.graph.blocks {
            Blocks::List => {}
            Blocks::Needs => {
                let mut needs: Vec<String> =
                    flow.graph.before(*index).into_iter().map(|from| flow.nodes[from].id.clone()).collect();
                for step in steps.iter_mut() {
                    let id = text(step, "id").unwrap_or_default().to_owned();
                    put_behind(step, "id", "needs", needs);
                    needs = vec![id];
                }
            }
            Blocks::States => {
                let ids: Vec<String> =
                    steps.iter().filter_map(|step| text(step, "id").map(str::to_owned)).collect();
                let count = steps.len();
                for (step, next) in steps.iter_mut().take(count - 1).zip(ids.iter().skip(1)) {
                    step.set("next", next.as_str());
                }
                let Some(step) = steps.last_mut() else { continue };
                let ways = &flow.graph.ways[*index];
                let next = ways.next.first().copied();
                if let Some(to) = ways.error {
                    step.set("on_error", Map::new().with("go", go(Some(to))));
                }
                let endless = ending.get(*index) == Some(&false);
                if ways.named.is_empty() && !endless {
                    step.set("next", go(next));
                    continue;
                }
                let said = format!("steps.{}.output.?next.orValue('default')", flow.nodes[*index].id);
                let mut list: Vec<Map> = ways
                    .named
                    .iter()
                    .map(|named| {
                        let when = format!("{said} == {}", quoted(&named.word));
                        Map::new().with("when", when).with("go", go(named.to))
                    })
                    .collect();
                let last = Map::new();
                let last = if ways.named.is_empty() {
                    last
                } else {
                    last.with("when", format!("{said} == 'default'"))
                };
                let last = last.with("go", go(next));
                if endless {
                    list.push(last.with("max", i64::from(limits::VISITS) - 1));
                    list.push(Map::new().with("go", "fail"));
                } else {
                    list.push(last);
                }
                step.set("next", list);
            }
        }
    }
    let key = if flow.graph.blocks == Blocks::States { "states" } else { "steps" };
    (key, made.into_iter().flat_map(|(_, steps)| steps).collect())
}

/// What the ways of an error mean here.
pub(super) fn ways_of_errors(flow: &Flow<'_, '_>) {
    for index in &flow.graph.order {
        if flow.graph.ways[*index].error.is_some() {
            let why = "a failure that leads on is dealt with: the run is not degraded by it, as it was there";
            flow.nodes[*index].at.say_of("error that leads on", Changed, why, None);
        }
    }
}

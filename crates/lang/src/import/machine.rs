//! Machines of states that are put together from places and ways: what is not reached is left out, ways back are
//! bounded, and no place is without a way out.

use std::collections::{HashMap, HashSet};

use super::out::{Map, Out};

/// How often a way back is taken where nobody says it.
pub(super) const ROUNDS: i64 = 3;

/// A way out of a state.
#[derive(Debug, Clone)]
pub(super) struct Exit {
    pub(super) when: Option<String>,
    pub(super) go: String,
    pub(super) max: Option<i64>,
}

impl Exit {
    pub(super) fn to(go: impl Into<String>) -> Self {
        Self { when: None, go: go.into(), max: None }
    }
}

/// A state with its ways.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) step: Map,
    /// None of what ends the machine by itself.
    pub(super) exits: Vec<Exit>,
    /// Where a failure leads.
    pub(super) caught: Option<String>,
}

/// What was made, and what had to be changed.
pub(super) struct Machine {
    pub(super) states: Vec<Map>,
    /// States that are not reached.
    pub(super) lost: Vec<String>,
    /// Ways back that had no bound.
    pub(super) bounded: Vec<(String, String)>,
    /// States at which it may be that no way holds.
    pub(super) open: Vec<String>,
}

/// The ways of a state but for those behind one that always holds: they are never taken.
fn taken(state: &State) -> &[Exit] {
    let sure = state.exits.iter().position(|exit| exit.when.is_none() && exit.max.is_none());
    &state.exits[..sure.map_or(state.exits.len(), |sure| sure + 1)]
}

/// The machine of these states, which begins with the first one. `rounds` bounds the ways back that say nothing.
pub(super) fn machine(all: Vec<State>, rounds: i64) -> Machine {
    let at: HashMap<String, usize> =
        all.iter().enumerate().map(|(at, state)| (state.id.clone(), at)).collect();
    let goals = |state: &State, bounded: bool| -> Vec<usize> {
        let exits = taken(state).iter().filter(|exit| bounded || exit.max.is_none()).map(|exit| &exit.go);
        exits.chain(&state.caught).filter_map(|go| at.get(go).copied()).collect()
    };
    let mut seen: HashSet<usize> = HashSet::from([0]);
    let mut open: Vec<usize> = vec![0];
    while let Some(state) = open.pop() {
        open.extend(goals(&all[state], true).into_iter().filter(|to| seen.insert(*to)));
    }
    // Ways on which a walk into the depth comes back; a circle in which a way has a bound has one.
    let (mut back, mut done) = (HashSet::new(), HashSet::new());
    for start in (0..all.len()).filter(|start| seen.contains(start)) {
        if !done.insert(start) {
            continue;
        }
        let mut on = HashSet::from([start]);
        let mut open: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((state, next)) = open.last_mut() {
            let state = *state;
            let Some(to) = goals(&all[state], false).get(*next).copied() else {
                on.remove(&state);
                open.pop();
                continue;
            };
            *next += 1;
            if on.contains(&to) {
                back.insert((state, to));
            } else if done.insert(to) {
                on.insert(to);
                open.push((to, 0));
            }
        }
    }
    let mut out = Machine { states: Vec::new(), lost: Vec::new(), bounded: Vec::new(), open: Vec::new() };
    for (position, state) in all.into_iter().enumerate() {
        if !seen.contains(&position) {
            out.lost.push(state.id);
            continue;
        }
        let mut ways: Vec<Map> = Vec::new();
        let mut sure = state.exits.is_empty();
        let mut repeats = false;
        for exit in taken(&state) {
            let again =
                exit.max.is_none() && at.get(&exit.go).is_some_and(|to| back.contains(&(position, *to)));
            let max = exit.max.or_else(|| again.then_some(rounds));
            if again {
                out.bounded.push((state.id.clone(), exit.go.clone()));
            }
            repeats |= max.is_some();
            let way = Map::new().with_some("when", exit.when.clone()).with("go", exit.go.as_str());
            ways.push(way.with_some("max", max));
            sure |= exit.when.is_none() && max.is_none();
        }
        if !sure && repeats {
            ways.push(Map::new().with("go", "fail"));
        } else if !sure {
            out.open.push(state.id.clone());
        }
        let mut step = Map::new().with("id", state.id);
        step.0.extend(state.step.0);
        if let Some(go) = state.caught {
            step.set("on_error", Map::new().with("go", go));
        }
        match ways.as_slice() {
            [] => {}
            [only] if only.get("when").is_none() && only.get("max").is_none() => {
                step.set("next", only.get("go").cloned().unwrap_or(Out::Null));
            }
            _ => step.set("next", ways),
        }
        out.states.push(step);
    }
    out
}

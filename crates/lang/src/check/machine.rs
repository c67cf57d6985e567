//! Machines: where their states lead, and what has been visited where.

use std::collections::HashMap;
use std::rc::Rc;

use crate::codes;
use crate::decode::{Decoded, Goal, ends};
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::plan::{OnError, StepIx, Target};

use super::dominance::Dominance;
use super::order::{Lack, Reading};

/// What every way through a machine passes.
///
/// A state is two nodes: one where it begins, and one where it is left through `next`. A failure that leads
/// somewhere leaves it from the first one, without an output. So what was left through `next` on every way has
/// an output, and none of its later visits can have taken that away again.
#[derive(Debug)]
pub(crate) struct Machine {
    states: usize,
    ways: Dominance,
}

impl Machine {
    /// Whether a state may be read where another one begins.
    pub(crate) fn reading(&self, from: usize, state: usize) -> Reading {
        self.reading_at(begun(from), state)
    }

    /// Whether a state may be read when the machine is done.
    pub(crate) fn reading_from_the_end(&self, state: usize) -> Reading {
        self.reading_at(self.end(), state)
    }

    fn reading_at(&self, node: u32, state: usize) -> Reading {
        match state {
            state if state >= self.states => Reading::Not,
            state if self.ways.dominates(left(state), node) => Reading::Sure,
            _ => Reading::Unsure(Lack::OtherWay),
        }
    }

    fn end(&self) -> u32 {
        begun(self.states)
    }
}

fn begun(state: usize) -> u32 {
    2 * state as u32
}

fn left(state: usize) -> u32 {
    2 * state as u32 + 1
}

/// Settles where the states of a block lead, enters that into the plan, and says what leads nowhere.
pub(super) fn arrange(
    decoded: &mut Decoded<'_>,
    states: &[StepIx],
    by_id: &HashMap<String, usize>,
    problems: &mut Vec<Diagnostic>,
) -> Rc<Machine> {
    let mut edges: Vec<(u32, u32)> = Vec::new();
    // Nodes from which the machine can come to an end.
    let mut ending: Vec<u32> = Vec::new();
    let end = begun(states.len());
    let mut astray = false;
    for (position, &ix) in states.iter().enumerate() {
        let notes = &decoded.steps[ix as usize];
        astray |= notes.astray | reserved(decoded, ix, problems);
        let goals: Vec<Option<Target>> =
            notes.next.iter().map(|way| target(way.goal?, states.len(), by_id, problems)).collect();
        let caught = notes.caught.map(|goal| target(goal, states.len(), by_id, problems));
        astray |= goals.contains(&None) || caught == Some(None);
        never_reached(decoded, ix, problems);
        let notes = &decoded.steps[ix as usize];
        let mut lead = |from: u32, to: Target| match to {
            Target::State(at) => edges.push((from, begun(at))),
            Target::End => {
                edges.push((from, end));
                ending.push(from);
            }
            Target::Fail => ending.push(from),
        };
        if let Some(Some(to)) = caught {
            lead(begun(position), to);
        }
        let taken = notes.next.iter().position(|way| way.always).map_or(goals.len(), |at| at + 1);
        goals.iter().take(taken).flatten().for_each(|to| lead(left(position), *to));
        let step = &mut decoded.plan.steps[ix as usize];
        if !ends(step) {
            edges.push((begun(position), left(position)));
        } else if caught.is_none() {
            ending.push(begun(position));
        }
        for (transition, to) in step.next.iter_mut().zip(&goals) {
            transition.go = to.unwrap_or(Target::Fail);
        }
        if let Some(Some(to)) = caught {
            step.on_error = OnError::Go(to);
        }
    }
    let machine = Machine { states: states.len(), ways: Dominance::of(end as usize + 1, &edges) };
    // Where a way could not be read, nothing is said of states that it may have led to.
    if !astray {
        unreachable(decoded, states, &machine, problems);
        endless(decoded, states, end as usize + 1, &edges, &ending, &machine, problems);
    }
    Rc::new(machine)
}

/// `end` and `fail` are where a machine leads, so no state is called that.
fn reserved(decoded: &Decoded<'_>, ix: StepIx, problems: &mut Vec<Diagnostic>) -> bool {
    let id = decoded.plan.steps[ix as usize].id.as_str();
    let reserved = matches!(id, "end" | "fail");
    if reserved {
        let message = format!("`{id}` is how a machine ends and cannot name a state");
        let problem = Diagnostic::at(codes::RESERVED_WORD, decoded.steps[ix as usize].id, message);
        problems.push(problem.help("choose another name"));
    }
    reserved
}

fn target(
    (text, node): Goal<'_>,
    states: usize,
    by_id: &HashMap<String, usize>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Target> {
    match (text, by_id.get(text)) {
        ("end", _) => Some(Target::End),
        ("fail", _) => Some(Target::Fail),
        (_, Some(&at)) if at < states => Some(Target::State(at)),
        (_, found) => {
            let problem = Diagnostic::at(
                codes::UNKNOWN_STATE,
                node,
                format!("there is no state `{text}` in this machine"),
            );
            let ids = by_id.iter().filter(|(_, at)| **at < states).map(|(id, _)| id.as_str());
            let worth = worth_looking(problems.len(), states);
            let near = if worth { nearest(text, ids.chain(["end", "fail"])) } else { None };
            problems.push(match (found, near) {
                (Some(_), _) => {
                    problem.help("the steps of `finally` run by themselves when the machine ends")
                }
                (None, Some(near)) => problem.nearest(near),
                (None, None) => problem.help("name a state of the same `states`, or `end` or `fail`"),
            });
            None
        }
    }
}

/// Entries below one that is always taken.
fn never_reached(decoded: &Decoded<'_>, ix: StepIx, problems: &mut Vec<Diagnostic>) {
    let ways = &decoded.steps[ix as usize].next;
    let Some(always) = ways.iter().position(|way| way.always) else { return };
    for way in &ways[always + 1..] {
        let line = ways[always].node.span().line;
        let message = "this entry is never looked at";
        let help =
            format!("the one in line {line} is always taken; move it to the end, or give it `when` or `max`");
        problems.push(Diagnostic::at_start(codes::DEAD_WAY, way.node, message).help(help));
    }
}

fn unreachable(decoded: &Decoded<'_>, states: &[StepIx], machine: &Machine, problems: &mut Vec<Diagnostic>) {
    for (position, &ix) in states.iter().enumerate() {
        if machine.ways.is_reached(begun(position)) {
            continue;
        }
        let id = &decoded.plan.steps[ix as usize].id;
        let message = format!("no way leads to the state `{id}`");
        let help = "a machine begins with its first state and goes where `next` and `on_error` say";
        problems.push(Diagnostic::at(codes::UNREACHABLE, decoded.steps[ix as usize].id, message).help(help));
    }
}

/// States from which the machine cannot come to an end.
fn endless(
    decoded: &Decoded<'_>,
    states: &[StepIx],
    nodes: usize,
    edges: &[(u32, u32)],
    ending: &[u32],
    machine: &Machine,
    problems: &mut Vec<Diagnostic>,
) {
    let mut back: Vec<Vec<u32>> = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        back[to as usize].push(from);
    }
    let mut good = vec![false; nodes];
    let mut open = ending.to_vec();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut good[node as usize], true) {
            open.extend(&back[node as usize]);
        }
    }
    for (position, &ix) in states.iter().enumerate() {
        if good[begun(position) as usize] || !machine.ways.is_reached(begun(position)) {
            continue;
        }
        let id = &decoded.plan.steps[ix as usize].id;
        let message = format!("from the state `{id}` no way leads to an end");
        let help =
            "let one of the states behind it lead to `end` or `fail`, or end with `fail:` or `finish:`";
        problems.push(Diagnostic::at(codes::ENDLESS, decoded.steps[ix as usize].id, message).help(help));
    }
}

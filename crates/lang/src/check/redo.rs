//! Where a rejection begins again.

use std::collections::HashMap;

use crate::codes;
use crate::decode::{Decoded, Goal};
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::plan::{ActionKind, Body, OnReject, StepIx};

use super::order::{Order, Reach};

/// A gate in its block.
pub(super) struct Gate<'g> {
    pub(super) ix: StepIx,
    /// Its position.
    pub(super) position: usize,
    /// What it needs.
    pub(super) reach: &'g Reach,
    /// Positions in the block by id.
    pub(super) by_id: &'g HashMap<String, usize>,
    /// Whether it is a state.
    pub(super) state: bool,
}

/// Settles which step of the block a rejection begins again, and enters that into the plan.
pub(super) fn settle(
    decoded: &mut Decoded<'_>,
    gate: &Gate<'_>,
    order: &Order,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(goal) = decoded.steps[gate.ix as usize].redo else { return };
    let Some(at) = target(decoded, gate, goal, order, problems) else { return };
    if let Body::Action(action) = &mut decoded.plan.steps[gate.ix as usize].body
        && let ActionKind::People(people) = &mut action.kind
        && let OnReject::Redo { step, .. } = &mut people.on_reject
    {
        *step = at;
    }
}

fn target(
    decoded: &Decoded<'_>,
    gate: &Gate<'_>,
    (id, node): Goal<'_>,
    order: &Order,
    problems: &mut Vec<Diagnostic>,
) -> Option<usize> {
    if gate.state {
        let message = "`redo` has no place in a state: `next` leads back";
        let help = format!(
            "say `on_reject: continue`, and in `next` `{{ when: steps.{}.output.decision == 'reject', go: {id}, max: 2 }}`",
            decoded.plan.steps[gate.ix as usize].id
        );
        problems.push(Diagnostic::at(codes::MISPLACED_KEY, node, message).help(help));
        return None;
    }
    let Some(&at) = gate.by_id.get(id) else {
        let elsewhere = order.named.get(id).and_then(|steps| steps.first());
        let elsewhere = elsewhere.map(|&ix| decoded.plan.steps[ix as usize].path.as_str());
        let message = format!("there is no step `{id}` in the block of this gate");
        let problem = Diagnostic::at(codes::REDO_UNKNOWN, node, message);
        let needed = gate.by_id.iter().filter(|(_, at)| gate.reach.has(**at)).map(|(id, _)| id.as_str());
        let worth = worth_looking(problems.len(), gate.by_id.len());
        let near = if worth { nearest(id, needed) } else { None };
        problems.push(match (elsewhere, near) {
            (Some(path), _) => problem.help(format!(
                "`{path}` stands in another block; `redo` names a step of the own block that the gate needs"
            )),
            (None, Some(near)) => problem.nearest(near),
            (None, None) => problem.help("`redo` names a step of the same block that the gate needs"),
        });
        return None;
    };
    if gate.reach.has(at) {
        return Some(at);
    }
    let (message, help) = match at {
        at if at == gate.position => (
            "a gate is asked again only together with what it decides on".to_owned(),
            "name the step above that makes what is shown".to_owned(),
        ),
        at if at > gate.position => {
            (format!("`{id}` comes after this gate"), format!("move `{id}` above it"))
        }
        _ => (format!("this gate does not need `{id}`"), format!("add `{id}` to its `needs`")),
    };
    problems.push(Diagnostic::at(codes::REDO_BESIDE, node, message).help(help));
    None
}

//! Whoever worked on a step: whether somebody may have, and whether the step is in reach.

use crate::codes;
use crate::decode::{Decoded, Worker};
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::plan::People;
use crate::tree::Node;

use super::names::Names;
use super::scope::{Found, Spot};

/// The actions that somebody works on. What a child run does is not looked into.
static WORK: &[&str] = &["approve", "ask", "task", "agent", "workflow"];

impl<'t> Names<'_, 't> {
    pub(super) fn worker(&mut self, worker: &Worker<'t>, spot: Spot<'_>) {
        let decoded = self.decoded;
        let id = worker.id.as_str();
        let (code, message, help) = match spot.find(id, decoded, self.order) {
            Found::Step { ix, lack, .. } | Found::ThisOne { ix, lack } => {
                let step = &decoded.plan.steps[ix as usize];
                if !self.worked_on[ix as usize] {
                    let message = format!("nobody works on `{id}`: no person and no agent");
                    let help =
                        "name a gate, questions, a task, what an agent does, or a group with one of them";
                    let problem = Diagnostic::at(codes::NOBODY_WORKS, worker.node, message);
                    self.problems.push(problem.help(help));
                    return;
                }
                let sure = step.condition.is_none() && lack.is_none();
                // Whoever may not act is just nobody where the step did not run.
                if sure || worker.key == "not" || !worker.alone || self.known_by_condition(spot, id) {
                    return;
                }
                (
                    codes::UNGUARDED,
                    format!("`{id}` may not have run, and then there is nobody to ask"),
                    format!(
                        "name somebody else as well, or give this step `if: steps.{id}.status == 'completed'`"
                    ),
                )
            }
            Found::Nothing => {
                let message = format!("there is no step `{id}`");
                let problem = Diagnostic::at(codes::UNKNOWN_STEP, worker.node, message);
                let visible = match worth_looking(self.problems.len(), decoded.steps.len()) {
                    true => spot.visible(decoded, self.order),
                    false => Vec::new(),
                };
                let ids = visible.iter().map(|&ix| decoded.plan.steps[ix as usize].id.as_str());
                self.problems.push(match nearest(id, ids) {
                    Some(near) => problem.nearest(format!("step:{near}")),
                    None => {
                        problem.help("`step:ID` names a step that has run before, on which somebody worked")
                    }
                });
                return;
            }
            found => self.out_of_reach(id, found, spot),
        };
        let problem = Diagnostic::at(code, worker.node, message).help(help);
        self.problems.push(problem);
    }
}

impl<'t> Names<'_, 't> {
    /// That somebody may have worked on something that is shown.
    pub(super) fn authors(&mut self, node: Node<'t>, people: &People, spot: Spot<'_>) {
        let shown = people.shown_steps();
        let worked = |id: &&str| match spot.find(id, self.decoded, self.order) {
            Found::Step { ix, .. } | Found::ThisOne { ix, .. } => self.worked_on[ix as usize],
            // That it cannot be read is said where it is shown.
            _ => true,
        };
        if shown.iter().any(worked) {
            return;
        }
        let message = match shown.is_empty() {
            true => "`authors` are nobody: no step is shown".to_owned(),
            false => {
                format!("`authors` are nobody: no person and no agent works on `{}`", shown.join("`, `"))
            }
        };
        let help = "show a step that somebody works on, or remove `authors`";
        self.problems.push(Diagnostic::at(codes::NOBODY_WORKS, node, message).help(help));
    }
}

/// Of each step whether somebody may work on it, or on what is inside of it.
pub(super) fn worked_on(decoded: &Decoded<'_>) -> Vec<bool> {
    let mut worked = vec![false; decoded.steps.len()];
    // Where nobody is named by a step, nobody asks.
    if decoded.steps.iter().all(|notes| notes.workers.is_empty() && notes.authors.is_none()) {
        return worked;
    }
    // Outer steps come before inner ones.
    for ix in (0..worked.len()).rev() {
        let node = decoded.steps[ix].node;
        worked[ix] |= WORK.iter().any(|action| node.get(action).is_some());
        let produces = decoded.plan.steps[ix].produces.as_ref();
        worked[ix] |= produces.is_some_and(|produces| produces.accept.is_some() || produces.ask.is_some());
        if let (true, Some(parent)) = (worked[ix], decoded.plan.steps[ix].parent) {
            worked[parent as usize] = true;
        }
    }
    worked
}

//! Back to an earlier step: what a rejection begins again.
//!
//! A gate that is rejected may lead back to a step of its block that it needs. That step and all that need it begin as
//! new instances, the gate among them; what runs of them is ended first, and the rest is kept. What was there stays in
//! the history: it is not the newest any more, so nobody reads it.

use serde::{Deserialize, Serialize};
use stead_lang::plan::{Block, OnReject, Plan};

use super::event::Event;
use super::reach::block_of;
use super::start::Site;
use super::state::{Ix, Job, ROOT, RunState};
use super::turn::{Machine, Stop};
use crate::effect::EndReason;
use crate::path;
use crate::status::{Outcome, StepStatus};
use crate::value::{Payload, ValueRef};

/// How often steps of a block began again, and why.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Redone {
    /// Steps that began again, and the number of the newest instance of each.
    pub(super) of: Vec<(Box<str>, u32)>,
    /// How often each gate led back.
    pub(super) asked: Vec<(Box<str>, u32)>,
    /// The newest rejection that led back to a step, and the number of the instance that begins with it.
    pub(super) feedback: Vec<(Box<str>, u32, ValueRef)>,
    /// Where it is to go back to, once nothing runs any more of what begins again.
    pub(super) to: Option<Box<str>>,
}

impl Redone {
    fn number(&self, id: &str) -> u32 {
        self.of.iter().find(|(step, _)| **step == *id).map_or(1, |(_, number)| *number)
    }

    fn asked(&self, gate: &str) -> u32 {
        self.asked.iter().find(|(id, _)| **id == *gate).map_or(0, |(_, times)| *times)
    }
}

fn add(all: &mut Vec<(Box<str>, u32)>, id: &str, first: u32) {
    match all.iter_mut().find(|(known, _)| **known == *id) {
        Some((_, times)) => *times = times.saturating_add(1),
        None => all.push((id.into(), first)),
    }
}

impl RunState {
    /// Number of the newest instance of a step of a block that is no machine.
    pub(super) fn round(&self, body: Ix, id: &str) -> u32 {
        self.get(body).redone.as_ref().map_or(1, |redone| redone.number(id))
    }

    /// Whether a later instance of its step has taken the place of one.
    pub(super) fn is_replaced(&self, ix: Ix) -> bool {
        let instance = self.get(ix);
        let around = self.get(instance.parent);
        if ix == ROOT || around.machine.is_some() || around.redone.is_none() {
            return false;
        }
        match path::split(&instance.path) {
            path::Part::Step { id, visit, .. } => visit != self.round(instance.parent, id),
            _ => false,
        }
    }

    /// Where a block is to go back to: the positions of all that begins again.
    pub(super) fn to_redo(&self, plan: &Plan, body: Ix) -> Option<Vec<bool>> {
        let to = self.get(body).redone.as_ref()?.to.as_deref()?;
        Some(following(plan, block_of(self, plan, body), to))
    }

    pub(super) fn redo_asked(&mut self, body: Ix, gate: &str, step: &str, feedback: ValueRef) {
        let redone = self.get_mut(body).redone.get_or_insert_default();
        add(&mut redone.asked, gate, 1);
        redone.to = Some(step.into());
        let number = redone.number(step).saturating_add(1);
        redone.feedback.retain(|(id, ..)| **id != *step);
        redone.feedback.push((step.into(), number, feedback));
    }

    pub(super) fn redone(&mut self, body: Ix, steps: &[String]) {
        let redone = self.get_mut(body).redone.get_or_insert_default();
        redone.to = None;
        for id in steps {
            add(&mut redone.of, id, 2);
        }
        self.get_mut(body).block = None;
        let trouble = self.has_trouble_inside(body);
        self.get_mut(body).trouble = trouble;
    }

    /// Whether something inside that counts went wrong and was tolerated.
    pub(super) fn has_trouble_inside(&self, ix: Ix) -> bool {
        self.get(ix).inside.iter().any(|child| {
            let instance = self.get(*child);
            let tolerated = matches!(instance.status, StepStatus::Failed | StepStatus::Blocked);
            let inside =
                matches!(instance.outcome, Some(Outcome::Degraded | Outcome::Exhausted | Outcome::Rejected));
            let completed = instance.status == StepStatus::Completed && inside;
            let counts = (tolerated && !self.is_made_up(*child)) || completed;
            counts && !self.is_replaced(*child)
        })
    }

    /// The comment of the rejection that began an instance of a step.
    pub(super) fn feedback(&self, body: Ix, id: &str, number: u32) -> Option<&ValueRef> {
        let redone = self.get(body).redone.as_ref()?;
        let same = |(step, n, _): &&(Box<str>, u32, ValueRef)| **step == *id && *n == number;
        redone.feedback.iter().find(same).map(|(.., feedback)| feedback)
    }
}

/// A step of a block and all that need it, directly or through others.
fn following(plan: &Plan, block: &Block, id: &str) -> Vec<bool> {
    let mut chosen = vec![false; block.steps.len()];
    let mut open: Vec<usize> = block.by_id.get(id).copied().into_iter().collect();
    while let Some(pos) = open.pop() {
        if !std::mem::replace(&mut chosen[pos], true) {
            open.extend(&plan.steps[block.steps[pos] as usize].needed_by);
        }
    }
    // A `finally` follows the whole.
    chosen[block.own..].fill(false);
    chosen
}

impl Machine<'_> {
    /// The step that a rejection of a gate leads back to; none, where it does not, or did so often enough.
    pub(super) fn leads_back(&self, ix: Ix, site: &Site) -> Result<Option<String>, Stop> {
        let Some(people) = self.asks_of(ix) else { return Ok(None) };
        let OnReject::Redo { step, max } = &people.on_reject else { return Ok(None) };
        let most = crate::limits::REDOS;
        let max = self.count(&site.path, max, "on_reject.max", most, |reach| site.scope(reach))?;
        let block = block_of(self.state, self.plan, site.body);
        let gate = &self.plan.steps[site.step as usize].id;
        let redone = self.state.get(site.body).redone.as_ref();
        let asked = redone.map_or(0, |redone| redone.asked(gate));
        let to = block.steps.get(*step).map(|step| self.plan.steps[*step as usize].id.clone());
        Ok(to.filter(|_| asked < max && !self.unwanted(site.body)))
    }

    /// Books that it goes back to a step.
    pub(super) fn lead_back(&mut self, site: &Site, to: String, comment: String) {
        let path = self.state.get(site.body).path.to_string();
        let gate = self.plan.steps[site.step as usize].id.clone();
        let feedback: Payload = self.payload(comment.into());
        self.emit(Event::RedoAsked { path, gate, step: to, feedback });
        self.push(Job::Redo(site.body));
    }

    /// Ends what runs of what begins again; when nothing does any more, begins it.
    pub(super) fn redo(&mut self, body: Ix) {
        if self.unwanted(body) || self.state.get(body).status.is_end() {
            self.push(Job::Settle(body));
            return;
        }
        let Some(chosen) = self.state.to_redo(self.plan, body) else { return };
        let block = block_of(self.state, self.plan, body);
        let ids = block.steps.iter().zip(&chosen).filter(|(_, chosen)| **chosen);
        let ids: Vec<&str> = ids.map(|(step, _)| self.plan.steps[*step as usize].id.as_str()).collect();
        let there: Vec<(&str, Ix)> =
            ids.iter().filter_map(|id| Some((*id, self.state.newest(body, id)?))).collect();
        let live: Vec<Ix> =
            there.iter().map(|(_, ix)| *ix).filter(|ix| !self.state.get(*ix).status.is_end()).collect();
        for ix in &live {
            if self.state.get(*ix).ending.is_none() {
                self.mark_ending(*ix, EndReason::Cancelled);
                self.push(Job::End(*ix));
            }
        }
        if !live.is_empty() {
            return;
        }
        // Counted anew below: what has ended, and was not counted yet, would be so twice.
        let state = &self.state;
        let uncounted = |job: &Job| matches!(job, Job::Ended(ix) if state.get(*ix).parent == body);
        if state.agenda.iter().any(uncounted) {
            self.push(Job::Redo(body));
            return;
        }
        let steps = there.into_iter().map(|(id, _)| id.to_owned()).collect();
        let path = self.state.get(body).path.to_string();
        self.emit(Event::Redone { path, steps });
        self.open_block(body);
        self.push(Job::Settle(body));
    }
}

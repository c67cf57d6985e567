//! Something has ended: what follows, what stops, when the whole has ended.

use serde_json::{Map, Value};

use super::event::{Event, StepError};
use super::reach::block_of;
use super::scope::Scope;
use super::state::{Ix, Job, Kind, Output, Phase, ROOT};
use super::turn::{Machine, Stop, step_error};
use crate::effect::{EndReason, ErrorKind};
use crate::status::{Outcome, RunStatus, StepStatus};

impl Machine<'_> {
    /// An instance has ended: tells what is around it.
    pub(super) fn ended(&mut self, ix: Ix) {
        if ix == ROOT {
            return;
        }
        let parent = self.state.get(ix).parent;
        match self.state.get(parent).kind {
            Kind::Foreach { .. } => {
                self.forget_inside(ix);
                self.stop_inside(parent);
                self.push(Job::Pump(parent));
            }
            Kind::Loop { .. } => {
                self.forget_iterations(parent);
                self.push(Job::Pump(parent));
            }
            _ => self.step_ended(parent, ix),
        }
    }

    fn step_ended(&mut self, body: Ix, ix: Ix) {
        let plan = self.plan;
        let block = block_of(self.state, plan, body);
        let step = &plan.steps[self.state.get(ix).step as usize];
        let Some(pos) = block.by_id.get(&step.id).copied() else { return };
        self.stop_inside(body);
        let Some(progress) = &mut self.state.get_mut(body).block else { return };
        progress.ended += 1;
        progress.live -= 1;
        let all = progress.ended as usize == block.steps.len();
        let mut ready = Vec::new();
        for after in &plan.steps[block.steps[pos] as usize].needed_by {
            progress.unmet[*after] -= 1;
            if progress.unmet[*after] == 0 {
                ready.push(*after);
            }
        }
        let idle = progress.live == 0;
        for pos in ready {
            self.push(Job::Start { body, pos: u32::try_from(pos).unwrap_or(u32::MAX) });
        }
        if all || (idle && self.unwanted(body)) {
            self.push(Job::Settle(body));
        }
    }

    /// Ends what is still under way inside, once an error stops it.
    fn stop_inside(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        if instance.stopping.is_none() || instance.ending.is_some() || instance.status.is_end() {
            return;
        }
        if std::mem::replace(&mut self.state.get_mut(ix).told, true) {
            return;
        }
        for child in self.live_inside(ix) {
            self.push(Job::End(child));
        }
    }

    pub(super) fn live_inside(&self, ix: Ix) -> Vec<Ix> {
        let inside = &self.state.get(ix).inside;
        inside.iter().copied().filter(|child| !self.state.get(*child).status.is_end()).collect()
    }

    /// A block: ends when all steps have, or when it stops and nothing is under way.
    pub(super) fn settle(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        let Some(progress) = instance.block.as_ref().filter(|_| !instance.status.is_end()) else {
            return Ok(());
        };
        let block = block_of(self.state, self.plan, ix);
        let over = progress.live == 0 && self.unwanted(ix);
        if !over && (progress.ended as usize) < block.steps.len() {
            return Ok(());
        }
        if ix == ROOT {
            return self.finish_run();
        }
        let path = instance.path.to_string();
        if let Some(reason) = instance.ending.or_else(|| self.ended_from_above(ix)) {
            self.end_as(ix, reason);
            return Ok(());
        }
        if let Some(error) = instance.stopping.clone() {
            self.fail(ix, *error);
            return Ok(());
        }
        let mut outputs = Map::new();
        for (name, template) in block.outputs.iter().flatten() {
            match self.eval(&path, |reach| template.render(&Scope::of(reach, ix))) {
                Ok(value) => outputs.insert(name.clone(), value),
                Err(Stop::Error(error)) => {
                    self.fail(ix, error);
                    return Ok(());
                }
                Err(needs @ Stop::Needs(_)) => return Err(needs),
            };
        }
        let outcome = if self.state.get(ix).trouble { Outcome::Degraded } else { Outcome::Ok };
        let output = block.outputs.as_ref().map(|_| self.payload(Value::Object(outputs)));
        self.emit(Event::StepCompleted { path, output, outcome, index: None });
        self.push(Job::Ended(ix));
        Ok(())
    }

    /// What is around is being ended, and with it this instance.
    fn ended_from_above(&self, ix: Ix) -> Option<EndReason> {
        let parent = self.state.get(ix).parent;
        self.unwanted(parent).then_some(EndReason::Cancelled)
    }

    /// A `foreach` or `loop` of which nothing is under way any more.
    pub(super) fn finish_holder(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        if let Some(reason) = instance.ending.or_else(|| self.ended_from_above(ix)) {
            self.end_as(ix, reason);
        } else if let Some(error) = instance.stopping.clone() {
            self.fail(ix, *error);
        } else {
            let outcome = if instance.trouble { Outcome::Degraded } else { Outcome::Ok };
            self.complete_holder(ix, outcome);
        }
        Ok(())
    }

    pub(super) fn complete_holder(&mut self, ix: Ix, outcome: Outcome) {
        let path = self.state.get(ix).path.to_string();
        self.emit(Event::StepCompleted { path, output: None, outcome, index: None });
        self.push(Job::Ended(ix));
    }

    /// An instance that is there fails.
    pub(super) fn fail(&mut self, ix: Ix, error: StepError) {
        let site = self.site(ix);
        self.fail_at(&site, error);
    }

    /// Ends an instance of which nothing is under way any more, for a reason from outside.
    pub(super) fn end_as(&mut self, ix: Ix, reason: EndReason) {
        let path = self.state.get(ix).path.to_string();
        match reason {
            EndReason::Cancelled => {
                self.emit(Event::StepCancelled { path });
                self.push(Job::Ended(ix));
            }
            EndReason::Timeout => {
                let error = step_error(&path, ErrorKind::Timeout, "the deadline has passed");
                self.fail(ix, error);
            }
        }
    }

    /// An instance is to be ended: what is under way inside, then itself.
    pub(super) fn end_instance(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        if instance.status.is_end() && ix != ROOT {
            return;
        }
        let reason = instance.ending.unwrap_or(EndReason::Cancelled);
        match &instance.kind {
            Kind::Group | Kind::Foreach { .. } | Kind::Loop { .. } => {
                let grouped = matches!(instance.kind, Kind::Group);
                self.mark_ending(ix, reason);
                for child in self.live_inside(ix) {
                    self.push(Job::End(child));
                }
                self.push(if grouped { Job::Settle(ix) } else { Job::Pump(ix) });
            }
            Kind::Attempt { phase, .. } => match phase {
                Phase::Open | Phase::Queued => self.end_attempt(ix, reason),
                Phase::Retry(_) | Phase::Parked => self.end_as(ix, reason),
                Phase::Ending(_) | Phase::Done => {}
            },
            Kind::Wait { .. } => self.end_as(ix, reason),
            Kind::Child { retry_at: Some(_), .. } => self.end_as(ix, reason),
            Kind::Child { .. } => self.cancel_child(ix, reason),
            Kind::Plain => {}
        }
    }

    pub(super) fn mark_ending(&mut self, ix: Ix, reason: EndReason) {
        if self.state.get(ix).ending.is_none() {
            let path = self.state.get(ix).path.to_string();
            self.emit(Event::StepEnding { path, reason });
        }
    }

    fn finish_run(&mut self) -> Result<(), Stop> {
        let root = self.state.get(ROOT);
        if self.state.cancel {
            self.emit(Event::RunCancelled);
        } else if self.state.finishing {
            let outcome = if root.trouble { Outcome::Degraded } else { Outcome::StoppedEarly };
            let outputs = self.run_outputs()?;
            let outputs = self.payload(outputs);
            self.emit(Event::RunCompleted { outcome, outputs });
        } else if root.ending == Some(EndReason::Timeout) {
            let error = step_error("", ErrorKind::Timeout, "the deadline of the run has passed");
            self.emit(Event::RunFailed { error });
        } else if let Some(error) = root.stopping.clone() {
            let outcome = Some(error.outcome).filter(|o| RunStatus::Failed.outcomes().contains(o));
            let error = StepError { outcome: outcome.unwrap_or(Outcome::Error), ..*error };
            self.emit(Event::RunFailed { error });
        } else {
            let outcome = if root.trouble { Outcome::Degraded } else { Outcome::Ok };
            let outputs = self.run_outputs()?;
            let outputs = self.payload(outputs);
            self.emit(Event::RunCompleted { outcome, outputs });
        }
        self.tell_parent();
        Ok(())
    }

    fn run_outputs(&self) -> Result<Value, Stop> {
        let Some(outputs) = &self.plan.root.outputs else {
            return self.eval("", |reach| {
                let gathered = super::views::gathered(reach, ROOT);
                gathered.to_json()
            });
        };
        let mut all = Map::new();
        for (name, template) in outputs {
            match self.eval("", |reach| template.render(&Scope::of(reach, ROOT))) {
                Ok(value) => all.insert(name.clone(), value),
                // What reads a step that did not run any more is left out.
                Err(Stop::Error(_)) if self.state.finishing => continue,
                Err(stop) => return Err(stop),
            };
        }
        Ok(Value::Object(all))
    }

    /// Drops what nobody can read any more inside an item or iteration that has ended. What failed is kept
    /// for those who look where it did.
    fn forget_inside(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        let gathered = matches!(instance.kind, Kind::Group) && instance.output == Output::Gathered;
        if !gathered && instance.status != StepStatus::Failed {
            self.state.drop_inside(ix);
        }
    }

    /// Drops iterations that nobody can read any more: all but the last two, unless `instances` are read.
    fn forget_iterations(&mut self, holder: Ix) {
        let read = self.step(holder).instances_read;
        let inside = &self.state.get(holder).inside;
        // The newest and the one before it are within reach of `until` and `previous`.
        let Some(at) = inside.len().checked_sub(3) else { return };
        if read {
            self.forget_inside(inside[at]);
        } else {
            // One, unless the journal was just read back.
            let old: Vec<Ix> = self.state.get_mut(holder).inside.drain(..=at).collect();
            for ix in old {
                self.state.drop_instance(ix);
            }
        }
    }

    /// Drops once more what turns have dropped before: the journal that was read back does not tell of it, and
    /// a run would carry it to its end.
    pub(super) fn forget_again(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        let over = match instance.kind {
            Kind::Foreach { .. } => {
                let ended = |item: &&Ix| self.state.get(**item).status.is_end();
                instance.inside.iter().filter(ended).copied().collect()
            }
            Kind::Loop { .. } if self.step(ix).instances_read => {
                instance.inside.iter().rev().skip(2).copied().collect()
            }
            Kind::Loop { .. } => {
                self.forget_iterations(ix);
                Vec::new()
            }
            _ => Vec::new(),
        };
        for ix in over {
            self.forget_inside(ix);
        }
    }
}

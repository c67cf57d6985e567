//! Something has ended: what follows, what stops, when the whole has ended.

use serde_json::{Map, Value};

use super::event::{Ending, Event, StepError};
use super::reach::block_of;
use super::scope::Scope;
use super::start::Site;
use super::state::{Ix, Job, Kind, Output, Phase, ROOT};
use super::turn::{Machine, Stop, step_error};
use crate::effect::{EndReason, ErrorKind};
use crate::path;
use crate::status::{Outcome, RunStatus, StepStatus};

impl Machine<'_> {
    /// An instance has ended: notes how it would be undone, and tells what is around it.
    pub(super) fn ended(&mut self, ix: Ix) -> Result<(), Stop> {
        if ix == ROOT {
            return Ok(());
        }
        if path::as_aside(&self.state.get(ix).path).is_some() {
            return self.aside_ended(ix);
        }
        self.note_undo(ix)?;
        let parent = self.state.get(ix).parent;
        match self.state.get(parent).kind {
            Kind::Foreach { .. } => {
                self.forget_inside(ix);
                self.judge(parent);
                self.stop_inside(parent);
                self.forget_line(parent, ix);
                self.push(Job::Pump(parent));
            }
            Kind::Loop { .. } => {
                self.forget_iterations(parent);
                self.push(Job::Pump(parent));
            }
            _ => self.step_ended(parent, ix),
        }
        Ok(())
    }

    fn step_ended(&mut self, body: Ix, ix: Ix) {
        let plan = self.plan;
        let block = block_of(self.state, plan, body);
        let step = &plan.steps[self.state.get(ix).step as usize];
        let Some(pos) = block.by_id.get(&step.id).copied() else { return };
        self.judge(body);
        self.stop_inside(body);
        let Some(progress) = &mut self.state.get_mut(body).block else { return };
        progress.live -= 1;
        let idle = progress.live == 0;
        if block.machine || pos >= block.own {
            self.push(Job::Settle(body));
            return;
        }
        if self.state.to_redo(self.plan, body).is_some_and(|again| again[pos]) {
            // It begins again, or will: nothing follows from it.
            self.push(Job::Redo(body));
            return;
        }
        let Some(progress) = &mut self.state.get_mut(body).block else { return };
        progress.ended += 1;
        let all = progress.ended as usize == block.own;
        let mut ready = Vec::new();
        for after in &plan.steps[block.steps[pos] as usize].needed_by {
            // What a `finally` has, follows in its own order.
            if *after < block.own {
                progress.unmet[*after] -= 1;
                if progress.unmet[*after] == 0 {
                    ready.push(*after);
                }
            }
        }
        for pos in ready {
            self.push(Job::Start { body, pos: u32::try_from(pos).unwrap_or(u32::MAX) });
        }
        if all || (idle && self.unwanted(body)) {
            self.push(Job::Settle(body));
        }
    }

    /// Ends what is still under way inside, once an error or a join stops it.
    pub(super) fn stop_inside(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        if !instance.is_closing() || instance.ending.is_some() || instance.status.is_end() {
            return;
        }
        if std::mem::replace(&mut self.state.get_mut(ix).told, true) {
            return;
        }
        for child in self.to_be_ended(ix) {
            self.push(Job::End(child));
        }
    }

    /// What is under way inside, but for what runs whatever happens.
    pub(super) fn to_be_ended(&self, ix: Ix) -> Vec<Ix> {
        let inside = &self.state.get(ix).inside;
        let live = |child: &Ix| !self.state.get(*child).status.is_end();
        inside.iter().copied().filter(live).filter(|c| self.state.force || !self.is_apart(*c)).collect()
    }

    /// A block: ends when all of it has, or when it stops and nothing is under way.
    pub(super) fn settle(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        if instance.block.is_none() || instance.status.is_end() {
            return Ok(());
        }
        if instance.verdict.is_some() {
            return self.wind_up(ix);
        }
        self.judge(ix);
        self.stop_inside(ix);
        let instance = self.state.get(ix);
        let Some(progress) = instance.block.as_ref() else { return Ok(()) };
        let block = block_of(self.state, self.plan, ix);
        if progress.live > 0 && (block.machine || self.unwanted(ix)) {
            return Ok(());
        }
        let over = self.unwanted(ix);
        let decided = if !over && block.machine {
            match self.next_state(ix)? {
                None => return Ok(()),
                Some(decided) => Some(decided),
            }
        } else if !over && (progress.ended as usize) < block.own {
            return Ok(());
        } else {
            None
        };
        if self.undo_losers(ix)? {
            return Ok(());
        }
        let (ending, output) = self.verdict(ix, decided)?;
        let undoes = self.is_undone(ix, &ending) && self.has_undo(ix);
        if undoes || !block.finally().is_empty() {
            let path = self.state.get(ix).path.to_string();
            let output = output.map(|value| self.payload(value));
            self.emit(Event::BlockEnding { path, ending, output });
            return self.wind_up(ix);
        }
        self.conclude(ix, ending, output)
    }

    /// How a block ends of which nothing is under way any more, and what it gives.
    fn verdict(
        &mut self,
        ix: Ix,
        decided: Option<Result<(), StepError>>,
    ) -> Result<(Ending, Option<Value>), Stop> {
        let instance = self.state.get(ix);
        let path = instance.path.to_string();
        let failed = |error: StepError| {
            let outcome = error.outcome;
            Ok((Ending { status: StepStatus::Failed, outcome, error: Some(error) }, None))
        };
        let cancelled =
            || Ok((Ending { status: StepStatus::Cancelled, outcome: Outcome::Cancelled, error: None }, None));
        if ix == ROOT && self.state.cancel {
            return cancelled();
        }
        if ix == ROOT && self.state.finishing {
            let outcome = if self.has_trouble(ix) { Outcome::Degraded } else { Outcome::StoppedEarly };
            return match self.outputs(ix) {
                Ok(output) => Ok((Ending { status: StepStatus::Completed, outcome, error: None }, output)),
                Err(Stop::Error(error)) => failed(error),
                Err(needs) => Err(needs),
            };
        }
        match instance.ending.or_else(|| self.ended_from_above(ix)) {
            Some(EndReason::Cancelled | EndReason::Paused) => {
                return instance.revoked().map_or_else(cancelled, failed);
            }
            Some(EndReason::Timeout) => {
                let message =
                    if ix == ROOT { "the deadline of the run has passed" } else { "the deadline has passed" };
                return failed(step_error(&path, ErrorKind::Timeout, message));
            }
            None => {}
        }
        if let Some(error) = instance.stopping.as_deref().cloned() {
            return failed(error);
        }
        if let Some(Err(error)) = decided {
            return failed(error);
        }
        let outcome = if self.has_trouble(ix) { Outcome::Degraded } else { Outcome::Ok };
        match self.outputs(ix) {
            Ok(output) => Ok((Ending { status: StepStatus::Completed, outcome, error: None }, output)),
            Err(Stop::Error(error)) => failed(error),
            Err(needs) => Err(needs),
        }
    }

    /// Undoes what follows from how a block ends, runs its `finally`, and then ends it.
    fn wind_up(&mut self, ix: Ix) -> Result<(), Stop> {
        let Some(verdict) = self.state.get(ix).verdict.clone() else { return Ok(()) };
        if self.is_undone(ix, &verdict.ending) && self.undo_next(ix)? {
            return Ok(());
        }
        if self.next_of_finally(ix)? {
            return Ok(());
        }
        let mut ending = verdict.ending;
        if verdict.trouble && matches!(ending.outcome, Outcome::Ok | Outcome::StoppedEarly) {
            ending.outcome = Outcome::Degraded;
        }
        let output = match &verdict.output {
            // The run's own end carries its outputs, for whoever started it.
            Some(reference) if ix == ROOT => Some(self.loaded(reference)?.clone()),
            _ => None,
        };
        self.conclude(ix, ending, output)
    }

    /// Starts the next step of a block's `finally`. Says whether one is under way.
    fn next_of_finally(&mut self, ix: Ix) -> Result<bool, Stop> {
        let block = block_of(self.state, self.plan, ix);
        for pos in block.own..block.steps.len() {
            let step = block.steps[pos];
            let path = path::step(&self.state.get(ix).path, &self.plan.steps[step as usize].id);
            match self.state.find(&path).map(|at| self.state.get(at).status.is_end()) {
                Some(true) => {}
                Some(false) => return Ok(true),
                None if self.state.force => return Ok(false),
                None => {
                    self.begin_at(&Site { path, body: ix, step, slot: None, visit: None }, pos)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Ends a block, or the run.
    fn conclude(&mut self, ix: Ix, ending: Ending, output: Option<Value>) -> Result<(), Stop> {
        if ix == ROOT {
            // Their end brings it back here.
            if !self.ends_probes() {
                self.finish_run(ending, output);
            }
            return Ok(());
        }
        match (ending.status, ending.error) {
            (StepStatus::Failed, Some(error)) => self.fail(ix, error),
            (StepStatus::Completed, _) => {
                self.accept_version(ix);
                let path = self.state.get(ix).path.to_string();
                let (output, outcome) = (output.map(|value| self.payload(value)), ending.outcome);
                self.emit(Event::StepCompleted { path, output, outcome, index: None });
                self.push(Job::Ended(ix));
            }
            _ => self.end_as(ix, EndReason::Cancelled),
        }
        Ok(())
    }

    /// Whether something inside went wrong that was tolerated. What a later visit of a state replaced does not
    /// count, nor the failure of a state that the machine went on from.
    fn has_trouble(&self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        if instance.machine.is_none() {
            return instance.trouble;
        }
        let block = block_of(self.state, self.plan, ix);
        block.steps[..block.own].iter().any(|step| {
            let visit = self.state.newest(ix, &self.plan.steps[*step as usize].id);
            let outcome = visit.and_then(|visit| self.state.get(visit).outcome);
            match visit.map(|visit| self.state.get(visit).status) {
                Some(StepStatus::Completed) => {
                    matches!(outcome, Some(Outcome::Degraded | Outcome::Exhausted))
                }
                // It did nothing, and nobody dealt with that.
                Some(StepStatus::Blocked) => true,
                _ => false,
            }
        })
    }

    /// What a block gives; of a group without `outputs` that is gathered as it is read.
    fn outputs(&mut self, ix: Ix) -> Result<Option<Value>, Stop> {
        let block = block_of(self.state, self.plan, ix);
        let path = self.state.get(ix).path.to_string();
        let Some(outputs) = &block.outputs else {
            if ix != ROOT {
                return Ok(None);
            }
            return self.eval("", |reach| super::views::gathered(reach, ROOT).to_json()).map(Some);
        };
        let mut all = Map::new();
        for (name, template) in outputs {
            match self.eval(&path, |reach| template.render(&Scope::of(reach, ix))) {
                Ok(value) => all.insert(name.clone(), value),
                // What reads a step that did not run any more is left out.
                Err(Stop::Error(_)) if ix == ROOT && self.state.finishing => continue,
                Err(stop) => return Err(stop),
            };
        }
        Ok(Some(Value::Object(all)))
    }

    /// What is around is being ended, and with it this instance.
    fn ended_from_above(&self, ix: Ix) -> Option<EndReason> {
        if ix == ROOT || self.is_apart(ix) {
            return self.state.force.then_some(EndReason::Cancelled);
        }
        let parent = self.state.get(ix).parent;
        self.unwanted(parent).then_some(EndReason::Cancelled)
    }

    /// A `foreach` or `loop` of which nothing is under way any more.
    pub(super) fn finish_holder(&mut self, ix: Ix) -> Result<(), Stop> {
        self.judge(ix);
        if self.undo_losers(ix)? {
            return Ok(());
        }
        let instance = self.state.get(ix);
        if let Some(reason) = instance.ending.or_else(|| self.ended_from_above(ix)) {
            if self.is_loser(ix) && self.undo_next(ix)? {
                return Ok(());
            }
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
        let output = self.counts(ix).map(|counts| self.payload(counts));
        self.emit(Event::StepCompleted { path, output, outcome, index: None });
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
            EndReason::Cancelled | EndReason::Paused => {
                if let Some(error) = self.state.get(ix).revoked() {
                    self.fail(ix, error);
                    return;
                }
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
                if instance.verdict.is_none() {
                    self.mark_ending(ix, reason);
                }
                for child in self.to_be_ended(ix) {
                    self.push(Job::End(child));
                }
                self.push(if grouped { Job::Settle(ix) } else { Job::Pump(ix) });
            }
            Kind::Attempt { phase, .. } => match phase {
                Phase::Open | Phase::Queued => self.end_attempt(ix, reason),
                Phase::Retry(_) => self.end_as(ix, reason),
                // Whether it happened decides what is undone, so that has to be known first.
                Phase::Parked if self.is_awaited(ix) => {}
                Phase::Parked => self.end_as(ix, reason),
                Phase::Ending(_) | Phase::Done => {}
            },
            Kind::Place if ix == ROOT => self.end_before_start(reason),
            Kind::Wait { .. } | Kind::Signal { .. } | Kind::Place => self.end_as(ix, reason),
            Kind::Child { retry_at: Some(_), .. } => self.end_as(ix, reason),
            Kind::Child { .. } => self.cancel_child(ix, reason),
            Kind::Task { .. } => self.withdraw_task(ix, reason),
            Kind::Plain => {}
        }
    }

    pub(super) fn mark_ending(&mut self, ix: Ix, reason: EndReason) {
        if self.state.get(ix).ending.is_none() {
            let path = self.state.get(ix).path.to_string();
            self.emit(Event::StepEnding { path, reason, told: false });
        }
    }

    fn finish_run(&mut self, ending: Ending, outputs: Option<Value>) {
        match (ending.status, ending.error) {
            (StepStatus::Failed, Some(error)) => {
                let outcome = Some(error.outcome).filter(|o| RunStatus::Failed.outcomes().contains(o));
                let error = StepError { outcome: outcome.unwrap_or(Outcome::Error), ..error };
                self.emit(Event::RunFailed { error });
            }
            (StepStatus::Completed, _) => {
                let outputs = self.payload(outputs.unwrap_or(Value::Null));
                self.emit(Event::RunCompleted { outcome: ending.outcome, outputs });
            }
            _ => self.emit(Event::RunCancelled),
        }
        self.tell_parent();
    }

    /// Drops what nobody can read any more inside an item or iteration that has ended. What is in trouble, or was
    /// ended, is kept for those who look where, and for a retry, which goes on with it.
    fn forget_inside(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        let gathered = matches!(instance.kind, Kind::Group) && instance.output == Output::Gathered;
        let sound = instance.status == StepStatus::Completed && instance.outcome != Some(Outcome::Degraded);
        if !gathered && sound {
            self.state.forget_inside(ix);
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
            let highest = old.iter().map(|ix| self.state.highest(*ix)).max().unwrap_or(0);
            let loops = self.state.get_mut(holder);
            loops.forgot = loops.forgot.max(highest);
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
            Kind::Foreach { lines: Some(_), .. } => {
                self.forget_lines(ix);
                Vec::new()
            }
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

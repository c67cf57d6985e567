//! What bookings have in common: instances begin, wait, complete, fail and end, and their timers with them.

use super::apply::armed;
use super::event::{JoinRule, REQUEST, StepError, named_at};
use super::state::{Ix, Joining, Kind, Output, Phase, ROOT, RunState, Timer};
use crate::Time;
use crate::path::{self, Aside, Part};
use crate::status::{Outcome, RunStatus, StepStatus};
use crate::value::{Payload, ValueRef};

impl RunState {
    pub(super) fn attempt_started(
        &mut self,
        ix: Ix,
        number: u32,
        request: Option<&Payload>,
        timeout_at: Option<Time>,
    ) {
        self.clear_timers(ix, false);
        let (before, lost) = match &self.get(ix).kind {
            Kind::Attempt { request, lost, .. } => (request.clone(), *lost),
            _ => (None, 0),
        };
        let request = request.map(|r| self.reference(r, REQUEST)).or(before);
        let kind = Kind::Attempt { number, request, phase: Phase::Open, timeout_at, lost };
        self.begin(ix, kind, StepStatus::Running);
        self.get_mut(ix).tries += 1;
        self.attempts_open += 1;
        self.attempts += 1;
        self.timers.extend(timeout_at.map(|t| (t, ix, Timer::Timeout)));
    }

    /// An attempt is not under way any more.
    pub(super) fn attempt_over(&mut self, ix: Ix) {
        self.clear_timers(ix, false);
        if let Kind::Attempt { phase, .. } = &mut self.get_mut(ix).kind
            && matches!(phase, Phase::Open | Phase::Queued | Phase::Ending(_))
        {
            *phase = Phase::Done;
            self.attempts_open = self.attempts_open.saturating_sub(1);
        }
    }

    /// A try failed: another follows at `retry_at`, or that was it.
    pub(super) fn tried(&mut self, ix: Ix, error: &StepError, retry_at: Option<Time>, stops: bool) {
        let Some(at) = retry_at else { return self.failed(ix, error, stops) };
        match &mut self.get_mut(ix).kind {
            Kind::Attempt { phase, .. } => *phase = Phase::Retry(at),
            Kind::Child { retry_at, .. } => *retry_at = Some(at),
            _ => {}
        }
        self.timers.insert((at, ix, Timer::Retry));
        self.set_status(ix, StepStatus::Waiting);
    }

    pub(super) fn begin(&mut self, ix: Ix, kind: Kind, status: StepStatus) {
        let at = self.at;
        let instance = self.get(ix);
        let again = matches!(
            (&instance.kind, &kind),
            (Kind::Attempt { .. }, Kind::Attempt { .. }) | (Kind::Child { .. }, Kind::Child { .. })
        );
        if !again && !matches!(instance.kind, Kind::Plain | Kind::Place) {
            let path = instance.path.clone();
            self.note_misfit(|| format!("`{path}` has begun already"));
        }
        let instance = self.get_mut(ix);
        instance.kind = kind;
        instance.since = at;
        self.set_status(ix, status);
    }

    pub(super) fn place(&mut self, ix: Ix, index: Option<u32>) {
        let Some(index) = index else { return };
        self.get_mut(ix).index = index;
        let parent = self.get(ix).parent;
        let Kind::Foreach { holes, .. } = &mut self.get_mut(parent).kind else { return };
        let Some(at) = holes.iter().position(|hole| *hole == index) else { return };
        holes.remove(at);
        // It was begun anew, and stands where it stood.
        let mut inside = std::mem::take(&mut self.get_mut(parent).inside);
        inside.pop();
        let at = inside.partition_point(|item| self.get(*item).index < index);
        inside.insert(at, ix);
        self.get_mut(parent).inside = inside;
    }

    pub(super) fn set_deadline(&mut self, ix: Ix, deadline_at: Option<Time>) {
        if deadline_at.is_some() && self.get(ix).ending.is_some() {
            self.note_misfit(|| "a deadline is set for what is being ended".to_owned());
        }
        let before = std::mem::replace(&mut self.get_mut(ix).deadline_at, deadline_at);
        if let Some(before) = before {
            self.timers.remove(&(before, ix, Timer::Deadline));
        }
        self.timers.extend(deadline_at.map(|t| (t, ix, Timer::Deadline)));
    }

    pub(super) fn set_status(&mut self, ix: Ix, status: StepStatus) {
        let (instance, before) = (self.get(ix), self.get(ix).status);
        if before != status && !before.next().contains(&status) {
            let path = instance.path.clone();
            self.note_misfit(|| format!("`{path}` was {before} and is {status}"));
        }
        let at = self.at;
        let instance = self.get_mut(ix);
        instance.status = status;
        instance.waits_since = (status == StepStatus::Waiting).then_some(at);
        if status == StepStatus::Waiting {
            self.waiting.insert(ix);
        } else {
            self.waiting.remove(&ix);
        }
        self.note_wait(ix);
    }

    pub(super) fn completed(&mut self, ix: Ix, output: Option<&Payload>, at: &'static str, outcome: Outcome) {
        let output = match output {
            Some(payload) => Output::At(self.reference(payload, at)),
            None if self.get(ix).makes() => self.take_from_draft(ix).map_or(Output::None, Output::At),
            None if matches!(self.get(ix).kind, Kind::Group | Kind::Foreach { .. } | Kind::Loop { .. }) => {
                Output::Gathered
            }
            None => Output::None,
        };
        self.completed_with(ix, output, outcome);
    }

    pub(super) fn completed_with(&mut self, ix: Ix, output: Output, outcome: Outcome) {
        let instance = self.get_mut(ix);
        instance.output = match instance.verdict.as_mut().and_then(|verdict| verdict.output.take()) {
            Some(decided) => Output::At(decided),
            None => output,
        };
        self.completed += u64::from(path::as_aside(&instance.path).is_none());
        self.end(ix, StepStatus::Completed, outcome);
        if matches!(outcome, Outcome::Degraded | Outcome::Exhausted | Outcome::Rejected) {
            self.trouble_above(ix);
        } else if ix != ROOT
            && let Kind::Loop { .. } = self.get(self.get(ix).parent).kind
        {
            // A later iteration replaces the trouble of an earlier one.
            let parent = self.get(ix).parent;
            self.get_mut(parent).trouble = false;
        }
    }

    pub(super) fn failed(&mut self, ix: Ix, error: &StepError, stops: bool) {
        let instance = self.get_mut(ix);
        instance.error = Some(Box::new(error.clone()));
        self.end(ix, StepStatus::Failed, error.outcome);
        let parent = self.get(ix).parent;
        if stops {
            self.get_mut(parent).stopping.get_or_insert_with(|| Box::new(error.clone()));
            return;
        }
        let made_up = self.is_made_up(ix);
        if ix != ROOT
            && let Some(join) = &mut self.get_mut(parent).join
        {
            join.error.get_or_insert_with(|| error.clone());
        }
        if !made_up {
            self.trouble_above(ix);
        }
    }

    /// Whether a failure there is dealt with by what is around: a state whose machine goes on, a part of a join
    /// that needs not all.
    pub(super) fn is_made_up(&self, ix: Ix) -> bool {
        let parent = self.get(self.get(ix).parent);
        if ix == ROOT || parent.verdict.is_some() {
            return false;
        }
        let spare = |join: &Joining| join.rule != JoinRule::Settled;
        parent.machine.is_some() || parent.join.as_deref().is_some_and(spare)
    }

    pub(super) fn trouble_above(&mut self, ix: Ix) {
        let instance = self.get(ix);
        if ix == ROOT || path::as_aside(&instance.path).is_some() {
            return;
        }
        let parent = instance.parent;
        let parent = self.get_mut(parent);
        match &mut parent.verdict {
            Some(verdict) => verdict.trouble = true,
            None => parent.trouble = true,
        }
    }

    pub(super) fn end(&mut self, ix: Ix, status: StepStatus, outcome: Outcome) {
        let ended = self.get(ix).status.is_end();
        self.set_status(ix, status);
        if ended {
            let path = self.get(ix).path.clone();
            self.note_misfit(|| format!("`{path}` has ended already"));
        }
        self.clear_timers(ix, true);
        self.leave_place(ix);
        let at = self.at;
        let instance = self.get_mut(ix);
        instance.outcome = Some(outcome);
        instance.ended_at = Some(at);
        // One that was parked, or waited for its next try, does so no more.
        if let Kind::Attempt { phase, .. } = &mut instance.kind {
            *phase = Phase::Done;
        }
        let parent = instance.parent;
        if ix == ROOT {
            return;
        }
        match path::split(&self.get(ix).path) {
            Part::Item { .. } => {
                if let Kind::Foreach { done, lines, .. } = &mut self.get_mut(parent).kind {
                    *done += 1;
                    if let Some(count) = lines.as_mut().and_then(|lines| lines.count(status)) {
                        *count += 1;
                    }
                }
            }
            Part::Aside { of, what: Aside::Undo } => {
                if let Some(at) = self.undo.iter().rposition(|undo| *undo.path == *of) {
                    if status == StepStatus::Completed {
                        self.undo.remove(at);
                    } else {
                        self.undo[at].over = true;
                    }
                }
                return;
            }
            Part::Aside { .. } => return,
            _ => {}
        }
        let around = self.get_mut(parent);
        if let Some(join) = around.join.as_mut().filter(|_| around.verdict.is_none()) {
            match status {
                StepStatus::Completed => join.completed += 1,
                StepStatus::Failed | StepStatus::Blocked => join.lost += 1,
                StepStatus::Skipped => join.skipped += 1,
                _ => {}
            }
        }
    }

    /// The instance at a path, which makes attempts.
    pub(super) fn attempt_at(&mut self, path: &str) -> Ix {
        let ix = self.at_path(path);
        if !matches!(self.get(ix).kind, Kind::Attempt { .. }) {
            self.note_misfit(|| format!("`{path}` has made no attempt"));
        }
        ix
    }

    pub(super) fn clear_child_timers(&mut self, ix: Ix) {
        if matches!(self.get(ix).kind, Kind::Child { .. }) {
            self.clear_timers(ix, false);
        }
    }

    /// The instance at a path; a probe that has ended is made anew.
    pub(super) fn fresh(&mut self, path: &str) -> Ix {
        if let Some(ix) = self.find(path)
            && path::as_aside(path).is_some()
            && self.get(ix).status.is_end()
        {
            self.drop_instance(ix);
        }
        if let Some((of, Aside::Undo)) = path::as_aside(path)
            && let Some(undo) = self.undo.iter_mut().rev().find(|undo| *undo.path == *of)
        {
            undo.begun = true;
        }
        self.at_path(path)
    }

    pub(super) fn clear_timers(&mut self, ix: Ix, deadline: bool) {
        let instance = self.get(ix);
        let mut gone: Vec<(Time, Ix, Timer)> = Vec::new();
        gone.extend(armed(instance).map(|(at, timer)| (at, ix, timer)));
        if deadline {
            gone.extend(instance.deadline_at.map(|at| (at, ix, Timer::Deadline)));
        }
        for timer in gone {
            self.timers.remove(&timer);
        }
    }

    pub(super) fn run_ended(&mut self, status: RunStatus, outcome: Outcome) {
        if !status.outcomes().contains(&outcome) {
            self.note_misfit(|| format!("the run is {status} with the outcome {outcome}"));
        }
        self.move_to(status);
        self.outcome = Some(outcome);
        self.ended_at = Some(self.at);
        self.leave_all_places();
        self.timers.clear();
        self.waiting.clear();
        self.signals.run_ended();
    }

    pub(super) fn move_to(&mut self, status: RunStatus) {
        let before = self.status;
        if before != status && !before.next().contains(&status) {
            self.note_misfit(|| format!("the run was {before} and is {status}"));
        }
        self.status = status;
    }

    pub(super) fn reference(&self, payload: &Payload, at: &'static str) -> ValueRef {
        ValueRef::to(payload, self.seq, || at.into())
    }

    pub(super) fn named(&self, field: &str, all: &[(String, Payload)]) -> Vec<(String, ValueRef)> {
        let refer = |(i, (name, payload)): (usize, &(String, Payload))| {
            (name.clone(), ValueRef::to(payload, self.seq, || named_at(field, i)))
        };
        all.iter().enumerate().map(refer).collect()
    }
}

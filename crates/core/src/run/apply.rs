//! Booking of events: total, no evaluation, no failure.

use super::documents::Making;
use super::event::{
    Event, FEEDBACK, ITEMS, JoinRule, KEYS, Lost, OUTPUT, OUTPUTS, REQUEST, SETTLED, VALUES, Verdict,
};
use super::lines::Lines;
use super::places::Place;
use super::state::{Decided, Instance, Joining, Kind, Output, Paused, Phase, ROOT, RunState, Timer, Undo};
use crate::Time;
use crate::effect::{EndReason, ErrorKind};
use crate::status::{Outcome, RunStatus, StepStatus};

impl RunState {
    /// Books an event that happened at `at`.
    pub fn apply(&mut self, event: &Event, at: Time) {
        self.seq += 1;
        self.at = self.at.max(at);
        let at = self.at;
        self.expect_order(event);
        if self.misfit.is_some() {
            // Nobody uses it any more, and what follows from what cannot be means nothing.
            return;
        }
        match event {
            Event::RunCreated {
                workflow,
                revision,
                inputs,
                keys,
                top,
                by,
                project,
                folder,
                parent,
                depth,
                share,
                breaks,
                within,
            } => {
                self.share = *share;
                self.within.clone_from(within);
                self.keys.clone_from(keys);
                self.starter.clone_from(by);
                self.top_run.clone_from(top);
                self.breaks.clone_from(breaks);
                self.workflow.clone_from(workflow);
                self.revision.clone_from(revision);
                self.project.clone_from(project);
                self.folder.clone_from(folder);
                self.parent.clone_from(parent);
                self.depth = *depth;
                self.created_at = at;
                self.inputs = self.named("inputs", inputs);
            }
            Event::RunStarted { vars, deadline_at, machine, budget } => {
                self.move_to(RunStatus::Running);
                self.started_at = Some(at);
                self.vars = self.named("vars", vars);
                self.deadline_at = *deadline_at;
                let root = self.at_path("");
                self.begin(root, Kind::Group, StepStatus::Running);
                self.get_mut(root).machine = machine.then(Box::default);
                self.set_deadline(root, *deadline_at);
                if let Some(attempts) = budget {
                    self.set_budget(root, *attempts, 0, 0);
                }
            }
            Event::BudgetSet { path, attempts, used, reserved } => {
                let ix = self.at_path(path);
                self.set_budget(ix, *attempts, *used, *reserved);
            }
            Event::BudgetSpent { path, error } => {
                let ix = self.at_path(path);
                self.get_mut(ix).stopping.get_or_insert_with(|| Box::new(error.clone()));
            }
            Event::PlaceAsked { path, limit, key, deadline_at, .. } => {
                let ix = self.at_path(path);
                if ix == ROOT && self.started_at.is_none() {
                    self.move_to(RunStatus::Waiting);
                }
                let began = !matches!(self.get(ix).kind, Kind::Plain | Kind::Place);
                if began {
                    self.set_status(ix, StepStatus::Waiting);
                    self.gates.push(ix);
                } else {
                    self.begin(ix, Kind::Place, StepStatus::Waiting);
                }
                let (limit, key, number) = (limit.clone(), key.as_str().into(), self.seq);
                let place = Place { limit, key, number, held: false, revoked_by: None };
                self.get_mut(ix).place = Some(Box::new(place));
                self.places += 1;
                self.set_deadline(ix, *deadline_at);
            }
            Event::PlaceGranted { path, .. } => {
                let ix = self.at_path(path);
                if let Some(place) = &mut self.get_mut(ix).place {
                    place.held = true;
                }
                if !matches!(self.get(ix).kind, Kind::Place) {
                    self.set_status(ix, StepStatus::Running);
                    self.gates.retain(|gate| *gate != ix);
                }
            }
            Event::PlaceRefused { path, error, .. } => {
                let ix = self.at_path(path);
                self.forget_place(ix);
                self.set_status(ix, StepStatus::Running);
                self.get_mut(ix).stopping.get_or_insert_with(|| Box::new(error.clone()));
            }
            Event::PlaceRevoked { path, by, .. } => {
                let ix = self.at_path(path);
                if let Some(place) = &mut self.get_mut(ix).place {
                    place.revoked_by = Some(by.clone());
                }
            }
            Event::GroupStarted { path, deadline_at, machine, join, index, document } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.begin(ix, Kind::Group, StepStatus::Running);
                self.get_mut(ix).making = document.as_deref().map(|document| Making::of(document, self.seq));
                self.get_mut(ix).machine = machine.then(Box::default);
                self.get_mut(ix).join = joining(*join);
                self.set_deadline(ix, *deadline_at);
            }
            Event::ForeachStarted { path, count, parallel, map, items, keys, lines, deadline_at, join } => {
                let ix = self.at_path(path);
                let items = self.reference(items, ITEMS);
                let keys = keys.as_ref().map(|keys| self.reference(keys, KEYS));
                let (count, parallel, map) = (*count, *parallel, *map);
                let lines = lines.as_deref().map(Lines::of);
                let (holes, begun, done) = (Vec::new(), 0, 0);
                let kind = Kind::Foreach { count, parallel, map, items, keys, holes, begun, done, lines };
                self.begin(ix, kind, StepStatus::Running);
                self.get_mut(ix).join = joining(*join);
                self.set_deadline(ix, *deadline_at);
            }
            Event::LoopStarted { path, max, min, deadline_at } => {
                let ix = self.at_path(path);
                self.begin(ix, Kind::Loop { max: *max, min: *min, begun: 0 }, StepStatus::Running);
                self.set_deadline(ix, *deadline_at);
            }
            Event::AttemptStarted { path, number, request, timeout_at, deadline_at, free, index } => {
                let ix = self.fresh(path);
                self.place(ix, *index);
                self.attempt_started(ix, *number, request.as_ref(), *timeout_at);
                self.get_mut(ix).free = *free;
                self.book(ix, |budget| budget.used = budget.used.saturating_add(1));
                if deadline_at.is_some() {
                    self.set_deadline(ix, *deadline_at);
                }
            }
            Event::AttemptQueued { path, .. } => {
                let ix = self.attempt_at(path);
                self.clear_timers(ix, false);
                if let Kind::Attempt { phase, .. } = &mut self.get_mut(ix).kind {
                    *phase = Phase::Queued;
                }
                self.set_status(ix, StepStatus::Waiting);
            }
            Event::AttemptBegan { path, timeout_at: until, .. } => {
                let ix = self.attempt_at(path);
                if let Kind::Attempt { phase, timeout_at, .. } = &mut self.get_mut(ix).kind {
                    (*phase, *timeout_at) = (Phase::Open, *until);
                }
                self.get_mut(ix).since = at;
                self.timers.extend(until.map(|t| (t, ix, Timer::Timeout)));
                self.set_status(ix, StepStatus::Running);
            }
            Event::AttemptEnding { path, reason, .. } => {
                let ix = self.attempt_at(path);
                self.clear_timers(ix, false);
                if let Kind::Attempt { phase, .. } = &mut self.get_mut(ix).kind {
                    *phase = Phase::Ending(*reason);
                }
                // One that was queued waits for no place any more; its end is awaited.
                self.set_status(ix, StepStatus::Running);
            }
            Event::AttemptEnded { path, output, values, exit_code, error, retry_at, stops, .. } => {
                let ix = self.attempt_at(path);
                self.attempt_over(ix);
                let instance = self.get_mut(ix);
                instance.exit_code = *exit_code;
                if let Some(values) = values {
                    let reference = self.reference(values, VALUES);
                    self.get_mut(ix).values = Some(reference);
                }
                match error {
                    None => self.completed(ix, output.as_ref(), OUTPUT, Outcome::Ok),
                    Some(error) if error.kind == ErrorKind::Cancelled && self.get(ix).revoked().is_none() => {
                        self.end(ix, StepStatus::Cancelled, Outcome::Cancelled);
                    }
                    Some(error) => self.tried(ix, error, *retry_at, *stops),
                }
            }
            Event::AttemptLost { path, then, .. } => {
                let ix = self.attempt_at(path);
                self.attempt_over(ix);
                if let Kind::Attempt { phase, lost, .. } = &mut self.get_mut(ix).kind {
                    *lost += 1;
                    if *then == Lost::Parked {
                        *phase = Phase::Parked;
                    }
                }
                if *then == Lost::Later {
                    if let Kind::Attempt { phase, lost, .. } = &mut self.get_mut(ix).kind {
                        (*phase, *lost) = (Phase::Retry(at), lost.saturating_sub(1));
                    }
                    self.timers.insert((at, ix, Timer::Retry));
                    self.set_status(ix, StepStatus::Waiting);
                }
                if matches!(then, Lost::Again | Lost::Later) {
                    self.uncount(ix);
                }
                // Made again or parked, it was no try.
                let instance = self.get_mut(ix);
                instance.tries = instance.tries.saturating_sub(u32::from(*then != Lost::Over));
                if *then == Lost::Parked {
                    self.set_status(ix, StepStatus::Waiting);
                }
            }
            Event::AttemptSettled { path, verdict, .. } => {
                let ix = self.attempt_at(path);
                let again = matches!(verdict, Verdict::Again);
                if let Kind::Attempt { phase, .. } = &mut self.get_mut(ix).kind {
                    *phase = if again { Phase::Retry(at) } else { Phase::Done };
                }
                match verdict {
                    Verdict::Done(output) => self.completed(ix, Some(output), SETTLED, Outcome::Ok),
                    // Due at once. Whoever says so may be one who performs nothing.
                    Verdict::Again => {
                        self.uncount(ix);
                        self.timers.insert((at, ix, Timer::Retry));
                        self.set_status(ix, StepStatus::Waiting);
                    }
                    Verdict::Failed => {}
                }
            }
            Event::WaitStarted { path, until, timeout_at, deadline_at, index } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                let kind = Kind::Wait { until: *until, timeout_at: *timeout_at };
                self.begin(ix, kind, StepStatus::Waiting);
                self.timers.insert((*until, ix, Timer::Wait));
                self.timers.extend(timeout_at.map(|t| (t, ix, Timer::Timeout)));
                self.set_deadline(ix, *deadline_at);
            }
            Event::SignalAwaited { path, name, timeout_at, deadline_at, index } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                let (name, opened) = (name.as_str().into(), self.seq);
                let kind = Kind::Signal { name, opened, timeout_at: *timeout_at };
                self.begin(ix, kind, StepStatus::Waiting);
                self.timers.extend(timeout_at.map(|t| (t, ix, Timer::Timeout)));
                self.set_deadline(ix, *deadline_at);
            }
            Event::SignalCame { .. } => self.signal_came(event),
            Event::SignalTaken { path, signal, index } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.signal_taken(ix, *signal);
            }
            Event::SignalSent { path, output, index, .. } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.completed(ix, Some(output), OUTPUT, Outcome::Ok);
            }
            Event::SignalRefused { .. } => {}
            Event::ChildStarted { path, number, run, timeout_at, deadline_at, share, index, .. } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.clear_timers(ix, false);
                let kind = Kind::Child {
                    number: *number,
                    run: run.clone(),
                    retry_at: None,
                    timeout_at: *timeout_at,
                    share: share.unwrap_or(0),
                    told: false,
                };
                self.begin(ix, kind, StepStatus::Waiting);
                self.get_mut(ix).tries += 1;
                self.get_mut(ix).free = share.is_none();
                self.book(ix, |budget| budget.reserved = budget.reserved.saturating_add(share.unwrap_or(0)));
                self.timers.extend(timeout_at.map(|t| (t, ix, Timer::Timeout)));
                if deadline_at.is_some() {
                    self.set_deadline(ix, *deadline_at);
                }
            }
            Event::ChildEnded { path, outcome, output, error, retry_at, stops, spent, .. } => {
                let ix = self.at_path(path);
                if !matches!(self.get(ix).kind, Kind::Child { .. }) {
                    self.note_misfit(|| format!("`{path}` has started no run"));
                }
                self.clear_timers(ix, false);
                if let Kind::Child { share, .. } = &mut self.get_mut(ix).kind {
                    let share = std::mem::take(share);
                    self.book(ix, |budget| {
                        budget.reserved = budget.reserved.saturating_sub(share);
                        budget.used = budget.used.saturating_add(*spent);
                    });
                }
                match error {
                    None => self.completed(ix, output.as_ref(), OUTPUT, *outcome),
                    // Cancelled from here; a child that somebody else cancelled is a failure.
                    Some(_)
                        if self.get(ix).ending == Some(EndReason::Cancelled)
                            && self.get(ix).revoked().is_none() =>
                    {
                        self.end(ix, StepStatus::Cancelled, Outcome::Cancelled);
                    }
                    Some(error) => self.tried(ix, error, *retry_at, *stops),
                }
            }
            Event::TaskOpened { path, number, task, by, remembers, due_at, deadline_at, index, .. } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                let by = by.iter().map(|who| who.as_str().into()).collect();
                let (number, task, due_at) = (*number, task.clone(), *due_at);
                let (told, acted, remembers) = (false, Vec::new(), *remembers);
                let kind = Kind::Task { number, task, by, due_at, told, acted, remembers };
                self.begin(ix, kind, StepStatus::Waiting);
                self.set_deadline(ix, *deadline_at);
            }
            Event::TaskEnded { path, ended, by, outcome, output, error, stops, .. } => {
                let ix = self.at_path(path);
                match &mut self.get_mut(ix).kind {
                    Kind::Task { acted, remembers, .. } => {
                        *acted = by.iter().map(|who| who.as_str().into()).collect();
                        if *remembers {
                            self.note_deciders(path, by);
                        }
                    }
                    _ => self.note_misfit(|| format!("`{path}` has asked nobody")),
                }
                match error {
                    None => self.completed(ix, output.as_ref(), OUTPUT, *outcome),
                    Some(error) if error.kind == ErrorKind::Cancelled => {
                        self.end(ix, StepStatus::Cancelled, Outcome::Cancelled);
                    }
                    Some(error) => self.failed(ix, error, *stops),
                }
                let said = output.as_ref().map(|output| self.reference(output, OUTPUT));
                self.document_judged(self.get(ix).parent, *ended, by, said);
            }
            Event::DocumentMade { path, output, error, .. } => {
                let ix = self.at_path(path);
                let parent = self.get(ix).parent;
                let value = match output {
                    Some(output) => Some(self.reference(output, OUTPUT)),
                    None => self.of_draft(parent),
                };
                let Some(value) = value else {
                    return self.note_misfit(|| format!("`{path}` has no draft to book"));
                };
                self.document_made(ix, event, value.clone());
                match error {
                    None => self.completed_with(ix, Output::At(value), Outcome::Ok),
                    Some(error) => self.failed(ix, error, true),
                }
            }
            Event::DocumentAccepted { document, version, by, .. } => {
                self.document_accepted(document, *version, by);
            }
            Event::RedoAsked { path, gate, step, feedback } => {
                let ix = self.at_path(path);
                let feedback = self.reference(feedback, FEEDBACK);
                self.document_returned(ix, gate, &feedback);
                self.redo_asked(ix, gate, step, feedback);
            }
            Event::Redone { path, steps } => {
                let ix = self.at_path(path);
                self.redone(ix, steps);
                let seq = self.seq;
                if let Some(making) = &mut self.get_mut(ix).making {
                    making.since = seq;
                }
            }
            Event::StepCompleted { path, output, outcome, index } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.completed(ix, output.as_ref(), OUTPUT, *outcome);
            }
            Event::StepFailed { path, error, stops, index } => {
                let ix = self.at_path(path);
                self.place(ix, *index);
                self.failed(ix, error, *stops);
            }
            Event::StepSkipped { path } => {
                let ix = self.at_path(path);
                self.end(ix, StepStatus::Skipped, Outcome::Ok);
            }
            Event::StepBlocked { path, .. } => {
                let ix = self.at_path(path);
                self.end(ix, StepStatus::Blocked, Outcome::Ok);
                if !self.is_made_up(ix) {
                    self.trouble_above(ix);
                }
            }
            Event::StepEnding { path, reason, told } => {
                let ix = self.at_path(path);
                self.clear_child_timers(ix);
                if let Kind::Child { told: known, .. } | Kind::Task { told: known, .. } =
                    &mut self.get_mut(ix).kind
                {
                    *known |= *told;
                }
                let instance = self.get_mut(ix);
                // The first error counts: what stops already does not run out of time as well.
                if *reason == EndReason::Cancelled || instance.stopping.is_none() {
                    instance.ending.get_or_insert(*reason);
                }
                if let Some(at) = instance.deadline_at.take() {
                    self.timers.remove(&(at, ix, Timer::Deadline));
                }
            }
            Event::StepCancelled { path } => {
                let ix = self.at_path(path);
                self.end(ix, StepStatus::Cancelled, Outcome::Cancelled);
            }
            Event::JoinDecided { path, error } => {
                let ix = self.at_path(path);
                let instance = self.get_mut(ix);
                match error {
                    Some(error) => _ = instance.stopping.get_or_insert_with(|| Box::new(error.clone())),
                    None => {
                        if let Some(join) = &mut instance.join {
                            join.reached = true;
                        }
                    }
                }
            }
            Event::Went { path, from, entry, to } => {
                let ix = self.at_path(path);
                if let Some(machine) = &mut self.get_mut(ix).machine {
                    machine.went = Some(to.as_str().into());
                    if let Some(entry) = entry {
                        machine.take(from, *entry);
                    }
                    let last = machine.last.and_then(|last| self.slab.get_mut(last as usize)?.as_mut());
                    if let Some(last) = last {
                        last.left = *entry;
                    }
                }
            }
            Event::UndoReady { path, request, error } => {
                let ix = self.at_path(path);
                if std::mem::replace(&mut self.get_mut(ix).undo_noted, true) {
                    self.note_misfit(|| format!("`{path}` is noted for undo already"));
                }
                let request = request.as_ref().map(|request| self.reference(request, REQUEST));
                let error = error.clone().map(Box::new);
                self.undo.push(Undo {
                    path: path.as_str().into(),
                    request,
                    error,
                    begun: false,
                    over: false,
                });
            }
            Event::BlockEnding { path, ending, output } => {
                let ix = self.at_path(path);
                self.clear_timers(ix, true);
                let output = output.as_ref().map(|output| self.reference(output, OUTPUT));
                let decided = Decided { ending: ending.clone(), output, trouble: false };
                self.get_mut(ix).verdict = Some(Box::new(decided));
            }
            Event::CancelRequested { force, .. } => {
                self.force |= *force;
                if self.paused.take().is_some() {
                    self.move_to(RunStatus::Running);
                }
                // Once it is settled how the run ends, that is how it ends.
                self.cancel |= self.root().is_none_or(|root| root.verdict.is_none());
            }
            Event::RunPaused { by, at: path } => {
                self.move_to(RunStatus::Paused);
                let path = path.as_deref().map(Into::into);
                self.paused = Some(Box::new(Paused { since: at, by: by.clone(), at: path }));
            }
            Event::RunResumed { .. } => {
                self.move_to(RunStatus::Running);
                self.passed = self.paused.take().and_then(|paused| paused.at);
            }
            Event::RunReopened { drop, reopen, inputs, .. } => self.reopened(drop, reopen, inputs),
            Event::VarsComputed { vars } => self.vars = self.named("vars", vars),
            Event::FinishRequested { .. } => self.finishing = true,
            Event::Late { .. } => {}
            Event::RunCompleted { outcome, outputs } => {
                self.outputs = Some(self.reference(outputs, OUTPUTS));
                self.run_ended(RunStatus::Completed, *outcome);
            }
            Event::RunFailed { error } => {
                self.error = Some(error.clone());
                self.run_ended(RunStatus::Failed, error.outcome);
            }
            Event::RunCancelled => self.run_ended(RunStatus::Cancelled, Outcome::Cancelled),
        }
    }
}

fn joining(rule: Option<JoinRule>) -> Option<Box<Joining>> {
    rule.map(|rule| Box::new(Joining::new(rule)))
}

/// The timers that an instance has set, its deadline aside.
pub(super) fn armed(instance: &Instance) -> impl Iterator<Item = (Time, Timer)> {
    let (first, second) = match &instance.kind {
        Kind::Attempt { phase: Phase::Open, timeout_at, .. } => {
            (timeout_at.map(|at| (at, Timer::Timeout)), None)
        }
        Kind::Attempt { phase: Phase::Retry(at), .. } => (Some((*at, Timer::Retry)), None),
        Kind::Child { retry_at: Some(at), .. } => (Some((*at, Timer::Retry)), None),
        // A child that is being ended is not timed any more, its end is awaited.
        Kind::Child { timeout_at, .. } if instance.ending.is_none() => {
            (timeout_at.map(|at| (at, Timer::Timeout)), None)
        }
        Kind::Signal { timeout_at, .. } => (timeout_at.map(|at| (at, Timer::Timeout)), None),
        Kind::Wait { until, timeout_at } => {
            (Some((*until, Timer::Wait)), timeout_at.map(|at| (at, Timer::Timeout)))
        }
        _ => (None, None),
    };
    first.into_iter().chain(second)
}

//! What is done about an instance beside its own work: it is undone, or a probe asks whether it happened.

use serde_json::Value;
use stead_lang::plan::{Action, ActionKind, StepIx};

use super::event::{Ending, Event, Lost};
use super::start::Site;
use super::state::{Ix, Job, Kind, Phase, ROOT, Undo};
use super::turn::{Machine, SettleInput, Stop};
use crate::effect::{EndReason, ErrorKind};
use crate::path::{self, Aside};
use crate::status::StepStatus;

impl<'a> Machine<'a> {
    /// Notes how a completed instance would be undone. What its `undo` reads is known now, and may be forgotten
    /// by the time it is needed.
    pub(super) fn note_undo(&mut self, ix: Ix) -> Result<(), Stop> {
        if !self.wants_note(ix) {
            return Ok(());
        }
        let Some(action) = self.step(ix).undo.as_deref() else { return Ok(()) };
        let path = self.state.get(ix).path.to_string();
        let (request, error) = match self.aside_request(ix, action) {
            Ok(request) => (Some(self.payload(request)), None),
            Err(Stop::Error(error)) => (None, Some(error)),
            Err(needs) => return Err(needs),
        };
        self.emit(Event::UndoReady { path, request, error });
        Ok(())
    }

    /// Whether an instance was completed, and how it would be undone is not noted yet.
    pub(super) fn wants_note(&self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        let holds = matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. });
        let completed = instance.status == StepStatus::Completed && ix != ROOT;
        completed
            && !holds
            && !instance.undo_noted
            && path::as_aside(&instance.path).is_none()
            && self.step(ix).undo.is_some()
    }

    /// After loading: what was completed and not noted yet.
    pub(super) fn note_again(&mut self, ix: Ix) {
        let instance = self.state.get(ix);
        if instance.status == StepStatus::Completed && !instance.undo_noted && ix != ROOT {
            self.push(Job::Note(ix));
        }
    }

    /// What an `undo` or `verify` asks for: it sees what its step saw, and its step.
    fn aside_request(&self, ix: Ix, action: &Action) -> Result<Value, Stop> {
        let site = self.site(ix);
        let ActionKind::Effect { request, .. } = &action.kind else { return Ok(Value::Null) };
        let id = &self.plan.steps[site.step as usize].id;
        let value = self.eval(&site.path, |reach| request.render(&site.scope(reach).with_alias(id, ix)))?;
        super::settings::check_size(&site.path, &value)?;
        Ok(value)
    }

    /// The action that undoes or verifies a step.
    pub(super) fn aside_action(&self, ix: Ix, what: Aside) -> Option<&'a Action> {
        let step = self.step(ix);
        match what {
            Aside::Undo => step.undo.as_deref(),
            Aside::Verify => step.verify.as_deref(),
        }
    }

    /// Whether what a block has completed is undone, now that it ends so: of the run when it failed or was
    /// cancelled, of a part that lost.
    pub(super) fn is_undone(&self, ix: Ix, ending: &Ending) -> bool {
        match ix {
            ROOT => ending.status != StepStatus::Completed,
            _ => ending.status == StepStatus::Cancelled && self.is_loser(ix),
        }
    }

    /// Whether there is something to be undone inside.
    pub(super) fn has_undo(&self, ix: Ix) -> bool {
        let of = &self.state.get(ix).path;
        !self.state.force && self.state.undo_left().any(|undo| path::is_within(&undo.path, of))
    }

    /// Undoes the newest of what is completed inside. Says whether something is under way.
    pub(super) fn undo_next(&mut self, ix: Ix) -> Result<bool, Stop> {
        let of = self.state.get(ix).path.to_string();
        self.undo_within(&of)
    }

    pub(super) fn undo_within(&mut self, of: &str) -> Result<bool, Stop> {
        let left = |undo: &Undo| !undo.over && path::is_within(&undo.path, of);
        while let Some(at) = self.state.undo.iter().rposition(left) {
            let undo = &self.state.undo[at];
            if undo.begun {
                return Ok(true);
            }
            if self.state.force || self.state.misfit.is_some() {
                return Ok(false);
            }
            let site = self.aside_site(&undo.path, Aside::Undo);
            let action = self.plan.steps.get(site.step as usize).and_then(|step| step.undo.as_deref());
            let (Some(request), Some(action)) = (undo.request.clone(), action) else {
                let error = undo.error.as_deref().cloned();
                let error = error.unwrap_or_else(|| {
                    super::turn::step_error(&site.path, ErrorKind::Lost, "the step has no `undo` any more")
                });
                let index = None;
                self.emit_for(site.step, Event::StepFailed { path: site.path, error, stops: false, index });
                continue;
            };
            let request = self.loaded(&request)?.clone();
            self.start_attempt(&site, action, self.first_number(&site.path), Some(request), None)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Where something done about an instance stands. The instance may be forgotten by now.
    fn aside_site(&self, of: &str, what: Aside) -> Site {
        let plan_path = path::plan_path(of);
        let step = match self.state.find(of) {
            Some(ix) => self.state.get(ix).step,
            None => {
                let at = self.plan.steps.iter().position(|step| step.path == plan_path);
                at.and_then(|at| StepIx::try_from(at).ok()).unwrap_or_default()
            }
        };
        Site { path: path::aside(of, what), body: ROOT, step, slot: None, visit: None }
    }

    /// Something done about an instance has ended.
    pub(super) fn aside_ended(&mut self, ix: Ix) -> Result<(), Stop> {
        let aside = self.state.get(ix).path.to_string();
        match path::as_aside(&aside) {
            Some((of, Aside::Undo)) => self.wake_around(of),
            Some((of, Aside::Verify)) => self.verified(ix, of)?,
            None => {}
        }
        Ok(())
    }

    /// Goes on with a block or holder.
    pub(super) fn wake(&mut self, ix: Ix) {
        match self.state.get(ix).kind {
            Kind::Group => self.push(Job::Settle(ix)),
            Kind::Foreach { .. } | Kind::Loop { .. } => self.push(Job::Pump(ix)),
            _ => {}
        }
    }

    /// Whether the end of a parked attempt is awaited though its result is not wanted: it says what is undone.
    pub(super) fn is_awaited(&self, ix: Ix) -> bool {
        let undone = !self.state.finishing && !self.state.force;
        let probed = self.state.find(&path::aside(&self.state.get(ix).path, Aside::Verify));
        let probed = probed.is_some_and(|probe| !self.state.get(probe).status.is_end());
        undone && (probed || self.step(ix).undo.is_some() || self.state.undo_left().next().is_some())
    }

    /// Parks a lost attempt of a `once` step, and asks whether it happened where the step says how. Of a paused run
    /// it is asked when that goes on.
    pub(super) fn park(&mut self, ix: Ix, number: u32) -> Result<(), Stop> {
        let request = if self.state.paused.is_some() { None } else { self.probe_request(ix)? };
        let path = self.state.get(ix).path.to_string();
        self.emit(Event::AttemptLost { path, number, then: Lost::Parked });
        self.ask_probe(ix, request)
    }

    /// Asks the probe of a parked attempt that was not asked yet.
    pub(super) fn probe(&mut self, ix: Ix) -> Result<(), Stop> {
        let instance = self.state.get(ix);
        let parked = matches!(instance.kind, Kind::Attempt { phase: Phase::Parked, .. });
        let asked = self.state.find(&path::aside(&instance.path, Aside::Verify)).is_some();
        if !parked || asked || self.state.paused.is_some() {
            return Ok(());
        }
        let request = self.probe_request(ix)?;
        self.ask_probe(ix, request)
    }

    fn probe_request(&self, ix: Ix) -> Result<Option<Value>, Stop> {
        let Some(action) = self.aside_action(ix, Aside::Verify) else { return Ok(None) };
        match self.aside_request(ix, action) {
            Ok(request) => Ok(Some(request)),
            // It stays parked, for somebody who knows.
            Err(Stop::Error(_)) => Ok(None),
            Err(needs) => Err(needs),
        }
    }

    fn ask_probe(&mut self, ix: Ix, request: Option<Value>) -> Result<(), Stop> {
        if let (Some(action), Some(request)) = (self.aside_action(ix, Aside::Verify), request) {
            let site = self.aside_site(&self.state.get(ix).path, Aside::Verify);
            // One that is being ended says nothing of this attempt; then somebody has to.
            let ending = |probe| !self.state.get(probe).status.is_end();
            if self.state.find(&site.path).is_some_and(ending) {
                return Ok(());
            }
            // Asked again of an attempt that was lost again: results of the first time are told apart.
            let before = self.state.find(&site.path).map(|probe| &self.state.get(probe).kind);
            let number =
                if let Some(Kind::Attempt { number, .. }) = before { number.saturating_add(1) } else { 1 };
            self.start_attempt(&site, action, number, Some(request), None)?;
        }
        Ok(())
    }

    /// The probe has ended. It succeeded: it happened, and its output is the step's. It said 1: it did not. It
    /// did not say: the attempt stays parked.
    fn verified(&mut self, probe: Ix, of: &str) -> Result<(), Stop> {
        let parked = self.state.find(of).filter(|ix| {
            let kind = &self.state.get(*ix).kind;
            matches!(kind, Kind::Attempt { phase: Phase::Parked, .. })
        });
        let Some(ix) = parked else {
            // Nobody asks any more; its end may have been awaited.
            self.push(Job::Settle(ROOT));
            return Ok(());
        };
        let answer = self.state.get(probe);
        let said = match answer.status {
            StepStatus::Completed => {
                let output = match &answer.output {
                    super::state::Output::At(reference) => self.loaded(reference)?.clone(),
                    _ => Value::Null,
                };
                Some(SettleInput::Done(output))
            }
            StepStatus::Failed => {
                let exit = answer.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Exit);
                (exit && answer.exit_code == Some(1)).then_some(SettleInput::Again)
            }
            _ => None,
        };
        match said {
            Some(said) => self.settle_attempt(of, &said, "verify"),
            None if self.unwanted(ix) && !self.is_awaited(ix) => {
                self.end_as(ix, EndReason::Cancelled);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Somebody knew before the probe of a parked attempt did: it is not asked any more.
    pub(super) fn end_probe(&mut self, of: &str) {
        let probe = self.state.find(&path::aside(of, Aside::Verify));
        if let Some(probe) = probe.filter(|probe| !self.state.get(*probe).status.is_end()) {
            self.push(Job::End(probe));
        }
    }

    /// Whether probes are under way that nobody asks any more. They are ended.
    pub(super) fn ends_probes(&mut self) -> bool {
        if self.state.attempts_open == 0 {
            return false;
        }
        let there = (0..).zip(&self.state.slab).filter_map(|(ix, there)| Some((ix, there.as_ref()?)));
        let probes = there.filter(|(_, instance)| {
            let probe = matches!(path::as_aside(&instance.path), Some((_, Aside::Verify)));
            probe && !instance.status.is_end()
        });
        let probes: Vec<Ix> = probes.map(|(ix, _)| ix).collect();
        for probe in &probes {
            self.push(Job::End(*probe));
        }
        !probes.is_empty()
    }

    /// After loading: a probe whose answer was not taken yet.
    pub(super) fn verified_again(&mut self, ix: Ix) {
        if let Some((_, Aside::Verify)) = path::as_aside(&self.state.get(ix).path) {
            self.push(Job::Ended(ix));
        }
    }

    /// Ends undo and `finally` too.
    pub(super) fn end_by_force(&mut self) {
        let count = Ix::try_from(self.state.slab.len()).unwrap_or(Ix::MAX);
        let live = (0..count).filter(|ix| {
            let there = self.state.slab[*ix as usize].as_ref();
            there.is_some_and(|i| {
                !i.status.is_end() && (path::as_aside(&i.path).is_some() || self.is_apart(*ix))
            })
        });
        let live: Vec<Ix> = live.collect();
        for ix in live {
            self.push(Job::End(ix));
        }
        self.push(Job::Settle(ROOT));
    }
}

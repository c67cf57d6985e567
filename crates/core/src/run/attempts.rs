//! Attempts: tries of an effect, from start to end, lost ones and parked ones.

use serde_json::Value;
use stead_lang::plan::{Action, ActionKind, Body, EffectRule, Retry, Setting};

use super::event::{Event, Lost, StepError, Verdict};
use super::reach::Reach;
use super::scope::Scope;
use super::settings::{check_size, kind_of};
use super::start::Site;
use super::state::{Ix, Job, Kind, Phase, Timer};
use super::turn::{Machine, Need, SettleInput, Stop, expression_error, step_error};
use crate::Time;
use crate::effect::{AttemptId, AttemptResult, Effect, EndReason, ErrorKind, Execute};
use crate::limits;
use crate::path;
use crate::value::ValueRef;

impl<'a> Machine<'a> {
    /// The action of an instance: its step's, or what is done about that.
    pub(super) fn action(&self, ix: Ix) -> &'a Action {
        if let Some((_, what)) = path::as_aside(&self.state.get(ix).path)
            && let Some(action) = self.aside_action(ix, what)
        {
            return action;
        }
        match &self.step(ix).body {
            Body::Action(action) => action,
            Body::Block(_) => unreachable!("a group has no attempts"),
        }
    }

    /// Starts a try. The first of an instance carries the request.
    pub(super) fn start_attempt(
        &mut self,
        site: &Site,
        action: &Action,
        number: u32,
        request: Option<Value>,
        deadline_at: Option<Time>,
    ) -> Result<Ix, Stop> {
        let timeout = self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        let timeout_at = timeout.map(|ms| self.after(ms));
        let asked = match &request {
            Some(value) => value.clone(),
            None => self.request_of(site)?,
        };
        self.afford(site)?;
        let free = self.state.budgeted && self.is_free(site);
        let path = site.path.clone();
        let request = request.map(|value| self.payload(value));
        let index = site.slot.map(|slot| slot.index);
        let before = self.state.find(&site.path).map(|ix| &self.state.get(ix).kind);
        let again = matches!(before, Some(Kind::Attempt { lost: 1.., .. }));
        let event = Event::AttemptStarted { path, number, request, timeout_at, deadline_at, free, index };
        let ix = self.emit_for(site.step, event);
        let ActionKind::Effect { executor, request } = &action.kind else { return Ok(ix) };
        self.out.effects.push(Effect::Execute(Execute {
            attempt: self.attempt_id(ix, number),
            executor: (*executor).to_owned(),
            request: asked,
            secrets: request.secrets(),
            key: self.state.key(&site.path),
            once: action.effect == EffectRule::Once,
            again,
        }));
        Ok(ix)
    }

    /// Number of the first attempt or child of an instance: behind those it had before it was begun anew.
    pub(super) fn first_number(&self, path: &str) -> u32 {
        self.state.before(path).number.saturating_add(1)
    }

    fn request_of(&self, site: &Site) -> Result<Value, Stop> {
        let Some(ix) = self.state.find(&site.path) else { return Ok(Value::Null) };
        let Kind::Attempt { request: Some(reference), .. } = &self.state.get(ix).kind else {
            return Ok(Value::Null);
        };
        self.loaded(reference).cloned()
    }

    /// A value that has to be at hand.
    pub(super) fn loaded<'s>(&'s self, reference: &'s ValueRef) -> Result<&'s Value, Stop> {
        self.values.get(reference).ok_or_else(|| Stop::Needs(vec![Need::Value(reference.clone())]))
    }

    pub(super) fn attempt_id(&self, ix: Ix, number: u32) -> AttemptId {
        AttemptId { stream: self.state.id.clone(), path: self.state.get(ix).path.to_string(), number }
    }

    /// An attempt waits for a place, or begins after it did.
    pub(super) fn attempt_place(&mut self, path: &str, number: u32, begins: bool) -> Result<(), Stop> {
        let from = if begins { Phase::Queued } else { Phase::Open };
        let here = self.state.find(path).filter(|ix| match self.state.get(*ix).kind {
            Kind::Attempt { number: current, phase, .. } => current == number && phase == from,
            _ => false,
        });
        // One that ended meanwhile, or is being ended, needs no place.
        let Some(ix) = here else { return Ok(()) };
        let path = path.to_owned();
        if !begins {
            self.emit(Event::AttemptQueued { path, number });
            return Ok(());
        }
        let (site, action) = (self.site(ix), self.action(ix));
        let timeout = match self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach)) {
            // It was computed when the attempt was handed out, and values do not change.
            Err(Stop::Error(_)) => None,
            other => other?,
        };
        let timeout_at = timeout.map(|ms| self.after(ms));
        self.emit(Event::AttemptBegan { path, number, timeout_at });
        if action.effect == EffectRule::Once {
            self.out.effects.push(Effect::Begin(self.attempt_id(ix, number)));
        }
        Ok(())
    }

    /// The result of an attempt came.
    pub(super) fn attempt_result(
        &mut self,
        path: &str,
        number: u32,
        result: &AttemptResult,
    ) -> Result<(), Stop> {
        let ix = self.state.find(path);
        let phase = ix.and_then(|ix| match self.state.get(ix).kind {
            Kind::Attempt { number: current, phase, .. } if current == number => Some((ix, phase)),
            _ => None,
        });
        match phase {
            Some((ix, Phase::Open | Phase::Queued)) => self.attempt_over(ix, number, result),
            Some((ix, Phase::Ending(EndReason::Paused))) => {
                if result.error.is_none() {
                    // It ended by itself before it was told to.
                    return self.attempt_over(ix, number, result);
                }
                self.attempt_put_off(ix, number);
                Ok(())
            }
            Some((ix, Phase::Ending(reason))) => {
                let revoked = self.state.get(ix).revoked();
                let message = match (reason, revoked) {
                    (EndReason::Timeout, _) => "the time-out of the attempt has passed".to_owned(),
                    (_, Some(revoked)) => revoked.message,
                    _ => "ended, its result was not wanted any more".to_owned(),
                };
                let kind = match reason {
                    EndReason::Timeout => ErrorKind::Timeout,
                    _ => ErrorKind::Cancelled,
                };
                let exit_code = result.exit_code;
                let error = Some(crate::effect::AttemptError { kind, message });
                self.attempt_over(ix, number, &AttemptResult { error, exit_code, ..AttemptResult::default() })
            }
            _ => {
                // A second result, or one of an attempt that was given up: noted, and nothing else.
                if !self.state.status.is_end() {
                    self.emit(Event::Late { what: "result".into(), path: path.into(), number });
                }
                Ok(())
            }
        }
    }

    fn attempt_over(&mut self, ix: Ix, number: u32, result: &AttemptResult) -> Result<(), Stop> {
        let site = self.site(ix);
        let (mut error, mut retry_at) = (None, None);
        if let Some(failure) = &result.error {
            error = Some(step_error(&site.path, failure.kind, &failure.message));
        } else if let Err(Stop::Error(too_large)) = self.check_result(&site.path, result) {
            error = Some(too_large);
        }
        if let Some(failure) = &error {
            match self.retry_at(ix, &site, failure, result.retry_after) {
                Ok(at) => retry_at = at,
                Err(Stop::Error(instead)) => error = Some(instead),
                Err(needs @ Stop::Needs(_)) => return Err(needs),
            }
        }
        let kept = error.is_none() || result.error.is_some();
        let output = result.output.clone().filter(|_| kept && error.is_none());
        let values = result.values.clone().filter(|_| kept);
        let output = output.map(|value| self.payload(value));
        let values = values.map(|value| self.payload(value));
        let stops = error.is_some() && retry_at.is_none() && self.stops(&site);
        let (path, exit_code) = (site.path, result.exit_code);
        self.emit(Event::AttemptEnded { path, number, output, values, exit_code, error, retry_at, stops });
        if retry_at.is_none() {
            self.push(Job::Ended(ix));
        }
        Ok(())
    }

    fn check_result(&self, path: &str, result: &AttemptResult) -> Result<(), Stop> {
        result.output.iter().chain(&result.values).try_for_each(|value| check_size(path, value))
    }

    /// When a failed try is followed by another. `after` is the wait that was asked for, in milliseconds.
    pub(super) fn retry_at(
        &self,
        ix: Ix,
        site: &Site,
        error: &StepError,
        after: Option<u64>,
    ) -> Result<Option<Time>, Stop> {
        let action = self.action(ix);
        let instance = self.state.get(ix);
        let retry = &action.retry;
        let word = word_of(error.kind);
        if action.effect == EffectRule::Once || self.unwanted(ix) || !retry.errors.contains(&word) {
            return Ok(None);
        }
        let attempts =
            self.count(&site.path, &retry.attempts, "retry.attempts", limits::RETRY_ATTEMPTS, |r| {
                site.scope(r)
            })?;
        if instance.tries >= attempts {
            return Ok(None);
        }
        let wait = self.backoff(site, retry, instance.tries)?;
        let after = match after {
            Some(after) => after.min(self.max_wait(site, retry)?),
            None => 0,
        };
        Ok(Some(self.after(wait.max(after))))
    }

    /// `wait * factor^(tries - 1)`, at most `max_wait`, spread by `jitter` to both sides. The spread is derived
    /// from the instance and the try, so that a replay waits the same.
    fn backoff(&self, site: &Site, retry: &Retry, tries: u32) -> Result<u64, Stop> {
        let wait = self.millis(&site.path, Some(&retry.wait), |r| site.scope(r))?.unwrap_or(0);
        let most = self.max_wait(site, retry)?;
        let factor = self.number(site, &retry.factor, "retry.factor")?;
        let jitter = self.number(site, &retry.jitter, "retry.jitter")?.clamp(0.0, 1.0);
        let exponent = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
        #[expect(clippy::cast_precision_loss, reason = "a wait need not be exact to the millisecond")]
        let plain = (wait as f64 * factor.max(0.0).powi(exponent)).min(most as f64);
        let hash = blake3::hash(format!("{}/{}:{tries}", self.state.id, site.path).as_bytes());
        let spread = f64::from(u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])) / 65_535.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
        let millis = (plain * (1.0 + jitter * (2.0 * spread - 1.0))).clamp(0.0, limits::MILLIS as f64) as u64;
        Ok(millis)
    }

    fn max_wait(&self, site: &Site, retry: &Retry) -> Result<u64, Stop> {
        Ok(self.millis(&site.path, Some(&retry.max_wait), |r| site.scope(r))?.unwrap_or(u64::MAX))
    }

    fn number(&self, site: &Site, setting: &Setting<f64>, what: &str) -> Result<f64, Stop> {
        let template = match setting {
            Setting::Fixed(n) => return Ok(*n),
            Setting::Computed(template) => template,
        };
        let render = |reach: Reach<'_>| -> Result<Value, _> {
            let scope: Scope<'_> = site.scope(reach);
            template.render(&scope)
        };
        let value = self.eval(&site.path, render)?;
        value.as_f64().ok_or_else(|| {
            expression_error(&site.path, &format!("{what} takes a number, this is {}", kind_of(&value)))
        })
    }

    /// The next try after a wait.
    pub(super) fn next_attempt(&mut self, ix: Ix) -> Result<(), Stop> {
        let Kind::Attempt { number, .. } = self.state.get(ix).kind else { return Ok(()) };
        let (site, action) = (self.site(ix), self.action(ix));
        match self.start_attempt(&site, action, number.saturating_add(1), None, None) {
            Err(Stop::Error(error)) => {
                self.fail_at(&site, error);
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// Ends an attempt whose result is not wanted: at once, but for what must not be cut off in the middle.
    pub(super) fn end_attempt(&mut self, ix: Ix, reason: EndReason) {
        // One that is queued has not begun, there is nothing to be cut off.
        let queued = matches!(self.state.get(ix).kind, Kind::Attempt { phase: Phase::Queued, .. });
        let once = self.action(ix).effect == EffectRule::Once && reason == EndReason::Cancelled;
        self.mark_ending(ix, reason);
        if queued || !once || self.state.force {
            self.end_attempt_now(ix, reason);
        }
    }

    /// Ends an attempt.
    pub(super) fn end_attempt_now(&mut self, ix: Ix, reason: EndReason) {
        let Kind::Attempt { number, phase: Phase::Open | Phase::Queued, .. } = self.state.get(ix).kind else {
            return;
        };
        let path = self.state.get(ix).path.to_string();
        let attempt = self.attempt_id(ix, number);
        self.emit(Event::AttemptEnding { path, number, reason });
        self.out.effects.push(Effect::End { attempt, reason });
    }

    /// An attempt that was under way when the engine went: its `effect` decides.
    pub(super) fn recover(&mut self, ix: Ix) -> Result<(), Stop> {
        let Kind::Attempt { number, phase, lost, .. } = self.state.get(ix).kind else { return Ok(()) };
        let (site, action) = (self.site(ix), self.action(ix));
        let path = site.path.clone();
        if phase == Phase::Ending(EndReason::Paused) || (self.state.paused.is_some() && self.is_repeated(ix))
        {
            self.attempt_put_off(ix, number);
            return Ok(());
        }
        if let Phase::Ending(_) = phase {
            return self.attempt_result(&path, number, &AttemptResult::default());
        }
        if !matches!(phase, Phase::Open | Phase::Queued) {
            return Ok(());
        }
        // A queued one has not begun: it is simply handed out again.
        if phase == Phase::Open && action.effect == EffectRule::Once {
            return self.park(ix, number);
        }
        if self.unwanted(ix) {
            self.emit(Event::AttemptLost { path, number, then: Lost::Over });
            self.end_as(ix, self.state.get(ix).ending.unwrap_or(EndReason::Cancelled));
            return Ok(());
        }
        if lost >= limits::LOST_ATTEMPTS {
            self.emit(Event::AttemptLost { path: path.clone(), number, then: Lost::Over });
            let message =
                format!("the engine went away {} times while it was under way", lost.saturating_add(1));
            self.fail_at(&site, step_error(&path, ErrorKind::Lost, &message));
            return Ok(());
        }
        // Everything that may be missing is asked for before the first event.
        self.request_of(&site)?;
        self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        self.emit(Event::AttemptLost { path, number, then: Lost::Again });
        self.next_attempt(ix)
    }

    /// Whether a lost attempt would be made again by itself.
    fn is_repeated(&self, ix: Ix) -> bool {
        let Kind::Attempt { phase, lost, .. } = self.state.get(ix).kind else { return false };
        let begun = phase == Phase::Open;
        (begun && self.action(ix).effect != EffectRule::Once && lost < limits::LOST_ATTEMPTS)
            || phase == Phase::Queued
    }

    /// An attempt is over without a result and is made again once the run goes on.
    fn attempt_put_off(&mut self, ix: Ix, number: u32) {
        let path = self.state.get(ix).path.to_string();
        if self.unwanted(ix) {
            self.emit(Event::AttemptLost { path, number, then: Lost::Over });
            self.end_as(ix, self.state.get(ix).ending.unwrap_or(EndReason::Cancelled));
            return;
        }
        self.emit(Event::AttemptLost { path, number, then: Lost::Later });
    }

    /// Somebody says what a parked attempt came to.
    pub(super) fn settle_attempt(&mut self, path: &str, said: &SettleInput, by: &str) -> Result<(), Stop> {
        let found = self.state.find(path).filter(|_| !self.state.status.is_end());
        let parked = found.and_then(|ix| match self.state.get(ix).kind {
            Kind::Attempt { number, phase: Phase::Parked, .. } => Some((ix, number)),
            _ => None,
        });
        let Some((ix, number)) = parked else {
            self.out.refused = Some("the step is not parked");
            return Ok(());
        };
        let site = self.site(ix);
        if *said == SettleInput::Again {
            self.request_of(&site)?;
        }
        let verdict = match said {
            SettleInput::Done(value) => Verdict::Done(self.payload(value.clone())),
            SettleInput::Again => Verdict::Again,
            SettleInput::Failed => Verdict::Failed,
        };
        self.emit(Event::AttemptSettled { path: path.into(), number, verdict, by: by.into() });
        self.end_probe(path);
        match said {
            SettleInput::Done(_) => self.push(Job::Ended(ix)),
            SettleInput::Again if self.unwanted(ix) => self.end_as(ix, EndReason::Cancelled),
            SettleInput::Again => self.push(Job::Fire(ix, Timer::Retry)),
            SettleInput::Failed => {
                let message = format!("{by} settled the lost attempt as failed");
                self.fail_at(&site, step_error(path, ErrorKind::Lost, &message));
            }
        }
        Ok(())
    }
}

/// The word of the language for a kind of error.
pub(super) fn word_of(kind: ErrorKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

//! A step, an item or an iteration begins.

use serde_json::Value;
use stead_lang::duration;
use stead_lang::plan::{Action, ActionKind, Body, Each, Join, OnError, Step, StepIx, Wait};

use super::event::{Event, JoinRule, StepError};
use super::reach::{Reach, Slot, block_of};
use super::scope::Scope;
use super::settings::{check_size, kind_of};
use super::state::{BlockProgress, Ix, Job, Kind, ROOT};
use super::turn::{Machine, Stop, expression_error, step_error};
use crate::effect::{EndReason, ErrorKind};
use crate::limits;
use crate::path;
use crate::status::{Outcome, StepStatus};

/// Where an instance of a step stands.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Path of the instance.
    pub(super) path: String,
    /// The block around the step.
    pub(super) body: Ix,
    /// The step.
    pub(super) step: StepIx,
    /// The item or iteration that the instance is.
    pub(super) slot: Option<Slot>,
    /// Number of the visit, of a state.
    pub(super) visit: Option<u32>,
}

impl Site {
    /// What the instance sees.
    pub(super) fn scope<'a>(&self, reach: Reach<'a>) -> Scope<'a> {
        let scope = Scope::of(reach, self.body).doing(self.step);
        let scope = self.visit.map_or(scope, |number| scope.visiting(number));
        self.slot.map_or(scope, |slot| scope.within(slot))
    }
}

impl Machine<'_> {
    /// Counts what a block has done so far, and puts on the agenda what may start.
    pub(super) fn open_block(&mut self, body: Ix) {
        let block = block_of(self.state, self.plan, body);
        let instance = self.state.get(body);
        let mut progress = BlockProgress {
            unmet: Vec::with_capacity(block.steps.len()),
            at: Vec::with_capacity(block.steps.len()),
            ended: 0,
            live: 0,
        };
        let again = self.state.to_redo(self.plan, body);
        let again = |pos: usize| again.as_ref().is_some_and(|again| again[pos]);
        for (pos, step) in block.steps.iter().enumerate() {
            let step = &self.plan.steps[*step as usize];
            let at = match instance.inside.is_empty() {
                true => None,
                false => self.state.newest(body, &step.id),
            };
            progress.at.push(at);
            match at.map(|ix| self.state.get(ix).status.is_end()) {
                Some(true) => progress.ended += u32::from(pos < block.own && !again(pos)),
                Some(false) => progress.live += 1,
                None => {}
            }
        }
        // What is to begin again has not ended for those that need it, and is begun by that alone.
        let met = |pos: &usize| {
            !again(*pos) && progress.at[*pos].is_some_and(|ix| self.state.get(ix).status.is_end())
        };
        let mut ready = Vec::new();
        // States follow each other, and `finally` follows the rest.
        let listed = if block.machine { 0 } else { block.own };
        for (pos, step) in block.steps.iter().take(listed).enumerate() {
            let needs = &self.plan.steps[*step as usize].needs;
            let unmet = needs.iter().filter(|need| !met(need)).count();
            if unmet == 0 && progress.at[pos].is_none() && !again(pos) {
                ready.push(u32::try_from(pos).unwrap_or(u32::MAX));
            }
            progress.unmet.push(u32::try_from(unmet).unwrap_or(u32::MAX));
        }
        self.state.get_mut(body).block = Some(Box::new(progress));
        for pos in ready {
            self.push(Job::Start { body, pos });
        }
    }

    /// A step of a block whose needs are met.
    pub(super) fn start_step(&mut self, body: Ix, pos: usize) -> Result<(), Stop> {
        if self.unwanted(body) || self.state.get(body).status.is_end() {
            return Ok(());
        }
        let six = block_of(self.state, self.plan, body).steps[pos];
        let id = &self.plan.steps[six as usize].id;
        let path = path::visit(&self.state.get(body).path, id, self.state.round(body, id));
        if self.state.to_redo(self.plan, body).is_some_and(|again| again[pos]) {
            return Ok(());
        }
        if self.state.find(&path).is_some() {
            return Ok(());
        }
        self.begin_at(&Site { path, body, step: six, slot: None, visit: None }, pos)
    }

    /// Begins a step, state or step of a `finally`.
    pub(super) fn begin_at(&mut self, site: &Site, pos: usize) -> Result<(), Stop> {
        if self.breaks_before(site) {
            return Ok(());
        }
        let step = &self.plan.steps[site.step as usize];
        let begun = self.begin_step(site, step);
        self.note_begun(site, pos, begun)
    }

    /// Books what became of a beginning: errors of the step itself fail it.
    fn note_begun(&mut self, site: &Site, pos: usize, begun: Result<Ix, Stop>) -> Result<(), Stop> {
        let ix = match begun {
            Ok(ix) => ix,
            Err(Stop::Error(error)) => self.fail_at(site, error),
            Err(needs @ Stop::Needs(_)) => return Err(needs),
        };
        if let Some(progress) = &mut self.state.get_mut(site.body).block {
            progress.at[pos] = Some(ix);
            progress.live += 1;
        }
        Ok(())
    }

    fn begin_step(&mut self, site: &Site, step: &Step) -> Result<Ix, Stop> {
        if let Some(by) = self.blocker(site.body, step) {
            let event = Event::StepBlocked { path: site.path.clone(), by };
            return Ok(self.ended_at_once(site.step, event));
        }
        if self.passes(site) {
            return Ok(self.ended_at_once(site.step, Event::StepSkipped { path: site.path.clone() }));
        }
        if let Some(condition) = &step.condition
            && !self.eval(&site.path, |reach| condition.eval_bool(&site.scope(reach)))?
        {
            return Ok(self.ended_at_once(site.step, Event::StepSkipped { path: site.path.clone() }));
        }
        let limit = self.millis(&site.path, step.deadline.as_ref(), |reach| site.scope(reach))?;
        let deadline_at = limit.map(|ms| self.after(ms));
        if let Some(ix) = self.ask_for_step(site, step, deadline_at)? {
            return Ok(ix);
        }
        self.begin_ready(site, step, deadline_at)
    }

    /// A step with nothing in its way any more.
    pub(super) fn begin_ready(
        &mut self,
        site: &Site,
        step: &Step,
        deadline_at: Option<crate::Time>,
    ) -> Result<Ix, Stop> {
        let budget = self.step_budget(site, step)?;
        let begun = self.begin_each(site, step, deadline_at)?;
        if let Some(attempts) = budget {
            self.give_budget(begun, attempts);
        }
        Ok(begun)
    }

    fn begin_each(&mut self, site: &Site, step: &Step, deadline_at: Option<crate::Time>) -> Result<Ix, Stop> {
        match &step.each {
            None => self.begin_body(site, step, deadline_at),
            Some(each @ Each::Foreach { .. }) => {
                let event = self.foreach(site, each, deadline_at)?;
                let ix = self.emit_for(site.step, event);
                self.push(Job::Pump(ix));
                Ok(ix)
            }
            Some(Each::Loop { max, min, .. }) => {
                let max =
                    self.count(&site.path, max, "loop.max", limits::LOOP_MAX, |reach| site.scope(reach))?;
                let min =
                    self.count(&site.path, min, "loop.min", limits::LOOP_MAX, |reach| site.scope(reach))?;
                let path = site.path.clone();
                let ix = self.emit_for(site.step, Event::LoopStarted { path, max, min, deadline_at });
                self.push(Job::Pump(ix));
                Ok(ix)
            }
        }
    }

    pub(super) fn ended_at_once(&mut self, step: StepIx, event: Event) -> Ix {
        let ix = self.emit_for(step, event);
        self.push(Job::Ended(ix));
        ix
    }

    /// Fails an instance that has not begun, or that cannot go on.
    pub(super) fn fail_at(&mut self, site: &Site, error: StepError) -> Ix {
        let stops = self.stops(site);
        let index = site.slot.map(|slot| slot.index);
        let event = Event::StepFailed { path: site.path.clone(), error, stops, index };
        self.ended_at_once(site.step, event)
    }

    /// Whether a failure there stops what is around: always for items and iterations, but not for parts of a
    /// join that need not all complete, nor in a `finally`, nor for what is done about an instance.
    pub(super) fn stops(&self, site: &Site) -> bool {
        if path::as_aside(&site.path).is_some() {
            return false;
        }
        let around = self.state.get(site.slot.map_or(site.body, |slot| slot.holder));
        if around.join.is_some() {
            return false;
        }
        let step = &self.plan.steps[site.step as usize];
        site.slot.is_some() || (step.on_error == OnError::Stop && !step.finally)
    }

    /// The failed or blocked step whose output this one would read.
    fn blocker(&self, body: Ix, step: &Step) -> Option<String> {
        for read in &step.reads {
            let mut at = body;
            for _ in 0..read.up {
                let parent = self.state.out_of_draft(self.state.get(at).parent);
                let instance = self.state.get(parent);
                let holds = matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. });
                at = if holds { instance.parent } else { parent };
            }
            let needs = std::cell::RefCell::new(Vec::new());
            let reach = Reach { state: self.state, plan: self.plan, values: self.values, needs: &needs };
            if let Some(ix) = reach.child(at, read.step) {
                let instance = self.state.get(ix);
                if matches!(instance.status, StepStatus::Failed | StepStatus::Blocked) {
                    return Some(instance.path.to_string());
                }
            }
        }
        None
    }

    /// The action or group itself: of a step, an item or an iteration.
    pub(super) fn begin_body(
        &mut self,
        site: &Site,
        step: &Step,
        deadline_at: Option<crate::Time>,
    ) -> Result<Ix, Stop> {
        let index = site.slot.map(|slot| slot.index);
        let action = match &step.body {
            Body::Block(block) => {
                let document = match &block.production {
                    Some(production) => Some(self.document_at(site, production)?),
                    None => None,
                };
                let (path, machine) = (site.path.clone(), block.machine);
                let join = join_rule(block.join);
                let event = Event::GroupStarted { path, deadline_at, machine, join, index, document };
                let ix = self.emit_for(site.step, event);
                self.open_block(ix);
                self.push(Job::Settle(ix));
                return Ok(ix);
            }
            Body::Action(action) => action,
        };
        match &action.kind {
            ActionKind::Set(template) => {
                let value = self.eval(&site.path, |reach| template.render(&site.scope(reach)))?;
                check_size(&site.path, &value)?;
                let (path, output) = (site.path.clone(), Some(self.payload(value)));
                let outcome = Outcome::Ok;
                Ok(self.ended_at_once(site.step, Event::StepCompleted { path, output, outcome, index }))
            }
            ActionKind::Version => self.book_version(site),
            ActionKind::Wait(Wait::Signal(name)) => {
                let name = self.eval(&site.path, |reach| name.render_text(&site.scope(reach)))?;
                self.begin_signal_wait(site, action, name, deadline_at)
            }
            ActionKind::Signal(signal) => self.send_signal(site, signal),
            ActionKind::Wait(wait) => self.begin_wait(site, action, wait, deadline_at),
            ActionKind::Workflow(child) => {
                self.start_child(site, action, child, self.first_number(&site.path), deadline_at)
            }
            ActionKind::People(people) => self.ask_people(site, action, people, deadline_at),
            ActionKind::Fail { message, rejected } => {
                let message = self.eval(&site.path, |reach| message.render_text(&site.scope(reach)))?;
                let error = step_error(&site.path, ErrorKind::Fail, &message);
                let outcome = if *rejected { Outcome::Rejected } else { Outcome::Error };
                Err(Stop::Error(StepError { outcome, ..error }))
            }
            ActionKind::Finish(reason) => {
                let reason = self.eval(&site.path, |reach| reason.render_text(&site.scope(reach)))?;
                let output = Some(self.payload(Value::String(reason.clone())));
                let path = site.path.clone();
                let event = Event::StepCompleted { path: path.clone(), output, outcome: Outcome::Ok, index };
                let ix = self.ended_at_once(site.step, event);
                self.emit(Event::FinishRequested { path, reason });
                self.end_run_with(EndReason::Cancelled);
                Ok(ix)
            }
            ActionKind::Effect { request, .. } => {
                let value = self.eval(&site.path, |reach| request.render(&site.scope(reach)))?;
                check_size(&site.path, &value)?;
                let number = self.first_number(&site.path);
                self.start_attempt(site, action, number, Some(value), deadline_at)
            }
        }
    }

    fn begin_wait(
        &mut self,
        site: &Site,
        action: &Action,
        wait: &Wait,
        deadline_at: Option<crate::Time>,
    ) -> Result<Ix, Stop> {
        let until = match wait {
            Wait::For(length) => {
                let ms = self.millis(&site.path, Some(length), |reach| site.scope(reach))?;
                self.after(ms.unwrap_or(0))
            }
            Wait::Signal(_) => unreachable!("begun by `begin_signal_wait`"),
            Wait::At(at) => {
                let value = self.eval(&site.path, |reach| at.render(&site.scope(reach)))?;
                let Value::String(text) = &value else {
                    let message = format!("wait.at gave {}, it takes an instant as text", kind_of(&value));
                    return Err(expression_error(&site.path, &message));
                };
                duration::parse_time(text).map_err(|e| expression_error(&site.path, &e.to_string()))?
            }
        };
        let timeout = self.millis(&site.path, action.timeout.as_ref(), |reach| site.scope(reach))?;
        let timeout_at = timeout.map(|ms| self.after(ms));
        let index = site.slot.map(|slot| slot.index);
        let event = Event::WaitStarted { path: site.path.clone(), until, timeout_at, deadline_at, index };
        Ok(self.emit_for(site.step, event))
    }
}

/// The site of an instance that is there.
impl Machine<'_> {
    pub(super) fn site(&self, ix: Ix) -> Site {
        let instance = self.state.get(ix);
        let around = self.state.get(instance.parent);
        let (path, step) = (instance.path.to_string(), instance.step);
        match around.kind {
            Kind::Foreach { .. } | Kind::Loop { .. } if ix != ROOT => {
                let slot = Slot { holder: instance.parent, index: instance.index };
                let visit = around.visit(self.state);
                Site { path, body: around.parent, step, slot: Some(slot), visit }
            }
            _ => {
                let visit = instance.visit(self.state);
                Site { path, body: instance.parent, step, slot: None, visit }
            }
        }
    }
}

/// A join as the journal has it.
pub(super) fn join_rule(join: Join) -> Option<JoinRule> {
    match join {
        Join::All => None,
        Join::First => Some(JoinRule::First),
        Join::Majority => Some(JoinRule::Majority),
        Join::Settled => Some(JoinRule::Settled),
        Join::Count(n) => Some(JoinRule::Count(n)),
    }
}

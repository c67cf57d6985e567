//! Budgets: how many attempts a run or a step may make, with all that happens inside it.
//!
//! An attempt is counted before it begins, in every budget around it. One that would be past a budget does not begin:
//! what has that budget stops with an error of kind `budget`, as if a step inside had failed that nobody tolerates.
//! A child run gets a share, which counts as used until the run has ended and tells what it used. What `finally` and
//! `undo` do is not counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_lang::plan::{ActionKind, Block, Body, Child, Setting, Step, StepIx};

use super::event::{Event, StepError};
use super::reach::block_of;
use super::scope::Scope;
use super::start::Site;
use super::state::{Ix, Kind, ROOT, RunState};
use super::turn::{Machine, Stop, step_error};
use crate::effect::ErrorKind;
use crate::limits;
use crate::path;

/// A budget, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// So many attempts may be made.
    pub attempts: u32,
    /// So many were.
    pub used: u32,
    /// So many are set aside for child runs that have not ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reserved: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Budget {
    fn left(&self) -> u32 {
        self.attempts.saturating_sub(self.used.saturating_add(self.reserved))
    }
}

impl RunState {
    /// Books that an instance has a budget.
    pub(super) fn set_budget(&mut self, ix: Ix, attempts: u32, used: u32, reserved: u32) {
        self.get_mut(ix).budget = Some(Box::new(Budget { attempts, used, reserved }));
        self.budgeted = true;
    }

    /// Books in all budgets around an instance, its own included.
    pub(super) fn book(&mut self, ix: Ix, how: impl Fn(&mut Budget)) {
        if !self.budgeted || self.get(ix).free {
            return;
        }
        let mut at = ix;
        loop {
            let instance = self.get_mut(at);
            if let Some(budget) = &mut instance.budget {
                how(budget);
            }
            if at == ROOT {
                return;
            }
            at = instance.parent;
        }
    }

    /// An attempt that was counted is made again, or was never made.
    pub(super) fn uncount(&mut self, ix: Ix) {
        self.book(ix, |budget| budget.used = budget.used.saturating_sub(1));
    }

    /// A retry of the run gives what is open again all of its budget.
    pub(super) fn refill(&mut self, ix: Ix) {
        if let Some(budget) = &mut self.get_mut(ix).budget {
            (budget.used, budget.reserved) = (0, 0);
        }
    }

    /// The budget of the run, and how much of it is used.
    pub fn budget(&self) -> Option<Budget> {
        self.root().and_then(|root| root.budget.as_deref().copied())
    }
}

impl Machine<'_> {
    /// The budget of a step, where it has one.
    pub(super) fn step_budget(&self, site: &Site, step: &Step) -> Result<Option<u32>, Stop> {
        let Some(setting) = &step.budget else { return Ok(None) };
        self.count(&site.path, setting, "budget.attempts", limits::BUDGET_ATTEMPTS, |reach| site.scope(reach))
            .map(Some)
    }

    /// Books the budget of what has just begun. Items and iterations begin later, an action has begun with it.
    pub(super) fn give_budget(&mut self, ix: Ix, attempts: u32) {
        let instance = self.state.get(ix);
        if instance.status.is_end() {
            return;
        }
        let (used, reserved) = match instance.kind {
            Kind::Attempt { .. } => (1, 0),
            Kind::Child { share, .. } => (0, share),
            _ => (0, 0),
        };
        let path = instance.path.to_string();
        self.emit(Event::BudgetSet { path, attempts, used, reserved });
    }

    /// Whether the run fails because what its parent gave it is used up.
    pub(super) fn is_short(&self) -> bool {
        let budget = self.state.budget();
        let given = self.state.share.is_some_and(|share| budget.is_some_and(|own| own.attempts == share));
        given && self.state.error.as_ref().is_some_and(|error| error.kind == ErrorKind::Budget)
    }

    /// The budget of the run: its own, and what its parent gave it.
    pub(super) fn own_budget(&self, vars: &[(String, serde_json::Value)]) -> Result<Option<u32>, Stop> {
        let own = match &self.plan.budget {
            None => None,
            Some(Setting::Fixed(attempts)) => Some(*attempts),
            Some(Setting::Computed(template)) => {
                let value = self.eval("", |reach| template.render(&Scope::starting(reach, vars)))?;
                Some(super::settings::count_of("", &value, "budget.attempts", limits::BUDGET_ATTEMPTS)?)
            }
        };
        Ok(own.into_iter().chain(self.state.share).min())
    }

    /// Whether nothing at a site is counted: it is a step of a `finally`, or stands in one, or undoes something.
    pub(super) fn is_free(&self, site: &Site) -> bool {
        let step = &self.plan.steps[site.step as usize];
        if path::as_aside(&site.path).is_some() || step.finally {
            return true;
        }
        let mut at = site.body;
        while at != ROOT {
            if self.is_apart(at) {
                return true;
            }
            at = self.state.get(at).parent;
        }
        false
    }

    /// Instances with a budget at a site and around it, the innermost first.
    fn budgets(&self, site: &Site) -> Vec<Ix> {
        let own = self.state.find(&site.path);
        let mut all = Vec::new();
        let mut at = own.or_else(|| site.slot.map(|slot| slot.holder)).unwrap_or(site.body);
        loop {
            let instance = self.state.get(at);
            if instance.budget.is_some() {
                all.push(at);
            }
            if at == ROOT {
                return all;
            }
            at = instance.parent;
        }
    }

    fn left(&self, ix: Ix) -> u32 {
        self.state.get(ix).budget.as_ref().map_or(u32::MAX, |budget| budget.left())
    }

    /// Whether one more attempt may be made at a site. If not, what has the budget stops, and the site fails.
    pub(super) fn afford(&mut self, site: &Site) -> Result<(), Stop> {
        if !self.state.budgeted || self.is_free(site) {
            return Ok(());
        }
        // The outermost one: nothing inside tolerates it.
        let spent = self.budgets(site).into_iter().rev().find(|ix| self.left(*ix) == 0);
        match spent {
            None => Ok(()),
            Some(ix) => Err(Stop::Error(self.overspent(ix, &site.path))),
        }
    }

    /// A budget would be passed at `path`: what has it stops.
    fn overspent(&mut self, ix: Ix, path: &str) -> StepError {
        let instance = self.state.get(ix);
        let of = match &*instance.path {
            "" => "the run".to_owned(),
            step => format!("`{step}`"),
        };
        let budget = instance.budget.as_deref().copied();
        let attempts = budget.map_or(0, |budget| budget.attempts);
        let reserved = match budget.map_or(0, |budget| budget.reserved) {
            0 => String::new(),
            n => format!(", {n} of them set aside for child runs"),
        };
        let plural = if attempts == 1 { "" } else { "s" };
        let message = format!("the budget of {of} is used up: {attempts} attempt{plural}{reserved}");
        let error = step_error(path, ErrorKind::Budget, &message);
        if *instance.path != *path {
            let path = instance.path.to_string();
            self.emit(Event::BudgetSpent { path, error: error.clone() });
            self.stop_inside(ix);
        }
        error
    }

    /// How many attempts a child run may make: what is left, by how many may run beside each other; at most what is
    /// left of its step's own budget and what its own head says. `None` where nothing is counted.
    pub(super) fn share(&mut self, site: &Site, child: &Child) -> Result<Option<u32>, Stop> {
        if self.is_free(site) {
            return Ok(None);
        }
        self.afford(site)?;
        // Where the step is just about to begin, its own budget is not booked yet; it may have waited for a place.
        let there = self.state.find(&site.path).map(|ix| &self.state.get(ix).kind);
        let begun = there.is_some_and(|kind| !matches!(kind, Kind::Place)) || site.slot.is_some();
        let step = &self.plan.steps[site.step as usize];
        let own = if begun { None } else { self.step_budget(site, step)? };
        let around = self.budgets(site).into_iter().map(|ix| {
            let beside = self.beside(site, ix);
            self.left(ix).div_ceil(beside)
        });
        let given = around.chain(own).min();
        Ok(given.map(|given| given.min(child.budget.unwrap_or(u32::MAX))))
    }

    /// A child run ended because its share was used up. Where nothing is left of what the share was taken from, that
    /// is used up as well.
    pub(super) fn share_spent(&mut self, ix: Ix) {
        let site = self.site(ix);
        let own = |at: &Ix| *at != ix;
        let spent = self.budgets(&site).into_iter().rev().filter(own).find(|ix| self.left(*ix) == 0);
        if let Some(spent) = spent
            && !self.state.get(spent).is_closing()
        {
            self.overspent(spent, &site.path);
        }
    }

    /// How many may run beside each other inside of `holder`, of those that a step is one of.
    fn beside(&self, site: &Site, holder: Ix) -> u32 {
        let (mut slot, mut body, mut step) = (site.slot.map(|slot| slot.holder), site.body, site.step);
        if self.state.find(&site.path) == Some(holder) {
            return 1;
        }
        let mut all: u32 = 1;
        loop {
            if let Some(items) = slot {
                all = all.saturating_mul(self.items_beside(items));
                if items == holder {
                    return all;
                }
            }
            all = all.saturating_mul(self.steps_beside(body, step));
            if body == holder || body == ROOT {
                return all;
            }
            let instance = self.state.get(body);
            let around = self.state.get(instance.parent);
            step = instance.step;
            (slot, body) = match around.kind {
                Kind::Foreach { .. } | Kind::Loop { .. } => (Some(instance.parent), around.parent),
                _ => (None, instance.parent),
            };
        }
    }

    fn items_beside(&self, holder: Ix) -> u32 {
        match self.state.get(holder).kind {
            Kind::Foreach { count, parallel, done, .. } => parallel.min(count.saturating_sub(done)).max(1),
            _ => 1,
        }
    }

    /// Steps of a block that may run while one of them does, itself included: those that make attempts, have not
    /// ended, and neither need it nor are needed by it.
    fn steps_beside(&self, body: Ix, step: StepIx) -> u32 {
        let block = block_of(self.state, self.plan, body);
        let own = block.steps.iter().position(|at| *at == step);
        let Some(own) = own.filter(|_| !block.machine) else { return 1 };
        let mut ordered = vec![false; block.steps.len()];
        let ways: [fn(&Step) -> &[usize]; 2] = [|step| &step.needs, |step| &step.needed_by];
        for way in ways {
            let mut queue = vec![own];
            while let Some(pos) = queue.pop() {
                for next in way(&self.plan.steps[block.steps[pos] as usize]) {
                    if !std::mem::replace(&mut ordered[*next], true) {
                        queue.push(*next);
                    }
                }
            }
        }
        let progress = self.state.get(body).block.as_ref();
        let beside = (0..block.own).filter(|pos| {
            let at = progress.and_then(|progress| progress.at[*pos]);
            let ended = at.is_some_and(|ix| self.state.get(ix).status.is_end());
            *pos != own && !ordered[*pos] && !ended && self.makes_attempts(block.steps[*pos])
        });
        u32::try_from(beside.count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Whether a step makes attempts, or has something inside that does.
    fn makes_attempts(&self, step: StepIx) -> bool {
        let inside = |block: &Block| block.steps[..block.own].iter().any(|step| self.makes_attempts(*step));
        match &self.plan.steps[step as usize].body {
            Body::Block(block) => inside(block),
            Body::Action(action) => {
                matches!(action.kind, ActionKind::Effect { .. } | ActionKind::Workflow(_))
            }
        }
    }
}

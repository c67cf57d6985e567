//! What expressions of a run can reach, made as it is asked for.
//!
//! Nothing is copied: a view is two references and a place, values are borrowed from the state or from what
//! the host loaded. What is not at hand is noted in `needs` and ends the evaluation with `Needs`.

use std::rc::Rc;

use serde_json::Value;
use stead_lang::expr::{Env, Val};
use stead_lang::plan::{Each, StepIx};

use super::reach::{Alias, Found, Reach, Slot, is_holder};
use super::state::{Ix, Kind, ROOT};
use super::views::{Fields, NamedValues, RunView, Steps, ended_view};
use crate::path;

/// The surroundings of one evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    reach: Reach<'a>,
    /// The block whose steps are siblings.
    body: Ix,
    /// The item or iteration itself, where it may not exist yet.
    own: Option<Slot>,
    /// Which visit the state is, where it may not exist yet.
    visit: Option<u32>,
    /// The step itself, where it may not exist yet.
    step: Option<StepIx>,
    alias: Option<Alias<'a>>,
    /// `vars` so far, while they are computed.
    vars: &'a [(String, Value)],
    candidate: Option<Candidate<'a>>,
}

/// An element of `in` whose key is computed, before there are items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) binding: &'a str,
    pub(super) item: &'a Value,
}

impl<'a> Scope<'a> {
    /// As a step of the block sees it.
    pub(super) fn of(reach: Reach<'a>, body: Ix) -> Self {
        Scope { reach, body, own: None, visit: None, step: None, alias: None, vars: &[], candidate: None }
    }

    /// As the run sees it before it begins.
    pub(super) fn starting(reach: Reach<'a>, vars: &'a [(String, Value)]) -> Self {
        Scope { reach, body: ROOT, own: None, visit: None, step: None, alias: None, vars, candidate: None }
    }

    /// As an item or iteration of a step of the block sees it.
    pub(super) fn within(self, slot: Slot) -> Self {
        Scope { own: Some(slot), ..self }
    }

    /// As a visit of a state of the block sees it.
    pub(super) fn visiting(self, number: u32) -> Self {
        Scope { visit: Some(number), ..self }
    }

    /// As a step of the block, or an item or iteration of it, sees it.
    pub(super) fn doing(self, step: StepIx) -> Self {
        Scope { step: Some(step), ..self }
    }

    /// With an element of `in` that is no item yet.
    pub(super) fn with_candidate(self, candidate: Candidate<'a>) -> Self {
        Scope { candidate: Some(candidate), ..self }
    }

    /// With `id` standing for one instance.
    pub(super) fn with_alias(self, id: &'a str, ix: Ix) -> Self {
        Scope { alias: Some(Alias { id, ix }), ..self }
    }

    /// Items and iterations around, the innermost first.
    fn slots(self) -> impl Iterator<Item = Slot> {
        let state = self.reach.state;
        let mut own = self.own;
        let mut next = (state.root().is_some()).then_some(self.body);
        std::iter::from_fn(move || {
            if let Some(slot) = own.take() {
                return Some(slot);
            }
            loop {
                let ix = next?;
                if ix == ROOT {
                    next = None;
                    return None;
                }
                let instance = state.get(ix);
                let holder = instance.parent;
                if is_holder(state.get(holder)) {
                    next = Some(state.get(holder).parent);
                    return Some(Slot { holder, index: instance.index });
                }
                next = Some(holder);
            }
        })
    }

    /// Number of the innermost iteration or visit.
    fn iteration(self) -> Option<u32> {
        let state = self.reach.state;
        let looped = |holder: Ix| matches!(state.get(holder).kind, Kind::Loop { .. });
        if let Some(slot) = self.own.filter(|slot| looped(slot.holder)) {
            return Some(slot.index);
        }
        if self.visit.is_some() {
            return self.visit;
        }
        let mut at = state.root().map(|_| self.body)?;
        while at != ROOT {
            let instance = state.get(at);
            if looped(instance.parent) {
                return Some(instance.index);
            }
            if let Some(number) = instance.visit(state) {
                return Some(number);
            }
            at = instance.parent;
        }
        None
    }

    /// How the block around has ended, in its `finally`.
    fn ended(self) -> Found<'a> {
        let state = self.reach.state;
        let mut at = self.body;
        loop {
            if let Some(decided) = &state.get(at).verdict {
                return Ok(Some(ended_view(&decided.ending)));
            }
            if at == ROOT {
                return Ok(None);
            }
            at = state.get(at).parent;
        }
    }

    /// The comment of the rejection that began the step again, or what is around it.
    fn feedback(self) -> Found<'a> {
        let state = self.reach.state;
        if state.root().is_none() {
            return Ok(Some(Val::Null));
        }
        let known = |body: Ix, step: StepIx| {
            let id = &self.reach.plan.steps.get(step as usize)?.id;
            state.feedback(body, id, state.round(body, id))
        };
        let mut found = self.step.and_then(|step| known(self.body, step));
        let mut at = self.body;
        while found.is_none() && at != ROOT {
            let instance = state.get(at);
            if let path::Part::Step { id, visit, .. } = path::split(&instance.path) {
                found = state.feedback(instance.parent, id, visit);
            }
            at = instance.parent;
        }
        match found {
            Some(reference) => self.reach.json(reference).map(|value| Some(Val::from_json(value))),
            None => Ok(Some(Val::Null)),
        }
    }

    fn iterations(self) -> Option<Slot> {
        self.slots().find(|s| matches!(self.reach.state.get(s.holder).kind, Kind::Loop { .. }))
    }

    fn items(self) -> Option<Slot> {
        self.slots().find(|s| matches!(self.reach.state.get(s.holder).kind, Kind::Foreach { .. }))
    }

    fn previous(self) -> Found<'a> {
        let Some(slot) = self.iterations() else { return Ok(None) };
        let state = self.reach.state;
        let holder = state.get(slot.holder);
        let before = path::iteration(&holder.path, slot.index.saturating_sub(1));
        let steps = match state.find(&before) {
            None => Steps { reach: self.reach, body: None, alias: None, outward: false },
            Some(ix) if matches!(state.get(state.doing(ix)).kind, Kind::Group) => {
                Steps { reach: self.reach, body: Some(state.doing(ix)), alias: None, outward: false }
            }
            Some(ix) => {
                let id = self.reach.plan.steps[holder.step as usize].id.as_str();
                Steps { reach: self.reach, body: None, alias: Some(Alias { id, ix }), outward: false }
            }
        };
        Ok(Some(Val::Object(Rc::new(steps))))
    }
}

impl<'a> Env<'a> for Scope<'a> {
    fn var(&self, name: &str) -> Found<'a> {
        let reach = self.reach;
        if let Some(candidate) = self.candidate
            && name == candidate.binding
        {
            return Ok(Some(Val::from_json(candidate.item)));
        }
        match name {
            "inputs" => return Ok(Some(Val::Object(Rc::new(NamedValues { reach, fields: Fields::Inputs })))),
            "vars" => {
                let fields = match self.vars {
                    [] if reach.state.started_at.is_some() => Fields::Vars,
                    early => Fields::Early(early),
                };
                return Ok(Some(Val::Object(Rc::new(NamedValues { reach, fields }))));
            }
            "run" => return Ok(Some(Val::Object(Rc::new(RunView { state: reach.state })))),
            "steps" => {
                let body = reach.state.root().map(|_| self.body);
                return Ok(Some(Val::Object(Rc::new(Steps {
                    reach,
                    body,
                    alias: self.alias,
                    outward: true,
                }))));
            }
            "feedback" => return self.feedback(),
            "ended" => return self.ended(),
            "iteration" => return Ok(self.iteration().map(|number| Val::Int(i64::from(number)))),
            "previous" => return self.previous(),
            "index" => return Ok(self.items().map(|s| Val::Int(i64::from(s.index)))),
            "key" => return self.items().map_or(Ok(None), |slot| reach.key(slot)),
            _ => {}
        }
        // The name that a foreach gave its items.
        for slot in self.slots() {
            let step = reach.state.get(slot.holder).step;
            if let Some(Each::Foreach { binding, .. }) = &reach.plan.steps[step as usize].each
                && binding == name
            {
                return reach.item(slot);
            }
        }
        Ok(None)
    }
}

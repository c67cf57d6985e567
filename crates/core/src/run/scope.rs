//! What expressions of a run can reach, made as it is asked for.
//!
//! Nothing is copied: a view is two references and a place, values are borrowed from the state or from what
//! the host loaded. What is not at hand is noted in `needs` and ends the evaluation with `Needs`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use stead_lang::expr::{Env, EvalError, Val};
use stead_lang::plan::{Block, Body, Each, Plan};

use super::state::{Instance, Ix, Kind, Output, ROOT, RunState};
use super::views::{Fields, Gathered, NamedValues, RunView, Steps};
use crate::path;
use crate::value::{ValueRef, Values};

/// What is there to be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) state: &'a RunState,
    pub(super) plan: &'a Plan,
    pub(super) values: &'a Values,
    pub(super) needs: &'a RefCell<Vec<ValueRef>>,
}

/// An item or iteration: its holder, and its position from 0 or number from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) holder: Ix,
    pub(super) index: u32,
}

/// An id that stands for one instance: in `until` and `previous` of an action that iterates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alias<'a> {
    pub(super) id: &'a str,
    pub(super) ix: Ix,
}

/// The surroundings of one evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    reach: Reach<'a>,
    /// The block whose steps are siblings.
    body: Ix,
    /// The item or iteration itself, where it may not exist yet.
    own: Option<Slot>,
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

pub(super) type Found<'a> = Result<Option<Val<'a>>, EvalError>;

impl<'a> Scope<'a> {
    /// As a step of the block sees it.
    pub(super) fn of(reach: Reach<'a>, body: Ix) -> Self {
        Scope { reach, body, own: None, alias: None, vars: &[], candidate: None }
    }

    /// As the run sees it before it begins.
    pub(super) fn starting(reach: Reach<'a>, vars: &'a [(String, Value)]) -> Self {
        Scope { reach, body: ROOT, own: None, alias: None, vars, candidate: None }
    }

    /// As an item or iteration of a step of the block sees it.
    pub(super) fn within(self, slot: Slot) -> Self {
        Scope { own: Some(slot), ..self }
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

    pub(super) fn item(self, slot: Slot) -> Found<'a> {
        let Kind::Foreach { items, .. } = &self.reach.state.get(slot.holder).kind else { return Ok(None) };
        let items = self.reach.json(items)?;
        Ok(items.get(slot.index as usize).map(Val::from_json))
    }

    pub(super) fn key(self, slot: Slot) -> Found<'a> {
        self.reach.key(slot.holder, slot.index)
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
            Some(ix) if matches!(state.get(ix).kind, Kind::Group) => {
                Steps { reach: self.reach, body: Some(ix), alias: None, outward: false }
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
                let fields =
                    if reach.state.started_at.is_some() { Fields::Vars } else { Fields::Early(self.vars) };
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
            "feedback" => return Ok(Some(Val::Null)),
            "iteration" => return Ok(self.iterations().map(|s| Val::Int(i64::from(s.index)))),
            "previous" => return self.previous(),
            "index" => return Ok(self.items().map(|s| Val::Int(i64::from(s.index)))),
            "key" => return self.items().map_or(Ok(None), |slot| self.key(slot)),
            _ => {}
        }
        // The name that a foreach gave its items.
        for slot in self.slots() {
            let step = reach.state.get(slot.holder).step;
            if let Some(Each::Foreach { binding, .. }) = &reach.plan.steps[step as usize].each
                && binding == name
            {
                return self.item(slot);
            }
        }
        Ok(None)
    }
}

pub(super) fn is_holder(instance: &Instance) -> bool {
    matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. })
}

impl<'a> Reach<'a> {
    /// The value behind a reference.
    pub(super) fn json(self, reference: &'a ValueRef) -> Result<&'a Value, EvalError> {
        self.values.get(reference).ok_or_else(|| {
            self.needs.borrow_mut().push(reference.clone());
            EvalError::Needs
        })
    }

    pub(super) fn block(self, body: Ix) -> &'a Block {
        block_of(self.state, self.plan, body)
    }

    /// The instance of a step of a block.
    pub(super) fn child(self, body: Ix, pos: usize) -> Option<Ix> {
        let instance = self.state.get(body);
        if let Some(progress) = &instance.block {
            return progress.at[pos];
        }
        let step = self.block(body).steps[pos];
        self.state.find(&path::step(&instance.path, &self.plan.steps[step as usize].id))
    }

    fn key(self, holder: Ix, index: u32) -> Found<'a> {
        let Kind::Foreach { keys, .. } = &self.state.get(holder).kind else { return Ok(None) };
        match keys {
            None => Ok(Some(Val::Str(Cow::Owned(index.to_string())))),
            Some(keys) => Ok(self.json(keys)?.get(index as usize).map(Val::from_json)),
        }
    }

    /// The output of an instance; `None` where it has none.
    pub(super) fn output(self, ix: Ix) -> Found<'a> {
        let instance = self.state.get(ix);
        match &instance.output {
            Output::None => Ok(None),
            Output::At(reference) => Ok(Some(Val::from_json(self.json(reference)?))),
            Output::Gathered => match instance.kind {
                Kind::Loop { .. } => instance.inside.last().map_or(Ok(None), |last| self.output(*last)),
                _ => Ok(Some(Val::Object(Rc::new(Gathered { reach: self, ix })))),
            },
        }
    }

    pub(super) fn has_output(self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        match instance.output {
            Output::None => false,
            Output::At(_) => true,
            Output::Gathered => match instance.kind {
                Kind::Loop { .. } => instance.inside.last().is_some_and(|last| self.has_output(*last)),
                _ => true,
            },
        }
    }
}

/// The block that an instance runs.
pub(super) fn block_of<'p>(state: &RunState, plan: &'p Plan, body: Ix) -> &'p Block {
    if body == ROOT {
        return &plan.root;
    }
    match &plan.steps[state.get(body).step as usize].body {
        Body::Block(block) => block,
        Body::Action(_) => unreachable!("only groups have blocks"),
    }
}

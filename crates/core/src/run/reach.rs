//! What is there to be reached, and how to find it: the state, the plan, and the values at hand.

use std::borrow::Cow;
use std::cell::RefCell;

use serde_json::Value;
use stead_lang::expr::{EvalError, Val};
use stead_lang::plan::{Block, Body, Plan};

use super::state::{Instance, Ix, Kind, ROOT, RunState};
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

/// A value, or none; or why there is neither.
pub(super) type Found<'a> = Result<Option<Val<'a>>, EvalError>;

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
        self.state.newest(body, &self.plan.steps[step as usize].id)
    }

    /// The key of an item.
    pub(super) fn key(self, slot: Slot) -> Found<'a> {
        let Kind::Foreach { keys, .. } = &self.state.get(slot.holder).kind else { return Ok(None) };
        match keys {
            None => Ok(Some(Val::Str(Cow::Owned(slot.index.to_string())))),
            Some(keys) => Ok(self.json(keys)?.get(slot.index as usize).map(Val::from_json)),
        }
    }

    /// An item itself.
    pub(super) fn item(self, slot: Slot) -> Found<'a> {
        let Kind::Foreach { items, lines, .. } = &self.state.get(slot.holder).kind else { return Ok(None) };
        if let Some(lines) = lines {
            return self.line(lines, slot.index).map(Some);
        }
        let items = self.json(items)?;
        Ok(items.get(slot.index as usize).map(Val::from_json))
    }
}

/// Whether an instance has items or iterations.
pub(super) fn is_holder(instance: &Instance) -> bool {
    matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. })
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

//! Elements, fields and keys, paid for.
//!
//! Taking a value out of a list or map that was there before borrows it. Out of one that the expression made
//! a text is copied, and a short expression could copy a long text very often: so the copy costs work.

use std::rc::Rc;

use super::EvalError;
use super::eval::{Result1, Run};
use super::node::Node;
use super::value::Val;
use super::view::{Dict, Seq};

/// What copying a value costs: lists and maps are shared, texts that were made are not.
fn weight(value: &Val<'_>) -> u64 {
    use std::borrow::Cow::Owned;
    match value {
        Val::Str(Owned(text)) => text.len() as u64 / 32,
        Val::Bytes(Owned(bytes)) => bytes.len() as u64 / 32,
        _ => 0,
    }
}

impl<'a> Run<'_, 'a> {
    /// A value that was copied already.
    pub(super) fn paid(&mut self, value: Val<'a>, node: &Node) -> Result1<'a> {
        self.spend(weight(&value), node)?;
        Ok(value)
    }

    /// A copy of a value.
    pub(super) fn copy(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        self.spend(weight(value), node)?;
        Ok(value.clone())
    }

    /// What an optional value holds.
    pub(super) fn unwrapped(&mut self, value: Rc<Val<'a>>, node: &Node) -> Result1<'a> {
        match Rc::try_unwrap(value) {
            Ok(value) => Ok(value),
            Err(shared) => self.copy(&shared, node),
        }
    }

    /// An element of a list; `None` behind its end.
    pub(super) fn item(
        &mut self,
        seq: &Seq<'a>,
        index: usize,
        node: &Node,
    ) -> Result<Option<Val<'a>>, EvalError> {
        let item = seq.at(index).map_err(|error| self.at(node, error))?;
        self.spend(item.as_ref().map_or(0, weight), node)?;
        Ok(item)
    }

    /// How many elements a list has.
    pub(super) fn length(&self, seq: &Seq<'a>, node: &Node) -> Result<usize, EvalError> {
        seq.len().map_err(|error| self.at(node, error))
    }

    /// The value of a key of a map.
    pub(super) fn entry(
        &mut self,
        dict: &Dict<'a>,
        key: &Val<'a>,
        node: &Node,
    ) -> Result<Option<Val<'a>>, EvalError> {
        self.spend_lookup(dict, node)?;
        let value = dict.get(key).map_err(|error| self.at(node, error))?;
        self.spend(value.as_ref().map_or(0, weight), node)?;
        Ok(value)
    }

    /// The value of a field of a map.
    pub(super) fn member(
        &mut self,
        dict: &Dict<'a>,
        name: &str,
        node: &Node,
    ) -> Result<Option<Val<'a>>, EvalError> {
        self.spend_lookup(dict, node)?;
        let value = dict.field(name).map_err(|error| self.at(node, error))?;
        self.spend(value.as_ref().map_or(0, weight), node)?;
        Ok(value)
    }

    /// The keys of a map, in order.
    pub(super) fn keys(&mut self, dict: &Dict<'a>, node: &Node) -> Result<Vec<Val<'a>>, EvalError> {
        let keys = dict.keys().map_err(|error| self.at(node, error))?;
        self.spend(keys.len() as u64 + keys.iter().map(weight).sum::<u64>(), node)?;
        Ok(keys)
    }

    /// Takes what finding a key costs: a map that an expression made is searched through.
    pub(super) fn spend_lookup(&mut self, dict: &Dict<'a>, node: &Node) -> Result<(), EvalError> {
        let entries = match dict {
            Dict::Made(entries) => entries.len() as u64,
            _ => 0,
        };
        self.spend(1 + entries / 8, node)
    }
}

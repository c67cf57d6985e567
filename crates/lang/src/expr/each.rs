//! The macros over lists and maps, and over optional values.

use std::rc::Rc;

use super::EvalError;
use super::eval::{Result1, Run};
use super::node::{Each, Node};
use super::value::Val;
use super::view::{Seq, View};

impl<'a> Run<'_, 'a> {
    /// `all`, `exists`, `exists_one`, `map`, `filter`: over the elements of a list or the keys of a map.
    #[inline(never)]
    pub(super) fn each(
        &mut self,
        each: Each,
        over: &Val<'a>,
        only: Option<&'a Node>,
        body: &'a Node,
        node: &Node,
    ) -> Result1<'a> {
        let seq = match View::of(over) {
            View::Seq(seq) => seq,
            View::Dict(dict) => Seq::Made(Rc::new(self.keys(&dict, node)?)),
            View::Other => {
                return self.fail(node, format!("this goes over a list or a map, not {}", over.describe()));
            }
        };
        let len = self.length(&seq, node)?;
        let mut found = Found::default();
        for index in 0..len {
            self.spend(1, node)?;
            let item = match self.item(&seq, index, node) {
                Ok(Some(item)) => item,
                Ok(None) => break,
                Err(EvalError::Needs) => {
                    found.needs = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.visit(each, item, only, body, &mut found, node)? {
                break;
            }
        }
        if found.needs {
            return Err(EvalError::Needs);
        }
        match (each, found.error) {
            (Each::All | Each::Exists, _) if found.settled => Ok(Val::Bool(each == Each::Exists)),
            (_, Some(error)) => Err(error),
            (Each::All, None) => Ok(Val::Bool(true)),
            (Each::Exists, None) => Ok(Val::Bool(false)),
            (Each::ExistsOne, None) => Ok(Val::Bool(found.count == 1)),
            (Each::Map | Each::Filter, None) => Ok(Val::List(Rc::new(found.made))),
        }
    }

    /// One element. `true`: no further one matters.
    fn visit(
        &mut self,
        each: Each,
        item: Val<'a>,
        only: Option<&'a Node>,
        body: &'a Node,
        found: &mut Found<'a>,
        node: &Node,
    ) -> Result<bool, EvalError> {
        let kept = if each == Each::Filter { Some(self.copy(&item, node)?) } else { None };
        self.bound.push(item);
        let wanted = match only {
            Some(only) => self.eval(only).and_then(|value| self.condition(value, node)),
            None => Ok(true),
        };
        let value = match wanted {
            Ok(true) => self.eval(body).map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        self.bound.pop();
        let value = match (each, value) {
            (_, Ok(None)) => return Ok(false),
            (Each::Map, Ok(Some(value))) => {
                found.made.push(value);
                self.within(found.made.len(), node)?;
                return Ok(false);
            }
            (_, Ok(Some(value))) => self.condition(value, node),
            (_, Err(error)) => Err(error),
        };
        match (each, value) {
            (_, Err(EvalError::Needs)) => found.needs = true,
            // One element that fails is no matter where another settles it.
            (Each::All | Each::Exists, Err(error)) => found.error = found.error.take().or(Some(error)),
            (_, Err(error)) => {
                found.error = Some(error);
                // Without the values that are missing the rest is not worth the work either.
                return Ok(true);
            }
            (Each::All, Ok(value)) => found.settled |= !value,
            (Each::Exists, Ok(value)) => found.settled |= value,
            (Each::ExistsOne, Ok(value)) => found.count += u64::from(value),
            (_, Ok(true)) => {
                found.made.extend(kept);
                self.within(found.made.len(), node)?;
            }
            (_, Ok(false)) => {}
        }
        Ok(found.settled)
    }

    fn condition(&self, value: Val<'a>, node: &Node) -> Result<bool, EvalError> {
        match value {
            Val::Bool(value) => Ok(value),
            value => self
                .fail(node, format!("the condition for an element is a boolean, not {}", value.describe())),
        }
    }

    #[inline(never)]
    pub(super) fn opt_map(&mut self, of: &'a Node, body: &'a Node, flat: bool, node: &Node) -> Result1<'a> {
        let value = match self.eval(of)? {
            Val::Optional(Some(value)) => (*value).clone(),
            Val::Optional(None) => return Ok(Val::Optional(None)),
            value => {
                return self.fail(node, format!("this takes an optional value, not {}", value.describe()));
            }
        };
        self.bound.push(value);
        let made = self.eval(body);
        self.bound.pop();
        match made? {
            made if !flat => Ok(Val::Optional(Some(Rc::new(made)))),
            Val::Optional(made) => Ok(Val::Optional(made)),
            made => self.fail(node, format!("optFlatMap gives an optional value, not {}", made.describe())),
        }
    }
}

/// What a macro over a list has come to.
#[derive(Default)]
struct Found<'a> {
    made: Vec<Val<'a>>,
    count: u64,
    settled: bool,
    needs: bool,
    error: Option<EvalError>,
}

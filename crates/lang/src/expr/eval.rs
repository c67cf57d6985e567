//! The evaluator.
//!
//! It walks the tree with a stack of values bound by macros and a budget of work. What is read is borrowed;
//! only what an expression makes is new. `Needs` passes through everything: where a part of the work does
//! not depend on the value that is missing it is done all the same, so that the host hears of all missing
//! values in one go, and the result is thrown away.

use std::borrow::Cow;
use std::rc::Rc;

use super::nearest::shorten;
use super::node::{Binary, Entry, Kind, Node};
use super::number;
use super::value::{Val, failed};
use super::view::{View, plain};
use super::{Env, EvalError};
use crate::limits;

/// One evaluation.
pub(super) struct Run<'e, 'a> {
    env: &'e dyn Env<'a>,
    source: &'a str,
    /// Values bound by the macros around, outermost first.
    pub(super) bound: Vec<Val<'a>>,
    fuel: u64,
}

/// What a node comes to.
pub(super) type Result1<'a> = Result<Val<'a>, EvalError>;

impl<'e, 'a> Run<'e, 'a> {
    pub(super) fn new(env: &'e dyn Env<'a>, source: &'a str) -> Self {
        Run { env, source, bound: Vec::new(), fuel: limits::EVAL_FUEL }
    }

    /// Takes work from the budget. Once it is used up every further step fails, so that no `||` goes on.
    pub(super) fn spend(&mut self, work: u64, node: &Node) -> Result<(), EvalError> {
        match self.fuel.checked_sub(work) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => {
                self.fuel = 0;
                let message = format!("the expression takes more than {} steps", limits::EVAL_FUEL);
                Err(self.at(node, failed(message)))
            }
        }
    }

    /// Takes what reading through some bytes costs.
    pub(super) fn spend_scan(&mut self, bytes: usize, node: &Node) -> Result<(), EvalError> {
        self.spend(bytes as u64 / 256, node)
    }

    /// The error, at the place of a node.
    pub(super) fn at(&self, node: &Node, error: EvalError) -> EvalError {
        match error {
            EvalError::Needs => EvalError::Needs,
            EvalError::Failed { message, .. } => EvalError::Failed { message, offset: node.at },
        }
    }

    pub(super) fn fail<T>(&self, node: &Node, message: impl Into<String>) -> Result<T, EvalError> {
        Err(self.at(node, failed(message)))
    }

    /// How the text names a node, for messages.
    pub(super) fn named(&self, node: &Node) -> Cow<'a, str> {
        match node.kind {
            Kind::Root(_) | Kind::Slot(_) | Kind::Field { .. } | Kind::Index { .. } => {
                let text = self.source.get(node.start as usize..node.end as usize).unwrap_or_default();
                format!("`{}`", shorten(text)).into()
            }
            _ => "the value".into(),
        }
    }

    pub(super) fn eval(&mut self, node: &'a Node) -> Result1<'a> {
        self.spend(1, node)?;
        match &node.kind {
            Kind::Null => Ok(Val::Null),
            Kind::Bool(value) => Ok(Val::Bool(*value)),
            Kind::Int(value) => Ok(Val::Int(*value)),
            Kind::UInt(value) => Ok(Val::UInt(*value)),
            Kind::Double(value) => Ok(Val::Double(*value)),
            Kind::Str(text) => Ok(Val::Str(Cow::Borrowed(text))),
            Kind::Bytes(bytes) => Ok(Val::Bytes(Cow::Borrowed(bytes))),
            Kind::Constant(value) => Ok(Val::Json(value)),
            Kind::Type(name) => Ok(Val::Type(name)),
            Kind::Slot(slot) => self.slot(*slot, node),
            Kind::Root(name) => self.root(name, node),
            Kind::Field { of, name, optional } => {
                let value = self.eval(of)?;
                self.field(value, name, *optional, of, node)
            }
            Kind::Has { of, name } => {
                let value = self.eval(of)?;
                self.has(&value, name, of, node)
            }
            Kind::Index { of, index, optional } => self.index(of, index, *optional, node),
            Kind::List(items) => self.list(items, node),
            Kind::Map(entries) => self.map(entries, node),
            Kind::Not(of) => match self.eval(of)? {
                Val::Bool(value) => Ok(Val::Bool(!value)),
                value => self.fail(node, format!("`!` takes a boolean, not {}", value.describe())),
            },
            Kind::Negate(of) => {
                let value = self.eval(of)?;
                number::negate(&value).map_err(|error| self.at(node, error))
            }
            Kind::And(left, right) => self.logic(left, right, false, node),
            Kind::Or(left, right) => self.logic(left, right, true, node),
            Kind::Choice { condition, yes, no } => match self.eval(condition)? {
                Val::Bool(true) => self.eval(yes),
                Val::Bool(false) => self.eval(no),
                value => self.fail(node, format!("`?` takes a boolean before it, not {}", value.describe())),
            },
            Kind::Binary { op, left, right } => self.binary(*op, left, right, node),
            Kind::Call { fun, args, regex } => self.call(*fun, args, regex.as_ref(), node),
            Kind::Each { each, over, only, body, .. } => {
                let value = self.eval(over)?;
                self.each(*each, &value, only.as_deref(), body, node)
            }
            Kind::OptMap { of, body, flat, .. } => self.opt_map(of, body, *flat, node),
        }
    }

    fn slot(&mut self, slot: u32, node: &Node) -> Result1<'a> {
        match self.bound.get(slot as usize).cloned() {
            Some(value) => self.paid(value, node),
            None => self.fail(node, "a name that is not bound"),
        }
    }

    #[inline(never)]
    fn root(&mut self, name: &str, node: &Node) -> Result1<'a> {
        match self.env.var(name) {
            Ok(Some(value)) => Ok(plain(value)),
            Ok(None) => self.fail(node, format!("there is no `{}` here", shorten(name))),
            Err(error) => Err(self.at(node, error)),
        }
    }

    /// Both values. The second is evaluated even where the first is not loaded.
    pub(super) fn two(&mut self, left: &'a Node, right: &'a Node) -> Result<(Val<'a>, Val<'a>), EvalError> {
        match self.eval(left) {
            Ok(left) => Ok((left, self.eval(right)?)),
            Err(EvalError::Needs) => {
                // The result of it says nothing: the first one comes first.
                let _ = self.eval(right);
                Err(EvalError::Needs)
            }
            Err(error) => Err(error),
        }
    }

    #[inline(never)]
    fn list(&mut self, items: &'a [(Node, bool)], node: &Node) -> Result1<'a> {
        let mut made = Vec::with_capacity(items.len());
        let mut needs = false;
        for (item, optional) in items {
            match self.eval(item) {
                Ok(value) if *optional => match value {
                    Val::Optional(Some(value)) => made.push(self.unwrapped(value, node)?),
                    Val::Optional(None) => {}
                    value => {
                        return self
                            .fail(node, format!("`?` takes an optional value, not {}", value.describe()));
                    }
                },
                Ok(value) => made.push(value),
                Err(EvalError::Needs) => needs = true,
                Err(error) if !needs => return Err(error),
                Err(_) => {}
            }
        }
        if needs { Err(EvalError::Needs) } else { Ok(Val::List(Rc::new(made))) }
    }

    #[inline(never)]
    fn map(&mut self, entries: &'a [Entry], node: &Node) -> Result1<'a> {
        let mut made: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(entries.len());
        let mut needs = false;
        for entry in entries {
            match self.two(&entry.key, &entry.value) {
                Ok((key, value)) => {
                    if !matches!(key, Val::Str(_) | Val::Int(_) | Val::UInt(_) | Val::Bool(_)) {
                        return self.fail(&entry.key, format!("{} is no key of a map", key.describe()));
                    }
                    self.spend(1 + made.len() as u64 / 8, node)?;
                    if made.iter().any(|(known, _)| super::compare::scalars_equal(known, &key)) {
                        return self.fail(&entry.key, "a key stands twice in the map");
                    }
                    match (entry.optional, value) {
                        (false, value) => made.push((key, value)),
                        (true, Val::Optional(Some(value))) => made.push((key, self.unwrapped(value, node)?)),
                        (true, Val::Optional(None)) => {}
                        (true, value) => {
                            return self.fail(
                                node,
                                format!("`?` takes an optional value, not {}", value.describe()),
                            );
                        }
                    }
                }
                Err(EvalError::Needs) => needs = true,
                Err(error) if !needs => return Err(error),
                Err(_) => {}
            }
        }
        if needs { Err(EvalError::Needs) } else { Ok(Val::Map(Rc::new(made))) }
    }

    /// `&&` and `||`: `decides` is what settles it alone. One side that fails is no matter where the other
    /// settles it.
    fn logic(&mut self, left: &'a Node, right: &'a Node, decides: bool, node: &Node) -> Result1<'a> {
        let first = match self.eval(left) {
            Err(EvalError::Needs) => return Err(EvalError::Needs),
            Ok(Val::Bool(value)) if value == decides => return Ok(Val::Bool(decides)),
            first => first.and_then(|value| self.boolean(value, decides, node)),
        };
        let second = match self.eval(right) {
            Err(EvalError::Needs) => return Err(EvalError::Needs),
            Ok(Val::Bool(value)) if value == decides => return Ok(Val::Bool(decides)),
            second => second.and_then(|value| self.boolean(value, decides, node)),
        };
        first.and(second).map(Val::Bool)
    }

    fn boolean(&self, value: Val<'a>, decides: bool, node: &Node) -> Result<bool, EvalError> {
        match value {
            Val::Bool(value) => Ok(value),
            value => {
                let sign = if decides { "||" } else { "&&" };
                self.fail(node, format!("`{sign}` takes booleans, not {}", value.describe()))
            }
        }
    }

    #[inline(never)]
    fn binary(&mut self, op: Binary, left: &'a Node, right: &'a Node, node: &Node) -> Result1<'a> {
        let (left, right) = self.two(left, right)?;
        use std::cmp::Ordering::{Equal, Greater, Less};
        let holds = match op {
            Binary::Equal => self.equal(&left, &right, node)?,
            Binary::NotEqual => !self.equal(&left, &right, node)?,
            Binary::Less => self.order(&left, &right, node)? == Some(Less),
            Binary::LessEqual => matches!(self.order(&left, &right, node)?, Some(Less | Equal)),
            Binary::Greater => self.order(&left, &right, node)? == Some(Greater),
            Binary::GreaterEqual => matches!(self.order(&left, &right, node)?, Some(Greater | Equal)),
            Binary::In => self.contained(&left, &right, node)?,
            _ => return self.arithmetic(op, left, &right, node),
        };
        Ok(Val::Bool(holds))
    }

    fn contained(&mut self, item: &Val<'a>, within: &Val<'a>, node: &Node) -> Result<bool, EvalError> {
        match View::of(within) {
            View::Seq(seq) => {
                let mut needs = false;
                for index in 0..self.length(&seq, node)? {
                    self.spend(1, node)?;
                    let equal = match self.item(&seq, index, node) {
                        Ok(Some(element)) => self.equal(item, &element, node),
                        Ok(None) => break,
                        Err(error) => Err(error),
                    };
                    match equal {
                        Ok(true) => return if needs { Err(EvalError::Needs) } else { Ok(true) },
                        Ok(false) => {}
                        Err(EvalError::Needs) => needs = true,
                        Err(error) => return Err(error),
                    }
                }
                if needs { Err(EvalError::Needs) } else { Ok(false) }
            }
            View::Dict(dict) => Ok(self.entry(&dict, item, node)?.is_some()),
            View::Other => {
                let help = if matches!(within, Val::Str(_)) { "; write text.contains(part)" } else { "" };
                self.fail(node, format!("`in` takes a list or a map, not {}{help}", within.describe()))
            }
        }
    }
}

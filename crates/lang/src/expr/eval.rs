//! The evaluator.
//!
//! It walks the tree with a stack of values bound by macros and a budget of work. What is read is borrowed;
//! only what an expression makes is new. `Needs` passes through everything: where a part of the work does
//! not depend on the value that is missing it is done all the same, so that the host hears of all missing
//! values in one go, and the result is thrown away.

use std::borrow::Cow;
use std::rc::Rc;

use super::nearest::{listing, nearest, shorten};
use super::node::{Binary, Each, Entry, Kind, Node};
use super::number;
use super::value::{Val, failed};
use super::view::{Dict, Seq, View, plain};
use super::{Env, EvalError};
use crate::limits;

/// One evaluation.
pub(super) struct Run<'e, 'a> {
    env: &'e dyn Env<'a>,
    source: &'a str,
    /// Values bound by the macros around, outermost first.
    bound: Vec<Val<'a>>,
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
    fn named(&self, node: &Node) -> Cow<'a, str> {
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

    /// `.name`, `.?name`, `["name"]`. A field of an optional value is optional.
    fn field(&mut self, value: Val<'a>, name: &str, optional: bool, of: &Node, node: &Node) -> Result1<'a> {
        let (value, optional) = match value {
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(value)) => (self.unwrapped(value, node)?, true),
            value => (value, optional),
        };
        let found = match &value {
            Val::Json(serde_json::Value::Object(entries)) => entries.get(name).map(Val::from_json),
            value => match Dict::of(value) {
                Some(dict) => self.member(&dict, name, node)?,
                // Nothing is in null, and that is what was asked for.
                None if optional && matches!(value, Val::Null) => None,
                None => return self.no_fields(value, name, of, node),
            },
        };
        match (found, optional) {
            (Some(found), false) => Ok(found),
            (Some(found), true) => Ok(Val::Optional(Some(Rc::new(found)))),
            (None, true) => Ok(Val::Optional(None)),
            (None, false) => self.missing(&value, name, of, node),
        }
    }

    #[cold]
    fn no_fields(&self, value: &Val<'a>, name: &str, of: &Node, node: &Node) -> Result1<'a> {
        let help = match value {
            Val::Str(_) => "; write json(x) to read JSON out of a text",
            Val::Json(_) | Val::List(_) | Val::Object(_) => "; write [0] for its first element",
            _ => "",
        };
        let name = shorten(name);
        self.fail(node, format!("{} is {}, it has no `{name}`{help}", self.named(of), value.describe()))
    }

    #[cold]
    fn missing(&mut self, value: &Val<'a>, name: &str, of: &Node, node: &Node) -> Result1<'a> {
        /// Among more it is not worth looking for the nearest.
        const LOOKED_AT: usize = 200;
        let keys = match Dict::of(value) {
            Some(dict) => self.keys(&dict, node)?,
            None => Vec::new(),
        };
        // The message may be made and thrown away for each element of a list.
        self.spend(8 * keys.len().min(LOOKED_AT) as u64, node)?;
        let names: Vec<&str> = keys
            .iter()
            .filter_map(|key| match key {
                Val::Str(key) => Some(key.as_ref()),
                _ => None,
            })
            .collect();
        let mut message = format!("{} has no `{}`", self.named(of), shorten(name));
        if names.is_empty() {
            message.push_str("; it is empty");
        } else {
            message.push_str("; it has ");
            message.push_str(&listing(&names));
            if let Some(near) = nearest(name, names.iter().take(LOOKED_AT).copied()) {
                message.push_str("; the nearest is `");
                message.push_str(near);
                message.push('`');
            }
        }
        self.fail(node, message)
    }

    fn has(&mut self, value: &Val<'a>, name: &str, of: &Node, node: &Node) -> Result1<'a> {
        match value {
            Val::Optional(None) => return Ok(Val::Bool(false)),
            Val::Optional(Some(value)) => return self.has(value, name, of, node),
            _ => {}
        }
        match Dict::of(value) {
            Some(dict) => Ok(Val::Bool(self.member(&dict, name, node)?.is_some())),
            None => self.no_fields(value, name, of, node),
        }
    }

    #[inline(never)]
    fn index(&mut self, of: &'a Node, index: &'a Node, optional: bool, node: &Node) -> Result1<'a> {
        let (value, index) = self.two(of, index)?;
        self.element(value, &index, optional, of, node)
    }

    fn element(
        &mut self,
        value: Val<'a>,
        index: &Val<'a>,
        optional: bool,
        of: &Node,
        node: &Node,
    ) -> Result1<'a> {
        let (value, optional) = match value {
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(value)) => (self.unwrapped(value, node)?, true),
            value => (value, optional),
        };
        if let Val::Str(name) = index {
            return self.field(value, name, optional, of, node);
        }
        let found = match View::of(&value) {
            View::Seq(seq) => {
                let Some(position) = position(index) else {
                    return self
                        .fail(node, format!("the index of a list is an integer, not {}", index.describe()));
                };
                let found = usize::try_from(position).map_or(Ok(None), |at| self.item(&seq, at, node))?;
                if found.is_none() && !optional {
                    let len = self.length(&seq, node)?;
                    let named = self.named(of);
                    return self.fail(
                        node,
                        format!("{named} has no element {position}; it has {len}, counted from 0"),
                    );
                }
                found
            }
            View::Dict(dict) => {
                let found = self.entry(&dict, index, node)?;
                if found.is_none() && !optional {
                    let key = index.to_text().map_err(|error| self.at(node, error))?;
                    return self.missing(&value, &key, of, node);
                }
                found
            }
            View::Other if optional && matches!(value, Val::Null) => None,
            View::Other => {
                return self
                    .fail(node, format!("{} is {}, it has no elements", self.named(of), value.describe()));
            }
        };
        Ok(match (found, optional) {
            (Some(found), true) => Val::Optional(Some(Rc::new(found))),
            (Some(found), false) => found,
            (None, _) => Val::Optional(None),
        })
    }

    /// Both values. The second is evaluated even where the first is not loaded.
    fn two(&mut self, left: &'a Node, right: &'a Node) -> Result<(Val<'a>, Val<'a>), EvalError> {
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

    /// `all`, `exists`, `exists_one`, `map`, `filter`: over the elements of a list or the keys of a map.
    #[inline(never)]
    fn each(
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
    fn opt_map(&mut self, of: &'a Node, body: &'a Node, flat: bool, node: &Node) -> Result1<'a> {
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

/// An index of a list: an integer, or a number without a fraction.
fn position(index: &Val<'_>) -> Option<i64> {
    match index {
        Val::Int(at) => Some(*at),
        Val::UInt(at) => i64::try_from(*at).ok(),
        Val::Double(at) if at.fract() == 0.0 && at.abs() < 1e15 => Some(*at as i64),
        _ => None,
    }
}

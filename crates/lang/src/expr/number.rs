//! Arithmetic.
//!
//! Integers stay integers and overflow is an error; an integer and a number with a fraction give one with a
//! fraction. Texts, bytes and lists are joined by `+`. Instants and lengths of time add as one expects.

use std::borrow::Cow;
use std::rc::Rc;

use super::EvalError;
use super::eval::Run;
use super::node::{Binary, Node};
use super::time;
use super::value::{Val, failed, too_long};
use super::view::Seq;
use crate::limits;

impl<'a> Run<'_, 'a> {
    /// `+ - * / %`
    pub(super) fn arithmetic(
        &mut self,
        op: Binary,
        left: Val<'a>,
        right: &Val<'a>,
        node: &Node,
    ) -> Result<Val<'a>, EvalError> {
        let left = match (op, left, right) {
            (Binary::Add, Val::Str(a), Val::Str(b)) => {
                self.spend_text(a.len() + b.len(), node)?;
                // What was made for this sum alone is made longer.
                let mut text = a.into_owned();
                text.push_str(b);
                return Ok(Val::Str(Cow::Owned(text)));
            }
            (Binary::Add, Val::Bytes(a), Val::Bytes(b)) => {
                self.spend_text(a.len() + b.len(), node)?;
                return Ok(Val::Bytes(Cow::Owned([a.as_ref(), b.as_ref()].concat())));
            }
            (_, left, _) => left,
        };
        if op == Binary::Add
            && let (Some(a), Some(b)) = (Seq::of(&left), Seq::of(right))
        {
            return self.join_lists(&a, &b, node);
        }
        apply(op, &left, right).map_err(|error| self.at(node, error))
    }

    fn join_lists(&mut self, a: &Seq<'a>, b: &Seq<'a>, node: &Node) -> Result<Val<'a>, EvalError> {
        let (first, second) = (self.length(a, node)?, self.length(b, node)?);
        self.spend_items(first + second, node)?;
        let mut items = Vec::with_capacity(first + second);
        let mut needs = false;
        for (seq, len) in [(a, first), (b, second)] {
            for index in 0..len {
                match self.item(seq, index, node) {
                    Ok(item) => items.extend(item),
                    Err(EvalError::Needs) => needs = true,
                    Err(error) => return Err(error),
                }
            }
        }
        if needs { Err(EvalError::Needs) } else { Ok(Val::List(Rc::new(items))) }
    }

    /// Fails where a text of this length may not be made, and takes what making it costs.
    pub(super) fn spend_text(&mut self, bytes: usize, node: &Node) -> Result<(), EvalError> {
        if bytes > limits::MADE_BYTES {
            return Err(self.at(node, too_long()));
        }
        self.spend(bytes as u64 / 32, node)
    }

    /// Fails where a list of this length may not be made.
    pub(super) fn within(&self, items: usize, node: &Node) -> Result<(), EvalError> {
        if items > limits::MADE_ITEMS {
            return self.fail(node, format!("the list becomes longer than {} elements", limits::MADE_ITEMS));
        }
        Ok(())
    }

    /// Fails where a list of this length may not be made, and takes what making it costs.
    pub(super) fn spend_items(&mut self, items: usize, node: &Node) -> Result<(), EvalError> {
        self.within(items, node)?;
        self.spend(items as u64, node)
    }
}

/// `-x`
pub(super) fn negate<'v>(value: &Val<'_>) -> Result<Val<'v>, EvalError> {
    match value {
        Val::Int(value) => value.checked_neg().map(Val::Int).ok_or_else(overflow),
        Val::UInt(value) => integer(-i128::from(*value)),
        Val::Double(value) => Ok(Val::Double(-value)),
        Val::Duration(nanos) => nanos.checked_neg().map(Val::Duration).ok_or_else(overflow),
        value => Err(failed(format!("{} has no negative", value.describe()))),
    }
}

/// `+ - * / %` over numbers and times.
pub(super) fn apply<'v>(op: Binary, left: &Val<'_>, right: &Val<'_>) -> Result<Val<'v>, EvalError> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => small(op, *a, *b),
        (Val::UInt(a), Val::UInt(b)) => unsigned(op, *a, *b),
        (Val::Int(a), Val::UInt(b)) => mixed(op, i128::from(*a), i128::from(*b)),
        (Val::UInt(a), Val::Int(b)) => mixed(op, i128::from(*a), i128::from(*b)),
        (Val::Double(a), Val::Double(b)) => fraction(op, *a, *b),
        (Val::Double(a), Val::Int(b)) => fraction(op, *a, *b as f64),
        (Val::Double(a), Val::UInt(b)) => fraction(op, *a, *b as f64),
        (Val::Int(a), Val::Double(b)) => fraction(op, *a as f64, *b),
        (Val::UInt(a), Val::Double(b)) => fraction(op, *a as f64, *b),
        _ => time::arithmetic(op, left, right).unwrap_or_else(|| Err(no_operation(op, left, right))),
    }
}

fn small<'v>(op: Binary, a: i64, b: i64) -> Result<Val<'v>, EvalError> {
    let made = match op {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide | Binary::Modulo if b == 0 => return Err(by_zero()),
        Binary::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    made.map(Val::Int).ok_or_else(overflow)
}

fn unsigned<'v>(op: Binary, a: u64, b: u64) -> Result<Val<'v>, EvalError> {
    let made = match op {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide | Binary::Modulo if b == 0 => return Err(by_zero()),
        Binary::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    made.map(Val::UInt).ok_or_else(overflow)
}

fn mixed<'v>(op: Binary, a: i128, b: i128) -> Result<Val<'v>, EvalError> {
    // Two of 64 bits cannot overflow 128.
    let made = match op {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide | Binary::Modulo if b == 0 => return Err(by_zero()),
        Binary::Divide => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    integer(made.ok_or_else(overflow)?)
}

fn integer<'v>(value: i128) -> Result<Val<'v>, EvalError> {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Ok(Val::Int(value)),
        (_, Ok(value)) => Ok(Val::UInt(value)),
        _ => Err(overflow()),
    }
}

fn fraction<'v>(op: Binary, a: f64, b: f64) -> Result<Val<'v>, EvalError> {
    Ok(Val::Double(match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        // An infinity would only be found where it becomes JSON, far from here.
        Binary::Divide | Binary::Modulo if b == 0.0 => return Err(by_zero()),
        Binary::Divide => a / b,
        _ => a % b,
    }))
}

pub(super) fn overflow() -> EvalError {
    failed("the result is too large for an integer")
}

fn by_zero() -> EvalError {
    failed("division by zero")
}

fn no_operation(op: Binary, left: &Val<'_>, right: &Val<'_>) -> EvalError {
    let (a, b) = (left.describe(), right.describe());
    let help = match (op, left, right) {
        (Binary::Add, Val::Str(_), _) | (Binary::Add, _, Val::Str(_)) => {
            "; write text(x) to make a text of it"
        }
        (_, Val::Optional(_), _) | (_, _, Val::Optional(_)) => "; write x.orValue(y)",
        _ => "",
    };
    failed(format!("`{}` does not work on {a} and {b}{help}", op.sign()))
}

//! Equality and order.
//!
//! Numbers of all sorts compare by value. Values of different kinds are not equal, and have no order.

use std::cmp::Ordering;

use super::EvalError;
use super::eval::Run;
use super::node::Node;
use super::value::{Val, failed};
use super::view::{Dict, Seq, View};

impl<'a> Run<'_, 'a> {
    /// Deep equality.
    pub(super) fn equal(&mut self, left: &Val<'a>, right: &Val<'a>, node: &Node) -> Result<bool, EvalError> {
        match (left, right) {
            (Val::Str(a), Val::Str(b)) if a.len() == b.len() => self.spend_scan(a.len(), node)?,
            (Val::Optional(Some(a)), Val::Optional(Some(b))) => return self.equal(a, b, node),
            _ => {}
        }
        match (View::of(left), View::of(right)) {
            (View::Seq(a), View::Seq(b)) => self.lists_equal(&a, &b, node),
            (View::Dict(a), View::Dict(b)) => self.maps_equal(&a, &b, node),
            (View::Other, View::Other) => Ok(scalars_equal(left, right)),
            _ => Ok(false),
        }
    }

    fn lists_equal(&mut self, a: &Seq<'a>, b: &Seq<'a>, node: &Node) -> Result<bool, EvalError> {
        let len = self.length(a, node)?;
        if len != self.length(b, node)? {
            return Ok(false);
        }
        let mut all = All::default();
        for index in 0..len {
            self.spend(1, node)?;
            let pair = (self.item(a, index, node), self.item(b, index, node));
            let equal = self.pair_equal(pair, node);
            if all.stop(equal)? {
                break;
            }
        }
        all.whole()
    }

    fn maps_equal(&mut self, a: &Dict<'a>, b: &Dict<'a>, node: &Node) -> Result<bool, EvalError> {
        let lengths = (a.len(), b.len());
        if lengths.0.map_err(|error| self.at(node, error))?
            != lengths.1.map_err(|error| self.at(node, error))?
        {
            return Ok(false);
        }
        let mut all = All::default();
        for key in self.keys(a, node)? {
            let pair = (self.entry(a, &key, node), self.entry(b, &key, node));
            let equal = self.pair_equal(pair, node);
            if all.stop(equal)? {
                break;
            }
        }
        all.whole()
    }

    fn pair_equal(&mut self, pair: (Found<'a>, Found<'a>), node: &Node) -> Result<bool, EvalError> {
        match pair {
            (Ok(Some(a)), Ok(Some(b))) => self.equal(&a, &b, node),
            (Err(error), _) | (_, Err(error)) => Err(error),
            _ => Ok(false),
        }
    }

    /// The order of two values of one kind; `None` where one is not a number.
    pub(super) fn order(
        &mut self,
        left: &Val<'a>,
        right: &Val<'a>,
        node: &Node,
    ) -> Result<Option<Ordering>, EvalError> {
        if let (Val::Str(a), Val::Str(b)) = (left, right) {
            self.spend_scan(a.len().min(b.len()), node)?;
        }
        order(left, right).map_err(|error| self.at(node, error))
    }
}

/// A part of a list or map, where there is one.
type Found<'a> = Result<Option<Val<'a>>, EvalError>;

/// Whether all parts are equal; those that are not loaded keep no other from being asked for.
#[derive(Default)]
struct All {
    needs: bool,
    different: bool,
}

impl All {
    fn stop(&mut self, equal: Result<bool, EvalError>) -> Result<bool, EvalError> {
        match equal {
            Ok(equal) => self.different |= !equal,
            Err(EvalError::Needs) => self.needs = true,
            Err(error) => return Err(error),
        }
        Ok(self.different)
    }

    fn whole(self) -> Result<bool, EvalError> {
        if self.needs { Err(EvalError::Needs) } else { Ok(!self.different) }
    }
}

/// Equality of what is neither list nor map.
pub(super) fn scalars_equal(left: &Val<'_>, right: &Val<'_>) -> bool {
    match (left, right) {
        (Val::Null, Val::Null) | (Val::Optional(None), Val::Optional(None)) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::Timestamp(a, x), Val::Timestamp(b, y)) => (a, x) == (b, y),
        (Val::Duration(a), Val::Duration(b)) => a == b,
        (Val::Type(a), Val::Type(b)) => a == b,
        _ => numbers(left, right).is_some_and(|order| order == Some(Ordering::Equal)),
    }
}

/// The order of two values of one kind; `None` where one is not a number.
pub(super) fn order(left: &Val<'_>, right: &Val<'_>) -> Result<Option<Ordering>, EvalError> {
    Ok(Some(match (left, right) {
        (Val::Str(a), Val::Str(b)) => a.cmp(b),
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
        (Val::Timestamp(a, x), Val::Timestamp(b, y)) => (a, x).cmp(&(b, y)),
        (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
        _ => {
            let (a, b) = (left.describe(), right.describe());
            return numbers(left, right).ok_or_else(|| failed(format!("{a} and {b} have no order")));
        }
    }))
}

/// The order of two numbers, exact over all sorts; the outer `None` where they are not both numbers.
fn numbers(left: &Val<'_>, right: &Val<'_>) -> Option<Option<Ordering>> {
    Some(match (left, right) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::UInt(a), Val::UInt(b)) => Some(a.cmp(b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Int(a), Val::UInt(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::UInt(a), Val::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Int(a), Val::Double(b)) => whole_and_fraction(i128::from(*a), *b),
        (Val::UInt(a), Val::Double(b)) => whole_and_fraction(i128::from(*a), *b),
        (Val::Double(a), Val::Int(b)) => whole_and_fraction(i128::from(*b), *a).map(Ordering::reverse),
        (Val::Double(a), Val::UInt(b)) => whole_and_fraction(i128::from(*b), *a).map(Ordering::reverse),
        _ => return None,
    })
}

/// As a double an integer above 2^53 would lose its last digits, so the double becomes an integer instead.
fn whole_and_fraction(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Out of range the conversion keeps to the ends, which is far outside of what `whole` can be.
    let floor = double.floor();
    Some(
        whole
            .cmp(&(floor as i128))
            .then_with(|| 0.0.partial_cmp(&(double - floor)).unwrap_or(Ordering::Equal)),
    )
}

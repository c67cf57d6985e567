//! Functions over lists: `min max sum sort distinct flatten reverse`, `product` and `zip`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::rc::Rc;

use super::EvalError;
use super::compare::order;
use super::eval::{Result1, Run};
use super::function::Fun;
use super::node::{Binary, Node};
use super::number;
use super::value::Val;
use super::view::{Dict, Seq};

impl<'a> Run<'_, 'a> {
    /// All elements of a list, for a function that looks at each.
    fn elements(&mut self, value: &Val<'a>, name: &str, node: &Node) -> Result<Vec<Val<'a>>, EvalError> {
        let Some(seq) = Seq::of(value) else {
            return self.fail(node, format!("{name}() takes a list, not {}", value.describe()));
        };
        let len = self.length(&seq, node)?;
        self.spend_items(len, node)?;
        let mut items = Vec::with_capacity(len);
        let mut needs = false;
        for index in 0..len {
            match self.item(&seq, index, node) {
                Ok(item) => items.extend(item),
                Err(EvalError::Needs) => needs = true,
                Err(error) => return Err(error),
            }
        }
        if needs { Err(EvalError::Needs) } else { Ok(items) }
    }

    /// `min` and `max`
    pub(super) fn extreme(&mut self, fun: Fun, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let (name, wanted) =
            if fun == Fun::Min { ("min", Ordering::Less) } else { ("max", Ordering::Greater) };
        let mut items = self.elements(value, name, node)?.into_iter();
        let Some(mut best) = items.next() else {
            return self.fail(node, format!("{name}() of an empty list"));
        };
        // One element alone must be of a kind that has an order too.
        self.order(&best, &best, node)?;
        for item in items {
            if self.order(&item, &best, node)? == Some(wanted) {
                best = item;
            }
        }
        Ok(best)
    }

    pub(super) fn sum(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let mut items = self.elements(value, "sum", node)?.into_iter();
        let Some(mut sum) = items.next() else { return Ok(Val::Int(0)) };
        if !matches!(sum, Val::Int(_) | Val::UInt(_) | Val::Double(_) | Val::Duration(_)) {
            return self.fail(node, format!("sum() adds numbers, not {}", sum.describe()));
        }
        for item in items {
            sum = number::apply(Binary::Add, &sum, &item).map_err(|error| self.at(node, error))?;
        }
        Ok(sum)
    }

    pub(super) fn sort(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let mut items = self.elements(value, "sort", node)?;
        let bits = u64::from(usize::BITS - items.len().leading_zeros());
        let mut work = items.len() as u64 * bits;
        if let Some(first) = items.first() {
            // What has an order with the first has one with all others.
            for item in &items {
                if order(first, item).map_err(|error| self.at(node, error))?.is_none() {
                    return self.fail(node, "the list holds what is not a number");
                }
                if let Val::Str(text) = item {
                    work += bits * text.len() as u64 / 256;
                }
            }
        }
        self.spend(work, node)?;
        items.sort_by(|a, b| order(a, b).ok().flatten().unwrap_or(Ordering::Equal));
        Ok(Val::List(Rc::new(items)))
    }

    pub(super) fn distinct(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let items = self.elements(value, "distinct", node)?;
        let mut seen = HashSet::new();
        let mut kept: Vec<Val<'a>> = Vec::new();
        // Positions in `kept` of what has no quick key: compared one by one.
        let mut slow = Vec::new();
        for item in items {
            let fresh = match Key::of(&item) {
                Some(key) => {
                    if let Val::Str(text) = &item {
                        self.spend_text(text.len(), node)?;
                    }
                    seen.insert(key)
                }
                None => {
                    let mut fresh = true;
                    for at in &slow {
                        self.spend(1, node)?;
                        let Some(known) = kept.get(*at) else { continue };
                        if self.equal(known, &item, node)? {
                            fresh = false;
                            break;
                        }
                    }
                    if fresh {
                        slow.push(kept.len());
                    }
                    fresh
                }
            };
            if fresh {
                kept.push(item);
            }
        }
        Ok(Val::List(Rc::new(kept)))
    }

    /// One level.
    pub(super) fn flatten(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let mut made = Vec::new();
        for item in self.elements(value, "flatten", node)? {
            if Seq::of(&item).is_some() {
                let inner = self.elements(&item, "flatten", node)?;
                self.within(made.len() + inner.len(), node)?;
                made.extend(inner);
            } else {
                made.push(item);
                self.within(made.len(), node)?;
            }
        }
        Ok(Val::List(Rc::new(made)))
    }

    pub(super) fn reverse_list(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let mut items = self.elements(value, "reverse", node)?;
        items.reverse();
        Ok(Val::List(Rc::new(items)))
    }

    /// The lists of a map, by name.
    fn columns(&mut self, value: &Val<'a>, name: &str, node: &Node) -> Result<Columns<'a>, EvalError> {
        let Some(dict) = Dict::of(value) else {
            return self.fail(node, format!("{name}() takes a map of lists, not {}", value.describe()));
        };
        let mut columns = Vec::new();
        for key in self.keys(&dict, node)? {
            let Some(column) = self.entry(&dict, &key, node)? else { continue };
            if Seq::of(&column).is_none() {
                let key = key.to_text().unwrap_or(Cow::Borrowed("?"));
                let shown = super::nearest::shorten(&key).into_owned();
                return self.fail(node, format!("{name}() takes lists; `{shown}` is {}", column.describe()));
            }
            let items = self.elements(&column, name, node)?;
            columns.push((key, items));
        }
        Ok(columns)
    }

    /// Every combination, the last name changing fastest.
    pub(super) fn product(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let columns = self.columns(value, "product", node)?;
        let rows = columns.iter().try_fold(1_usize, |rows, (_, items)| rows.checked_mul(items.len()));
        let rows = if columns.is_empty() { Some(0) } else { rows }.unwrap_or(usize::MAX);
        self.within(rows, node)?;
        self.spend_items(rows, node)?;
        self.spend(rows as u64 * columns.len() as u64, node)?;
        let mut made = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut rest = row;
            let mut entries: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(columns.len());
            for (key, items) in columns.iter().rev() {
                if let Some(item) = items.get(rest % items.len().max(1)) {
                    entries.push((self.copy(key, node)?, self.copy(item, node)?));
                }
                rest /= items.len().max(1);
            }
            entries.reverse();
            made.push(Val::Map(Rc::new(entries)));
        }
        Ok(Val::List(Rc::new(made)))
    }

    /// The first of each, the second of each and so on: the lists are equally long.
    pub(super) fn zip(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let columns = self.columns(value, "zip", node)?;
        let rows = columns.first().map_or(0, |(_, items)| items.len());
        if let Some((key, items)) = columns.iter().find(|(_, items)| items.len() != rows) {
            let key = key.to_text().unwrap_or(Cow::Borrowed("?"));
            let (shown, len) = (super::nearest::shorten(&key).into_owned(), items.len());
            return self.fail(
                node,
                format!("zip() takes lists of one length; `{shown}` has {len}, the first {rows}"),
            );
        }
        self.spend(rows as u64 * columns.len() as u64, node)?;
        let mut made = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut entries = Vec::with_capacity(columns.len());
            for (key, items) in &columns {
                if let Some(item) = items.get(row) {
                    entries.push((self.copy(key, node)?, self.copy(item, node)?));
                }
            }
            made.push(Val::Map(Rc::new(entries)));
        }
        Ok(Val::List(Rc::new(made)))
    }
}

/// Lists by name.
type Columns<'a> = Vec<(Val<'a>, Vec<Val<'a>>)>;

/// What equal values have in common and others do not, where that is quick to have.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Null,
    Bool(bool),
    Int(i128),
    /// With a fraction, as bits.
    Double(u64),
    Str(String),
}

impl Key {
    fn of(value: &Val<'_>) -> Option<Key> {
        Some(match value {
            Val::Null => Key::Null,
            Val::Bool(value) => Key::Bool(*value),
            Val::Int(value) => Key::Int(i128::from(*value)),
            Val::UInt(value) => Key::Int(i128::from(*value)),
            // 1 and 1.0 are equal.
            Val::Double(value) if value.fract() == 0.0 && value.abs() < 1e30 => Key::Int(*value as i128),
            Val::Double(value) if !value.is_nan() => Key::Double(value.to_bits()),
            Val::Str(text) => Key::Str(text.clone().into_owned()),
            _ => return None,
        })
    }
}

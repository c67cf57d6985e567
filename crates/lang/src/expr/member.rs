//! Fields and elements: `a.b`, `a.?b`, `a[i]`, `has(a.b)`, and what is said where there is none.

use std::rc::Rc;

use super::eval::{Result1, Run};
use super::nearest::{listing, nearest, shorten};
use super::node::Node;
use super::value::Val;
use super::view::{Dict, View};

impl<'a> Run<'_, 'a> {
    /// `.name`, `.?name`, `["name"]`. A field of an optional value is optional.
    pub(super) fn field(
        &mut self,
        value: Val<'a>,
        name: &str,
        optional: bool,
        of: &Node,
        node: &Node,
    ) -> Result1<'a> {
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

    pub(super) fn has(&mut self, value: &Val<'a>, name: &str, of: &Node, node: &Node) -> Result1<'a> {
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
    pub(super) fn index(
        &mut self,
        of: &'a Node,
        index: &'a Node,
        optional: bool,
        node: &Node,
    ) -> Result1<'a> {
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

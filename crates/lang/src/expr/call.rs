//! Calls of functions.

use std::borrow::Cow;
use std::rc::Rc;

use regex::Regex;

use super::EvalError;
use super::eval::{Result1, Run};
use super::function::Fun;
use super::node::Node;
use super::value::Val;
use super::view::View;
use super::{convert, time};

/// Arguments of a call; those that are not given are null, and counted.
pub(super) struct Args<'a> {
    pub(super) values: [Val<'a>; 4],
    pub(super) count: usize,
}

impl<'a> Args<'a> {
    /// The argument, where it was given.
    pub(super) fn given(&self, at: usize) -> Option<&Val<'a>> {
        if at < self.count { self.values.get(at) } else { None }
    }
}

impl<'a> Run<'_, 'a> {
    #[inline(never)]
    pub(super) fn call(
        &mut self,
        fun: Fun,
        args: &'a [Node],
        regex: Option<&Regex>,
        node: &Node,
    ) -> Result1<'a> {
        match (fun, args) {
            // What stands in for a missing value is only evaluated where it is missing.
            (Fun::Or | Fun::OrValue, [of, other]) => return self.or(fun, of, other, node),
            (Fun::Min | Fun::Max, [_, _, ..]) => {
                let values = self.arguments(args)?;
                return self.extreme(fun, &Val::List(Rc::new(values)), node);
            }
            _ => {}
        }
        let mut given = Args { values: [Val::Null, Val::Null, Val::Null, Val::Null], count: args.len() };
        let mut needs = false;
        for (place, arg) in given.values.iter_mut().zip(args) {
            match self.eval(arg) {
                Ok(value) => *place = value,
                Err(EvalError::Needs) => needs = true,
                Err(error) if !needs => return Err(error),
                Err(_) => {}
            }
        }
        if needs {
            return Err(EvalError::Needs);
        }
        self.apply(fun, given, regex, node)
    }

    /// All values; an error only where none is to be loaded.
    fn arguments(&mut self, args: &'a [Node]) -> Result<Vec<Val<'a>>, EvalError> {
        let results: Vec<Result1<'a>> = args.iter().map(|arg| self.eval(arg)).collect();
        if results.iter().any(|result| matches!(result, Err(EvalError::Needs))) {
            return Err(EvalError::Needs);
        }
        results.into_iter().collect()
    }

    fn apply(&mut self, fun: Fun, mut args: Args<'a>, regex: Option<&Regex>, node: &Node) -> Result1<'a> {
        let first = std::mem::replace(&mut args.values[0], Val::Null);
        match fun {
            Fun::Size => self.size(&first, node),
            Fun::Dyn => Ok(first),
            Fun::TypeOf => Ok(Val::Type(first.type_name())),
            Fun::Int | Fun::UInt | Fun::Double | Fun::Bool | Fun::Bytes | Fun::Str => {
                if let Val::Str(text) = &first {
                    self.spend_text(text.len(), node)?;
                }
                convert::convert(fun, first).map_err(|error| self.at(node, error))
            }
            Fun::Timestamp => time::to_timestamp(first).map_err(|error| self.at(node, error)),
            Fun::Duration => time::to_duration(first).map_err(|error| self.at(node, error)),
            Fun::Time(part) => time::part(part, &first, args.given(1)).map_err(|error| self.at(node, error)),
            Fun::OptionalOf => Ok(Val::Optional(Some(Rc::new(first)))),
            Fun::OptionalNone => Ok(Val::Optional(None)),
            Fun::OptionalOfNonZero => {
                let zero = convert::is_zero(&first).map_err(|error| self.at(node, error))?;
                Ok(Val::Optional(if zero { None } else { Some(Rc::new(first)) }))
            }
            Fun::HasValue => match first {
                Val::Optional(value) => Ok(Val::Bool(value.is_some())),
                value => self.not_optional(&value, "hasValue", node),
            },
            Fun::Value => match first {
                Val::Optional(Some(value)) => self.unwrapped(value, node),
                Val::Optional(None) => self.fail(node, "the optional value is not there; write orValue(x)"),
                value => self.not_optional(&value, "value", node),
            },
            Fun::Min | Fun::Max => self.extreme(fun, &first, node),
            Fun::Sum => self.sum(&first, node),
            Fun::Sort => self.sort(&first, node),
            Fun::Distinct => self.distinct(&first, node),
            Fun::Flatten => self.flatten(&first, node),
            Fun::Product => self.product(&first, node),
            Fun::Zip => self.zip(&first, node),
            Fun::Reverse if !matches!(first, Val::Str(_)) => self.reverse_list(&first, node),
            Fun::Join => self.join(&first, &args, node),
            Fun::Json => self.json(&first, node),
            Fun::Text => self.text(first, node),
            _ => {
                args.values[0] = first;
                self.text_function(fun, &args, regex, node)
            }
        }
    }

    fn not_optional(&self, value: &Val<'a>, name: &str, node: &Node) -> Result1<'a> {
        let help = "; a value becomes optional by a.?b";
        self.fail(node, format!("{name}() takes an optional value, not {}{help}", value.describe()))
    }

    fn or(&mut self, fun: Fun, of: &'a Node, other: &'a Node, node: &Node) -> Result1<'a> {
        let name = if fun == Fun::Or { "or" } else { "orValue" };
        match self.eval(of)? {
            Val::Optional(Some(value)) if fun == Fun::Or => Ok(Val::Optional(Some(value))),
            Val::Optional(Some(value)) => self.unwrapped(value, node),
            Val::Optional(None) => {
                let other = self.eval(other)?;
                if fun == Fun::Or && !matches!(other, Val::Optional(_)) {
                    return self.not_optional(&other, name, node);
                }
                Ok(other)
            }
            value => self.not_optional(&value, name, node),
        }
    }

    fn size(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let size = match value {
            Val::Str(text) => {
                self.spend_scan(text.len(), node)?;
                text.chars().count()
            }
            Val::Bytes(bytes) => bytes.len(),
            value => match View::of(value) {
                View::Seq(seq) => seq.len().map_err(|error| self.at(node, error))?,
                View::Dict(dict) => dict.len().map_err(|error| self.at(node, error))?,
                View::Other => {
                    return self.fail(node, format!("{} has no size", value.describe()));
                }
            },
        };
        Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    /// `json(text)`
    fn json(&mut self, value: &Val<'a>, node: &Node) -> Result1<'a> {
        let Val::Str(text) = value else {
            return self.fail(node, format!("json() reads a text, not {}", value.describe()));
        };
        self.spend_text(text.len(), node)?;
        match serde_json::from_str(text) {
            Ok(value) => Ok(Val::from_owned(value)),
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                self.fail(node, format!("the text is no JSON ({place})"))
            }
        }
    }

    /// `text(value)`
    fn text(&mut self, value: Val<'a>, node: &Node) -> Result1<'a> {
        if let Val::Str(_) = value {
            return Ok(value);
        }
        let text = value.to_text().map_err(|error| self.at(node, error))?.into_owned();
        self.spend_text(text.len(), node)?;
        Ok(Val::Str(Cow::Owned(text)))
    }
}

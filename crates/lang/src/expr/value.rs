//! Values as expressions see them.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::{Number, Value};

use super::render::{Rendering, compact};
use super::{EvalError, time};

/// A value under evaluation. Data that was there before is borrowed for `'a`.
#[derive(Debug, Clone)]
pub enum Val<'a> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An unsigned integer (`1u`).
    UInt(u64),
    /// A number with a fraction.
    Double(f64),
    /// Text.
    Str(Cow<'a, str>),
    /// Bytes (`b"..."`).
    Bytes(Cow<'a, [u8]>),
    /// JSON that was there before: an array or an object.
    Json(&'a Value),
    /// A list that was computed.
    List(Rc<Vec<Val<'a>>>),
    /// A map that was computed, in the order of its keys' coming.
    Map(Rc<Vec<(Val<'a>, Val<'a>)>>),
    /// A list or map made as it is asked for.
    Object(Rc<dyn Object<'a> + 'a>),
    /// An instant: milliseconds since 1970 in UTC and the nanoseconds below.
    Timestamp(i64, u32),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// An optional value, as `?.` gives it.
    Optional(Option<Rc<Val<'a>>>),
    /// The name of a type, as `type(x)` gives it.
    Type(&'static str),
}

/// Whether an object behaves as a list or as a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `[i]`, `size`, `map` over the elements.
    List,
    /// `.key`, `["key"]`, `size`, `map` over the keys.
    Map,
}

/// A list or map that is made as it is asked for.
pub trait Object<'a>: std::fmt::Debug {
    /// List or map.
    fn kind(&self) -> ObjectKind;
    /// How many elements or keys there are.
    ///
    /// # Errors
    /// `Needs` when that is not at hand.
    fn len(&self) -> Result<usize, EvalError>;
    /// Whether there are none.
    ///
    /// # Errors
    /// As [`Object::len`].
    fn is_empty(&self) -> Result<bool, EvalError> {
        Ok(self.len()? == 0)
    }
    /// The keys of a map, in order. Empty for a list.
    ///
    /// # Errors
    /// `Needs` when they are not at hand.
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError>;
    /// The value of a key of a map; `None` where it has no such key.
    ///
    /// # Errors
    /// `Needs` when the value is not at hand.
    fn get(&self, key: &str) -> Result<Option<Val<'a>>, EvalError>;
    /// The element of a list; `None` behind its end.
    ///
    /// # Errors
    /// `Needs` when the value is not at hand.
    fn at(&self, index: usize) -> Result<Option<Val<'a>>, EvalError>;
}

impl<'a> Val<'a> {
    /// A value that was there before. Integers become [`Val::Int`] (above `i64` [`Val::UInt`]); lists, maps and
    /// texts stay where they are.
    pub fn from_json(value: &'a Value) -> Val<'a> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(*value),
            Value::Number(number) => Val::from_number(number),
            Value::String(text) => Val::Str(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Val::Json(value),
        }
    }

    fn from_number(number: &Number) -> Val<'a> {
        match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Val::Int(value),
            (None, Some(value)) => Val::UInt(value),
            (None, None) => Val::Double(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    /// A value that nothing else holds.
    pub fn from_owned(value: Value) -> Val<'a> {
        match value {
            Value::Null => Val::Null,
            Value::Bool(value) => Val::Bool(value),
            Value::Number(number) => Val::from_number(&number),
            Value::String(text) => Val::Str(Cow::Owned(text)),
            Value::Array(items) => Val::List(Rc::new(items.into_iter().map(Val::from_owned).collect())),
            Value::Object(entries) => Val::Map(Rc::new(
                entries
                    .into_iter()
                    .map(|(key, value)| (Val::Str(Cow::Owned(key)), Val::from_owned(value)))
                    .collect(),
            )),
        }
    }

    /// What it is, in the words of messages, with its article.
    pub fn describe(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "a boolean",
            Val::Int(_) | Val::UInt(_) => "an integer",
            Val::Double(_) => "a number",
            Val::Str(_) => "a text",
            Val::Bytes(_) => "bytes",
            Val::Json(Value::Array(_)) | Val::List(_) => "a list",
            Val::Json(Value::Object(_)) | Val::Map(_) => "a map",
            Val::Json(value) => Val::from_json(value).describe(),
            Val::Object(object) => match object.kind() {
                ObjectKind::List => "a list",
                ObjectKind::Map => "a map",
            },
            Val::Timestamp(..) => "a timestamp",
            Val::Duration(_) => "a duration",
            Val::Optional(_) => "an optional value",
            Val::Type(_) => "a type",
        }
    }

    /// The name of its type, as `type(x)` gives it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Val::Null => "null_type",
            Val::Bool(_) => "bool",
            Val::Int(_) => "int",
            Val::UInt(_) => "uint",
            Val::Double(_) => "double",
            Val::Str(_) => "string",
            Val::Bytes(_) => "bytes",
            Val::Timestamp(..) => "timestamp",
            Val::Duration(_) => "duration",
            Val::Optional(_) => "optional_type",
            Val::Type(_) => "type",
            Val::Json(_) | Val::List(_) | Val::Map(_) | Val::Object(_) => match self.describe() {
                "a list" => "list",
                _ => "map",
            },
        }
    }

    /// The value as JSON; lists and maps that are made as they are asked for are made.
    ///
    /// # Errors
    /// `Needs` when a part is not at hand; `Failed` where JSON has no such value (NaN, infinities, bytes), and
    /// where the value is larger or deeper than [`RENDERED_WORK`](crate::limits::RENDERED_WORK) and
    /// [`VALUE_DEPTH`](crate::limits::VALUE_DEPTH) allow.
    pub fn to_json(&self) -> Result<Value, EvalError> {
        Rendering::default().value(self, 0)
    }

    /// As [`Val::to_json`], for a value that stands so deep in another.
    pub(crate) fn to_json_within(&self, depth: usize) -> Result<Value, EvalError> {
        Rendering::default().value(self, depth)
    }

    /// The value as text, as a template renders it: numbers and booleans as in JSON, null as nothing, lists
    /// and maps as compact JSON.
    ///
    /// # Errors
    /// As [`Val::to_json`].
    pub fn to_text(&self) -> Result<Cow<'_, str>, EvalError> {
        Ok(match self {
            Val::Null | Val::Optional(None) => Cow::Borrowed(""),
            Val::Bool(true) => Cow::Borrowed("true"),
            Val::Bool(false) => Cow::Borrowed("false"),
            Val::Int(value) => Cow::Owned(value.to_string()),
            Val::UInt(value) => Cow::Owned(value.to_string()),
            Val::Double(value) => Cow::Owned(Number::from_f64(*value).ok_or_else(no_number)?.to_string()),
            Val::Str(text) => Cow::Borrowed(text),
            Val::Json(Value::String(text)) => Cow::Borrowed(text),
            Val::Json(Value::Null) => Cow::Borrowed(""),
            Val::Json(value) => Cow::Owned(compact(value)?),
            Val::Timestamp(millis, nanos) => Cow::Owned(time::timestamp_text(*millis, *nanos)),
            Val::Duration(nanos) => Cow::Owned(time::duration_text(*nanos)),
            Val::Optional(Some(value)) => value.to_text()?,
            Val::Type(name) => Cow::Borrowed(name),
            Val::List(_) | Val::Map(_) | Val::Object(_) | Val::Bytes(_) => {
                Cow::Owned(compact(&self.to_json()?)?)
            }
        })
    }
}

pub(crate) fn failed(message: impl Into<String>) -> EvalError {
    EvalError::Failed { message: message.into(), offset: 0 }
}

pub(crate) fn too_long() -> EvalError {
    failed(format!("the text becomes longer than {} bytes", crate::limits::MADE_BYTES))
}

pub(super) fn no_number() -> EvalError {
    failed("the result is no number (not a number, or infinite)")
}

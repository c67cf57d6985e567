//! Values as expressions see them.

use std::borrow::Cow;
use std::rc::Rc;

use super::EvalError;

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
    Json(&'a serde_json::Value),
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
    /// A value that was there before. Integers become [`Val::Int`], lists and maps stay where they are.
    pub fn from_json(value: &'a serde_json::Value) -> Val<'a> {
        Val::Json(value)
    }

    /// The value as JSON; lists and maps that are made as they are asked for are made.
    ///
    /// # Errors
    /// `Needs` when a part is not at hand; `Failed` where JSON has no such value (NaN, infinities).
    pub fn to_json(&self) -> Result<serde_json::Value, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }

    /// The value as text, as a template renders it: numbers and booleans as in JSON, null as nothing, lists
    /// and maps as compact JSON.
    ///
    /// # Errors
    /// As [`Val::to_json`].
    pub fn to_text(&self) -> Result<Cow<'_, str>, EvalError> {
        Err(EvalError::Failed { message: "not built".into(), offset: 0 })
    }
}

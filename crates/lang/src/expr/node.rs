//! The tree of an expression as it is evaluated.

use regex::Regex;
use serde_json::Value;

use super::function::Fun;

/// A node and where it stands in the source.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Where a problem with it is shown: its operator, its field, its function's name.
    pub(super) at: u32,
    /// Byte offset of its first character, brackets around the whole not counted.
    pub(super) start: u32,
    /// Byte offset behind its last character.
    pub(super) end: u32,
}

/// What a node does.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    /// A list or map of nothing but literals: made once.
    Constant(Value),
    /// A name of the host's.
    Root(Box<str>),
    /// A name bound by a macro around it: position on the stack of bound values.
    Slot(u32),
    /// The name of a type, as `type(x)` gives it.
    Type(&'static str),
    Field {
        of: Box<Node>,
        name: Box<str>,
        optional: bool,
    },
    /// `has(of.name)`
    Has {
        of: Box<Node>,
        name: Box<str>,
    },
    Index {
        of: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    /// Elements; with `true` they are optional and may be left out.
    List(Box<[(Node, bool)]>),
    Map(Box<[Entry]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Choice {
        condition: Box<Node>,
        yes: Box<Node>,
        no: Box<Node>,
    },
    Binary {
        op: Binary,
        left: Box<Node>,
        right: Box<Node>,
    },
    Call {
        fun: Fun,
        /// The value before the dot first, where there is one.
        args: Box<[Node]>,
        /// The pattern of `matches`, where it is a literal.
        regex: Option<Regex>,
    },
    /// `all`, `exists`, `exists_one`, `map`, `filter`
    Each {
        each: Each,
        over: Box<Node>,
        /// The condition of `map` with three arguments.
        only: Option<Box<Node>>,
        body: Box<Node>,
    },
    /// `optMap`, and with `flat` `optFlatMap`
    OptMap {
        of: Box<Node>,
        body: Box<Node>,
        flat: bool,
    },
}

/// An entry of a map literal.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
    /// The value is optional and the entry may be left out.
    pub(super) optional: bool,
}

/// Operators over two values that are both evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

/// The macros over lists and maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Binary {
    /// As it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::Modulo => "%",
            Binary::Equal => "==",
            Binary::NotEqual => "!=",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::In => "in",
        }
    }
}

impl Node {
    /// The nodes right under it, in the order of the text.
    pub(super) fn children<'n>(&'n self, mut visit: impl FnMut(&'n Node)) {
        match &self.kind {
            Kind::Null
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::UInt(_)
            | Kind::Double(_)
            | Kind::Str(_)
            | Kind::Bytes(_)
            | Kind::Constant(_)
            | Kind::Root(_)
            | Kind::Slot(_)
            | Kind::Type(_) => {}
            Kind::Field { of, .. } | Kind::Has { of, .. } | Kind::Not(of) | Kind::Negate(of) => visit(of),
            Kind::Index { of, index, .. } => {
                visit(of);
                visit(index);
            }
            Kind::List(items) => items.iter().for_each(|(item, _)| visit(item)),
            Kind::Map(entries) => {
                for entry in entries {
                    visit(&entry.key);
                    visit(&entry.value);
                }
            }
            Kind::And(left, right) | Kind::Or(left, right) | Kind::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Kind::Choice { condition, yes, no } => {
                visit(condition);
                visit(yes);
                visit(no);
            }
            Kind::Call { args, .. } => args.iter().for_each(visit),
            Kind::Each { over, only, body, .. } => {
                visit(over);
                if let Some(only) = only {
                    visit(only);
                }
                visit(body);
            }
            Kind::OptMap { of, body, .. } => {
                visit(of);
                visit(body);
            }
        }
    }

    /// As JSON, where it is a literal that JSON has.
    pub(super) fn constant(&self) -> Option<Value> {
        match &self.kind {
            Kind::Null => Some(Value::Null),
            Kind::Bool(value) => Some(Value::Bool(*value)),
            Kind::Int(value) => Some(Value::from(*value)),
            Kind::Double(value) => serde_json::Number::from_f64(*value).map(Value::Number),
            Kind::Str(value) => Some(Value::String(value.to_string())),
            Kind::Constant(value) => Some(value.clone()),
            _ => None,
        }
    }
}

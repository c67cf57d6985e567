//! Types of expressions, and what cannot work over them.
//!
//! What is not known silences: a problem is only what fails, or never holds, whatever the values are. All
//! problems of an expression are found in one go.

use std::sync::Arc;

use serde_json::Value;

use super::function::Fun;
use super::nearest::{listing, nearest, shorten};
use super::node::{Binary, Each, Kind, Node};
use super::problem::{ExprProblem, ProblemKind};
use super::types::{Family, Field, Type, TypeEnv};

pub(super) fn check(root: &Node, env: &dyn TypeEnv) -> (Type, Vec<ExprProblem>) {
    let mut check = Check { env, bound: Vec::new(), problems: Vec::new() };
    let ty = check.infer(root);
    (ty, check.problems)
}

struct Check<'e> {
    env: &'e dyn TypeEnv,
    /// Types of the names bound by the macros around.
    bound: Vec<Type>,
    problems: Vec<ExprProblem>,
}

impl Check<'_> {
    fn problem(&mut self, kind: ProblemKind, span: (u32, u32), message: String, help: Option<String>) {
        let (offset, len) = (span.0, span.1.saturating_sub(span.0));
        self.problems.push(ExprProblem { kind, offset, len, message, help, nearest: None });
    }

    /// A type that is not right for where a node stands.
    fn wrong(&mut self, node: &Node, message: String, help: Option<&str>) {
        self.problem(ProblemKind::Type, (node.start, node.end), message, help.map(str::to_owned));
    }

    fn infer(&mut self, node: &Node) -> Type {
        match &node.kind {
            Kind::Null => Type::Null,
            Kind::Bool(_) => Type::Bool,
            Kind::Int(_) => Type::Int,
            Kind::UInt(_) => Type::UInt,
            Kind::Double(_) => Type::Double,
            Kind::Str(_) => Type::String,
            Kind::Bytes(_) => Type::Bytes,
            Kind::Constant(value) => Type::of_value(value),
            Kind::Type(_) => Type::Type,
            Kind::Slot(slot) => self.bound.get(*slot as usize).cloned().unwrap_or(Type::Dyn),
            Kind::Root(name) => self.root(name, node),
            Kind::Field { of, name, optional } => {
                let ty = self.infer(of);
                self.field(&ty, name, *optional, node)
            }
            Kind::Has { of, name } => {
                let ty = self.infer(of);
                // Asking for a field is reading it optionally.
                self.field(&ty, name, true, node);
                Type::Bool
            }
            Kind::Index { of, index, optional } => self.index(of, index, *optional),
            Kind::List(items) => {
                let types: Vec<Type> = items
                    .iter()
                    .map(|(item, optional)| match (self.infer(item), optional) {
                        (Type::Optional(of), true) => (*of).clone(),
                        (ty, _) => ty,
                    })
                    .collect();
                Type::list(Type::common(types))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Not(of) => {
                self.boolean(of, "`!` takes a boolean");
                Type::Bool
            }
            Kind::Negate(of) => self.negate(of),
            Kind::And(left, right) | Kind::Or(left, right) => {
                let sign = if matches!(node.kind, Kind::And(..)) { "&&" } else { "||" };
                for side in [left, right] {
                    self.boolean(side, &format!("`{sign}` takes booleans"));
                }
                Type::Bool
            }
            Kind::Choice { condition, yes, no } => {
                self.boolean(condition, "`?` takes a boolean before it");
                let yes = self.infer(yes);
                yes.join(self.infer(no))
            }
            Kind::Binary { op, left, right } => {
                let (a, b) = (self.infer(left), self.infer(right));
                self.binary(*op, (left, &a), (right, &b), node)
            }
            Kind::Call { fun, args, .. } => {
                let types: Vec<Type> = args.iter().map(|arg| self.infer(arg)).collect();
                self.call(*fun, args, &types)
            }
            Kind::Each { each, over, only, body, .. } => self.each(*each, over, only.as_deref(), body),
            Kind::OptMap { of, body, flat, .. } => self.opt_map(of, body, *flat),
        }
    }

    fn root(&mut self, name: &str, node: &Node) -> Type {
        if let Some(ty) = self.env.var(name) {
            return ty;
        }
        let names = self.env.names();
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        let help = match name {
            "True" | "False" | "None" | "nil" | "undefined" => "write true, false or null".to_owned(),
            _ => format!("there are {}", listing(&names)),
        };
        let message = format!("there is no `{}` here", shorten(name));
        self.problem(ProblemKind::UnknownName, (node.start, node.end), message, Some(help));
        if let Some(problem) = self.problems.last_mut() {
            problem.nearest = near;
        }
        Type::Dyn
    }

    fn field(&mut self, ty: &Type, name: &str, optional: bool, node: &Node) -> Type {
        match ty {
            Type::Map(fields) => match fields.field(name) {
                Some(field) if optional => Type::Optional(Arc::new(field.ty.clone())),
                Some(field) => field.ty.clone(),
                None => {
                    if !fields.open {
                        self.unknown_field(&fields.fields, name, node);
                    }
                    if optional { Type::Optional(Arc::new(Type::Dyn)) } else { Type::Dyn }
                }
            },
            Type::Optional(inner) => match self.field(inner, name, false, node) {
                field @ Type::Optional(_) => field,
                field => Type::Optional(Arc::new(field)),
            },
            Type::Dyn if optional => Type::Optional(Arc::new(Type::Dyn)),
            Type::Dyn => Type::Dyn,
            Type::Null if optional => Type::Optional(Arc::new(Type::Dyn)),
            other => {
                let help = match other.family() {
                    Family::List => {
                        Some("write [0] for its first element, or list.map(x, x.field)".to_owned())
                    }
                    Family::Text => Some("write json(x) to read JSON out of a text".to_owned()),
                    _ => None,
                };
                let message = format!("{} has no `{}`", other.describe(), shorten(name));
                self.problem(ProblemKind::Type, (node.at, node.end), message, help);
                Type::Dyn
            }
        }
    }

    fn unknown_field(&mut self, fields: &[Field], name: &str, node: &Node) {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let near = nearest(name, names.iter().copied()).map(str::to_owned);
        let help = if names.is_empty() {
            "it is empty".to_owned()
        } else {
            format!("there are {}", listing(&names))
        };
        let message = format!("there is no `{}` in it", shorten(name));
        self.problem(ProblemKind::UnknownField, (node.at, node.end), message, Some(help));
        if let Some(problem) = self.problems.last_mut() {
            problem.nearest = near;
        }
    }

    fn index(&mut self, of: &Node, index: &Node, optional: bool) -> Type {
        let (ty, by) = (self.infer(of), self.infer(index));
        let (inner, optional) = match &ty {
            Type::Optional(inner) => (inner.as_ref(), true),
            ty => (ty, optional),
        };
        let element = match (inner.family(), by.family()) {
            (Family::Dyn | Family::Map, _) => Type::Dyn,
            (Family::Null, _) if optional => Type::Dyn,
            (Family::List, Family::Dyn | Family::Number) => match inner {
                Type::List(element) => (**element).clone(),
                _ => Type::Dyn,
            },
            (Family::List, _) => {
                self.wrong(index, format!("the index of a list is an integer, not {}", by.describe()), None);
                Type::Dyn
            }
            _ => {
                self.wrong(of, format!("{} has no elements", inner.describe()), None);
                Type::Dyn
            }
        };
        if optional { Type::Optional(Arc::new(element)) } else { element }
    }

    fn map(&mut self, entries: &[super::node::Entry]) -> Type {
        let mut fields = Vec::new();
        let mut open = false;
        for entry in entries {
            let key = self.infer(&entry.key);
            if !matches!(key.family(), Family::Dyn | Family::Text | Family::Number | Family::Bool) {
                self.wrong(&entry.key, format!("{} is no key of a map", key.describe()), None);
            }
            let ty = match (self.infer(&entry.value), entry.optional) {
                (Type::Optional(of), true) => (*of).clone(),
                (ty, _) => ty,
            };
            match &entry.key.kind {
                Kind::Str(name) => {
                    fields.push(Field { name: name.to_string(), ty, required: !entry.optional });
                }
                _ => open = true,
            }
        }
        Type::map(fields, open)
    }

    fn boolean(&mut self, node: &Node, message: &str) {
        let ty = self.infer(node);
        if !matches!(ty.family(), Family::Bool | Family::Dyn) {
            let help = match ty.family() {
                Family::Optional => Some("write x.orValue(false)"),
                Family::Text => Some("write x != '' to ask whether there is text"),
                Family::Number => Some("write x != 0"),
                Family::List | Family::Map => Some("write size(x) > 0"),
                _ => None,
            };
            self.wrong(node, format!("{message}, not {}", ty.describe()), help);
        }
    }

    fn negate(&mut self, of: &Node) -> Type {
        let ty = self.infer(of);
        match ty.family() {
            Family::Dyn | Family::Number | Family::Duration => ty,
            _ => {
                self.wrong(of, format!("{} has no negative", ty.describe()), None);
                Type::Dyn
            }
        }
    }

    fn binary(&mut self, op: Binary, left: (&Node, &Type), right: (&Node, &Type), node: &Node) -> Type {
        let (a, b) = (left.1, right.1);
        match op {
            Binary::Equal | Binary::NotEqual => {
                self.equality(left, right, node);
                Type::Bool
            }
            Binary::In => {
                self.membership(left, right, node);
                Type::Bool
            }
            Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => {
                if !ordered(a.family(), b.family()) {
                    let help = optional_help(a, b);
                    self.wrong(node, format!("{} and {} have no order", a.describe(), b.describe()), help);
                }
                Type::Bool
            }
            _ => arithmetic(op, a, b).unwrap_or_else(|| {
                let text = a.family() == Family::Text || b.family() == Family::Text;
                let help = if op == Binary::Add && text {
                    Some("write text(x) to make a text of it")
                } else {
                    optional_help(a, b)
                };
                let message =
                    format!("`{}` does not work on {} and {}", op.sign(), a.describe(), b.describe());
                self.wrong(node, message, help);
                Type::Dyn
            }),
        }
    }

    fn equality(&mut self, left: (&Node, &Type), right: (&Node, &Type), node: &Node) {
        let (a, b) = (left.1.family(), right.1.family());
        let open = |family| matches!(family, Family::Dyn | Family::Null);
        if !open(a) && !open(b) && a != b {
            let (a, b) = (left.1, right.1);
            let message = format!("{} never equals {}", a.describe(), b.describe());
            self.wrong(node, message, optional_help(a, b));
        }
        for ((_, ty), (other, _)) in [(left, right), (right, left)] {
            if let Kind::Str(text) = &other.kind {
                self.word(ty, text, other);
            }
        }
    }

    /// A text that is compared with one of known words is one of them.
    fn word(&mut self, ty: &Type, text: &str, node: &Node) {
        let Type::Words(words) = ty else { return };
        if words.iter().any(|word| word == text) {
            return;
        }
        let near = nearest(text, words.iter().map(String::as_str)).map(str::to_owned);
        let message = format!("it is never `{}`", shorten(text));
        let help = format!("it is one of {}", listing(words));
        self.problem(ProblemKind::Type, (node.start, node.end), message, Some(help));
        if let Some(problem) = self.problems.last_mut() {
            problem.nearest = near;
        }
    }

    fn membership(&mut self, left: (&Node, &Type), right: (&Node, &Type), node: &Node) {
        match right.1 {
            Type::List(element) => {
                let (a, b) = (left.1.family(), element.family());
                let open = |family| matches!(family, Family::Dyn | Family::Null);
                if !open(a) && !open(b) && a != b {
                    let message = format!("a list of such elements never holds {}", left.1.describe());
                    self.wrong(node, message, optional_help(left.1, element));
                }
                if let Kind::Constant(Value::Array(words)) = &right.0.kind {
                    for word in words.iter().filter_map(Value::as_str) {
                        self.word(left.1, word, right.0);
                    }
                }
            }
            Type::Map(fields) => {
                if let (Kind::Str(name), false) = (&left.0.kind, fields.open)
                    && fields.field(name).is_none()
                {
                    self.unknown_field(&fields.fields, name, left.0);
                }
            }
            Type::Dyn => {}
            other => {
                let help = match other.family() {
                    Family::Text => Some("write text.contains(part)"),
                    Family::Optional => Some("write x.orValue([])"),
                    _ => None,
                };
                self.wrong(right.0, format!("`in` takes a list or a map, not {}", other.describe()), help);
            }
        }
    }

    fn each(&mut self, each: Each, over: &Node, only: Option<&Node>, body: &Node) -> Type {
        let element = match self.infer(over) {
            Type::List(element) => (*element).clone(),
            Type::Map(_) => Type::String,
            Type::Dyn => Type::Dyn,
            other => {
                let help = (other.family() == Family::Optional).then_some("write x.orValue([])");
                self.wrong(over, format!("this goes over a list or a map, not {}", other.describe()), help);
                Type::Dyn
            }
        };
        self.bound.push(element.clone());
        if let Some(only) = only {
            self.boolean(only, "the condition for an element is a boolean");
        }
        let made = match each {
            Each::Map => Type::list(self.infer(body)),
            _ => {
                self.boolean(body, "the condition for an element is a boolean");
                if each == Each::Filter { Type::list(element) } else { Type::Bool }
            }
        };
        self.bound.pop();
        made
    }

    fn opt_map(&mut self, of: &Node, body: &Node, flat: bool) -> Type {
        let inner = match self.infer(of) {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn => Type::Dyn,
            other => {
                self.wrong(of, format!("this takes an optional value, not {}", other.describe()), None);
                Type::Dyn
            }
        };
        self.bound.push(inner);
        let made = self.infer(body);
        self.bound.pop();
        match (flat, made) {
            (true, made @ Type::Optional(_)) => made,
            (true, _) => Type::Optional(Arc::new(Type::Dyn)),
            (false, made) => Type::Optional(Arc::new(made)),
        }
    }

    /// The argument is of one of these families, as far as is known.
    fn takes(&mut self, args: &[Node], types: &[Type], at: usize, wanted: &[Family], what: &str) {
        let (Some(arg), Some(ty)) = (args.get(at), types.get(at)) else { return };
        let family = ty.family();
        if family != Family::Dyn && !wanted.contains(&family) {
            let help = match family {
                Family::Optional => Some("write x.orValue(y)"),
                Family::Number | Family::Bool if wanted == [Family::Text] => Some("write text(x)"),
                _ => None,
            };
            self.wrong(arg, format!("this takes {what}, not {}", ty.describe()), help);
        }
    }

    fn call(&mut self, fun: Fun, args: &[Node], types: &[Type]) -> Type {
        let first = types.first().cloned().unwrap_or(Type::Dyn);
        let text = [Family::Text];
        match fun {
            Fun::Size => {
                let sized = [Family::Text, Family::Bytes, Family::List, Family::Map];
                self.takes(args, types, 0, &sized, "a text, a list or a map");
                Type::Int
            }
            Fun::Int | Fun::UInt => {
                self.takes(
                    args,
                    types,
                    0,
                    &[Family::Number, Family::Text, Family::Timestamp],
                    "a number or a text",
                );
                if fun == Fun::Int { Type::Int } else { Type::UInt }
            }
            Fun::Double => {
                self.takes(args, types, 0, &[Family::Number, Family::Text], "a number or a text");
                Type::Double
            }
            Fun::Bool => {
                self.takes(args, types, 0, &[Family::Bool, Family::Text], "a boolean or a text");
                Type::Bool
            }
            Fun::Bytes => {
                self.takes(args, types, 0, &[Family::Bytes, Family::Text], "a text");
                Type::Bytes
            }
            Fun::Str => {
                let scalars = [
                    Family::Text,
                    Family::Number,
                    Family::Bool,
                    Family::Bytes,
                    Family::Timestamp,
                    Family::Duration,
                ];
                self.takes(args, types, 0, &scalars, "a single value (text(x) takes any)");
                Type::String
            }
            Fun::Text => Type::String,
            Fun::TypeOf => Type::Type,
            Fun::Dyn => Type::Dyn,
            Fun::Json => {
                self.takes(args, types, 0, &text, "a text");
                Type::Dyn
            }
            Fun::Timestamp => {
                self.takes(args, types, 0, &[Family::Text, Family::Number, Family::Timestamp], "a text");
                Type::Timestamp
            }
            Fun::Duration => {
                self.takes(args, types, 0, &[Family::Text, Family::Duration], "a text");
                Type::Duration
            }
            Fun::Time(_) => {
                self.takes(
                    args,
                    types,
                    0,
                    &[Family::Timestamp, Family::Duration],
                    "a timestamp or a duration",
                );
                self.takes(args, types, 1, &text, "an offset from UTC as a text");
                Type::Int
            }
            Fun::Contains | Fun::StartsWith | Fun::EndsWith | Fun::Matches => {
                self.takes(args, types, 0, &text, "a text");
                self.takes(args, types, 1, &text, "a text");
                Type::Bool
            }
            Fun::IndexOf | Fun::LastIndexOf => {
                self.takes(args, types, 0, &text, "a text");
                self.takes(args, types, 1, &text, "a text");
                Type::Int
            }
            Fun::CharAt | Fun::Substring => {
                self.takes(args, types, 0, &text, "a text");
                self.takes(args, types, 1, &[Family::Number], "an integer");
                self.takes(args, types, 2, &[Family::Number], "an integer");
                Type::String
            }
            Fun::LowerAscii | Fun::UpperAscii | Fun::Trim => {
                self.takes(args, types, 0, &text, "a text");
                Type::String
            }
            Fun::Replace => {
                for at in 0..3 {
                    self.takes(args, types, at, &text, "a text");
                }
                Type::String
            }
            Fun::Split => {
                self.takes(args, types, 0, &text, "a text");
                self.takes(args, types, 1, &text, "a text");
                Type::list(Type::String)
            }
            Fun::Join => {
                self.takes(args, types, 0, &[Family::List], "a list of texts");
                self.takes(args, types, 1, &text, "a text");
                Type::String
            }
            _ => self.collection(fun, args, types, first),
        }
    }

    /// Functions over lists and optional values.
    fn collection(&mut self, fun: Fun, args: &[Node], types: &[Type], first: Type) -> Type {
        let list = [Family::List];
        let element = match &first {
            Type::List(element) => (**element).clone(),
            _ => Type::Dyn,
        };
        match fun {
            Fun::Reverse => {
                self.takes(args, types, 0, &[Family::List, Family::Text], "a list or a text");
                if first.family() == Family::Text { Type::String } else { first }
            }
            Fun::Min | Fun::Max if args.len() > 1 => Type::common(types.iter().cloned()),
            Fun::Min | Fun::Max | Fun::Sum => {
                self.takes(args, types, 0, &list, "a list");
                element
            }
            Fun::Sort | Fun::Distinct => {
                self.takes(args, types, 0, &list, "a list");
                first
            }
            Fun::Flatten => {
                self.takes(args, types, 0, &list, "a list");
                match element {
                    inner @ Type::List(_) => inner,
                    Type::Dyn => Type::list(Type::Dyn),
                    other => Type::list(other),
                }
            }
            Fun::Product | Fun::Zip => {
                self.takes(args, types, 0, &[Family::Map], "a map of lists");
                let Type::Map(fields) = &first else { return Type::list(Type::Dyn) };
                let columns = fields.fields.iter().map(|field| {
                    let ty = match &field.ty {
                        Type::List(element) => (**element).clone(),
                        _ => Type::Dyn,
                    };
                    Field { name: field.name.clone(), ty, required: field.required }
                });
                Type::list(Type::map(columns.collect(), fields.open))
            }
            Fun::OptionalOf | Fun::OptionalOfNonZero => Type::Optional(Arc::new(first)),
            Fun::OptionalNone => Type::Optional(Arc::new(Type::Dyn)),
            Fun::HasValue | Fun::Value | Fun::Or | Fun::OrValue => {
                self.takes(args, types, 0, &[Family::Optional], "an optional value (a.?b gives one)");
                let inner = match &first {
                    Type::Optional(inner) => (**inner).clone(),
                    _ => Type::Dyn,
                };
                match fun {
                    Fun::HasValue => Type::Bool,
                    Fun::Value => inner,
                    Fun::Or => first,
                    _ => inner.join(types.get(1).cloned().unwrap_or(Type::Dyn)),
                }
            }
            _ => Type::Dyn,
        }
    }
}

fn optional_help(a: &Type, b: &Type) -> Option<&'static str> {
    let optional = a.family() == Family::Optional || b.family() == Family::Optional;
    optional.then_some("write x.orValue(y) for an optional value")
}

fn ordered(a: Family, b: Family) -> bool {
    let has_order = |family| {
        matches!(
            family,
            Family::Dyn
                | Family::Bool
                | Family::Number
                | Family::Text
                | Family::Bytes
                | Family::Timestamp
                | Family::Duration
        )
    };
    has_order(a) && has_order(b) && (a == b || a == Family::Dyn || b == Family::Dyn)
}

/// The type of `a op b`; `None` where it cannot work.
fn arithmetic(op: Binary, a: &Type, b: &Type) -> Option<Type> {
    use Family::{Bytes, Duration, Dyn, List, Number, Text, Timestamp};
    Some(match (a.family(), b.family(), op) {
        (Dyn, Dyn, _) => Type::Dyn,
        (Number, Number, _) => match (a, b) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::UInt, Type::UInt) => Type::UInt,
            (Type::Double, _) | (_, Type::Double) => Type::Double,
            _ => Type::Number,
        },
        (Number, Dyn, _) | (Dyn, Number, _) => Type::Number,
        (Text, Text | Dyn, Binary::Add) | (Dyn, Text, Binary::Add) => Type::String,
        (Bytes, Bytes | Dyn, Binary::Add) | (Dyn, Bytes, Binary::Add) => Type::Bytes,
        (List, List, Binary::Add) => a.clone().join(b.clone()),
        (List, Dyn, Binary::Add) | (Dyn, List, Binary::Add) => Type::list(Type::Dyn),
        (Timestamp, Duration, Binary::Add | Binary::Subtract) | (Duration, Timestamp, Binary::Add) => {
            Type::Timestamp
        }
        (Timestamp, Timestamp, Binary::Subtract) => Type::Duration,
        (Duration, Duration, Binary::Add | Binary::Subtract) => Type::Duration,
        (Timestamp | Duration, Dyn, Binary::Add | Binary::Subtract)
        | (Dyn, Timestamp | Duration, Binary::Add | Binary::Subtract) => Type::Dyn,
        _ => return None,
    })
}

//! Types of expressions, and what cannot work over them.
//!
//! What is not known silences: a problem is only what fails, or never holds, whatever the values are. All
//! problems of an expression are found in one go.

mod calls;
mod operators;

use std::sync::Arc;

use crate::expr::nearest::{listing, nearest, shorten};
use crate::expr::node::{Each, Entry, Kind, Node};
use crate::expr::problem::{ExprProblem, ProblemKind};
use crate::expr::types::{Family, Field, Type, TypeEnv};

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

    fn map(&mut self, entries: &[Entry]) -> Type {
        let mut fields = Vec::new();
        let (mut open, mut texts) = (false, true);
        for entry in entries {
            let key = self.infer(&entry.key);
            texts &= key.family() == Family::Text;
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
        // Of a map's keys only texts are known.
        if texts { Type::map(fields, open) } else { Type::Dyn }
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
}

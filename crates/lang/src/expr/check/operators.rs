//! Types of operators, and operands that do not go together.

use serde_json::Value;

use super::Check;
use crate::expr::nearest::{listing, nearest, shorten};
use crate::expr::node::{Binary, Kind, Node};
use crate::expr::problem::ProblemKind;
use crate::expr::types::{Family, Type};

impl Check<'_> {
    pub(super) fn negate(&mut self, of: &Node) -> Type {
        let ty = self.infer(of);
        match ty.family() {
            Family::Dyn | Family::Number | Family::Duration => ty,
            _ => {
                self.wrong(of, format!("{} has no negative", ty.describe()), None);
                Type::Dyn
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        op: Binary,
        left: (&Node, &Type),
        right: (&Node, &Type),
        node: &Node,
    ) -> Type {
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

//! Types of calls of functions.

use std::sync::Arc;

use super::Check;
use crate::expr::function::Fun;
use crate::expr::node::Node;
use crate::expr::types::{Family, Field, Type};

impl Check<'_> {
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

    pub(super) fn call(&mut self, fun: Fun, args: &[Node], types: &[Type]) -> Type {
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

//! Names of operators and types, and numbers of arguments.

use cel::common::ast::operators;

use crate::expr::function::Signature;
use crate::expr::node::Binary;

pub(super) fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        operators::ADD => Binary::Add,
        operators::SUBSTRACT => Binary::Subtract,
        operators::MULTIPLY => Binary::Multiply,
        operators::DIVIDE => Binary::Divide,
        operators::MODULO => Binary::Modulo,
        operators::EQUALS => Binary::Equal,
        operators::NOT_EQUALS => Binary::NotEqual,
        operators::LESS => Binary::Less,
        operators::LESS_EQUALS => Binary::LessEqual,
        operators::GREATER => Binary::Greater,
        operators::GREATER_EQUALS => Binary::GreaterEqual,
        operators::IN => Binary::In,
        _ => return None,
    })
}

/// Names of types, which stand as values: `type(x) == int`. A host should have no roots of these names.
pub const TYPE_NAMES: [&str; 13] = [
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "list",
    "map",
    "null_type",
    "type",
    "timestamp",
    "duration",
    "optional_type",
];

pub(super) fn type_name(name: &str) -> Option<&'static str> {
    TYPE_NAMES.iter().find(|known| **known == name).copied()
}

pub(super) fn wrong_count(signature: &Signature, is_method: bool, given: usize) -> String {
    let before = usize::from(is_method);
    let (least, most) = (signature.least.saturating_sub(before), signature.most.saturating_sub(before));
    let given = given.saturating_sub(before);
    let name = signature.name;
    let wanted = match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (0, most) => format!("at most {most} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    };
    format!("`{name}` takes {wanted}, not {given}")
}

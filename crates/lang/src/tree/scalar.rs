//! What a scalar means, by YAML 1.2's core schema, once its place asks for more than text.

use serde_json::{Map, Number, Value};

use super::{Node, Shape, Style};

/// What a scalar without marks stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number JSON can hold.
    Number(Number),
    /// A number JSON cannot hold: `.inf`, `.nan`, or an integer of more than 64 bits.
    NotJson,
    /// Everything else, `no`, `on` and dates included.
    Text,
}

/// A scalar that JSON has no value for.
#[derive(Debug, Clone, Copy)]
pub struct NotJson<'t>(pub Node<'t>);

impl Plain {
    /// Resolves a text written without marks.
    pub fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        match digits.as_bytes() {
            [b'0', b'x', hex @ ..] if digits.len() == text.len() => radix(hex, 16),
            [b'0', b'o', octal @ ..] if digits.len() == text.len() => radix(octal, 8),
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => decimal(text, digits),
            _ if matches!(digits, ".inf" | ".Inf" | ".INF") => Self::NotJson,
            _ if matches!(text, ".nan" | ".NaN" | ".NAN") => Self::NotJson,
            _ => Self::Text,
        }
    }
}

fn radix(digits: &[u8], radix: u32) -> Plain {
    if digits.is_empty() || !digits.iter().all(|&d| char::from(d).is_digit(radix)) {
        return Plain::Text;
    }
    let text: String = digits.iter().map(|&d| char::from(d)).collect();
    i64::from_str_radix(&text, radix).map_or(Plain::NotJson, |n| Plain::Number(n.into()))
}

fn decimal(text: &str, digits: &str) -> Plain {
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<i64>().map_or(Plain::NotJson, |n| Plain::Number(n.into()));
    }
    // [0-9]* ( \. [0-9]* )? ( [eE] [-+]? [0-9]+ )?
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())
    });
    let dots = mantissa.bytes().filter(|&b| b == b'.').count();
    let rest_is_digits = mantissa.bytes().all(|b| b == b'.' || b.is_ascii_digit());
    if !exponent_fits || dots > 1 || !rest_is_digits {
        return Plain::Text;
    }
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Plain::Number(number),
        None => Plain::NotJson,
    }
}

impl<'t> Node<'t> {
    /// What it stands for where nothing tells its type. `None` for lists and maps.
    pub fn plain(self) -> Option<Plain> {
        match (self.shape(), self.style()) {
            (Shape::Nothing, _) => Some(Plain::Null),
            (Shape::Scalar, Some(Style::Plain)) => self.raw().map(Plain::of),
            (Shape::Scalar, _) => Some(Plain::Text),
            _ => None,
        }
    }

    /// The value where nothing tells its type.
    ///
    /// # Errors
    /// The first scalar that JSON has no value for.
    pub fn to_json(self) -> Result<Value, NotJson<'t>> {
        match self.shape() {
            Shape::List => self.items().map(Node::to_json).collect::<Result<_, _>>().map(Value::Array),
            Shape::Map => {
                let entries = self.entries().map(|e| Ok((e.key.to_owned(), e.value.to_json()?)));
                entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            Shape::Nothing => Ok(Value::Null),
            Shape::Scalar => match self.plain() {
                Some(Plain::Null) => Ok(Value::Null),
                Some(Plain::Bool(b)) => Ok(Value::Bool(b)),
                Some(Plain::Number(n)) => Ok(Value::Number(n)),
                Some(Plain::NotJson) => Err(NotJson(self)),
                Some(Plain::Text) | None => Ok(Value::String(self.raw().unwrap_or_default().to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_core_schema_makes_more_than_text() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "2026-01-31",
            "12:30",
            "1_000",
            "0b1",
            "1.2.3",
            "v1",
            "-",
            "+",
            ".",
            "0x",
            "1e",
            "--1",
        ] {
            assert_eq!(Plain::of(text), Plain::Text, "{text}");
        }
        for (text, value) in [
            ("1.10", json!(1.1)),
            ("010", json!(10)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("+7", json!(7)),
            ("-3", json!(-3)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("5.", json!(5.0)),
        ] {
            assert_eq!(Plain::of(text), Plain::Number(value.as_number().unwrap().clone()), "{text}");
        }
        for text in [".inf", "-.INF", ".nan", "99999999999999999999", "1e999"] {
            assert_eq!(Plain::of(text), Plain::NotJson, "{text}");
        }
    }
}

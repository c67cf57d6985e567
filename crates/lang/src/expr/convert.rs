//! Conversions: `int(x)`, `double(x)`, `string(x)` and their like.

use std::borrow::Cow;

use super::function::Fun;
use super::number::overflow;
use super::value::{Val, failed};
use super::view::View;
use super::{EvalError, time};

pub(super) fn convert<'a>(fun: Fun, value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match fun {
        Fun::Int => int(value),
        Fun::UInt => uint(value),
        Fun::Double => double(value),
        Fun::Bool => bool(value),
        Fun::Bytes => bytes(value),
        _ => string(value),
    }
}

fn int<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Int(_) => Ok(value),
        Val::UInt(value) => i64::try_from(value).map(Val::Int).map_err(|_| overflow()),
        Val::Double(value) => {
            // The least integer as a number with a fraction may be one below it that was rounded.
            let whole = whole(value).filter(|whole| *whole > i128::from(i64::MIN));
            whole.and_then(|whole| i64::try_from(whole).ok()).map(Val::Int).ok_or_else(overflow)
        }
        Val::Str(text) => text.trim().parse().map(Val::Int).map_err(|_| no_text("an integer", &text)),
        Val::Timestamp(millis, _) => Ok(Val::Int(time::seconds(millis))),
        value => Err(refused("int", &value)),
    }
}

fn uint<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::UInt(_) => Ok(value),
        Val::Int(value) => u64::try_from(value).map(Val::UInt).map_err(|_| overflow()),
        Val::Double(value) => {
            whole(value).and_then(|whole| u64::try_from(whole).ok()).map(Val::UInt).ok_or_else(overflow)
        }
        Val::Str(text) => {
            text.trim().parse().map(Val::UInt).map_err(|_| no_text("an integer that is not negative", &text))
        }
        value => Err(refused("uint", &value)),
    }
}

/// Without its fraction, where it has a value at all.
fn whole(value: f64) -> Option<i128> {
    // Far above 64 bits, and exact.
    (value.is_finite() && value.abs() < 1e30).then(|| value.trunc() as i128)
}

fn double<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Double(_) => Ok(value),
        Val::Int(value) => Ok(Val::Double(value as f64)),
        Val::UInt(value) => Ok(Val::Double(value as f64)),
        Val::Str(text) => text.trim().parse().map(Val::Double).map_err(|_| no_text("a number", &text)),
        value => Err(refused("double", &value)),
    }
}

fn bool<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Bool(_) => Ok(value),
        Val::Str(text) => match text.as_ref() {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Val::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Val::Bool(false)),
            _ => Err(no_text("a boolean", &text)),
        },
        value => Err(refused("bool", &value)),
    }
}

fn bytes<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Bytes(_) => Ok(value),
        Val::Str(Cow::Borrowed(text)) => Ok(Val::Bytes(Cow::Borrowed(text.as_bytes()))),
        Val::Str(Cow::Owned(text)) => Ok(Val::Bytes(Cow::Owned(text.into_bytes()))),
        value => Err(refused("bytes", &value)),
    }
}

fn string<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Str(_) => Ok(value),
        Val::Bytes(bytes) => match String::from_utf8(bytes.into_owned()) {
            Ok(text) => Ok(Val::Str(Cow::Owned(text))),
            Err(_) => Err(failed("the bytes are no UTF-8")),
        },
        Val::Bool(_)
        | Val::Int(_)
        | Val::UInt(_)
        | Val::Double(_)
        | Val::Timestamp(..)
        | Val::Duration(_) => {
            let text = value.to_text()?.into_owned();
            Ok(Val::Str(Cow::Owned(text)))
        }
        value => Err(failed(format!("string() does not take {}; write text(x)", value.describe()))),
    }
}

/// Whether `optional.ofNonZeroValue` leaves it out.
pub(super) fn is_zero(value: &Val<'_>) -> Result<bool, EvalError> {
    Ok(match value {
        Val::Null
        | Val::Bool(false)
        | Val::Int(0)
        | Val::UInt(0)
        | Val::Duration(0)
        | Val::Optional(None) => true,
        Val::Double(value) => *value == 0.0,
        Val::Str(text) => text.is_empty(),
        Val::Bytes(bytes) => bytes.is_empty(),
        value => match View::of(value) {
            View::Seq(seq) => seq.len()? == 0,
            View::Dict(dict) => dict.len()? == 0,
            View::Other => false,
        },
    })
}

fn refused(name: &str, value: &Val<'_>) -> EvalError {
    failed(format!("{name}() does not take {}", value.describe()))
}

fn no_text(wanted: &str, text: &str) -> EvalError {
    failed(format!("the text `{}` is not {wanted}", super::nearest::shorten(text)))
}

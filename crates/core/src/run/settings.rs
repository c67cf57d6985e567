//! Settings of steps and sizes of values: computed where they are not fixed, and held to their bounds.

use serde_json::Value;
use stead_lang::duration::{self, Millis};
use stead_lang::plan::Setting;

use super::reach::Reach;
use super::scope::Scope;
use super::turn::{Machine, Stop, expression_error, step_error};
use crate::effect::ErrorKind;
use crate::limits;

impl Machine<'_> {
    /// A length of time, where one is set.
    pub(super) fn millis(
        &self,
        path: &str,
        setting: Option<&Setting<Millis>>,
        scope: impl for<'s> FnOnce(Reach<'s>) -> Scope<'s>,
    ) -> Result<Option<Millis>, Stop> {
        let template = match setting {
            None => return Ok(None),
            Some(Setting::Fixed(ms)) => return Ok(Some(*ms)),
            Some(Setting::Computed(template)) => template,
        };
        let value = self.eval(path, |reach| template.render(&scope(reach)))?;
        self.millis_of(path, &value).map(Some)
    }

    /// A value as a length of time.
    pub(super) fn millis_of(&self, path: &str, value: &Value) -> Result<Millis, Stop> {
        let ms = match value {
            Value::String(text) => {
                duration::parse_duration(text).map_err(|e| expression_error(path, &e.to_string()))?
            }
            other => {
                let message =
                    format!("a length of time is a text such as 30s or 2h, this is {}", kind_of(other));
                return Err(expression_error(path, &message));
            }
        };
        if ms > limits::MILLIS {
            return Err(expression_error(path, &format!("{value} is longer than ten years")));
        }
        Ok(ms)
    }

    /// A count of at least 1.
    pub(super) fn count(
        &self,
        path: &str,
        setting: &Setting<u32>,
        what: &str,
        most: u32,
        scope: impl for<'s> FnOnce(Reach<'s>) -> Scope<'s>,
    ) -> Result<u32, Stop> {
        let value = match setting {
            Setting::Fixed(n) => Value::from(*n),
            Setting::Computed(template) => self.eval(path, |reach| template.render(&scope(reach)))?,
        };
        count_of(path, &value, what, most)
    }
}

/// A value as a count of at least 1.
pub(super) fn count_of(path: &str, value: &Value, what: &str, most: u32) -> Result<u32, Stop> {
    let n = value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=most).contains(n));
    n.ok_or_else(|| expression_error(path, &format!("{what} is {value}, it takes 1 to {most}")))
}

/// A value may be as large as the bound says.
pub(super) fn check_size(path: &str, value: &Value) -> Result<(), Stop> {
    if crate::value::json_len(value, limits::VALUE_BYTES).is_some() {
        return Ok(());
    }
    let message = format!("the value has more than {} MiB of JSON", limits::VALUE_BYTES >> 20);
    Err(Stop::Error(step_error(path, ErrorKind::Exhausted, &message)))
}

/// What kind of value this is, for people.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

//! Sweeps: lists and ranges of values for some inputs, and all of their combinations, or one after the other.

use std::collections::HashSet;

use serde_json::{Map, Value};
use stead_lang::inputs::read_input;
use stead_lang::plan::{Input, InputKind};

use super::table::TableError;
use crate::limits;

/// How values of several inputs go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each with each; the last one named changes fastest.
    Product,
    /// The first of each, the second of each, and so on.
    Zip,
}

/// The values of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// The input.
    pub name: String,
    /// Its values; one is for all rows.
    pub values: Vec<Value>,
    /// How many were given.
    pub given: usize,
}

/// Combinations of values, made one by one.
#[derive(Debug, Clone)]
pub struct Combinations {
    swept: Vec<Swept>,
    way: Way,
    /// How many there are to go through.
    total: u64,
    at: u64,
    /// Of a zip: rows that were there.
    seen: HashSet<String>,
    /// How many rows were left out, for they were there before.
    doubled: u64,
}

/// The values that a text gives for an input: parted by commas, each a value of its type or a range `START:END:STEP`.
///
/// # Errors
/// When one is neither, or there are too many.
pub fn values_of(input: &Input, text: &str) -> Result<Vec<Value>, TableError> {
    let numbers = matches!(input.kind, InputKind::Integer | InputKind::Number);
    let parts: Vec<&str> = match input.kind {
        // Commas are a part of them.
        InputKind::Object | InputKind::Array => vec![text],
        _ => text.split(',').collect(),
    };
    let mut values = Vec::new();
    for part in parts {
        if numbers && part.contains(':') {
            range(input, part, &mut values)?;
        } else {
            let value = read_input(input, part).ok_or_else(|| {
                TableError::new(format!("`{part}` is no value of `{}`", input.name)).help(if numbers {
                    "a number, numbers parted by commas, or a range START:END:STEP"
                } else {
                    "values are parted by commas; NAME:=JSON takes a list of them"
                })
            })?;
            values.push(value);
        }
        bounded(input, values.len())?;
    }
    Ok(values)
}

/// The values that JSON gives for an input: the elements of a list. Of an input that is a list itself, a list of lists.
///
/// # Errors
/// When there are too many.
pub fn values_of_json(input: &Input, value: Value) -> Result<Vec<Value>, TableError> {
    let many = match (&value, input.kind) {
        (Value::Array(all), InputKind::Array) => !all.is_empty() && all.iter().all(Value::is_array),
        (Value::Array(_), _) => true,
        _ => false,
    };
    match value {
        Value::Array(values) if many => {
            bounded(input, values.len())?;
            Ok(values)
        }
        value => Ok(vec![value]),
    }
}

fn bounded(input: &Input, count: usize) -> Result<(), TableError> {
    if count <= limits::SWEEP_VALUES {
        return Ok(());
    }
    Err(TableError::new(format!("`{}` has more than {} values", input.name, limits::SWEEP_VALUES)))
}

/// The numbers of `START:END:STEP`, or `START:END` in steps of 1. They are counted in decimal, START + n * STEP, so
/// nothing adds up; END is among them when it is one of these.
fn range(input: &Input, text: &str, values: &mut Vec<Value>) -> Result<(), TableError> {
    let wrong = |why: &str| {
        TableError::new(format!("`{}`: the range `{text}` {why}", input.name))
            .help("START:END:STEP, such as 0:10:2.5 or 5:1:-1")
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (start, end, step) = match parts[..] {
        [start, end] => (start, end, "1"),
        [start, end, step] => (start, end, step),
        _ => return Err(wrong("has too many parts")),
    };
    let decimals = [start, end, step].map(|part| decimal(part.trim()));
    let [Some(start), Some(end), Some(step)] = decimals else {
        return Err(wrong("is not made of decimal numbers of at most 15 digits"));
    };
    let places = start.1.max(end.1).max(step.1);
    let scaled = |(number, own): (i128, u32)| number * 10_i128.pow(places - own);
    let (start, end, step) = (scaled(start), scaled(end), scaled(step));
    if step == 0 {
        return Err(wrong("has a step of 0"));
    }
    if (end - start).signum() * step.signum() < 0 {
        return Err(wrong("has a step that leads away from its end"));
    }
    let count = (end - start) / step + 1;
    if count > limits::SWEEP_VALUES as i128 {
        bounded(input, usize::MAX)?;
    }
    let unit = 10_i128.pow(places);
    for n in 0..count {
        let number = start + n * step;
        if number % unit == 0 {
            let whole = i64::try_from(number / unit).map_err(|_| wrong("is out of bounds"))?;
            values.push(Value::from(whole));
        } else if input.kind == InputKind::Integer {
            return Err(wrong("has numbers that are not whole, and the input takes whole ones"));
        } else {
            #[expect(clippy::cast_precision_loss, reason = "at most 15 digits: both are exact")]
            let number = number as f64 / unit as f64;
            values.push(Value::from(number));
        }
    }
    Ok(())
}

/// A decimal number without its point, and how many of its digits stand behind it.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{behind}");
    let plain = !all.is_empty() && all.len() <= 15 && all.bytes().all(|byte| byte.is_ascii_digit());
    let places = u32::try_from(behind.len()).ok()?;
    plain.then(|| all.parse::<i128>().ok()).flatten().map(|number| (sign * number, places))
}

impl Swept {
    /// The values of an input. Of a product each counts once, in the order of their coming; of a zip they stand beside
    /// those of other lists.
    pub fn new(name: impl Into<String>, mut values: Vec<Value>, way: Way) -> Self {
        let given = values.len();
        let mut seen = HashSet::new();
        if way == Way::Product {
            values.retain(|value| seen.insert(value.to_string()));
        }
        Self { name: name.into(), values, given }
    }
}

impl Combinations {
    /// All combinations.
    ///
    /// # Errors
    /// When an input has no value, lists to be zipped differ in length, or there are too many.
    pub fn of(swept: Vec<Swept>, way: Way) -> Result<Self, TableError> {
        if let Some(none) = swept.iter().find(|swept| swept.values.is_empty()) {
            return Err(TableError::new(format!("`{}` has no value", none.name)));
        }
        let most = u64::from(stead_core::limits::FOREACH_LINES);
        let mut raw = swept.iter().map(|swept| swept.given as u64);
        let (total, doubled) = match way {
            Way::Product => {
                let mut kept = swept.iter().map(|swept| swept.values.len() as u64);
                let total = kept.try_fold(1, u64::checked_mul).unwrap_or(u64::MAX);
                let given = raw.try_fold(1, u64::checked_mul).unwrap_or(u64::MAX);
                (total, given.saturating_sub(total))
            }
            Way::Zip => {
                let lists: Vec<&Swept> = swept.iter().filter(|swept| swept.given > 1).collect();
                let total = lists.first().map_or(1, |list| list.given);
                if let Some(other) = lists.iter().find(|list| list.given != total) {
                    let (first, name) = (&lists[0].name, &other.name);
                    let message = format!("`{first}` has {total} values, and `{name}` has {}", other.given);
                    let help = "lists that are zipped are equally long; a single value is for all rows";
                    return Err(TableError::new(message).help(help));
                }
                (total as u64, 0)
            }
        };
        if total > most {
            let message = format!("these are {total} combinations, and at most {most} are run");
            return Err(TableError::new(message).help("take fewer values, or sweep in parts"));
        }
        Ok(Self { swept, way, total, at: 0, seen: HashSet::new(), doubled })
    }

    /// The inputs that have values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.swept.iter().map(|swept| swept.name.as_str())
    }

    /// How many combinations are left out, for they were there before. Of a zip that is known when all were made.
    pub(super) fn doubled(&self) -> u64 {
        self.doubled
    }

    /// The next one, and what to call it: the values that change.
    pub(super) fn next(&mut self) -> Option<(Map<String, Value>, String)> {
        while self.at < self.total {
            let at = self.at;
            self.at += 1;
            let mut rest = at;
            let mut picked: Vec<&Value> = Vec::with_capacity(self.swept.len());
            for swept in self.swept.iter().rev() {
                let count = swept.values.len() as u64;
                let index = match self.way {
                    Way::Product => {
                        let index = rest % count;
                        rest /= count;
                        index
                    }
                    Way::Zip => at.min(count - 1),
                };
                // Within a list that is in memory.
                picked.push(&swept.values[usize::try_from(index).unwrap_or(usize::MAX)]);
            }
            picked.reverse();
            let named = self.swept.iter().zip(&picked);
            let changing = named.clone().filter(|(swept, _)| swept.given > 1);
            let key: Vec<String> =
                changing.map(|(swept, value)| format!("{}={}", swept.name, text(value))).collect();
            let row: Map<String, Value> =
                named.map(|(s, value)| (s.name.clone(), (*value).clone())).collect();
            let key = key.join(" ");
            if self.way == Way::Zip && !self.seen.insert(Value::Object(row.clone()).to_string()) {
                self.doubled += 1;
                continue;
            }
            return Some((row, key));
        }
        None
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

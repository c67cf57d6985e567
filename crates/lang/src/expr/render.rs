//! Values as JSON.
//!
//! A value that an expression made may hold the same list a thousand times over, and each of those another:
//! small while it is shared, immense when it is written out. So writing it out is bounded, and so is depth,
//! because what reads it back later has a bound too.

use serde_json::{Map, Number, Value};

use super::value::{Object, ObjectKind, Val, failed, no_number, too_long};
use super::{EvalError, time};
use crate::limits;

/// One value on its way to JSON.
pub(super) struct Rendering {
    work: u64,
    /// A part was not loaded. The others are asked for all the same, so that the host hears of all of them.
    needs: bool,
}

impl Default for Rendering {
    fn default() -> Self {
        Rendering { work: limits::RENDERED_WORK, needs: false }
    }
}

impl Rendering {
    pub(super) fn value(&mut self, value: &Val<'_>, depth: usize) -> Result<Value, EvalError> {
        // What is handed on as it was is as large as it was: only what is put together can grow.
        if matches!(value, Val::Json(_) | Val::Object(_)) {
            self.work = u64::MAX;
        }
        let made = self.part(value, depth)?;
        if self.needs { Err(EvalError::Needs) } else { Ok(made) }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), EvalError> {
        let work = 1 + bytes as u64 / 32;
        self.work = self.work.checked_sub(work).ok_or_else(|| failed("the value is too large"))?;
        Ok(())
    }

    fn deeper(depth: usize) -> Result<usize, EvalError> {
        if depth >= limits::VALUE_DEPTH {
            return Err(failed(format!("the value is nested deeper than {} levels", limits::VALUE_DEPTH)));
        }
        Ok(depth + 1)
    }

    fn part(&mut self, value: &Val<'_>, depth: usize) -> Result<Value, EvalError> {
        self.spend(0)?;
        Ok(match value {
            Val::Null | Val::Optional(None) => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Int(value) => Value::from(*value),
            Val::UInt(value) => Value::from(*value),
            Val::Double(value) => Value::Number(Number::from_f64(*value).ok_or_else(no_number)?),
            Val::Str(text) => self.text(text)?,
            Val::Bytes(_) => return Err(failed("bytes are no JSON; write string(x) for their text")),
            Val::Json(value) => self.json(value, depth)?,
            Val::List(items) => {
                let depth = Self::deeper(depth)?;
                let mut made = Vec::with_capacity(items.len());
                for item in items.iter() {
                    made.push(self.part(item, depth)?);
                }
                Value::Array(made)
            }
            Val::Map(entries) => {
                let depth = Self::deeper(depth)?;
                let mut made = Map::with_capacity(entries.len());
                for (key, value) in entries.iter() {
                    let key = key_text(key)?;
                    self.spend(key.len())?;
                    made.insert(key, self.part(value, depth)?);
                }
                Value::Object(made)
            }
            Val::Object(object) => self.object(object.as_ref(), Self::deeper(depth)?)?,
            Val::Timestamp(millis, nanos) => Value::String(time::timestamp_text(*millis, *nanos)),
            Val::Duration(nanos) => Value::String(time::duration_text(*nanos)),
            Val::Optional(Some(value)) => self.part(value, depth)?,
            Val::Type(name) => Value::String((*name).to_owned()),
        })
    }

    fn text(&mut self, text: &str) -> Result<Value, EvalError> {
        self.spend(text.len())?;
        Ok(Value::String(text.to_owned()))
    }

    fn json(&mut self, value: &Value, depth: usize) -> Result<Value, EvalError> {
        self.spend(0)?;
        Ok(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
            Value::String(text) => self.text(text)?,
            Value::Array(items) => {
                let depth = Self::deeper(depth)?;
                Value::Array(items.iter().map(|item| self.json(item, depth)).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let depth = Self::deeper(depth)?;
                let mut made = Map::with_capacity(entries.len());
                for (key, value) in entries {
                    self.spend(key.len())?;
                    made.insert(key.clone(), self.json(value, depth)?);
                }
                Value::Object(made)
            }
        })
    }

    fn object<'a>(&mut self, object: &(dyn Object<'a> + 'a), depth: usize) -> Result<Value, EvalError> {
        match object.kind() {
            ObjectKind::List => {
                let len = object.len()?;
                let mut made = Vec::new();
                for index in 0..len {
                    let item = object.at(index);
                    made.push(self.found(item, depth)?);
                }
                Ok(Value::Array(made))
            }
            ObjectKind::Map => {
                let mut made = Map::new();
                for key in object.keys()? {
                    self.spend(key.len())?;
                    let value = object.get(&key);
                    made.insert(key.into_owned(), self.found(value, depth)?);
                }
                Ok(Value::Object(made))
            }
        }
    }

    fn found(&mut self, found: Result<Option<Val<'_>>, EvalError>, depth: usize) -> Result<Value, EvalError> {
        match found {
            Ok(Some(value)) => match self.part(&value, depth) {
                Err(EvalError::Needs) => {
                    self.needs = true;
                    Ok(Value::Null)
                }
                made => made,
            },
            Ok(None) => Ok(Value::Null),
            Err(EvalError::Needs) => {
                self.needs = true;
                Ok(Value::Null)
            }
            Err(error) => Err(error),
        }
    }
}

/// A key as JSON has it.
fn key_text(key: &Val<'_>) -> Result<String, EvalError> {
    match key {
        Val::Str(_) | Val::Bool(_) | Val::Int(_) | Val::UInt(_) => Ok(key.to_text()?.into_owned()),
        _ => Err(failed(format!("{} is no key of a map", key.describe()))),
    }
}

/// As compact JSON, within the bound on texts.
pub(super) fn compact(value: &Value) -> Result<String, EvalError> {
    let mut text = Capped(Vec::new());
    serde_json::to_writer(&mut text, value).map_err(|_| too_long())?;
    String::from_utf8(text.0).map_err(|_| failed("a text that is not UTF-8"))
}

/// Bytes up to [`MADE_BYTES`](limits::MADE_BYTES).
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > limits::MADE_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

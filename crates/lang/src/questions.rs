//! Questions to people, and what their answers have to be.
//!
//! Those that are written out in a definition are checked with it. Those that an earlier step made are read by
//! [`read`] when they are there: by the same rules, but that their ids may be any short texts, and that keys which are
//! not known are left aside, for they are data and no part of a definition.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::limits;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The key of its answer.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_it_matters: Option<String>,
    /// How much depends on it.
    pub priority: Priority,
    /// What answers it.
    pub answer_type: AnswerType,
    /// What there is to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The answer that is proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether it has to be answered.
    pub required: bool,
}

/// How much depends on a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the language")]
pub enum Priority {
    #[default]
    Must,
    Should,
    Could,
}

/// What answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of the choices.
    Choice,
    /// Some of the choices.
    Choices,
    /// A day: `2026-11-21`.
    Date,
}

/// What `priority` may be.
pub static PRIORITIES: &[&str] = &["must", "should", "could"];

/// What `answer_type` may be.
pub static ANSWER_TYPES: &[&str] = &["text", "number", "boolean", "choice", "choices", "date"];

impl Priority {
    /// Of a word of [`PRIORITIES`].
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "must" => Self::Must,
            "should" => Self::Should,
            "could" => Self::Could,
            _ => return None,
        })
    }
}

impl AnswerType {
    /// Of a word of [`ANSWER_TYPES`].
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "text" => Self::Text,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "choice" => Self::Choice,
            "choices" => Self::Choices,
            "date" => Self::Date,
            _ => return None,
        })
    }

    /// Whether its answers are taken from the choices.
    pub(crate) fn chooses(self) -> bool {
        matches!(self, Self::Choice | Self::Choices)
    }
}

impl Question {
    /// What its answer has to be, as a JSON Schema.
    pub fn schema(&self) -> Value {
        let least = usize::from(self.required);
        let mut schema = match self.answer_type {
            AnswerType::Text => json!({"type": "string", "minLength": least}),
            AnswerType::Number => json!({"type": "number"}),
            AnswerType::Boolean => json!({"type": "boolean"}),
            AnswerType::Choice => json!({"type": "string", "enum": self.choices}),
            AnswerType::Choices => json!({
                "type": "array", "uniqueItems": true, "minItems": least,
                "items": {"type": "string", "enum": self.choices},
            }),
            AnswerType::Date => json!({"type": "string", "format": "date", "pattern": DAY}),
        };
        schema["title"] = json!(self.text);
        if let Some(why) = &self.why_it_matters {
            schema["description"] = json!(why);
        }
        if let Some(default) = &self.default {
            schema["default"] = default.clone();
        }
        schema
    }

    /// Whether a value answers it.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        let chosen =
            |value: &Value| value.as_str().is_some_and(|text| self.choices.iter().any(|c| c == text));
        match (self.answer_type, value) {
            (AnswerType::Text, Value::String(_))
            | (AnswerType::Number, Value::Number(_))
            | (AnswerType::Boolean, Value::Bool(_)) => true,
            (AnswerType::Choice, value) => chosen(value),
            (AnswerType::Choices, Value::Array(values)) => {
                values.iter().all(chosen)
                    && values.iter().map(Value::as_str).collect::<BTreeSet<_>>().len() == values.len()
            }
            (AnswerType::Date, Value::String(text)) => is_day(text),
            _ => false,
        }
    }
}

/// How a day is written.
const DAY: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// Whether a text is a day that the calendar has.
pub(crate) fn is_day(text: &str) -> bool {
    text.len() == 10 && crate::duration::parse_time(&format!("{text}T00:00:00Z")).is_ok()
}

/// What the answers have to be, as the JSON Schema of a map from id to answer. A question that need not be answered has
/// no key there when it was not.
pub fn answers(questions: &[Question]) -> Value {
    let properties: Map<String, Value> = questions.iter().map(|q| (q.id.clone(), q.schema())).collect();
    let required: Vec<&str> = questions.iter().filter(|q| q.required).map(|q| q.id.as_str()).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// Reads questions that were made while a run went on.
///
/// # Errors
/// The first thing that is wrong with them, for people.
pub fn read(value: &Value) -> Result<Vec<Question>, String> {
    let Value::Array(items) = value else { return Err("the questions are no list".to_owned()) };
    if items.len() > limits::QUESTIONS {
        return Err(format!(
            "there are {} questions, and at most {} are asked at once",
            items.len(),
            limits::QUESTIONS
        ));
    }
    let mut ids = BTreeSet::new();
    let mut questions = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let question = one(item).map_err(|why| format!("question {} {why}", at + 1))?;
        if !ids.insert(question.id.clone()) {
            return Err(format!("two questions have the id `{}`", question.id));
        }
        questions.push(question);
    }
    Ok(questions)
}

fn one(item: &Value) -> Result<Question, String> {
    let Value::Object(keys) = item else { return Err("is no map".to_owned()) };
    let get = |key: &str| keys.get(key).filter(|value| !value.is_null());
    let text = |key: &str, most: usize| match get(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() > most => {
            Err(format!("has a `{key}` of {} bytes, and at most {most} are allowed", text.len()))
        }
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("has a `{key}` that is no text")),
    };
    let needed = |key: &str, most: usize| text(key, most)?.ok_or_else(|| format!("has no `{key}`"));
    let word = |key: &str, words: &[&str]| match text(key, limits::NAME_BYTES)? {
        Some(word) if !words.contains(&word.as_str()) => {
            Err(format!("has the `{key}` `{word}`, which is none of {}", words.join(", ")))
        }
        word => Ok(word),
    };
    let choices = choices_of(get("choices"))?;
    let priority = word("priority", PRIORITIES)?.and_then(|w| Priority::of(&w)).unwrap_or_default();
    let usual = if choices.is_empty() { AnswerType::Text } else { AnswerType::Choice };
    let question = Question {
        id: needed("id", limits::NAME_BYTES)?,
        text: needed("text", limits::QUESTION_BYTES)?,
        why_it_matters: text("why_it_matters", limits::QUESTION_BYTES)?,
        priority,
        answer_type: word("answer_type", ANSWER_TYPES)?.and_then(|w| AnswerType::of(&w)).unwrap_or(usual),
        choices,
        default: get("default").cloned(),
        required: match get("required") {
            None => priority == Priority::Must,
            Some(Value::Bool(required)) => *required,
            Some(_) => return Err("has a `required` that is neither true nor false".to_owned()),
        },
    };
    if question.answer_type.chooses() == question.choices.is_empty() {
        return Err(match question.choices.is_empty() {
            true => "has nothing to choose from".to_owned(),
            false => "has `choices`, and another `answer_type` than `choice` or `choices`".to_owned(),
        });
    }
    match &question.default {
        Some(default) if !question.takes(default) => {
            Err("has a `default` that does not answer it".to_owned())
        }
        _ => Ok(question),
    }
}

fn choices_of(value: Option<&Value>) -> Result<Vec<String>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let texts =
        value.as_array().and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let texts = texts.ok_or("has `choices` that are no list of texts")?;
    if texts.len() > limits::CHOICES {
        return Err(format!("has {} choices, and at most {} are allowed", texts.len(), limits::CHOICES));
    }
    if texts.iter().any(|text| text.len() > limits::QUESTION_BYTES) {
        return Err(format!("has a choice of more than {} bytes", limits::QUESTION_BYTES));
    }
    if texts.iter().collect::<BTreeSet<_>>().len() != texts.len() {
        return Err("has the same choice twice".to_owned());
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

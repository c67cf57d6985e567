//! Fields of a form and questions: what can be filled in, and how.

use serde_json::{Map, Value};

use crate::commands::tasks::fill;

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its key in what is handed in.
    pub name: String,
    /// What it takes.
    pub schema: Value,
    /// What is asked.
    pub text: String,
    /// Why that matters, or more about it.
    pub why: String,
    /// It cannot be left out.
    pub required: bool,
    /// How it is filled in.
    pub kind: Kind,
}

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// One of these.
    One(Vec<Value>),
    /// Some of these.
    Some(Vec<Value>),
    /// By typing.
    Text,
}

impl Field {
    /// The fields of a form, or the questions in their order.
    pub fn all(form: Option<&Value>, questions: Option<&Value>) -> Vec<Self> {
        let Some(form) = form else { return Vec::new() };
        let mut fields: Vec<Self> =
            fill::fields(form).into_iter().map(|(name, schema)| Self::new(name, schema)).collect();
        let questions: Vec<&Value> = questions.and_then(Value::as_array).into_iter().flatten().collect();
        for question in &questions {
            let get = |key: &str| question.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(field) = fields.iter_mut().find(|field| question["id"] == field.name.as_str()) {
                (field.text, field.why) = (get("text"), get("why_it_matters"));
            }
        }
        if !questions.is_empty() {
            fields.sort_by_key(|field| questions.iter().position(|one| one["id"] == field.name.as_str()));
        }
        fields
    }

    fn new(name: String, schema: Value) -> Self {
        let get = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
        let kind = if let Some(choices) = list(schema.get("enum")) {
            Kind::One(choices)
        } else if let Some(choices) = list(schema.pointer("/items/enum")) {
            Kind::Some(choices)
        } else if schema.get("type") == Some(&Value::from("boolean")) {
            Kind::One(vec![Value::Bool(true), Value::Bool(false)])
        } else {
            Kind::Text
        };
        let (text, why) = match (get("title"), get("description")) {
            (title, why) if title.is_empty() => (why, String::new()),
            both => both,
        };
        let required = schema["x-required"] == Value::Bool(true);
        Self { name, text, why, required, kind, schema }
    }

    /// What it may be, in a few words.
    pub fn takes(&self) -> String {
        let kind = match &self.kind {
            Kind::One(_) => "choose one".to_owned(),
            Kind::Some(_) => "choose some".to_owned(),
            Kind::Text => match self.schema.get("type").and_then(Value::as_str) {
                None | Some("string") => "text".to_owned(),
                Some("array") => "a list, with commas".to_owned(),
                Some("object") => "JSON".to_owned(),
                Some(kind) => kind.to_owned(),
            },
        };
        let optional = if self.required { "" } else { ", may be left out" };
        match self.schema.get("default") {
            Some(default) => format!("{kind}{optional}, without an answer {}", text_of(default)),
            None => format!("{kind}{optional}"),
        }
    }

    /// What a typed text is worth here; nothing, where it is empty.
    pub fn read(&self, text: &str) -> Option<Value> {
        (!text.is_empty()).then(|| fill::typed(Some(&self.schema), text))
    }

    /// The value with the choice of this number made, or taken back.
    pub fn choose(&self, number: usize, now: Option<&Value>) -> Option<Option<Value>> {
        match &self.kind {
            Kind::Text => None,
            Kind::One(choices) => {
                let choice = choices.get(number)?;
                Some((now != Some(choice)).then(|| choice.clone()))
            }
            Kind::Some(choices) => {
                let choice = choices.get(number)?;
                let chosen = now.and_then(Value::as_array).cloned().unwrap_or_default();
                let there = chosen.contains(choice);
                // In the order of the form, whatever the order of choosing.
                let kept = |one: &&Value| if *one == choice { !there } else { chosen.contains(one) };
                let kept: Vec<Value> = choices.iter().filter(kept).cloned().collect();
                Some((!kept.is_empty()).then(|| Value::from(kept)))
            }
        }
    }

    /// Why a value does not fit.
    pub fn misfit(&self, value: &Value) -> Option<String> {
        let problems = stead_lang::inputs::misfits(&self.schema, value);
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

/// A value as it is typed.
pub fn text_of(value: &Value) -> String {
    let plain = |value: &Value| value.as_str().filter(|text| !text.contains(',')).map(str::to_owned);
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => match items.iter().map(plain).collect::<Option<Vec<_>>>() {
            Some(items) => items.join(", "),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// What is handed in: with the defaults of what was left out.
pub fn whole(fields: &[Field], filled: &Map<String, Value>) -> Map<String, Value> {
    let mut all = filled.clone();
    for field in fields.iter().filter(|field| !filled.contains_key(&field.name)) {
        if let Some(default) = field.schema.get("default") {
            all.insert(field.name.clone(), default.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<Field> {
        let form = json!({
            "type": "object",
            "required": ["n"],
            "properties": {
                "why": {"type": "string", "title": "Why?", "default": "as planned"},
                "n": {"type": "integer"},
                "all": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
                "sure": {"type": "boolean"},
            },
        });
        Field::all(Some(&form), None)
    }

    #[test]
    fn what_has_to_be_filled_in_comes_first_and_each_says_what_it_takes() {
        let told: Vec<String> = fields().iter().map(|one| format!("{}: {}", one.name, one.takes())).collect();
        assert_eq!(
            told,
            [
                "n: integer",
                "why: text, may be left out, without an answer as planned",
                "all: choose some, may be left out",
                "sure: choose one, may be left out"
            ]
        );
    }

    #[test]
    fn what_is_typed_and_chosen_becomes_values_and_back() {
        let fields = fields();
        let n = fields[0].read("12").unwrap();
        assert_eq!((n.clone(), text_of(&n), fields[0].misfit(&n)), (json!(12), "12".into(), None));
        // What is no number yet stays as it was typed, and is told.
        let half = fields[0].read("12x").unwrap();
        assert_eq!(text_of(&half), "12x");
        assert!(fields[0].misfit(&half).unwrap().contains("integer"));
        assert_eq!(fields[1].read(""), None);
        let mut some = None;
        for (number, now) in [(2, json!(["c"])), (0, json!(["a", "c"])), (2, json!(["a"]))] {
            some = fields[2].choose(number, some.as_ref()).unwrap();
            assert_eq!(some, Some(now));
        }
        assert_eq!(fields[2].choose(0, some.as_ref()), Some(None));
        assert_eq!(fields[2].choose(7, None), None);
        assert_eq!(fields[3].choose(1, None), Some(Some(json!(false))));
        assert_eq!(text_of(&json!(["x", "y"])), "x, y");
        assert_eq!(text_of(&json!(["x,", 1])), "[\"x,\",1]");
    }

    #[test]
    fn questions_stand_in_their_order_with_what_they_ask() {
        let questions = json!([
            {"id": "late", "text": "When?", "why_it_matters": "It has to fit."},
            {"id": "early", "text": "Who?"},
        ]);
        let form = json!({"required": ["early"], "properties": {"early": {}, "late": {}}});
        let fields = Field::all(Some(&form), Some(&questions));
        let told: Vec<_> = fields.iter().map(|one| (one.text.as_str(), one.why.as_str())).collect();
        assert_eq!(told, [("When?", "It has to fit."), ("Who?", "")]);
    }
}

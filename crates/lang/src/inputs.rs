//! The inputs of a run, held against what its definition declares.

use serde_json::{Map, Value, json};

use crate::codes::{self, Code};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::limits;
use crate::plan::{Input, InputKind, Plan};

/// The types of inputs.
pub(crate) static KINDS: &[&str] = &["string", "integer", "number", "boolean", "object", "array", "file"];

/// The type of a word.
pub(crate) fn kind_of(word: &str) -> Option<InputKind> {
    Some(match word {
        "string" => InputKind::String,
        "integer" => InputKind::Integer,
        "number" => InputKind::Number,
        "boolean" => InputKind::Boolean,
        "object" => InputKind::Object,
        "array" => InputKind::Array,
        "file" => InputKind::File,
        _ => return None,
    })
}

/// The word of a type.
fn word_of(kind: InputKind) -> &'static str {
    match kind {
        InputKind::String => "string",
        InputKind::Integer => "integer",
        InputKind::Number => "number",
        InputKind::Boolean => "boolean",
        InputKind::Object => "object",
        InputKind::Array => "array",
        InputKind::File => "file",
    }
}

/// What JSON Schema calls the values of a type. A file is given by its path, or as it was taken in.
pub(crate) fn type_words(kind: InputKind) -> Value {
    match kind {
        InputKind::File => json!(["string", "object"]),
        kind => json!(word_of(kind)),
    }
}

/// Why a value does not fit an input, if it does not.
pub(crate) fn misfit(input: &Input, value: &Value) -> Option<String> {
    // Most inputs declare nothing but their type; for those no validator is made.
    if input.schema.as_object().is_some_and(|s| s.len() == 1) && fits_type(input.kind, value) {
        return None;
    }
    let Ok(validator) = jsonschema::validator_for(&input.schema) else { return None };
    let errors: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|error| match error.instance_path().to_string() {
            at if at.is_empty() => shortened(&error.to_string()),
            at => format!("{} at `{at}`", shortened(&error.to_string())),
        })
        .collect();
    (!errors.is_empty()).then(|| errors.join("; "))
}

/// What is wrong with a value that is to fit a JSON Schema, a line for each thing and at most so many; nothing, where
/// it fits or the schema is none.
pub fn misfits(schema: &Value, value: &Value) -> Vec<String> {
    let Ok(validator) = jsonschema::validator_for(schema) else { return Vec::new() };
    let errors = validator.iter_errors(value).take(crate::limits::FORM_PROBLEMS);
    let told = errors.map(|error| match error.instance_path().to_string() {
        at if at.is_empty() => shortened(&error.to_string()),
        at => format!("{} at `{}`", shortened(&error.to_string()), at.trim_start_matches('/')),
    });
    told.collect()
}

fn fits_type(kind: InputKind, value: &Value) -> bool {
    match kind {
        InputKind::String => value.is_string(),
        InputKind::Integer => value.is_i64() || value.is_u64(),
        InputKind::Number => value.is_number(),
        InputKind::Boolean => value.is_boolean(),
        InputKind::Object => value.is_object(),
        InputKind::Array => value.is_array(),
        InputKind::File => value.is_string() || value.is_object(),
    }
}

/// A message with a long value in it, cut.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// The inputs of a plan as one JSON Schema, of the object that is handed in when a run is started.
pub fn schema_of(plan: &Plan) -> Value {
    let mut properties = Map::new();
    for input in &plan.inputs {
        let mut schema = input.schema.clone();
        if let Value::Object(schema) = &mut schema {
            let said = [
                ("description", input.description.clone().map(Value::String)),
                ("default", input.default.clone()),
            ];
            for (key, value) in said {
                if let Some(value) = value {
                    schema.insert(key.to_owned(), value);
                }
            }
        }
        properties.insert(input.name.clone(), schema);
    }
    let required: Vec<&str> =
        plan.inputs.iter().filter(|input| input.default.is_none()).map(|input| input.name.as_str()).collect();
    serde_json::json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}

/// Holds given inputs against the declared ones and adds the defaults.
///
/// # Errors
/// All that is missing, unknown, or does not fit. Their file is empty, their path names the input.
pub fn check_inputs(plan: &Plan, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for name in given.keys().filter(|n| !plan.inputs.iter().any(|i| i.name == **n)) {
        let problem = problem(codes::INPUT_UNKNOWN, name, format!("`{}` has no input `{name}`", plan.name));
        let names = plan.inputs.iter().map(|i| i.name.as_str());
        problems.push(match nearest(name, names.clone()) {
            Some(near) => problem.nearest(near),
            None => {
                let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
                let none = names.is_empty();
                problem.help(if none {
                    "it takes none".to_owned()
                } else {
                    format!("its inputs are {}", names.join(", "))
                })
            }
        });
    }
    let mut inputs = Map::with_capacity(plan.inputs.len());
    for input in &plan.inputs {
        let name = &input.name;
        match (given.get(name), &input.default) {
            (Some(value), _) => {
                if let Some(why) = misfit(input, value).or_else(|| too_long_to_find(input, value)) {
                    problems.push(problem(
                        codes::INPUT_MISFIT,
                        name,
                        format!("the input `{name}` does not fit: {why}"),
                    ));
                }
                inputs.insert(name.clone(), value.clone());
            }
            (None, Some(default)) => {
                inputs.insert(name.clone(), default.clone());
            }
            (None, None) => {
                let problem = problem(codes::INPUT_MISSING, name, format!("the input `{name}` is missing"));
                let help = match &input.description {
                    Some(description) => format!("{}: {description}", word_of(input.kind)),
                    None => format!("it takes a value of type {}", word_of(input.kind)),
                };
                problems.push(problem.help(help));
            }
        }
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

/// Holds some inputs against the declared ones: what is missing may come from elsewhere.
///
/// # Errors
/// All that is unknown, or does not fit.
pub fn check_some(plan: &Plan, given: &Map<String, Value>) -> Result<(), Vec<Diagnostic>> {
    let Err(mut problems) = check_inputs(plan, given) else { return Ok(()) };
    problems.retain(|problem| problem.code != codes::INPUT_MISSING.code);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Why the value of an indexed input is too long, if it is.
pub(crate) fn too_long_to_find(input: &Input, value: &Value) -> Option<String> {
    let text = index_text(value).filter(|text| input.index && text.len() > limits::INDEXED_BYTES)?;
    Some(format!(
        "runs are found by it, and it has {} bytes; at most {} are allowed",
        text.len(),
        limits::INDEXED_BYTES
    ))
}

/// The text by which runs are found for a value of an indexed input, so that one who looks need not know its type:
/// a number that is whole is written as such. `None` for lists, maps and null.
pub fn index_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => {
            // Whole, and within what a fraction holds exactly.
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15);
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
            let text = whole.map(|n| (n as i64).to_string());
            Some(number.as_i64().map(|n| n.to_string()).or(text).unwrap_or_else(|| number.to_string()))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The value of an input's type that a text stands for, if it is one; whether it fits is not looked at.
pub fn read_input(input: &Input, text: &str) -> Option<Value> {
    match input.kind {
        InputKind::String | InputKind::File => Some(Value::from(text)),
        InputKind::Boolean => text.trim().parse::<bool>().ok().map(Value::from),
        InputKind::Integer => text.trim().parse::<i64>().ok().map(Value::from),
        InputKind::Number => number(text.trim()),
        InputKind::Object => serde_json::from_str(text).ok().filter(Value::is_object),
        InputKind::Array => serde_json::from_str(text).ok().filter(Value::is_array),
    }
}

/// The value of an input from the text of a command line, by its type.
///
/// # Errors
/// When the text is nothing that the type has, or the value does not fit the declaration.
pub fn parse_input(input: &Input, text: &str) -> Result<Value, Box<Diagnostic>> {
    let name = &input.name;
    let Some(value) = read_input(input, text) else {
        let message = format!(
            "the input `{name}` is of type {}, and `{}` is none",
            word_of(input.kind),
            shortened(text)
        );
        let help = match input.kind {
            InputKind::Boolean => "write `true` or `false`",
            InputKind::Object => "write it as JSON: {\"key\": \"value\"}",
            InputKind::Array => "write it as JSON: [\"a\", \"b\"]",
            _ => "write a number",
        };
        return Err(Box::new(problem(codes::INPUT_UNREADABLE, name, message).help(help)));
    };
    match misfit(input, &value) {
        Some(why) => {
            let message = format!("the input `{name}` does not fit: {why}");
            Err(Box::new(problem(codes::INPUT_MISFIT, name, message)))
        }
        None => Ok(value),
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|_| plain).and_then(serde_json::Number::from_f64).map(Value::Number)
}

/// What is said of an input that does not fit, and what to try.
pub fn misfit_of(name: &str, why: &str, help: &str) -> Diagnostic {
    problem(codes::INPUT_MISFIT, name, format!("the input `{name}` does not fit: {why}")).help(help)
}

fn problem(code: &'static Code, name: &str, message: String) -> Diagnostic {
    Diagnostic::new(code, "", Span::default(), format!("/{name}"), message)
}

//! Forms and questions: what is filled in, by the words of the command line or by asking.

use std::io::BufRead as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{CliError, codes};
use crate::out;
use crate::text;

/// Bytes of a file that becomes an answer, at most.
const BYTES: u64 = 1 << 20;

/// The fields of a form, each with its schema; those that have to be filled in first.
pub(crate) fn fields(form: &Value) -> Vec<(String, Value)> {
    let required = |name: &str| {
        let all = form.get("required").and_then(Value::as_array);
        all.is_some_and(|all| all.iter().any(|one| one == name))
    };
    let fields = form.get("properties").and_then(Value::as_object);
    let mut fields: Vec<(String, Value)> =
        fields.into_iter().flatten().map(|(name, field)| (name.clone(), field.clone())).collect();
    for (name, field) in &mut fields {
        if let Some(field) = field.as_object_mut() {
            field.insert("x-required".into(), required(name).into());
        }
    }
    fields.sort_by_key(|(_, field)| field["x-required"] != Value::Bool(true));
    fields
}

/// A field in a line.
pub(super) fn field(name: &str, field: &Value) -> String {
    let mut words = vec![text::pad(&text::clean(name), 12)];
    if let Some(title) = field.get("title").or_else(|| field.get("description")).and_then(Value::as_str) {
        words.push(text::clean(title));
    }
    words.push(format!("({})", kind(field)));
    if let Some(default) = field.get("default") {
        words.push(format!("default {}", text::clean(&default.to_string())));
    }
    words.join(" ")
}

/// A question in a line or two.
pub(super) fn question(question: &Value) -> String {
    let get = |key: &str| question.get(key).and_then(Value::as_str).map(text::clean).unwrap_or_default();
    let choices: Vec<String> = question
        .get("choices")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(text::clean)
        .collect();
    let line = format!("{} {}", text::pad(&get("id"), 12), get("text"));
    let kind = if choices.is_empty() { get("answer_type") } else { choices.join(", ") };
    let why = get("why_it_matters");
    let why = if why.is_empty() { why } else { format!("\n  {} {why}", text::pad("", 12)) };
    format!("{line} ({kind}; {}){why}", get("priority"))
}

fn kind(field: &Value) -> String {
    let required = if field["x-required"] == Value::Bool(true) { "" } else { ", may be left out" };
    let words = |all: &Value| {
        let all = all.as_array().into_iter().flatten();
        all.map(|one| one.as_str().map_or_else(|| one.to_string(), text::clean))
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let kind = match (field.get("enum"), field.pointer("/items/enum"), field.get("type")) {
        (Some(choices), ..) => words(choices),
        (_, Some(choices), _) => format!("some of {}", words(choices)),
        (.., Some(Value::String(kind))) => kind.clone(),
        _ => "any value".to_owned(),
    };
    format!("{kind}{required}")
}

/// What the words of the command line fill in.
///
/// # Errors
/// With the first that cannot be read.
pub(super) fn given(form: Option<&Value>, words: &[String]) -> Result<Map<String, Value>, CliError> {
    let mut all = Map::new();
    for word in words {
        let bad = |why: &str| {
            let error = CliError::usage(codes::INPUTS, format!("-i {}: {why}", text::clean(word)));
            error.detail("it takes NAME=VALUE, NAME=@FILE or NAME:=JSON")
        };
        let (name, value) = word.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
        let value = match name.strip_suffix(':') {
            Some(_) => serde_json::from_str(value).map_err(|error| bad(&error.to_string()))?,
            None => {
                let text = match value.strip_prefix('@') {
                    Some(file) => contents(Path::new(file)).map_err(|why| bad(&why))?,
                    None => value.to_owned(),
                };
                typed(schema_of(form, name), &text)
            }
        };
        all.insert(name.strip_suffix(':').unwrap_or(name).to_owned(), value);
    }
    Ok(all)
}

fn schema_of<'f>(form: Option<&'f Value>, name: &str) -> Option<&'f Value> {
    form?.get("properties")?.get(name)
}

/// A text as the value that a field takes; what it cannot be stays text, and the form says so.
pub(crate) fn typed(schema: Option<&Value>, text: &str) -> Value {
    let kind = schema.and_then(|schema| schema.get("type")).and_then(Value::as_str);
    match kind {
        Some("number" | "integer" | "boolean" | "object") => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
        }
        Some("array") => serde_json::from_str(text)
            .ok()
            .filter(Value::is_array)
            .unwrap_or_else(|| text.split(',').map(|part| Value::from(part.trim())).collect()),
        _ => Value::from(text),
    }
}

/// The text of a file, `-` for standard input.
pub(super) fn contents(file: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(BYTES + 1).read_to_string(&mut text))
    };
    let read = read.map_err(|error| format!("{}: {error}", file.display()))?;
    if read as u64 > BYTES {
        return Err(format!("{} is larger than {} KiB", file.display(), BYTES >> 10));
    }
    Ok(text)
}

/// Keeps what was filled in so far.
pub(super) type Keep<'k> = dyn FnMut(&Map<String, Value>) -> Result<(), CliError> + 'k;

/// Asks for what is not there yet, or does not fit, one field after the other. An empty line takes the default, or
/// leaves out what may be left out. Each answer is kept as soon as it is there.
///
/// # Errors
/// When nobody answers any more, or an answer cannot be kept.
pub(super) fn ask(
    form: &Value,
    filled: &mut Map<String, Value>,
    keep: &mut Keep<'_>,
) -> Result<(), CliError> {
    for (name, schema) in fields(form) {
        if filled.get(&name).is_some_and(|value| stead_lang::inputs::misfits(&schema, value).is_empty()) {
            continue;
        }
        loop {
            out::say(&format!("{}: ", field(&name, &schema)));
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            if !matches!(read, Ok(1..)) {
                return Err(CliError::usage(codes::INPUTS, "nothing was answered"));
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if let Some(default) = schema.get("default") {
                    filled.insert(name.clone(), default.clone());
                } else if schema["x-required"] == Value::Bool(true) {
                    out::note("this one has to be answered");
                    continue;
                }
                break;
            }
            let value = typed(Some(&schema), line);
            let problems = stead_lang::inputs::misfits(&schema, &value);
            if problems.is_empty() {
                filled.insert(name.clone(), value);
                keep(filled)?;
                break;
            }
            out::note(&text::clean(&problems.join("; ")));
        }
    }
    Ok(())
}

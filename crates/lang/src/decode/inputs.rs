//! Declared inputs.

use serde_json::{Map, Value, json};

use super::{Decoder, Naming};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::inputs::{KINDS, kind_of};
use crate::keys;
use crate::limits;
use crate::plan::{Input, InputKind};
use crate::tree::{Node, Plain, Shape};

impl<'t> Decoder<'t, '_> {
    pub(super) fn inputs(&self, node: Node<'t>) -> Vec<Input> {
        let Some(entries) = self.entries(node, "`inputs` is a map of inputs") else { return Vec::new() };
        let mut inputs: Vec<Input> = Vec::new();
        let mut stdin: Option<&str> = None;
        let mut indexed = 0;
        for entry in entries {
            self.key_name(entry, "an input", Naming::Snake);
            let input = self.input(entry.key, entry.value);
            if input.stdin {
                match stdin {
                    Some(first) => {
                        let message = format!("standard input fills `{first}` already");
                        let help = "one input at most has `stdin: true`";
                        self.push(Diagnostic::at_key(codes::DOUBLED, entry, message).help(help));
                    }
                    None => stdin = Some(entry.key),
                }
            }
            indexed += usize::from(input.index);
            if input.index && indexed == limits::INDEXED_INPUTS + 1 {
                let message = "runs are found by too many inputs";
                let help = format!("at most {} have `index: true`", limits::INDEXED_INPUTS);
                self.push(Diagnostic::at_key(codes::TOO_MANY, entry, message).help(help));
            }
            inputs.push(input);
        }
        inputs
    }

    fn input(&self, name: &str, node: Node<'t>) -> Input {
        // An input that is broken takes any value, so that nothing is said twice.
        let mut input = Input {
            name: name.to_owned(),
            kind: InputKind::String,
            description: None,
            default: None,
            schema: Value::Bool(true),
            stdin: false,
            index: false,
        };
        let tables = [keys::INPUT, keys::INPUT_SCHEMA];
        if let Some(word) = node.raw().filter(|w| kind_of(w).is_some()) {
            self.wrong_type(node, &format!("an input is a map such as `{{ type: {word} }}`"));
            return input;
        }
        let Some(fields) = self.fields(node, "an input", &tables) else { return input };
        let Some(word) = fields.get("type").and_then(|n| self.word(n, "the type of an input", KINDS)) else {
            return input;
        };
        input.kind = kind_of(word).unwrap_or(InputKind::String);
        input.description = fields
            .get("description")
            .and_then(|n| self.prose(n, "the description", limits::DESCRIPTION_CHARS));
        input.stdin = fields.get("stdin").and_then(|n| self.boolean(n, "`stdin`")).unwrap_or(false);
        input.index = fields.get("index").is_some_and(|n| self.indexed(n, input.kind));
        if let Some(schema) = self.input_schema(&fields, input.kind) {
            input.schema = schema;
        }
        if let Some(node) = fields.get("default")
            && let Some(value) = self.typed(node, input.kind)
        {
            let long = || crate::inputs::too_long_to_find(&input, &value);
            if let Some(why) = crate::inputs::misfit(&input, &value).or_else(long) {
                let message = format!("the default of `{name}` does not fit: {why}");
                let help = "change the default, or what the input declares";
                self.push(Diagnostic::at(codes::BAD_DEFAULT, node, message).help(help));
            }
            input.default = Some(value);
        }
        input
    }

    /// Whether runs are found by an input of this type.
    fn indexed(&self, node: Node<'t>, kind: InputKind) -> bool {
        if self.boolean(node, "`index`") != Some(true) {
            return false;
        }
        let scalar = !matches!(kind, InputKind::Object | InputKind::Array | InputKind::File);
        if !scalar {
            let message = "runs are found by a text, a number or a boolean only";
            let help = "add an input of such a type that names what the run is about, and index that";
            self.push(Diagnostic::at(codes::MISPLACED_KEY, node, message).help(help));
        }
        scalar
    }

    /// The JSON Schema of an input: its type, the words that stand in it, and its `schema`.
    fn input_schema(&self, fields: &super::Fields<'t>, kind: InputKind) -> Option<Value> {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), crate::inputs::type_words(kind));
        for key in keys::INPUT_SCHEMA {
            let Some(node) = fields.get(key.name) else { continue };
            // Values of the input are read by its type; everything else is JSON Schema's own.
            let value = match key.name {
                "enum" => {
                    let items = self.list(node, "`enum` is a list of values")?;
                    let values: Vec<_> = items.map(|n| self.typed(n, kind)).collect();
                    Value::Array(values.into_iter().collect::<Option<_>>()?)
                }
                "const" => self.typed(node, kind)?,
                "pattern" => Value::from(self.raw_text(node, "`pattern`")?),
                _ => self.json(node)?,
            };
            schema.insert(key.name.to_owned(), value);
        }
        let mut problems = 0;
        if let Err(error) = jsonschema::validator_for(&Value::Object(schema.clone())) {
            let at = pointer_in(fields.node(), &error);
            self.push(bad_schema(at, &error));
            problems += 1;
        }
        if let Some(node) = fields.get("schema") {
            let more = self.schema(node)?;
            schema.insert("allOf".to_owned(), json!([more]));
        }
        (problems == 0).then_some(Value::Object(schema))
    }

    /// A JSON Schema: a map, or the path of a file with one.
    pub(super) fn schema(&self, node: Node<'t>) -> Option<Value> {
        if node.shape() == Shape::Map {
            let schema = self.json(node)?;
            return match jsonschema::validator_for(&schema) {
                Ok(_) => Some(schema),
                Err(error) => {
                    self.push(bad_schema(pointer_in(node, &error), &error));
                    None
                }
            };
        }
        let path = self.text(node, "the path of a schema")?;
        match self.outside.schema(node, path) {
            Ok((schema, hash)) => {
                self.name_file(path, hash);
                Some(schema)
            }
            Err(problem) => {
                self.push(*problem);
                None
            }
        }
    }

    fn json(&self, node: Node<'t>) -> Option<Value> {
        node.to_json().map_err(|at| self.push(not_json(at.0))).ok()
    }

    /// A fixed value for an input of some type: what is written without quotes stays what its author wrote.
    pub(crate) fn typed(&self, node: Node<'t>, kind: InputKind) -> Option<Value> {
        if node.raw().is_some_and(|t| t.contains("${{")) {
            let message = "no expression may stand in a fixed value of an input";
            self.push(Diagnostic::at(codes::NO_EXPRESSION, node, message).help("write it out"));
            return None;
        }
        match kind {
            InputKind::String if !matches!(node.plain(), None | Some(Plain::Null)) => {
                node.raw().map(Value::from)
            }
            _ => self.json(node),
        }
    }
}

/// The node that a finding of the schema's own check is about.
pub(crate) fn pointer_in<'t>(node: Node<'t>, error: &jsonschema::ValidationError<'_>) -> Node<'t> {
    let mut at = node;
    for step in error.instance_path().to_string().split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match at.shape() {
            Shape::List => step.parse().ok().and_then(|n| at.items().nth(n)),
            _ => at.get(&step),
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// That JSON has no value for a scalar.
pub(crate) fn not_json(node: Node<'_>) -> Diagnostic {
    let message = format!("JSON has no number `{}`", node.raw().unwrap_or_default());
    Diagnostic::at(codes::NOT_JSON, node, message).help("put it in quotes if it is a text")
}

/// That a JSON Schema is none.
pub(crate) fn bad_schema(at: Node<'_>, error: &jsonschema::ValidationError<'_>) -> Diagnostic {
    let help = "see https://json-schema.org; files and addresses outside are not read for `$ref`";
    Diagnostic::at(codes::BAD_SCHEMA, at, format!("this is no JSON Schema: {error}")).help(help)
}

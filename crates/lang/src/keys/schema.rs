//! The JSON Schema of the language.
//!
//! It is for editors and for models that write definitions: what it accepts the check may still refuse, since
//! names, order and types are beyond it; what it refuses the check refuses as well.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{BESIDE, DOCUMENT, GROUP, JOINS, Key, STEP, Shape};
use crate::actions::{self, ACTIONS, LATER_KEYS};
use crate::{limits, tree};

/// The JSON Schema of the language, draft 2020-12.
pub fn schema() -> Value {
    let mut defs = Defs(BTreeMap::new());
    let mut document = defs.map(&[DOCUMENT]);
    // A block is one or the other.
    if let Some(required) = document["required"].as_array_mut() {
        required.retain(|key| key != "steps");
    }
    document["oneOf"] = json!([{"required": ["steps"]}, {"required": ["states"]}]);
    defs.0.insert("document".to_owned(), document);
    let step = defs.step();
    defs.0.insert("step".to_owned(), step);
    let expression = "One expression: `${{ … }}`";
    defs.0.insert(
        "expression".to_owned(),
        json!({"type": "string", "pattern": r"^\s*\$\{\{[\s\S]*\}\}\s*$", "description": expression}),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stead workflow",
        "description": "A definition of a durable workflow, version 1 of the language",
        "$ref": "#/$defs/document",
        "$defs": defs.0,
    })
}

/// The maps that were met on the way, by name.
struct Defs(BTreeMap<String, Value>);

impl Defs {
    fn map(&mut self, tables: &[&'static [Key]]) -> Value {
        let keys = || tables.iter().flat_map(|t| t.iter());
        let properties: Map<String, Value> = keys().map(|k| (k.name.to_owned(), self.key(k))).collect();
        let required: Vec<&str> = keys().filter(|k| k.required).map(|k| k.name).collect();
        let mut map = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            map["required"] = json!(required);
        }
        map
    }

    fn step(&mut self) -> Value {
        let mut tables: Vec<&'static [Key]> = vec![STEP, GROUP];
        // `effect` is a key of several actions and stands in the schema once.
        let mut seen: Vec<&str> = Vec::new();
        let mut homes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for action in ACTIONS {
            tables.push(action.table);
            tables.push(action.step_keys);
            for key in action.step_keys {
                homes.entry(key.name).or_default().push(action.name);
            }
        }
        for key in GROUP.iter().filter(|k| !matches!(k.name, "steps" | "states")) {
            let home: &[&str] = if key.name == "join" { &["steps"] } else { &["steps", "states"] };
            homes.entry(key.name).or_default().extend(home);
        }
        tables.push(LATER_KEYS);
        let mut step = self.map(&tables);
        for table in tables {
            seen.extend(table.iter().filter(|k| k.required).map(|k| k.name));
        }
        seen.sort_unstable();
        seen.dedup();
        step["required"] = json!(seen);
        let does = ACTIONS.iter().map(|a| a.name).chain(["steps", "states"]);
        let does: Vec<Value> = does.map(|name| json!({"required": [name]})).collect();
        // What a step uses may bring the action and what its keys belong to.
        let uses = || json!({"required": ["use"]});
        step["anyOf"] = json!([uses(), {"oneOf": does}]);
        let depends = homes.into_iter().map(|(key, actions)| {
            let any = actions.iter().map(|a| json!({"required": [a]})).chain([uses()]);
            let any: Vec<Value> = any.collect();
            (key.to_owned(), json!({"anyOf": any}))
        });
        step["dependentSchemas"] = Value::Object(depends.collect());
        step["not"] = json!({"required": ["foreach", "loop"]});
        step
    }

    /// What `undo` and `verify` take.
    fn beside(&mut self) -> Value {
        let mut tables: Vec<&'static [Key]> = vec![BESIDE, actions::later_beside()];
        let built: Vec<_> = ACTIONS.iter().filter(|a| actions::BESIDE.contains(&a.name)).collect();
        tables.extend(built.iter().flat_map(|a| [a.table, a.step_keys]));
        let mut map = self.map(&tables);
        map["oneOf"] = built.iter().map(|a| json!({"required": [a.name]})).collect();
        map
    }

    fn key(&mut self, key: &Key) -> Value {
        if !key.built {
            return json!({"description": format!("{}. Not in this version.", key.doc), "not": {}});
        }
        let mut schema = match self.shape(key.shape) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        schema.insert("description".to_owned(), json!(key.doc));
        if let Some(default) = key.default.and_then(value_of) {
            schema.insert("default".to_owned(), default);
        }
        Value::Object(schema)
    }

    fn shape(&mut self, shape: Shape) -> Value {
        let expression = || json!({"$ref": "#/$defs/expression"});
        match shape {
            // What is written without quotes stays what was written, so a number is a text as well.
            Shape::Text | Shape::Template => json!({"type": ["string", "number", "boolean"]}),
            Shape::Any | Shape::Value => json!({}),
            Shape::Expression => expression(),
            Shape::Condition => json!({"type": ["string", "boolean"]}),
            Shape::Duration => {
                json!({"type": "string", "pattern": r"^(\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|w))+\s*$|\$\{\{"})
            }
            Shape::Time | Shape::Path => json!({"type": "string"}),
            Shape::Integer(min, max) => {
                json!({"anyOf": [{"type": "integer", "minimum": min, "maximum": max}, expression()]})
            }
            Shape::Number(min, max) => {
                json!({"anyOf": [{"type": "number", "minimum": min, "maximum": max}, expression()]})
            }
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Version => json!({"const": 1}),
            Shape::WorkflowName => {
                json!({"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": limits::NAME_BYTES})
            }
            Shape::WorkflowReference => {
                json!({"type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*(@[1-9][0-9]*)?$"})
            }
            Shape::Id => {
                json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": limits::NAME_BYTES})
            }
            Shape::Words(words) => json!({"enum": words}),
            Shape::Codes => {
                json!({"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}})
            }
            Shape::Statuses => {
                let status = json!({"type": "integer", "minimum": 100, "maximum": 599});
                json!({"type": "array", "items": {"anyOf": [status, {"enum": ["1xx", "2xx", "3xx", "4xx", "5xx"]}]}})
            }
            Shape::List(of) => json!({"type": "array", "items": self.shape(*of)}),
            Shape::Names(of) => json!({"type": "object", "additionalProperties": self.shape(*of)}),
            Shape::Map(name, tables) => {
                if !self.0.contains_key(name) {
                    // Entered first, so that a map that holds itself does not go round.
                    self.0.insert(name.to_owned(), Value::Null);
                    let map = self.map(tables);
                    self.0.insert(name.to_owned(), map);
                }
                json!({"$ref": format!("#/$defs/{name}")})
            }
            Shape::Either(of) => {
                let of: Vec<Value> = of.iter().map(|s| self.shape(*s)).collect();
                json!({"anyOf": of})
            }
            Shape::Schema => json!({"type": ["object", "string"]}),
            Shape::Steps => json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}),
            Shape::States => {
                let state = json!({"allOf": [{"$ref": "#/$defs/step"}], "not": {"anyOf": [{"required": ["needs"]}, {"required": ["if"]}]}});
                json!({"type": "array", "minItems": 1, "items": state})
            }
            Shape::Part => {
                json!({"type": "object", "not": {"anyOf": [{"required": ["id"]}, {"required": ["use"]}]}})
            }
            Shape::Target => {
                json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": limits::NAME_BYTES})
            }
            Shape::Document => json!({"$ref": "#/$defs/document"}),
            Shape::Join => {
                json!({"anyOf": [{"enum": JOINS}, {"type": "integer", "minimum": 1, "maximum": limits::JOIN}]})
            }
            Shape::Beside => {
                if !self.0.contains_key("beside") {
                    self.0.insert("beside".to_owned(), Value::Null);
                    let map = self.beside();
                    self.0.insert("beside".to_owned(), map);
                }
                json!({"$ref": "#/$defs/beside"})
            }
        }
    }
}

/// A default as it is written in the tables.
fn value_of(text: &str) -> Option<Value> {
    tree::read("default", text, &mut Vec::new())?.root().to_json().ok()
}

//! Definitions with programs in place of actions that are not built yet or wait for people, so that they are checked,
//! and run, whole.

use serde_json::{Map, Value, json};
use stead_lang::actions::LATER;

/// The actions that a program stands in for: those that are not built, and those that wait for people.
pub(crate) fn replaced() -> Vec<&'static str> {
    LATER.iter().map(|later| later.name).chain(["approve", "ask"]).collect()
}

/// A definition whose actions of these names are a program `./stand-in`, given the name of the action and all its
/// values as arguments; it prints JSON.
pub(crate) fn with_stand_ins(mut definition: Value, actions: &[&str]) -> Value {
    // Where programs stand in for people nobody is there to accept documents.
    let documents = definition.get_mut("documents").and_then(Value::as_object_mut);
    for document in documents.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        document.retain(|key, _| key != "accept" || !actions.contains(&"approve"));
    }
    replace(&mut definition, actions);
    definition
}

fn replace(value: &mut Value, actions: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, actions)),
        Value::Object(map) => {
            let action = actions.iter().find(|name| map.contains_key(**name) && map.contains_key("id"));
            if let Some(name) = action {
                step(map, name);
            }
            map.values_mut().for_each(|value| replace(value, actions));
        }
        _ => {}
    }
}

fn step(step: &mut Map<String, Value>, action: &str) {
    let mut arguments = vec![json!("./stand-in"), json!(action), step["id"].clone()];
    if let Some(value) = step.remove(action) {
        leaves(&value, &mut arguments);
    }
    step.insert("run".to_owned(), json!(arguments));
    step.insert("parse".to_owned(), json!("json"));
    for key in ["labels", "cache"] {
        step.remove(key);
    }
}

fn leaves(value: &Value, out: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Value::Object(map) => {
            for (key, value) in map {
                // What is said in a place of its own begins with its name.
                out.push(json!(format!("{}=", key.replace("${{", "$${{"))));
                leaves(value, out);
            }
        }
        // Why something was rejected comes with the actions of people.
        Value::String(text) => out.push(json!(text.replace("${{ feedback }}", ""))),
        other => out.push(json!(other.to_string())),
    }
}

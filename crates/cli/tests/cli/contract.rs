//! `docs/openapi.json` and the answers of the server: each answer that a test gets is held against the document.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use stead_server::openapi;
use stead_server::routes;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(openapi::DOCUMENT).unwrap());

/// Those that were made, by method, path and status.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The path of the document that a request's path is one of.
fn template(path: &str) -> Option<&'static str> {
    let fits = |template: &str| {
        let (mut one, mut two) = (template.split('/'), path.split('/'));
        loop {
            match (one.next(), two.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) => match part.split_once('}') {
                    Some((_, verb)) => {
                        if given.strip_suffix(verb).is_none_or(str::is_empty) {
                            return false;
                        }
                    }
                    None if part == given => {}
                    None => return false,
                },
                _ => return false,
            }
        }
    };
    // What stands there literally goes before what is named.
    let found = DOCUMENT["paths"].as_object().unwrap().keys().filter(|template| fits(template));
    found
        .min_by_key(|template| template.matches('{').count() * 100 + 100 - template.len().min(99))
        .map(String::as_str)
}

/// What stands behind a reference.
fn referred(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(at) => DOCUMENT.pointer(at.trim_start_matches('#')).unwrap_or_else(|| panic!("{at}")),
        None => value,
    }
}

/// Holds an answer against the document.
#[track_caller]
pub(crate) fn holds(request: &str, status: u16, head: &str, body: &Value) {
    let line = request.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap();
    let Some(path) = path.strip_prefix("/api/v1") else { return };
    let Some(template) = template(path) else {
        assert_eq!(status, 404, "{line}: not in the document, and answered");
        return;
    };
    let operation = &DOCUMENT["paths"][template][method.to_ascii_lowercase()];
    if operation.is_null() {
        assert_eq!(status, 405, "{line}: not in the document, and answered");
        return;
    }
    let response = referred(&operation["responses"][status.to_string()]);
    assert!(response.is_object(), "{line}: {status} is not in the document: {body}");
    if status == 304 {
        return;
    }
    let content = response["content"].as_object().unwrap();
    let (kind, told) = content.iter().next().unwrap();
    assert!(head.contains(&format!("content-type: {kind}")), "{line}: {kind} was promised: {head}");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let there = head.contains(&format!("\n{}: ", name.to_ascii_lowercase()));
        assert!(there || header["required"] != json!(true), "{line}: no {name}");
    }
    let key = format!("{method} {template} {status}");
    let validator = VALIDATORS.lock().unwrap().get(&key).cloned();
    let validator = validator.unwrap_or_else(|| {
        let schema = json!({ "allOf": [told["schema"]], "components": DOCUMENT["components"] });
        let made = Arc::new(jsonschema::draft202012::new(&schema).unwrap_or_else(|e| panic!("{key}: {e}")));
        VALIDATORS.lock().unwrap().insert(key.clone(), made.clone());
        made
    });
    let wrong: Vec<String> =
        validator.iter_errors(body).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(wrong.is_empty(), "{line}: {status} does not fit the document: {wrong:#?}\n{body:#}");
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let told: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |m| (m.to_uppercase(), path.clone()))
        })
        .collect();
    let known = routes::all().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(told, known, "run `cargo xtask gen`");
    assert_eq!(openapi::text(), openapi::DOCUMENT, "run `cargo xtask gen`");
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = &*DOCUMENT;
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let named: BTreeSet<&str> =
            path.match_indices('{').map(|(at, _)| path[at + 1..].split('}').next().unwrap()).collect();
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap()),
                "{what}: two operations of one id"
            );
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{what}");
            let mut seen = BTreeSet::new();
            let mut in_path = BTreeSet::new();
            for param in operation["parameters"].as_array().unwrap() {
                let (name, place) = (param["name"].as_str().unwrap(), param["in"].as_str().unwrap());
                assert!(seen.insert((name, place)), "{what}: {name} twice");
                assert!(
                    !param["description"].as_str().unwrap().is_empty(),
                    "{what}: {name} is not described"
                );
                assert!(param["schema"].is_object(), "{what}: {name}");
                if place == "path" {
                    assert_eq!(param["required"], true, "{what}: {name}");
                    in_path.insert(name);
                }
            }
            assert_eq!(in_path, named, "{what}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{what}");
            for (status, response) in responses {
                assert!(!referred(response)["description"].as_str().unwrap().is_empty(), "{what} {status}");
            }
            if method == "get" {
                assert!(operation["requestBody"].is_null(), "{what}");
            }
        }
    }
    // Every schema can be read, whatever it refers to is there, and each field says what it is.
    let components = &document["components"];
    for (name, schema) in components["schemas"].as_object().unwrap() {
        let root = json!({ "allOf": [schema], "components": components });
        jsonschema::draft202012::new(&root).unwrap_or_else(|e| panic!("{name}: {e}"));
        for (field, inner) in schema["properties"].as_object().into_iter().flatten() {
            let said = inner["description"].is_string() || inner["const"].is_string();
            assert!(said, "{name}.{field} is not described");
        }
    }
    let mut refers = Vec::new();
    references(document, &mut refers);
    for at in refers {
        assert!(document.pointer(at.trim_start_matches('#')).is_some(), "{at} is not there");
    }
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(all) => all.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

//! The description of the interface: an OpenAPI 3.1 document, made of the table of routes and of the types that are taken
//! and answered.
//!
//! It is made when the repository is built, by `cargo xtask gen`, and committed; the server sends the committed text.

use schemars::SchemaGenerator;
use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::call::Reply;
use crate::problem::{self, Problem};
use crate::routes::route::{Kind, NO_OPERATION, Param, Route, Told, of};
use crate::routes::{self, BASE, NAMES};
use crate::stream::KIND;
use crate::whole::Whole;

/// The committed document.
pub const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// Where schemas stand in the document.
const SCHEMAS: &str = "/components/schemas";

pub(crate) const ROUTES: &[Route] = &[
    Route::get(
        "/openapi.json",
        NO_OPERATION,
        "What can be asked here, as an OpenAPI document",
        document_sent,
    )
    .gives(of::<Map<String, Value>>),
    Route::get("/docs", NO_OPERATION, "A page that lists the routes and tries them", page)
        .tells("text/html; charset=utf-8"),
    Route::get("/docs.js", NO_OPERATION, "The script of that page", script)
        .tells("text/javascript; charset=utf-8"),
    Route::get("/docs.css", NO_OPERATION, "How that page looks", style).tells("text/css; charset=utf-8"),
];

#[expect(clippy::unnecessary_wraps, reason = "the form of a route")]
fn document_sent(_: &mut crate::call::Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::text("application/json", DOCUMENT))
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a route")]
fn page(_: &mut crate::call::Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::text("text/html; charset=utf-8", include_str!("docs.html")))
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a route")]
fn script(_: &mut crate::call::Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::text("text/javascript; charset=utf-8", include_str!("docs.js")))
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a route")]
fn style(_: &mut crate::call::Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::text("text/css; charset=utf-8", include_str!("docs.css")))
}

/// The document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = SCHEMAS.into();
        settings.meta_schema = None;
    });
    let mut answers = settings.clone().for_serialize().into_generator();
    let mut bodies = settings.for_deserialize().into_generator();
    let problem = answers.subschema_for::<problem::Body>().to_value();
    let mut paths = Map::new();
    for route in routes::all() {
        let at = paths.entry(route.path).or_insert_with(|| json!({}));
        at[route.method.to_ascii_lowercase()] = operation(route, &mut answers, &mut bodies);
    }
    let mut paths = Value::Object(paths);
    let mut schemas = answers.take_definitions(true);
    let mut taken = Value::Object(bodies.take_definitions(true));
    // A type that is both taken and answered may look different: what has a default may be left out only where it is
    // taken. What refers to such a type looks different then, too.
    let differs = |taken: &Value| {
        let mut both = taken.as_object().into_iter().flatten();
        both.find(|(name, schema)| schemas.get(*name).is_some_and(|told| told != *schema))
            .map(|(name, _)| name.clone())
    };
    while let Some(name) = differs(&taken) {
        let given = format!("{name}Given");
        renamed(&mut taken, &name, &given);
        in_bodies(&mut paths, &name, &given);
        if let Some(map) = taken.as_object_mut()
            && let Some(schema) = map.shift_remove(&name)
        {
            map.insert(given, schema);
        }
    }
    if let Value::Object(taken) = taken {
        schemas.extend(taken);
    }
    let mut schemas = Value::Object(schemas);
    bounded(&mut schemas);
    bounded(&mut paths);
    sorted(&mut schemas);
    let statuses: BTreeSet<u16> = routes::all().flat_map(Route::problems).collect();
    let problems: Map<String, Value> =
        statuses.into_iter().map(|status| (format!("Problem{status}"), wrong(status, &problem))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Stead",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Runs of workflows, what they ask of people, and the library of workflows. Times are milliseconds since 1970. What a route does not know, as a parameter or in a body, is refused.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": BASE }],
        "paths": paths,
        // Without one a process of the server's user is answered as that.
        "security": [{}, { "token": [] }],
        "components": {
            "responses": problems,
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// The document as it is committed.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// The problems of one status.
fn wrong(status: u16, problem: &Value) -> Value {
    let mut wrong = json!({
        "description": problem::title(status), "content": { (problem::TYPE): { "schema": problem } },
    });
    if matches!(status, 429 | 503) {
        wrong["headers"] = json!({ "Retry-After": {
            "description": "Seconds until another try is worth it", "schema": { "type": "string" },
        }});
    }
    wrong
}

fn operation(route: &Route, answers: &mut SchemaGenerator, bodies: &mut SchemaGenerator) -> Value {
    let mut told = json!({
        "operationId": id(route),
        "summary": route.summary,
        "tags": [tag(route.path)],
        "parameters": parameters(route),
    });
    if let Some(body) = route.body {
        let schema = body(bodies).to_value();
        let required = is_required(&schema, bodies);
        let schema = match route.whole {
            true => json!({ "anyOf": [schema, of::<Whole>(bodies).to_value()] }),
            false => schema,
        };
        let content = json!({ "schema": schema });
        told["requestBody"] = json!({
            "required": required,
            "content": { "application/json": content, "application/yaml": content },
        });
    }
    if route.uploads {
        // Of whatever type it is.
        let file = json!({ "schema": { "type": "string", "format": "binary" } });
        told["requestBody"] = json!({ "required": false, "content": { "application/octet-stream": file } });
    }
    let mut responses = Map::new();
    let mut headers = json!({});
    if route.is_keyed() {
        headers["Idempotency-Replayed"] = json!({
            "description": "`true` where it was answered before", "schema": { "type": "string" },
        });
    }
    if matches!(route.status, 201 | 303) {
        headers["Location"] = json!({
            "description": if route.status == 201 { "Where what was made can be found" } else { "Where to go" }, "schema": { "type": "string" }, "required": true,
        });
    }
    if route.etag {
        headers["ETag"] = json!({ "description": "Names what is told", "schema": { "type": "string" } });
        let headers = headers.clone();
        responses.insert("304".to_owned(), json!({ "description": problem::title(304), "headers": headers }));
    }
    let mut content = match route.answer {
        Told::Json(schema) => json!({ "application/json": { "schema": schema(answers).to_value() } }),
        Told::Text(kind) => json!({ kind: { "schema": { "type": "string" } } }),
    };
    if route.streams {
        content[KIND] = json!({ "schema": { "type": "string" } });
    }
    let mut well = json!({ "description": problem::title(route.status), "content": content });
    if headers != json!({}) {
        well["headers"] = headers;
    }
    responses.insert(route.status.to_string(), well);
    for status in route.problems() {
        responses
            .insert(status.to_string(), json!({ "$ref": format!("#/components/responses/Problem{status}") }));
    }
    told["responses"] = Value::Object(responses);
    told
}

/// `get_runs`, `post_runs_run_cancel`: method and path.
fn id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    format!("{}_{}", route.method.to_ascii_lowercase(), words.join("_"))
}

fn tag(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', ':', '.']).next().unwrap_or_default()
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut all = Vec::new();
    for (_, name) in route.path.match_indices('{').filter_map(|(at, _)| {
        let name = route.path[at + 1..].split('}').next()?;
        Some((at, name))
    }) {
        let known = NAMES.iter().find(|(known, ..)| *known == name);
        let (_, about, example) = known.copied().unwrap_or_default();
        all.push(json!({
            "name": name, "in": "path", "required": true, "description": about,
            "schema": { "type": "string", "minLength": 1 }, "example": example,
        }));
    }
    all.extend(route.query.iter().map(parameter));
    let mut header = |name: &str, about: &str| {
        let schema = match name {
            "Idempotency-Key" => {
                json!({ "type": "string", "pattern": "^([!#-~]{1,255}|\"[!#-~]{1,255}\")$" })
            }
            _ => json!({ "type": "string" }),
        };
        all.push(json!({
            "name": name, "in": "header", "required": false, "description": about, "schema": schema,
        }));
    };
    if route.is_keyed() {
        header(
            "Idempotency-Key",
            "A word of one's own for this request: sent again with it, it is not performed again, and answered as before",
        );
    }
    if route.if_match {
        header(
            "If-Match",
            "The version or the etag that was looked at: what is another one by now is refused",
        );
    }
    if route.etag {
        header("If-None-Match", "The etag of what is known already: then nothing is told again");
    }
    all
}

fn parameter(param: &Param) -> Value {
    let mut told =
        json!({ "name": param.name, "in": "query", "required": param.needed, "description": param.about });
    told["schema"] = match param.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Time => json!({ "anyOf": [
            { "type": "string", "format": "date-time" },
            { "type": "integer", "format": "int64" },
        ]}),
        Kind::Word(words) => json!({ "type": "string", "enum": words() }),
        Kind::Words(words) => {
            told["style"] = json!("form");
            told["explode"] = json!(false);
            json!({ "type": "array", "items": { "type": "string", "enum": words() } })
        }
        Kind::Pairs => {
            told["style"] = json!("form");
            told["explode"] = json!(true);
            json!({ "type": "array", "items": { "type": "string", "pattern": "=" } })
        }
    };
    told
}

/// Whether a body has to be there: something in it has to.
fn is_required(schema: &Value, bodies: &SchemaGenerator) -> bool {
    let named = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    let schema = named.and_then(|name| bodies.definitions().get(name)).unwrap_or(schema);
    schema["required"].as_array().is_some_and(|required| !required.is_empty())
}

/// Gives what refers to one schema another.
fn renamed(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match inner {
                    Value::String(at) if key == "$ref" && *at == format!("#{SCHEMAS}/{from}") => {
                        *at = format!("#{SCHEMAS}/{to}");
                    }
                    inner => renamed(inner, from, to),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| renamed(inner, from, to)),
        _ => {}
    }
}

/// The same in all bodies of requests.
fn in_bodies(paths: &mut Value, from: &str, to: &str) {
    let routes = paths.as_object_mut().into_iter().flat_map(Map::values_mut);
    for route in routes.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        renamed(&mut route["requestBody"], from, to);
    }
}

/// Numbers have the bounds of their types: beyond them they are refused.
fn bounded(value: &mut Value) {
    if let Some(format) = value.get("format").and_then(Value::as_str) {
        let most = match format {
            "uint8" => Some(u64::from(u8::MAX)),
            "uint16" => Some(u64::from(u16::MAX)),
            "uint32" => Some(u64::from(u32::MAX)),
            "uint" | "uint64" => Some(u64::MAX),
            _ => None,
        };
        if let Some(most) = most {
            value["maximum"] = json!(most);
        }
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(bounded),
        Value::Array(all) => all.iter_mut().for_each(bounded),
        _ => {}
    }
}

/// By name, so that a new route does not move the rest about.
fn sorted(schemas: &mut Value) {
    if let Value::Object(map) = schemas {
        map.sort_keys();
    }
}

//! Routes of definitions as such: what is wrong with a text, how its steps hang together, what may stand in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stead_engine::EngineError;
use stead_engine::library::{LibraryAnswer, LibraryOperation};
use stead_engine::operations::{Answer, Operation};
use stead_lang::graph::Picture;
use stead_lang::{Bundle, Diagnostic, check, inputs, keys, outline};

use super::route::{NO_OPERATION, number};
use super::{Route, definition, of, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::post(
        "/workflows:validate",
        NO_OPERATION,
        "Everything that is wrong with a definition, and what can be told of it all the same",
        validate,
    )
    .takes(of::<ValidateBody>)
    .or_whole()
    .gives(of::<Validated>)
    .unkeyed(),
    Route::get(
        "/schema/workflow.json",
        NO_OPERATION,
        "What may stand in a definition, as a JSON Schema for editors",
        schema,
    )
    .gives(of::<Map<String, Value>>)
    .etag(),
    Route::get(
        "/workflows/{name}/graph",
        "Library.Load",
        "How the steps of a workflow hang together",
        of_workflow,
    )
    .query(&[number("revision", "The revision of this number; else the newest")])
    .gives(of::<Graph>)
    .refuses(&[422])
    .etag(),
    Route::get(
        "/runs/{run}/graph",
        "Definition",
        "How the steps of the definition hang together that a run is pinned to",
        of_run,
    )
    .gives(of::<Graph>)
    .etag(),
];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValidateBody {
    /// The definition. It names no files.
    #[schemars(with = "definition::Given")]
    definition: Value,
}

#[derive(Serialize, JsonSchema)]
struct Validated {
    /// Whether it can be run: nothing of it is an error.
    ok: bool,
    /// All that was found. `span` counts lines and columns from 1, and bytes from 0.
    diagnostics: Vec<Found>,
    /// How many more there are than are listed.
    omitted: usize,
    /// How its steps hang together, as far as it can be read.
    graph: Option<Picture>,
    /// A JSON Schema of its inputs, as far as it can be read.
    input_schema: Option<Value>,
}

/// A finding, and where it ends.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct Found {
    /// What was found.
    #[serde(flatten)]
    found: Diagnostic,
    /// From where to where in the text.
    range: Range,
    /// The step that it is about, as the graph names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TextRange")]
struct Range {
    /// Where it begins.
    start: Place,
    /// Where it ends: before this place.
    end: Place,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TextPlace")]
struct Place {
    /// The line, from 1.
    line: usize,
    /// The character in it, from 1.
    col: usize,
}

fn validate(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let ValidateBody { definition } = call.take()?;
    let bundle = definition::given(call, &definition)?;
    let checked = check(&bundle);
    let text = bundle.files.get(&bundle.entry).map(String::as_str).unwrap_or_default();
    let plan = checked.plan.as_deref().cloned().or_else(|| outline(&bundle));
    let ids = steps_by_place(text);
    let told = |found: Diagnostic| {
        let (start, end) = (found.span.start as usize, found.span.end as usize);
        let node_id = node(&ids, &found.path);
        Found { range: Range { start: place(text, start), end: place(text, end) }, node_id, found }
    };
    Ok(Reply::ok(Validated {
        ok: checked.plan.is_some(),
        omitted: checked.omitted,
        graph: plan.as_ref().map(Picture::of),
        input_schema: plan.as_ref().map(inputs::schema_of),
        diagnostics: checked.diagnostics.into_iter().map(told).collect(),
    }))
}

/// The ids of steps by their places in the document, where it can be read.
fn steps_by_place(text: &str) -> Value {
    let document = stead_lang::tree::read("definition", text, &mut Vec::new());
    document.and_then(|document| document.root().to_json().ok()).unwrap_or_default()
}

/// The path of the step in which a place of the document stands: `/steps/1/steps/0/run` is in `group/inner`.
fn node(document: &Value, pointer: &str) -> Option<String> {
    let mut at = document;
    let mut path: Vec<&str> = Vec::new();
    let mut words = pointer.split('/').skip(1);
    while let Some(word) = words.next() {
        at = at.get(word)?;
        if matches!(word, "steps" | "states" | "finally")
            && let Some(number) = words.next()
        {
            let Some(step) = number.parse::<usize>().ok().and_then(|number| at.get(number)) else { break };
            path.push(step.get("id")?.as_str()?);
            at = step;
        } else if !at.is_object() {
            break;
        }
    }
    (!path.is_empty()).then(|| path.join("/"))
}

fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place { line: before.matches('\n').count() + 1, col: line.chars().count() + 1 }
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a route")]
fn schema(_: &mut Call<'_>) -> Result<Reply, Problem> {
    Ok(Reply::ok(keys::schema()))
}

#[derive(Serialize, JsonSchema)]
struct Graph {
    /// The revision: its hash.
    revision: String,
    /// How the steps hang together.
    graph: Picture,
    /// A JSON Schema of the inputs.
    input_schema: Value,
}

fn graph(revision: String, bundle: &Bundle) -> Result<Reply, Problem> {
    let checked = check(bundle);
    let plan = checked.plan.as_deref().cloned().or_else(|| outline(bundle));
    // A draft may be so wrong that nothing can be told of its steps.
    let wrong = || EngineError::Invalid { diagnostics: checked.diagnostics };
    let plan = plan.ok_or_else(wrong)?;
    let input_schema = inputs::schema_of(&plan);
    Ok(Reply::ok(Graph { revision, graph: Picture::of(&plan), input_schema }))
}

fn of_workflow(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let (name, number) = (call.named("name"), call.number("revision")?);
    let answer = call.ask(Operation::Library(LibraryOperation::Load { name, number }))?;
    let Answer::Library(answer) = answer else { return Err(unexpected()) };
    let LibraryAnswer::Loaded { revision, bundle, .. } = *answer else { return Err(unexpected()) };
    graph(revision.revision, &bundle)
}

fn of_run(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let answer = call.ask(Operation::Definition { run: call.named("run") })?;
    let Answer::Definition { revision, bundle } = answer else { return Err(unexpected()) };
    graph(revision, &bundle)
}

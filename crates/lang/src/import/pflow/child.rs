//! Workflows that are called: taken into the definition where they can be read.

use super::each::{carried, from_round_to_round};
use super::head::nothing;
use super::model::{Child, Flow, Form, Kind, Node};
use super::refs::{Place, Ty};
use super::steps::Action;
use super::{Around, markdown};
use crate::import::naming::{kebab, snake, stem};
use crate::import::out::{Map, Out, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::{At, Source};
use crate::import::{Context, Report};
use crate::limits;
use crate::tree::read;

/// Where a node says which workflow it calls.
fn called<'s, 't>(node: &Node<'s, 't>) -> Option<(At<'s, 't>, &'t str)> {
    let at = ["workflow", "workflow_name", "workflow_ref"].into_iter().find_map(|key| node.param(key))?;
    Some((at, at.text()?))
}

fn is_path(text: &str) -> bool {
    text.contains('/') || text.ends_with(".json") || text.ends_with(".md")
}

/// Converts the workflow that a node calls, if it can be read.
pub(super) fn child(
    node: &Node<'_, '_>,
    context: &mut Context<'_>,
    around: &mut Around,
) -> Option<(Map, Child)> {
    if node.kind != Kind::Workflow {
        return None;
    }
    if let Some(at) = node.param("workflow_ir").filter(|at| at.is_map()) {
        if let Err(why) = super::nodes(at.node, Form::Json.nodes()) {
            at.say_all(NotExpressible, why, None);
            return None;
        }
        if around.paths.len() >= limits::CHILD_DEPTH {
            at.say_all(NotExpressible, "workflows are called too deeply in each other", None);
            return None;
        }
        around.paths.push(String::new());
        let made = super::workflow(at, Form::Json, &kebab(&node.name, "child"), None, context, around);
        around.paths.pop();
        return Some(made);
    }
    let (at, text) = called(node)?;
    if text.contains("${") {
        return None;
    }
    let candidates: Vec<String> = match is_path(text) {
        true => vec![beside(&around.file, text)],
        false => {
            let name = |ending: &str| beside(&around.file, &format!("./{text}{ending}"));
            vec![name(".pflow.md"), name(".json")]
        }
    };
    let (path, content) =
        candidates.into_iter().find_map(|path| (context.read)(&path).ok().map(|content| (path, content)))?;
    if around.paths.contains(&path) || path == around.file {
        at.say(NotExpressible, format!("`{path}` calls itself: a circle of workflows is refused"));
        return None;
    }
    if around.paths.len() >= limits::CHILD_DEPTH || around.made >= limits::IMPORT_CHILDREN {
        let why = format!(
            "at most {} workflows are taken in, {} in each other",
            limits::IMPORT_CHILDREN,
            limits::CHILD_DEPTH
        );
        at.say_with(NotExpressible, why, Some("import it by itself, and name it here"));
        return None;
    }
    around.made += 1;
    let mut problems = Vec::new();
    let form = if path.ends_with(".md") { Form::Markdown } else { Form::Json };
    let document = match form {
        Form::Markdown => markdown::document(&path, &content, &mut problems),
        Form::Json => read(&path, &content, &mut problems),
    };
    let spec = super::spec(form);
    let document = document.filter(|document| problems.is_empty() && (spec.fits)(document.root()).is_ok());
    let Some(document) = document else {
        let first = problems
            .first()
            .map_or_else(|| "it is no workflow of this tool".to_owned(), |p| p.message.clone());
        at.say_with(
            NotExpressible,
            format!("`{path}` cannot be read as one: {first}"),
            Some("mend it, and import again"),
        );
        return None;
    };
    let outer = std::mem::replace(&mut around.file, path.clone());
    around.paths.push(path.clone());
    let source = Source::new(&document, "", spec.fields, spec.folds);
    let made = super::top(source.root(), form, stem(&path), context, around);
    let report: Report = source.report();
    context.reports.push(report);
    around.paths.pop();
    around.file = outer;
    at.say(Kept, format!("`workflow.inline`: `{path}` is taken into the definition"));
    Some(made)
}

/// A path as a file names it: from the folder of that file.
pub(super) fn beside(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = match file.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => folder.split('/').collect(),
        _ => Vec::new(),
    };
    for part in path.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| *last != ".." && !last.is_empty()) => {
                parts.pop();
            }
            "" if !parts.is_empty() => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

pub(super) fn action(
    flow: &Flow<'_, '_>,
    node: &Node<'_, '_>,
    place: Place<'_>,
    inline: Option<Map>,
) -> Action {
    settings(node);
    let inputs = inputs(flow, node, place);
    let workflow = match inline {
        Some(definition) => Map::new().with("inline", definition),
        None => match called(node) {
            Some((at, text)) if is_path(text) => {
                let path = match text.rsplit_once('/') {
                    Some((folder, file)) => format!("{folder}/{}.yml", stem(file)),
                    None => format!("./{}.yml", stem(text)),
                };
                let why = format!("it cannot be read, and is called as `{path}`");
                at.say_with(
                    Changed,
                    why,
                    Some("put the file there and import again, or import it to that path"),
                );
                Map::new().with("path", path)
            }
            Some((at, text)) => {
                let why = format!("it is called by name, as `{}`, out of the library", kebab(text, "child"));
                at.say_with(
                    Changed,
                    why,
                    Some("put its file beside this one and import again, or import and `stead save` it"),
                );
                Map::new().with("name", kebab(text, "child"))
            }
            None => return Action::default(),
        },
    };
    Action::of(Map::new().with("workflow", workflow.with_some("inputs", inputs.filled())))
}

/// Keys that say how values are shared with what is called.
fn settings(node: &Node<'_, '_>) {
    match node.param("storage_mode").and_then(|at| at.text().map(|text| (at, text))) {
        Some((at, "mapped" | "isolated")) => at.say(Kept, "a child run sees its inputs and nothing else"),
        Some((at, _)) => {
            let why = "a child run sees its inputs and nothing else";
            at.say_with(NotExpressible, why, Some("name each value in `inputs`"));
        }
        None => {}
    }
    if let Some(at) = node.param("max_depth") {
        at.say(Changed, format!("at most {} workflows stand in each other, everywhere", limits::CHILD_DEPTH));
    }
    node.param("error_action");
}

fn inputs(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Map {
    let mut inputs = Map::new();
    for key in ["param_mapping", "inputs"] {
        let Some(at) = node.param(key) else { continue };
        if !at.is_map() {
            at.say(NotExpressible, "it is no map of names: the workflow is given nothing");
            continue;
        }
        for entry in at.node.entries() {
            let Some(inner) = at.get(entry.key) else { continue };
            let known =
                node.child.as_ref().map(|child| child.inputs.iter().find(|input| input.name == entry.key));
            if let Some(None) = known {
                inner.say(
                    NotExpressible,
                    format!("the workflow has no input `{}`: it is left out", entry.key),
                );
                continue;
            }
            let kind = known.flatten().map_or("", |input| input.kind);
            let first = match flow.expression(inner, place) {
                Some((expression, Ty::Text)) if matches!(kind, "object" | "array") => {
                    marked(&format!("json({expression})")).into()
                }
                Some((expression, _)) => match fitted(flow, expression, kind) {
                    Some(expression) => marked(&expression).into(),
                    None => misfit(inner, kind),
                },
                None => fitting(flow.value(inner, place), kind).unwrap_or_else(|| misfit(inner, kind)),
            };
            let id = known.flatten().map_or_else(|| snake(entry.key, "value"), |input| input.id.clone());
            inputs.set(&id, from_round_to_round(first, carried(flow, node, place, entry.key)));
        }
    }
    for input in node.child.iter().flat_map(|child| &child.inputs).filter(|input| input.required) {
        if inputs.get(&input.id).is_none() {
            let why =
                format!("the workflow needs `{}`, and nobody gives it: an empty value is given", input.name);
            node.at.say_of("inputs", NotExpressible, &why, Some("say it in `workflow.inputs`"));
            inputs.set(&input.id, nothing(input.kind));
        }
    }
    inputs
}

fn misfit(at: At<'_, '_>, kind: &str) -> Out {
    at.say(NotExpressible, format!("it is no `{kind}`: an empty one is given"));
    nothing(kind)
}

/// An expression as the input wants its value; `None` where that is surely something else.
fn fitted(flow: &Flow<'_, '_>, expression: String, kind: &str) -> Option<String> {
    let Some(is) = flow.sure_kind(&expression) else { return Some(expression) };
    match kind {
        _ if is == kind || kind.is_empty() => Some(expression),
        "number" if is == "integer" => Some(expression),
        "string" if is != "null" => Some(format!("text({expression})")),
        _ if is == "string" => Some(format!("json({expression})")),
        _ => None,
    }
}

/// A value that is written out, as the input wants it; `None` where it does not fit.
fn fitting(value: Out, kind: &str) -> Option<Out> {
    match (kind, value) {
        ("string", Out::Number(text)) => Some(Out::Text(text)),
        ("string", Out::Bool(value)) => Some(Out::Text(value.to_string())),
        ("integer", Out::Number(text)) if text.parse::<i64>().is_err() => None,
        ("", value)
        | ("string", value @ Out::Text(_))
        | ("integer" | "number", value @ Out::Number(_))
        | ("boolean", value @ Out::Bool(_))
        | ("object", value @ Out::Map(_))
        | ("array", value @ Out::List(_)) => Some(value),
        _ => None,
    }
}

//! What stands around the nodes: inputs, outputs, shared texts, and names for values.

use super::model::{Flow, Input, Kind};
use super::refs::Place;
use super::template::{Ref, Seg};
use super::values::prose;
use crate::import::naming::{Given, snake};
use crate::import::out::{Map, Out, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;
use crate::tree::{Plain, Shape};

/// A type of the tool as one of ours.
fn kind_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "string" | "str" => "string",
        "integer" | "int" => "integer",
        "number" | "float" => "number",
        "boolean" | "bool" => "boolean",
        "object" | "dict" => "object",
        "array" | "list" => "array",
        _ => return None,
    })
}

/// The type of a value.
fn kind_of_value(at: At<'_, '_>) -> &'static str {
    match (at.node.shape(), at.node.plain()) {
        (Shape::List, _) => "array",
        (Shape::Map, _) => "object",
        (_, Some(Plain::Bool(_))) => "boolean",
        (_, Some(Plain::Number(number))) if number.is_i64() || number.is_u64() => "integer",
        (_, Some(Plain::Number(_))) => "number",
        _ => "string",
    }
}

/// The value that says that nothing was given.
pub(super) fn nothing(kind: &str) -> Out {
    match kind {
        "integer" | "number" => Out::Number("0".to_owned()),
        "boolean" => Out::Bool(false),
        "object" => Map::new().into(),
        "array" => Out::List(Vec::new()),
        _ => "".into(),
    }
}

/// The inputs that are declared.
pub(super) fn inputs(flow: &mut Flow<'_, '_>, at: At<'_, '_>) -> Map {
    let mut made = Map::new();
    let mut given = Given::default();
    let mut piped = false;
    for (name, at) in at.map("inputs") {
        let id = given.give(&snake(name, "input"));
        if id != name {
            at.say(Changed, format!("inputs are in snake_case: `{id}`"));
        }
        let default = at.get("default");
        let word = at.text_at("type");
        let kind = word.and_then(kind_of).unwrap_or_else(|| {
            let kind = default.map_or("string", kind_of_value);
            match (word, at.get("type")) {
                (Some(_), Some(said)) => {
                    said.say(Changed, format!("there is no such type: `{kind}` is taken"));
                }
                _ => at.say_of("type", Changed, &format!("without a type it is taken for `{kind}`"), None),
            }
            kind
        });
        let mut input = Map::new().with("type", kind);
        if let Some(text) = at.text_at("description").map(str::trim).filter(|text| !text.is_empty()) {
            let cut: String = prose(text).chars().take(limits::DESCRIPTION_CHARS).collect();
            input.set("description", cut);
        }
        let wanted = at.flag("required").unwrap_or(true);
        let mut empty = false;
        match default {
            Some(default) => match fitting(default, kind) {
                Some(value) if value.has_marks() => {
                    let why =
                        "no expression may stand in it, and it looks like one: the input has to be given";
                    default.say(NotExpressible, why.to_owned());
                    default.whole();
                }
                Some(value) => input.set("default", value),
                None => {
                    default.say(NotExpressible, format!("it is no `{kind}`: the input has to be given"));
                    default.whole();
                }
            },
            None if !wanted => {
                empty = true;
                input.set("default", nothing(kind));
                at.say_of(
                    "optional input",
                    Changed,
                    "an input always has a value: an empty one says that none was given, and `??` goes on past it",
                    None,
                );
            }
            None => {}
        }
        if at.flag("stdin") == Some(true) {
            if piped && let Some(at) = at.get("stdin") {
                at.say(NotExpressible, "standard input fills one input, and the first one says so already");
            } else {
                input.set("stdin", true);
                piped = true;
            }
        }
        let secret = ["token", "secret", "password", "api_key", "apikey", "credential"];
        if kind == "string" && secret.iter().any(|word| id.contains(word)) {
            at.say_of(
                "secret",
                Changed,
                "an input is a value that the journal of the run holds",
                Some("if it is a secret, name it in `secrets` and write `${{ secrets.NAME }}`"),
            );
        }
        let required = input.get("default").is_none();
        made.set(&id, input);
        flow.names.insert(name.to_owned(), flow.inputs.len());
        flow.inputs.push(Input { name: name.to_owned(), id, kind, empty, required });
    }
    made
}

/// A default as its type wants it.
fn fitting(at: At<'_, '_>, kind: &str) -> Option<Out> {
    let value = at.whole();
    match (kind, value) {
        ("string", Out::Number(_) | Out::Bool(_)) => Some(at.node.raw().unwrap_or_default().into()),
        ("string", value @ Out::Text(_))
        | ("boolean", value @ Out::Bool(_))
        | ("object", value @ Out::Map(_))
        | ("array", value @ Out::List(_))
        | ("number", value @ Out::Number(_)) => Some(value),
        ("integer", Out::Number(text)) if text.parse::<i64>().is_ok() => Some(Out::Number(text)),
        // Texts are what the command line gave.
        ("integer", Out::Text(text)) if text.parse::<i64>().is_ok() => Some(Out::Number(text)),
        ("boolean", Out::Text(text)) if matches!(text.as_str(), "true" | "false") => {
            Some(Out::Bool(text == "true"))
        }
        _ => None,
    }
}

/// The input that allows to delete, where somebody does.
pub(super) fn confirmed(flow: &mut Flow<'_, '_>, mut declared: Map) -> Map {
    if flow.confirms && flow.input("confirm_delete").is_none() {
        let input = Map::new()
            .with("type", "boolean")
            .with("description", "Whether files may be deleted")
            .with("default", false);
        declared.set("confirm_delete", input);
    }
    declared
}

/// The pieces of text that prompts share.
pub(super) fn chunks<'s, 't>(flow: &mut Flow<'s, 't>, at: At<'s, 't>) {
    let Some(cache) = at.get("cache").filter(|cache| cache.is_map()) else { return };
    cache.get("ttl");
    for item in cache.list("items") {
        let prose = item.text_at("prose_before").unwrap_or_default();
        let name = item.text_at("name");
        let var = item.text_at("var");
        match name.or(var) {
            Some(name) => {
                flow.chunks.insert(var.unwrap_or(name), prose);
            }
            None => item.say_all(NotExpressible, "it names no value", None),
        }
    }
}

/// The names that nodes give to outputs of others: `output_mapping` and `output_mappings`.
pub(super) fn aliases(flow: &mut Flow<'_, '_>, at: At<'_, '_>) {
    let mut found = Vec::new();
    for (index, node) in flow.nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Workflow) {
        let Some(map) = node.param("output_mapping").filter(|map| map.is_map()) else { continue };
        for entry in map.node.entries() {
            if let Some(name) = entry.value.raw() {
                found.push((name.to_owned(), (index, entry.key.to_owned())));
            }
        }
    }
    for (name, mapping) in at.map("mappings") {
        let Some(index) = flow.index_of(name) else { continue };
        let Some(map) = mapping.get("output_mappings").filter(|map| map.is_map()) else { continue };
        for entry in map.node.entries() {
            if let Some(name) = entry.value.raw() {
                found.push((name.to_owned(), (index, entry.key.to_owned())));
            }
        }
    }
    flow.aliases.extend(found);
}

/// What `mappings` fill of the params of nodes.
pub(super) fn mappings(flow: &Flow<'_, '_>, at: At<'_, '_>) {
    for (name, mapping) in at.map("mappings") {
        let Some(index) = flow.index_of(name) else {
            mapping.say_all(NotExpressible, "there is no node of that name", None);
            continue;
        };
        if let Some(at) = mapping.get("input_mappings")
            && !matches!(flow.nodes[index].kind, Kind::Other | Kind::Mcp)
        {
            at.say_with(
                NotExpressible,
                format!("a node of the type {} reads its params alone", flow.nodes[index].word),
                Some("write the value into the param, and import again"),
            );
        }
    }
}

/// The params that `mappings` fill, with their expressions.
pub(super) fn filled(flow: &Flow<'_, '_>, node: usize) -> Map {
    let mut map = Map::new();
    let Some(at) = flow.root.get("mappings").filter(|at| at.is_map()) else { return map };
    let name = &flow.nodes[node].name;
    let Some(inputs) = at.get(name).and_then(|at| at.get("input_mappings")).filter(|at| at.is_map()) else {
        return map;
    };
    for entry in inputs.node.entries() {
        let Some(key) = entry.value.raw() else { continue };
        let found = Ref { root: key.to_owned(), path: Vec::new() };
        if flow.aliases.contains_key(key) || flow.input(key).is_some() {
            let read = flow.reference(inputs, &found, Place::of(node));
            map.set(entry.key, marked(&read.expression(false)));
        } else {
            inputs.say(NotExpressible, format!("nobody gives `{key}`, which `{}` is read from", entry.key));
        }
    }
    map
}

/// What the workflow gives.
pub(super) fn outputs(flow: &Flow<'_, '_>, at: At<'_, '_>) -> Map {
    let mut made = Map::new();
    let mut given = Given::default();
    let end = flow.graph.ways.len();
    let all = at.map("outputs");
    if all.is_empty() {
        at.say_of("outputs", Kept, "without outputs the run gives those of its steps, by their ids", None);
    }
    for (name, at) in all {
        let id = given.give(&snake(name, "output"));
        if id != name {
            at.say(Changed, format!("outputs are in snake_case: `{id}`"));
        }
        at.get("type");
        at.get("description");
        at.get("stdout");
        let place = Place { lenient: true, ..Place::of(end) };
        let Some(source) = at.get("source") else {
            match flow.aliases.get(name) {
                Some((node, key)) => {
                    let found =
                        Ref { root: flow.nodes[*node].name.clone(), path: vec![Seg::Field(key.clone())] };
                    made.set(&id, marked(&flow.reference(at, &found, place).expression(true)));
                }
                None => at.say_of(
                    "source",
                    NotExpressible,
                    "nothing says what it is: it is left out",
                    Some("say `source`, and import again"),
                ),
            }
            continue;
        };
        let wants = at.node.get("type").and_then(|node| node.raw()).and_then(kind_of);
        let value = match (wants, source.text()) {
            (Some("object" | "array"), Some(_)) => flow.parsed(source, place),
            (_, Some(text)) => flow.text(source, text, place),
            (_, None) => continue,
        };
        if let Out::Text(text) = &value
            && text.contains(".orValue(null)")
        {
            source.say(Changed, "where the step has not run the output is null");
        }
        made.set(&id, value);
    }
    made
}

//! `file`: one act on files of the project.

use serde_json::json;

use super::{Action, EFFECT};
use crate::codes;
use crate::decode::{ActionAt, Decoder, Done, Fields, Output, Slot, Wants};
use crate::diagnostic::Diagnostic;
use crate::expr::{Field, Type};
use crate::keys::{Key, Shape};
use crate::limits;
use crate::plan::ActionKind;
use crate::template::Template;
use crate::tree::{Entry, Node, Shape as Form};

static KEYS: &[Key] = &[
    Key::new("read", Shape::Any, "The file whose content is the output: a path, or a file by hash from a step or input"),
    Key::new(
        "write",
        Shape::Template,
        "The file that gets `content` or `base64`, whole: nobody ever sees half of it",
    ),
    Key::new("copy", Shape::Any, "The file that is copied to `to`: a path, or a file by hash"),
    Key::new("move", Shape::Template, "The file or folder that becomes `to`"),
    Key::new(
        "delete",
        Shape::Either(&[Shape::Template, Shape::List(&Shape::Template)]),
        "The files that are removed, each by its name. One that is gone already is fine; folders are not removed",
    ),
    Key::new("to", Shape::Template, "Where `copy` and `move` lead. What stands there is replaced"),
    Key::new("content", Shape::Any, "What `write` writes: text as it is, any other value as JSON"),
    Key::new("base64", Shape::Template, "What `write` writes, as base64, for what is no text"),
    Key::new(
        "parse",
        Shape::Words(PARSE),
        "What `read` gives: the text, the value of its JSON, its lines, its bytes as base64, or a copy of the file by hash",
    )
    .default("text"),
];

static PARSE: &[&str] = &["text", "json", "lines", "base64", "file"];

/// The acts, each with the keys that go with it.
static ACTS: &[(&str, &[&str])] = &[
    ("read", &["parse"]),
    ("write", &["content", "base64"]),
    ("copy", &["to"]),
    ("move", &["to"]),
    ("delete", &[]),
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "file",
    table: &[Key::new(
        "file",
        Shape::Map("file", &[KEYS]),
        "One of `read`, `write`, `copy`, `move` and `delete`, inside the project's folder. Paths are relative to that folder",
    )],
    keys: KEYS,
    step_keys: &[EFFECT],
    output: "What `read` read; of `write`, `copy` and `move` the new file: `path` (relative to the project's folder), `name`, `size`; of `delete` nothing",
    defaults: false,
    timed: true,
    effects: true,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let fields = cx.fields(at.value, "`file`", &[KEYS])?;
    let (act, node) = act(cx, at.value, &fields)?;
    misplaced(cx, &fields, act);
    let mut request = vec![(act.to_owned(), None)];
    let output = match act {
        "read" => {
            request[0].1 = source(cx, node, at.slot);
            let parse = fields.get("parse").and_then(|n| cx.word(n, "`parse`", PARSE)).unwrap_or("text");
            request.push(("parse".to_owned(), Some(Template::Literal(json!(parse)))));
            parsed(parse)
        }
        "write" => {
            request[0].1 = path(cx, node, at.slot);
            request.extend(content(cx, at.value, &fields, at.slot));
            written()
        }
        "delete" => {
            request[0].1 = doomed(cx, node, at.slot);
            Type::Null
        }
        act => {
            request[0].1 = if act == "copy" { source(cx, node, at.slot) } else { path(cx, node, at.slot) };
            match fields.get("to") {
                Some(node) => request.push(("to".to_owned(), path(cx, node, at.slot))),
                None => {
                    missing(cx, at.value, &format!("`{act}` needs `to`"), "say where it leads: `to: PATH`");
                }
            }
            written()
        }
    };
    let request: Option<Vec<_>> = request.into_iter().map(|(key, value)| Some((key, value?))).collect();
    let kind = ActionKind::Effect { executor: "file", request: Template::map(request?) };
    Some(Done { kind, output: Output::Known(output) })
}

/// Which act it is: exactly one.
fn act<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, fields: &Fields<'t>) -> Option<(&'static str, Node<'t>)> {
    let mut found = ACTS.iter().filter_map(|(act, _)| Some((*act, fields.get(act)?)));
    let Some(first) = found.next() else {
        if !fields.refused {
            let problem = Diagnostic::at_start(codes::NOT_ONE, node, "`file` does not say what to do");
            cx.push(problem.help("give it one of `read`, `write`, `copy`, `move`, `delete`, with a path"));
        }
        return None;
    };
    if let Some((second, node)) = found.next() {
        let message = format!("`file` does `{}` or `{second}`, not both", first.0);
        cx.push(Diagnostic::at_start(codes::NOT_ONE, node, message).help("make two steps of it"));
    }
    Some(first)
}

/// Keys that belong to another act.
fn misplaced<'t>(cx: &Decoder<'t, '_>, fields: &Fields<'t>, act: &str) {
    for (key, home) in
        ["to", "content", "base64", "parse"].into_iter().zip(["copy", "write", "write", "read"])
    {
        let own = ACTS.iter().any(|(a, keys)| *a == act && keys.contains(&key));
        let entry: Option<Entry<'_>> = fields.node().entry(key).filter(|_| !own);
        if let Some(entry) = entry {
            let message = format!("`{key}` has no place beside `{act}`");
            let help = format!("it belongs to `{home}`{}", if key == "to" { " and `move`" } else { "" });
            cx.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
        }
    }
}

fn missing<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, message: &str, help: &str) {
    cx.push(Diagnostic::at_start(codes::MISSING_KEY, node, message).help(help));
}

/// What is to be written.
fn content<'t>(
    cx: &Decoder<'t, '_>,
    node: Node<'t>,
    fields: &Fields<'t>,
    slot: Slot,
) -> Option<(String, Option<Template>)> {
    match (fields.get("content"), fields.get("base64")) {
        (Some(node), None) => Some(("content".to_owned(), cx.template(node, slot, Wants::Any))),
        (None, Some(node)) => Some(("base64".to_owned(), cx.text_template(node, "base64", slot))),
        (Some(_), Some(second)) => {
            let message = "`write` has `content` or `base64`, not both";
            cx.push(Diagnostic::at_start(codes::NOT_ONE, second, message).help("remove one of the two"));
            None
        }
        (None, None) => {
            if !fields.refused {
                missing(cx, node, "`write` needs `content`", "text as it is, or any other value as JSON");
            }
            None
        }
    }
}

/// A path inside the project.
fn path<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let path = cx.text_template(node, "a path", slot)?;
    let Template::Literal(literal) = &path else { return Some(path) };
    let text = literal.as_str().unwrap_or_default();
    let outside = |message: String, help: &str| {
        cx.push(Diagnostic::at(codes::PATH_OUTSIDE, node, message).help(help));
    };
    if text.trim().is_empty() {
        cx.problem(codes::EMPTY_VALUE, node, "no file is named");
    } else if text.starts_with('~') {
        outside(
            format!("`{text}` names no file of the project"),
            "`~` is not expanded; paths are relative to the project's folder",
        );
    } else if climbs_out(text) {
        outside(
            format!("`{text}` leads out of the project's folder"),
            "paths are relative to the project's folder, and stay in it",
        );
    } else {
        return Some(path);
    }
    None
}

/// Whether a path names something outside by its text alone. Where links lead is seen when it is used.
fn climbs_out(path: &str) -> bool {
    let mut depth = 0_usize;
    !path.starts_with('/')
        && path.split('/').any(|part| match part {
            "" | "." => false,
            ".." => match depth.checked_sub(1) {
                Some(up) => {
                    depth = up;
                    false
                }
                None => true,
            },
            _ => {
                depth += 1;
                false
            }
        })
}

/// What is read or copied: a path, or a file by hash.
fn source<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    match node.shape() {
        Form::Map => cx.template(node, slot, Wants::Any),
        // What one expression gives is a path or a file, so it keeps its type.
        _ if node.raw().is_some_and(|text| text.contains("${{")) => cx.template(node, slot, Wants::Any),
        _ => path(cx, node, slot),
    }
}

/// What is deleted: a list of paths.
fn doomed<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let named = |node: Node<'t>| {
        let path = path(cx, node, slot)?;
        if let Template::Literal(text) = &path
            && text.as_str().is_some_and(|text| text.contains(['*', '?']))
        {
            let message = "a pattern deletes nothing: each file is named";
            let help = "list the files by a step of its own, and delete them by `foreach`";
            cx.push(Diagnostic::at(codes::PATTERN, node, message).help(help));
            return None;
        }
        Some(path)
    };
    if node.shape() != Form::List {
        return named(node).map(|path| Template::list(vec![path]));
    }
    let items = node.items();
    if items.len() == 0 {
        cx.problem(codes::EMPTY_VALUE, node, "no file is named");
        return None;
    }
    if items.len() > limits::ARGUMENTS {
        let message = format!("there are {} paths", items.len());
        let help = format!("at most {} are taken; use `foreach`", limits::ARGUMENTS);
        cx.push(Diagnostic::at_start(codes::TOO_MANY, node, message).help(help));
        return None;
    }
    let paths: Vec<_> = items.map(named).collect();
    paths.into_iter().collect::<Option<_>>().map(Template::list)
}

/// What `read` gives.
fn parsed(parse: &str) -> Type {
    match parse {
        "text" | "base64" => Type::String,
        "lines" => Type::list(Type::String),
        "file" => super::file_by_hash(),
        _ => Type::Dyn,
    }
}

/// A file of the project that was made.
fn written() -> Type {
    let fields = [("path", Type::String), ("name", Type::String), ("size", Type::Int)];
    Type::map(fields.map(|(name, ty)| Field::required(name, ty)).into(), false)
}

//! `http`: a request to a server.

use serde_json::{Value, json};

use super::{Action, EFFECT};
use crate::codes;
use crate::decode::{ActionAt, Decoder, Done, Fields, Output, Slot, Wants};
use crate::diagnostic::{Diagnostic, nearest};
use crate::expr::{Field, Type};
use crate::keys::{Key, Shape};
use crate::plan::ActionKind;
use crate::template::Template;
use crate::tree::{Node, Plain, Shape as Form};

static KEYS: &[Key] = &[
    Key::new("url", Shape::Template, "The address: `https://…` or `http://…`").required(),
    Key::new("method", Shape::Words(METHODS), "What is asked for").default("get"),
    Key::new(
        "query",
        Shape::Names(&Shape::Any),
        "Parameters for the address: texts, numbers, or lists of them; null is left out",
    ),
    Key::new("headers", Shape::Names(&Shape::Template), "Headers, over those that are sent anyway"),
    Key::new(
        "auth",
        Shape::Map("auth", &[AUTH]),
        "Who asks. It is told to no other server that a redirect leads to",
    ),
    Key::new("json", Shape::Any, "The body: any value, as JSON"),
    Key::new(
        "body",
        Shape::Any,
        "The body: text as it is, a file by hash as its bytes, any other map as a form",
    ),
    Key::new(
        "expect",
        Shape::Either(&[Shape::Statuses, Shape::Words(&["any"])]),
        "Statuses that are no error. A redirect among them is not followed",
    )
    .default("[2xx]"),
    Key::new(
        "parse",
        Shape::Words(PARSE),
        "What the body becomes: text, the value of its JSON, its lines, its bytes as base64, a file by hash, or nothing. Without it: JSON where the server says so, else text",
    ),
];

static AUTH: &[Key] = &[
    Key::new("bearer", Shape::Template, "A token: `Authorization: Bearer …`"),
    Key::new("basic", Shape::Map("basic", &[BASIC]), "A user with a password"),
    Key::new("header", Shape::Map("header", &[HEADER]), "A header of the server's own, such as `X-Api-Key`"),
];

static BASIC: &[Key] = &[
    Key::new("user", Shape::Template, "Who").required(),
    Key::new("password", Shape::Template, "The password").required(),
];

static HEADER: &[Key] = &[
    Key::new("name", Shape::Text, "Its name").required(),
    Key::new("value", Shape::Template, "Its value").required(),
];

static METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];
static PARSE: &[&str] = &["text", "json", "lines", "base64", "file", "none"];

/// Headers that belong to the connection, or follow from what else is said.
static OWN_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
];

/// The action.
pub(super) static ACTION: Action = Action {
    name: "http",
    table: &[Key::new("http", Shape::Map("http", &[KEYS]), "A request to a server")],
    keys: KEYS,
    step_keys: &[EFFECT],
    output: "`status`, `headers` (names in lower case; `set-cookie` is a list), `body`",
    defaults: true,
    timed: true,
    effects: true,
    decode,
};

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let fields = cx.fields(at.value, "`http`", &[KEYS])?;
    let secret = at.slot.with_secrets();
    let mut request: Vec<(String, Option<Template>)> = Vec::new();
    let method = fields.get("method").map_or(Some("get"), |node| method(cx, node));
    request.push(("method".to_owned(), method.map(|method| Template::Literal(json!(method)))));
    let url = fields.get("url");
    request.push(("url".to_owned(), url.and_then(|node| address(cx, node, at.slot))));
    if let Some(node) = fields.get("query") {
        request.push(("query".to_owned(), query(cx, node, at.slot)));
    }
    if let Some(node) = fields.get("headers") {
        request.push(("headers".to_owned(), headers(cx, node, fields.get("auth").is_some(), secret)));
    }
    if let Some(node) = fields.get("auth") {
        request.push(("auth".to_owned(), auth(cx, node, secret)));
    }
    request.extend(body(cx, &fields, method, secret));
    if let Some(node) = fields.get("expect") {
        request.push(("expect".to_owned(), expect(cx, node).map(Template::Literal)));
    }
    let parse = fields.get("parse").map(|node| cx.word(node, "`parse`", PARSE));
    if let Some(parse) = parse {
        request.push(("parse".to_owned(), parse.map(|parse| Template::Literal(json!(parse)))));
    }
    let request: Option<Vec<_>> = request.into_iter().map(|(key, value)| Some((key, value?))).collect();
    let kind = ActionKind::Effect { executor: "http", request: Template::map(request?) };
    Some(Done { kind, output: Output::Known(output(parse.flatten())) })
}

fn output(parse: Option<&str>) -> Type {
    let body = match parse {
        Some("text" | "base64") => Type::String,
        Some("lines") => Type::list(Type::String),
        Some("file") => super::file_by_hash(),
        Some("none") => Type::Null,
        _ => Type::Dyn,
    };
    let fields = [("status", Type::Int), ("headers", Type::Dyn), ("body", body)];
    Type::map(fields.map(|(name, ty)| Field::required(name, ty)).into(), false)
}

fn method<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) -> Option<&'static str> {
    let small = node.raw().map(str::to_ascii_lowercase);
    if let Some(word) = METHODS.iter().find(|word| small.as_deref() == Some(word) && node.raw() != Some(word))
    {
        let message = format!("`{}` is written in small letters", node.raw().unwrap_or_default());
        cx.push(Diagnostic::at(codes::UNKNOWN_WORD, node, message).nearest((*word).to_owned()));
        return None;
    }
    cx.word(node, "`method`", METHODS)
}

fn address<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let url = cx.text_template(node, "an address", slot)?;
    let Template::Literal(Value::String(text)) = &url else { return Some(url) };
    if let Some((message, help)) = not_an_address(text) {
        cx.push(Diagnostic::at(codes::BAD_ADDRESS, node, message).help(help));
        return None;
    }
    Some(url)
}

/// Why a text cannot be called as an address, and what to do.
pub(crate) fn not_an_address(text: &str) -> Option<(String, &'static str)> {
    let text = text.trim();
    let small = text.to_ascii_lowercase();
    let Some(rest) = small.strip_prefix("https://").or_else(|| small.strip_prefix("http://")) else {
        let message = format!("`{text}` is no address of a server");
        return Some((message, "an address begins with `https://` or `http://`"));
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        let message = "an address with a user or password in it ends up in logs".to_owned();
        return Some((message, "give them by `auth: { basic: { user: …, password: … } }`"));
    }
    if host.is_empty() || host.starts_with(':') {
        return Some((format!("`{text}` names no host"), "write it as `https://example.org/path`"));
    }
    if host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some((format!("`{text}` names a host that cannot be one"), "a host is a name or a number"));
    }
    None
}

fn query<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let entries = cx.entries(node, "`query` is a map of parameters")?;
    let pairs: Vec<_> = entries
        .map(|entry| {
            if entry.value.shape() == Form::Map {
                cx.wrong_type(entry.value, "a parameter is a text, a number, or a list of them");
                return None;
            }
            Some((entry.key.to_owned(), cx.template(entry.value, slot, Wants::Any)?))
        })
        .collect();
    pairs.into_iter().collect::<Option<_>>().map(Template::map)
}

fn headers<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, auth: bool, slot: Slot) -> Option<Template> {
    let entries = cx.entries(node, "`headers` is a map of texts")?;
    let mut known: Vec<String> = Vec::new();
    let pairs: Vec<_> = entries
        .map(|entry| {
            let small = entry.key.to_ascii_lowercase();
            let bad = |message: String, help: &str| {
                cx.push(Diagnostic::at_key(codes::BAD_HEADER, entry, message).help(help));
                None
            };
            if let Some(why) = not_a_header(&small) {
                return bad(format!("`{}` {why}", entry.key), header_help(&small));
            }
            if known.contains(&small) {
                return bad(
                    format!("the header `{}` is given twice", entry.key),
                    "capital letters do not matter in it",
                );
            }
            if small == "authorization" && auth {
                return bad(
                    "`auth` says who asks, and so does this header".to_owned(),
                    "remove one of the two",
                );
            }
            known.push(small);
            Some((entry.key.to_owned(), cx.text_template(entry.value, "a header", slot)?))
        })
        .collect();
    pairs.into_iter().collect::<Option<_>>().map(Template::map)
}

/// Why a header cannot be set, by its name in lower case.
pub(crate) fn not_a_header(name: &str) -> Option<&'static str> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || name.len() > 200 || !name.chars().all(token) {
        Some("is no name of a header")
    } else if OWN_HEADERS.contains(&name) {
        Some("is no header that a step sets")
    } else {
        None
    }
}

fn header_help(name: &str) -> &'static str {
    match name {
        "host" => "it is that of the address",
        "content-length" | "transfer-encoding" => "it follows from the body",
        "accept-encoding" => "answers come as they are, not packed",
        _ if OWN_HEADERS.contains(&name) => "it belongs to the connection",
        _ => "names of headers have letters, digits and `-`",
    }
}

fn auth<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let fields = cx.fields(node, "`auth`", &[AUTH])?;
    let mut found = AUTH.iter().filter_map(|key| Some((key.name, fields.get(key.name)?)));
    let Some((way, value)) = found.next() else {
        if !fields.refused {
            let problem = Diagnostic::at_start(codes::NOT_ONE, node, "`auth` does not say how");
            cx.push(problem.help("give it `bearer`, `basic` or `header`"));
        }
        return None;
    };
    if let Some((second, node)) = found.next() {
        let message = format!("`auth` has `{way}` or `{second}`, not both");
        cx.push(Diagnostic::at_start(codes::NOT_ONE, node, message).help("remove one of the two"));
        return None;
    }
    let said = match way {
        "bearer" => cx.text_template(value, "a token", slot),
        "basic" => {
            let fields = cx.fields(value, "`basic`", &[BASIC])?;
            let part = |name: &str| {
                let value = cx.text_template(fields.get(name)?, "a user or password", slot)?;
                Some((name.to_owned(), value))
            };
            let (user, password) = (part("user"), part("password"));
            Some(Template::map(vec![user?, password?]))
        }
        _ => own_header(cx, value, slot),
    }?;
    Some(Template::map(vec![(way.to_owned(), said)]))
}

fn own_header<'t>(cx: &Decoder<'t, '_>, node: Node<'t>, slot: Slot) -> Option<Template> {
    let fields = cx.fields(node, "`header`", &[HEADER])?;
    let value = fields.get("value").and_then(|node| cx.text_template(node, "the value of a header", slot));
    let name = fields.get("name").and_then(|node| {
        let name = cx.text(node, "the name of a header")?;
        let small = name.to_ascii_lowercase();
        if let Some(why) = not_a_header(&small) {
            let problem = Diagnostic::at(codes::BAD_HEADER, node, format!("`{name}` {why}"));
            cx.push(problem.help(header_help(&small)));
            return None;
        }
        Some(Template::Literal(json!(name)))
    });
    Some(Template::map(vec![("name".to_owned(), name?), ("value".to_owned(), value?)]))
}

fn body<'t>(
    cx: &Decoder<'t, '_>,
    fields: &Fields<'t>,
    method: Option<&str>,
    slot: Slot,
) -> Option<(String, Option<Template>)> {
    let (key, node) = match (fields.get("json"), fields.get("body")) {
        (None, None) => return None,
        (Some(node), None) => ("json", node),
        (None, Some(node)) => ("body", node),
        (Some(_), Some(second)) => {
            let message = "a request has `json` or `body`, not both";
            cx.push(Diagnostic::at_start(codes::NOT_ONE, second, message).help("remove one of the two"));
            return None;
        }
    };
    if let (Some(method @ ("get" | "head")), Some(entry)) = (method, fields.node().entry(key)) {
        let message = format!("a request by `{method}` has no body");
        let help = "say `method: post` (or `put`, `patch`), or give parameters by `query`";
        cx.push(Diagnostic::at_key(codes::NO_BODY, entry, message).help(help));
    }
    if key == "body" && matches!(node.shape(), Form::List) {
        cx.wrong_type(node, "`body` is a text, a file or a form (`json` takes any value)");
        return Some((key.to_owned(), None));
    }
    let value = match (key, node.shape()) {
        ("json", _) | (_, Form::Map) => cx.template(node, slot, Wants::Any),
        // What one expression gives is a text or a file, so it keeps its type.
        _ if node.raw().is_some_and(|text| text.contains("${{")) => cx.template(node, slot, Wants::Any),
        _ => cx.text_template(node, "a body", slot),
    };
    Some((key.to_owned(), value))
}

fn expect<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) -> Option<Value> {
    if node.raw() == Some("any") {
        return Some(json!("any"));
    }
    let items = cx.list(node, "`expect` is a list of statuses, or `any`")?;
    let statuses: Vec<_> = items.map(|item| status(cx, item)).collect();
    statuses.into_iter().collect::<Option<_>>().map(Value::Array)
}

/// A status, or a hundred of them as `4xx`.
fn status<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) -> Option<Value> {
    let text = node.raw().unwrap_or_default();
    let hundreds = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    if hundreds.contains(&text) {
        return Some(json!(text));
    }
    match node.plain() {
        Some(Plain::Number(number)) if number.as_u64().is_some_and(|n| (100..=599).contains(&n)) => {
            Some(Value::Number(number))
        }
        Some(Plain::Number(number)) => {
            let message = format!("a status is from 100 to 599, and this is {number}");
            cx.problem(codes::OUT_OF_RANGE, node, message);
            None
        }
        _ => {
            let message = format!("`{text}` is no status");
            let problem = Diagnostic::at(codes::UNKNOWN_WORD, node, message);
            cx.push(match nearest(&text.to_ascii_lowercase(), hundreds.iter().copied()) {
                Some(near) => problem.nearest(near),
                None => problem.help("write a number such as `404`, or a hundred such as `4xx`"),
            });
            None
        }
    }
}

//! `run`: a script, or a program with its arguments.

use serde_json::{Value, json};

use super::{Action, EFFECT, SHELLS};
use crate::codes;
use crate::decode::{ActionAt, Decoder, Done, Output, Wants};
use crate::diagnostic::Diagnostic;
use crate::expr::Type;
use crate::keys::{Key, Shape};
use crate::limits;
use crate::plan::ActionKind;
use crate::template::Template;
use crate::tree::{Node, Plain, Shape as Form};

/// The action.
pub(super) static ACTION: Action = Action {
    name: "run",
    table: &[Key::new(
        "run",
        Shape::Either(&[Shape::Text, Shape::List(&Shape::Template)]),
        "Text: a script, taken as it stands; values reach it by `env` and `stdin`. List: a program and its arguments, each with expressions",
    )],
    keys: &[],
    step_keys: &[
        Key::new("shell", Shape::Words(SHELLS), "What runs the script").default("bash"),
        Key::new("env", Shape::Names(&Shape::Template), "Environment, over that of the document"),
        Key::new("cwd", Shape::Template, "Working folder; relative to the project's folder").default("."),
        Key::new("stdin", Shape::Any, "Standard input: text as it is, any other value as JSON"),
        Key::new("parse", Shape::Words(PARSE), "What standard output becomes").default("text"),
        Key::new(
            "expect",
            Shape::Either(&[Shape::Codes, Shape::Words(&["any"])]),
            "Exit codes that are no error",
        )
        .default("[0]"),
        EFFECT,
    ],
    output: "Standard output by `parse`: `text` without its last line break, `json`, `lines` as a list, `none`. What the process writes to the file `$STEAD_OUTPUT`, a JSON object, is `values`",
    defaults: true,
    timed: true,
    effects: true,
    decode,
};

static PARSE: &[&str] = &["text", "json", "lines", "none"];

fn decode<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<Done> {
    let mut request: Vec<(String, Template)> = Vec::new();
    let command = command(cx, at);
    let env = environment(cx, at);
    if !env.is_empty() {
        request.push(("env".to_owned(), Template::map(env)));
    }
    let cwd = match at.fields.get("cwd") {
        Some(node) => cx.text_template(node, "a folder", at.slot),
        None => cx.defaults.borrow().cwd.clone(),
    };
    request.extend(cwd.map(|cwd| ("cwd".to_owned(), cwd)));
    if let Some(stdin) = at.fields.get("stdin") {
        let stdin = cx.template(stdin, at.slot.with_secrets(), Wants::Any);
        request.extend(stdin.map(|stdin| ("stdin".to_owned(), stdin)));
    }
    let parse = at.fields.get("parse").and_then(|n| cx.word(n, "`parse`", PARSE)).unwrap_or("text");
    request.push(("parse".to_owned(), Template::Literal(json!(parse))));
    let expect = at.fields.get("expect").and_then(|n| expect(cx, n)).unwrap_or_else(|| json!([0]));
    request.push(("expect".to_owned(), Template::Literal(expect)));
    request.insert(0, command?);
    let output = match parse {
        "text" => Type::String,
        "lines" => Type::list(Type::String),
        "none" => Type::Null,
        _ => Type::Dyn,
    };
    let kind = ActionKind::Effect { executor: "process", request: Template::map(request) };
    Some(Done { kind, output: Output::Known(output) })
}

fn command<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Option<(String, Template)> {
    if at.value.shape() != Form::List {
        let text = script(cx, at.value);
        let shell = at.fields.get("shell").and_then(|n| cx.word(n, "`shell`", SHELLS)).map(str::to_owned);
        let shell = shell.or_else(|| cx.defaults.borrow().shell.clone()).unwrap_or_else(|| "bash".to_owned());
        return Some(("script".to_owned(), Template::Literal(json!({"shell": shell, "text": text?}))));
    }
    if let Some(entry) = at.fields.node().entry("shell") {
        let message = "`shell` belongs to a script, and this is a program with its arguments";
        let help = "remove `shell`, or write `run` as a text";
        cx.push(Diagnostic::at_key(codes::MISPLACED_KEY, entry, message).help(help));
    }
    let items = at.value.items();
    if items.len() == 0 {
        let problem = Diagnostic::at(codes::EMPTY_VALUE, at.value, "there is no program to run");
        cx.push(problem.help("the first element is the program"));
        return None;
    }
    if items.len() > limits::ARGUMENTS {
        let message = format!("there are {} arguments", items.len());
        let help = format!("at most {} are passed; hand a list over by `stdin`", limits::ARGUMENTS);
        cx.push(Diagnostic::at_start(codes::TOO_MANY, at.value, message).help(help));
        return None;
    }
    scripts_in(cx, at.value);
    let arguments: Vec<_> = items.map(|n| cx.text_template(n, "an argument", at.slot)).collect();
    let arguments: Vec<Template> = arguments.into_iter().collect::<Option<_>>()?;
    Some(("argv".to_owned(), Template::list(arguments)))
}

/// Programs that take code as an argument, behind a flag that ends in one of these letters.
static INTERPRETERS: &[(&str, char)] = &[
    ("bash", 'c'),
    ("sh", 'c'),
    ("dash", 'c'),
    ("ksh", 'c'),
    ("zsh", 'c'),
    ("fish", 'c'),
    ("python", 'c'),
    ("python3", 'c'),
    ("node", 'e'),
    ("ruby", 'e'),
    ("perl", 'e'),
];

/// `[bash, -c, "…"]` is a script in other words, and no value is put into its text either.
fn scripts_in<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) {
    let arguments: Vec<Node<'t>> = node.items().collect();
    let text = |at: usize| arguments.get(at).and_then(|n| n.raw()).unwrap_or_default();
    let program = text(0).rsplit('/').next().unwrap_or_default();
    let Some((_, letter)) = INTERPRETERS.iter().find(|(name, _)| *name == program) else { return };
    for (at, flag) in arguments.iter().enumerate().skip(1) {
        let flag = flag.raw().unwrap_or_default();
        let takes_code = flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with(*letter);
        if !takes_code {
            continue;
        }
        let code = text(at + 1);
        if let (Some(from), Some(node)) =
            (code.find("${{").filter(|&n| !code[..n].ends_with('$')), arguments.get(at + 1))
        {
            let message = format!("`{program} {flag}` runs this text, so no expression may stand in it");
            let help = "hand the value over as a further argument: [bash, -c, 'echo \"$1\"', bash, \"${{ … }}\"], or by `env`";
            let to = code[from..].find("}}").map_or(code.len(), |n| from + n + 2);
            let span = node.span_within(from, to);
            cx.push(
                Diagnostic { span, ..Diagnostic::at(codes::SCRIPT_EXPRESSION, *node, message) }.help(help),
            );
        }
        return;
    }
}

/// A script is taken as it stands: a value in it would be code.
fn script<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) -> Option<&'t str> {
    let text = cx.raw_text(node, "`run` is a script, or a list of a program and its arguments; a script")?;
    if text.trim().is_empty() {
        cx.problem(codes::EMPTY_VALUE, node, "the script is empty");
        return None;
    }
    if text.len() > limits::SCRIPT_BYTES {
        let message = format!("the script has {} bytes", text.len());
        let help = format!("at most {} are allowed; put it into a file and run that", limits::SCRIPT_BYTES);
        cx.push(Diagnostic::at(codes::TOO_MANY, node, message).help(help));
        return None;
    }
    if let Some(from) = text.find("${{") {
        let to = text[from..].find("}}").map_or(from + 3, |n| from + n + 2);
        let inner = text[from + 3..to].trim_end_matches("}}").trim();
        let span = node.span_within(from, to);
        let message = "a script is taken as it stands, so no expression may stand in it";
        let help = format!(
            "hand the value over: `env: {{ VALUE: \"${{{{ {inner} }}}}\" }}`, and write \"$VALUE\" in the script"
        );
        cx.push(Diagnostic { span, ..Diagnostic::at(codes::SCRIPT_EXPRESSION, node, message) }.help(help));
        return None;
    }
    Some(text)
}

/// The environment of the document with the step's own over it.
fn environment<'t>(cx: &Decoder<'t, '_>, at: &ActionAt<'_, 't>) -> Vec<(String, Template)> {
    let mut env = cx.env.borrow().clone();
    let own = at.fields.get("env").map(|n| cx.environment(n, at.slot)).unwrap_or_default();
    for (name, value) in own {
        match env.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value,
            None => env.push((name, value)),
        }
    }
    env
}

fn expect<'t>(cx: &Decoder<'t, '_>, node: Node<'t>) -> Option<Value> {
    if node.raw() == Some("any") {
        return Some(json!("any"));
    }
    let mut codes = Vec::new();
    for item in cx.list(node, "`expect` is a list of exit codes, or `any`")? {
        match item.plain() {
            Some(Plain::Number(n)) if n.as_i64().is_some_and(|n| (0..=255).contains(&n)) => {
                codes.push(Value::Number(n));
            }
            Some(Plain::Number(n)) => {
                cx.problem(
                    codes::OUT_OF_RANGE,
                    item,
                    format!("an exit code is from 0 to 255, and this is {n}"),
                );
            }
            _ => cx.wrong_type(item, "an exit code is a whole number"),
        }
    }
    Some(Value::Array(codes))
}

//! Shell commands: the script as it is, and what it reads by its environment.

use super::model::{Flow, Node};
use super::refs::Place;
use super::steps::Action;
use super::template::{Operand, Piece, Ref, pieces};
use crate::import::naming::snake;
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

pub(super) fn action(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let mut env = env(flow, node, place);
    let stdin = node.param("stdin").map(|at| flow.value(at, place));
    let cwd = node.param("cwd").and_then(|at| Some(flow.text(at, at.text()?, place)));
    let mut expect: Option<Out> = None;
    let mut keys = Map::new();
    match node.source("command") {
        None => {}
        Some((at, text)) => {
            let script = script(flow, at, &text, &mut env, place);
            if tolerant(&script) {
                at.say_of(
                    "exit code 1",
                    Kept,
                    "of a search that finds nothing it is no error, as there",
                    None,
                );
                expect = Some(vec![Out::Number("0".to_owned()), Out::Number("1".to_owned())].into());
            }
            let several = script.trim_end().contains(['\n', ';']);
            let script = if several {
                let why = "a command in it that fails does not end the script, as there";
                at.say_of("set +e", Kept, why, None);
                format!("set +e\n{script}")
            } else {
                script
            };
            if script.contains("${{") {
                // Which a script must not have: it is handed to the shell as an argument.
                let run = vec![Out::from("sh"), Out::from("-c"), Out::from(literal(&script))];
                keys.set("run", run);
            } else {
                keys.set("shell", "sh");
                keys.set("run", script);
            }
        }
    }
    if node.params().and_then(|params| params.flag("ignore_errors")) == Some(true) {
        expect = Some("any".into());
    }
    keys = keys.with_some("env", env.filled()).with_some("cwd", cwd).with_some("stdin", stdin);
    Action::of(keys.with_some("expect", expect)).within(30.0)
}

/// What the node puts into the environment itself.
fn env(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Map {
    let mut env = Map::new();
    let Some(at) = node.param("env") else { return env };
    if !at.is_map() {
        at.say(NotExpressible, "it is no map of names: nothing is put into the environment");
        return env;
    }
    for entry in at.node.entries() {
        let value = match flow.value(at, place) {
            Out::Map(map) => map.get(entry.key).cloned(),
            _ => None,
        };
        let fits = entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !entry.key.starts_with(|c: char| c.is_ascii_digit())
            && (1..=100).contains(&entry.key.len());
        match value {
            _ if !fits => at.say(NotExpressible, format!("`{}` is no name of the environment", entry.key)),
            // As the tool wrote them.
            Some(Out::Bool(value)) => env.set(entry.key, if value { "True" } else { "False" }),
            Some(Out::Null) | None => env.set(entry.key, ""),
            Some(Out::Number(number)) => env.set(entry.key, number),
            Some(Out::Text(text)) => env.set(entry.key, text),
            Some(other) => env.set(entry.key, marked(&super::values::expression(&other))),
        }
    }
    env
}

/// Commands whose exit code 1 says that nothing was found.
fn tolerant(script: &str) -> bool {
    let line = script.trim();
    if line.contains('\n') {
        return false;
    }
    let last = line.rsplit(['|', ';', '&']).next().unwrap_or(line).trim();
    let word = last.split_whitespace().next().unwrap_or_default();
    matches!(word, "grep" | "egrep" | "fgrep" | "rg" | "which")
        || last.starts_with("command -v ")
        || word == "ls" && last.contains(['*', '?', '['])
}

/// What is open where a reference stands.
#[derive(Clone, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
    /// A here-document up to its word, and whether that is quoted.
    Here(String, bool),
}

/// A script in which references are variables of the environment.
fn script(flow: &Flow<'_, '_>, at: At<'_, '_>, text: &str, env: &mut Map, place: Place<'_>) -> String {
    let mut out = String::new();
    let mut quote = Quote::None;
    let mut here: Option<(String, bool)> = None;
    let mut bound: Vec<(String, String)> = Vec::new();
    let mut quoted_here = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((operands, length)) = reference(flow, rest, place) {
            let (expression, _) = flow.read(at, &operands, place);
            let name = variable(&operands, &expression, text, env, &mut bound);
            match &quote {
                Quote::Single => out.extend(["'\"${", &name, "}\"'"]),
                Quote::Here(_, true) => {
                    quoted_here = true;
                    out.extend(["${", &name, "}"]);
                }
                _ => out.extend(["${", &name, "}"]),
            }
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let mut taken = c.len_utf8();
        if rest.starts_with("$${") {
            // Escaped from the tool: the shell's own.
            rest = rest.get(1..).unwrap_or_default();
            out.push_str("${");
            rest = rest.get(2..).unwrap_or_default();
            continue;
        }
        if quote != Quote::Single && c == '$' {
            old(flow, at, rest, env);
        }
        match (&quote, c) {
            (Quote::None | Quote::Double, '\\') => {
                taken += rest.chars().nth(1).map_or(0, char::len_utf8);
            }
            (Quote::None, '\'') => quote = Quote::Single,
            (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
            (Quote::None, '"') => quote = Quote::Double,
            (Quote::None, '#') if out.is_empty() || out.ends_with([' ', '\n', '\t', ';']) => {
                taken = rest.find('\n').unwrap_or(rest.len());
            }
            (Quote::None, '<') if rest.starts_with("<<") && !rest.starts_with("<<<") => {
                let word = rest.get(2..).unwrap_or_default().trim_start_matches(['-', ' ', '\t']);
                let is_quoted = word.starts_with(['\'', '"', '\\']);
                let word = word.trim_start_matches(['\'', '"', '\\']);
                let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
                here =
                    word.get(..end).filter(|word| !word.is_empty()).map(|word| (word.to_owned(), is_quoted));
                taken = 2;
            }
            (Quote::None, '\n') => {
                if let Some((word, is_quoted)) = here.take() {
                    quote = Quote::Here(word, is_quoted);
                }
            }
            _ => {}
        }
        if let Quote::Here(word, _) = &quote
            && c == '\n'
        {
            let line = rest.get(1..).unwrap_or_default().lines().next().unwrap_or_default();
            if line.trim_start_matches('\t') == word {
                quote = Quote::None;
            }
        }
        out.push_str(rest.get(..taken).unwrap_or(rest));
        rest = rest.get(taken..).unwrap_or_default();
    }
    if !bound.is_empty() {
        let names: Vec<String> = bound.iter().map(|(_, name)| format!("`${name}`")).collect();
        let why = format!(
            "values are handed over in the environment ({}), never put into the text of a script: what is in them is not read as shell",
            names.join(", ")
        );
        at.say_with(Changed, why, Some("quote the variables where a value may have blanks in it"));
    }
    if quoted_here {
        let why = "a value stands in a here-document whose word is quoted, in which no variable is read";
        at.say_with(NotExpressible, why, Some("take the quotes of the word away"));
    }
    out
}

/// A reference at the beginning of a text which is the tool's and not the shell's.
fn reference(flow: &Flow<'_, '_>, rest: &str, place: Place<'_>) -> Option<(Vec<Operand>, usize)> {
    if !rest.starts_with("${") {
        return None;
    }
    let end = closing(rest)?;
    let text = rest.get(..end)?;
    let known = |read: &Ref| {
        let batch = flow.nodes.get(place.reader).and_then(|node| node.batch.as_ref());
        flow.index_of(&read.root).is_some()
            || flow.input(&read.root).is_some()
            || flow.aliases.contains_key(&read.root)
            || batch.is_some_and(|batch| batch.name == read.root || read.root == "__index__")
            || place.names.iter().any(|(name, _)| *name == read.root)
    };
    match pieces(text).as_slice() {
        [Piece::Read(operands)] => {
            let ours = operands.len() > 1
                || operands.iter().any(
                    |operand| matches!(operand, Operand::Ref(read) if known(read) || !read.path.is_empty()),
                );
            ours.then(|| (operands.clone(), end))
        }
        _ => None,
    }
}

/// Where `${…}` ends, with what is nested in it.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    // Longer ones are none of the tool's.
    for (at, c) in text.bytes().enumerate().take(1024) {
        match c {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return Some(at + 1),
            b'}' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// The variable of an expression, bound once.
fn variable(
    operands: &[Operand],
    expression: &str,
    text: &str,
    env: &mut Map,
    bound: &mut Vec<(String, String)>,
) -> String {
    if let Some((_, name)) = bound.iter().find(|(known, _)| known == expression) {
        return name.clone();
    }
    let wanted = operands.iter().find_map(|operand| match operand {
        Operand::Ref(read) => Some(read.to_string()),
        Operand::Value(_) => None,
    });
    let wanted = snake(&wanted.unwrap_or_default(), "value").trim_end_matches('_').to_uppercase();
    let mut name = wanted.clone();
    let mut number = 2;
    while env.get(&name).is_some() || OF_SHELLS.contains(&name.as_str()) || has_word(text, &name) {
        name = format!("{wanted}_{number}");
        number += 1;
    }
    env.set(&name, marked(expression));
    bound.push((expression.to_owned(), name.clone()));
    name
}

/// Names that mean something to shells and to the engine.
const OF_SHELLS: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    "IFS",
    "ENV",
    "PWD",
    "OLDPWD",
    "SHELL",
    "TERM",
    "PS1",
    "PS4",
    "STEAD_RUN",
    "STEAD_STEP",
    "STEAD_ATTEMPT",
    "STEAD_KEY",
    "STEAD_OUTPUT",
    "STEAD_DIR",
];

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !is_part(before) && !is_part(after)
    })
}

/// The oldest notation, `$name`: an input under its own name.
fn old(flow: &Flow<'_, '_>, at: At<'_, '_>, rest: &str, env: &mut Map) {
    let name = rest.get(1..).unwrap_or_default();
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let Some(name) = name.get(..end).filter(|name| !name.is_empty()) else { return };
    if let Some(input) = flow.input(name)
        && env.get(name).is_none()
        && !OF_SHELLS.contains(&name)
    {
        at.say(Changed, format!("`${name}` is the input of that name, which is put into the environment"));
        env.set(name, marked(&format!("inputs.{}", input.id)));
    }
}

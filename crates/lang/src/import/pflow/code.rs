//! Python code: a script that reads its inputs as JSON and prints its result so.

use super::each::{carried, from_round_to_round};
use super::model::{Flow, Node};
use super::refs::{Place, Ty};
use super::steps::Action;
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};

pub(super) fn action(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Action {
    let Some((at, code)) = node.source("code") else { return Action::default() };
    if let Some(at) = node.param("requires") {
        let why = "the script runs in the Python of the machine, which has to have them";
        at.say_with(NotExpressible, why, Some("install the packages there"));
    }
    let mut inputs = Map::new();
    if let Some(at) = node.param("inputs") {
        if at.is_map() {
            for entry in at.node.entries() {
                let first = match at.get(entry.key) {
                    None => Out::Null,
                    Some(at) => match flow.expression(at, place) {
                        Some((expression, Ty::Text)) if takes_json(&code, entry.key) => {
                            marked(&format!("json({expression})")).into()
                        }
                        Some((expression, _)) => marked(&expression).into(),
                        None => flow.value(at, place),
                    },
                };
                inputs.set(entry.key, from_round_to_round(first, carried(flow, node, place, entry.key)));
            }
        } else {
            at.say(NotExpressible, "it is no map of names: the code is given nothing");
        }
    }
    let printed = flow.is_read(&node.name, "stdout");
    let script = whole(&code, inputs.is_empty(), printed);
    at.say_of(
        "code",
        Kept,
        "`run` with `shell: python`: inputs come as JSON on standard input, `result` goes out as JSON, and what is printed goes to the log",
        None,
    );
    if code.contains("set(") || code.contains("datetime") {
        at.say_of("result", Changed, "what JSON does not have becomes a list or a text", None);
    }
    let mut keys = Map::new();
    if script.contains("${{") {
        // Which a script must not have: it is handed to Python as an argument.
        keys.set("run", vec![Out::from("python3"), Out::from("-c"), Out::from(literal(&script))]);
    } else {
        keys.set("shell", "python");
        keys.set("run", script);
    }
    Action::of(keys.with_some("stdin", inputs.filled()).with("parse", "json")).within(30.0)
}

/// Whether code says that a name is a list or a map.
fn takes_json(code: &str, name: &str) -> bool {
    code.lines().any(|line| {
        let Some(rest) = line.strip_prefix(name) else { return false };
        let Some(kind) = rest.trim_start().strip_prefix(':') else { return false };
        let kind = kind.trim_start();
        ["dict", "list", "Dict", "List"].iter().any(|word| kind.starts_with(word))
    })
}

/// The code with what brings values in and out.
fn whole(code: &str, alone: bool, printed: bool) -> String {
    // What has to stand first in a script stands first.
    let (future, rest): (Vec<&str>, Vec<&str>) =
        code.lines().partition(|line| line.starts_with("from __future__ import"));
    let mut out = String::new();
    for line in future {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("import io as _io, json as _json, os as _os, sys as _sys\n");
    out.push_str("_answer = _os.fdopen(_os.dup(1), 'w')\n_os.dup2(2, 1)\n");
    if printed {
        out.push_str("_sys.stdout = _io.StringIO()\n");
    }
    if !alone {
        out.push_str("globals().update(_json.load(_sys.stdin))\n");
    }
    out.push('\n');
    for line in rest {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str("\n_given = {'result': result}\n");
    if printed {
        out.push_str("_given['stdout'] = _sys.stdout.getvalue()\n");
    }
    out.push_str("if isinstance(globals().get('next'), str):\n    _given['next'] = globals()['next']\n");
    out.push_str("_plain = lambda value: sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)\n");
    out.push_str("_json.dump(_given, _answer, default=_plain)\n_answer.close()\n");
    out
}

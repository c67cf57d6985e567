//! Actions, one function each.

use serde_json::{Map, Value, json};

use super::people::MANY;
use super::reads::{Gives, Read, marked};
use super::steps::Place;
use super::{Generator, Scope, shelf};

/// What an action or group lets others read.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    pub(crate) gives: Gives,
    /// Its steps, where it is a group.
    pub(crate) reads: Vec<Read>,
    pub(crate) group: bool,
    /// Whether `gives` may be wanting although it is completed.
    pub(crate) tolerated: bool,
    /// How many people may have worked on it.
    pub(crate) workers: u32,
}

impl Inside {
    pub(super) fn action(gives: Gives) -> Self {
        Self { gives, reads: Vec::new(), group: false, tolerated: false, workers: 0 }
    }
}

type Make = fn(&mut Generator, &mut Map<String, Value>, &Scope, bool) -> Inside;

/// The part of the mix that an action belongs to, how heavy that is, and what makes it. What ends things is
/// rare, so that there is something to be ended.
const ACTIONS: &[(&str, u32, Make)] = &[
    ("run", 3, run),
    ("set", 3, set),
    ("wait", 2, wait),
    ("child", 3, child),
    ("group", 4, group),
    ("fail", 1, fail),
    ("finish", 1, finish),
    ("file", 2, file),
    ("http", 3, super::servers::http),
    ("signal", 2, super::signals::sent),
    ("awaited", 3, super::signals::awaited),
    ("gate", 4, super::people::gate),
    ("questions", 2, super::people::questions),
];

/// An action, or a group.
pub(crate) fn action(
    make: &mut Generator,
    step: &mut Map<String, Value>,
    scope: &Scope,
    may_fail: bool,
    place: Place,
) -> Inside {
    let mut kinds: Vec<(u32, Make)> = vec![(12, noop)];
    for (part, heavy, action) in ACTIONS {
        let room = match *part {
            "group" => make.left > 0 && scope.depth < 3,
            "child" => make.left > 0 && scope.depth < 3 && scope.child_depth < 2 && !scope.finally,
            "wait" => !scope.finally,
            "awaited" | "gate" | "questions" => !scope.finally,
            // What ends the machine leads to no further state.
            "finish" => !scope.finally && matches!(place, Place::Step | Place::State { last: true }),
            "fail" => !matches!(place, Place::State { last: false }),
            _ => true,
        };
        if room {
            let part = match *part {
                "awaited" => "signal",
                "gate" | "questions" => "people",
                part => part,
            };
            kinds.push((heavy * u32::try_from(make.mix.weight(part)).unwrap(), *action));
        }
    }
    let chosen = *make.rng.weighted(&kinds);
    chosen(make, step, scope, may_fail)
}

/// The keys of attempts.
pub(super) fn effect(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope) {
    undo(make, step, scope);
    if make.takes("effect") {
        let effect = *make.rng.pick(&["once", "once", "none", "idempotent"]);
        step.insert("effect".into(), json!(effect));
    }
    if make.takes("timeout") {
        step.insert("timeout".into(), make.duration());
    }
    let once = step.get("effect") == Some(&json!("once"));
    if !once && make.takes("retry") {
        let retry = make.retry();
        step.insert("retry".into(), retry);
    }
    if once && make.takes("verify") {
        let asked = marked(&make.number(scope, 1));
        let verify = match make.takes("http") {
            true => json!({ "http": { "url": "https://example.org/done", "query": { "n": asked } } }),
            false => json!({ "run": ["probe", asked] }),
        };
        step.insert("verify".into(), verify);
    }
}

/// What takes a completed step back.
fn undo(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope) {
    if scope.finally || !make.takes("undo") {
        return;
    }
    let what = marked(&make.number(scope, 1));
    let mut undo = match make.takes("http") {
        true => {
            json!({ "http": { "url": "https://example.org/undo", "method": "post", "json": [step["id"], what] } })
        }
        false => json!({ "run": ["undo", step["id"], what] }),
    };
    if make.takes("retry") {
        undo["retry"] = make.retry();
    }
    if make.takes("timeout") {
        undo["timeout"] = make.duration();
    }
    step.insert("undo".into(), undo);
}

impl Generator {
    pub(crate) fn retry(&mut self) -> Value {
        if self.rng.hits(1, 2) {
            return json!(self.rng.between(1, 4));
        }
        let mut retry = json!({ "attempts": self.rng.between(1, 4), "wait": self.duration() });
        if self.rng.hits(1, 2) {
            retry["factor"] = json!(1.5);
            retry["max_wait"] = json!("5m");
            retry["jitter"] = json!(*self.rng.pick(&[0.0, 0.5, 1.0]));
        }
        if self.rng.hits(1, 3) {
            retry["errors"] = json!(["exit", "timeout", "network", "child"]);
        }
        retry
    }
}

/// Asks for `may_fail` where its failing by itself changes nothing for the others.
fn noop(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, may_fail: bool) -> Inside {
    let mut value = json!({ "v": marked(&make.number(scope, 2)) });
    if may_fail {
        value["may_fail"] = json!(true);
    }
    if make.takes("large") {
        // The executor makes so much text of it.
        value["pad"] = json!(*make.rng.pick(&[300, 5_000, 40_000]));
    }
    step.insert("noop".into(), value);
    effect(make, step, scope);
    Inside::action(Gives::V)
}

fn run(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    if make.rng.hits(1, 3) {
        step.insert("run".into(), json!("printf '%s' \"$A\""));
        if make.rng.hits(1, 2) {
            step.insert("shell".into(), json!("sh"));
        }
    } else {
        step.insert("run".into(), json!(["printf", "%s", marked(&make.number(scope, 1))]));
    }
    let mut env = json!({ "A": format!("a ${{{{ {} }}}}", make.number(scope, 1)) });
    if scope.secrets && make.rng.hits(1, 2) {
        env["TOKEN"] = marked("secrets.TOKEN");
    }
    step.insert("env".into(), env);
    if make.takes("words") {
        step.insert("cwd".into(), json!(format!("sub-${{{{ {} }}}}", make.number(scope, 1))));
    }
    if make.rng.hits(1, 3) {
        step.insert("stdin".into(), json!({ "a": marked(&make.number(scope, 1)), "b": [1, 2] }));
    }
    let gives = match make.rng.below(4) {
        0 => Gives::V,
        1 => Gives::Size,
        2 => Gives::Nothing,
        _ => Gives::Text,
    };
    let parse = match gives {
        Gives::V => "json",
        Gives::Size => "lines",
        Gives::Nothing => "none",
        _ => "text",
    };
    step.insert("parse".into(), json!(parse));
    if make.rng.hits(1, 4) {
        step.insert("expect".into(), if make.rng.hits(1, 2) { json!("any") } else { json!([0, 3]) });
    }
    effect(make, step, scope);
    Inside::action(gives)
}

fn set(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let mut value = json!({ "v": marked(&make.number(scope, 2)), "fixed": [1, {"a": null}] });
    if make.takes("large") {
        value["rows"] =
            marked("[1, 2, 3, 4, 5, 6, 7, 8].map(a, [1, 2, 3, 4, 5, 6, 7].map(b, 'row of some length'))");
    }
    step.insert("set".into(), value);
    undo(make, step, scope);
    Inside::action(Gives::V)
}

fn wait(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let wait = match make.rng.below(4) {
        0 => {
            json!({ "at": *make.rng.pick(&["2023-11-15T00:00:00Z", "2023-11-16T12:00:00+01:00", "2001-01-01T00:00:00Z"]) })
        }
        1 => json!({ "for": format!("${{{{ max(0, {}) % 1000 }}}}s", make.number(scope, 1)) }),
        _ => json!({ "for": make.duration() }),
    };
    step.insert("wait".into(), wait);
    if make.takes("timeout") {
        step.insert("timeout".into(), make.duration());
    }
    Inside::action(Gives::Nothing)
}

fn child(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let name = make.child_name();
    let (document, mut given) = make.document(&name, scope.child_depth + 1);
    for value in given.values_mut() {
        if make.rng.hits(1, 2) {
            *value = marked(&make.number(scope, 1));
        }
    }
    let v = document.get("outputs").is_some();
    let mut workflow = json!({ "inputs": given });
    match make.rng.below(3) {
        0 => {
            let path = format!("{name}.yml");
            workflow["path"] = json!(path);
            make.files.insert(path, document);
        }
        1 => workflow["inline"] = document,
        _ => workflow.as_object_mut().unwrap().extend(shelf::called(make, &name, document)),
    }
    step.insert("workflow".into(), workflow);
    undo(make, step, scope);
    if make.takes("timeout") {
        step.insert("timeout".into(), make.duration());
    }
    if make.takes("retry") {
        let retry = make.retry();
        step.insert("retry".into(), retry);
    }
    Inside { workers: MANY, ..Inside::action(if v { Gives::V } else { Gives::Size }) }
}

fn group(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let mut inner = scope.clone();
    inner.depth += 1;
    let reads = make.block(step, &inner, true);
    undo(make, step, scope);
    let gives = if make.rng.hits(2, 3) {
        let outputs = make.outputs(&Scope { reads: reads.clone(), ..inner });
        step.insert("outputs".into(), outputs);
        Gives::V
    } else {
        let sure = reads.iter().find(|r| r.gives == Gives::V && !r.guarded && !r.tolerated);
        sure.map_or(Gives::Size, |read| Gives::Of(read.id.clone()))
    };
    let tolerated = gives != Gives::V;
    let workers = if reads.iter().any(|read| read.workers > 0) { MANY } else { 0 };
    Inside { gives, reads, group: true, tolerated, workers }
}

fn fail(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let message = format!("no: ${{{{ {} }}}}", make.number(scope, 1));
    let fail = match make.rng.below(3) {
        0 => json!({ "message": message, "outcome": "rejected" }),
        1 => json!({ "message": message, "outcome": "error" }),
        _ => json!(message),
    };
    step.insert("fail".into(), fail);
    Inside::action(Gives::Nothing)
}

fn finish(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    step.insert("finish".into(), json!(format!("enough: ${{{{ {} }}}}", make.number(scope, 1))));
    Inside::action(Gives::Text)
}

fn file(make: &mut Generator, step: &mut Map<String, Value>, scope: &Scope, _: bool) -> Inside {
    let content = marked(&make.number(scope, 1));
    let content = content.as_str().unwrap();
    let (file, gives) = match make.rng.below(8) {
        0 => (json!({ "read": "notes.txt" }), Gives::Text),
        1 => (json!({ "read": "rows.json", "parse": "json" }), Gives::V),
        2 => (json!({ "delete": format!("old-${{{{ {} }}}}.txt", make.number(scope, 1)) }), Gives::Nothing),
        3 => (json!({ "copy": "notes.txt", "to": format!("copy-{content}.txt") }), Gives::Size),
        4 => (json!({ "move": format!("copy-{content}.txt"), "to": "moved.txt" }), Gives::Size),
        5 => (json!({ "write": "bytes.bin", "base64": "AAEC" }), Gives::Size),
        6 => (json!({ "read": "rows.txt", "parse": "lines" }), Gives::Size),
        _ => (json!({ "write": "notes.txt", "content": { "v": content } }), Gives::Size),
    };
    step.insert("file".into(), file);
    effect(make, step, scope);
    Inside::action(gives)
}

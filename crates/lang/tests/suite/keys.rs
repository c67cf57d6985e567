//! Every key, action and value that the language names is built, or refused by name.

use serde_json::Value;
use stead_lang::actions::{ACTIONS, LATER};
use stead_lang::keys::{self, Key};
use stead_lang::tree::Node;
use stead_lang::{codes as table, tree};

use crate::common::{checked, codes, shown, whole};

/// Keys of the head and of its block.
const DOCUMENT: &[&str] = &[
    "stead",
    "name",
    "description",
    "inputs",
    "secrets",
    "vars",
    "env",
    "defaults",
    "budget",
    "deadline",
    "concurrency",
    "scopes",
    "documents",
    "templates",
    "triggers",
    "steps",
    "states",
    "outputs",
    "finally",
];
const INPUT: &[&str] = &["type", "description", "default", "schema", "stdin", "index"];
const DEFAULTS: &[&str] = &["timeout", "retry", "shell", "cwd"];
/// Keys of a step as a whole, of each instance, and of states.
const STEP: &[&str] = &[
    "id",
    "name",
    "needs",
    "concurrency",
    "if",
    "foreach",
    "loop",
    "on_error",
    "deadline",
    "budget",
    "retry",
    "timeout",
    "undo",
    "verify",
    "cache",
    "produces",
    "labels",
    "next",
    "use",
];
/// Keys of a step that belong to an action.
const OF_RUN: &[&str] = &["effect", "env", "cwd", "stdin", "shell", "parse", "expect"];
const FOREACH: &[&str] = &["in", "parse", "as", "key", "parallel", "join", "scope"];
const LOOP: &[&str] = &["max", "until", "min", "on_exhausted"];
const BUDGET: &[&str] = &["usd", "tokens", "attempts", "turns"];
const RETRY: &[&str] = &["attempts", "wait", "factor", "max_wait", "jitter", "errors"];
const CONCURRENCY: &[&str] = &["key", "max", "on_full"];
const GROUP: &[&str] = &["steps", "states", "outputs", "join", "finally"];
const NEXT: &[&str] = &["when", "go", "max"];
const CAUGHT: &[&str] = &["go"];
const BESIDE: &[&str] = &["retry", "timeout"];
const WAIT: &[&str] = &["for", "at", "signal"];
const FILE: &[&str] = &["read", "write", "copy", "move", "delete", "to", "content", "base64", "parse"];
const HTTP: &[&str] = &["method", "url", "headers", "query", "json", "body", "auth", "expect", "parse"];
const APPROVE: &[&str] = &[
    "title",
    "show",
    "form",
    "by",
    "not",
    "quorum",
    "rejects",
    "remind",
    "escalate",
    "on_timeout",
    "on_reject",
];
const ASK: &[&str] = &["title", "show", "questions", "form", "by", "not", "remind", "escalate"];
const TRIGGER: &[&str] =
    &["cron", "tz", "overlap", "missed", "jitter", "name", "webhook", "secret", "format", "inputs"];
const ESCALATE: &[&str] = &["after", "to"];
const REDO: &[&str] = &["redo", "max"];
const QUESTION: &[&str] =
    &["id", "text", "why_it_matters", "priority", "answer_type", "choices", "default", "required"];
const WORKFLOW: &[&str] = &["name", "path", "inline", "revision", "inputs"];
const ACTIONS_NAMED: &[&str] = &[
    "run", "http", "agent", "calc", "set", "file", "noop", "workflow", "approve", "ask", "task", "wait",
    "mcp", "signal", "fail", "finish",
];

fn names(table: &[Key]) -> Vec<&str> {
    let mut names: Vec<&str> = table.iter().map(|k| k.name).collect();
    names.sort_unstable();
    names
}

#[track_caller]
fn same(table: &[Key], named: &[&str]) {
    let mut named = named.to_vec();
    named.sort_unstable();
    assert_eq!(names(table), named);
}

#[test]
fn every_key_that_the_language_names_is_in_the_tables() {
    same(keys::DOCUMENT, DOCUMENT);
    same(keys::INPUT, INPUT);
    same(keys::DEFAULTS, DEFAULTS);
    same(keys::STEP, STEP);
    same(keys::GROUP, GROUP);
    same(keys::FOREACH, FOREACH);
    same(keys::LOOP, LOOP);
    same(keys::RETRY, RETRY);
    same(keys::BUDGET, BUDGET);
    same(keys::CONCURRENCY, CONCURRENCY);
    same(keys::STEP_CONCURRENCY, CONCURRENCY);
    same(keys::TRIGGER, TRIGGER);
    same(keys::BESIDE, BESIDE);
    same(keys::NEXT, NEXT);
    same(keys::CAUGHT, CAUGHT);
    let action = |name: &str| ACTIONS.iter().find(|a| a.name == name).unwrap();
    same(action("run").step_keys, OF_RUN);
    same(action("wait").keys, WAIT);
    same(action("file").keys, FILE);
    same(action("http").keys, HTTP);
    same(action("workflow").keys, WORKFLOW);
    same(action("approve").keys, APPROVE);
    same(action("ask").keys, ASK);
    same(keys::ESCALATE, ESCALATE);
    same(keys::REDO, REDO);
    same(keys::QUESTION, QUESTION);
    let mut actions: Vec<&str> = ACTIONS.iter().map(|a| a.name).chain(LATER.iter().map(|l| l.name)).collect();
    let mut named = ACTIONS_NAMED.to_vec();
    actions.sort_unstable();
    named.sort_unstable();
    assert_eq!(actions, named);
}

#[test]
fn no_key_is_a_word_that_another_yaml_reads_as_a_boolean() {
    let tables = [
        keys::DOCUMENT,
        keys::INPUT,
        keys::STEP,
        keys::GROUP,
        keys::FOREACH,
        keys::LOOP,
        keys::RETRY,
        keys::CONCURRENCY,
        keys::STEP_CONCURRENCY,
        keys::TRIGGER,
        keys::BESIDE,
        keys::NEXT,
        keys::CAUGHT,
        keys::DEFAULTS,
        keys::ESCALATE,
        keys::REDO,
        keys::QUESTION,
    ];
    let of_actions = ACTIONS.iter().flat_map(|a| a.step_keys.iter().chain(a.keys));
    for key in tables.iter().flat_map(|t| t.iter()).chain(of_actions) {
        assert!(!["on", "off", "yes", "no", "y", "n", "true", "false"].contains(&key.name), "{}", key.name);
        assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "{}: {}", key.name, key.doc);
    }
}

/// Puts a key into a definition that has everything it needs besides.
fn with(place: &str, key: &str) -> String {
    let run = "run: ls";
    match place {
        "document" => format!("{key}: x\nsteps:\n  - id: a\n    {run}\n"),
        "input" => format!("inputs: {{ i: {{ type: string, {key}: x }} }}\nsteps:\n  - id: a\n    {run}\n"),
        "step" => format!("steps:\n  - id: a\n    {key}: x\n    {run}\n"),
        "action" => format!("steps:\n  - id: a\n    {key}: x\n"),
        "budget" => format!("steps:\n  - id: a\n    budget: {{ {key}: x }}\n    {run}\n"),
        "foreach" => format!("steps:\n  - id: a\n    foreach: {{ in: [1], {key}: x }}\n    {run}\n"),
        other => format!("steps:\n  - id: a\n    {other}: {{ {key}: x }}\n"),
    }
}

#[test]
fn what_is_not_built_is_refused_by_name_and_the_rest_is_still_checked() {
    let mut later: Vec<(&str, &str)> = Vec::new();
    let tables = [
        ("document", keys::DOCUMENT),
        ("input", keys::INPUT),
        ("step", keys::STEP),
        ("foreach", keys::FOREACH),
        ("budget", keys::BUDGET),
    ];
    for (place, table) in tables {
        later.extend(table.iter().filter(|k| !k.built).map(|k| (place, k.name)));
    }
    for action in ACTIONS {
        later.extend(action.keys.iter().filter(|k| !k.built).map(|k| (action.name, k.name)));
    }
    later.extend(LATER.iter().map(|l| ("action", l.name)));
    assert!(!later.is_empty());
    for (place, key) in later {
        let found = checked(&with(place, key));
        assert_eq!(codes(&found), ["E0501"], "{place} {key}\n{}", shown(&found));
        assert!(found.diagnostics[0].message.contains(&format!("`{key}`")), "{}", shown(&found));
        assert!(
            found.diagnostics[0].help.as_ref().unwrap().contains("remove it for now"),
            "{}",
            shown(&found)
        );
        let text =
            with(place, key) + if place == "document" { "" } else { "outputs: { o: \"${{ nothing }}\" }\n" };
        if place != "document" {
            assert_eq!(codes(&checked(&text)).last(), Some(&"E0407"), "{text}");
        }
    }
}

#[test]
fn values_that_are_not_built_are_refused_by_name() {
    let text = "steps:\n  - id: a\n    use: single\n";
    let found = checked(text);
    assert_eq!(codes(&found), ["E0502"], "{text}{}", shown(&found));
    assert!(found.diagnostics[0].message.contains("single"), "{}", shown(&found));
}

#[test]
fn keys_in_the_wrong_place_are_told_where_they_belong() {
    for (text, help) in [
        ("steps:\n  - id: a\n    set: { x: 1 }\n    env: { A: b }\n", "`env` belongs to `run`"),
        ("steps:\n  - id: a\n    run: ls\n    outputs: { a: 1 }\n", "`outputs` belongs to a group"),
        ("steps:\n  - id: a\n    run: ls\n    until: \"true\"\n", "`until` belongs to `loop`"),
        ("steps:\n  - id: a\n    run: ls\n    max_wait: 1s\n", "`max_wait` belongs to `retry`"),
        ("run: ls\nsteps:\n  - id: a\n    run: ls\n", "`run` is a key of a step"),
        ("steps:\n  - id: a\n    run: [ls]\n    shell: sh\n", "remove `shell`"),
    ] {
        let found = checked(text);
        assert_eq!(codes(&found), ["E0209"], "{text}{}", shown(&found));
        assert!(found.diagnostics[0].help.as_ref().unwrap().contains(help), "{}", shown(&found));
    }
}

/// A definition as the JSON Schema sees it.
fn as_json(text: &str) -> Option<Value> {
    tree::read("t", &whole(text), &mut Vec::new())?.root().to_json().ok()
}

#[test]
fn the_schema_accepts_what_the_check_accepts() {
    let schema = keys::schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for code in table::all().filter(|c| !c.mended.is_empty()) {
        let value = as_json(code.mended).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}\n{}\n{errors:?}", code.code, code.mended);
    }
}

#[test]
fn the_schema_refuses_wrong_shapes() {
    let validator = jsonschema::validator_for(&keys::schema()).unwrap();
    // What a schema can see of the codes of shape. It cannot compare keys, nor look into other files.
    for code in [
        "E0201", "E0202", "E0203", "E0204", "E0205", "E0206", "E0207", "E0208", "E0209", "E0210", "E0211",
        "E0214", "E0301", "E0501",
    ] {
        let example = table::all().find(|c| c.code == code).unwrap();
        let value = as_json(example.wrong).unwrap();
        assert!(!validator.is_valid(&value), "{code}\n{}", example.wrong);
    }
}

#[test]
fn the_schema_describes_every_key() {
    let schema = keys::schema();
    for (name, of) in
        [("document", DOCUMENT), ("step", STEP), ("foreach", FOREACH), ("loop", LOOP), ("retry", RETRY)]
    {
        for key in of {
            let described = schema["$defs"][name]["properties"][key]["description"].as_str();
            assert!(described.is_some_and(|d| !d.is_empty()), "{name}.{key}");
        }
    }
    assert_eq!(schema["$defs"]["retry"]["properties"]["attempts"]["default"], 1);
    assert_eq!(schema["$defs"]["step"]["properties"]["expect"]["default"], serde_json::json!([0]));
}

#[test]
fn the_reference_has_every_key_and_code() {
    let page = keys::reference_markdown();
    for key in [
        DOCUMENT,
        INPUT,
        DEFAULTS,
        STEP,
        OF_RUN,
        FOREACH,
        LOOP,
        RETRY,
        GROUP,
        WAIT,
        FILE,
        WORKFLOW,
        APPROVE,
        ASK,
        ESCALATE,
        REDO,
        QUESTION,
        TRIGGER,
        ACTIONS_NAMED,
    ]
    .concat()
    {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("### {key}\n")),
            "{key}\n{page}"
        );
    }
    for code in table::all() {
        assert!(page.contains(code.code), "{}", code.code);
    }
}

/// Where the keys of a definition stand, and which they are.
#[derive(Default)]
struct Used(std::collections::BTreeSet<(&'static str, &'static str)>);

impl Used {
    fn keys(&mut self, place: &'static str, node: Node<'_>, tables: &[&'static [Key]]) {
        for entry in node.entries() {
            if let Some(key) = keys::find(tables, entry.key) {
                self.0.insert((place, key.name));
            }
        }
    }

    fn definition(&mut self, node: Node<'_>) {
        self.keys("document", node, &[keys::DOCUMENT]);
        for input in node.get("inputs").into_iter().flat_map(Node::entries) {
            self.keys("input", input.value, &[keys::INPUT]);
        }
        for scope in node.get("scopes").into_iter().flat_map(Node::entries) {
            self.keys("scope", scope.value, &[keys::SCOPE]);
        }
        for trigger in node.get("triggers").into_iter().flat_map(Node::items) {
            self.keys("trigger", trigger, &[keys::TRIGGER]);
        }
        for document in node.get("documents").into_iter().flat_map(Node::entries) {
            self.keys("document_type", document.value, &[keys::DOCUMENT_TYPE]);
            let accept = document.value.get("accept");
            accept.into_iter().for_each(|accept| self.keys("accept", accept, &[keys::ACCEPT]));
        }
        if let Some(defaults) = node.get("defaults") {
            self.keys("defaults", defaults, &[keys::DEFAULTS]);
            self.retry(defaults);
        }
        self.block(node);
    }

    fn block(&mut self, node: Node<'_>) {
        let lists = ["steps", "states", "finally"].into_iter().filter_map(|key| node.get(key));
        lists.flat_map(Node::items).for_each(|step| self.step(step));
    }

    fn retry(&mut self, node: Node<'_>) {
        if let Some(retry) = node.get("retry") {
            self.keys("retry", retry, &[keys::RETRY]);
        }
    }

    fn step(&mut self, node: Node<'_>) {
        self.keys("step", node, &[keys::STEP]);
        self.retry(node);
        for (place, table) in [
            ("foreach", keys::FOREACH),
            ("loop", keys::LOOP),
            ("on_error", keys::CAUGHT),
            ("budget", keys::BUDGET),
        ] {
            node.get(place).into_iter().for_each(|map| self.keys(place, map, &[table]));
        }
        for way in node.get("next").into_iter().flat_map(Node::items) {
            self.keys("next", way, &[keys::NEXT]);
        }
        for beside in ["undo", "verify"].into_iter().filter_map(|key| node.get(key)) {
            self.keys("undo", beside, &[keys::BESIDE]);
            self.retry(beside);
        }
        if node.get("steps").is_some() || node.get("states").is_some() {
            self.keys("group", node, &[keys::GROUP]);
            self.block(node);
        }
        for action in ACTIONS.iter().filter(|a| node.get(a.name).is_some()) {
            self.0.insert(("action", action.name));
            self.keys(action.name, node, &[action.step_keys]);
            let value = node.get(action.name).unwrap();
            self.keys(action.name, value, &[action.keys]);
            value.get("inline").into_iter().for_each(|child| self.definition(child));
            for (place, table) in [("escalate", keys::ESCALATE), ("on_reject", keys::REDO)] {
                value.get(place).into_iter().for_each(|map| self.keys(place, map, &[table]));
            }
            for question in value.get("questions").into_iter().flat_map(Node::items) {
                self.keys("question", question, &[keys::QUESTION]);
            }
        }
    }
}

#[test]
fn every_key_that_is_built_is_in_the_definition_of_everything() {
    let text = include_str!("../definitions/everything.yml");
    let document = tree::read("everything.yml", text, &mut Vec::new()).unwrap();
    let mut used = Used::default();
    used.definition(document.root());
    let missing: Vec<_> = keys::places()
        .into_iter()
        .map(|(place, key)| (place, key.name))
        .filter(|at| !used.0.contains(at) && keys::shown(at.0, at.1) == keys::ALL_KEYS)
        .collect();
    assert!(missing.is_empty(), "put these into tests/definitions/everything.yml: {missing:?}");
}

/// All tests of the repository by name, each with the text of its file.
fn tests_of_all_crates() -> std::collections::HashMap<String, String> {
    let mut found = std::collections::HashMap::new();
    let mut open = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                let names = text
                    .split("#[test]")
                    .skip(1)
                    .filter_map(|after| after.split_once("fn ")?.1.split_once('('));
                let names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
                found.extend(names.into_iter().map(|name| (name, text.clone())));
            }
        }
    }
    found
}

#[test]
fn the_tests_that_the_reference_names_are_there_and_use_their_keys() {
    let tests = tests_of_all_crates();
    assert!(tests.contains_key(keys::ALL_KEYS));
    let places = keys::places();
    for (place, key, test) in keys::SHOWN {
        assert!(places.iter().any(|(p, k)| p == place && k.name == *key), "`{key}` is no key of {place}");
        let text = tests.get(*test).unwrap_or_else(|| panic!("{place} {key}: there is no test `{test}`"));
        assert!(text.contains(&format!("{key}:")), "`{test}` stands where `{key}` is never written");
    }
    let page = keys::reference_markdown();
    for (place, key) in places {
        let row = format!("| {place} | `{}` | `{}` |", key.name, keys::shown(place, key.name));
        assert!(page.contains(&row), "{row}");
    }
}

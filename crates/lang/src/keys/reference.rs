//! The reference page.

use super::{
    ACCEPT, BESIDE, BUDGET, CAUGHT, CONCURRENCY, DEFAULTS, DOCUMENT, DOCUMENT_TYPE, ESCALATE, FOREACH, GROUP,
    INPUT, INPUT_SCHEMA, Key, LOOP, NEXT, QUESTION, REDO, RETRY, SCOPE, STEP, STEP_CONCURRENCY, TRIGGER,
};
use crate::actions::{ACTIONS, LATER_KEYS};
use crate::codes;

/// The reference of the language as Markdown.
pub fn reference_markdown() -> String {
    let mut page = Page(INTRODUCTION.to_owned());
    page.section("The document", "A definition is a map with these keys.", &[DOCUMENT]);
    page.section(
        "input",
        "An input is declared by a map. JSON Schema's words may stand in it beside these keys, listed below.",
        &[INPUT],
    );
    let words: Vec<String> = INPUT_SCHEMA.iter().map(|k| format!("`{}`", k.name)).collect();
    page.text(&format!("JSON Schema's words: {}.", words.join(", ")));
    page.section(
        "defaults",
        "What `run` and `http` do where a step does not say otherwise. `shell` and `cwd` are of `run`.",
        &[DEFAULTS],
    );
    page.section(
        "A step",
        "A step has an `id` and exactly one action, or `steps` to be a group. These keys are for every step; the \
         keys of actions stand with them.",
        &[STEP],
    );
    page.section("A group", "A step with `steps` or `states` is a block of its own.", &[GROUP]);
    page.section(
        "next",
        "A state leads to another one, to `end` or to `fail`: by its name, or by a list of these, of which the first \
         that holds is taken. None holds: the machine fails (`no_transition`).",
        &[NEXT],
    );
    page.section("on_error", "In a state, as a map.", &[CAUGHT]);
    page.section("foreach", "The action or group once per element.", &[FOREACH]);
    page.section("loop", "The action or group again.", &[LOOP]);
    page.section(
        "undo and verify",
        "One of `run`, `http`, `mcp`, `calc` and `agent`, as it stands in a step, with the keys of the step that belong to it, \
         and these. It sees what the step sees, and the step itself by its id.",
        &[BESIDE],
    );
    page.section("scope", "A scope that is not that of the whole run says which one is around it.", &[SCOPE]);
    page.section(
        "document_type",
        "A document that steps produce: there is one for each key of its scope, in versions.",
        &[DOCUMENT_TYPE],
    );
    page.section(
        "accept",
        "A gate on a version of a document, with the keys of [approve](#approve) but for what is shown: that is the version.",
        &[ACCEPT],
    );
    page.section("budget", "What may be used up, in a document or a step.", &[BUDGET]);
    page.section(
        "concurrency",
        "Places that runs share, over all of a project: a run holds one from before its first step to its end.",
        &[CONCURRENCY],
    );
    page.section(
        "step_concurrency",
        "The same of steps, which hold a place with all their items, iterations and attempts.",
        &[STEP_CONCURRENCY],
    );
    page.section(
        "trigger",
        "What starts runs: times (`cron`) or requests (`webhook`). Nothing comes of it before somebody has turned it on.",
        &[TRIGGER],
    );
    page.section("retry", "A number alone is that of the tries.", &[RETRY]);
    page.text("## Actions");
    for action in ACTIONS {
        let doc = action.table.first().map_or("", |k| k.doc);
        page.text(&format!("### {}", action.name));
        page.text(&format!("{doc}."));
        page.text(&format!("Output: {}.", lower_first(action.output)));
        if action.timed {
            page.text("An attempt ends after an hour where no `timeout` says otherwise.");
        }
        page.table(&[action.keys]);
        if action.name == "signal" {
            page.text("#### receivers");
            page.text("`run` of a `signal` as a map: the open runs of a workflow that have these values.");
            page.table(&[crate::actions::signal::RECEIVERS]);
        }
        for (_, title, text, table) in INSIDE.iter().filter(|(name, ..)| *name == action.name) {
            page.text(&format!("#### {title}"));
            page.text(text);
            page.table(&[*table]);
        }
        if !action.step_keys.is_empty() {
            page.text("Keys of the step that belong to it:");
            page.table(&[action.step_keys]);
        }
    }
    page.text(EXPRESSIONS);
    page.text("## Not in this version");
    page.text(
        "The language names these keys and actions as well. This version refuses them by name, so that nothing \
         that was written is left out without a word.",
    );
    page.later();
    page.text("## Where each key is tested");
    page.text("One test for each key and action, by its name; `cargo nextest run -E 'test(NAME)'` runs it.");
    page.0.push_str("\n| place | key | test |\n| --- | --- | --- |\n");
    for (place, key) in super::places() {
        page.row(&[place, &format!("`{}`", key.name), &format!("`{}`", super::shown(place, key.name))]);
    }
    page.text("## Findings of the check");
    page.text("`stead explain CODE` tells more about each.");
    page.codes();
    page.0
}

/// Maps that stand in the map of an action: the action, what they are called, what they are, their keys.
static INSIDE: &[(&str, &str, &str, &[Key])] = &[
    (
        "approve",
        "escalate",
        "Of `approve` and `ask`: the task stays open for those whom `by` names.",
        ESCALATE,
    ),
    ("approve", "on_reject", "As a map. Not in a state, where `next` leads back.", REDO),
    (
        "ask",
        "question",
        "Those that an expression gives are maps with these keys too; what is wrong with them fails the step (`schema`).",
        QUESTION,
    ),
];

static INTRODUCTION: &str = "\
# Reference of the definition language

Made from the tables of the program; do not edit it by hand.

A definition is a text in YAML 1.2 or JSON. Lengths of time are written with units: `500ms`, `30s`, `10m`, `2h`, \
`1d`, `1w`, or several of them as in `1h30m`. `${{ … }}` holds an expression; `$${{` is the text itself. Where text \
is expected, what is written without quotes stays as it was written: `1.10` is no number there.
";

static EXPRESSIONS: &str = "\
## Names in expressions

| name | where | what |
| --- | --- | --- |
| `inputs` | everywhere | the inputs of the run |
| `vars` | everywhere; in `vars` those above | the variables of the document |
| `run` | everywhere | `id`, `workflow`, `revision`, `started_at`, `project` |
| `secrets` | alone in its marks, in `env`, `stdin`, and `headers`, `auth`, `json`, `body` of `http` | a secret that the document names |
| `steps.ID` | in steps and outputs | a step that must have run before: `output`, `values`, `status`, `outcome`, `error` (`kind`, `message`, `step`), `attempts`, `exit_code`, `instances` |
| `item`, or the name given by `as` | in a `foreach` | the element |
| `index`, `key` | in a `foreach` | position and name of the element |
| `ended` | in a `finally` | how the block ended: `status`, `outcome`, `error` |
| `iteration` | in a `loop`, in a state | number of the iteration or visit, from 1 |
| `previous.ID` | in a `loop` | a step of the iteration before; absent in the first |
| `feedback` | everywhere | the comment of the rejection that started the step, or one around it, again; else null |";

struct Page(String);

impl Page {
    fn text(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn section(&mut self, title: &str, text: &str, tables: &[&'static [Key]]) {
        self.text(&format!("## {title}"));
        self.text(text);
        self.table(tables);
    }

    fn table(&mut self, tables: &[&'static [Key]]) {
        let built = || tables.iter().flat_map(|t| t.iter()).filter(|k| k.built);
        if built().next().is_none() {
            return;
        }
        self.0.push_str("\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n");
        for key in built() {
            let default = match (key.required, key.default) {
                (true, _) => "required".to_owned(),
                (_, Some(default)) => format!("`{default}`"),
                _ => String::new(),
            };
            self.row(&[&format!("`{}`", key.name), &key.shape.words(), &default, key.doc]);
        }
    }

    fn row(&mut self, cells: &[&str]) {
        self.0.push('|');
        for cell in cells {
            if !cell.is_empty() {
                self.0.push(' ');
                self.0.push_str(&cell.replace('|', "\\|"));
            }
            self.0.push_str(" |");
        }
        self.0.push('\n');
    }

    fn later(&mut self) {
        self.0.push_str("\n| where | key | meaning |\n| --- | --- | --- |\n");
        let wait = ACTIONS.iter().map(|a| (a.name, a.keys));
        let places = [
            ("document", DOCUMENT),
            ("input", INPUT),
            ("step", STEP),
            ("foreach", FOREACH),
            ("budget", BUDGET),
        ];
        for (place, table) in places.into_iter().chain([("action", LATER_KEYS)]).chain(wait) {
            for key in table.iter().filter(|k| !k.built) {
                self.row(&[place, &format!("`{}`", key.name), key.doc]);
            }
        }
        for (place, value, doc) in LATER_VALUES {
            self.row(&[place, &format!("`{value}`"), doc]);
        }
    }

    fn codes(&mut self) {
        self.0.push_str("\n| code | meaning |\n| --- | --- |\n");
        for code in codes::all() {
            self.row(&[code.code, code.title]);
        }
    }
}

/// Values and names of the language that this version refuses.
static LATER_VALUES: &[(&str, &str, &str)] = &[("step", "use: single", "Templates for labelling work")];

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

//! Chains of calculation files: files in order, whose outputs are mapped to inputs of later ones.

use std::collections::{HashMap, HashSet, VecDeque};

use super::naming::{Given, kebab, seconds, snake, stem};
use super::out::{Map, Out, literal, marked, member, quoted};
use super::report::Verdict::{Changed, Kept, NotExpressible};
use super::source::At;
use super::table::{Field, changed, kept, lost, part};
use super::words::{Word, number, words};
use super::{Context, Dialect, Spec, head, lacks};
use crate::limits;
use crate::tree::{Node, Shape};

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Chain,
    name: "chain",
    title: "chains of calculation files (JSON)",
    fields: FIELDS,
    folds: &[("config.", "")],
    fits,
    convert,
};

static FIELDS: &[Field] = &[
    part("config", "the chain itself, in the state of a run or an entry of a library"),
    kept("name", "`name`, in kebab-case"),
    kept("description", "`description`"),
    changed("version", "nothing: the language has a version of its own, `stead: 1`"),
    lost("created_at", "the library knows when a workflow was saved")
        .help("`stead save FILE` keeps it there"),
    lost("base_path", "paths are relative to the project's folder")
        .help("run it from that folder, or set `defaults.cwd`"),
    part("files", "`steps`, one after the other"),
    kept("files[].file_path", "`calc.file` of the step"),
    kept("files[].position", "nothing: the order is that of the list, as it was there"),
    part("files[].inputs", "`calc.inputs`"),
    kept("files[].inputs[].alias", "a key of `calc.inputs`"),
    kept(
        "files[].inputs[].value",
        "its value; a list becomes an input of the workflow that `foreach` goes through",
    ),
    kept("files[].inputs[].units", "`unit` beside the value; without it the sheet's own"),
    kept("files[].inputs[].source", "the step whose output it takes"),
    kept("files[].save_pdf", "`calc.export.pdf` of this step"),
    kept("files[].save_mcdx", "`calc.export.sheet` of this step"),
    kept("files[].mode", "how the lists of this file go together: `product` or `zip`"),
    part("files[].output_units", "`unit` of `calc.outputs`"),
    kept("files[].output_units.*", "`unit` of that output"),
    part("mappings", "expressions in `calc.inputs`"),
    kept("mappings[].source_file", "the step that is read: the nearest one above with that file"),
    kept("mappings[].source_alias", "the output that is read, named in `calc.outputs`"),
    kept("mappings[].target_file", "the step that reads; each one with that file"),
    kept("mappings[].target_alias", "the key of `calc.inputs`"),
    kept(
        "mappings[].source_type",
        "an output is read from its step; an input is followed to where it comes from",
    ),
    kept("mappings[].units", "`unit` that the output is asked for in"),
    kept("stop_on_error", "true: `on_error: stop`, which is the default; false: `on_error: continue`"),
    kept("export_pdf", "`calc.export.pdf` of each step"),
    kept("export_mcdx", "`calc.export.sheet` of each step"),
    lost("output_dir", "exported files are kept by hash with the run")
        .help("copy them out by a `file` step at the end"),
    lost("output_dir_mode", "exported files are kept by hash with the run"),
    lost("overwrite_existing", "nothing is overwritten: each run keeps its own files"),
    kept("iteration_mode", "`product` (each value once) or `zip` in `foreach.in`"),
    kept("failure_mode", "`stop_on_error`: the default; `continue`: `on_error: continue`; `retry`: `retry`"),
    part("retry_config", "`retry`, where `failure_mode` is `retry`"),
    kept("retry_config.max_retries", "`retry.attempts`, which counts the first try as well"),
    kept("retry_config.min_wait", "`retry.wait`"),
    kept("retry_config.max_wait", "`retry.max_wait`"),
    changed(
        "retry_config.multiplier",
        "the first wait where it is longer than `min_wait`; each further one is twice as long",
    ),
    kept("pause_mode", "`auto_run`: nothing, it is the default"),
    part("conditions", "steps with `if` and `fail` or `finish` behind the outputs that they read"),
    kept("conditions[].expression", "`if`"),
    kept("conditions[].outcome", "`failure`: `fail`; `success`: `finish`"),
    kept("conditions[].message", "the text of `fail` or `finish`"),
    kept("conditions[].after_step", "where the step stands"),
    part("aggregation_mappings", "expressions in `calc.inputs`"),
    kept("aggregation_mappings[].expression", "the same with `max`, `min`, `sum`"),
    kept("aggregation_mappings[].target_file", "the step that reads"),
    kept("aggregation_mappings[].target_alias", "the key of `calc.inputs`"),
    kept("aggregation_mappings[].units", "`unit` beside the value"),
    lost("workflow_id", STATE),
    lost("status", STATE),
    lost("current_file_index", STATE),
    lost("completed_files", STATE),
    lost("intermediate_results", STATE),
    lost("error", STATE),
    lost("final_results", STATE),
];

const STATE: &str = "it is how far a run had come; a definition has none of that, and the run begins anew";

fn fits(root: Node<'_>) -> Result<(), String> {
    let root = root.get("config").filter(|config| config.shape() == Shape::Map).unwrap_or(root);
    lacks(root, &[("files", Shape::List)])?;
    let all = root.get("files").into_iter().flat_map(Node::items);
    if all.clone().next().is_none() {
        return Err("its `files` are empty".to_owned());
    }
    match all.clone().any(|file| file.get("file_path").is_some()) {
        true => Ok(()),
        false => Err("none of its `files` has a `file_path`".to_owned()),
    }
}

/// A file of the chain.
struct Sheet<'s, 't> {
    at: At<'s, 't>,
    id: String,
    file: &'t str,
    /// Alias and value of what is given.
    given: Vec<(&'t str, Out)>,
    /// Alias and unit of what is asked for.
    outputs: Vec<(String, Option<String>)>,
    /// What is taken from elsewhere.
    wired: HashMap<String, Wire>,
    order: Vec<String>,
}

#[derive(Clone)]
enum Wire {
    Output(usize, String),
    Input(usize, String),
    Value(Out),
}

impl Sheet<'_, '_> {
    fn declare(&mut self, alias: &str) -> &mut Option<String> {
        let at = match self.outputs.iter().position(|(known, _)| known == alias) {
            Some(at) => at,
            None => {
                self.outputs.push((alias.to_owned(), None));
                self.outputs.len() - 1
            }
        };
        &mut self.outputs[at].1
    }

    fn wire(&mut self, alias: &str, wire: Wire) -> bool {
        if !self.order.iter().any(|known| known == alias) {
            self.order.push(alias.to_owned());
        }
        self.wired.insert(alias.to_owned(), wire).is_some() || self.given.iter().any(|(a, _)| *a == alias)
    }

    fn output(&self, alias: &str) -> String {
        format!("steps.{}.output{}", self.id, member(alias))
    }
}

/// Lists that are gone through.
#[derive(Default)]
struct Sweep {
    /// Of each file: how its lists go together, and their names.
    files: Vec<(String, Option<bool>, Vec<String>)>,
    inputs: Map,
}

fn convert(top: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let root = if top.is_map() { top.get("config").filter(|c| c.is_map()).unwrap_or(top) } else { top };
    for key in ["version", "description"] {
        root.get(key);
    }
    let title = root.text_at("name").unwrap_or(&context.stem);
    let name = kebab(title, "chain");
    if name != title
        && let Some(at) = root.get("name")
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    let second = [
        "overwrite_existing",
        "output_dir_mode",
        "iteration_mode",
        "failure_mode",
        "retry_config",
        "pause_mode",
        "conditions",
        "aggregation_mappings",
    ];
    let second = second.iter().any(|key| root.node.get(key).is_some());

    let mut sweep = Sweep::default();
    let mut sheets = sheets(root, &mut sweep);
    for mapping in root.list("mappings") {
        map(mapping, &mut sheets);
    }
    for aggregation in root.list("aggregation_mappings") {
        aggregate(aggregation, &mut sheets);
    }
    let mut ends = Vec::new();
    let mut given = Given::default();
    for condition in root.list("conditions") {
        if let Some(end) = end(condition, &mut sheets, &mut given) {
            if end.success && !sweep.files.is_empty() {
                condition.say(
                    Changed,
                    "in a sweep it ends its case: the steps behind it are skipped, and the other cases go on",
                );
            }
            ends.push(end);
        }
    }
    let failure = failure(root);
    let exports = exports(root, second);
    let zipped = match root.text_at("iteration_mode") {
        Some("zip") => true,
        Some("combination") | None => false,
        Some(other) => {
            if let Some(at) = root.get("iteration_mode") {
                at.say(
                    Changed,
                    format!("`{other}` is neither `combination` nor `zip`; every combination is taken"),
                );
            }
            false
        }
    };
    pauses(root);
    let limit = if second { 600.0 } else { 30.0 };
    root.say_of(
        "time-out",
        Kept,
        if second {
            "a calculation is ended after 600 s, as there"
        } else {
            "a calculation is ended after 30 s, as there"
        },
        Some("`timeout` of the steps says how long each may take"),
    );

    let sweeping = !sweep.files.is_empty();
    let mut behind: HashMap<usize, Vec<&End>> = HashMap::new();
    for end in &ends {
        behind.entry(end.behind).or_default().push(end);
    }
    let mut steps: VecDeque<Map> = VecDeque::new();
    for at in (0..sheets.len()).rev() {
        for end in behind.remove(&at).into_iter().flatten().rev() {
            if sweeping && end.success {
                // To finish would end all cases: what follows is skipped in this one.
                let rest = Vec::from(std::mem::take(&mut steps));
                if !rest.is_empty() {
                    let rest = Map::new()
                        .with("id", end.id.as_str())
                        .with("if", end.otherwise())
                        .with("steps", rest);
                    steps.push_front(rest);
                }
            } else {
                steps.push_front(end.step(sweeping));
            }
        }
        steps.push_front(step(&sheets, at, &failure, exports, limit, sweeping));
    }
    let mut steps = Vec::from(steps);
    let mut definition = head(&name, root.text_at("description"));
    if sweeping {
        steps = vec![swept(&sweep, zipped, steps)];
        definition.set("inputs", sweep.inputs);
    }
    definition.set("steps", steps);
    definition
}

fn sheets<'s, 't>(root: At<'s, 't>, sweep: &mut Sweep) -> Vec<Sheet<'s, 't>> {
    let mut sheets = Vec::new();
    let (mut ids, mut names) = (Given::default(), Given::default());
    // The group around a sweep has this name.
    ids.give(CASES);
    let mut positions = Vec::new();
    for at in root.list("files") {
        if sheets.len() == limits::STEPS {
            at.say_all(NotExpressible, format!("a workflow has at most {} steps", limits::STEPS), None);
            continue;
        }
        let Some(file) = at.text_at("file_path").filter(|path| !path.is_empty()) else {
            at.say_all(
                NotExpressible,
                "it names no file: no step is made of it",
                Some("give it a `file_path`"),
            );
            continue;
        };
        let id = ids.give(&snake(stem(file), "sheet"));
        at.becomes_step(&id);
        if let Some(position) = at.integer("position", 0, i64::MAX) {
            positions.push((position, at));
        }
        let mut sheet = Sheet {
            at,
            id,
            file,
            given: Vec::new(),
            outputs: Vec::new(),
            wired: HashMap::new(),
            order: Vec::new(),
        };
        for (alias, unit) in at.map("output_units") {
            let unit = unit.text().map(literal);
            *sheet.declare(alias) = unit;
        }
        inputs(&mut sheet, sweep, &mut names);
        sheets.push(sheet);
    }
    if positions.windows(2).any(|pair| pair[0].0 > pair[1].0) {
        for (position, at) in positions {
            if let Some(at) = at.get("position") {
                at.say(
                    Changed,
                    format!("it says {position}, but the tool goes by the list, and so does the definition"),
                );
            }
        }
    }
    sheets
}

fn inputs<'t>(sheet: &mut Sheet<'_, 't>, sweep: &mut Sweep, names: &mut Given) {
    let mut lists = Vec::new();
    let (at, id) = (sheet.at, sheet.id.clone());
    let zipped = at.text_at("mode").and_then(|mode| match mode {
        "zip" => Some(true),
        "combination" => Some(false),
        _ => {
            if let Some(at) = at.get("mode") {
                at.say(
                    NotExpressible,
                    format!("`{mode}` is neither `combination` nor `zip`; the chain's mode is taken"),
                );
            }
            None
        }
    });
    for input in at.list("inputs") {
        let Some(alias) = input.text_at("alias") else {
            input.say_all(NotExpressible, "it has no alias, so no input of the sheet is meant", None);
            continue;
        };
        if sheet.given.iter().any(|(known, _)| *known == alias) {
            input.say_all(
                NotExpressible,
                format!("`{alias}` is given twice; the first value is taken"),
                None,
            );
            continue;
        }
        input.get("source");
        let unit = input.text_at("units").map(literal);
        let Some(value) = input.get("value") else {
            if input.node.get("source").is_none() {
                input.say_all(
                    NotExpressible,
                    format!("`{alias}` has no value: the sheet's own is taken"),
                    None,
                );
            }
            continue;
        };
        let out = match value.whole() {
            Out::List(items) if items.len() == 1 => {
                value.say(Changed, "a list of one value is that value");
                items.into_iter().next().unwrap_or(Out::Null)
            }
            Out::List(items) => {
                if items.is_empty() {
                    value.say(Changed, "the list is empty: nothing is calculated until it has values");
                }
                let key = names.give(&snake(alias, "values"));
                let text = format!("Values of {alias} in {}", sheet.file);
                let input = Map::new().with("type", "array").with("description", literal(&text));
                sweep.inputs.set(&key, input.with("default", items));
                lists.push(key.clone());
                // Where it stands in an element is known when all are.
                Out::Text(format!("\u{0}{key}"))
            }
            other => other,
        };
        let out = match unit {
            Some(unit) => Map::new().with("value", out).with("unit", unit).into(),
            None => out,
        };
        sheet.given.push((alias, out));
    }
    if !lists.is_empty() {
        sweep.files.push((id, zipped, lists));
    }
}

/// The nearest sheet of a file above another, or why there is none.
fn above(sheets: &[Sheet<'_, '_>], file: &str, below: usize) -> Result<usize, String> {
    let found = sheets[..below].iter().rposition(|sheet| sheet.file == file);
    found.ok_or_else(|| match sheets.iter().position(|sheet| sheet.file == file) {
        Some(at) if at == below => format!("`{file}` would read what it calculates itself"),
        Some(_) => format!("`{file}` is calculated later: the mapping goes in a circle"),
        None => {
            let known = sheets.iter().map(|sheet| sheet.file);
            match crate::expr::nearest(file, known) {
                Some(near) => format!("no file of the chain is `{file}`; there is `{near}`"),
                None => format!("no file of the chain is `{file}`"),
            }
        }
    })
}

fn targets(sheets: &[Sheet<'_, '_>], file: &str) -> Result<Vec<usize>, String> {
    let all: Vec<usize> = (0..sheets.len()).filter(|at| sheets[*at].file == file).collect();
    if all.is_empty() { above(sheets, file, 0).map(|_| all) } else { Ok(all) }
}

fn map(mapping: At<'_, '_>, sheets: &mut [Sheet<'_, '_>]) {
    let text = |key| mapping.text_at(key);
    let (Some(source), Some(from), Some(target), Some(to)) =
        (text("source_file"), text("source_alias"), text("target_file"), text("target_alias"))
    else {
        mapping.say_all(
            NotExpressible,
            "it lacks one of `source_file`, `source_alias`, `target_file`, `target_alias`",
            None,
        );
        return;
    };
    let unit = text("units").map(literal);
    let input = match text("source_type") {
        None | Some("output") => false,
        Some("input") => true,
        Some(other) => {
            let why = format!("`source_type` is `output` or `input`, and this is `{other}`");
            mapping.say_all(NotExpressible, why, None);
            return;
        }
    };
    let fix = Some("put the files in an order in which each reads only from above");
    let all = match targets(sheets, target) {
        Ok(all) => all,
        Err(why) => return mapping.say_all(NotExpressible, why, fix),
    };
    let several = all.len() > 1 || sheets.iter().filter(|sheet| sheet.file == source).count() > 1;
    let mut made = false;
    let mut failed = None;
    for at in all {
        // An input is given before anything runs, so it may stand below.
        let found = match above(sheets, source, at) {
            Err(_) if input => {
                sheets.iter().position(|sheet| sheet.file == source).ok_or(()).map_err(|()| String::new())
            }
            found => found,
        };
        let from_sheet = match found {
            Ok(from_sheet) => from_sheet,
            Err(why) => {
                failed = Some(why);
                continue;
            }
        };
        made = true;
        let wire = if input {
            Wire::Input(from_sheet, from.to_owned())
        } else {
            let known = sheets[from_sheet].declare(from);
            match (&unit, &known) {
                (Some(unit), None) => *known = Some(unit.clone()),
                (Some(unit), Some(other)) if unit != other => {
                    if let Some(at) = mapping.get("units") {
                        at.say(Changed, format!("the output is asked for in {other} already; it is handed on in that unit, and the sheet converts it"));
                    }
                }
                _ => {}
            }
            Wire::Output(from_sheet, from.to_owned())
        };
        if input
            && unit.is_some()
            && let Some(at) = mapping.get("units")
        {
            at.say(Changed, "the input is forwarded with the unit that it was given in");
        }
        if sheets[at].wire(to, wire) {
            mapping.say(
                Changed,
                format!("`{to}` of {} has a value already: the mapping counts, as there", sheets[at].id),
            );
        }
    }
    match failed {
        Some(why) if !made => {
            let why = if why.is_empty() { format!("no file of the chain is `{source}`") } else { why };
            mapping.say_all(NotExpressible, why, fix);
        }
        _ if several => mapping
            .say(Changed, "a file is in the chain more than once: each reads from the nearest one above it"),
        _ => {}
    }
}

/// The newest output of a name among the sheets up to one.
fn newest(sheets: &[Sheet<'_, '_>], alias: &str, before: usize) -> Option<usize> {
    let has = |sheet: &Sheet<'_, '_>| sheet.outputs.iter().any(|(known, _)| known == alias);
    sheets[..before].iter().rposition(has)
}

/// A formula over outputs, as an expression, and the last sheet that it reads.
fn formula(
    text: &str,
    sheets: &mut [Sheet<'_, '_>],
    before: usize,
    home: Option<usize>,
) -> Result<(String, usize), String> {
    let all = words(text).ok_or_else(|| format!("`{text}` is no formula that is understood"))?;
    let mut out = String::new();
    let mut last = 0;
    // Brackets that are open: whether the call takes a list, and what comes behind it.
    let mut open: Vec<&str> = Vec::new();
    let mut words = all.iter().peekable();
    while let Some(word) = words.next() {
        match word {
            Word::Number(text) => {
                out.push_str(&number(text).ok_or_else(|| format!("`{text}` is no number"))?);
            }
            Word::Text(text) => out.push_str(&quoted(text)),
            Word::Name(name) if words.peek() == Some(&&Word::Sign("(")) && !is_word(name) => {
                words.next();
                match name.to_ascii_lowercase().as_str() {
                    "max" | "min" | "sum" => {
                        out.push_str(&name.to_ascii_lowercase());
                        out.push_str("([");
                        open.push("])");
                    }
                    other => return Err(format!("there is no function `{other}` in formulas that are made")),
                }
            }
            Word::Name(name) => {
                match name.to_ascii_lowercase().as_str() {
                    "and" => out.push_str(" && "),
                    "or" => out.push_str(" || "),
                    "not" => out.push('!'),
                    "true" | "false" => out.push_str(&name.to_ascii_lowercase()),
                    _ => {
                        let sheet = newest(sheets, name, before).or(home).ok_or_else(|| {
                        format!("no output `{name}` is known of any file: chains do not say what their files give")
                    })?;
                        sheets[sheet].declare(name);
                        last = last.max(sheet);
                        out.push_str(&sheets[sheet].output(name));
                        out.push_str(".value");
                    }
                }
            }
            Word::Sign("(") => {
                out.push('(');
                open.push(")");
            }
            Word::Sign(")") => out.push_str(open.pop().ok_or("a bracket is closed that was not opened")?),
            Word::Sign(
                sign @ ("&&" | "||" | ">=" | "<=" | "==" | "!=" | ">" | "<" | "+" | "-" | "*" | "/"),
            ) => {
                out.extend([" ", sign, " "]);
            }
            Word::Sign("=") => out.push_str(" == "),
            Word::Sign("<>") => out.push_str(" != "),
            Word::Sign("!") => out.push('!'),
            Word::Sign(",") => out.push_str(", "),
            Word::Sign(other) => return Err(format!("`{other}` has no place in formulas that are made")),
        }
    }
    if !open.is_empty() {
        return Err("a bracket is not closed".to_owned());
    }
    let out = out.trim().to_owned();
    if let Err(problems) = crate::expr::Expr::compile(&out) {
        let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        return Err(format!("`{text}` is no formula: {why}"));
    }
    Ok((out, last))
}

fn is_word(name: &str) -> bool {
    ["and", "or", "not"].contains(&name.to_ascii_lowercase().as_str())
}

fn aggregate(at: At<'_, '_>, sheets: &mut [Sheet<'_, '_>]) {
    let (Some(text), Some(target), Some(to)) =
        (at.text_at("expression"), at.text_at("target_file"), at.text_at("target_alias"))
    else {
        return at.say_all(
            NotExpressible,
            "it lacks one of `expression`, `target_file`, `target_alias`",
            None,
        );
    };
    let unit = at.text_at("units").map(literal);
    let all = match targets(sheets, target) {
        Ok(all) => all,
        Err(why) => return at.say_all(NotExpressible, why, None),
    };
    for target in all {
        match formula(text, sheets, target, None) {
            Ok((expression, _)) => {
                let value = marked(&expression);
                let value: Out = match &unit {
                    Some(unit) => Map::new().with("value", value).with("unit", unit.clone()).into(),
                    None => value.into(),
                };
                sheets[target].wire(to, Wire::Value(value));
            }
            Err(why) => {
                let help = "name the output of a file, as in a mapping or in `output_units`, or write the expression by hand";
                return at.say_all(NotExpressible, why, Some(help));
            }
        }
    }
}

/// A condition that ends the chain.
struct End {
    behind: usize,
    id: String,
    condition: String,
    success: bool,
    message: String,
}

impl End {
    fn otherwise(&self) -> String {
        format!("!({})", self.condition)
    }

    fn step(&self, sweeping: bool) -> Map {
        let step = Map::new().with("id", self.id.as_str()).with("if", self.condition.as_str());
        let message =
            if sweeping { format!("{} (case ${{{{ key }}}})", self.message) } else { self.message.clone() };
        step.with(if self.success { "finish" } else { "fail" }, message)
    }
}

fn end(at: At<'_, '_>, sheets: &mut [Sheet<'_, '_>], given: &mut Given) -> Option<End> {
    let Some(text) = at.text_at("expression") else {
        at.say_all(NotExpressible, "it has no `expression`", None);
        return None;
    };
    let after = at.integer("after_step", -1, i64::MAX).unwrap_or(-1);
    let last = sheets.len().checked_sub(1)?;
    let home = usize::try_from(after).ok();
    if home.is_some_and(|home| home > last) {
        at.say_all(NotExpressible, format!("there is no step {after}; they count from 0"), None);
        return None;
    }
    let before = home.unwrap_or(last) + 1;
    let default = home.or_else(|| (sheets.len() == 1).then_some(0));
    let (condition, reads) = match formula(text, sheets, before, default) {
        Ok(done) => done,
        Err(why) => {
            let help = "name the output of a file, as in a mapping or in `output_units`, or say `after_step`";
            at.say_all(NotExpressible, why, Some(help));
            return None;
        }
    };
    let success = match at.text_at("outcome") {
        Some("success") => true,
        Some("failure") | None => false,
        Some(other) => {
            if let Some(at) = at.get("outcome") {
                at.say(
                    Changed,
                    format!("`{other}` is neither `success` nor `failure`; it counts as failure"),
                );
            }
            false
        }
    };
    if let (None, Some(at)) = (home, at.get("after_step")) {
        at.say(
            Changed,
            "it is looked at once, behind the last output that it reads, and not again behind each step",
        );
    }
    let message = at.text_at("message").filter(|text| !text.is_empty());
    let message = message.map_or_else(|| format!("{text} holds"), ToOwned::to_owned);
    let id = given.give("condition");
    at.becomes_step(&id);
    Some(End { behind: home.unwrap_or(reads), id, condition, success, message: literal(&message) })
}

/// What a failure of a step does.
struct Failure {
    goes_on: bool,
    retry: Option<Map>,
}

fn failure(root: At<'_, '_>) -> Failure {
    let stop = root.flag("stop_on_error");
    let mode = root.text_at("failure_mode");
    let config = root.get("retry_config").filter(|config| config.is_map());
    let wants = mode == Some("retry");
    let goes_on = match mode {
        Some("continue") => true,
        Some("stop_on_error" | "retry") => false,
        Some(other) => {
            if let Some(at) = root.get("failure_mode") {
                at.say(
                    Changed,
                    format!("`{other}` is no mode that is known; the first failure stops the chain"),
                );
            }
            false
        }
        None => stop == Some(false),
    };
    if mode.is_some()
        && stop.is_some()
        && let Some(at) = root.get("stop_on_error")
    {
        at.say(Changed, "`failure_mode` decides");
    }
    if goes_on {
        root.say_of(
            "steps that failed",
            Changed,
            "a step that needs a value of one that failed is blocked, and the run ends degraded; it never goes on with the sheet's old value",
            None,
        );
    }
    if let (Some(config), false) = (config, wants) {
        config.say_all(
            NotExpressible,
            "`failure_mode` is not `retry`, so nothing is tried again, as there",
            None,
        );
    }
    let retry = wants.then(|| {
        let number = |key, default| config.and_then(|config| config.number(key)).unwrap_or(default);
        let (min, max, multiplier) =
            (number("min_wait", 4.0), number("max_wait", 10.0), number("multiplier", 1.0));
        let retries =
            config.and_then(|c| c.integer("max_retries", 0, i64::from(limits::ATTEMPTS) - 1)).unwrap_or(0);
        let wait = min.max(multiplier).max(0.001);
        Map::new()
            .with("attempts", retries + 1)
            .with("wait", seconds(wait))
            .with("factor", 2)
            .with("max_wait", seconds(max.max(wait)))
            .with("jitter", 0)
    });
    Failure { goes_on, retry }
}

/// What each step exports, unless it says otherwise.
fn exports(root: At<'_, '_>, second: bool) -> (bool, bool) {
    let pdf = root.flag("export_pdf");
    if pdf.is_none() && !second {
        root.say_of("export_pdf", Kept, "without the key each sheet is exported as PDF, as there", None);
    }
    if root.node.get("output_dir").is_some() {
        root.get("output_dir");
    }
    (pdf.unwrap_or(!second), root.flag("export_mcdx").unwrap_or(false))
}

fn pauses(root: At<'_, '_>) {
    let Some(at) = root.get("pause_mode") else { return };
    match at.text() {
        Some("auto_run") | None => {}
        Some("pause_each") => {
            let why = "whether a run pauses is said when it is started";
            at.say_with(NotExpressible, why, Some("`stead run --pause-each FILE` pauses before each step"));
        }
        Some(other) => at.say(NotExpressible, format!("`{other}` is no mode that is known")),
    }
}

/// What an input of a sheet is, followed to where it comes from.
fn resolve(sheets: &[Sheet<'_, '_>], mut at: usize, alias: &str) -> Option<Out> {
    let mut alias = alias.to_owned();
    let mut seen = HashSet::new();
    loop {
        if !seen.insert((at, alias.clone())) {
            return None;
        }
        match sheets[at].wired.get(&alias) {
            None => {
                return sheets[at]
                    .given
                    .iter()
                    .find(|(known, _)| *known == alias)
                    .map(|(_, out)| out.clone());
            }
            Some(Wire::Value(out)) => return Some(out.clone()),
            Some(Wire::Output(from, output)) => return Some(marked(&sheets[*from].output(output)).into()),
            Some(Wire::Input(from, input)) => (at, alias) = (*from, input.clone()),
        }
    }
}

fn step(
    sheets: &[Sheet<'_, '_>],
    at: usize,
    failure: &Failure,
    exports: (bool, bool),
    limit: f64,
    sweeping: bool,
) -> Map {
    let sheet = &sheets[at];
    let mut inputs = Map::new();
    let given = sheet.given.iter().map(|(alias, _)| (*alias).to_owned());
    let named: Vec<String> = given.chain(sheet.order.iter().cloned()).collect();
    for alias in named {
        match resolve(sheets, at, &alias) {
            Some(out) => inputs.set(&alias, out),
            None => sheet.at.say_of(
                "mappings",
                NotExpressible,
                &format!("`{alias}` of {} leads to no value: nobody gives it, or it leads in a circle; the sheet's own is taken", sheet.id),
                Some("give the input where it comes from a value"),
            ),
        }
    }
    let mut outputs = Map::new();
    for (alias, unit) in &sheet.outputs {
        outputs.set(alias, Map::new().with_some("unit", unit.clone()));
    }
    let pdf = sheet.at.flag("save_pdf").unwrap_or(exports.0);
    let copy = sheet.at.flag("save_mcdx").unwrap_or(exports.1);
    let case = if sweeping { "-${{ key }}" } else { "" };
    let name = |ending: &str| format!("{:02}-{}{case}.{ending}", at + 1, sheet.id);
    let ending = sheet.file.rsplit_once('.').map_or("sheet", |(_, ending)| ending);
    let export = Map::new()
        .with_some("pdf", pdf.then(|| name("pdf")))
        .with_some("sheet", copy.then(|| literal(&name(ending))));
    let calc = Map::new()
        .with("file", literal(sheet.file))
        .with_some("inputs", inputs.filled())
        .with_some("outputs", outputs.filled())
        .with_some("export", export.filled());
    Map::new()
        .with("id", sheet.id.as_str())
        .with("calc", calc)
        .with("timeout", seconds(limit))
        .with_some("retry", failure.retry.clone())
        .with_some("on_error", failure.goes_on.then_some("continue"))
}

/// The id of the group that goes through the cases of a sweep.
const CASES: &str = "cases";

/// The steps once per case.
fn swept(sweep: &Sweep, zipped: bool, mut steps: Vec<Map>) -> Map {
    let call = |zipped: bool, parts: Vec<String>| {
        format!("{}({{{}}})", if zipped { "zip" } else { "product" }, parts.join(", "))
    };
    let list = |zipped: bool, key: &str| {
        let list = format!("inputs.{key}");
        format!("'{key}': {}", if zipped { list } else { format!("distinct({list})") })
    };
    // One call where all go together in one way, else one for the files and one in each file.
    let flat =
        sweep.files.iter().all(|(_, own, lists)| lists.len() == 1 || own.is_none_or(|own| own == zipped));
    let mut places = HashMap::new();
    let mut parts = Vec::new();
    for (id, own, lists) in &sweep.files {
        if flat {
            parts.extend(lists.iter().map(|key| list(zipped, key)));
            places.extend(lists.iter().map(|key| (key.clone(), format!("case.{key}"))));
        } else {
            let own = own.unwrap_or(zipped);
            let inner = lists.iter().map(|key| list(own, key)).collect();
            parts.push(format!("'{id}': {}", call(own, inner)));
            places.extend(lists.iter().map(|key| (key.clone(), format!("case.{id}.{key}"))));
        }
    }
    for step in &mut steps {
        for (_, value) in &mut step.0 {
            place(value, &places);
        }
    }
    let foreach = Map::new().with("in", marked(&call(zipped, parts))).with("as", "case");
    Map::new().with("id", CASES).with("foreach", foreach).with("steps", steps)
}

/// Puts the places of swept values in.
fn place(value: &mut Out, places: &HashMap<String, String>) {
    match value {
        Out::Text(text) => {
            if let Some(place) = text.strip_prefix('\u{0}').and_then(|key| places.get(key)) {
                *text = marked(place);
            }
        }
        Out::List(items) => items.iter_mut().for_each(|item| place(item, places)),
        Out::Map(map) => map.0.iter_mut().for_each(|(_, value)| place(value, places)),
        Out::Null | Out::Bool(_) | Out::Number(_) => {}
    }
}

//! Batches: one calculation file with many values, said as lists, ranges and columns of tables that are put together, or
//! row by row.

mod fields;
mod rows;
mod values;

use super::chain::zipped;
use super::naming::{Given, kebab, seconds, snake, stem};
use super::out::{Map, Out, literal, marked, prose};
use super::report::Verdict::{Changed, Kept, NotExpressible};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, head, lacks, says};
use crate::limits;
use crate::tree::{Node, Shape};
use fields::FIELDS;
use rows::{Rows, rows};

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Batch,
    name: "batch",
    title: "batches of one calculation file (JSON)",
    notation: Notation::Data,
    fields: FIELDS,
    folds: &[],
    fits,
    convert,
};

fn fits(root: Node<'_>) -> Result<(), String> {
    lacks(root, &[("inputs", Shape::List)])?;
    let all = || root.get("inputs").into_iter().flat_map(Node::items);
    let file = says(root, "file_path") || says(root, "source_file_path");
    match (file && all().any(|input| says(input, "alias")), all().any(|input| says(input, "path"))) {
        (false, false) if file => Err("none of its `inputs` has an `alias` or a `path`".to_owned()),
        (false, false) => Err("neither it nor any of its `inputs` names a file".to_owned()),
        _ => Ok(()),
    }
}

/// The id of the step that goes through the cases.
const CASES: &str = "cases";
/// How long a calculation takes at most, in seconds.
const LIMIT: f64 = 120.0;

/// An input of the sheet.
struct Input<'t> {
    alias: &'t str,
    /// What the sheet is given: the value, or where it stands in a case.
    given: Out,
    /// What it is in the names of files; nothing where it has what no name has.
    named: Option<String>,
    /// The values that are gone through, and the input of the workflow that has them.
    list: Option<(String, Vec<Out>)>,
}

fn convert(root: At<'_, '_>, context: &mut Context<'_>) -> Map {
    for key in ["version", "description", "batch_id"] {
        root.get(key);
    }
    let title = root.text_at("name").or_else(|| root.text_at("batch_id")).unwrap_or(&context.stem);
    let name = kebab(title, "batch");
    if name != title
        && let Some(at) = root.get("name").or_else(|| root.get("batch_id"))
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    let file = root.text_at("file_path").or_else(|| root.text_at("source_file_path"));
    if root.node.get("file_path").is_some()
        && let Some(at) = root.get("source_file_path")
    {
        at.say(Kept, "`file_path` names the sheet");
    }
    let second = ["overwrite_existing", "output_dir_mode", "mode", "output_units", "source_file_path"];
    let second = second.iter().any(|key| root.node.get(key).is_some());
    let pdf = root.flag("export_pdf").unwrap_or_else(|| {
        let why = if second {
            "without the key nothing is exported, as there"
        } else {
            "without the key each sheet is exported as PDF, as there"
        };
        root.say_of("export_pdf", Kept, why, None);
        !second
    });
    let exports = Exports { pdf, sheet: root.flag("export_mcdx").unwrap_or(false) };
    let mut outputs = Map::new();
    for (alias, unit) in root.map("output_units") {
        outputs.set(alias, Map::new().with_some("unit", unit.text().map(literal)));
    }
    let all = root.list("inputs");
    let by_alias = all.iter().any(|at| says(at.node, "alias")) && file.is_some();
    let mut inputs = Map::new();
    let steps = match file.filter(|_| by_alias) {
        Some(file) => vec![cases(root, context, &all, file, &outputs, &exports, &mut inputs)],
        None => {
            if let Some(at) = root.get("mode") {
                at.say(
                    NotExpressible,
                    "the rows say which values go together; there is nothing to put together",
                );
            }
            rows(&all, file).iter().map(|group| each(group, &outputs, &exports, &mut inputs)).collect()
        }
    };
    root.say_of(
        "rows that fail",
        Changed,
        "the others go on, as there, and the run ends degraded; there it was completed",
        None,
    );
    root.say_of("time-out", Kept, "a calculation is ended after 120 s and tried once more, as there", None);
    root.say_of(
        "results",
        Changed,
        "the cases are the items of one step, and its output has their results in order",
        Some("for a run of its own per case, and a table: make the calculation a workflow with an input per value, and run it by `stead batch FILE --sweep product -i NAME=START:END:STEP` or `--items TABLE.csv`"),
    );
    let ids: Vec<String> = steps
        .iter()
        .filter_map(|step| match step.get("id") {
            Some(Out::Text(id)) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let mut definition = head(&name, root.text_at("description"));
    if let Some(inputs) = inputs.filled() {
        definition.set("inputs", inputs);
    }
    let mut results = Map::new();
    for id in ids {
        results.set(&id, marked(&format!("steps.{id}.output")));
    }
    definition.with("steps", steps).with("outputs", results)
}

/// What each calculation exports.
struct Exports {
    pdf: bool,
    sheet: bool,
}

impl Exports {
    /// `calc.export`, in the tool's way of naming: the sheet, and each value by its name.
    fn of(&self, file: &str, suffix: &str) -> Option<Map> {
        let base = clean(stem(file));
        let ending = file.rsplit_once('.').map_or("sheet", |(_, ending)| ending);
        let name = |ending: &str| format!("{base}{suffix}.{}", clean(ending));
        Map::new()
            .with_some("pdf", self.pdf.then(|| name("pdf")))
            .with_some("sheet", self.sheet.then(|| name(ending)))
            .filled()
    }

    fn any(&self) -> bool {
        self.pdf || self.sheet
    }
}

/// A calculation, tried twice.
fn calc(file: &str, inputs: Map, outputs: &Map, exports: Option<Map>) -> Map {
    let calc = Map::new()
        .with("file", literal(file))
        .with_some("inputs", inputs.filled())
        .with_some("outputs", outputs.clone().filled())
        .with_some("export", exports);
    Map::new().with("calc", calc).with("timeout", seconds(LIMIT)).with("retry", 2)
}

/// The step that goes through what the lists of the inputs come to.
fn cases(
    root: At<'_, '_>,
    context: &mut Context<'_>,
    all: &[At<'_, '_>],
    file: &str,
    outputs: &Map,
    exports: &Exports,
    inputs: &mut Map,
) -> Map {
    let zipped = zipped(root, "mode");
    let mut names = Given::default();
    let mut made: Vec<Input<'_>> = Vec::new();
    for at in all {
        if let Some(input) = input(*at, &made, &mut names, context) {
            made.push(input);
        }
    }
    if zipped {
        let shortest = made.iter().filter_map(|input| input.list.as_ref()).map(|(_, all)| all.len()).min();
        for (_, values) in made.iter_mut().filter_map(|input| input.list.as_mut()) {
            let shortest = shortest.unwrap_or_default();
            if values.len() > shortest {
                root.say_of("mode", Changed, "lists that go together are equally long: what is longer than the shortest is left out, as there", None);
                values.truncate(shortest);
            }
        }
    }
    let mut given = Map::new();
    let (mut suffix, mut nameable) = (String::new(), true);
    let mut parts = Vec::new();
    for input in made {
        given.set(input.alias, input.given);
        match input.named {
            Some(named) => suffix.extend(["_", &clean(input.alias), "-", &named]),
            None => nameable = false,
        }
        let Some((key, values)) = input.list else { continue };
        let text = format!("Values of {} in {file}", input.alias);
        let declared =
            Map::new().with("type", "array").with("description", prose(&text, limits::DESCRIPTION_CHARS));
        inputs.set(&key, declared.with("default", values));
        let list = if zipped { format!("inputs.{key}") } else { format!("distinct(inputs.{key})") };
        parts.push(format!("'{key}': {list}"));
    }
    let swept = !parts.is_empty();
    if exports.any() && !nameable {
        root.say_of("names of files", Changed, "a value cannot stand in the name of a file: exported files are named by the number of their case", None);
        suffix = if swept { "_${{ key }}".to_owned() } else { String::new() };
    }
    let step = Map::new().with("id", CASES);
    let step = match swept {
        true => {
            let call = if zipped { "zip" } else { "product" };
            let list = marked(&format!("{call}({{{}}})", parts.join(", ")));
            step.with("foreach", Map::new().with("in", list).with("as", "case").with("join", "settled"))
        }
        false => step,
    };
    join(step, calc(file, given, outputs, exports.of(file, &suffix)))
}

fn join(mut step: Map, more: Map) -> Map {
    step.0.extend(more.0);
    step
}

/// The step that goes through the rows of one file.
fn each(group: &Rows<'_>, outputs: &Map, exports: &Exports, inputs: &mut Map) -> Map {
    let text = format!("Rows of {}", group.file);
    let declared =
        Map::new().with("type", "array").with("description", prose(&text, limits::DESCRIPTION_CHARS));
    inputs.set(&group.key, declared.with("default", group.rows.clone()));
    let foreach = Map::new()
        .with("in", marked(&format!("inputs.{}", group.key)))
        .with("as", "row")
        .with("join", "settled");
    let step = Map::new().with("id", group.id.as_str()).with("foreach", foreach);
    let suffix =
        group.suffix().filter(|suffix| !suffix.is_empty()).unwrap_or_else(|| "_${{ key }}".to_owned());
    join(step, calc(group.file, group.inputs.clone(), outputs, exports.of(group.file, &suffix)))
}

fn input<'t>(
    at: At<'_, 't>,
    made: &[Input<'_>],
    names: &mut Given,
    context: &mut Context<'_>,
) -> Option<Input<'t>> {
    let Some(alias) = at.text_at("alias").filter(|alias| !alias.is_empty()) else {
        at.say_all(NotExpressible, "it has no alias, so no input of the sheet is meant", None);
        return None;
    };
    if made.iter().any(|input| input.alias == alias) {
        at.say_all(NotExpressible, format!("`{alias}` is given twice; the first value is taken"), None);
        return None;
    }
    let unit = at.text_at("units").filter(|unit| !unit.is_empty()).map(literal);
    let Some(value) = at.get("value") else {
        at.say_all(NotExpressible, format!("`{alias}` has no value: the sheet's own is taken"), None);
        return None;
    };
    at.becomes_step(CASES);
    let mut values = match several(value, context) {
        Ok(values) => values,
        Err((why, help)) => {
            let why = format!("{why}; the sheet's own value is taken");
            value.say_all(NotExpressible, why, help.as_deref());
            return None;
        }
    };
    let single = match values.as_mut() {
        None => Some(value.whole()),
        Some(values) if values.len() == 1 => {
            value.say(Changed, "a list of one value is that value");
            values.pop()
        }
        Some(_) => None,
    };
    let with_unit = |out: Out| match &unit {
        Some(unit) => Map::new().with("value", out).with("unit", unit.clone()).into(),
        None => out,
    };
    if let Some(single) = single {
        if value.node.raw().is_some() {
            value.say(Kept, "its value");
        }
        let named = nameable(&single).then(|| text_of(&single));
        return Some(Input { alias, given: with_unit(single), named, list: None });
    }
    let values = values.unwrap_or_default();
    if values.is_empty() {
        value.say(Changed, "the list is empty: nothing is calculated until it has values");
    } else if value.is_list() {
        value.say(
            Kept,
            format!("the default of the input that `foreach` goes through, {} values", values.len()),
        );
    }
    let key = names.give(&snake(alias, "values"));
    let read = marked(&format!("case.{key}"));
    let named = values.iter().all(nameable).then(|| read.clone());
    Some(Input { alias, given: with_unit(read.into()), named, list: Some((key, values)) })
}

/// The values that are said as several ones; nothing where one is said. Else why there are none, and what to do.
fn several(
    value: At<'_, '_>,
    context: &mut Context<'_>,
) -> Result<Option<Vec<Out>>, (String, Option<String>)> {
    if value.is_list() {
        let Out::List(values) = value.fixed() else { return Ok(None) };
        return Ok(Some(values));
    }
    if !value.is_map() {
        return Ok(None);
    }
    if value.node.get("start").is_some() || value.node.get("end").is_some() {
        let (Some(start), Some(end)) = (value.number("start"), value.number("end")) else {
            return Err(("a range has a `start` and an `end`, which are numbers".to_owned(), None));
        };
        let step = value.number("step").unwrap_or(1.0);
        let help =
            format!("`stead batch FILE --sweep product -i NAME={start}:{end}:{step}` counts them as it goes");
        let leads = (end - start) * step > 0.0;
        return values::range(start, end, step).map(Some).map_err(|why| (why, leads.then_some(help)));
    }
    if let Some(table) = value.text_at("csv") {
        let Some(column) = value.text_at("column") else {
            return Err(("it does not say which `column` of the table is meant".to_owned(), None));
        };
        let path = match context.file.rsplit_once('/') {
            Some((folder, _)) if !table.starts_with('/') => format!("{folder}/{table}"),
            _ => table.to_owned(),
        };
        let help = format!("`stead batch FILE --items {table}` reads the table row by row");
        let text = (context.read)(&path)
            .map_err(|why| (format!("`{path}` cannot be read: {why}"), Some(help.clone())))?;
        let all = values::column(&text, column);
        return all
            .map(Some)
            .map_err(|why| (format!("of `{path}` no values can be taken: {why}"), Some(help)));
    }
    Err(("it is neither a range with `start` and `end` nor a `csv` with a `column`".to_owned(), None))
}

/// Characters that no name of a file has.
const NEVER: &[char] = &['<', '>', ':', '"', '/', '\\', '|', '?', '*'];

/// A text in the name of a file, as the tool makes it.
fn clean(text: &str) -> String {
    literal(
        &text.chars().map(|c| if NEVER.contains(&c) || c.is_control() { '_' } else { c }).collect::<String>(),
    )
}

/// Whether a value can stand in the name of a file as it is.
fn nameable(value: &Out) -> bool {
    match value {
        Out::Number(_) | Out::Bool(_) => true,
        Out::Text(text) => text.len() <= 50 && !text.contains("${{") && clean(text) == *text,
        Out::Null | Out::List(_) | Out::Map(_) => false,
    }
}

fn text_of(value: &Out) -> String {
    match value {
        Out::Number(text) | Out::Text(text) => text.clone(),
        Out::Bool(value) => value.to_string(),
        Out::Null | Out::List(_) | Out::Map(_) => String::new(),
    }
}

//! The files of a chain: what each is given, and the lists that are gone through.

use std::collections::HashMap;

use super::swept::CASES;
use crate::import::naming::{Given, snake, stem};
use crate::import::out::{Map, Out, literal, member, prose};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// A file of the chain.
pub(super) struct Sheet<'s, 't> {
    pub(super) at: At<'s, 't>,
    pub(super) id: String,
    pub(super) file: &'t str,
    /// Alias and value of what is given.
    pub(super) given: Vec<(&'t str, Out)>,
    /// Alias and unit of what is asked for.
    pub(super) outputs: Vec<(String, Option<String>)>,
    /// What is taken from elsewhere.
    pub(super) wired: HashMap<String, Wire>,
    pub(super) order: Vec<String>,
}

#[derive(Clone)]
pub(super) enum Wire {
    Output(usize, String),
    Input(usize, String),
    Value(Out),
}

impl Sheet<'_, '_> {
    pub(super) fn declare(&mut self, alias: &str) -> &mut Option<String> {
        let at = match self.outputs.iter().position(|(known, _)| known == alias) {
            Some(at) => at,
            None => {
                self.outputs.push((alias.to_owned(), None));
                self.outputs.len() - 1
            }
        };
        &mut self.outputs[at].1
    }

    pub(super) fn wire(&mut self, alias: &str, wire: Wire) -> bool {
        if !self.order.iter().any(|known| known == alias) {
            self.order.push(alias.to_owned());
        }
        self.wired.insert(alias.to_owned(), wire).is_some() || self.given.iter().any(|(a, _)| *a == alias)
    }

    pub(super) fn output(&self, alias: &str) -> String {
        format!("steps.{}.output{}", self.id, member(alias))
    }
}

/// Lists that are gone through.
#[derive(Default)]
pub(super) struct Sweep {
    /// Of each file: how its lists go together, and their names.
    pub(super) files: Vec<(String, Option<bool>, Vec<String>)>,
    pub(super) inputs: Map,
}

pub(super) fn sheets<'s, 't>(root: At<'s, 't>, sweep: &mut Sweep) -> Vec<Sheet<'s, 't>> {
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
        let out = match if value.is_list() { value.fixed() } else { value.whole() } {
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
                let input = Map::new()
                    .with("type", "array")
                    .with("description", prose(&text, limits::DESCRIPTION_CHARS));
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

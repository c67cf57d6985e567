//! Rows that say their values one by one.

use crate::import::naming::{Given, snake, stem};
use crate::import::out::{Map, Out, literal, marked, member};
use crate::import::report::Verdict::{Kept, NotExpressible};
use crate::import::source::At;

/// Rows of one file and of the same names.
pub(super) struct Rows<'t> {
    pub(super) file: &'t str,
    pub(super) id: String,
    /// The names, and what each is in a row.
    pub(super) inputs: Map,
    /// The input that has the rows.
    pub(super) key: String,
    pub(super) rows: Vec<Map>,
}

/// The rows by file and names, in their order.
pub(super) fn rows<'t>(all: &[At<'_, 't>], file: Option<&'t str>) -> Vec<Rows<'t>> {
    let mut groups: Vec<Rows<'t>> = Vec::new();
    let (mut ids, mut keys) = (Given::default(), Given::default());
    for at in all {
        let mut values = Map::new();
        let mut own = None;
        for (alias, value) in at.entries() {
            if alias == "path" {
                own = value.text();
                continue;
            }
            let out = match (value.is_map(), value.get("value")) {
                (true, Some(inner)) => {
                    let unit = value.text_at("units").map(literal);
                    match unit {
                        Some(unit) => Map::new().with("value", inner.fixed()).with("unit", unit).into(),
                        None => inner.fixed(),
                    }
                }
                (true, None) => {
                    value.say_all(NotExpressible, "it has no value: the sheet's own is taken", None);
                    continue;
                }
                (false, _) => {
                    value.say(Kept, "a value of the row");
                    value.fixed()
                }
            };
            values.set(alias, out);
        }
        let Some(file) = own.or(file).filter(|file| !file.is_empty()) else {
            at.say_all(
                NotExpressible,
                "it names no file, so nothing is calculated",
                Some("give it a `path`"),
            );
            continue;
        };
        let names = |map: &Map| map.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let wanted = names(&values);
        let known = groups.iter().position(|group| group.file == file && names(&group.inputs) == wanted);
        let group = match known {
            Some(known) => &mut groups[known],
            None => {
                let id = ids.give(&snake(stem(file), "sheet"));
                let mut inputs = Map::new();
                for name in &wanted {
                    inputs.set(name, marked(&format!("row{}", member(name))));
                }
                let key = keys.give("rows");
                groups.push(Rows { file, id, inputs, key, rows: Vec::new() });
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        at.becomes_step(&group.id);
        group.rows.push(values);
    }
    groups
}

impl Rows<'_> {
    /// What tells one row from another in names of files, in the tool's way: each value by its name. Nothing where one
    /// of them cannot stand there.
    pub(super) fn suffix(&self) -> Option<String> {
        let mut out = String::new();
        for (name, _) in &self.inputs.0 {
            let all: Vec<&Out> = self.rows.iter().filter_map(|row| row.get(name)).collect();
            let inner = |value: &Out| match value {
                Out::Map(map) => map.get("value").cloned(),
                _ => None,
            };
            let units = all.iter().filter(|value| inner(value).is_some()).count();
            if !all.iter().all(|value| super::nameable(&inner(value).unwrap_or_else(|| (*value).clone()))) {
                return None;
            }
            let read = format!("row{}", member(name));
            let value = match units {
                0 => read,
                some if some == all.len() => format!("{read}.value"),
                _ => format!("type({read}) == map ? {read}.value : {read}"),
            };
            out.extend(["_", &super::clean(name), "-", &marked(&value)]);
        }
        Some(out)
    }
}

//! What the files of a chain hand on to each other.

use super::formula::formula;
use super::sheets::{Sheet, Wire};
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

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

pub(super) fn map(mapping: At<'_, '_>, sheets: &mut [Sheet<'_, '_>]) {
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

pub(super) fn aggregate(at: At<'_, '_>, sheets: &mut [Sheet<'_, '_>]) {
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
        match formula(text, sheets, target, None, false) {
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

//! The step that a file of a chain becomes.

use std::collections::HashSet;

use super::settings::Failure;
use super::sheets::{Sheet, Wire};
use crate::import::naming::seconds;
use crate::import::out::{Map, Out, literal, marked};
use crate::import::report::Verdict::NotExpressible;

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

pub(super) fn step(
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

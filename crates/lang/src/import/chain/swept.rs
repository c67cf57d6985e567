//! A chain that is calculated once for each case.

use std::collections::HashMap;

use super::sheets::Sweep;
use crate::import::out::{Map, Out, marked};
use crate::import::report::Verdict::Changed;
use crate::import::source::At;

/// The id of the group that goes through the cases of a sweep.
pub(super) const CASES: &str = "cases";

/// Whether lists go together element by element, by the word at a key; else each goes with each.
pub(in crate::import) fn zipped(root: At<'_, '_>, key: &str) -> bool {
    match root.text_at(key) {
        Some("zip") => true,
        Some("combination") | None => false,
        Some(other) => {
            if let Some(at) = root.get(key) {
                let why = format!("`{other}` is neither `combination` nor `zip`; every combination is taken");
                at.say(Changed, why);
            }
            false
        }
    }
}

/// The steps once per case.
pub(super) fn swept(sweep: &Sweep, zipped: bool, mut steps: Vec<Map>) -> Map {
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

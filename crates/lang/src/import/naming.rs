//! Names as the language writes them, made of names as others do.

use std::collections::HashMap;

use crate::limits;

/// The words of a name in small letters, joined.
fn joined(text: &str, glue: char) -> String {
    let mut out = String::new();
    let mut small = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && small {
                out.push(glue);
            }
            small = c.is_ascii_lowercase() || c.is_ascii_digit();
            out.push(c.to_ascii_lowercase());
        } else {
            small = false;
            if !out.is_empty() && !out.ends_with(glue) {
                out.push(glue);
            }
        }
        if out.len() >= limits::NAME_BYTES - 6 {
            break;
        }
    }
    out.trim_matches(glue).to_owned()
}

/// A name of a workflow made of any text.
pub(super) fn kebab(text: &str, otherwise: &str) -> String {
    let name = joined(text, '-');
    if name.is_empty() {
        return otherwise.to_owned();
    }
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("w-{name}") } else { name };
    if crate::names::workflow(&name).is_ok() { name } else { format!("{name}-flow") }
}

/// A name of a step, an input or a key made of any text.
pub(super) fn snake(text: &str, otherwise: &str) -> String {
    let name = joined(text, '_');
    let name = match name.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{otherwise}_{name}"),
        Some(_) => name,
    };
    if matches!(name.as_str(), "end" | "fail" | "null" | "true" | "false" | "in")
        || crate::expr::RESERVED.contains(&name.as_str())
    {
        name + "_"
    } else {
        name
    }
}

/// A name made of another one, short enough to get a number.
pub(super) fn suffixed(base: &str, suffix: &str) -> String {
    let most = (limits::NAME_BYTES - 7).saturating_sub(suffix.len());
    // Names are ASCII.
    let base = base.get(..most.min(base.len())).unwrap_or(base);
    format!("{}_{suffix}", base.trim_end_matches('_'))
}

/// Names that were given, so that none is given twice.
#[derive(Debug, Default)]
pub(super) struct Given(HashMap<String, u32>);

impl Given {
    /// A name like the wanted one that nobody has.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let mut number = *self.0.entry(wanted.to_owned()).and_modify(|n| *n += 1).or_insert(1);
        if number == 1 {
            return wanted.to_owned();
        }
        loop {
            let name = format!("{wanted}_{number}");
            if !self.0.contains_key(&name) {
                self.0.insert(wanted.to_owned(), number);
                self.0.insert(name.clone(), 1);
                return name;
            }
            number += 1;
        }
    }
}

/// The last part of a path, without what is behind its first dot.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Seconds as a length of time is written.
pub(super) fn seconds(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round().clamp(0.0, limits::DURATION_MILLIS as f64) as u64;
    match millis {
        0 => "0s".to_owned(),
        m if m % 3_600_000 == 0 => format!("{}h", m / 3_600_000),
        m if m % 60_000 == 0 => format!("{}m", m / 60_000),
        m if m % 1000 == 0 => format!("{}s", m / 1000),
        m => format!("{m}ms"),
    }
}

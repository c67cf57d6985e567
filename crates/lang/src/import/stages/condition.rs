//! Conditions over paths of what a stage or a node gave.

use std::fmt::Write as _;

use crate::import::out::quoted;
use crate::import::words::{Word, judged, number, words};

/// A condition over paths (`$.done`, `$.score >= 80`, joined by `&&` and `||`), with what is missing as false.
pub(super) fn condition(text: &str, output: &str) -> Option<String> {
    // Writing to a text cannot fail.
    let text = text.replace("$.", "result_.");
    let all = words(&text)?;
    let mut out = String::new();
    let mut words = all.iter().peekable();
    while let Some(word) = words.next() {
        match word {
            Word::Name(name) => {
                let path: String =
                    name.strip_prefix("result_.")?.split('.').map(|part| format!(".?{part}")).collect();
                let compared = match words.peek() {
                    Some(Word::Sign(
                        sign @ ("==" | "===" | "!=" | "!==" | ">=" | "<=" | ">" | "<" | "="),
                    )) => Some(*sign),
                    _ => None,
                };
                let Some(sign) = compared else {
                    let _ = write!(out, "{output}{path}.orValue(false) == true");
                    continue;
                };
                words.next();
                let value = match words.next()? {
                    Word::Number(text) => number(text)?,
                    Word::Text(text) => quoted(text),
                    Word::Name(name) if matches!(name.as_str(), "true" | "false" | "null") => name.clone(),
                    _ => return None,
                };
                let sign = match sign {
                    "=" | "===" => "==",
                    "!==" => "!=",
                    sign => sign,
                };
                let _ = write!(out, "{output}{path}.optMap(v, v {sign} {value}).orValue(false)");
            }
            Word::Sign(sign @ ("&&" | "||")) => out.extend([" ", sign, " "]),
            Word::Sign(sign @ ("(" | ")" | "!")) => out.push_str(sign),
            _ => return None,
        }
    }
    judged(&out, true).ok()?;
    Some(out)
}

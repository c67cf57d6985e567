//! Formulas over the outputs of a chain's files.

use super::sheets::Sheet;
use crate::import::out::quoted;
use crate::import::words::{Word, judged, number, words};

/// The newest output of a name among the sheets up to one.
fn newest(sheets: &[Sheet<'_, '_>], alias: &str, before: usize) -> Option<usize> {
    let has = |sheet: &Sheet<'_, '_>| sheet.outputs.iter().any(|(known, _)| known == alias);
    sheets[..before].iter().rposition(has)
}

/// A formula over outputs, as an expression, and the last sheet that it reads; a condition gives a boolean.
pub(super) fn formula(
    text: &str,
    sheets: &mut [Sheet<'_, '_>],
    before: usize,
    home: Option<usize>,
    condition: bool,
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
    judged(&out, condition).map_err(|why| format!("`{text}` is no formula: {why}"))?;
    Ok((out, last))
}

fn is_word(name: &str) -> bool {
    ["and", "or", "not"].contains(&name.to_ascii_lowercase().as_str())
}

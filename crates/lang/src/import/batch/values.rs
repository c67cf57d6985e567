//! Where the values of an input come from: a list, a range, a column of a table.

use crate::import::out::Out;
use crate::limits;

/// The values of a range, counted from its start, without what adding up would bring in.
pub(super) fn range(start: f64, end: f64, step: f64) -> Result<Vec<Out>, String> {
    if step == 0.0 {
        return Err("a step of 0 leads nowhere".to_owned());
    }
    if (end - start) * step < 0.0 {
        return Err(format!("a step of {step} leads away from {end}"));
    }
    let count = (end - start) / step;
    // What a step meets but for what binary fractions lose counts as met.
    let count = (count + 1e-9).floor() + 1.0;
    if count > limits::IMPORT_VALUES as f64 {
        return Err(too_many(count));
    }
    let mut out = Vec::new();
    let mut at = 0.0;
    while at < count {
        let value = ((start + at * step) * 1e10).round() / 1e10;
        // Numbers that are whole are written as such.
        out.push(Out::Number(if value == value.trunc() && value.abs() < 1e15 {
            format!("{value:.0}")
        } else {
            value.to_string()
        }));
        at += 1.0;
    }
    Ok(out)
}

/// The values of a column of a table whose first row names the columns.
pub(super) fn column(text: &str, wanted: &str) -> Result<Vec<Out>, String> {
    let mut rows = Rows { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let head = rows.next().ok_or("it is empty")??;
    let at =
        head.iter().position(|name| name.trim() == wanted).ok_or_else(|| {
            match crate::expr::nearest(wanted, head.iter().map(|name| name.trim())) {
                Some(near) => format!("it has no column `{wanted}`; there is `{near}`"),
                None => format!("it has no column `{wanted}`"),
            }
        })?;
    let mut out = Vec::new();
    for row in rows {
        let row = row?;
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if out.len() == limits::IMPORT_VALUES {
            return Err(too_many(f64::INFINITY));
        }
        let cell = row.get(at).map_or("", |cell| cell.trim());
        let number = serde_json::from_str::<serde_json::Number>(cell);
        out.push(match number {
            Ok(number) => Out::Number(number.to_string()),
            Err(_) => Out::Text(cell.to_owned()).without_marks(),
        });
    }
    if out.is_empty() { Err("it has no rows".to_owned()) } else { Ok(out) }
}

fn too_many(count: f64) -> String {
    let most = limits::IMPORT_VALUES;
    match count.is_finite() {
        true => format!("{count} values are more than the {most} that a definition is given"),
        false => format!("there are more than the {most} values that a definition is given"),
    }
}

/// The rows of a CSV.
struct Rows<'t> {
    rest: &'t str,
    line: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<Vec<String>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let begun = self.line;
        let mut row = Vec::new();
        let mut cell = String::new();
        let mut quoted = false;
        let mut chars = self.rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if c == '\n' {
                self.line += 1;
            }
            match c {
                '"' if quoted && next == Some('"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' if quoted => quoted = false,
                '"' if cell.is_empty() => quoted = true,
                ',' if !quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !quoted && next == Some('\n') => {}
                '\n' if !quoted => {
                    row.push(cell);
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Some(Ok(row));
                }
                c => cell.push(c),
            }
        }
        self.rest = "";
        if quoted {
            return Some(Err(format!("a quote of line {begun} is not closed")));
        }
        row.push(cell);
        Some(Ok(row))
    }
}

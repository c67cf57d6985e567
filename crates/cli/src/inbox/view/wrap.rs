//! Texts, cut to the width of the screen.

use unicode_width::UnicodeWidthChar as _;

use crate::text;

/// A line, cut into lines of so many columns: at spaces, where there are any.
pub fn wrap(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    if line.len() <= columns {
        return vec![line.to_owned()];
    }
    let mut out = Vec::new();
    let (mut start, mut used, mut space) = (0, 0, None);
    for (at, c) in line.char_indices() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns && at > start {
            let end = if c == ' ' { at } else { space.filter(|space| *space > start).unwrap_or(at) };
            out.push(line[start..end].trim_end().to_owned());
            // One space is what parts the lines.
            start = end + usize::from(line[end..].starts_with(' '));
            used = text::width(line.get(start..at).unwrap_or_default());
            space = None;
        }
        if c == ' ' && at >= start {
            // What is indented is not cut there.
            if !line[start..at].trim().is_empty() {
                space = Some(at);
            }
        }
        if at >= start {
            used += wide;
        }
    }
    if start < line.len() || out.is_empty() {
        out.push(line[start..].to_owned());
    }
    out
}

/// A text in lines of so many columns, and row and column of a byte of it. Cut at any letter, so that nothing jumps
/// while it is typed.
pub(super) fn wrap_at(whole: &str, columns: usize, cursor: usize) -> (Vec<String>, (usize, usize)) {
    let columns = columns.max(2);
    let mut lines = vec![String::new()];
    let (mut used, mut place) = (0, (0, 0));
    for (at, c) in whole.char_indices().chain([(whole.len(), '\0')]) {
        let wide = if c == '\n' || c == '\0' { 0 } else { c.width().unwrap_or(0) };
        // The cursor stands on a column of its own, behind the last letter as well.
        if used + wide > columns - usize::from(c != '\n') {
            lines.push(String::new());
            used = 0;
        }
        if at == cursor {
            place = (lines.len() - 1, used);
        }
        match (c, lines.last_mut()) {
            ('\n', _) => {
                lines.push(String::new());
                used = 0;
            }
            ('\0', _) => {}
            (c, Some(line)) => {
                line.push(c);
                used += wide;
            }
            (_, None) => {}
        }
    }
    (lines, place)
}

//! Tables: columns as wide as what stands in them, the last one cut to the screen.

use crate::face::{Face, Ink};
use crate::line::Line;
use crate::text;

/// A table that is being made.
#[derive(Debug)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<(Ink, String)>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with a cell for each heading.
    pub fn row(&mut self, cells: Vec<(Ink, String)>) {
        debug_assert_eq!(cells.len(), self.head.len());
        self.rows.push(cells.into_iter().map(|(ink, text)| (ink, text::clean(&text))).collect());
    }

    /// The table as text. `columns` is the width of the screen; without it nothing is cut.
    pub fn render(&self, columns: Option<usize>, face: Face) -> String {
        let mut widths: Vec<usize> = self.head.iter().map(|head| text::width(head)).collect();
        for row in &self.rows {
            for (width, (_, cell)) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(cell));
            }
        }
        let head = self.head.iter().map(|head| (Ink::Dim, (*head).to_owned())).collect();
        let mut out = String::new();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = Line::new();
            let mut column = 0;
            for (width, (ink, cell)) in widths.iter().zip(row) {
                if !cell.is_empty() {
                    line.pad_to(column);
                    line.add(*ink, cell);
                }
                column += width + 2;
            }
            out.push_str(&match columns {
                Some(columns) => line.render(columns, face),
                None => line.whole(face),
            });
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&["A", "NAME", ""]);
        table.row(vec![(Ink::Plain, "1".into()), (Ink::Plain, "日本".into()), (Ink::Plain, "why".into())]);
        table.row(vec![(Ink::Plain, "22".into()), (Ink::Plain, "x".into()), (Ink::Plain, String::new())]);
        let face = Face { color: false, unicode: false };
        assert_eq!(table.render(None, face), "A   NAME\n1   日本  why\n22  x\n");
        assert_eq!(table.render(Some(8), face), "A   NAME\n1   ...\n22  x\n");
    }
}

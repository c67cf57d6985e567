//! Lines made of pieces in different colours, cut to the width of the screen.

use crate::face::{Face, Ink};
use crate::text;

/// A line that is not printed yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Ink, String)>);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a piece in a colour. It is made harmless here: whatever stands in it came from outside.
    pub fn ink(mut self, ink: Ink, piece: &str) -> Self {
        self.add(ink, piece);
        self
    }

    /// With a piece.
    pub fn plain(self, piece: &str) -> Self {
        self.ink(Ink::Plain, piece)
    }

    /// Adds a piece.
    pub fn add(&mut self, ink: Ink, piece: &str) {
        if !piece.is_empty() {
            self.0.push((ink, text::clean(piece)));
        }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, piece)| text::width(piece)).sum()
    }

    /// Adds spaces up to a column.
    pub fn pad_to(&mut self, column: usize) {
        let missing = column.saturating_sub(self.width());
        self.add(Ink::Plain, &" ".repeat(missing));
    }

    /// The text, cut to so many columns.
    pub fn render(&self, columns: usize, face: Face) -> String {
        let fits = self.width() <= columns;
        let mark = face.ellipsis();
        let mut left = if fits { columns } else { columns.saturating_sub(text::width(mark)) };
        let mut out = String::new();
        for (ink, piece) in &self.0 {
            let part = text::cut(piece, left, "");
            left -= text::width(&part);
            out.push_str(&face.paint(*ink, &part));
            if part.len() < piece.len() {
                break;
            }
        }
        if !fits && columns >= text::width(mark) {
            out.push_str(mark);
        }
        out
    }

    /// The whole text, whatever its width.
    pub fn whole(&self, face: Face) -> String {
        self.0.iter().map(|(ink, piece)| face.paint(*ink, piece)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Face = Face { color: false, unicode: true };

    #[test]
    fn a_line_is_cut_to_the_screen_and_not_within_a_colour() {
        let line = Line::new().ink(Ink::Red, "abc").plain("defg");
        assert_eq!(line.render(7, PLAIN), "abcdefg");
        assert_eq!(line.render(5, PLAIN), "abcd…");
        assert_eq!(line.render(3, PLAIN), "ab…");
        assert_eq!(line.render(0, PLAIN), "");
        let colour = Face { color: true, unicode: true };
        assert_eq!(line.render(5, colour), "\x1b[31mabc\x1b[0md…");
    }

    #[test]
    fn pieces_cannot_break_out_of_their_line() {
        let line = Line::new().plain("a\nb\x1b[2J");
        assert_eq!(line.render(80, PLAIN), "a b");
    }
}

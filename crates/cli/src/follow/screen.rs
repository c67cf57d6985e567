//! The part of the terminal that is drawn again and again.
//!
//! The cursor stands at the beginning of the line below the last one. It is never hidden and no mode of the
//! terminal is changed, so there is nothing to put back when the process ends in whatever way.

use std::fmt::Write as _;

use stead_platform::terminal::{Size, size};

use crate::face::Face;
use crate::line::Line;
use crate::out;

/// Lines on standard error that replace each other.
#[derive(Debug)]
pub struct Screen {
    face: Face,
    /// Columns that each line took when it was drawn.
    drawn: Vec<usize>,
    before: String,
}

impl Screen {
    /// Nothing is drawn yet.
    pub fn new(face: Face) -> Self {
        Self { face, drawn: Vec::new(), before: String::new() }
    }

    /// How large it is now.
    pub fn size() -> Size {
        size(std::io::stderr()).unwrap_or(Size { columns: 80, rows: 24 })
    }

    /// Draws these lines where the last ones were.
    pub fn draw(&mut self, lines: &[Line], size: Size) {
        let mut body = String::new();
        let mut widths = Vec::with_capacity(lines.len());
        for line in lines {
            // The last column stays free: some terminals go to the next line when it is written.
            let columns = usize::from(size.columns).saturating_sub(1);
            widths.push(line.width().min(columns));
            let _ = writeln!(body, "{}\x1b[K\r", line.render(columns, self.face));
        }
        let key = format!("{}x{}\n{body}", size.columns, size.rows);
        if key == self.before {
            return;
        }
        out::say(&format!("{}{body}\x1b[J", self.up(size)));
        (self.drawn, self.before) = (widths, key);
    }

    /// Takes the lines away.
    pub fn clear(&mut self) {
        if !self.drawn.is_empty() {
            out::say(&format!("{}\x1b[J", self.up(Self::size())));
            self.drawn.clear();
            self.before.clear();
        }
    }

    /// The way back to the first line. A terminal that became narrower has broken long lines in two.
    fn up(&self, size: Size) -> String {
        let columns = usize::from(size.columns).max(1);
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        // What was scrolled out cannot be reached, and is not to be drawn into.
        match rows.min(usize::from(size.rows).saturating_sub(1)) {
            0 => "\r".to_owned(),
            rows => format!("\r\x1b[{rows}A"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_counts_lines_that_the_terminal_has_broken() {
        let face = Face { color: false, unicode: true };
        let screen = Screen { face, drawn: vec![79, 10, 40], before: String::new() };
        assert_eq!(screen.up(Size { columns: 80, rows: 24 }), "\r\x1b[3A");
        assert_eq!(screen.up(Size { columns: 40, rows: 24 }), "\r\x1b[4A");
        assert_eq!(screen.up(Size { columns: 10, rows: 5 }), "\r\x1b[4A", "no further than the screen");
        assert_eq!(Screen::new(face).up(Size { columns: 80, rows: 24 }), "\r");
    }
}

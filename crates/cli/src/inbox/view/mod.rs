//! What the screen shows of a [`State`]: lines, and where the cursor stands. Pure as well.

mod foot;
mod list;
mod task;
mod wrap;

use stead_core::Time;
use stead_core::task::TaskHead;

use super::model::State;
use crate::commands::tasks::show::stands;
use crate::face::{Face, Ink};
use crate::line::Line;

pub use wrap::wrap;

/// A screen.
#[derive(Debug, Default)]
pub struct Picture {
    /// From the top, at most as many as there is room.
    pub lines: Vec<Line>,
    /// Row and column of the cursor, where something is typed.
    pub cursor: Option<(usize, usize)>,
}
/// Draws it.
pub fn draw(state: &State, now: Time) -> Picture {
    let rows = usize::from(state.size.rows).max(1);
    let mut picture = Picture::default();
    if let Some(top) = state.help {
        let lines = foot::help(state);
        let height = rows.saturating_sub(2).max(1);
        let top = top.min(lines.len().saturating_sub(height));
        picture.lines.push(Line::new().ink(Ink::Bold, "Keys"));
        picture.lines.extend(lines.into_iter().skip(top).take(height));
        fill(&mut picture.lines, rows - 1);
        picture.lines.push(Line::new().ink(Ink::Dim, "j k scroll, any other key goes back"));
        picture.lines.truncate(rows);
        return picture;
    }
    let foot = foot::foot(state);
    let head = match &state.open {
        Some(open) => task::head(state, open, now),
        None => vec![list::head(state)],
    };
    let height = rows.saturating_sub(head.len() + foot.len()).max(1);
    let above = head.len();
    picture.lines = head;
    match &state.open {
        Some(open) => {
            let body = task::body(state, open, now);
            let scroll = open.scroll.min(body.lines.len().saturating_sub(height));
            if body.lines.len() > height {
                let (last, all) = (scroll + height, body.lines.len());
                let more = if last < all {
                    format!("line {} to {last} of {all}", scroll + 1)
                } else {
                    "the end".to_owned()
                };
                if let Some(free) = picture.lines.get_mut(2) {
                    *free = Line::new().ink(Ink::Dim, "  ").ink(Ink::Dim, &more);
                }
            }
            picture.cursor = body.cursor.and_then(|(line, column)| {
                let row = line.checked_sub(scroll).filter(|row| *row < height)?;
                Some((above + row, column))
            });
            picture.lines.extend(body.lines.into_iter().skip(scroll).take(height));
        }
        None => picture.lines.extend(list::rows(state, height, now)),
    }
    fill(&mut picture.lines, above + height);
    if let Some((row, column)) = foot::prompt_cursor(state) {
        picture.cursor = Some((above + height + row, column));
    }
    picture.lines.extend(foot);
    picture.lines.truncate(rows);
    picture
}

fn fill(lines: &mut Vec<Line>, height: usize) {
    lines.truncate(height);
    lines.resize_with(height, Line::new);
}

/// Rows of the list that there is room for.
pub fn list_height(state: &State) -> usize {
    usize::from(state.size.rows).saturating_sub(1 + foot::foot(state).len()).max(1)
}

/// Lines of the open task that there is room for.
pub fn body_height(state: &State) -> usize {
    let head = if state.open.is_some() { task::head_height(state) } else { 1 };
    usize::from(state.size.rows).saturating_sub(head + foot::foot(state).len()).max(1)
}

/// Keeps the open task from being scrolled past its end.
pub fn settle(state: &mut State) {
    let height = body_height(state);
    let Some(open) = &state.open else { return };
    let body = task::body(state, open, state.now);
    let most = body.lines.len().saturating_sub(height);
    let mut scroll = open.scroll.min(most);
    // What is being typed stays on the screen, however long it is.
    if let Some((line, _)) = body.cursor {
        scroll = scroll.clamp((line + 1).saturating_sub(height), line);
    }
    if let Some(open) = &mut state.open {
        open.scroll = scroll;
    }
}

/// Scrolls to what is focused.
pub fn reveal(state: &mut State) {
    let height = body_height(state);
    let Some(open) = &state.open else { return };
    let place = open.focus.and_then(|focus| task::body(state, open, state.now).places.get(focus).copied());
    let Some((first, behind)) = place else { return };
    let Some(open) = &mut state.open else { return };
    if behind > open.scroll.saturating_add(height) {
        open.scroll = behind - height;
    }
    open.scroll = open.scroll.min(first);
}
/// How it stands; of one that is over, that somebody was first.
fn stands_now(head: &TaskHead, now: Time) -> String {
    let words = stands(head, now);
    if head.status.is_end() { format!("already {words}") } else { words }
}

impl Picture {
    /// As plain text, for tests and for eyes.
    pub fn text(&self, face: Face, columns: usize) -> String {
        let face = Face { color: false, ..face };
        let lines: Vec<String> =
            self.lines.iter().map(|line| line.render(columns, face).trim_end().to_owned()).collect();
        lines.join("\n")
    }
}

//! What was said last, and the keys.

use stead_core::task::TaskKind;

use super::wrap;
use crate::face::Ink;
use crate::inbox::bindings::{self, KEYS, Place};
use crate::inbox::model::{State, What};
use crate::line::Line;
use crate::text;

/// What was said last, and the keys that matter most.
pub(super) fn foot(state: &State) -> Vec<Line> {
    let columns = state.columns();
    let most = (usize::from(state.size.rows) / 4).clamp(1, 4);
    let mut lines = Vec::new();
    if let Some((question, text)) = prompt(state) {
        lines.push(Line::new().ink(Ink::Bold, question).plain(text));
    } else if let Some((said, bad)) = &state.said {
        let ink = if *bad { Ink::Red } else { Ink::Green };
        for line in said.iter().flat_map(|line| wrap(&text::clean(line), columns)) {
            lines.push(Line::new().ink(ink, &line));
        }
        lines.truncate(most);
    } else {
        lines.push(status(state));
    }
    lines.push(Line::new().ink(Ink::Dim, &hints(state, columns)));
    lines
}

fn prompt(state: &State) -> Option<(&'static str, &str)> {
    let typing = state.open.as_ref()?.typing.as_ref()?;
    let question = match typing.what {
        What::Skip => "Why? ",
        What::Delegate => "To whom? ",
        _ => return None,
    };
    Some((question, &typing.edit.text))
}

pub(super) fn prompt_cursor(state: &State) -> Option<(usize, usize)> {
    let (question, text) = prompt(state)?;
    let at = state.open.as_ref()?.typing.as_ref()?.edit.at;
    let column = text::width(question) + text::width(&text[..at]);
    Some((0, column.min(state.columns().saturating_sub(1))))
}

fn status(state: &State) -> Line {
    if let Some(why) = &state.unread {
        return Line::new().ink(Ink::Red, &format!("cannot be read for now, and is tried again: {why}"));
    }
    let work = state.open.as_ref().and_then(|open| state.works.get(&open.id));
    let Some(work) = work else { return Line::new() };
    if let Some(why) = &work.trouble {
        return Line::new().ink(Ink::Red, &format!("your draft is not saved: {why}"));
    }
    if work.is_dirty() {
        return Line::new().ink(Ink::Dim, "saving your draft");
    }
    match work.saved_at {
        Some(at) if !work.etag.is_empty() => {
            Line::new().ink(Ink::Dim, &format!("draft saved {}", text::clock(at)))
        }
        _ => Line::new(),
    }
}

fn hints(state: &State, columns: usize) -> String {
    let mut items: Vec<&str> = match &state.open {
        None => vec!["j k move", "Enter open", "a accept", "r reject", "c claim", "q leave"],
        Some(open) => match &open.typing {
            Some(typing) => match typing.what {
                What::Skip | What::Delegate => vec!["Enter do it", "Esc leave it"],
                _ => vec!["Enter done", "Alt+Enter new line", "^Z undo", "^O editor", "^S hand in"],
            },
            None if open.now.as_ref().is_some_and(|now| now.head.status.is_end()) => {
                vec!["Esc back", "n next"]
            }
            None => match open.now.as_ref().map(|now| now.head.kind) {
                Some(TaskKind::Questions) => {
                    vec![
                        "^S hand in",
                        "Tab fields",
                        "Enter fill in",
                        "1-9 choose",
                        "u undo",
                        "m comment",
                        "Esc back",
                    ]
                }
                _ => vec![
                    "a accept",
                    "r reject",
                    "^S hand in",
                    "m comment",
                    "u undo",
                    "j k scroll",
                    "Esc back",
                ],
            },
        },
    };
    let last = if state.open.as_ref().is_some_and(|open| open.typing.is_some()) { "" } else { "? keys" };
    let dot = state.face.sign(" · ", " | ");
    loop {
        let all: Vec<&str> = items.iter().copied().chain([last]).filter(|item| !item.is_empty()).collect();
        let line = all.join(dot);
        if text::width(&line) <= columns || items.pop().is_none() {
            return line;
        }
    }
}

pub(super) fn help(state: &State) -> Vec<Line> {
    let places = [(Place::List, "In the list"), (Place::Task, "In a task")];
    let mut lines = Vec::new();
    for (place, title) in places {
        lines.push(Line::new());
        lines.push(Line::new().ink(Ink::Bold, title));
        for (_, all, _, what) in KEYS.iter().filter(|(places, ..)| places.contains(&place)) {
            let mut line = Line::new().plain("  ").ink(Ink::Bold, &bindings::names(all));
            line.pad_to(22.min(state.columns() / 2));
            lines.push(line.plain(" ").plain(what));
        }
    }
    lines.push(Line::new());
    lines.push(Line::new().ink(Ink::Bold, "While typing"));
    for (name, what) in [
        ("Enter, Esc", "done; what was typed is kept as your draft"),
        ("Alt+Enter", "a new line"),
        ("Ctrl+Z", "undo"),
        ("Ctrl+O", "go on in $EDITOR"),
        ("Ctrl+S", "hand in"),
    ] {
        let mut line = Line::new().plain("  ").ink(Ink::Bold, name);
        line.pad_to(22.min(state.columns() / 2));
        lines.push(line.plain(" ").plain(what));
    }
    lines
}

//! What each key does: one table, from which help and manual are made.

use std::fmt::Write as _;

use super::keys::Key;

/// What can be done, apart from typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table says what each does")]
pub enum Do {
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    Open,
    Back,
    Accept,
    Reject,
    Comment,
    NextField,
    PreviousField,
    Choose(usize),
    Clear,
    Undo,
    Redo,
    HandIn,
    Claim,
    Skip,
    Delegate,
    Editor,
    NextTask,
    PreviousTask,
    Reload,
    Help,
    Leave,
}

/// Where a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the list.
    List,
    /// In a task that is open.
    Task,
}

/// A row of the table: where, the keys, what they do, and that in words for the help.
pub type Binding = (&'static [Place], &'static [Key], Do, &'static str);

use Place::{List, Task};
const BOTH: &[Place] = &[List, Task];

/// All keys but those of typing.
pub const KEYS: &[Binding] = &[
    (BOTH, &[Key::Char('j'), Key::Down], Do::Down, "down"),
    (BOTH, &[Key::Char('k'), Key::Up], Do::Up, "up"),
    (BOTH, &[Key::PageDown, Key::Char(' ')], Do::PageDown, "a page down"),
    (BOTH, &[Key::PageUp], Do::PageUp, "a page up"),
    (BOTH, &[Key::Char('g'), Key::Home], Do::First, "to the beginning"),
    (BOTH, &[Key::Char('G'), Key::End], Do::Last, "to the end"),
    (&[List], &[Key::Enter], Do::Open, "open the task"),
    (&[Task], &[Key::Enter], Do::Open, "fill in the field"),
    (&[Task], &[Key::Tab, Key::Right], Do::NextField, "next field"),
    (&[Task], &[Key::BackTab, Key::Left], Do::PreviousField, "field before"),
    (
        &[Task],
        &[
            Key::Char('1'),
            Key::Char('2'),
            Key::Char('3'),
            Key::Char('4'),
            Key::Char('5'),
            Key::Char('6'),
            Key::Char('7'),
            Key::Char('8'),
            Key::Char('9'),
        ],
        Do::Choose(0),
        "choose the first, the second, ... of the field",
    ),
    (&[Task], &[Key::Char('x'), Key::Delete], Do::Clear, "empty the field"),
    (BOTH, &[Key::Char('a')], Do::Accept, "accept; it counts once it is handed in"),
    (BOTH, &[Key::Char('r')], Do::Reject, "reject, likewise"),
    (BOTH, &[Key::Char('m')], Do::Comment, "comment"),
    (&[Task], &[Key::Char('e')], Do::Editor, "comment, or the field, with $EDITOR"),
    (&[Task], &[Key::Char('u'), Key::Ctrl('z')], Do::Undo, "undo, as far back as you like"),
    (&[Task], &[Key::Char('U')], Do::Redo, "redo"),
    (&[Task], &[Key::Ctrl('s'), Key::CtrlEnter], Do::HandIn, "hand in, and open the next task"),
    (BOTH, &[Key::Char('c')], Do::Claim, "claim it, or give it back"),
    (BOTH, &[Key::Char('s')], Do::Skip, "leave it to others, and say why"),
    (BOTH, &[Key::Char('d')], Do::Delegate, "give it to somebody else"),
    (&[Task], &[Key::Char('n')], Do::NextTask, "next task"),
    (&[Task], &[Key::Char('p')], Do::PreviousTask, "task before"),
    (BOTH, &[Key::Ctrl('l')], Do::Reload, "read it again and draw it anew"),
    (BOTH, &[Key::Char('?')], Do::Help, "these keys"),
    (&[Task], &[Key::Esc, Key::Char('q')], Do::Back, "back to the list; nothing is lost"),
    (&[List], &[Key::Char('q'), Key::Esc], Do::Leave, "leave"),
    (BOTH, &[Key::Ctrl('c')], Do::Leave, "leave; nothing is lost"),
];

/// The keys of one row as people call them.
pub fn names(keys: &[Key]) -> String {
    match keys.len() {
        9 => "1-9".to_owned(),
        _ => keys.iter().map(name).collect::<Vec<_>>().join(" "),
    }
}

/// The table for the help of the command.
pub fn help() -> String {
    let mut help = String::from(
        "At a terminal the inbox takes the whole screen; --plain, --json, --done, --limit and --after list it, and so does a \
         terminal that cannot be drawn on.\nWhat is filled in is saved as your draft within a second, and nothing is \
         decided before it is handed in.\n\nKeys (L in the list, T in a task):\n",
    );
    for (places, keys, _, what) in KEYS {
        let place = |place: Place, word: &'static str| if places.contains(&place) { word } else { " " };
        let places = format!("{}{}", place(List, "L"), place(Task, "T"));
        // Writing to a text does not fail.
        let _ = writeln!(help, "  {places}  {:<20} {what}", names(keys));
    }
    help.push_str("The comment and texts are typed; Enter ends that, Alt+Enter begins a new line, Ctrl+O opens $EDITOR.");
    help
}

/// What a key does.
pub fn bound(place: Place, key: &Key) -> Option<Do> {
    let mut found = KEYS.iter().filter(|(places, keys, ..)| places.contains(&place) && keys.contains(key));
    let (_, keys, what, _) = found.next()?;
    Some(match what {
        Do::Choose(_) => Do::Choose(keys.iter().position(|one| one == key).unwrap_or_default()),
        other => *other,
    })
}

/// A key as people call it.
pub fn name(key: &Key) -> String {
    match key {
        Key::Char(' ') => "Space".into(),
        Key::Char(c) => c.to_string(),
        Key::Ctrl(c) => format!("Ctrl+{}", c.to_ascii_uppercase()),
        Key::CtrlEnter => "Ctrl+Enter".into(),
        Key::AltEnter => "Alt+Enter".into(),
        Key::BackTab => "Shift+Tab".into(),
        Key::PageUp => "PgUp".into(),
        Key::PageDown => "PgDn".into(),
        Key::Delete => "Del".into(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        for place in [Place::List, Place::Task] {
            let here = KEYS.iter().filter(|(places, ..)| places.contains(&place));
            let all: Vec<String> = here.flat_map(|(_, keys, ..)| keys.iter().map(name)).collect();
            let mut once = all.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), all.len(), "{place:?}: {all:?}");
        }
        assert_eq!(bound(Place::Task, &Key::Char('3')), Some(Do::Choose(2)));
        assert_eq!(bound(Place::List, &Key::Char('3')), None);
    }

    #[test]
    fn the_manual_has_every_key() {
        let manual = include_str!("../../../../docs/people.md");
        let table = manual.split_once("| key | ").unwrap().1.split_once("\n\n").unwrap().0;
        for (_, keys, _, what) in KEYS {
            let names: Vec<String> = match keys.len() {
                9 => vec!["1".into(), "9".into()],
                _ => keys.iter().map(name).collect(),
            };
            for name in names {
                assert!(table.contains(&format!("`{name}`")), "{name}: {what}");
            }
        }
    }
}

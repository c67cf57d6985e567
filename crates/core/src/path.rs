//! Paths of step instances: `per_epic[E-2]/draft#3`.
//!
//! An item's key stands in brackets, an iteration's number behind `#`, the number of a state's visit from the
//! second on behind `~`. What is done about an instance beside its own work stands behind `!`: `charge!undo`.
//! Brackets, `%` and control characters of a key are percent-encoded, so that a path says where it stands
//! without any other knowledge; all else reads as it was written.

use std::borrow::Cow;

/// What the last part of a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// The document's block: the empty path.
    Root,
    /// A step of a block.
    Step {
        /// Path of the block's instance.
        parent: &'a str,
        /// Id of the step.
        id: &'a str,
        /// Number of the visit of a state, from 1; 1 for other steps.
        visit: u32,
    },
    /// An item of a `foreach`.
    Item {
        /// Path of the step.
        holder: &'a str,
        /// Its key, decoded.
        key: Cow<'a, str>,
    },
    /// An iteration of a `loop`.
    Iteration {
        /// Path of the step.
        holder: &'a str,
        /// Its number, from 1.
        number: u32,
    },
    /// Something done about an instance: it is undone, or looked after whether it happened.
    Aside {
        /// Path of the instance.
        of: &'a str,
        /// What is done.
        what: Aside,
    },
}

/// What is done about an instance beside its own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aside {
    /// It is compensated.
    Undo,
    /// A probe asks whether it happened.
    Verify,
}

impl Aside {
    /// The word behind the `!` of the path.
    pub fn word(self) -> &'static str {
        match self {
            Aside::Undo => "undo",
            Aside::Verify => "verify",
        }
    }
}

/// Path of what is done about an instance.
pub fn aside(of: &str, what: Aside) -> String {
    format!("{of}!{}", what.word())
}

/// Whether a path names something done about an instance, and what.
pub fn as_aside(path: &str) -> Option<(&str, Aside)> {
    // The words are those of `Aside`; a key that ends so stands in brackets.
    match path.strip_suffix("!undo") {
        Some(of) => Some((of, Aside::Undo)),
        None => path.strip_suffix("!verify").map(|of| (of, Aside::Verify)),
    }
}

/// Path of a visit of a state: the first one's is that of the step.
pub fn visit(parent: &str, id: &str, number: u32) -> String {
    let path = step(parent, id);
    if number < 2 { path } else { format!("{path}~{number}") }
}

/// Whether `path` is `of` or stands inside of it.
pub fn is_within(path: &str, of: &str) -> bool {
    match path.strip_prefix(of) {
        Some(rest) => of.is_empty() || rest.is_empty() || rest.starts_with(['/', '#', '[', '!']),
        None => false,
    }
}

/// The path around a path: of the block of a step, the holder of an item, the instance of what is done about it.
pub fn around(path: &str) -> Option<&str> {
    match split(path) {
        Part::Root => None,
        Part::Step { parent, .. } => Some(parent),
        Part::Item { holder, .. } | Part::Iteration { holder, .. } => Some(holder),
        Part::Aside { of, .. } => Some(of),
    }
}

/// Path of a step inside a block's instance.
pub fn step(parent: &str, id: &str) -> String {
    if parent.is_empty() {
        return id.to_owned();
    }
    let mut path = String::with_capacity(parent.len() + id.len() + 1);
    path.push_str(parent);
    path.push('/');
    path.push_str(id);
    path
}

/// Path of an item.
pub fn item(holder: &str, key: &str) -> String {
    format!("{holder}[{}]", encode(key))
}

/// Path of an iteration.
pub fn iteration(holder: &str, number: u32) -> String {
    format!("{holder}#{number}")
}

/// Takes the last part of a path off.
pub fn split(path: &str) -> Part<'_> {
    if path.is_empty() {
        return Part::Root;
    }
    if let Some((of, what)) = as_aside(path) {
        return Part::Aside { of, what };
    }
    if let Some(body) = path.strip_suffix(']')
        && let Some(open) = body.rfind('[')
    {
        return Part::Item { holder: &body[..open], key: decode(&body[open + 1..]) };
    }
    match path.rfind(['/', '#']) {
        Some(at) if path.as_bytes()[at] == b'#' => {
            // A number that does not parse cannot have been written by `iteration`; 0 names no iteration.
            Part::Iteration { holder: &path[..at], number: path[at + 1..].parse().unwrap_or(0) }
        }
        Some(at) => visited(&path[..at], &path[at + 1..]),
        None => visited("", path),
    }
}

fn visited<'a>(parent: &'a str, last: &'a str) -> Part<'a> {
    match last.split_once('~') {
        Some((id, number)) => Part::Step { parent, id, visit: number.parse().unwrap_or(0) },
        None => Part::Step { parent, id: last, visit: 1 },
    }
}

/// Whether the last part of a path is written as this module writes it.
pub(crate) fn is_canonical(path: &str) -> bool {
    match split(path) {
        Part::Root => true,
        Part::Step { parent, id, visit: number } => number > 0 && visit(parent, id, number) == path,
        Part::Item { holder, key } => item(holder, &key) == path,
        Part::Iteration { holder, number } => number > 0 && iteration(holder, number) == path,
        Part::Aside { of, what } => aside(of, what) == path,
    }
}

/// A path without the numbers of iterations and visits: what stays the same when a step is done again.
pub fn place(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let (mut key, mut number) = (false, false);
    for c in path.chars() {
        match c {
            '[' => (key, number) = (true, false),
            ']' => key = false,
            '/' if !key => number = false,
            '#' | '~' if !key => number = true,
            _ => {}
        }
        if !number {
            out.push(c);
        }
    }
    out
}

/// The ids of a path without keys, numbers and what is done about it: the path of the step in the plan.
pub fn plan_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let (mut key, mut number) = (false, false);
    for c in path.chars() {
        match c {
            '[' => key = true,
            ']' => key = false,
            _ if key => {}
            '#' | '~' | '!' => number = true,
            '/' => {
                number = false;
                out.push('/');
            }
            _ if number => {}
            _ => out.push(c),
        }
    }
    out
}

fn is_structure(byte: u8) -> bool {
    matches!(byte, b'[' | b']' | b'%' | 0..=31 | 127)
}

fn encode(key: &str) -> Cow<'_, str> {
    if !key.bytes().any(is_structure) {
        return Cow::Borrowed(key);
    }
    let mut out = String::with_capacity(key.len() + 8);
    for c in key.chars() {
        match u8::try_from(c) {
            Ok(byte) if is_structure(byte) => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn decode(key: &str) -> Cow<'_, str> {
    if !key.contains('%') {
        return Cow::Borrowed(key);
    }
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_keys_and_no_numbers() {
        for (path, is) in [
            ("ship", "ship"),
            ("ship~2", "ship"),
            ("a#3/ship~12", "a/ship"),
            ("each[a]#2/b[x~1#2/y]/ship~3", "each[a]/b[x~1#2/y]/ship"),
            ("a~2[k]/b#1", "a[k]/b"),
        ] {
            assert_eq!(place(path), is);
        }
    }

    #[test]
    fn a_path_says_where_it_stands() {
        assert_eq!(split(""), Part::Root);
        let first = |parent, id| Part::Step { parent, id, visit: 1 };
        assert_eq!(split("a"), first("", "a"));
        assert_eq!(split("a/b"), first("a", "b"));
        assert_eq!(split("a/b~3"), Part::Step { parent: "a", id: "b", visit: 3 });
        assert_eq!(split("a~2"), Part::Step { parent: "", id: "a", visit: 2 });
        assert_eq!(split("a~2[x]"), Part::Item { holder: "a~2", key: "x".into() });
        assert_eq!(split("a~2/b"), first("a~2", "b"));
        assert_eq!(split("a[x]!undo"), Part::Aside { of: "a[x]", what: Aside::Undo });
        assert_eq!(split("a[x!undo]"), Part::Item { holder: "a", key: "x!undo".into() });
        assert_eq!(plan_path("a~2[x~1]/b#3/c!undo"), "a/b/c");
        assert_eq!(split("a#3"), Part::Iteration { holder: "a", number: 3 });
        assert_eq!(split("a#3/b"), first("a#3", "b"));
        assert_eq!(split("a[E-2]/b#12"), Part::Iteration { holder: "a[E-2]/b", number: 12 });
        assert_eq!(split("a[E-2]"), Part::Item { holder: "a", key: "E-2".into() });
        assert_eq!(split("a[x/y#1]/b"), first("a[x/y#1]", "b"));
        assert!(is_within("a[x]/b", "a[x]") && is_within("a", "a") && is_within("a", ""));
        assert!(!is_within("ab", "a") && !is_within("a~2", "a") && !is_within("a", "a/b"));
        assert_eq!(item("a", "crates/cli"), "a[crates/cli]");
    }

    #[test]
    fn keys_of_any_text_survive() {
        for key in ["", "plain", "a/b", "x[1]", "#4", "50%", "%41", "tab\there", "äöü", "]["] {
            let path = item("h/s", key);
            assert_eq!(split(&path), Part::Item { holder: "h/s", key: key.into() }, "{path}");
            assert_eq!(plan_path(&step(&path, "in")), "h/s/in");
        }
    }
}

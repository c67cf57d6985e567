//! Paths of step instances: `per_epic[E-2]/draft#3`.
//!
//! An item's key stands in brackets, an iteration's number behind `#`. Brackets, `%` and control characters
//! of a key are percent-encoded, so that a path says where it stands without any other knowledge; all else
//! reads as it was written.

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
        Some(at) => Part::Step { parent: &path[..at], id: &path[at + 1..] },
        None => Part::Step { parent: "", id: path },
    }
}

/// The ids of a path without keys and numbers: the path of the step in the plan.
pub fn plan_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let (mut key, mut number) = (false, false);
    for c in path.chars() {
        match c {
            '[' => key = true,
            ']' => key = false,
            _ if key => {}
            '#' => number = true,
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
    fn a_path_says_where_it_stands() {
        assert_eq!(split(""), Part::Root);
        assert_eq!(split("a"), Part::Step { parent: "", id: "a" });
        assert_eq!(split("a/b"), Part::Step { parent: "a", id: "b" });
        assert_eq!(split("a#3"), Part::Iteration { holder: "a", number: 3 });
        assert_eq!(split("a#3/b"), Part::Step { parent: "a#3", id: "b" });
        assert_eq!(split("a[E-2]/b#12"), Part::Iteration { holder: "a[E-2]/b", number: 12 });
        assert_eq!(split("a[E-2]"), Part::Item { holder: "a", key: "E-2".into() });
        assert_eq!(split("a[x/y#1]/b"), Part::Step { parent: "a[x/y#1]", id: "b" });
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

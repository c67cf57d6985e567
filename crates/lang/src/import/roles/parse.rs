//! The template of a role, in parts: texts, values, and blocks that depend on values.

use crate::limits;

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Text as it stands.
    Text(String),
    /// A value: as text, or as JSON where that is said.
    Value { path: Path, json: bool },
    /// One of two texts, by whether a value is there and not empty.
    If { path: Path, then: Vec<Part>, otherwise: Vec<Part> },
    /// A text for each element of a list; another one where there is none.
    Each { path: Path, body: Vec<Part>, otherwise: Vec<Part> },
    /// What is not understood, as it stands.
    Bad(String),
}

impl Part {
    /// Length of the text that it is, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Bad(text) => text.len(),
            Self::Value { .. } | Self::If { .. } | Self::Each { .. } => 0,
        }
    }

    /// As it would be written.
    pub(super) fn source(&self) -> String {
        let all = |parts: &[Part]| parts.iter().map(Self::source).collect::<String>();
        let block = |name: &str, path: &Path, then: &[Part], otherwise: &[Part]| {
            let or =
                if otherwise.is_empty() { String::new() } else { format!("{{{{else}}}}{}", all(otherwise)) };
            format!("{{{{#{name} {path}}}}}{}{or}{{{{/{name}}}}}", all(then))
        };
        match self {
            Self::Text(text) | Self::Bad(text) => text.clone(),
            Self::Value { path, json: false } => format!("{{{{{path}}}}}"),
            Self::Value { path, json: true } => format!("{{{{json {path}}}}}"),
            Self::If { path, then, otherwise } => block("if", path, then, otherwise),
            Self::Each { path, body, otherwise } => block("each", path, body, otherwise),
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let this = self.this.then_some("this");
        let names: Vec<&str> = this.into_iter().chain(self.names.iter().map(String::as_str)).collect();
        write!(f, "{}{}", "../".repeat(self.up), names.join("."))
    }
}

/// What is read: a name, with the names that are read in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Path {
    /// How many blocks further out: `../`.
    pub(super) up: usize,
    /// Whether it begins with the element of the block: `this`.
    pub(super) this: bool,
    /// The names.
    pub(super) names: Vec<String>,
}

/// What stands between `{{` and `}}`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tag<'t> {
    Open(&'t str, &'t str),
    Else(&'t str),
    Close(&'t str),
    Comment,
    Other(&'t str),
}

/// A piece of the text, before blocks are put together.
struct Piece<'t> {
    /// The text before it.
    text: String,
    tag: Tag<'t>,
    /// As it was written.
    raw: &'t str,
}

/// A block that is open.
struct Frame<'t> {
    name: &'t str,
    path: Path,
    raw: String,
    /// What stands in it; before its `else`, once there was one.
    then: Option<Vec<Part>>,
    parts: Vec<Part>,
    /// Whether it stands for an `else if`, and ends with the block around it.
    chained: bool,
}

/// The parts of a template.
pub(super) fn parse(text: &str) -> Vec<Part> {
    let (pieces, rest) = pieces(text);
    let mut open: Vec<Frame<'_>> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for piece in pieces {
        push_text(&mut parts, piece.text);
        match piece.tag {
            Tag::Comment => {}
            Tag::Open(name @ ("if" | "unless" | "each"), argument) if open.len() < limits::IMPORT_PATH => {
                match path(argument) {
                    Some(path) => {
                        let parts = std::mem::take(&mut parts);
                        open.push(Frame {
                            name,
                            path,
                            raw: piece.raw.to_owned(),
                            then: None,
                            parts,
                            chained: false,
                        });
                        continue;
                    }
                    None => parts.push(Part::Bad(piece.raw.to_owned())),
                }
            }
            Tag::Else(rest) if open.last().is_some_and(|frame| frame.then.is_none()) => {
                if let Some(frame) = open.last_mut() {
                    frame.then = Some(std::mem::take(&mut parts));
                }
                let chained = rest.strip_prefix("if ").and_then(path);
                match chained {
                    Some(path) if open.len() < limits::IMPORT_PATH => {
                        let raw = piece.raw.to_owned();
                        open.push(Frame {
                            name: "if",
                            path,
                            raw,
                            then: None,
                            parts: Vec::new(),
                            chained: true,
                        });
                    }
                    _ if rest.is_empty() => {}
                    _ => parts.push(Part::Bad(piece.raw.to_owned())),
                }
                continue;
            }
            Tag::Close(name)
                if open.iter().rev().find(|frame| !frame.chained).is_some_and(|f| f.name == name) =>
            {
                while let Some(frame) = open.pop() {
                    let chained = frame.chained;
                    let (outer, block) = closed(frame, std::mem::take(&mut parts));
                    parts = outer;
                    parts.push(block);
                    if !chained {
                        break;
                    }
                }
            }
            Tag::Open(..) | Tag::Else(_) | Tag::Close(_) => parts.push(Part::Bad(piece.raw.to_owned())),
            Tag::Other(body) => parts.push(value(body).unwrap_or_else(|| Part::Bad(piece.raw.to_owned()))),
        }
    }
    push_text(&mut parts, rest);
    // What is not closed is no block: its begin is left as it stands, with what is in it.
    while let Some(frame) = open.pop() {
        let mut outer = frame.parts;
        outer.push(Part::Bad(frame.raw));
        outer.extend(frame.then.unwrap_or_default());
        outer.append(&mut parts);
        parts = outer;
    }
    parts
}

/// A block that is closed, and the parts before it.
fn closed(frame: Frame<'_>, last: Vec<Part>) -> (Vec<Part>, Part) {
    let (then, otherwise) = match frame.then {
        Some(then) => (then, last),
        None => (last, Vec::new()),
    };
    let path = frame.path;
    let block = match frame.name {
        "each" => Part::Each { path, body: then, otherwise },
        "unless" => Part::If { path, then: otherwise, otherwise: then },
        _ => Part::If { path, then, otherwise },
    };
    // In an `else if` the parts before it are those of the branch, and there are none.
    (frame.parts, block)
}

fn push_text(parts: &mut Vec<Part>, text: String) {
    if text.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(&text),
        _ => parts.push(Part::Text(text)),
    }
}

fn value(body: &str) -> Option<Part> {
    let (body, json) = match body.strip_prefix("json ") {
        Some(rest) => (rest, true),
        None => (body, false),
    };
    Some(Part::Value { path: path(body)?, json })
}

/// `name`, `this.name`, `../name`, `name.other`.
fn path(text: &str) -> Option<Path> {
    let mut rest = text.trim();
    let mut up = 0;
    while let Some(outer) = rest.strip_prefix("../") {
        rest = outer;
        up += 1;
    }
    let rest = rest.strip_prefix("./").unwrap_or(rest);
    let (this, rest) = match rest {
        "this" | "." => return Some(Path { up, this: true, names: Vec::new() }),
        rest => match rest.strip_prefix("this.").or_else(|| rest.strip_prefix("this/")) {
            Some(rest) => (true, rest),
            None => (false, rest),
        },
    };
    let names: Vec<String> = rest.split(['.', '/']).map(str::to_owned).collect();
    let word = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    (names.len() <= limits::IMPORT_PATH && up <= limits::IMPORT_PATH && names.iter().all(word))
        .then_some(Path { up, this, names })
}

/// The pieces of a text, and what stands behind the last one.
fn pieces(text: &str) -> (Vec<Piece<'_>>, String) {
    let mut out: Vec<Piece<'_>> = Vec::new();
    let mut before = String::new();
    // How far the text is read, and whether blanks that come next are trimmed off.
    let (mut done, mut trim) = (0, false);
    while let Some(rest) = text.get(done..)
        && let Some(at) = rest.find("{{")
    {
        let head = rest.get(..at).unwrap_or_default();
        before.push_str(if trim { head.trim_start() } else { head });
        trim = false;
        let start = done + at;
        let body = rest.get(at + 2..).unwrap_or_default();
        if head.ends_with('\\') {
            // `\{{` is the text `{{`.
            before.pop();
            before.push_str("{{");
            done = start + 2;
            continue;
        }
        let Some((inner, length)) = inner(body) else {
            before.push_str("{{");
            done = start + 2;
            continue;
        };
        let end = start + 2 + length;
        let raw = text.get(start..end).unwrap_or_default();
        let (inner, trimmed) = inner.strip_prefix('~').map_or((inner, false), |inner| (inner, true));
        let (inner, trims) = inner.strip_suffix('~').map_or((inner, false), |inner| (inner, true));
        let tag = tag(inner.trim());
        let mut text_before = std::mem::take(&mut before);
        if trimmed {
            text_before.truncate(text_before.trim_end().len());
        }
        done = end;
        trim = trims;
        // A tag of a block that has its line to itself takes the line with it.
        if !matches!(tag, Tag::Other(_))
            && let Some(next) = line_of_its_own(text, start, end)
        {
            text_before.truncate(text_before.trim_end_matches([' ', '\t']).len());
            done = next;
        }
        out.push(Piece { text: text_before, tag, raw });
    }
    let rest = text.get(done..).unwrap_or_default();
    before.push_str(if trim { rest.trim_start() } else { rest });
    (out, before)
}

/// Where the next line begins, if a tag has its line to itself.
fn line_of_its_own(text: &str, start: usize, end: usize) -> Option<usize> {
    let before = text.get(..start)?.trim_end_matches([' ', '\t']);
    let after = text.get(end..)?.trim_start_matches([' ', '\t']);
    let begins = before.is_empty() || before.ends_with('\n');
    let rest = match after {
        "" => Some(""),
        after => after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')),
    };
    rest.filter(|_| begins).map(|rest| text.len() - rest.len())
}

/// What stands in a tag, and how long it is with its end. A comment may have `}}` in it.
fn inner(body: &str) -> Option<(&str, usize)> {
    let comment = body.strip_prefix('~').unwrap_or(body).starts_with("!--");
    let close = match comment.then(|| body.find("--}}").or_else(|| body.find("--~}}"))).flatten() {
        Some(at) => at + body.get(at..)?.find("}}")?,
        None => body.find("}}")?,
    };
    // What begins another tag before it ends is none.
    let inner = body.get(..close).filter(|inner| comment || !inner.contains("{{"))?;
    // `{{{x}}}` is a value that is not made safe for pages; here none is.
    match inner.strip_prefix('{') {
        Some(inner) if body.get(close + 2..).is_some_and(|rest| rest.starts_with('}')) => {
            Some((inner, close + 3))
        }
        _ => Some((inner, close + 2)),
    }
}

fn tag(inner: &str) -> Tag<'_> {
    if inner.starts_with('!') {
        return Tag::Comment;
    }
    if let Some(block) = inner.strip_prefix('#') {
        let (name, argument) = block.trim_start().split_once(char::is_whitespace).unwrap_or((block, ""));
        return Tag::Open(name, argument.trim());
    }
    if let Some(name) = inner.strip_prefix('/') {
        return Tag::Close(name.trim());
    }
    match inner.strip_prefix("else") {
        Some("") => Tag::Else(""),
        Some(rest) if rest.starts_with(char::is_whitespace) => Tag::Else(rest.trim()),
        _ => Tag::Other(inner.strip_prefix('&').unwrap_or(inner).trim()),
    }
}

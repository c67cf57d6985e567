//! What is made: values whose maps keep their order, and the YAML they become.

use std::collections::HashMap;

use crate::tree;

/// A value of the definition that is made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Out {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JSON writes it.
    Number(String),
    /// A text; an expression stands in its marks.
    Text(String),
    /// A list.
    List(Vec<Out>),
    /// A map in the order of its keys.
    Map(Map),
}

/// A map in the order in which it was filled.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Map(pub(super) Vec<(String, Out)>);

impl Map {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// With an entry; one of the same key is replaced where it stands.
    pub(super) fn with(mut self, key: &str, value: impl Into<Out>) -> Self {
        self.set(key, value);
        self
    }

    /// With an entry, if there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Out>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Out>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Out> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Itself, unless it is empty.
    pub(super) fn filled(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }
}

impl From<Map> for Out {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<&str> for Out {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Out {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Out {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Out {
    fn from(value: i64) -> Self {
        Self::Number(value.to_string())
    }
}

impl From<Vec<Out>> for Out {
    fn from(items: Vec<Out>) -> Self {
        Self::List(items)
    }
}

impl From<Vec<Map>> for Out {
    fn from(items: Vec<Map>) -> Self {
        Self::List(items.into_iter().map(Out::Map).collect())
    }
}

impl From<Vec<String>> for Out {
    fn from(items: Vec<String>) -> Self {
        Self::List(items.into_iter().map(Out::Text).collect())
    }
}

impl Out {
    fn write_json(&self, out: &mut String) {
        let quoted = |text: &str, out: &mut String| {
            // A text always serialises. DEL is escaped, since not every reader of YAML takes it as it is.
            let text = serde_json::to_string(text).unwrap_or_default();
            out.push_str(&text.replace('\u{7f}', "\\u007f"));
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => quoted(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Self::Map(map) => {
                out.push('{');
                for (at, (key, value)) in map.0.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    quoted(key, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// A text of an expression: `'it\'s'`.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A member by its key: `.stress`, or `['max σ']` where it is no word.
pub(super) fn member(key: &str) -> String {
    let word = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && key.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && !WORDS.contains(&key);
    if word { format!(".{key}") } else { format!("[{}]", quoted(key)) }
}

/// Words that cannot stand behind a `.` in every place.
const WORDS: &[&str] = &["in", "true", "false", "null"];

/// A value that is one expression.
pub(super) fn marked(expression: &str) -> String {
    format!("${{{{ {expression} }}}}")
}

/// A text that is to mean itself: what would begin an expression is escaped.
pub(super) fn literal(text: &str) -> String {
    text.replace("${{", "$${{")
}

impl Out {
    /// Whether something in it would begin an expression.
    pub(super) fn has_marks(&self) -> bool {
        match self {
            Out::Text(text) => text.contains("${{"),
            Out::List(items) => items.iter().any(Out::has_marks),
            Out::Map(map) => map.0.iter().any(|(key, value)| key.contains("${{") || value.has_marks()),
            Out::Null | Out::Bool(_) | Out::Number(_) => false,
        }
    }
}

impl Out {
    /// The same with nothing in it that would begin an expression, or that escapes one.
    pub(super) fn without_marks(self) -> Self {
        let apart = |text: String| text.replace("$${{", "${{").replace("${{", "$ {{");
        match self {
            Out::Text(text) => Out::Text(apart(text)),
            Out::List(items) => Out::List(items.into_iter().map(Out::without_marks).collect()),
            Out::Map(map) => Out::Map(Map(map
                .0
                .into_iter()
                .map(|(key, value)| (apart(key), value.without_marks()))
                .collect())),
            other => other,
        }
    }
}

/// Whom people's steps name, one after the other, each once, and not more than may be named.
pub(super) fn once(names: impl IntoIterator<Item = String>) -> Vec<Out> {
    let mut known: Vec<String> = Vec::new();
    for name in names {
        if !known.contains(&name) && known.len() < crate::limits::WHO {
            known.push(name);
        }
    }
    known.into_iter().map(Out::from).collect()
}

/// What something that is shown is called: its name, if that says anything.
pub(super) fn label(name: &str) -> &str {
    if name.trim().is_empty() { "(without a name)" } else { name }
}

/// A text for people, in a place where no expression may be: within a bound, and without what would begin one.
pub(super) fn prose(text: &str, most: usize) -> String {
    text.replace("${{", "$ {{").chars().take(most).collect()
}

/// Writes a definition, with what was changed said above the steps it concerns.
pub(super) fn write(definition: Map, head: &[String], notes: &[(String, String)]) -> String {
    let mut json = String::new();
    Out::Map(definition).write_json(&mut json);
    let yaml = match tree::read("definition", &json, &mut Vec::new()) {
        Some(document) => document.root().write_yaml(),
        // Too large to be read again: it is left as it is, and the check says so.
        None => json,
    };
    let mut by_step: HashMap<&str, Vec<&str>> = HashMap::new();
    for (step, note) in notes {
        by_step.entry(step).or_default().push(note);
    }
    let mut above: HashMap<u32, Vec<&str>> = HashMap::new();
    if let Some(document) = tree::read("definition", &yaml, &mut Vec::new()) {
        let mut open = vec![document.root()];
        while let Some(node) = open.pop() {
            if let Some(notes) = node.get("id").and_then(tree::Node::raw).and_then(|id| by_step.remove(id)) {
                above.insert(node.span().line, notes);
            }
            open.extend(node.items());
            open.extend(node.entries().map(|entry| entry.value));
        }
    }
    let mut out = String::new();
    for line in head {
        out.push_str("# ");
        out.push_str(&one_line(line));
        out.push('\n');
    }
    for (number, line) in (1_u32..).zip(yaml.split_inclusive('\n')) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        for note in above.get(&number).into_iter().flatten() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str("# ");
            out.push_str(&one_line(note));
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

/// A text as a comment has it: one line, of what is printed, not without end.
fn one_line(text: &str) -> String {
    const SHOWN: usize = 300;
    let clean = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') { ' ' } else { c });
    let mut line: String = clean.clone().take(SHOWN).collect();
    if clean.count() > SHOWN {
        line.push('…');
    }
    line
}

//! The source while it is turned into a definition: what was read of it is marked, so that nothing is dropped
//! without a word.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::out::{Map, Out, literal};
use super::report::{Entry, Report, Verdict};
use super::table::{Field, Kind, find};
use crate::limits;
use crate::tree::{Document, Node, Plain, Shape};

/// A text that is imported.
pub(super) struct Source<'t> {
    document: &'t Document,
    /// What stands before the place of each node in names of constructs.
    prefix: String,
    fields: &'static [Field],
    /// Place of a nested construct in the table that is the same as one further up: `steps[].steps[]`.
    folds: &'static [(&'static str, &'static str)],
    read: RefCell<HashSet<String>>,
    whole: RefCell<HashSet<String>>,
    /// What was said about these holds for all that is in them.
    covered: RefCell<HashSet<String>>,
    steps: RefCell<HashMap<String, String>>,
    said: RefCell<Vec<(String, Entry)>>,
    /// What was said of which place: a converter may look at one twice.
    told: RefCell<HashSet<(String, String, String)>>,
    omitted: RefCell<usize>,
}

impl<'t> Source<'t> {
    pub(super) fn new(
        document: &'t Document,
        prefix: &str,
        fields: &'static [Field],
        folds: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            document,
            prefix: prefix.to_owned(),
            fields,
            folds,
            read: RefCell::default(),
            whole: RefCell::default(),
            covered: RefCell::default(),
            steps: RefCell::default(),
            said: RefCell::default(),
            told: RefCell::default(),
            omitted: RefCell::default(),
        }
    }

    pub(super) fn root(&self) -> At<'_, 't> {
        At { node: self.document.root(), source: self }
    }

    fn push(&self, pointer: String, entry: Entry) {
        let told = (entry.path.clone(), entry.construct.clone(), entry.why.clone());
        if !self.told.borrow_mut().insert(told) {
            return;
        }
        let mut said = self.said.borrow_mut();
        if said.len() < limits::IMPORT_ENTRIES {
            said.push((pointer, entry));
        } else {
            *self.omitted.borrow_mut() += 1;
        }
    }

    fn entry(&self, node: Node<'t>, construct: String, verdict: Verdict, why: String) -> Entry {
        let span = node.key_span();
        let path = node.path();
        let steps = self.steps.borrow();
        // The nearest step around it.
        let mut around = path.as_str();
        let step = loop {
            if let Some(step) = steps.get(around) {
                break Some(step.clone());
            }
            match around.rsplit_once('/') {
                Some((before, _)) => around = before,
                None => break None,
            }
        };
        Entry {
            construct,
            file: self.document.file().to_owned(),
            path,
            line: span.line,
            column: span.column,
            verdict,
            why,
            help: None,
            step,
        }
    }

    /// The report: what was said, and for everything else what the table says. What nobody read was dropped,
    /// and what the table does not know is reported as such.
    pub(super) fn report(self) -> Report {
        let spoken: HashSet<String> = self.said.borrow().iter().map(|(pointer, _)| pointer.clone()).collect();
        self.walk(self.document.root(), "", "", &spoken);
        let omitted = *self.omitted.borrow();
        let mut entries: Vec<Entry> = self.said.into_inner().into_iter().map(|(_, entry)| entry).collect();
        entries.sort_by_key(|entry| (entry.line, entry.column));
        Report { entries, omitted }
    }

    fn walk(&self, node: Node<'t>, pattern: &str, path: &str, spoken: &HashSet<String>) {
        for (at, item) in node.items().enumerate() {
            let path = format!("{path}/{at}");
            if !self.covered.borrow().contains(&path) {
                self.walk(item, &self.folded(format!("{pattern}[]")), &path, spoken);
            }
        }
        for entry in node.entries() {
            let path = format!("{path}/{}", entry.key.replace('~', "~0").replace('/', "~1"));
            let dot = if pattern.is_empty() { "" } else { "." };
            let named = self.folded(format!("{pattern}{dot}{}", entry.key));
            let any = self.folded(format!("{pattern}{dot}*"));
            let found = find(self.fields, &named).or_else(|| find(self.fields, &any));
            if self.said.borrow().len() >= limits::IMPORT_ENTRIES {
                *self.omitted.borrow_mut() += 1;
                continue;
            }
            let construct = |pattern: &str| format!("{}{pattern}", self.prefix);
            let Some(field) = found else {
                if !spoken.contains(&path) {
                    let why = "this is no field that is known here; nothing of it is in the definition";
                    let mut said =
                        self.entry(entry.value, construct(&named), Verdict::NotExpressible, why.to_owned());
                    said.help =
                        self.nearest(pattern, entry.key).map(|near| format!("did you mean `{near}`?"));
                    self.push(path, said);
                }
                continue;
            };
            let read = self.read.borrow().contains(&path);
            if spoken.contains(&path) || field.kind == Kind::Part && read {
                // Said, or what is in it is.
            } else if !read && field.verdict != Verdict::NotExpressible {
                let why = "it is not looked at in this place; nothing of it is in the definition";
                let said =
                    self.entry(entry.value, construct(field.at), Verdict::NotExpressible, why.to_owned());
                self.push(path.clone(), said);
            } else {
                let mut said =
                    self.entry(entry.value, construct(field.at), field.verdict, field.becomes.to_owned());
                said.help = field.help.map(str::to_owned);
                self.push(path.clone(), said);
            }
            let done = self.whole.borrow().contains(&path) || self.covered.borrow().contains(&path);
            if field.kind == Kind::Part && read && !done {
                // The table's own pattern, in which `*` stays one.
                self.walk(entry.value, field.at, &path, spoken);
            }
        }
    }

    /// A place in the terms of the table: what stands in itself, or further in, is folded to where it is listed.
    fn folded(&self, mut pattern: String) -> String {
        for (from, to) in self.folds {
            let whole = |at: &usize| *at == 0 || pattern.as_bytes().get(at - 1) == Some(&b'.');
            if let Some(at) = pattern.match_indices(from).map(|(at, _)| at).find(whole) {
                pattern.replace_range(at..at + from.len(), to);
            }
        }
        pattern
    }

    /// The field of the same place that is most like a key.
    fn nearest(&self, pattern: &str, key: &str) -> Option<&'static str> {
        let dot = if pattern.is_empty() { String::new() } else { format!("{pattern}.") };
        let siblings = self.fields.iter().filter_map(|field| {
            field.at.strip_prefix(dot.as_str()).filter(|rest| !rest.contains(['.', '[', '*']))
        });
        crate::expr::nearest(key, siblings)
    }
}

/// A node of the source.
#[derive(Clone, Copy)]
pub(super) struct At<'s, 't> {
    pub(super) node: Node<'t>,
    source: &'s Source<'t>,
}

impl<'s, 't> At<'s, 't> {
    fn mark(self) -> Self {
        self.source.read.borrow_mut().insert(self.node.path());
        self
    }

    /// The value of a key, marked as read; nothing where it is not written or null.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let at = At { node: self.node.get(key)?, source: self.source }.mark();
        (at.node.shape() != Shape::Nothing && at.node.plain() != Some(Plain::Null)).then_some(at)
    }

    /// The elements of a list; anything else is said to be wrong.
    pub(super) fn items(self) -> Vec<Self> {
        if self.node.shape() != Shape::List {
            self.wrong("a list");
            return Vec::new();
        }
        self.node.items().map(|node| At { node, source: self.source }).collect()
    }

    /// The entries of a map, marked as read; anything else is said to be wrong.
    pub(super) fn entries(self) -> Vec<(&'t str, Self)> {
        if self.node.shape() != Shape::Map {
            self.wrong("a map");
            return Vec::new();
        }
        let entries = self.node.entries();
        entries.map(|entry| (entry.key, At { node: entry.value, source: self.source }.mark())).collect()
    }

    /// The list at a key.
    pub(super) fn list(self, key: &str) -> Vec<Self> {
        self.get(key).map(At::items).unwrap_or_default()
    }

    /// The map at a key.
    pub(super) fn map(self, key: &str) -> Vec<(&'t str, Self)> {
        self.get(key).map(At::entries).unwrap_or_default()
    }

    pub(super) fn is_map(self) -> bool {
        self.node.shape() == Shape::Map
    }

    pub(super) fn is_list(self) -> bool {
        self.node.shape() == Shape::List
    }

    /// The text of a scalar; anything else is said to be wrong.
    pub(super) fn text(self) -> Option<&'t str> {
        if self.node.raw().is_none() {
            self.wrong("a text");
        }
        self.node.raw()
    }

    /// The text at a key.
    pub(super) fn text_at(self, key: &str) -> Option<&'t str> {
        self.get(key).and_then(At::text)
    }

    /// The boolean at a key.
    pub(super) fn flag(self, key: &str) -> Option<bool> {
        let at = self.get(key)?;
        match at.node.plain() {
            Some(Plain::Bool(value)) => Some(value),
            _ => {
                at.wrong("true or false");
                None
            }
        }
    }

    /// The number at a key.
    pub(super) fn number(self, key: &str) -> Option<f64> {
        let at = self.get(key)?;
        match at.node.plain() {
            Some(Plain::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => number.as_f64(),
            _ => {
                at.wrong("a number");
                None
            }
        }
    }

    /// The whole number at a key, within bounds.
    pub(super) fn integer(self, key: &str, least: i64, most: i64) -> Option<i64> {
        let at = self.get(key)?;
        let Some(Plain::Number(number)) = at.node.plain() else {
            at.wrong("a whole number");
            return None;
        };
        let Some(value) = number.as_i64() else {
            at.wrong("a whole number");
            return None;
        };
        if value < least || value > most {
            let held = value.clamp(least, most);
            at.say(Verdict::Changed, format!("{value} is not between {least} and {most}; {held} is taken"));
            return Some(held);
        }
        Some(value)
    }

    /// The value as it is, with all that is in it.
    pub(super) fn whole(self) -> Out {
        self.source.whole.borrow_mut().insert(self.node.path());
        value(self.node)
    }

    /// The value as one that is fixed, in which no expression may be, not even one that is escaped.
    pub(super) fn fixed(self) -> Out {
        let value = self.whole();
        if value.has_marks() {
            self.say(
                Verdict::Changed,
                "`${{` begins an expression, and none may stand in a fixed value: it has a blank in it",
            );
        }
        value.without_marks()
    }

    fn wrong(self, wanted: &str) {
        let is = match self.node.shape() {
            Shape::Nothing => "nothing",
            Shape::Scalar => "a single value",
            Shape::List => "a list",
            Shape::Map => "a map",
        };
        self.say(Verdict::NotExpressible, format!("{wanted} is expected, and this is {is}; it is left out"));
    }

    /// Says that what stands here has become a step.
    pub(super) fn becomes_step(self, id: &str) {
        self.source.steps.borrow_mut().insert(self.node.path(), id.to_owned());
    }

    /// Says what became of it.
    pub(super) fn say(self, verdict: Verdict, why: impl Into<String>) {
        self.say_with(verdict, why, None);
    }

    /// Says what became of it, and what to do.
    pub(super) fn say_with(self, verdict: Verdict, why: impl Into<String>, help: Option<&str>) {
        let construct = self.construct();
        let mut entry = self.source.entry(self.node, construct, verdict, why.into());
        entry.help = help.map(str::to_owned);
        self.source.push(entry.path.clone(), entry);
    }

    /// Says what became of it with all that is in it.
    pub(super) fn say_all(self, verdict: Verdict, why: impl Into<String>, help: Option<&str>) {
        self.source.covered.borrow_mut().insert(self.node.path());
        self.say_with(verdict, why, help);
    }

    /// Says something that stands in no field: what the tool does by itself.
    pub(super) fn say_of(self, construct: &str, verdict: Verdict, why: &str, help: Option<&str>) {
        let mut entry = self.source.entry(self.node, format!("({construct})"), verdict, why.to_owned());
        entry.help = help.map(str::to_owned);
        self.source.push(format!("({construct})"), entry);
    }

    /// Its name in the table.
    fn construct(self) -> String {
        let mut steps = Vec::new();
        let mut node = self.node;
        while let Some(parent) = node.parent() {
            let path = node.path();
            steps.push(match parent.shape() {
                Shape::List => None,
                _ => path.rsplit('/').next().map(|key| key.replace("~1", "/").replace("~0", "~")),
            });
            node = parent;
        }
        let mut pattern = String::new();
        for step in steps.into_iter().rev() {
            let dot = if pattern.is_empty() { "" } else { "." };
            match step {
                None => pattern = self.source.folded(format!("{pattern}[]")),
                Some(key) => {
                    let named = self.source.folded(format!("{pattern}{dot}{key}"));
                    let any = self.source.folded(format!("{pattern}{dot}*"));
                    let known = |pattern: &str| {
                        self.source.fields.iter().any(|f| {
                            f.at.strip_prefix(pattern)
                                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                        })
                    };
                    pattern = if !known(&named) && known(&any) { any } else { named };
                }
            }
        }
        format!("{}{pattern}", self.source.prefix)
    }
}

/// A value as it is; what would begin an expression is escaped.
fn value(node: Node<'_>) -> Out {
    match node.shape() {
        Shape::Nothing => Out::Null,
        Shape::List => Out::List(node.items().map(value).collect()),
        Shape::Map => Out::Map(Map(node.entries().map(|e| (e.key.to_owned(), value(e.value))).collect())),
        Shape::Scalar => match node.plain() {
            Some(Plain::Null) => Out::Null,
            Some(Plain::Bool(value)) => Out::Bool(value),
            Some(Plain::Number(number)) => Out::Number(number.to_string()),
            _ => Out::Text(literal(node.raw().unwrap_or_default())),
        },
    }
}

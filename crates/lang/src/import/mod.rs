//! Definitions of other tools, made into native ones.
//!
//! A [`Dialect`] is found by the shape of the text, or named. Its converter reads the source through
//! `source`, which marks what was read: the [`Report`] says of every field what became of it, and what nobody
//! read or nobody knows is reported as dropped. What comes out is written as YAML and goes through the same check
//! as any definition. Nothing is read but what the caller hands out.

mod batch;
mod chain;
mod documents;
mod glyph;
mod machine;
mod naming;
mod out;
mod page;
mod pflow;
mod report;
mod roles;
mod source;
mod stages;
mod table;
mod words;

use crate::bundle::{self, Called, Missing, gather};
use crate::check::{Checked, check};
use crate::codes;
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::limits;
use crate::tree::{Document, Node, Plain, ReadProblem, Shape, read};

pub use page::page;
pub use report::{Entry, Report, Verdict};
pub use table::Field;

use out::Map;
use source::{At, Source};

/// A way of writing definitions that is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Chains of calculation files, in JSON.
    Chain,
    /// Stages that run again until one of them is content, in YAML.
    Stages,
    /// People who label, review and settle, in YAML.
    Glyph,
    /// Documents that are produced step by step, in JSON.
    Documents,
    /// Graphs of nodes, in JSON.
    Pflow,
    /// The same in Markdown.
    PflowMd,
    /// What an agent of a stage is told, in Markdown.
    Role,
    /// One calculation file with many values, in JSON.
    Batch,
}

/// How a dialect is written.
#[derive(Clone, Copy)]
enum Notation {
    /// JSON or YAML.
    Data,
    /// Markdown.
    Markdown {
        /// Whether a text looks like it.
        marked: fn(&str) -> bool,
        /// What one that does not lacks.
        lacks: &'static str,
        /// Reads one.
        read: fn(&str, &str, &mut Vec<Diagnostic>) -> Option<Document>,
    },
}

impl Notation {
    /// Whether a text is marked as one in Markdown.
    fn marks(self, text: &str) -> bool {
        matches!(self, Self::Markdown { marked, .. } if marked(text))
    }
}

/// What is known of a dialect.
struct Spec {
    dialect: Dialect,
    /// The name, as `--from` takes it.
    name: &'static str,
    /// What it is, in a line.
    title: &'static str,
    notation: Notation,
    fields: &'static [Field],
    folds: &'static [(&'static str, &'static str)],
    /// Whether a document is of its shape; else why not.
    fits: fn(Node<'_>) -> Result<(), String>,
    convert: fn(At<'_, '_>, &mut Context<'_>) -> Map,
}

/// All of them, in the order in which they are tried.
static DIALECTS: &[&Spec] = &[
    &chain::SPEC,
    &batch::SPEC,
    &stages::SPEC,
    &roles::SPEC,
    &glyph::SPEC,
    &documents::SPEC,
    &pflow::JSON,
    &pflow::MARKDOWN,
];

impl Dialect {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        DIALECTS.iter().map(|spec| spec.dialect)
    }

    fn spec(self) -> &'static Spec {
        // Each has its entry; the test of the tables walks them.
        DIALECTS.iter().find(|spec| spec.dialect == self).copied().unwrap_or(&chain::SPEC)
    }

    /// Its name, as it is said.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// What it is, in a line.
    pub fn title(self) -> &'static str {
        self.spec().title
    }

    /// Every field that is known of it.
    pub fn fields(self) -> &'static [Field] {
        self.spec().fields
    }

    /// The tree that a text of it is read as. What is wrong with its notation goes to `problems`.
    pub fn tree(self, file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Document> {
        match self.spec().notation {
            Notation::Data => read(file, text, problems),
            Notation::Markdown { read, .. } => read(file, text, problems),
        }
    }

    /// The dialect of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|dialect| dialect.name() == name)
    }
}

/// What a converter is given beside the text, and what it leaves beside the definition.
struct Context<'a> {
    /// The file's name without folder and ending.
    stem: String,
    /// The file, as it was named.
    file: String,
    /// Reads another file.
    read: &'a mut dyn FnMut(&str) -> Result<String, ReadProblem>,
    /// Reports about other files.
    reports: Vec<Report>,
}

/// A definition that was made.
#[derive(Debug)]
pub struct Imported {
    /// What it was made of.
    pub dialect: Dialect,
    /// The name of the workflow.
    pub name: String,
    /// The definition.
    pub yaml: String,
    /// What became of each construct.
    pub report: Report,
    /// What the check says of the definition.
    pub checked: Checked,
}

impl Imported {
    /// The findings that say a part of the language is not in this version, and the others.
    pub fn findings(&self) -> (Vec<&Diagnostic>, Vec<&Diagnostic>) {
        let later = |found: &&Diagnostic| {
            [codes::LATER_KEY.code, codes::LATER_VALUE.code].contains(&found.code.as_str())
        };
        self.checked.diagnostics.iter().partition(later)
    }
}

/// Why nothing could be made of a file.
#[derive(Debug)]
pub enum NotImported {
    /// It cannot be read.
    Unreadable(ReadProblem),
    /// It is no document at all.
    Broken(Vec<Diagnostic>, Sources),
    /// It is no definition of any dialect that was tried: each, and why not.
    Unknown(Vec<(Dialect, String)>),
}

/// Makes a native definition of another tool's.
///
/// # Errors
/// When the file cannot be read, or as no dialect.
pub fn import(
    file: &str,
    from: Option<Dialect>,
    read_file: &mut dyn FnMut(&str) -> Result<String, ReadProblem>,
) -> Result<Imported, NotImported> {
    let text = read_file(file).map_err(NotImported::Unreadable)?;
    let mut problems = Vec::new();
    let data = read(file, &text, &mut problems).filter(|_| !is_broken(&problems));
    // What is no data may be said to be none only where it is not meant to be something else.
    let other = DIALECTS.iter().any(|spec| spec.notation.marks(&text))
        || file.ends_with(".md")
        || from.is_some_and(|from| matches!(from.spec().notation, Notation::Markdown { .. }));
    if data.is_none() && !other {
        return Err(NotImported::Broken(problems, Sources::new([(file.to_owned(), text)])));
    }
    let specs = DIALECTS.iter().copied().filter(|spec| from.is_none_or(|from| from == spec.dialect));
    let mut tried = Vec::new();
    for spec in specs {
        let made;
        let document = match (spec.notation, &data) {
            (Notation::Data, Some(document)) => document,
            (Notation::Data, None) => {
                tried.push((spec.dialect, "it is neither JSON nor YAML".to_owned()));
                continue;
            }
            (Notation::Markdown { lacks, marked, .. }, _) if !marked(&text) => {
                tried.push((spec.dialect, lacks.to_owned()));
                continue;
            }
            (Notation::Markdown { read, .. }, _) => {
                let mut problems = Vec::new();
                match read(file, &text, &mut problems).filter(|_| !is_broken(&problems)) {
                    Some(document) => made = document,
                    None => {
                        let sources = Sources::new([(file.to_owned(), text)]);
                        return Err(NotImported::Broken(problems, sources));
                    }
                }
                &made
            }
        };
        match (spec.fits)(document.root()) {
            Ok(()) => {
                let mut context = Context {
                    stem: naming::stem(file).to_owned(),
                    file: file.to_owned(),
                    read: &mut *read_file,
                    reports: Vec::new(),
                };
                let source = Source::new(document, "", spec.fields, spec.folds);
                let definition = (spec.convert)(source.root(), &mut context);
                let reports = std::mem::take(&mut context.reports);
                return Ok(finished(spec, file, definition, source.report(), reports, read_file));
            }
            Err(why) => tried.push((spec.dialect, why)),
        }
    }
    Err(NotImported::Unknown(tried))
}

fn is_broken(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

fn finished(
    spec: &Spec,
    file: &str,
    definition: Map,
    mut report: Report,
    others: Vec<Report>,
    read_file: &mut dyn FnMut(&str) -> Result<String, ReadProblem>,
) -> Imported {
    for other in others {
        report.omitted += other.omitted;
        report.entries.extend(other.entries);
    }
    if report.entries.len() > limits::IMPORT_ENTRIES {
        report.omitted += report.entries.len() - limits::IMPORT_ENTRIES;
        report.entries.truncate(limits::IMPORT_ENTRIES);
    }
    let name = match definition.get("name") {
        Some(out::Out::Text(name)) => name.clone(),
        _ => String::new(),
    };
    let mut head = vec![format!("made of {file} ({})", spec.title)];
    let said = |entry: &Entry| format!("{}: {} - {}", entry.verdict.words(), entry.construct, entry.why);
    let differs = report.entries.iter().filter(|entry| entry.verdict != Verdict::Kept);
    let (of_steps, of_all): (Vec<&Entry>, Vec<&Entry>) = differs.partition(|entry| entry.step.is_some());
    head.extend(of_all.iter().take(limits::IMPORT_NOTES).map(|entry| said(entry)));
    let notes = of_steps.iter().take(limits::IMPORT_NOTES);
    let notes: Vec<(String, String)> =
        notes.filter_map(|entry| entry.step.clone().map(|step| (step, said(entry)))).collect();
    let yaml = out::write(definition, &head, &notes);
    let path = format!("{name}.yml");
    let checked = check(&gather(&path, &mut Made { path: &path, yaml: &yaml, read_file }));
    Imported { dialect: spec.dialect, name, yaml, report, checked }
}

/// A definition that was made, among the files beside it.
struct Made<'a> {
    path: &'a str,
    yaml: &'a str,
    read_file: &'a mut dyn FnMut(&str) -> Result<String, ReadProblem>,
}

impl bundle::Source for Made<'_> {
    fn read(&mut self, path: &str) -> Result<String, ReadProblem> {
        if path == self.path { Ok(self.yaml.to_owned()) } else { (self.read_file)(path) }
    }

    /// The library is not asked: what is saved there by then is not known now.
    fn named(&mut self, name: &str, _number: Option<u32>) -> Result<Called, Missing> {
        let path = format!("workflows/{name}.yml");
        match self.read(&path) {
            Ok(_) => Ok(Called::File(path)),
            Err(_) => Err(Missing::Unasked),
        }
    }
}

/// The head of a definition.
fn head(name: &str, description: Option<&str>) -> Map {
    let mut head = Map::new().with("stead", 1).with("name", name);
    if let Some(text) = description.filter(|text| !text.trim().is_empty()) {
        head.set("description", out::prose(text, limits::DESCRIPTION_CHARS));
    }
    head
}

/// Whether a text stands at a key, and is not empty.
fn says(node: Node<'_>, key: &str) -> bool {
    let at = node.get(key).filter(|at| at.plain() != Some(Plain::Null));
    at.and_then(Node::raw).is_some_and(|text| !text.is_empty())
}

/// What a document lacks to be of a shape: keys with the shape of their values.
fn lacks(root: Node<'_>, wanted: &[(&str, Shape)]) -> Result<(), String> {
    if root.shape() != Shape::Map {
        return Err("it is no map of keys".to_owned());
    }
    for (key, shape) in wanted {
        match root.get(key) {
            None => return Err(format!("it has no `{key}`")),
            Some(value) if value.shape() != *shape => {
                let what = if *shape == Shape::List { "list" } else { "map" };
                return Err(format!("its `{key}` is no {what}"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

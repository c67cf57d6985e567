//! The check of a definition with all the files it names.

mod documents;
mod dominance;
mod lower;
mod machine;
mod names;
mod order;
mod people;
mod redo;
mod references;
mod scope;
mod types;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::bundle::{self, Bundle, Named, Parts};
use crate::codes;
use crate::decode::{self, ChildFacts, Decoded, Outside, Which};
use crate::diagnostic::{Diagnostic, Severity, Sources, Span};
use crate::limits;
use crate::plan::Plan;
use crate::templates;
use crate::tree::{self, Document, Node};

pub(crate) use lower::questions;

/// What the check of a definition found.
#[derive(Debug)]
pub struct Checked {
    /// All findings: those of the entry's file first, each file's in the order of its text.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there are than [`limits::DIAGNOSTICS`], which is as many as are listed.
    pub omitted: usize,
    /// The plan; `None` when there is an error.
    pub plan: Option<Arc<Plan>>,
    /// The definitions of all child runs at any depth, by revision.
    pub children: BTreeMap<String, Bundle>,
    /// The texts that the findings point into.
    pub sources: Sources,
}

/// What a definition says of itself as far as it can be read, whatever is wrong with it or cannot be found beside it.
/// It is for telling about the definition; what is run is what [`check`] gives.
pub fn outline(bundle: &Bundle) -> Option<Plan> {
    Checker::of(bundle).entry()
}

/// Checks a definition and everything it names.
pub fn check(bundle: &Bundle) -> Checked {
    let checker = Checker::of(bundle);
    let plan = checker.entry();
    let mut diagnostics = checker.found.into_inner();
    let (entry, _) = bundle::split(&bundle.entry);
    diagnostics.sort_by(|a, b| {
        let key =
            |d: &Diagnostic| (d.file != entry, d.file.clone(), d.span.start, d.span.end, d.code.clone());
        key(a).cmp(&key(b))
    });
    // What an anchor stands for is checked wherever it is used, and is wrong in one place of the text.
    diagnostics
        .dedup_by(|a, b| (&a.file, a.span, &a.code, &a.message) == (&b.file, b.span, &b.code, &b.message));
    let omitted = diagnostics.len().saturating_sub(limits::DIAGNOSTICS);
    let good = !diagnostics.iter().any(|d| d.severity == Severity::Error);
    diagnostics.truncate(limits::DIAGNOSTICS);
    Checked {
        omitted,
        plan: plan.filter(|_| good).map(Arc::new),
        diagnostics,
        children: checker.children.into_inner(),
        sources: Sources::new(bundle.files.clone()),
    }
}

struct Checker<'b> {
    bundle: &'b Bundle,
    found: RefCell<Vec<Diagnostic>>,
    /// Definitions that were checked, by file and place in it.
    done: RefCell<HashMap<(String, String), Done>>,
    /// Definitions whose check has begun, outer ones first.
    under_way: RefCell<Vec<UnderWay>>,
    /// What belongs to each of those so far.
    parts: RefCell<Vec<Open>>,
    children: RefCell<BTreeMap<String, Bundle>>,
    /// Schemas that were read, with their hashes, by file.
    schemas: RefCell<HashMap<String, (Value, String)>>,
}

/// A definition whose check has begun.
struct UnderWay {
    file: String,
    /// Its place in the file.
    at: String,
    /// The name that it can be called by.
    name: Option<String>,
}

/// What belongs to a definition.
#[derive(Default)]
struct Open {
    parts: Parts,
    /// What it calls by name came to, and what its other children came to by that, by how they are said.
    pins: BTreeMap<String, String>,
}

#[derive(Clone)]
struct Done {
    facts: Option<ChildFacts>,
    parts: Parts,
}

impl<'b> Checker<'b> {
    fn of(bundle: &'b Bundle) -> Self {
        Self {
            bundle,
            found: RefCell::default(),
            done: RefCell::default(),
            under_way: RefCell::default(),
            parts: RefCell::default(),
            children: RefCell::default(),
            schemas: RefCell::default(),
        }
    }
}

impl Checker<'_> {
    fn entry(&self) -> Option<Plan> {
        let (file, pointer) = bundle::split(&self.bundle.entry);
        let document = match self.read_definition(file) {
            Ok(document) => document?,
            Err(why) => {
                let message = format!("`{file}` cannot be read: {why}");
                let span = Span { line: 1, column: 1, ..Span::default() };
                let code = if why.is_not_text() { codes::NOT_TEXT } else { codes::FILE_UNREADABLE };
                self.push([Diagnostic::new(code, file, why.place().unwrap_or(span), String::new(), message)]);
                return None;
            }
        };
        let Some(node) = document.at(pointer) else {
            let message = format!("there is nothing at `{pointer}`");
            self.push([Diagnostic::at(codes::FILE_UNREADABLE, document.root(), message)]);
            return None;
        };
        self.definition(node, self.bundle.called.as_deref()).0
    }

    /// The tree of a definition, its templates put in.
    fn read_definition(&self, file: &str) -> Result<Option<Document>, tree::ReadProblem> {
        let Some(document) = self.read(file)? else { return Ok(None) };
        let mut problems = Vec::new();
        let document = templates::expand(document, &mut problems);
        self.push(problems);
        Ok(document)
    }

    /// The tree of a file, with what is wrong with its notation reported.
    fn read(&self, file: &str) -> Result<Option<Document>, tree::ReadProblem> {
        let text = self.bundle.text(file)?;
        let mut problems = Vec::new();
        let document = tree::read(file, text, &mut problems);
        self.push(problems);
        Ok(document)
    }

    fn push(&self, problems: impl IntoIterator<Item = Diagnostic>) {
        self.found.borrow_mut().extend(problems);
    }

    /// Checks one definition, with its children. The facts are there as soon as there is something to tell. `called` is
    /// its name in the library.
    fn definition(&self, node: Node<'_>, called: Option<&str>) -> (Option<Plan>, Done) {
        let file = node.document().file().to_owned();
        let key = (file.clone(), node.path());
        let name = called.or_else(|| node.get("name")?.raw()).map(str::to_owned);
        self.under_way.borrow_mut().push(UnderWay { file: file.clone(), at: key.1.clone(), name });
        let mut open = Open::default();
        open.parts.files.insert(file);
        self.parts.borrow_mut().push(open);
        let (plan, facts) = self.one(node, called);
        self.under_way.borrow_mut().pop();
        let Open { parts, .. } = self.parts.borrow_mut().pop().unwrap_or_default();
        if let Some(outer) = self.parts.borrow_mut().last_mut() {
            outer.parts.extend(&parts);
        }
        let done = Done { facts, parts };
        self.done.borrow_mut().insert(key, done.clone());
        (plan, done)
    }

    fn one(&self, node: Node<'_>, called: Option<&str>) -> (Option<Plan>, Option<ChildFacts>) {
        let (decoded, mut problems) = decode::document(node, self);
        let Some(mut decoded) = decoded else {
            self.push(problems);
            return (None, None);
        };
        let order = order::arrange(&mut decoded, &mut problems);
        documents::check(&decoded, &order, &mut problems);
        let facts = names::check(&decoded, &order, &mut problems);
        let mut built_on = documents::built_on(&decoded);
        self.push(problems);
        let own = revision(node, &decoded);
        let Decoded { mut plan, .. } = decoded;
        let mut pins = self.parts.borrow().last().map(|open| open.pins.clone()).unwrap_or_default();
        if let Some(called) = called.filter(|called| *called != plan.name) {
            called.clone_into(&mut plan.name);
            pins.insert("called".to_owned(), called.to_owned());
        }
        plan.revision = pinned(&own, &pins);
        for (step, (reads, instances)) in
            plan.steps.iter_mut().zip(facts.reads.into_iter().zip(facts.instances))
        {
            step.reads = reads;
            step.instances_read = instances;
        }
        lower::lower(&mut plan, &mut built_on);
        let child = ChildFacts {
            name: plan.name.clone(),
            revision: plan.revision.clone(),
            own,
            inputs: plan.inputs.clone(),
            output: facts.output,
            budget: match plan.budget {
                Some(crate::plan::Setting::Fixed(attempts)) => Some(attempts),
                _ => None,
            },
        };
        (Some(plan), Some(child))
    }

    /// Where a child stands: file, place in it, and the name it is called by in the library.
    fn place(
        &self,
        at: Node<'_>,
        which: Which<'_>,
    ) -> Result<(String, String, Option<String>), Box<Diagnostic>> {
        let reference = match which {
            Which::Path(path) => return Ok((self.resolve(at, path)?, String::new(), None)),
            Which::Inline => return Ok((at.document().file().to_owned(), at.path(), None)),
            Which::Name(reference) => reference,
        };
        if let Some(open) = self.parts.borrow_mut().last_mut() {
            open.parts.named.insert(reference.to_owned());
        }
        let missing = bundle::Missing::Unasked;
        let missing = match self.bundle.named.get(reference) {
            Some(Named::There { entry, name, number, beside }) => {
                if let (Some(beside), Some(number)) = (beside, number) {
                    let message = format!(
                        "`{name}` is {name}@{number} of the library, and not `{beside}`, which is another text"
                    );
                    let help = format!("`stead save {beside}` makes it the newest; `path: …` names a file");
                    self.push([Diagnostic::at(codes::CHILD_BESIDE, at, message).help(help)]);
                }
                let (file, pointer) = bundle::split(entry);
                let called = number.map(|_| name.clone());
                return Ok((file.to_owned(), pointer.to_owned(), called));
            }
            Some(Named::Missing(missing)) => missing,
            None => &missing,
        };
        let problem = Diagnostic::at(codes::CHILD_UNKNOWN, at, missing.told(reference));
        Err(Box::new(Diagnostic { help: missing.help(reference), ..problem }))
    }

    /// Refuses a child that is already under way: the run would never end.
    fn goes_on(
        &self,
        at: Node<'_>,
        which: Which<'_>,
        file: &str,
        pointer: &str,
    ) -> Result<(), Box<Diagnostic>> {
        let under_way = self.under_way.borrow();
        // The newest revision of a workflow is this one once it is saved.
        let by_name =
            |open: &UnderWay| matches!(which, Which::Name(name) if open.name.as_deref() == Some(name));
        let same = |open: &UnderWay| open.file == file && open.at == pointer || by_name(open);
        let Some(from) = under_way.iter().position(same) else { return Ok(()) };
        let told = |file: &str, at: &str| match at {
            "" => format!("`{file}`"),
            at => format!("`{file}#{at}`"),
        };
        let mut names: Vec<String> =
            under_way[from..].iter().map(|open| told(&open.file, &open.at)).collect();
        names.push(match which {
            Which::Name(name) => format!("`{name}`"),
            _ => told(file, pointer),
        });
        let message = format!("the child runs go round in a circle: {}", names.join(" → "));
        Err(Box::new(
            Diagnostic::at(codes::CHILD_CYCLE, at, message).help("repeat work by `loop` or `foreach`"),
        ))
    }

    /// The file that a path in a definition names.
    fn resolve(&self, at: Node<'_>, path: &str) -> Result<String, Box<Diagnostic>> {
        bundle::resolve(at.document().file(), path).map_err(|why| {
            let message = format!("`{path}` {why}");
            let help = "paths are relative to the file that names them, and stay in the project's folder";
            Box::new(Diagnostic::at(codes::PATH_OUTSIDE, at, message).help(help))
        })
    }

    fn unreadable(at: Node<'_>, file: &str, why: &tree::ReadProblem) -> Box<Diagnostic> {
        let message = format!("`{file}` cannot be read: {why}");
        let help = "paths are relative to the file that names them";
        Box::new(Diagnostic::at(codes::FILE_UNREADABLE, at, message).help(help))
    }
}

impl Outside for Checker<'_> {
    fn child(&self, at: Node<'_>, which: Which<'_>) -> Result<Option<ChildFacts>, Box<Diagnostic>> {
        let (file, pointer, called) = self.place(at, which)?;
        self.goes_on(at, which, &file, &pointer)?;
        let key = (file.clone(), pointer.clone());
        let entry = if pointer.is_empty() { file.clone() } else { format!("{file}#{pointer}") };
        if self.under_way.borrow().len() > limits::CHILD_DEPTH {
            let message = "child runs are nested too deeply";
            let help = format!("at most {} may stand in each other", limits::CHILD_DEPTH);
            return Err(Box::new(Diagnostic::at_start(codes::TOO_MANY, at, message).help(help)));
        }
        let known = self.done.borrow().get(&key).cloned();
        let done = match (known, which) {
            (Some(done), _) => {
                if let Some(outer) = self.parts.borrow_mut().last_mut() {
                    outer.parts.extend(&done.parts);
                }
                done
            }
            (None, Which::Inline) => self.definition(at, None).1,
            (None, _) => match self.read_definition(&file) {
                Ok(Some(document)) => match document.at(&pointer) {
                    Some(node) => self.definition(node, called.as_deref()).1,
                    None => return Err(Self::unreadable(at, &entry, &tree::ReadProblem::NotFound)),
                },
                Ok(None) => return Ok(None),
                Err(why) => return Err(Self::unreadable(at, &file, &why)),
            },
        };
        if let Some(facts) = &done.facts {
            let mut children = self.children.borrow_mut();
            if !children.contains_key(&facts.revision) {
                children.insert(facts.revision.clone(), self.bundle.part(entry, called, &done.parts));
            }
            let pin = match which {
                Which::Name(reference) => Some(format!("name {reference}")),
                // The definition alone is a part of the parent's own hash.
                Which::Path(path) => (facts.revision != facts.own).then(|| format!("path {path}")),
                Which::Inline => (facts.revision != facts.own).then(|| format!("inline {}", at.path())),
            };
            if let (Some(pin), Some(open)) = (pin, self.parts.borrow_mut().last_mut()) {
                open.pins.insert(pin, facts.revision.clone());
            }
        }
        Ok(done.facts)
    }

    fn schema(&self, at: Node<'_>, path: &str) -> Result<(Value, String), Box<Diagnostic>> {
        let file = self.resolve(at, path)?;
        if let Some(open) = self.parts.borrow_mut().last_mut() {
            open.parts.files.insert(file.clone());
        }
        if let Some(known) = self.schemas.borrow().get(&file) {
            return Ok(known.clone());
        }
        let read = self.read_schema(at, &file)?;
        self.schemas.borrow_mut().insert(file, read.clone());
        Ok(read)
    }
}

impl Checker<'_> {
    /// A schema and its hash. One that is broken is reported in its own file, and is null.
    fn read_schema(&self, at: Node<'_>, file: &str) -> Result<(Value, String), Box<Diagnostic>> {
        let any = |hash: String| Ok((Value::Null, hash));
        let document = match self.read(file) {
            Ok(Some(document)) => document,
            Ok(None) => return any(String::new()),
            Err(why) => return Err(Self::unreadable(at, file, &why)),
        };
        let root = document.root();
        if document.text().len() > limits::SCHEMA_BYTES {
            let message = format!("the schema has {} bytes", document.text().len());
            let help = format!("at most {} are allowed", limits::SCHEMA_BYTES);
            self.push([Diagnostic::at_start(codes::TOO_MANY, root, message).help(help)]);
            return any(String::new());
        }
        let mut canonical = String::new();
        root.write_canonical(&mut canonical);
        let hash = blake3::hash(canonical.as_bytes()).to_hex().to_string();
        let schema = match root.to_json() {
            Ok(schema) => schema,
            Err(at) => {
                self.push([decode::not_json(at.0)]);
                return any(hash);
            }
        };
        if let Err(error) = jsonschema::validator_for(&schema) {
            self.push([decode::bad_schema(decode::pointer_in(root, &error), &error)]);
            return any(hash);
        }
        Ok((schema, hash))
    }
}

/// The hash of a definition and of everything it names: comments and layout do not change it.
fn revision(node: Node<'_>, decoded: &Decoded<'_>) -> String {
    let mut text = "stead-1\n".to_owned();
    node.write_canonical(&mut text);
    for (path, hash) in &decoded.named {
        text.push('\n');
        text.push_str(path);
        text.push(' ');
        text.push_str(hash);
    }
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a run is pinned to: the hash of the definition, and of what its names came to.
fn pinned(own: &str, pins: &BTreeMap<String, String>) -> String {
    if pins.is_empty() {
        return own.to_owned();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"stead-pins-1\n");
    for (said, revision) in pins {
        hasher.update(format!("{said:?} {revision:?}\n").as_bytes());
    }
    format!("{own}+{}", hasher.finalize().to_hex())
}

//! The check of a definition with all the files it names.

mod dominance;
mod machine;
mod names;
mod order;
mod references;
mod scope;
mod types;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::bundle::{self, Bundle};
use crate::codes;
use crate::decode::{self, ChildFacts, Decoded, Outside};
use crate::diagnostic::{Diagnostic, Severity, Sources, Span};
use crate::limits;
use crate::plan::Plan;
use crate::templates;
use crate::tree::{self, Document, Node};

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

/// Checks a definition and everything it names.
pub fn check(bundle: &Bundle) -> Checked {
    let checker = Checker {
        bundle,
        found: RefCell::default(),
        done: RefCell::default(),
        under_way: RefCell::default(),
        files: RefCell::default(),
        children: RefCell::default(),
        schemas: RefCell::default(),
    };
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
    under_way: RefCell<Vec<(String, String)>>,
    /// The files that each of those names so far.
    files: RefCell<Vec<BTreeSet<String>>>,
    children: RefCell<BTreeMap<String, Bundle>>,
    /// Schemas that were read, with their hashes, by file.
    schemas: RefCell<HashMap<String, (Value, String)>>,
}

#[derive(Clone)]
struct Done {
    facts: Option<ChildFacts>,
    files: BTreeSet<String>,
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
        self.definition(node).0
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

    /// Checks one definition, with its children. The facts are there as soon as there is something to tell.
    fn definition(&self, node: Node<'_>) -> (Option<Plan>, Done) {
        let file = node.document().file().to_owned();
        let key = (file.clone(), node.path());
        self.under_way.borrow_mut().push(key.clone());
        self.files.borrow_mut().push(BTreeSet::from([file]));
        let (plan, facts) = self.one(node);
        self.under_way.borrow_mut().pop();
        let files = self.files.borrow_mut().pop().unwrap_or_default();
        if let Some(outer) = self.files.borrow_mut().last_mut() {
            outer.extend(files.iter().cloned());
        }
        let done = Done { facts, files };
        self.done.borrow_mut().insert(key, done.clone());
        (plan, done)
    }

    fn one(&self, node: Node<'_>) -> (Option<Plan>, Option<ChildFacts>) {
        let (decoded, mut problems) = decode::document(node, self);
        let Some(mut decoded) = decoded else {
            self.push(problems);
            return (None, None);
        };
        let order = order::arrange(&mut decoded, &mut problems);
        let facts = names::check(&decoded, &order, &mut problems);
        self.push(problems);
        let revision = revision(node, &decoded);
        let Decoded { mut plan, .. } = decoded;
        plan.revision = revision;
        for (step, (reads, instances)) in
            plan.steps.iter_mut().zip(facts.reads.into_iter().zip(facts.instances))
        {
            step.reads = reads;
            step.instances_read = instances;
        }
        let child = ChildFacts {
            name: plan.name.clone(),
            revision: plan.revision.clone(),
            inputs: plan.inputs.clone(),
            output: facts.output,
            budget: match plan.budget {
                Some(crate::plan::Setting::Fixed(attempts)) => Some(attempts),
                _ => None,
            },
        };
        (Some(plan), Some(child))
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
    fn child(&self, at: Node<'_>, path: Option<&str>) -> Result<Option<ChildFacts>, Box<Diagnostic>> {
        let (file, pointer) = match path {
            Some(path) => (self.resolve(at, path)?, String::new()),
            None => (at.document().file().to_owned(), at.path()),
        };
        let key = (file.clone(), pointer.clone());
        let entry = if pointer.is_empty() { file.clone() } else { format!("{file}#{pointer}") };
        if let Some(from) = self.under_way.borrow().iter().position(|k| *k == key) {
            let under_way = self.under_way.borrow();
            let names = under_way[from..].iter().chain([&key]).map(|(file, at)| match at.as_str() {
                "" => format!("`{file}`"),
                at => format!("`{file}#{at}`"),
            });
            let circle = names.collect::<Vec<_>>().join(" → ");
            let problem = Diagnostic::at(
                codes::CHILD_CYCLE,
                at,
                format!("the child runs go round in a circle: {circle}"),
            );
            return Err(Box::new(problem.help("repeat work by `loop` or `foreach`")));
        }
        if self.under_way.borrow().len() > limits::CHILD_DEPTH {
            let message = "child runs are nested too deeply";
            let help = format!("at most {} may stand in each other", limits::CHILD_DEPTH);
            return Err(Box::new(Diagnostic::at_start(codes::TOO_MANY, at, message).help(help)));
        }
        let known = self.done.borrow().get(&key).cloned();
        let done = match (known, path) {
            (Some(done), _) => {
                if let Some(outer) = self.files.borrow_mut().last_mut() {
                    outer.extend(done.files.iter().cloned());
                }
                done
            }
            (None, None) => self.definition(at).1,
            (None, Some(_)) => match self.read_definition(&file) {
                Ok(Some(document)) => self.definition(document.root()).1,
                Ok(None) => return Ok(None),
                Err(why) => return Err(Self::unreadable(at, &file, &why)),
            },
        };
        if let Some(facts) = &done.facts {
            let mut children = self.children.borrow_mut();
            if !children.contains_key(&facts.revision) {
                children.insert(facts.revision.clone(), self.bundle.part(entry, &done.files));
            }
        }
        Ok(done.facts)
    }

    fn schema(&self, at: Node<'_>, path: &str) -> Result<(Value, String), Box<Diagnostic>> {
        let file = self.resolve(at, path)?;
        if let Some(files) = self.files.borrow_mut().last_mut() {
            files.insert(file.clone());
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
    /// A schema and its hash. One that is broken is reported in its own file, and takes everything.
    fn read_schema(&self, at: Node<'_>, file: &str) -> Result<(Value, String), Box<Diagnostic>> {
        let any = |hash: String| Ok((Value::Bool(true), hash));
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

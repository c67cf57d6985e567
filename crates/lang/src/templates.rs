//! `templates` and `use`: steps that are put together from parts.
//!
//! What a step uses is put into it before anything else looks at the document: decoding, checks, the revision and
//! every picture see a document without templates. Each value keeps the place where its author wrote it.

use std::collections::{HashMap, HashSet};

use crate::bundle::{self, Bundle};
use crate::codes;
use crate::decode::{Naming, judge_name};
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::limits;
use crate::tree::{self, Composer, Document, Layers, Node, Put, Shape, Spot, TooBig};

/// Templates for labelling work, which the language has and this version does not.
pub(crate) static LATER: &[&str] =
    &["single", "multi_adjudication", "review_required", "iterative_refinement", "adjudication"];

/// The keys of a block that hold steps.
static LISTS: &[&str] = &["steps", "states", "finally"];

/// A document with its templates put into the steps that use them. What is wrong with that goes to `problems`;
/// `None` where it leaves no document.
pub(crate) fn expand(document: Document, problems: &mut Vec<Diagnostic>) -> Option<Document> {
    if !document.has_key(&["templates", "use"]) {
        return Some(document);
    }
    let root = Layers::of(document.root());
    let mut composer = Composer::new(document);
    let mut found = Found { problems, at: root.clone() };
    match definition(&mut composer, &mut found, &root, Composer::root()) {
        Ok(_) => Some(composer.done()),
        Err(why) => {
            let (message, help) = match why {
                TooBig::Nodes => (
                    "there are too many values once the templates are put in".to_owned(),
                    format!("at most {} values are read", limits::DOCUMENT_NODES),
                ),
                TooBig::Depth => (
                    "lists and maps are nested too deeply once the templates are put in".to_owned(),
                    format!("at most {} lists and maps may stand in each other", limits::DOCUMENT_DEPTH),
                ),
            };
            let node = found.at.top(composer.doc());
            problems.push(Diagnostic::at_start(codes::TOO_BIG, node, message).help(help));
            None
        }
    }
}

/// The text of a definition as it is once aliases and templates are put in: YAML that means the same. `None` where
/// it cannot be read.
pub fn expanded(bundle: &Bundle) -> Option<String> {
    let (file, pointer) = bundle::split(&bundle.entry);
    let document = tree::read(file, bundle.text(file).ok()?, &mut Vec::new())?;
    let document = expand(document, &mut Vec::new())?;
    Some(document.at(pointer)?.write_yaml())
}

/// What was found so far, and the step that is put together.
struct Found<'p> {
    problems: &'p mut Vec<Diagnostic>,
    at: Layers,
}

/// The templates of one definition.
struct Templates {
    by_name: HashMap<String, Layers>,
    used: HashSet<String>,
}

fn definition(composer: &mut Composer, found: &mut Found<'_>, value: &Layers, at: Spot) -> Put {
    let mut templates = templates(composer, found, value);
    let put = composer.map(value, at, &mut |composer, key, value, at| match key {
        "templates" => Ok(None),
        key if LISTS.contains(&key) => steps(composer, found, &mut templates, value, at).map(Some),
        _ => composer.put(value, at).map(Some),
    })?;
    let unused = templates.by_name.iter().filter(|(name, _)| !templates.used.contains(*name));
    for (name, template) in unused {
        let node = template.top(composer.doc());
        let message = format!("no step uses the template `{name}`");
        let problem =
            Diagnostic { span: node.key_span(), ..Diagnostic::at(codes::UNUSED_TEMPLATE, node, message) };
        found.problems.push(problem.help("what stands in it is not checked; use it or remove it"));
    }
    Ok(put)
}

fn steps(
    composer: &mut Composer,
    found: &mut Found<'_>,
    templates: &mut Templates,
    value: &Layers,
    at: Spot,
) -> Put {
    composer.list(value, at, &mut |composer, value, at| step(composer, found, templates, value, at))
}

fn step(
    composer: &mut Composer,
    found: &mut Found<'_>,
    templates: &mut Templates,
    own: &Layers,
    at: Spot,
) -> Put {
    let used = own.get(composer.doc(), "use");
    let template = used.as_ref().and_then(|name| named(composer.doc(), found, templates, name));
    let whole = match &template {
        Some(template) => {
            found.at = own.clone();
            own.clone().over(template)
        }
        None => own.clone(),
    };
    composer.map(&whole, at, &mut |composer, key, value, at| match key {
        // One that names nothing stays, so that what it would have brought is not missed.
        "use" if template.is_some() => Ok(None),
        // A template uses none, so what stands in it stays as it is.
        key if LISTS.contains(&key) && own.is_own(composer.doc(), key) => {
            steps(composer, found, templates, value, at).map(Some)
        }
        "workflow" => child(composer, found, value, at).map(Some),
        _ => composer.put(value, at).map(Some),
    })
}

/// A child that stands in the document has templates of its own.
fn child(composer: &mut Composer, found: &mut Found<'_>, value: &Layers, at: Spot) -> Put {
    composer.map(value, at, &mut |composer, key, value, at| match key {
        "inline" => definition(composer, found, value, at).map(Some),
        _ => composer.put(value, at).map(Some),
    })
}

/// The template of a name.
fn named(doc: &Document, found: &mut Found<'_>, templates: &mut Templates, name: &Layers) -> Option<Layers> {
    let node = name.top(doc);
    let Some(text) = node.raw() else {
        let problem = Diagnostic::at(codes::WRONG_TYPE, node, "`use` is the name of a template");
        found.problems.push(problem.help("write `use: NAME`; a step uses one"));
        return None;
    };
    if let Some(template) = templates.by_name.get(text) {
        templates.used.insert(text.to_owned());
        return Some(template.clone());
    }
    let problem = if text.contains("${{") {
        Diagnostic::at(codes::NO_EXPRESSION, node, "no expression may stand in `use`").help("write it out")
    } else if LATER.contains(&text) {
        let message = format!("the template `{text}` for labelling work is not in this version");
        Diagnostic::at(codes::LATER_VALUE, node, message).help("remove `use` for now, and write the keys out")
    } else {
        let problem = Diagnostic::at(codes::UNKNOWN_TEMPLATE, node, format!("there is no template `{text}`"));
        let worth = worth_looking(found.problems.len(), templates.by_name.len() + LATER.len());
        let names = templates.by_name.keys().map(String::as_str);
        match nearest(text, names.chain(LATER.iter().copied()).filter(|_| worth)) {
            Some(near) => problem.nearest(near),
            None => problem.help("templates stand under `templates` of the same document"),
        }
    };
    found.problems.push(problem);
    None
}

/// The templates of a definition, each a part of a step.
fn templates(composer: &Composer, found: &mut Found<'_>, definition: &Layers) -> Templates {
    let mut templates = Templates { by_name: HashMap::new(), used: HashSet::new() };
    let doc = composer.doc();
    let Some(all) = definition.get(doc, "templates") else { return templates };
    let node = all.top(doc);
    let count = node.entries().len();
    if node.shape() != Shape::Map || count > limits::NAMES {
        found.problems.push(if node.shape() == Shape::Map {
            let problem = Diagnostic::at_start(codes::TOO_MANY, node, format!("there are {count} templates"));
            problem.help(format!("at most {} are read", limits::NAMES))
        } else {
            let problem =
                Diagnostic::at(codes::WRONG_TYPE, node, "`templates` is a map from names to parts of steps");
            problem.help("write `templates: { NAME: { … } }`")
        });
        return templates;
    }
    for (name, template) in composer.entries(&all) {
        let node = template.top(doc);
        if let Some((code, message, help, nearest)) = judge_name("a template", &name, Naming::Snake) {
            let problem = Diagnostic { span: node.key_span(), ..Diagnostic::at(code, node, message) };
            found.problems.push(Diagnostic { help, nearest, ..problem });
        }
        if node.shape() != Shape::Map {
            let problem = Diagnostic::at(
                codes::WRONG_TYPE,
                node,
                format!("the template `{name}` is a map of keys of a step"),
            );
            found.problems.push(problem.help("it has what the steps that use it have in common"));
        }
        if let Some(entry) = node.entry("id") {
            let problem = Diagnostic::at_key(codes::MISPLACED_KEY, entry, "a template has no `id`");
            found.problems.push(problem.help("each step that uses it has its own"));
        }
        uses(node, &name, found);
        // A broken one is there all the same, so that nobody misses it.
        templates.by_name.insert(name, template);
    }
    templates
}

/// Says of everything in a template that uses a template.
fn uses(node: Node<'_>, template: &str, found: &mut Found<'_>) {
    if let Some(entry) = node.entry("use") {
        let message = if entry.value.raw() == Some(template) {
            format!("the template `{template}` uses itself")
        } else {
            format!("the template `{template}` uses a template")
        };
        let help = "templates do not use each other; write out what it would take";
        found.problems.push(Diagnostic::at_key(codes::TEMPLATE_USES, entry, message).help(help));
    }
    for list in LISTS.iter().filter_map(|key| node.get(key)) {
        list.items().for_each(|step| uses(step, template, found));
    }
}

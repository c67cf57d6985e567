//! Scopes and documents: whether a step stands where its document belongs, and what documents are built on.

use std::collections::{HashMap, HashSet};

use crate::codes;
use crate::decode::{Decoded, Role, Site};
use crate::diagnostic::Diagnostic;
use crate::plan::{Each, StepIx};

use super::order::{Order, block};

/// What expressions of a step and of all inside of it read, by the ids that they name. `None`: `steps` as a whole.
pub(super) fn named_inside<'d>(
    decoded: &'d Decoded<'_>,
    ix: StepIx,
) -> impl Iterator<Item = Option<&'d str>> {
    inside(decoded, ix).flat_map(|at| &decoded.steps[at as usize].sites).flat_map(named)
}

/// The ids of steps that an expression names.
fn named<'d>(site: &'d Site<'_>) -> impl Iterator<Item = Option<&'d str>> {
    site.expr.references().iter().filter(|reference| reference.root == "steps").map(|r| r.field(0))
}

/// A step and all inside of it, which follow it in the plan.
fn inside<'d>(decoded: &'d Decoded<'_>, ix: StepIx) -> impl Iterator<Item = StepIx> + use<'d> {
    let steps = &decoded.plan.steps;
    let within = move |at: &StepIx| {
        std::iter::successors(steps[*at as usize].parent, |up| steps[*up as usize].parent).any(|up| up == ix)
    };
    let count = StepIx::try_from(steps.len()).unwrap_or(StepIx::MAX);
    std::iter::once(ix).chain((ix + 1..count).take_while(within))
}

/// Checks where documents are produced.
pub(super) fn check(decoded: &Decoded<'_>, order: &Order, problems: &mut Vec<Diagnostic>) {
    if decoded.plan.scopes.is_empty() && decoded.plan.documents.is_empty() {
        return;
    }
    let mut producers: HashMap<usize, Vec<StepIx>> = HashMap::new();
    for ix in (0..).take(decoded.plan.steps.len()) {
        scope_of_items(decoded, ix, problems);
        let Some(produces) = &decoded.plan.steps[ix as usize].produces else { continue };
        belongs(decoded, ix, produces.document, problems);
        beside(decoded, order, ix, producers.entry(produces.document).or_default(), problems);
    }
}

fn called(decoded: &Decoded<'_>, scope: Option<usize>) -> String {
    match scope {
        Some(at) => format!("`{}`", decoded.plan.scopes[at].name),
        None => match decoded.plan.scopes.iter().find(|scope| scope.parent.is_none()) {
            Some(outermost) => format!("`{}`", outermost.name),
            None => "the whole run".to_owned(),
        },
    }
}

/// The scope of what stands in the block of a step, or in that of the document.
fn scope_inside(decoded: &Decoded<'_>, mut around: Option<StepIx>) -> Option<usize> {
    while let Some(ix) = around {
        let step = &decoded.plan.steps[ix as usize];
        if let Some(Each::Foreach { scope: Some(scope), .. }) = step.each {
            return Some(scope);
        }
        around = step.parent;
    }
    None
}

/// That the keys of items are of a scope inside of the one around.
fn scope_of_items(decoded: &Decoded<'_>, ix: StepIx, problems: &mut Vec<Diagnostic>) {
    let step = &decoded.plan.steps[ix as usize];
    let Some(Each::Foreach { scope: Some(scope), .. }) = step.each else { return };
    let Some(node) = decoded.steps[ix as usize].scope else { return };
    let around = scope_inside(decoded, step.parent);
    let parent = decoded.plan.scopes[scope].parent;
    // The position of that of the whole run is none of its own here.
    let parent = parent.filter(|at| decoded.plan.scopes[*at].parent.is_some());
    if parent != around {
        let name = &decoded.plan.scopes[scope].name;
        let message = format!(
            "`{name}` is a scope inside of {}, and this step stands in {}",
            called(decoded, parent),
            called(decoded, around)
        );
        let help = "put the step where the keys of the scope around are known, or name another scope";
        problems.push(Diagnostic::at(codes::SCOPE_MISMATCH, node, message).help(help));
    }
}

/// That a step produces a document of the scope that it stands in, and one for each key.
fn belongs(decoded: &Decoded<'_>, ix: StepIx, document: usize, problems: &mut Vec<Diagnostic>) {
    let Some(node) = decoded.steps[ix as usize].produces else { return };
    let document = &decoded.plan.documents[document];
    let here = scope_inside(decoded, Some(ix));
    if here != document.scope {
        let message = format!(
            "`{}` is of the scope {}, and this step stands in {}",
            document.name,
            called(decoded, document.scope),
            called(decoded, here)
        );
        let help = match here {
            None => "put the step into a `foreach` with that `scope`, or give the document another scope",
            Some(_) => "put the step where that scope is, or give the document another scope",
        };
        problems.push(Diagnostic::at(codes::SCOPE_MISMATCH, node, message).help(help));
        return;
    }
    let mut up = Some(ix);
    while let Some(at) = up {
        let step = &decoded.plan.steps[at as usize];
        match step.each {
            Some(Each::Foreach { scope: Some(_), .. }) => return,
            Some(Each::Foreach { .. }) => {
                let message = format!(
                    "`{}` would be produced once for each item of `{}`, and there is one for {}",
                    document.name,
                    step.id,
                    called(decoded, here)
                );
                let help = "give that `foreach` a `scope`, and the document the same one";
                problems.push(Diagnostic::at(codes::SCOPE_MISMATCH, node, message).help(help));
                return;
            }
            _ => up = step.parent,
        }
    }
}

/// That two steps of a block do not produce one document beside each other: which version is the later one would be
/// left to chance.
fn beside(
    decoded: &Decoded<'_>,
    order: &Order,
    ix: StepIx,
    earlier: &mut Vec<StepIx>,
    problems: &mut Vec<Diagnostic>,
) {
    let parent = decoded.plan.steps[ix as usize].parent;
    let other = earlier.iter().find(|other| {
        decoded.plan.steps[**other as usize].parent == parent
            && block(&decoded.plan, parent).is_some_and(|block| !block.machine)
            && !order.reach[ix as usize].has(order.position[**other as usize])
    });
    if let (Some(other), Some(node)) = (other, decoded.steps[ix as usize].produces) {
        let id = &decoded.plan.steps[*other as usize].id;
        let message = format!("`{id}` produces the same document, and may do so at the same time");
        let help = format!("say which version is the later one: `needs: [{id}]`");
        problems.push(Diagnostic::at(codes::SCOPE_MISMATCH, node, message).help(help));
    }
    earlier.push(ix);
}

/// Which documents each step that produces one is built on: what it reads, through whatever other steps.
pub(super) fn built_on(decoded: &Decoded<'_>) -> HashMap<StepIx, Vec<usize>> {
    let steps = &decoded.plan.steps;
    let producing = (0..).zip(steps).filter(|(_, step)| step.produces.is_some()).map(|(ix, _)| ix);
    let producing: Vec<StepIx> = producing.collect();
    producing
        .into_iter()
        .map(|ix| {
            let mut found: Vec<usize> = Vec::new();
            let mut seen: HashSet<StepIx> = HashSet::from([ix]);
            let mut open = vec![ix];
            while let Some(at) = open.pop() {
                for read in read_by(decoded, at) {
                    if !seen.insert(read) {
                        continue;
                    }
                    let made = inside(decoded, read).filter_map(|at| steps[at as usize].produces.as_ref());
                    let before = found.len();
                    found.extend(made.map(|produces| produces.document));
                    if found.len() == before {
                        // What it was made of counts instead.
                        open.push(read);
                    }
                }
            }
            found.sort_unstable();
            found.dedup();
            (ix, found)
        })
        .collect()
}

/// The steps outside of a step that it reads, or that give the items it is made for.
fn read_by(decoded: &Decoded<'_>, ix: StepIx) -> Vec<StepIx> {
    let steps = &decoded.plan.steps;
    let around: Vec<StepIx> =
        std::iter::successors(steps[ix as usize].parent, |up| steps[*up as usize].parent).collect();
    let of_items = around.iter().flat_map(|up| {
        let sites = decoded.steps[*up as usize].sites.iter();
        sites.filter(|site| matches!(site.role, Role::Step | Role::ElementKey)).flat_map(named)
    });
    let mut read = Vec::new();
    for id in named_inside(decoded, ix).chain(of_items).flatten() {
        // Inner names are those of its own inside.
        let blocks = std::iter::once(steps[ix as usize].parent)
            .chain(around.iter().map(|up| steps[*up as usize].parent));
        let found = blocks.into_iter().find_map(|parent| {
            let block = block(&decoded.plan, parent)?;
            Some(block.steps[*block.by_id.get(id)?])
        });
        let own = |at: &StepIx| *at == ix || around.contains(at);
        read.extend(found.filter(|at| !own(at)));
    }
    read.sort_unstable();
    read.dedup();
    read
}

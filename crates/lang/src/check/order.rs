//! Blocks and their order: ids, `needs`, and what comes before what.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::codes;
use crate::decode::Decoded;
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::plan::{Block, Body, Join, Plan, StepIx};

use super::documents;
use super::machine::{self, Machine};
use super::redo;

/// What comes before a step in its block.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// All steps above it: so many.
    Above(usize),
    /// These positions.
    Some(Bits),
    /// In a `finally`: the steps of the block, so many, as far as they came, and what stands above in the `finally`.
    Ending { own: usize, position: usize },
    /// In a machine: what every way to this state has visited.
    State { machine: Rc<Machine>, position: usize },
}

/// Whether a step may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It has ended before.
    Sure,
    /// It may have ended before: its output is read through a guard.
    Unsure(Lack),
    /// It need not even have begun.
    Not,
}

/// Why a step that may be read may have no output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Its block may have ended without it.
    Ended,
    /// It is a part of a join that does without some.
    Part,
    /// It is under way.
    UnderWay,
    /// Not every way to here leads through it.
    OtherWay,
}

impl Reach {
    /// Whether the step at a position must have ended before.
    pub(crate) fn has(&self, position: usize) -> bool {
        self.reading(position) == Reading::Sure
    }

    /// Whether the step at a position may be read.
    pub(crate) fn reading(&self, position: usize) -> Reading {
        let sure = match self {
            Self::Above(n) => position < *n,
            Self::Some(bits) => bits.has(position),
            Self::Ending { own, .. } if position < *own => return Reading::Unsure(Lack::Ended),
            Self::Ending { position: at, .. } => position < *at,
            Self::State { machine, position: at } => return machine.reading(*at, position),
        };
        if sure { Reading::Sure } else { Reading::Not }
    }
}

/// A set of positions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn set(&mut self, at: usize) {
        if self.0.len() <= at / 64 {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn add(&mut self, reach: &Reach) {
        match reach {
            Reach::Above(n) => (0..*n).for_each(|at| self.set(at)),
            // Nothing needs states, or what stands in a `finally`.
            Reach::Ending { .. } | Reach::State { .. } => {}
            Reach::Some(bits) => {
                if self.0.len() < bits.0.len() {
                    self.0.resize(bits.0.len(), 0);
                }
                for (word, other) in self.0.iter_mut().zip(&bits.0) {
                    *word |= other;
                }
            }
        }
    }
}

/// Where the steps of a plan stand, by their position in it.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Position of each step in its block.
    pub(crate) position: Vec<usize>,
    /// What comes before each.
    pub(crate) reach: Vec<Reach>,
    /// All steps of a name.
    pub(crate) named: HashMap<String, Vec<StepIx>>,
    /// The machines, by the step whose block they are.
    machines: HashMap<Option<StepIx>, Rc<Machine>>,
}

impl Order {
    /// Whether the step at a position of a block may be read when the block has ended: in `outputs` and `until`.
    pub(crate) fn reading_from_the_end(
        &self,
        parent: Option<StepIx>,
        block: &Block,
        position: usize,
    ) -> Reading {
        match (self.machines.get(&parent), block.join) {
            (Some(machine), _) => machine.reading_from_the_end(position),
            _ if position >= block.own => Reading::Not,
            (None, Join::All) => Reading::Sure,
            (None, _) => Reading::Unsure(Lack::Part),
        }
    }
}

/// Settles ids and order of all blocks of a document, and enters them into its plan.
pub(crate) fn arrange(decoded: &mut Decoded<'_>, problems: &mut Vec<Diagnostic>) -> Order {
    let count = decoded.plan.steps.len();
    let mut order = Order {
        position: vec![0; count],
        reach: vec![Reach::Above(0); count],
        named: HashMap::new(),
        machines: HashMap::new(),
    };
    for (ix, step) in decoded.plan.steps.iter().enumerate() {
        order.named.entry(step.id.clone()).or_default().push(ix as StepIx);
    }
    let parents: Vec<Option<StepIx>> = std::iter::once(None)
        .chain((0..count as StepIx).filter(|&ix| block(&decoded.plan, Some(ix)).is_some()).map(Some))
        .collect();
    for parent in parents {
        arrange_block(decoded, parent, &mut order, problems);
    }
    order
}

/// The block inside of a step, or the document's.
pub(crate) fn block(plan: &Plan, parent: Option<StepIx>) -> Option<&Block> {
    match parent {
        None => Some(&plan.root),
        Some(ix) => match &plan.steps[ix as usize].body {
            Body::Block(block) => Some(block),
            Body::Action(_) => None,
        },
    }
}

fn block_mut(plan: &mut Plan, parent: Option<StepIx>) -> Option<&mut Block> {
    match parent {
        None => Some(&mut plan.root),
        Some(ix) => match &mut plan.steps[ix as usize].body {
            Body::Block(block) => Some(block),
            Body::Action(_) => None,
        },
    }
}

fn arrange_block(
    decoded: &mut Decoded<'_>,
    parent: Option<StepIx>,
    order: &mut Order,
    problems: &mut Vec<Diagnostic>,
) {
    let Some((steps, own, join)) = block(&decoded.plan, parent).map(|b| (b.steps.clone(), b.own, b.join))
    else {
        return;
    };
    let by_id = ids(decoded, parent, &steps, problems);
    let is_machine = block(&decoded.plan, parent).is_some_and(|b| b.machine);
    let machine = is_machine.then(|| machine::arrange(decoded, &steps[..own], &by_id, problems));
    if let Some(machine) = &machine {
        order.machines.insert(parent, machine.clone());
    }
    // The steps that nothing above needs: together they imply all that is above.
    let mut frontier: Vec<usize> = Vec::new();
    for (position, &ix) in steps.iter().enumerate() {
        order.position[ix as usize] = position;
        let written = decoded.steps[ix as usize].needs.as_ref();
        let (needs, reach) = match written {
            _ if position < own
                && let Some(machine) = &machine =>
            {
                (Vec::new(), Reach::State { machine: machine.clone(), position })
            }
            _ if position >= own => {
                let before = position.checked_sub(1).filter(|at| *at >= own);
                (before.into_iter().collect(), Reach::Ending { own, position })
            }
            None if decoded.steps[ix as usize].needs_documents => {
                let named: Vec<Option<&str>> = documents::named_inside(decoded, ix).collect();
                let mut needs: Vec<usize> = match named.contains(&None) {
                    true => (0..position).collect(),
                    false => named.into_iter().flatten().filter_map(|id| by_id.get(id).copied()).collect(),
                };
                needs.retain(|at| *at < position);
                needs.sort_unstable();
                needs.dedup();
                reached(&needs, &steps, order)
            }
            None => (frontier.clone(), Reach::Above(position)),
            Some(written) => {
                let needs = named_needs(decoded, written, position, &by_id, &order.named, problems);
                reached(&needs, &steps, order)
            }
        };
        if position < own && machine.is_none() {
            frontier.retain(|&at| !reach.has(at));
            frontier.push(position);
            if join != Join::All && !needs.is_empty() {
                let message = "a part of a join waits for another one, which may never run";
                let help = "write `needs: []`; put what comes in order into a group";
                let problem = Diagnostic::at(codes::JOIN_ORDER, decoded.steps[ix as usize].id, message);
                problems.push(problem.help(help));
            }
        }
        for &at in &needs {
            decoded.plan.steps[steps[at] as usize].needed_by.push(position);
        }
        decoded.plan.steps[ix as usize].needs = needs;
        if position < own {
            let gate = redo::Gate { ix, position, reach: &reach, by_id: &by_id, state: machine.is_some() };
            redo::settle(decoded, &gate, order, problems);
        }
        order.reach[ix as usize] = reach;
    }
    if let Some(block) = block_mut(&mut decoded.plan, parent) {
        block.by_id = by_id;
    }
}

/// Ids are unique in their block and differ from those of the blocks around it.
fn ids(
    decoded: &Decoded<'_>,
    parent: Option<StepIx>,
    steps: &[StepIx],
    problems: &mut Vec<Diagnostic>,
) -> HashMap<String, usize> {
    let mut by_id: HashMap<String, usize> = HashMap::with_capacity(steps.len());
    // Outer blocks come first, so theirs are known by now.
    let taken_around = |id: &str| {
        std::iter::successors(parent, |&ix| decoded.plan.steps[ix as usize].parent)
            .filter_map(|ix| block(&decoded.plan, decoded.plan.steps[ix as usize].parent))
            .any(|block| block.by_id.contains_key(id))
    };
    for (position, &ix) in steps.iter().enumerate() {
        let id = decoded.plan.steps[ix as usize].id.as_str();
        if id.is_empty() {
            continue;
        }
        let node = decoded.steps[ix as usize].id;
        if let Some(&first) = by_id.get(id) {
            let first = &decoded.steps[steps[first] as usize];
            let message = format!("the id `{id}` is given twice");
            let help = format!(
                "it names the step in line {} already; ids are unique in their block",
                first.id.span().line
            );
            problems.push(Diagnostic::at(codes::DUPLICATE_ID, node, message).help(help));
            continue;
        }
        if taken_around(id) {
            let message = format!("the id `{id}` is that of a step around this one");
            let help = "inside a group, ids differ from those of the blocks around it, so that a name means one step";
            problems.push(Diagnostic::at(codes::DUPLICATE_ID, node, message).help(help));
        }
        by_id.insert(id.to_owned(), position);
    }
    by_id
}

/// The positions of the steps that are named in `needs`.
fn named_needs(
    decoded: &Decoded<'_>,
    written: &[(&str, crate::tree::Node<'_>)],
    position: usize,
    by_id: &HashMap<String, usize>,
    named: &HashMap<String, Vec<StepIx>>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<usize> {
    let mut needs: Vec<usize> = Vec::with_capacity(written.len());
    let mut seen = HashSet::new();
    for &(id, node) in written {
        match by_id.get(id) {
            Some(&at) if at < position => {
                if seen.insert(at) {
                    needs.push(at);
                } else {
                    let message = format!("`{id}` is named twice in `needs`");
                    problems.push(Diagnostic::at(codes::DOUBLED, node, message));
                }
            }
            Some(&at) => {
                let message = if at == position {
                    "a step cannot need itself".to_owned()
                } else {
                    format!("`{id}` comes after this step")
                };
                let help =
                    "`needs` names steps above, so that there can be no circle; move the step or the need";
                problems.push(Diagnostic::at(codes::NEEDS_LATER, node, message).help(help));
            }
            None => {
                let elsewhere = named.get(id).and_then(|steps| steps.first());
                let elsewhere = elsewhere.map(|&ix| decoded.plan.steps[ix as usize].path.as_str());
                let message = format!("there is no step `{id}` in this block");
                let problem = Diagnostic::at(codes::NEEDS_UNKNOWN, node, message);
                let above = by_id.iter().filter(|(_, at)| **at < position).map(|(id, _)| id.as_str());
                let worth = worth_looking(problems.len(), by_id.len());
                let near = if worth { nearest(id, above) } else { None };
                problems.push(match (elsewhere, near) {
                    (Some(path), _) => problem.help(format!(
                        "`{path}` stands in another block; `needs` names steps of the own block only"
                    )),
                    (None, Some(near)) => problem.nearest(near),
                    (None, None) => problem.help("`needs` names steps above, of the same block"),
                });
            }
        }
    }
    needs
}

/// The fewest of the needed steps that imply all, and everything that comes before by them.
fn reached(needs: &[usize], steps: &[StepIx], order: &Order) -> (Vec<usize>, Reach) {
    let mut bits = Bits::default();
    for &at in needs {
        bits.add(&order.reach[steps[at] as usize]);
    }
    let mut fewest: Vec<usize> = needs.iter().copied().filter(|&at| !bits.has(at)).collect();
    fewest.sort_unstable();
    for &at in needs {
        bits.set(at);
    }
    (fewest, Reach::Some(bits))
}

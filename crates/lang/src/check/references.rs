//! What expressions read: whether it may be read where they stand, and what follows from it.

use crate::codes;
use crate::decode::{Role, Site, Wants};
use crate::diagnostic::{Diagnostic, nearest, worth_looking};
use crate::expr::{Reference, Segment};
use crate::plan::{Read, StepIx};

use super::names::Names;
use super::order::block;
use super::order::{Lack, Reach};
use super::scope::{Found, Frame, Spot};
use super::types;

/// Why a root is not in reach.
pub(super) enum Misplaced {
    Secret,
    /// In a trigger, of what is not `event`.
    OnlyEvent,
    /// `event` outside of triggers.
    NoEvent,
    NoSteps,
    /// Outside of every iteration of this kind.
    NoIteration(&'static str),
    NoEnd,
}

impl<'t> Names<'_, 't> {
    /// Why a root that the language knows is not in reach here.
    pub(super) fn misplaced(&self, root: &str, spot: Spot<'_>) -> Option<Misplaced> {
        if root == "secrets" {
            return Some(Misplaced::Secret);
        }
        if matches!(spot.role, Role::Times | Role::Hook) {
            let known = ROOTS.iter().chain(INNER).any(|known| *known == root || root == "item");
            return (known && root != "event").then_some(Misplaced::OnlyEvent);
        }
        let bound = |spot: Spot<'_>| self.bound(spot).iter().any(|(n, _)| n == root);
        match root {
            "event" if !bound(spot) => Some(Misplaced::NoEvent),
            "steps" if spot.frame.is_none() => Some(Misplaced::NoSteps),
            "previous" if spot.looped(self.decoded).is_none() => Some(Misplaced::NoIteration("loop")),
            "iteration" if !bound(spot) => Some(Misplaced::NoIteration("loop")),
            "item" | "index" | "key" if !bound(spot) => Some(Misplaced::NoIteration("foreach")),
            "ended" if !bound(spot) => Some(Misplaced::NoEnd),
            _ => None,
        }
    }

    pub(super) fn reference(&mut self, site: &Site<'t>, reference: &Reference, spot: Spot<'_>) {
        if let Some(why) = self.misplaced(&reference.root, spot) {
            let name = &reference.root;
            let (code, message, help) = match why {
                Misplaced::Secret => (
                    codes::SECRET_PLACE,
                    "a secret stands alone in its `${{ }}`, and only in `env`, `stdin` and parts of `http`"
                        .to_owned(),
                    "give it a variable of its own in `env`, and put texts together in the program",
                ),
                Misplaced::OnlyEvent => (
                    codes::NOT_HERE,
                    format!("`{name}` means nothing in a trigger"),
                    "only `event` is known here: what starts the run that is to be given these inputs",
                ),
                Misplaced::NoEvent => (
                    codes::NOT_HERE,
                    format!("`{name}` means nothing here"),
                    "what starts a run is known in the inputs of `triggers`: give the workflow an input for it",
                ),
                Misplaced::NoSteps => (
                    codes::NOT_HERE,
                    "no steps can be read here".to_owned(),
                    "this is computed before the first step starts; use `inputs` and `vars`",
                ),
                Misplaced::NoIteration(each) => (
                    codes::NOT_HERE,
                    format!("`{name}` means nothing here"),
                    if each == "loop" {
                        "it is known inside of a `loop`"
                    } else {
                        "it is known inside of a `foreach`"
                    },
                ),
                Misplaced::NoEnd => (
                    codes::NOT_HERE,
                    format!("`{name}` means nothing here"),
                    "it says how a block ended, and is known in the steps of its `finally`",
                ),
            };
            let problem = self.at(site, reference, code, message).help(help);
            self.problems.push(problem);
            return;
        }
        match reference.root.as_str() {
            "steps" => self.step_reference(site, reference, spot),
            "previous" => self.previous_reference(site, reference, spot),
            _ => {}
        }
    }

    fn step_reference(&mut self, site: &Site<'t>, reference: &Reference, spot: Spot<'_>) {
        let Some(id) = reference.field(0) else {
            // `steps` as a whole, or `steps[x]`: any of them may be meant.
            for ix in spot.visible(self.decoded, self.order) {
                self.instances[ix as usize] = true;
            }
            return;
        };
        let decoded = self.decoded;
        let (code, message, help) = match spot.find(id, decoded, self.order) {
            Found::Step { ix, up, lack } => return self.read(site, reference, spot, ix, Some(up), lack),
            Found::ThisOne { ix, lack } => return self.read(site, reference, spot, ix, None, lack),
            Found::Nothing => {
                let problem =
                    self.at_step(site, reference, codes::UNKNOWN_STEP, format!("there is no step `{id}`"));
                if !worth_looking(self.problems.len(), decoded.steps.len()) {
                    self.problems.push(problem);
                    return;
                }
                let visible = spot.visible(decoded, self.order);
                let ids = visible.iter().map(|&ix| decoded.plan.steps[ix as usize].id.as_str());
                let problem = match nearest(id, ids.clone()) {
                    Some(near) => problem.nearest(near),
                    None => problem.help(can_be_read(ids)),
                };
                self.problems.push(problem);
                return;
            }
            found => self.out_of_reach(id, found, spot),
        };
        let problem = self.at_step(site, reference, code, message).help(help);
        self.problems.push(problem);
    }

    /// What is wrong with naming a step that is there and cannot be read: code, message and help.
    pub(super) fn out_of_reach(
        &self,
        id: &str,
        found: Found,
        spot: Spot<'_>,
    ) -> (&'static codes::Code, String, String) {
        let decoded = self.decoded;
        let path = |ix: StepIx| decoded.plan.steps[ix as usize].path.as_str();
        match found {
            Found::Itself => (
                codes::READS_ITSELF,
                format!("`{id}` reads itself, and has nothing yet"),
                "in a loop, `previous` holds the iteration before".to_owned(),
            ),
            Found::Around(_) => (
                codes::READS_ITSELF,
                format!("`{id}` is around this step, and has nothing yet"),
                "read the steps inside of it by their own ids".to_owned(),
            ),
            Found::NotBefore(ix) => {
                let written = spot.step.is_some_and(|own| decoded.steps[own as usize].needs.is_some());
                let below = spot.step.is_some_and(|own| own < ix);
                let help = if below {
                    format!("`{id}` comes later; move it above")
                } else if written {
                    format!("add `{id}` to `needs`")
                } else {
                    format!("a step around this one has to need `{id}`")
                };
                (codes::NOT_BEFORE, format!("`{id}` need not have run when this is read"), help)
            }
            Found::AtTheEnd(_) => (
                codes::NOT_BEFORE,
                format!("`{id}` stands in `finally`, which runs after this"),
                "only the steps below it in the same `finally` can read it".to_owned(),
            ),
            Found::Inside(ix) => {
                let group = path(ix).rsplit_once('/').map_or("", |(group, _)| group);
                let outer = group.rsplit('/').next().unwrap_or_default();
                (
                    codes::READS_INSIDE,
                    format!("`{id}` stands inside of `{group}`, which shows its outputs only"),
                    format!("give the group `outputs`, and read `steps.{outer}.output`"),
                )
            }
            Found::Step { .. } | Found::ThisOne { .. } | Found::Nothing => {
                (codes::UNKNOWN_STEP, format!("there is no step `{id}`"), "name one that is there".to_owned())
            }
        }
    }

    /// A step that may be read is read.
    fn read(
        &mut self,
        site: &Site<'t>,
        reference: &Reference,
        spot: Spot<'_>,
        ix: StepIx,
        up: Option<u32>,
        lack: Option<Lack>,
    ) {
        match reference.path.get(1) {
            None | Some(Segment::Dynamic | Segment::Index(_)) => self.instances[ix as usize] = true,
            Some(Segment::Field(field)) if field == "instances" => self.instances[ix as usize] = true,
            Some(Segment::Field(field)) if field == "output" => {
                self.read_output(site, reference, spot, ix, up, lack);
            }
            Some(Segment::Field(field)) if !types::STEP_FIELDS.contains(&field.as_str()) => {
                let id = &self.decoded.plan.steps[ix as usize].id;
                let message = format!("a step has no `{field}`");
                let problem = self.at(site, reference, codes::UNKNOWN_FIELD, message);
                let problem = match nearest(field, types::STEP_FIELDS.iter().copied()) {
                    Some(near) => problem.nearest(near),
                    None => problem.help(format!("what a step gives is in `steps.{id}.output`")),
                };
                self.problems.push(problem);
            }
            Some(Segment::Field(_)) => {}
        }
    }

    fn read_output(
        &mut self,
        site: &Site<'t>,
        reference: &Reference,
        spot: Spot<'_>,
        ix: StepIx,
        up: Option<u32>,
        lack: Option<Lack>,
    ) {
        let decoded = self.decoded;
        let step = &decoded.plan.steps[ix as usize];
        if reference.guarded || self.known_by_condition(spot, &step.id) {
            return;
        }
        // What is undone has completed, whatever its condition.
        let skipped = step.condition.is_some() && up.is_some();
        if skipped || lack.is_some() {
            let id = &step.id;
            let message = match lack {
                None => format!("`{id}` may have been skipped, and then it has no output"),
                Some(Lack::Ended) => {
                    format!("the block may have ended before `{id}` completed, and then it has no output")
                }
                Some(Lack::Part) => {
                    format!("`{id}` is a part of a join that does without some, and may have no output")
                }
                Some(Lack::OtherWay) => {
                    format!("not every way to here leaves `{id}` with an output")
                }
                Some(Lack::UnderWay) => format!("`{id}` has no output yet when `verify` is asked"),
            };
            let state =
                spot.step.is_some_and(|own| matches!(self.order.reach[own as usize], Reach::State { .. }));
            let stepped = spot.step.is_some() && !matches!(spot.role, Role::Outputs | Role::Verify) && !state;
            let condition = format!(", or give this step `if: steps.{id}.status == 'completed'`");
            let read = format!("`steps.{id}.?output.orValue(null)`");
            let how = match site.wants {
                Wants::Shown => {
                    format!(
                        "show it by a label: `show: {{ {id}: \"${{{{ {} }}}}\" }}`",
                        read.trim_matches('`')
                    )
                }
                _ => format!("read it through a guard: {read}"),
            };
            let help = format!("{how}{}", if stepped { condition.as_str() } else { "" });
            let problem = self.at(site, reference, codes::UNGUARDED, message).help(help);
            self.problems.push(problem);
            return;
        }
        // Own keys that read a failed step make the reader blocked; elsewhere that is an error when it happens.
        let own = matches!(spot.role, Role::Condition | Role::Step | Role::ElementKey | Role::Instance);
        if let (true, Some(reader), Some(up)) = (own, spot.step, up) {
            let read = Read { up, step: self.order.position[ix as usize] };
            let reads = &mut self.reads[reader as usize];
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
    }

    /// Whether the conditions around say that a step is completed.
    pub(super) fn known_by_condition(&self, spot: Spot<'_>, id: &str) -> bool {
        let guard = |known: &String| known == id;
        let own = spot
            .step
            .filter(|_| spot.role != Role::Condition)
            .and_then(|own| self.decoded.plan.steps[own as usize].condition.as_ref());
        own.is_some_and(|c| c.guards().iter().any(guard))
            || spot.frame.into_iter().flat_map(Frame::outwards).any(|f| f.guards.iter().any(guard))
    }

    fn previous_reference(&mut self, site: &Site<'t>, reference: &Reference, spot: Spot<'_>) {
        let decoded = self.decoded;
        let Some(looped) = spot.looped(decoded) else { return };
        let inside: Vec<StepIx> = match block(&decoded.plan, Some(looped)) {
            Some(block) => block.steps[..block.own].to_vec(),
            None => vec![looped],
        };
        let id_of = |ix: &StepIx| decoded.plan.steps[*ix as usize].id.as_str();
        let Some(id) = reference.field(0) else {
            inside.iter().for_each(|&ix| self.instances[ix as usize] = true);
            return;
        };
        match inside.iter().find(|ix| id_of(ix) == id) {
            Some(&ix) => {
                let whole =
                    matches!(reference.path.get(1), None | Some(Segment::Dynamic | Segment::Index(_)));
                if whole || reference.field(1) == Some("instances") {
                    self.instances[ix as usize] = true;
                } else if let Some(field) = reference.field(1).filter(|f| !types::STEP_FIELDS.contains(f)) {
                    let problem =
                        self.at(site, reference, codes::UNKNOWN_FIELD, format!("a step has no `{field}`"));
                    let problem = match nearest(field, types::STEP_FIELDS.iter().copied()) {
                        Some(near) => problem.nearest(near),
                        None => problem.help(format!("what a step gives is in `previous.{id}.output`")),
                    };
                    self.problems.push(problem);
                }
            }
            None => {
                let message = format!("the loop has no step `{id}`");
                let problem = self.at_step(site, reference, codes::UNKNOWN_STEP, message);
                let problem = match nearest(id, inside.iter().map(id_of)) {
                    Some(near) => problem.nearest(near),
                    None => problem.help("`previous` holds the steps of the innermost loop"),
                };
                self.problems.push(problem);
            }
        }
    }

    /// A finding at a reference.
    fn at(
        &self,
        site: &Site<'t>,
        reference: &Reference,
        code: &'static codes::Code,
        message: String,
    ) -> Diagnostic {
        if site.wants == Wants::Shown {
            return Diagnostic::at(code, site.node, message);
        }
        let start = (site.expr.base() + reference.offset) as usize;
        let span = site.node.span_within(start, start + reference.len as usize);
        Diagnostic { span, ..Diagnostic::at(code, site.node, message) }
    }

    /// A finding at the part of a reference that names a step.
    fn at_step(
        &self,
        site: &Site<'t>,
        reference: &Reference,
        code: &'static codes::Code,
        message: String,
    ) -> Diagnostic {
        if site.wants == Wants::Shown {
            return Diagnostic::at(code, site.node, message);
        }
        let start = (site.expr.base() + reference.offset) as usize;
        let span = site.node.span_within(start, start + named(site.expr.source(), reference));
        Diagnostic { span, ..Diagnostic::at(code, site.node, message) }
    }
}

fn can_be_read<'n>(ids: impl Iterator<Item = &'n str>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("`{id}`")).collect();
    match ids.len() {
        0 => "no step has run before this".to_owned(),
        1..=10 => format!("what can be read here: {}", ids.join(", ")),
        n => format!("{n} steps can be read here, and none has a name like it"),
    }
}

/// Roots that are always in reach.
pub(super) static ROOTS: &[&str] = &["inputs", "vars", "secrets", "run", "steps", "previous", "feedback"];
/// Roots that iterations give. `item` is what an element is called where no other name is given.
/// `ended` is there in a `finally`.
/// `event` is there in a trigger.
pub(super) static INNER: &[&str] = &["index", "key", "iteration", "ended", "event"];

/// How much of a reference names a step: `steps.fetch` of `steps.fetch.output.title`. The whole where the step
/// is named in another way, as in `steps["fetch"]`.
fn named(source: &str, reference: &Reference) -> usize {
    let whole = reference.len as usize;
    let text = source.get(reference.offset as usize..).unwrap_or_default();
    let length = reference.field(0).map_or(whole, |id| reference.root.len() + 1 + id.len());
    let dotted = text.get(..length).is_some_and(|t| t.ends_with(reference.field(0).unwrap_or_default()));
    if dotted { length } else { whole }
}

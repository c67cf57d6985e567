//! Names and types of all expressions of a document.

use std::cell::RefCell;

use crate::codes;
use crate::decode::{Decoded, Output, Role, Site, Wants, of_expression};
use crate::diagnostic::Diagnostic;
use crate::expr::{Expr, Field, RESERVED, Reference, TYPE_NAMES, Type};
use crate::plan::{ActionKind, Body, Each, Join, Read, StepIx};
use crate::template::Template;

use super::order::{Order, block};
use super::people;
use super::references::{INNER, ROOTS};
use super::scope::{Found, Frame, Spot};
use super::types::{self, Roots};

/// What the checks of names found out about the steps.
pub(crate) struct Facts {
    /// What each reads without a guard.
    pub(crate) reads: Vec<Vec<Read>>,
    /// Whether its instances may be read.
    pub(crate) instances: Vec<bool>,
    /// What a run of the document gives.
    pub(crate) output: Type,
}

/// Checks all expressions.
pub(crate) fn check(decoded: &Decoded<'_>, order: &Order, problems: &mut Vec<Diagnostic>) -> Facts {
    let count = decoded.plan.steps.len();
    let mut names = Names {
        decoded,
        order,
        problems,
        inputs: types::inputs(&decoded.plan.inputs),
        vars: Vec::new(),
        all_vars: Type::Dyn,
        outputs: vec![Type::Dyn; count],
        steps: RefCell::new(vec![None; count]),
        items: vec![Type::Dyn; count],
        reads: vec![Vec::new(); count],
        instances: vec![false; count],
        worked_on: people::worked_on(decoded),
    };
    let output = names.document();
    Facts { reads: names.reads, instances: names.instances, output }
}

pub(super) struct Names<'d, 't> {
    pub(super) decoded: &'d Decoded<'t>,
    pub(super) order: &'d Order,
    pub(super) problems: &'d mut Vec<Diagnostic>,
    pub(super) inputs: Type,
    pub(super) vars: Vec<(String, Type)>,
    /// All of them, once they are known.
    all_vars: Type,
    /// What each step gives, as far as it was looked at.
    pub(super) outputs: Vec<Type>,
    /// What each step is to those who read it, as far as it was asked for.
    steps: RefCell<Vec<Option<Type>>>,
    /// What each foreach goes over.
    pub(super) items: Vec<Type>,
    pub(super) reads: Vec<Vec<Read>>,
    pub(super) instances: Vec<bool>,
    /// Whether somebody may work on each step.
    pub(super) worked_on: Vec<bool>,
}

impl<'t> Names<'_, 't> {
    fn document(&mut self) -> Type {
        let decoded = self.decoded;
        for (at, (name, value)) in decoded.plan.vars.iter().enumerate() {
            let spot = Spot { frame: None, step: None, role: Role::Var(at) };
            self.sites(&decoded.sites, spot);
            let ty = self.type_of(value, spot);
            self.vars.push((name.clone(), ty));
        }
        self.all_vars = self.vars_above(self.vars.len());
        for role in [Role::Head, Role::Times, Role::Hook] {
            self.sites(&decoded.sites, Spot { frame: None, step: None, role });
        }
        let frame = Frame { outer: None, parent: None, bindings: Vec::new(), guards: Vec::new() };
        self.block(None, &frame);
        let spot = Spot { frame: Some(&frame), step: None, role: Role::Outputs };
        self.sites(&decoded.sites, spot);
        self.block_output(None, spot)
    }

    fn block(&mut self, parent: Option<StepIx>, frame: &Frame<'_>) {
        let decoded = self.decoded;
        let Some(block) = block(&decoded.plan, parent) else { return };
        // Visits of a state are counted, and an end knows how the block came to it.
        let visited = block.machine.then(|| frame.with("iteration", Type::Int));
        for &ix in &block.steps[..block.own] {
            self.step(ix, visited.as_ref().unwrap_or(frame));
        }
        if block.finally().is_empty() {
            return;
        }
        let ending = frame.with("ended", types::ended());
        for &ix in block.finally() {
            self.step(ix, &ending);
        }
    }

    fn step(&mut self, ix: StepIx, frame: &Frame<'_>) {
        let decoded = self.decoded;
        let step = &decoded.plan.steps[ix as usize];
        let sites = &decoded.steps[ix as usize].sites;
        let at = |role| Spot { frame: Some(frame), step: Some(ix), role };
        self.sites(sites, at(Role::Condition));
        self.sites(sites, at(Role::Step));

        if let Some(Each::Foreach { items, binding, .. }) = &step.each {
            self.binding(ix, binding, frame);
            self.items[ix as usize] = self.type_of(items, at(Role::Step));
        }
        self.sites(sites, at(Role::ElementKey));
        let guards = step.condition.as_ref().map(|c| c.guards().to_vec()).unwrap_or_default();
        let bindings = self.bindings(ix);
        let inner = Frame { outer: Some(frame), parent: Some(ix), bindings, guards };
        let own = match &step.body {
            Body::Block(_) => {
                self.block(Some(ix), &inner);
                self.sites(sites, at(Role::Outputs));
                self.block_output(Some(ix), at(Role::Outputs))
            }
            Body::Action(action) => {
                self.sites(sites, at(Role::Instance));
                for worker in &decoded.steps[ix as usize].workers {
                    self.worker(worker, at(Role::Instance));
                }
                if let (Some(node), ActionKind::People(people)) =
                    (decoded.steps[ix as usize].authors, &action.kind)
                {
                    self.authors(node, people, at(Role::Instance));
                }
                match (&decoded.steps[ix as usize].output, &action.kind) {
                    (Output::Known(ty), _) => ty.clone(),
                    (Output::OfTemplate, ActionKind::Set(values)) => self.type_of(values, at(Role::Instance)),
                    _ => Type::Dyn,
                }
            }
        };
        let own = self.as_a_document(ix, own);
        self.gives(ix, own.clone());
        for role in [Role::Until, Role::Undo, Role::Verify] {
            self.sites(sites, at(role));
        }
        if let Some(Each::Foreach { lines: true, .. }) = step.each {
            self.gives(ix, types::counts());
        } else if let Some(Each::Foreach { join, .. }) = step.each {
            // Where not all have to complete, an element may be null.
            let each = if join == Join::All { own } else { Type::Dyn };
            self.gives(ix, types::gathered(&self.items[ix as usize], each));
        }
        self.sites(sites, at(Role::Next));
    }

    /// What a step gives, which is held against the schema of the document that it produces.
    fn as_a_document(&mut self, ix: StepIx, own: Type) -> Type {
        let decoded = self.decoded;
        let produces = decoded.plan.steps[ix as usize].produces.as_ref();
        let Some(document) = produces.map(|produces| &decoded.plan.documents[produces.document]) else {
            return own;
        };
        let Some(schema) = &document.schema else { return own };
        let wanted = Type::of_schema(schema);
        let is_text = |ty: &Type| matches!(ty, Type::String | Type::Words(_));
        if let (true, false, Some(node)) =
            (is_text(&own), is_text(&wanted) || wanted == Type::Dyn, decoded.steps[ix as usize].produces)
        {
            let message =
                format!("this step gives a text, and `{}` is {}", document.name, types::words(&wanted));
            let problem = Diagnostic::at(codes::WRONG_RESULT, node, message);
            self.problems.push(problem.help("give the step `parse: json`"));
        }
        if own == Type::Dyn || wanted != Type::Dyn { wanted } else { own }
    }

    fn gives(&mut self, ix: StepIx, output: Type) {
        self.outputs[ix as usize] = output;
        self.steps.get_mut()[ix as usize] = None;
    }

    /// The first variables, so many.
    fn vars_above(&self, count: usize) -> Type {
        let vars = &self.vars[..count.min(self.vars.len())];
        Type::map(vars.iter().map(|(name, ty)| Field::required(name, ty.clone())).collect(), false)
    }

    /// Names that the iteration of a step gives to what is inside of it.
    fn bindings(&self, ix: StepIx) -> Vec<(String, Type)> {
        match &self.decoded.plan.steps[ix as usize].each {
            Some(Each::Foreach { binding, lines, .. }) => vec![
                (binding.clone(), if *lines { Type::Dyn } else { types::element(&self.items[ix as usize]) }),
                ("index".to_owned(), Type::Int),
                ("key".to_owned(), Type::Dyn),
            ],
            Some(Each::Loop { .. }) => vec![("iteration".to_owned(), Type::Int)],
            None => Vec::new(),
        }
    }

    /// A name given by `as` must not hide another one.
    fn binding(&mut self, ix: StepIx, name: &str, frame: &Frame<'_>) {
        let Some(node) = self.decoded.steps[ix as usize].node.get("foreach").and_then(|n| n.get("as")) else {
            return;
        };
        let taken = ROOTS.iter().chain(INNER.iter()).any(|r| *r == name);
        let outer = frame.outwards().any(|f| f.bindings.iter().any(|(n, _)| n == name));
        if taken || outer {
            let message = format!("`{name}` means something else in expressions here");
            let problem = Diagnostic::at(codes::NAME_TAKEN, node, message);
            self.problems.push(problem.help("choose another name for the element"));
        } else if RESERVED.contains(&name) || TYPE_NAMES.contains(&name) {
            let message = format!("`{name}` is reserved in expressions");
            let problem = Diagnostic::at(codes::NAME_TAKEN, node, message);
            self.problems.push(problem.help("choose another name for the element"));
        }
    }

    fn sites(&mut self, sites: &[Site<'t>], spot: Spot<'_>) {
        for site in sites.iter().filter(|s| s.role == spot.role) {
            self.site(site, spot);
        }
    }

    fn site(&mut self, site: &Site<'t>, spot: Spot<'_>) {
        for reference in site.expr.references() {
            self.reference(site, reference, spot);
        }
        let roots = self.roots(spot, [&site.expr]);
        let (ty, problems) = site.expr.check(&roots);
        let broken = !problems.is_empty();
        self.problems.extend(problems.into_iter().map(|p| of_expression(site.node, p)));
        if !broken {
            self.wanted(site, &ty);
        }
    }

    /// Whether a value can be what its place wants.
    fn wanted(&mut self, site: &Site<'t>, ty: &Type) {
        let fits = match (site.wants, ty) {
            (Wants::Any | Wants::Shown, _) | (_, Type::Dyn) => true,
            (Wants::Boolean, ty) => matches!(ty, Type::Bool),
            (Wants::Integer, ty) => matches!(ty, Type::Int | Type::UInt | Type::Number | Type::Double),
            (Wants::Number, ty) => matches!(ty, Type::Int | Type::UInt | Type::Number | Type::Double),
            (Wants::Duration, ty) => matches!(ty, Type::String | Type::Words(_) | Type::Duration),
            (Wants::List, ty) => matches!(ty, Type::List(_)),
            (Wants::Items, ty) => matches!(ty, Type::List(_) | Type::Map(_)),
            (Wants::Map, ty) => matches!(ty, Type::Map(_)),
            (Wants::File, ty) => types::may_be_file(ty),
        };
        if fits {
            return;
        }
        let wanted = match site.wants {
            Wants::Boolean => "a boolean",
            Wants::Integer => "a whole number",
            Wants::Number => "a number",
            Wants::Duration => "a length of time",
            Wants::Items => "a list or a map",
            Wants::File => "a file",
            Wants::Map => "a map",
            Wants::List => "a list",
            Wants::Any | Wants::Shown => return,
        };
        let code = if site.wants == Wants::Boolean { codes::NO_BOOLEAN } else { codes::WRONG_RESULT };
        let message = format!("{wanted} is needed here, and this gives {}", types::words(ty));
        let start = site.expr.base() as usize;
        let span = site.node.span_within(start, start + site.expr.source().len());
        let problem = Diagnostic { span, ..Diagnostic::at(code, site.node, message) };
        self.problems.push(if site.wants == Wants::Boolean {
            problem.help("compare it: `… == 'x'`, `size(…) > 0`")
        } else {
            problem
        });
    }

    /// The type of a value that was found to be in order, or the best that is known.
    fn type_of(&self, value: &Template, spot: Spot<'_>) -> Type {
        let expressions: Vec<&Expr> = value.expressions().into_iter().map(|(_, e)| e).collect();
        let roots = self.roots(spot, expressions);
        value.check(&roots).0
    }

    /// What a block gives: its outputs, or a map from step id to output.
    fn block_output(&self, parent: Option<StepIx>, spot: Spot<'_>) -> Type {
        let Some(block) = block(&self.decoded.plan, parent) else { return Type::Dyn };
        match &block.outputs {
            Some(outputs) => {
                let fields = outputs.iter().map(|(name, value)| (name.clone(), self.type_of(value, spot)));
                types::outputs(fields.collect(), true)
            }
            None => {
                let ids = block.steps[..block.own].iter().map(|&ix| {
                    (self.decoded.plan.steps[ix as usize].id.clone(), self.outputs[ix as usize].clone())
                });
                types::outputs(ids.collect(), false)
            }
        }
    }

    /// The roots in reach, with as much of `steps` as these expressions name.
    fn roots<'e>(&self, spot: Spot<'_>, expressions: impl IntoIterator<Item = &'e Expr>) -> Roots {
        if let Some(event) = types::event(spot.role) {
            let roots = expressions.into_iter().flat_map(|e| e.references()).map(|r| r.root.clone());
            let refused = roots.filter(|root| self.misplaced(root, spot).is_some()).collect();
            return Roots { known: vec![("event".to_owned(), event)], refused };
        }
        let mut roots = vec![
            ("inputs".to_owned(), self.inputs.clone()),
            ("run".to_owned(), types::run()),
            // Null or a text.
            ("feedback".to_owned(), Type::Dyn),
        ];
        let vars = match spot.role {
            Role::Var(at) => self.vars_above(at),
            _ => self.all_vars.clone(),
        };
        roots.push(("vars".to_owned(), vars));
        let mut steps = Steps::default();
        let mut previous = Steps::default();
        let mut refused = Vec::new();
        for reference in expressions.into_iter().flat_map(|e| e.references()) {
            match reference.root.as_str() {
                root if self.misplaced(root, spot).is_some() => refused.push(root.to_owned()),
                "steps" => {
                    let ty = |id: &str| match spot.find(id, self.decoded, self.order) {
                        Found::Step { ix, .. } | Found::ThisOne { ix, .. } => self.known_step(ix, reference),
                        _ => Type::Dyn,
                    };
                    steps.add(reference, ty);
                }
                // A step of the iteration before may stand below, where its type is not known yet.
                "previous" => previous.add(reference, |_| Type::Dyn),
                _ => {}
            }
        }
        if spot.frame.is_some() {
            roots.push(("steps".to_owned(), steps.done()));
        }
        if spot.looped(self.decoded).is_some() {
            roots.push(("previous".to_owned(), previous.done()));
        }
        roots.extend(self.bound(spot));
        Roots { known: roots, refused }
    }

    /// The type of a step, unless the reference asks it for something that was reported.
    fn known_step(&self, ix: StepIx, reference: &Reference) -> Type {
        match reference.field(1) {
            Some(field) if !types::STEP_FIELDS.contains(&field) => Type::Dyn,
            _ => {
                let known = self.steps.borrow()[ix as usize].clone();
                known.unwrap_or_else(|| {
                    let whole = &self.outputs[ix as usize];
                    let each = match self.decoded.plan.steps[ix as usize].each {
                        Some(Each::Foreach { .. }) => types::element(whole),
                        _ => whole.clone(),
                    };
                    let step = match self.decoded.plan.steps[ix as usize].each {
                        Some(Each::Foreach { lines: true, .. }) => types::counting_step(whole.clone()),
                        _ => types::step(whole.clone(), each),
                    };
                    self.steps.borrow_mut()[ix as usize] = Some(step.clone());
                    step
                })
            }
        }
    }

    /// The names that iterations give here, inner ones last.
    pub(super) fn bound(&self, spot: Spot<'_>) -> Vec<(String, Type)> {
        let frames: Vec<&Frame<'_>> = spot.frame.into_iter().flat_map(Frame::outwards).collect();
        let mut bound: Vec<_> = frames.iter().rev().flat_map(|f| f.bindings.iter().cloned()).collect();
        if let Some(ix) = spot.step {
            let own = self.bindings(ix);
            match spot.role {
                Role::ElementKey => bound.extend(own.into_iter().take(1)),
                role if role.is_inside() => bound.extend(own),
                _ => {}
            }
        }
        bound
    }
}

/// As much of `steps` or `previous` as expressions name.
#[derive(Default)]
struct Steps {
    fields: Vec<Field>,
    whole: bool,
}

impl Steps {
    fn add(&mut self, reference: &Reference, ty: impl Fn(&str) -> Type) {
        match reference.field(0) {
            None => self.whole = true,
            Some(id) => match self.fields.iter_mut().find(|f| f.name == id) {
                // One reference that was refused makes all of them pass.
                Some(field) => {
                    if ty(id) == Type::Dyn {
                        field.ty = Type::Dyn;
                    }
                }
                None => self.fields.push(Field::optional(id, ty(id))),
            },
        }
    }

    fn done(self) -> Type {
        if self.whole { Type::Dyn } else { Type::map(self.fields, false) }
    }
}

//! What expressions of a run can reach, made as it is asked for.
//!
//! Nothing is copied: a view is two references and a place, values are borrowed from the state or from what
//! the host loaded. What is not at hand is noted in `needs` and ends the evaluation with `Needs`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use stead_lang::expr::{Env, EvalError, Object, ObjectKind, Val};
use stead_lang::plan::{Block, Body, Each, Plan};

use super::state::{Instance, Ix, Kind, Output, ROOT, RunState};
use crate::path;
use crate::status::StepStatus;
use crate::value::{ValueRef, Values};

/// What is there to be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) state: &'a RunState,
    pub(super) plan: &'a Plan,
    pub(super) values: &'a Values,
    pub(super) needs: &'a RefCell<Vec<ValueRef>>,
}

/// An item or iteration: its holder, and its position from 0 or number from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) holder: Ix,
    pub(super) index: u32,
}

/// An id that stands for one instance: in `until` and `previous` of an action that iterates.
#[derive(Debug, Clone, Copy)]
struct Alias<'a> {
    id: &'a str,
    ix: Ix,
}

/// The surroundings of one evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    reach: Reach<'a>,
    /// The block whose steps are siblings.
    body: Ix,
    /// The item or iteration itself, where it may not exist yet.
    own: Option<Slot>,
    alias: Option<Alias<'a>>,
    /// `vars` so far, while they are computed.
    vars: &'a [(String, Value)],
    candidate: Option<Candidate<'a>>,
}

/// An element of `in` whose key is computed, before there are items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) binding: &'a str,
    pub(super) item: &'a Value,
}

type Found<'a> = Result<Option<Val<'a>>, EvalError>;

impl<'a> Scope<'a> {
    /// As a step of the block sees it.
    pub(super) fn of(reach: Reach<'a>, body: Ix) -> Self {
        Scope { reach, body, own: None, alias: None, vars: &[], candidate: None }
    }

    /// As the run sees it before it begins.
    pub(super) fn starting(reach: Reach<'a>, vars: &'a [(String, Value)]) -> Self {
        Scope { reach, body: ROOT, own: None, alias: None, vars, candidate: None }
    }

    /// As an item or iteration of a step of the block sees it.
    pub(super) fn within(self, slot: Slot) -> Self {
        Scope { own: Some(slot), ..self }
    }

    /// With an element of `in` that is no item yet.
    pub(super) fn with_candidate(self, candidate: Candidate<'a>) -> Self {
        Scope { candidate: Some(candidate), ..self }
    }

    /// With `id` standing for one instance.
    pub(super) fn with_alias(self, id: &'a str, ix: Ix) -> Self {
        Scope { alias: Some(Alias { id, ix }), ..self }
    }

    /// Items and iterations around, the innermost first.
    fn slots(self) -> impl Iterator<Item = Slot> {
        let state = self.reach.state;
        let mut own = self.own;
        let mut next = (state.root().is_some()).then_some(self.body);
        std::iter::from_fn(move || {
            if let Some(slot) = own.take() {
                return Some(slot);
            }
            loop {
                let ix = next?;
                if ix == ROOT {
                    next = None;
                    return None;
                }
                let instance = state.get(ix);
                let holder = instance.parent;
                if is_holder(state.get(holder)) {
                    next = Some(state.get(holder).parent);
                    return Some(Slot { holder, index: instance.index });
                }
                next = Some(holder);
            }
        })
    }

    fn item(self, slot: Slot) -> Found<'a> {
        let Kind::Foreach { items, .. } = &self.reach.state.get(slot.holder).kind else { return Ok(None) };
        let items = self.reach.json(items)?;
        Ok(items.get(slot.index as usize).map(Val::from_json))
    }

    fn key(self, slot: Slot) -> Found<'a> {
        self.reach.key(slot.holder, slot.index)
    }

    fn iterations(self) -> Option<Slot> {
        self.slots().find(|s| matches!(self.reach.state.get(s.holder).kind, Kind::Loop { .. }))
    }

    fn items(self) -> Option<Slot> {
        self.slots().find(|s| matches!(self.reach.state.get(s.holder).kind, Kind::Foreach { .. }))
    }

    fn previous(self) -> Found<'a> {
        let Some(slot) = self.iterations() else { return Ok(None) };
        let state = self.reach.state;
        let holder = state.get(slot.holder);
        let before = path::iteration(&holder.path, slot.index.saturating_sub(1));
        let steps = match state.find(&before) {
            None => Steps { reach: self.reach, body: None, alias: None, outward: false },
            Some(ix) if matches!(state.get(ix).kind, Kind::Group) => {
                Steps { reach: self.reach, body: Some(ix), alias: None, outward: false }
            }
            Some(ix) => {
                let id = self.reach.plan.steps[holder.step as usize].id.as_str();
                Steps { reach: self.reach, body: None, alias: Some(Alias { id, ix }), outward: false }
            }
        };
        Ok(Some(Val::Object(Rc::new(steps))))
    }
}

impl<'a> Env<'a> for Scope<'a> {
    fn var(&self, name: &str) -> Found<'a> {
        let reach = self.reach;
        if let Some(candidate) = self.candidate
            && name == candidate.binding
        {
            return Ok(Some(Val::from_json(candidate.item)));
        }
        match name {
            "inputs" => return Ok(Some(Val::Object(Rc::new(NamedValues { reach, fields: Fields::Inputs })))),
            "vars" => {
                let fields =
                    if reach.state.started_at.is_some() { Fields::Vars } else { Fields::Early(self.vars) };
                return Ok(Some(Val::Object(Rc::new(NamedValues { reach, fields }))));
            }
            "run" => return Ok(Some(Val::Object(Rc::new(RunView { state: reach.state })))),
            "steps" => {
                let body = reach.state.root().map(|_| self.body);
                return Ok(Some(Val::Object(Rc::new(Steps {
                    reach,
                    body,
                    alias: self.alias,
                    outward: true,
                }))));
            }
            "feedback" => return Ok(Some(Val::Null)),
            "iteration" => return Ok(self.iterations().map(|s| Val::Int(i64::from(s.index)))),
            "previous" => return self.previous(),
            "index" => return Ok(self.items().map(|s| Val::Int(i64::from(s.index)))),
            "key" => return self.items().map_or(Ok(None), |slot| self.key(slot)),
            _ => {}
        }
        // The name that a foreach gave its items.
        for slot in self.slots() {
            let step = reach.state.get(slot.holder).step;
            if let Some(Each::Foreach { binding, .. }) = &reach.plan.steps[step as usize].each
                && binding == name
            {
                return self.item(slot);
            }
        }
        Ok(None)
    }
}

fn is_holder(instance: &Instance) -> bool {
    matches!(instance.kind, Kind::Foreach { .. } | Kind::Loop { .. })
}

impl<'a> Reach<'a> {
    /// The value behind a reference.
    pub(super) fn json(self, reference: &'a ValueRef) -> Result<&'a Value, EvalError> {
        self.values.get(reference).ok_or_else(|| {
            self.needs.borrow_mut().push(reference.clone());
            EvalError::Needs
        })
    }

    fn block(self, body: Ix) -> &'a Block {
        block_of(self.state, self.plan, body)
    }

    /// The instance of a step of a block.
    pub(super) fn child(self, body: Ix, pos: usize) -> Option<Ix> {
        let instance = self.state.get(body);
        if let Some(progress) = &instance.block {
            return progress.at[pos];
        }
        let step = self.block(body).steps[pos];
        self.state.find(&path::step(&instance.path, &self.plan.steps[step as usize].id))
    }

    fn key(self, holder: Ix, index: u32) -> Found<'a> {
        let Kind::Foreach { keys, .. } = &self.state.get(holder).kind else { return Ok(None) };
        match keys {
            None => Ok(Some(Val::Str(Cow::Owned(index.to_string())))),
            Some(keys) => Ok(self.json(keys)?.get(index as usize).map(Val::from_json)),
        }
    }

    /// The output of an instance; `None` where it has none.
    pub(super) fn output(self, ix: Ix) -> Found<'a> {
        let instance = self.state.get(ix);
        match &instance.output {
            Output::None => Ok(None),
            Output::At(reference) => Ok(Some(Val::from_json(self.json(reference)?))),
            Output::Gathered => match instance.kind {
                Kind::Loop { .. } => instance.inside.last().map_or(Ok(None), |last| self.output(*last)),
                _ => Ok(Some(Val::Object(Rc::new(Gathered { reach: self, ix })))),
            },
        }
    }

    fn has_output(self, ix: Ix) -> bool {
        let instance = self.state.get(ix);
        match instance.output {
            Output::None => false,
            Output::At(_) => true,
            Output::Gathered => match instance.kind {
                Kind::Loop { .. } => instance.inside.last().is_some_and(|last| self.has_output(*last)),
                _ => true,
            },
        }
    }
}

/// The block that an instance runs.
pub(super) fn block_of<'p>(state: &RunState, plan: &'p Plan, body: Ix) -> &'p Block {
    if body == ROOT {
        return &plan.root;
    }
    match &plan.steps[state.get(body).step as usize].body {
        Body::Block(block) => block,
        Body::Action(_) => unreachable!("only groups have blocks"),
    }
}

#[derive(Debug, Clone, Copy)]
enum Fields<'a> {
    Inputs,
    Vars,
    Early(&'a [(String, Value)]),
}

/// `inputs` and `vars`.
#[derive(Debug, Clone, Copy)]
struct NamedValues<'a> {
    reach: Reach<'a>,
    fields: Fields<'a>,
}

impl<'a> NamedValues<'a> {
    fn references(&self) -> &'a [(String, ValueRef)] {
        match self.fields {
            Fields::Inputs => &self.reach.state.inputs,
            Fields::Vars => &self.reach.state.vars,
            Fields::Early(_) => &[],
        }
    }
}

impl<'a> Object<'a> for NamedValues<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::Map
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.keys()?.len())
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        Ok(match self.fields {
            Fields::Early(vars) => vars.iter().map(|(name, _)| name.as_str().into()).collect(),
            _ => self.references().iter().map(|(name, _)| name.as_str().into()).collect(),
        })
    }
    fn get(&self, key: &str) -> Found<'a> {
        if let Fields::Early(vars) = self.fields {
            return Ok(vars.iter().find(|(name, _)| name == key).map(|(_, value)| Val::from_json(value)));
        }
        match self.references().iter().find(|(name, _)| name == key) {
            Some((_, reference)) => Ok(Some(Val::from_json(self.reach.json(reference)?))),
            None => Ok(None),
        }
    }
    fn at(&self, _: usize) -> Found<'a> {
        Ok(None)
    }
}

/// `run`
#[derive(Debug, Clone, Copy)]
struct RunView<'a> {
    state: &'a RunState,
}

impl<'a> Object<'a> for RunView<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::Map
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(5)
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        Ok(["id", "workflow", "revision", "started_at", "project"].map(Cow::Borrowed).to_vec())
    }
    fn get(&self, key: &str) -> Found<'a> {
        let text = |text: &'a str| Some(Val::Str(Cow::Borrowed(text)));
        Ok(match key {
            "id" => text(self.state.id.as_str()),
            "workflow" => text(&self.state.workflow),
            "revision" => text(&self.state.revision),
            "project" => text(&self.state.project),
            "started_at" => Some(Val::Timestamp(self.state.started_at.unwrap_or(self.state.at), 0)),
            _ => None,
        })
    }
    fn at(&self, _: usize) -> Found<'a> {
        Ok(None)
    }
}

/// `steps` and `previous`.
#[derive(Debug, Clone, Copy)]
struct Steps<'a> {
    reach: Reach<'a>,
    body: Option<Ix>,
    alias: Option<Alias<'a>>,
    /// Whether the steps of enclosing blocks are in reach as well.
    outward: bool,
}

impl<'a> Object<'a> for Steps<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::Map
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.keys()?.len())
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        let own = self.alias.map(|alias| Cow::Borrowed(alias.id));
        let steps = self.body.map(|body| &self.reach.block(body).steps);
        let ids =
            steps.into_iter().flatten().map(|ix| self.reach.plan.steps[*ix as usize].id.as_str().into());
        Ok(own.into_iter().chain(ids).collect())
    }
    fn get(&self, key: &str) -> Found<'a> {
        let view = |ix, over| Ok(Some(Val::Object(Rc::new(StepView { reach: self.reach, ix, over }))));
        if let Some(alias) = self.alias
            && alias.id == key
        {
            return view(Some(alias.ix), false);
        }
        let Some(mut body) = self.body else { return Ok(None) };
        loop {
            if let Some(pos) = self.reach.block(body).by_id.get(key) {
                let over = self.reach.state.get(body).status.is_end();
                return view(self.reach.child(body, *pos), over);
            }
            if body == ROOT || !self.outward {
                return Ok(None);
            }
            let parent = self.reach.state.get(body).parent;
            let instance = self.reach.state.get(parent);
            body = if is_holder(instance) { instance.parent } else { parent };
        }
    }
    fn at(&self, _: usize) -> Found<'a> {
        Ok(None)
    }
}

/// `steps.ID`
#[derive(Debug, Clone, Copy)]
struct StepView<'a> {
    reach: Reach<'a>,
    /// `None`: it has not begun.
    ix: Option<Ix>,
    /// Its block has ended: what has not begun never will.
    over: bool,
}

const STEP_KEYS: [&str; 8] =
    ["status", "outcome", "output", "values", "error", "attempts", "exit_code", "instances"];

impl<'a> Object<'a> for StepView<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::Map
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.keys()?.len())
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        let mut keys = Vec::new();
        for key in STEP_KEYS.into_iter().chain(["index", "key", "item", "iteration"]) {
            let there = match (key, self.ix) {
                ("output", Some(ix)) => self.reach.has_output(ix),
                ("values", Some(ix)) => self.reach.state.get(ix).values.is_some(),
                _ => self.get(key)?.is_some(),
            };
            if there {
                keys.push(Cow::Borrowed(key));
            }
        }
        Ok(keys)
    }
    fn get(&self, key: &str) -> Found<'a> {
        let Some(ix) = self.ix else {
            let status = if self.over { StepStatus::Cancelled } else { StepStatus::Pending };
            return Ok(match key {
                "status" => Some(Val::Str(status.as_str().into())),
                "attempts" => Some(Val::Int(0)),
                _ => None,
            });
        };
        let instance = self.reach.state.get(ix);
        Ok(match key {
            "status" => Some(Val::Str(instance.status.as_str().into())),
            "outcome" => instance.outcome.map(|o| Val::Str(o.as_str().into())),
            "attempts" => Some(Val::Int(i64::from(instance.tries))),
            "exit_code" => instance.exit_code.map(|code| Val::Int(i64::from(code))),
            "error" => instance.error.as_ref().map(|error| {
                let text = |k: &'static str, v: Cow<'a, str>| (Val::Str(k.into()), Val::Str(v));
                Val::Map(Rc::new(vec![
                    text("kind", kind_word(error.kind)),
                    text("message", Cow::Borrowed(&error.message)),
                    text("step", Cow::Borrowed(&error.step)),
                ]))
            }),
            "output" => return self.reach.output(ix),
            "values" => match &instance.values {
                Some(reference) => Some(Val::from_json(self.reach.json(reference)?)),
                None => None,
            },
            "instances" if is_holder(instance) => {
                Some(Val::Object(Rc::new(Instances { reach: self.reach, holder: ix })))
            }
            "index" | "key" | "item" | "iteration" if ix != ROOT => {
                let slot = Slot { holder: instance.parent, index: instance.index };
                let scope = Scope::of(self.reach, ROOT);
                match (key, &self.reach.state.get(instance.parent).kind) {
                    ("index", Kind::Foreach { .. }) | ("iteration", Kind::Loop { .. }) => {
                        Some(Val::Int(i64::from(instance.index)))
                    }
                    ("key", Kind::Foreach { .. }) => return scope.key(slot),
                    ("item", Kind::Foreach { .. }) => return scope.item(slot),
                    _ => None,
                }
            }
            _ => None,
        })
    }
    fn at(&self, _: usize) -> Found<'a> {
        Ok(None)
    }
}

fn kind_word<'a>(kind: crate::effect::ErrorKind) -> Cow<'a, str> {
    match serde_json::to_value(kind) {
        Ok(Value::String(word)) => Cow::Owned(word),
        _ => Cow::Borrowed("error"),
    }
}

/// `steps.ID.instances`
#[derive(Debug, Clone, Copy)]
struct Instances<'a> {
    reach: Reach<'a>,
    holder: Ix,
}

impl<'a> Object<'a> for Instances<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::List
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.reach.state.get(self.holder).inside.len())
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        Ok(Vec::new())
    }
    fn get(&self, _: &str) -> Found<'a> {
        Ok(None)
    }
    fn at(&self, index: usize) -> Found<'a> {
        let ix = self.reach.state.get(self.holder).inside.get(index).copied();
        Ok(ix.map(|ix| Val::Object(Rc::new(StepView { reach: self.reach, ix: Some(ix), over: true }))))
    }
}

/// The outputs of a block's steps, as a map.
pub(super) fn gathered<'a>(reach: Reach<'a>, ix: Ix) -> Val<'a> {
    Val::Object(Rc::new(Gathered { reach, ix }))
}

/// An output made of those inside: of a block without `outputs`, and of a `foreach`.
#[derive(Debug, Clone, Copy)]
struct Gathered<'a> {
    reach: Reach<'a>,
    ix: Ix,
}

impl<'a> Gathered<'a> {
    fn keyed(&self) -> bool {
        matches!(self.reach.state.get(self.ix).kind, Kind::Foreach { map: true, .. })
    }

    /// Steps of the block that have an output: id and instance.
    fn steps(&self) -> impl Iterator<Item = (&'a str, Ix)> + use<'a> {
        let (reach, ix) = (self.reach, self.ix);
        let steps = &reach.block(ix).steps;
        steps.iter().enumerate().filter_map(move |(pos, step)| {
            let child = reach.child(ix, pos)?;
            reach.has_output(child).then(|| (reach.plan.steps[*step as usize].id.as_str(), child))
        })
    }
}

impl<'a> Object<'a> for Gathered<'a> {
    fn kind(&self) -> ObjectKind {
        match self.reach.state.get(self.ix).kind {
            Kind::Foreach { map: false, .. } => ObjectKind::List,
            _ => ObjectKind::Map,
        }
    }
    fn len(&self) -> Result<usize, EvalError> {
        let instance = self.reach.state.get(self.ix);
        Ok(match instance.kind {
            Kind::Foreach { .. } => instance.inside.len(),
            _ => self.steps().count(),
        })
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        let instance = self.reach.state.get(self.ix);
        match &instance.kind {
            Kind::Foreach { map: true, .. } => {
                let keys =
                    instance.inside.iter().map(|slot| match path::split(&self.reach.state.get(*slot).path) {
                        path::Part::Item { key, .. } => key,
                        _ => Cow::Borrowed(""),
                    });
                Ok(keys.collect())
            }
            Kind::Foreach { .. } => Ok(Vec::new()),
            _ => Ok(self.steps().map(|(id, _)| Cow::Borrowed(id)).collect()),
        }
    }
    fn get(&self, key: &str) -> Found<'a> {
        if self.keyed() {
            let holder = &self.reach.state.get(self.ix).path;
            return match self.reach.state.find(&path::item(holder, key)) {
                Some(ix) => Ok(Some(self.reach.output(ix)?.unwrap_or(Val::Null))),
                None => Ok(None),
            };
        }
        let pos = self.reach.block(self.ix).by_id.get(key);
        match pos.and_then(|pos| self.reach.child(self.ix, *pos)) {
            Some(ix) => self.reach.output(ix),
            None => Ok(None),
        }
    }
    fn at(&self, index: usize) -> Found<'a> {
        match self.reach.state.get(self.ix).inside.get(index) {
            Some(slot) => Ok(Some(self.reach.output(*slot)?.unwrap_or(Val::Null))),
            None => Ok(None),
        }
    }
}

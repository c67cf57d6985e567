//! What `inputs`, `run`, `steps` and the like look like to expressions: views over the state, made as they are
//! asked for.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;
use stead_lang::expr::{EvalError, Object, ObjectKind, Val};

use super::event::{Ending, StepError};
use super::reach::{Alias, Found, Reach, Slot, is_holder};
use super::state::{Ix, Kind, Output, ROOT, RunState};
use crate::path;
use crate::status::StepStatus;
use crate::value::ValueRef;

#[derive(Debug, Clone, Copy)]
pub(super) enum Fields<'a> {
    Inputs,
    Vars,
    Early(&'a [(String, Value)]),
}

/// `inputs` and `vars`.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedValues<'a> {
    pub(super) reach: Reach<'a>,
    pub(super) fields: Fields<'a>,
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
pub(super) struct RunView<'a> {
    pub(super) state: &'a RunState,
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
pub(super) struct Steps<'a> {
    pub(super) reach: Reach<'a>,
    pub(super) body: Option<Ix>,
    pub(super) alias: Option<Alias<'a>>,
    /// Whether the steps of enclosing blocks are in reach as well.
    pub(super) outward: bool,
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
        let view = |ix, never| Ok(Some(Val::Object(Rc::new(StepView { reach: self.reach, ix, never }))));
        if let Some(alias) = self.alias
            && alias.id == key
        {
            return view(Some(alias.ix), StepStatus::Pending);
        }
        let Some(mut body) = self.body else { return Ok(None) };
        loop {
            let own = (!self.reach.state.get(body).makes()).then(|| self.reach.block(body).by_id.get(key));
            if let Some(pos) = own.flatten() {
                let never = self.reach.state.get(body).never_begun(*pos < self.reach.block(body).own);
                return view(self.reach.child(body, *pos), never);
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
pub(super) struct StepView<'a> {
    reach: Reach<'a>,
    /// `None`: it has not begun.
    ix: Option<Ix>,
    /// What it is called while it has not begun.
    never: StepStatus,
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
            return Ok(match key {
                "status" => Some(Val::Str(self.never.as_str().into())),
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
            "error" => instance.error.as_deref().map(error_view),
            "output" => return self.reach.output(ix),
            "values" => match &instance.values {
                Some(reference) => Some(Val::from_json(self.reach.json(reference)?)),
                None => None,
            },
            // What is forgotten cannot be told apart from what was never there: the check refuses to ask.
            "instances" if matches!(instance.kind, Kind::Foreach { lines: Some(_), .. }) => None,
            "instances" if is_holder(instance) => {
                let all = instance.inside.as_slice().into();
                Some(Val::Object(Rc::new(Instances { reach: self.reach, all })))
            }
            "instances" if instance.visit(self.reach.state).is_some() => {
                let all = self.reach.state.visits(ix).into();
                Some(Val::Object(Rc::new(Instances { reach: self.reach, all })))
            }
            "iteration" if instance.visit(self.reach.state).is_some() => {
                instance.visit(self.reach.state).map(|number| Val::Int(i64::from(number)))
            }
            "index" | "key" | "item" | "iteration" if ix != ROOT => {
                let slot = Slot { holder: instance.parent, index: instance.index };
                match (key, &self.reach.state.get(instance.parent).kind) {
                    ("index", Kind::Foreach { .. }) | ("iteration", Kind::Loop { .. }) => {
                        Some(Val::Int(i64::from(instance.index)))
                    }
                    ("key", Kind::Foreach { .. }) => return self.reach.key(slot),
                    ("item", Kind::Foreach { .. }) => return self.reach.item(slot),
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

/// `ended`
pub(super) fn ended_view(ending: &Ending) -> Val<'_> {
    let word = |k: &'static str, v: &'static str| (Val::Str(k.into()), Val::Str(v.into()));
    let error = ending.error.as_ref().map_or(Val::Null, error_view);
    let status = word("status", ending.status.as_str());
    let outcome = word("outcome", ending.outcome.as_str());
    Val::Map(Rc::new(vec![status, outcome, (Val::Str("error".into()), error)]))
}

/// `error`
fn error_view(error: &StepError) -> Val<'_> {
    let text = |k: &'static str, v| (Val::Str(k.into()), Val::Str(v));
    Val::Map(Rc::new(vec![
        text("kind", kind_word(error.kind)),
        text("message", Cow::Borrowed(error.message.as_str())),
        text("step", Cow::Borrowed(error.step.as_str())),
    ]))
}

fn kind_word<'a>(kind: crate::effect::ErrorKind) -> Cow<'a, str> {
    match serde_json::to_value(kind) {
        Ok(Value::String(word)) => Cow::Owned(word),
        _ => Cow::Borrowed("error"),
    }
}

/// `steps.ID.instances`
#[derive(Debug, Clone)]
pub(super) struct Instances<'a> {
    reach: Reach<'a>,
    all: Cow<'a, [Ix]>,
}

impl<'a> Object<'a> for Instances<'a> {
    fn kind(&self) -> ObjectKind {
        ObjectKind::List
    }
    fn len(&self) -> Result<usize, EvalError> {
        Ok(self.all.len())
    }
    fn keys(&self) -> Result<Vec<Cow<'a, str>>, EvalError> {
        Ok(Vec::new())
    }
    fn get(&self, _: &str) -> Found<'a> {
        Ok(None)
    }
    fn at(&self, index: usize) -> Found<'a> {
        let never = StepStatus::Cancelled;
        let view = |ix: &Ix| Val::Object(Rc::new(StepView { reach: self.reach, ix: Some(*ix), never }));
        Ok(self.all.get(index).map(view))
    }
}

impl<'a> Reach<'a> {
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

    pub(super) fn has_output(self, ix: Ix) -> bool {
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

/// The outputs of a block's steps, as a map.
pub(super) fn gathered<'a>(reach: Reach<'a>, ix: Ix) -> Val<'a> {
    Val::Object(Rc::new(Gathered { reach, ix }))
}

/// An output made of those inside: of a block without `outputs`, and of a `foreach`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gathered<'a> {
    pub(super) reach: Reach<'a>,
    pub(super) ix: Ix,
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

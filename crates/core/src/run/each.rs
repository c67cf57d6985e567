//! foreach and loop: items and iterations, one after another or beside each other.

use serde_json::Value;
use stead_lang::expr::EvalError;
use stead_lang::plan::Each;

use super::event::Event;
use super::reach::{Reach, Slot};
use super::scope::{Candidate, Scope};
use super::settings::kind_of;
use super::start::{Site, join_rule};
use super::state::{Ix, Job, Kind};
use super::turn::{Machine, Stop, expression_error, step_error};
use crate::effect::ErrorKind;
use crate::limits;
use crate::path;
use crate::status::Outcome;

impl Machine<'_> {
    /// What `in` gives, with the keys, as an event.
    pub(super) fn foreach(
        &mut self,
        site: &Site,
        each: &Each,
        deadline_at: Option<crate::Time>,
    ) -> Result<Event, Stop> {
        let Each::Foreach { items, lines, binding, key, parallel, join, scope } = each else {
            unreachable!("a step with `loop` has no items")
        };
        let path = &site.path;
        let all = self.eval(path, |reach| items.render(&site.scope(reach)))?;
        let parallel = self
            .count(path, parallel, "foreach.parallel", limits::FOREACH_PARALLEL, |reach| site.scope(reach))?;
        if *lines {
            let lines = self.lines_of(path, &all)?;
            return Ok(lines.started(path, parallel, deadline_at, join_rule(*join)));
        }
        let (list, mut keys, map) = match all {
            Value::Array(list) => (list, None, false),
            Value::Object(map) => {
                let (keys, values): (Vec<_>, Vec<_>) = map.into_iter().unzip();
                (values, Some(keys), true)
            }
            other => {
                let message = format!("foreach.in gave {}, it takes a list or a map", kind_of(&other));
                return Err(expression_error(path, &message));
            }
        };
        if list.len() > limits::FOREACH_ITEMS {
            let message =
                format!("foreach.in gave {} items, the most is {}", list.len(), limits::FOREACH_ITEMS);
            return Err(Stop::Error(step_error(path, ErrorKind::Exhausted, &message)));
        }
        if let Some(key) = key {
            let of = |item: &Value| {
                let candidate = Candidate { binding, item };
                let value =
                    self.eval(path, |reach| key.render(&site.scope(reach).with_candidate(candidate)))?;
                Ok(match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                })
            };
            keys = Some(list.iter().map(of).collect::<Result<Vec<String>, Stop>>()?);
        } else if scope.is_some() && keys.is_none() {
            keys = Some(list.iter().enumerate().map(|(index, item)| own_key(index, item)).collect());
        }
        if let Some(keys) = &keys {
            check_keys(path, keys)?;
        }
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
        let items = self.payload(Value::Array(list));
        let keys = keys.map(|keys| self.payload(keys.into_iter().map(Value::String).collect()));
        let path = site.path.clone();
        let join = join_rule(*join);
        let lines = None;
        Ok(Event::ForeachStarted { path, count, parallel, map, items, keys, lines, deadline_at, join })
    }

    /// A holder: starts the items or the iteration that may start, ends when all has ended.
    pub(super) fn pump(&mut self, ix: Ix) -> Result<(), Stop> {
        let holder = self.state.get(ix);
        if holder.status.is_end() {
            return Ok(());
        }
        match holder.kind {
            Kind::Foreach { count, parallel, begun, done, ref holes, .. } => {
                // What is begun anew goes before what has not begun; all before a hole have begun.
                let next = holes.first().copied().unwrap_or(begun);
                self.judge(ix);
                self.stop_inside(ix);
                if self.unwanted(ix) {
                    return if begun == done { self.finish_holder(ix) } else { Ok(()) };
                }
                if done == count {
                    return self.finish_holder(ix);
                }
                if begun < count && begun - done < parallel {
                    self.start_slot(ix, next)?;
                    // One at a time, so that the turn stays bounded and a missing value costs one item only.
                    self.push(Job::Pump(ix));
                }
                Ok(())
            }
            Kind::Loop { begun, .. } => match holder.inside.last() {
                Some(last) if !self.state.get(*last).status.is_end() => Ok(()),
                _ if self.unwanted(ix) => self.finish_holder(ix),
                None => self.start_slot(ix, begun.saturating_add(1)),
                Some(last) => self.after_iteration(ix, *last, begun),
            },
            _ => Ok(()),
        }
    }

    fn after_iteration(&mut self, ix: Ix, last: Ix, begun: u32) -> Result<(), Stop> {
        let Kind::Loop { max, min, .. } = self.state.get(ix).kind else { return Ok(()) };
        let step = self.step(ix);
        let Some(Each::Loop { until, continue_on_exhausted, .. }) = &step.each else { return Ok(()) };
        if let Some(until) = until
            && begun >= min
        {
            let path = self.state.get(ix).path.clone();
            let doing = self.state.doing(last);
            let grouped = matches!(self.state.get(doing).kind, Kind::Group);
            let slot = Slot { holder: ix, index: begun };
            let around = self.state.get(ix).parent;
            let met = self.eval(&path, |reach| {
                let scope = match grouped {
                    true => Scope::of(reach, doing),
                    false => Scope::of(reach, around).within(slot).with_alias(&step.id, last),
                };
                until.eval_bool(&scope)
            });
            match met {
                Ok(true) => return self.finish_holder(ix),
                Ok(false) => {}
                Err(Stop::Error(error)) => {
                    self.fail(ix, error);
                    return Ok(());
                }
                Err(needs @ Stop::Needs(_)) => return Err(needs),
            }
        }
        if begun < max {
            return self.start_slot(ix, begun.saturating_add(1));
        }
        if until.is_none() {
            // Without a condition `max` is simply how often.
            return self.finish_holder(ix);
        }
        if *continue_on_exhausted {
            self.complete_holder(ix, Outcome::Exhausted);
        } else {
            let path = self.state.get(ix).path.to_string();
            let message = format!("the condition of `until` did not hold after {max} iterations");
            self.fail(ix, step_error(&path, ErrorKind::Exhausted, &message));
        }
        Ok(())
    }

    fn start_slot(&mut self, holder: Ix, index: u32) -> Result<(), Stop> {
        let instance = self.state.get(holder);
        let path = match &instance.kind {
            Kind::Loop { .. } => path::iteration(&instance.path, index),
            _ => {
                let key = self.eval(&instance.path, |reach| item_key(reach, holder, index))?;
                path::item(&self.state.get(holder).path, &key)
            }
        };
        let instance = self.state.get(holder);
        let visit = instance.visit(self.state);
        let slot = Some(Slot { holder, index });
        let site = Site { path, body: instance.parent, step: instance.step, slot, visit };
        let step = &self.plan.steps[site.step as usize];
        if let Some(why) = self.broken_line(holder, index)? {
            self.fail_at(&site, step_error(&site.path, ErrorKind::Schema, &why));
            return Ok(());
        }
        match self.begin_body(&site, step, None) {
            Ok(_) => Ok(()),
            Err(Stop::Error(error)) => {
                self.fail_at(&site, error);
                Ok(())
            }
            Err(needs @ Stop::Needs(_)) => Err(needs),
        }
    }
}

/// The key of an item of a scope that is given none: its id, else its place and what it says.
fn own_key(index: usize, item: &Value) -> String {
    match item.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(id @ Value::Number(_)) => id.to_string(),
        _ => {
            let hash = blake3::hash(item.to_string().as_bytes()).to_hex();
            format!("{}-{}", index + 1, &hash[..8])
        }
    }
}

fn item_key(reach: Reach<'_>, holder: Ix, index: u32) -> Result<String, EvalError> {
    let instance = reach.state.get(holder);
    let Kind::Foreach { keys: Some(keys), .. } = &instance.kind else { return Ok(index.to_string()) };
    let key = reach.json(keys)?.get(index as usize).and_then(Value::as_str);
    Ok(key.unwrap_or_default().to_owned())
}

/// Keys name items: none is empty, none is there twice, none is longer than a path can bear.
fn check_keys(path: &str, keys: &[String]) -> Result<(), Stop> {
    let mut seen = std::collections::HashSet::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let problem = if key.is_empty() {
            format!("the key of item {index} is empty")
        } else if key.len() > limits::KEY_BYTES {
            format!("the key of item {index} has {} bytes, the most is {}", key.len(), limits::KEY_BYTES)
        } else if !seen.insert(key) {
            format!("the key `{key}` is there twice, the second time for item {index}")
        } else {
            continue;
        };
        return Err(expression_error(path, &problem));
    }
    Ok(())
}

//! `foreach` over the lines of a file: a line is read when its item begins, and an item that is over is forgotten.
//!
//! So a million of them take no more memory than those that are under way. What is kept of the others is how many
//! ended how. A retry reads the whole journal, as it always does, and so finds what had failed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stead_lang::expr::{EvalError, Val};

use super::event::{Event, JoinRule};
use super::reach::Reach;
use super::settings::kind_of;
use super::state::{Ix, Job, Kind, RunState};
use super::turn::{Machine, Need, Stop, expression_error, step_error};
use super::view::Items;
use crate::Time;
use crate::effect::ErrorKind;
use crate::ids::StreamId;
use crate::limits;
use crate::path::{self, Part};
use crate::status::StepStatus;
use crate::value::{Payload, ValueRef};

/// The lines of a file as items, and how those ended that have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lines {
    pub(super) hash: Box<str>,
    pub(super) completed: u32,
    pub(super) failed: u32,
    pub(super) cancelled: u32,
}

impl Lines {
    pub(super) fn of(hash: &str) -> Box<Self> {
        Box::new(Lines { hash: hash.into(), completed: 0, failed: 0, cancelled: 0 })
    }

    /// Where items are counted that ended so.
    pub(super) fn count(&mut self, status: StepStatus) -> Option<&mut u32> {
        match status {
            StepStatus::Completed => Some(&mut self.completed),
            StepStatus::Failed => Some(&mut self.failed),
            StepStatus::Cancelled => Some(&mut self.cancelled),
            _ => None,
        }
    }
}

/// A file that was counted.
pub(super) struct Counted {
    hash: String,
    count: u32,
}

impl Counted {
    /// The event by which a `foreach` over it begins.
    pub(super) fn started(
        self,
        path: &str,
        parallel: u32,
        deadline_at: Option<Time>,
        join: Option<JoinRule>,
    ) -> Event {
        let (path, items) = (path.to_owned(), Payload::Value(Value::Null));
        let (count, keys, lines) = (self.count, None, Some(self.hash));
        Event::ForeachStarted { path, count, parallel, map: false, items, keys, lines, deadline_at, join }
    }
}

impl Machine<'_> {
    /// The file that `in` gave, and how many lines it has.
    pub(super) fn lines_of(&self, path: &str, file: &Value) -> Result<Counted, Stop> {
        let hash = file.get("hash").and_then(Value::as_str).filter(|hash| is_hash(hash));
        let Some(hash) = hash else {
            let message = format!("foreach.in gave {}, with `parse` it takes a file", kind_of(file));
            return Err(expression_error(path, &message));
        };
        let count = match self.values.count(hash) {
            None => return Err(Stop::Needs(vec![Need::Lines(hash.to_owned())])),
            Some(Err(why)) => return Err(Stop::Error(step_error(path, ErrorKind::Schema, why))),
            Some(Ok(count)) => *count,
        };
        if count > limits::FOREACH_LINES {
            let message = format!("the file has {count} lines, the most is {}", limits::FOREACH_LINES);
            return Err(Stop::Error(step_error(path, ErrorKind::Exhausted, &message)));
        }
        Ok(Counted { hash: hash.to_owned(), count })
    }

    /// Why the line of an item that is to begin is none, if it is none.
    pub(super) fn broken_line(&self, holder: Ix, index: u32) -> Result<Option<String>, Stop> {
        let Kind::Foreach { lines: Some(lines), .. } = &self.state.get(holder).kind else { return Ok(None) };
        match self.values.line(&lines.hash, index) {
            None => {
                let line = ValueRef::Line { hash: lines.hash.to_string(), index };
                Err(Stop::Needs(vec![Need::Value(line)]))
            }
            Some(line) => Ok(line.as_ref().err().cloned()),
        }
    }

    /// What a `foreach` over lines gives: how many ended how.
    pub(super) fn counts(&self, ix: Ix) -> Option<Value> {
        let Kind::Foreach { count, lines: Some(lines), .. } = &self.state.get(ix).kind else { return None };
        let Lines { completed, failed, cancelled, .. } = **lines;
        Some(json!({"total": count, "completed": completed, "failed": failed, "cancelled": cancelled}))
    }

    /// Forgets an item that is over, where the items are lines: nobody can read it any more.
    pub(super) fn forget_line(&mut self, holder: Ix, item: Ix) {
        let Kind::Foreach { lines: Some(lines), .. } = &self.state.get(holder).kind else { return };
        let index = self.state.get(item).index;
        self.values.drop_line(&lines.hash, index);
        // Its place in the state may be another's at once.
        self.state.agenda.retain(|job| !is_about(job, item));
        self.state.forget_items(holder, &[item]);
    }

    /// Forgets all items that are over: the journal that was read back does not tell of their being forgotten.
    pub(super) fn forget_lines(&mut self, holder: Ix) {
        let instance = self.state.get(holder);
        if let Kind::Foreach { lines: Some(_), .. } = instance.kind {
            let over = |item: &Ix| self.state.get(*item).status.is_end();
            let over: Vec<Ix> = instance.inside.iter().copied().filter(over).collect();
            self.state.forget_items(holder, &over);
            self.state.trim();
        }
    }
}

impl RunState {
    fn forget_items(&mut self, holder: Ix, items: &[Ix]) {
        let highest = items.iter().map(|item| self.highest(*item)).max().unwrap_or(0);
        let instance = self.get_mut(holder);
        instance.forgot = instance.forgot.max(highest);
        match items {
            [item] => instance.inside.retain(|child| child != item),
            items => {
                let gone: HashSet<Ix> = items.iter().copied().collect();
                instance.inside.retain(|child| !gone.contains(child));
            }
        }
        for item in items {
            self.drop_instance(*item);
        }
    }

    /// Gives back the room behind the last instance.
    fn trim(&mut self) {
        while self.slab.last().is_some_and(Option::is_none) {
            self.slab.pop();
        }
        let there = self.slab.len();
        self.free.retain(|ix| (*ix as usize) < there);
    }

    /// Forgets the item that an event has completed, where the items are lines of a file: for those who follow a run
    /// by its events, and take no turns of it. What failed they keep, for a retry names it.
    pub fn forget_completed_line(&mut self, event: &Event) {
        let Some(at) = event.path() else { return };
        if !matches!(path::split(at), Part::Item { .. }) {
            return;
        }
        let Some(item) = self.find(at) else { return };
        let instance = self.get(item);
        let holder = instance.parent;
        let lines = matches!(self.get(holder).kind, Kind::Foreach { lines: Some(_), .. });
        if lines && instance.status == StepStatus::Completed {
            self.forget_items(holder, &[item]);
        }
    }

    /// The file whose lines are the items of a step that has begun, by its hash, and how many there are.
    pub fn lines_at(&self, at: &str) -> Option<(&str, u32)> {
        match &self.get(self.find(at)?).kind {
            Kind::Foreach { count, lines: Some(lines), .. } => Some((&lines.hash, *count)),
            _ => None,
        }
    }

    /// The step over whose lines a path stands, if any, and whether the path is that of an item that is over.
    pub fn line_of(&self, at: &str) -> Option<(&str, bool)> {
        let mut inner = at;
        loop {
            if let Part::Item { holder, .. } = path::split(inner) {
                let holder = self.get(self.find(holder)?);
                if let Kind::Foreach { lines: Some(_), .. } = holder.kind {
                    let over = |ix: Ix| inner == at && self.get(ix).status.is_end();
                    return Some((&holder.path, self.find(inner).is_some_and(over)));
                }
            }
            inner = path::around(inner)?;
        }
    }

    /// How far a `foreach` is.
    pub fn items_at(&self, at: &str) -> Option<Items> {
        match &self.get(self.find(at)?).kind {
            Kind::Foreach { count, begun, done, lines, .. } => {
                let failed = lines.as_ref().map(|lines| lines.failed);
                Some(Items { total: *count, begun: *begun, done: *done, failed })
            }
            _ => None,
        }
    }

    /// The child run of an instance.
    pub fn child_at(&self, at: &str) -> Option<StreamId> {
        match &self.get(self.find(at)?).kind {
            Kind::Child { run, .. } => Some(run.clone()),
            _ => None,
        }
    }

    /// The highest number that an attempt or child run of an instance and inside it has had, as far as is known.
    pub fn highest_number(&self, at: &str) -> u32 {
        let before = self.before.iter().filter(|(inner, _)| path::is_within(inner, at));
        let before = before.map(|(_, before)| before.number).max().unwrap_or(0);
        self.find(at).map_or(0, |ix| self.highest(ix)).max(before)
    }
}

impl<'a> Reach<'a> {
    /// A line as an item.
    pub(super) fn line(self, lines: &'a Lines, index: u32) -> Result<Val<'a>, EvalError> {
        match self.values.line(&lines.hash, index) {
            Some(Ok(value)) => Ok(Val::from_json(value)),
            // It failed before anything of it could be read.
            Some(Err(_)) => Ok(Val::Null),
            None => {
                self.needs.borrow_mut().push(ValueRef::Line { hash: lines.hash.to_string(), index });
                Err(EvalError::Needs)
            }
        }
    }
}

/// Whether a job looks at an instance.
fn is_about(job: &Job, ix: Ix) -> bool {
    match job {
        Job::Begin | Job::Deliver(_) => false,
        Job::Start { body: at, .. }
        | Job::Pump(at)
        | Job::Settle(at)
        | Job::Redo(at)
        | Job::Ended(at)
        | Job::Note(at)
        | Job::End(at)
        | Job::Fire(at, _)
        | Job::Recover(at)
        | Job::Probe(at)
        | Job::Enter(at)
        | Job::Reask(at) => *at == ix,
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

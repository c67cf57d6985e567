//! Inboxes.

use std::collections::HashMap;
use std::sync::Arc;

use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::people::{Actor, Register};
use stead_core::task::TaskHead;
use stead_store::tasks::{ListedTask, TaskFilter};
use stead_store::{Reader, StoreError};

use super::{TaskQuery, TaskRow};
use crate::error::EngineError;
use crate::limits;
use crate::reads::Reads;

/// Somebody, as each project knows them.
pub(super) struct Somebody {
    name: String,
    register: Option<Arc<Register>>,
    known: HashMap<String, Actor>,
}

impl Somebody {
    /// As those who act in one project.
    pub(super) fn in_project(&mut self, project: &str) -> Result<&Actor, EngineError> {
        if !self.known.contains_key(project) {
            let actor = match &self.register {
                None => Actor::alone(&self.name),
                Some(register) => register.actor(&self.name, project).map_err(StoreError::from)?,
            };
            self.known.insert(project.to_owned(), actor);
        }
        Ok(&self.known[project])
    }
}

impl<R: Reader> Reads<R> {
    /// Somebody by name. A program of a step is known as such.
    pub(super) fn somebody(&mut self, name: &str) -> Result<Somebody, EngineError> {
        let mut known = HashMap::new();
        let mut register = self.register()?;
        if name.strip_prefix("agent:").is_some_and(|name| name.contains('/')) {
            let actor = crate::people::actor(self.reader_mut(), name, "")?;
            known.insert(String::new(), actor);
            register = None;
        }
        Ok(Somebody { name: name.to_owned(), register, known })
    }

    /// Tasks that pass a query.
    pub(super) fn tasks(&mut self, query: &TaskQuery, by: &str) -> Result<Vec<TaskRow>, EngineError> {
        let top = query.run.as_deref().map(|run| self.find(run)).transpose()?;
        let after = query.after.as_deref().map(|task| self.task_named(task)).transpose()?;
        let mut somebody = self.somebody(by)?;
        let mine = !query.everybody;
        let alone = somebody.register.is_none();
        let selectors = match &somebody.register {
            Some(register) if mine => register.selectors(by).map_err(StoreError::from)?,
            _ => Vec::new(),
        };
        let (to, acted) = match query.done {
            true if mine => (Vec::new(), vec![by.to_owned()]),
            true => (Vec::new(), Vec::new()),
            false => (selectors, Vec::new()),
        };
        let mut filter = TaskFilter {
            to,
            acted,
            open: Some(!query.done),
            top,
            newest_first: query.done,
            after: after.map(|task| task.task),
            limit: limits::TASKS_READ,
            ..TaskFilter::default()
        };
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let drafts: HashMap<StreamId, Time> = self.reader_mut().drafts_of(by)?.into_iter().collect();
        let mut rows = Vec::new();
        // Whom `not` leaves out the store does not know: read on until there are enough.
        loop {
            let page = self.reader_mut().tasks(&filter)?;
            let last = page.last().map(|task| task.task.clone());
            let whole = page.len() < limits::TASKS_READ;
            for ListedTask { task, head } in page {
                let shown = query.done || query.everybody || is_for(&head, &mut somebody, alone)?;
                if shown && rows.len() < limit {
                    let draft_at = drafts.get(&task).copied();
                    rows.push(TaskRow { task, head, draft_at });
                }
            }
            if whole || rows.len() >= limit {
                return Ok(rows);
            }
            filter.after = last;
        }
    }
}

/// Whether somebody can act on a task: what its row says of that.
fn is_for(head: &TaskHead, somebody: &mut Somebody, alone: bool) -> Result<bool, EngineError> {
    let actor = somebody.in_project(&head.origin.project)?;
    if actor.agent && actor.run.as_ref() == Some(&head.origin.top) {
        return Ok(false);
    }
    let barred = match alone && !actor.agent {
        true => head.not.contains(&actor.user),
        false => head.not.iter().any(|who| actor.is(who)),
    };
    Ok(!barred && head.to.iter().any(|who| actor.is(who)))
}

//! One task, with all that is shown.

use std::collections::BTreeSet;

use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::people::{Actor, Role};
use stead_core::task::{Question, TaskKind, TaskState};
use stead_store::Reader;

use super::{Eligible, Said, TaskAnswer, TaskNow, TaskOperation};
use crate::driver::load_task;
use crate::error::EngineError;
use crate::reads::Reads;

impl<R: Reader> Reads<R> {
    /// Answers what reads; `None` for what writes.
    pub(crate) fn task_operation(
        &mut self,
        operation: &TaskOperation,
    ) -> Result<Option<TaskAnswer>, EngineError> {
        Ok(Some(match operation {
            TaskOperation::List { query, by } => TaskAnswer::Tasks { tasks: self.tasks(query, by)? },
            TaskOperation::Show { task, by } => TaskAnswer::Task { task: Box::new(self.task_now(task, by)?) },
            TaskOperation::Act { .. } | TaskOperation::Draft { .. } => return Ok(None),
        }))
    }

    /// A task as its journal has it.
    pub(super) fn task_state(&mut self, id: &StreamId) -> Result<(TaskState, Question), EngineError> {
        let state = load_task(self.reader_mut(), id)?;
        let state = state.ok_or_else(|| EngineError::NoTask {
            wanted: id.to_string(),
            why: "it has no journal".to_owned(),
        })?;
        let asked = state.asked.as_deref().cloned();
        let asked = asked.ok_or_else(|| EngineError::journal(id, state.seq, &"it asks nothing"))?;
        Ok((state, asked))
    }

    fn task_now(&mut self, wanted: &str, by: &str) -> Result<TaskNow, EngineError> {
        let listed = self.task_named(wanted)?;
        let id = listed.task;
        let (state, asked) = self.task_state(&id)?;
        let shown = self.value_of(&id, &asked.shown)?;
        let shown: Vec<(String, Value)> =
            serde_json::from_value(shown).map_err(|error| EngineError::journal(&id, 1, &error))?;
        let form = asked.form.as_ref().map(|form| self.value_of(&id, form)).transpose()?;
        let questions = asked.questions.as_ref().map(|all| self.value_of(&id, all)).transpose()?;
        let mut said = Vec::with_capacity(state.submissions.len());
        for one in &state.submissions {
            let form = one.form.as_ref().map(|form| self.value_of(&id, form)).transpose()?;
            let (by, comment) = (one.by.clone(), one.comment.clone());
            said.push(Said { by, at: one.at, accept: one.accept, comment, form });
        }
        let actor = self.somebody(by)?.in_project(&asked.origin.project)?.clone();
        let barred = match state.status.is_end() {
            true => None,
            false => state.may(&actor).err(),
        };
        // What is asked of others only those may see who look at runs.
        let had_a_part = state.submission_of(&actor.user).is_some();
        if !actor.has(Role::Viewer) && !had_a_part && state.may(&actor).is_err() {
            let why = format!("{} may not look at it: that takes the role viewer", actor.user);
            return Err(EngineError::Refused { id: id.to_string(), why });
        }
        let allowed_actions = state.allowed(&actor);
        let draft = self.draft_of(&id, by)?;
        let eligible = self.eligible(&state, &asked)?;
        Ok(TaskNow {
            task: id,
            head: state.head().unwrap_or(listed.head),
            version: asked.version,
            shown,
            form,
            questions,
            claim: state.claim.clone(),
            said,
            delegated: state.delegated.clone(),
            skipped: state.skipped.clone(),
            barred,
            allowed_actions,
            draft,
            eligible,
        })
    }

    /// Who can still act on a task.
    pub(super) fn eligible(&mut self, state: &TaskState, asked: &Question) -> Result<Eligible, EngineError> {
        let Some(register) = self.register()? else { return Ok(Eligible::Anybody) };
        let project = &asked.origin.project;
        let by = asked.by.iter().chain(state.escalated.iter().flatten());
        let delegated = state.delegated.iter().map(|(_, to)| to);
        let mut who = BTreeSet::new();
        for selector in by.chain(delegated) {
            who.extend(register.who(selector, project));
        }
        let may = |name: &String| {
            let actor: Option<Actor> = register.actor(name, project).ok();
            let free = state.submission_of(name).is_none();
            free && actor.is_some_and(|actor| state.may(&actor).is_ok())
        };
        let who: Vec<String> = who.into_iter().filter(may).collect();
        let needed = match asked.kind {
            TaskKind::Gate => asked.quorum.saturating_sub(state.votes().0),
            TaskKind::Questions => 1,
        };
        let needed = if state.status.is_end() { 0 } else { needed };
        Ok(Eligible::People { who, needed })
    }
}

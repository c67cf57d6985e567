//! Which task is meant.

use stead_core::ids::StreamId;
use stead_core::path;
use stead_core::people::Role;
use stead_store::Reader;
use stead_store::tasks::{ListedTask, TaskFilter};

use crate::error::EngineError;
use crate::limits;
use crate::reads::Reads;

impl<R: Reader> Reads<R> {
    /// Whether somebody may know of a task: who looks at the runs of its project, who may act on it, and who has.
    pub(crate) fn is_seen_by(&mut self, wanted: &str, by: &str) -> Result<bool, EngineError> {
        let listed = self.task_named(wanted)?;
        let actor = self.somebody(by)?.in_project(&listed.head.origin.project)?.clone();
        if actor.has(Role::Viewer) {
            return Ok(true);
        }
        let state = self.task_state(&listed.task)?.0;
        Ok(state.may(&actor).is_ok() || state.submission_of(&actor.user).is_some())
    }

    /// The task of a name: its id or the beginning of it, `RUN/STEP`, or a run that asks for one thing only.
    ///
    /// # Errors
    /// When there is none, or the name may mean several.
    pub(crate) fn task_named(&mut self, wanted: &str) -> Result<ListedTask, EngineError> {
        let none = |why: &str| EngineError::NoTask { wanted: wanted.to_owned(), why: why.to_owned() };
        if wanted.starts_with("t_") {
            if let Some(task) = self.reader_mut().task(&StreamId::new(wanted))? {
                return Ok(task);
            }
            let filter = TaskFilter { prefix: Some(wanted.to_owned()), limit: 6, ..TaskFilter::default() };
            let found = self.reader_mut().tasks(&filter)?;
            return one(wanted, found)?.ok_or_else(|| none("there is no task of this id"));
        }
        let (run, step) = match wanted.split_once('/') {
            Some((run, step)) => (run, Some(step)),
            None => (wanted, None),
        };
        let run = self.find(run)?;
        // The newest of a step that asked several times is the one that is meant.
        let limit = limits::TASKS_SEARCHED;
        let of = |run: Option<StreamId>, top: Option<StreamId>, open: Option<bool>| TaskFilter {
            run,
            top,
            open,
            newest_first: true,
            limit,
            ..TaskFilter::default()
        };
        let Some(step) = step else {
            let open = self.reader_mut().tasks(&of(None, Some(run), Some(true)))?;
            return one(wanted, open)?.ok_or_else(|| none("the run asks nobody anything now"));
        };
        let all = self.reader_mut().tasks(&of(Some(run), None, None))?;
        if let Some(at) = all.iter().position(|task| task.head.origin.path == step) {
            return Ok(all.into_iter().nth(at).unwrap_or_else(|| unreachable!("just found")));
        }
        let open = all.into_iter().filter(|task| !task.head.status.is_end());
        let found = open.filter(|task| path::plan_path(&task.head.origin.path) == step).collect();
        one(wanted, found)?.ok_or_else(|| none("that step asks nobody anything"))
    }
}

fn one(wanted: &str, mut found: Vec<ListedTask>) -> Result<Option<ListedTask>, EngineError> {
    if found.len() > 1 {
        let name = |task: &ListedTask| format!("{}/{}", task.head.origin.run, task.head.origin.path);
        let found = found.iter().take(6).map(name).collect();
        return Err(EngineError::Ambiguous { id: wanted.to_owned(), found });
    }
    Ok(found.pop())
}

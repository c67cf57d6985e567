//! What somebody may not look at is not told: about a run or a task of which they may see nothing, they hear what
//! they would hear if it were not there; lists leave it out. Who may look and not do what they ask for is told so.

use stead_core::people::{Actor, Register, Role};
use stead_store::Reader;

use crate::error::EngineError;
use crate::operations::Operation;
use crate::reads::Reads;
use crate::schedules::{ScheduleError, ScheduleOperation};
use crate::tasks::TaskOperation;
use crate::uploads::FileOperation;

/// What an operation is about, as far as rights are concerned.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum About {
    /// No project in particular.
    All,
    /// This project; an empty text: none.
    Project(String),
    /// A run of this project.
    Run(String),
    /// A run that is not there, or a name that may mean several.
    Missing,
}

impl About {
    pub(super) fn of<R: Reader>(reads: &mut Reads<R>, operation: &Operation) -> Result<Self, EngineError> {
        let project = |project: &Option<String>| project.clone().map_or(Self::All, Self::Project);
        Ok(match operation {
            Operation::Start { project, .. } | Operation::FreePlace { project, .. } => {
                Self::Project(project.clone())
            }
            Operation::File(FileOperation::Upload { project, .. }) => Self::Project(project.clone()),
            Operation::Runs { query } => project(&query.project),
            Operation::Limits { project: named, .. } => project(named),
            Operation::Schedule(
                ScheduleOperation::TurnOn { project, .. } | ScheduleOperation::Add { project, .. },
            ) => Self::Project(project.clone()),
            Operation::Schedule(ScheduleOperation::List { project: named }) => project(named),
            Operation::Schedule(operation) => match operation.schedule() {
                // What is not there is told by the operation itself.
                Some(name) => match crate::schedules::named(reads.reader_mut(), name) {
                    Ok(state) => Self::Project(state.spec.map(|spec| spec.project).unwrap_or_default()),
                    Err(_) => Self::All,
                },
                None => Self::All,
            },
            other => match run_of(other) {
                Some(run) => Self::named(reads, run)?,
                None => Self::All,
            },
        })
    }

    fn named<R: Reader>(reads: &mut Reads<R>, run: &str) -> Result<Self, EngineError> {
        let Ok(run) = reads.find(run) else { return Ok(Self::Missing) };
        let listed = reads.reader_mut().head(&run)?;
        Ok(listed.map_or(Self::Missing, |listed| Self::Run(listed.head.project)))
    }

    /// The project whose roles count; `None`: only those that hold everywhere.
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Self::Project(project) | Self::Run(project) => Some(project),
            Self::All | Self::Missing => None,
        }
    }
}

/// The run that an operation names.
fn run_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Task(TaskOperation::List { query, .. }) => query.run.as_deref(),
        other => other.run(),
    }
}

/// Refuses what somebody may not know of, as if it were not there, and holds a list of runs to the projects that they
/// may look at. `actor` has the roles that hold for what it is about. True: there is nothing more to ask for.
pub(super) fn narrow<R: Reader>(
    reads: &mut Reads<R>,
    register: &Register,
    actor: &Actor,
    about: &About,
    operation: &mut Operation,
) -> Result<bool, EngineError> {
    if let (About::Run(_) | About::Missing, Some(run)) = (about, run_of(operation))
        && !actor.has(Role::Viewer)
    {
        return Err(EngineError::NoRun { id: run.to_owned() });
    }
    if let Operation::Schedule(about) = &*operation
        && let Some(name) = about.schedule()
        && !actor.has(Role::Viewer)
    {
        return Err(ScheduleError::Unknown { name: name.to_owned(), nearest: None }.into());
    }
    // A program of a step is nobody of the register, and looks everywhere.
    let Ok(everywhere) = register.actor_everywhere(&actor.user) else { return Ok(false) };
    if everywhere.has(Role::Viewer) {
        return Ok(false);
    }
    match operation {
        Operation::Runs { query } => {
            let projects = register.projects_of(&actor.user, Role::Viewer);
            for named in query.parent.iter().chain(&query.after) {
                match About::named(reads, named)? {
                    About::Run(project) if projects.contains(&project) => {}
                    _ => return Err(EngineError::NoRun { id: named.clone() }),
                }
            }
            if query.project.is_some() || projects.is_empty() {
                return Ok(false);
            }
            query.seen = Some(projects);
            Ok(true)
        }
        Operation::Task(
            TaskOperation::Show { task, .. }
            | TaskOperation::Act { task, .. }
            | TaskOperation::Draft { task, .. },
        ) => known(reads, task, &actor.user).map(|()| false),
        Operation::Task(TaskOperation::List { query, .. }) => match &query.after {
            Some(after) => known(reads, after, &actor.user).map(|()| false),
            None => Ok(false),
        },
        _ => Ok(false),
    }
}

/// Refuses a task that somebody may not know of.
fn known<R: Reader>(reads: &mut Reads<R>, task: &str, by: &str) -> Result<(), EngineError> {
    match reads.is_seen_by(task, by) {
        Ok(true) => Ok(()),
        Ok(false)
        | Err(EngineError::NoRun { .. } | EngineError::NoTask { .. } | EngineError::Ambiguous { .. }) => {
            let why = "there is none, or it is not for you".to_owned();
            Err(EngineError::NoTask { wanted: task.to_owned(), why })
        }
        Err(error) => Err(error),
    }
}

//! Operations of the library that only read.

use stead_core::status::RunStatus;
use stead_store::library::{LibraryReader as _, Workflow};
use stead_store::sqlite::SqliteReader;
use stead_store::{Filter, Listed, Reader as _};

use super::contents::contents;
use super::newest::linked;
use super::open::reader;
use super::operations::{LastRun, LibraryAnswer, LibraryOperation, WorkflowRow};
use super::{find, unknown};
use crate::error::EngineError;
use crate::home::Home;
use crate::limits;

/// Answers an operation that reads.
pub(super) fn tell(home: &Home, operation: LibraryOperation) -> Result<LibraryAnswer, EngineError> {
    let Some(mut reader) = reader(home)? else { return of_nothing(operation) };
    Ok(match operation {
        LibraryOperation::Workflows { filter } => {
            let workflows = reader.workflows(&filter)?;
            let row = |workflow| row(&mut reader, workflow);
            LibraryAnswer::Workflows { workflows: workflows.into_iter().map(row).collect::<Result<_, _>>()? }
        }
        LibraryOperation::Show { name, number } => show(&mut reader, &name, number)?,
        LibraryOperation::Load { name, number } => {
            let (workflow, kept, bundle) = find(&mut reader, &name, number)?;
            LibraryAnswer::Loaded { workflow, revision: kept.revision, bundle }
        }
        LibraryOperation::History { name, skip, limit } => {
            let Workflow { name, newest, .. } = reader.workflow(&name)?.ok_or_else(|| unknown(&name))?;
            let limit = if limit == 0 { usize::MAX } else { limit };
            let changes = reader.changes(&name, skip, limit)?;
            LibraryAnswer::History { name, newest, changes }
        }
        LibraryOperation::Declined { file } => LibraryAnswer::Declined { declined: reader.declined(&file)? },
        other => return Err(EngineError::Bug(format!("an operation that writes was to be read: {other:?}"))),
    })
}

/// What a home tells in which nothing was ever kept.
fn of_nothing(operation: LibraryOperation) -> Result<LibraryAnswer, EngineError> {
    match operation {
        LibraryOperation::Workflows { .. } => Ok(LibraryAnswer::Workflows { workflows: Vec::new() }),
        LibraryOperation::Declined { .. } => Ok(LibraryAnswer::Declined { declined: false }),
        LibraryOperation::Show { name, .. }
        | LibraryOperation::Load { name, .. }
        | LibraryOperation::History { name, .. } => Err(unknown(&name).into()),
        other => Err(EngineError::Bug(format!("an operation that writes was to be read: {other:?}"))),
    }
}

fn row(reader: &mut SqliteReader, workflow: Workflow) -> Result<WorkflowRow, EngineError> {
    let runs = reader.times_run(&workflow.name)?;
    let last = match runs {
        0 => None,
        _ => ran(reader, &workflow.name, &[], 1)?.pop().map(|listed| LastRun {
            run: listed.stream,
            status: listed.head.status,
            outcome: listed.head.outcome,
            created_at: listed.head.created_at,
            ended_at: listed.head.ended_at,
        }),
    };
    Ok(WorkflowRow { workflow, runs, last })
}

fn show(reader: &mut SqliteReader, name: &str, number: Option<u32>) -> Result<LibraryAnswer, EngineError> {
    let (workflow, kept, bundle) = find(reader, name, number)?;
    let last = ran(reader, &workflow.name, &[RunStatus::Completed], limits::RUNS_TIMED)?;
    let mut took: Vec<i64> = last.iter().filter_map(time).collect();
    took.sort_unstable();
    let took = match took[..] {
        [] => None,
        [shortest, ..] => Some([shortest, took[took.len() / 2], took[took.len() - 1]]),
    };
    let callers = reader.callers(&workflow.name)?;
    let contents = contents(&linked(reader, bundle));
    let row = row(reader, workflow)?;
    Ok(LibraryAnswer::Shown { row, revision: kept.revision, contents, callers, took })
}

/// The newest runs of a workflow, under whatever name it had then.
fn ran(
    reader: &mut SqliteReader,
    name: &str,
    status: &[RunStatus],
    limit: usize,
) -> Result<Vec<Listed>, EngineError> {
    let mut found = Vec::new();
    for (name, until) in reader.names_of(name)? {
        if found.len() < limit {
            let (workflow, status) = (Some(name), status.to_owned());
            let limit = limit - found.len();
            found.extend(reader.heads(&Filter { workflow, status, until, limit, ..Filter::default() })?);
        }
    }
    Ok(found)
}

/// How long a run took.
fn time(listed: &Listed) -> Option<i64> {
    Some((listed.head.ended_at? - listed.head.created_at).max(0))
}

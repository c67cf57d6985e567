//! The library: saving, finding, comparing named workflows.
//!
//! Its operations are transactions of the store. They need no engine and no lock of the home: any process performs
//! them, whoever holds the home. What is read and what is written goes over a connection of its own, so nothing here
//! waits for the driver.

pub(crate) mod compare;
mod contents;
mod error;
mod newest;
pub(crate) mod open;
mod operations;
mod save;
mod tell;

pub use compare::{FileChange, FileDiff};
pub use contents::{Contents, InputFacts};
pub use error::LibraryError;
pub(crate) use newest::newest;
pub use operations::{LastRun, LibraryAnswer, LibraryOperation, SaveAs, Side, WorkflowRow};

use stead_lang::Bundle;
use stead_lang::diagnostic::nearest;
use stead_store::library::{Kept, Library as _, Refusal, Workflow, WorkflowFilter};
use stead_store::{Reader, StoreError};

use crate::error::EngineError;
use crate::home::Home;
use open::{now, reader, writer};

/// Performs an operation of the library in a home.
///
/// # Errors
/// When it is refused, or the store cannot be read or written.
pub fn ask(home: &Home, operation: LibraryOperation) -> Result<LibraryAnswer, EngineError> {
    let answer = perform(home, operation);
    match answer {
        Err(EngineError::Store(StoreError::Library(refusal))) => Err(with_nearest(home, refusal)),
        other => other,
    }
}

fn perform(home: &Home, operation: LibraryOperation) -> Result<LibraryAnswer, EngineError> {
    match operation {
        LibraryOperation::Save(save) => save::save(home, *save),
        LibraryOperation::Describe { name, description, labels, by } => {
            if let Some(description) = &description {
                save::check_description(description)?;
            }
            let labels = labels.map(save::check_labels).transpose()?;
            let mut store = writer(home, &name)?;
            store.describe(&name, description.as_deref(), labels.as_deref(), now(), &by)?;
            done(&mut store, &name)
        }
        LibraryOperation::Delete { name, by } => {
            let mut store = writer(home, &name)?;
            store.delete(&name, now(), &by)?;
            done(&mut store, &name)
        }
        LibraryOperation::Restore { name, by } => {
            let mut store = writer(home, &name)?;
            store.restore(&name, now(), &by)?;
            done(&mut store, &name)
        }
        LibraryOperation::Rename { name, to, by } => {
            save::check_name(&to)?;
            let mut store = writer(home, &name)?;
            store.rename(&name, &to, now(), &by)?;
            done(&mut store, &to)
        }
        LibraryOperation::Exported { file, name, number } => {
            let mut store = writer(home, &name)?;
            store.note_origin(&file, &name, number)?;
            done(&mut store, &name)
        }
        LibraryOperation::Decline { file } => {
            open::or_made(home)?.decline(&file)?;
            Ok(LibraryAnswer::Declined { declined: true })
        }
        LibraryOperation::Compare { from, to } => compare::compare(home, from, to),
        reading => tell::tell(home, reading),
    }
}

/// The workflow as it is now.
fn done<R: Reader + ?Sized>(store: &mut R, name: &str) -> Result<LibraryAnswer, EngineError> {
    let workflow = store.workflow(name)?.ok_or_else(|| unknown(name))?;
    Ok(LibraryAnswer::Done { workflow })
}

fn unknown(name: &str) -> StoreError {
    Refusal::Unknown { name: name.to_owned(), near: None }.into()
}

/// A revision that is to be used: of a workflow that is there.
fn find<R: Reader + ?Sized>(
    store: &mut R,
    name: &str,
    number: Option<u32>,
) -> Result<(Workflow, Kept, Bundle), EngineError> {
    let workflow = store.workflow(name)?.ok_or_else(|| unknown(name))?;
    let Some(kept) = store.kept(name, number)? else {
        let (name, newest) = (workflow.name, workflow.newest);
        let number = number.unwrap_or(newest);
        return Err(StoreError::from(Refusal::NoRevision { name, number, newest }).into());
    };
    let bundle = serde_json::from_slice(&kept.bytes)
        .map_err(|error| EngineError::definition(&kept.revision.revision, &error))?;
    Ok((workflow, kept, bundle))
}

/// A refusal with the name that was perhaps meant.
fn with_nearest(home: &Home, refusal: Refusal) -> EngineError {
    let refusal = match refusal {
        Refusal::Unknown { name, near: None } => {
            // Help must not fail where the answer stands already.
            let all = reader(home).ok().flatten();
            let all = all.and_then(|mut reader| {
                stead_store::library::LibraryReader::workflows(&mut reader, &WorkflowFilter::default()).ok()
            });
            let all = all.unwrap_or_default();
            let near = nearest(&name, all.iter().map(|workflow| workflow.name.as_str()));
            Refusal::Unknown { name, near }
        }
        other => other,
    };
    EngineError::Store(refusal.into())
}

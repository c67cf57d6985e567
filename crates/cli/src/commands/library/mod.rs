//! Commands on named workflows.

pub mod change;
pub mod diff;
pub mod export;
pub mod history;
pub mod list;
pub mod offer;
pub mod save;
pub mod show;

use std::path::{Path, PathBuf};

use stead_engine::library::{LibraryAnswer, LibraryOperation};
use stead_engine::operations::{Answer, Operation};

use crate::error::{CliError, codes};
use crate::here::{Here, unexpected};

/// Asks the library.
///
/// # Errors
/// As the operation says.
pub fn ask(here: &Here, operation: LibraryOperation) -> Result<LibraryAnswer, CliError> {
    match here.ask(Operation::Library(operation))? {
        Answer::Library(answer) => Ok(*answer),
        other => Err(unexpected(&other)),
    }
}

/// A workflow and perhaps a revision, as they are named: `NAME`, `NAME@N`.
///
/// # Errors
/// When it cannot be a name.
pub fn named(text: &str) -> Result<(String, Option<u32>), CliError> {
    match stead_lang::names::reference(text) {
        Ok((name, number)) => Ok((name.to_owned(), number)),
        Err(wrong) => {
            let error = CliError::usage(codes::ARGUMENT, wrong.message);
            Err(match (wrong.nearest, wrong.help) {
                (Some(near), _) => error.hint(format!("did you mean `{near}`?")),
                (None, Some(help)) => error.hint(help),
                (None, None) => error,
            })
        }
    }
}

/// An answer that does not belong to what was asked.
pub(crate) fn strange(answer: LibraryAnswer) -> CliError {
    unexpected(&Answer::Library(Box::new(answer)))
}

/// A file as the library knows it: its whole path, whichever way it was named.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

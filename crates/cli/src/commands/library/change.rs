//! `stead describe`, `delete`, `restore`, `rename`.

use serde_json::json;
use stead_engine::library::{LibraryAnswer, LibraryOperation};

use super::{ask, named, strange};
use crate::args::{Describe, Named, Rename};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, actor};
use crate::out;

/// Says something about a workflow, beside its text.
///
/// # Errors
/// When there is none, or a label is none.
pub fn describe(here: &Here, args: &Describe) -> Result<Exit, CliError> {
    let name = whole(&args.saved)?;
    let labels = (args.no_labels || !args.labels.is_empty()).then(|| args.labels.clone());
    let description = args.description.clone();
    let operation = LibraryOperation::Describe { name, description, labels, by: actor() };
    done(here, operation, "described", "described", args.json)
}

/// Deletes a workflow.
///
/// # Errors
/// When there is none, others call it, or runs of it are open.
pub fn delete(here: &Here, args: &Named) -> Result<Exit, CliError> {
    let name = whole(&args.saved)?;
    let exit = done(
        here,
        LibraryOperation::Delete { name: name.clone(), by: actor() },
        "deleted",
        "deleted",
        args.json,
    )?;
    if !args.json {
        out::note(&format!("it is kept: {}", here.command(&format!("restore {name}"))));
    }
    Ok(exit)
}

/// Takes a deleted workflow back.
///
/// # Errors
/// When there is none, or it is not deleted.
pub fn restore(here: &Here, args: &Named) -> Result<Exit, CliError> {
    let name = whole(&args.saved)?;
    done(here, LibraryOperation::Restore { name, by: actor() }, "restored", "restored", args.json)
}

/// Gives a workflow another name.
///
/// # Errors
/// When there is none, the new name is none or taken, or others call it.
pub fn rename(here: &Here, args: &Rename) -> Result<Exit, CliError> {
    let name = whole(&args.saved)?;
    let told = format!("is the new name of {name}");
    let operation = LibraryOperation::Rename { name, to: args.new.clone(), by: actor() };
    done(here, operation, "renamed", &told, args.json)
}

/// A workflow as a whole.
fn whole(text: &str) -> Result<String, CliError> {
    match named(text)? {
        (name, None) => Ok(name),
        (name, Some(_)) => {
            let error = CliError::usage(codes::ARGUMENT, "this is done to a workflow with all its revisions");
            Err(error.hint(format!("name it without a revision: {name}")))
        }
    }
}

fn done(
    here: &Here,
    operation: LibraryOperation,
    kind: &str,
    told: &str,
    as_json: bool,
) -> Result<Exit, CliError> {
    match ask(here, operation)? {
        LibraryAnswer::Done { workflow } if as_json => {
            out::json(&json!({"type": kind, "name": workflow.name, "workflow": workflow}))?;
        }
        LibraryAnswer::Done { workflow } => {
            out::answer(&format!("{}@{} {told}\n", workflow.name, workflow.newest))?;
        }
        other => return Err(strange(other)),
    }
    Ok(Exit::Done)
}

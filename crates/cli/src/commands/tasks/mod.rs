//! What people are asked: the inbox, one task, and what somebody does about it.

pub mod act;
pub(crate) mod fill;
pub mod inbox;
pub(crate) mod show;

use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{TaskAnswer, TaskNow, TaskOperation};

use crate::error::CliError;
use crate::here::{Here, actor, unexpected};

fn ask(here: &Here, operation: TaskOperation) -> Result<TaskAnswer, CliError> {
    match here.ask(Operation::Task(operation))? {
        Answer::Task(answer) => Ok(answer),
        other => Err(unexpected(&other)),
    }
}

fn strange(answer: TaskAnswer) -> CliError {
    unexpected(&Answer::Task(answer))
}

/// A task with all that is shown.
fn now(here: &Here, task: &str) -> Result<TaskNow, CliError> {
    match ask(here, TaskOperation::Show { task: task.to_owned(), by: actor() })? {
        TaskAnswer::Task { task } => Ok(*task),
        other => Err(strange(other)),
    }
}

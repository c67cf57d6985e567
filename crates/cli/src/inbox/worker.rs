//! Does what the inbox wishes for: the operations that every command uses, one after another, beside the keys.

use crossbeam_channel::{Receiver, Sender, unbounded};
use stead_engine::engine::Waiting;
use stead_engine::limits::ANSWER_PATIENCE;
use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{PeopleAnswer, PeopleOperation};
use stead_engine::tasks::{Deed, TaskAnswer, TaskOperation, TaskQuery, TaskRow};

use super::model::{Ask, Told, Trouble};
use crate::commands::people;
use crate::error::CliError;
use crate::here::{Here, actor, unexpected};
use crate::limits;

/// Somebody who asks.
pub struct Worker {
    /// What is wished for.
    pub asks: Sender<Ask>,
    /// What came of it, in the same order.
    pub told: Receiver<Told>,
}

/// What is asked, whoever does it.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Where.
    pub here: Here,
    /// Which tasks: not only those of who asks, those of one run.
    pub query: TaskQuery,
}

impl Worker {
    /// Begins to work.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub fn begin(asker: Asker) -> Result<Self, CliError> {
        let (asks, wishes) = unbounded();
        let (tells, told) = unbounded();
        let work = move || {
            for wish in wishes {
                if let Some(done) = asker.perform(wish)
                    && tells.send(done).is_err()
                {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("inbox".into()).spawn(work);
        thread.map_err(|e| CliError::machine(format!("there can be no thread for the inbox: {e}")))?;
        Ok(Self { asks, told })
    }
}

impl Asker {
    /// Whose inbox it is.
    ///
    /// # Errors
    /// When they are nobody of the home.
    pub fn me(&self) -> Result<String, CliError> {
        match people::ask(&self.here, PeopleOperation::Me)? {
            PeopleAnswer::Me { actor: known, .. } if !known.alone => Ok(known.user),
            _ => Ok(actor()),
        }
    }

    /// A page of the inbox.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn page(&self, after: Option<String>) -> Result<Vec<TaskRow>, CliError> {
        let query = TaskQuery { after, limit: limits::INBOX_PAGE, ..self.query.clone() };
        match self.ask(TaskOperation::List { query, by: actor() })? {
            TaskAnswer::Tasks { tasks } => Ok(tasks),
            other => Err(strange(other)),
        }
    }

    fn perform(&self, wish: Ask) -> Option<Told> {
        Some(match wish {
            Ask::List(behind) => {
                let page = self.page(behind.as_ref().map(ToString::to_string));
                Told::Page(behind, page.map_err(trouble))
            }
            Ask::Show(id) => {
                let shown = match self.ask(TaskOperation::Show { task: id.to_string(), by: actor() }) {
                    Ok(TaskAnswer::Task { task }) => Ok(task),
                    Ok(other) => Err(trouble(strange(other))),
                    Err(error) => Err(trouble(error)),
                };
                Told::Task(id, shown)
            }
            Ask::Save(id, draft, based_on) => {
                let by = actor();
                let operation =
                    TaskOperation::Draft { task: id.to_string(), draft, based_on: Some(based_on), by };
                let kept = match self.ask(operation) {
                    Ok(TaskAnswer::Drafted { draft }) => Ok(draft),
                    Ok(other) => Err(trouble(strange(other))),
                    Err(error) => Err(trouble(error)),
                };
                Told::Saved(id, kept)
            }
            Ask::Act(id, deed) => {
                let done = self.act(&id, deed.clone()).map_err(trouble);
                Told::Acted(id, deed, done)
            }
            Ask::Editor(_) | Ask::Redraw | Ask::Leave => return None,
        })
    }

    fn act(
        &self,
        id: &stead_core::ids::StreamId,
        deed: Deed,
    ) -> Result<(Box<TaskRow>, Option<String>), CliError> {
        let row = match self.ask(TaskOperation::Act { task: id.to_string(), deed, by: actor() })? {
            TaskAnswer::Acted { task } => task,
            other => return Err(strange(other)),
        };
        // Without an engine nobody goes on with the run.
        let rests = row.head.status.is_end()
            && matches!(self.operation(Operation::Engine), Ok(Answer::Engine { engine: None }));
        let next = rests.then(|| self.here.command(&format!("resume {}", row.head.origin.run)));
        Ok((row, next))
    }

    fn ask(&self, operation: TaskOperation) -> Result<TaskAnswer, CliError> {
        match self.operation(Operation::Task(operation))? {
            Answer::Task(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// As every command asks, but that nothing is said beside the screen while an engine is waited for.
    fn operation(&self, operation: Operation) -> Result<Answer, CliError> {
        let mut patience = |waiting: &Waiting<'_>| waiting.time < ANSWER_PATIENCE;
        let answer = self.here.perform(operation, &mut patience);
        answer.map_err(|error| self.here.explained(error))
    }
}

fn strange(answer: TaskAnswer) -> CliError {
    unexpected(&Answer::Task(answer))
}

/// An error as the inbox shows it.
fn trouble(error: CliError) -> Trouble {
    let mut lines = vec![error.message];
    lines.extend(error.details);
    // Of a form that does not fit the fields are on the screen already.
    if error.code != "R0207" {
        lines.extend(error.hints);
    }
    Trouble { code: error.code.into_owned(), lines }
}

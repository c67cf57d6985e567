//! What is said with a server elsewhere, by both ends.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::AccessOperation;
use crate::error::EngineError;
use crate::library::LibraryOperation;
use crate::limits;
use crate::notify::NotificationOperation;
use crate::operations::{Answer, Operation};
use crate::people::PeopleOperation;
use crate::schedules::ScheduleOperation;
use crate::socket::{Fault, VERSION};
use crate::tasks::TaskOperation;

/// Number of the shape of operations and answers. Raised when an end of the release before would not understand the other.
pub const PROTOCOL: u32 = 1;

/// Where operations are asked for.
pub const PATH: &str = "/api/v1/operations";

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked<'a> {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// Release of who asks.
    pub release: Cow<'a, str>,
    /// What is to be done.
    pub operation: Cow<'a, Operation>,
}

impl<'a> Asked<'a> {
    /// What this release asks.
    pub fn new(operation: &'a Operation) -> Self {
        Self { protocol: PROTOCOL, release: VERSION.into(), operation: Cow::Borrowed(operation) }
    }
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// Release of who answers.
    pub release: String,
    /// What came of it.
    pub answer: Answer,
}

impl Answered {
    /// What this release answers.
    pub fn new(answer: Answer) -> Self {
        Self { protocol: PROTOCOL, release: VERSION.to_owned(), answer }
    }
}

/// How an operation is asked of a server elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It only tells, and may be asked again and again.
    Reads,
    /// It goes with an `Idempotency-Key`, and counts once.
    Writes,
    /// As [`Writes`](Self::Writes), but that its answer has a secret in it, which is kept nowhere: so it takes no key.
    Secret,
    /// Not at all: why.
    Not(&'static str),
}

const FILES: &str = "it is about a file of the machine on which a command works";

/// How an operation is asked of a server elsewhere.
pub fn way(operation: &Operation) -> Way {
    match operation {
        Operation::Start { .. }
        | Operation::Cancel { .. }
        | Operation::Pause { .. }
        | Operation::Resume { .. }
        | Operation::Retry { dry_run: false, .. }
        | Operation::Settle { .. }
        | Operation::Signal { .. }
        | Operation::FreePlace { .. }
        | Operation::People(PeopleOperation::Edit { .. })
        | Operation::Notifications(NotificationOperation::Retry { .. })
        | Operation::Task(TaskOperation::Act { .. } | TaskOperation::Draft { .. })
        | Operation::Access(AccessOperation::RemovePassword { .. } | AccessOperation::Revoke { .. })
        | Operation::Library(
            LibraryOperation::Save(_)
            | LibraryOperation::Describe { .. }
            | LibraryOperation::Delete { .. }
            | LibraryOperation::Restore { .. }
            | LibraryOperation::Rename { .. },
        )
        | Operation::Schedule(
            ScheduleOperation::TurnOn { .. }
            | ScheduleOperation::Add { .. }
            | ScheduleOperation::Change { .. }
            | ScheduleOperation::Backfill { dry_run: false, .. },
        ) => Way::Writes,
        Operation::Access(AccessOperation::Create { .. } | AccessOperation::Link { .. }) => Way::Secret,
        Operation::Access(AccessOperation::SetPassword { .. }) => {
            Way::Not("passwords have a route of their own, where guesses are counted")
        }
        Operation::Access(
            AccessOperation::SignIn { .. }
            | AccessOperation::SignOut
            | AccessOperation::BeginSignIn { .. }
            | AccessOperation::FinishSignIn { .. },
        ) => Way::Not("sessions are of browsers; a program shows a token"),
        Operation::Library(
            LibraryOperation::Exported { .. }
            | LibraryOperation::Decline { .. }
            | LibraryOperation::Declined { .. },
        ) => Way::Not(FILES),
        Operation::Schedule(ScheduleOperation::Deliver { .. }) => {
            Way::Not("it is what a signed request to `/hooks/NAME` becomes")
        }
        Operation::File(_) => Way::Not("files have a route of their own, which takes and gives their bytes"),
        Operation::Retry { .. }
        | Operation::Limits { .. }
        | Operation::Runs { .. }
        | Operation::Status { .. }
        | Operation::Events { .. }
        | Operation::Logs { .. }
        | Operation::LogText { .. }
        | Operation::Evidence { .. }
        | Operation::Results { .. }
        | Operation::Definition { .. }
        | Operation::Documents { .. }
        | Operation::Document { .. }
        | Operation::Engine
        | Operation::Metrics
        | Operation::People(_)
        | Operation::Notifications(_)
        | Operation::Task(_)
        | Operation::Access(AccessOperation::List { .. } | AccessOperation::Audit { .. })
        | Operation::Library(_)
        | Operation::Schedule(_) => Way::Reads,
    }
}

/// What a server puts into an operation that came from elsewhere, as its other routes do: who acts where nobody was added
/// to the home, the folder in which steps work, and bounds of lists. A file that the client names is one of another machine.
pub fn ours(operation: &mut Operation, by: &str, folder: &str) {
    operation.set_by(by);
    let page = |limit: &mut usize| {
        if *limit == 0 || *limit > limits::REMOTE_PAGE {
            *limit = limits::REMOTE_PAGE;
        }
    };
    match operation {
        Operation::Start { folder: wanted, .. }
        | Operation::Schedule(
            ScheduleOperation::TurnOn { folder: wanted, .. } | ScheduleOperation::Add { folder: wanted, .. },
        ) => folder.clone_into(wanted),
        Operation::Runs { query } => {
            query.seen = None;
            page(&mut query.limit);
        }
        Operation::Task(TaskOperation::List { query, .. }) => page(&mut query.limit),
        Operation::Library(LibraryOperation::Save(save)) => save.file = None,
        Operation::Library(LibraryOperation::History { limit, .. }) => page(limit),
        Operation::Library(LibraryOperation::Workflows { filter }) => page(&mut filter.limit),
        Operation::Events { limit, .. }
        | Operation::People(PeopleOperation::Changes { limit, .. })
        | Operation::Notifications(NotificationOperation::List { limit, .. }) => page(limit),
        _ => {}
    }
}

/// An error of the engine as a program of Stead reads it, beside what a problem says.
pub fn fault(error: &EngineError) -> Value {
    // Plain data with text keys always serialises.
    serde_json::to_value(Fault::of(error)).unwrap_or_default()
}

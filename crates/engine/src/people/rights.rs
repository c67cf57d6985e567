//! What each operation takes: the one table of rights.

use stead_core::people::Role;

use super::PeopleOperation;
use crate::access::AccessOperation;
use crate::library::LibraryOperation;
use crate::notify::NotificationOperation;
use crate::operations::Operation;
use crate::schedules::ScheduleOperation;
use crate::tasks::{TaskOperation, deed_of};
use crate::uploads::FileOperation;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Ask who one is oneself.
    None,
    /// Act on what one is asked oneself: the task says who may.
    Take,
    /// Look.
    Look,
    /// Start, pause, end and mend runs.
    Operate,
    /// Change workflows.
    Save,
    /// Say who the people are.
    Manage,
    /// Deliver what a webhook was sent, whose signature was found right: no role brings it.
    Deliver,
}

impl Right {
    /// The role that it takes. Roles bring others with them, so one is enough: see [`Role::brings`].
    pub fn role(self) -> Option<Role> {
        match self {
            Self::None | Self::Take | Self::Deliver => None,
            Self::Look => Some(Role::Viewer),
            Self::Operate => Some(Role::Operator),
            Self::Save => Some(Role::Editor),
            Self::Manage => Some(Role::Admin),
        }
    }
}

/// The right that an operation takes.
pub fn right_of(operation: &Operation) -> Right {
    row(operation).1
}

/// What an operation does, as in "may not save a workflow".
pub fn deed(operation: &Operation) -> &'static str {
    row(operation).0
}

/// Whether it says what a run or a step of it comes to. Programs of the run do not.
pub(super) fn decides(operation: &Operation) -> bool {
    matches!(operation, Operation::Settle { .. } | Operation::Task(TaskOperation::Act { .. }))
}

/// Whether acting so under another's name is noted: what is done is, what is only looked at or written down for oneself
/// is not.
pub(super) fn is_noted(operation: &Operation) -> bool {
    let for_oneself = matches!(
        operation,
        Operation::Task(
            TaskOperation::List { .. } | TaskOperation::Show { .. } | TaskOperation::Draft { .. }
        ) | Operation::Access(AccessOperation::List { .. } | AccessOperation::Audit { .. })
            | Operation::File(FileOperation::Find { .. })
    );
    !for_oneself && right_of(operation) != Right::Look
}

fn row(operation: &Operation) -> (&'static str, Right) {
    match operation {
        Operation::Start { .. } => ("start a run", Right::Operate),
        Operation::Cancel { .. } => ("cancel a run", Right::Operate),
        Operation::Pause { .. } => ("pause a run", Right::Operate),
        Operation::Resume { .. } => ("resume a run", Right::Operate),
        Operation::Retry { dry_run: false, .. } => ("retry a run", Right::Operate),
        Operation::Settle { .. } => ("settle a step", Right::Operate),
        Operation::Signal { .. } => ("send a signal to a run", Right::Operate),
        Operation::FreePlace { .. } => ("take a place back from a run", Right::Operate),
        Operation::Retry { dry_run: true, .. }
        | Operation::Runs { .. }
        | Operation::Status { .. }
        | Operation::Events { .. }
        | Operation::Logs { .. }
        | Operation::LogText { .. }
        | Operation::Evidence { .. }
        | Operation::Results { .. }
        | Operation::Documents { .. }
        | Operation::Document { .. }
        | Operation::Definition { .. } => ("look at runs", Right::Look),
        Operation::Limits { .. } => ("look at limits", Right::Look),
        Operation::Engine | Operation::Metrics => ("look at the engine", Right::Look),
        Operation::Library(operation) => library(operation),
        Operation::People(operation) => people(operation),
        Operation::Access(operation) => access(operation),
        Operation::Schedule(operation) => schedule(operation),
        Operation::Notifications(NotificationOperation::List { .. }) => {
            ("look at notifications", Right::Look)
        }
        Operation::Notifications(NotificationOperation::Retry { .. }) => {
            ("have a notification tried again", Right::Operate)
        }
        // Who starts runs brings what they are started with.
        Operation::File(FileOperation::Upload { .. }) => ("upload a file", Right::Operate),
        Operation::File(FileOperation::Find { run: Some(_), .. }) => ("look at runs", Right::Look),
        Operation::File(FileOperation::Find { run: None, .. }) => ("look at files of one's own", Right::Take),
        Operation::Task(TaskOperation::Act { deed, .. }) => (deed_of(deed), Right::Take),
        Operation::Task(TaskOperation::Draft { .. }) => ("keep a draft of a task", Right::Take),
        Operation::Task(TaskOperation::List { query, .. }) if query.everybody || query.run.is_some() => {
            ("look at what others are asked", Right::Look)
        }
        Operation::Task(_) => ("look at tasks", Right::Take),
    }
}

fn library(operation: &LibraryOperation) -> (&'static str, Right) {
    match operation {
        LibraryOperation::Save(_) => ("save a workflow", Right::Save),
        LibraryOperation::Describe { .. } => ("describe a workflow", Right::Save),
        LibraryOperation::Delete { .. } => ("delete a workflow", Right::Save),
        LibraryOperation::Restore { .. } => ("restore a workflow", Right::Save),
        LibraryOperation::Rename { .. } => ("rename a workflow", Right::Save),
        LibraryOperation::Workflows { .. }
        | LibraryOperation::Show { .. }
        | LibraryOperation::Load { .. }
        | LibraryOperation::History { .. }
        | LibraryOperation::Compare { .. }
        | LibraryOperation::Declined { .. } => ("look at workflows", Right::Look),
        // Of files of one's own, and not of workflows.
        LibraryOperation::Exported { .. } | LibraryOperation::Decline { .. } => {
            ("note what a file is", Right::Look)
        }
    }
}

/// One's own is one's own; what is another's takes an admin, which is looked at where it is known whose it is.
fn access(operation: &AccessOperation) -> (&'static str, Right) {
    match operation {
        AccessOperation::Create { .. } => ("make a token", Right::Take),
        AccessOperation::List { .. } => ("look at tokens", Right::Take),
        AccessOperation::Audit { .. } => ("look at who did what", Right::Manage),
        AccessOperation::Revoke { .. } => ("revoke a token", Right::Take),
        AccessOperation::SetPassword { .. } => ("set a password", Right::Take),
        AccessOperation::RemovePassword { .. } => ("take a password away", Right::Take),
        AccessOperation::Link { .. } => ("make a link to a task", Right::Take),
        // Who signs in is nobody yet; who signs out ends what they have themselves.
        AccessOperation::SignIn { .. } => ("sign in", Right::None),
        AccessOperation::BeginSignIn { .. } | AccessOperation::FinishSignIn { .. } => {
            ("sign in by the provider", Right::None)
        }
        AccessOperation::SignOut => ("sign out", Right::None),
    }
}

fn schedule(operation: &ScheduleOperation) -> (&'static str, Right) {
    match operation {
        // Who turns one on starts its runs.
        ScheduleOperation::TurnOn { .. } | ScheduleOperation::Add { .. } => {
            ("turn a schedule on", Right::Operate)
        }
        ScheduleOperation::Change { .. } => ("change a schedule", Right::Operate),
        ScheduleOperation::Backfill { dry_run: false, .. } => {
            ("start what a schedule has missed", Right::Operate)
        }
        ScheduleOperation::Backfill { .. }
        | ScheduleOperation::List { .. }
        | ScheduleOperation::Show { .. } => ("look at schedules", Right::Look),
        ScheduleOperation::Deliver { .. } => ("deliver a request of a webhook", Right::Deliver),
        // Of nobody's in particular.
        ScheduleOperation::Preview { .. } => ("reckon with times", Right::None),
    }
}

fn people(operation: &PeopleOperation) -> (&'static str, Right) {
    match operation {
        PeopleOperation::List => ("look at the people", Right::Look),
        PeopleOperation::Changes { .. } => ("look at the people", Right::Look),
        PeopleOperation::Edit { .. } => ("change the people", Right::Manage),
        PeopleOperation::Me => ("ask who they are", Right::None),
    }
}

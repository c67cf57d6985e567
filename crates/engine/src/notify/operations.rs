//! The operations on notifications. They need no engine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_store::Reader;
use stead_store::jobs::{JobFilter, JobRow, JobState, Jobs as _};

use super::{KIND, Notice};
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made, reader};
use crate::limits;

/// Something to be done or told about notifications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are described with each operation")]
pub enum NotificationOperation {
    /// The notifications, the newest first: those that are so far, behind one.
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<JobState>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        limit: usize,
    },
    /// Try one again that has failed.
    Retry { id: String },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the operation that asks")]
pub enum NotificationAnswer {
    /// See [`NotificationOperation::List`].
    Notifications { notifications: Vec<NotificationRow> },
    /// See [`NotificationOperation::Retry`]: as it is now.
    Retried { notification: Box<NotificationRow> },
}

/// A notification in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRow {
    /// It stays the same, however often it is sent: by it a receiver knows one that came twice.
    pub id: String,
    /// The rule that it goes by.
    pub rule: String,
    /// How far it is.
    pub state: JobState,
    /// What is told.
    pub notice: Option<Notice>,
    /// How often it was tried.
    pub tries: u32,
    /// When it was made.
    pub at: Time,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Time>,
    /// When it was delivered, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<JobRow> for NotificationRow {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.job.id,
            rule: row.job.target,
            state: row.state,
            notice: serde_json::from_value(row.job.body).ok(),
            tries: row.tries,
            at: row.at,
            next_at: (row.state == JobState::Waiting).then_some(row.due),
            ended_at: row.ended_at,
            error: row.error,
        }
    }
}

/// Those of a list.
fn read<R: Reader + ?Sized>(
    reader: &mut R,
    state: Option<JobState>,
    after: Option<String>,
    limit: usize,
) -> Result<NotificationAnswer, EngineError> {
    let limit = limit.clamp(1, limits::NOTIFICATIONS_PAGE);
    if let Some(after) = &after
        && reader.job(after)?.is_none()
    {
        return Err(EngineError::NoNotification { id: after.chars().take(80).collect(), failed: false });
    }
    let rows = reader.job_rows(&JobFilter { kind: KIND.to_owned(), state, after, limit })?;
    let notifications = rows.into_iter().map(NotificationRow::from).collect();
    Ok(NotificationAnswer::Notifications { notifications })
}

/// Performs an operation that was admitted.
pub(crate) fn ask(home: &Home, operation: NotificationOperation) -> Result<NotificationAnswer, EngineError> {
    let id = match operation {
        NotificationOperation::List { state, after, limit } => {
            return match reader(home)? {
                Some(mut reader) => read(&mut reader, state, after, limit),
                None => Ok(NotificationAnswer::Notifications { notifications: Vec::new() }),
            };
        }
        NotificationOperation::Retry { id } => id,
    };
    let shown = || id.chars().take(80).collect::<String>();
    let Some(mut reader) = reader(home)? else {
        return Err(EngineError::NoNotification { id: shown(), failed: false });
    };
    use stead_store::jobs::JobReader as _;
    if reader.job(&id)?.is_none_or(|row| row.job.kind != KIND) {
        return Err(EngineError::NoNotification { id: shown(), failed: false });
    }
    if !or_made(home)?.retry_job(&id, now())? {
        return Err(EngineError::NoNotification { id: shown(), failed: true });
    }
    let row = reader.job(&id)?.ok_or_else(|| EngineError::NoNotification { id: shown(), failed: false })?;
    Ok(NotificationAnswer::Retried { notification: Box::new(row.into()) })
}

//! Drafts: what somebody has filled in and not handed in. A transaction of the store, which needs no engine.

use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::limits::{COMMENT_BYTES, SUBMISSION_BYTES};
use stead_core::value::json_len;
use stead_store::drafts::{self, Drafts as _, Over};
use stead_store::{Reader, StoreError};

use super::{Draft, DraftNow, TaskAnswer};
use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::{now, or_made, reader};
use crate::reads::Reads;

/// Saves somebody's draft of a task, or throws it away.
pub(crate) fn draft(
    home: &Home,
    wanted: &str,
    draft: Option<Draft>,
    based_on: Option<&str>,
    by: &str,
) -> Result<TaskAnswer, EngineError> {
    let nothing =
        || EngineError::NoTask { wanted: wanted.to_owned(), why: "nothing was run here yet".to_owned() };
    let mut reads = Reads::light(reader(home)?.ok_or_else(nothing)?, home);
    let over = match based_on {
        None => Over::Anything,
        Some("") => Over::Nothing,
        Some(etag) => Over::Etag(etag),
    };
    let Some(draft) = draft else {
        let id = reads.task_named(wanted)?.task;
        or_made(home)?.drop_draft(&id, by, over)?;
        return Ok(TaskAnswer::Drafted { draft: None });
    };
    let id = reads.task_named(wanted)?.task;
    let (state, asked) = reads.task_state(&id)?;
    let actor = reads.somebody(by)?.in_project(&asked.origin.project)?.clone();
    let refused = |why: String| EngineError::Refused { id: id.to_string(), why };
    // One that is over is not refused: what was written while somebody else decided is not to be lost.
    state.may(&actor).map_err(refused)?;
    if state.submission_of(&actor.user).is_some() {
        return Err(StoreError::DraftLate { task: id }.into());
    }
    bounded(&draft).map_err(refused)?;
    // Plain data with text keys always serialises.
    let body = serde_json::to_string(&draft).unwrap_or_default();
    let kept = drafts::Draft::new(now(), &body);
    or_made(home)?.put_draft(&id, by, &kept, over)?;
    Ok(TaskAnswer::Drafted { draft: Some(DraftNow { draft, etag: kept.etag, saved_at: kept.at }) })
}

/// What cannot be handed in is not kept either.
fn bounded(draft: &Draft) -> Result<(), String> {
    if draft.comment.len() > COMMENT_BYTES {
        return Err(format!("the comment is larger than {} KiB", COMMENT_BYTES >> 10));
    }
    let form = Value::Object(draft.form.clone());
    match json_len(&form, SUBMISSION_BYTES) {
        Some(_) => Ok(()),
        None => Err(format!("what is filled in is larger than {} KiB", SUBMISSION_BYTES >> 10)),
    }
}

impl<R: Reader> Reads<R> {
    /// Somebody's draft of a task.
    pub(super) fn draft_of(&mut self, task: &StreamId, by: &str) -> Result<Option<DraftNow>, EngineError> {
        let Some(kept) = self.reader_mut().draft(task, by)? else { return Ok(None) };
        let drafts::Draft { etag, at, body } = kept;
        let draft = serde_json::from_str(&body).map_err(|error| StoreError::Unreadable {
            what: format!("the draft of {task}"),
            detail: error.to_string(),
        })?;
        Ok(Some(DraftNow { draft, etag, saved_at: at }))
    }
}

//! Routes of notifications.

use schemars::JsonSchema;
use serde::Serialize;
use stead_engine::notify::{NotificationAnswer, NotificationOperation, NotificationRow};
use stead_engine::operations::{Answer, Operation};
use stead_store::jobs::JobState;

use super::route::{AFTER, LIMIT, word};
use super::{Route, of, unexpected};
use crate::call::{Call, NoBody, Reply};
use crate::problem::Problem;

pub(super) const ROUTES: &[Route] = &[
    Route::get(
        "/notifications",
        "Notifications.List",
        "What was told by the rules of the home, and what could not be, the newest first",
        list,
    )
    .query(&[word("state", states, "Only those that are so far"), AFTER, LIMIT])
    .gives(of::<NotificationsPage>)
    .refuses(&[404]),
    Route::post(
        "/notifications/{notification}:retry",
        "Notifications.Retry",
        "Try a notification again that has failed",
        retry,
    )
    .takes(of::<NoBody>)
    .gives(of::<NotificationRow>)
    .refuses(&[409]),
];

fn states() -> Vec<&'static str> {
    JobState::ALL.map(JobState::as_str).to_vec()
}

#[derive(Serialize, JsonSchema)]
struct NotificationsPage {
    /// The newest first.
    notifications: Vec<NotificationRow>,
    /// What `after` takes for the next page; null: there is none.
    next: Option<String>,
}

fn ask(call: &Call<'_>, operation: NotificationOperation) -> Result<NotificationAnswer, Problem> {
    match call.ask(Operation::Notifications(operation))? {
        Answer::Notifications(answer) => Ok(*answer),
        _ => Err(unexpected()),
    }
}

fn list(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let wanted = call.text("state");
    let state = match wanted.as_deref() {
        None => None,
        Some(word) => match JobState::ALL.into_iter().find(|state| state.as_str() == word) {
            Some(state) => Some(state),
            None => {
                return Err(Problem::parameter("state", format!("it is one of {}", states().join(", "))));
            }
        },
    };
    let limit = call.page()?;
    // One more than is told says whether there are more.
    let operation = NotificationOperation::List { state, after: call.text("after"), limit: limit + 1 };
    let NotificationAnswer::Notifications { mut notifications } = ask(call, operation)? else {
        return Err(unexpected());
    };
    let more = notifications.len() > limit;
    notifications.truncate(limit);
    let next = notifications.last().filter(|_| more).map(|row| row.id.clone());
    Ok(Reply::ok(NotificationsPage { notifications, next }))
}

fn retry(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let NoBody {} = call.take()?;
    let id = call.named("notification");
    let NotificationAnswer::Retried { notification } = ask(call, NotificationOperation::Retry { id })? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(notification))
}

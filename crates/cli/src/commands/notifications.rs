//! `stead notifications`: what was told to whom, and what could not be.

use serde_json::json;
use stead_engine::notify::{NotificationAnswer, NotificationOperation, NotificationRow};
use stead_engine::operations::{Answer, Operation};
use stead_platform::terminal;
use stead_store::jobs::JobState;

use crate::args::{Notifications, NotificationsCommand};
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::{Here, unexpected};
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists them, or has one tried again.
///
/// # Errors
/// When it is refused, or the store cannot be read or written.
pub fn notifications(here: &Here, args: &Notifications) -> Result<Exit, CliError> {
    if let Some(NotificationsCommand::Retry(args)) = &args.command {
        let operation = NotificationOperation::Retry { id: args.notification.clone() };
        let NotificationAnswer::Retried { notification } = ask(here, operation)? else {
            return Err(CliError::machine("this is a bug in Stead: an answer of the wrong kind came"));
        };
        match args.json {
            true => out::json(&json!({"type": "notification", "notification": notification}))?,
            false => out::answer(&format!("{} is tried again\n", notification.id))?,
        }
        return Ok(Exit::Done);
    }
    let state = match (args.failed, args.waiting) {
        (true, _) => Some(JobState::Failed),
        (_, true) => Some(JobState::Waiting),
        _ => None,
    };
    let operation = NotificationOperation::List { state, after: args.after.clone(), limit: args.limit };
    let NotificationAnswer::Notifications { notifications } = ask(here, operation)? else {
        return Err(CliError::machine("this is a bug in Stead: an answer of the wrong kind came"));
    };
    if args.json {
        for row in &notifications {
            out::json(row)?;
        }
    } else if notifications.is_empty() {
        out::note("there are no notifications that fit");
    } else {
        list(here, &notifications)?;
        if let Some(last) = notifications.last().filter(|_| notifications.len() >= args.limit) {
            out::note(&format!("there may be more: go on with --after {}", last.id));
        }
    }
    Ok(Exit::Done)
}

fn ask(here: &Here, operation: NotificationOperation) -> Result<NotificationAnswer, CliError> {
    match here.ask(Operation::Notifications(operation))? {
        Answer::Notifications(answer) => Ok(*answer),
        other => Err(unexpected(&other)),
    }
}

fn list(here: &Here, all: &[NotificationRow]) -> Result<(), CliError> {
    let now = text::now();
    let mut table = Table::new(&["ID", "WHEN", "RULE", "STATE", "TRIES", "WHAT", "WHY"]);
    for row in all {
        let ink = match row.state {
            JobState::Failed => Ink::Red,
            JobState::Waiting | JobState::Delivered => Ink::Plain,
        };
        let what = row.notice.as_ref().map(|notice| notice.subject()).unwrap_or_default();
        table.row(vec![
            (Ink::Bold, row.id.clone()),
            (Ink::Plain, text::moment(row.at, now)),
            (Ink::Plain, row.rule.clone()),
            (ink, row.state.as_str().to_owned()),
            (Ink::Dim, row.tries.to_string()),
            (Ink::Plain, text::clean(&what)),
            (Ink::Plain, text::clean(row.error.as_deref().unwrap_or_default())),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))
}

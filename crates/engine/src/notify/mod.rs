//! Notifications: what somebody wants to hear of, and how it gets to them.
//!
//! Which events are told of is said by rules in the home's `settings.yml` (`rules`). A turn whose events one of them names
//! gets a job (`notice`), in the same commit; so nothing is told that is not durable, and nothing is forgotten. The process
//! that holds the home delivers (`deliver`): by a webhook, by mail or by a command, each at least once, with an id that
//! stays the same.

mod book;
mod command;
pub(crate) mod deliver;
mod mail;
mod notice;
mod operations;
mod rules;
mod webhook;

#[cfg(test)]
mod tests;

pub(crate) use book::Book;
pub use deliver::NotifyMeasures;
pub use notice::{Notice, Occasion};
pub(crate) use notice::{jobs_of_run, jobs_of_task, may_tell};
pub(crate) use operations::ask;
pub use operations::{NotificationAnswer, NotificationOperation, NotificationRow};
pub use rules::SettingsProblem;

/// The kind of their jobs.
pub(crate) const KIND: &str = "notify";

/// Why something did not get to somebody.
#[derive(Debug)]
pub(crate) struct Undelivered {
    /// What happened, without secrets.
    why: String,
    /// It would be the same the next time.
    for_good: bool,
}

impl Undelivered {
    /// It may go better later.
    fn now(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: false }
    }

    /// It would be the same the next time.
    fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), for_good: true }
    }
}

impl From<crate::net::CallError> for Undelivered {
    fn from(error: crate::net::CallError) -> Self {
        match error {
            crate::net::CallError::Request(why) => Self::for_good(why),
            crate::net::CallError::Network(why) => Self::now(why),
        }
    }
}

impl From<crate::secrets::SecretError> for Undelivered {
    fn from(error: crate::secrets::SecretError) -> Self {
        // A store of secrets that is locked may be open later.
        Self::now(error.to_string())
    }
}

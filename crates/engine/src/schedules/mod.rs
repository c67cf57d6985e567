//! What starts runs by itself: schedules, as they are asked for and told of. Their turns are taken in the driver.

pub mod hook;
mod look;
pub mod operations;
mod owner;
mod turn_on;

pub use look::preview;
pub use operations::{
    Change, ClockChange, Coming, Preview, ScheduleAnswer, ScheduleNow, ScheduleOperation, ScheduleRow, Times,
};

pub(crate) use look::named;
pub(crate) use owner::{Owners, why_not};
pub(crate) use turn_on::{change, specs};

use stead_lang::cron::{CronError, ZoneError};

/// Why a schedule is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// There is none of this name.
    #[error("there is no schedule `{name}`")]
    Unknown {
        /// As it was named.
        name: String,
        /// A name like it.
        nearest: Option<String>,
    },
    /// A workflow that declares nothing, or not this.
    #[error("`{workflow}` declares no trigger{}", of_name(name))]
    NoTrigger {
        /// The workflow.
        workflow: String,
        /// What was asked for.
        name: Option<String>,
        /// What it declares.
        known: Vec<String>,
    },
    /// A rule that is none.
    #[error("{0}")]
    Cron(CronError),
    /// A zone that there is none of.
    #[error("{0}")]
    Zone(ZoneError),
    /// Who sends a request is not known: there is no such webhook, or the signature is not right.
    #[error("the request is not signed as a webhook of this place wants it")]
    HookUnknown,
    /// So many requests of a webhook are under way.
    #[error("as many requests of this webhook are under way as may be")]
    HookFull,
    /// A request that its trigger makes no run of.
    #[error("no run was started: {why}")]
    HookMisfit {
        /// Why.
        why: String,
    },
    /// The secret of a webhook is not to be had. The sender is not told so.
    #[error("the secret of the webhook `{hook}` is not to be had: {why}")]
    HookSecret {
        /// The webhook.
        hook: String,
        /// Why, without the secret.
        why: String,
    },
    /// Something else that cannot be as it is.
    #[error("{why}")]
    Wrong {
        /// What, and why.
        why: String,
        /// What to try.
        help: &'static str,
    },
}

fn of_name(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!(" that is called `{name}`"))
}

impl ScheduleError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "R0411",
            Self::NoTrigger { .. } => "R0412",
            Self::Cron(_) => "R0413",
            Self::Zone(_) => "R0414",
            Self::Wrong { .. } => "R0415",
            Self::HookUnknown => "R0416",
            Self::HookFull => "R0417",
            Self::HookMisfit { .. } => "R0418",
            Self::HookSecret { .. } => "R0419",
        }
    }

    /// What to try.
    pub fn help(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Unknown { .. } => "`stead schedule list` lists those that are on".to_owned(),
            Self::NoTrigger { known, .. } if known.is_empty() => {
                "declare one under `triggers`, or give the times: stead schedule add WORKFLOW --cron \"0 2 * * *\"".to_owned()
            }
            Self::NoTrigger { known, .. } => format!("it declares {}", known.join(", ")),
            Self::Cron(error) => error
                .help
                .clone()
                .unwrap_or_else(|| "write MINUTE HOUR DAY MONTH WEEKDAY, such as `0 2 * * *`".to_owned()),
            Self::Zone(error) => match &error.nearest {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name one as the IANA database does, such as Europe/Berlin".to_owned(),
            },
            Self::HookUnknown => "see the secret, the clock and the headers of the sender: docs/triggers.md".to_owned(),
            Self::HookFull => "send it again a little later, with the same id".to_owned(),
            Self::HookMisfit { .. } => "compare what is sent with `inputs` of the trigger".to_owned(),
            Self::HookSecret { .. } => "set the secret for the process that serves: docs/secrets.md".to_owned(),
            Self::Wrong { help, .. } => (*help).to_owned(),
        }
    }
}

//! Statuses and outcomes, and which moves between them there are.
//!
//! The tables are the specification: a test walks every pair, and [`run::apply`](crate::run) goes through
//! them. What is not listed is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word used everywhere: journal, command line, API.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(word: &str) -> Result<Self, ()> {
                match word { $($word => Ok($name::$variant),)+ _ => Err(()) }
            }
        }
    };
}

words! {
    /// Status of a run.
    RunStatus {
        /// Known, not begun.
        Pending = "pending",
        /// An attempt is under way, or a turn is due at once.
        Running = "running",
        /// Nothing runs: it waits for a person, a timer, a signal, a child or a slot.
        Waiting = "waiting",
        /// Held by a person.
        Paused = "paused",
        /// Ended as intended.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Ended by a person.
        Cancelled = "cancelled",
    }
}

words! {
    /// How a run or step ended, beside its status.
    Outcome {
        /// Nothing to add.
        Ok = "ok",
        /// Completed with trouble inside.
        Degraded = "degraded",
        /// Completed before its last step, as told.
        StoppedEarly = "stopped_early",
        /// Failed with an error.
        Error = "error",
        /// A person refused.
        Rejected = "rejected",
        /// A loop, a budget or a bound ran out.
        Exhausted = "exhausted",
        /// Out of time.
        TimedOut = "timed_out",
        /// Ended by a person.
        Cancelled = "cancelled",
    }
}

words! {
    /// Status of a step instance.
    StepStatus {
        /// Its turn has not come.
        Pending = "pending",
        /// An attempt, or something inside, is under way.
        Running = "running",
        /// Waits for a timer, a signal, a child, a person.
        Waiting = "waiting",
        /// Ended as intended.
        Completed = "completed",
        /// Ended with an error.
        Failed = "failed",
        /// Its `if` was false.
        Skipped = "skipped",
        /// It reads what a failed step did not give.
        Blocked = "blocked",
        /// Ended from outside before it could end itself.
        Cancelled = "cancelled",
    }
}

impl RunStatus {
    /// Whether it has ended for good.
    pub fn is_end(self) -> bool {
        matches!(self, RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled)
    }

    /// The statuses that may follow.
    pub fn next(self) -> &'static [RunStatus] {
        use RunStatus::{Cancelled, Completed, Failed, Paused, Pending, Running, Waiting};
        match self {
            // A run waits for its place before it begins.
            Pending => &[Running, Waiting, Paused, Failed, Cancelled],
            Running => &[Waiting, Paused, Completed, Failed, Cancelled],
            Waiting => &[Running, Paused, Completed, Failed, Cancelled],
            Paused => &[Running, Waiting, Failed, Cancelled],
            Completed | Failed | Cancelled => &[],
        }
    }

    /// The outcomes that go with it. An open run has none.
    pub fn outcomes(self) -> &'static [Outcome] {
        use Outcome::{Cancelled, Degraded, Error, Exhausted, Ok, Rejected, StoppedEarly, TimedOut};
        match self {
            RunStatus::Completed => &[Ok, Degraded, StoppedEarly],
            RunStatus::Failed => &[Error, Rejected, Exhausted, TimedOut],
            RunStatus::Cancelled => &[Cancelled],
            _ => &[],
        }
    }
}

impl StepStatus {
    /// Whether it has ended.
    pub fn is_end(self) -> bool {
        use StepStatus::{Blocked, Cancelled, Completed, Failed, Skipped};
        matches!(self, Completed | Failed | Skipped | Blocked | Cancelled)
    }

    /// The statuses that may follow.
    pub fn next(self) -> &'static [StepStatus] {
        use StepStatus::{Blocked, Cancelled, Completed, Failed, Pending, Running, Skipped, Waiting};
        match self {
            // A pure step completes, and an expression fails one, without anything having run.
            Pending => &[Running, Waiting, Completed, Failed, Skipped, Blocked, Cancelled],
            Running => &[Waiting, Completed, Failed, Cancelled],
            Waiting => &[Running, Completed, Failed, Cancelled],
            Completed | Failed | Skipped | Blocked | Cancelled => &[],
        }
    }

    /// The outcomes that go with it. A step that has not ended has none.
    pub fn outcomes(self) -> &'static [Outcome] {
        use Outcome::{Cancelled, Degraded, Error, Exhausted, Ok, Rejected, StoppedEarly, TimedOut};
        match self {
            StepStatus::Completed => &[Ok, Degraded, StoppedEarly, Exhausted, Rejected],
            StepStatus::Failed => &[Error, Rejected, Exhausted, TimedOut, Cancelled],
            StepStatus::Cancelled => &[Cancelled],
            StepStatus::Skipped | StepStatus::Blocked => &[Ok],
            StepStatus::Pending | StepStatus::Running | StepStatus::Waiting => &[],
        }
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;

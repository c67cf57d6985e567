//! What a script sees of how a command ended.

use std::process::ExitCode;

use stead_core::status::RunStatus;

/// Exit codes. They are promised: `stead --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; a run is completed, with whichever outcome. A degraded one says so on standard error.
    Done = 0,
    /// The run failed, or an operation did not fit what the run is doing.
    Failed = 1,
    /// The command line, a definition, an input or a name is wrong. Nothing was started.
    Usage = 2,
    /// The run was cancelled.
    Cancelled = 3,
    /// The run has not ended and waits: for a person, or with `--no-wait` for a timer.
    Waits = 4,
    /// The time to watch was over before the run was. It can be resumed.
    TimedOut = 5,
    /// The home, its store or its engine cannot be used, or failed.
    Engine = 6,
    /// Left by a signal, or because nobody reads the output, before the run was over. It can be resumed.
    Left = 130,
}

impl Exit {
    /// The code for a run in this status.
    pub fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Completed => Exit::Done,
            RunStatus::Failed => Exit::Failed,
            RunStatus::Cancelled => Exit::Cancelled,
            RunStatus::Waiting | RunStatus::Paused => Exit::Waits,
            RunStatus::Pending | RunStatus::Running => Exit::Left,
        }
    }

    /// The code for several runs: the worst.
    pub fn of_all(all: impl IntoIterator<Item = Exit>) -> Self {
        let order = [Exit::Engine, Exit::Failed, Exit::Cancelled, Exit::TimedOut, Exit::Left, Exit::Waits];
        let all: Vec<Exit> = all.into_iter().collect();
        order.into_iter().find(|exit| all.contains(exit)).unwrap_or(Exit::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_runs_counts() {
        assert_eq!(Exit::of_all([]), Exit::Done);
        assert_eq!(Exit::of_all([Exit::Done, Exit::Cancelled, Exit::Failed]), Exit::Failed);
        assert_eq!(Exit::of_all([Exit::Done, Exit::Waits]), Exit::Waits);
    }
}

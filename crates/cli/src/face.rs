//! What the terminal can show: colours, signs, and whether it can be drawn on.

use std::borrow::Cow;

use stead_core::status::{Outcome, RunStatus, StepStatus};
use stead_platform::terminal;

use crate::args::Color;

/// What one of the two outputs can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face {
    /// Colours.
    pub color: bool,
    /// Signs beyond ASCII.
    pub unicode: bool,
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Ink {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Bold => "\x1b[1m",
            Ink::Dim => "\x1b[2m",
            Ink::Red => "\x1b[31m",
            Ink::Green => "\x1b[32m",
            Ink::Yellow => "\x1b[33m",
            Ink::Blue => "\x1b[34m",
            Ink::Magenta => "\x1b[35m",
            Ink::Cyan => "\x1b[36m",
        }
    }
}

impl Face {
    /// The face of standard output.
    pub fn stdout(choice: Color) -> Self {
        Self::of(choice, terminal::stdout_is_terminal(), &variable)
    }

    /// The face of standard error.
    pub fn stderr(choice: Color) -> Self {
        Self::of(choice, terminal::stderr_is_terminal(), &variable)
    }

    fn of(choice: Color, terminal: bool, var: &dyn Fn(&str) -> Option<String>) -> Self {
        let color = match choice {
            Color::Always => true,
            Color::Never => false,
            // https://no-color.org and https://bixense.com/clicolors: set and not empty; not `0`.
            Color::Auto if var("NO_COLOR").is_some() => false,
            Color::Auto if var("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Color::Auto => terminal && !dumb(var),
        };
        let ascii = var("STEAD_ASCII").is_some_and(|value| value != "0");
        Self { color, unicode: !ascii && terminal::locale_is_utf8() }
    }

    /// The text in a colour, where there are colours.
    pub fn paint<'t>(self, ink: Ink, text: &'t str) -> Cow<'t, str> {
        if self.color && ink != Ink::Plain && !text.is_empty() {
            Cow::Owned(format!("{}{text}\x1b[0m", ink.code()))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// One of two texts, by whether signs beyond ASCII can be shown.
    pub fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// What stands where a text was cut off.
    pub fn ellipsis(self) -> &'static str {
        self.sign("…", "...")
    }
}

/// Whether standard error is a terminal that can be drawn on.
pub fn live() -> bool {
    terminal::stderr_is_terminal()
        && !dumb(&variable)
        && variable("CI").is_none_or(|value| value == "false" || value == "0")
}

/// Whether the whole screen can be drawn on, and keys be read: a terminal that is not dumb, in and out.
pub fn whole_screen() -> bool {
    terminal::stdin_is_terminal()
        && terminal::stdout_is_terminal()
        && !dumb(&variable)
        && variable("CI").is_none_or(|value| value == "false" || value == "0")
}

fn dumb(var: &dyn Fn(&str) -> Option<String>) -> bool {
    var("TERM").is_some_and(|term| term == "dumb")
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(|v| v.to_string_lossy().into_owned())
}

/// A state as people see it: one vocabulary for steps and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words of the language")]
pub enum State {
    Failed,
    Running,
    Waiting,
    Sleeping,
    Paused,
    Queued,
    Pending,
    Cancelled,
    Blocked,
    Skipped,
    Degraded,
    Completed,
}

impl State {
    /// The state of a run.
    pub fn of_run(status: RunStatus, outcome: Option<Outcome>, person: bool) -> Self {
        match status {
            RunStatus::Pending => State::Pending,
            RunStatus::Running => State::Running,
            RunStatus::Waiting if person => State::Waiting,
            RunStatus::Waiting => State::Sleeping,
            RunStatus::Paused => State::Paused,
            RunStatus::Completed if outcome == Some(Outcome::Degraded) => State::Degraded,
            RunStatus::Completed => State::Completed,
            RunStatus::Failed => State::Failed,
            RunStatus::Cancelled => State::Cancelled,
        }
    }

    /// The state of a step. `waits` is the kind of what it waits for.
    pub fn of_step(status: StepStatus, outcome: Option<Outcome>, waits: Option<&str>) -> Self {
        let trouble = matches!(outcome, Some(Outcome::Degraded | Outcome::Exhausted | Outcome::Rejected));
        match status {
            StepStatus::Pending => State::Pending,
            StepStatus::Running => State::Running,
            StepStatus::Waiting => match waits {
                // The child is at work, or says itself what it waits for.
                Some("child") => State::Running,
                Some("timer" | "retry") => State::Sleeping,
                Some("slot") => State::Queued,
                _ => State::Waiting,
            },
            StepStatus::Completed if trouble => State::Degraded,
            StepStatus::Completed => State::Completed,
            StepStatus::Failed => State::Failed,
            StepStatus::Skipped => State::Skipped,
            StepStatus::Blocked => State::Blocked,
            StepStatus::Cancelled => State::Cancelled,
        }
    }

    /// Its sign.
    pub fn sign(self, face: Face) -> &'static str {
        match self {
            State::Pending => face.sign("·", "."),
            State::Queued => face.sign("○", "o"),
            State::Running => face.sign("●", ">"),
            State::Waiting => face.sign("◆", "?"),
            State::Sleeping => face.sign("◷", "z"),
            State::Paused => face.sign("‖", "="),
            State::Completed => face.sign("✓", "+"),
            State::Degraded => face.sign("✓", "~"),
            State::Failed => face.sign("✗", "x"),
            State::Cancelled => face.sign("⊘", "-"),
            State::Blocked => face.sign("⊗", "b"),
            State::Skipped => face.sign("↷", "s"),
        }
    }

    /// Its colour.
    pub fn ink(self) -> Ink {
        match self {
            State::Pending | State::Queued | State::Skipped => Ink::Dim,
            State::Running => Ink::Blue,
            State::Waiting | State::Degraded | State::Blocked => Ink::Yellow,
            State::Sleeping => Ink::Magenta,
            State::Paused | State::Cancelled => Ink::Cyan,
            State::Completed => Ink::Green,
            State::Failed => Ink::Red,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Queued => "queued",
            State::Running => "running",
            State::Waiting | State::Sleeping => "waiting",
            State::Paused => "paused",
            State::Completed | State::Degraded => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Blocked => "blocked",
            State::Skipped => "skipped",
        }
    }

    /// Whether it is over.
    pub fn is_end(self) -> bool {
        use State::{Paused, Pending, Queued, Running, Sleeping, Waiting};
        !matches!(self, Running | Waiting | Sleeping | Paused | Queued | Pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(choice: Color, terminal: bool, vars: &[(&str, &str)]) -> Face {
        Face::of(choice, terminal, &|name| {
            vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn colours_follow_the_terminal_and_the_conventions() {
        assert!(face(Color::Auto, true, &[]).color);
        assert!(!face(Color::Auto, false, &[]).color);
        assert!(!face(Color::Auto, true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).color);
        assert!(face(Color::Auto, false, &[("CLICOLOR_FORCE", "1")]).color);
        assert!(!face(Color::Auto, false, &[("CLICOLOR_FORCE", "0")]).color);
        assert!(!face(Color::Auto, true, &[("TERM", "dumb")]).color);
        assert!(face(Color::Always, false, &[("NO_COLOR", "1")]).color);
        assert!(!face(Color::Never, true, &[("CLICOLOR_FORCE", "1")]).color);
    }

    #[test]
    fn every_state_has_a_sign_of_its_own_in_ascii() {
        use State::{
            Blocked, Cancelled, Completed, Degraded, Failed, Paused, Pending, Queued, Running, Skipped,
            Sleeping, Waiting,
        };
        let all = [
            Pending, Queued, Running, Waiting, Sleeping, Paused, Completed, Degraded, Failed, Cancelled,
            Blocked, Skipped,
        ];
        let face = Face { color: false, unicode: false };
        let signs: std::collections::HashSet<_> = all.map(|state| state.sign(face)).into();
        assert_eq!(signs.len(), all.len());
        assert!(signs.iter().all(|sign| sign.len() == 1 && sign.is_ascii()));
    }
}

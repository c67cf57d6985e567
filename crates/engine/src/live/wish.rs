//! What a subscriber wants, and the id from which it goes on.

use stead_core::ids::StreamId;
use stead_store::Position;

/// What a subscriber wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// What is written of a run, row by row.
    Run {
        /// The run.
        run: StreamId,
        /// That of the runs it starts as well, and of those that these start.
        children: bool,
        /// The log of this step instance as well.
        logs: Option<String>,
        /// Only until the run has ended.
        until_end: bool,
    },
    /// Lists as they change.
    Lists {
        /// The rows of runs.
        runs: bool,
        /// How many tasks who asks has.
        inbox: bool,
    },
}

/// How far somebody was told: the position in the journal, and where they also read a log, attempt and line of that.
///
/// As text it is the position alone, or `POSITION.ATTEMPT.LINE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here was told.
    pub position: Position,
    /// Attempt and line that were told last.
    pub log: Option<(u32, u64)>,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.log {
            None => write!(f, "{}", self.position),
            Some((attempt, line)) => write!(f, "{}.{attempt}.{line}", self.position),
        }
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // `parse` takes a sign.
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split('.');
        let mut number = || parts.next().filter(|part| digits(part)).ok_or(());
        let position = number()?.parse().map_err(|_| ())?;
        let log = match number() {
            Err(()) => None,
            Ok(attempt) => Some((attempt.parse().map_err(|_| ())?, number()?.parse().map_err(|_| ())?)),
        };
        parts.next().is_none().then_some(Self { position, log }).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        for cursor in
            [Cursor::default(), Cursor { position: 7, log: None }, Cursor { position: 7, log: Some((2, 30)) }]
        {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "x", "-1", "+1", "1.", "1.2", "1.2.", "1.2.3.4", "1.x.3", "99999999999999999999"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }
}

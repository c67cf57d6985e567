//! Durations and instants as the language writes them.

/// A length of time in milliseconds.
pub type Millis = u64;

/// A text that is no length of time, or no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TimeError {
    /// What is wrong with it, and what is right.
    pub message: String,
}

/// Reads a length of time: `500ms`, `30s`, `10m`, `2h`, `1d`, `1w`, `1.5h`, `1h30m`.
///
/// # Errors
/// When it is none, negative, not whole in milliseconds, or longer than
/// [`DURATION_MILLIS`](crate::limits::DURATION_MILLIS).
pub fn parse_duration(text: &str) -> Result<Millis, TimeError> {
    Err(TimeError { message: format!("not built: {text}") })
}

/// Writes a length of time so that [`parse_duration`] reads the same: `1h30m`.
pub fn format_duration(millis: Millis) -> String {
    format!("{millis}ms")
}

/// Reads an instant in RFC 3339 with an offset: milliseconds since 1970 in UTC, parts of one cut off.
///
/// # Errors
/// When it is none.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    Err(TimeError { message: format!("not built: {text}") })
}

/// Writes an instant in RFC 3339 in UTC.
pub fn format_time(millis: i64) -> String {
    format!("{millis}")
}

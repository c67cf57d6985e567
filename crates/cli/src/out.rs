//! The two ways out: answers on standard output, everything else on standard error.
//!
//! All printing goes through here. A reader of standard output that has gone is an error of its own, which
//! ends the command quietly; nobody reading standard error is no reason to stop.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::error::CliError;

/// Prints an answer, as it is.
///
/// # Errors
/// [`CliError::closed`] when nobody reads it, another one when it cannot be written.
pub fn answer(text: &str) -> Result<(), CliError> {
    bytes(text.as_bytes())
}

/// Prints bytes of an answer.
///
/// # Errors
/// As [`answer`].
pub fn bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::closed(),
        _ => CliError::machine(format!("standard output cannot be written: {error}")),
    })
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// As [`answer`].
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    // Plain data with text keys always serialises.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    bytes(&line)
}

/// Prints a value as JSON for people and scripts alike: indented.
///
/// # Errors
/// As [`answer`].
pub fn pretty(value: &impl Serialize) -> Result<(), CliError> {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    answer(&text)
}

/// Says something on standard error, as it is.
pub fn say(text: &str) {
    let mut out = io::stderr().lock();
    // Whoever closed it does not want to know.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says a line on standard error.
pub fn note(line: &str) {
    say(&format!("{line}\n"));
}

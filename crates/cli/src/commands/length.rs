//! Lengths of time, as arguments say them.

use std::time::Duration;

use stead_lang::duration::parse_duration;

use crate::error::{CliError, codes};
use crate::text;

/// A length of time that somebody has written behind a flag.
///
/// # Errors
/// When it is none.
pub(super) fn length(flag: &str, written: &str) -> Result<Duration, CliError> {
    parse_duration(written).map(Duration::from_millis).map_err(|error| {
        let what = format!("`{flag} {}` is no time: {error}", text::clean(written));
        CliError::usage(codes::ARGUMENT, what).hint("30s, 10m, 2h, 90d")
    })
}

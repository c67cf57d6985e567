//! Times by the clock of a place: rules of five fields, as cron writes them, in a time zone.
//!
//! | module | what |
//! | --- | --- |
//! | `parse` | the text of a rule, with the part named that is wrong |
//! | `next` | which instant comes next |
//! | `zone` | time zones, always from what is built in |
//! | `words` | a rule in words |
//!
//! A rule that names hours comes once for each of its times on the clock: one that a clock set forward jumps over comes
//! right after the jump, and one that a clock set back shows twice comes the first time. A rule with `*` for the hour
//! goes by the time that passes: no hour is missed and none made up.

mod next;
mod parse;
#[cfg(test)]
mod tests;
mod words;
mod zone;

pub use next::Instant;
pub use parse::CronError;
pub use zone::{Change, Zone, ZoneError};

/// A rule: the minutes, hours, days, months and days of the week at which something comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    weekdays: u8,
    /// The hours are `*`.
    every_hour: bool,
    /// The days of the month are `*`, or steps of it.
    any_day: bool,
    /// The days of the week likewise.
    any_weekday: bool,
}

impl Cron {
    /// The rule as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

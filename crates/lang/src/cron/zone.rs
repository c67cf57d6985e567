//! Time zones, always from what is built in: a definition means the same on each machine.

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::diagnostic::nearest;

/// A time zone by its name in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A name that no time zone has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`")]
pub struct ZoneError {
    /// The name.
    pub name: String,
    /// A name like it.
    pub nearest: Option<String>,
}

/// A change of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// By how many seconds the clock is set forward; negative: back.
    pub by: i32,
}

impl Zone {
    /// The zone of a name. Whether letters are small or capital does not matter.
    ///
    /// # Errors
    /// When there is none, with the name that is most like it.
    pub fn named(name: &str) -> Result<Zone, ZoneError> {
        let database = TimeZoneDatabase::bundled();
        if let Ok(zone) = database.get(name) {
            let name = zone.iana_name().unwrap_or(name).to_owned();
            return Ok(Zone { name, zone });
        }
        let shown: String = name.chars().take(60).collect();
        let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
        let city = |full: &&String| {
            full.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name.replace(' ', "_")))
        };
        let near = names.iter().find(city).cloned();
        let near = near.or_else(|| nearest(&shown, names.iter().map(String::as_str)));
        Err(ZoneError { name: shown, nearest: near })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An instant as its clocks show it, with the offset: `2027-03-28T03:00:00+02:00`.
    pub fn show(&self, at: i64) -> String {
        let Ok(at) = Timestamp::from_millisecond(at) else { return at.to_string() };
        let offset = self.zone.to_offset(at);
        at.display_with_offset(offset).to_string()
    }

    /// The first change of the clock behind one instant and not behind another.
    pub fn change(&self, after: i64, until: i64) -> Option<Change> {
        let mut from = Timestamp::from_millisecond(after).ok()?;
        loop {
            let period = self.period(from)?;
            let next = period.end?;
            if next.as_millisecond() > until {
                return None;
            }
            let by = self.zone.to_offset(next).seconds() - period.offset;
            if by != 0 {
                return Some(Change { at: next.as_millisecond(), by });
            }
            from = next;
        }
    }

    /// What holds at an instant.
    pub(super) fn period(&self, at: Timestamp) -> Option<Period> {
        let just_after = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let begin = self.zone.preceding(just_after).next().map(|change| change.timestamp());
        let before = begin.and_then(|begin| begin.checked_sub(SignedDuration::from_nanos(1)).ok());
        let offset = self.zone.to_offset(at).seconds();
        Some(Period {
            begin,
            before: before.map_or(offset, |before| self.zone.to_offset(before).seconds()),
            offset,
            end: self.zone.following(at).next().map(|change| change.timestamp()),
        })
    }
}

/// A time in which clocks run on.
pub(super) struct Period {
    /// When it began.
    pub(super) begin: Option<Timestamp>,
    /// The offset before that, in seconds.
    pub(super) before: i32,
    /// The offset, in seconds.
    pub(super) offset: i32,
    /// When it ends.
    pub(super) end: Option<Timestamp>,
}

impl Zone {
    /// The instant of a text: in RFC 3339 with an offset, or a date, or a date with a time, by the clocks of the zone. A
    /// time that a clock jumps over is as long behind the jump, one that it shows twice is the first.
    pub fn instant(&self, text: &str) -> Option<i64> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at.as_millisecond());
        }
        let time = text.parse::<DateTime>().ok()?;
        self.zone.to_timestamp(time).ok().map(|at| at.as_millisecond())
    }
}

//! Instants and lengths of time in expressions.
//!
//! Offsets from UTC are taken, names of zones are not: their rules differ from machine to machine and from
//! year to year, and an evaluation has to give the same on each.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::EvalError;
use super::function::TimePart;
use super::node::Binary;
use super::number::overflow;
use super::value::{Val, failed};
use crate::duration::{self, INSTANTS};

const NANOS_PER_MILLI: i128 = 1_000_000;
const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// An instant as RFC 3339 in UTC.
pub(super) fn timestamp_text(millis: i64, nanos: u32) -> String {
    duration::format_instant(instant_nanos(millis, nanos))
}

/// A length of time as CEL and JSON's protocol buffers write it: `5400s`, `0.25s`.
pub(super) fn duration_text(nanos: i64) -> String {
    let all = i128::from(nanos).abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (all / NANOS_PER_SECOND, all % NANOS_PER_SECOND);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

fn instant_nanos(millis: i64, nanos: u32) -> i128 {
    i128::from(millis) * NANOS_PER_MILLI + i128::from(nanos)
}

fn instant<'v>(nanos: i128) -> Result<Val<'v>, EvalError> {
    if !INSTANTS.contains(&nanos) {
        return Err(failed("the instant is not in the years 1 to 9999"));
    }
    let millis = i64::try_from(nanos.div_euclid(NANOS_PER_MILLI)).map_err(|_| overflow())?;
    Ok(Val::Timestamp(millis, nanos.rem_euclid(NANOS_PER_MILLI) as u32))
}

fn length<'v>(nanos: i128) -> Result<Val<'v>, EvalError> {
    i64::try_from(nanos).map(Val::Duration).map_err(|_| failed("the duration is longer than 292 years"))
}

/// `timestamp(x)`
pub(super) fn to_timestamp<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Timestamp(..) => Ok(value),
        Val::Int(seconds) => instant(i128::from(seconds) * NANOS_PER_SECOND),
        Val::Str(text) => {
            let nanos = duration::parse_instant(&text).map_err(|error| failed(error.message))?;
            instant(nanos)
        }
        value => Err(failed(format!(
            "timestamp() takes a text such as 2026-03-01T12:00:00Z, not {}",
            value.describe()
        ))),
    }
}

/// `duration(x)`
pub(super) fn to_duration<'a>(value: Val<'a>) -> Result<Val<'a>, EvalError> {
    match value {
        Val::Duration(_) => Ok(value),
        Val::Str(text) => {
            duration::parse_nanos(&text).map(Val::Duration).map_err(|error| failed(error.message))
        }
        value => Err(failed(format!("duration() takes a text such as 1h30m, not {}", value.describe()))),
    }
}

/// Whole seconds since 1970.
pub(super) fn seconds(millis: i64) -> i64 {
    millis.div_euclid(1000)
}

/// `+` and `-` where one is an instant or a length of time; `None` where they do not go together.
pub(super) fn arithmetic<'v>(
    op: Binary,
    left: &Val<'_>,
    right: &Val<'_>,
) -> Option<Result<Val<'v>, EvalError>> {
    let sign = match op {
        Binary::Add => 1,
        Binary::Subtract => -1,
        _ => return None,
    };
    Some(match (left, right) {
        (Val::Timestamp(millis, nanos), Val::Duration(by)) => {
            instant(instant_nanos(*millis, *nanos) + sign * i128::from(*by))
        }
        (Val::Duration(by), Val::Timestamp(millis, nanos)) if op == Binary::Add => {
            instant(instant_nanos(*millis, *nanos) + i128::from(*by))
        }
        (Val::Timestamp(a, x), Val::Timestamp(b, y)) if op == Binary::Subtract => {
            length(instant_nanos(*a, *x) - instant_nanos(*b, *y))
        }
        (Val::Duration(a), Val::Duration(b)) => length(i128::from(*a) + sign * i128::from(*b)),
        _ => return None,
    })
}

/// `x.getHours()` and its like, in UTC or at an offset from it.
pub(super) fn part<'v>(
    part: TimePart,
    value: &Val<'_>,
    zone: Option<&Val<'_>>,
) -> Result<Val<'v>, EvalError> {
    match value {
        Val::Timestamp(millis, nanos) => {
            let offset = zone.map_or(Ok(Offset::UTC), offset)?;
            let instant = Timestamp::from_nanosecond(instant_nanos(*millis, *nanos));
            let at = offset.to_datetime(instant.map_err(|_| overflow())?);
            Ok(Val::Int(match part {
                TimePart::FullYear => at.year().into(),
                // CEL counts months and days from 0, all but `getDate`.
                TimePart::Month => i64::from(at.month()) - 1,
                TimePart::Date => at.day().into(),
                TimePart::DayOfMonth => i64::from(at.day()) - 1,
                TimePart::DayOfWeek => at.weekday().to_sunday_zero_offset().into(),
                TimePart::DayOfYear => i64::from(at.day_of_year()) - 1,
                TimePart::Hours => at.hour().into(),
                TimePart::Minutes => at.minute().into(),
                TimePart::Seconds => at.second().into(),
                TimePart::Milliseconds => at.millisecond().into(),
            }))
        }
        Val::Duration(nanos) if zone.is_none() => {
            let unit = match part {
                TimePart::Hours => 3_600_000_000_000,
                TimePart::Minutes => 60_000_000_000,
                TimePart::Seconds => 1_000_000_000,
                TimePart::Milliseconds => 1_000_000,
                _ => return Err(failed("a duration has hours, minutes, seconds and milliseconds only")),
            };
            // The whole length in that unit, but for milliseconds: those within the second.
            let count = nanos / unit;
            Ok(Val::Int(if part == TimePart::Milliseconds { count % 1_000 } else { count }))
        }
        value => {
            let help = if matches!(value, Val::Str(_)) { "; write timestamp(x) first" } else { "" };
            Err(failed(format!("{} has no parts of time{help}", value.describe())))
        }
    }
}

/// `UTC`, `+02:00`, `-08:00` or `02:00`.
fn offset(zone: &Val<'_>) -> Result<Offset, EvalError> {
    let Val::Str(text) = zone else {
        return Err(failed(format!("an offset from UTC is a text such as +02:00, not {}", zone.describe())));
    };
    parse_offset(text).ok_or_else(|| {
        let text: Cow<'_, str> = super::nearest::shorten(text);
        failed(format!(
            "`{text}` is no offset from UTC; write UTC, +02:00 or -08:00 (names of zones are not taken)"
        ))
    })
}

fn parse_offset(text: &str) -> Option<Offset> {
    if matches!(text, "UTC" | "Z" | "") {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
}

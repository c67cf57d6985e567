//! Durations and instants as the language writes them.

use jiff::Timestamp;

use crate::limits;

/// A length of time in milliseconds.
pub type Millis = u64;

/// A text that is no length of time, or no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TimeError {
    /// What is wrong with it, and what is right.
    pub message: String,
}

/// Nanoseconds by unit, longest first.
const UNITS: [(&str, i128); 10] = [
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    // The micro sign and the Greek letter look alike.
    ("µs", 1000),
    ("μs", 1000),
    ("ns", 1),
];

/// Reads a length of time: `500ms`, `30s`, `10m`, `2h`, `1d`, `1w`, `1.5h`, `1h30m`.
///
/// A day is always 24 hours, a week seven of them.
///
/// # Errors
/// When it is none, negative, not whole in milliseconds, or longer than
/// [`DURATION_MILLIS`](crate::limits::DURATION_MILLIS).
pub fn parse_duration(text: &str) -> Result<Millis, TimeError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(wrong("a length of time cannot be negative"));
    }
    let nanos = parse_nanos(text)?;
    if nanos % 1_000_000 != 0 {
        return Err(wrong("the smallest length of time is 1ms"));
    }
    let millis = u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX);
    if millis > limits::DURATION_MILLIS {
        return Err(wrong(format!("longer than {} days", limits::DURATION_MILLIS / 86_400_000)));
    }
    Ok(millis)
}

/// Reads a length of time in nanoseconds, as CEL writes them: with a sign, and down to `ns`.
pub(crate) fn parse_nanos(text: &str) -> Result<i64, TimeError> {
    let none =
        || wrong(format!("`{}` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m", cut(text)));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return Err(none());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            return Err(none());
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            if unit.is_empty() {
                let help = format!("`{}` has no unit; write {number}s for seconds", cut(text));
                return Err(wrong(help));
            }
            return Err(none());
        };
        let part = times(number, *nanos).ok_or_else(none)?;
        total =
            total.checked_add(part).filter(|total| *total <= i128::from(i64::MAX)).ok_or_else(too_long)?;
        rest = next;
    }
    let total = if negative { -total } else { total };
    i64::try_from(total).map_err(|_| too_long())
}

/// A decimal number times a unit, cut below one nanosecond.
fn times(number: &str, unit: i128) -> Option<i128> {
    /// More digits would not fit, and say nothing.
    const DIGITS: usize = 18;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > DIGITS {
        return None;
    }
    let fraction = fraction.get(..fraction.len().min(DIGITS))?;
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let scale = 10_i128.pow(fraction.len() as u32);
    digits(whole)?.checked_mul(unit)?.checked_add(digits(fraction)?.checked_mul(unit)? / scale)
}

/// Writes a length of time so that [`parse_duration`] reads the same: `1h30m`.
pub fn format_duration(millis: Millis) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    let mut rest = millis;
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= length {
            text.push_str(&(rest / length).to_string());
            text.push_str(unit);
            rest %= length;
        }
    }
    text
}

/// Reads an instant in RFC 3339 with an offset: milliseconds since 1970 in UTC, parts of one cut off.
///
/// # Errors
/// When it is none.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    Ok(i64::try_from(parse_instant(text)?.div_euclid(1_000_000)).unwrap_or(i64::MAX))
}

/// Reads an instant in nanoseconds since 1970, in the years 1 to 9999.
pub(crate) fn parse_instant(text: &str) -> Result<i128, TimeError> {
    let none = || wrong(format!("`{}` is no instant; write 2026-03-01T12:00:00Z", cut(text)));
    let nanos = text.trim().parse::<Timestamp>().map_err(|_| none())?.as_nanosecond();
    if !INSTANTS.contains(&nanos) {
        return Err(none());
    }
    Ok(nanos)
}

/// The years 1 to 9999 in nanoseconds since 1970: what CEL and RFC 3339 can say.
pub(crate) const INSTANTS: std::ops::RangeInclusive<i128> =
    -62_135_596_800_000_000_000..=253_402_207_199_999_999_999;

/// Writes an instant in RFC 3339 in UTC.
pub fn format_time(millis: i64) -> String {
    format_instant(i128::from(millis) * 1_000_000)
}

/// Writes an instant of nanoseconds since 1970 in RFC 3339 in UTC.
pub(crate) fn format_instant(nanos: i128) -> String {
    let nanos = nanos.clamp(*INSTANTS.start(), *INSTANTS.end());
    Timestamp::from_nanosecond(nanos).map_or_else(|_| nanos.to_string(), |instant| instant.to_string())
}

fn too_long() -> TimeError {
    wrong("longer than 292 years")
}

fn wrong(message: impl Into<String>) -> TimeError {
    TimeError { message: message.into() }
}

fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    crate::expr::shorten(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lengths_of_time() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            (" 1m ", 60_000),
            ("2000us", 2),
            ("36525d", limits::DURATION_MILLIS),
        ] {
            assert_eq!(parse_duration(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for (text, message) in [
            ("", "`` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m"),
            ("30", "`30` has no unit; write 30s for seconds"),
            ("1h30", "`1h30` has no unit; write 30s for seconds"),
            ("ten", "`ten` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m"),
            ("1 h", "`1 h` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m"),
            ("1.2.3s", "`1.2.3s` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m"),
            ("1y", "`1y` is no length of time; write 500ms, 30s, 10m, 2h, 1d or 1h30m"),
            ("-1s", "a length of time cannot be negative"),
            ("1us", "the smallest length of time is 1ms"),
            ("36526d", "longer than 36525 days"),
            ("99999999d", "longer than 292 years"),
        ] {
            assert_eq!(parse_duration(text), Err(wrong(message)), "{text}");
        }
        assert!(parse_duration(&"9".repeat(5000)).is_err());
    }

    #[test]
    fn writes_what_it_reads() {
        for millis in [0, 1, 999, 1000, 61_001, 5_400_000, 86_400_000, 694_861_001, limits::DURATION_MILLIS] {
            assert_eq!(parse_duration(&format_duration(millis)), Ok(millis));
        }
        assert_eq!(format_duration(5_400_000), "1h30m");
        assert_eq!(format_duration(604_800_000), "7d");
    }

    #[test]
    fn reads_and_writes_instants() {
        assert_eq!(parse_time("1970-01-01T00:00:01.5Z"), Ok(1500));
        assert_eq!(parse_time("2026-03-01T14:00:00+02:00"), parse_time("2026-03-01T12:00:00Z"));
        assert_eq!(parse_time("1969-12-31T23:59:59.9999Z"), Ok(-1));
        assert_eq!(format_time(1500), "1970-01-01T00:00:01.5Z");
        for text in ["", "2026-03-01", "2026-03-01T12:00:00", "12:00", "0000-01-01T00:00:00Z"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert!(format_time(i64::MAX).starts_with("9999-"));
    }
}

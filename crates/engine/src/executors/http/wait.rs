//! `Retry-After`: how long a server wants to be left alone.

/// Milliseconds from now on, by a number of seconds or a date; nothing: it cannot be read.
pub(super) fn millis(text: &str, now: i64) -> Option<u64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number that does not fit is a long time all the same; what is waited is bounded elsewhere.
        return Some(text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    Some(u64::try_from(date.as_millisecond().saturating_sub(now)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = 784_111_770_000;
        for (text, wait) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            // A slip that changes nothing about the instant.
            ("Mon, 06 Nov 1994 08:49:37 GMT", Some(7_000)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(millis(text, now), wait, "{text}");
        }
    }
}

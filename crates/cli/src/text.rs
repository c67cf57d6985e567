//! Text for terminals: made harmless, measured, cut; times in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use stead_core::Time;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Text from outside as one harmless line: escape sequences, control characters and marks that turn the
/// direction of writing are taken out, tabs and line breaks become spaces.
pub fn clean(text: &str) -> String {
    scrub(text, false)
}

/// As [`clean`], with the sequences kept that only colour.
pub fn clean_but_colour(text: &str) -> String {
    scrub(text, true)
}

fn scrub(text: &str, colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                let sequence = escape(&mut rest);
                if colours && let Some(inner) = sequence {
                    out.push_str("\x1b[");
                    out.push_str(&inner);
                    out.push('m');
                }
            }
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c => out.push(c),
        }
    }
    out
}

/// Reads an escape sequence to its end; gives back what stands in one that colours.
fn escape(rest: &mut std::str::Chars<'_>) -> Option<String> {
    match rest.next()? {
        '[' => {
            let mut inner = String::new();
            for c in rest.by_ref() {
                match c {
                    '@'..='~' => return (c == 'm' && is_colour(&inner)).then_some(inner),
                    ' '..='?' if inner.len() < 64 => inner.push(c),
                    // A sequence that is none: what stands behind it is text again.
                    _ => return None,
                }
            }
            None
        }
        // Titles, links, images: up to the bell or the string terminator.
        ']' | 'P' | 'X' | '^' | '_' => {
            let mut escaped = false;
            for c in rest.by_ref() {
                if c == '\x07' || (escaped && c == '\\') {
                    break;
                }
                escaped = c == '\x1b';
            }
            None
        }
        _ => None,
    }
}

fn is_colour(inner: &str) -> bool {
    inner.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':')
}

/// Columns that a text takes. It has been cleaned.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut to so many columns; `mark` stands where something was cut off.
pub fn cut(text: &str, columns: usize, mark: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(mark));
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > room {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns >= width(mark) {
        out.push_str(mark);
    }
    out
}

/// The text with spaces behind it up to so many columns.
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// A length of time in milliseconds: `120ms`, `1.2s`, `41s`, `3m 04s`, `2h 05m`, `2d 3h`.
pub fn duration(millis: i64) -> String {
    let millis = millis.max(0);
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    match millis {
        0..1000 => format!("{millis}ms"),
        1000..10_000 => format!("{seconds}.{}s", millis % 1000 / 100),
        10_000..60_000 => format!("{seconds}s"),
        60_000..3_600_000 => format!("{minutes}m {:02}s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{}d {}h", hours / 24, hours % 24),
    }
}

/// What is left of a wait, in whole seconds: it is counted down.
pub fn remaining(millis: i64) -> String {
    let seconds = (millis.max(0) + 999) / 1000;
    if seconds < 60 { format!("{seconds}s") } else { duration(seconds * 1000) }
}

/// Now, in milliseconds since 1970.
pub fn now() -> Time {
    Timestamp::now().as_millisecond()
}

/// Time of day, local: `10:12:03`.
pub fn clock(at: Time) -> String {
    local(at, "%H:%M:%S")
}

/// Day and time, local: `2025-11-21 10:12`; today only the time.
pub fn moment(at: Time, now: Time) -> String {
    if local(at, "%F") == local(now, "%F") { local(at, "%H:%M:%S") } else { local(at, "%F %H:%M") }
}

/// An instant for scripts: `2025-11-21T10:12:03.123Z`.
pub fn instant(at: Time) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => at.to_string(),
    }
}

fn local(at: Time, format: &str) -> String {
    match Timestamp::from_millisecond(at) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime(format).to_string(),
        Err(_) => at.to_string(),
    }
}

/// `1 step`, `2 steps`.
pub fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// The first eight digits of a revision's hash.
pub fn short(revision: &str) -> &str {
    revision.get(..8).unwrap_or(revision)
}

/// A word for a shell: in quotes where it needs them.
pub fn shell_word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@=,+%".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_reaches_the_terminal_unseen() {
        let evil =
            "a\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\rd\x07\u{202e}e\u{9b}1m\tf";
        assert_eq!(clean(evil), "aredbc de1m f");
        assert_eq!(clean_but_colour("\x1b[1;31mx\x1b[0m\x1b[2J\x1b[?25ly"), "\x1b[1;31mx\x1b[0my");
        assert_eq!(clean("end\x1b["), "end");
        assert_eq!(clean("\x1b"), "");
    }

    #[test]
    fn texts_are_cut_by_columns() {
        assert_eq!(cut("abcdef", 6, "…"), "abcdef");
        assert_eq!(cut("abcdefg", 6, "…"), "abcde…");
        assert_eq!(cut("日本語テキスト", 6, "…"), "日本…");
        assert_eq!(cut("abc", 0, "..."), "");
        assert_eq!(cut("abcdef", 2, "..."), "");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    #[test]
    fn times_are_told_in_two_units() {
        for (millis, text) in [
            (-5, "0ms"),
            (999, "999ms"),
            (1200, "1.2s"),
            (41_900, "41s"),
            (184_000, "3m 04s"),
            (7_500_000, "2h 05m"),
            (183_600_000, "2d 3h"),
        ] {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(remaining(1), "1s");
        assert_eq!(remaining(4000), "4s");
        assert_eq!(remaining(61_001), "1m 02s");
        assert_eq!(instant(1_763_717_000_123), "2025-11-21T09:23:20.123Z");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(shell_word("per_epic[E-2]/draft#3"), "'per_epic[E-2]/draft#3'");
        assert_eq!(shell_word("r_8k2f"), "r_8k2f");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}

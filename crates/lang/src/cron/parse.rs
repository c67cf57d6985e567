//! The text of a rule.

use crate::diagnostic::nearest;

use super::Cron;

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// What is wrong, with the part that is.
    pub message: String,
    /// What to write.
    pub help: Option<String>,
}

/// Longest text of a rule, in bytes.
const MOST_BYTES: usize = crate::limits::CRON_BYTES;

static MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
static WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Short names of whole rules.
static SHORT: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A field: what it is called, from where to where it goes, and names for its numbers, of which the first is that of
/// the lowest.
struct Field {
    what: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

static FIELDS: [Field; 5] = [
    Field { what: "the minutes", min: 0, max: 59, names: &[] },
    Field { what: "the hours", min: 0, max: 23, names: &[] },
    Field { what: "the days of the month", min: 1, max: 31, names: &[] },
    Field { what: "the months", min: 1, max: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Field { what: "the days of the week", min: 0, max: 7, names: &WEEKDAYS },
];

impl Cron {
    /// Reads a rule: `MINUTE HOUR DAY MONTH WEEKDAY`, or a short name such as `@daily`.
    ///
    /// # Errors
    /// When it is none, with the part that is wrong; and when no time would ever come.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let text = text.trim();
        if text.len() > MOST_BYTES {
            return Err(wrong(format!("a rule has at most {MOST_BYTES} bytes"), None));
        }
        let written = match text.strip_prefix('@') {
            Some(_) => short(text)?,
            None => text,
        };
        let parts: Vec<&str> = written.split_ascii_whitespace().collect();
        if parts.len() != FIELDS.len() {
            return Err(count_wrong(&parts));
        }
        let mut masks = [0_u64; 5];
        for ((mask, field), part) in masks.iter_mut().zip(&FIELDS).zip(&parts) {
            *mask = read(field, part)?;
        }
        let [minutes, hours, days, months, mut weekdays] = masks;
        weekdays = (weekdays | weekdays >> 7) & 0x7f;
        #[expect(clippy::cast_possible_truncation, reason = "each is bounded by its field")]
        let cron = Cron {
            text: text.to_owned(),
            minutes,
            hours: hours as u32,
            days: days as u32,
            months: months as u16,
            weekdays: weekdays as u8,
            every_hour: hours == (1 << 24) - 1,
            any_day: parts[2].starts_with('*'),
            any_weekday: parts[4].starts_with('*'),
        };
        if cron.never() {
            let message = format!("`{text}` never comes: no such day is in these months");
            return Err(wrong(message, None));
        }
        Ok(cron)
    }

    /// Whether no day fits: only a day of the month can be missing.
    fn never(&self) -> bool {
        if !self.any_weekday && !self.any_day {
            return false;
        }
        let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        !longest.iter().zip(1..).any(|(last, month)| {
            self.months & 1 << month != 0 && (1..=*last).any(|day| self.days & 1 << day != 0)
        })
    }
}

fn short(text: &str) -> Result<&'static str, CronError> {
    let small = text.to_ascii_lowercase();
    if let Some((_, rule)) = SHORT.iter().find(|(name, _)| *name == small) {
        return Ok(rule);
    }
    let message = format!("`{text}` is no rule that has a name");
    let help = match nearest(&small, SHORT.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the names are {}", SHORT.map(|(name, _)| format!("`{name}`")).join(", ")),
    };
    Err(wrong(message, Some(help)))
}

fn count_wrong(parts: &[&str]) -> CronError {
    let message = match parts.len() {
        0 => "the rule is empty".to_owned(),
        n => format!("a rule has five fields, and this has {n}"),
    };
    let help = match parts.len() {
        6 | 7 => "minutes are the finest: leave out the seconds and the year",
        _ => "write MINUTE HOUR DAY MONTH WEEKDAY, such as `0 2 * * *` for two in the night",
    };
    wrong(message, Some(help.to_owned()))
}

/// The numbers of a field, a bit each.
fn read(field: &Field, text: &str) -> Result<u64, CronError> {
    let mut mask = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (field.min, field.max.min(if field.max == 7 { 6 } else { 59 })),
            Some((first, last)) => (number(field, text, first)?, number(field, text, last)?),
            None => {
                let first = number(field, text, range)?;
                (first, if step.is_some() { field.max } else { first })
            }
        };
        if first > last {
            let message = format!("`{range}` in {} goes backwards", field.what);
            let help = format!("write `{first}-{},{}-{last}`", field.max, field.min);
            return Err(wrong(message, Some(help)));
        }
        let step = match step.map(|step| (step, step.parse::<u32>())) {
            None => 1,
            Some((_, Ok(step))) if step >= 1 && step <= field.max.max(1) => step,
            Some((step, _)) => {
                let message = format!("`{step}` in {} is no step", field.what);
                let help = format!("a step is a number from 1 to {}", field.max);
                return Err(wrong(message, Some(help)));
            }
        };
        let mut at = first;
        while at <= last {
            mask |= 1 << at;
            at += step;
        }
    }
    Ok(mask)
}

fn number(field: &Field, whole: &str, text: &str) -> Result<u32, CronError> {
    let small = text.to_ascii_lowercase();
    if let Some(at) = field.names.iter().position(|name| *name == small) {
        return Ok(field.min + u32::try_from(at).unwrap_or(0));
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = text.parse::<u32>().ok().filter(|_| digits) {
        if (field.min..=field.max).contains(&number) {
            return Ok(number);
        }
        let message = format!("`{text}` in {} is out of range", field.what);
        return Err(wrong(message, Some(format!("they go from {} to {}", field.min, field.max))));
    }
    let message = match text {
        "" => format!("`{whole}` in {} has an empty part", field.what),
        text => format!("`{text}` in {} is no number", field.what),
    };
    let near = nearest(&small, field.names.iter().copied());
    let help = match (near, text) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, text) if text.contains(['L', 'W', '#', '?']) => {
            "`L`, `W`, `#` and `?` are of other tools; name the days".to_owned()
        }
        _ => "write `*`, a number, a range `1-5`, a list `1,15` or steps `*/10`".to_owned(),
    };
    Err(wrong(message, Some(help)))
}

fn wrong(message: String, help: Option<String>) -> CronError {
    CronError { message, help }
}

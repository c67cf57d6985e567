//! A rule in words.

use super::Cron;

static MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
static WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Cron {
    /// What it says, as in `at 02:00 on Monday to Friday`.
    pub fn words(&self) -> String {
        let minutes = bits(self.minutes, 0, 59);
        let hours = bits(u64::from(self.hours), 0, 23);
        let mut out = match (&minutes[..], &hours[..]) {
            (m, h) if m.len() == 60 && h.len() == 24 => "every minute".to_owned(),
            (m, h) if h.len() == 24 => match step(m, 60) {
                Some(step) => format!("every {step} minutes"),
                None => format!(
                    "every hour at {} {}",
                    if m.len() == 1 { "minute" } else { "minutes" },
                    numbers(m)
                ),
            },
            (m, h) if m.len() * h.len() <= 6 => {
                let times = h.iter().flat_map(|h| m.iter().map(move |m| format!("{h:02}:{m:02}")));
                format!("at {}", joined(&times.collect::<Vec<_>>()))
            }
            (m, h) => {
                let of_hour = match (m.len(), step(m, 60)) {
                    (60, _) => "every minute".to_owned(),
                    (_, Some(step)) => format!("every {step} minutes"),
                    _ => format!("at minutes {}", numbers(m)),
                };
                let of_day = match step(h, 24) {
                    Some(step) => format!("of every {step} hours"),
                    None => format!("of the hours {}", numbers(h)),
                };
                format!("{of_hour} {of_day}")
            }
        };
        let days = bits(u64::from(self.days), 1, 31);
        let weekdays = bits(u64::from(self.weekdays), 0, 6);
        let on_days = (days.len() < 31).then(|| {
            let what = if days.len() == 1 { "day" } else { "days" };
            format!("on {what} {} of the month", numbers(&days))
        });
        let on_weekdays = (weekdays.len() < 7).then(|| format!("on {}", names(&weekdays, &WEEKDAYS, 0)));
        let glue = if self.any_day || self.any_weekday { " that are also " } else { " or " };
        let on: Vec<String> = on_days.into_iter().chain(on_weekdays).collect();
        if !on.is_empty() {
            out.push(' ');
            out.push_str(&on.join(glue));
        } else if hours.len() < 24 {
            out.push_str(" every day");
        }
        let months = bits(u64::from(self.months), 1, 12);
        if months.len() < 12 {
            out.push_str(" in ");
            out.push_str(&names(&months, &MONTHS, 1));
        }
        out
    }
}

fn bits(mask: u64, from: u32, to: u32) -> Vec<u32> {
    (from..=to).filter(|bit| mask & 1 << bit != 0).collect()
}

/// The step, where these are all the steps from 0 on and they come out even.
fn step(numbers: &[u32], of: u32) -> Option<u32> {
    let [0, second, ..] = numbers else { return None };
    let even = of.is_multiple_of(*second) && numbers.len() as u32 == of / second;
    (even && *second > 1 && numbers.iter().zip(0..).all(|(n, at)| *n == at * second)).then_some(*second)
}

/// Numbers with ranges: `1, 5 to 8`.
fn numbers(numbers: &[u32]) -> String {
    joined(&ranges(numbers, |n| n.to_string()))
}

fn names(numbers: &[u32], names: &[&str], first: u32) -> String {
    joined(&ranges(numbers, |n| names.get((n - first) as usize).copied().unwrap_or_default().to_owned()))
}

fn ranges(numbers: &[u32], name: impl Fn(u32) -> String) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < numbers.len() {
        let mut end = at;
        while numbers.get(end + 1) == Some(&(numbers[end] + 1)) {
            end += 1;
        }
        match end - at {
            0 => out.push(name(numbers[at])),
            1 => out.extend([name(numbers[at]), name(numbers[end])]),
            _ => out.push(format!("{} to {}", name(numbers[at]), name(numbers[end]))),
        }
        at = end + 1;
    }
    out
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

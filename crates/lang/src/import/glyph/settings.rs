//! What holds for all steps of a workflow.

use super::Top;
use super::own::share;
use crate::duration::parse_duration;
use crate::import::naming::seconds;
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

/// The settings of a workflow.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) copies: Option<i64>,
    pub(super) threshold: Option<f64>,
    /// How long people's steps may be without activity, and others may take.
    pub(super) limit: Option<String>,
    pub(super) retries: Option<i64>,
    pub(super) parallel: bool,
    pub(super) goes_on: bool,
}

impl Settings {
    pub(super) fn read(top: &Top<'_, '_>) -> Self {
        let Some(at) = top.get(&["settings"]).filter(|at| at.is_map()) else {
            return Self::default();
        };
        match at.text_at("tie_breaker") {
            Some("escalate") | None => {
                if let Some(at) = at.get("tie_breaker") {
                    at.say(Kept, "a tie is no agreement: it goes where the transitions lead");
                }
            }
            Some(_) => {}
        }
        match at.text_at("field_level_consensus") {
            Some("all_fields") | None => {}
            Some(other) => {
                if let Some(at) = at.get("field_level_consensus") {
                    let why = format!("`{other}`: what is handed in is compared as a whole");
                    at.say_with(NotExpressible, why, Some("make a task of each field"));
                }
            }
        }
        let goes_on = match at.text_at("on_error") {
            Some("skip") => true,
            Some("pause") => {
                if let Some(at) = at.get("on_error") {
                    at.say(Changed, "the run fails, and `stead retry` goes on with the step that failed");
                }
                false
            }
            Some(other) => {
                if let Some(at) = at.get("on_error") {
                    let why = format!("`{other}`: the run fails, and whoever watches it sees that");
                    at.say(NotExpressible, why);
                }
                false
            }
            None => false,
        };
        at.get("require_completion");
        let minutes = at.integer("default_timeout_minutes", 1, 525_600);
        let limit = minutes.map(|minutes| seconds(minutes as f64 * 60.0));
        let other = length(at, "default_timeout");
        Self {
            copies: at.integer("min_annotators", 1, 1000),
            threshold: share(at, "consensus_threshold"),
            limit: limit.or(other),
            retries: at.integer("max_retries", 0, i64::from(crate::limits::ATTEMPTS) - 1),
            parallel: at.flag("allow_parallel_steps").unwrap_or(false),
            goes_on,
        }
    }
}

/// A length of time at a key: as the language writes it, or as ISO 8601 does.
pub(super) fn length(at: At<'_, '_>, key: &str) -> Option<String> {
    let at = at.get(key)?;
    let text = at.text()?;
    let millis = parse_duration(text).ok().or_else(|| iso(text)).or_else(|| {
        // A number alone is one of minutes, as everywhere in the tool.
        text.parse::<u32>().ok().map(|minutes| u64::from(minutes) * 60_000)
    });
    match millis {
        Some(millis) if millis > 0 => Some(seconds(millis as f64 / 1000.0)),
        _ => {
            at.say(NotExpressible, format!("`{text}` is no length of time"));
            None
        }
    }
}

/// `P1DT2H30M` in milliseconds.
fn iso(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('P')?;
    let (mut total, mut time) = (0.0, false);
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('T') {
            (time, rest) = (true, behind);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?.chars().next()?;
        let length = match (unit, time) {
            ('W', false) => 604_800.0,
            ('D', false) => 86_400.0,
            ('H', true) => 3600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        total += number * length * 1000.0;
        rest = rest.get(digits + 1..)?;
    }
    (total <= crate::limits::DURATION_MILLIS as f64).then_some(total as u64)
}

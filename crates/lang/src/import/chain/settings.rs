//! What a chain says of all its files: failures, exports, pauses.

use crate::import::naming::seconds;
use crate::import::out::Map;
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What a failure of a step does.
pub(super) struct Failure {
    pub(super) goes_on: bool,
    pub(super) retry: Option<Map>,
}

pub(super) fn failure(root: At<'_, '_>) -> Failure {
    let stop = root.flag("stop_on_error");
    let mode = root.text_at("failure_mode");
    let config = root.get("retry_config").filter(|config| config.is_map());
    let wants = mode == Some("retry");
    let goes_on = match mode {
        Some("continue") => true,
        Some("stop_on_error" | "retry") => false,
        Some(other) => {
            if let Some(at) = root.get("failure_mode") {
                at.say(
                    Changed,
                    format!("`{other}` is no mode that is known; the first failure stops the chain"),
                );
            }
            false
        }
        None => stop == Some(false),
    };
    if mode.is_some()
        && stop.is_some()
        && let Some(at) = root.get("stop_on_error")
    {
        at.say(Changed, "`failure_mode` decides");
    }
    if goes_on {
        root.say_of(
            "steps that failed",
            Changed,
            "a step that needs a value of one that failed is blocked, and the run ends degraded; it never goes on with the sheet's old value",
            None,
        );
    }
    if let (Some(config), false) = (config, wants) {
        config.say_all(
            NotExpressible,
            "`failure_mode` is not `retry`, so nothing is tried again, as there",
            None,
        );
    }
    let retry = wants.then(|| {
        let number = |key, default| config.and_then(|config| config.number(key)).unwrap_or(default);
        let (min, max, multiplier) =
            (number("min_wait", 4.0), number("max_wait", 10.0), number("multiplier", 1.0));
        let retries =
            config.and_then(|c| c.integer("max_retries", 0, i64::from(limits::ATTEMPTS) - 1)).unwrap_or(0);
        let wait = min.max(multiplier).max(0.001);
        Map::new()
            .with("attempts", retries + 1)
            .with("wait", seconds(wait))
            .with("factor", 2)
            .with("max_wait", seconds(max.max(wait)))
            .with("jitter", 0)
    });
    Failure { goes_on, retry }
}

/// What each step exports, unless it says otherwise.
pub(super) fn exports(root: At<'_, '_>, second: bool) -> (bool, bool) {
    let pdf = root.flag("export_pdf");
    if pdf.is_none() && !second {
        root.say_of("export_pdf", Kept, "without the key each sheet is exported as PDF, as there", None);
    }
    if root.node.get("output_dir").is_some() {
        root.get("output_dir");
    }
    (pdf.unwrap_or(!second), root.flag("export_mcdx").unwrap_or(false))
}

pub(super) fn pauses(root: At<'_, '_>) {
    let Some(at) = root.get("pause_mode") else { return };
    match at.text() {
        Some("auto_run") | None => {}
        Some("pause_each") => {
            let why = "whether a run pauses is said when it is started";
            at.say_with(NotExpressible, why, Some("`stead run --pause-each FILE` pauses before each step"));
        }
        Some(other) => at.say(NotExpressible, format!("`{other}` is no mode that is known")),
    }
}

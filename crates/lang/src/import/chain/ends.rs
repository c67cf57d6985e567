//! Conditions that end a chain early.

use super::formula::formula;
use super::sheets::Sheet;
use crate::import::naming::Given;
use crate::import::out::{Map, literal};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// A condition that ends the chain.
pub(super) struct End {
    pub(super) behind: usize,
    pub(super) id: String,
    pub(super) condition: String,
    pub(super) success: bool,
    pub(super) message: String,
}

impl End {
    pub(super) fn otherwise(&self) -> String {
        format!("!({})", self.condition)
    }

    pub(super) fn step(&self, sweeping: bool) -> Map {
        let step = Map::new().with("id", self.id.as_str()).with("if", self.condition.as_str());
        let message =
            if sweeping { format!("{} (case ${{{{ key }}}})", self.message) } else { self.message.clone() };
        step.with(if self.success { "finish" } else { "fail" }, message)
    }
}

pub(super) fn end(at: At<'_, '_>, sheets: &mut [Sheet<'_, '_>], given: &mut Given) -> Option<End> {
    let Some(text) = at.text_at("expression") else {
        at.say_all(NotExpressible, "it has no `expression`", None);
        return None;
    };
    let after = at.integer("after_step", -1, i64::MAX).unwrap_or(-1);
    let last = sheets.len().checked_sub(1)?;
    let home = usize::try_from(after).ok();
    if home.is_some_and(|home| home > last) {
        at.say_all(NotExpressible, format!("there is no step {after}; they count from 0"), None);
        return None;
    }
    let before = home.unwrap_or(last) + 1;
    let default = home.or_else(|| (sheets.len() == 1).then_some(0));
    let (condition, reads) = match formula(text, sheets, before, default, true) {
        Ok(done) => done,
        Err(why) => {
            let help = "name the output of a file, as in a mapping or in `output_units`, or say `after_step`";
            at.say_all(NotExpressible, why, Some(help));
            return None;
        }
    };
    let success = match at.text_at("outcome") {
        Some("success") => true,
        Some("failure") | None => false,
        Some(other) => {
            if let Some(at) = at.get("outcome") {
                at.say(
                    Changed,
                    format!("`{other}` is neither `success` nor `failure`; it counts as failure"),
                );
            }
            false
        }
    };
    if let (None, Some(at)) = (home, at.get("after_step")) {
        at.say(
            Changed,
            "it is looked at once, behind the last output that it reads, and not again behind each step",
        );
    }
    let message = at.text_at("message").filter(|text| !text.is_empty());
    let message = message.map_or_else(|| format!("{text} holds"), ToOwned::to_owned);
    let id = given.give("condition");
    at.becomes_step(&id);
    Some(End { behind: home.unwrap_or(reads), id, condition, success, message: literal(&message) })
}

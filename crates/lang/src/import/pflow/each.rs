//! Items, rounds, time limits and tries of a node.

use super::model::{Flow, Kind, Node};
use super::refs::{Place, Ty};
use super::values::expression;
use crate::import::naming::seconds;
use crate::import::out::{Map, Out, marked};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

pub(super) fn tries(attempts: i64, wait: f64, factor: i64, most: Option<f64>) -> Map {
    Map::new()
        .with("attempts", attempts)
        .with("wait", seconds(wait))
        .with("factor", factor)
        .with_some("max_wait", most.or_else(|| (wait > 60.0).then_some(wait)).map(seconds))
        .with("jitter", 0)
}

/// The items of a step, and how often each is tried.
pub(super) struct Items {
    pub(super) foreach: Map,
    pub(super) retry: Option<Map>,
}

pub(super) fn batch(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Option<Items> {
    let Some(batch) = &node.batch else {
        if let Some(at) = node.at.get("batch") {
            at.say_all(NotExpressible, "it is no map: there are no items", None);
        }
        return None;
    };
    let at = batch.at;
    let outside = Place { inside: false, ..place };
    let items = match at.get("items") {
        Some(at) => listed(flow, at, outside).unwrap_or_else(|| {
            at.say(
                NotExpressible,
                "it is neither a list nor exactly one `${…}` that may be one: the list is empty",
            );
            Out::List(Vec::new())
        }),
        None => {
            at.say_of(
                "items",
                NotExpressible,
                "there are no items: the list is empty",
                Some("say `foreach.in`"),
            );
            Out::List(Vec::new())
        }
    };
    let renamed = batch.name != batch.id;
    if let Some(at) = at.get("as").filter(|_| renamed) {
        at.say(Changed, format!("the item is `{}`", batch.id));
    }
    let goes_on = match at.text_at("error_handling") {
        Some("continue") => true,
        Some("fail_fast") | None => false,
        Some(_) => {
            if let Some(at) = at.get("error_handling") {
                at.say(Changed, "`fail_fast` and `continue` are known: the first failure stops the others");
            }
            false
        }
    };
    let most = at.integer("max_concurrent", 1, 100);
    let parallel = at.flag("parallel").unwrap_or(false);
    if !parallel && let Some(at) = at.get("max_concurrent") {
        at.say(NotExpressible, "without `parallel: true` it did nothing: one item at a time, as there");
    }
    let attempts = at.integer("max_retries", 1, 10).unwrap_or(1);
    let wait = at.number("retry_wait").filter(|wait| *wait >= 0.0);
    if attempts == 1
        && let Some(at) = at.get("retry_wait")
    {
        at.say(NotExpressible, "there is one try, so nothing waits");
    }
    let foreach = Map::new()
        .with("in", items)
        .with_some("as", (batch.id != "item").then(|| batch.id.clone()))
        .with_some("parallel", parallel.then(|| most.unwrap_or(10)))
        .with_some("join", goes_on.then_some("settled"));
    if parallel && most.is_none() {
        at.say_of("max_concurrent", Kept, "without the key 10 items at once, as there", None);
    }
    Some(Items { foreach, retry: (attempts > 1).then(|| tries(attempts, wait.unwrap_or(0.0), 1, None)) })
}

/// The items, where there may be some.
fn listed(flow: &Flow<'_, '_>, at: At<'_, '_>, place: Place<'_>) -> Option<Out> {
    match flow.expression(at, place) {
        Some((expression, Ty::Text)) => Some(marked(&format!("json({expression})")).into()),
        Some((expression, Ty::Any)) => {
            let fits = flow.sure_kind(&expression).is_none_or(|kind| matches!(kind, "array" | "object"));
            fits.then(|| marked(&expression).into())
        }
        None => Some(flow.value(at, place)).filter(|value| matches!(value, Out::List(_))),
    }
}

/// How many rounds there are where nothing is said.
const ROUNDS: i64 = 10;

pub(super) fn rounds(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Option<Map> {
    let at = node.at.get("loop")?;
    if !node.looped {
        at.say_all(
            NotExpressible,
            "a node with items has no rounds",
            Some("put it into a group with `loop`"),
        );
        return None;
    }
    let inside = Place { own: Some("steps"), ..place };
    let until = condition(flow, at, "until", inside);
    let while_ = condition(flow, at, "while", inside);
    if until.is_some()
        && while_.is_some()
        && let Some(at) = at.get("while")
    {
        at.say(Changed, "with `until` and `while` the rounds end where either says so");
    }
    let until = match (until, while_) {
        (Some(until), Some(while_)) => Some(format!("{until} || !({while_})")),
        (Some(until), None) => Some(until),
        (None, Some(while_)) => Some(format!("!({while_})")),
        (None, None) => None,
    };
    if until.is_none() {
        at.say_of("condition", Changed, "without `until` or `while` all rounds are made", None);
    }
    let max = at.integer("max_iterations", 1, i64::from(limits::ITERATIONS)).unwrap_or_else(|| {
        let why = format!("nothing bounds the rounds: at most {ROUNDS}");
        at.say_of("max_iterations", Changed, &why, Some("say `loop.max`"));
        ROUNDS
    });
    at.say_of(
        "rounds that run out",
        Changed,
        "the step completes, as there, and is `exhausted`; the run is then degraded",
        Some("`on_exhausted: fail` makes an error of it"),
    );
    Some(Map::new().with("max", max).with_some("until", until).with("on_exhausted", "continue"))
}

fn condition(flow: &Flow<'_, '_>, at: At<'_, '_>, key: &str, place: Place<'_>) -> Option<String> {
    let at = at.get(key)?;
    at.text()?;
    let Some((expression, ty)) = flow.expression(at, place) else {
        at.say(NotExpressible, "it is not exactly one `${…}`: the condition is left out");
        return None;
    };
    if ty == Ty::Text {
        let why = "it is a text: the rounds look whether it is `true`";
        at.say(Changed, why);
        return Some(format!("{expression} == 'true'"));
    }
    // What is no boolean counts as true unless it is empty.
    match flow.sure_kind(&expression) {
        Some("integer" | "number") => return Some(format!("{expression} != 0")),
        Some("array" | "object") => return Some(format!("size({expression}) > 0")),
        Some("string") => return Some(format!("{expression} != ''")),
        Some("null") => return Some("false".to_owned()),
        _ => {}
    }
    Some(format!("{expression} == true"))
}

/// What a round hands to the next: the value of an input from the second round on.
pub(super) fn carried(
    flow: &Flow<'_, '_>,
    node: &Node<'_, '_>,
    place: Place<'_>,
    key: &str,
) -> Option<String> {
    let carry = node.at.get("loop").filter(|_| node.looped)?.get("carry")?;
    let at = carry.get(key)?;
    let place = Place { own: Some("previous"), ..place };
    match flow.expression(at, place) {
        Some((expression, _)) => Some(expression),
        None => {
            at.say(NotExpressible, "it is not exactly one `${…}`: the input stays what it is");
            None
        }
    }
}

/// A value in the first round, and what is handed on in the others.
pub(super) fn from_round_to_round(first: Out, handed: Option<String>) -> Out {
    let Some(handed) = handed else { return first };
    let first = expression(&first);
    marked(&format!("iteration > 1 ? {handed} : {first}")).into()
}

pub(super) fn timeout(node: &Node<'_, '_>, usual: Option<f64>) -> Option<f64> {
    let Some(at) = node.param("timeout") else {
        let usual = usual?;
        node.at.say_of("timeout", Kept, &format!("without the key {usual} seconds, as there"), None);
        return Some(usual);
    };
    let given = node.params().and_then(|params| params.number("timeout")).filter(|given| *given >= 0.001);
    if matches!(node.kind, Kind::Read | Kind::Write | Kind::Copy | Kind::Move | Kind::Delete) {
        at.say(NotExpressible, "an act on a file had no time limit, and has none here");
        return None;
    }
    given.or(usual)
}

pub(super) fn retry(node: &Node<'_, '_>, of_items: Option<Map>, usual: Option<Map>) -> Option<Map> {
    let of_items_too = of_items.is_some();
    let own = node.at.get("retry").and_then(|at| {
        if !at.is_map() {
            at.say(NotExpressible, "it is no map: nothing is tried again");
            return None;
        }
        if matches!(node.kind, Kind::Delete) {
            at.say_all(
                NotExpressible,
                "to delete what is not there is no error, so nothing is tried again",
                None,
            );
            return None;
        }
        let most = i64::from(limits::ATTEMPTS);
        let attempts = at.integer("max", 1, most).unwrap_or_else(|| {
            at.say_of("max", Changed, "nothing bounds the tries: 3 are made", Some("say `retry.attempts`"));
            3
        });
        let wait = at.number("wait").filter(|wait| *wait >= 0.0).unwrap_or_else(|| {
            at.say_of(
                "wait",
                Changed,
                "nothing is said of waiting: a second, so that nobody is asked at once",
                None,
            );
            1.0
        });
        let factor = match at.text_at("backoff") {
            Some("fixed") => 1,
            Some("exponential") => 2,
            None => {
                at.say_of("backoff", Changed, "nothing is said of it: each wait is twice as long", None);
                2
            }
            Some(_) => {
                if let Some(at) = at.get("backoff") {
                    at.say(Changed, "`exponential` and `fixed` are known: each wait is twice as long");
                }
                2
            }
        };
        if of_items_too {
            at.say_of(
                "retry",
                Changed,
                "it goes before `batch.max_retries`: each item is tried so often",
                None,
            );
        }
        Some(tries(attempts, wait, factor, (factor > 1).then_some(60.0)))
    });
    if own.is_none() && of_items.is_none() && usual.is_some() {
        node.at.say_of("tries", Kept, "three, a second apart, as there by itself", None);
    }
    if matches!(node.kind, Kind::Delete) {
        return None;
    }
    own.or(of_items).or(usual)
}

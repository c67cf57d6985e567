//! What every node has, whatever it does: items, rounds, tries, an approval, and where it leads.

use super::graph::Blocks;
use super::model::{Flow, Kind, Node};
use super::refs::{Place, Ty};
use super::values::{expression, prose, put_behind, text};
use super::{child, code, files, other, prompts, request, shell};
use crate::import::naming::seconds;
use crate::import::out::{Map, Out, literal, marked, quoted};
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;
use crate::limits;

/// What a node does, as keys of its step.
#[derive(Default)]
pub(super) struct Action {
    pub(super) keys: Map,
    /// Seconds that it has where it says nothing.
    pub(super) seconds: Option<f64>,
    /// Tries that the tool makes by itself.
    pub(super) retry: Option<Map>,
}

impl Action {
    pub(super) fn of(keys: Map) -> Self {
        Self { keys, ..Self::default() }
    }

    pub(super) fn within(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Tried three times, a second apart, for errors that pass.
    pub(super) fn thrice(self, errors: &[&str]) -> Self {
        let errors: Vec<String> = errors.iter().map(|error| (*error).to_owned()).collect();
        let retry = tries(3, 1.0, 1, None).with("errors", errors);
        Self { retry: Some(retry), ..self }
    }
}

fn tries(attempts: i64, wait: f64, factor: i64, most: Option<f64>) -> Map {
    Map::new()
        .with("attempts", attempts)
        .with("wait", seconds(wait))
        .with("factor", factor)
        .with_some("max_wait", most.or_else(|| (wait > 60.0).then_some(wait)).map(seconds))
        .with("jitter", 0)
}

/// The steps of a node: itself, behind what has to be asked first.
pub(super) fn steps(flow: &mut Flow<'_, '_>, index: usize, inline: Option<Map>) -> Vec<Map> {
    let asked = flow.nodes[index].at.get("approval").and_then(|at| {
        let wanted = at.text() == Some("required");
        if !wanted {
            at.say(NotExpressible, "`required` is the only approval that is known");
        }
        wanted.then(|| approval(flow, index, at))
    });
    let flow = &*flow;
    let node = &flow.nodes[index];
    let place = Place::of(index);
    let action = match node.kind {
        _ if node.lacks().is_some() => failing(flow, node),
        Kind::Shell => shell::action(flow, node, place),
        Kind::Code => code::action(flow, node, place),
        Kind::Http => request::action(flow, node, place),
        Kind::Llm | Kind::Agent => prompts::action(flow, node, place),
        Kind::Read | Kind::Write | Kind::Copy | Kind::Move | Kind::Delete => files::action(flow, node, place),
        Kind::Workflow => child::action(flow, node, place, inline),
        Kind::Mcp => other::tool(flow, node, place),
        Kind::Other => other::program(flow, node, place),
    };
    let mut step = Map::new().with("id", node.id.as_str());
    if let Some(name) = title(node) {
        step.set("name", name);
    }
    let batch = batch(flow, node, place);
    step = step.with_some("foreach", batch.as_ref().map(|batch| batch.foreach.clone()));
    step = step.with_some("loop", rounds(flow, node, place));
    step.0.extend(action.keys.0);
    let whole = node.lacks().is_none();
    if whole && (node.has("timeout") || action.seconds.is_some()) {
        step = step.with_some("timeout", timeout(node, action.seconds).map(seconds));
    }
    let retry = retry(node, batch.and_then(|batch| batch.retry), action.retry);
    step = step.with_some("retry", retry.filter(|_| whole));
    if let Some(at) = node.at.get("cache") {
        match node.at.flag("cache") {
            Some(true) => step.set("cache", Map::new()),
            Some(false) => at.say(Kept, "nothing is reused without `cache`"),
            None => {}
        }
    } else if node.kind == Kind::Llm {
        let why = "answers of models are not reused by themselves, as they were there";
        node.at.say_of("cache", Changed, why, Some("say `cache` in the step"));
    }
    asked.into_iter().chain([step]).collect()
}

/// A step in the place of one that is not whole.
fn failing(flow: &Flow<'_, '_>, node: &Node<'_, '_>) -> Action {
    let what = node.lacks().unwrap_or_default();
    let why = format!("it lacks `{what}`: the step fails until it is there");
    node.at.say_of(what, NotExpressible, &why, None);
    let fail = Map::new().with("fail", format!("{} lacks {what}", literal(&node.name)));
    if flow.graph.blocks != Blocks::States {
        return Action::of(fail);
    }
    // A state that fails by itself leads nowhere: as a group it keeps its ways.
    let mut inner = Map::new().with("id", flow.inner_id(&node.id, "fails"));
    inner.0.extend(fail.0);
    Action::of(Map::new().with("steps", vec![inner]))
}

/// The purpose of a node as the name of its step.
fn title(node: &Node<'_, '_>) -> Option<String> {
    let at = node.at.get("purpose")?;
    let text = at.text()?.trim();
    let line = text.lines().next()?.trim();
    let cut: String = line.chars().take(limits::TITLE_CHARS).collect();
    if cut != text {
        at.say(
            Changed,
            "its first line is the `name` of the step; the rest has no place in a definition but a comment",
        );
    }
    Some(prose(&cut)).filter(|cut| !cut.is_empty())
}

struct Items {
    foreach: Map,
    retry: Option<Map>,
}

fn batch(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Option<Items> {
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

fn rounds(flow: &Flow<'_, '_>, node: &Node<'_, '_>, place: Place<'_>) -> Option<Map> {
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

fn timeout(node: &Node<'_, '_>, usual: Option<f64>) -> Option<f64> {
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

fn retry(node: &Node<'_, '_>, of_items: Option<Map>, usual: Option<Map>) -> Option<Map> {
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

/// The gate before a step.
fn approval(flow: &mut Flow<'_, '_>, index: usize, at: At<'_, '_>) -> Map {
    let id = flow.given.give(&format!("{}_approval", flow.nodes[index].id));
    let node = &flow.nodes[index];
    let outside = Place { inside: false, ..Place::of(index) };
    let mut show = Map::new();
    for (key, param) in node.all_params() {
        // What the items say is not known before.
        let value = match key {
            "command" | "code" => param.node.raw().map(|text| Out::from(literal(text))),
            _ if node.batch.is_some() || node.looped => None,
            _ => Some(flow.value(param, outside)),
        };
        if let Some(value) = value {
            show.set(key, value);
        }
    }
    if let Some(items) = node.batch.as_ref().and_then(|batch| batch.at.get("items")) {
        show.set("items", flow.parsed(items, outside));
    }
    let why = format!(
        "the gate `{id}` before it; who says no ends the run as rejected. One answer is for all rounds and items"
    );
    at.say(Kept, why);
    let approve =
        Map::new().with("title", format!("Run {}?", literal(&node.name))).with_some("show", show.filled());
    Map::new().with("id", id).with("approve", approve)
}

/// Puts the steps of all nodes into one block, and says where each leads.
pub(super) fn block(flow: &Flow<'_, '_>, mut made: Vec<(usize, Vec<Map>)>) -> (&'static str, Vec<Map>) {
    // Where a node begins: its gate, if it has one.
    let first: std::collections::HashMap<usize, String> = made
        .iter()
        .filter_map(|(index, steps)| Some((*index, text(steps.first()?, "id")?.to_owned())))
        .collect();
    let go = |to: Option<usize>| to.and_then(|to| first.get(&to)).map_or("end", String::as_str).to_owned();
    let ending = if flow.graph.blocks == Blocks::States { flow.graph.ending() } else { Vec::new() };
    for (index, steps) in &mut made {
        match flow.graph.blocks {
            Blocks::List => {}
            Blocks::Needs => {
                let mut needs: Vec<String> =
                    flow.graph.before(*index).into_iter().map(|from| flow.nodes[from].id.clone()).collect();
                for step in steps.iter_mut() {
                    let id = text(step, "id").unwrap_or_default().to_owned();
                    put_behind(step, "id", "needs", needs);
                    needs = vec![id];
                }
            }
            Blocks::States => {
                let ids: Vec<String> =
                    steps.iter().filter_map(|step| text(step, "id").map(str::to_owned)).collect();
                let count = steps.len();
                for (step, next) in steps.iter_mut().take(count - 1).zip(ids.iter().skip(1)) {
                    step.set("next", next.as_str());
                }
                let Some(step) = steps.last_mut() else { continue };
                let ways = &flow.graph.ways[*index];
                let next = ways.next.first().copied();
                if let Some(to) = ways.error {
                    step.set("on_error", Map::new().with("go", go(Some(to))));
                }
                let endless = ending.get(*index) == Some(&false);
                if ways.named.is_empty() && !endless {
                    step.set("next", go(next));
                    continue;
                }
                let said = format!("steps.{}.output.?next.orValue('default')", flow.nodes[*index].id);
                let mut list: Vec<Map> = ways
                    .named
                    .iter()
                    .map(|named| {
                        let when = format!("{said} == {}", quoted(&named.word));
                        Map::new().with("when", when).with("go", go(named.to))
                    })
                    .collect();
                let last = Map::new();
                let last = if ways.named.is_empty() {
                    last
                } else {
                    last.with("when", format!("{said} == 'default'"))
                };
                let last = last.with("go", go(next));
                if endless {
                    list.push(last.with("max", i64::from(limits::VISITS) - 1));
                    list.push(Map::new().with("go", "fail"));
                } else {
                    list.push(last);
                }
                step.set("next", list);
            }
        }
    }
    let key = if flow.graph.blocks == Blocks::States { "states" } else { "steps" };
    (key, made.into_iter().flat_map(|(_, steps)| steps).collect())
}

/// What the ways of an error mean here.
pub(super) fn ways_of_errors(flow: &Flow<'_, '_>) {
    for index in &flow.graph.order {
        if flow.graph.ways[*index].error.is_some() {
            let why = "a failure that leads on is dealt with: the run is not degraded by it, as it was there";
            flow.nodes[*index].at.say_of("error that leads on", Changed, why, None);
        }
    }
}

//! Stages that go in rounds, until a deciding one is content.

use super::condition::condition;
use super::is_deciding;
use super::known::{Made, Stages};
use crate::import::out::{Map, Out, marked, quoted};
use crate::import::report::Verdict::Changed;
use crate::import::source::At;
use crate::limits;

/// The group that repeats.
pub(super) const ROUNDS: &str = "rounds";
/// The state with which each round begins.
pub(super) const START: &str = "start";

/// All stages in rounds.
pub(super) fn rounds(at: At<'_, '_>, stages: &Stages, steps: Vec<Map>, least: i64) -> Map {
    let bounded = at.integer("max_iters", 1, i64::from(limits::ITERATIONS));
    let most = bounded.unwrap_or_else(|| {
        at.say_of(
            "loop.max_iters",
            Changed,
            "it is not said how many rounds there are at most: five",
            Some("say `loop.max`"),
        );
        5
    });
    if bounded.is_some()
        && let Some(at) = at.get("max_iters")
    {
        at.say(
            Changed,
            "`loop.max`; when it is used up the run fails as exhausted, where the tool said completed",
        );
    }
    if least > most {
        at.say_of(
            "min_iterations",
            Changed,
            "more rounds are asked for than there may be: all of them are run",
            None,
        );
    }
    let first = stages.made.first().map_or(START, |made| made.id.as_str());
    let find = |stage: &str| stages.made.iter().find(|made| made.stage == stage);
    let fallback = match at.text_at("fallback_next_stage") {
        Some(stage) => match find(stage) {
            Some(made) => made.id.as_str(),
            None => {
                if let Some(at) = at.get("fallback_next_stage") {
                    at.say(
                        Changed,
                        format!("`{stage}` is no stage of the list: rounds begin with the first one"),
                    );
                }
                first
            }
        },
        None => first,
    };
    let deciding: Vec<&Made> = stages.made.iter().filter(|made| is_deciding(&made.stage)).collect();
    let stop = at.text_at("stop_when").unwrap_or("$.done");
    let until: Vec<String> = deciding.iter().map(|made| done(at, stop, made)).collect();
    let recommended = |scope: &str| {
        deciding.iter().rev().fold("''".to_owned(), |otherwise, made| {
            let result = if made.grouped { ".?result" } else { "" };
            format!("{scope}.?{}.?output{result}.?recommended_next_stage.orValue({otherwise})", made.id)
        })
    };
    // The state that each round begins with: content before the least number of rounds, recommended, or the fallback.
    let names: Vec<String> = stages.made.iter().map(|made| quoted(&made.stage)).collect();
    let choice = recommended("previous");
    // The first round has none before it (`iteration` would count visits here); content too early: from the first
    // stage again.
    let early = if least > 1 {
        let done = deciding.iter().map(|made| done_of(stop, made).replace("steps.", "previous.?"));
        format!(" || {}", done.collect::<Vec<_>>().join(" || "))
    } else {
        String::new()
    };
    let start = format!(
        "previous.?{START}.?status.orValue('') != 'completed'{early} ? {} : ({choice} in [{}] ? {choice} : {})",
        quoted(&stages.made.first().map(|made| made.stage.clone()).unwrap_or_default()),
        names.join(", "),
        quoted(
            &stages
                .made
                .iter()
                .find(|made| made.id == fallback)
                .map(|made| made.stage.clone())
                .unwrap_or_default()
        ),
    );
    let mut context = Map::new();
    for made in &stages.made {
        context.set(&made.id, made.before());
    }
    let mut ways: Vec<Map> = stages
        .made
        .iter()
        .filter(|made| made.id != fallback)
        .map(|made| {
            Map::new()
                .with("when", format!("steps.{START}.output.stage == {}", quoted(&made.stage)))
                .with("go", made.id.as_str())
        })
        .collect();
    ways.push(Map::new().with("go", fallback));
    let mut states = vec![
        Map::new()
            .with("id", START)
            .with("set", Map::new().with("stage", marked(&start)).with("context", context))
            .with("next", ways),
    ];
    for (at, (step, made)) in steps.into_iter().zip(&stages.made).enumerate() {
        let behind = &stages.made[at + 1..];
        let next: Out = match behind.first() {
            None => "end".into(),
            Some(next) if !is_deciding(&made.stage) => next.id.as_str().into(),
            // Forward within the round, if that is recommended; else the round is over.
            Some(_) => {
                let own = if made.grouped { ".?result" } else { "" };
                let wanted = format!("steps.{}.?output{own}.?recommended_next_stage.orValue('')", made.id);
                let mut ways: Vec<Map> = behind
                    .iter()
                    .map(|later| {
                        let when =
                            format!("!({}) && {wanted} == {}", done_of(stop, made), quoted(&later.stage));
                        Map::new().with("when", when).with("go", later.id.as_str())
                    })
                    .collect();
                ways.push(Map::new().with("go", "end"));
                ways.into()
            }
        };
        states.push(step.with("next", next));
    }
    let repeat = Map::new()
        .with("max", most)
        .with("until", until.join(" || "))
        .with_some("min", (least > 1).then_some(least.min(most)));
    Map::new().with("id", ROUNDS).with("loop", repeat).with("states", states)
}

/// Whether a deciding stage is content, said of what could not be read.
fn done(at: At<'_, '_>, stop: &str, made: &Made) -> String {
    match condition(stop, &format!("steps.{}.?output{}", made.id, if made.grouped { ".?result" } else { "" }))
    {
        Some(condition) => condition,
        None => {
            if let Some(at) = at.get("stop_when") {
                at.say(Changed, format!("`{stop}` is no path and no comparison of one: `$.done` is taken, as there where a path is wrong"));
            }
            done_of(stop, made)
        }
    }
}

fn done_of(stop: &str, made: &Made) -> String {
    let output = format!("steps.{}.?output{}", made.id, if made.grouped { ".?result" } else { "" });
    condition(stop, &output).unwrap_or_else(|| format!("{output}.?done.orValue(false) == true"))
}

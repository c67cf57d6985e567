//! Stage workflows: stages in order, each an agent or a graph of its own, again until a deciding stage is content.

mod condition;
mod fields;
mod graph;
mod known;
mod one;
mod rounds;

use std::collections::HashMap;

use super::naming::{Given, kebab, snake};
use super::out::Map;
use super::report::Verdict::{Changed, NotExpressible};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, head, lacks};
use crate::limits;
use crate::tree::{Node, Shape};
use fields::FIELDS;
use known::{Made, Stages};
use one::one;
use rounds::{ROUNDS, START, rounds};

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Stages,
    name: "stages",
    title: "stage workflows (YAML) with their profiles",
    notation: Notation::Data,
    fields: FIELDS,
    folds: &[],
    fits,
    convert,
};

fn fits(root: Node<'_>) -> Result<(), String> {
    lacks(root, &[("workflow", Shape::Map)])?;
    let head = root.get("workflow").unwrap_or(root);
    lacks(head, &[("stages", Shape::List)]).map_err(|why| why.replacen("it has", "its `workflow` has", 1))?;
    match head
        .get("stages")
        .is_some_and(|stages| stages.items().any(|stage| stage.raw().is_some_and(|s| !s.is_empty())))
    {
        true => Ok(()),
        false => Err("its `workflow.stages` name no stage".to_owned()),
    }
}

fn convert(root: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let Some(top) = root.get("workflow") else { return Map::new() };
    let title = top.text_at("name").unwrap_or(&context.stem);
    let name = kebab(title, "stages");
    if name != title
        && let Some(at) = top.get("name")
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    for key in ["id", "isDefault", "protected"] {
        top.get(key);
    }
    let mut stages = Stages {
        inputs: Map::new(),
        made: Vec::new(),
        all: Vec::new(),
        looped: false,
        roles: HashMap::new(),
    };
    let mut given = Given::default();
    given.give(ROUNDS);
    given.give(START);
    for at in top.node.get("stages").into_iter().flat_map(Node::items) {
        let Some(stage) = at.raw().filter(|stage| !stage.is_empty()) else { continue };
        if stages.all.len() < limits::IMPORT_STAGES && !stages.all.iter().any(|(known, _)| known == stage) {
            stages.all.push((stage.to_owned(), given.give(&snake(stage, "stage"))));
        }
    }
    stages.looped = top.get("loop").is_some() && stages.all.iter().any(|(stage, _)| is_deciding(stage));
    let mut steps = Vec::new();
    let mut least = 1;
    for at in top.list("stages") {
        let Some(stage) = at.text().filter(|stage| !stage.is_empty()) else { continue };
        if stages.made.iter().any(|made| made.stage == stage) {
            at.say(NotExpressible, format!("`{stage}` is in the list already: the second time is left out"));
            continue;
        }
        let Some((_, id)) = stages.all.iter().find(|(known, _)| known == stage).cloned() else {
            at.say(NotExpressible, format!("at most {} stages are taken", limits::IMPORT_STAGES));
            continue;
        };
        let config = root.get(stage);
        let (step, grouped, min) = one(stage, &id, config, &mut stages, context, &mut given);
        if is_deciding(stage) {
            least = least.max(min);
        } else if min > 1
            && let Some(at) = config.and_then(|config| config.get("min_iterations"))
        {
            at.say(NotExpressible, "only `review` and `check` decide on another round, as there");
        }
        steps.push(step);
        stages.made.push(Made { stage: stage.to_owned(), id, grouped });
    }
    let deciding = stages.made.iter().any(|made| is_deciding(&made.stage));
    let mut definition = head(&name, top.text_at("description"));
    let body = match top.get("loop") {
        Some(at) if !deciding => {
            let why =
                "no stage decides on another round (`review` or `check`), so the stages run once, as there";
            at.say_all(NotExpressible, why, None);
            steps
        }
        Some(at) => vec![rounds(at, &stages, steps, least)],
        None => {
            if deciding {
                top.say_of(
                    "loop",
                    Changed,
                    "without `loop` there is no bound to rounds: the stages run once",
                    Some("say `loop.max_iters`"),
                );
            }
            steps
        }
    };
    if let Some(inputs) = stages.inputs.filled() {
        definition.set("inputs", inputs);
    }
    definition.with("steps", body)
}

fn is_deciding(stage: &str) -> bool {
    matches!(stage, "review" | "check")
}

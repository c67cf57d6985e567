//! Chains of calculation files: files in order, whose outputs are mapped to inputs of later ones.

mod ends;
mod fields;
mod formula;
mod mappings;
mod settings;
mod sheets;
mod steps;
mod swept;

use std::collections::{HashMap, VecDeque};

use super::naming::{Given, kebab};
use super::out::Map;
use super::report::Verdict::{Changed, Kept};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, head, lacks, says};
use crate::tree::{Node, Shape};
use ends::{End, end};
use fields::FIELDS;
use mappings::{aggregate, map};
use settings::{exports, failure, pauses};
use sheets::{Sweep, sheets};
use steps::step;
use swept::swept;

pub(super) use swept::zipped;

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Chain,
    name: "chain",
    title: "chains of calculation files (JSON)",
    notation: Notation::Data,
    fields: FIELDS,
    folds: &[("config.", "")],
    fits,
    convert,
};

fn fits(root: Node<'_>) -> Result<(), String> {
    let root = root.get("config").filter(|config| config.shape() == Shape::Map).unwrap_or(root);
    lacks(root, &[("files", Shape::List)])?;
    let all = root.get("files").into_iter().flat_map(Node::items);
    if all.clone().next().is_none() {
        return Err("its `files` are empty".to_owned());
    }
    match all.clone().any(|file| says(file, "file_path")) {
        true => Ok(()),
        false => Err("none of its `files` has a `file_path`".to_owned()),
    }
}

fn convert(top: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let root = if top.is_map() { top.get("config").filter(|c| c.is_map()).unwrap_or(top) } else { top };
    for key in ["version", "description"] {
        root.get(key);
    }
    let title = root.text_at("name").unwrap_or(&context.stem);
    let name = kebab(title, "chain");
    if name != title
        && let Some(at) = root.get("name")
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    let second = [
        "overwrite_existing",
        "output_dir_mode",
        "iteration_mode",
        "failure_mode",
        "retry_config",
        "pause_mode",
        "conditions",
        "aggregation_mappings",
    ];
    let second = second.iter().any(|key| root.node.get(key).is_some());

    let mut sweep = Sweep::default();
    let mut sheets = sheets(root, &mut sweep);
    for mapping in root.list("mappings") {
        map(mapping, &mut sheets);
    }
    for aggregation in root.list("aggregation_mappings") {
        aggregate(aggregation, &mut sheets);
    }
    let mut ends = Vec::new();
    let mut given = Given::default();
    for condition in root.list("conditions") {
        if let Some(end) = end(condition, &mut sheets, &mut given) {
            if end.success && !sweep.files.is_empty() {
                condition.say(
                    Changed,
                    "in a sweep it ends its case: the steps behind it are skipped, and the other cases go on",
                );
            }
            ends.push(end);
        }
    }
    let failure = failure(root);
    let exports = exports(root, second);
    let zipped = zipped(root, "iteration_mode");
    pauses(root);
    let limit = if second { 600.0 } else { 30.0 };
    root.say_of(
        "time-out",
        Kept,
        if second {
            "a calculation is ended after 600 s, as there"
        } else {
            "a calculation is ended after 30 s, as there"
        },
        Some("`timeout` of the steps says how long each may take"),
    );

    let sweeping = !sweep.files.is_empty();
    let mut behind: HashMap<usize, Vec<&End>> = HashMap::new();
    for end in &ends {
        behind.entry(end.behind).or_default().push(end);
    }
    let mut steps: VecDeque<Map> = VecDeque::new();
    for at in (0..sheets.len()).rev() {
        for end in behind.remove(&at).into_iter().flatten().rev() {
            if sweeping && end.success {
                // To finish would end all cases: what follows is skipped in this one.
                let rest = Vec::from(std::mem::take(&mut steps));
                if !rest.is_empty() {
                    let rest = Map::new()
                        .with("id", end.id.as_str())
                        .with("if", end.otherwise())
                        .with("steps", rest);
                    steps.push_front(rest);
                }
            } else {
                steps.push_front(end.step(sweeping));
            }
        }
        steps.push_front(step(&sheets, at, &failure, exports, limit, sweeping));
    }
    let mut steps = Vec::from(steps);
    let mut definition = head(&name, root.text_at("description"));
    if sweeping {
        steps = vec![swept(&sweep, zipped, steps)];
        definition.set("inputs", sweep.inputs);
    }
    definition.set("steps", steps);
    definition
}

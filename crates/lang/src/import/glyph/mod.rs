//! Workflows of annotation: people label, review and settle, transitions lead from step to step.
//!
//! The machine of the tool becomes a machine of states. It is read twice: the steps and their transitions into a
//! [`Flow`](flow::Flow), and that into states, since what a step becomes depends on what leads to it.

mod agreement;
mod condition;
mod fields;
mod flow;
mod groups;
mod own;
mod paths;
mod people;
mod programs;
mod settings;
mod states;
mod ways;

use super::naming::kebab;
use super::out::Map;
use super::report::Verdict::{Changed, Kept};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, head, lacks, says};
use crate::tree::{Node, Shape};
use fields::{FIELDS, FOLDS};
use flow::Flow;

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Glyph,
    name: "glyph",
    title: "workflows of annotation (YAML)",
    notation: Notation::Data,
    fields: FIELDS,
    folds: FOLDS,
    fits,
    convert,
};

/// What a step can be.
const KINDS: &[&str] =
    &["annotation", "review", "adjudication", "auto_process", "conditional", "sub_workflow"];

fn fits(root: Node<'_>) -> Result<(), String> {
    let inner = root.get("workflow").filter(|inner| inner.get("steps").is_some());
    let root = inner.unwrap_or(root);
    lacks(root, &[("steps", Shape::List)])?;
    let mut all = root.get("steps").into_iter().flat_map(Node::items);
    let is_kind = |step: Node<'_>| {
        let kind = step.get("step_type").or_else(|| step.get("type")).and_then(Node::raw);
        kind.is_some_and(|kind| KINDS.contains(&kind)) && says(step, "id")
    };
    match all.any(is_kind) {
        true => Ok(()),
        false => Err("none of its `steps` has an `id` and a `step_type` that is known".to_owned()),
    }
}

/// The value of the first key that is there.
fn first<'s, 't>(at: At<'s, 't>, keys: &[&str]) -> Option<At<'s, 't>> {
    keys.iter().find_map(|key| at.get(key))
}

/// Where the workflow stands: in a key of its own, or at the top.
struct Top<'s, 't> {
    outer: At<'s, 't>,
    inner: At<'s, 't>,
}

impl<'s, 't> Top<'s, 't> {
    fn get(&self, keys: &[&str]) -> Option<At<'s, 't>> {
        first(self.inner, keys).or_else(|| first(self.outer, keys))
    }

    fn list(&self, key: &str) -> Vec<At<'s, 't>> {
        self.get(&[key]).map(At::items).unwrap_or_default()
    }
}

fn convert(outer: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let inner = outer.get("workflow").filter(|inner| inner.is_map()).unwrap_or(outer);
    let top = Top { outer, inner };
    for key in ["version", "id", "workflow_type", "type"] {
        top.get(&[key]);
    }
    let title = top.get(&["name"]).and_then(At::text).unwrap_or(&context.stem);
    let name = kebab(title, "annotation");
    if name != title
        && let Some(at) = top.get(&["name"])
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    let description = top.get(&["description"]).and_then(At::text);
    for goal in top.list("goals") {
        goal.entries();
    }
    for entry in top.list("step_library") {
        entry.entries();
    }
    let mut flow = Flow::read(&top);
    let states = states::states(&mut flow, &top);
    let mut inputs = Map::new();
    inputs.set("task", Map::new().with("type", "object").with("description", "The data that is worked on"));
    if flow.reads_context.get() {
        let text = "What the tool kept as the context of a workflow";
        let input = Map::new().with("type", "object").with("description", text);
        inputs.set("context", input.with("default", Map::new()));
        outer.say_of("context", Changed, "what no step writes is an input: `inputs.context`", None);
    }
    outer.say_of("task", Kept, "the data of a task is an input of the run: `inputs.task`", None);
    if flow.steps.iter().any(|step| step.kind.of_people()) {
        outer.say_of(
            "form",
            Changed,
            "what is asked for stands in the tool's layouts: here it is a label, spans, or a decision",
            Some("say it in `form`"),
        );
    }
    head(&name, description).with("inputs", inputs).with("states", states)
}

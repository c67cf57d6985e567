//! Documents that are produced step by step: workflows with scopes, and plans of one document with gates.

mod ends;
mod fields;
mod gates;
mod parts;
mod plan;
mod prompt;
mod scoped;
mod steps;
mod types;
mod work;

use super::naming::kebab;
use super::out::Map;
use super::report::Verdict::{Changed, Kept};
use super::source::At;
use super::{Context, Dialect, Notation, Spec, head, lacks, says};
use crate::tree::{Node, Shape};
use fields::{FIELDS, FOLDS};

pub(super) static SPEC: Spec = Spec {
    dialect: Dialect::Documents,
    name: "documents",
    title: "document workflows with scopes, and document plans (JSON)",
    notation: Notation::Data,
    fields: FIELDS,
    folds: FOLDS,
    fits,
    convert,
};

fn fits(root: Node<'_>) -> Result<(), String> {
    lacks(root, &[])?;
    let any = |key: &str, id: &str| root.get(key).into_iter().flat_map(Node::items).any(|one| says(one, id));
    if root.get("nodes").is_some() {
        lacks(root, &[("nodes", Shape::List), ("edges", Shape::List)])?;
        return match any("nodes", "node_id") {
            true => Ok(()),
            false => Err("none of its `nodes` has a `node_id`".to_owned()),
        };
    }
    lacks(root, &[("steps", Shape::List), ("document_types", Shape::Map)])?;
    match any("steps", "step_id") {
        true => Ok(()),
        false => Err("none of its `steps` has a `step_id`".to_owned()),
    }
}

fn convert(root: At<'_, '_>, context: &mut Context<'_>) -> Map {
    let ignored = [
        "$schema",
        "schema_version",
        "workflow_id",
        "revision",
        "effective_date",
        "version",
        "pow_class",
        "workflow_type",
        "derived_from",
        "source_version",
        "tags",
        "metadata",
        "terminal_outcomes",
        "outcome_mapping",
    ];
    for key in ignored {
        root.get(key);
    }
    let title = root.text_at("name").or_else(|| root.text_at("workflow_id")).unwrap_or(&context.stem);
    let name = kebab(title, "documents");
    if name != title
        && let Some(at) = root.get("name")
    {
        at.say(Changed, format!("names are in kebab-case: `{name}`"));
    }
    root.say_of(
        "provider",
        Changed,
        "which agent writes is not said: `claude-code`",
        Some("say it in `agent.provider`"),
    );
    let definition = head(&name, root.text_at("description"));
    match root.node.get("nodes") {
        Some(_) => plan::plan(root, definition),
        None => scoped::scoped(root, definition),
    }
}

//! As a tree.

use super::{called, head_words, inside, leads, line, words};
use crate::plan::{Block, Plan, StepIx};

pub(super) fn draw(plan: &Plan) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("{}{}", plan.name, head_words(plan)));
    block(&mut out, plan, &plan.root, "", true);
    out
}

/// `last`: nothing follows below on the same level.
fn block(out: &mut String, plan: &Plan, block: &Block, indent: &str, last: bool) {
    let (own, finally) = block.steps.split_at(block.own);
    for (pos, ix) in own.iter().enumerate() {
        let end = last && finally.is_empty() && pos + 1 == own.len();
        step(out, plan, block, (pos, *ix), indent, end);
    }
    if finally.is_empty() {
        return;
    }
    let (branch, below) = arms(last);
    line(out, format_args!("{indent}{branch} finally"));
    let indent = format!("{indent}{below}");
    for (pos, ix) in finally.iter().enumerate() {
        step(out, plan, block, (block.own + pos, *ix), &indent, pos + 1 == finally.len());
    }
}

fn step(out: &mut String, plan: &Plan, around: &Block, (pos, ix): (usize, StepIx), indent: &str, last: bool) {
    let step = &plan.steps[ix as usize];
    let (branch, below) = arms(last);
    let order = beside(plan, around, pos).map_or_else(String::new, |order| format!("  {order}"));
    line(out, format_args!("{indent}{branch} {}  {}{order}", step.id, words(step)));
    let indent = format!("{indent}{below}");
    let leads = leads(step);
    if let Some(inner) = inside(step) {
        block(out, plan, inner, &indent, leads.is_empty());
    }
    for lead in leads {
        let when = match (lead.when.as_str(), lead.caught) {
            ("", _) => String::new(),
            (when, true) => format!("  {when}"),
            (when, false) if when.starts_with("at most") || when == "once" => format!("  {when}"),
            (when, false) => format!("  when {when}"),
        };
        line(out, format_args!("{indent}→ {}{when}", called(plan, around, lead.to)));
    }
}

fn arms(last: bool) -> (&'static str, &'static str) {
    if last { ("└─", "   ") } else { ("├─", "│  ") }
}

/// What a step needs, but for the one right above it, which the order shows.
fn beside(plan: &Plan, block: &Block, pos: usize) -> Option<String> {
    if block.machine || pos >= block.own {
        return None;
    }
    let step = &plan.steps[block.steps[pos] as usize];
    let above: Vec<usize> = pos.checked_sub(1).into_iter().collect();
    if step.needs == above {
        return None;
    }
    let ids = step.needs.iter().map(|need| plan.steps[block.steps[*need] as usize].id.as_str());
    let ids: Vec<&str> = ids.collect();
    Some(if ids.is_empty() { "at once".to_owned() } else { format!("after {}", ids.join(", ")) })
}

//! As a flowchart of Mermaid.

use super::{ends, gate, inside, leads, line, needs, words};
use crate::plan::{Block, Plan, StepIx, Target};

pub(super) fn draw(plan: &Plan) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("flowchart TD"));
    block(&mut out, plan, &plan.root, "", 1);
    out
}

/// A name for tools that take letters and digits only. Ids hold nothing else but `_`, which paths double, so that a
/// single one is free for what is no step.
fn name(path: &str) -> String {
    let name = path.replace('_', "__").replace('/', "_s_");
    if WORDS.contains(&name.as_str()) { name + "_" } else { name }
}

/// Words of Mermaid that no node can be called.
static WORDS: &[&str] = &[
    "call",
    "class",
    "classdef",
    "click",
    "default",
    "direction",
    "end",
    "flowchart",
    "graph",
    "href",
    "linkstyle",
    "style",
    "subgraph",
];

fn node(plan: &Plan, ix: StepIx) -> String {
    name(&plan.steps[ix as usize].path)
}

fn label(text: &str) -> String {
    // What means something to Mermaid or to the page around it.
    let mut label = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => label.push_str("#quot;"),
            '<' => label.push_str("#lt;"),
            '>' => label.push_str("#gt;"),
            '|' => label.push_str("#124;"),
            '#' => label.push_str("#35;"),
            '`' => label.push_str("#96;"),
            c => label.push(c),
        }
    }
    label
}

fn block(out: &mut String, plan: &Plan, block: &Block, path: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    let own = name(path);
    for ix in &block.steps[..block.own] {
        step(out, plan, *ix, depth);
    }
    if !block.finally().is_empty() {
        line(out, format_args!("{indent}subgraph {own}_finally[\"finally\"]"));
        for ix in block.finally() {
            step(out, plan, *ix, depth + 1);
        }
        line(out, format_args!("{indent}end"));
    }
    if block.machine {
        machine(out, plan, block, &own, &indent);
    }
    ways(out, plan, block, &own, &indent);
    for (from, to) in needs(plan, block) {
        line(out, format_args!("{indent}{} --> {}", node(plan, from), node(plan, to)));
    }
}

fn step(out: &mut String, plan: &Plan, ix: StepIx, depth: usize) {
    let indent = "  ".repeat(depth);
    let step = &plan.steps[ix as usize];
    let label = label(&format!("{}: {}", step.id, words(step)));
    match inside(step) {
        Some(inner) => {
            line(out, format_args!("{indent}subgraph {}[\"{label}\"]", node(plan, ix)));
            block(out, plan, inner, &step.path, depth + 1);
            line(out, format_args!("{indent}end"));
        }
        None if gate(step).is_some() => line(out, format_args!("{indent}{}{{\"{label}\"}}", node(plan, ix))),
        None => line(out, format_args!("{indent}{}[\"{label}\"]", node(plan, ix))),
    }
}

fn machine(out: &mut String, plan: &Plan, block: &Block, own: &str, indent: &str) {
    for end in ends(plan, block) {
        let (id, word) = if end == Target::End { ("end", "end") } else { ("fail", "fail") };
        line(out, format_args!("{indent}{own}_{id}(({word}))"));
    }
    if let Some(first) = block.steps.first().filter(|_| block.own > 0) {
        line(out, format_args!("{indent}{own}_start(( )) --> {}", node(plan, *first)));
    }
}

/// Where the states of a block lead, and its gates lead back.
fn ways(out: &mut String, plan: &Plan, block: &Block, own: &str, indent: &str) {
    for ix in &block.steps[..block.own] {
        let leads = leads(&plan.steps[*ix as usize]);
        let several = leads.iter().filter(|lead| !lead.caught).count() > 1;
        for (at, lead) in leads.iter().enumerate() {
            let to = match lead.to {
                Target::State(at) => node(plan, block.steps[at]),
                Target::End => format!("{own}_end"),
                Target::Fail => format!("{own}_fail"),
            };
            let arrow = if lead.caught { "-.->" } else { "-->" };
            let number = if several && !lead.caught { format!("{}. ", at + 1) } else { String::new() };
            let text = format!("{number}{}", lead.when);
            let text = text.trim_end();
            let label = if text.is_empty() { String::new() } else { format!("|\"{}\"|", label(text)) };
            line(out, format_args!("{indent}{} {arrow}{label} {to}", node(plan, *ix)));
        }
    }
}

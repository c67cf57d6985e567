//! As a digraph of Graphviz.

use super::{ends, gate, inside, leads, line, needs, words};
use crate::plan::{Block, Plan, StepIx, Target};

pub(super) fn draw(plan: &Plan) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("digraph {} {{", quoted(&plan.name)));
    line(&mut out, format_args!("  node [shape=box];\n  compound=true;"));
    block(&mut out, plan, &plan.root, "", 1);
    line(&mut out, format_args!("}}"));
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn block(out: &mut String, plan: &Plan, block: &Block, path: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    for ix in &block.steps[..block.own] {
        step(out, plan, *ix, depth);
    }
    if !block.finally().is_empty() {
        line(out, format_args!("{indent}subgraph {} {{", quoted(&format!("cluster_{path}#finally"))));
        line(out, format_args!("{indent}  label=\"finally\"; style=dashed;"));
        for ix in block.finally() {
            step(out, plan, *ix, depth + 1);
        }
        line(out, format_args!("{indent}}}"));
    }
    if block.machine {
        machine(out, plan, block, path, &indent);
    }
    ways(out, plan, block, path, &indent);
    for (from, to) in needs(plan, block) {
        let (tail, head) = (stands_for(plan, from, true), stands_for(plan, to, false));
        edge(out, &indent, &tail, &head, "", false);
    }
}

fn step(out: &mut String, plan: &Plan, ix: StepIx, depth: usize) {
    let indent = "  ".repeat(depth);
    let step = &plan.steps[ix as usize];
    let label = quoted(&format!("{}\n{}", step.id, words(step)).replace('\n', "\\n")).replace("\\\\n", "\\n");
    match inside(step) {
        Some(inner) => {
            line(out, format_args!("{indent}subgraph {} {{", quoted(&format!("cluster_{}", step.path))));
            line(out, format_args!("{indent}  label={label};"));
            block(out, plan, inner, &step.path, depth + 1);
            line(out, format_args!("{indent}}}"));
        }
        None if gate(step).is_some() => {
            line(out, format_args!("{indent}{} [label={label}, shape=diamond];", quoted(&step.path)));
        }
        None => line(out, format_args!("{indent}{} [label={label}];", quoted(&step.path))),
    }
}

fn machine(out: &mut String, plan: &Plan, block: &Block, path: &str, indent: &str) {
    for end in ends(plan, block) {
        let word = if end == Target::End { "end" } else { "fail" };
        line(
            out,
            format_args!("{indent}{} [label=\"{word}\", shape=circle];", quoted(&format!("{path}#{word}"))),
        );
    }
    if let Some(first) = block.steps.first().filter(|_| block.own > 0) {
        let start = (format!("{path}#start"), None);
        line(out, format_args!("{indent}{} [label=\"\", shape=point];", quoted(&start.0)));
        edge(out, indent, &start, &stands_for(plan, *first, false), "", false);
    }
}

/// Where the states of a block lead, and its gates lead back.
fn ways(out: &mut String, plan: &Plan, block: &Block, path: &str, indent: &str) {
    for ix in &block.steps[..block.own] {
        let leads = leads(&plan.steps[*ix as usize]);
        let several = leads.iter().filter(|lead| !lead.caught).count() > 1;
        for (at, lead) in leads.iter().enumerate() {
            let head = match lead.to {
                Target::State(at) => stands_for(plan, block.steps[at], false),
                Target::End => (format!("{path}#end"), None),
                Target::Fail => (format!("{path}#fail"), None),
            };
            let number = if several && !lead.caught { format!("{}. ", at + 1) } else { String::new() };
            let label = format!("{number}{}", lead.when);
            edge(out, indent, &stands_for(plan, *ix, true), &head, label.trim_end(), lead.caught);
        }
    }
}

/// A node, and the cluster around it that is meant.
type Place = (String, Option<String>);

fn edge(out: &mut String, indent: &str, tail: &Place, head: &Place, label: &str, dashed: bool) {
    let mut keys = Vec::new();
    if !label.is_empty() {
        keys.push(format!("label={}", quoted(label)));
    }
    if dashed {
        keys.push("style=dashed".to_owned());
    }
    for (name, cluster) in [("ltail", &tail.1), ("lhead", &head.1)] {
        keys.extend(cluster.as_ref().map(|cluster| format!("{name}={}", quoted(cluster))));
    }
    let keys = if keys.is_empty() { String::new() } else { format!(" [{}]", keys.join(", ")) };
    line(out, format_args!("{indent}{} -> {}{keys};", quoted(&tail.0), quoted(&head.0)));
}

/// Graphviz draws edges between nodes only: for a group one of its steps stands in, and the cluster is named.
fn stands_for(plan: &Plan, ix: StepIx, last: bool) -> Place {
    let mut at = ix;
    let mut cluster = None;
    while let Some(block) = inside(&plan.steps[at as usize]) {
        cluster.get_or_insert_with(|| format!("cluster_{}", plan.steps[at as usize].path));
        let own = &block.steps[..block.own];
        // A machine has no last state, and begins with the first one.
        let next = if last && !block.machine { own.last() } else { own.first() };
        let Some(next) = next else { break };
        at = *next;
    }
    (plan.steps[at as usize].path.clone(), cluster)
}

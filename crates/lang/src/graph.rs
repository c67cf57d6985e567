//! The order of a definition's steps as a picture: text for terminals, Mermaid for pages, DOT for Graphviz.

use std::fmt::Write as _;

use crate::plan::{Block, Body, Each, OnError, Plan, Step, StepIx};

/// How the picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tree, each step with what it needs.
    Text,
    /// A flowchart of Mermaid.
    Mermaid,
    /// A digraph of Graphviz.
    Dot,
}

/// Draws a plan.
pub fn graph(plan: &Plan, format: Format) -> String {
    let mut out = String::new();
    match format {
        Format::Text => {
            line(&mut out, format_args!("{}", plan.name));
            text(&mut out, plan, &plan.root, "");
        }
        Format::Mermaid => {
            line(&mut out, format_args!("flowchart TD"));
            mermaid(&mut out, plan, &plan.root, 1);
        }
        Format::Dot => {
            line(&mut out, format_args!("digraph {} {{", quoted(&plan.name)));
            line(&mut out, format_args!("  node [shape=box];\n  compound=true;"));
            dot(&mut out, plan, &plan.root, 1);
            line(&mut out, format_args!("}}"));
        }
    }
    out
}

fn line(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{args}");
}

/// What a step does, and under which conditions, in a few words.
fn words(step: &Step) -> String {
    let mut words = match &step.body {
        Body::Block(_) => "group".to_owned(),
        Body::Action(action) => action.name.to_owned(),
    };
    match &step.each {
        Some(Each::Foreach { .. }) => words.insert_str(0, "foreach "),
        Some(Each::Loop { .. }) => words.insert_str(0, "loop "),
        None => {}
    }
    if step.condition.is_some() {
        words.push_str(", if");
    }
    if step.on_error == OnError::Continue {
        words.push_str(", on error continue");
    }
    words
}

fn inside(step: &Step) -> Option<&Block> {
    match &step.body {
        Body::Block(block) => Some(block),
        Body::Action(_) => None,
    }
}

/// What a step needs, but for the one right above it, which the order shows.
fn beside(plan: &Plan, block: &Block, pos: usize) -> Option<String> {
    let step = &plan.steps[block.steps[pos] as usize];
    let above: Vec<usize> = pos.checked_sub(1).into_iter().collect();
    if step.needs == above {
        return None;
    }
    let ids = step.needs.iter().map(|need| plan.steps[block.steps[*need] as usize].id.as_str());
    let ids: Vec<&str> = ids.collect();
    Some(if ids.is_empty() { "at once".to_owned() } else { format!("after {}", ids.join(", ")) })
}

fn text(out: &mut String, plan: &Plan, block: &Block, indent: &str) {
    for (pos, ix) in block.steps.iter().enumerate() {
        let step = &plan.steps[*ix as usize];
        let last = pos + 1 == block.steps.len();
        let (branch, below) = if last { ("└─", "   ") } else { ("├─", "│  ") };
        let order = beside(plan, block, pos).map_or_else(String::new, |order| format!("  {order}"));
        line(out, format_args!("{indent}{branch} {}  {}{order}", step.id, words(step)));
        if let Some(block) = inside(step) {
            text(out, plan, block, &format!("{indent}{below}"));
        }
    }
}

/// A name for tools that take letters and digits only. Ids hold nothing else but `_`, which paths double.
fn node(plan: &Plan, ix: StepIx) -> String {
    plan.steps[ix as usize].path.replace('_', "__").replace('/', "_s_")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn edges<'p>(plan: &'p Plan, block: &'p Block) -> impl Iterator<Item = (StepIx, StepIx)> + 'p {
    block
        .steps
        .iter()
        .flat_map(move |to| plan.steps[*to as usize].needs.iter().map(move |need| (block.steps[*need], *to)))
}

fn mermaid(out: &mut String, plan: &Plan, block: &Block, depth: usize) {
    let indent = "  ".repeat(depth);
    for ix in &block.steps {
        let step = &plan.steps[*ix as usize];
        let label = format!("{}: {}", step.id, words(step));
        match inside(step) {
            Some(block) => {
                line(out, format_args!("{indent}subgraph {}[\"{label}\"]", node(plan, *ix)));
                mermaid(out, plan, block, depth + 1);
                line(out, format_args!("{indent}end"));
            }
            None => line(out, format_args!("{indent}{}[\"{label}\"]", node(plan, *ix))),
        }
    }
    for (from, to) in edges(plan, block) {
        line(out, format_args!("{indent}{} --> {}", node(plan, from), node(plan, to)));
    }
}

fn dot(out: &mut String, plan: &Plan, block: &Block, depth: usize) {
    let indent = "  ".repeat(depth);
    for ix in &block.steps {
        let step = &plan.steps[*ix as usize];
        let label =
            quoted(&format!("{}\n{}", step.id, words(step)).replace('\n', "\\n")).replace("\\\\n", "\\n");
        match inside(step) {
            Some(block) => {
                line(out, format_args!("{indent}subgraph \"cluster_{}\" {{", step.path));
                line(out, format_args!("{indent}  label={label};"));
                dot(out, plan, block, depth + 1);
                line(out, format_args!("{indent}}}"));
            }
            None => line(out, format_args!("{indent}{} [label={label}];", quoted(&step.path))),
        }
    }
    for (from, to) in edges(plan, block) {
        let (tail, head) = (ends(plan, from, true), ends(plan, to, false));
        line(
            out,
            format_args!("{indent}{} -> {}{};", quoted(&tail.0), quoted(&head.0), clusters(&tail.1, &head.1)),
        );
    }
}

/// Graphviz draws edges between nodes only: for a group one of its steps stands in, and the cluster is named.
fn ends(plan: &Plan, ix: StepIx, last: bool) -> (String, Option<String>) {
    let mut at = ix;
    let mut cluster = None;
    while let Some(block) = inside(&plan.steps[at as usize]) {
        cluster.get_or_insert_with(|| format!("cluster_{}", plan.steps[at as usize].path));
        let next = if last { block.steps.last() } else { block.steps.first() };
        let Some(next) = next else { break };
        at = *next;
    }
    (plan.steps[at as usize].path.clone(), cluster)
}

fn clusters(tail: &Option<String>, head: &Option<String>) -> String {
    let one =
        |name: &str, cluster: &Option<String>| cluster.as_ref().map(|c| format!("{name}={}", quoted(c)));
    let all: Vec<String> = one("ltail", tail).into_iter().chain(one("lhead", head)).collect();
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bundle;

    const DEFINITION: &str = "stead: 1\nname: shape\nsteps:\n  - { id: a, run: [echo] }\n  - { id: b_c, needs: [], if: 1 < 2, run: [echo] }\n  - id: g\n    needs: [a]\n    foreach: { in: [1] }\n    steps:\n      - { id: x, set: { v: 1 } }\n      - { id: y, on_error: continue, run: [echo] }\n  - { id: z, run: [echo] }\n";

    fn drawn(format: Format) -> String {
        let checked = crate::check(&Bundle::single("t.yml", DEFINITION));
        graph(checked.plan.as_ref().unwrap(), format)
    }

    #[test]
    fn text_shows_what_the_order_does_not() {
        assert_eq!(
            drawn(Format::Text),
            "shape\n├─ a  run\n├─ b_c  run, if  at once\n├─ g  foreach group  after a\n│  ├─ x  set\n│  └─ y  run, on error continue\n└─ z  run  after b_c, g\n"
        );
    }

    #[test]
    fn mermaid_has_a_node_per_step_and_an_edge_per_need() {
        let text = drawn(Format::Mermaid);
        assert!(text.starts_with("flowchart TD\n"));
        for part in
            ["a[\"a: run\"]", "subgraph g[\"g: foreach group\"]", "g_s_x --> g_s_y", "a --> g", "b__c --> z"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn dot_draws_edges_of_groups_between_their_steps() {
        let text = drawn(Format::Dot);
        let parts = [
            "subgraph \"cluster_g\"",
            "\"a\" -> \"g/x\" [lhead=\"cluster_g\"]",
            "\"g/y\" -> \"z\" [ltail=\"cluster_g\"]",
        ];
        for part in parts {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(text.contains("[label=\"a\\nrun\"]"), "{text}");
    }
}

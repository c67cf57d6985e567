//! The order of a definition's steps as a picture: text for terminals, Mermaid for pages, DOT for Graphviz.
//!
//! Steps are drawn with what they need, states with where they lead, and the steps of a `finally` beside
//! those of their block.

mod dot;
mod mermaid;
mod picture;
mod text;

use std::fmt::Write as _;

use serde_json::Value;

use crate::expr::Expr;
use crate::plan::{
    Action, ActionKind, Block, Body, Concurrency, Each, Join, OnError, OnReject, People, PeopleKind, Plan,
    Setting, Step, StepIx, Target, Transition,
};
use crate::template::Template;

pub use picture::{Edge, EdgeKind, Group, GroupKind, Node, Picture};

/// How the picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tree, each step with what it needs.
    Text,
    /// A flowchart of Mermaid.
    Mermaid,
    /// A digraph of Graphviz.
    Dot,
    /// Nodes, edges and groups, as JSON: see [`Picture`].
    Json,
}

/// Draws a plan.
pub fn graph(plan: &Plan, format: Format) -> String {
    match format {
        Format::Text => text::draw(plan),
        Format::Mermaid => mermaid::draw(plan),
        Format::Dot => dot::draw(plan),
        // Plain data always serialises.
        Format::Json => serde_json::to_string_pretty(&Picture::of(plan)).unwrap_or_default() + "\n",
    }
}

fn line(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(out, "{args}");
}

/// What a step does, and under which conditions, in a few words.
fn words(step: &Step) -> String {
    let mut words = match &step.body {
        Body::Block(block) if block.machine => "machine".to_owned(),
        Body::Block(Block { production: Some(made), .. }) => format!("produces {}", made.name),
        Body::Block(block) => match join(block.join) {
            Some(join) => format!("group, join {join}"),
            None => "group".to_owned(),
        },
        Body::Action(action) => action.name.to_owned(),
    };
    match &step.each {
        Some(Each::Foreach { join: all, .. }) => {
            words.insert_str(0, "foreach ");
            if let Some(join) = join(*all) {
                words.push_str(", join ");
                words.push_str(&join);
            }
        }
        Some(Each::Loop { .. }) => words.insert_str(0, "loop "),
        None => {}
    }
    if step.condition.is_some() {
        words.push_str(", if");
    }
    if step.on_error == OnError::Continue && !step.finally {
        words.push_str(", on error continue");
    }
    if let Some(rule) = &step.concurrency {
        words.push_str(", ");
        words.push_str(&place(rule));
    }
    for (name, action) in [("undo", &step.undo), ("verify", &step.verify)] {
        if let Some(action) = action {
            words.extend([", ", name, " ", action.name]);
        }
    }
    words
}

fn place(rule: &Concurrency) -> String {
    match &rule.key {
        Template::Literal(Value::String(key)) => format!("with a place for {}", short(key)),
        _ => "with a place".to_owned(),
    }
}

fn join(join: Join) -> Option<String> {
    match join {
        Join::All => None,
        Join::First => Some("first".to_owned()),
        Join::Majority => Some("majority".to_owned()),
        Join::Settled => Some("settled".to_owned()),
        Join::Count(n) => Some(n.to_string()),
    }
}

/// What is written above the steps of the document's block.
fn head_words(plan: &Plan) -> String {
    let machine = if plan.root.machine { "  machine" } else { "" };
    let place = plan.concurrency.as_ref().map(|rule| format!("  {}", place(rule)));
    format!("{machine}{}", place.unwrap_or_default())
}

fn inside(step: &Step) -> Option<&Block> {
    match &step.body {
        Body::Block(block) => Some(block),
        Body::Action(_) => None,
    }
}

/// What is decided at a step, where it is a gate.
fn gate(step: &Step) -> Option<&People> {
    match &step.body {
        Body::Action(Action { kind: ActionKind::People(people), .. }) if people.kind == PeopleKind::Gate => {
            Some(people)
        }
        _ => None,
    }
}

/// A way from one state to another.
struct Lead {
    to: Target,
    /// When it is taken; empty where always.
    when: String,
    /// Whether a failure or a rejection takes it.
    caught: bool,
}

/// Where a state leads, in the order in which it is tried; a failure last. A gate leads back where a rejection begins
/// again.
fn leads(step: &Step) -> Vec<Lead> {
    let next = step.next.iter().map(|way| Lead { to: way.go, when: when(way), caught: false });
    let caught = match step.on_error {
        OnError::Go(to) => Some(Lead { to, when: "on error".to_owned(), caught: true }),
        _ => None,
    };
    let redone = match gate(step).map(|gate| &gate.on_reject) {
        Some(OnReject::Redo { step, .. }) => {
            Some(Lead { to: Target::State(*step), when: "on reject".to_owned(), caught: true })
        }
        _ => None,
    };
    next.chain(caught).chain(redone).collect()
}

fn when(way: &Transition) -> String {
    let condition = way.when.as_ref().map(|when| short(when.source()));
    let most = match &way.max {
        None => None,
        Some(Setting::Fixed(1)) => Some("once".to_owned()),
        Some(Setting::Fixed(n)) => Some(format!("at most {n} times")),
        Some(Setting::Computed(Template::Expr(n))) => Some(format!("at most {} times", source(n))),
        Some(Setting::Computed(_)) => Some("so often".to_owned()),
    };
    condition.into_iter().chain(most).collect::<Vec<_>>().join(", ")
}

fn source(expr: &Expr) -> String {
    short(expr.source())
}

/// An expression in one line, cut where it is long.
fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What a target is called.
fn called(plan: &Plan, block: &Block, to: Target) -> String {
    match to {
        Target::State(at) => plan.steps[block.steps[at] as usize].id.clone(),
        Target::End => "end".to_owned(),
        Target::Fail => "fail".to_owned(),
    }
}

/// The ends of a machine that its states lead to.
fn ends(plan: &Plan, block: &Block) -> Vec<Target> {
    let leads = block.steps[..block.own].iter().flat_map(|ix| leads(&plan.steps[*ix as usize]));
    let targets: Vec<Target> = leads.map(|lead| lead.to).collect();
    [Target::End, Target::Fail].into_iter().filter(|end| targets.contains(end)).collect()
}

/// What each step of a block needs, `finally` included.
fn needs<'p>(plan: &'p Plan, block: &'p Block) -> impl Iterator<Item = (StepIx, StepIx)> + 'p {
    block
        .steps
        .iter()
        .flat_map(move |to| plan.steps[*to as usize].needs.iter().map(move |need| (block.steps[*need], *to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bundle;

    const STEPS: &str = "stead: 1\nname: shape\nsteps:\n  - { id: a, run: [echo] }\n  - { id: b_c, needs: [], if: 1 < 2, run: [echo] }\n  - id: g\n    needs: [a]\n    foreach: { in: [1], join: settled }\n    steps:\n      - { id: x, set: { v: 1 } }\n      - { id: y, on_error: continue, run: [echo] }\n    finally: [{ id: w, run: [echo] }, { id: v, run: [echo] }]\n  - { id: z, run: [echo], effect: once, undo: { run: [echo] }, verify: { run: [echo] } }\n  - id: j\n    join: first\n    steps: [{ id: l, needs: [], noop: 1 }, { id: r, needs: [], noop: 2 }]\nfinally:\n  - { id: last, run: [echo] }\n";

    #[test]
    fn places_that_runs_and_steps_share_are_named() {
        let text = "stead: 1\nname: live\nconcurrency: {}\nsteps:\n  - { id: a, concurrency: { key: db }, run: [echo] }\n  - { id: b, concurrency: { key: \"${{ 'x' }}\" }, run: [echo] }\n";
        let drawn = drawn(text, Format::Text);
        assert_eq!(
            drawn,
            "live  with a place for live\n├─ a  run, with a place for db\n└─ b  run, with a place\n"
        );
    }

    const STATES: &str = "stead: 1\nname: machine\nstates:\n  - id: a\n    run: [echo]\n    next:\n      - { when: \"steps.a.output == 'x | \\\"y\\\"'\", go: end }\n      - { go: a, max: 2 }\n      - { go: g }\n    on_error: { go: f }\n  - id: g\n    states: [{ id: inner, noop: 1, next: [{ when: 1 < 2, go: fail, max: 1 }, { go: end }] }]\n    next: f\n  - { id: f, fail: no }\nfinally:\n  - { id: last, run: [echo] }\n";

    fn drawn(definition: &str, format: Format) -> String {
        let checked = crate::check(&Bundle::single("t.yml", definition));
        graph(checked.plan.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)), format)
    }

    #[track_caller]
    fn has(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn text_shows_what_the_order_does_not() {
        assert_eq!(
            drawn(STEPS, Format::Text),
            "\
shape
├─ a  run
├─ b_c  run, if  at once
├─ g  foreach group, join settled  after a
│  ├─ x  set
│  ├─ y  run, on error continue
│  └─ finally
│     ├─ w  run
│     └─ v  run
├─ z  run, undo run, verify run  after b_c, g
├─ j  group, join first
│  ├─ l  noop
│  └─ r  noop  at once
└─ finally
   └─ last  run
"
        );
    }

    #[test]
    fn text_shows_where_states_lead() {
        assert_eq!(
            drawn(STATES, Format::Text),
            "\
machine  machine
├─ a  run
│  → end  when steps.a.output == 'x | \"y\"'
│  → a  at most 2 times
│  → g
│  → f  on error
├─ g  machine
│  ├─ inner  noop
│  │  → fail  when 1 < 2, once
│  │  → end
│  → f
├─ f  fail
└─ finally
   └─ last  run
"
        );
    }

    #[test]
    fn mermaid_has_a_node_per_step_and_an_edge_per_need() {
        let text = drawn(STEPS, Format::Mermaid);
        assert!(text.starts_with("flowchart TD\n"));
        let parts = [
            "a[\"a: run\"]",
            "subgraph g[\"g: foreach group, join settled\"]",
            "g_s_x --> g_s_y",
            "a --> g\n",
            "b__c --> z",
            "subgraph g_finally[\"finally\"]",
            "g_s_w --> g_s_v",
            "subgraph _finally[\"finally\"]",
        ];
        has(&text, &parts);
        assert_eq!(text.matches("subgraph").count(), text.matches(" end\n").count(), "{text}");
    }

    #[test]
    fn mermaid_has_an_edge_per_way_of_a_state() {
        let text = drawn(STATES, Format::Mermaid);
        let parts = [
            "_end((end))",
            "a -->|\"1. steps.a.output == 'x #124; #quot;y#quot;'\"| _end",
            "a -->|\"2. at most 2 times\"| a\n",
            "a -->|\"3.\"| g\n",
            "a -.->|\"on error\"| f\n",
            "g --> f\n",
            "g_fail((fail))",
            "g_s_inner -->|\"1. 1 #lt; 2, once\"| g_fail",
            "_start(( )) --> a\n",
        ];
        has(&text, &parts);
    }

    #[test]
    fn mermaid_takes_no_step_for_a_word_of_its_own() {
        let text =
            drawn("stead: 1\nname: e\nsteps: [{ id: end, noop: 1 }, { id: b, noop: 1 }]\n", Format::Mermaid);
        has(&text, &["end_[\"end: noop\"]", "end_ --> b"]);
    }

    #[test]
    fn dot_draws_edges_of_groups_between_their_steps() {
        let text = drawn(STEPS, Format::Dot);
        let parts = [
            "subgraph \"cluster_g\"",
            "\"a\" -> \"g/x\" [lhead=\"cluster_g\"]",
            "\"g/y\" -> \"z\" [ltail=\"cluster_g\"]",
            "subgraph \"cluster_g#finally\"",
            "\"g/w\" -> \"g/v\"",
            "subgraph \"cluster_#finally\"",
            "[label=\"a\\nrun\"]",
        ];
        has(&text, &parts);
    }

    #[test]
    fn dot_draws_the_ways_of_states() {
        let text = drawn(STATES, Format::Dot);
        let parts = [
            "\"#end\" [label=\"end\", shape=circle];",
            "\"a\" -> \"#end\" [label=\"1. steps.a.output == 'x | \\\"y\\\"'\"];",
            "\"a\" -> \"a\" [label=\"2. at most 2 times\"];",
            "\"a\" -> \"g/inner\" [label=\"3.\", lhead=\"cluster_g\"];",
            "\"a\" -> \"f\" [label=\"on error\", style=dashed];",
            "\"g/inner\" -> \"g#fail\" [label=\"1. 1 < 2, once\"];",
            "\"#start\" [label=\"\", shape=point];",
            "\"#start\" -> \"a\";",
        ];
        has(&text, &parts);
    }
}

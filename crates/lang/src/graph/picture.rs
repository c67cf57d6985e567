//! The picture as data, for whoever draws it: nodes by the paths of their steps, the groups that they stand in, and what
//! leads from one to another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ends, gate, inside, leads, needs, words};
use crate::plan::{Block, Body, Each, Plan, StepIx, Target};

/// The order of a definition's steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Picture {
    /// The workflow.
    pub workflow: String,
    /// Its steps, in the order of the text, and the ends that states lead to.
    pub nodes: Vec<Node>,
    /// What leads from one to another.
    pub edges: Vec<Edge>,
    /// The steps that have others inside.
    pub groups: Vec<Group>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GraphNode")]
pub struct Node {
    /// The path of the step: that of its instances, without keys and numbers. Of an end `PATH#end` or `PATH#fail`.
    pub id: String,
    /// Its id in the text.
    pub label: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it does: `run`, `set`, `approve`, ..., `end`, `fail`.
    pub action: String,
    /// The same and under which conditions, in a few words.
    pub words: String,
    /// The group that it stands in; none, where it stands in the definition itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether something is decided there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
    /// Whether it stands in a `finally`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
}

/// A step that has others inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GraphGroup")]
pub struct Group {
    /// The path of the step.
    pub id: String,
    /// Its id in the text.
    pub label: String,
    /// What it is, and under which conditions, in a few words.
    pub words: String,
    /// What it is.
    pub kind: GroupKind,
    /// Whether it has states instead of steps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine: bool,
    /// The group that it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether it stands in a `finally`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
}

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// It is there once.
    Group,
    /// Once per item.
    Foreach,
    /// Again and again.
    Loop,
}

/// What leads from one step to another; either may be a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GraphEdge")]
pub struct Edge {
    /// From which node or group.
    pub from: String,
    /// To which.
    pub to: String,
    /// Why.
    pub kind: EdgeKind,
    /// When it is taken; empty where always.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// Why something leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// The second needs the first.
    Needs,
    /// A state leads to another.
    Next,
    /// A failure or a rejection does.
    Caught,
}

impl Picture {
    /// That of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut picture = Self { workflow: plan.name.clone(), ..Self::default() };
        picture.block(plan, &plan.root, None, false);
        picture
    }

    fn block(&mut self, plan: &Plan, block: &Block, around: Option<&str>, finally: bool) {
        for (at, ix) in block.steps.iter().enumerate() {
            self.step(plan, *ix, around, finally || at >= block.own);
        }
        let path = around.unwrap_or_default();
        if block.machine {
            for end in ends(plan, block) {
                let word = if end == Target::End { "end" } else { "fail" };
                self.nodes.push(Node {
                    id: format!("{path}#{word}"),
                    label: word.to_owned(),
                    name: None,
                    action: word.to_owned(),
                    words: word.to_owned(),
                    group: around.map(str::to_owned),
                    gate: false,
                    finally,
                });
            }
        }
        let place = |ix: StepIx| plan.steps[ix as usize].path.clone();
        for ix in &block.steps[..block.own] {
            for lead in leads(&plan.steps[*ix as usize]) {
                let to = match lead.to {
                    Target::State(at) => place(block.steps[at]),
                    Target::End => format!("{path}#end"),
                    Target::Fail => format!("{path}#fail"),
                };
                let kind = if lead.caught { EdgeKind::Caught } else { EdgeKind::Next };
                self.edges.push(Edge { from: place(*ix), to, kind, label: lead.when });
            }
        }
        for (from, to) in needs(plan, block) {
            let (from, to) = (place(from), place(to));
            self.edges.push(Edge { from, to, kind: EdgeKind::Needs, label: String::new() });
        }
    }

    fn step(&mut self, plan: &Plan, ix: StepIx, around: Option<&str>, finally: bool) {
        let step = &plan.steps[ix as usize];
        let (id, label, words) = (step.path.clone(), step.id.clone(), words(step));
        let group = around.map(str::to_owned);
        let Some(block) = inside(step) else {
            let action = match &step.body {
                Body::Action(action) => action.name.to_owned(),
                Body::Block(_) => String::new(),
            };
            let (name, gate) = (step.name.clone(), gate(step).is_some());
            self.nodes.push(Node { id, label, name, action, words, group, gate, finally });
            return;
        };
        let kind = match &step.each {
            Some(Each::Foreach { .. }) => GroupKind::Foreach,
            Some(Each::Loop { .. }) => GroupKind::Loop,
            None => GroupKind::Group,
        };
        self.groups.push(Group { id, label, words, kind, machine: block.machine, group, finally });
        self.block(plan, block, Some(&step.path), finally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Picture {
        let checked = crate::check(&crate::Bundle::single("t.yml", text));
        Picture::of(checked.plan.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)))
    }

    #[test]
    fn every_edge_leads_from_and_to_something_that_is_there() {
        let text = "stead: 1\nname: shape\nsteps:\n  - { id: a, run: [echo] }\n  - id: g\n    foreach: { in: [1] }\n    steps:\n      - { id: x, run: [echo] }\n      - { id: y, approve: { show: [x] } }\n  - id: m\n    states:\n      - { id: one, run: [echo], next: [{ when: 1 < 2, go: two }, { go: end }], on_error: { go: fail } }\n      - { id: two, run: [echo], next: one }\nfinally:\n  - { id: last, run: [echo] }\n";
        let picture = picture(text);
        let ids: Vec<&str> = picture.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids, ["a", "g/x", "g/y", "m/one", "m/two", "m#end", "m#fail", "last"]);
        let groups: Vec<&str> = picture.groups.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(groups, ["g", "m"]);
        for edge in &picture.edges {
            for end in [&edge.from, &edge.to] {
                assert!(ids.contains(&end.as_str()) || groups.contains(&end.as_str()), "{edge:?}");
            }
        }
        let has = |from: &str, to: &str, kind| {
            picture
                .edges
                .iter()
                .any(|edge| (edge.from.as_str(), edge.to.as_str(), edge.kind) == (from, to, kind))
        };
        assert!(has("a", "g", EdgeKind::Needs) && has("g/x", "g/y", EdgeKind::Needs), "{picture:#?}");
        assert!(
            has("m/one", "m#fail", EdgeKind::Caught) && has("m/one", "m/two", EdgeKind::Next),
            "{picture:#?}"
        );
        assert!(picture.nodes[2].gate && picture.nodes[7].finally, "{picture:#?}");
        assert_eq!(picture.nodes[1].group.as_deref(), Some("g"));
    }
}

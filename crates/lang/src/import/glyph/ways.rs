//! The transitions of the tool, in the order in which they are looked at.

use super::Top;
use super::flow::{Flow, Goal, Kind};
use super::own::share;
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// A transition.
#[derive(Clone)]
pub(super) struct Way<'s, 't> {
    /// Where it is written; one that was made stands nowhere.
    pub(super) at: Option<At<'s, 't>>,
    pub(super) goal: Goal,
    pub(super) when: When,
}

/// What has to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum When {
    Always,
    Complete,
    Agreement(Option<f64>),
    Disagreement(Option<f64>),
    Approved,
    Rejected,
    Expression(String),
    /// It is known that it cannot be told.
    Never,
}

impl When {
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Always | Self::Complete)
    }

    /// Whether it asks how much people agree.
    pub(super) fn asks_agreement(&self) -> bool {
        match self {
            Self::Agreement(_) | Self::Disagreement(_) => true,
            Self::Expression(text) => text.contains("agreement"),
            _ => false,
        }
    }
}

impl<'s, 't> Flow<'s, 't> {
    /// Reads the transitions, and what leads on without one.
    pub(super) fn read_ways(&mut self, top: &Top<'s, 't>) {
        let mut all: Vec<(usize, f64, Way<'s, 't>)> = Vec::new();
        let written = top.list("transitions");
        for at in &written {
            if let Some(way) = self.way(*at) {
                all.push(way);
            }
        }
        if all.iter().any(|(_, priority, _)| priority.is_finite()) {
            // Those without one come last, in the order of the list.
            all.sort_by(|a, b| a.1.total_cmp(&b.1));
        }
        self.ways = vec![Vec::new(); self.steps.len()];
        for (from, _, way) in all {
            self.ways[from].push(way);
        }
        if written.is_empty() && self.steps.len() > 1 {
            top.inner.say_of(
                "transitions",
                Changed,
                "there are none: the steps follow each other, and the run is complete behind the last one",
                None,
            );
        }
        for at in 0..self.steps.len() {
            self.branch(at);
            let none = self.ways[at].is_empty();
            self.complete(at);
            if none && self.steps[at].kind != Kind::Unknown {
                let goal = self.behind(at, written.is_empty());
                self.ways[at].push(Way { at: None, goal, when: When::Always });
            }
        }
    }

    /// Where a step leads of which no transition says it.
    fn behind(&self, at: usize, none: bool) -> Goal {
        let last = at + 1 == self.steps.len();
        match none {
            true if last => Goal::End,
            true => Goal::Step(at + 1),
            false if self.exits.contains(&at) => Goal::End,
            false => {
                let why = format!(
                    "no transition leads on from `{}`, and it is no exit: the run fails there, and does not end as completed",
                    self.steps[at].name
                );
                self.steps[at].at.say_of(
                    "transitions",
                    Changed,
                    &why,
                    Some("say `_complete` in a transition"),
                );
                Goal::Fail
            }
        }
    }

    /// A goal by its name.
    fn goal(&self, at: At<'s, 't>) -> Option<Goal> {
        let name = at.text()?;
        match name {
            "_complete" => Some(Goal::End),
            "_failed" => {
                at.say(super::Kept, "`fail`: the run fails, where the tool said completed");
                Some(Goal::Fail)
            }
            _ => {
                let found = self.find(name).map(Goal::Step);
                if found.is_none() {
                    let near = crate::expr::nearest(name, self.steps.iter().map(|step| step.name));
                    let near = near.map(|near| format!("did you mean `{near}`?"));
                    at.say_with(NotExpressible, format!("no step is `{name}`"), near.as_deref());
                }
                found
            }
        }
    }

    fn way(&self, at: At<'s, 't>) -> Option<(usize, f64, Way<'s, 't>)> {
        let (Some(from), Some(to)) = (at.get("from"), at.get("to")) else {
            at.say_all(NotExpressible, "it lacks `from` or `to`", None);
            return None;
        };
        let when = at.get("condition").map_or(When::Always, |condition| self.when(condition));
        let priority = at.number("priority").unwrap_or(f64::INFINITY);
        let (from, to) = (self.goal(from), self.goal(to));
        let (Some(Goal::Step(from)), Some(goal)) = (from, to) else {
            at.say_of("transitions", NotExpressible, "a transition leads nowhere: it is left out", None);
            return None;
        };
        if self.steps[from].kind == Kind::Unknown {
            at.say_all(NotExpressible, "the step that it comes from is not known", None);
            return None;
        }
        Some((from, priority, Way { at: Some(at), goal, when }))
    }

    fn when(&self, at: At<'s, 't>) -> When {
        let (kind, threshold, expression) = if at.is_map() {
            let kind = at.get("type").and_then(At::text);
            (kind.unwrap_or("always"), share(at, "threshold"), at.text_at("expression"))
        } else {
            let Some(text) = at.text() else { return When::Never };
            at.say(super::Kept, "`when`");
            (text, None, Some(text))
        };
        let when = match kind {
            "always" => When::Always,
            "on_complete" => When::Complete,
            "on_agreement" => return When::Agreement(threshold),
            "on_disagreement" => return When::Disagreement(threshold),
            "on_approved" => When::Approved,
            "on_rejected" => When::Rejected,
            "expression" => match expression {
                Some(text) => When::Expression(text.to_owned()),
                None => {
                    at.say(
                        NotExpressible,
                        "it has no expression, which is an error there as well: the run fails instead",
                    );
                    When::Never
                }
            },
            // A condition that is written as a text.
            text if !at.is_map() && text.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') => {
                When::Expression(text.to_owned())
            }
            other => {
                let why = format!(
                    "there is no condition `{other}`, which is an error there as well: the run fails instead"
                );
                at.say_with(NotExpressible, why, Some("write it as `when`"));
                When::Never
            }
        };
        if threshold.is_some()
            && let Some(at) = at.get("threshold")
        {
            at.say(NotExpressible, "this condition does not look at a threshold");
        }
        when
    }

    /// The branches of a condition decide, where they are said or nothing else leads on.
    fn branch(&mut self, at: usize) {
        if self.steps[at].kind != Kind::Conditional {
            return;
        }
        let branches = self.steps[at].own.branches;
        let goal = |key: &str| branches.and_then(|map| map.get(key)).map(|way| (self.goal(way), way));
        let (yes, no) = (goal("true_branch"), goal("false_branch"));
        if yes.is_none() && no.is_none() && !self.ways[at].is_empty() {
            let why = format!(
                "the transitions of `{}` decide, as there; whether it holds is `steps.{}.output.holds`",
                self.steps[at].name, self.steps[at].id
            );
            self.steps[at].at.say_of("conditional", Changed, &why, None);
            return;
        }
        let yes = yes.map_or(Goal::End, |(goal, _)| goal.unwrap_or(Goal::Fail));
        let no = no.map_or(Goal::Fail, |(goal, _)| goal.unwrap_or(Goal::Fail));
        for way in &self.ways[at] {
            if let (true, Some(at)) = (way.goal != yes && way.goal != no, way.at) {
                at.say_all(NotExpressible, "the branches of the condition decide where it leads", None);
            }
        }
        let holds = format!("steps.{}.output.holds", self.steps[at].id);
        self.ways[at] = vec![
            Way { at: None, goal: yes, when: When::Expression(format!("\u{0}{holds}")) },
            Way { at: None, goal: no, when: When::Always },
        ];
    }

    /// `consensus.on_agreement.action: complete` leads to the end.
    fn complete(&mut self, at: usize) {
        let consensus = super::first(self.steps[at].at, &["consensus", "consensus_config"]);
        let Some(agreed) = consensus.filter(|c| c.is_map()).and_then(|c| c.get("on_agreement")) else {
            return;
        };
        if !agreed.is_map() {
            agreed.entries();
            return;
        }
        match agreed.text_at("action") {
            Some("complete") => {
                let has = self.ways[at].iter().any(|way| matches!(way.when, When::Agreement(_)));
                if has {
                    if let Some(at) = agreed.get("action") {
                        at.say(Changed, "the transitions say already where agreement leads");
                    }
                } else {
                    let way = Way { at: None, goal: Goal::End, when: When::Agreement(None) };
                    self.ways[at].insert(0, way);
                }
            }
            Some("proceed_to_next") | None => {}
            Some(other) => {
                if let Some(at) = agreed.get("action") {
                    at.say(Changed, format!("`{other}` is no action that is known: the transitions decide"));
                }
            }
        }
    }
}

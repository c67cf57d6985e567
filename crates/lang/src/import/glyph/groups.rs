//! Steps that run at once: what a group names, and what transitions that all hold lead to.

use super::flow::{Flow, Goal, Kind};
use super::settings::length;
use super::ways::Way;
use crate::import::naming::{snake, suffixed};
use crate::import::out::Out;
use crate::import::report::Verdict::{Changed, Kept, NotExpressible};
use crate::import::source::At;

/// Steps that run at once.
pub(super) struct Group {
    pub(super) id: String,
    pub(super) parts: Vec<Part>,
    pub(super) join: Option<Out>,
    pub(super) deadline: Option<String>,
}

/// A part of a group: steps in a row.
pub(super) struct Part {
    pub(super) steps: Vec<usize>,
    /// The group around them, if there are several.
    pub(super) id: Option<String>,
}

impl<'s, 't> Flow<'s, 't> {
    /// Finds the groups, and has transitions to their parts lead to them.
    pub(super) fn read_groups(&mut self) {
        let mut named: Vec<(&'t str, Vec<usize>)> = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            let Some(name) = step.at.text_at("parallel_group") else { continue };
            match named.iter_mut().find(|(known, _)| *known == name) {
                Some((_, members)) => members.push(at),
                None => named.push((name, vec![at])),
            }
        }
        for (name, members) in named {
            if members.len() < 2 || members.iter().any(|at| self.steps[*at].kind == Kind::Unknown) {
                for at in members {
                    self.alone(at, "it is alone in its group, or the group has a part that is not known");
                }
                continue;
            }
            let all: Vec<Vec<usize>> = members.iter().map(|at| vec![*at]).collect();
            match self.common(&all) {
                Some(goal) => self.group(&snake(name, "group"), all, goal, None),
                None => {
                    for at in members {
                        self.alone(at, "the parts of the group lead to different steps, or under conditions: they are states of their own");
                    }
                }
            }
        }
        for at in 0..self.steps.len() {
            self.fork(at);
        }
    }

    fn alone(&self, step: usize, why: &str) {
        if let Some(at) = self.steps[step].at.get("parallel_group") {
            at.say_with(NotExpressible, why, Some("put them into a group with `needs: []` by hand"));
        }
    }

    /// Where all of these lead without a condition, if that is one place.
    fn common(&self, parts: &[Vec<usize>]) -> Option<Goal> {
        let mut goals = parts.iter().map(|part| match self.ways[*part.last()?].as_slice() {
            [Way { goal, when, .. }] if when.is_free() => Some(*goal),
            _ => None,
        });
        let first = goals.next()??;
        goals.all(|goal| goal == Some(first)).then_some(first)
    }

    /// Transitions of one step that all hold, where several steps may be active.
    fn fork(&mut self, from: usize) {
        let ways = &self.ways[from];
        let starts: Vec<usize> = ways
            .iter()
            .filter_map(|way| match way.goal {
                Goal::Step(to) if way.when.is_free() && self.steps[to].home.is_none() => Some(to),
                _ => None,
            })
            .collect();
        let mut apart = starts.clone();
        apart.sort_unstable();
        apart.dedup();
        if starts.len() < 2 || starts.len() != ways.len() || apart.len() != starts.len() {
            return;
        }
        let parts: Vec<Vec<usize>> = starts.iter().map(|start| self.row(*start, from)).collect();
        let known = parts.iter().flatten().all(|at| self.steps[*at].kind != Kind::Unknown);
        let Some(goal) = self.common(&parts).filter(|_| known) else {
            if self.settings.parallel {
                let why = format!(
                    "what follows `{}` does not come together in one step: the first transition is taken",
                    self.steps[from].name
                );
                let help = Some("put what runs at once into a group with `needs: []` by hand");
                self.steps[from].at.say_of("transitions", NotExpressible, &why, help);
            }
            return;
        };
        let join = match goal {
            Goal::Step(at) => Some(self.steps[at].at).filter(|at| at.get("join_mode").is_some()),
            _ => None,
        };
        if join.is_none() && !self.settings.parallel {
            return;
        }
        let id = suffixed(&self.steps[from].id, "parallel");
        self.group(&id, parts, goal, join);
    }

    /// Steps in a row from one on, up to where several ways come together.
    fn row(&self, start: usize, from: usize) -> Vec<usize> {
        let mut row = vec![start];
        let mut at = start;
        while let [way] = self.ways[at].as_slice() {
            let Goal::Step(next) = way.goal else { break };
            let alone = self.ways.iter().flatten().filter(|way| way.goal == Goal::Step(next)).count() == 1;
            let new = next != from && !row.contains(&next) && self.steps[next].home.is_none();
            if !way.when.is_free() || !alone || !new {
                break;
            }
            row.push(next);
            at = next;
        }
        row
    }

    fn group(&mut self, id: &str, parts: Vec<Vec<usize>>, goal: Goal, join: Option<At<'s, 't>>) {
        let number = self.groups.len();
        let id = self.given.give(id);
        // How they come together is said where they do, or by one of them.
        let mut places: Vec<At<'s, 't>> = join.into_iter().collect();
        if let Goal::Step(at) = goal {
            places.push(self.steps[at].at);
        }
        places.extend(parts.iter().flatten().map(|at| self.steps[*at].at));
        let size = parts.len();
        let mode = places.iter().find_map(|at| at.get("join_mode"));
        let join = mode.and_then(|at| how(at, size));
        let deadline = places.iter().find_map(|at| length(*at, "join_timeout"));
        let parts = parts.into_iter().enumerate().map(|(part, steps)| {
            for at in &steps {
                self.steps[*at].home = Some((number, part));
                if let Some(named) = self.steps[*at].at.get("parallel_group") {
                    named.say(Kept, format!("the group `{id}`"));
                }
            }
            let several = steps.len() > 1 || steps.iter().any(|at| hooked(self.steps[*at].at));
            let around = several.then(|| self.given.give(&suffixed(&self.steps[steps[0]].id, "part")));
            Part { steps, id: around }
        });
        let parts = parts.collect();
        self.groups.push(Group { id, parts, join, deadline });
    }
}

/// Whether programs stand around a step.
pub(super) fn hooked(at: At<'_, '_>) -> bool {
    at.get("hooks")
        .is_some_and(|hooks| hooks.get("pre_process").is_some() || hooks.get("post_process").is_some())
}

/// `join` of a group.
fn how(at: At<'_, '_>, size: usize) -> Option<Out> {
    match at.text()? {
        "all" => None,
        "any" => {
            at.say(Changed, "the first that completes counts, and the others are ended");
            Some("first".into())
        }
        text => {
            let number = text.split('_').next().and_then(|first| first.parse::<i64>().ok());
            match number.filter(|number| *number >= 1 && usize::try_from(*number).is_ok_and(|n| n <= size)) {
                Some(number) => Some(number.into()),
                None => {
                    at.say(Changed, format!("`{text}` does not say how many: more than half of them"));
                    Some("majority".into())
                }
            }
        }
    }
}

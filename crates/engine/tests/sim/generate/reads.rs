//! What a step can read, and expressions over it.

use serde_json::{Value, json};

use super::Generator;
use super::documents::Within;

/// How a number is got from a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gives {
    /// It has no output.
    Nothing,
    /// Its output has a number `v`.
    V,
    /// Its output is a text.
    Text,
    /// Its output is a list or a map.
    Size,
    /// Its output is a list of maps with a number `v`.
    Vs,
    /// Its output is the answer of a server, whose body has a number `v`.
    Body,
    /// Its output is a map of steps, one of which has a number `v`.
    Of(String),
}

/// A step that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) id: String,
    pub(crate) gives: Gives,
    /// It may have been skipped, so the check wants a guard.
    pub(crate) guarded: bool,
    /// It may have failed and the block went on.
    pub(crate) tolerated: bool,
    /// How many people may have worked on it; 0: nobody does.
    pub(crate) workers: u32,
}

/// What is in reach of an expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) reads: Vec<Read>,
    /// Items of the foreach around, the innermost last: name, and whether they are maps with a number `v`.
    pub(crate) items: Vec<(String, bool)>,
    /// Whether there is a loop around, and the steps of its block as the iteration before had them.
    pub(crate) looped: Option<Vec<Read>>,
    /// Whether that loop is around this very step.
    pub(crate) looping: bool,
    /// Steps of this block that a gate may begin again: those that it needs.
    pub(crate) back: Vec<String>,
    pub(crate) inputs: Vec<String>,
    pub(crate) vars: Vec<String>,
    pub(crate) secrets: bool,
    /// Scopes around.
    pub(crate) within: Within,
    /// Blocks around.
    pub(crate) depth: usize,
    /// Runs around.
    pub(crate) child_depth: u32,
    /// Whether this is the end of a block, or inside of it.
    pub(crate) finally: bool,
}

/// An expression in its marks.
pub(crate) fn marked(expression: &str) -> Value {
    json!(format!("${{{{ {expression} }}}}"))
}

impl Read {
    /// The number of a step whose output is there.
    fn plain(&self, root: &str) -> Option<String> {
        let output = format!("{root}.{}.output", self.id);
        match &self.gives {
            Gives::Nothing => None,
            Gives::V => Some(format!("{output}.v")),
            Gives::Body => Some(format!("{output}.body.v")),
            Gives::Text | Gives::Size => Some(format!("size({output})")),
            Gives::Vs => Some(format!("sum({output}.map(o, o.v))")),
            Gives::Of(id) => Some(format!("{output}.{id}.v")),
        }
    }
}

impl Generator {
    /// The number of a step, with a guard where the check wants one, and now and then where it does not.
    pub(crate) fn number_of(&mut self, read: &Read) -> Option<String> {
        let plain = read.plain("steps")?;
        let id = &read.id;
        // A failed step makes its reader blocked, and who reads that fails: which of two does so first is chance.
        let guarded = read.guarded || (self.calm && read.tolerated);
        if !guarded && !self.rng.hits(1, 5) {
            return Some(plain);
        }
        Some(match (self.rng.below(3), &read.gives) {
            (0, _) => format!("(steps.{id}.status == 'completed' ? {plain} : 0)"),
            (1, Gives::V) => format!("steps.{id}.?output.?v.orValue(1)"),
            _ => format!("(has(steps.{id}.output) ? {plain} : 0)"),
        })
    }

    /// The number of a step for those who must not fail because of it.
    pub(crate) fn safe_number_of(&mut self, read: &Read) -> Option<String> {
        let plain = read.plain("steps")?;
        match read.guarded || read.tolerated {
            true => Some(format!("(steps.{}.status == 'completed' ? {plain} : 0)", read.id)),
            false => Some(plain),
        }
    }

    /// An expression that gives a whole number.
    pub(crate) fn number(&mut self, scope: &Scope, depth: u32) -> String {
        if self.takes("unsound") && self.rng.hits(1, 8) {
            return self.unsound(scope);
        }
        if depth > 0 && self.rng.hits(2, 5) {
            let (a, b) = (self.number(scope, depth - 1), self.number(scope, depth - 1));
            return match self.rng.below(5) {
                0 => format!("max({a}, {b})"),
                1 => format!("({a} > {b} ? {a} : {b})"),
                2 => format!("({a} - {b})"),
                3 => format!("sum([{a}, {b}].filter(n, n > 1))"),
                _ => format!("({a} + {b})"),
            };
        }
        let kinds = [(1, 0), (6, 1), (2, 2), (2, 3), (2, 4), (1, 5)];
        for _ in 0..4 {
            if let Some(found) = self.leaf(scope, *self.rng.clone().weighted(&kinds)) {
                self.rng.next();
                return found;
            }
            self.rng.next();
        }
        self.rng.below(5).to_string()
    }

    fn leaf(&mut self, scope: &Scope, kind: u32) -> Option<String> {
        match kind {
            0 => Some(self.rng.below(9).to_string()),
            1 if !scope.reads.is_empty() => {
                let read = self.rng.pick(&scope.reads).clone();
                self.number_of(&read)
            }
            2 if !scope.items.is_empty() => {
                let (name, map) = self.rng.pick(&scope.items).clone();
                Some(match self.rng.below(4) {
                    0 => "index".to_owned(),
                    1 => "size(key)".to_owned(),
                    _ if map => format!("{name}.v"),
                    _ => name,
                })
            }
            3 => self.of_loop(scope),
            4 if !scope.inputs.is_empty() => Some(format!("inputs.{}", self.rng.pick(&scope.inputs))),
            5 if scope.finally && self.rng.hits(1, 2) => {
                Some("(ended.status == 'completed' ? 1 : size(ended.?error.kind.orValue('')))".to_owned())
            }
            5 if !scope.vars.is_empty() => Some(format!("vars.{}", self.rng.pick(&scope.vars))),
            _ => None,
        }
    }

    fn of_loop(&mut self, scope: &Scope) -> Option<String> {
        let before = scope.looped.as_ref()?;
        if before.is_empty() || self.rng.hits(1, 2) {
            return Some("iteration".to_owned());
        }
        let read = self.rng.pick(before).clone();
        let plain = read.plain("previous")?;
        if read.guarded || read.tolerated || self.rng.hits(1, 2) {
            return match read.gives {
                Gives::V => Some(format!("previous.?{}.?output.?v.orValue(2)", read.id)),
                _ => None,
            };
        }
        Some(format!("(iteration == 1 ? 1 : {plain})"))
    }

    /// One that has no value when it comes to it, and that no check can know of.
    fn unsound(&mut self, scope: &Scope) -> String {
        let made = scope.reads.iter().find(|read| read.gives == Gives::V && !read.guarded);
        match (made, self.rng.below(3)) {
            (Some(read), 0) => format!("steps.{}.output.v / 0", read.id),
            (_, 1) => "[1, 2][7]".to_owned(),
            _ => "int('seven')".to_owned(),
        }
    }

    /// An expression that gives a boolean.
    pub(crate) fn condition(&mut self, scope: &Scope) -> String {
        match self.rng.below(8) {
            0 => "true".to_owned(),
            1 => "false".to_owned(),
            2 | 3 if !scope.reads.is_empty() => {
                let read = self.rng.pick(&scope.reads);
                let status = *self.rng.clone().pick(&["completed", "failed", "skipped"]);
                self.rng.next();
                format!("steps.{}.status == '{status}'", read.id)
            }
            4 => format!("{} > 2", self.number(scope, 1)),
            _ => format!("{} % 2 == 0", self.number(scope, 1)),
        }
    }
}

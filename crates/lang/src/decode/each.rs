//! `foreach`, `loop` and `retry`.

use super::values::{ATTEMPTS, BUDGET, ITERATIONS, PARALLEL};
use super::{Decoder, Naming, Role, Slot, Wants};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::keys;
use crate::limits;
use crate::plan::{Each, Join, Retry, Setting, StepIx};
use crate::tree::{Node, Plain, Shape};

/// How a failed attempt is tried again where nothing is said: not at all.
pub(crate) fn retry_default() -> Retry {
    Retry {
        attempts: Setting::Fixed(1),
        wait: Setting::Fixed(1_000),
        factor: Setting::Fixed(2.0),
        max_wait: Setting::Fixed(60_000),
        jitter: Setting::Fixed(0.2),
        errors: keys::RETRY_ERRORS.iter().map(|&e| e.to_owned()).collect(),
    }
}

impl<'t> Decoder<'t, '_> {
    pub(super) fn foreach(&self, node: Node<'t>, ix: StepIx) -> Option<Each> {
        let fields = self.fields(node, "`foreach`", &[keys::FOREACH])?;
        let whole = Slot::new(Some(ix), Role::Step);
        let lines = fields.get("parse").and_then(|n| self.word(n, "`parse`", &["jsonl"])).is_some();
        let items = fields.get("in").and_then(|n| self.items(n, whole, lines));
        let binding = match fields.get("as") {
            Some(node) => self.name(node, "an element", Naming::Snake).unwrap_or_default(),
            None => "item",
        };
        let key =
            fields.get("key").map(|n| self.text_template(n, "`key`", Slot::new(Some(ix), Role::ElementKey)));
        let parallel = match fields.get("parallel") {
            Some(node) => self.integer(node, "`parallel`", PARALLEL, whole),
            None => Some(Setting::Fixed(1)),
        };
        let parts = fields.get("in").filter(|n| matches!(n.shape(), Shape::List | Shape::Map));
        let parts = parts.map(|n| n.items().len() + n.entries().len());
        let join = fields.get("join").map(|n| self.join(n, parts)).unwrap_or_default();
        if let (true, Some(entry)) = (lines, node.entry("scope")) {
            let message = "lines of a file are not kept, so no documents are made of them";
            let problem = Diagnostic::at_key(codes::MISPLACED_KEY, entry, message);
            self.push(problem.help("leave `scope` out, or read the lines in a step before"));
        }
        if lines {
            self.fits_lines(
                fields.get("key"),
                fields.get("join").filter(|_| !matches!(join, Join::All | Join::Settled)),
            );
        }
        // What is broken is left out, so that the names it gives to expressions are known all the same.
        Some(Each::Foreach {
            items: items.unwrap_or(crate::template::Template::Literal(serde_json::Value::Null)),
            lines,
            binding: binding.to_owned(),
            key: key.flatten(),
            parallel: parallel.unwrap_or(Setting::Fixed(1)),
            join,
            scope: fields.get("scope").and_then(|node| self.scope_of_items(node, ix)),
        })
    }

    /// `join`, over so many parts where that is known.
    pub(super) fn join(&self, node: Node<'t>, parts: Option<usize>) -> Join {
        if let Some(Plain::Number(number)) = node.plain() {
            let most = parts.unwrap_or(limits::JOIN as usize).min(limits::JOIN as usize);
            return match number.as_u64() {
                Some(n @ 1..) if n <= most as u64 => Join::Count(n as u32),
                Some(n @ 1..) if parts.is_some() => {
                    let message = format!("{n} parts are to complete, and there are {most}");
                    let help = "ask for fewer, or write `all`";
                    self.push(Diagnostic::at(codes::OUT_OF_RANGE, node, message).help(help));
                    Join::All
                }
                _ => {
                    let message = format!("`join` is a whole number from 1 to {most}, and this is {number}");
                    self.problem(codes::OUT_OF_RANGE, node, message);
                    Join::All
                }
            };
        }
        match self.word(node, "`join`", keys::JOINS) {
            Some("first") => Join::First,
            Some("majority") => Join::Majority,
            Some("settled") => Join::Settled,
            _ => Join::All,
        }
    }

    /// What cannot stand beside `parse: jsonl`, for the items are not kept: there may be a million of them.
    fn fits_lines(&self, key: Option<Node<'t>>, join: Option<Node<'t>>) {
        if let Some(node) = key {
            let message = "lines of a file are known by their position, and have no `key`";
            let problem = Diagnostic::at_start(codes::MISPLACED_KEY, node, message);
            self.push(problem.help("leave `key` out; the position is `index`"));
        }
        if let Some(node) = join {
            let message = "over the lines of a file `join` is `all` or `settled`";
            let problem = Diagnostic::at_start(codes::MISPLACED_KEY, node, message);
            self.push(problem.help("`settled` tolerates lines that fail"));
        }
    }

    fn items(&self, node: Node<'t>, slot: Slot, lines: bool) -> Option<crate::template::Template> {
        let marked = node.raw().is_some_and(|t| t.contains("${{"));
        if !lines && !marked && !matches!(node.shape(), Shape::List | Shape::Map) {
            self.wrong_type(node, "`in` is a list, a map, or an expression that gives one");
            return None;
        }
        if lines {
            if !marked || node.raw().is_none() {
                self.wrong_type(node, "with `parse` the value of `in` is an expression that gives a file");
                return None;
            }
            return self.template(node, slot, Wants::File);
        }
        self.template(node, slot, Wants::Items)
    }

    pub(super) fn looped(&self, node: Node<'t>, ix: StepIx) -> Option<Each> {
        let fields = self.fields(node, "`loop`", &[keys::LOOP])?;
        let whole = Slot::new(Some(ix), Role::Step);
        let max = fields.get("max").and_then(|n| self.integer(n, "`max`", ITERATIONS, whole));
        let min = match fields.get("min") {
            Some(node) => self.integer(node, "`min`", ITERATIONS, whole),
            None => Some(Setting::Fixed(1)),
        };
        if let (Some(Setting::Fixed(max)), Some(Setting::Fixed(min)), Some(at)) =
            (&max, &min, fields.get("min"))
            && min > max
        {
            let message = format!("`min` is {min}, and `max` is {max}");
            self.push(Diagnostic::at(codes::OUT_OF_RANGE, at, message).help("`min` is at most `max`"));
        }
        let until =
            fields.get("until").and_then(|n| self.condition(n, "`until`", Slot::new(Some(ix), Role::Until)));
        let exhausted =
            fields.get("on_exhausted").and_then(|n| self.word(n, "`on_exhausted`", &["fail", "continue"]));
        Some(Each::Loop {
            max: max.unwrap_or(Setting::Fixed(1)),
            min: min.unwrap_or(Setting::Fixed(1)),
            until,
            continue_on_exhausted: exhausted == Some("continue"),
        })
    }

    /// `budget`: what may be used up.
    pub(super) fn budget(&self, node: Node<'t>, slot: Slot) -> Option<Setting<u32>> {
        let fields = self.fields(node, "`budget`", &[keys::BUDGET])?;
        let Some(attempts) = fields.get("attempts") else {
            if !fields.refused {
                let problem = Diagnostic::at_start(codes::EMPTY_VALUE, node, "`budget` limits nothing");
                self.push(problem.help("say how many attempts may be made: `budget: { attempts: 20 }`"));
            }
            return None;
        };
        self.integer(attempts, "`attempts`", BUDGET, slot)
    }

    /// `retry`: a map, or the number of tries alone.
    pub(crate) fn retry(&self, node: Node<'t>, slot: Slot) -> Option<Retry> {
        let mut retry = retry_default();
        if node.shape() != Shape::Map {
            retry.attempts = self.integer(node, "`retry`", ATTEMPTS, slot)?;
            return Some(retry);
        }
        let fields = self.fields(node, "`retry`", &[keys::RETRY])?;
        let set = |to: &mut Setting<u64>, key: &str| {
            if let Some(value) = fields.get(key).and_then(|n| self.duration(n, &format!("`{key}`"), slot)) {
                *to = value;
            }
        };
        set(&mut retry.wait, "wait");
        set(&mut retry.max_wait, "max_wait");
        if let Some(n) = fields.get("attempts").and_then(|n| self.integer(n, "`attempts`", ATTEMPTS, slot)) {
            retry.attempts = n;
        }
        if let Some(n) = fields.get("factor").and_then(|n| self.number(n, "`factor`", (1.0, 100.0), slot)) {
            retry.factor = n;
        }
        if let Some(n) = fields.get("jitter").and_then(|n| self.number(n, "`jitter`", (0.0, 1.0), slot)) {
            retry.jitter = n;
        }
        if let Some(node) = fields.get("errors")
            && let Some(items) = self.list(node, "`errors` is a list of kinds of error")
        {
            let kinds = items.filter_map(|n| self.word(n, "a kind of error", keys::RETRY_ERRORS));
            retry.errors = kinds.map(str::to_owned).collect();
        }
        Some(retry)
    }
}

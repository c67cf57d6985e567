//! A step: its action, and the keys around it.

use serde_json::{Map, Value, json};

use super::actions::{self, Inside};
use super::people::MANY;
use super::reads::{Gives, Read, marked};
use super::{Generator, ROWS, Scope, rows};

impl Generator {
    /// A step, and what can be read of it.
    pub(crate) fn step(&mut self, id: String, scope: &Scope, place: Place) -> (Map<String, Value>, Read) {
        let mut step = Map::new();
        step.insert("id".into(), json!(id));
        let mut inner = Scope { looping: false, ..scope.clone() };
        let each = self.each(&mut step, &mut inner);
        if !matches!(each, Each::Once) {
            inner.back.clear();
        }
        // What fails here may fail by itself, and what is around goes on.
        let tolerated = self.takes("continue") || (self.calm && place == Place::Finally);
        let may_fail = tolerated && matches!(each, Each::Once);
        let mut inside = actions::action(self, &mut step, &inner, may_fail, place);
        self.produces(&mut step, &inner, &mut inside);
        let workers = if matches!(each, Each::Once) { inside.workers } else { inside.workers.min(1) * MANY };
        let gives = self.end_of_each(&mut step, &id, each, &inner, inside);
        let state = matches!(place, Place::State { .. });
        let guarded = !state && self.takes("if");
        if guarded {
            let condition = self.condition(scope);
            let condition = if self.rng.hits(1, 2) { marked(&condition) } else { json!(condition) };
            step.insert("if".into(), condition);
        }
        if tolerated && place != Place::Finally {
            step.insert("on_error".into(), json!("continue"));
        }
        if !scope.finally && self.takes("concurrency") {
            let rule = self.concurrency(false);
            step.insert("concurrency".into(), rule);
        }
        if self.takes("budget") {
            let budget = self.budget();
            step.insert("budget".into(), budget);
        }
        if self.takes("words") {
            step.insert("name".into(), json!(format!("Step {id}")));
        }
        if self.takes("deadline") {
            step.insert("deadline".into(), self.duration());
        }
        let tolerated = tolerated || place == Place::Finally;
        (step, Read { id, gives, guarded, tolerated, workers })
    }

    fn each(&mut self, step: &mut Map<String, Value>, inner: &mut Scope) -> Each {
        if inner.depth > 2 {
            return Each::Once;
        }
        if self.takes("foreach") {
            return if self.takes("lines") { self.lines(step, inner) } else { self.foreach(step, inner) };
        }
        if self.takes("loop") {
            inner.looped = Some(Vec::new());
            inner.looping = true;
            return Each::Loop;
        }
        Each::Once
    }

    fn foreach(&mut self, step: &mut Map<String, Value>, inner: &mut Scope) -> Each {
        let count = self.rng.below(5);
        let maps = self.rng.hits(1, 2);
        let item = |n: u64| if maps { json!({"v": n}) } else { json!(n) };
        let (all, keyed) = match self.rng.below(4) {
            0 => {
                let all: Map<String, Value> =
                    (0..count).map(|n| (format!("{}x[/{n}", ["a", "b#"][n as usize % 2]), item(n))).collect();
                (Value::Object(all), true)
            }
            1 if !maps => (marked(&format!("[1, 2, {}]", self.number(inner, 1))), false),
            _ => ((0..count).map(item).collect(), false),
        };
        let name = match self.rng.below(3) {
            0 => format!("it_{}", inner.depth),
            _ => "item".to_owned(),
        };
        let mut foreach = json!({ "in": all });
        if name != "item" {
            foreach["as"] = json!(name);
        }
        if self.rng.hits(1, 2) {
            foreach["parallel"] = json!(self.rng.between(1, 4));
        }
        // The check counts what is written out.
        if let Some(join) = self.takes("join").then(|| self.join()).flatten()
            && (count > 0 || !join.is_number())
        {
            foreach["join"] = join;
        }
        inner.items.retain(|(around, _)| *around != name);
        inner.items.push((name.clone(), maps));
        // Literal items differ from each other; keys of computed ones may be equal, which fails the step.
        if !keyed && (foreach["in"].is_array() || !self.calm) && self.rng.hits(1, 3) {
            let item = if maps { format!("{name}.v") } else { name };
            foreach["key"] = json!(format!("k${{{{ {item} }}}}"));
        }
        if let Some(scope) = self.scope_of_items(inner) {
            foreach["scope"] = json!(scope);
        }
        let all = foreach_joins_all(&foreach);
        step.insert("foreach".into(), foreach);
        Each::Foreach { map: keyed, all }
    }

    /// Over the lines of a file.
    fn lines(&mut self, step: &mut Map<String, Value>, inner: &mut Scope) -> Each {
        let (count, maps) = (self.rng.between(0, ROWS), self.rng.hits(1, 2));
        let hash = blake3::hash(rows(count, maps).as_bytes()).to_hex();
        let mut foreach = json!({ "in": marked(&format!("{{'hash': '{hash}'}}")), "parse": "jsonl" });
        if self.rng.hits(1, 2) {
            foreach["parallel"] = json!(self.rng.between(1, 4));
        }
        if self.takes("join") {
            foreach["join"] = json!(if self.calm { "settled" } else { *self.rng.pick(&["all", "settled"]) });
        }
        inner.items.retain(|(around, _)| around != "item");
        inner.items.push(("item".to_owned(), maps));
        inner.within.among_items = true;
        step.insert("foreach".into(), foreach);
        Each::Foreach { map: true, all: false }
    }

    /// What only the inside can tell: the condition of a loop; and what the whole gives.
    fn end_of_each(
        &mut self,
        step: &mut Map<String, Value>,
        id: &str,
        each: Each,
        inner: &Scope,
        inside: Inside,
    ) -> Gives {
        match each {
            Each::Once => inside.gives,
            Each::Foreach { map: false, all: true } if inside.gives == Gives::V && !inside.tolerated => {
                Gives::Vs
            }
            Each::Foreach { .. } => Gives::Size,
            Each::Loop => {
                let max = self.rng.between(1, 6);
                let mut looped = json!({ "max": max });
                if self.rng.hits(2, 3) {
                    let mut reads = inside.reads.clone();
                    reads.push(Read {
                        id: id.to_owned(),
                        gives: inside.gives.clone(),
                        guarded: false,
                        tolerated: false,
                        workers: 0,
                    });
                    let reads = if inside.group { inside.reads } else { reads };
                    looped["until"] = json!(self.until(inner, &reads));
                    // Running out is a failure, and a failure has to be tolerated where the course is calm.
                    if self.calm || self.rng.hits(1, 2) {
                        looped["on_exhausted"] = json!("continue");
                    }
                }
                if self.rng.hits(1, 3) {
                    looped["min"] = json!(self.rng.between(1, max));
                }
                step.insert("loop".into(), looped);
                inside.gives
            }
        }
    }

    fn until(&mut self, inner: &Scope, reads: &[Read]) -> String {
        let last = reads.last().cloned();
        match last.and_then(|read| self.safe_number_of(&read)) {
            Some(number) if self.rng.hits(1, 2) => format!("{number} % 3 == 0"),
            _ => match inner.depth {
                0 => format!("iteration >= {}", self.rng.between(1, 7)),
                _ => "iteration * 2 > 5".to_owned(),
            },
        }
    }
}

fn foreach_joins_all(foreach: &Value) -> bool {
    foreach.get("join").is_none_or(|join| join == "all")
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Step,
    /// Of a join.
    Part,
    State {
        last: bool,
    },
    Finally,
}

/// How often the action of a step is done.
#[derive(Debug, Clone, Copy)]
enum Each {
    Once,
    /// Over a map or a list, and whether all must complete.
    Foreach {
        map: bool,
        all: bool,
    },
    Loop,
}

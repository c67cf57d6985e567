//! Blocks: lists of steps with their needs, parts of a join, ends.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::reads::Read;
use super::steps::Place;
use super::{Generator, Scope};

impl Generator {
    /// Puts a block into a document or group; says what can be read of its steps behind it.
    pub(crate) fn block(
        &mut self,
        holder: &mut Map<String, Value>,
        around: &Scope,
        grouped: bool,
    ) -> Vec<Read> {
        let reads = if self.takes("states") && !around.finally {
            self.machine(holder, around)
        } else {
            let join = if grouped && self.takes("join") { self.join() } else { None };
            self.steps(holder, around, join)
        };
        if !around.finally && self.takes("finally") {
            self.finally(holder, around, &reads);
        }
        reads
    }

    /// How many must complete. What is first is chance, so where that must not matter only one rule will do.
    pub(crate) fn join(&mut self) -> Option<Value> {
        if self.calm {
            return Some(json!("settled"));
        }
        Some(
            self.rng
                .pick(&[json!("first"), json!("majority"), json!("settled"), json!(1), json!("all")])
                .clone(),
        )
    }

    /// How many steps a block gets.
    pub(crate) fn room(&mut self, around: &Scope) -> usize {
        let most = self.left.min(if around.depth == 0 { 8 } else { 4 }).max(1);
        usize::try_from(self.rng.between(1, most)).unwrap()
    }

    fn steps(&mut self, holder: &mut Map<String, Value>, around: &Scope, join: Option<Value>) -> Vec<Read> {
        let count = self.room(around);
        let (mut steps, mut made): (Vec<Value>, Vec<Read>) = (Vec::new(), Vec::new());
        // What each step reaches through its needs, itself included.
        let mut reach: Vec<BTreeSet<usize>> = Vec::new();
        for at in 0..count {
            self.left = self.left.saturating_sub(1);
            let needs = if join.is_some() { Some(Vec::new()) } else { self.needs(at) };
            let mut reached: BTreeSet<usize> = match &needs {
                None => (0..at).collect(),
                Some(needs) => needs.iter().flat_map(|need| reach[*need].clone()).collect(),
            };
            let mut scope = around.clone();
            if around.looping {
                // Of the iteration before, those that are made already.
                scope.looped = Some(made.clone());
            }
            scope.reads.extend(reached.iter().map(|need| made[*need].clone()));
            scope.back = reached.iter().map(|need| made[*need].id.clone()).collect();
            let place = if join.is_some() { Place::Part } else { Place::Step };
            let (mut step, read) = self.step(id(around, at), &scope, place);
            if let Some(needs) = needs {
                let ids: Vec<&str> = needs.iter().map(|need| made[*need].id.as_str()).collect();
                step.insert("needs".into(), json!(ids));
            }
            steps.push(self.templated(step));
            made.push(read);
            reached.insert(at);
            reach.push(reached);
        }
        holder.insert("steps".into(), Value::Array(steps));
        if let Some(join) = join {
            // Parts may be ended, or fail, and the whole completes.
            made.iter_mut().for_each(|part| part.guarded |= join != json!("all"));
            holder.insert("join".into(), join);
        }
        made
    }

    /// What runs when the block ends: it reads whatever there may be.
    fn finally(&mut self, holder: &mut Map<String, Value>, around: &Scope, reads: &[Read]) {
        let mut scope = Scope { finally: true, looping: false, back: Vec::new(), ..around.clone() };
        scope.reads.extend(reads.iter().map(|read| Read { guarded: true, ..read.clone() }));
        let count = self.rng.between(1, 2);
        let mut steps = Vec::new();
        for at in 0..count {
            let letter = char::from(b'v' + u8::try_from(around.depth).unwrap());
            let (step, read) = self.step(format!("{letter}{at}"), &scope, Place::Finally);
            steps.push(self.templated(step));
            scope.reads.push(read);
        }
        holder.insert("finally".into(), Value::Array(steps));
    }

    /// Which of the steps above a step names; `None`: it says nothing and needs all of them.
    fn needs(&mut self, at: usize) -> Option<Vec<usize>> {
        if !self.takes("needs") {
            return None;
        }
        Some((0..at).filter(|_| self.rng.hits(1, 3)).collect())
    }
}

/// The id of a step: that of a sibling's inside may be the same, that of one around is not.
pub(crate) fn id(around: &Scope, at: usize) -> String {
    format!("{}{at}", char::from(b'a' + u8::try_from(around.depth).unwrap()))
}

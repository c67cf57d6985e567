//! Blocks: lists of steps with their needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::reads::Read;
use super::{Generator, Scope};

impl Generator {
    /// Steps, and what can be read of them behind the block.
    pub(crate) fn block(&mut self, around: &Scope) -> (Vec<Value>, Vec<Read>) {
        let most = self.left.min(if around.depth == 0 { 8 } else { 4 }).max(1);
        let count = usize::try_from(self.rng.between(1, most)).unwrap();
        let letter = char::from(b'a' + u8::try_from(around.depth).unwrap());
        let (mut steps, mut made): (Vec<Value>, Vec<Read>) = (Vec::new(), Vec::new());
        // What each step reaches through its needs, itself included.
        let mut reach: Vec<BTreeSet<usize>> = Vec::new();
        for at in 0..count {
            self.left = self.left.saturating_sub(1);
            let needs = self.needs(at);
            let mut reached: BTreeSet<usize> = match &needs {
                None => (0..at).collect(),
                Some(needs) => needs.iter().flat_map(|need| reach[*need].clone()).collect(),
            };
            let mut scope = around.clone();
            if around.looping {
                scope.looped = Some(made.clone());
            }
            scope.reads.extend(reached.iter().map(|need| made[*need].clone()));
            let (mut step, read) = self.step(format!("{letter}{at}"), &scope);
            if let Some(needs) = needs {
                let ids: Vec<&str> = needs.iter().map(|need| made[*need].id.as_str()).collect();
                step.insert("needs".into(), json!(ids));
            }
            steps.push(Value::Object(step));
            made.push(read);
            reached.insert(at);
            reach.push(reached);
        }
        (steps, made)
    }

    /// Which of the steps above a step names; `None`: it says nothing and needs all of them.
    fn needs(&mut self, at: usize) -> Option<Vec<usize>> {
        if !self.takes("needs") {
            return None;
        }
        Some((0..at).filter(|_| self.rng.hits(1, 3)).collect())
    }
}

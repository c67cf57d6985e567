//! Which node follows which: a list where it is one, steps with `needs`, or a machine of states.

use std::cell::RefCell;
use std::collections::HashMap;

use super::model::{Form, Node};
use crate::import::report::Verdict::{Changed, NotExpressible};
use crate::import::source::At;

/// What the nodes become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Blocks {
    /// One after the other.
    #[default]
    List,
    /// Several follow one node: steps with `needs`.
    Needs,
    /// Ways that part, or lead back.
    States,
}

/// A way from a node that it names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) word: String,
    /// `None` is the end.
    pub(super) to: Option<usize>,
}

/// The ways of one node.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways {
    /// What follows where nothing else is said; nothing is the end.
    pub(super) next: Vec<usize>,
    pub(super) error: Option<usize>,
    pub(super) named: Vec<Named>,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) blocks: Blocks,
    /// The nodes that are made, in the order in which they are written.
    pub(super) order: Vec<usize>,
    pub(super) ways: Vec<Ways>,
    start: usize,
    /// What can be reached without leaving a node but by its failure.
    without: RefCell<HashMap<usize, Vec<bool>>>,
    /// Nodes before each one, where steps have `needs`.
    before: Vec<Vec<bool>>,
}

impl Graph {
    /// The ways between nodes, said of what cannot be one.
    pub(super) fn of(root: At<'_, '_>, nodes: &[Node<'_, '_>], form: Form) -> Self {
        let mut graph = Self { ways: vec![Ways::default(); nodes.len()], ..Self::default() };
        let count = nodes.len();
        let names: HashMap<&str, usize> =
            nodes.iter().enumerate().rev().map(|(index, node)| (node.name.as_str(), index)).collect();
        match form {
            Form::Json => super::ways::edges(root, nodes, &names, &mut graph),
            Form::Markdown => super::ways::written(nodes, &names, &mut graph),
        }
        if let Some(at) = root.get("start_node") {
            match at.text().and_then(|name| names.get(name)) {
                Some(start) => graph.start = *start,
                None => at.say(NotExpressible, "there is no node of that name: the first one begins"),
            }
        }
        let forks = graph.ways.iter().any(|ways| ways.next.len() > 1);
        let parts = graph.ways.iter().any(|ways| ways.error.is_some() || !ways.named.is_empty());
        if forks && (parts || graph.circular()) {
            for (ways, node) in graph.ways.iter_mut().zip(nodes) {
                if ways.next.len() > 1 {
                    node.at.say_of(
                        "several next nodes",
                        Changed,
                        "the last of them is followed, as there",
                        Some("write the others as steps of a group with `needs: []`"),
                    );
                    ways.next.drain(..ways.next.len() - 1);
                }
            }
        }
        let forks = graph.ways.iter().any(|ways| ways.next.len() > 1);
        let reached = graph.reached(None);
        graph.order = (0..count).filter(|node| reached[*node]).collect();
        for node in nodes.iter().enumerate().filter(|(index, _)| !reached[*index]).map(|(_, node)| node) {
            let why =
                "no way leads to it from where the workflow begins: it never ran there, and is left out";
            node.at.say_all(NotExpressible, why, Some("lead an edge to it"));
        }
        graph.blocks = match (forks, parts || graph.circular()) {
            (true, _) => Blocks::Needs,
            (false, true) => Blocks::States,
            (false, false) => Blocks::List,
        };
        match graph.blocks {
            Blocks::List => graph.order = graph.chain(),
            Blocks::Needs => {
                graph.order = graph.sorted();
                graph.ancestors();
                for (ways, node) in graph.ways.iter().zip(nodes).filter(|(ways, _)| ways.next.len() > 1) {
                    let why = format!(
                        "{} nodes follow: all of them run, at once, where the tool took the last one",
                        ways.next.len()
                    );
                    node.at.say_of("several next nodes", Changed, &why, None);
                }
            }
            Blocks::States => {
                // The first state is the one that begins.
                graph.order.retain(|node| *node != graph.start);
                graph.order.insert(0, graph.start);
                if graph.circular() {
                    let why = "a state is visited at most 100 times: then the run fails as exhausted, where the tool had no bound";
                    root.say_of("ways that lead back", Changed, why, Some("say `max` in `next`"));
                }
            }
        }
        graph
    }

    /// Whether a step can read another one at all.
    pub(super) fn readable(&self, read: usize, reader: usize) -> bool {
        match self.blocks {
            Blocks::List | Blocks::Needs => self.sure(read, reader),
            Blocks::States => read != reader && self.order.contains(&read),
        }
    }

    /// Whether a node has completed whenever another one runs; the one past the last is the end.
    pub(super) fn sure(&self, read: usize, reader: usize) -> bool {
        let end = self.ways.len();
        let place = |node| self.order.iter().position(|at| *at == node);
        match self.blocks {
            _ if read == reader => false,
            Blocks::List => match (place(read), place(reader)) {
                (Some(read), Some(reader)) => read < reader,
                (Some(_), None) => reader == end,
                _ => false,
            },
            Blocks::Needs if reader == end => place(read).is_some(),
            Blocks::Needs => {
                self.before.get(reader).and_then(|before| before.get(read)).copied().unwrap_or(false)
            }
            Blocks::States => {
                let mut known = self.without.borrow_mut();
                let reached = known.entry(read).or_insert_with(|| self.reached(Some(read)));
                !reached.get(reader).copied().unwrap_or(true)
            }
        }
    }

    /// What follows a node in one step; the one past the last is the end.
    fn follow(&self, node: usize, left: bool) -> Vec<usize> {
        let (end, ways) = (self.ways.len(), &self.ways[node]);
        let mut to: Vec<usize> = ways.error.into_iter().collect();
        if left {
            to.extend(&ways.next);
            to.extend(ways.named.iter().map(|named| named.to.unwrap_or(end)));
            if ways.next.is_empty() {
                to.push(end);
            }
        }
        to
    }

    /// What is reached from the beginning, or without leaving a node but by its failure.
    fn reached(&self, without: Option<usize>) -> Vec<bool> {
        let end = self.ways.len();
        let mut reached = vec![false; end + 1];
        let mut open = vec![self.start];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached[node], true) && node < end {
                open.extend(self.follow(node, without != Some(node)));
            }
        }
        reached
    }

    /// The nodes from which an end is reached.
    pub(super) fn ending(&self) -> Vec<bool> {
        let end = self.ways.len();
        let mut back = vec![Vec::new(); end + 1];
        for node in 0..end {
            for to in self.follow(node, true) {
                back[to].push(node);
            }
        }
        let mut ending = vec![false; end + 1];
        let mut open = vec![end];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut ending[node], true) {
                open.extend(&back[node]);
            }
        }
        ending
    }

    fn circular(&self) -> bool {
        let reached = self.reached(None);
        let made = reached.iter().take(self.ways.len()).filter(|reached| **reached).count();
        self.sorted().len() < made
    }

    /// The nodes that are reached, each behind those that lead to it; those in circles are left out.
    fn sorted(&self) -> Vec<usize> {
        let (end, reached) = (self.ways.len(), self.reached(None));
        let mut waits = vec![0; end + 1];
        for node in (0..end).filter(|node| reached[*node]) {
            for to in self.follow(node, true) {
                waits[to] += 1;
            }
        }
        // Of those that are free the first one of the text.
        let mut free: std::collections::BTreeSet<usize> =
            (0..end).filter(|node| reached[*node] && waits[*node] == 0).collect();
        let mut sorted = Vec::new();
        while let Some(node) = free.pop_first() {
            sorted.push(node);
            for to in self.follow(node, true) {
                waits[to] -= 1;
                if waits[to] == 0 && to < end {
                    free.insert(to);
                }
            }
        }
        sorted
    }

    fn chain(&self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut next = (!self.ways.is_empty()).then_some(self.start);
        while let Some(node) = next {
            order.push(node);
            next = self.ways[node].next.first().copied();
        }
        order
    }

    fn ancestors(&mut self) {
        let count = self.ways.len();
        self.before = vec![vec![false; count]; count];
        for node in self.order.clone() {
            for to in self.ways[node].next.clone() {
                let mut before = std::mem::take(&mut self.before[to]);
                for (known, of) in before.iter_mut().zip(&self.before[node]) {
                    *known |= of;
                }
                before[node] = true;
                self.before[to] = before;
            }
        }
    }

    /// The nodes that lead to a node.
    pub(super) fn before(&self, node: usize) -> Vec<usize> {
        self.order.iter().copied().filter(|from| self.ways[*from].next.contains(&node)).collect()
    }
}

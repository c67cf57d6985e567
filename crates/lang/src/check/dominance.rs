//! What every way through a graph passes.
//!
//! A node dominates another one when every way from the start to that passes it. The tree of immediate dominators
//! is made as by Lengauer and Tarjan, with paths compressed: in next to linear time for any graph, since a
//! machine of ten thousand states is as long as its author cares to make it tangled.

/// Which nodes dominate which.
#[derive(Debug)]
pub(crate) struct Dominance {
    /// Position of each node in the tree of dominators, walked from the start; [`NONE`] where no way leads.
    place: Vec<u32>,
    /// How many nodes each dominates, itself included.
    count: Vec<u32>,
}

/// No node.
const NONE: u32 = u32::MAX;

impl Dominance {
    /// Of the graph with so many nodes and these edges, entered at node 0.
    pub(crate) fn of(nodes: usize, edges: &[(u32, u32)]) -> Self {
        if nodes == 0 {
            return Self { place: Vec::new(), count: Vec::new() };
        }
        let ahead = Lists::of(nodes, edges.iter().copied());
        let back = Lists::of(nodes, edges.iter().map(|&(from, to)| (to, from)));
        let (order, parent) = walk(nodes, &ahead);
        let idom = immediate(&order, &parent, &back);
        // What is dominated stands behind its dominator in the order of the walk, so counts add up backwards.
        let mut count = vec![0; nodes];
        for &node in order.iter().rev() {
            count[node as usize] += 1;
            if node != 0 {
                count[idom[node as usize] as usize] += count[node as usize];
            }
        }
        let mut place = vec![NONE; nodes];
        let mut next = vec![0; nodes];
        for &node in &order {
            let at = if node == 0 {
                0
            } else {
                let above = idom[node as usize] as usize;
                let at = next[above];
                next[above] += count[node as usize];
                at
            };
            place[node as usize] = at;
            next[node as usize] = at + 1;
        }
        Self { place, count }
    }

    /// Whether any way leads there.
    pub(crate) fn is_reached(&self, node: u32) -> bool {
        self.place.get(node as usize).is_some_and(|place| *place != NONE)
    }

    /// Whether every way to the second node passes the first one. Where no way leads every way does.
    pub(crate) fn dominates(&self, first: u32, second: u32) -> bool {
        if !self.is_reached(second) {
            return true;
        }
        let (from, at) = (self.place[first as usize], self.place[second as usize]);
        from != NONE && from <= at && at - from < self.count[first as usize]
    }
}

/// Nodes by node, in one piece.
struct Lists {
    starts: Vec<u32>,
    nodes: Vec<u32>,
}

impl Lists {
    fn of(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; nodes + 1];
        edges.clone().for_each(|(from, _)| starts[from as usize + 1] += 1);
        for at in 0..nodes {
            starts[at + 1] += starts[at];
        }
        let mut free = starts.clone();
        let mut list = vec![0; starts[nodes] as usize];
        for (from, to) in edges {
            list[free[from as usize] as usize] = to;
            free[from as usize] += 1;
        }
        Self { starts, nodes: list }
    }

    fn at(&self, node: u32) -> &[u32] {
        &self.nodes[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }
}

/// The nodes in the order in which a walk into the depth meets them, and from where it came to each.
fn walk(nodes: usize, ahead: &Lists) -> (Vec<u32>, Vec<u32>) {
    let (mut order, mut parent) = (Vec::new(), vec![NONE; nodes]);
    let mut seen = vec![false; nodes];
    let mut open: Vec<(u32, usize)> = vec![(0, 0)];
    seen[0] = true;
    order.push(0);
    while let Some((node, at)) = open.last_mut() {
        let Some(&next) = ahead.at(*node).get(*at) else {
            open.pop();
            continue;
        };
        *at += 1;
        if !seen[next as usize] {
            seen[next as usize] = true;
            parent[next as usize] = *node;
            order.push(next);
            open.push((next, 0));
        }
    }
    (order, parent)
}

/// The immediate dominator of each node that is reached.
fn immediate(order: &[u32], parent: &[u32], back: &Lists) -> Vec<u32> {
    let nodes = parent.len();
    let mut number = vec![NONE; nodes];
    for (at, &node) in order.iter().enumerate() {
        number[node as usize] = at as u32;
    }
    let mut semi = number.clone();
    let mut idom = vec![NONE; nodes];
    let mut forest = Forest { above: vec![NONE; nodes], least: (0..nodes as u32).collect() };
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); nodes];
    for &node in order.iter().skip(1).rev() {
        for &from in back.at(node).iter().filter(|&&from| number[from as usize] != NONE) {
            let least = forest.least_of(from, &semi);
            semi[node as usize] = semi[node as usize].min(semi[least as usize]);
        }
        buckets[order[semi[node as usize] as usize] as usize].push(node);
        let above = parent[node as usize];
        forest.above[node as usize] = above;
        for waiting in std::mem::take(&mut buckets[above as usize]) {
            let least = forest.least_of(waiting, &semi);
            let sooner = semi[least as usize] < semi[waiting as usize];
            idom[waiting as usize] = if sooner { least } else { above };
        }
    }
    for &node in order.iter().skip(1) {
        if idom[node as usize] != order[semi[node as usize] as usize] {
            idom[node as usize] = idom[idom[node as usize] as usize];
        }
    }
    idom
}

/// The trees that were put together so far.
struct Forest {
    above: Vec<u32>,
    /// The node of the least semidominator between a node and the top of its tree.
    least: Vec<u32>,
}

impl Forest {
    fn least_of(&mut self, node: u32, semi: &[u32]) -> u32 {
        if self.above[node as usize] == NONE {
            return node;
        }
        // The way up to the node below the top, then all of it is hung right below that, from above downwards.
        let mut way = vec![node];
        let mut at = node;
        while self.above[self.above[at as usize] as usize] != NONE {
            at = self.above[at as usize];
            way.push(at);
        }
        let mut before = at;
        for &node in way.iter().rev().skip(1) {
            let (own, upper) = (self.least[node as usize], self.least[before as usize]);
            if semi[upper as usize] < semi[own as usize] {
                self.least[node as usize] = upper;
            }
            self.above[node as usize] = self.above[before as usize];
            before = node;
        }
        self.least[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Dominance;

    fn reaches(nodes: usize, edges: &[(u32, u32)], without: Option<u32>) -> Vec<bool> {
        let mut seen = vec![false; nodes];
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            if Some(at) == without || std::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            open.extend(edges.iter().filter(|e| e.0 == at).map(|e| e.1));
        }
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_node_dominates_what_is_not_reached_without_it(
            nodes in 1_usize..12,
            edges in prop::collection::vec((0_u32..12, 0_u32..12), 0..30),
        ) {
            let edges: Vec<_> = edges.into_iter().map(|(a, b)| (a % nodes as u32, b % nodes as u32)).collect();
            let tree = Dominance::of(nodes, &edges);
            let all = reaches(nodes, &edges, None);
            for first in 0..nodes as u32 {
                let without = reaches(nodes, &edges, Some(first));
                for second in 0..nodes as u32 {
                    let expected = !all[second as usize] || !without[second as usize];
                    prop_assert_eq!(tree.dominates(first, second), expected, "{} {} {:?}", first, second, edges);
                    prop_assert_eq!(tree.is_reached(second), all[second as usize]);
                }
            }
        }
    }

    #[test]
    fn tangled_graphs_take_no_longer_than_they_are() {
        // A chain with ways back from everywhere to everywhere above: what makes simple methods quadratic.
        let nodes = 200_000_u32;
        let chain = (0..nodes - 1).map(|n| (n, n + 1));
        let back = (0..nodes).map(|n| (n, n / 2));
        let leaps = (0..nodes / 2).map(|n| (n, nodes - 1 - n));
        let edges: Vec<_> = chain.chain(back).chain(leaps).collect();
        let tree = Dominance::of(nodes as usize, &edges);
        assert!(tree.dominates(0, nodes - 1) && !tree.dominates(1, nodes - 1));
    }
}

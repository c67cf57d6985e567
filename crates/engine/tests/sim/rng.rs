//! Numbers that look random and are the same every time.

/// A source of chance with a seed.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A source of its own for each thing: what is drawn from one does not shift the others.
    pub(crate) fn of(seed: u64, what: &str) -> Self {
        // FNV-1a over the name, then one round of mixing.
        let hash = what
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self(mix(seed ^ mix(hash)))
    }

    /// 64 bits (splitmix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 to `n - 1`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    /// From `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// `n` times out of `of`.
    pub(crate) fn hits(&mut self, n: u64, of: u64) -> bool {
        self.below(of) < n
    }

    /// A place in a list of so many.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// One of those with a weight.
    pub(crate) fn weighted<'a, T>(&mut self, from: &'a [(u32, T)]) -> &'a T {
        let all: u64 = from.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut at = self.below(all);
        for (weight, one) in from {
            match at.checked_sub(u64::from(*weight)) {
                None => return one,
                Some(left) => at = left,
            }
        }
        &from[0].1
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

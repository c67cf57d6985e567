//! What commits need to know of the streams they write, bounded.

use std::collections::HashMap;

use stead_core::ids::StreamId;

use crate::Seq;
use crate::chain::Hash;

/// Where a stream's journal ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// Number of the stream in the tables.
    pub(super) id: i64,
    /// Its last event, 0 before the first.
    pub(super) last: Seq,
    /// Hash of its last row, or what stands before the first.
    pub(super) hash: Hash,
    /// Whether a head was written: what never changes of one is written once.
    pub(super) listed: bool,
}

/// How many streams each generation holds: about 150 bytes each, 5 MB in all.
const GENERATION: usize = 16_384;

/// The ends of the streams that were used last. Two generations instead of a list in order of use: when the
/// young one is full it becomes the old one, and what is used again moves back. As good for the purpose, and
/// one look-up in a map.
#[derive(Debug, Default)]
pub(super) struct Streams {
    young: HashMap<StreamId, End>,
    old: HashMap<StreamId, End>,
}

impl Streams {
    pub(super) fn get(&mut self, stream: &StreamId) -> Option<End> {
        if let Some(end) = self.young.get(stream) {
            return Some(*end);
        }
        let (stream, end) = self.old.remove_entry(stream)?;
        self.insert(stream, end);
        Some(end)
    }

    pub(super) fn put(&mut self, stream: &StreamId, end: End) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = end;
        } else {
            self.old.remove(stream);
            self.insert(stream.clone(), end);
        }
    }

    pub(super) fn forget(&mut self, stream: &StreamId) {
        self.young.remove(stream);
        self.old.remove(stream);
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    fn insert(&mut self, stream: StreamId, end: End) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(id: usize) -> End {
        End { id: id as i64, last: 0, hash: [0; 32], listed: false }
    }

    fn name(n: usize) -> StreamId {
        StreamId::new(&format!("r_{n}"))
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut streams = Streams::default();
        streams.put(&name(0), end(0));
        for n in 1..10 * GENERATION {
            streams.put(&name(n), end(n));
            if n % 1000 == 0 {
                assert_eq!(streams.get(&name(0)).map(|end| end.id), Some(0), "at {n}");
            }
        }
        assert!(streams.get(&name(1)).is_none());
        assert!(streams.young.len() + streams.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn an_old_entry_does_not_come_back() {
        let mut streams = Streams::default();
        streams.put(&name(0), end(0));
        for n in 1..=GENERATION {
            streams.put(&name(n), end(n));
        }
        assert!(streams.old.contains_key(&name(0)));
        streams.put(&name(0), end(7));
        assert_eq!(streams.get(&name(0)).map(|end| end.id), Some(7));
        streams.forget(&name(0));
        assert!(streams.get(&name(0)).is_none());
    }
}

//! Places that runs share: what limits and runs say of them fits together.

use std::collections::BTreeSet;

use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::limit::{AskId, Event, LimitState, Place};
use stead_store::Row;

use crate::journal::Journal;
use crate::world::World;

impl Journal {
    /// Takes a row of a limit.
    pub(crate) fn take_limit(&mut self, stream: &StreamId, row: &Row) {
        let limit = self.limits.entry(stream.clone()).or_insert_with(|| LimitState::new(stream.clone()));
        assert_eq!(row.seq, limit.seq + 1, "{stream}: events are numbered without a gap");
        for raw in serde_json::from_slice::<Vec<Value>>(&row.events).unwrap() {
            *self.met.entry(raw["type"].as_str().unwrap().to_owned()).or_default() += 1;
            limit.apply(&serde_json::from_value::<Event>(raw).unwrap(), row.at);
        }
        let leaves = leaves(limit);
        let taken = leaves.len();
        assert!(taken <= limit.max as usize, "{stream}: {taken} hold a place of {}: {leaves:?}", limit.max);
    }
}

/// Those that have a place with nothing inside of them that has it too.
fn leaves(limit: &LimitState) -> BTreeSet<&AskId> {
    let around: BTreeSet<&AskId> = limit.holders().flat_map(|place| &place.ask.inside).collect();
    limit.holders().map(|place| &place.ask.id).filter(|ask| !around.contains(ask)).collect()
}

impl World<'_> {
    /// Whoever of these takes itself for a holder is one.
    pub(crate) fn check_holders(&self, moved: &BTreeSet<StreamId>) {
        for mirror in moved.iter().map(|stream| &self.journal.streams[stream]) {
            for (path, held) in mirror.state.places_held() {
                let limit = self.journal.limits.get(&held.limit);
                let holds = limit.is_some_and(|limit| limit.holds(&held.ask));
                assert!(holds, "{path} has a place that is another's: {held:?}");
            }
        }
    }

    /// Nothing is under way any more: those who hold a place or wait for one are those who say so, and nobody waits
    /// for a place that is free.
    pub(crate) fn check_places(&self) {
        let (mut has, mut waits) = (BTreeSet::new(), BTreeSet::new());
        for mirror in self.journal.streams.values() {
            has.extend(mirror.state.places_held().into_iter().map(|(_, held)| held.ask));
            waits.extend(mirror.state.places_awaited().into_iter().map(|(_, held)| held.ask));
        }
        let limits = || self.journal.limits.values();
        let ask = |place: &Place| place.ask.id.clone();
        let holders: BTreeSet<AskId> = limits().flat_map(LimitState::holders).map(ask).collect();
        let waiters: BTreeSet<AskId> = limits().flat_map(LimitState::waiters).map(ask).collect();
        assert_eq!((has, waits), (holders, waiters), "places that are lost");
        limits().for_each(waits_for_nothing_free);
        for (id, limit) in &self.journal.limits {
            if let Some(memory) = self.driver.limit(id) {
                assert_eq!(memory, limit, "{id}: replayed");
            }
        }
    }
}

fn waits_for_nothing_free(limit: &LimitState) {
    let leaves = leaves(limit);
    let free = leaves.len() < limit.max as usize;
    for place in limit.waiters().filter(|place| !place.revoked) {
        let lent = place.ask.inside.iter().any(|ask| leaves.contains(ask));
        assert!(!free && !lent, "{}: {:?} waits for a place that is free", limit.id, place.ask);
    }
}

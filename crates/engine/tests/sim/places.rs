//! Places that runs share: what limits and runs say of them fits together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stead_core::ids::StreamId;
use stead_core::limit::{AskId, Event, LimitState};
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
        let held: BTreeMap<&AskId, &[AskId]> =
            limit.holders().map(|place| (&place.ask.id, &place.ask.inside[..])).collect();
        let leaf = |ask: &&AskId| !held.values().any(|inside| inside.contains(ask));
        let taken = held.keys().copied().filter(leaf).count();
        assert!(taken <= limit.max as usize, "{stream}: {taken} hold a place of {}: {held:?}", limit.max);
    }
}

impl World<'_> {
    /// Whoever takes itself for a holder is one; and where nothing is under way any more, those who hold a place or
    /// wait for one are those who say so.
    pub(crate) fn check_places(&self, idle: bool) {
        let (mut has, mut waits) = (BTreeSet::new(), BTreeSet::new());
        for mirror in self.journal.streams.values() {
            has.extend(mirror.state.places_held().into_iter().map(|(_, held)| held.ask));
            waits.extend(mirror.state.places_awaited().into_iter().map(|(_, held)| held.ask));
        }
        let limits = || self.journal.limits.values();
        let holders: BTreeSet<AskId> =
            limits().flat_map(LimitState::holders).map(|place| place.ask.id.clone()).collect();
        assert!(has.is_subset(&holders), "held by two: {has:?}, and the limit knows of {holders:?}");
        if idle {
            let waiters: BTreeSet<AskId> =
                limits().flat_map(LimitState::waiters).map(|place| place.ask.id.clone()).collect();
            assert_eq!((has, waits), (holders, waiters), "places that are lost");
        }
        for (id, limit) in &self.journal.limits {
            if let Some(memory) = self.driver.limit(id) {
                assert_eq!(memory, limit, "{id}: replayed");
            }
        }
    }
}

//! Who has a place and who waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::words::{Ask, AskId};
use crate::Time;
use crate::ids::StreamId;

/// Number of the format of snapshots. Raised with every change of what is stored.
pub const LIMIT_SNAPSHOT_FORMAT: u32 = 1;

/// All there is to know of a limit between two turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitState {
    /// The limit's id.
    pub id: StreamId,
    /// Whose runs share it.
    pub project: String,
    /// For what.
    pub key: String,
    /// How many places there are.
    pub max: u32,
    /// Number of the last event.
    pub seq: u64,
    /// Time of the last event; never goes back.
    pub at: Time,
    /// All who asked and have not left, by the number of the event: in the order of their coming.
    pub(super) places: BTreeMap<u64, Place>,
    /// Where each stands. This and what follows is derived.
    #[serde(skip)]
    pub(super) by_ask: HashMap<AskId, u64>,
    /// Those that have a place.
    #[serde(skip)]
    pub(super) holding: BTreeSet<u64>,
    /// How many of them are inside of each asking.
    #[serde(skip)]
    inner: HashMap<AskId, u32>,
    /// How many of them have none inside: so many places are taken.
    #[serde(skip)]
    pub(super) taken: usize,
    /// Those that wait and were not told to go.
    #[serde(skip)]
    pub(super) waiting: BTreeSet<u64>,
    /// Those of them that asked inside of others, by what they are inside of: those inside of the same are lent to
    /// alike, so that nobody looks at all of them when one gives back.
    #[serde(skip)]
    waiting_inside: BTreeMap<Vec<AskId>, BTreeSet<u64>>,
}

/// Somebody who has a place or waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Who.
    pub ask: Ask,
    /// When it asked.
    pub asked_at: Time,
    /// Since when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Time>,
    /// It was told to go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

impl LimitState {
    /// A limit of which nothing is known yet.
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            project: String::new(),
            key: String::new(),
            max: 1,
            seq: 0,
            at: 0,
            places: BTreeMap::new(),
            by_ask: HashMap::new(),
            holding: BTreeSet::new(),
            inner: HashMap::new(),
            taken: 0,
            waiting: BTreeSet::new(),
            waiting_inside: BTreeMap::new(),
        }
    }

    /// Whether anybody has a place or waits for one.
    pub fn in_use(&self) -> bool {
        !self.places.is_empty()
    }

    /// Whether anybody waits.
    pub fn has_waiting(&self) -> bool {
        self.places.len() > self.holding.len()
    }

    /// Those that have a place, the oldest asking first.
    pub fn holders(&self) -> impl Iterator<Item = &Place> {
        self.holding.iter().filter_map(|number| self.places.get(number))
    }

    /// Those that wait, in the order of their coming.
    pub fn waiters(&self) -> impl Iterator<Item = &Place> {
        self.places.values().filter(|place| place.held_since.is_none())
    }

    /// How many wait that came before; `None` for one that does not wait.
    pub fn before(&self, ask: &AskId) -> Option<usize> {
        let number = self.by_ask.get(ask).filter(|number| !self.holding.contains(number))?;
        Some(self.waiting.range(..number).count())
    }

    /// Who stands under a number.
    pub(super) fn find(&self, ask: &AskId) -> Option<&Place> {
        self.places.get(self.by_ask.get(ask)?)
    }

    /// Whether it has a place.
    pub fn holds(&self, ask: &AskId) -> bool {
        self.by_ask.get(ask).is_some_and(|number| self.holding.contains(number))
    }

    /// Whether somebody inside of these can use the place of one of them.
    pub(super) fn lends(&self, inside: &[AskId]) -> bool {
        inside.iter().any(|ask| self.holds(ask) && !self.inner.contains_key(ask))
    }

    /// The first who waits and can use the place of what is around it.
    pub(super) fn first_lent_to(&self) -> Option<u64> {
        let lends = |(inside, waiting): (&Vec<AskId>, &BTreeSet<u64>)| {
            waiting.first().copied().filter(|_| self.lends(inside))
        };
        self.waiting_inside.iter().filter_map(lends).min()
    }

    /// Books an event that happened at `at`.
    pub fn apply(&mut self, event: &Event, at: Time) {
        self.seq += 1;
        self.at = self.at.max(at);
        match event {
            Event::LimitOpened { project, key } => {
                self.project.clone_from(project);
                self.key.clone_from(key);
            }
            Event::PlacesChanged { max } => self.max = *max,
            Event::PlaceAsked { ask } => {
                let place = Place { ask: ask.clone(), asked_at: self.at, held_since: None, revoked: false };
                self.places.insert(self.seq, place);
                self.enter(self.seq);
            }
            Event::PlaceGranted { ask } => {
                let at = self.at;
                self.change(ask, |place| place.held_since = Some(at));
            }
            Event::PlaceRevoked { ask, .. } => self.change(ask, |place| place.revoked = true),
            Event::PlaceLeft { ask, .. } => {
                if let Some(number) = self.by_ask.get(ask).copied() {
                    self.leave(number);
                    self.places.remove(&number);
                }
            }
            Event::PlaceRefused { .. } => {}
        }
    }

    fn change(&mut self, ask: &AskId, change: impl FnOnce(&mut Place)) {
        let Some(number) = self.by_ask.get(ask).copied() else { return };
        self.leave(number);
        if let Some(place) = self.places.get_mut(&number) {
            change(place);
        }
        self.enter(number);
    }

    /// Puts a place into the lists that are derived.
    fn enter(&mut self, number: u64) {
        let Some(place) = self.places.get(&number) else { return };
        let (id, inside) = (place.ask.id.clone(), place.ask.inside.clone());
        let (held, revoked) = (place.held_since.is_some(), place.revoked);
        self.by_ask.insert(id.clone(), number);
        if !held {
            if !revoked {
                self.waiting.insert(number);
            }
            if !revoked && !inside.is_empty() {
                self.waiting_inside.entry(inside).or_default().insert(number);
            }
            return;
        }
        self.holding.insert(number);
        self.taken += usize::from(!self.inner.contains_key(&id));
        for around in inside {
            // The first one inside uses its place.
            if self.lends(std::slice::from_ref(&around)) {
                self.taken -= 1;
            }
            *self.inner.entry(around).or_default() += 1;
        }
    }

    fn leave(&mut self, number: u64) {
        let Some(place) = self.places.get(&number) else { return };
        let (id, inside) = (place.ask.id.clone(), place.ask.inside.clone());
        self.waiting.remove(&number);
        if let Some(alike) = self.waiting_inside.get_mut(&inside) {
            alike.remove(&number);
            if alike.is_empty() {
                self.waiting_inside.remove(&inside);
            }
        }
        if self.holding.remove(&number) {
            self.taken -= usize::from(!self.inner.contains_key(&id));
            for around in inside {
                if let Some(inner) = self.inner.get_mut(&around) {
                    *inner -= 1;
                    if *inner == 0 {
                        self.inner.remove(&around);
                    }
                }
                if self.lends(std::slice::from_ref(&around)) {
                    self.taken += 1;
                }
            }
        }
        self.by_ask.remove(&id);
    }

    /// The state as bytes.
    ///
    /// # Errors
    /// None that can be caused: the state is plain data.
    pub fn snapshot(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The state from bytes of [`LIMIT_SNAPSHOT_FORMAT`].
    ///
    /// # Errors
    /// When the bytes are no such snapshot.
    pub fn from_snapshot(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut state: Self = serde_json::from_slice(bytes)?;
        for number in state.places.keys().copied().collect::<Vec<_>>() {
            state.enter(number);
        }
        Ok(state)
    }
}

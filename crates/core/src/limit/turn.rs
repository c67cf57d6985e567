//! One input taken by a limit.

use std::collections::HashSet;

use super::event::{Event, Left};
use super::state::LimitState;
use super::words::{Ask, AskId, ToLimit, ToRun, WhenFull};
use crate::Time;
use crate::ids::StreamId;
use crate::limits;
use crate::message::Message;

/// What a limit can be given.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A message from a run.
    Message(Message),
    /// Go on where the last turn was full.
    Continue,
    /// These runs are not there any more, or have ended.
    Gone(Vec<StreamId>),
    /// Take back what a run has that cannot give it back.
    Free {
        /// The run.
        run: StreamId,
        /// Who wants it.
        by: String,
    },
}

/// What came of an input.
#[derive(Debug, Default)]
pub struct Turn {
    /// To the journal.
    pub events: Vec<Event>,
    /// To runs.
    pub messages: Vec<Message>,
    /// The turn was full: something is left to be done at once.
    pub more: bool,
    /// The input asked for something that cannot be: why. Nothing happened.
    pub refused: Option<&'static str>,
}

/// Takes one input. It needs nothing from outside.
pub fn turn(state: &mut LimitState, input: &Input, at: Time) -> Turn {
    let at = at.max(state.at);
    let mut desk = Desk { state, at, out: Turn::default() };
    match input {
        Input::Message(message) => match ToLimit::of(message) {
            Some(ToLimit::AskPlace { project, key, max, ask }) => desk.asked(project, key, max, ask),
            Some(ToLimit::GiveBack { ask }) => desk.gave_back(&ask),
            // Of a later version, or damaged: taken, so that it does not stop the stream.
            None => {}
        },
        Input::Continue => {}
        Input::Gone(runs) => desk.gone(runs, &Left::Lost),
        Input::Free { run, by } => {
            if desk.state.places.values().any(|place| place.ask.id.run == *run) {
                desk.gone(std::slice::from_ref(run), &Left::Freed(by.clone()));
            } else {
                desk.out.refused = Some("the run has no place here, and waits for none");
            }
        }
    }
    desk.grant_next();
    desk.out
}

struct Desk<'a> {
    state: &'a mut LimitState,
    at: Time,
    out: Turn,
}

impl Desk<'_> {
    fn emit(&mut self, event: Event) {
        self.state.apply(&event, self.at);
        self.out.events.push(event);
    }

    fn say(&mut self, to: &StreamId, said: &ToRun) {
        // Plain data with text keys always serialises.
        let body = serde_json::to_value(said).unwrap_or_default();
        let id = format!("{}:{}:{}", self.state.id, self.state.seq, self.out.messages.len());
        self.out.messages.push(Message { id, from: self.state.id.clone(), to: to.clone(), body });
    }

    fn is_full(&self) -> bool {
        self.out.events.len() >= limits::TURN_EVENTS
    }

    fn asked(&mut self, project: String, key: String, max: u32, ask: Ask) {
        if self.state.by_ask.contains_key(&ask.id) {
            // The same asking twice counts once.
            return;
        }
        if self.state.seq == 0 {
            self.emit(Event::LimitOpened { project, key });
        }
        if max != self.state.max {
            self.emit(Event::PlacesChanged { max });
            // More places are for those who came before.
            self.grant_next();
        }
        let waits = self.state.places.len() - self.state.holding.len();
        let free = self.state.lends(&ask.inside) || (self.is_free() && self.state.waiting.is_empty());
        if !free && ask.on_full == WhenFull::Refuse {
            let why = self.who_has_it(&ask);
            self.refuse(&ask, why);
        } else if !free && waits >= limits::PLACES_WAITED_FOR {
            self.refuse(&ask, format!("{waits} wait for a place already, which is the most"));
        } else {
            let (id, path) = (ask.id.clone(), ask.path.clone());
            let cancels = !free && ask.on_full == WhenFull::CancelOld;
            let inside = ask.inside.clone();
            self.emit(Event::PlaceAsked { ask });
            if free {
                self.grant(id, path);
            } else if cancels {
                self.revoke_one(&id, &inside);
            }
        }
    }

    fn refuse(&mut self, ask: &Ask, why: String) {
        self.emit(Event::PlaceRefused { ask: ask.id.clone() });
        let said = ToRun::PlaceRefused { path: ask.path.clone(), number: ask.id.number, why };
        self.say(&ask.id.run, &said);
    }

    /// For the message of a refusal: who has what was asked for.
    fn who_has_it(&self, ask: &Ask) -> String {
        let others = || self.state.holders().filter(|place| !ask.inside.contains(&place.ask.id));
        let first = others().next().map(|place| {
            let at =
                if place.ask.path.is_empty() { String::new() } else { format!(" at {}", place.ask.path) };
            format!("run {} of {}{at}", place.ask.id.run, place.ask.workflow)
        });
        let first = first.unwrap_or_else(|| "those who came before".to_owned());
        match others().count().saturating_sub(1) {
            0 => format!("{first} has it"),
            more => format!("{first} and {more} more have them"),
        }
    }

    fn grant(&mut self, ask: AskId, path: String) {
        let (run, number) = (ask.run.clone(), ask.number);
        self.emit(Event::PlaceGranted { ask });
        self.say(&run, &ToRun::PlaceGranted { path, number });
    }

    /// Tells the oldest to go: of those that have a place, else of those that wait for one. Each that cancels makes
    /// room for itself only.
    fn revoke_one(&mut self, by: &AskId, inside: &[AskId]) {
        let goes = |number: &&u64| {
            let place = &self.state.places[*number];
            let around = place.ask.inside.iter().any(|ask| !inside.contains(ask) && self.state.holds(ask));
            !place.revoked && !inside.contains(&place.ask.id) && !around
        };
        let waits = self.state.waiting.iter().find(|number| self.state.places[*number].ask.id != *by);
        let Some(number) = self.state.holding.iter().find(goes).or(waits).copied() else { return };
        let Ask { id, path, .. } = self.state.places[&number].ask.clone();
        let (run, number) = (id.run.clone(), id.number);
        self.emit(Event::PlaceRevoked { ask: id, by: by.run.clone() });
        self.say(&run, &ToRun::PlaceRevoked { path, number, by: by.run.clone() });
    }

    fn gave_back(&mut self, ask: &AskId) {
        let Some(place) = self.state.find(ask) else { return };
        let why = if place.held_since.is_some() { Left::GaveBack } else { Left::Withdrew };
        self.emit(Event::PlaceLeft { ask: ask.clone(), why });
    }

    fn gone(&mut self, runs: &[StreamId], why: &Left) {
        let runs: HashSet<&StreamId> = runs.iter().collect();
        let theirs = self.state.places.values().filter(|place| runs.contains(&place.ask.id.run));
        let theirs: Vec<AskId> = theirs.map(|place| place.ask.id.clone()).collect();
        for ask in theirs {
            if self.is_full() {
                self.out.more = true;
                return;
            }
            self.emit(Event::PlaceLeft { ask, why: why.clone() });
        }
    }

    /// Gives free places to those who wait: to those inside of a holder that can lend its own, to all in the order of
    /// their coming.
    fn grant_next(&mut self) {
        loop {
            let first = || self.state.waiting.first().copied().filter(|_| self.is_free());
            let Some(number) = self.state.first_lent_to().or_else(first) else { return };
            if self.is_full() {
                self.out.more = true;
                return;
            }
            let Ask { id, path, .. } = self.state.places[&number].ask.clone();
            self.grant(id, path);
        }
    }

    fn is_free(&self) -> bool {
        self.state.taken < self.state.max as usize
    }
}

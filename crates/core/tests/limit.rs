//! The stream of a limit by itself: whatever is asked and given back in whatever order, no more hold a place than
//! there are, nobody is forgotten, and the order of coming counts.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, HashSet};

use stead_core::ids::StreamId;
use stead_core::limit::{Ask, AskId, Event, Input, LimitState, Place, ToLimit, ToRun, Turn, WhenFull, turn};
use stead_core::limits;
use stead_core::message::Message;

fn ask_id(run: &str, number: u64) -> AskId {
    AskId { run: StreamId::new(run), number }
}

fn say(body: &ToLimit) -> Input {
    let body = serde_json::to_value(body).unwrap();
    let (id, from) = ("m".to_owned(), StreamId::new("r_x"));
    Input::Message(Message { id, from, to: limit_id(), body })
}

fn limit_id() -> StreamId {
    StreamId::limit("p", "k")
}

fn asks(id: &AskId, max: u32, on_full: WhenFull, inside: &[AskId]) -> Input {
    let ask =
        Ask { id: id.clone(), path: String::new(), workflow: "w".into(), on_full, inside: inside.to_vec() };
    say(&ToLimit::AskPlace { project: "p".into(), key: "k".into(), max, ask })
}

fn gives_back(id: &AskId) -> Input {
    say(&ToLimit::GiveBack { ask: id.clone() })
}

fn granted(turn: &Turn) -> Vec<String> {
    let said = turn.messages.iter().map(|message| (message.to.to_string(), ToRun::of(message).unwrap()));
    said.filter(|(_, said)| matches!(said, ToRun::PlaceGranted { .. })).map(|(to, _)| to).collect()
}

/// Chance by a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// One who asked and has not left.
struct Asker {
    id: AskId,
    inside: Vec<AskId>,
    held: bool,
}

#[test]
fn p11_whatever_happens_no_more_hold_a_place_than_there_are_and_nobody_is_forgotten() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let max = 1 + chance.below(3) as u32;
        let cancels = seed % 3 == 0;
        let mut state = LimitState::new(limit_id());
        let mut open: Vec<Asker> = Vec::new();
        let mut next = 0;
        for step in 0..200 {
            // It goes down to nobody at the end.
            let asking = step < 150 && chance.below(2) == 0;
            let input = if asking {
                next += 1;
                let id = ask_id(&format!("r_{next}"), next);
                // Inside of a holder, and of whatever that is inside of.
                let holders: Vec<&Asker> = open.iter().filter(|asker| asker.held).collect();
                let inside = match holders.is_empty() || chance.below(3) > 0 {
                    true => Vec::new(),
                    false => {
                        let around = holders[chance.below(holders.len())];
                        [around.inside.clone(), vec![around.id.clone()]].concat()
                    }
                };
                let on_full = match chance.below(4) {
                    0 => WhenFull::Refuse,
                    1 if cancels => WhenFull::CancelOld,
                    _ => WhenFull::Queue,
                };
                open.push(Asker { id: id.clone(), inside: inside.clone(), held: false });
                asks(&id, max, on_full, &inside)
            } else {
                // Whoever has nothing inside of it any more gives back, or withdraws.
                let leaves = |asker: &&Asker| !open.iter().any(|other| other.inside.contains(&asker.id));
                let mut leaves: Vec<AskId> = open.iter().filter(leaves).map(|a| a.id.clone()).collect();
                if leaves.is_empty() {
                    continue;
                }
                let id = leaves.swap_remove(chance.below(leaves.len()));
                open.retain(|asker| asker.id != id);
                gives_back(&id)
            };
            let before: Vec<AskId> = open.iter().filter(|a| !a.held).map(|a| a.id.clone()).collect();
            let out = turn(&mut state, &input, step);
            for message in &out.messages {
                let at = open.iter().position(|asker| asker.id.run == message.to).unwrap();
                match ToRun::of(message).unwrap() {
                    ToRun::PlaceGranted { number, .. } => {
                        assert_eq!(open[at].id.number, number);
                        assert!(!std::mem::replace(&mut open[at].held, true), "seed {seed}: granted twice");
                    }
                    ToRun::PlaceRefused { .. } => drop(open.remove(at)),
                    // It leaves in its own time.
                    ToRun::PlaceRevoked { .. } => {}
                }
            }
            check(seed, &state, &open, max, cancels, &before);
        }
        for asker in std::mem::take(&mut open) {
            turn(&mut state, &gives_back(&asker.id), 1_000);
        }
        assert!(!state.in_use(), "seed {seed}");
    }
}

fn check(seed: u64, state: &LimitState, open: &[Asker], max: u32, cancels: bool, before: &[AskId]) {
    let held: HashMap<&AskId, &Asker> = open.iter().filter(|a| a.held).map(|a| (&a.id, a)).collect();
    let known: HashSet<&AskId> = state.holders().map(|place| &place.ask.id).collect();
    assert_eq!(known, held.keys().copied().collect::<HashSet<_>>(), "seed {seed}: both sides know the same");
    assert_eq!(state.waiters().count(), open.len() - held.len(), "seed {seed}: nobody is forgotten");
    // Those with nothing inside of them that holds a place too are no more than there are places.
    let leaf = |asker: &&&Asker| !held.values().any(|other| other.inside.contains(&asker.id));
    let taken = held.values().filter(leaf).count();
    assert!(taken <= max as usize, "seed {seed}: too many hold a place");
    let lent = |place: &Place| place.ask.inside.iter().any(|id| held.get(id).is_some_and(|a| leaf(&a)));
    assert!(
        !state.waiters().filter(|place| !place.revoked).any(lent),
        "seed {seed}: waits for what is around it"
    );
    if cancels {
        return;
    }
    assert!(taken == max as usize || state.waiters().count() == 0, "seed {seed}: a place lies idle");
    // Of those from outside the first who came is the first who is granted.
    let plain = |id: &&AskId| open.iter().any(|a| a.id == **id && a.inside.is_empty());
    let still: Vec<usize> = (0..)
        .zip(before.iter().filter(plain))
        .filter(|(_, id)| held.contains_key(id))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(still, (0..still.len()).collect::<Vec<_>>(), "seed {seed}: first come, first served");
}

#[test]
fn a_turn_is_bounded_and_the_rest_follows() {
    let mut state = LimitState::new(limit_id());
    for n in 0..2_000 {
        turn(&mut state, &asks(&ask_id(&format!("r_{n}"), n), 1, WhenFull::Queue, &[]), 0);
    }
    let mut out = turn(&mut state, &asks(&ask_id("r_more", 1), 5_000, WhenFull::Queue, &[]), 0);
    let mut all = granted(&out).len();
    assert!(out.more && out.events.len() <= limits::TURN_EVENTS + 2);
    while out.more {
        out = turn(&mut state, &Input::Continue, 0);
        assert!(out.events.len() <= limits::TURN_EVENTS);
        all += granted(&out).len();
    }
    assert_eq!(all, 2_000);
    assert_eq!((state.holders().count(), state.has_waiting()), (2_001, false));
    // Those of runs that are gone as well.
    let gone: Vec<StreamId> = (0..2_000).map(|n| StreamId::new(&format!("r_{n}"))).collect();
    let out = turn(&mut state, &Input::Gone(gone.clone()), 0);
    assert!(out.more && out.events.len() == limits::TURN_EVENTS);
    while turn(&mut state, &Input::Gone(gone.clone()), 0).more {}
    assert_eq!(state.holders().count(), 1);
}

#[test]
fn p11_so_many_may_wait_and_the_next_is_refused() {
    let mut state = LimitState::new(limit_id());
    for n in 0..=limits::PLACES_WAITED_FOR as u64 {
        turn(&mut state, &asks(&ask_id("r_many", n), 1, WhenFull::Queue, &[]), 0);
    }
    assert_eq!(state.waiters().count(), limits::PLACES_WAITED_FOR);
    let out = turn(&mut state, &asks(&ask_id("r_next", 1), 1, WhenFull::Queue, &[]), 0);
    assert!(matches!(out.events[..], [Event::PlaceRefused { .. }]));
    let ToRun::PlaceRefused { why, .. } = ToRun::of(&out.messages[0]).unwrap() else { panic!("{out:?}") };
    assert_eq!(why, "100000 wait for a place already, which is the most");
}

#[test]
fn only_one_who_asked_can_be_freed_by_hand() {
    let mut state = LimitState::new(limit_id());
    turn(&mut state, &asks(&ask_id("r_a", 1), 1, WhenFull::Queue, &[]), 0);
    turn(&mut state, &asks(&ask_id("r_b", 1), 1, WhenFull::Queue, &[]), 0);
    let free = |run: &str| Input::Free { run: StreamId::new(run), by: "user:ana".into() };
    assert!(turn(&mut state, &free("r_c"), 0).refused.is_some());
    let out = turn(&mut state, &free("r_a"), 0);
    assert_eq!((out.refused, granted(&out)), (None, vec!["r_b".to_owned()]));
    // What it says later is of no account.
    assert!(turn(&mut state, &gives_back(&ask_id("r_a", 1)), 0).events.is_empty());
}

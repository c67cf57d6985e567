//! Lists of runs as they were told: what somebody has looked at is acted on, and nothing that came since.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stead_core::ids::StreamId;

use crate::limits;

/// Those that are kept, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct Snapshots(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    token: String,
    /// Whom it was told: it is nobody else's.
    who: String,
    until: Instant,
    runs: Vec<StreamId>,
}

impl Snapshots {
    /// Keeps a list under a name drawn by chance.
    pub(crate) fn keep(&self, token: String, who: String, runs: Vec<StreamId>, time: Duration) {
        // A list, whole after every step.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|kept| kept.until > now);
        // Who asks for many loses their own first.
        let own = all.iter().filter(|kept| kept.who == who).count();
        if own >= limits::SNAPSHOTS_EACH
            && let Some(at) = all.iter().position(|kept| kept.who == who)
        {
            all.remove(at);
        } else if all.len() >= limits::SNAPSHOTS {
            all.pop_front();
        }
        all.push_back(Kept { token, who, until: now + time, runs });
    }

    /// A list that somebody was told.
    pub(crate) fn get(&self, token: &str, who: &str) -> Option<Vec<StreamId>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let found = all.iter().find(|kept| kept.token == token && kept.who == who && kept.until > now);
        found.map(|kept| kept.runs.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_lists_that_are_kept_are_bounded_in_number_and_time() {
        let all = Snapshots::default();
        let run = |n: usize| vec![StreamId::new(&format!("r_{n}"))];
        let keep = |n: usize, who: &str, time| all.keep(n.to_string(), who.to_owned(), run(n), time);
        let (long, none) = (limits::SNAPSHOT_TIME, Duration::ZERO);
        keep(0, "user:ana", none);
        assert_eq!(all.get("0", "user:ana"), None, "its time is over");
        keep(1, "user:bo", long);
        for n in 2..=limits::SNAPSHOTS_EACH + 2 {
            keep(n, "user:ana", long);
        }
        assert_eq!(all.get("2", "user:ana"), None, "the oldest makes room");
        assert_eq!(all.get("3", "user:ana"), Some(run(3)));
        assert_eq!(all.get("1", "user:bo"), Some(run(1)), "not another's");
        assert_eq!(all.get("3", "user:bo"), None);
        for n in 0..limits::SNAPSHOTS {
            keep(1_000 + n, &format!("user:{n}"), long);
        }
        assert_eq!((all.get("1", "user:bo"), all.0.lock().unwrap().len()), (None, limits::SNAPSHOTS));
    }
}

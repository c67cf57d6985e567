//! How far the journal is written: what those who follow it from another process wait for.
//!
//! Nothing is queued for anybody. Who was told that there is more reads it from the store, at its own pace.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stead_store::Position;

/// How far the journal is written.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The position before the first one told of, and the newest.
    told: Option<(Position, Position)>,
    closed: bool,
    waiting: usize,
}

/// What waiting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum More {
    /// There is more behind this position.
    Behind(Position),
    /// Nothing new in the time.
    Nothing,
    /// Nothing new, and nothing will come.
    Over,
}

impl Feed {
    /// All up to here is durable; `first` is the first position of what was just written.
    pub(crate) fn advance(&self, first: Position, newest: Position) {
        let mut state = self.lock();
        let before = state.told.map_or_else(|| first.saturating_sub(1), |(before, _)| before);
        state.told = Some((before, newest));
        // Telling costs a system call even where nobody listens.
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Nothing more will be written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The newest position; `None` before anything was written by this engine.
    pub(crate) fn newest(&self) -> Option<Position> {
        self.lock().told.map(|(_, newest)| newest)
    }

    /// Waits until there is more than somebody has. One who has nothing gets what is written from now on, when
    /// nothing was before.
    pub(crate) fn wait(&self, has: Option<Position>, at_most: Duration) -> More {
        let mut state = self.lock();
        state.waiting += 1;
        let mut timed_out = false;
        let more = loop {
            match state.told {
                Some((before, newest)) if newest > has.unwrap_or(before) => {
                    break More::Behind(has.unwrap_or(before));
                }
                _ if state.closed => break More::Over,
                _ if timed_out => break More::Nothing,
                _ => {}
            }
            let waited = self.changed.wait_timeout(state, at_most);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            (state, timed_out) = (woken, timeout.timed_out());
        };
        state.waiting -= 1;
        more
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Three numbers and two flags, whole after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn who_has_less_is_told_and_who_has_all_waits() {
        let feed = Feed::default();
        assert_eq!(feed.wait(None, SHORT), More::Nothing);
        assert_eq!(feed.wait(Some(3), SHORT), More::Nothing);
        feed.advance(8, 9);
        assert_eq!(feed.wait(None, LONG), More::Behind(7), "from the first that this engine wrote");
        assert_eq!(feed.wait(Some(3), LONG), More::Behind(3));
        assert_eq!(feed.wait(Some(9), SHORT), More::Nothing);
        feed.close();
        assert_eq!(feed.wait(Some(8), LONG), More::Behind(8), "what was written is told to the end");
        assert_eq!(feed.wait(Some(9), LONG), More::Over);
    }

    #[test]
    fn one_who_waits_is_woken() {
        let feed = Arc::new(Feed::default());
        let waits = feed.clone();
        let thread = std::thread::spawn(move || waits.wait(None, LONG));
        while feed.lock().waiting == 0 {
            std::thread::yield_now();
        }
        feed.advance(1, 1);
        assert_eq!(thread.join().unwrap(), More::Behind(0));
    }
}

//! A store that fails in the middle, for tests and the simulator.
//!
//! Each part of a commit crosses a named [`Point`]. [`Faults`] counts the crossings and makes one of them
//! fail. A store without it pays one comparison per part.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// A place in a commit where it can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// Before a journal row is written.
    Journal,
    /// Before a head or a due time is written.
    Head,
    /// Before a message is taken out of an inbox.
    Taken,
    /// Before a message is put into an inbox.
    Message,
    /// Before the row of a task is written.
    Task,
    /// Before a job is written.
    Job,
    /// All is written, nothing is durable.
    BeforeCommit,
    /// All is durable, the caller has not heard of it.
    AfterCommit,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "journal",
            Self::Head => "head",
            Self::Taken => "taken",
            Self::Message => "message",
            Self::Task => "task",
            Self::Job => "job",
            Self::BeforeCommit => "before commit",
            Self::AfterCommit => "after commit",
        })
    }
}

#[derive(Debug, Default)]
struct Plan {
    crossed: u64,
    fail_at: Option<u64>,
    fail_point: Option<(Point, u64)>,
}

/// Counts crossings and makes one fail. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    /// Nothing fails.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `nth` crossing from now on fails, whichever point it is; 1 is the next.
    pub fn fail_at(&self, nth: u64) {
        self.plan().fail_at = Some(nth);
    }

    /// The `nth` crossing of this point from now on fails; 1 is the next.
    pub fn fail_at_point(&self, point: Point, nth: u64) {
        self.plan().fail_point = Some((point, nth));
    }

    /// Nothing fails from now on.
    pub fn clear(&self) {
        let mut plan = self.plan();
        plan.fail_at = None;
        plan.fail_point = None;
    }

    /// How many points were crossed in all.
    pub fn crossed(&self) -> u64 {
        self.plan().crossed
    }

    pub(crate) fn cross(&self, point: Point) -> Result<(), StoreError> {
        let mut plan = self.plan();
        plan.crossed += 1;
        let mut hit = false;
        if let Some(left) = &mut plan.fail_at {
            *left = left.saturating_sub(1);
            hit = *left == 0;
        }
        if let Some((wanted, left)) = &mut plan.fail_point
            && *wanted == point
        {
            *left = left.saturating_sub(1);
            hit |= *left == 0;
        }
        if hit {
            plan.fail_at = None;
            plan.fail_point = None;
            return Err(StoreError::Injected { point });
        }
        Ok(())
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        // A panic elsewhere leaves two counters, nothing that could be half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Crosses a point where faults may be planned.
pub(crate) fn cross(faults: Option<&Faults>, point: Point) -> Result<(), StoreError> {
    faults.map_or(Ok(()), |faults| faults.cross(point))
}

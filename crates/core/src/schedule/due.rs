//! Which instants are due.

use stead_lang::cron::{Cron, Zone};
use stead_lang::plan::TriggerOn;

use super::words::{Next, Spec};
use crate::Time;
use crate::ids::StreamId;
use crate::limits;

/// The rule of a schedule, ready to reckon with.
pub(super) struct Rule {
    cron: Cron,
    zone: Zone,
    jitter: u64,
    schedule: StreamId,
}

/// Instants whose time has come.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// The first of those that are not listed, the last, and how many.
    pub(super) lost: Option<(Time, Time, u64)>,
    /// More were lost than are counted.
    pub(super) more: bool,
    /// The newest that are late, the oldest first.
    pub(super) late: Vec<Time>,
    /// Those that are in time.
    pub(super) now: Vec<Time>,
    /// What comes next.
    pub(super) next: Option<Next>,
}

/// Spans in which the newest instants are looked for, in milliseconds: of each rule some hundreds are in one of them,
/// and few thousands at most.
const SPANS: [i64; 4] = [3_600_000, 86_400_000, 31 * 86_400_000, 366 * 86_400_000];

impl Rule {
    /// `None` for one by requests, and for what this release does not understand any more.
    pub(super) fn of(spec: &Spec, schedule: &StreamId) -> Option<Self> {
        let TriggerOn::Time { cron, zone, jitter, .. } = &spec.on else { return None };
        let (cron, zone) = (Cron::parse(cron).ok()?, Zone::named(zone).ok()?);
        Some(Self { cron, zone, jitter: *jitter, schedule: schedule.clone() })
    }

    /// The next instant behind one.
    pub(super) fn after(&self, instant: Time) -> Option<Next> {
        self.cron.next(&self.zone, instant).map(|next| self.spread(next.at))
    }

    /// How a clock of the zone shows an instant.
    pub(super) fn show(&self, instant: Time) -> String {
        self.zone.show(instant)
    }

    /// Derived from schedule and instant: whoever reckons again comes to the same.
    fn spread(&self, instant: Time) -> Next {
        if self.jitter == 0 {
            return Next { instant, due: instant };
        }
        let hash = blake3::hash(format!("{}\n{instant}\njitter", self.schedule).as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        let by = u64::from_le_bytes(first) % (self.jitter + 1);
        Next { instant, due: instant.saturating_add_unsigned(by) }
    }

    /// All instants from the next one on whose time has come at `at`.
    pub(super) fn due(&self, next: Next, at: Time) -> Due {
        let mut due = Due { next: Some(next), ..Due::default() };
        if next.due > at {
            return due;
        }
        let most = limits::MISSED_STARTED;
        let mut from = next;
        for span in SPANS {
            let begin = at - span;
            if begin <= next.instant {
                break;
            }
            let Some(first) = self.after(begin) else { continue };
            let enough =
                (0..most).try_fold(first, |at, _| self.after(at.instant)).is_some_and(|last| last.due <= at);
            if enough {
                due.lost = Some((next.instant, next.instant, 1));
                due.more = true;
                from = first;
                break;
            }
        }
        let mut at_next = Some(from);
        while let Some(one) = at_next.filter(|one| one.due <= at) {
            if at - one.due <= limits::SCHEDULE_LATE {
                due.now.push(one.instant);
            } else {
                due.late.push(one.instant);
            }
            at_next = self.after(one.instant);
        }
        due.next = at_next;
        due.lose(due.late.len().saturating_sub(most));
        due
    }

    /// The instants from one on and before another; one more than may be asked for, where there are too many.
    pub(super) fn between(&self, from: Time, to: Time) -> Vec<Time> {
        let mut found = Vec::new();
        let mut at = from.saturating_sub(1);
        while let Some(next) = self.cron.next(&self.zone, at).filter(|next| next.at < to) {
            found.push(next.at);
            at = next.at;
            if found.len() > limits::BACKFILL {
                break;
            }
        }
        found
    }
}

impl Due {
    /// The first so many late ones do not count.
    pub(super) fn lose(&mut self, count: usize) {
        for instant in self.late.drain(..count) {
            let (first, _, known) = self.lost.unwrap_or((instant, instant, 0));
            self.lost = Some((first, instant, known + 1));
        }
    }
}

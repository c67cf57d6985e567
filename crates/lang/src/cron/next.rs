//! Which instant comes next.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Cron, Zone};

const DAY: i64 = 86_400;
/// Behind so many days nothing comes that has not come before: leap days are at most eight years apart.
const HORIZON: i64 = 9 * 366;

/// An instant of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// In milliseconds since 1970.
    pub at: i64,
    /// The clock jumped over the time of the rule, and this is right after the jump.
    pub moved: bool,
}

impl Cron {
    /// The first instant behind one, in milliseconds since 1970. `None`: none within nine years, or in what can be
    /// reckoned with.
    pub fn next(&self, zone: &Zone, after: i64) -> Option<Instant> {
        let mut at = Timestamp::from_millisecond(after).ok()?;
        // Whether this period begins behind `after`, so that what the jump at its beginning left out counts.
        let mut entered = false;
        let last = after.checked_add(HORIZON * DAY * 1_000)?;
        while at.as_millisecond() <= last {
            let period = zone.period(at)?;
            let (offset, before) = (i64::from(period.offset), i64::from(period.before));
            let mut from = at.as_second() + offset;
            if let Some(begin) = period.begin.filter(|_| !self.every_hour) {
                let (was, is) = (begin.as_second() + before, begin.as_second() + offset);
                if entered && was < is && self.first(was, is).is_some() {
                    return Some(Instant { at: begin.as_millisecond(), moved: true });
                }
                // What the clock shows a second time came the first time.
                from = from.max(was);
            }
            let end = period.end.map_or(i64::MAX, |end| end.as_second() + offset);
            let most = end.min(from.saturating_add(HORIZON * DAY));
            while let Some(local) = self.first(from, most) {
                let found = (local - offset).checked_mul(1_000)?;
                if found > after {
                    return Some(Instant { at: found, moved: false });
                }
                from = local + 1;
            }
            at = period.end?;
            entered = true;
        }
        None
    }

    /// The next instants, at most so many.
    pub fn following(&self, zone: &Zone, after: i64, count: usize) -> Vec<Instant> {
        let mut found = Vec::new();
        let mut from = after;
        while found.len() < count
            && let Some(next) = self.next(zone, from)
        {
            from = next.at;
            found.push(next);
        }
        found
    }

    /// The first time on the clock from one on and before another, in seconds since 1970 as if there were no zones.
    fn first(&self, from: i64, until: i64) -> Option<i64> {
        // Up to the next whole minute.
        let from = from.checked_add(59)?.div_euclid(60) * 60;
        let mut day = from.div_euclid(DAY);
        let mut minute = from.rem_euclid(DAY) / 60;
        let mut date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).ok()?).ok()?;
        while day * DAY < until {
            if self.takes(date)
                && let Some(found) = self.minute_from(minute)
            {
                let local = day * DAY + found * 60;
                return (local < until).then_some(local);
            }
            (day, minute) = (day + 1, 0);
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn takes(&self, date: Date) -> bool {
        let weekday = self.weekdays & 1 << date.weekday().to_sunday_zero_offset() != 0;
        let day = self.days & 1 << date.day() != 0;
        let month = self.months & 1 << date.month() != 0;
        // As cron has it: where both say which days, each of them is enough.
        let fits = if self.any_day || self.any_weekday { day && weekday } else { day || weekday };
        month && fits
    }

    /// The first minute of a day from one on.
    fn minute_from(&self, minute: i64) -> Option<i64> {
        let (mut hour, mut minute) = (minute / 60, minute % 60);
        while hour < 24 {
            if self.hours & 1 << hour != 0 {
                let rest = self.minutes >> minute;
                if rest != 0 {
                    return Some(hour * 60 + minute + i64::from(rest.trailing_zeros()));
                }
            }
            (hour, minute) = (hour + 1, 0);
        }
        None
    }
}

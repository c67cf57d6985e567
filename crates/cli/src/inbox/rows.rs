//! The rows of the list: a part of an inbox of any length, read page by page and again while it is looked at.

use stead_core::ids::StreamId;
use stead_engine::tasks::TaskRow;

use crate::limits;

/// What is known of the inbox.
#[derive(Debug, Default)]
pub struct Rows {
    /// In the order of their coming.
    pub all: Vec<TaskRow>,
    /// The last is the last of the inbox.
    pub whole: bool,
    /// A page is being read: behind this row, and with this one.
    asked: Option<Option<StreamId>>,
    /// Counts the readings, so that a long list is read at its end every other time.
    readings: usize,
}

impl Rows {
    /// Where a task stands.
    pub fn at(&self, task: &StreamId) -> Option<usize> {
        self.all.iter().position(|row| row.task == *task)
    }

    /// A page to be read, where none is: what is looked at, from `top` on, or every other time the end.
    pub fn again(&mut self, top: usize) -> Option<Option<StreamId>> {
        if self.asked.is_some() {
            return None;
        }
        self.readings += 1;
        let long = self.all.len() > limits::INBOX_PAGE;
        let behind = match long && self.whole && self.readings.is_multiple_of(2) {
            true => self.all.len().checked_sub(2),
            false => top.checked_sub(limits::INBOX_PAGE / 4),
        };
        self.ask(behind.map(|at| self.all[at.min(self.all.len() - 1)].task.clone()))
    }

    /// The next page, where somebody comes near the end of what was read.
    pub fn further(&mut self, at: usize) -> Option<Option<StreamId>> {
        let near = at + limits::INBOX_PAGE / 4 >= self.all.len();
        if self.whole || self.asked.is_some() || !near {
            return None;
        }
        self.ask(self.all.last().map(|row| row.task.clone()))
    }

    fn ask(&mut self, behind: Option<StreamId>) -> Option<Option<StreamId>> {
        self.asked = Some(behind.clone());
        Some(behind)
    }

    /// Nothing was read.
    pub fn failed(&mut self) {
        self.asked = None;
    }

    /// Takes a page in. Rows that are not there any more are dropped, but for those that are to stay; which of these
    /// have gone.
    pub fn read(
        &mut self,
        behind: Option<&StreamId>,
        page: Vec<TaskRow>,
        stay: &[StreamId],
    ) -> Vec<StreamId> {
        self.asked = None;
        let start = match behind {
            None => 0,
            Some(behind) => match self.at(behind) {
                Some(at) => at + 1,
                // It was dropped meanwhile: another page comes.
                None => return Vec::new(),
            },
        };
        let ends = page.len() < limits::INBOX_PAGE;
        let known = page.last().and_then(|last| self.at(&last.task));
        let end = match known {
            Some(at) if !ends => at + 1,
            _ => self.all.len(),
        };
        let end = end.max(start);
        self.whole = if known.is_some() && !ends { self.whole } else { ends };
        let old: Vec<TaskRow> = self.all.splice(start..end, page).collect();
        let mut gone = Vec::new();
        let mut before = start.checked_sub(1).map(|at| self.all[at].task.clone());
        for row in old {
            let task = row.task.clone();
            if self.at(&task).is_none() {
                if !stay.contains(&task) {
                    continue;
                }
                let place = before.as_ref().and_then(|before| self.at(before)).map_or(0, |at| at + 1);
                self.all.insert(place, row);
                gone.push(task.clone());
            }
            before = Some(task);
        }
        gone
    }
}

#[cfg(test)]
pub(super) mod tests {
    use stead_core::task::{Origin, Part, TaskHead, TaskKind, TaskStatus};

    use super::*;

    /// A row of a number.
    pub(crate) fn row(number: usize) -> TaskRow {
        let run = StreamId::new(&format!("r_{number:016}"));
        TaskRow {
            task: StreamId::new(&format!("t_{number:016}")),
            head: TaskHead {
                origin: Origin {
                    run: run.clone(),
                    top: run,
                    path: "ship".into(),
                    number: 1,
                    workflow: "fix-issue".into(),
                    project: String::new(),
                },
                kind: TaskKind::Gate,
                title: format!("Ship number {number}?"),
                status: TaskStatus::Open,
                ended: None,
                opened_at: 0,
                ended_at: None,
                due_at: None,
                to: vec!["role:approver".into()],
                not: Vec::new(),
                claimed: None,
                part: Part { accepts: 0, quorum: 1, rejects: 0, most: 1 },
                acted: Vec::new(),
            },
            draft_at: None,
        }
    }

    fn page(store: &[usize], behind: Option<&StreamId>) -> Vec<TaskRow> {
        let all = store.iter().map(|number| row(*number));
        let rest = all.skip_while(|row| behind.is_some_and(|behind| row.task <= *behind));
        rest.take(limits::INBOX_PAGE).collect()
    }

    fn numbers(rows: &Rows) -> Vec<usize> {
        rows.all.iter().map(|row| row.task.as_str()[2..].parse().unwrap()).collect()
    }

    fn take(rows: &mut Rows, store: &[usize], behind: Option<Option<StreamId>>, stay: &[usize]) -> usize {
        let Some(behind) = behind else { return 0 };
        let stay: Vec<StreamId> = stay.iter().map(|number| row(*number).task).collect();
        rows.read(behind.as_ref(), page(store, behind.as_ref()), &stay).len()
    }

    #[test]
    fn a_long_inbox_is_read_by_pages() {
        let store: Vec<usize> = (1..=10_000).collect();
        let mut rows = Rows::default();
        let first = rows.again(0);
        assert_eq!(rows.again(0), None, "one at a time");
        take(&mut rows, &store, first, &[]);
        assert_eq!((rows.all.len(), rows.whole), (200, false));
        assert_eq!(rows.further(100), None);
        let next = rows.further(150);
        take(&mut rows, &store, next, &[]);
        assert_eq!((rows.all.len(), rows.whole), (400, false));
        while let Some(next) = rows.further(rows.all.len()) {
            take(&mut rows, &store, Some(next), &[]);
        }
        assert_eq!(numbers(&rows), store);
        // In the middle only what is looked at is read again, and every other time whether something new has come.
        let store: Vec<usize> = store.into_iter().filter(|number| *number != 5_001).chain([10_001]).collect();
        for _ in 0..2 {
            let again = rows.again(5_000);
            take(&mut rows, &store, again, &[]);
        }
        assert_eq!(numbers(&rows), store);
        assert!(rows.whole);
    }

    #[test]
    fn what_is_gone_is_dropped_unless_it_is_looked_at() {
        let mut rows = Rows::default();
        let first = rows.again(0);
        take(&mut rows, &[1, 2, 3, 4, 5], first, &[]);
        assert!(rows.whole);
        let again = rows.again(0);
        assert_eq!(take(&mut rows, &[2, 5, 6], again, &[3]), 1);
        assert_eq!(numbers(&rows), [2, 3, 5, 6]);
        let again = rows.again(0);
        assert_eq!(take(&mut rows, &[], again, &[]), 0);
        assert!(rows.all.is_empty());
    }
}

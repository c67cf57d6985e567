//! Jobs in memory.

use stead_core::Time;

use crate::fault::{Point, cross};
use crate::jobs::{JobFilter, JobReader, JobRow, JobState, Jobs};
use crate::memory::MemoryStore;
use crate::{StoreError, limits};

impl JobReader for MemoryStore {
    fn job(&mut self, id: &str) -> Result<Option<JobRow>, StoreError> {
        Ok(self.with_jobs(|jobs| jobs.get(id).cloned()))
    }

    fn job_rows(&mut self, filter: &JobFilter) -> Result<Vec<JobRow>, StoreError> {
        Ok(self.with_jobs(|jobs| {
            let place = |row: &JobRow| (row.at, row.job.id.clone());
            let behind = filter.after.as_ref().map(|id| jobs.get(id).map(place));
            let fits = |row: &&JobRow| {
                row.job.kind == filter.kind
                    && filter.state.is_none_or(|state| state == row.state)
                    && behind.as_ref().is_none_or(|behind| behind.as_ref().is_some_and(|b| place(row) < *b))
            };
            let mut found: Vec<JobRow> = jobs.values().filter(fits).cloned().collect();
            found.sort_by_key(|row| std::cmp::Reverse(place(row)));
            found.truncate(filter.limit);
            found
        }))
    }

    fn job_targets(&mut self, kind: &str) -> Result<Vec<(String, Time)>, StoreError> {
        Ok(self.with_jobs(|jobs| {
            let mut targets = std::collections::BTreeMap::<String, Time>::new();
            for row in jobs.values().filter(|row| row.job.kind == kind && row.state == JobState::Waiting) {
                let due = targets.entry(row.job.target.clone()).or_insert(row.due);
                *due = row.due.min(*due);
            }
            targets.into_iter().collect()
        }))
    }

    fn next_job(&mut self, kind: &str, target: &str, at: Time) -> Result<Option<JobRow>, StoreError> {
        Ok(self.with_jobs(|jobs| {
            let fits = |row: &&JobRow| {
                (row.job.kind.as_str(), row.job.target.as_str()) == (kind, target)
                    && row.state == JobState::Waiting
                    && row.due <= at
            };
            jobs.values().filter(fits).min_by_key(|row| (row.due, row.at, row.job.id.clone())).cloned()
        }))
    }

    fn jobs_waiting(&mut self, kind: &str, at_most: usize) -> Result<u64, StoreError> {
        Ok(self.with_jobs(|jobs| {
            let fits = |row: &&JobRow| row.job.kind == kind && row.state == JobState::Waiting;
            jobs.values().filter(fits).take(at_most).count() as u64
        }))
    }

    fn job_counts(&mut self, kind: &str) -> Result<[(JobState, u64); 3], StoreError> {
        Ok(self.with_jobs(|jobs| {
            JobState::ALL.map(|state| {
                let fits = |row: &&JobRow| row.job.kind == kind && row.state == state;
                (state, jobs.values().filter(fits).count() as u64)
            })
        }))
    }
}

impl Jobs for MemoryStore {
    fn settle_job(&mut self, row: &JobRow) -> Result<(), StoreError> {
        cross(self.faults(), Point::BeforeCommit)?;
        self.with_jobs(|jobs| {
            let Some(known) = jobs.get_mut(&row.job.id).filter(|known| known.state == JobState::Waiting)
            else {
                return;
            };
            *known = row.clone();
            let same = |other: &&JobRow| other.job.kind == row.job.kind && other.state == row.state;
            let mut over: Vec<(Time, String)> =
                jobs.values().filter(same).map(|row| (row.at, row.job.id.clone())).collect();
            over.sort();
            if row.state != JobState::Waiting && over.len() > limits::JOBS_OVER {
                for (_, id) in &over[..over.len() - limits::JOBS_OVER] {
                    jobs.remove(id);
                }
            }
        });
        cross(self.faults(), Point::AfterCommit)
    }

    fn retry_job(&mut self, id: &str, at: Time) -> Result<bool, StoreError> {
        cross(self.faults(), Point::BeforeCommit)?;
        let found = self.with_jobs(|jobs| {
            let Some(row) = jobs.get_mut(id).filter(|row| row.state == JobState::Failed) else {
                return false;
            };
            (row.state, row.due, row.tries, row.at, row.ended_at) = (JobState::Waiting, at, 0, at, None);
            true
        });
        cross(self.faults(), Point::AfterCommit)?;
        Ok(found)
    }
}

//! Jobs in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use stead_core::Time;
use stead_core::ids::StreamId;

use super::error::At;
use super::read::bound;
use super::tx::Tx;
use super::{SqliteReader, SqliteStore};
use crate::fault::{Point, cross};
use crate::jobs::{JobFilter, JobReader, JobRow, JobState, Jobs};
use crate::{Job, StoreError, limits};

const COLUMNS: &str = "id, stream, kind, target, body, state, at, due, tries, ended, error, done";

fn row_from(row: &SqlRow<'_>) -> rusqlite::Result<JobRow> {
    let strange = |column, error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    };
    let (stream, body): (String, String) = (row.get(1)?, row.get(4)?);
    let (state, done): (String, String) = (row.get(5)?, row.get(11)?);
    Ok(JobRow {
        job: Job {
            id: row.get(0)?,
            kind: row.get(2)?,
            target: row.get(3)?,
            body: serde_json::from_str(&body).map_err(|error| strange(4, error))?,
        },
        stream: StreamId::new(&stream),
        // What is not known is not tried by itself.
        state: JobState::ALL.into_iter().find(|known| known.as_str() == state).unwrap_or(JobState::Failed),
        at: row.get(6)?,
        due: row.get(7)?,
        tries: row.get(8)?,
        ended_at: row.get(9)?,
        error: row.get(10)?,
        done: serde_json::from_str(&done).map_err(|error| strange(11, error))?,
    })
}

fn job(conn: &Connection, id: &str) -> rusqlite::Result<Option<JobRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"))?
        .query_row([id], row_from)
        .optional()
}

fn rows(conn: &Connection, filter: &JobFilter) -> rusqlite::Result<Vec<JobRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND (?2 IS NULL OR state = ?2)
         AND (?3 IS NULL OR (at, id) < (SELECT at, id FROM jobs WHERE id = ?3)) ORDER BY at DESC, id DESC LIMIT ?4"
    );
    let state = filter.state.map(JobState::as_str);
    conn.prepare_cached(&sql)?
        .query_map(params![filter.kind, state, filter.after, bound(filter.limit)], row_from)?
        .collect()
}

fn targets(conn: &Connection, kind: &str) -> rusqlite::Result<Vec<(String, Time)>> {
    let sql = "SELECT target, min(due) FROM jobs WHERE kind = ?1 AND state = 'waiting' GROUP BY target";
    conn.prepare_cached(sql)?.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn next(conn: &Connection, kind: &str, target: &str, at: Time) -> rusqlite::Result<Option<JobRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND target = ?2 AND state = 'waiting' AND due <= ?3
         ORDER BY due, at, id LIMIT 1"
    );
    conn.prepare_cached(&sql)?.query_row(params![kind, target, at], row_from).optional()
}

fn counts(conn: &Connection, kind: &str) -> rusqlite::Result<[(JobState, u64); 3]> {
    let mut all = JobState::ALL.map(|state| (state, 0));
    for (state, count) in &mut all {
        let sql = "SELECT count(*) FROM jobs WHERE kind = ?1 AND state = ?2";
        *count = conn.prepare_cached(sql)?.query_row([kind, state.as_str()], |row| row.get(0))?;
    }
    Ok(all)
}

/// By the index of those that wait.
fn waiting(conn: &Connection, kind: &str, at_most: usize) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE kind = ?1 AND state = 'waiting' LIMIT ?2)";
    conn.prepare_cached(sql)?.query_row(params![kind, bound(at_most)], |row| row.get(0))
}

macro_rules! job_reader {
    ($($store:ty),+) => {
        $(impl JobReader for $store {
            fn job(&mut self, id: &str) -> Result<Option<JobRow>, StoreError> {
                job(&self.conn, id).at(&self.path)
            }

            fn job_rows(&mut self, filter: &JobFilter) -> Result<Vec<JobRow>, StoreError> {
                rows(&self.conn, filter).at(&self.path)
            }

            fn job_targets(&mut self, kind: &str) -> Result<Vec<(String, Time)>, StoreError> {
                targets(&self.conn, kind).at(&self.path)
            }

            fn next_job(&mut self, kind: &str, target: &str, at: Time) -> Result<Option<JobRow>, StoreError> {
                next(&self.conn, kind, target, at).at(&self.path)
            }

            fn jobs_waiting(&mut self, kind: &str, at_most: usize) -> Result<u64, StoreError> {
                waiting(&self.conn, kind, at_most).at(&self.path)
            }

            fn job_counts(&mut self, kind: &str) -> Result<[(JobState, u64); 3], StoreError> {
                counts(&self.conn, kind).at(&self.path)
            }
        })+
    };
}

job_reader!(SqliteStore, SqliteReader);

fn settle(conn: &Connection, row: &JobRow) -> rusqlite::Result<()> {
    let sql = "UPDATE jobs SET state = ?2, due = ?3, tries = ?4, ended = ?5, error = ?6, done = ?7
               WHERE id = ?1 AND state = 'waiting'";
    // A list of texts always serialises.
    let done = serde_json::to_string(&row.done).unwrap_or_default();
    let values = params![row.job.id, row.state.as_str(), row.due, row.tries, row.ended_at, row.error, done];
    conn.prepare_cached(sql)?.execute(values)?;
    if row.state != JobState::Waiting {
        let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = ?1 AND state = ?2
                   ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?3)";
        let values = params![row.job.kind, row.state.as_str(), bound(limits::JOBS_OVER)];
        conn.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

impl Jobs for SqliteStore {
    fn settle_job(&mut self, row: &JobRow) -> Result<(), StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        settle(&self.conn, row).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn retry_job(&mut self, id: &str, at: Time) -> Result<bool, StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let sql = "UPDATE jobs SET state = 'waiting', due = ?2, tries = 0, at = ?2, ended = NULL
                   WHERE id = ?1 AND state = 'failed'";
        let changed = self.conn.prepare_cached(sql).at(&self.path)?.execute(params![id, at]).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(changed > 0)
    }
}

//! Drafts in SQLite.

use rusqlite::{Connection, OptionalExtension as _, params};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::people::fold;

use super::error::At;
use super::read::{bound, name};
use super::tx::Tx;
use super::{SqliteReader, SqliteStore};
use crate::StoreError;
use crate::drafts::{Draft, DraftReader, Drafts, Over};
use crate::fault::{Point, cross};
use crate::limits;

fn draft(conn: &Connection, task: &StreamId, person: &str) -> rusqlite::Result<Option<Draft>> {
    conn.prepare_cached("SELECT etag, at, body FROM drafts WHERE person = ?1 AND task = ?2")?
        .query_row(params![fold(person), task.as_str()], |row| {
            Ok(Draft { etag: row.get(0)?, at: row.get(1)?, body: row.get(2)? })
        })
        .optional()
}

fn of(conn: &Connection, person: &str) -> rusqlite::Result<Vec<(StreamId, Time)>> {
    conn.prepare_cached("SELECT task, at FROM drafts WHERE person = ?1 ORDER BY task")?
        .query_map([fold(person)], |row| Ok((name(row, 0)?, row.get(1)?)))?
        .collect()
}

/// Takes the draft away of somebody who has handed something in.
pub(super) fn handed_in(conn: &Connection, task: &StreamId, person: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM drafts WHERE person = ?1 AND task = ?2")?
        .execute(params![fold(person), task.as_str()])
        .map(drop)
}

macro_rules! draft_reader {
    ($($store:ty),+) => {
        $(impl DraftReader for $store {
            fn draft(&mut self, task: &StreamId, person: &str) -> Result<Option<Draft>, StoreError> {
                draft(&self.conn, task, person).at(&self.path)
            }

            fn drafts_of(&mut self, person: &str) -> Result<Vec<(StreamId, Time)>, StoreError> {
                of(&self.conn, person).at(&self.path)
            }
        })+
    };
}

draft_reader!(SqliteStore, SqliteReader);

impl Drafts for SqliteStore {
    fn put_draft(
        &mut self,
        task: &StreamId,
        person: &str,
        draft: &Draft,
        over: Over<'_>,
    ) -> Result<(), StoreError> {
        let (conn, person) = (&self.conn, fold(person));
        let tx = Tx::write(conn).at(&self.path)?;
        // Looked at here, and not before: the same person may be deciding at this moment, in another window.
        let acted: bool = conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM task_acted JOIN tasks ON tasks.id = task
                 WHERE person = ?1 AND stream = ?2)",
            )
            .and_then(|mut statement| statement.query_row(params![person, task.as_str()], |row| row.get(0)))
            .at(&self.path)?;
        if acted {
            return Err(StoreError::DraftLate { task: task.clone() });
        }
        over.check(
            task,
            self::draft(conn, task, &person).at(&self.path)?.map(|there| there.etag).as_deref(),
        )?;
        let late = draft.at.saturating_sub(limits::DRAFT_KEPT);
        let over_since =
            "person = ?1 AND at < ?2 AND EXISTS (SELECT 1 FROM tasks WHERE stream = task AND open = 0)";
        let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
            conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).at(&self.path)
        };
        run(&format!("DELETE FROM drafts WHERE {over_since}"), &[&person, &late])?;
        run(
            "INSERT INTO drafts (person, task, etag, at, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (person, task) DO UPDATE SET etag = ?3, at = ?4, body = ?5",
            &[&person, &task.as_str(), &draft.etag, &draft.at, &draft.body],
        )?;
        let many = |conn: &Connection| {
            conn.prepare_cached("SELECT count(*) FROM drafts WHERE person = ?1")
                .and_then(|mut statement| statement.query_row([&person], |row| row.get::<_, i64>(0)))
                .map(|count| count > bound(limits::DRAFTS))
                .at(&self.path)
        };
        if many(conn)? {
            run(&format!("DELETE FROM drafts WHERE {over_since}"), &[&person, &draft.at])?;
            if many(conn)? {
                return Err(StoreError::DraftsMany { most: limits::DRAFTS });
            }
        }
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn drop_draft(&mut self, task: &StreamId, person: &str, over: Over<'_>) -> Result<bool, StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let there = draft(&self.conn, task, person).at(&self.path)?;
        over.check(task, there.as_ref().map(|there| &*there.etag))?;
        handed_in(&self.conn, task, person).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(there.is_some())
    }
}

//! Kept answers in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Params, params};

use super::SqliteStore;
use super::error::At;
use super::read::bound;
use super::tx::Tx;
use crate::answers::{Answers, Asked, Known};
use crate::fault::{Point, cross};
use crate::{StoreError, limits};

fn run(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params)
}

fn known(conn: &Connection, asked: &Asked) -> rusqlite::Result<Option<Known>> {
    let sql = "SELECT at, request, wish, answer FROM kept_answers WHERE person = ?1 AND key = ?2";
    conn.prepare_cached(sql)?
        .query_row(params![asked.person, asked.key], |row| {
            let asked = Asked { at: row.get(0)?, request: row.get(1)?, wish: row.get(2)?, ..asked.clone() };
            Ok(Known { asked, answer: row.get(3)? })
        })
        .optional()
}

fn note(conn: &Connection, asked: &Asked) -> rusqlite::Result<Option<Known>> {
    run(conn, "DELETE FROM kept_answers WHERE at <= ?1", [asked.at.saturating_sub(limits::ANSWER_KEPT)])?;
    if let Some(known) = known(conn, asked)? {
        return Ok(Some(known));
    }
    let sql = "DELETE FROM kept_answers WHERE person = ?1 AND key IN
               (SELECT key FROM kept_answers WHERE person = ?1 ORDER BY at DESC, key LIMIT -1 OFFSET ?2)";
    run(conn, sql, params![asked.person, bound(limits::ANSWERS - 1)])?;
    let sql = "INSERT INTO kept_answers (person, key, at, request, wish) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(conn, sql, params![asked.person, asked.key, asked.at, asked.request, asked.wish])?;
    Ok(None)
}

fn keep(conn: &Connection, asked: &Asked, answer: &[u8]) -> rusqlite::Result<()> {
    let kept = if answer.len() > limits::ANSWER_BYTES { &[] } else { answer };
    let sql = "UPDATE kept_answers SET answer = ?4, bytes = ?5 WHERE person = ?1 AND key = ?2 AND wish = ?3";
    run(conn, sql, params![asked.person, asked.key, asked.wish, kept, bound(kept.len())])?;
    let sql = "DELETE FROM kept_answers WHERE person = ?1 AND key IN (SELECT key FROM
               (SELECT key, sum(bytes) OVER (ORDER BY at DESC, key) AS together FROM kept_answers WHERE person = ?1)
               WHERE together > ?2)";
    let together: i64 = conn
        .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM kept_answers WHERE person = ?1")?
        .query_row([&asked.person], |row| row.get(0))?;
    if together > bound(limits::ANSWERS_BYTES) {
        run(conn, sql, params![asked.person, bound(limits::ANSWERS_BYTES)])?;
    }
    Ok(())
}

impl SqliteStore {
    fn answers<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let told = change(&self.conn).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(told)
    }
}

impl Answers for SqliteStore {
    fn note_asked(&mut self, asked: &Asked) -> Result<Option<Known>, StoreError> {
        self.answers(|conn| note(conn, asked))
    }

    fn keep_answer(&mut self, asked: &Asked, answer: &[u8]) -> Result<(), StoreError> {
        self.answers(|conn| keep(conn, asked, answer))
    }

    fn forget_asked(&mut self, asked: &Asked) -> Result<(), StoreError> {
        let sql = "DELETE FROM kept_answers WHERE person = ?1 AND key = ?2 AND wish = ?3";
        self.answers(|conn| run(conn, sql, params![asked.person, asked.key, asked.wish]).map(drop))
    }
}

//! Keys in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use stead_core::Time;

use super::error::At;
use super::read::bound;
use super::tx::Tx;
use super::{SqliteReader, SqliteStore};
use crate::access::{Access, AccessReader, Key, KeyKind, Noted, TaskShown};
use crate::fault::{Point, cross};
use crate::{StoreError, limits};

const COLUMNS: &str = "id, kind, person, name, role, created_at, created_by, expires_at, used_at, ended_at, ended_by, task, version";

fn key_from(row: &SqlRow<'_>) -> rusqlite::Result<Key> {
    let kind: String = row.get(1)?;
    let (ended_at, ended_by): (Option<Time>, Option<String>) = (row.get(9)?, row.get(10)?);
    let (task, version): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    Ok(Key {
        id: row.get(0)?,
        // What is not known gives the least: a link without a task is good for none.
        kind: KeyKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap_or(KeyKind::Link),
        person: row.get(2)?,
        name: row.get(3)?,
        role: row.get(4)?,
        created_at: row.get(5)?,
        created_by: row.get(6)?,
        expires_at: row.get(7)?,
        used_at: row.get(8)?,
        ended: ended_at.map(|at| (at, ended_by.unwrap_or_default())),
        task: task.zip(version).map(|(task, version)| TaskShown { task, version }),
    })
}

fn one(conn: &Connection, by: &str, value: &str) -> rusqlite::Result<Option<Key>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM access_keys WHERE {by} = ?1"))?
        .query_row([value], key_from)
        .optional()
}

fn all(conn: &Connection, kind: KeyKind, person: Option<&str>) -> rusqlite::Result<Vec<Key>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM access_keys WHERE kind = ?1 AND (?2 IS NULL OR person = ?2) ORDER BY created_at DESC, id"
    );
    conn.prepare_cached(&sql)?.query_map(params![kind.as_str(), person], key_from)?.collect()
}

fn password(conn: &Connection, person: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT hash FROM access_passwords WHERE person = ?1")?
        .query_row([person], |row| row.get(0))
        .optional()
}

fn has_passwords(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM access_passwords)")?.query_row([], |row| row.get(0))
}

fn noted(conn: &Connection, before: Option<u64>, limit: usize) -> rusqlite::Result<Vec<(u64, Noted)>> {
    let sql = "SELECT id, at, who, means, what, about, refused FROM access_log WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2";
    let read = |row: &SqlRow<'_>| {
        let noted = Noted {
            at: row.get(1)?,
            who: row.get(2)?,
            means: row.get(3)?,
            what: row.get(4)?,
            about: row.get(5)?,
            refused: row.get(6)?,
        };
        Ok((row.get(0)?, noted))
    };
    conn.prepare_cached(sql)?.query_map(params![before, bound(limit)], read)?.collect()
}

macro_rules! access_reader {
    ($($store:ty),+) => {
        $(impl AccessReader for $store {
            fn key(&mut self, id: &str) -> Result<Option<Key>, StoreError> {
                one(&self.conn, "id", id).at(&self.path)
            }

            fn key_of(&mut self, hash: &str) -> Result<Option<Key>, StoreError> {
                one(&self.conn, "hash", hash).at(&self.path)
            }

            fn keys(&mut self, kind: KeyKind, person: Option<&str>) -> Result<Vec<Key>, StoreError> {
                all(&self.conn, kind, person).at(&self.path)
            }

            fn password(&mut self, person: &str) -> Result<Option<String>, StoreError> {
                password(&self.conn, person).at(&self.path)
            }

            fn has_passwords(&mut self) -> Result<bool, StoreError> {
                has_passwords(&self.conn).at(&self.path)
            }

            fn noted(&mut self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Noted)>, StoreError> {
                noted(&self.conn, before, limit).at(&self.path)
            }
        })+
    };
}

access_reader!(SqliteStore, SqliteReader);

fn run(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params)
}

/// Writes notes down; the oldest go when there are too many.
fn put_notes(conn: &Connection, notes: &[Noted]) -> rusqlite::Result<()> {
    for note in notes {
        let sql =
            "INSERT INTO access_log (at, who, means, what, about, refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        run(conn, sql, params![note.at, note.who, note.means, note.what, note.about, note.refused])?;
    }
    let sql = "DELETE FROM access_log WHERE id <= (SELECT max(id) FROM access_log) - ?1";
    run(conn, sql, [bound(limits::NOTES)]).map(drop)
}

fn put(conn: &Connection, key: &Key, hash: &str) -> rusqlite::Result<Result<(), StoreError>> {
    let (person, kind, at) = (&key.person, key.kind.as_str(), key.created_at);
    let most = key.kind.most();
    let over = "person = ?1 AND kind = ?2 AND (ended_at IS NOT NULL OR expires_at <= ?3)";
    let live = "person = ?1 AND kind = ?2 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > ?3)";
    let sql = format!(
        "DELETE FROM access_keys WHERE {over} AND id NOT IN
         (SELECT id FROM access_keys WHERE {over} ORDER BY created_at DESC LIMIT ?4)"
    );
    run(conn, &sql, params![person, kind, at, bound(most)])?;
    if key.kind == KeyKind::Account {
        // What was unbound may be bound again.
        let sql = "DELETE FROM access_keys WHERE hash = ?1 AND kind = ?2 AND ended_at IS NOT NULL";
        run(conn, sql, params![hash, kind])?;
        let sql = "SELECT EXISTS (SELECT 1 FROM access_keys WHERE hash = ?1)";
        if conn.prepare_cached(sql)?.query_row([hash], |row| row.get(0))? {
            return Ok(Err(StoreError::KeyTaken { name: key.name.clone() }));
        }
    }
    match key.kind {
        KeyKind::Session | KeyKind::Link => {
            let sql = format!(
                "DELETE FROM access_keys WHERE {live} AND id NOT IN
                 (SELECT id FROM access_keys WHERE {live} ORDER BY coalesce(used_at, created_at) DESC LIMIT ?4)"
            );
            run(conn, &sql, params![person, kind, at, bound(most.saturating_sub(1))])?;
        }
        KeyKind::Token | KeyKind::Account => {
            let sql = format!("SELECT count(*), coalesce(sum(name = ?4), 0) FROM access_keys WHERE {live}");
            let (count, same): (i64, i64) = conn
                .prepare_cached(&sql)?
                .query_row(params![person, kind, at, key.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if same > 0 {
                return Ok(Err(StoreError::KeyTaken { name: key.name.clone() }));
            }
            if count >= bound(most) {
                return Ok(Err(StoreError::KeysMany { most }));
            }
        }
    }
    let (ended_at, ended_by) = key.ended.clone().unzip();
    let (task, version) = key.task.clone().map(|shown| (shown.task, shown.version)).unzip();
    let sql = format!(
        "INSERT INTO access_keys (hash, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    let row = params![
        hash,
        key.id,
        kind,
        person,
        key.name,
        key.role,
        key.created_at,
        key.created_by,
        key.expires_at,
        key.used_at,
        ended_at,
        ended_by,
        task,
        version
    ];
    run(conn, &sql, row)?;
    Ok(Ok(()))
}

/// Takes all from somebody by which they could ask: who was removed.
pub(super) fn end_all(conn: &Connection, person: &str, at: Time, by: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE access_keys SET ended_at = ?2, ended_by = ?3 WHERE person = ?1 AND ended_at IS NULL";
    run(conn, sql, params![person, at, by])?;
    run(conn, "DELETE FROM access_passwords WHERE person = ?1", [person]).map(drop)
}

impl Access for SqliteStore {
    fn put_key(&mut self, key: &Key, hash: &str, note: &Noted) -> Result<(), StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        put(&self.conn, key, hash).at(&self.path)??;
        put_notes(&self.conn, std::slice::from_ref(note)).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn end_key(&mut self, id: &str, note: &Noted) -> Result<bool, StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let sql = "UPDATE access_keys SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL
                   AND (expires_at IS NULL OR expires_at > ?2)";
        let ended = run(&self.conn, sql, params![id, note.at, note.who]).at(&self.path)? > 0;
        if ended {
            put_notes(&self.conn, std::slice::from_ref(note)).at(&self.path)?;
        }
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)?;
        Ok(ended)
    }

    fn use_keys(&mut self, used: &[(String, Time)]) -> Result<(), StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let sql = "UPDATE access_keys SET used_at = ?2 WHERE id = ?1 AND coalesce(used_at, 0) < ?2";
        for (id, at) in used {
            run(&self.conn, sql, params![id, at]).at(&self.path)?;
        }
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn put_password(&mut self, person: &str, hash: Option<&str>, note: &Noted) -> Result<(), StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let wrote = match hash {
            Some(hash) => run(
                &self.conn,
                "INSERT OR REPLACE INTO access_passwords (person, hash, at) VALUES (?1, ?2, ?3)",
                params![person, hash, note.at],
            ),
            None => run(&self.conn, "DELETE FROM access_passwords WHERE person = ?1", [person]),
        };
        wrote.at(&self.path)?;
        let sql = "UPDATE access_keys SET ended_at = ?2, ended_by = ?3 WHERE person = ?1 AND kind = ?4 AND ended_at IS NULL";
        run(&self.conn, sql, params![person, note.at, note.who, KeyKind::Session.as_str()]).at(&self.path)?;
        put_notes(&self.conn, std::slice::from_ref(note)).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }

    fn note(&mut self, notes: &[Noted]) -> Result<(), StoreError> {
        let tx = Tx::write(&self.conn).at(&self.path)?;
        put_notes(&self.conn, notes).at(&self.path)?;
        cross(self.faults.as_ref(), Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(self.faults.as_ref(), Point::AfterCommit)
    }
}

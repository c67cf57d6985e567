//! The transactions of the library.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use stead_core::Time;
use stead_core::ids::StreamId;

use super::super::error::At;
use super::super::read::{self, bound, name as stream_name};
use super::super::tx::Tx;
use super::{DECLINED, SqliteStore, all_names, callers, kept, origin, workflow};
use crate::StoreError;
use crate::fault::{Point, cross};
use crate::library::{
    How, Kept, Library, RUNS_NAMED, Refusal, Save, Saved, What, base, closed, normal, uncalled,
};

impl Library for SqliteStore {
    fn save(&mut self, save: &Save) -> Result<Saved, StoreError> {
        self.shelve(|shelf| shelf.save(save))
    }

    fn describe(
        &mut self,
        name: &str,
        description: Option<&str>,
        labels: Option<&[String]>,
        at: Time,
        by: &str,
    ) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            let id = shelf.living(name)?;
            if let Some(description) = description {
                let note = Some(description).filter(|text| !text.is_empty());
                shelf.run("UPDATE workflows SET note = ?2 WHERE id = ?1", params![id, note])?;
            }
            if let Some(labels) = labels {
                shelf.label(id, labels)?;
            }
            shelf.changed(id, What::Described, "", at, by)
        })
    }

    fn delete(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            let id = shelf.living(name)?;
            uncalled(name, callers(shelf.conn, name).at(shelf.path)?)?;
            closed(name, shelf.open_runs(name).at(shelf.path)?)?;
            let gone = "UPDATE workflows SET deleted_at = ?2, deleted_by = ?3 WHERE id = ?1";
            shelf.run(gone, params![id, at, by])?;
            shelf.changed(id, What::Deleted, "", at, by)
        })
    }

    fn restore(&mut self, name: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            let found = shelf.find(name)?;
            let (id, deleted) = found.ok_or_else(|| unknown(name))?;
            if deleted.is_none() {
                return Err(Refusal::NotDeleted { name: shelf.name(id)? }.into());
            }
            let back = "UPDATE workflows SET deleted_at = NULL, deleted_by = NULL WHERE id = ?1";
            shelf.run(back, params![id])?;
            shelf.changed(id, What::Restored, "", at, by)
        })
    }

    fn rename(&mut self, name: &str, to: &str, at: Time, by: &str) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            let id = shelf.living(name)?;
            if let Some((other, deleted)) = shelf.find(to)?.filter(|(other, _)| *other != id) {
                let name = shelf.name(other)?;
                return Err(Refusal::NameTaken { name, deleted: deleted.is_some() }.into());
            }
            uncalled(name, callers(shelf.conn, name).at(shelf.path)?)?;
            let before = shelf.name(id)?;
            shelf.run("UPDATE workflows SET name = ?2 WHERE id = ?1", params![id, to])?;
            shelf.changed(id, What::Renamed, &before, at, by)
        })
    }

    fn note_origin(&mut self, file: &str, name: &str, number: u32) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            let (id, _) = shelf.find(name)?.ok_or_else(|| unknown(name))?;
            shelf.origin(file, id, number)
        })
    }

    fn decline(&mut self, file: &str) -> Result<(), StoreError> {
        self.shelve(|shelf| {
            shelf.run("INSERT OR IGNORE INTO origins VALUES (?1, ?2, 0)", params![file, DECLINED])
        })
    }
}

fn unknown(name: &str) -> StoreError {
    Refusal::Unknown { name: name.to_owned(), near: None }.into()
}

impl SqliteStore {
    /// One transaction: all of it or nothing.
    fn shelve<T>(&self, change: impl FnOnce(&Shelf<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let faults = self.faults.as_ref();
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let done = change(&Shelf { conn: &self.conn, path: &self.path })?;
        cross(faults, Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(faults, Point::AfterCommit)?;
        Ok(done)
    }
}

/// When a workflow was deleted, and by whom.
type Deleted = (Time, String);

/// The tables, within a transaction.
struct Shelf<'c> {
    conn: &'c Connection,
    path: &'c Path,
}

impl Shelf<'_> {
    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map(drop)
            .at(self.path)
    }

    /// Number of a workflow, and its deletion.
    fn find(&self, name: &str) -> Result<Option<(i64, Option<Deleted>)>, StoreError> {
        let read = |row: &SqlRow<'_>| {
            let deleted: Option<Time> = row.get(1)?;
            let by: Option<String> = row.get(2)?;
            Ok((row.get(0)?, deleted.map(|at| (at, by.unwrap_or_default()))))
        };
        self.conn
            .prepare_cached("SELECT id, deleted_at, deleted_by FROM workflows WHERE name = ?1")
            .and_then(|mut statement| statement.query_row([name], read).optional())
            .at(self.path)
    }

    /// Number of a workflow that is there and not deleted.
    fn living(&self, name: &str) -> Result<i64, StoreError> {
        match self.find(name)? {
            None => Err(unknown(name)),
            Some((id, None)) => Ok(id),
            Some((id, Some((at, by)))) => Err(Refusal::Deleted { name: self.name(id)?, at, by }.into()),
        }
    }

    fn name(&self, id: i64) -> Result<String, StoreError> {
        self.conn
            .prepare_cached("SELECT name FROM workflows WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([id], |row| row.get(0)))
            .at(self.path)
    }

    fn open_runs(&self, name: &str) -> rusqlite::Result<Vec<StreamId>> {
        // Said twice for the index that leaves completed ones out.
        let sql = "SELECT stream FROM heads WHERE workflow = ?1 AND status <> 'completed'
                       AND status NOT IN ('completed', 'failed', 'cancelled') AND created < ?3
                   ORDER BY id DESC LIMIT ?2";
        let mut open = Vec::new();
        for (name, until) in all_names(self.conn, name)? {
            let until = until.unwrap_or(Time::MAX);
            let mut statement = self.conn.prepare_cached(sql)?;
            let found =
                statement.query_map(params![name, bound(RUNS_NAMED), until], |row| stream_name(row, 0))?;
            for run in found {
                open.push(run?);
            }
        }
        open.truncate(RUNS_NAMED);
        Ok(open)
    }

    fn save(&self, save: &Save) -> Result<Saved, StoreError> {
        let found = self.find(&save.name)?;
        let (id, number, how) = match found {
            None => {
                if save.based_on.is_some_and(|base| base > 0) {
                    return Err(unknown(&save.name));
                }
                let sql =
                    "INSERT INTO workflows (name, newest, created_at, created_by, updated_at, updated_by)
                           VALUES (?1, 1, ?2, ?3, ?2, ?3)";
                self.run(sql, params![save.name, save.at, save.by])?;
                (self.conn.last_insert_rowid(), 1, How::New)
            }
            Some(_) => {
                let id = self.living(&save.name)?;
                let (number, how) = self.place(save)?;
                (id, number, how)
            }
        };
        match how {
            How::New | How::Next => self.revision(id, number, save)?,
            How::Text => {
                let bytes = self.own_bytes(save)?;
                let sql = "UPDATE revisions SET bytes = ?3 WHERE workflow = ?1 AND number = ?2";
                self.run(sql, params![id, number, bytes])?;
            }
            How::Unchanged => {}
        }
        let relabelled = match &save.labels {
            Some(labels) => self.label(id, labels)?,
            None => false,
        };
        match how {
            How::New | How::Next => self.changed(id, What::Saved, &save.message, save.at, &save.by)?,
            How::Text => self.changed(id, What::Text, &save.message, save.at, &save.by)?,
            How::Unchanged if relabelled => self.changed(id, What::Described, "", save.at, &save.by)?,
            How::Unchanged => {}
        }
        if let Some(file) = &save.file {
            self.origin(file, id, number)?;
        }
        Ok(Saved { number, how })
    }

    /// The number that a text gets in a workflow that is there.
    fn place(&self, save: &Save) -> Result<(u32, How), StoreError> {
        let newest = kept(self.conn, &save.name, None).at(self.path)?;
        let Some(Kept { revision: newest, bytes }) = newest else {
            let what = format!("the newest revision of {}", save.name);
            return Err(StoreError::Unreadable { what, detail: "it is not there".to_owned() });
        };
        let same = newest.revision == save.revision && newest.draft == save.draft;
        let (number, how) = match same {
            true if bytes == save.bytes => return Ok((newest.number, How::Unchanged)),
            true => (newest.number, How::Text),
            false => (newest.number + 1, How::Next),
        };
        let known = match &save.file {
            Some(file) => origin(self.conn, file, &save.name).at(self.path)?,
            None => None,
        };
        base(save, &newest, known)?;
        Ok((number, how))
    }

    /// The bytes where the definition of this hash is kept with others.
    fn own_bytes<'s>(&self, save: &'s Save) -> Result<Option<&'s [u8]>, StoreError> {
        let shared = read::definition(self.conn, &save.revision).at(self.path)?;
        Ok(match shared {
            Some(shared) if shared == save.bytes => None,
            Some(_) => Some(&save.bytes),
            None => {
                let sql = "INSERT INTO definitions (revision, bytes) VALUES (?1, ?2)";
                self.run(sql, params![save.revision, save.bytes])?;
                None
            }
        })
    }

    fn revision(&self, id: i64, number: u32, save: &Save) -> Result<(), StoreError> {
        let bytes = self.own_bytes(save)?;
        let sql = "INSERT INTO revisions (workflow, number, revision, draft, at, who, message, description, steps, bytes)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let steps = normal(&save.steps.join(" "));
        self.run(
            sql,
            params![
                id,
                number,
                save.revision,
                save.draft,
                save.at,
                save.by,
                save.message,
                save.description,
                steps,
                bytes
            ],
        )?;
        self.run("UPDATE workflows SET newest = ?2 WHERE id = ?1", params![id, number])?;
        self.run("DELETE FROM calls WHERE workflow = ?1", params![id])?;
        for callee in &save.calls {
            self.run("INSERT OR IGNORE INTO calls (callee, workflow) VALUES (?1, ?2)", params![callee, id])?;
        }
        Ok(())
    }

    /// Puts labels on a workflow; says whether they are others.
    fn label(&self, id: i64, labels: &[String]) -> Result<bool, StoreError> {
        // A list of texts always serialises.
        let text = serde_json::to_string(labels).unwrap_or_default();
        let sql = "UPDATE workflows SET labels = ?2 WHERE id = ?1 AND labels <> ?2";
        self.run(sql, params![id, text])?;
        Ok(self.conn.changes() > 0)
    }

    /// Notes a change, and what is searched after it.
    fn changed(&self, id: i64, what: What, detail: &str, at: Time, by: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO changes (workflow, at, who, what, number, detail)
                   VALUES (?1, ?2, ?3, ?4, (SELECT newest FROM workflows WHERE id = ?1), ?5)";
        self.run(sql, params![id, at, by, what.as_str(), detail])?;
        let sql = "UPDATE workflows SET updated_at = ?2, updated_by = ?3 WHERE id = ?1";
        self.run(sql, params![id, at, by])?;
        self.run("DELETE FROM words WHERE rowid = ?1", params![id])?;
        if what == What::Deleted {
            return Ok(());
        }
        let workflow = workflow(self.conn, self.path, &self.name(id)?)?;
        let Some(workflow) = workflow else { return Ok(()) };
        let steps: String = self
            .conn
            .prepare_cached("SELECT steps FROM revisions WHERE workflow = ?1 AND number = ?2")
            .and_then(|mut statement| statement.query_row(params![id, workflow.newest], |row| row.get(0)))
            .at(self.path)?;
        let sql = "INSERT INTO words (rowid, name, labels, description, steps) VALUES (?1, ?2, ?3, ?4, ?5)";
        let texts =
            [&workflow.name, &workflow.labels.join(" "), &workflow.description].map(|text| normal(text));
        self.run(sql, params![id, texts[0], texts[1], texts[2], steps])
    }

    fn origin(&self, file: &str, id: i64, number: u32) -> Result<(), StoreError> {
        self.run("INSERT OR REPLACE INTO origins VALUES (?1, ?2, ?3)", params![file, id, number])?;
        self.run("DELETE FROM origins WHERE file = ?1 AND workflow = ?2", params![file, DECLINED])
    }
}

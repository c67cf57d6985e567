//! Writing: one transaction per commit, all statements prepared once.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use stead_core::head::Head;
use stead_core::ids::StreamId;
use stead_core::message::Message;

use super::cache::{End, Streams};
use super::error::At;
use super::read;
use super::tasks;
use super::tx::Tx;
use crate::fault::{Faults, Point, cross};
use crate::{Commit, Job, Position, Seq, Snapshot, StoreError, chain, check};

/// Writes a number that nobody reads. Another one each time: what is the same already is not written.
pub(super) fn probe(conn: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES ('probe', 1)
               ON CONFLICT (name) DO UPDATE SET value = value % 1000000 + 1";
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

pub(super) fn take_fence(conn: &Connection) -> rusqlite::Result<u64> {
    let tx = Tx::write(conn)?;
    let fence = conn
        .prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'fence' RETURNING value")?
        .query_row([], |row| row.get(0))?;
    tx.commit()?;
    Ok(fence)
}

pub(super) fn commit(
    conn: &Connection,
    path: &Path,
    streams: &mut Streams,
    faults: Option<&Faults>,
    fence: u64,
    commits: &[Commit],
) -> Result<Vec<Option<Position>>, StoreError> {
    let tx = Tx::write(conn).at(path)?;
    let newest: u64 = conn
        .prepare_cached("SELECT value FROM meta WHERE name = 'fence'")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .at(path)?;
    if newest != fence {
        return Err(StoreError::Fenced { ours: fence, newest });
    }
    let mut writer = Writer { conn, path, streams, faults };
    let positions = commits.iter().map(|commit| writer.write(commit)).collect::<Result<_, _>>()?;
    cross(faults, Point::BeforeCommit)?;
    tx.commit().at(path)?;
    cross(faults, Point::AfterCommit)?;
    Ok(positions)
}

struct Writer<'a> {
    conn: &'a Connection,
    path: &'a Path,
    streams: &'a mut Streams,
    faults: Option<&'a Faults>,
}

impl Writer<'_> {
    fn write(&mut self, commit: &Commit) -> Result<Option<Position>, StoreError> {
        check::shape(commit)?;
        let end = self.end(&commit.stream)?;
        check::expected(commit, end.map_or(0, |end| end.last) + 1)?;
        let mut position = None;
        if commit.count > 0 || commit.head.is_some() || commit.due.is_some() || commit.open.is_some() {
            position = self.stream(commit, end)?;
        }
        for id in &commit.taken {
            self.take(&commit.stream, id)?;
        }
        for message in &commit.messages {
            self.send(message)?;
        }
        if let Some(head) = &commit.task {
            cross(self.faults, Point::Task)?;
            tasks::write(self.conn, self.path, &commit.stream, head)?;
        }
        for job in &commit.jobs {
            self.job(commit, job)?;
        }
        Ok(position)
    }

    /// Where the stream's journal ends; `None` for a stream without a row in `heads`.
    fn end(&mut self, stream: &StreamId) -> Result<Option<End>, StoreError> {
        if let Some(end) = self.streams.get(stream) {
            return Ok(Some(end));
        }
        let end = read::end(self.conn, stream).at(self.path)?;
        if let Some(end) = end {
            self.streams.put(stream, end);
        }
        Ok(end)
    }

    /// Head, due time and journal row.
    fn stream(&mut self, commit: &Commit, end: Option<End>) -> Result<Option<Position>, StoreError> {
        if end.is_none() || commit.head.is_some() || commit.due.is_some() || commit.open.is_some() {
            cross(self.faults, Point::Head)?;
        }
        let mut end = match end {
            Some(end) => {
                self.head(end, commit)?;
                End { listed: end.listed || commit.head.is_some(), ..end }
            }
            None => {
                let id = self.create(commit)?;
                let listed = commit.head.is_some();
                End { id, last: 0, hash: chain::start(commit.stream.as_str()), listed }
            }
        };
        let mut position = None;
        if commit.count > 0 {
            cross(self.faults, Point::Journal)?;
            position = Some(self.journal(commit, &mut end)?);
        }
        self.streams.put(&commit.stream, end);
        Ok(position)
    }

    fn journal(&self, commit: &Commit, end: &mut End) -> Result<Position, StoreError> {
        let seq = commit.expected_seq;
        let last: Seq = seq + commit.count - 1;
        let hash = chain::next(&end.hash, seq, commit.count, commit.at, &commit.cause, &commit.events);
        let insert = || {
            let mut statement = self.conn.prepare_cached(
                "INSERT INTO journal (stream, seq, last, at, cause, events, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            statement.insert(params![end.id, seq, last, commit.at, commit.cause, commit.events, hash])
        };
        let position = insert().at(self.path)?;
        end.last = last;
        end.hash = hash;
        // Positions count from 1.
        Ok(position.unsigned_abs())
    }

    fn create(&self, commit: &Commit) -> Result<i64, StoreError> {
        let body = commit.head.as_ref().map(|head| encode(self.path, head)).transpose()?;
        let head = commit.head.as_ref();
        let open = head.map(|head| head.open).or(commit.open) == Some(true);
        let insert = || {
            let mut statement = self.conn.prepare_cached(
                "INSERT INTO heads (stream, due, open, top, status, outcome, workflow, created, project, parent, head)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?;
            statement.insert(params![
                commit.stream.as_str(),
                commit.due.flatten(),
                open,
                head.is_some_and(|head| head.parent.is_none()),
                head.map(|head| head.status.as_str()),
                head.and_then(|head| head.outcome).map(|outcome| outcome.as_str()),
                head.map(|head| head.workflow.as_str()),
                head.map(|head| head.created_at),
                head.map(|head| head.project.as_str()),
                head.and_then(|head| head.parent.as_ref()).map(StreamId::as_str),
                body,
            ])
        };
        let id = insert().at(self.path)?;
        self.keys(id, head)?;
        Ok(id)
    }

    /// What the stream is found by.
    fn keys(&self, id: i64, head: Option<&Head>) -> Result<(), StoreError> {
        for (name, value) in head.into_iter().flat_map(|head| &head.keys) {
            let insert = || {
                let mut statement = self.conn.prepare_cached(
                    "INSERT INTO keys (name, value, stream) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?;
                statement.execute(params![name, value, id])
            };
            insert().at(self.path)?;
        }
        Ok(())
    }

    fn head(&self, end: End, commit: &Commit) -> Result<(), StoreError> {
        if let Some(due) = commit.due {
            let update = || {
                self.conn
                    .prepare_cached("UPDATE heads SET due = ?2 WHERE id = ?1")?
                    .execute(params![end.id, due])
            };
            update().at(self.path)?;
        }
        if let Some(open) = commit.open.filter(|_| commit.head.is_none()) {
            let update = || {
                self.conn
                    .prepare_cached("UPDATE heads SET open = ?2 WHERE id = ?1")?
                    .execute(params![end.id, open])
            };
            update().at(self.path)?;
        }
        let Some(head) = &commit.head else { return Ok(()) };
        if !end.listed {
            self.first_head(end.id, head).at(self.path)?;
            self.keys(end.id, Some(head))?;
        }
        let body = encode(self.path, head)?;
        let update = || {
            let mut statement = self.conn.prepare_cached(
                "UPDATE heads SET open = ?2, status = ?3, outcome = ?4, head = ?5 WHERE id = ?1",
            )?;
            statement.execute(params![
                end.id,
                head.open,
                head.status.as_str(),
                head.outcome.map(|outcome| outcome.as_str()),
                body,
            ])
        };
        update().map(drop).at(self.path)
    }

    /// What stays as it is. Not written again with each head, for that would touch its indexes each time.
    fn first_head(&self, id: i64, head: &Head) -> rusqlite::Result<()> {
        let mut statement = self.conn.prepare_cached(
            "UPDATE heads SET top = ?2, workflow = ?3, created = ?4, project = ?5, parent = ?6 WHERE id = ?1",
        )?;
        let parent = head.parent.as_ref();
        let values = params![
            id,
            parent.is_none(),
            head.workflow,
            head.created_at,
            head.project,
            parent.map(StreamId::as_str),
        ];
        statement.execute(values).map(drop)
    }

    fn take(&self, stream: &StreamId, id: &str) -> Result<(), StoreError> {
        cross(self.faults, Point::Taken)?;
        let delete = || {
            let mut statement =
                self.conn.prepare_cached("DELETE FROM inbox WHERE stream = ?1 AND id = ?2")?;
            statement.execute(params![stream.as_str(), id])
        };
        if delete().at(self.path)? == 0 {
            return Err(StoreError::NotInInbox { stream: stream.clone(), id: id.to_owned() });
        }
        Ok(())
    }

    fn send(&self, message: &Message) -> Result<(), StoreError> {
        cross(self.faults, Point::Message)?;
        let insert = || {
            let mut statement = self.conn.prepare_cached(
                "INSERT INTO inbox (stream, id, sender, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            let body = message.body.to_string();
            statement.execute(params![message.to.as_str(), message.id, message.from.as_str(), body])
        };
        insert().map(drop).at(self.path)
    }

    fn job(&self, commit: &Commit, job: &Job) -> Result<(), StoreError> {
        cross(self.faults, Point::Job)?;
        let insert = || {
            let mut statement = self.conn.prepare_cached(
                "INSERT INTO jobs (id, stream, kind, body, target, at, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
            )?;
            let (stream, body) = (commit.stream.as_str(), job.body.to_string());
            statement.execute(params![job.id, stream, job.kind, body, job.target, commit.at])
        };
        insert().map(drop).at(self.path)
    }
}

fn encode(path: &Path, head: &Head) -> Result<String, StoreError> {
    let failed =
        |error: serde_json::Error| StoreError::Sqlite { path: path.to_owned(), detail: error.to_string() };
    serde_json::to_string(head).map_err(failed)
}

pub(super) fn put_snapshot(
    conn: &Connection,
    path: &Path,
    stream: &StreamId,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    let tx = Tx::write(conn).at(path)?;
    let Some(id) = read::snapshot_place(conn, stream, snapshot.seq).at(path)? else {
        return Err(StoreError::SnapshotPlace { stream: stream.clone(), seq: snapshot.seq });
    };
    let put = || {
        let mut old = conn.prepare_cached("SELECT format, seq FROM snapshots WHERE stream = ?1")?;
        let old = old.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if check::newer(snapshot, old) {
            let hash = chain::of(&snapshot.state);
            conn.prepare_cached(
                "INSERT OR REPLACE INTO snapshots (stream, format, seq, hash, state) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, snapshot.format, snapshot.seq, hash, snapshot.state])?;
        }
        tx.commit()
    };
    put().at(path)
}

pub(super) fn put_definition(conn: &Connection, revision: &str, bytes: &[u8]) -> rusqlite::Result<()> {
    let tx = Tx::write(conn)?;
    conn.prepare_cached("INSERT INTO definitions (revision, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![revision, bytes])?;
    tx.commit()
}

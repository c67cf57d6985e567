//! Reading: shared by the writer, whose connection sees its own commits, and the readers.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_core::message::Message;

use super::cache::End;
use super::error::At;
use super::tx::Tx;
use crate::chain::Hash;
use crate::{Job, Loaded, Position, Row, Seq, Snapshot, StoreError, chain};

const ROW: &str = "position, seq, last, at, cause, events, hash";

fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let seq: Seq = row.get(1)?;
    let last: Seq = row.get(2)?;
    Ok(Row {
        position: row.get(0)?,
        seq,
        // A row that ends before it begins is found by its hash.
        count: (last + 1).saturating_sub(seq),
        at: row.get(3)?,
        cause: row.get(4)?,
        events: row.get(5)?,
    })
}

pub(super) fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A number to search from. None that is stored is larger than the largest that SQLite has.
fn from_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stream before its first event.
fn start(conn: &Connection, stream: &StreamId) -> rusqlite::Result<Option<End>> {
    conn.prepare_cached("SELECT id, head IS NOT NULL FROM heads WHERE stream = ?1")?
        .query_row([stream.as_str()], |row| {
            Ok(End { id: row.get(0)?, last: 0, hash: chain::start(stream.as_str()), listed: row.get(1)? })
        })
        .optional()
}

/// Where the journal of a stream ends.
pub(super) fn end(conn: &Connection, stream: &StreamId) -> rusqlite::Result<Option<End>> {
    let Some(mut end) = start(conn, stream)? else { return Ok(None) };
    let last = conn
        .prepare_cached("SELECT last, hash FROM journal WHERE stream = ?1 ORDER BY last DESC LIMIT 1")?
        .query_row([end.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some(last) = last {
        (end.last, end.hash) = last;
    }
    Ok(Some(end))
}

/// Number of the stream, if a row of its journal ends at `seq`.
pub(super) fn snapshot_place(
    conn: &Connection,
    stream: &StreamId,
    seq: Seq,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT heads.id FROM heads JOIN journal ON journal.stream = heads.id
               WHERE heads.stream = ?1 AND journal.last = ?2";
    conn.prepare_cached(sql)?
        .query_row(params![stream.as_str(), from_number(seq)], |row| row.get(0))
        .optional()
}

/// Snapshot and rows behind it, checked, and where the journal ends.
pub(super) fn load(
    conn: &Connection,
    path: &Path,
    stream: &StreamId,
) -> Result<Option<(Loaded, End)>, StoreError> {
    // Another connection may commit meanwhile.
    let tx = Tx::read(conn).at(path)?;
    let Some(mut end) = start(conn, stream).at(path)? else { return Ok(None) };
    let mut snapshot = snapshot(conn, end.id).at(path)?;
    if let Some(taken) = &snapshot {
        match hash_at(conn, end.id, taken.seq).at(path)? {
            Some(hash) => (end.last, end.hash) = (taken.seq, hash),
            // Of a journal that is not this one: a cache may be wrong.
            None => snapshot = None,
        }
    }
    let mut rows = Vec::new();
    walk(conn, path, stream, &mut end, |row| rows.push(row))?;
    tx.commit().at(path)?;
    Ok((end.last > 0).then_some((Loaded { snapshot, rows }, end)))
}

/// Checks the journal from its first row.
pub(super) fn verify(conn: &Connection, path: &Path, stream: &StreamId) -> Result<Seq, StoreError> {
    let Some(mut end) = start(conn, stream).at(path)? else { return Ok(0) };
    walk(conn, path, stream, &mut end, drop)?;
    Ok(end.last)
}

/// Goes through the rows behind `end` and moves it along; the first that does not fit is an error.
fn walk(
    conn: &Connection,
    path: &Path,
    stream: &StreamId,
    end: &mut End,
    mut each: impl FnMut(Row),
) -> Result<(), StoreError> {
    let sql = format!("SELECT {ROW} FROM journal WHERE stream = ?1 AND last > ?2 ORDER BY last");
    let mut statement = conn.prepare_cached(&sql).at(path)?;
    let mut rows = statement.query(params![end.id, end.last]).at(path)?;
    while let Some(next) = rows.next().at(path)? {
        let corrupt = |seq: Seq, what: String| StoreError::Corrupt { stream: stream.clone(), seq, what };
        let expected = end.last + 1;
        let read = row(next).and_then(|row| Ok((row, next.get::<_, Hash>(6)?)));
        let (row, hash) = read.map_err(|error| corrupt(expected, error.to_string()))?;
        if row.seq != expected || row.count == 0 {
            return Err(corrupt(
                expected,
                format!("the next row holds events {} to {}", row.seq, row.last()),
            ));
        }
        if hash != chain::next(&end.hash, row.seq, row.count, row.at, &row.cause, &row.events) {
            return Err(corrupt(row.seq, "its hash does not fit".to_owned()));
        }
        (end.last, end.hash) = (row.last(), hash);
        each(row);
    }
    Ok(())
}

/// The snapshot of a stream; none if its bytes have changed.
fn snapshot(conn: &Connection, id: i64) -> rusqlite::Result<Option<Snapshot>> {
    let found = conn
        .prepare_cached("SELECT format, seq, state, hash FROM snapshots WHERE stream = ?1")?
        .query_row([id], |row| {
            let snapshot = Snapshot { format: row.get(0)?, seq: row.get(1)?, state: row.get(2)? };
            Ok((snapshot, row.get::<_, Hash>(3)?))
        })
        .optional()?;
    Ok(found.filter(|(snapshot, hash)| chain::of(&snapshot.state) == *hash).map(|(snapshot, _)| snapshot))
}

fn hash_at(conn: &Connection, id: i64, last: Seq) -> rusqlite::Result<Option<Hash>> {
    conn.prepare_cached("SELECT hash FROM journal WHERE stream = ?1 AND last = ?2")?
        .query_row(params![id, last], |row| row.get(0))
        .optional()
}

pub(super) fn row_of(conn: &Connection, path: &Path, stream: &StreamId, seq: Seq) -> Result<Row, StoreError> {
    let mut rows = if seq > 0 { journal(conn, stream, seq, 1).at(path)? } else { Vec::new() };
    rows.pop().ok_or_else(|| StoreError::NoSuchEvent { stream: stream.clone(), seq })
}

pub(super) fn journal(
    conn: &Connection,
    stream: &StreamId,
    from: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    let sql = format!(
        "SELECT {ROW} FROM journal WHERE stream = (SELECT id FROM heads WHERE stream = ?1) AND last >= ?2
         ORDER BY last LIMIT ?3"
    );
    conn.prepare_cached(&sql)?
        .query_map(params![stream.as_str(), from_number(from), bound(limit)], row)?
        .collect()
}

pub(super) fn journal_after(
    conn: &Connection,
    position: Position,
    limit: usize,
) -> rusqlite::Result<Vec<(StreamId, Row)>> {
    conn.prepare_cached(
        "SELECT position, seq, last, at, cause, events, heads.stream
         FROM journal JOIN heads ON heads.id = journal.stream
         WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?
    .query_map(params![from_number(position), bound(limit)], |found| Ok((name(found, 6)?, row(found)?)))?
    .collect()
}

pub(super) fn newest(conn: &Connection) -> rusqlite::Result<Position> {
    conn.prepare_cached("SELECT coalesce(max(position), 0) FROM journal")?.query_row([], |row| row.get(0))
}

pub(super) fn last_at(conn: &Connection, stream: &StreamId, position: Position) -> rusqlite::Result<Seq> {
    // The index holds the positions too, so no row is read.
    let sql = "SELECT coalesce(max(last), 0) FROM journal
               WHERE stream = (SELECT id FROM heads WHERE stream = ?1) AND position <= ?2";
    conn.prepare_cached(sql)?.query_row(params![stream.as_str(), from_number(position)], |row| row.get(0))
}

pub(super) fn name(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<StreamId> {
    Ok(StreamId::new(row.get_ref(column)?.as_str()?))
}

fn names(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<StreamId>> {
    conn.prepare_cached(sql)?.query_map(params, |row| name(row, 0))?.collect()
}

/// All streams, the oldest first.
pub(super) fn stream_names(conn: &Connection) -> rusqlite::Result<Vec<StreamId>> {
    names(conn, "SELECT stream FROM heads ORDER BY id", [])
}

/// Open ones, the oldest first, and those with messages, by arrival.
pub(super) fn open_streams(conn: &Connection) -> rusqlite::Result<Vec<StreamId>> {
    let mut out = names(conn, "SELECT stream FROM heads WHERE open = 1 ORDER BY id", [])?;
    let sql = "SELECT stream FROM inbox
               WHERE NOT EXISTS (SELECT 1 FROM heads WHERE heads.stream = inbox.stream AND heads.open = 1)
               GROUP BY stream ORDER BY min(arrival)";
    out.extend(names(conn, sql, [])?);
    Ok(out)
}

pub(super) fn due_streams(conn: &Connection, at: Time, limit: usize) -> rusqlite::Result<Vec<StreamId>> {
    let sql = "SELECT stream FROM heads WHERE due IS NOT NULL AND due <= ?1 ORDER BY due, id LIMIT ?2";
    names(conn, sql, params![at, bound(limit)])
}

pub(super) fn next_due(conn: &Connection) -> rusqlite::Result<Option<Time>> {
    conn.prepare_cached("SELECT due FROM heads WHERE due IS NOT NULL ORDER BY due LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

pub(super) fn json<T: serde::de::DeserializeOwned>(
    text: &str,
    what: impl FnOnce() -> String,
) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unreadable { what: what(), detail: error.to_string() })
}

pub(super) fn inbox(conn: &Connection, path: &Path, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
    let sql = "SELECT id, sender, body FROM inbox WHERE stream = ?1 ORDER BY arrival";
    let mut statement = conn.prepare_cached(sql).at(path)?;
    let mut rows = statement.query([stream.as_str()]).at(path)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().at(path)? {
        let id: String = row.get(0).at(path)?;
        let body: String = row.get(2).at(path)?;
        let body = json(&body, || format!("message {id} to {stream}"))?;
        out.push(Message { id, from: name(row, 1).at(path)?, to: stream.clone(), body });
    }
    Ok(out)
}

pub(super) fn jobs(conn: &Connection, path: &Path, limit: usize) -> Result<Vec<Job>, StoreError> {
    let mut statement =
        conn.prepare_cached("SELECT id, kind, body, target FROM jobs ORDER BY id LIMIT ?1").at(path)?;
    let mut rows = statement.query([bound(limit)]).at(path)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().at(path)? {
        let id: String = row.get(0).at(path)?;
        let body: String = row.get(2).at(path)?;
        let body = json(&body, || format!("job {id}"))?;
        let (kind, target) = (row.get(1).at(path)?, row.get(3).at(path)?);
        out.push(Job { id, kind, target, body });
    }
    Ok(out)
}

pub(super) fn definition(conn: &Connection, revision: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    conn.prepare_cached("SELECT bytes FROM definitions WHERE revision = ?1")?
        .query_row([revision], |row| row.get(0))
        .optional()
}

/// What SQLite finds wrong with the pages of the file.
pub(super) fn quick_check(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let lines: Vec<String> =
        conn.prepare("PRAGMA quick_check")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

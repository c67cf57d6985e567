//! Tasks: the rows of inboxes and what is asked of them.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params, params_from_iter};
use stead_core::ids::StreamId;
use stead_core::people::fold;
use stead_core::task::TaskHead;

use super::error::At;
use super::read::{bound, json, name};
use crate::StoreError;
use crate::tasks::{ListedTask, TaskFilter};

/// Writes the row of a task, and in whose inbox it is.
pub(super) fn write(
    conn: &Connection,
    path: &Path,
    task: &StreamId,
    head: &TaskHead,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(head)
        .map_err(|error| StoreError::Sqlite { path: path.to_owned(), detail: error.to_string() })?;
    let put = || {
        let id: i64 = conn
            .prepare_cached(
                "INSERT INTO tasks (stream, run, top, open, head) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (stream) DO UPDATE SET open = ?4, head = ?5 RETURNING id",
            )?
            .query_row(
                params![
                    task.as_str(),
                    head.origin.run.as_str(),
                    head.origin.top.as_str(),
                    !head.status.is_end(),
                    body
                ],
                |row| row.get(0),
            )?;
        // Only what differs, so that a vote among many who may act does not write all of them again.
        let mut old = conn.prepare_cached("SELECT person FROM task_to WHERE task = ?1")?;
        let old: BTreeSet<String> = old.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let new: BTreeSet<String> = head.to.iter().map(|who| fold(who)).collect();
        for gone in old.difference(&new) {
            conn.prepare_cached("DELETE FROM task_to WHERE person = ?1 AND task = ?2")?
                .execute(params![gone, id])?;
        }
        for more in new.difference(&old) {
            conn.prepare_cached("INSERT INTO task_to (person, task) VALUES (?1, ?2)")?
                .execute(params![more, id])?;
        }
        for who in &head.acted {
            conn.prepare_cached(
                "INSERT INTO task_acted (person, task) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![fold(who), id])?;
            super::drafts::handed_in(conn, task, who)?;
        }
        Ok(())
    };
    put().at(path)
}

fn listed(row: &SqlRow<'_>, path: &Path) -> Result<ListedTask, StoreError> {
    let task = name(row, 0).at(path)?;
    let text = row.get_ref(1).at(path)?.as_str().map_err(rusqlite::Error::from).at(path)?;
    let head = json(text, || format!("the row of {task}"))?;
    Ok(ListedTask { task, head })
}

pub(super) fn task(
    conn: &Connection,
    path: &Path,
    task: &StreamId,
) -> Result<Option<ListedTask>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT stream, head FROM tasks WHERE stream = ?1").at(path)?;
    let mut rows = statement.query([task.as_str()]).at(path)?;
    rows.next().at(path)?.map(|row| listed(row, path)).transpose()
}

pub(super) fn tasks(
    conn: &Connection,
    path: &Path,
    filter: &TaskFilter,
) -> Result<Vec<ListedTask>, StoreError> {
    let after: Option<i64> = match &filter.after {
        None => None,
        Some(after) => {
            let mut statement = conn.prepare_cached("SELECT id FROM tasks WHERE stream = ?1").at(path)?;
            match statement.query_row([after.as_str()], |row| row.get(0)).optional().at(path)? {
                Some(id) => Some(id),
                None => return Ok(Vec::new()),
            }
        }
    };
    // Each person's part of a list stands in order, so that the first page of an inbox with very many in it reads so
    // many rows and no more.
    let parts: Vec<Option<(&str, String)>> = match (&*filter.to, &*filter.acted) {
        ([], []) => vec![None],
        ([], acted) => acted.iter().map(|who| Some(("task_acted", fold(who)))).collect(),
        (to, _) => to.iter().map(|who| Some(("task_to", fold(who)))).collect(),
    };
    let mut found = BTreeSet::new();
    for part in parts {
        let (sql, values) = select(filter, part, after);
        let mut statement = conn.prepare_cached(&sql).at(path)?;
        let ids = statement.query_map(params_from_iter(values), |row| row.get::<_, i64>(0)).at(path)?;
        for id in ids {
            found.insert(id.at(path)?);
        }
    }
    let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
    let ids: Vec<i64> = match filter.newest_first {
        true => found.into_iter().rev().take(limit).collect(),
        false => found.into_iter().take(limit).collect(),
    };
    let mut statement = conn.prepare_cached("SELECT stream, head FROM tasks WHERE id = ?1").at(path)?;
    ids.into_iter()
        .map(|id| {
            let mut rows = statement.query([id]).at(path)?;
            rows.next().at(path)?.map(|row| listed(row, path)).transpose()
        })
        .filter_map(Result::transpose)
        .collect()
}

/// Ids of the tasks of one person's part of a list, or of all.
fn select(filter: &TaskFilter, part: Option<(&str, String)>, after: Option<i64>) -> (String, Vec<Value>) {
    let (mut sql, mut values): (String, Vec<Value>) = match part {
        None => ("SELECT id FROM tasks WHERE 1 = 1".to_owned(), Vec::new()),
        Some((table, who)) => {
            let sql =
                format!("SELECT task AS id FROM {table} JOIN tasks ON tasks.id = task WHERE person = ?");
            (sql, vec![who.into()])
        }
    };
    let id = if values.is_empty() { "id" } else { "task" };
    let mut and = |condition: &str, value: Option<Value>| {
        sql += " AND ";
        sql += condition;
        values.extend(value);
    };
    match filter.open {
        Some(true) => and("open = 1", None),
        Some(false) => and("open = 0", None),
        None => {}
    }
    if !filter.to.is_empty() && !filter.acted.is_empty() {
        let people = vec!["?"; filter.acted.len()].join(", ");
        and(&format!("{id} IN (SELECT task FROM task_acted WHERE person IN ({people}))"), None);
        values.extend(filter.acted.iter().map(|who| Value::from(fold(who))));
    }
    let mut and = |condition: &str, value: Value| {
        sql += " AND ";
        sql += condition;
        values.push(value);
    };
    if let Some(run) = &filter.run {
        and("run = ?", run.as_str().to_owned().into());
    }
    if let Some(top) = &filter.top {
        and("top = ?", top.as_str().to_owned().into());
    }
    if let Some(prefix) = &filter.prefix {
        and("stream >= ?", prefix.clone().into());
        and("stream < ?", format!("{prefix}\u{10ffff}").into());
    }
    if let Some(after) = after {
        and(&format!("{id} {} ?", if filter.newest_first { "<" } else { ">" }), after.into());
    }
    for word in [" ORDER BY ", id, if filter.newest_first { " DESC" } else { "" }] {
        sql += word;
    }
    if filter.limit > 0 {
        sql += " LIMIT ?";
        values.push(bound(filter.limit).into());
    }
    (sql, values)
}

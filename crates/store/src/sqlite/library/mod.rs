//! The library in SQLite: what is read of it. [`write`] has its transactions.

mod write;

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params, params_from_iter};

use stead_core::Time;

use super::error::At;
use super::read::{bound, json};
use super::{SqliteReader, SqliteStore};
use crate::StoreError;
use crate::library::{
    Change, Field, Kept, LibraryReader, Revision, What, Workflow, WorkflowFilter, names_of, normal, query,
};

/// A workflow beside its newest revision.
const WORKFLOW: &str = "SELECT workflows.name, newest, revision, draft,
    coalesce(note, revisions.description), workflows.labels, created_at, created_by, updated_at, updated_by, deleted_at, deleted_by
    FROM workflows JOIN revisions ON workflow = workflows.id AND number = newest";

fn workflow_of(row: &SqlRow<'_>, path: &Path) -> Result<Workflow, StoreError> {
    let name: String = row.get(0).at(path)?;
    let labels: String = row.get(5).at(path)?;
    let labels = json(&labels, || format!("the labels of {name}"))?;
    let read = || {
        Ok(Workflow {
            newest: row.get(1)?,
            revision: row.get(2)?,
            draft: row.get(3)?,
            description: row.get(4)?,
            created_at: row.get(6)?,
            created_by: row.get(7)?,
            updated_at: row.get(8)?,
            updated_by: row.get(9)?,
            deleted_at: row.get(10)?,
            deleted_by: row.get(11)?,
            labels,
            name,
        })
    };
    read().at(path)
}

fn workflow(conn: &Connection, path: &Path, name: &str) -> Result<Option<Workflow>, StoreError> {
    let mut statement = conn.prepare_cached(&format!("{WORKFLOW} WHERE workflows.name = ?1")).at(path)?;
    let mut rows = statement.query([name]).at(path)?;
    rows.next().at(path)?.map(|row| workflow_of(row, path)).transpose()
}

fn workflows(conn: &Connection, path: &Path, filter: &WorkflowFilter) -> Result<Vec<Workflow>, StoreError> {
    let Some((sql, values)) = select(filter) else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached(&sql).at(path)?;
    let mut rows = statement.query(params_from_iter(values)).at(path)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().at(path)? {
        out.push(workflow_of(row, path)?);
    }
    Ok(out)
}

/// The list as SQL; `None` for one in which nothing can stand.
fn select(filter: &WorkflowFilter) -> Option<(String, Vec<Value>)> {
    let limit = if filter.limit > 0 { " LIMIT ?" } else { "" };
    let limited = (filter.limit > 0).then(|| bound(filter.limit).into());
    let labelled = "EXISTS (SELECT 1 FROM json_each(workflows.labels) WHERE json_each.value = ?)";
    let mut values: Vec<Value> = Vec::new();
    let Some(wanted) = &filter.words else {
        let deleted = if filter.deleted { "IS NOT NULL" } else { "IS NULL" };
        let mut sql = format!("{WORKFLOW} WHERE deleted_at {deleted}");
        for (condition, value) in [(labelled, &filter.label), ("workflows.name > ?", &filter.after)] {
            if let Some(value) = value {
                sql += " AND ";
                sql += condition;
                values.push(value.clone().into());
            }
        }
        values.extend(limited);
        return Some((format!("{sql} ORDER BY workflows.name{limit}"), values));
    };
    let words = query(wanted);
    // Deleted ones have no words.
    if words.is_empty() || filter.deleted {
        return None;
    }
    // Ranked first and fetched afterwards: a word that most have is in thousands, of which fifty are shown.
    let weights: Vec<String> = Field::ALL.iter().map(|field| format!("{:.1}", field.weight())).collect();
    let label = match &filter.label {
        Some(_) => format!(" AND rowid IN (SELECT id FROM workflows WHERE {labelled})"),
        None => String::new(),
    };
    let found = format!(
        "SELECT rowid AS hit, name = ? AS exact, bm25(words, {}) AS score FROM words WHERE words MATCH ?{label}
         ORDER BY exact DESC, score, name{limit}",
        weights.join(", ")
    );
    values.push(normal(wanted).into());
    // The words have letters and digits only, so nothing in them means something to FTS5.
    let expression: Vec<String> = words.iter().map(|word| format!("\"{word}\"*")).collect();
    values.push(expression.join(" ").into());
    values.extend(filter.label.clone().map(Value::from));
    values.extend(limited);
    let (columns, tables) = WORKFLOW.split_once("FROM workflows").unwrap_or((WORKFLOW, ""));
    let sql = format!(
        "{columns} FROM ({found}) JOIN workflows ON workflows.id = hit {tables}
         ORDER BY exact DESC, score, workflows.name"
    );
    Some((sql, values))
}

fn kept(conn: &Connection, name: &str, number: Option<u32>) -> rusqlite::Result<Option<Kept>> {
    let sql = "SELECT number, revisions.revision, draft, at, who, message,
                   coalesce(revisions.bytes, (SELECT bytes FROM definitions WHERE revision = revisions.revision))
               FROM revisions JOIN workflows ON workflows.id = workflow
               WHERE workflows.name = ?1 AND number = coalesce(?2, newest)";
    let read = |row: &SqlRow<'_>| {
        let revision = Revision {
            number: row.get(0)?,
            revision: row.get(1)?,
            draft: row.get(2)?,
            at: row.get(3)?,
            by: row.get(4)?,
            message: row.get(5)?,
        };
        Ok(Kept { revision, bytes: row.get(6)? })
    };
    conn.prepare_cached(sql)?.query_row(params![name, number], read).optional()
}

fn changes(conn: &Connection, name: &str, skip: usize, limit: usize) -> rusqlite::Result<Vec<Change>> {
    let sql = "SELECT at, who, what, number, detail FROM changes
               WHERE workflow = (SELECT id FROM workflows WHERE name = ?1) ORDER BY id DESC LIMIT ?2 OFFSET ?3";
    let read = |row: &SqlRow<'_>| {
        let word = row.get_ref(2)?.as_str()?;
        let what = What::ALL.into_iter().find(|what| what.as_str() == word);
        let strange = || rusqlite::Error::InvalidColumnType(2, word.to_owned(), rusqlite::types::Type::Text);
        Ok(Change {
            at: row.get(0)?,
            by: row.get(1)?,
            what: what.ok_or_else(strange)?,
            number: row.get(3)?,
            detail: row.get(4)?,
        })
    };
    conn.prepare_cached(sql)?.query_map(params![name, bound(limit), bound(skip)], read)?.collect()
}

fn callers(conn: &Connection, name: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM calls JOIN workflows ON workflows.id = calls.workflow
               WHERE callee = ?1 AND deleted_at IS NULL AND name <> ?1 ORDER BY name";
    conn.prepare_cached(sql)?.query_map([name], |row| row.get(0))?.collect()
}

fn all_names(conn: &Connection, name: &str) -> rusqlite::Result<Vec<(String, Option<Time>)>> {
    Ok(names_of(name, changes(conn, name, 0, usize::MAX)?))
}

fn times_run(conn: &Connection, name: &str) -> rusqlite::Result<u64> {
    let mut times = 0;
    for (name, until) in all_names(conn, name)? {
        let sql = "SELECT count(*) FROM heads WHERE workflow = ?1 AND created < ?2";
        let until = until.unwrap_or(Time::MAX);
        times += conn.prepare_cached(sql)?.query_row(params![name, until], |row| row.get::<_, u64>(0))?;
    }
    Ok(times)
}

/// Workflow 0 of `origins`: the file is not to be saved.
const DECLINED: i64 = 0;

fn origin(conn: &Connection, file: &str, name: &str) -> rusqlite::Result<Option<u32>> {
    let sql = "SELECT number FROM origins
               WHERE file = ?1 AND workflow = (SELECT id FROM workflows WHERE name = ?2)";
    conn.prepare_cached(sql)?.query_row([file, name], |row| row.get(0)).optional()
}

fn declined(conn: &Connection, file: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM origins WHERE file = ?1 AND workflow = ?2";
    conn.prepare_cached(sql)?.exists(params![file, DECLINED])
}

macro_rules! library_reader {
    ($($store:ty),+) => {
        $(impl LibraryReader for $store {
            fn workflow(&mut self, name: &str) -> Result<Option<Workflow>, StoreError> {
                workflow(&self.conn, &self.path, name)
            }

            fn workflows(&mut self, filter: &WorkflowFilter) -> Result<Vec<Workflow>, StoreError> {
                workflows(&self.conn, &self.path, filter)
            }

            fn kept(&mut self, name: &str, number: Option<u32>) -> Result<Option<Kept>, StoreError> {
                kept(&self.conn, name, number).at(&self.path)
            }

            fn changes(&mut self, name: &str, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError> {
                changes(&self.conn, name, skip, limit).at(&self.path)
            }

            fn callers(&mut self, name: &str) -> Result<Vec<String>, StoreError> {
                callers(&self.conn, name).at(&self.path)
            }

            fn names_of(&mut self, name: &str) -> Result<Vec<(String, Option<Time>)>, StoreError> {
                all_names(&self.conn, name).at(&self.path)
            }

            fn times_run(&mut self, name: &str) -> Result<u64, StoreError> {
                times_run(&self.conn, name).at(&self.path)
            }

            fn origin(&mut self, file: &str, name: &str) -> Result<Option<u32>, StoreError> {
                origin(&self.conn, file, name).at(&self.path)
            }

            fn declined(&mut self, file: &str) -> Result<bool, StoreError> {
                declined(&self.conn, file).at(&self.path)
            }
        })+
    };
}

library_reader!(SqliteStore, SqliteReader);

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite finds the rows of a list, line by line.
    fn plan(filter: &WorkflowFilter) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        drop(SqliteStore::open(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        let (sql, values) = select(filter).unwrap();
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    // A page must not cost more because there are ten thousand.
    #[test]
    fn a_page_is_read_without_sorting_and_words_are_found_by_their_index() {
        let page = WorkflowFilter { limit: 20, after: Some("m".to_owned()), ..WorkflowFilter::default() };
        let text = plan(&page);
        assert!(text.contains("sqlite_autoindex_workflows_1 (name>?)"), "{text}");
        assert!(!text.contains("TEMP B-TREE"), "{text}");
        let words = WorkflowFilter { words: Some("label im".to_owned()), ..page };
        let text = plan(&words);
        assert!(text.contains("SCAN words VIRTUAL TABLE INDEX"), "{text}");
        assert!(text.contains("SEARCH workflows USING INTEGER PRIMARY KEY"), "{text}");
    }
}

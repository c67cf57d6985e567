//! The list of heads: what is asked for, as SQL.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Row as SqlRow, params_from_iter};
use stead_core::ids::StreamId;
use stead_core::status::RunStatus;

use super::error::At;
use super::read::{bound, json, name};
use crate::{Filter, Listed, OpenCounts, StoreError};

const LISTED: &str = "SELECT stream, head, due,
    coalesce((SELECT max(last) FROM journal WHERE journal.stream = heads.id), 0) FROM heads";

fn listed(row: &SqlRow<'_>, path: &Path) -> Result<Listed, StoreError> {
    let stream = name(row, 0).at(path)?;
    let head = json(row.get_ref(1).at(path)?.as_str().map_err(rusqlite::Error::from).at(path)?, || {
        format!("the head of {stream}")
    })?;
    Ok(Listed { stream, head, due: row.get(2).at(path)?, seq: row.get(3).at(path)? })
}

pub(super) fn head(conn: &Connection, path: &Path, stream: &StreamId) -> Result<Option<Listed>, StoreError> {
    let mut statement =
        conn.prepare_cached(&format!("{LISTED} WHERE stream = ?1 AND head IS NOT NULL")).at(path)?;
    let mut rows = statement.query([stream.as_str()]).at(path)?;
    rows.next().at(path)?.map(|row| listed(row, path)).transpose()
}

pub(super) fn heads(conn: &Connection, path: &Path, filter: &Filter) -> Result<Vec<Listed>, StoreError> {
    let (sql, values) = select(filter);
    let mut statement = conn.prepare_cached(&sql).at(path)?;
    let mut rows = statement.query(params_from_iter(values)).at(path)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().at(path)? {
        out.push(listed(row, path)?);
    }
    Ok(out)
}

/// How much is open, by the indexes that leave out what has ended.
pub(super) fn open_counts(conn: &Connection) -> rusqlite::Result<OpenCounts> {
    let mut counts = OpenCounts::default();
    for status in RunStatus::ALL.iter().copied().filter(|status| !status.is_end()) {
        let count = conn.prepare_cached(COUNT_RUNS)?.query_row([status.as_str()], |row| row.get(0))?;
        if count > 0 {
            counts.runs.push((status, count));
        }
    }
    counts.tasks = conn.prepare_cached(COUNT_TASKS)?.query_row([], |row| row.get(0))?;
    Ok(counts)
}

const COUNT_RUNS: &str = "SELECT count(*) FROM heads WHERE status = ?1 AND status <> 'completed'";
const COUNT_TASKS: &str = "SELECT count(*) FROM tasks WHERE open = 1";

/// Length of a prefix that one stream in a thousand passes: kind, `_`, and two digits of 5 bits.
const SELECTIVE: usize = 4;

fn select(filter: &Filter) -> (String, Vec<Value>) {
    let mut query = Query::default();
    query.words("status", filter.status.iter().map(|status| status.as_str()), "completed");
    query.words("outcome", filter.outcome.iter().map(|outcome| outcome.as_str()), "ok");
    if let Some(workflow) = &filter.workflow {
        query.and("workflow = ?", [workflow.clone()]);
    }
    if let Some(project) = &filter.project {
        // Said once more for the index that leaves the others out.
        query.and(
            if project.is_empty() { "project = ?" } else { "project <> '' AND project = ?" },
            [project.clone()],
        );
    }
    if let Some(projects) = &filter.projects {
        let marks = vec!["?"; projects.len()].join(", ");
        query.and(&format!("project IN ({marks})"), projects.iter().cloned());
    }
    if !filter.starters.is_empty() {
        let marks = vec!["?"; filter.starters.len()].join(", ");
        let starter = format!("coalesce(json_extract(head, '$.starter'), '') IN ({marks})");
        query.and(&starter, filter.starters.iter().cloned());
    }
    if let Some(prefix) = &filter.prefix {
        // A range, which the index of names serves; U+10FFFF is behind every other character. A prefix that
        // says little more than the kind passes most rows: they are then gone through from the newest
        // (`+` keeps the index out), instead of all being found and sorted.
        let range = if prefix.len() < SELECTIVE {
            "+stream >= ? AND +stream < ?"
        } else {
            "stream >= ? AND stream < ?"
        };
        query.and(range, [prefix.clone(), format!("{prefix}\u{10ffff}")]);
    }
    for (name, value) in &filter.keys {
        let found = "id IN (SELECT stream FROM keys WHERE name = ? AND value = ?)";
        query.and(found, [name.clone(), value.clone()]);
    }
    if filter.top_only {
        query.and("top = 1", [0; 0]);
    }
    if let Some(parent) = &filter.parent {
        query.and("parent = ?", [parent.as_str().to_owned()]);
    }
    // Rows stand in the order of their making, but for clocks that were set back: the index of times says between
    // which rows to look, and the rows themselves say the rest.
    if let Some(since) = filter.since {
        let first = "id >= (SELECT min(+id) FROM heads WHERE created >= ?) AND +created >= ?";
        query.and(first, [since, since]);
    }
    if let Some(until) = filter.until {
        let last = "id <= (SELECT max(+id) FROM heads WHERE created < ?) AND +created < ?";
        query.and(last, [until, until]);
    }
    if let Some(text) = &filter.text {
        // `lower` knows ASCII only, here as in memory.
        let place = |place: &str| format!("instr(lower({place}), ?) > 0");
        let places = ["stream", "workflow", "project", "coalesce(json_extract(head, '$.error'), '')"];
        let places = places.map(place).join(" OR ");
        let text = text.to_ascii_lowercase();
        query.and(&format!("({places})"), std::array::from_fn::<_, 4, _>(|_| text.clone()));
    }
    if let Some(after) = &filter.after {
        query.and("id < (SELECT id FROM heads WHERE stream = ?)", [after.as_str().to_owned()]);
    }
    // Found first and fetched afterwards: what does not come into the list is not read as a whole.
    let found = format!("SELECT id FROM heads WHERE head IS NOT NULL{} ORDER BY id DESC", query.sql);
    let mut values = query.values;
    let limit = if filter.limit > 0 { " LIMIT ?" } else { "" };
    values.extend((filter.limit > 0).then(|| bound(filter.limit).into()));
    (format!("{LISTED} WHERE id IN ({found}{limit}) ORDER BY id DESC"), values)
}

#[derive(Default)]
struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    fn and<V: Into<Value>>(&mut self, condition: &str, values: impl IntoIterator<Item = V>) {
        self.sql += " AND ";
        self.sql += condition;
        self.values.extend(values.into_iter().map(Into::into));
    }

    /// One of some words. `usual` is the one that the column's index leaves out, and it serves those queries only
    /// that say they do not want it.
    fn words<'w>(&mut self, column: &str, words: impl Iterator<Item = &'w str>, usual: &str) {
        let words: Vec<String> = words.map(str::to_owned).collect();
        if words.is_empty() {
            return;
        }
        let marks = vec!["?"; words.len()].join(", ");
        let rare = words.iter().all(|word| word != usual);
        let rest = if rare { format!(" AND {column} <> '{usual}'") } else { String::new() };
        let condition = format!("{column} IN ({marks}){rest}");
        self.and(&condition, words);
    }
}

#[cfg(test)]
mod tests {
    use stead_core::status::{Outcome, RunStatus};

    use super::*;
    use crate::sqlite::SqliteStore;

    /// How SQLite finds the rows of a list, line by line.
    fn plan(filter: &Filter) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        drop(SqliteStore::open(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        let (sql, values) = select(filter);
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map(params_from_iter(values), |row| row.get(3)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[track_caller]
    fn found_by(filter: &Filter, index: &str) {
        let plan = plan(filter);
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
    }

    // A list of twenty must not cost more because there are a million.
    #[test]
    fn what_is_rare_is_found_by_its_index() {
        let (all, some) = (Filter { limit: 20, ..Filter::default() }, || Some("some".to_owned()));
        found_by(&Filter { status: vec![RunStatus::Failed], ..all.clone() }, "INDEX heads_status (status=?)");
        let open = vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting, RunStatus::Paused];
        found_by(&Filter { status: open, top_only: true, ..all.clone() }, "INDEX heads_status (status=?)");
        found_by(
            &Filter { outcome: vec![Outcome::Degraded], ..all.clone() },
            "INDEX heads_outcome (outcome=?)",
        );
        found_by(&Filter { workflow: some(), ..all.clone() }, "INDEX heads_workflow (workflow=?");
        found_by(&Filter { project: some(), ..all.clone() }, "INDEX heads_project (project=?");
        found_by(
            &Filter { parent: Some(StreamId::new("r_1")), ..all.clone() },
            "INDEX heads_parent (parent=?",
        );
        let window = Filter { since: Some(5), until: Some(9), ..all.clone() };
        found_by(&window, "COVERING INDEX heads_created (created>?)");
        found_by(&window, "COVERING INDEX heads_created (created<?)");
        found_by(&window, "heads USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        let open = vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting, RunStatus::Paused];
        let keys = vec![("order".to_owned(), "7".to_owned())];
        let keyed = Filter { keys, workflow: some(), status: open, ..all.clone() };
        found_by(&keyed, "SEARCH keys USING PRIMARY KEY (name=? AND value=?)");
        found_by(&keyed, "rowid=?)");
        let page = Filter { workflow: some(), after: Some(StreamId::new("r_1")), ..all };
        found_by(&page, "INDEX heads_workflow (workflow=? AND rowid<?)");
    }

    // A home with a million runs that are over is opened as fast as a new one.
    #[test]
    fn what_is_open_is_counted_without_what_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        drop(SqliteStore::open(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        for (sql, index) in [
            (COUNT_RUNS.replace("?1", "'waiting'"), "COVERING INDEX heads_status (status=?)"),
            (COUNT_TASKS.to_owned(), "COVERING INDEX tasks_open"),
        ] {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let plan: Vec<String> =
                statement.query_map([], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
            assert!(plan.iter().any(|line| line.contains(index)), "{plan:#?}");
        }
    }

    #[test]
    fn heads_of_the_first_version_are_found_too() {
        use crate::Reader as _;
        use crate::conformance::{head, stream};
        use crate::sqlite::migrate::{self, MIGRATIONS};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut conn = Connection::open(&path).unwrap();
        migrate::run(&mut conn, &path, &MIGRATIONS[..1]).unwrap();
        let mut old = serde_json::to_value(head(RunStatus::Failed, false)).unwrap();
        old.as_object_mut().unwrap().remove("project");
        old["parent"] = "r_up".into();
        conn.execute(
            "INSERT INTO heads (stream, open, top, status, outcome, workflow, head)
             VALUES (?1, 0, 0, 'failed', 'error', 'release', ?2)",
            [stream(1).as_str(), &old.to_string()],
        )
        .unwrap();
        drop(conn);
        let mut store = SqliteStore::open(&path).unwrap();
        let filter = Filter {
            parent: Some(StreamId::new("r_up")),
            project: Some(String::new()),
            since: Some(10),
            until: Some(11),
            ..Filter::default()
        };
        assert_eq!(store.heads(&filter).unwrap().len(), 1);
    }

    #[test]
    fn the_newest_are_read_without_sorting() {
        for filter in [
            Filter { limit: 20, ..Filter::default() },
            Filter { limit: 20, status: vec![RunStatus::Completed], ..Filter::default() },
            Filter { limit: 20, workflow: Some("some".to_owned()), ..Filter::default() },
        ] {
            let plan = plan(&filter);
            // The page itself is put in order, which is as many as are asked for.
            assert!(plan.iter().filter(|line| line.contains("TEMP B-TREE")).count() == 0, "{plan:#?}");
        }
    }
}

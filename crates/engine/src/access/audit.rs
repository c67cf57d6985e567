//! Who did what: read from what is durable anyway, journal, people and library, and from the notes of what stands
//! nowhere else. Nothing is written for it when a run is started: by which token that was done is a part of the cause
//! of the journal's row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stead_core::Time;
use stead_core::ids::StreamId;
use stead_store::access::AccessReader as _;
use stead_store::library::{LibraryReader as _, WorkflowFilter};
use stead_store::people::PeopleReader as _;
use stead_store::sqlite::SqliteReader;
use stead_store::{Position, Reader as _, Row};

use super::AccessError;
use super::perform::means;
use crate::error::EngineError;
use crate::limits;

/// Which of what was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// Only by this one: any of their names; or an address.
    pub user: Option<String>,
    /// Only about what has this text in its name.
    pub about: Option<String>,
    /// Only at this time or later.
    pub since: Option<Time>,
    /// Only before this time.
    pub until: Option<Time>,
    /// Go on behind this place: `next` of the page before.
    pub after: Option<String>,
    /// About so many.
    pub limit: usize,
}

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// When.
    pub at: Time,
    /// Who, by the one name of the history; an address where nobody was known.
    pub who: String,
    /// By which means: `socket`, `step`, `token NAME`, `session`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub means: String,
    /// What.
    pub what: String,
    /// About what: a run, a task, a workflow, somebody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The code of the refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl AuditQuery {
    fn passes(&self, row: &AuditRow) -> bool {
        self.user.as_ref().is_none_or(|user| row.who == *user)
            && self.about.as_ref().is_none_or(|about| row.about.contains(about.as_str()))
            && self.since.is_none_or(|since| row.at >= since)
            && self.until.is_none_or(|until| row.at < until)
    }

    /// The place to go on at: a position of the journal, and a time for what stands beside it; both exclusive.
    fn place(&self) -> Result<(Position, Time), AccessError> {
        let Some(after) = &self.after else { return Ok((Position::MAX, Time::MAX)) };
        let read = || {
            after.split_once('.').and_then(|(position, at)| Some((position.parse().ok()?, at.parse().ok()?)))
        };
        read().ok_or(AccessError::NoPlace)
    }
}

/// A page of what was done, the newest first, and where the next one begins.
pub(super) fn audit(
    reader: &mut SqliteReader,
    query: &AuditQuery,
) -> Result<(Vec<AuditRow>, Option<String>), EngineError> {
    let (start, before) = query.place()?;
    let most = query.limit.clamp(1, limits::AUDIT_PAGE);
    let mut at = start.min(newest(reader)? + 1);
    // In the order of positions. What a clock that was set back has written comes where it stands.
    let mut rows: Vec<(Time, Option<Position>, AuditRow)> = Vec::new();
    let (mut time, mut scanned) = (Time::MAX, 0);
    while at > 1 && rows.len() < most && scanned < limits::AUDIT_SCAN {
        let from = (at - 1).saturating_sub(limits::FOLLOW_ROWS as u64);
        let piece = reader.journal_after(from, limits::FOLLOW_ROWS)?;
        for (stream, row) in piece.into_iter().rev().filter(|(_, row)| row.position < at) {
            scanned += 1;
            time = time.min(row.at);
            let found = done(reader, &stream, &row)?;
            rows.extend(
                found
                    .into_iter()
                    .filter(|row| query.passes(row))
                    .map(|found| (time, Some(row.position), found)),
            );
        }
        at = from + 1;
        if query.since.is_some_and(|since| time < since) {
            at = 1;
        }
    }
    // Beside the journal, down to where it was read.
    let horizon = if at > 1 { time } else { Time::MIN };
    let beside =
        beside(reader)?.into_iter().filter(|row| row.at < before && row.at >= horizon && query.passes(row));
    rows.extend(beside.map(|row| (row.at, None, row)));
    rows.sort_by_key(|(time, position, _)| (std::cmp::Reverse(*time), std::cmp::Reverse(*position)));
    let mut cut = most.min(rows.len());
    // What belongs together is not parted: the events of one turn, and what has one time.
    while cut > 0 && cut < rows.len() && (rows[cut].0 == rows[cut - 1].0) {
        cut += 1;
    }
    let next = if cut < rows.len() {
        let lowest = rows[..cut].iter().filter_map(|(_, position, _)| *position).min();
        Some((lowest.unwrap_or(start), rows[cut - 1].0))
    } else {
        (at > 1).then_some((at, horizon))
    };
    rows.truncate(cut);
    let next = next.map(|(position, time)| format!("{position}.{time}"));
    Ok((rows.into_iter().map(|(_, _, row)| row).collect(), next))
}

/// The newest position of the journal, which is searched for: positions are without gaps.
fn newest(reader: &mut SqliteReader) -> Result<Position, EngineError> {
    let mut behind = |position| Ok::<_, EngineError>(!reader.journal_after(position, 1)?.is_empty());
    let mut high: Position = 1;
    while behind(high)? {
        high *= 2;
    }
    let mut low = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        match behind(middle)? {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

/// What somebody did by a turn.
fn done(reader: &mut SqliteReader, stream: &StreamId, row: &Row) -> Result<Vec<AuditRow>, EngineError> {
    let events: Vec<Value> =
        serde_json::from_slice(&row.events).map_err(|error| EngineError::journal(stream, row.seq, &error))?;
    let mut all = Vec::new();
    for event in &events {
        let who = event["by"].as_str().filter(|who| who.starts_with("user:") || who.starts_with("agent:"));
        let (Some(who), Some(what)) = (who, event["type"].as_str()) else { continue };
        let key = row.cause.split(':').find(|part| part.starts_with(KEY));
        let means = match key.map(|key| reader.key(key)).transpose()? {
            Some(Some(key)) => means(&key),
            // It was, and is not kept any more.
            Some(None) => "token".to_owned(),
            None if who.contains('/') => "step".to_owned(),
            None => "socket".to_owned(),
        };
        all.push(AuditRow {
            at: row.at,
            who: who.to_owned(),
            means,
            what: what.replace('_', " "),
            about: stream.to_string(),
            refused: None,
        });
    }
    Ok(all)
}

/// What ids of keys begin with.
pub(super) const KEY: &str = "k_";

/// What was done beside the journal: to people, to the library, with keys; and who was not let in.
fn beside(reader: &mut SqliteReader) -> Result<Vec<AuditRow>, EngineError> {
    let mut rows: Vec<AuditRow> = Vec::new();
    let most = limits::AUDIT_SCAN;
    rows.extend(reader.noted(None, most)?.into_iter().map(|(_, noted)| AuditRow {
        at: noted.at,
        who: noted.who,
        means: noted.means,
        what: noted.what,
        about: noted.about,
        refused: noted.refused,
    }));
    rows.extend(reader.people_changes(0, most)?.into_iter().map(|change| AuditRow {
        at: change.at,
        who: change.by,
        means: String::new(),
        what: match change.detail.is_empty() {
            true => change.what,
            false => format!("{} {}", change.what, change.detail),
        },
        about: change.subject,
        refused: None,
    }));
    for deleted in [false, true] {
        let filter = WorkflowFilter { deleted, limit: most, ..WorkflowFilter::default() };
        for workflow in reader.workflows(&filter)? {
            let changes = reader.changes(&workflow.name, 0, limits::AUDIT_PAGE)?;
            rows.extend(changes.into_iter().map(|change| {
                AuditRow {
                    at: change.at,
                    who: change.by,
                    means: String::new(),
                    what: serde_json::to_value(change.what)
                        .ok()
                        .and_then(|what| Some(what.as_str()?.to_owned()))
                        .unwrap_or_default(),
                    about: format!("{}@{}", workflow.name, change.number),
                    refused: None,
                }
            }));
        }
    }
    Ok(rows)
}

//! What was written before somebody came.

use std::collections::HashSet;

use stead_core::ids::{StreamId, StreamKind};
use stead_store::{Filter, Position, Reader};

use super::hub::{Lists, parent_of};
use super::mailbox::{Changed, Entry};
use crate::error::EngineError;
use crate::limits;
use crate::reads::Reads;

/// A run and those that it has started, and those that these have.
pub(super) fn descendants<R: Reader>(
    reads: &mut Reads<R>,
    run: &StreamId,
) -> Result<HashSet<StreamId>, EngineError> {
    let mut found = HashSet::from([run.clone()]);
    let mut open = vec![run.clone()];
    while let Some(parent) = open.pop() {
        let filter = Filter { parent: Some(parent), ..Filter::default() };
        for child in reads.reader_mut().heads(&filter)? {
            if found.insert(child.stream.clone()) {
                open.push(child.stream);
            }
        }
    }
    Ok(found)
}

/// Rows of one run behind the event `seq`, not behind `until`.
pub(super) fn of_run<R: Reader>(
    reads: &mut Reads<R>,
    run: &StreamId,
    seq: u64,
    until: Position,
) -> Result<Vec<Entry>, EngineError> {
    let rows = reads.reader_mut().journal(run, seq + 1, limits::LIVE_ROWS)?;
    let rows = rows.into_iter().take_while(|row| row.position <= until);
    Ok(rows.map(|row| Entry::new(run.clone(), &row)).collect())
}

/// Rows of many runs behind a position, and up to where was read; runs that they start are added.
pub(super) fn of_runs<R: Reader>(
    reads: &mut Reads<R>,
    runs: &mut HashSet<StreamId>,
    after: Position,
    until: Position,
) -> Result<(Vec<Entry>, Position), EngineError> {
    let rows = reads.reader_mut().journal_after(after, limits::LIVE_ROWS)?;
    let mut read = if rows.is_empty() { until } else { after };
    let mut found = Vec::new();
    for (stream, row) in rows {
        if row.position > until {
            return Ok((found, until));
        }
        read = row.position;
        if row.seq == 1
            && stream.kind() == StreamKind::Run
            && parent_of(&row).is_some_and(|parent| runs.contains(&parent))
        {
            runs.insert(stream.clone());
        }
        if runs.contains(&stream) {
            found.push(Entry::new(stream, &row));
        }
    }
    Ok((found, read))
}

/// What has changed in lists behind a position, and up to where was read.
pub(super) fn of_lists<R: Reader>(
    reads: &mut Reads<R>,
    after: Position,
    until: Position,
) -> Result<(Changed, Position), EngineError> {
    let mut lists = Lists::default();
    let rows = reads.reader_mut().journal_after(after, limits::LIVE_ROWS)?;
    let mut read = if rows.is_empty() { until } else { after };
    for (stream, row) in rows {
        if row.position > until {
            read = until;
            break;
        }
        read = row.position;
        lists.touch(&stream, row.position);
    }
    Ok((lists.take(reads.reader_mut()), read))
}

//! Limits in use, and who waits for what: read from their streams.

use std::collections::HashMap;

use stead_core::ids::{StreamId, StreamKind};
use stead_core::limit::{AskId, LimitState, Place};
use stead_core::run::{RunState, StepNow, View};
use stead_store::Reader;

use crate::driver::load_limit;
use crate::error::EngineError;
use crate::limits;
use crate::operations::{LimitRow, PlaceRow, Trouble};

/// Limits in use, of one project or key where that is said, by project and key; and those that cannot be read.
pub(crate) fn in_use<R: Reader + ?Sized>(
    reader: &mut R,
    project: Option<&str>,
    key: Option<&str>,
) -> Result<(Vec<LimitRow>, Vec<Trouble>), EngineError> {
    let (mut all, mut unread) = (Vec::new(), Vec::new());
    for id in reader.open_streams()? {
        if id.kind() != StreamKind::Limit {
            continue;
        }
        let limit = match load_limit(reader, &id) {
            Ok(Some(limit)) => limit,
            Ok(None) => continue,
            // What is wrong with one says nothing of the others.
            Err(error) if error.concerns_stream() => {
                unread.push(Trouble { run: id, why: error.to_string() });
                continue;
            }
            Err(error) => return Err(error),
        };
        let wanted = |want: Option<&str>, is: &str| want.is_none_or(|want| want == is);
        if !wanted(project, &limit.project) || !wanted(key, &limit.key) || !limit.in_use() {
            continue;
        }
        let waiting = limit.waiters().count();
        all.push(LimitRow {
            limit: id,
            holders: limit.holders().take(limits::PLACES_LISTED).map(row).collect(),
            held: limit.holders().count(),
            waiters: limit.waiters().take(limits::PLACES_LISTED).map(row).collect(),
            waiting,
            project: limit.project,
            key: limit.key,
            max: limit.max,
        });
    }
    all.sort_by(|a, b| (&a.project, &a.key).cmp(&(&b.project, &b.key)));
    Ok((all, unread))
}

fn row(place: &Place) -> PlaceRow {
    PlaceRow {
        run: place.ask.id.run.clone(),
        path: place.ask.path.clone(),
        workflow: place.ask.workflow.clone(),
        since: place.held_since.unwrap_or(place.asked_at),
        leaving: place.revoked,
    }
}

/// Says of what waits for a place who has it and how many come before.
pub(crate) fn say_who_is_before<R: Reader + ?Sized>(
    reader: &mut R,
    state: &RunState,
    view: &mut View,
) -> Result<(), EngineError> {
    // Many steps of a run may wait for the same.
    let mut known: HashMap<StreamId, Result<Option<LimitState>, EngineError>> = HashMap::new();
    for (path, held) in state.places_awaited().into_iter().take(limits::PLACES_LISTED) {
        let limit = known.entry(held.limit.clone()).or_insert_with(|| load_limit(reader, &held.limit));
        let more = match limit {
            Ok(Some(limit)) => before(limit, &held.ask),
            // Its message may be under way.
            Ok(None) => continue,
            Err(error) if error.concerns_stream() => format!(", which nobody can give: {error}"),
            Err(_) => break,
        };
        let mine = view.waits_for.iter_mut().filter(|waits| waits.path == path && waits.kind == "slot");
        for detail in mine.filter_map(|waits| waits.detail.as_mut()) {
            detail.push_str(&more);
        }
        if let Some(detail) =
            find(&mut view.steps, &path).and_then(|step| step.waits_for.as_mut()?.detail.as_mut())
        {
            detail.push_str(&more);
        }
    }
    known.into_values().try_for_each(|limit| match limit {
        Err(error) if !error.concerns_stream() => Err(error),
        _ => Ok(()),
    })
}

fn before(limit: &LimitState, ask: &AskId) -> String {
    let Some(before) = limit.before(ask) else { return String::new() };
    let names: Vec<String> = limit.holders().take(limits::HOLDERS_NAMED).map(name).collect();
    let more = limit.holders().count() - names.len();
    let held = match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!(", held by {}", names.join(" and ")),
        (false, more) => format!(", held by {} and {more} more", names.join(", ")),
    };
    match before {
        0 => held,
        n => format!("{held}, {n} before it"),
    }
}

fn name(place: &Place) -> String {
    match place.ask.path.as_str() {
        "" => place.ask.id.run.to_string(),
        path => format!("{}/{path}", place.ask.id.run),
    }
}

pub(crate) fn find<'v>(steps: &'v mut [StepNow], path: &str) -> Option<&'v mut StepNow> {
    for step in steps {
        if step.path == path {
            return Some(step);
        }
        if let Some(found) = find(&mut step.inside, path) {
            return Some(found);
        }
    }
    None
}

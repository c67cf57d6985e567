//! Limits in use, and who waits for what: read from their streams.

use stead_core::ids::StreamKind;
use stead_core::limit::Place;
use stead_core::run::{RunState, StepNow, View};
use stead_store::Reader;

use crate::driver::load_limit;
use crate::error::EngineError;
use crate::limits;
use crate::operations::{LimitRow, PlaceRow};

/// Limits in use, of one project or key where that is said, by project and key.
pub(crate) fn in_use<R: Reader + ?Sized>(
    reader: &mut R,
    project: Option<&str>,
    key: Option<&str>,
) -> Result<Vec<LimitRow>, EngineError> {
    let mut all = Vec::new();
    for id in reader.open_streams()? {
        if id.kind() != StreamKind::Limit {
            continue;
        }
        let Some(limit) = load_limit(reader, &id)? else { continue };
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
    Ok(all)
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
    for (path, held) in state.places_awaited().into_iter().take(limits::PLACES_LISTED) {
        let Some(limit) = load_limit(reader, &held.limit)? else { continue };
        // Its message may be under way.
        let Some(before) = limit.before(&held.ask) else { continue };
        let has = limit.holders().next().map(|place| format!("{} has it", name(place)));
        let before = (before > 0).then(|| format!("{before} before it"));
        let more = [has, before].into_iter().flatten().map(|more| format!(", {more}"));
        let more: String = more.collect();
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
    Ok(())
}

fn name(place: &Place) -> String {
    match place.ask.path.as_str() {
        "" => place.ask.id.run.to_string(),
        path => format!("{}/{path}", place.ask.id.run),
    }
}

fn find<'v>(steps: &'v mut [StepNow], path: &str) -> Option<&'v mut StepNow> {
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

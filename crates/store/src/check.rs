//! What every store asks of a commit before it writes.

use crate::{Commit, Filter, Listed, Row, Seq, Snapshot, StoreError};

/// Refuses a commit that contradicts itself.
pub(crate) fn shape(commit: &Commit) -> Result<(), StoreError> {
    let why = if commit.expected_seq == 0 {
        "events count from 1"
    } else if commit.count > 0 && commit.events.is_empty() {
        "it counts events and has none"
    } else {
        return Ok(());
    };
    Err(StoreError::Malformed { stream: commit.stream.clone(), why })
}

/// Refuses a commit that was made on another state of the stream.
pub(crate) fn expected(commit: &Commit, next: Seq) -> Result<(), StoreError> {
    if commit.expected_seq == next {
        return Ok(());
    }
    let (stream, expected) = (commit.stream.clone(), commit.expected_seq);
    Err(StoreError::Conflict { stream, expected, actual: next })
}

/// Whether a snapshot takes the place of the one of this format and last event: an engine that has lost
/// the fence must not put back an older one.
pub(crate) fn newer(snapshot: &Snapshot, old: Option<(u32, Seq)>) -> bool {
    old.is_none_or(|(format, seq)| snapshot.format != format || snapshot.seq > seq)
}

impl Row {
    /// Number of its last event.
    pub fn last(&self) -> Seq {
        self.seq + self.count - 1
    }
}

impl Filter {
    /// Whether a head passes; limit and page aside.
    pub fn passes(&self, listed: &Listed) -> bool {
        let (stream, head) = (listed.stream.as_str(), &listed.head);
        (self.status.is_empty() || self.status.contains(&head.status))
            && (self.outcome.is_empty()
                || head.outcome.is_some_and(|outcome| self.outcome.contains(&outcome)))
            && self.workflow.as_ref().is_none_or(|workflow| head.workflow == *workflow)
            && self.project.as_ref().is_none_or(|project| head.project == *project)
            && self.projects.as_ref().is_none_or(|projects| projects.contains(&head.project))
            && (self.starters.is_empty() || self.starters.contains(&head.starter))
            && self.prefix.as_ref().is_none_or(|prefix| stream.starts_with(prefix.as_str()))
            && self.keys.iter().all(|key| head.keys.contains(key))
            && (!self.top_only || head.parent.is_none())
            && self.parent.as_ref().is_none_or(|parent| head.parent.as_ref() == Some(parent))
            && self.since.is_none_or(|since| head.created_at >= since)
            && self.until.is_none_or(|until| head.created_at < until)
            && self.text.as_ref().is_none_or(|text| {
                let text = text.to_ascii_lowercase();
                let error = head.error.as_deref().unwrap_or_default();
                let places = [stream, head.workflow.as_str(), head.project.as_str(), error];
                places.iter().any(|place| place.to_ascii_lowercase().contains(&text))
            })
    }
}

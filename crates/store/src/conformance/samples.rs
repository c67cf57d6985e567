//! Streams, heads, messages and commits for tests.

use stead_core::head::{Head, WaitsFor};
use stead_core::ids::StreamId;
use stead_core::message::Message;
use stead_core::status::RunStatus;

use crate::{Commit, Seq};

/// A stream of a number.
pub fn stream(number: usize) -> StreamId {
    StreamId::new(&format!("r_{number:016}"))
}

/// A head with something in every part.
pub fn head(status: RunStatus, open: bool) -> Head {
    Head {
        workflow: "release".to_owned(),
        revision: "0123456789abcdef".repeat(4),
        project: "docs".to_owned(),
        status,
        outcome: status.outcomes().first().copied(),
        open,
        waits_for: vec![WaitsFor {
            kind: "timer".to_owned(),
            path: "wait".to_owned(),
            since: 10,
            until: Some(20),
            detail: None,
        }],
        error: None,
        schedule: None,
        parent: None,
        keys: Vec::new(),
        starter: "user:ana".to_owned(),
        signals_full: false,
        created_at: 10,
        ended_at: status.is_end().then_some(30),
    }
}

/// A message.
pub fn message(id: &str, from: &StreamId, to: &StreamId) -> Message {
    Message {
        id: id.to_owned(),
        from: from.clone(),
        to: to.clone(),
        body: serde_json::json!({ "kind": "child_ended", "text": "ä \u{1f600} \"quoted\"" }),
    }
}

/// A commit of `count` events and nothing else.
pub fn commit(stream: &StreamId, expected_seq: Seq, count: u64) -> Commit {
    let last = expected_seq + count;
    let events: Vec<String> = (expected_seq..last).map(|seq| format!("{{\"event\":{seq}}}")).collect();
    Commit {
        stream: stream.clone(),
        expected_seq,
        count,
        events: format!("[{}]", events.join(",")).into_bytes(),
        at: 1_760_000_000_000 + i64::try_from(expected_seq).unwrap(),
        cause: "attempt".to_owned(),
        messages: Vec::new(),
        taken: Vec::new(),
        due: None,
        head: None,
        open: None,
        task: None,
        jobs: Vec::new(),
    }
}

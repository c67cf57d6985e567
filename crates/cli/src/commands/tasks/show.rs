//! A task in words.

use std::fmt::Write as _;

use serde_json::Value;
use stead_core::Time;
use stead_core::task::{TaskHead, TaskKind, TaskStatus};
use stead_engine::tasks::{Eligible, TaskNow};

use crate::here::Here;
use crate::out;
use crate::text;

/// How it stands, in a few words.
pub(crate) fn stands(head: &TaskHead, now: Time) -> String {
    let mut words = Vec::new();
    match head.status {
        TaskStatus::Claimed => {
            let by = head.claimed.as_ref().map(|(by, _)| by.as_str()).unwrap_or_default();
            words.push(format!("{} works on it", text::clean(by)));
        }
        status if status.is_end() => {
            let ended = head.ended.map_or_else(|| status.to_string(), |ended| ended.to_string());
            let by = head.acted.iter().map(|by| text::clean(by)).collect::<Vec<_>>().join(", ");
            words.push(if by.is_empty() { ended } else { format!("{ended} by {by}") });
        }
        _ => {}
    }
    let part = head.part;
    if !head.status.is_end() && head.kind == TaskKind::Gate && (part.quorum > 1 || part.most > 1) {
        words.push(format!("{} of {} accepted", part.accepts, part.quorum));
        if part.rejects > 0 {
            words.push(format!("{} of {} rejected", part.rejects, part.most));
        }
    }
    if let Some(due) = head.due_at.filter(|_| !head.status.is_end()) {
        words.push(format!("due in {}", text::remaining(due - now)));
    }
    words.join(", ")
}

/// All of it.
pub(super) fn told(task: &TaskNow, now: Time) -> String {
    let head = &task.head;
    let mut told = String::new();
    let kind = match head.kind {
        TaskKind::Gate => "gate",
        TaskKind::Questions => "questions",
    };
    // Writing to a text does not fail.
    let _ = writeln!(told, "{}  ({kind}, {})", text::clean(&head.title), head.status);
    let mut row = |name: &str, value: &str| {
        let mut name = name;
        for line in value.lines() {
            let _ = writeln!(told, "  {}  {}", text::pad(name, 8), text::clean(line));
            name = "";
        }
    };
    let origin = &head.origin;
    row("run", &format!("{} {}", origin.run, origin.workflow));
    row("step", &origin.path);
    row("asked", &text::moment(head.opened_at, now));
    let stands = stands(head, now);
    if !stands.is_empty() {
        row("stands", &stands);
    }
    if !head.status.is_end() {
        match &task.eligible {
            Eligible::Anybody => row("who", &head.to.join(", ")),
            Eligible::People { who, .. } if who.is_empty() => row("who", &head.to.join(", ")),
            Eligible::People { who, .. } => {
                row("who", &format!("{} ({})", head.to.join(", "), who.join(", ")));
            }
        }
        if let Some(few) = task.eligible.too_few() {
            row("", &few);
        }
    }
    for (from, to) in &task.delegated {
        row("given", &format!("{from} gave it to {to}"));
    }
    for (who, why) in &task.skipped {
        row("skipped", &format!("{who}: {why}"));
    }
    for one in &task.said {
        let word = match one.accept {
            Some(true) => "accepted",
            Some(false) => "rejected",
            None => "answered",
        };
        let comment = if one.comment.is_empty() { String::new() } else { format!(": {}", one.comment) };
        row("said", &format!("{} {word} {}{comment}", one.by, text::moment(one.at, now)));
        if let Some(form) = &one.form {
            row("", &shown(form));
        }
    }
    if let Some(draft) = &task.draft {
        let wanted = if head.status.is_end() { ", no longer wanted" } else { ", not handed in" };
        row("draft", &format!("yours of {}{wanted}", text::moment(draft.saved_at, now)));
        match draft.draft.accept {
            Some(true) => row("", "accept"),
            Some(false) => row("", "reject"),
            None => {}
        }
        row("", &draft.draft.comment);
        for (name, value) in &draft.draft.form {
            row("", &format!("{name}: {}", shown(value)));
        }
    }
    for (label, value) in &task.shown {
        let _ = writeln!(told, "\n{}:", text::clean(label));
        for line in shown(value).lines() {
            let _ = writeln!(told, "  {}", text::clean(line));
        }
    }
    if let Some(questions) = &task.questions {
        let _ = writeln!(told, "\nquestions:");
        for question in questions.as_array().into_iter().flatten() {
            let _ = writeln!(told, "  {}", super::fill::question(question));
        }
    } else if let Some(form) = &task.form {
        let _ = writeln!(told, "\nform:");
        for (name, field) in super::fill::fields(form) {
            let _ = writeln!(told, "  {}", super::fill::field(&name, &field));
        }
    }
    told
}

/// A value for people: a text as it is, anything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A value always serialises.
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// What can be done about it.
pub(super) fn hints(here: &Here, task: &TaskNow) {
    let head = &task.head;
    if head.status.is_end() {
        return;
    }
    if let Some(why) = &task.barred {
        out::note(why);
        return;
    }
    let name = text::shell_word(&format!("{}/{}", head.origin.run, head.origin.path));
    let commands = match head.kind {
        TaskKind::Gate => vec![format!("approve {name}"), format!("reject {name} -m WHY")],
        TaskKind::Questions => vec![format!("answer {name}")],
    };
    for command in commands {
        out::note(&format!("next: {}", here.command(&command)));
    }
}

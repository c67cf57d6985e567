//! Executors as a seed has them: how long an attempt takes, and what it comes to.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::effect::{AttemptError, AttemptId, AttemptResult, EndReason, ErrorKind, Execute};

use crate::rng::Rng;

/// Something that comes from outside, by itself.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// An attempt that was queued has found a place.
    Begins(AttemptId),
    /// An attempt ends, if it is under way.
    Ends(AttemptId, AttemptResult),
    /// A result that is told whether or not it is expected.
    Stray(AttemptId, AttemptResult),
}

/// An attempt that was handed out and has not told its result.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) job: Execute,
    pub(crate) queued: bool,
    /// Must happen once, and has not been told that it may begin.
    pub(crate) held: bool,
    pub(crate) lasts: Option<Time>,
    /// What it comes to, unless it is ended before.
    pub(crate) result: AttemptResult,
}

/// How executors behave in one scenario.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    seed: u64,
    calm: bool,
    /// Out of a hundred.
    fails: u64,
    hangs: u64,
    queues: u64,
    immediate: u64,
}

impl Manners {
    pub(crate) fn of(seed: u64, calm: bool) -> Self {
        let mut rng = Rng::of(seed, "manners");
        let fails = *rng.pick(&[0, 5, 15, 40]);
        let hangs = *rng.pick(&[0, 3, 15]);
        let queues = *rng.pick(&[0, 10, 50]);
        let immediate = *rng.pick(&[0, 20, 100]);
        Self {
            seed,
            calm,
            fails: if calm { 0 } else { fails },
            hangs: if calm { 0 } else { hangs },
            queues,
            immediate,
        }
    }

    /// What a try comes to, by its key and the failures before it: so a try that was lost comes to the same.
    pub(crate) fn of_attempt(&self, job: &Execute, failures: u32) -> Attempt {
        let mut rng = Rng::of(self.seed, &format!("{}:{failures}", job.key));
        let may_fail = job.request.pointer("/value/may_fail").is_some();
        let fails = if may_fail { self.fails.max(60) } else { self.fails };
        let result = match rng.hits(fails, 100) {
            // A probe that fails says that it did not happen, or that it cannot tell. The first is what lets a
            // run end as one in which nothing was lost.
            _ if job.key.ends_with("!verify") && (self.calm || rng.hits(1, 2)) => {
                let mut said = failed(&mut rng, true);
                said.exit_code = Some(if self.calm || rng.hits(1, 2) { 1 } else { 3 });
                said
            }
            true => failed(&mut rng, self.calm),
            false => done(&mut rng, job),
        };
        let hangs = rng.hits(self.hangs, 100);
        let immediate = job.executor == "noop" && rng.hits(self.immediate, 100);
        let queued = (!immediate && rng.hits(self.queues, 100)).then(|| rng.between(0, 90_000));
        let lasts = match rng.below(4) {
            0 => rng.between(0, 5),
            1 | 2 => rng.between(0, 20_000),
            // Longer than the time-out that is set where none is written, unless all is to end well.
            _ => rng.between(0, if self.calm { 500_000 } else { 5_000_000 }),
        };
        let time = |ms: u64| Time::try_from(ms).unwrap();
        Attempt {
            result,
            immediate: immediate && !hangs,
            queued: queued.map(time),
            lasts: (!hangs).then(|| time(lasts)),
        }
    }

    /// How long an attempt takes to end when it is told to, and what it tells then.
    pub(crate) fn ending(&self, under_way: &UnderWay, reason: EndReason) -> (Time, AttemptResult) {
        let mut rng = Rng::of(self.seed, &format!("{}:ending", under_way.job.attempt));
        let result = match (reason, rng.below(3)) {
            // It was done at that very moment.
            (_, 0) => under_way.result.clone(),
            _ => ended(),
        };
        (Time::try_from(rng.below(6_000)).unwrap(), result)
    }
}

/// What an attempt tells that was ended.
pub(crate) fn ended() -> AttemptResult {
    let error = Some(AttemptError { kind: ErrorKind::Cancelled, message: "it was ended".into() });
    AttemptResult { error, exit_code: Some(143), ..AttemptResult::default() }
}

/// The course of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) result: AttemptResult,
    /// The driver performs it itself.
    pub(crate) immediate: bool,
    /// Waits so long for a place first.
    pub(crate) queued: Option<Time>,
    /// `None`: until it is ended.
    pub(crate) lasts: Option<Time>,
}

fn failed(rng: &mut Rng, calm: bool) -> AttemptResult {
    let kinds = [
        ErrorKind::Exit,
        ErrorKind::Exit,
        ErrorKind::Network,
        ErrorKind::RateLimit,
        ErrorKind::Schema,
        ErrorKind::Timeout,
    ];
    let kind = if calm { ErrorKind::Exit } else { *rng.pick(&kinds) };
    let error = Some(AttemptError { kind, message: "it failed".into() });
    // A server may ask to be left alone.
    let retry_after = (kind == ErrorKind::RateLimit).then(|| *rng.pick(&[0, 90_000, u64::MAX]));
    AttemptResult { error, exit_code: Some(1), retry_after, ..AttemptResult::default() }
}

fn done(rng: &mut Rng, job: &Execute) -> AttemptResult {
    let n = rng.below(10);
    if job.executor == "noop" {
        let mut value = job.request.get("value").cloned().unwrap_or(Value::Null);
        if let Some(size) = value.get("pad").and_then(Value::as_u64) {
            value["pad"] = json!("x".repeat(usize::try_from(size).unwrap()));
        }
        return AttemptResult { output: Some(value), ..AttemptResult::default() };
    }
    if job.executor == "file" {
        let written = json!({ "path": "notes.txt", "name": "notes.txt", "size": n });
        let output = match job.request.get("parse").and_then(Value::as_str) {
            Some("json") => Some(json!({ "v": n })),
            Some("lines") => Some(json!(["a line", "another"])),
            Some(_) => Some(json!("text")),
            None if job.request.get("read").is_some() => Some(json!("text")),
            None if job.request.get("delete").is_some() => None,
            None => Some(written),
        };
        return AttemptResult { output, ..AttemptResult::default() };
    }
    let parse = job.request.get("parse").and_then(Value::as_str).unwrap_or_default();
    if job.executor == "http" {
        let body = match parse {
            "json" => json!({ "v": n }),
            "text" => json!("some text"),
            "lines" => json!(["a line"]),
            "file" => json!({ "path": "/x", "name": "items", "size": n }),
            _ => Value::Null,
        };
        let output =
            json!({ "status": 200, "headers": { "content-type": "application/json" }, "body": body });
        return AttemptResult { output: Some(output), ..AttemptResult::default() };
    }
    let output = match parse {
        "json" => Some(json!({ "v": n, "more": [null, "text"] })),
        "lines" => Some((0..n).map(|n| format!("line {n}")).collect()),
        "none" => None,
        _ => Some(json!("some text".repeat(usize::try_from(n).unwrap()))),
    };
    let any = job.request.get("expect").is_some_and(|expect| expect == "any");
    let exit_code = Some(if any { 2 } else { 0 });
    let values = rng.hits(1, 3).then(|| json!({ "n": n }));
    AttemptResult { error: None, output, values, exit_code, retry_after: None }
}

/// What is going on outside of the engine.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    pub(crate) under_way: BTreeMap<AttemptId, UnderWay>,
    pub(crate) agenda: BTreeMap<(Time, u64), Happening>,
    noted: u64,
}

impl Outside {
    pub(crate) fn note(&mut self, at: Time, what: Happening) {
        self.noted += 1;
        self.agenda.insert((at, self.noted), what);
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// The engine is gone, and what it performed with it. With `late`, results of what was under way come to
    /// the next engine all the same.
    pub(crate) fn lose(&mut self, now: Time, late: bool) {
        self.agenda.retain(|_, what| matches!(what, Happening::Stray(..)));
        for (attempt, under_way) in std::mem::take(&mut self.under_way) {
            if late && !under_way.queued {
                self.note(now + 1_000, Happening::Stray(attempt, under_way.result));
            }
        }
    }
}

//! Routes of what stands in logs.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use stead_core::ids::StreamId;
use stead_engine::logs::{LogPart, LogRow, LogStream, LogTold, RawLog};
use stead_engine::operations::{Answer, Operation};

use super::route::{Kind, LIMIT, Param, flag, number, text, word};
use super::{Route, of, unexpected};
use crate::call::{Call, Reply};
use crate::problem::Problem;
use crate::reading::Reading;

const STEP: Param = text("step", "The step instance").needed();
const ATTEMPT: Param = number("attempt", "The attempt of this number; else the last that left a log");
const FROM: Param = Param::new("from", Kind::Number(0, u64::MAX), "Only lines from this number on");

pub(super) const ROUTES: &[Route] = &[
    Route::get("/runs/{run}/logs/lines", "LogText", "Lines of the log of an attempt", lines)
        .query(&[STEP, ATTEMPT, word("stream", streams, "Only what came from there"), FROM, LIMIT])
        .gives(of::<Lines>),
    Route::get(
        "/runs/{run}/logs/search",
        "LogText",
        "In which lines of the log of an attempt something stands; all of it is searched",
        search,
    )
    .query(&[
        STEP,
        ATTEMPT,
        text("q", "What is looked for").needed(),
        flag("regex", "It is a regular expression"),
        flag("case", "Letters match in their own case only"),
        FROM,
        LIMIT,
    ])
    .gives(of::<Found>),
    Route::get(
        "/runs/{run}/logs/raw",
        "LogText",
        "The log of an attempt as it was printed, to be kept as a file",
        raw,
    )
    .query(&[
        STEP,
        ATTEMPT,
        word("stream", streams, "Only what came from there; else all but notes of Stead"),
    ])
    .tells(TEXT),
];

/// The type of a log as it was printed.
const TEXT: &str = "text/plain; charset=utf-8";

fn streams() -> Vec<&'static str> {
    LogStream::ALL.iter().map(|stream| stream.as_str()).collect()
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LogLines")]
struct Lines {
    /// The run.
    run: StreamId,
    /// The step instance.
    step: String,
    /// The attempt.
    attempt: u32,
    /// Its lines, in the order of their coming.
    lines: Vec<LogRow>,
    /// What `from` takes for the next page; null where there is none for now.
    next: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LogFound")]
struct Found {
    /// The run.
    run: StreamId,
    /// The step instance.
    step: String,
    /// The attempt.
    attempt: u32,
    /// In so many lines of the whole log it stands.
    total: u64,
    /// The numbers of these lines, those from `from` on.
    lines: Vec<u64>,
    /// What `from` takes for the next page; null where there is none.
    next: Option<u64>,
}

/// Asks for a part of the log that the parameters name.
fn part(call: &Call<'_>, part: LogPart) -> Result<(StreamId, String, u32, LogTold), Problem> {
    let step = call.text("step").ok_or_else(|| Problem::parameter("step", "it has to be said"))?;
    let (run, attempt) = (call.named("run"), call.number("attempt")?);
    match call.ask(Operation::LogText { run, step, attempt, part })? {
        Answer::LogText { run, step, attempt, told } => Ok((run, step, attempt, told)),
        _ => Err(unexpected()),
    }
}

/// From where lines are to have come.
fn stream(call: &Call<'_>) -> Result<Option<LogStream>, Problem> {
    let Some(word) = call.text("stream") else { return Ok(None) };
    let known = LogStream::ALL.iter().copied().find(|stream| stream.as_str() == word);
    known.map(Some).ok_or_else(|| Problem::parameter("stream", format!("it takes {}", streams().join(", "))))
}

fn raw(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let stream = stream(call)?;
    let (run, step, attempt, LogTold::File { path }) = part(call, LogPart::File)? else {
        return Err(unexpected());
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_#[]".contains(c) { c } else { '.' };
    let step: String = step.chars().map(plain).collect();
    Ok(Reply::read(Reading {
        kind: TEXT,
        name: format!("{run}.{step}.{attempt}.log"),
        length: None,
        from: Box::new(RawLog::new(Path::new(&path), stream)),
        asker: call.host.asker.clone(),
    }))
}

fn lines(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let stream = stream(call)?;
    let wanted = LogPart::Lines { from: call.number("from")?.unwrap_or(1), stream, limit: call.page()? };
    let (run, step, attempt, LogTold::Lines { lines, next }) = part(call, wanted)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(Lines { run, step, attempt, lines, next }))
}

fn search(call: &mut Call<'_>) -> Result<Reply, Problem> {
    let wanted = LogPart::Search {
        q: call.text("q").ok_or_else(|| Problem::parameter("q", "it has to be said"))?,
        regex: call.flag("regex")?,
        case: call.flag("case")?,
        from: call.number("from")?.unwrap_or(1),
        limit: call.page()?,
    };
    let (run, step, attempt, LogTold::Search { total, lines, next }) = part(call, wanted)? else {
        return Err(unexpected());
    };
    Ok(Reply::ok(Found { run, step, attempt, total, lines, next }))
}

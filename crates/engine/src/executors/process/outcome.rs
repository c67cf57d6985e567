//! From how a program ended to the result of its attempt.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use stead_core::effect::{AttemptResult, EndReason, ErrorKind};
use stead_platform::process::signal_name;

use super::folder::Folder;
use super::request::Request;
use super::watch::{Ended, Why};
use super::{Failure, ProcessExecutor, launch, output, values};
use crate::executor::{FilesOfHome, Place};
use crate::redact::Redaction;

/// Added to the number of the signal that ended a program, as shells do, so that `expect` can name it.
const SIGNAL_BASE: i32 = 128;

pub(super) struct Context<'a> {
    pub(super) executor: &'a ProcessExecutor,
    pub(super) request: &'a Request<'a>,
    pub(super) place: &'a Place,
    pub(super) folder: &'a Folder,
    pub(super) redaction: &'a Redaction,
}

pub(super) fn of(context: &Context<'_>, mut ended: Ended) -> Result<AttemptResult, Failure> {
    let exit_code = ended.status.map(code);
    let fail = |mut failure: Failure| {
        failure.exit_code = exit_code;
        failure
    };
    if let Some(failure) = failure(context.request, &ended) {
        return Err(fail(failure));
    }
    let kept = ended.sink.kept();
    let parsed = output::parse(context.request.parse, kept, context.redaction);
    let (output, note) = parsed.map_err(|message| fail(Failure::schema(message)))?;
    if let Some(note) = note {
        ended.sink.note(&note);
    }
    let values = values::read(&values::Source {
        file: context.folder.output(),
        relative_to: &launch::working_folder(context.place, context.request),
        limits: &context.executor.limits,
        files: context.executor.files.as_deref().unwrap_or(&FilesOfHome(&context.place.files)),
        redaction: context.redaction,
    })
    .map_err(|message| fail(Failure::schema(message)))?;
    Ok(AttemptResult { error: None, output, values, exit_code, retry_after: None })
}

/// The exit code, or 128 and the number of the signal.
pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| SIGNAL_BASE + signal)).unwrap_or(-1)
}

fn failure(request: &Request<'_>, ended: &Ended) -> Option<Failure> {
    let (kind, mut message) = match (ended.why, ended.status) {
        (Some(Why::Ordered(EndReason::Timeout)), status) => {
            (ErrorKind::Timeout, with_status("its time was over", status))
        }
        (Some(Why::Ordered(EndReason::Cancelled)), status) => {
            (ErrorKind::Cancelled, with_status("cancelled", status))
        }
        (Some(Why::Ordered(EndReason::Paused)), status) => {
            (ErrorKind::Cancelled, with_status("ended, for the run was paused", status))
        }
        (Some(Why::Terminal), _) => (
            ErrorKind::Exit,
            "it asked for the terminal, which a step does not have: give what it asks for by `stdin`, `env` \
             or arguments, or switch its questions off"
                .to_owned(),
        ),
        (None, Some(status)) if request.expect.allows(code(status)) => return None,
        (None, status) => (ErrorKind::Exit, with_status("", status)),
    };
    let tail = ended.sink.tail();
    if !tail.is_empty() {
        message.push('\n');
        message.push_str(&tail);
    }
    if let Some(trouble) = ended.sink.trouble() {
        let _ = write!(message, "\n(its log is not whole: {trouble})");
    }
    Some(Failure { kind, message, exit_code: None })
}

fn with_status(why: &str, status: Option<ExitStatus>) -> String {
    let how = match status {
        None => "and not even KILL ended it".to_owned(),
        Some(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => {
                let name = signal_name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
                let core = if status.core_dumped() { ", core dumped" } else { "" };
                let hint =
                    if signal == 9 && why.is_empty() { ": often the system was out of memory" } else { "" };
                format!("ended by signal {signal}{name}{core}{hint}")
            }
            (None, code) => format!("exit code {}", code.unwrap_or(-1)),
        },
    };
    if why.is_empty() { how } else { format!("{why}: {how}") }
}

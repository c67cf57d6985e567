//! Programs and scripts (`run`).
//!
//! The program leads a process group of its own, sees an environment that is listed here and nothing else,
//! and reads its input from a pipe or gets none. One thread reads what it prints in the order of arrival:
//! into the log, and standard output also for the step's output. When it has ended, or is to end, all that
//! it started ends too. Values reach it as arguments, environment, standard input or files and are never
//! made part of a script (P12).

mod environment;
mod feed;
mod folder;
mod launch;
mod outcome;
mod output;
mod program;
mod request;
mod shell;
mod sink;
mod values;
mod watch;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::Arc;

use serde_json::Value;
use stead_core::effect::{AttemptError, AttemptResult, ErrorKind, Execute};
use stead_lang::template::SecretPlace;

use crate::evidence::{self, ProcessEnd};
use crate::executor::{Control, Executor, FileTaker, Place, Slot, ended_early};
use crate::limits::ProcessLimits;
use crate::redact::Redaction;
use crate::secrets::{self, Secrets};

pub(crate) use folder::{beside, left as left_in, remove_left};
pub use shell::{SHELLS, Shell};

use folder::Keep;
use request::Request;
use sink::now;

/// Performs `run`.
pub struct ProcessExecutor {
    limits: ProcessLimits,
    secrets: Arc<dyn Secrets>,
    files: Option<Arc<dyn FileTaker>>,
    /// What every program sees of the environment of the engine.
    inherited: Vec<(OsString, OsString)>,
    keep_folders: bool,
    /// There is a terminal that a program could ask for, and be stopped for asking.
    terminal: bool,
}

impl ProcessExecutor {
    /// One that takes secrets from there, inherits from the environment of this process, and keeps files in
    /// the home of each attempt.
    pub fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            limits: ProcessLimits::default(),
            secrets,
            files: None,
            inherited: environment::inherited(|name| std::env::var_os(name)),
            keep_folders: false,
            terminal: std::fs::File::open("/dev/tty").is_ok(),
        }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: ProcessLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With another store for the files that programs hand over.
    #[must_use]
    pub fn with_files(mut self, files: Arc<dyn FileTaker>) -> Self {
        self.files = Some(files);
        self
    }

    /// Leaves the folders of attempts where they are, for looking into what went wrong.
    #[must_use]
    pub fn keeping_folders(mut self) -> Self {
        self.keep_folders = true;
        self
    }

    fn attempt(
        &self,
        job: &Execute,
        place: &Place,
        control: &dyn Control,
        redaction: &mut Redaction,
    ) -> Result<AttemptResult, Failure> {
        let body = self.with_secrets(job, place, control, redaction)?;
        let request = Request::read(&body).map_err(Failure::exit)?;
        if let Some(reason) = control.ended() {
            return Ok(ended_early(reason));
        }
        let keep = match (self.keep_folders, job.once) {
            (true, _) => Keep::All,
            (false, true) => Keep::Evidence,
            (false, false) => Keep::Nothing,
        };
        let mut folder = folder::Folder::make(&place.dir, keep).map_err(Failure::exit)?;
        if job.once {
            evidence::begins(&place.dir, &job.attempt, now());
        }
        let launched = launch::launch(self, job, &request, place, &mut folder).map_err(Failure::exit)?;
        if job.once {
            evidence::begun(&place.dir, launched.child.id());
        }
        let sink = sink::Sink::new(&place.log, redaction, &self.limits, request.parse.is_wanted());
        let ended = watch::Watch::new(launched, sink, control, &self.limits, self.terminal).run();
        if job.once {
            let exit_code = ended.status.map(outcome::code);
            evidence::ended(&place.dir, ProcessEnd { at: now(), exit_code, ended: ended.why.is_some() });
        }
        outcome::of(
            &outcome::Context { executor: self, request: &request, place, folder: &folder, redaction },
            ended,
        )
    }

    /// The request with its secrets, which are to be redacted from now on.
    fn with_secrets<'a>(
        &self,
        job: &'a Execute,
        place: &Place,
        control: &dyn Control,
        redaction: &mut Redaction,
    ) -> Result<Cow<'a, Value>, Failure> {
        if job.secrets.is_empty() {
            return Ok(Cow::Borrowed(&job.request));
        }
        // Arguments are seen by every user of the machine, and a script is code.
        if let Some(SecretPlace { pointer, name, .. }) = job
            .secrets
            .iter()
            .find(|place| !["env", "stdin"].contains(&place.pointer.split('/').nth(1).unwrap_or_default()))
        {
            return Err(Failure::exit(format!("secret `{name}` may not go to `{pointer}` (a bug in Stead)")));
        }
        let mut body = job.request.clone();
        let used = secrets::put_in(&mut body, &job.secrets, &*self.secrets, place.lent(), control)
            .map_err(|error| Failure::exit(error.to_string()))?;
        *redaction = Redaction::of(&used);
        Ok(Cow::Owned(body))
    }
}

impl Executor for ProcessExecutor {
    fn name(&self) -> &'static str {
        "process"
    }

    fn slot(&self) -> Slot {
        Slot::Process
    }

    fn perform(&self, job: &Execute, place: &Place, control: &dyn Control) -> AttemptResult {
        let mut redaction = Redaction::default();
        let mut result =
            self.attempt(job, place, control, &mut redaction).unwrap_or_else(Failure::into_result);
        // All messages are made of redacted parts; a path or a name may still hold what nobody thought of.
        if let Some(error) = &mut result.error
            && let Cow::Owned(redacted) = redaction.text(&error.message)
        {
            error.message = redacted;
        }
        result
    }
}

/// Why an attempt failed.
#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    message: String,
    exit_code: Option<i32>,
}

impl Failure {
    fn exit(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Exit, message: message.into(), exit_code: None }
    }

    fn schema(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Schema, message: message.into(), exit_code: None }
    }

    fn into_result(self) -> AttemptResult {
        AttemptResult {
            error: Some(AttemptError { kind: self.kind, message: self.message }),
            exit_code: self.exit_code,
            ..AttemptResult::default()
        }
    }
}

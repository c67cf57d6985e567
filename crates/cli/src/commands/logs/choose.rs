//! Which logs are meant.

use stead_core::run::{StepNow, View};
use stead_core::status::StepStatus;
use stead_engine::operations::LogFile;

use crate::error::{CliError, codes};

/// What the command line says about steps and tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) step: Option<&'a str>,
    pub(super) attempt: Option<u32>,
}

/// The logs to print, and what to say about them.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) files: Vec<LogFile>,
    pub(super) note: Option<String>,
}

impl Wanted<'_> {
    /// Nothing was said.
    pub(super) fn is_everything(&self) -> bool {
        self.step.is_none() && self.attempt.is_none()
    }

    /// Whether a log is meant: of the step, or of what is inside it.
    pub(super) fn fits(&self, file: &LogFile) -> bool {
        let step = self.step.is_none_or(|step| {
            file.path
                .strip_prefix(step)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[', '#']))
        });
        step && self.attempt.is_none_or(|attempt| file.attempt == attempt)
    }
}

/// Chooses.
pub(super) fn choose(
    view: &View,
    all: &[LogFile],
    wanted: &Wanted<'_>,
    only_failed: bool,
) -> Result<Chosen, CliError> {
    let mut files: Vec<LogFile> = all.iter().filter(|file| wanted.fits(file)).cloned().collect();
    if files.is_empty() && !wanted.is_everything() {
        return none(view, all, wanted);
    }
    if !only_failed {
        let note = files.is_empty().then(|| "no step has printed anything".to_owned());
        return Ok(Chosen { files, note });
    }
    let mut failed = Vec::new();
    let mut children = Vec::new();
    gather(&view.steps, &mut failed, &mut children);
    files.retain(|file| failed.contains(&file.path));
    // The last try is the one that counts; the others come with `--all`.
    let last = |file: &LogFile, all: &[LogFile]| {
        !all.iter().any(|other| other.path == file.path && other.attempt > file.attempt)
    };
    if wanted.attempt.is_none() {
        let every = files.clone();
        files.retain(|file| last(file, &every));
    }
    let note = match (files.is_empty(), children.first()) {
        (true, Some(child)) => format!("a child run failed: `stead logs {child}`"),
        (true, None) => "no failed step has printed anything; `--all` shows the others".to_owned(),
        (false, Some(child)) => format!("only failed steps; a child run failed too: `stead logs {child}`"),
        (false, None) => "only the last try of failed steps; `--all` shows everything".to_owned(),
    };
    Ok(Chosen { files, note: Some(note) })
}

/// Steps that failed themselves, and child runs that did.
fn gather(steps: &[StepNow], failed: &mut Vec<String>, children: &mut Vec<String>) {
    for step in steps {
        gather(&step.inside, failed, children);
        if step.status == StepStatus::Failed {
            failed.push(step.path.clone());
            children.extend(step.child.as_ref().map(ToString::to_string));
        }
    }
}

/// Nothing fits what was asked for: a step that printed nothing, or none of that name.
fn none(view: &View, all: &[LogFile], wanted: &Wanted<'_>) -> Result<Chosen, CliError> {
    let step = wanted.step.unwrap_or_default();
    let known = step.is_empty() || has(&view.steps, step) || all.iter().any(|file| file.path == step);
    if known && wanted.attempt.is_none() {
        let note = Some(format!("{step} has printed nothing"));
        return Ok(Chosen { files: Vec::new(), note });
    }
    let message = match wanted.attempt {
        Some(attempt) if known => format!("there is no log of try {attempt}"),
        _ => format!("there is no step {step} in {}", view.run),
    };
    let mut error = CliError::usage(codes::NOTHING, message);
    for file in all.iter().take(20) {
        error = error.detail(format!("{}  try {}", file.path, file.attempt));
    }
    Err(error.hint(format!("`stead status {}` shows its steps", view.run)))
}

fn has(steps: &[StepNow], path: &str) -> bool {
    steps.iter().any(|step| step.path == path || has(&step.inside, path))
}

//! After a run of a definition that is not in the library: shall it be kept?

use std::io::BufRead as _;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use stead_core::people::Role;
use stead_engine::library::{LibraryAnswer, LibraryOperation, SaveAs};
use stead_engine::people::{PeopleAnswer, PeopleOperation};
use stead_lang::Bundle;
use stead_lang::plan::Plan;
use stead_platform::terminal;

use super::save::{from, keep, told};
use super::{ask, whole};
use crate::commands::people;
use crate::definition::{Origin, standing};
use crate::error::{CliError, Kind};
use crate::here::{Here, actor};
use crate::out;
use crate::signals::Leave;
use crate::text;

/// Whether somebody sits here who can be asked: at a terminal in and out, and has not said that they do not want to be.
pub fn may_ask() -> bool {
    let unwanted = std::env::var_os("STEAD_OFFER").is_some_and(|value| value == "0");
    !unwanted
        && std::env::var_os("CI").is_none()
        && terminal::stdin_is_terminal()
        && terminal::stdout_is_terminal()
        && terminal::stderr_is_terminal()
}

/// Offers to save a definition that has just run well. Nothing of this concerns the run: it is over.
///
/// # Errors
/// When the store cannot be read or written.
pub fn offer(
    here: &Here,
    origin: &Origin,
    bundle: &Bundle,
    plan: &Plan,
    signals: &Receiver<Leave>,
) -> Result<(), CliError> {
    let file = match origin {
        Origin::File(file) => Some(file),
        Origin::Inline => None,
        Origin::Saved { .. } => return Ok(()),
    };
    if standing(here, origin, Some(plan))?.is_some_and(|standing| standing.same) {
        return Ok(());
    }
    let path = file.map(|file| whole(std::path::Path::new(file)).display().to_string());
    if let Some(file) = &path
        && let LibraryAnswer::Declined { declined: true } =
            ask(here, LibraryOperation::Declined { file: file.clone() })?
    {
        return Ok(());
    }
    // Whoever may not save is not asked.
    if let PeopleAnswer::Me { actor, .. } = people::ask(here, PeopleOperation::Me)?
        && !actor.has(Role::Editor)
    {
        return Ok(());
    }
    let lines = Lines::listen();
    out::say(&format!("save it in the library as {}? [y/N/another name] ", plan.name));
    let Some(answer) = lines.next(signals) else { return Ok(()) };
    let mut name = match answer.as_str() {
        "" | "n" | "N" | "no" => {
            if let (Some(path), Some(file)) = (path, file) {
                ask(here, LibraryOperation::Decline { file: path })?;
                let save = here.command(&format!("save {}", text::shell_word(file)));
                out::note(&format!("this file is not asked about again; {save} saves it"));
            }
            return Ok(());
        }
        "y" | "Y" | "yes" => plan.name.clone(),
        name => name.to_owned(),
    };
    let called = file.map_or("FILE", String::as_str);
    loop {
        let wanted = match file {
            Some(file) => from(file),
            None => SaveAs { by: actor(), ..SaveAs::default() },
        };
        let wanted = SaveAs { bundle: bundle.clone(), name: Some(name.clone()), ..wanted };
        match keep(here, called, wanted) {
            Ok((workflow, number, how)) => {
                out::note(&told(&workflow.name, number, how, false));
                out::note(&format!("next: {}", here.command(&format!("run {}", workflow.name))));
                return Ok(());
            }
            // What somebody else has there, or no name at all: both are put right by another name.
            Err(error) if matches!(error.kind, Kind::Usage | Kind::Refused) => out::say(&error.to_string()),
            Err(error) => return Err(error),
        }
        out::say("another name? [empty: leave it] ");
        match lines.next(signals) {
            Some(other) if !other.is_empty() => name = other,
            _ => return Ok(()),
        }
    }
}

/// Lines that somebody types, while signals are listened to.
struct Lines {
    wanted: Sender<()>,
    typed: Receiver<Option<String>>,
}

impl Lines {
    fn listen() -> Self {
        let (wanted, wishes) = bounded::<()>(1);
        let (sender, typed) = bounded(1);
        // It may be left reading for ever, which ends with the process.
        std::thread::spawn(move || {
            while wishes.recv().is_ok() {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                let line = matches!(read, Ok(1..)).then(|| line.trim().to_owned());
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { wanted, typed }
    }

    /// The next line; `None` where there is none, or somebody wants to leave.
    fn next(&self, signals: &Receiver<Leave>) -> Option<String> {
        self.wanted.send(()).ok()?;
        select! {
            recv(self.typed) -> line => match line.ok().flatten() {
                Some(line) => Some(line),
                None => {
                    out::note("");
                    None
                }
            },
            recv(signals) -> _ => {
                out::note("");
                None
            }
        }
    }
}

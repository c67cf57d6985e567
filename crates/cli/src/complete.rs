//! Completion on the command line: shells ask this very program, which knows its runs, steps and files.
//!
//! `stead completions SHELL` prints a script that calls `stead` with [`VARIABLE`] set whenever a word is to be
//! completed. What cannot be found out (no home, a definition with errors) completes to nothing: an error has no
//! place in the middle of a line that is being typed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _};
use stead_core::people::Role;
use stead_core::run::{StepNow, View};
use stead_engine::library::{LibraryAnswer, LibraryOperation, WorkflowRow};
use stead_engine::operations::{Answer, LimitRow, Operation, RunQuery, RunRow};
use stead_engine::people::{GroupRow, PeopleAnswer, PeopleOperation, UserRow};
use stead_store::library::WorkflowFilter;

use crate::args::{Cli, Color, Global, OUTCOMES, STATUSES};
use crate::commands;
use crate::commands::library::ask;
use crate::definition;
use crate::error::codes;
use crate::here::Here;
use crate::text;
use crate::tree;

/// Says that a word is to be completed: the name of the shell.
pub const VARIABLE: &str = "STEAD_COMPLETE";

/// Runs that are offered, the newest first.
const RUNS: usize = 50;
/// Runs that are looked through for names of workflows and projects.
const LOOKED_THROUGH: usize = 500;

/// Answers a shell that asks for completions, if one does.
///
/// # Errors
/// When the shell is none that we know, or does not read the answer.
pub fn asked() -> clap::error::Result<bool> {
    let folder = std::env::current_dir().ok();
    let complete = clap_complete::CompleteEnv::with_factory(command).var(VARIABLE);
    complete.try_complete(std::env::args_os(), folder.as_deref())
}

/// The command line, with what completes its arguments: by their names, the same in all commands.
fn command() -> Command {
    Cli::command()
        .mut_args(|arg| match arg.get_id().as_str() {
            "identity" => arg.add(person()),
            _ => arg,
        })
        .mut_subcommands(completed)
}

/// A command, and those below it, with what completes their arguments.
fn completed(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| match completer(&name, arg.get_id().as_str()) {
        Some(completer) => arg.add(completer),
        None => arg,
    });
    command.mut_subcommands(completed)
}

fn completer(command: &str, arg: &str) -> Option<ArgValueCompleter> {
    Some(match (command, arg) {
        ("logs", "run") => run_and_step(),
        ("signal", "name") => awaited(),
        (_, "run" | "parent" | "after" | "free") => run(),
        ("limits", "key") => key_of_places(),
        ("documents", "document" | "other") => document(),
        ("documents", "export") => return None,
        (_, "step") => step(),
        ("save", "file") | (_, "input_file") => definition(),
        (_, "file" | "files") | ("diff", "from" | "to") => named_definition(),
        (_, "saved") => saved(),
        (_, "inputs") => input(),
        ("batch" | "results", "output") => return None,
        (_, "output") => output(),
        (_, "pause_at") => planned_step(),
        (_, "workflow") => workflow(),
        (_, "project") => project(),
        (_, "status") => words(STATUSES),
        (_, "outcome") => words(OUTCOMES),
        (_, "code") => code(),
        (_, "person" | "members" | "no_members") => person(),
        (_, "group" | "groups" | "no_groups" | "team") => group(),
        (_, "role" | "roles" | "no_roles") => role(),
        _ => return None,
    })
}

/// Completes a run.
fn run() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| beginning(current, runs()))
}

/// Completes a run, and a step of it behind a slash.
fn run_and_step() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some((run, _)) = current.to_str().and_then(|current| current.split_once('/')) else {
            return beginning(current, runs());
        };
        let named = |(path, status): (String, String)| candidate(&format!("{run}/{path}"), &status);
        beginning(current, steps(run).into_iter().map(named))
    })
}

/// Completes a step of the run that stands before it.
fn step() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let run = given().and_then(|given| {
            let (_, command) = given.subcommand()?;
            command.get_one::<String>("run").cloned()
        });
        let named = |(path, status): (String, String)| candidate(&path, &status);
        beginning(current, run.iter().flat_map(|run| steps(run)).map(named))
    })
}

/// Completes a document of the run before it.
fn document() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let run = given().and_then(|given| given.subcommand()?.1.get_one::<String>("run").cloned());
        let all = run.and_then(|run| match here()?.ask(Operation::Documents { run }) {
            Ok(Answer::Documents(all)) => Some(all.documents),
            _ => None,
        });
        let named = all.unwrap_or_default().into_iter();
        beginning(current, named.map(|document| candidate(&document.document, document.status.as_str())))
    })
}

/// Completes the name of a signal that the run before it waits for.
fn awaited() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let run = given().and_then(|given| given.subcommand()?.1.get_one::<String>("run").cloned());
        let waits = run.and_then(|run| looked_at(&run)).map(|view| view.waits_for).unwrap_or_default();
        let signals = waits.into_iter().filter(|waits| waits.kind == "signal");
        beginning(current, signals.filter_map(|waits| waits.detail.map(|name| candidate(&name, &waits.path))))
    })
}

/// Completes the name of a workflow that has runs.
fn workflow() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| names(current, |row| row.head.workflow.clone()))
}

/// Completes the name of a project that has runs.
fn project() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| names(current, |row| row.head.project.clone()))
}

/// Completes a key whose places are in use.
fn key_of_places() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let limits = here().and_then(|here| match here.ask(Operation::Limits { project: None, key: None }) {
            Ok(Answer::Limits { limits, .. }) => Some(limits),
            _ => None,
        });
        let named = |limit: LimitRow| candidate(&limit.key, &format!("{} of {}", limit.held, limit.max));
        beginning(current, limits.into_iter().flatten().map(named))
    })
}

/// Completes a name of somebody.
fn person() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let named = |row: &UserRow| candidate(&row.user.name, &row.user.display);
        beginning(current, people().0.iter().filter(|row| row.user.removed.is_none()).map(named))
    })
}

/// Completes the name of a group.
fn group() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let named = |group: &GroupRow| candidate(&group.name, &text::count(group.members.len(), "member"));
        beginning(current, people().1.iter().map(named))
    })
}

/// Completes a role: those that give rights, and those that somebody has.
fn role() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let (users, groups) = people();
        let own =
            users.iter().flat_map(|row| &row.user.roles).chain(groups.iter().flat_map(|group| &group.roles));
        let known = Role::ALL.map(|role| role.as_str().to_owned());
        let mut all: Vec<String> = own.map(|grant| grant.role.clone()).chain(known).collect();
        all.sort();
        all.dedup();
        beginning(current, all.iter().map(|role| candidate(role, "")))
    })
}

fn people() -> (Vec<UserRow>, Vec<GroupRow>) {
    let of = |here: Here| commands::people::ask(&here, PeopleOperation::List).ok();
    // A name behind `--as` that is still being typed is nobody's.
    let plain = |mut here: Here| {
        here.caller.wanted = None;
        of(here)
    };
    match here().and_then(of).or_else(|| here().and_then(plain)) {
        Some(PeopleAnswer::People { users, groups }) => (users, groups),
        _ => (Vec::new(), Vec::new()),
    }
}

/// Completes a definition's file.
fn definition() -> ArgValueCompleter {
    let fits = |path: &Path| {
        let ending = path.extension().and_then(OsStr::to_str);
        path.is_dir() || matches!(ending, Some("yml" | "yaml" | "json"))
    };
    ArgValueCompleter::new(PathCompleter::any().filter(fits))
}

/// Completes the name of a workflow in the library, or a definition's file.
fn named_definition() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let files = definition().complete(current);
        beginning(current, library()).into_iter().chain(files).collect()
    })
}

/// Completes the name of a workflow in the library.
fn saved() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| beginning(current, library()))
}

/// Completes `NAME=` of an input of the definition that stands before it, and a file behind `NAME=@`.
fn input() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        if let Some((name, path)) = current.to_str().and_then(|current| current.split_once("=@")) {
            let found = PathCompleter::any().complete(OsStr::new(path));
            return found.into_iter().map(|found| found.add_prefix(format!("{name}=@"))).collect();
        }
        let inputs = planned(|plan| {
            let one = |input: &stead_lang::plan::Input| {
                candidate(&format!("{}=", input.name), input.description.as_deref().unwrap_or_default())
            };
            plan.inputs.iter().map(one).collect()
        });
        beginning(current, inputs)
    })
}

/// Completes the name of an output of the definition that stands before it.
fn output() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let outputs = planned(|plan| match &plan.root.outputs {
            Some(outputs) => outputs.iter().map(|(name, _)| candidate(name, "")).collect(),
            None => plan.root.by_id.keys().map(|id| candidate(id, "")).collect(),
        });
        beginning(current, outputs)
    })
}

/// Completes a step of the definition that stands before it.
fn planned_step() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let steps = planned(|plan| plan.steps.iter().map(|step| candidate(&step.path, "")).collect());
        beginning(current, steps)
    })
}

/// Completes the last of some words of a list, parted by commas.
fn words(all: &'static [&'static str]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(current) = current.to_str() else { return Vec::new() };
        let before = current.rsplit_once(',').map_or("", |(before, _)| &current[..=before.len()]);
        beginning(OsStr::new(current), all.iter().map(|word| candidate(&format!("{before}{word}"), "")))
    })
}

/// Completes a code of an error.
fn code() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let language = stead_lang::codes::all().map(|code| (code.code, code.title));
        let own =
            codes::ALL.iter().chain(stead_server::problem::CODES).map(|(code, title, _)| (*code, *title));
        beginning(current, language.chain(own).map(|(code, title)| candidate(code, title)))
    })
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    let help = text::clean(help);
    CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
}

fn beginning(
    current: &OsStr,
    all: impl IntoIterator<Item = CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let current = current.as_encoded_bytes();
    all.into_iter().filter(|one| one.get_value().as_encoded_bytes().starts_with(current)).collect()
}

/// The words on the line so far, as far as they can be understood.
fn given() -> Option<ArgMatches> {
    // The shell's script puts them behind two dashes.
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    Cli::command().ignore_errors(true).try_get_matches_from(words).ok()
}

/// Where the command on the line would work.
fn here() -> Option<Here> {
    let given = given();
    let home = given.as_ref().and_then(|given| given.try_get_one::<PathBuf>("home").ok().flatten().cloned());
    let text = |name: &str| given.as_ref()?.try_get_one::<String>(name).ok().flatten().cloned();
    let (server, identity) = (text("server"), text("identity"));
    let plain_http =
        given.as_ref().is_some_and(|given| given.try_get_one("plain_http").ok().flatten() == Some(&true));
    Here::new(&Global { color: Color::Never, home, server, plain_http, identity }).ok()
}

fn list(limit: usize) -> Vec<RunRow> {
    let query = RunQuery { limit, ..RunQuery::default() };
    here().and_then(|here| here.runs(query).ok()).unwrap_or_default()
}

fn runs() -> Vec<CompletionCandidate> {
    let last = candidate("@last", "the newest");
    let one = |row: RunRow| {
        let what = tree::outcome_word(row.head.status, row.head.outcome);
        candidate(row.run.as_str(), &format!("{} {what}", row.head.workflow))
    };
    list(RUNS).into_iter().map(one).chain([last]).collect()
}

/// The workflows of the library.
fn library() -> Vec<CompletionCandidate> {
    let filter = WorkflowFilter { limit: LOOKED_THROUGH, ..WorkflowFilter::default() };
    let rows = here().and_then(|here| match ask(&here, LibraryOperation::Workflows { filter }) {
        Ok(LibraryAnswer::Workflows { workflows }) => Some(workflows),
        _ => None,
    });
    let one = |row: WorkflowRow| candidate(&row.workflow.name, &row.workflow.description);
    rows.unwrap_or_default().into_iter().map(one).collect()
}

fn names(current: &OsStr, of: impl Fn(&RunRow) -> String) -> Vec<CompletionCandidate> {
    let mut names: Vec<String> =
        list(LOOKED_THROUGH).iter().map(of).filter(|name| !name.is_empty()).collect();
    names.sort();
    names.dedup();
    beginning(current, names.iter().map(|name| candidate(name, "")))
}

/// Steps of a run and how they stand.
fn steps(run: &str) -> Vec<(String, String)> {
    let view = looked_at(run);
    let mut all = Vec::new();
    gather(view.iter().flat_map(|view| &view.steps), &mut all);
    all
}

fn looked_at(run: &str) -> Option<View> {
    match here()?.ask(Operation::Status { run: run.to_owned() }) {
        Ok(Answer::Status { view }) => Some(*view),
        _ => None,
    }
}

fn gather<'s>(steps: impl Iterator<Item = &'s StepNow>, all: &mut Vec<(String, String)>) {
    for step in steps {
        all.push((step.path.clone(), step.status.to_string()));
        gather(step.inside.iter(), all);
    }
}

/// What the plan of the definition on the line has.
fn planned(of: impl FnOnce(&stead_lang::plan::Plan) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let file = given().and_then(|given| {
        let (_, command) = given.subcommand()?;
        command.try_get_one::<String>("file").ok().flatten().cloned()
    });
    let plan = file.zip(here()).and_then(|(file, here)| definition::examine(&here, &file).ok()?.checked.plan);
    plan.map_or_else(Vec::new, |plan| of(&plan))
}

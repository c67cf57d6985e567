//! `stead approve`, `reject`, `answer`, `claim`, `release`, `skip` and `delegate`.

use std::io::BufRead as _;

use serde_json::{Value, json};
use stead_core::task::{TaskKind, TaskStatus};
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{Deed, TaskAnswer, TaskNow, TaskOperation, TaskRow};

use super::{ask, fill, now, show, strange};
use crate::args::{AnswerArgs, Approve, Delegate, Skip, Task};
use crate::commands::library::offer::may_ask;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, actor};
use crate::out;
use crate::text;

/// Decides: accepts, or rejects.
///
/// # Errors
/// When there is no such task, it may not be decided on by whoever asks, or it was before.
pub fn decide(here: &Here, args: &Approve, accept: bool) -> Result<Exit, CliError> {
    let asks = !args.yes && !args.json && may_ask();
    let mut version = args.seen.clone();
    let mut form = None;
    if asks || !args.inputs.is_empty() || version.is_none() {
        let task = now(here, &args.task)?;
        let filled = fill::given(task.form.as_ref(), &args.inputs)?;
        let open = !task.head.status.is_end() && task.barred.is_none();
        if asks && open {
            let mut filled = filled.clone();
            if !sure(&task, accept)? {
                out::note("nothing was decided");
                return Ok(Exit::Done);
            }
            if let Some(asked) = task.form.as_ref().filter(|_| accept) {
                fill::ask(asked, &mut filled)?;
                form = Some(Value::Object(filled));
            }
        }
        if form.is_none() && !filled.is_empty() {
            form = Some(Value::Object(filled));
        }
        // What was looked at just now, if only by this program.
        version.get_or_insert(task.version);
    }
    let comment = args.message.clone().unwrap_or_default();
    act(here, &args.task, Deed::Decide { accept, comment, form, version }, args.json)
}

/// Whether somebody at a terminal means it.
fn sure(task: &TaskNow, accept: bool) -> Result<bool, CliError> {
    let word = if accept { "accept" } else { "reject" };
    let head = &task.head;
    out::note(&format!(
        "{}  {}/{}",
        text::clean(&head.title),
        head.origin.run,
        text::clean(&head.origin.path)
    ));
    loop {
        out::say(&format!("{word}? [y/N/v(iew)] "));
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        match (read, line.trim()) {
            (Ok(1..), "y" | "Y" | "yes") => return Ok(true),
            (Ok(1..), "v" | "view") => out::answer(&show::told(task, text::now()))?,
            _ => return Ok(false),
        }
    }
}

/// Answers questions.
///
/// # Errors
/// As [`decide`]; and when the answers do not fit.
pub fn answer(here: &Here, args: &AnswerArgs) -> Result<Exit, CliError> {
    let task = now(here, &args.task)?;
    let mut filled = match &args.input_file {
        None => serde_json::Map::new(),
        Some(file) => {
            let bad = |why: String| CliError::usage(codes::INPUTS, format!("--input-file: {why}"));
            let text = fill::contents(file).map_err(bad)?;
            match serde_json::from_str(&text) {
                Ok(Value::Object(all)) => all,
                Ok(_) => return Err(bad("it is no JSON object".to_owned())),
                Err(error) => return Err(bad(error.to_string())),
            }
        }
    };
    filled.extend(fill::given(task.form.as_ref(), &args.inputs)?);
    let open = !task.head.status.is_end() && task.barred.is_none();
    if let Some(form) = task.form.as_ref().filter(|_| open && !args.json && may_ask()) {
        out::note(&text::clean(&task.head.title));
        fill::ask(form, &mut filled)?;
    }
    let version = args.seen.clone().or(Some(task.version));
    let (answers, comment) = (Value::Object(filled), args.message.clone().unwrap_or_default());
    act(here, &args.task, Deed::Answer { answers, comment, version }, args.json)
}

/// Works on it.
///
/// # Errors
/// As [`decide`].
pub fn claim(here: &Here, args: &Task) -> Result<Exit, CliError> {
    act(here, &args.task, Deed::Claim, args.json)
}

/// Gives it back.
///
/// # Errors
/// As [`decide`].
pub fn release(here: &Here, args: &Task) -> Result<Exit, CliError> {
    act(here, &args.task, Deed::Release, args.json)
}

/// Will not act.
///
/// # Errors
/// As [`decide`].
pub fn skip(here: &Here, args: &Skip) -> Result<Exit, CliError> {
    act(here, &args.task, Deed::Skip { reason: args.message.clone() }, args.json)
}

/// Gives it to somebody else.
///
/// # Errors
/// As [`decide`].
pub fn delegate(here: &Here, args: &Delegate) -> Result<Exit, CliError> {
    act(here, &args.task, Deed::Delegate { to: args.person.clone() }, args.json)
}

fn act(here: &Here, task: &str, deed: Deed, json: bool) -> Result<Exit, CliError> {
    let word = match &deed {
        Deed::Decide { accept: true, .. } => "accepted",
        Deed::Decide { accept: false, .. } => "rejected",
        Deed::Answer { .. } => "answered",
        Deed::Claim => "claimed",
        Deed::Release => "given back",
        Deed::Skip { .. } => "skipped",
        Deed::Delegate { .. } => "given away",
    };
    let operation = TaskOperation::Act { task: task.to_owned(), deed, by: actor() };
    let task = match ask(here, operation)? {
        TaskAnswer::Acted { task } => task,
        other => return Err(strange(other)),
    };
    if json {
        out::json(&json!({"type": "acted", "deed": word, "task": task}))?;
    } else {
        out::answer(&format!(
            "{}/{} {word}{}\n",
            task.head.origin.run,
            text::clean(&task.head.origin.path),
            left(&task)
        ))?;
    }
    let run = &task.head.origin.run;
    // Without an engine nobody goes on with the run.
    if task.head.status.is_end()
        && let Answer::Engine { engine: None } = here.ask(Operation::Engine)?
    {
        out::note(&format!("next: {}", here.command(&format!("resume {run}"))));
    }
    Ok(Exit::Done)
}

/// What is left to be done about it.
fn left(task: &TaskRow) -> String {
    let part = task.head.part;
    match task.head.status {
        TaskStatus::Open | TaskStatus::Claimed if task.head.kind == TaskKind::Gate && part.quorum > 1 => {
            format!(", {} of {} accepted so far", part.accepts, part.quorum)
        }
        _ => String::new(),
    }
}

//! `stead approve`, `reject`, `answer`, `claim`, `release`, `skip` and `delegate`.

use std::io::BufRead as _;

use serde_json::{Map, Value, json};
use stead_core::task::{TaskKind, TaskStatus};
use stead_engine::operations::{Answer, Operation};
use stead_engine::tasks::{Deed, Draft, DraftNow, TaskAnswer, TaskNow, TaskOperation, TaskRow};

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
    let mut comment = args.message.clone().unwrap_or_default();
    if asks || !args.inputs.is_empty() || version.is_none() {
        let task = now(here, &args.task)?;
        let filled = fill::given(task.form.as_ref(), &args.inputs)?;
        let open = !task.head.status.is_end() && task.barred.is_none();
        if asks && open {
            let mut filled = filled.clone();
            let mut draft = going_on(&task);
            if comment.is_empty() && !draft.comment.is_empty() {
                comment.clone_from(&draft.comment);
                out::note(&format!("your comment: {}", text::clean(&comment)));
            }
            if !sure(&task, accept)? {
                out::note("nothing was decided");
                return Ok(Exit::Done);
            }
            if let Some(asked) = task.form.as_ref().filter(|_| accept) {
                filled = with(std::mem::take(&mut draft.form), filled);
                draft.comment.clone_from(&comment);
                ask_on(here, &task, asked, &draft, &mut filled)?;
                form = Some(Value::Object(filled));
            }
        }
        if form.is_none() && !filled.is_empty() {
            form = Some(Value::Object(filled));
        }
        // What was looked at just now, if only by this program.
        version.get_or_insert(task.version);
    }
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
    if args.forget {
        let there = now(here, &args.task)?.draft.is_some();
        keep(here, &args.task, None)?;
        return drafted(args, None, if there { "the draft is gone" } else { "there was no draft" });
    }
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
    let mut comment = args.message.clone().unwrap_or_default();
    if args.draft {
        let mut draft = task.draft.map(|kept| kept.draft).unwrap_or_default();
        draft.form = with(draft.form, filled);
        if let Some(said) = &args.message {
            draft.comment.clone_from(said);
        }
        let draft = keep(here, &args.task, Some(draft))?;
        return drafted(args, draft.as_ref(), "kept as a draft, nothing was handed in");
    }
    let open = !task.head.status.is_end() && task.barred.is_none();
    if let Some(form) = task.form.as_ref().filter(|_| open && !args.json && may_ask()) {
        out::note(&text::clean(&task.head.title));
        let mut draft = going_on(&task);
        filled = with(std::mem::take(&mut draft.form), filled);
        if comment.is_empty() {
            comment.clone_from(&draft.comment);
        }
        draft.comment.clone_from(&comment);
        ask_on(here, &task, form, &draft, &mut filled)?;
    }
    let version = args.seen.clone().or(Some(task.version));
    let answers = Value::Object(filled);
    act(here, &args.task, Deed::Answer { answers, comment, version }, args.json)
}

fn with(mut before: Map<String, Value>, more: Map<String, Value>) -> Map<String, Value> {
    before.extend(more);
    before
}

/// What somebody at a terminal goes on from: their draft, which is said.
fn going_on(task: &TaskNow) -> Draft {
    let Some(kept) = &task.draft else { return Draft::default() };
    out::note(&format!("going on from your draft of {}", text::moment(kept.saved_at, text::now())));
    kept.draft.clone()
}

/// Asks for what is missing, and keeps each answer as a draft, so that nothing has to be said twice.
fn ask_on(
    here: &Here,
    task: &TaskNow,
    form: &Value,
    draft: &Draft,
    filled: &mut Map<String, Value>,
) -> Result<(), CliError> {
    let name = task.task.as_str();
    let mut kept = false;
    let mut keep_on = |filled: &Map<String, Value>| {
        keep(here, name, Some(Draft { form: filled.clone(), ..draft.clone() })).map(|_| kept = true)
    };
    fill::ask(form, filled, &mut keep_on).map_err(|error| match kept || task.draft.is_some() {
        true => {
            error.hint("what you have answered is kept as your draft; the same command goes on from there")
        }
        false => error,
    })
}

/// Keeps a draft, or throws it away.
fn keep(here: &Here, task: &str, draft: Option<Draft>) -> Result<Option<DraftNow>, CliError> {
    let operation = TaskOperation::Draft { task: task.to_owned(), draft, based_on: None, by: actor() };
    match ask(here, operation)? {
        TaskAnswer::Drafted { draft } => Ok(draft),
        other => Err(strange(other)),
    }
}

fn drafted(args: &AnswerArgs, draft: Option<&DraftNow>, said: &str) -> Result<Exit, CliError> {
    match args.json {
        true => out::json(&json!({"type": "drafted", "draft": draft}))?,
        false => out::answer(&format!("{}: {said}\n", text::clean(&args.task)))?,
    }
    Ok(Exit::Done)
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

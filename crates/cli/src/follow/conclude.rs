//! The end of following: answers on standard output, how to go on, and the exit code.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stead_core::ids::StreamId;
use stead_core::run::View;
use stead_engine::seat::Seat;
use stead_platform::terminal;

use super::leave::{Left, detach, leave};
use super::picture::Picture;
use super::show::Show;
use super::{Following, Why, Wish};
use crate::error::{CliError, Kind, codes};
use crate::exit::Exit;
use crate::here::Here;
use crate::out;
use crate::signals::Leave;
use crate::tree;

/// What goes to standard output at the end.
#[derive(Debug, Clone, Copy)]
pub enum Answers<'a> {
    /// The outputs of the one run, as JSON.
    Outputs,
    /// One of its outputs.
    Output(&'a str),
    /// A result as JSON for each run; the events went before.
    Records,
    /// A line for each run.
    List,
    /// Nothing: standard output is for something else.
    Nothing,
}

/// Ends following, in whatever way it came to it.
///
/// # Errors
/// When the engine failed, or what was asked for is not there.
pub fn conclude(mut following: Following<'_>, why: Why, answers: Answers<'_>) -> Result<Exit, CliError> {
    if why != Why::Ended {
        return unfinished(following, why, answers);
    }
    let roots = following.picture.roots.clone();
    let mut exits = Vec::new();
    let mut told = Ok(());
    for root in &roots {
        let view = following.view(root.as_str())?;
        if !matches!(answers, Answers::List) {
            following.show.last(following.here, &mut following.picture, &view, false);
        }
        exits.push(Exit::of(view.status));
        told = told.and_then(|()| tell(&view, answers));
    }
    following.show.clear();
    following.leave_others();
    following.stop()?;
    match told {
        // The run is over whether or not anybody reads what it gave.
        Err(error) if error.kind == Kind::Closed => {}
        other => other?,
    }
    Ok(Exit::of_all(exits))
}

/// The runs have not ended: this process leaves them.
fn unfinished(mut following: Following<'_>, why: Why, answers: Answers<'_>) -> Result<Exit, CliError> {
    following.show.clear();
    if why == Why::Waits {
        // These rest; what is under way belongs to others and is not ended for nothing.
        following.leave_others();
    }
    let signal = match why {
        Why::Signal(signal) => Some(signal),
        _ => None,
    };
    if following.seat.is_carried() && detach(&mut following, signal)? == Left::Cancelled {
        return ended(following, answers);
    }
    let goes_on = following.seat.is_carried();
    let Following { here, settings, seat, signals, mut picture, mut show, .. } = following;
    let left = match seat {
        Seat::Own(engine) => leave(here, engine, &picture.roots, &signals, signal)?,
        Seat::Carried(_) | Seat::Remote(_) => Left::Open,
    };
    let roots = picture.roots.clone();
    if left == Left::Cancelled && any_open(here, &roots)? {
        out::note("cleaning up; Ctrl-C leaves that to the next engine");
        let mut following = Following::sit(here, settings, signals, picture, show)?;
        following.attend(roots.into_iter().map(|run| (run, BTreeSet::new())).collect())?;
        following.news()?;
        return ended(following, answers);
    }
    let mut ended = Vec::new();
    for root in &roots {
        let view = here.view(root.as_str())?;
        // What it waited for may have come while it was being left.
        if view.status.is_end() {
            ended.push(Exit::of(view.status));
        }
        if why != Why::Closed {
            last(here, &mut picture, &mut show, &view, goes_on, answers)?;
        }
    }
    Ok(match (left, why) {
        (Left::Cancelled, _) => Exit::Cancelled,
        (Left::Open, Why::Waits | Why::TimedOut) if ended.len() == roots.len() => Exit::of_all(ended),
        (Left::Open, Why::Waits) => Exit::Waits,
        (Left::Open, Why::TimedOut) => Exit::TimedOut,
        (Left::Open, Why::Ended | Why::Closed | Why::Signal(Leave::Interrupt | Leave::Terminate)) => {
            Exit::Left
        }
    })
}

/// Runs were cancelled: what undoes their work and what they do finally is followed to their end.
fn ended(mut following: Following<'_>, answers: Answers<'_>) -> Result<Exit, CliError> {
    let wish = Wish { no_wait: false, until: None };
    let why = following.follow(wish)?;
    following.show.clear();
    if why == Why::Ended {
        for root in following.picture.roots.clone() {
            let view = following.view(root.as_str())?;
            last(following.here, &mut following.picture, &mut following.show, &view, false, answers)?;
        }
        following.leave_others();
        following.stop()?;
        return Ok(Exit::Cancelled);
    }
    let goes_on = following.seat.is_carried();
    let Following { here, seat, signals, mut picture, mut show, .. } = following;
    if let Seat::Own(engine) = seat {
        leave(here, engine, &[], &signals, None)?;
    }
    for root in picture.roots.clone() {
        let view = here.view(root.as_str())?;
        last(here, &mut picture, &mut show, &view, goes_on, answers)?;
    }
    Ok(Exit::Left)
}

/// How a run stands that this process was told to leave.
///
/// # Errors
/// When what was asked for is not there.
pub(crate) fn last(
    here: &Here,
    picture: &mut Picture,
    show: &mut Show,
    view: &View,
    goes_on: bool,
    answers: Answers<'_>,
) -> Result<(), CliError> {
    show.last(here, picture, view, goes_on);
    let told = if view.status.is_end() { tell(view, answers) } else { tell_open(view, answers) };
    match told {
        // Whether or not anybody reads what it gave.
        Err(error) if error.kind == Kind::Closed => Ok(()),
        other => other,
    }
}

fn any_open(here: &Here, runs: &[StreamId]) -> Result<bool, CliError> {
    for run in runs {
        if !here.view(run.as_str())?.status.is_end() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The answer about a run that has ended.
fn tell(view: &View, answers: Answers<'_>) -> Result<(), CliError> {
    match answers {
        Answers::Records => out::json(&result(view)),
        Answers::List => out::answer(&in_list(view)),
        Answers::Nothing => Ok(()),
        Answers::Outputs => match &view.outputs {
            // Without a reader that counts on it, nothing is better than an empty pair of brackets.
            Some(outputs) if !is_empty(outputs) || !terminal::stdout_is_terminal() => out::pretty(outputs),
            _ => Ok(()),
        },
        Answers::Output(name) => {
            let Some(outputs) = &view.outputs else { return Ok(()) };
            match outputs.get(name) {
                Some(Value::String(text)) => out::answer(&format!("{text}\n")),
                Some(value) => out::pretty(value),
                None => Err(no_output(outputs, name)),
            }
        }
    }
}

fn tell_open(view: &View, answers: Answers<'_>) -> Result<(), CliError> {
    match answers {
        Answers::Records => out::json(&result(view)),
        Answers::List => out::answer(&in_list(view)),
        Answers::Outputs | Answers::Output(_) | Answers::Nothing => Ok(()),
    }
}

fn is_empty(outputs: &Value) -> bool {
    match outputs {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn in_list(view: &View) -> String {
    format!("{}  {}  {}\n", view.run, view.workflow, tree::outcome_word(view.status, view.outcome))
}

fn no_output(outputs: &Value, name: &str) -> CliError {
    let error = CliError::usage(codes::NO_OUTPUT, format!("the run has no output `{name}`"));
    let names: Vec<&str> =
        outputs.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str)).collect();
    if names.is_empty() {
        return error.detail("it has none");
    }
    error.detail(format!("it has {}", names.join(", ")))
}

/// The last record of `--json`: what a run came to, or where it stands.
pub fn result(view: &View) -> Value {
    let mut record = json!({
        "type": "result",
        "run": view.run,
        "workflow": view.workflow,
        "revision": view.revision,
        "status": view.status,
        "outcome": view.outcome,
        "outputs": view.outputs,
        "error": view.error,
    });
    if !view.status.is_end() {
        record["waits_for"] = json!(view.waits_for);
    }
    record
}

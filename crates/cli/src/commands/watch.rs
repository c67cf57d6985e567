//! `stead watch`: looks on as runs go on, wherever they are performed, and touches nothing.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};
use stead_core::ids::StreamId;
use stead_core::status::RunStatus;
use stead_engine::operations::RunQuery;

use crate::args::{OPEN, Until, Watch};
use crate::commands::length::length;
use crate::error::{CliError, Kind, codes};
use crate::exit::Exit;
use crate::follow::{Answers, Before, Look, conclude::last};
use crate::here::Here;
use crate::limits::WATCHED;
use crate::signals::{self, Leave};
use crate::text;

/// Why watching is over.
enum Why {
    /// What was waited for has come.
    Come,
    /// The time to watch is over.
    TimedOut,
    /// Somebody wants this process to leave, or nobody reads what it says.
    Left,
}

/// Watches.
///
/// # Errors
/// When there is no such run, when nothing begins in the time, or when the home cannot be read.
pub(crate) fn watch(here: &Here, args: &Watch) -> Result<Exit, CliError> {
    let grace = length("--grace", &args.grace)?;
    let timeout = args.timeout.as_deref().map(|text| length("--timeout", text)).transpose()?;
    let mut signals = signals::listen()?;
    let begun = Instant::now();
    let since = text::now();
    let named: Vec<StreamId> =
        args.runs.iter().map(|run| here.view(named(run)).map(|view| view.run)).collect::<Result<_, _>>()?;
    let mut look = Before::of(here, &named)?.look(args.json, args.compact);
    look.show.watching(&look.picture);
    let mut found = !named.is_empty();
    let why = loop {
        if args.runs.is_empty() {
            found |= discover(here, args, since, &mut look)?;
        }
        match look.news() {
            Err(error) if error.kind == Kind::Closed => break Why::Left,
            other => other?,
        }
        if found && has_come(args.until, &look) {
            break Why::Come;
        }
        let over = |limit: Duration| begun.elapsed() >= limit;
        if timeout.is_some_and(over) {
            break Why::TimedOut;
        }
        if !found && over(grace) {
            let what = args.workflow.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
            let error = CliError::usage(codes::NOTHING, format!("no run{what} is open, and none began"));
            return Err(error.detail(format!("looked for {}", args.grace)));
        }
        if rests(&mut signals, &mut look) {
            break Why::Left;
        }
    };
    conclude(here, look, args, &why)
}

impl Why {
    /// The exit code, where it is not that of the runs.
    fn exit(&self) -> Option<Exit> {
        match self {
            Self::Come => None,
            Self::TimedOut => Some(Exit::TimedOut),
            Self::Left => Some(Exit::Left),
        }
    }
}

/// The run that somebody names: as everywhere, or by the address at which a server shows it.
pub(super) fn named(text: &str) -> &str {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return text;
    }
    let parts = text.split(['/', '?', '#', ':']);
    parts.rev().find(|part| StreamId::run_in_full(part).is_some()).unwrap_or(text)
}

/// Looks for runs that nobody has named, and whether there is one.
fn discover(here: &Here, args: &Watch, since: i64, look: &mut Look<'_>) -> Result<bool, CliError> {
    let query = |status: &[RunStatus], since| RunQuery {
        status: status.to_vec(),
        workflow: args.workflow.clone(),
        since,
        limit: WATCHED,
        ..RunQuery::default()
    };
    // Those that are open, and those that came and went since.
    let mut rows = here.runs(query(OPEN, None))?;
    rows.extend(here.runs(query(&[], Some(since)))?);
    for row in rows.into_iter().rev() {
        if look.picture.roots.len() < WATCHED && !look.picture.roots.contains(&row.run) {
            look.add(&row.run)?;
        }
    }
    Ok(!look.picture.roots.is_empty())
}

fn has_come(until: Until, look: &Look<'_>) -> bool {
    let picture = &look.picture;
    let failed = || picture.roots.iter().any(|run| picture.status(run) == RunStatus::Failed);
    let waits = |run: &StreamId| picture.status(run).is_end() || picture.rests(run);
    match until {
        Until::Done => picture.all_ended(),
        Until::Failed => picture.all_ended() || failed(),
        Until::Waiting => picture.roots.iter().all(waits),
    }
}

/// Waits a little; whether somebody wants this process to leave.
fn rests(signals: &mut Receiver<Leave>, look: &mut Look<'_>) -> bool {
    /// How often it is looked for what happened.
    const LOOK: Duration = Duration::from_millis(150);
    look.tick();
    let pace = look.show.pace().min(LOOK);
    select! {
        recv(signals) -> signal => {
            let left = signal.is_ok();
            // The listener is gone; without it there are no signals to handle.
            *signals = never();
            left
        }
        default(pace) => false,
    }
}

/// How the runs stand, as `stead run` tells it.
fn conclude(here: &Here, mut look: Look<'_>, args: &Watch, why: &Why) -> Result<Exit, CliError> {
    look.show.clear();
    let roots = look.picture.roots.clone();
    let answers = match (args.json, roots.len()) {
        (true, _) => Answers::Records,
        (false, 1) => Answers::Outputs,
        (false, _) => Answers::List,
    };
    let mut exits = Vec::new();
    for root in &roots {
        let view = here.view(root.as_str())?;
        let waited_for = args.until == Until::Waiting && !view.status.is_end();
        exits.push(if waited_for { Exit::Done } else { Exit::of(view.status) });
        last(here, &mut look.picture, &mut look.show, &view, !view.status.is_end(), answers)?;
    }
    Ok(why.exit().unwrap_or_else(|| Exit::of_all(exits)))
}

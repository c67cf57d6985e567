//! `stead runs`: a list of runs.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use stead_core::Time;
use stead_engine::operations::{RunQuery, RunRow};
use stead_platform::terminal;

use crate::args::Runs;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::{Ink, State};
use crate::here::Here;
use crate::out;
use crate::table::Table;
use crate::text;
use crate::tree;

/// Lists runs.
///
/// # Errors
/// When a time cannot be understood, a run that is named is not there, or the store cannot be read.
pub fn runs(here: &Here, args: &Runs) -> Result<Exit, CliError> {
    let status = args.status.iter().flat_map(|statuses| statuses.0.iter().copied()).collect();
    let now = text::now();
    let time =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| moment(name, text, now)).transpose();
    let query = RunQuery {
        status,
        outcome: args.outcome.clone(),
        workflow: args.workflow.clone(),
        project: args.project.clone(),
        keys: args.keys.clone(),
        children: args.all,
        parent: args.parent.clone(),
        starter: args.starter.clone(),
        since: time("--since", &args.since)?,
        until: time("--until", &args.until)?,
        text: args.text.clone(),
        after: args.after.clone(),
        seen: None,
        // One more than is shown tells whether there are more.
        limit: if args.limit == 0 { 0 } else { args.limit.saturating_add(1) },
    };
    let any = RunQuery { limit: query.limit, children: args.all, ..RunQuery::default() } == query;
    let mut runs = here.runs(query)?;
    let more = args.limit > 0 && runs.len() > args.limit;
    runs.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if args.json {
        for row in &runs {
            out::json(row)?;
        }
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        out::note(if any { "there are no runs yet" } else { "no run fits" });
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", ""]);
    for row in &runs {
        let head = &row.head;
        let person = head.waits_for.iter().any(tree::for_a_person);
        let state = State::of_run(head.status, head.outcome, person);
        let word = format!("{} {}", state.sign(here.out), tree::outcome_word(head.status, head.outcome));
        table.row(vec![
            (Ink::Plain, row.run.to_string()),
            (Ink::Bold, head.workflow.clone()),
            (state.ink(), word),
            (Ink::Plain, text::moment(head.created_at, now)),
            (Ink::Plain, text::duration(head.ended_at.unwrap_or(now) - head.created_at)),
            (Ink::Dim, why(row, now, here)),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    if let Some(last) = runs.last().filter(|_| more) {
        out::note(&format!("there are more: go on with --after {}, or all at once with -n 0", last.run));
    }
    Ok(Exit::Done)
}

/// A time as people write it: an instant, a local day or time, or how long ago.
pub(super) fn moment(option: &str, text: &str, now: Time) -> Result<Time, CliError> {
    let (zone, text) = (TimeZone::system(), text.trim());
    let civil = || {
        let day = || text.parse::<Date>().map(|day| day.at(0, 0, 0, 0)).ok();
        // A day has no colon; a text with one that is no time is not taken for the day it begins with.
        let at = if text.contains(':') { text.parse::<DateTime>().ok() } else { day() };
        at.and_then(|at| at.to_zoned(zone.clone()).ok()).map(|at| at.timestamp().as_millisecond())
    };
    let ago = || {
        let millis = stead_lang::duration::parse_duration(text).ok()?;
        Some(now.saturating_sub(Time::try_from(millis).ok()?))
    };
    let instant = stead_lang::duration::parse_time(text).ok();
    instant.or_else(civil).or_else(ago).ok_or_else(|| {
        CliError::usage(codes::ARGUMENT, format!("`{option} {text}` is no time"))
            .hint("2h (ago), 2026-03-01, 2026-03-01T12:00, 2026-03-01T12:00:00Z")
    })
}

/// What a run waits for, or why it failed.
fn why(row: &RunRow, now: i64, here: &Here) -> String {
    if let Some(error) = &row.head.error {
        return tree::in_short(error, here.out);
    }
    row.head.waits_for.first().map_or_else(String::new, |waits| tree::waits_line(waits, now))
}

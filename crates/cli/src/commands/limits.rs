//! `stead limits`: places that runs share, who has them and who waits.

use serde_json::json;
use stead_engine::operations::{Answer, LimitRow, Operation, PlaceRow};
use stead_platform::terminal;

use crate::args::Limits;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::{Here, actor, unexpected};
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists limits in use, or takes a place back.
///
/// # Errors
/// When the store cannot be read, or a place cannot be taken back.
pub fn limits(here: &Here, args: &Limits) -> Result<Exit, CliError> {
    if let (Some(run), Some(key)) = (&args.free, &args.key) {
        return free(here, args, run, key);
    }
    let operation = Operation::Limits { project: args.project.clone(), key: args.key.clone() };
    let (limits, unread) = match here.ask(operation)? {
        Answer::Limits { limits, unread } => (limits, unread),
        other => return Err(unexpected(&other)),
    };
    for trouble in &unread {
        out::note(&format!("{} cannot be read, nobody gets a place of it: {}", trouble.run, trouble.why));
    }
    if args.json {
        for limit in &limits {
            out::json(limit)?;
        }
        return Ok(Exit::Done);
    }
    if limits.is_empty() && !unread.is_empty() {
        return Ok(Exit::Done);
    }
    if limits.is_empty() {
        out::note("nobody has a place or waits for one");
        return Ok(Exit::Done);
    }
    let now = text::now();
    let table = if args.key.is_some() { each(&limits, now) } else { all(&limits, now) };
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    if args.key.is_some() {
        for limit in &limits {
            let left = (limit.held - limit.holders.len()) + (limit.waiting - limit.waiters.len());
            if left > 0 {
                out::note(&format!("and {left} more for {}", text::clean(&limit.key)));
            }
        }
    }
    Ok(Exit::Done)
}

/// A line per limit.
fn all(limits: &[LimitRow], now: i64) -> Table {
    let mut table = Table::new(&["KEY", "PROJECT", "PLACES", "WAITING", "HELD BY"]);
    for limit in limits {
        let first = limit.holders.first().map_or_else(String::new, |place| {
            let more = limit.held - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} since {}{more}", name(place), text::moment(place.since, now))
        });
        table.row(vec![
            (Ink::Bold, text::clean(&limit.key)),
            (Ink::Plain, text::clean(&limit.project)),
            (Ink::Plain, format!("{} of {}", limit.held, limit.max)),
            (Ink::Plain, limit.waiting.to_string()),
            (Ink::Dim, first),
        ]);
    }
    table
}

/// A line per place, and per run or step that waits for one.
fn each(limits: &[LimitRow], now: i64) -> Table {
    let mut table = Table::new(&["RUN", "STEP", "WORKFLOW", "PLACE", "SINCE"]);
    let mut row = |place: &PlaceRow, ink: Ink, word: &str| {
        table.row(vec![
            (Ink::Plain, place.run.to_string()),
            (Ink::Plain, text::clean(&place.path)),
            (Ink::Bold, text::clean(&place.workflow)),
            (ink, if place.leaving { format!("{word}, is cancelled") } else { word.to_owned() }),
            (Ink::Plain, text::moment(place.since, now)),
        ]);
    };
    for limit in limits {
        limit.holders.iter().for_each(|place| row(place, Ink::Green, "has it"));
        limit.waiters.iter().for_each(|place| row(place, Ink::Dim, "waits"));
    }
    table
}

fn name(place: &PlaceRow) -> String {
    match place.path.as_str() {
        "" => place.run.to_string(),
        path => format!("{}/{}", place.run, text::clean(path)),
    }
}

fn free(here: &Here, args: &Limits, run: &str, key: &str) -> Result<Exit, CliError> {
    let project = args.project.clone().unwrap_or_default();
    let (run, key) = (run.to_owned(), key.to_owned());
    let told = format!("the place of {run} for {} is free", text::clean(&key));
    let record = json!({"type": "freed", "run": run, "project": project, "key": key});
    match here.ask(Operation::FreePlace { project, key, run, by: actor() })? {
        Answer::Done { .. } if args.json => out::json(&record)?,
        Answer::Done { .. } => out::answer(&format!("{told}\n"))?,
        other => return Err(unexpected(&other)),
    }
    Ok(Exit::Done)
}

//! `stead audit`: who did what.

use stead_engine::access::{AccessAnswer, AccessOperation, AuditQuery, AuditRow};
use stead_engine::operations::{Answer, Operation};
use stead_platform::terminal;

use super::runs::moment;
use crate::args::Audit;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::{Here, unexpected};
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists what was done, the newest first.
///
/// # Errors
/// When it is refused, or the store cannot be read.
pub fn audit(here: &Here, args: &Audit) -> Result<Exit, CliError> {
    let now = text::now();
    let time =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| moment(name, text, now)).transpose();
    let mut query = AuditQuery {
        user: args.user.clone(),
        about: args.about.clone(),
        since: time("--since", &args.since)?,
        until: time("--until", &args.until)?,
        after: args.after.clone(),
        limit: args.limit,
    };
    let mut rows: Vec<AuditRow> = Vec::new();
    // A piece of a long history may have nothing that fits.
    loop {
        query.limit = args.limit.saturating_sub(rows.len()).max(1);
        let answer = match here.ask(Operation::Access(AccessOperation::Audit { query: query.clone() }))? {
            Answer::Access(answer) => *answer,
            other => return Err(unexpected(&other)),
        };
        let AccessAnswer::Audit { entries, next } = answer else {
            return Err(unexpected(&Answer::Access(Box::new(answer))));
        };
        rows.extend(entries);
        query.after = next;
        if query.after.is_none() || rows.len() >= args.limit {
            break;
        }
    }
    if args.json {
        for row in &rows {
            out::json(row)?;
        }
    } else if rows.is_empty() {
        out::note("nothing was done that fits");
    } else {
        let mut table = Table::new(&["WHEN", "WHO", "BY", "WHAT", "ABOUT"]);
        for row in &rows {
            let (ink, what) = match &row.refused {
                Some(code) => (Ink::Red, format!("{}: refused ({code})", row.what)),
                None => (Ink::Plain, row.what.clone()),
            };
            table.row(vec![
                (Ink::Plain, text::moment(row.at, now)),
                (Ink::Bold, row.who.clone()),
                (Ink::Dim, row.means.clone()),
                (ink, what),
                (Ink::Plain, row.about.clone()),
            ]);
        }
        let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
        out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    }
    if let Some(next) = query.after.filter(|_| !args.json) {
        out::note(&format!("there is more: go on with --after {next}"));
    }
    Ok(Exit::Done)
}

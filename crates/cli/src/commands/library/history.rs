//! `stead history`: what was done to a workflow.

use serde_json::json;
use stead_engine::library::{LibraryAnswer, LibraryOperation};
use stead_platform::terminal;
use stead_store::library::{Change, What};

use super::{ask, named, strange};
use crate::args::History;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists changes, the newest first.
///
/// # Errors
/// When there is no such workflow, or the store cannot be read.
pub fn history(here: &Here, args: &History) -> Result<Exit, CliError> {
    let (name, number) = named(&args.saved)?;
    if number.is_some() {
        let error = CliError::usage(codes::ARGUMENT, "a history is that of all revisions");
        return Err(error.hint(here.command(&format!("history {name}"))));
    }
    let limit = if args.limit == 0 { 0 } else { args.limit.saturating_add(1) };
    let answer = ask(here, LibraryOperation::History { name, skip: args.skip, limit })?;
    let LibraryAnswer::History { name, mut changes, .. } = answer else { return Err(strange(answer)) };
    let more = args.limit > 0 && changes.len() > args.limit;
    changes.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if args.json {
        for change in &changes {
            let mut record = json!(change);
            record["name"] = json!(name);
            out::json(&record)?;
        }
        return Ok(Exit::Done);
    }
    let now = text::now();
    let mut table = Table::new(&["REVISION", "WHEN", "BY", "", ""]);
    for change in &changes {
        table.row(vec![
            (Ink::Bold, format!("{name}@{}", change.number)),
            (Ink::Plain, text::moment(change.at, now)),
            (Ink::Plain, change.by.clone()),
            (Ink::Plain, word(change)),
            (Ink::Dim, detail(change)),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    if more {
        let skip = args.skip + args.limit;
        out::note(&format!("there are more: go on with --skip {skip}, or all at once with -n 0"));
    }
    Ok(Exit::Done)
}

fn word(change: &Change) -> String {
    match change.what {
        What::Text => "written differently".to_owned(),
        what => what.as_str().to_owned(),
    }
}

fn detail(change: &Change) -> String {
    match change.what {
        What::Renamed => format!("it was {}", change.detail),
        _ => change.detail.clone(),
    }
}

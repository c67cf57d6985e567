//! `stead workflows`: the library.

use stead_engine::library::{LibraryAnswer, LibraryOperation, WorkflowRow};
use stead_platform::terminal;
use stead_store::library::WorkflowFilter;

use super::{ask, strange};
use crate::args::Workflows;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::{Ink, State};
use crate::here::Here;
use crate::out;
use crate::table::Table;
use crate::text;
use crate::tree;

/// Lists workflows, or finds some.
///
/// # Errors
/// When the store cannot be read.
pub fn workflows(here: &Here, args: &Workflows) -> Result<Exit, CliError> {
    let words = (!args.words.is_empty()).then(|| args.words.join(" "));
    let filter = WorkflowFilter {
        words,
        label: args.label.clone(),
        deleted: args.deleted,
        after: args.after.clone(),
        // One more than is shown tells whether there are more.
        limit: if args.limit == 0 { 0 } else { args.limit.saturating_add(1) },
    };
    let any = filter.words.is_none() && filter.label.is_none() && !filter.deleted && filter.after.is_none();
    let searched = filter.words.is_some();
    let mut rows = match ask(here, LibraryOperation::Workflows { filter })? {
        LibraryAnswer::Workflows { workflows } => workflows,
        other => return Err(strange(other)),
    };
    let more = args.limit > 0 && rows.len() > args.limit;
    rows.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if args.json {
        for row in &rows {
            out::json(row)?;
        }
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        out::note(if any { "the library is empty" } else { "no workflow fits" });
        if any {
            out::note(&format!("next: {}", here.command("save FILE")));
        }
        return Ok(Exit::Done);
    }
    let now = text::now();
    let mut table = Table::new(&["WORKFLOW", "UPDATED", "RUNS", "LAST", "DESCRIPTION"]);
    for row in &rows {
        let workflow = &row.workflow;
        let (ink, last) = last(row, here);
        let description = match workflow.labels.is_empty() {
            true => tree::in_short(&workflow.description, here.out),
            false => {
                format!("[{}] {}", workflow.labels.join(" "), tree::in_short(&workflow.description, here.out))
            }
        };
        let draft = if workflow.draft { " draft" } else { "" };
        table.row(vec![
            (Ink::Bold, format!("{}@{}{draft}", workflow.name, workflow.newest)),
            (Ink::Plain, text::moment(workflow.updated_at, now)),
            (Ink::Plain, row.runs.to_string()),
            (ink, last),
            (Ink::Dim, description),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    match rows.last().filter(|_| more) {
        Some(_) if searched => out::note("there are more: say more words, or -n 0 for all"),
        Some(last) => {
            let name = &last.workflow.name;
            out::note(&format!("there are more: go on with --after {name}, or all at once with -n 0"));
        }
        None => {}
    }
    Ok(Exit::Done)
}

/// How the newest run went.
pub fn last(row: &WorkflowRow, here: &Here) -> (Ink, String) {
    let Some(last) = &row.last else { return (Ink::Dim, String::new()) };
    let state = State::of_run(last.status, last.outcome, false);
    (state.ink(), format!("{} {}", state.sign(here.out), tree::outcome_word(last.status, last.outcome)))
}

//! `stead runs`: a list of runs.

use stead_engine::operations::{RunQuery, RunRow};
use stead_platform::terminal;

use crate::args::Runs;
use crate::error::CliError;
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
/// When the store cannot be read.
pub fn runs(here: &Here, args: &Runs) -> Result<Exit, CliError> {
    let status = args.status.iter().flat_map(|statuses| statuses.0.iter().copied()).collect();
    let query = RunQuery {
        status,
        outcome: None,
        workflow: args.workflow.clone(),
        children: args.all,
        limit: args.limit,
    };
    let runs = here.runs(query)?;
    if args.json {
        for row in &runs {
            out::json(row)?;
        }
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        let any = args.status.is_empty() && args.workflow.is_none();
        out::note(if any { "there are no runs yet" } else { "no run fits" });
        return Ok(Exit::Done);
    }
    let now = text::now();
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
    if args.limit > 0 && runs.len() == args.limit {
        out::note(&format!("the newest {}; more: -n N, all: -n 0", args.limit));
    }
    Ok(Exit::Done)
}

/// What a run waits for, or why it failed.
fn why(row: &RunRow, now: i64, here: &Here) -> String {
    if let Some(error) = &row.head.error {
        return tree::in_short(error, here.out);
    }
    row.head
        .waits_for
        .first()
        .map_or_else(String::new, |waits| format!("{}: {}", waits.path, tree::waits_text(waits, now)))
}

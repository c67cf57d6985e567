//! `stead inbox`: what waits for somebody, and one task with all that is shown.

use stead_engine::tasks::{TaskAnswer, TaskOperation, TaskQuery, TaskRow};
use stead_platform::terminal;

use super::{ask, now, show, strange};
use crate::args::Inbox;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::{self, Ink};
use crate::here::{Here, actor};
use crate::inbox::worker::Asker;
use crate::out;
use crate::table::Table;
use crate::text;

/// Lists tasks, or shows one.
///
/// # Errors
/// When there is no such task or run, or the store cannot be read.
pub fn inbox(here: &Here, args: &Inbox) -> Result<Exit, CliError> {
    if let Some(task) = &args.task {
        let task = now(here, task)?;
        if args.json {
            out::json(&task)?;
        } else {
            out::answer(&show::told(&task, text::now()))?;
            show::hints(here, &task);
        }
        return Ok(Exit::Done);
    }
    let listed = args.plain || args.json || args.done || args.limit.is_some() || args.after.is_some();
    if !listed && face::whole_screen() {
        let query = TaskQuery { everybody: args.all, run: args.run.clone(), ..TaskQuery::default() };
        return crate::inbox::live(&Asker { here: here.clone(), query });
    }
    let limit = args.limit.unwrap_or(50);
    let query = TaskQuery {
        everybody: args.all,
        done: args.done,
        run: args.run.clone(),
        after: args.after.clone(),
        limit,
    };
    let tasks = match ask(here, TaskOperation::List { query, by: actor() })? {
        TaskAnswer::Tasks { tasks } => tasks,
        other => return Err(strange(other)),
    };
    if args.json {
        for task in &tasks {
            out::json(task)?;
        }
        return Ok(Exit::Done);
    }
    if tasks.is_empty() {
        out::note(match (args.done, args.all) {
            (true, _) => "nothing is over yet that you had a part in",
            (false, true) => "nobody is asked anything",
            (false, false) => "nothing waits for you",
        });
        return Ok(Exit::Done);
    }
    let columns = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    let columns = columns.map(|size| usize::from(size.columns));
    out::answer(&table(&tasks, text::now()).render(columns, here.out))?;
    let more = limit > 0 && tasks.len() == limit;
    match tasks.last() {
        Some(last) if more => {
            let all = if args.all { " --all" } else { "" };
            out::note(&format!("next: {}", here.command(&format!("inbox{all} --after {}", last.task))));
        }
        _ if !args.done => {
            let name = name(&tasks[0]);
            out::note(&format!("next: {}", here.command(&format!("inbox {name}"))));
        }
        _ => {}
    }
    Ok(Exit::Done)
}

/// How a task is named on the command line.
pub(super) fn name(task: &TaskRow) -> String {
    text::shell_word(&format!("{}/{}", task.head.origin.run, task.head.origin.path))
}

fn table(tasks: &[TaskRow], now: i64) -> Table {
    let mut table = Table::new(&["TASK", "WHAT", "WORKFLOW", "SINCE", "STANDS"]);
    for task in tasks {
        let head = &task.head;
        let draft = task.draft_at.map(|at| format!("your draft of {}", text::moment(at, now)));
        let stands = [show::stands(head, now), draft.unwrap_or_default()];
        let stands = stands.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        table.row(vec![
            (Ink::Bold, format!("{}/{}", head.origin.run, text::clean(&head.origin.path))),
            (Ink::Plain, text::clean(&head.title)),
            (Ink::Plain, text::clean(&head.origin.workflow)),
            (Ink::Plain, text::moment(head.opened_at, now)),
            (Ink::Dim, stands),
        ]);
    }
    table
}

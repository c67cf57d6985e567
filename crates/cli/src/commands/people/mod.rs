//! `stead people`: who there is, and who acts.

mod change;
mod list;

use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{PeopleAnswer, PeopleOperation};
use stead_platform::terminal;

use crate::args::{GroupCommand, People, PeopleCommand};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::out;
use crate::table::Table;

/// Does something with the people of a home, or lists them.
///
/// # Errors
/// When it is refused, or the store cannot be read or written.
pub fn people(here: &Here, args: &People) -> Result<Exit, CliError> {
    if let (Some(_), Some(name)) = (&args.command, args.filter()) {
        let error =
            CliError::usage(codes::ARGUMENT, format!("{name} before a command of `people` says nothing"));
        return Err(error.hint("options of the command stand behind it"));
    }
    match &args.command {
        None => list::people(here, args),
        Some(PeopleCommand::Groups(args)) => list::groups(here, args.json),
        Some(PeopleCommand::History(args)) => list::history(here, args),
        Some(PeopleCommand::Whoami(args)) => list::whoami(here, args.json),
        Some(PeopleCommand::Add(args)) => change::add(here, args),
        Some(PeopleCommand::Edit(args)) => change::edit(here, args),
        Some(PeopleCommand::Remove(args)) => change::remove(here, args),
        Some(PeopleCommand::Restore(args)) => change::restore(here, args),
        Some(PeopleCommand::Group { command }) => match command {
            GroupCommand::Add(args) => change::add_group(here, args),
            GroupCommand::Edit(args) => change::edit_group(here, args),
            GroupCommand::Remove(args) => change::remove_group(here, args),
        },
    }
}

/// Asks about the people.
///
/// # Errors
/// As the operation says.
pub fn ask(here: &Here, operation: PeopleOperation) -> Result<PeopleAnswer, CliError> {
    match here.ask(Operation::People(operation))? {
        Answer::People(answer) => Ok(*answer),
        other => Err(unexpected(&other)),
    }
}

fn strange(answer: PeopleAnswer) -> CliError {
    unexpected(&Answer::People(Box::new(answer)))
}

fn print(here: &Here, table: &Table) -> Result<(), CliError> {
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))
}

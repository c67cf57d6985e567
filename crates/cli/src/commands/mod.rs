//! One module per command.

pub mod audit;
pub mod batch;
pub mod cancel;
pub mod check;
pub mod completions;
pub mod documents;
pub mod dry_run;
pub mod explain;
pub mod graph;
pub mod import;
pub mod init;
mod length;
pub mod library;
pub mod limits;
pub mod login;
pub mod logs;
pub mod man;
pub mod notifications;
mod open;
pub mod password;
pub mod pause;
pub mod people;
pub mod results;
pub mod resume;
pub mod retry;
pub mod run;
pub mod runs;
pub mod schedule;
pub mod serve;
pub mod settle;
pub mod signal;
pub mod status;
pub mod tasks;
pub mod token;
mod watch;

use crate::args::{Cli, Command};
use crate::error::CliError;
use crate::exit::Exit;
use crate::here::Here;
use crate::out;
use crate::place::{self, Reach};

/// Performs a command, which has this name.
///
/// # Errors
/// As the command says.
pub fn perform(cli: &Cli, command: &str) -> Result<Exit, CliError> {
    let reach = place::fits(command, &cli.global)?;
    match &cli.command {
        Command::Login(args) => return login::login(&cli.global, args),
        Command::Logout(args) => return login::logout(args),
        Command::Explain(args) => return explain::explain(args),
        Command::Completions(args) => return completions::completions(args),
        Command::Man(args) => return man::man(args),
        _ => {}
    }
    let here = match reach {
        Reach::Files => Here::of_files(&cli.global)?,
        Reach::Server | Reach::Home(_) => Here::new(&cli.global)?,
    };
    match &cli.command {
        Command::Init(args) => init::init(&here, args),
        Command::Check(args) => check::check(&here, args),
        Command::Import(args) => import::import(&here, args),
        Command::Graph(args) => graph::graph(&here, args),
        Command::Schema => {
            out::pretty(&stead_lang::keys::schema())?;
            Ok(Exit::Done)
        }
        Command::Run(args) => run::run(&here, args),
        Command::Serve(args) => serve::serve(&here, args),
        Command::Batch(args) => batch::batch(&here, args),
        Command::Results(args) => results::results(&here, args),
        Command::Documents(args) => documents::documents(&here, args),
        Command::Open(args) => open::open(&here, args),
        Command::Watch(args) => watch::watch(&here, args),
        Command::Resume(args) => resume::resume(&here, args),
        Command::Cancel(args) => cancel::cancel(&here, args),
        Command::Settle(args) => settle::settle(&here, args),
        Command::Retry(args) => retry::retry(&here, args),
        Command::Pause(args) => pause::pause(&here, args),
        Command::Signal(args) => signal::signal(&here, args),
        Command::Runs(args) => runs::runs(&here, args),
        Command::Status(args) => status::status(&here, args),
        Command::Logs(args) => logs::logs(&here, args),
        Command::Limits(args) => limits::limits(&here, args),
        Command::Schedule(args) => schedule::schedule(&here, args),
        Command::People(args) => people::people(&here, args),
        Command::Audit(args) => audit::audit(&here, args),
        Command::Notifications(args) => notifications::notifications(&here, args),
        Command::Token(args) => token::token(&here, args),
        Command::Password(args) => password::password(&here, args),
        Command::Link(args) => password::link(&here, args),
        Command::Inbox(args) => tasks::inbox::inbox(&here, args),
        Command::Approve(args) => tasks::act::decide(&here, args, true),
        Command::Reject(args) => tasks::act::decide(&here, args, false),
        Command::Answer(args) => tasks::act::answer(&here, args),
        Command::Claim(args) => tasks::act::claim(&here, args),
        Command::Release(args) => tasks::act::release(&here, args),
        Command::Skip(args) => tasks::act::skip(&here, args),
        Command::Delegate(args) => tasks::act::delegate(&here, args),
        Command::Save(args) => library::save::save(&here, args),
        Command::Workflows(args) => library::list::workflows(&here, args),
        Command::Show(args) => library::show::show(&here, args),
        Command::History(args) => library::history::history(&here, args),
        Command::Diff(args) => library::diff::diff(&here, args),
        Command::Describe(args) => library::change::describe(&here, args),
        Command::Rename(args) => library::change::rename(&here, args),
        Command::Delete(args) => library::change::delete(&here, args),
        Command::Restore(args) => library::change::restore(&here, args),
        Command::Export(args) => library::export::export(&here, args),
        Command::Whoami(args) => login::whoami(&here, args),
        // They take no place, and were performed above.
        Command::Login(_)
        | Command::Logout(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(Exit::Done),
    }
}

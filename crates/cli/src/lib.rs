//! The command line of Stead: the binary `stead` is a call of [`main`].
//!
//! | module | what |
//! | --- | --- |
//! | [`args`] | what can be said on the command line |
//! | [`commands`] | a module per command |
//! | [`follow`] | a run from its first event to its end: picture, lines, JSON; leaving before it |
//! | [`inbox`] | what waits for somebody, on the whole screen |
//! | [`complete`] | what shells are told that complete a word |
//! | [`definition`], [`inputs`] | what a run is started with |
//! | [`here`], [`place`], [`logins`] | folder, home or server, tokens, hints |
//! | [`tree`], [`table`], [`line`](mod@line), [`text`], [`face`] | what is printed, and how it looks |
//! | [`out`], [`error`], [`exit`], [`signals`] | the edges of the process |
//!
//! Nothing here knows how a run goes on: the engine is asked through its operations, and what is shown is
//! the core's own view of the events.

pub mod args;
pub mod commands;
pub mod complete;
pub mod definition;
pub mod error;
pub mod exit;
pub mod face;
pub mod follow;
pub mod here;
pub mod inbox;
pub mod inputs;
pub mod limits;
pub mod line;
pub mod logins;
pub mod out;
pub mod place;
pub mod signals;
pub mod table;
pub mod text;
pub mod tree;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::args::Cli;
use crate::error::{CliError, Kind};
use crate::exit::Exit;

/// Performs the command line of this process.
pub fn main() -> ExitCode {
    match complete::asked() {
        Ok(false) => {}
        Ok(true) => return Exit::Done.into(),
        Err(refused) => return usage(&refused),
    }
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let command = matches.subcommand_name().unwrap_or_default().to_owned();
        Cli::from_arg_matches(&matches).map(|cli| (cli, command))
    });
    let (cli, command) = match parsed {
        Ok(parsed) => parsed,
        Err(refused) => return usage(&refused.format(&mut Cli::command())),
    };
    match commands::perform(&cli, &command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell(&error, &cli);
            error.exit().into()
        }
    }
}

/// Help and version are answers; everything else of clap's is an error of usage.
fn usage(refused: &clap::Error) -> ExitCode {
    let text = refused.to_string();
    if refused.use_stderr() {
        out::say(&text);
        return Exit::Usage.into();
    }
    // A reader that has seen enough is no error.
    let _ = out::answer(&text);
    Exit::Done.into()
}

fn tell(error: &CliError, cli: &Cli) {
    if error.kind == Kind::Closed {
        return;
    }
    let face = face::Face::stderr(cli.global.color);
    if let Some(findings) = &error.findings {
        out::say(&findings.0);
    }
    let text = error.to_string();
    match text.split_once(':') {
        Some((head, rest)) => out::say(&format!("{}:{rest}", face.paint(face::Ink::Red, head))),
        None => out::say(&text),
    }
    if cli.command.json() {
        // Nobody there to read it: it was said on standard error.
        let _ = out::json(&error.to_json());
    }
}

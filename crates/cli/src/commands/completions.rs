//! `stead completions`: what a shell needs to complete our words.

use clap::CommandFactory as _;
use clap_complete::env::Shells;

use crate::args::{Cli, Completions};
use crate::complete::VARIABLE;
use crate::error::CliError;
use crate::exit::Exit;
use crate::out;

/// Prints the script of a shell.
///
/// # Errors
/// When nobody reads it.
pub fn completions(args: &Completions) -> Result<Exit, CliError> {
    let shells = Shells::builtins();
    let name = args.shell.name();
    let Some(shell) = shells.completer(name) else {
        return Err(CliError::machine(format!("this is a bug in Stead: it does not know the shell {name}")));
    };
    let binary = Cli::command().get_name().to_owned();
    let mut script = Vec::new();
    // Called by its name, so that the script goes on working when the binary moves.
    shell
        .write_registration(VARIABLE, &binary, &binary, &binary, &mut script)
        .map_err(|e| CliError::machine(format!("the script cannot be written: {e}")))?;
    out::bytes(&script)?;
    Ok(Exit::Done)
}

//! `stead open`: shows in a browser what the server of the home has to show.

use std::process::{Command, Stdio};

use stead_engine::operations::{Answer, Operation};

use super::watch::named;
use crate::args::Open;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::out;

/// Opens.
///
/// # Errors
/// When nobody serves the home, when there is no such run, or when no browser can be started.
pub(crate) fn open(here: &Here, args: &Open) -> Result<Exit, CliError> {
    let url = match here.server() {
        Some(server) => server.origin().to_owned(),
        None => served(here)?,
    };
    let url = match &args.run {
        None => format!("{url}/api/v1/docs"),
        Some(run) => format!("{url}/api/v1/runs/{}", here.view(named(run))?.run),
    };
    out::answer(&format!("{url}\n"))?;
    if !args.print {
        browse(&url)?;
    }
    Ok(Exit::Done)
}

/// Where the home is served.
fn served(here: &Here) -> Result<String, CliError> {
    let engine = match here.ask(Operation::Engine)? {
        Answer::Engine { engine } => engine,
        other => return Err(unexpected(&other)),
    };
    engine
        .and_then(|engine| engine.url)
        .ok_or_else(|| CliError::usage(codes::NOTHING, "nobody serves this home").hint("`stead serve` does"))
}

/// Hands an address to a browser, which goes on by itself.
fn browse(url: &str) -> Result<(), CliError> {
    let usual = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let own = std::env::var("BROWSER").ok().filter(|program| !program.is_empty());
    let program = own.as_deref().unwrap_or(usual);
    let mut browser = Command::new(program);
    browser.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    browser.spawn().map(drop).map_err(|error| {
        CliError::machine(format!("`{program}` cannot be started: {error}"))
            .hint("name another one in the variable BROWSER, or take the address above")
    })
}

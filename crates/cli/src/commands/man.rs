//! `stead man`: the manual, made from the command line's own help.

use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::{Cli, Man};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::out;
use crate::text;

const VARIABLES: &[(&str, &str)] = &[
    ("STEAD_HOME", "The home, where --home does not name one."),
    ("STEAD_ASCII", "Not 0: no signs beyond ASCII."),
    ("NO_COLOR, CLICOLOR_FORCE", "No colours; colours without a terminal."),
    (
        "STEAD_OFFER",
        "0: a run at a terminal does not ask whether its definition shall be saved. With CI set it never does.",
    ),
    ("STEAD_SERVER", "A server that is asked in the place of a home, where the command line names neither."),
    (
        "STEAD_TOKEN, STEAD_TOKEN_FILE",
        "A token for that server, or a file that holds one; else that of stead-login(1).",
    ),
    (
        "STEAD_PLAIN_HTTP",
        "1: a token may go to a server over plain HTTP, which everybody on the way can read.",
    ),
    ("VISUAL, EDITOR", "What the inbox opens a comment in; vi without."),
    ("STEAD_COMPLETE", "Set by the scripts of stead-completions(1)."),
];

const FILES: &[(&str, &str)] = &[
    (".stead/", "The home of a project, in its folder: runs, values, what programs printed."),
    ("$XDG_DATA_HOME/stead, ~/.local/share/stead", "The home where no project is."),
    (
        "$XDG_CONFIG_HOME/stead/servers.json, ~/.config/stead/servers.json",
        "Tokens for servers, of stead-login(1).",
    ),
];

const CODES: &[(&str, &str)] = &[
    ("0", "Done; a run is completed."),
    ("1", "The run failed, or an operation does not fit what it is doing."),
    ("2", "Usage: arguments, definitions, inputs or names."),
    ("3", "The run was cancelled."),
    ("4", "The run waits."),
    ("5", "The time to watch was over before the run was."),
    ("6", "The home or its engine failed."),
    ("130", "Left by Ctrl-C."),
];

/// Prints the page of `stead`, or writes all pages into a folder.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &Man) -> Result<Exit, CliError> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(folder) = &args.folder else {
        out::bytes(&page(&root, None)?)?;
        return Ok(Exit::Done);
    };
    let failed = |path: &Path, error: std::io::Error| {
        CliError::usage(codes::FILE, format!("{} cannot be written: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut pages = vec![("stead.1".to_owned(), page(&root, None)?)];
    all_below("stead", &root, &mut pages)?;
    for (name, bytes) in &pages {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|error| failed(&path, error))?;
    }
    out::note(&format!("{} in {}", text::count(pages.len(), "page"), folder.display()));
    Ok(Exit::Done)
}

/// Pages of the commands below one.
fn all_below(name: &str, of: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), CliError> {
    for command in of.get_subcommands() {
        let name = format!("{name}-{}", command.get_name());
        pages.push((format!("{name}.1"), page(command, Some(of))?));
        all_below(&name, command, pages)?;
    }
    Ok(())
}

/// The page of a command; `of`: the command it belongs to.
fn page(command: &Command, of: Option<&Command>) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let written = write(command, of, &mut bytes);
    written.map_err(|e| CliError::machine(format!("the page cannot be made: {e}")))?;
    Ok(bytes)
}

fn write(command: &Command, of: Option<&Command>, out: &mut Vec<u8>) -> std::io::Result<()> {
    let man =
        Page::new(command.clone()).manual("Stead").source(format!("stead {}", env!("CARGO_PKG_VERSION")));
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    let mut roff = Roff::new();
    let list = |roff: &mut Roff, title: &str, all: &[(&str, &str)]| {
        roff.control("SH", [title]);
        for (name, text) in all {
            roff.control("TP", []).text([bold(*name)]).text([roman(*text)]);
        }
    };
    let pages: Vec<String> = match of {
        None => {
            man.render_subcommands_section(out)?;
            list(&mut roff, "ENVIRONMENT", VARIABLES);
            list(&mut roff, "FILES", FILES);
            list(&mut roff, "EXIT STATUS", CODES);
            command.get_subcommands().map(|sub| format!("stead-{}(1)", sub.get_name())).collect()
        }
        Some(of) => {
            let of = of.get_display_name().unwrap_or_else(|| of.get_name()).to_owned();
            if command.has_subcommands() {
                man.render_subcommands_section(out)?;
            }
            let below = command
                .get_subcommands()
                .map(|sub| format!("{}(1)", sub.get_display_name().unwrap_or_else(|| sub.get_name())));
            std::iter::once(format!("{of}(1)")).chain(below).collect()
        }
    };
    roff.control("SH", ["SEE ALSO"]).text([roman(pages.join(", "))]);
    roff.to_writer(out)
}

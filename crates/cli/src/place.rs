//! Where operations are performed: in a home of this machine, or by a server.
//!
//! Which one it is is found out once, from the command line and the environment; commands ask [`Here`](crate::here::Here)
//! and do not look. [`COMMANDS`] says which of them can be asked elsewhere at all.

use std::path::{Path, PathBuf};

use stead_engine::access::Secret;
use stead_engine::home::Home;
use stead_engine::remote::{PlainHttp, Remote, origin};

use crate::args::Global;
use crate::error::{CliError, codes};
use crate::limits::TOKEN_BYTES;
use crate::logins;

/// The variable that names a server.
pub const SERVER: &str = "STEAD_SERVER";
/// The variable with a token for it.
pub const TOKEN: &str = "STEAD_TOKEN";
/// The variable that names a file with a token for it.
pub const TOKEN_FILE: &str = "STEAD_TOKEN_FILE";
/// The variable that lets a token go over plain HTTP.
pub const PLAIN_HTTP: &str = "STEAD_PLAIN_HTTP";

/// Where operations are performed.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a home of this machine.
    Home(Home),
    /// By a server.
    Server(Remote),
}

/// Where a command can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In a home of this machine, and of a server.
    Server,
    /// On the machine of the home only: why.
    Home(&'static str),
    /// It is about files here, or about this program: no home and no server is asked.
    Files,
}

/// All commands, and where they can be asked. Those below one are as that.
pub const COMMANDS: &[(&str, Reach)] = &[
    ("init", Reach::Files),
    ("check", Reach::Files),
    ("import", Reach::Files),
    ("graph", Reach::Files),
    ("explain", Reach::Files),
    ("schema", Reach::Files),
    ("run", Reach::Server),
    ("serve", Reach::Home("it holds the home, which takes its folder")),
    ("watch", Reach::Server),
    ("open", Reach::Server),
    ("batch", Reach::Server),
    ("results", Reach::Server),
    ("documents", Reach::Server),
    ("resume", Reach::Server),
    ("cancel", Reach::Server),
    ("settle", Reach::Server),
    ("pause", Reach::Server),
    ("retry", Reach::Server),
    ("signal", Reach::Server),
    ("runs", Reach::Server),
    ("status", Reach::Server),
    ("logs", Reach::Server),
    ("limits", Reach::Server),
    ("schedule", Reach::Server),
    ("people", Reach::Server),
    ("token", Reach::Server),
    ("password", Reach::Server),
    ("link", Reach::Server),
    ("login", Reach::Files),
    ("logout", Reach::Files),
    ("whoami", Reach::Server),
    ("audit", Reach::Server),
    ("notifications", Reach::Server),
    ("inbox", Reach::Server),
    ("approve", Reach::Server),
    ("reject", Reach::Server),
    ("answer", Reach::Server),
    ("claim", Reach::Server),
    ("release", Reach::Server),
    ("skip", Reach::Server),
    ("delegate", Reach::Server),
    ("save", Reach::Server),
    ("workflows", Reach::Server),
    ("show", Reach::Server),
    ("history", Reach::Server),
    ("diff", Reach::Server),
    ("describe", Reach::Server),
    ("rename", Reach::Server),
    ("delete", Reach::Server),
    ("restore", Reach::Server),
    ("export", Reach::Server),
    ("completions", Reach::Files),
    ("man", Reach::Files),
];

/// The server that is meant, and whether the command line names it.
pub fn named(global: &Global, get: &dyn Fn(&str) -> Option<String>) -> Option<(String, bool)> {
    if let Some(url) = &global.server {
        return Some((url.clone(), true));
    }
    // A home that is named goes before what stands in the environment.
    if global.home.is_some() {
        return None;
    }
    get(SERVER).filter(|url| !url.is_empty()).map(|url| (url, false))
}

/// Where a command can be asked; refuses one that is not asked of a server.
///
/// # Errors
/// When a server is named and the command is of the machine of a home, or somebody wants another name there.
pub fn fits(command: &str, global: &Global) -> Result<Reach, CliError> {
    let environment = |name: &str| std::env::var(name).ok();
    let reach = COMMANDS.iter().find(|(name, _)| *name == command).map_or(Reach::Server, |(_, reach)| *reach);
    let Some((_, said)) = named(global, &environment) else { return Ok(reach) };
    let hint = |error: CliError| match said {
        true => error.hint("leave --server out, on the machine of the home"),
        false => {
            error.hint(format!("the variable {SERVER} names a server: unset it, or name a home by --home"))
        }
    };
    match reach {
        Reach::Home(why) => {
            let what = format!("`stead {command}` is not asked of a server: {why}");
            Err(hint(CliError::usage(codes::ELSEWHERE, what)))
        }
        Reach::Server if global.identity.is_some() => {
            let what = "`--as` is for a home; a server knows you by your token";
            Err(hint(CliError::usage(codes::ELSEWHERE, what)))
        }
        Reach::Server | Reach::Files => Ok(reach),
    }
}

/// The place that is meant.
///
/// # Errors
/// When the address or the token of a server cannot be used.
pub fn find(folder: &Path, global: &Global) -> Result<Place, CliError> {
    let environment = |name: &str| std::env::var(name).ok();
    match named(global, &environment) {
        Some((url, said)) => {
            let named_first = if said { environment(SERVER) } else { None };
            let token = token(&url, named_first.as_deref(), &environment)?;
            Ok(Place::Server(Remote::new(&url, token, plain(global)).map_err(CliError::of_server)?))
        }
        None => Ok(Place::Home(home(folder, global))),
    }
}

/// The home of this machine that a command would work in.
pub fn home(folder: &Path, global: &Global) -> Home {
    match &global.home {
        Some(root) => Home::at(&folder.join(root)),
        None => Home::find(folder, |name| std::env::var_os(name).map(PathBuf::from)),
    }
}

/// Whether somebody has said that a token may go over plain HTTP.
pub fn plain(global: &Global) -> PlainHttp {
    let said = std::env::var(PLAIN_HTTP).is_ok_and(|value| value == "1");
    if global.plain_http || said { PlainHttp::Anywhere } else { PlainHttp::Own }
}

/// The token for a server: of the environment, of a file that it names, or of a login. The environment's is for the
/// server that the environment names, where it names one, and goes to no other.
fn token(
    url: &str,
    of_environment: Option<&str>,
    get: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, CliError> {
    let server = origin(url).map_err(CliError::of_server)?;
    let other = of_environment
        .filter(|named| !named.is_empty())
        .is_some_and(|named| origin(named).ok().as_deref() != Some(server.as_str()));
    if !other {
        if let Some(token) = get(TOKEN).filter(|token| !token.is_empty()) {
            return Ok(Some(Secret::new(token.trim())));
        }
        if let Some(file) = get(TOKEN_FILE).filter(|file| !file.is_empty()) {
            return of_file(Path::new(&file)).map(Some);
        }
    }
    logins::token_of(&server)
}

fn of_file(path: &Path) -> Result<Secret, CliError> {
    use std::io::Read as _;
    let cannot = |why: String| {
        CliError::usage(codes::TOKEN, format!("the token in {} cannot be used: {why}", path.display()))
            .hint(format!("{TOKEN_FILE} names a file that holds a token and nothing else"))
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| cannot(error.to_string()))?;
    file.take(TOKEN_BYTES).read_to_string(&mut text).map_err(|error| cannot(error.to_string()))?;
    match text.trim() {
        "" => Err(cannot("it holds nothing".to_owned())),
        text if text.contains(char::is_whitespace) => Err(cannot("it holds more than one word".to_owned())),
        text => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn of_every_command_it_is_said_where_it_can_be_asked() {
        let command = crate::args::Cli::command();
        let all: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        let known: BTreeSet<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(all, known, "say in COMMANDS where it can be asked");
        assert_eq!(COMMANDS.len(), known.len(), "one is there twice");
    }

    #[test]
    fn p9_the_token_of_the_environment_goes_to_no_other_server() {
        let get = |name: &str| (name == TOKEN).then(|| "stead_1".to_owned());
        let mine = |url: &str, named: Option<&str>| token(url, named, &get).unwrap().is_some();
        assert!(mine("https://a.example.org", None));
        assert!(mine("https://a.example.org", Some("https://A.example.org:443/")));
        assert!(!mine("https://b.invalid", Some("https://a.example.org")));
    }
}

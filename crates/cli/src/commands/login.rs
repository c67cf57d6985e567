//! `stead login`, `stead logout`, `stead whoami`: who one is at a server.

use std::io::{BufRead as _, Read as _};

use serde_json::json;
use stead_engine::access::Secret;
use stead_engine::engine::Waiting;
use stead_engine::limits::ANSWER_PATIENCE;
use stead_engine::operations::{Answer, Operation};
use stead_engine::people::{PeopleAnswer, PeopleOperation};
use stead_engine::remote::{Remote, origin};
use stead_platform::terminal;

use super::password::unseen;
use crate::args::{Global, Login, Logout, Whoami};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::limits::TOKEN_BYTES;
use crate::logins;
use crate::out;
use crate::place::{self, Place};
use crate::text;

/// Logs in: the token is tried, and kept where only its user reads it.
///
/// # Errors
/// When the server does not take it, or it cannot be kept.
pub fn login(global: &Global, args: &Login) -> Result<Exit, CliError> {
    let server = origin(&args.url).map_err(CliError::of_server)?;
    // Refused before anything is typed.
    Remote::new(&server, Some(Secret::new("")), place::plain(global)).map_err(CliError::of_server)?;
    let token = match terminal::stdin_is_terminal() {
        true => unseen(&format!("token for {server}: "), "token")?,
        false => piped()?,
    };
    if token.reveal().is_empty() {
        let error = CliError::usage(codes::TOKEN, "no token was given; nothing was changed");
        return Err(error.hint(format!("stead login {server} < FILE")));
    }
    let remote = Remote::new(&server, Some(token.clone()), place::plain(global));
    let remote = remote.map_err(CliError::of_server)?;
    let mut patience = |waiting: &Waiting<'_>| waiting.time < ANSWER_PATIENCE;
    let user = match remote.perform(Operation::People(PeopleOperation::Me), &mut patience)? {
        Answer::People(answer) => match *answer {
            PeopleAnswer::Me { actor, .. } => actor.user,
            other => return Err(unexpected(&Answer::People(Box::new(other)))),
        },
        other => return Err(unexpected(&other)),
    };
    let path = logins::keep(&server, token, user.clone())?;
    match args.json {
        true => out::json(&json!({"type": "login", "server": server, "user": user}))?,
        false => out::answer(&format!("logged in to {server} as {}\n", text::clean(&user)))?,
    }
    out::note(&format!("the token is kept in {}", path.display()));
    out::note(&format!("next: stead --server {server} runs"));
    Ok(Exit::Done)
}

/// The first line that comes, without its end.
fn piped() -> Result<Secret, CliError> {
    let mut line = String::new();
    let mut stdin = std::io::stdin().lock().take(TOKEN_BYTES);
    stdin
        .read_line(&mut line)
        .map_err(|error| CliError::usage(codes::TOKEN, format!("the token cannot be read: {error}")))?;
    Ok(Secret::new(line.trim()))
}

/// Logs out: the token is forgotten here.
///
/// # Errors
/// When nobody has logged in there, or the file cannot be written.
pub fn logout(args: &Logout) -> Result<Exit, CliError> {
    let known: Vec<String> = logins::all()?.into_keys().collect();
    let server = match (&args.url, known.as_slice()) {
        (Some(url), _) => origin(url).map_err(CliError::of_server)?,
        (None, [one]) => one.clone(),
        (None, []) => return Err(CliError::usage(codes::NOTHING, "nobody has logged in to a server here")),
        (None, all) => {
            let mut error = CliError::usage(codes::NOTHING, "there are several logins: say which");
            error.details.extend(all.iter().cloned());
            return Err(error.hint("stead logout URL"));
        }
    };
    let Some(user) = logins::forget(&server)? else {
        let mut error = CliError::usage(codes::NOTHING, format!("nobody has logged in to {server} here"));
        error.details.extend(known);
        return Err(error);
    };
    match args.json {
        true => out::json(&json!({"type": "logout", "server": server, "user": user}))?,
        false => out::answer(&format!("logged out of {server}\n"))?,
    }
    out::note("the token itself still holds: `stead token revoke NAME` ends it");
    Ok(Exit::Done)
}

/// Says who one is, and where.
///
/// # Errors
/// When nobody can be asked.
pub fn whoami(here: &Here, args: &Whoami) -> Result<Exit, CliError> {
    let (actor, means, system) = match super::people::ask(here, PeopleOperation::Me)? {
        PeopleAnswer::Me { actor, means, system } => (actor, means, system),
        other => return Err(unexpected(&Answer::People(Box::new(other)))),
    };
    let place = match &here.place {
        Place::Server(server) => server.origin().to_owned(),
        Place::Home(home) => home.root().display().to_string(),
    };
    if args.json {
        let server = matches!(here.place, Place::Server(_));
        let name = if server { "server" } else { "home" };
        out::json(&json!({"type": "me", "actor": actor, "means": means, "system": system, name: place}))?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{}\n", text::clean(&actor.user)))?;
    out::note(&format!("at {}, known by {}", text::clean(&place), text::clean(&means)));
    if actor.alone {
        out::note("nobody was added to this home: you may do everything");
        return Ok(Exit::Done);
    }
    let listed = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    out::note(&format!("roles: {}; groups: {}", listed(&actor.roles), listed(&actor.groups)));
    Ok(Exit::Done)
}

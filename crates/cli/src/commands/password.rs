//! `stead password`: with what people sign in at a browser. `stead link`: a page for one task.

use std::io::{BufRead as _, Read as _};

use serde_json::json;
use stead_engine::access::{AccessAnswer, AccessOperation, Secret};
use stead_engine::operations::{Answer, Operation};
use stead_platform::terminal::{self, Raw};

use crate::args::{Link, Password, PasswordCommand, PasswordRemove, PasswordSet};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::{Here, unexpected};
use crate::limits::PASSWORD_BYTES;
use crate::out;
use crate::text;

/// Sets a password, or takes it away.
///
/// # Errors
/// When it is refused, or cannot be read.
pub fn password(here: &Here, args: &Password) -> Result<Exit, CliError> {
    match &args.command {
        PasswordCommand::Set(args) => set(here, args),
        PasswordCommand::Remove(args) => remove(here, args),
    }
}

fn ask(here: &Here, operation: AccessOperation) -> Result<AccessAnswer, CliError> {
    match here.ask(Operation::Access(operation))? {
        Answer::Access(answer) => Ok(*answer),
        other => Err(unexpected(&other)),
    }
}

fn strange(answer: AccessAnswer) -> CliError {
    unexpected(&Answer::Access(Box::new(answer)))
}

fn set(here: &Here, args: &PasswordSet) -> Result<Exit, CliError> {
    let password = match terminal::stdin_is_terminal() {
        true => typed()?,
        false => piped()?,
    };
    let operation = AccessOperation::SetPassword { user: args.user.clone(), password, current: None };
    let user = match ask(here, operation)? {
        AccessAnswer::PasswordSet { user } => user,
        other => return Err(strange(other)),
    };
    match args.json {
        true => out::json(&json!({"type": "password_set", "user": user}))?,
        false => out::answer(&format!("{user} has a new password; their sessions have ended\n"))?,
    }
    Ok(Exit::Done)
}

fn remove(here: &Here, args: &PasswordRemove) -> Result<Exit, CliError> {
    let (user, had) = match ask(here, AccessOperation::RemovePassword { user: args.user.clone() })? {
        AccessAnswer::PasswordRemoved { user, had } => (user, had),
        other => return Err(strange(other)),
    };
    match (args.json, had) {
        (true, _) => out::json(&json!({"type": "password_removed", "user": user, "had": had}))?,
        (false, true) => {
            out::answer(&format!("{user} has no password any more; their sessions have ended\n"))?;
        }
        (false, false) => out::answer(&format!("{user} had no password\n"))?,
    }
    Ok(Exit::Done)
}

/// The first line that comes, without its end. What is longer than any password is cut, and refused by that.
fn piped() -> Result<Secret, CliError> {
    let mut line = String::new();
    let mut stdin = std::io::stdin().lock().take(PASSWORD_BYTES);
    stdin.read_line(&mut line).map_err(|error| unread(&error))?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

fn unread(error: &std::io::Error) -> CliError {
    CliError::usage(codes::ARGUMENT, format!("the password cannot be read: {error}"))
}

/// Asked for twice, for nobody sees it.
fn typed() -> Result<Secret, CliError> {
    let first = unseen("new password: ", "password")?;
    let again = unseen("the same again: ", "password")?;
    match first == again {
        true => Ok(first),
        false => Err(CliError::usage(codes::ARGUMENT, "the two are not the same; nothing was changed")),
    }
}

/// A line that is typed and not shown. The terminal is as it was afterwards, whatever happens.
pub(super) fn unseen(prompt: &str, what: &str) -> Result<Secret, CliError> {
    let line = {
        let _raw = Raw::enter().map_err(|error| unread(&error))?;
        out::say(prompt);
        let mut stdin = std::io::stdin().lock();
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            if stdin.read(&mut byte).map_err(|error| unread(&error))? == 0 {
                break None;
            }
            match byte[0] {
                b'\r' | b'\n' => break Some(line),
                // Ctrl-C, Ctrl-D, Ctrl-\, Esc.
                3 | 4 | 28 | 27 => break None,
                8 | 127 => while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {},
                // Ctrl-U.
                21 => line.clear(),
                byte if u64::try_from(line.len()).unwrap_or(u64::MAX) < PASSWORD_BYTES => line.push(byte),
                _ => {}
            }
        }
    };
    out::say("\n");
    let line = line.ok_or_else(|| {
        CliError::usage(codes::ARGUMENT, format!("no {what} was given; nothing was changed"))
    })?;
    let line = String::from_utf8(line).map_err(|_| {
        CliError::usage(codes::ARGUMENT, format!("the {what} is no text of UTF-8; nothing was changed"))
    })?;
    Ok(Secret::new(line))
}

/// Makes a link to a task.
///
/// # Errors
/// When it is refused, or no server runs.
pub fn link(here: &Here, args: &Link) -> Result<Exit, CliError> {
    let operation = AccessOperation::Link { task: args.task.clone(), user: args.user.clone() };
    let (id, task, user, expires_at, url) = match ask(here, operation)? {
        AccessAnswer::Linked { id, task, user, expires_at, url } => (id, task, user, expires_at, url),
        other => return Err(strange(other)),
    };
    if args.json {
        let url = url.reveal();
        out::json(
            &json!({"type": "link", "id": id, "task": task, "user": user, "expires_at": expires_at, "url": url}),
        )?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{}\n", url.reveal()))?;
    out::note(&format!(
        "whoever has it acts on this task as {user}, until {}; it is not shown again",
        text::moment(expires_at, text::now())
    ));
    out::note(&format!("end it with: {}", here.command(&format!("token revoke {id}"))));
    Ok(Exit::Done)
}

//! `stead token`: by what programs elsewhere are known.

use serde_json::json;
use stead_engine::access::{AccessAnswer, AccessOperation, TokenRow};
use stead_engine::operations::{Answer, Operation};
use stead_platform::terminal;

use crate::args::{Token, TokenCommand, TokenCreate, TokenList, TokenRevoke};
use crate::commands::length::length;
use crate::error::CliError;
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::{Here, unexpected};
use crate::out;
use crate::table::Table;
use crate::text;

/// Makes, lists or revokes tokens.
///
/// # Errors
/// When it is refused, or the store cannot be read or written.
pub fn token(here: &Here, args: &Token) -> Result<Exit, CliError> {
    match &args.command {
        TokenCommand::Create(args) => create(here, args),
        TokenCommand::List(args) => list(here, args),
        TokenCommand::Revoke(args) => revoke(here, args),
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

fn create(here: &Here, args: &TokenCreate) -> Result<Exit, CliError> {
    let lasts = |text: &String| {
        length("--expires", text)
            .map(|length| text::now().saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
    };
    let expires = args.expires.as_ref().map(lasts).transpose()?;
    let operation = AccessOperation::Create {
        name: args.token.clone(),
        user: args.user.clone(),
        expires,
        role: args.role.clone(),
    };
    let (token, secret) = match ask(here, operation)? {
        AccessAnswer::Created { token, secret } => (token, secret),
        other => return Err(strange(other)),
    };
    if args.json {
        out::json(&json!({"type": "token", "token": token, "secret": secret}))?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{}\n", secret.reveal()))?;
    out::note(&format!(
        "token {} of {}{}: keep it now, it is not shown again",
        token.name,
        token.user,
        until(&token)
    ));
    out::note(&format!("end it with: {}", here.command(&format!("token revoke {}", token.id))));
    Ok(Exit::Done)
}

fn until(token: &TokenRow) -> String {
    token.expires_at.map(|at| format!(", until {}", text::moment(at, text::now()))).unwrap_or_default()
}

fn list(here: &Here, args: &TokenList) -> Result<Exit, CliError> {
    let operation = AccessOperation::List { user: args.user.clone(), all: args.all };
    let tokens = match ask(here, operation)? {
        AccessAnswer::Tokens { tokens } => tokens,
        other => return Err(strange(other)),
    };
    if args.json {
        for token in &tokens {
            out::json(token)?;
        }
        return Ok(Exit::Done);
    }
    if tokens.is_empty() {
        out::note("there are no tokens");
        out::note(&format!("next: {}", here.command("token create NAME")));
        return Ok(Exit::Done);
    }
    let now = text::now();
    let mut table = Table::new(&["ID", "NAME", "WHOSE", "ROLE", "MADE", "LASTS UNTIL", "LAST USED"]);
    for token in &tokens {
        let moment =
            |at: Option<i64>, else_: &str| at.map_or_else(|| else_.to_owned(), |at| text::moment(at, now));
        let (ink, until) = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => (Ink::Dim, format!("revoked {}", text::moment(at, now))),
            (None, Some(at)) if at <= now => (Ink::Dim, format!("ran out {}", text::moment(at, now))),
            (None, until) => (Ink::Plain, moment(until, "for ever")),
        };
        table.row(vec![
            (Ink::Plain, token.id.clone()),
            (Ink::Bold, token.name.clone()),
            (Ink::Plain, token.user.clone()),
            (Ink::Plain, token.role.clone().unwrap_or_default()),
            (Ink::Dim, text::moment(token.created_at, now)),
            (ink, until),
            (Ink::Dim, moment(token.used_at, "never")),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))?;
    Ok(Exit::Done)
}

fn revoke(here: &Here, args: &TokenRevoke) -> Result<Exit, CliError> {
    let operation = AccessOperation::Revoke { token: args.token.clone(), user: args.user.clone() };
    let token = match ask(here, operation)? {
        AccessAnswer::Revoked { token } => token,
        other => return Err(strange(other)),
    };
    match args.json {
        true => out::json(&json!({"type": "revoked", "token": token}))?,
        false => out::answer(&format!("token {} of {} is revoked\n", token.name, token.user))?,
    }
    Ok(Exit::Done)
}

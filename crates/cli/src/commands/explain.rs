//! `stead explain`: more about a code.

use crate::args::Explain;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::out;

/// Explains a code, or lists all.
///
/// # Errors
/// When there is no such code.
pub fn explain(args: &Explain) -> Result<Exit, CliError> {
    let Some(code) = &args.code else {
        let language = stead_lang::codes::all().map(|code| (code.code, code.title));
        let own = own().map(|(code, title, _)| (*code, *title));
        let lines: String = language.chain(own).map(|(code, title)| format!("{code}  {title}\n")).collect();
        out::answer(&lines)?;
        return Ok(Exit::Done);
    };
    let own = own().find(|(own, ..)| own.eq_ignore_ascii_case(code.trim()));
    let text = match own {
        Some((code, title, text)) => Some(format!("{code}: {title}\n\n{text}\n")),
        None => stead_lang::codes::explain(code),
    };
    match text {
        Some(text) => out::answer(&text).map(|()| Exit::Done),
        None => {
            let error = CliError::usage(codes::NOTHING, format!("there is no code `{code}`"));
            let runs = matches!(code.bytes().next(), Some(b'R' | b'r' | b'S' | b's'));
            let error = if runs {
                error.detail(
                    "codes of runs (R) and of the store (S) are explained by their own message and help",
                )
            } else {
                error
            };
            Err(error.hint("`stead explain` lists all"))
        }
    }
}

/// Codes of the command line and of the server.
fn own() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    codes::ALL.iter().chain(stead_server::problem::CODES)
}

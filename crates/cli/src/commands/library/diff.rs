//! `stead diff`: what is different between two revisions, or a revision and a file.

use serde_json::json;
use stead_engine::library::{FileChange, LibraryAnswer, LibraryOperation, Side};

use super::{ask, strange};
use crate::args::Diff;
use crate::definition::{self, Examined, Origin};
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::Here;
use crate::out;
use crate::text;

/// Shows what is different.
///
/// # Errors
/// When there is no such revision or file.
pub fn diff(here: &Here, args: &Diff) -> Result<Exit, CliError> {
    let operation = LibraryOperation::Compare { from: side(here, &args.from)?, to: side(here, &args.to)? };
    let answer = ask(here, operation)?;
    let LibraryAnswer::Compared { from, to, same, files } = answer else { return Err(strange(answer)) };
    if args.json {
        out::pretty(&json!({"type": "diff", "from": from, "to": to, "same": same, "files": files}))?;
        return Ok(Exit::Done);
    }
    for file in &files {
        let head = match file.change {
            FileChange::Changed => String::new(),
            FileChange::Added => "  (new)".to_owned(),
            FileChange::Removed => "  (gone)".to_owned(),
        };
        painted(here, &format!("--- {from} {}\n+++ {to} {}{head}\n", file.file, file.file), &file.text)?;
    }
    if files.is_empty() {
        out::note(&format!("{from} and {to} are the same text"));
    } else if same {
        out::note(&format!("{from} and {to} mean the same: what is different are comments and layout"));
    }
    Ok(Exit::Done)
}

/// A unified diff behind its title.
pub fn painted(here: &Here, title: &str, diff: &str) -> Result<(), CliError> {
    out::answer(&here.out.paint(Ink::Bold, &text_of(title)))?;
    for line in diff.split_inclusive('\n') {
        let ink = match line.bytes().next() {
            Some(b'+') => Ink::Green,
            Some(b'-') => Ink::Red,
            Some(b'@') => Ink::Cyan,
            _ => Ink::Plain,
        };
        out::answer(&format!("{}\n", here.out.paint(ink, &text::clean(line.trim_end_matches('\n')))))?;
    }
    Ok(())
}

/// Several lines, each without what a terminal would obey.
fn text_of(lines: &str) -> String {
    lines.lines().map(|line| format!("{}\n", text::clean(line))).collect()
}

/// A revision where the library has one of that name, else a file.
fn side(here: &Here, word: &str) -> Result<Side, CliError> {
    let Examined { origin, bundle, .. } = definition::examine(here, word)?;
    if let Origin::Saved { name, number, .. } = origin {
        return Ok(Side::Saved { name, number: Some(number) });
    }
    if let Some(why) = bundle.unread.get(&bundle.entry) {
        let error = CliError::usage(codes::FILE, format!("{word} cannot be read: {why}"));
        return Err(error.hint("name a revision in the library, such as greet@3, or a file"));
    }
    Ok(Side::Text { called: word.to_owned(), bundle })
}

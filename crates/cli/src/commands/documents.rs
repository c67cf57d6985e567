//! `stead documents`: what a run's documents say and how they stand.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use stead_core::Time;
use stead_core::run::{DocumentNow, DocumentStatus, VersionNow};
use stead_engine::documents::{DocumentText, DocumentsNow, compared};
use stead_engine::operations::{Answer, Operation};
use stead_platform::terminal;

use crate::args::Documents;
use crate::commands::library::diff::painted;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::Ink;
use crate::here::{Here, unexpected};
use crate::out;
use crate::table::Table;
use crate::text;
use crate::tree::waits_text;

/// Lists documents, shows one or what two differ in, or writes all that others build on into files.
///
/// # Errors
/// When there is no such run or document, or a file cannot be written.
pub fn documents(here: &Here, args: &Documents) -> Result<Exit, CliError> {
    match (&args.document, &args.other) {
        (None, _) => {
            let all = match here.ask(Operation::Documents { run: args.run.clone() })? {
                Answer::Documents(all) => *all,
                other => return Err(unexpected(&other)),
            };
            match &args.export {
                Some(folder) => export(here, args, &all, folder)?,
                None => list(here, args, &all)?,
            }
        }
        (Some(one), None) => show(args, &version(here, args, one)?)?,
        (Some(one), Some(two)) => differ(here, args, &version(here, args, one)?, &version(here, args, two)?)?,
    }
    Ok(Exit::Done)
}

fn version(here: &Here, args: &Documents, wanted: &str) -> Result<DocumentText, CliError> {
    let (document, version) = named(wanted);
    let (run, document) = (args.run.clone(), document.to_owned());
    match here.ask(Operation::Document { run, document, version })? {
        Answer::Document(found) => Ok(*found),
        other => Err(unexpected(&other)),
    }
}

/// A document's name, and the number of a version behind `@`. A key may have an `@` in it, and stands in brackets.
fn named(wanted: &str) -> (&str, Option<u32>) {
    let numbered = wanted.rsplit_once('@').and_then(|(name, number)| Some((name, number.parse().ok()?)));
    match numbered {
        Some((name, number)) if !name.contains('[') || name.ends_with(']') => (name, Some(number)),
        _ => (wanted, None),
    }
}

fn list(here: &Here, args: &Documents, all: &DocumentsNow) -> Result<(), CliError> {
    if args.json {
        return all.documents.iter().try_for_each(out::json);
    }
    if all.documents.is_empty() {
        out::note(&format!("{} makes no documents", all.run));
        return Ok(());
    }
    let now = text::now();
    let mut table = Table::new(&["DOCUMENT", "STANDS", "VERSION", "WHAT"]);
    for document in &all.documents {
        let version = match (document.version, document.versions.len()) {
            (_, 0) => String::new(),
            (Some(used), newest) if used as usize == newest => used.to_string(),
            (Some(used), newest) => format!("{used} ({newest} made)"),
            (None, newest) => format!("- ({newest} made)"),
        };
        table.row(vec![
            (Ink::Bold, text::clean(&document.document)),
            (ink(document.status), document.status.to_string()),
            (Ink::Plain, version),
            (Ink::Dim, text::clean(&what(document, now))),
        ]);
    }
    let width = terminal::stdout_is_terminal().then(|| terminal::size(std::io::stdout())).flatten();
    out::answer(&table.render(width.map(|size| usize::from(size.columns)), here.out))
}

fn ink(status: DocumentStatus) -> Ink {
    match status {
        DocumentStatus::Accepted => Ink::Green,
        DocumentStatus::Stale | DocumentStatus::Waiting => Ink::Yellow,
        DocumentStatus::Running => Ink::Blue,
        DocumentStatus::Failed => Ink::Red,
        DocumentStatus::Blocked
        | DocumentStatus::Ready
        | DocumentStatus::Cancelled
        | DocumentStatus::Skipped => Ink::Dim,
    }
}

/// What there is to say of how it stands.
fn what(document: &DocumentNow, now: Time) -> String {
    if !document.stale_by.is_empty() {
        return format!("changed since: {}", document.stale_by.join(", "));
    }
    if let Some(waits) = &document.waits_for {
        return waits_text(waits, now);
    }
    if !document.needs.is_empty() {
        return format!("needs {}", document.needs.join(", "));
    }
    let last = document.versions.last();
    match (document.status, last) {
        (DocumentStatus::Accepted, Some(version)) if !version.by.is_empty() => {
            format!("by {}", version.by.join(", "))
        }
        (DocumentStatus::Failed, Some(version)) => version.comment.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

fn show(args: &Documents, found: &DocumentText) -> Result<(), CliError> {
    if args.json {
        return out::json(found);
    }
    if !terminal::stdout_is_terminal() {
        // For another program: what it says, and nothing else.
        return out::bytes(found.text().as_bytes());
    }
    let now = text::now();
    let mut told = String::new();
    // Writing to a text does not fail.
    let _ = writeln!(told, "{} version {}", text::clean(&found.document.document), found.version.version);
    for version in &found.document.versions {
        let _ = writeln!(told, "  {}", text::clean(&story(version, now)));
    }
    if !found.document.stale_by.is_empty() {
        let _ =
            writeln!(told, "  stale: changed since are {}", text::clean(&found.document.stale_by.join(", ")));
    }
    told.push('\n');
    for line in found.text().lines() {
        let _ = writeln!(told, "{}", text::clean(line));
    }
    out::answer(&told)
}

/// What became of a version, in a line.
fn story(version: &VersionNow, now: Time) -> String {
    let mut told = format!("{}  made {}", version.version, text::moment(version.made_at, now));
    if version.findings > 0 {
        let _ = write!(told, ", {} by its schema", text::count(version.findings as usize, "finding"));
    }
    let word = match version.standing {
        stead_core::run::Standing::Made => "not decided on",
        stead_core::run::Standing::Accepted => "accepted",
        stead_core::run::Standing::Rejected => "rejected",
    };
    let _ = write!(told, ", {word}");
    if !version.by.is_empty() {
        let _ = write!(told, " by {}", version.by.join(", "));
    }
    if let Some(comment) = &version.comment {
        let _ = write!(told, ": {}", comment.lines().next().unwrap_or_default());
    }
    told
}

fn differ(here: &Here, args: &Documents, one: &DocumentText, two: &DocumentText) -> Result<(), CliError> {
    let called = |found: &DocumentText| format!("{}@{}", found.document.document, found.version.version);
    let (from, to) = (called(one), called(two));
    let text = compared(one, two);
    if args.json {
        return out::json(
            &json!({"type": "diff", "from": from, "to": to, "same": text.is_empty(), "text": text}),
        );
    }
    if text.is_empty() {
        out::note(&format!("{from} and {to} say the same"));
        return Ok(());
    }
    let (from, to) = (text::clean(&from), text::clean(&to));
    painted(here, &format!("--- {from}\n+++ {to}\n"), &text)
}

/// Writes what others build on into files: `TYPE.json`, or `TYPE[KEY].md` for a text.
fn export(here: &Here, args: &Documents, all: &DocumentsNow, folder: &Path) -> Result<(), CliError> {
    let cannot = |path: &Path, error: std::io::Error| {
        CliError::usage(codes::FILE, format!("{} cannot be written: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    let mut written = 0;
    for document in &all.documents {
        let Some(number) = document.version else { continue };
        let found = version(here, args, &format!("{}@{number}", document.document))?;
        let end = if matches!(found.value, Value::String(_)) { "md" } else { "json" };
        let path = folder.join(format!("{}.{end}", file_name(&document.document)));
        let part = folder.join(format!(".{written}.{}.part", std::process::id()));
        let put = std::fs::write(&part, found.text()).and_then(|()| std::fs::rename(&part, &path));
        if let Err(error) = put {
            // What is left of it helps nobody.
            let _ = std::fs::remove_file(&part);
            return Err(cannot(&path, error));
        }
        written += 1;
        if args.json {
            out::json(
                &json!({"document": document.document, "version": number, "file": path.display().to_string()}),
            )?;
        }
    }
    if !args.json {
        out::note(&format!("{} written to {}", text::count(written, "document"), folder.display()));
    }
    Ok(())
}

/// The most bytes of a file's name before its ending.
const NAME_BYTES: usize = 200;

/// A document's name as that of a file: what a path or a shell would take for something else is written as `%XX`. One
/// that is too long ends in a hash of it.
fn file_name(document: &str) -> String {
    let mut name = String::with_capacity(document.len());
    for c in document.chars() {
        match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' => {
                let _ = write!(name, "%{:02X}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(name, "%{:02X}", u32::from(c));
            }
            c => name.push(c),
        }
    }
    if name.len() <= NAME_BYTES {
        return name;
    }
    let hash = stead_engine::documents::hash_of(document);
    let cut = (0..=NAME_BYTES - 20).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!("{}~{}", &name[..cut], &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_behind_the_last_at() {
        assert_eq!(named("plan"), ("plan", None));
        assert_eq!(named("plan@12"), ("plan", Some(12)));
        assert_eq!(named("plan[a@1]"), ("plan[a@1]", None));
        assert_eq!(named("plan[a@1]@2"), ("plan[a@1]", Some(2)));
        assert_eq!(named("plan@x"), ("plan@x", None));
    }

    #[test]
    fn names_of_files_lead_nowhere_else() {
        assert_eq!(file_name("plan[E-2]"), "plan[E-2]");
        assert_eq!(file_name("plan[../x]"), "plan[..%2Fx]");
        assert_eq!(file_name("plan[%2F]"), "plan[%252F]");
        let (one, two) =
            (file_name(&format!("p[{}a]", "ä".repeat(200))), file_name(&format!("p[{}b]", "ä".repeat(200))));
        assert!(one.len() <= NAME_BYTES && one != two);
    }
}

//! `stead import`: the definition of another tool as one of ours.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use stead_lang::Severity;
use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::import::{Dialect, Imported, NotImported, Verdict, import as made_of};

use crate::args::Import;
use crate::definition;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::face::{Face, Ink};
use crate::here::Here;
use crate::out;
use crate::text::{clean, count};

/// Makes a definition, and says what became of each construct.
///
/// # Errors
/// When the file cannot be read as any dialect, or the definition cannot be written.
pub fn import(here: &Here, args: &Import) -> Result<Exit, CliError> {
    let from = args.from.as_deref().and_then(Dialect::named);
    let imported = made_of(&args.file, from, &mut |path| definition::read(Path::new(path)))
        .map_err(|why| refused(&args.file, why, here.err))?;
    if let Some(to) = &args.to {
        write(to, &imported.yaml, args.force)?;
    }
    if args.json {
        let counts = |verdict| imported.report.count(verdict);
        out::pretty(&json!({
            "type": "imported",
            "dialect": imported.dialect.name(),
            "name": imported.name,
            "file": args.to,
            "definition": imported.yaml,
            "kept": counts(Verdict::Kept),
            "changed": counts(Verdict::Changed),
            "not_expressible": counts(Verdict::NotExpressible),
            "report": imported.report.entries,
            "omitted": imported.report.omitted,
            "diagnostics": imported.checked.diagnostics,
        }))?;
        return Ok(Exit::Done);
    }
    if args.to.is_none() {
        out::answer(&imported.yaml)?;
    }
    tell(here, args, &imported);
    Ok(Exit::Done)
}

/// The report, and what the check says.
fn tell(here: &Here, args: &Import, imported: &Imported) {
    out::note(&format!("{}: read as {}", clean(&args.file), imported.dialect.title()));
    for line in imported.report.text().lines() {
        let ink = match line.split_once(':') {
            Some(("not expressible", _)) => Ink::Red,
            Some(("changed", _)) => Ink::Yellow,
            Some(("kept", _)) => Ink::Green,
            _ => Ink::Plain,
        };
        match line.split_once(':').filter(|_| ink != Ink::Plain) {
            Some((word, rest)) => out::note(&format!("{}:{}", here.err.paint(ink, word), clean(rest))),
            None => out::note(&clean(line)),
        }
    }
    let (later, others) = imported.findings();
    if !later.is_empty() {
        let mut names: Vec<&str> = later.iter().map(|found| found.message.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        out::note(&format!("it cannot be run by this version ({}):", count(later.len(), "finding")));
        for name in names {
            out::note(&format!("  {}", clean(name)));
        }
    }
    if !others.is_empty() {
        let others: Vec<_> = others.into_iter().cloned().collect();
        let options = RenderOptions { color: here.err.color, ..RenderOptions::default() };
        out::say(&render(&others, &imported.checked.sources, options));
    }
    let Some(to) = &args.to else { return };
    let to = to.display().to_string();
    let errors = imported.checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
    let next = if errors { "check" } else { "run" };
    out::note(&format!("written to {}", clean(&to)));
    out::note(&here.command(&format!("{next} {}", crate::text::shell_word(&to))));
}

fn refused(file: &str, why: NotImported, face: Face) -> CliError {
    match why {
        NotImported::Unreadable(problem) => {
            CliError::usage(codes::FILE, format!("{file} cannot be read: {problem}"))
        }
        NotImported::Broken(problems, sources) => {
            let options = RenderOptions { color: face.color, ..RenderOptions::default() };
            let text = render(&problems, &sources, options);
            let error = CliError::usage(codes::DIALECT, format!("{file} cannot be read as a definition"));
            error.findings(text, problems)
        }
        NotImported::Unknown(tried) => {
            let mut error =
                CliError::usage(codes::DIALECT, format!("{file} is no definition that can be imported"));
            for (dialect, why) in &tried {
                error = error.detail(format!("{} ({}): {why}", dialect.name(), dialect.title()));
            }
            error.hint("`stead check FILE` is for definitions that are ours already")
        }
    }
}

/// Writes a file whole: a new one, or with force over one that is there.
fn write(path: &Path, text: &str, force: bool) -> Result<(), CliError> {
    if force {
        return super::library::export::write(path, text);
    }
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let error = CliError::usage(codes::FILE, format!("{} is there already", path.display()));
            error.hint("`--force` writes over it")
        }
        _ => CliError::machine(format!("{} cannot be written: {error}", path.display())),
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // Nothing is left of what could not be written.
        let _ = std::fs::remove_file(path);
        cannot(error)
    })
}

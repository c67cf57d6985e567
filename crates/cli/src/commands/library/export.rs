//! `stead export`: a revision as its author wrote it.

use std::path::{Path, PathBuf};

use serde_json::json;
use stead_engine::library::{LibraryAnswer, LibraryOperation};
use stead_lang::Bundle;

use super::{ask, named, strange, whole};
use crate::args::Export;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::Here;
use crate::out;
use crate::text::shell_word;

/// Prints a definition, or writes it with the files that it names.
///
/// # Errors
/// When there is none, or a file is in the way or cannot be written.
pub fn export(here: &Here, args: &Export) -> Result<Exit, CliError> {
    let (name, number) = named(&args.saved)?;
    let answer = ask(here, LibraryOperation::Load { name, number })?;
    let LibraryAnswer::Loaded { workflow, revision, bundle } = answer else { return Err(strange(answer)) };
    let (name, number) = (workflow.name, revision.number);
    let Some(to) = &args.to else {
        if bundle.files.len() > 1 {
            let count = bundle.files.len();
            let error = CliError::usage(codes::ARGUMENT, format!("{name}@{number} has {count} files"));
            return Err(error.hint(here.command(&format!("export {name}@{number} --to DIR"))));
        }
        let text = bundle.files.get(&bundle.entry).map_or("", String::as_str);
        match args.json {
            true => out::json(&json!({"type": "exported", "name": name, "number": number, "text": text}))?,
            false => out::answer(text)?,
        }
        return Ok(Exit::Done);
    };
    let files = places(&bundle, to);
    if !args.force {
        let in_the_way = |(path, text): &&(PathBuf, &String)| match std::fs::read(path) {
            Ok(there) => there != text.as_bytes(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        if let Some((path, _)) = files.iter().find(in_the_way) {
            let error =
                CliError::usage(codes::FILE, format!("{} is there, with another text", path.display()));
            return Err(error.hint("`--force` writes over it"));
        }
    }
    for (path, text) in &files {
        write(path, text)?;
    }
    // What is saved from there is based on this revision.
    let (path, _) = &files[0];
    let file = whole(path).display().to_string();
    // A server knows no files of this machine.
    if here.server().is_none() {
        ask(here, LibraryOperation::Exported { file, name: name.clone(), number })?;
    }
    let written: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    if args.json {
        out::json(&json!({"type": "exported", "name": name, "number": number, "files": written}))?;
        return Ok(Exit::Done);
    }
    out::answer(&format!("{name}@{number} written to {}\n", written.join(" ")))?;
    let based = if here.server().is_some() { format!(" --based-on {number}") } else { String::new() };
    let save = format!("save {} --name {name}{based}", shell_word(&written[0]));
    out::note(&format!("when it is changed: {}", here.command(&save)));
    Ok(Exit::Done)
}

/// Where each file goes, the definition first: one file alone to the path itself, unless that is a folder.
fn places<'b>(bundle: &'b Bundle, to: &Path) -> Vec<(PathBuf, &'b String)> {
    let folder = bundle.files.len() > 1 || to.is_dir() || to.as_os_str().as_encoded_bytes().ends_with(b"/");
    // A bundle in the library has no path that leads out of it; one from elsewhere is not trusted to.
    let inside = |path: &str| -> PathBuf {
        Path::new(path).components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
    };
    let place = |path: &str| if folder { to.join(inside(path)) } else { to.to_path_buf() };
    let mut files: Vec<(PathBuf, &String)> =
        bundle.files.get(&bundle.entry).map(|text| (place(&bundle.entry), text)).into_iter().collect();
    let others = bundle.files.iter().filter(|(path, _)| **path != bundle.entry);
    files.extend(others.map(|(path, text)| (place(path), text)));
    files
}

/// Writes a file whole, or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let cannot =
        |error: std::io::Error| CliError::machine(format!("{} cannot be written: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut growing = path.as_os_str().to_owned();
    growing.push(format!(".new-{}", std::process::id()));
    std::fs::write(&growing, text).and_then(|()| std::fs::rename(&growing, path)).map_err(|error| {
        // Nothing is left of what could not be written.
        let _ = std::fs::remove_file(&growing);
        cannot(error)
    })
}

//! Definitions from files: gathered, checked, written out.

use std::path::Path;
use std::sync::Arc;

use stead_lang::bundle::Bundle;
use stead_lang::diagnostic::{RenderOptions, render};
use stead_lang::plan::Plan;
use stead_lang::tree::{ReadProblem, text_of};
use stead_lang::{Checked, check, collect, limits};

use crate::error::{CliError, codes};
use crate::face::Face;

/// A definition that can be run.
pub struct Ready {
    /// Its text, and those of the files it names.
    pub bundle: Bundle,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Warnings, written out; empty without any.
    pub warnings: String,
}

/// Gathers a definition and checks it. Paths are relative to the working folder.
pub fn examine(file: &str) -> (Bundle, Checked) {
    let bundle = collect(file, &mut |path| read(Path::new(path)));
    let checked = check(&bundle);
    (bundle, checked)
}

/// A definition that can be run.
///
/// # Errors
/// With all findings, when it has errors.
pub fn ready(file: &str, face: Face) -> Result<Ready, CliError> {
    let (bundle, checked) = examine(file);
    let text = written_out(&checked, face);
    match checked.plan {
        Some(plan) => Ok(Ready { bundle, plan, warnings: text }),
        None => {
            let error = CliError::usage(codes::DEFINITION, format!("{file} cannot be run"));
            Err(error.findings(text, checked.diagnostics))
        }
    }
}

/// The findings of a check, for people.
pub fn written_out(checked: &Checked, face: Face) -> String {
    let options = RenderOptions { color: face.color, ..RenderOptions::default() };
    render(&checked.diagnostics, &checked.sources, options)
}

fn read(path: &Path) -> Result<String, ReadProblem> {
    let other = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ReadProblem::NotFound,
        _ => ReadProblem::Other(error.to_string()),
    };
    let known = std::fs::metadata(path).map_err(other)?;
    if known.is_dir() {
        return Err(ReadProblem::Other("it is a folder".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(other)?;
    let most = limits::DOCUMENT_BYTES;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, most as u64 + 1), &mut bytes).map_err(other)?;
    if bytes.len() > most {
        // Refused by its length whatever it holds, and not read to its end, which may be within a character.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    text_of(bytes)
}

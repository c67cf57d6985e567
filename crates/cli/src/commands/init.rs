//! `stead init`: a home and a first workflow.

use std::path::Path;

use stead_engine::home::{FOLDER, Home};

use crate::args::Init;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::here::Here;
use crate::out;
use crate::text::shell_word;

/// The first workflow: small, and everything in it is worth copying.
const HELLO: &str = r#"# yaml-language-server: $schema=../.stead/workflow.schema.json
stead: 1
name: hello
description: Greets somebody, and counts the letters.

inputs:
  who: { type: string, default: world, description: Whom to greet }

steps:
  - id: greet
    run: [echo, "Hello, ${{ inputs.who }}!"]

  # A script takes values by its environment: no text of an input ever becomes code.
  - id: count
    run: printf '%s' "$TEXT" | wc -c
    env: { TEXT: "${{ steps.greet.output }}" }
    parse: json

outputs:
  greeting: ${{ steps.greet.output }}
  letters: ${{ steps.count.output }}
"#;

/// Nothing of a home belongs into version control.
const IGNORE: &str = "*\n";

/// Makes what is not there yet.
///
/// # Errors
/// When something cannot be written.
pub fn init(here: &Here, args: &Init) -> Result<Exit, CliError> {
    let folder =
        if args.folder == Path::new(".") { here.folder.clone() } else { here.folder.join(&args.folder) };
    if !folder.is_dir() {
        let error = CliError::usage(codes::NOTHING, format!("there is no folder {}", folder.display()));
        return Err(error.hint(format!("mkdir -p {}", shell_word(&args.folder.display().to_string()))));
    }
    let home = Home::at(&folder.join(FOLDER));
    home.make()?;
    let schema = serde_json::to_string_pretty(&stead_lang::keys::schema()).unwrap_or_default();
    made(&home.root().join(".gitignore"), IGNORE, true)?;
    // Generated, and Stead's own: an editor needs the one of this version.
    made(&home.root().join("workflow.schema.json"), &format!("{schema}\n"), true)?;
    let workflows = folder.join("workflows");
    std::fs::create_dir_all(&workflows).map_err(|e| cannot(&workflows, &e))?;
    let fresh = made(&workflows.join("hello.yml"), HELLO, false)?;
    out::note(&format!("{} is the home of runs in this project", home.root().display()));
    if !fresh {
        out::note("workflows/hello.yml is there already and stays as it is");
    }
    let enter = if args.folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {}\n", shell_word(&args.folder.display().to_string()))
    };
    out::answer(&format!(
        "{enter}stead check workflows/hello.yml\nstead run workflows/hello.yml -i who=you\nstead status\n"
    ))?;
    Ok(Exit::Done)
}

/// Writes a file. One that is there stays as it is, unless it is our own.
fn made(path: &Path, content: &str, ours: bool) -> Result<bool, CliError> {
    use std::io::Write as _;
    if ours {
        std::fs::write(path, content).map_err(|e| cannot(path, &e))?;
        return Ok(true);
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(content.as_bytes()).map_err(|e| cannot(path, &e)).map(|()| true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(cannot(path, &e)),
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> CliError {
    CliError::machine(format!("{} cannot be written: {error}", path.display()))
}

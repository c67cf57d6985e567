//! Settings files: secrets as they are, and commands that tell them.
//!
//! ```yaml
//! secrets:
//!   DEPLOY_TOKEN: the value itself
//!   MAIL_PASSWORD: { command: [pass, show, mail/example] }
//! ```

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use stead_lang::tree::{self, Node, Shape};

use super::SecretError;
use crate::limits::{SETTINGS_BYTES, SETTINGS_SECRETS};

/// What a file says of one secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// This is it.
    Value(String),
    /// This program and its arguments tell it.
    Command(Vec<String>),
}

/// What a file says of a secret. `Ok(None)`: nothing, or there is no file.
pub(super) fn look_up(path: &Path, name: &str) -> Result<Option<Said>, SecretError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let all = parse(path, &text)?;
    Ok(all.into_iter().find(|(known, _)| known == name).map(|(_, said)| said))
}

/// Reads a settings file and says what is wrong with it, if it is there.
pub(super) fn check(path: &Path) -> Result<(), SecretError> {
    match read(path)? {
        Some(text) => parse(path, &text).map(|_| ()),
        None => Ok(()),
    }
}

/// The text of a file that is its owner's alone.
pub(crate) fn read(path: &Path) -> Result<Option<String>, SecretError> {
    let wrong = |why: String| SecretError::Settings { path: path.to_owned(), why };
    let unreadable = |error: &std::io::Error| wrong(format!("cannot be read: {error}"));
    // Opened first and looked at then, so that it is one file that is looked at and read.
    let file = match File::open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other.map_err(|error| unreadable(&error))?,
    };
    let known = file.metadata().map_err(|error| unreadable(&error))?;
    if !known.is_file() {
        return Err(wrong("is no file".to_owned()));
    }
    let own = rustix::process::geteuid();
    if known.uid() != own.as_raw() {
        let why =
            format!("belongs to another user ({}): it has to be your own, `chown {own} FILE`", known.uid());
        return Err(wrong(why));
    }
    if known.mode() & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode: known.mode() & 0o777 });
    }
    let mut bytes = Vec::new();
    file.take(SETTINGS_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() > SETTINGS_BYTES {
        return Err(wrong(format!("is larger than {SETTINGS_BYTES} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| wrong("is no UTF-8 text".to_owned()))
}

/// All that a file says. What is wrong is said by its place and never by its text, which may be a secret.
fn parse(path: &Path, text: &str) -> Result<Vec<(String, Said)>, SecretError> {
    let at = |line: u32, column: u32, why: &str| SecretError::Settings {
        path: PathBuf::from(format!("{}:{line}:{column}", path.display())),
        why: why.to_owned(),
    };
    let wrong = |node: Node<'_>, why: &str| {
        let span = node.span();
        Err(at(span.line, span.column, why))
    };
    let mut problems = Vec::new();
    let document = tree::read("settings", text, &mut problems);
    if let Some(problem) = problems.first() {
        return Err(at(
            problem.span.line,
            problem.span.column,
            &format!("is no YAML here ({})", problem.code),
        ));
    }
    let Some(document) = document else { return Ok(Vec::new()) };
    let root = document.root();
    if root.shape() != Shape::Map {
        return wrong(root, "is to be a map with the key `secrets`");
    }
    if let Some(other) =
        root.entries().find(|entry| !["secrets", "notify", "network", "oidc"].contains(&entry.key))
    {
        let span = other.key_span();
        return Err(at(
            span.line,
            span.column,
            "has a key that settings do not have: they have `secrets`, `notify`, `network` and `oidc`",
        ));
    }
    let Some(secrets) = root.get("secrets") else { return Ok(Vec::new()) };
    if secrets.shape() != Shape::Map {
        return wrong(secrets, "is to be a map from names to secrets");
    }
    if secrets.entries().len() > SETTINGS_SECRETS {
        return wrong(secrets, &format!("has more than {SETTINGS_SECRETS} secrets"));
    }
    let mut all = Vec::new();
    for entry in secrets.entries() {
        let said = match entry.value.shape() {
            Shape::Scalar => Said::Value(entry.value.raw().unwrap_or_default().to_owned()),
            Shape::Map => match command(entry.value) {
                Some(command) => Said::Command(command),
                None => {
                    return wrong(
                        entry.value,
                        "is to be `command`, with a list: a program and its arguments",
                    );
                }
            },
            _ => return wrong(entry.value, "is to be a text, or `{ command: [PROGRAM, ARGUMENT] }`"),
        };
        all.push((entry.key.to_owned(), said));
    }
    Ok(all)
}

fn command(node: Node<'_>) -> Option<Vec<String>> {
    let words = node.get("command").filter(|_| node.entries().len() == 1)?;
    let words: Option<Vec<String>> = words.items().map(|word| word.raw().map(str::to_owned)).collect();
    words.filter(|words| words.first().is_some_and(|program| !program.is_empty()))
}

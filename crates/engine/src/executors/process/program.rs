//! Finding a program, and saying what is wrong when it cannot be started.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where programs are looked for when nobody says.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The file of a program: relative to the working folder when it is named with a `/`, else the first in
/// `PATH` that may be executed. It is looked for here and not by the system, because std spawns by the fast
/// way only if it is given a path, and because the message can say where it was looked for.
pub(super) fn locate(name: &str, path: Option<&OsStr>, cwd: &Path) -> Result<PathBuf, String> {
    if name.contains('/') {
        return Ok(cwd.join(name));
    }
    let path = path.unwrap_or_else(|| OsStr::new(DEFAULT_PATH));
    let mut refused = None;
    for folder in std::env::split_paths(path) {
        let file = cwd.join(folder).join(name);
        match std::fs::metadata(&file) {
            Ok(known) if known.is_file() && known.permissions().mode() & 0o111 != 0 => return Ok(file),
            Ok(known) if known.is_file() => refused = refused.or(Some(file)),
            _ => {}
        }
    }
    Err(not_found(name, path, cwd, refused.as_deref()))
}

fn not_found(name: &str, path: &OsStr, cwd: &Path, refused: Option<&Path>) -> String {
    let shown = name.escape_debug();
    if let Some(file) = refused {
        return format!("`{0}` is not executable: `chmod +x {0}`", file.display());
    }
    let mut message = format!("program `{shown}` not found; looked in PATH: {}", path.display());
    if cwd.join(name).is_file() {
        let _ = write!(message, "\nthe step's folder has a file of that name: write `./{shown}`");
    } else if name.contains(char::is_whitespace) {
        message.push_str(
            "\na list names the program and its arguments as items of their own; a whole command line is a text",
        );
    }
    message
}

/// What is wrong with a program that the system refused to start.
pub(super) fn explain(error: &io::Error, program: &Path, cwd: &Path) -> String {
    if let Err(message) = check_folder(cwd) {
        return message;
    }
    let shown = program.display();
    let known = match std::fs::metadata(program) {
        Ok(known) => known,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return format!("program `{shown}` not found"),
        Err(why) => return format!("program `{shown}` cannot be used: {}", plain(&why)),
    };
    if known.is_dir() {
        return format!("`{shown}` is a folder, not a program");
    }
    if known.permissions().mode() & 0o111 == 0 {
        return format!("`{shown}` is not executable: `chmod +x {shown}`, or name its interpreter first");
    }
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => match interpreter(program) {
            Some(interpreter) => format!(
                "`{shown}` asks for the interpreter `{}`, which is not there (first line, after `#!`)",
                interpreter.escape_debug()
            ),
            None => format!("`{shown}` was made for another system: its loader is not there"),
        },
        Some(rustix::io::Errno::NOEXEC) => {
            format!("`{shown}` is no program: a script begins with a line such as `#!/bin/sh`")
        }
        Some(rustix::io::Errno::TOOBIG) => format!(
            "arguments and environment of `{shown}` are larger than the system allows: give large values by `stdin`"
        ),
        _ => format!("cannot start `{shown}`: {}", plain(error)),
    }
}

/// What a script's first line asks for, if it is one.
fn interpreter(program: &Path) -> Option<String> {
    let mut head = [0u8; 256];
    let length = std::fs::File::open(program).ok()?.read(&mut head).ok()?;
    let line = head[..length].strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    // A line that ends in \r names an interpreter that ends in \r: that is to be seen.
    Some(String::from_utf8_lossy(line.trim_ascii_start()).into_owned())
}

/// An error of the system without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Whether an argument can be one.
pub(super) fn check_argument(argument: &str) -> Result<(), String> {
    if argument.as_bytes().contains(&0) {
        let mut shown: String = argument.escape_debug().take(40).collect();
        if shown.len() < argument.len() {
            shown.push('…');
        }
        return Err(format!(
            "the argument `{shown}` holds a zero byte, which no argument can: give it by `stdin`"
        ));
    }
    Ok(())
}

/// Whether a program can work in this folder.
pub(super) fn check_folder(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Err(why) => Err(format!("the step's folder `{shown}` cannot be used: {}", plain(&why))),
        Ok(known) if !known.is_dir() => Err(format!("the step's folder `{shown}` is not a folder")),
        Ok(_) => Ok(()),
    }
}

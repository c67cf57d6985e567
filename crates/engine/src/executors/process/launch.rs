//! Starting the program.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stead_core::effect::Execute;
use stead_platform::process::Tree;

use super::folder::Folder;
use super::request::Request;
use super::{ProcessExecutor, environment, program, shell};
use crate::executor::Place;

/// How often a program that is being written by somebody is tried again, and how long it is waited.
const BUSY_TRIES: u32 = 5;
const BUSY_WAIT: Duration = Duration::from_millis(20);

/// A program that runs.
pub(super) struct Launched {
    pub(super) child: Child,
    pub(super) tree: Tree,
    /// What it is to read; nothing: it got no pipe.
    pub(super) stdin: Option<Vec<u8>>,
}

/// Where the program works.
pub(super) fn working_folder(place: &Place, request: &Request<'_>) -> PathBuf {
    request.cwd.as_deref().map_or_else(|| place.project.clone(), |cwd| place.project.join(cwd))
}

pub(super) fn launch(
    executor: &ProcessExecutor,
    job: &Execute,
    request: &Request<'_>,
    place: &Place,
    folder: &mut Folder,
) -> Result<Launched, String> {
    let cwd = working_folder(place, request);
    let lent = place.lent.as_ref().map(|lent| lent.variables());
    let mut inherited = lent.unwrap_or_else(|| executor.inherited.clone());
    if let Some(trace) = &place.trace {
        // What the step says itself counts.
        inherited.push(("TRACEPARENT".into(), trace.into()));
    }
    let variables = environment::of(&inherited, job, request, folder.dir(), folder.output())?;
    let line = command_line(request, folder)?;
    for argument in &line.arguments {
        program::check_argument(&argument.to_string_lossy())?;
    }
    program::check_argument(line.program)?;
    // The folder is looked at only when something went wrong: in the usual case the system looks anyway.
    let file = program::locate(line.program, environment::get(&variables, "PATH"), &cwd)
        .map_err(|message| program::check_folder(&cwd).err().unwrap_or(message))?;
    let stdin = request.stdin_bytes();

    let mut command = Command::new(&file);
    command
        .arg0(line.program)
        .args(&line.arguments)
        .env_clear()
        .envs(variables)
        .current_dir(&cwd)
        .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = spawn(&mut command).map_err(|error| program::explain(&error, &file, &cwd))?;
    let tree = Tree::of(&child, &job.attempt.to_string(), folder.dir());
    Ok(Launched { child, tree, stdin })
}

struct CommandLine<'a> {
    program: &'a str,
    arguments: Vec<OsString>,
}

fn command_line<'a>(request: &'a Request<'_>, folder: &mut Folder) -> Result<CommandLine<'a>, String> {
    if let Some(script) = &request.script {
        let (program, before, ending) = shell::invocation(&script.shell);
        let file = folder.write_script(&script.text, ending)?;
        let arguments = before.iter().map(OsString::from).chain([file.into_os_string()]).collect();
        return Ok(CommandLine { program, arguments });
    }
    let argv = request.argv.as_deref().unwrap_or_default();
    let program = argv.first().map_or("", |program| &**program);
    Ok(CommandLine {
        program,
        arguments: argv.iter().skip(1).map(|argument| OsString::from(&**argument)).collect(),
    })
}

/// A program that was just written is busy for a moment, when another thread's spawn holds the descriptor
/// it was written through.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES => {
                tries += 1;
                std::thread::sleep(BUSY_WAIT);
            }
            other => return other,
        }
    }
}

//! Secrets that a program tells, as password stores and keyrings do.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::executor::Control;
use crate::limits::{SECRET_COMMAND, SECRET_MAX};

/// How often it is looked whether a program has ended that has closed its output.
const LOOK: Duration = Duration::from_millis(5);

/// What a program prints, without its last line break. It is no step: it has the environment of the engine, which
/// its user has set up, and no terminal to ask in. Errors tell how it ended and nothing that it printed.
pub(super) fn ask(command: &[String], control: &dyn Control) -> Result<String, String> {
    let shown = command.join(" ");
    let Some((program, arguments)) = command.split_first() else {
        return Err("no program is named".to_owned());
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let mut running = Running { child, until: Instant::now() + SECRET_COMMAND, over: false };
    let bytes = running.read(control).map_err(|why| format!("`{shown}` {why}"))?;
    let status = running.wait(control).map_err(|why| format!("`{shown}` {why}"))?;
    if !status.success() {
        return Err(format!("`{shown}` failed ({status}): call it by hand to see why"));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|_| format!("what `{shown}` printed is no UTF-8 text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Ends what it started when nobody waits for it any more.
struct Running {
    child: Child,
    until: Instant,
    over: bool,
}

impl Running {
    fn read(&mut self, control: &dyn Control) -> Result<Vec<u8>, String> {
        let Some(mut out) = self.child.stdout.take() else {
            return Err("has no output".to_owned());
        };
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let mut fds = [
                PollFd::from_borrowed_fd(out.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(control.fd(), PollFlags::IN),
            ];
            match poll(&mut fds, Some(&timeout)) {
                Err(Errno::INTR) => continue,
                other => other.map_err(|error| error.to_string())?,
            };
            if control.ended().is_some() {
                return Err(ENDED.to_owned());
            }
            if fds[0].revents().is_empty() {
                if left.is_zero() {
                    return Err(late());
                }
                continue;
            }
            match out.read(&mut buffer).map_err(|error| error.to_string())? {
                0 => return Ok(bytes),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
            if bytes.len() > SECRET_MAX + 2 {
                return Err(format!("printed more than {SECRET_MAX} bytes"));
            }
        }
    }

    fn wait(&mut self, control: &dyn Control) -> Result<ExitStatus, String> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                self.over = true;
                return Ok(status);
            }
            if control.ended().is_some() {
                return Err(ENDED.to_owned());
            }
            if Instant::now() >= self.until {
                return Err(late());
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

const ENDED: &str = "was ended with the step";

fn late() -> String {
    format!("did not tell within {} seconds, and cannot ask in the terminal", SECRET_COMMAND.as_secs())
}

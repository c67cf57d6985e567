//! A program of the user's own.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::{Notice, Undelivered};
use crate::executor::Control;

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Starts it without a shell, with the message as JSON on its standard input, and in its environment.
pub(super) fn run(
    words: &[String],
    id: &str,
    notice: &Notice,
    message: &Value,
    control: &dyn Control,
) -> Result<(), Undelivered> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Undelivered::for_good("no program is named"));
    };
    let text = |key: &str| {
        let value = message.get(key).and_then(Value::as_str).unwrap_or_default();
        // A value of the environment ends there.
        value.replace('\0', " ")
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Not STEAD_RUN: by that the program of a step is known, and this is none.
    command.env("STEAD_NOTICE_ID", id).env("STEAD_NOTICE_EVENT", notice.event.as_str());
    for key in ["subject", "text", "title", "run", "workflow", "project", "step", "task", "error", "url"] {
        command.env(format!("STEAD_NOTICE_{}", key.to_uppercase()), text(key));
    }
    let child = command
        .process_group(0)
        .spawn()
        .map_err(|error| Undelivered::now(format!("`{program}` cannot be started: {error}")))?;
    let mut running = Running { child, over: false };
    if let Some(mut input) = running.child.stdin.take() {
        let body = message.to_string();
        // On a thread of its own, for a program need not read. Its end ends this.
        std::thread::spawn(move || input.write_all(body.as_bytes()));
    }
    loop {
        let status = running.child.try_wait();
        match status.map_err(|error| Undelivered::now(format!("`{program}` is lost: {error}")))? {
            Some(status) => {
                running.over = true;
                return match status.success() {
                    true => Ok(()),
                    false => Err(Undelivered::now(format!(
                        "`{program}` failed ({status}): call it by hand to see why"
                    ))),
                };
            }
            None if control.ended().is_some() => {
                return Err(Undelivered::now(format!("`{program}` did not end in time, and was ended")));
            }
            None => std::thread::sleep(LOOK),
        }
    }
}

/// Ends what it started when nobody waits for it any more.
struct Running {
    child: Child,
    over: bool,
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

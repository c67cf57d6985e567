//! From which attempt a process comes: by the environments of its ancestors.

use super::table;

/// Ancestors that are looked at.
const GENERATIONS: usize = 64;

/// The values of two variables in the environment that a process, or the nearest of its ancestors, was started with
/// (both or none of them). A process may clear its own environment, but not that of the one that has started it. One
/// whose ancestors have gone hangs below the system's first process, and is not found any more; on a system without
/// `/proc` nobody is found.
pub fn inherited(process: u32, variables: [&str; 2]) -> Option<[String; 2]> {
    let mut pid = i32::try_from(process).ok()?;
    for _ in 0..GENERATIONS {
        // One is enough to know that nobody is meant: every command looks here.
        if let Some(one) = table::variable_of(pid, variables[0])
            && let Some(other) = table::variable_of(pid, variables[1])
        {
            return Some([one, other].map(|value| value.to_string_lossy().into_owned()));
        }
        pid = table::read(pid)?.parent;
        if pid <= 1 {
            return None;
        }
    }
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_an_ancestor_was_started_with_is_found_behind_a_cleared_environment() {
        let names = ["STEAD_A", "STEAD_B"];
        let mut shell = Command::new("sh")
            .args(["-c", "env -i sh -c 'echo $$; exec sleep 30' & wait"])
            .env("STEAD_A", "r_1")
            .env("STEAD_B", "one/two")
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        let mut out = shell.stdout.take().unwrap();
        while !said.ends_with(b"\n") {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1);
            said.push(byte[0]);
        }
        let inner: u32 = String::from_utf8(said).unwrap().trim().parse().unwrap();
        let found = inherited(inner, names);
        let own = inherited(shell.id(), names);
        let pid = rustix::process::Pid::from_child(&shell);
        rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).unwrap();
        shell.wait().unwrap();
        assert_eq!(found, Some(["r_1".to_owned(), "one/two".to_owned()]));
        assert_eq!(own, found);
        assert_eq!(inherited(std::process::id(), names), None);
    }
}

//! From which attempt a process comes: by the environments of its ancestors.

use super::table;

/// Ancestors that are looked at.
const GENERATIONS: usize = 64;

/// The values of two variables in the environments that a process and its ancestors were started with, the nearest
/// first, each pair once. A process may clear its own environment, or say there what it likes, but not in that of the
/// one that has started it. One whose ancestors have gone hangs below the system's first process, and what they were is
/// not found any more; on a system without `/proc` nothing is found.
pub fn inherited(process: u32, variables: [&str; 2]) -> Vec<[String; 2]> {
    let mut found = Vec::new();
    let Ok(mut pid) = i32::try_from(process) else { return found };
    for _ in 0..GENERATIONS {
        // One is enough to know that nobody is meant: every command looks here.
        if let Some(one) = table::variable_of(pid, variables[0])
            && let Some(other) = table::variable_of(pid, variables[1])
        {
            let values = [one, other].map(|value| value.to_string_lossy().into_owned());
            if !found.contains(&values) {
                found.push(values);
            }
        }
        match table::read(pid).map(|row| row.parent) {
            Some(parent) if parent > 1 => pid = parent,
            _ => break,
        }
    }
    found
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_ancestors_were_started_with_is_found_whatever_a_process_says_of_itself() {
        let names = ["STEAD_A", "STEAD_B"];
        let mut shell = Command::new("sh")
            .args([
                "-c",
                "env -i sh -c 'STEAD_A=r_2 STEAD_B=x sh -c \"echo \\$\\$; exec sleep 30\" & wait' & wait",
            ])
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
        let texts = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
        assert_eq!(found, [texts("r_2", "x"), texts("r_1", "one/two")]);
        assert_eq!(own, found[1..]);
        assert_eq!(inherited(std::process::id(), names), [[""; 2]; 0]);
    }
}

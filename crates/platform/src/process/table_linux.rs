//! The system's table of processes, read from `/proc`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::Duration;

use super::{ATTEMPT_VARIABLE, DIR_VARIABLE, Mark};

/// Whether this system has such a table.
pub(super) const AVAILABLE: bool = true;

/// The largest environment that is looked at. Linux itself allows a quarter of the stack, mostly 2 MiB.
const ENVIRONMENT_LIMIT: u64 = 4 * 1024 * 1024;

/// How often, and how long apart, a process in the middle of exec is looked at again.
const EXEC_LOOKS: u32 = 1_000;
const EXEC_LOOK: Duration = Duration::from_micros(200);
/// How often in a row an environment has to be empty to be taken for cleared.
const EMPTY_LOOKS: u32 = 3;

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) start: u64,
    /// It has ended and waits to be reaped.
    pub(super) ended: bool,
    /// At most 15 bytes of its name.
    pub(super) name: String,
}

/// The row of one process.
pub(super) fn read(pid: i32) -> Option<Row> {
    parse(pid, &stat(pid)?)
}

fn stat(pid: i32) -> Option<Vec<u8>> {
    let mut stat = vec![0; 1024];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut stat).ok()?;
    stat.truncate(length);
    Some(stat)
}

/// `PID (NAME) STATE PPID PGRP SESSION … START`: the name may hold anything, spaces and `)` too, so the
/// fields are counted from the last `)`.
fn parse(pid: i32, stat: &[u8]) -> Option<Row> {
    let open = stat.iter().position(|&b| b == b'(')?;
    let close = stat.iter().rposition(|&b| b == b')')?;
    let name = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    // Field 22 of the whole line; the group was field 5.
    let start = fields.nth(22 - 5 - 1)?.parse().ok()?;
    Some(Row { pid, parent, group, start, ended: matches!(state, "Z" | "X" | "x"), name })
}

/// All processes there are but this one and the kernel's own threads, which are in no group.
pub(super) fn others() -> Vec<Row> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id().cast_signed();
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != own).filter_map(read).filter(|row| row.group != 0).collect()
}

/// The attempt that a process belongs to, as its environment says. That of another user's process cannot
/// be read, and that of one which has ended is gone: both answer `None`. Both variables come from one look: between
/// two the process may have become another program.
pub(super) fn mark_of(pid: i32) -> Option<Mark> {
    let environment = settled(pid)?;
    let attempt = String::from_utf8_lossy(value_in(&environment, ATTEMPT_VARIABLE)?).into_owned();
    let dir = value_in(&environment, DIR_VARIABLE).map(|dir| OsStr::from_bytes(dir).into());
    Some(Mark { attempt, dir })
}

/// A variable of a process.
pub(super) fn variable_of(pid: i32, name: &str) -> Option<OsString> {
    let environment = settled(pid)?;
    value_in(&environment, name).map(|value| OsString::from_vec(value.to_vec()))
}

/// The environment of a process. One in the middle of exec must not be taken for a stranger: while the new environment
/// is not there yet, and when the old one went between opening and reading it.
fn settled(pid: i32) -> Option<Vec<u8>> {
    let mut looks = 0;
    let mut empty = 0;
    loop {
        let environment = environment(pid)?;
        if !environment.is_empty() || looks >= EXEC_LOOKS || empty >= EMPTY_LOOKS {
            return Some(environment);
        }
        looks += 1;
        if is_in_exec(pid) {
            empty = 0;
            std::thread::sleep(EXEC_LOOK);
        } else {
            empty += 1;
        }
    }
}

fn value_in<'a>(environment: &'a [u8], name: &str) -> Option<&'a [u8]> {
    environment
        .split(|&b| b == 0)
        .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// Whether the old environment is gone and the new one not there yet: it has no address. One that was
/// cleared on purpose has.
fn is_in_exec(pid: i32) -> bool {
    let Some(stat) = stat(pid) else { return false };
    let Some(row) = parse(pid, &stat) else { return false };
    let end = stat.iter().rposition(|&b| b == b')').and_then(|close| {
        let rest = std::str::from_utf8(&stat[close + 1..]).ok()?;
        // Field 51 of the whole line, and the first behind the name is the third.
        rest.split_ascii_whitespace().nth(51 - 3)
    });
    !row.ended && end == Some("0")
}

fn environment(pid: i32) -> Option<Vec<u8>> {
    let file = File::open(format!("/proc/{pid}/environ")).ok()?;
    let mut environment = Vec::new();
    file.take(ENVIRONMENT_LIMIT).read_to_end(&mut environment).ok()?;
    Some(environment)
}

/// The number given out last, to a process or a thread. `None` where the kernel does not say.
pub(super) fn newest_pid() -> Option<i32> {
    let mut buffer = [0u8; 128];
    let length = File::open("/proc/loadavg").ok()?.read(&mut buffer).ok()?;
    let text = std::str::from_utf8(&buffer[..length]).ok()?;
    text.split_ascii_whitespace().nth(4)?.parse().ok().filter(|&pid| pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"7 (a) S 1 (x) R 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 1000 2";
        let row = parse(7, stat).unwrap();
        assert_eq!(row.name, "a) S 1 (x");
        assert_eq!((row.parent, row.group, row.start, row.ended), (5, 6, 23, false));
    }

    #[test]
    fn this_process_is_in_the_table() {
        let pid = std::process::id().cast_signed();
        let row = read(pid).unwrap();
        assert_eq!(row.pid, pid);
        assert_eq!(row.group, rustix::process::getpgrp().as_raw_pid());
        assert_eq!(Some(row.parent), rustix::process::getppid().map(rustix::process::Pid::as_raw_pid));
        assert!(!others().iter().any(|row| row.pid == pid));
        assert_eq!(read(0), None);
    }

    #[test]
    fn one_without_an_environment_is_in_no_attempt() {
        let mut child = std::process::Command::new("sleep").arg("30").env_clear().spawn().unwrap();
        assert_eq!(mark_of(child.id().cast_signed()), None);
        assert!(!is_in_exec(child.id().cast_signed()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn the_environment_names_the_attempt() {
        let mut sleep = std::process::Command::new("sleep");
        sleep.arg("30").env(ATTEMPT_VARIABLE, "r_1:a:1").env_remove(DIR_VARIABLE);
        for dir in [None, Some("/home/x")] {
            if let Some(dir) = dir {
                sleep.env(DIR_VARIABLE, dir);
            }
            let mut child = sleep.spawn().unwrap();
            let mark = Mark { attempt: "r_1:a:1".into(), dir: dir.map(Into::into) };
            assert_eq!(mark_of(child.id().cast_signed()), Some(mark));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

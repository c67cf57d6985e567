//! The processes of one attempt that this process started.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::io::Errno;
use rustix::process::Pid;

use super::table::{self, Row};
use super::{ProcessId, Signal};

/// Up to so many numbers given out since the leader are looked at one by one; for more the table is read.
const NEW_PIDS: i32 = 256;

/// A process of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub id: ProcessId,
    /// At most 15 bytes of its name.
    pub name: String,
}

/// The tree of one attempt: its group, what carries its mark, and their descendants.
#[derive(Debug, Clone)]
pub struct Tree {
    leader: ProcessId,
    attempt: String,
    dir: PathBuf,
}

impl Tree {
    /// The tree of a child that was spawned with `process_group(0)`, with [`ATTEMPT_VARIABLE`] set to
    /// `attempt` and [`DIR_VARIABLE`] to `dir`, and was not reaped yet.
    ///
    /// [`ATTEMPT_VARIABLE`]: super::ATTEMPT_VARIABLE
    /// [`DIR_VARIABLE`]: super::DIR_VARIABLE
    pub fn of(child: &Child, attempt: &str, dir: &Path) -> Self {
        let pid = child.id().cast_signed();
        let leader = ProcessId::of(pid).unwrap_or(ProcessId { pid, start: 0 });
        Self { leader, attempt: attempt.to_owned(), dir: dir.to_owned() }
    }

    /// The process that leads the group.
    pub fn leader(&self) -> ProcessId {
        self.leader
    }

    /// Whether nothing of it is left, asked after the leader was reaped. Nearly free in the usual case:
    /// one that no process number was given out since cannot have left anything.
    pub fn is_gone(&self) -> bool {
        let Some(group) = Pid::from_raw(self.leader.pid) else { return true };
        match rustix::process::test_kill_process_group(group) {
            Err(Errno::SRCH) => {}
            // In a container whose first process reaps nobody, the ended stay in the group for ever.
            _ if table::AVAILABLE => return self.members().is_empty(),
            _ => return false,
        }
        if !table::AVAILABLE {
            return true;
        }
        match table::newest_pid() {
            Some(newest) if newest >= self.leader.pid && newest - self.leader.pid <= NEW_PIDS => {
                !(self.leader.pid + 1..=newest).any(|pid| self.marks(pid))
            }
            _ => self.members().is_empty(),
        }
    }

    /// All processes of it that run, the leader included.
    pub fn members(&self) -> Vec<Member> {
        let rows = table::others();
        // A leader's number that means another process now: the group of that number is not ours either.
        let number_used_again =
            rows.iter().any(|row| row.pid == self.leader.pid && row.start != self.leader.start);
        let in_group = |row: &Row| row.group == self.leader.pid && !number_used_again;
        let started_after = |row: &Row| row.start >= self.leader.start;
        let mut found: HashSet<i32> = rows
            .iter()
            .filter(|row| started_after(row) && (in_group(row) || self.marks(row.pid)))
            .map(|row| row.pid)
            .collect();
        add_descendants(&rows, &mut found);
        rows.into_iter()
            .filter(|row| found.contains(&row.pid) && !row.ended)
            .map(|row| Member { id: ProcessId { pid: row.pid, start: row.start }, name: row.name })
            .collect()
    }

    /// Sends a signal to all of it, and says what all of it was.
    ///
    /// To be called while the leader is not reaped, or right after [`is_gone`](Self::is_gone) said no:
    /// either way the number of the group is still taken.
    pub fn signal(&self, signal: Signal) -> Vec<Member> {
        // The members are collected before the group is hit: a parent's end cuts the line to its children.
        let members = self.members();
        if let Some(group) = Pid::from_raw(self.leader.pid).filter(|_| self.group_is_ours(&members)) {
            let _ = rustix::process::kill_process_group(group, signal.raw());
            if signal == Signal::Term {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::CONT);
            }
        }
        for member in &members {
            let grouped = table::read(member.id.pid).is_none_or(|row| row.group == self.leader.pid);
            if !grouped {
                member.id.signal(signal);
            }
        }
        members
    }

    /// Asks those to end that are not among the known, and adds them: what was forked while the others were
    /// told.
    pub fn term_new(&self, known: &mut HashSet<ProcessId>) {
        for member in self.members() {
            if known.insert(member.id) {
                member.id.signal(Signal::Term);
            }
        }
    }

    /// Without a table the number is trusted; with one, a group that nobody of ours is in is not hit.
    fn group_is_ours(&self, members: &[Member]) -> bool {
        !table::AVAILABLE || !members.is_empty()
    }

    /// Whether a process carries the mark of the attempt. A copy of a home has attempts of the same names: a process
    /// that says it has its folder elsewhere is none of ours.
    fn marks(&self, pid: i32) -> bool {
        table::mark_of(pid)
            .is_some_and(|mark| mark.attempt == self.attempt && mark.dir.is_none_or(|dir| dir == self.dir))
    }
}

/// Adds the children of what was found, and theirs. An engine that runs inside a step marks its own
/// attempts otherwise; they are found here.
pub(super) fn add_descendants(rows: &[Row], found: &mut HashSet<i32>) {
    loop {
        let before = found.len();
        for row in rows {
            if found.contains(&row.parent) {
                found.insert(row.pid);
            }
        }
        if found.len() == before {
            return;
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;

    const DIR: &str = "/home/one/work/r_x";

    fn start(attempt: &str, script: &str) -> (Child, Tree) {
        let mut child = Command::new("bash")
            .args(["-c", script])
            .env(super::super::ATTEMPT_VARIABLE, attempt)
            .env(super::super::DIR_VARIABLE, DIR)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let tree = Tree::of(&child, attempt, Path::new(DIR));
        (child, tree)
    }

    #[test]
    fn a_tree_is_its_group_and_what_left_it() {
        let attempt = format!("r_tree:{}:1", std::process::id());
        let (mut child, tree) = start(
            &attempt,
            "sleep 60 & setsid sleep 61 & setsid bash -c 'sleep 62; :' & \
             env -i setsid sleep 63 & echo ready; wait",
        );
        // All four are members from their fork on; it takes them a moment to become `sleep`.
        let is_sleep = |member: &Member| member.name == "sleep";
        while tree.members().into_iter().filter(is_sleep).count() < 4 {
            std::thread::yield_now();
        }
        assert!(!tree.is_gone());
        assert_eq!(tree.members().iter().filter(|m| m.id == tree.leader()).count(), 1);

        tree.signal(Signal::Kill);
        child.wait().unwrap();
        while !tree.is_gone() {
            tree.signal(Signal::Kill);
        }
        assert_eq!(tree.members(), []);
    }

    #[test]
    fn what_the_leader_left_behind_is_found_by_its_mark() {
        let attempt = format!("r_left:{}:1", std::process::id());
        let (mut child, tree) = start(&attempt, "setsid sleep 60 </dev/null >/dev/null & echo ready");
        child.wait().unwrap();
        assert!(!tree.is_gone());
        tree.signal(Signal::Term);
        while !tree.is_gone() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_attempt_of_another_home_is_another_attempt() {
        let attempt = format!("r_copy:{}:1", std::process::id());
        let (mut child, tree) = start(&attempt, "echo ready; sleep 60");
        let mut other = Command::new("sleep")
            .arg("60")
            .env(super::super::ATTEMPT_VARIABLE, &attempt)
            .env(super::super::DIR_VARIABLE, "/home/two/work/r_x")
            .process_group(0)
            .spawn()
            .unwrap();
        let its = ProcessId::of(other.id().cast_signed()).unwrap();
        assert!(tree.members().iter().all(|member| member.id != its));
        tree.signal(Signal::Kill);
        child.wait().unwrap();
        assert!(tree.is_gone());
        assert!(its.is_alive());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_group_whose_number_was_used_again_is_left_alone() {
        let attempt = format!("r_again:{}:1", std::process::id());
        let (mut child, tree) = start("another", "echo ready; sleep 60");
        let earlier = Tree {
            leader: ProcessId { start: tree.leader.start - 1, ..tree.leader },
            attempt,
            ..tree.clone()
        };
        assert_eq!(earlier.members(), []);
        assert!(earlier.is_gone());
        earlier.signal(Signal::Kill);
        assert!(tree.leader().is_alive());
        tree.signal(Signal::Kill);
        child.wait().unwrap();
    }

    #[test]
    fn a_program_that_left_nothing_is_gone_when_reaped() {
        let (mut child, tree) = start("r_none:1:1", "echo ready");
        child.wait().unwrap();
        assert!(tree.is_gone());
    }
}

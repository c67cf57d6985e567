//! Processes of attempts whose engine is gone.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::table::{self, Row};
use super::tree::add_descendants;
use super::{ProcessId, Signal};

/// How often it is looked whether what was told to end has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A process that belongs to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Which.
    pub id: ProcessId,
    /// At most 15 bytes of its name.
    pub name: String,
    /// The attempt whose mark it, or the ancestor through which it was found, carries.
    pub attempt: String,
}

/// All processes that carry the mark of a wanted attempt, and their descendants. This process is never
/// among them. Empty on a system without `/proc`: strays are not found there.
pub fn find_by_attempt(wanted: impl Fn(&str) -> bool) -> Vec<Stray> {
    let rows = table::others();
    let mut strays = Vec::new();
    for row in rows.iter().filter(|row| !row.ended) {
        if let Some(attempt) = table::attempt_of(row.pid).filter(|attempt| wanted(attempt)) {
            strays.push(stray(row, attempt));
        }
    }
    let mut attempts: Vec<String> = strays.iter().map(|stray| stray.attempt.clone()).collect();
    attempts.sort_unstable();
    attempts.dedup();
    for attempt in attempts {
        let mut found: HashSet<i32> =
            strays.iter().filter(|stray| stray.attempt == attempt).map(|stray| stray.id.pid).collect();
        add_descendants(&rows, &mut found);
        for row in rows.iter().filter(|row| found.contains(&row.pid) && !row.ended) {
            if !strays.iter().any(|stray| stray.id.pid == row.pid) {
                strays.push(stray(row, attempt.clone()));
            }
        }
    }
    strays
}

fn stray(row: &Row, attempt: String) -> Stray {
    Stray { id: ProcessId { pid: row.pid, start: row.start }, name: row.name.clone(), attempt }
}

/// Ends all processes of the wanted attempts and waits until they are gone: TERM, the grace, KILL. Returns
/// those that were found. Gives up on what does not even heed KILL (a process deep in the kernel) when
/// another grace has passed; those are the second list.
pub fn end_all(wanted: impl Fn(&str) -> bool, grace: Duration) -> (Vec<Stray>, Vec<Stray>) {
    let mut all = find_by_attempt(&wanted);
    let mut left = all.clone();
    for stray in &left {
        stray.id.signal(Signal::Term);
    }
    let kill_at = Instant::now() + grace;
    let give_up_at = kill_at + grace.max(Duration::from_secs(1));
    loop {
        left.retain(|stray| stray.id.is_alive());
        if left.is_empty() {
            // What was forked while the first list was made.
            left = find_by_attempt(&wanted);
            if left.is_empty() {
                return (all, left);
            }
            all.extend(left.iter().cloned());
            for stray in &left {
                stray.id.signal(Signal::Term);
            }
        }
        let now = Instant::now();
        if now >= give_up_at {
            return (all, left);
        }
        if now >= kill_at {
            for stray in &left {
                stray.id.signal(Signal::Kill);
            }
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn strays_are_found_by_their_mark_and_ended() {
        let attempt = format!("r_stray:{}:1", std::process::id());
        let mut deaf = Command::new("bash")
            .args(["-c", "trap '' TERM; setsid env -u STEAD_ATTEMPT sleep 60 & echo; wait; sleep 60"])
            .env(super::super::ATTEMPT_VARIABLE, &attempt)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let other = format!("r_other:{}:1", std::process::id());
        let mut kept =
            Command::new("sleep").arg("60").env(super::super::ATTEMPT_VARIABLE, &other).spawn().unwrap();
        std::io::Read::read_exact(deaf.stdout.as_mut().unwrap(), &mut [0]).unwrap();

        let reaper = std::thread::spawn(move || deaf.wait().unwrap());
        let (found, left) = end_all(|a| a == attempt, Duration::from_millis(200));
        assert!(found.len() >= 2, "{found:?}");
        assert_eq!(left, []);
        assert!(!reaper.join().unwrap().success());
        assert_eq!(find_by_attempt(|a| a == attempt), []);

        assert_eq!(find_by_attempt(|a| a == other).len(), 1);
        kept.kill().unwrap();
        kept.wait().unwrap();
    }
}

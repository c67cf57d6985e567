//! Processes of attempts whose engine is gone.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::table::{self, Row};
use super::tree::add_descendants;
use super::{Mark, ProcessId, Signal};

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
    /// Where that one says it has the folder of its attempt.
    pub dir: Option<PathBuf>,
}

/// All processes that carry the mark of a wanted attempt, and their descendants. This process is never
/// among them. Empty on a system without `/proc`: strays are not found there.
pub fn find_by_attempt(wanted: impl Fn(&str) -> bool) -> Vec<Stray> {
    let rows = table::others();
    let mut strays = Vec::new();
    let mut marks: Vec<Mark> = Vec::new();
    for row in rows.iter().filter(|row| !row.ended) {
        if let Some(mark) = table::mark_of(row.pid).filter(|mark| wanted(&mark.attempt)) {
            strays.push(stray(row, &mark));
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }
    for mark in marks {
        let of_mark = |stray: &&Stray| stray.attempt == mark.attempt && stray.dir == mark.dir;
        let mut found: HashSet<i32> = strays.iter().filter(of_mark).map(|stray| stray.id.pid).collect();
        add_descendants(&rows, &mut found);
        for row in rows.iter().filter(|row| found.contains(&row.pid) && !row.ended) {
            if !strays.iter().any(|stray| stray.id.pid == row.pid) {
                strays.push(stray(row, &mark));
            }
        }
    }
    strays
}

/// A variable of the environment that a process was started with. `None` when it has none, has gone, or may not be
/// looked at.
pub fn variable_of(process: ProcessId, name: &str) -> Option<OsString> {
    let value = table::variable_of(process.pid, name)?;
    // Looked at after: from then on it was this process and no later one of its number.
    process.is_alive().then_some(value)
}

fn stray(row: &Row, mark: &Mark) -> Stray {
    Stray {
        id: ProcessId { pid: row.pid, start: row.start },
        name: row.name.clone(),
        attempt: mark.attempt.clone(),
        dir: mark.dir.clone(),
    }
}

/// Ends processes that were found, with what else carries the marks of their attempts, and waits until they are gone:
/// TERM, the grace, KILL. Each attempt of which nothing is left, or that is given up on, is named at once: whoever waits
/// for it does not wait for the others. `ours` says of what is found besides whether it is meant. Gives up on what does
/// not even heed KILL (a process deep in the kernel) when another grace has passed. Returns what was found besides, and
/// what is left.
pub fn end_each(
    found: Vec<Stray>,
    grace: Duration,
    ours: &dyn Fn(&Stray) -> bool,
    gone: &mut dyn FnMut(&str),
) -> (Vec<Stray>, Vec<Stray>) {
    let mut open: BTreeMap<String, Vec<Stray>> = BTreeMap::new();
    for stray in found {
        stray.id.signal(Signal::Term);
        open.entry(stray.attempt.clone()).or_default().push(stray);
    }
    let mut more = Vec::new();
    let kill_at = Instant::now() + grace;
    let give_up_at = kill_at + grace.max(Duration::from_secs(1));
    while !open.is_empty() {
        for strays in open.values_mut() {
            strays.retain(|stray| stray.id.is_alive());
        }
        let empty: HashSet<String> =
            open.iter().filter(|(_, strays)| strays.is_empty()).map(|(attempt, _)| attempt.clone()).collect();
        if !empty.is_empty() {
            // What was forked while the first list was made.
            for stray in find_by_attempt(|attempt| empty.contains(attempt)).into_iter().filter(ours) {
                stray.id.signal(Signal::Term);
                more.push(stray.clone());
                open.entry(stray.attempt.clone()).or_default().push(stray);
            }
            for attempt in empty {
                if open.get(&attempt).is_some_and(Vec::is_empty) {
                    open.remove(&attempt);
                    gone(&attempt);
                }
            }
        }
        let now = Instant::now();
        if now >= give_up_at {
            break;
        }
        if now >= kill_at {
            for stray in open.values().flatten() {
                stray.id.signal(Signal::Kill);
            }
        }
        if !open.is_empty() {
            std::thread::sleep(LOOK);
        }
    }
    open.keys().for_each(|attempt| gone(attempt));
    (more, open.into_values().flatten().collect())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_ends_is_named_before_what_does_not() {
        let name = |what: &str| format!("r_{what}:{}:1", std::process::id());
        let start = |script: &str, attempt: &str| {
            let mut command = Command::new("bash");
            let mut child = command
                .args(["-c", script])
                .env(super::super::ATTEMPT_VARIABLE, attempt)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
            std::thread::spawn(move || child.wait().unwrap());
        };
        let (deaf, quick) = (name("deaf"), name("quick"));
        start("trap '' TERM; echo; while :; do sleep 1; done", &deaf);
        start("echo; exec sleep 60", &quick);
        let found = find_by_attempt(|attempt| attempt == deaf || attempt == quick);
        let mut named = Vec::new();
        let (_, left) =
            end_each(found, Duration::from_millis(300), &|_| true, &mut |gone| named.push(gone.to_owned()));
        assert_eq!((named, left), (vec![quick, deaf], vec![]));
    }

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
        let found = find_by_attempt(|a| a == attempt);
        assert!(found.len() >= 2, "{found:?}");
        let (_, left) = end_each(found, Duration::from_millis(200), &|_| true, &mut |_| {});
        assert_eq!(left, []);
        assert!(!reaper.join().unwrap().success());
        assert_eq!(find_by_attempt(|a| a == attempt), []);

        let others = find_by_attempt(|a| a == other);
        assert_eq!(others.len(), 1);
        assert_eq!(variable_of(others[0].id, super::super::ATTEMPT_VARIABLE), Some(other.into()));
        assert_eq!(variable_of(others[0].id, "STEAD_NO_SUCH_VARIABLE"), None);
        kept.kill().unwrap();
        kept.wait().unwrap();
    }
}

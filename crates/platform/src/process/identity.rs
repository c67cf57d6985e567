//! A process that cannot be mistaken for a later one with the same number.

use rustix::io::Errno;
use rustix::process::Pid;

use super::table;

/// What is sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Asks it to end (15). One that is stopped is let go on, so that it can.
    Term,
    /// Ends it (9).
    Kill,
}

impl Signal {
    pub(super) fn raw(self) -> rustix::process::Signal {
        match self {
            Self::Term => rustix::process::Signal::TERM,
            Self::Kill => rustix::process::Signal::KILL,
        }
    }
}

/// A process: its number and when it started. Numbers are used again, the pair is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId {
    /// Its number.
    pub pid: i32,
    /// Ticks from boot to its start; 0 where the system does not tell (macOS).
    pub start: u64,
}

impl ProcessId {
    /// The process that has this number now.
    pub fn of(pid: i32) -> Option<Self> {
        if table::AVAILABLE {
            return Some(Self { pid, start: table::read(pid)?.start });
        }
        let known = rustix::process::test_kill_process(Pid::from_raw(pid)?);
        matches!(known, Ok(()) | Err(Errno::PERM)).then_some(Self { pid, start: 0 })
    }

    /// Whether it still runs. One that has ended and only waits to be reaped does not.
    pub fn is_alive(self) -> bool {
        if table::AVAILABLE {
            table::read(self.pid).is_some_and(|row| row.start == self.start && !row.ended)
        } else {
            Self::of(self.pid).is_some()
        }
    }

    /// Sends a signal, to this process and no later one of its number. Returns whether it got there.
    pub fn signal(self, signal: Signal) -> bool {
        // 0, 1 and negative numbers mean something else to kill(2).
        if self.pid <= 1 {
            return false;
        }
        let Some(pid) = Pid::from_raw(self.pid) else { return false };
        send(self, pid, signal)
    }
}

/// The descriptor is taken first and the start compared after: from then on the number may go to another
/// process, the descriptor cannot.
#[cfg(target_os = "linux")]
fn send(id: ProcessId, pid: Pid, signal: Signal) -> bool {
    use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(fd) => {
            let sent = id.is_alive() && pidfd_send_signal(&fd, signal.raw()).is_ok();
            if sent && signal == Signal::Term {
                let _ = pidfd_send_signal(&fd, rustix::process::Signal::CONT);
            }
            sent
        }
        Err(Errno::NOSYS) => id.is_alive() && kill_process(pid, signal.raw()).is_ok(),
        Err(_) => false,
    }
}

#[cfg(not(target_os = "linux"))]
fn send(id: ProcessId, pid: Pid, signal: Signal) -> bool {
    let sent = id.is_alive() && rustix::process::kill_process(pid, signal.raw()).is_ok();
    if sent && signal == Signal::Term {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
    }
    sent
}

/// Name of a signal without `SIG`, such as `KILL`; `None` for numbers without one.
pub fn signal_name(number: i32) -> Option<&'static str> {
    use rustix::process::Signal as S;
    const NAMES: [(S, &str); 25] = [
        (S::HUP, "HUP"),
        (S::INT, "INT"),
        (S::QUIT, "QUIT"),
        (S::ILL, "ILL"),
        (S::TRAP, "TRAP"),
        (S::ABORT, "ABRT"),
        (S::BUS, "BUS"),
        (S::FPE, "FPE"),
        (S::KILL, "KILL"),
        (S::USR1, "USR1"),
        (S::SEGV, "SEGV"),
        (S::USR2, "USR2"),
        (S::PIPE, "PIPE"),
        (S::ALARM, "ALRM"),
        (S::TERM, "TERM"),
        (S::CONT, "CONT"),
        (S::STOP, "STOP"),
        (S::TSTP, "TSTP"),
        (S::TTIN, "TTIN"),
        (S::TTOU, "TTOU"),
        (S::XCPU, "XCPU"),
        (S::XFSZ, "XFSZ"),
        (S::VTALARM, "VTALRM"),
        (S::PROF, "PROF"),
        (S::SYS, "SYS"),
    ];
    NAMES.iter().find(|(signal, _)| signal.as_raw() == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_used_again_is_another_process() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let id = ProcessId::of(child.id().cast_signed()).unwrap();
        assert!(id.is_alive());
        if table::AVAILABLE {
            let earlier = ProcessId { start: id.start - 1, ..id };
            assert!(!earlier.is_alive());
            assert!(!earlier.signal(Signal::Kill), "a process of another start must not be hit");
            assert!(id.is_alive());
        }
        assert!(id.signal(Signal::Kill));
        child.wait().unwrap();
        assert!(!id.is_alive());
        assert!(!id.signal(Signal::Kill));
    }

    #[test]
    fn one_that_waits_to_be_reaped_has_ended() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        let id = ProcessId::of(pid).unwrap();
        while id.is_alive() {
            std::thread::yield_now();
        }
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn init_and_groups_are_never_signalled() {
        for pid in [1, 0, -1] {
            assert!(!ProcessId { pid, start: 0 }.signal(Signal::Term));
        }
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(9), Some("KILL"));
        assert_eq!(signal_name(15), Some("TERM"));
        assert_eq!(signal_name(6), Some("ABRT"));
        assert_eq!(signal_name(63), None);
    }
}

//! Processes: who they are, what belongs to an attempt, and how all of it is ended.
//!
//! An attempt's program leads a process group of its own and carries `STEAD_ATTEMPT` and `STEAD_DIR` in its
//! environment: the second, its folder, tells attempts of equal names in two homes apart. Its tree is what is in that group, what carries the same value (a grandchild that made a session of its
//! own), and the descendants of both. A process that clears its environment, leaves the group *and* loses
//! its parents escapes; only a control group would hold it.
//!
//! `PR_SET_PDEATHSIG` is not used: it fires when the *thread* that spawned ends, and attempts are performed
//! by pooled threads that come and go.

mod identity;
mod lineage;
mod stray;
mod tree;

#[cfg_attr(target_os = "linux", path = "table_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "table_other.rs")]
mod table;

pub use identity::{ProcessId, Signal, signal_name};
pub use lineage::inherited;
pub use stray::{Stray, end_each, find_by_attempt, variable_of};
pub use tree::{Member, Tree};

use std::os::fd::OwnedFd;
use std::process::Child;

/// The variable that marks every process of an attempt.
pub const ATTEMPT_VARIABLE: &str = "STEAD_ATTEMPT";

/// The variable that says where such a process has the folder of its attempt.
pub const DIR_VARIABLE: &str = "STEAD_DIR";

/// What a process says of the attempt that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mark {
    attempt: String,
    /// Nothing: it was started with a part of the environment only.
    dir: Option<std::path::PathBuf>,
}

/// A descriptor that becomes readable when a child ends. `None` where the system has none (macOS, an old
/// or simulated kernel): the caller then looks now and then.
#[cfg(target_os = "linux")]
pub fn exit_watch(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    // The child is not reaped while the caller holds it, so the number cannot mean another process yet.
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

/// A descriptor that becomes readable when a child ends. There is none on this system.
#[cfg(not(target_os = "linux"))]
pub fn exit_watch(_child: &Child) -> Option<OwnedFd> {
    None
}

/// The signal that has stopped a child, if one has: 21 (TTIN) and 22 (TTOU) are those of a program that
/// wants the terminal.
pub fn stopped_by(child: &Child) -> Option<i32> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(Pid::from_child(child)), look).ok()??;
    status.stopping_signal()
}

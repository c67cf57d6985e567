//! What this process takes of the machine: memory, files, time. Read from `/proc`, so that on other systems nothing is told.

use std::path::Path;

/// What a process takes. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Bytes of memory that are in use.
    pub resident_bytes: Option<u64>,
    /// Bytes of memory that are asked for.
    pub virtual_bytes: Option<u64>,
    /// Files and connections that are open.
    pub open_files: Option<u64>,
    /// How many may be.
    pub most_files: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Seconds of processors, of the process and of the system for it.
    pub cpu_seconds: Option<f64>,
    /// When it began: seconds since 1970.
    pub start_seconds: Option<f64>,
}

/// Ticks of the clock in a second, as `/proc` counts them: the same on all machines that are promised.
const TICKS: f64 = 100.0;

/// What this process takes at this moment.
pub fn usage() -> Usage {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let mut usage = Usage { most_files: limit.current, ..Usage::default() };
    if !cfg!(target_os = "linux") {
        return usage;
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        usage.resident_bytes = field("VmRSS").map(|kilobytes| kilobytes * 1_024);
        usage.virtual_bytes = field("VmSize").map(|kilobytes| kilobytes * 1_024);
        usage.threads = field("Threads");
    }
    // The folder that is read is open while it is.
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
    usage.open_files = open.map(|open| open.saturating_sub(1));
    if let Some([user, system, start]) = times() {
        usage.cpu_seconds = Some((user + system) / TICKS);
        usage.start_seconds = booted().map(|booted| booted + start / TICKS);
    }
    usage
}

/// Bytes that are free where a path is, for processes of this user; `None` where the system does not tell.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(path).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

/// Time of the process, time of the system for it, and when it began after the machine did; in ticks.
fn times() -> Option<[f64; 3]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    // Fields 14, 15 and 22 of the whole line; the first behind the bracket is field 3.
    let user = fields.nth(11)?.parse().ok()?;
    let system = fields.next()?.parse().ok()?;
    let start = fields.nth(6)?.parse().ok()?;
    Some([user, system, start])
}

/// When the machine began: seconds since 1970.
fn booted() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_process_knows_what_it_takes() {
        let before = usage();
        assert!(before.most_files > Some(0));
        if !cfg!(target_os = "linux") {
            return;
        }
        let held: Vec<_> = (0..5).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        let now = usage();
        assert!(now.open_files.unwrap() >= held.len() as u64);
        assert!(now.resident_bytes.unwrap() > 100_000 && now.virtual_bytes >= now.resident_bytes, "{now:?}");
        assert!(now.threads.unwrap() >= 1 && now.cpu_seconds >= before.cpu_seconds, "{now:?}");
        // Not before the machine, not after this moment; the clock of ticks and that of the wall differ a little.
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let start = now.start_seconds.unwrap();
        assert!(start > booted().unwrap() && start < at + 2.0, "{start} {at}");
        assert_eq!(before.start_seconds, now.start_seconds, "it is always told alike");
    }

    #[test]
    fn a_disk_says_what_is_free() {
        assert!(free_bytes(&std::env::temp_dir()).is_some());
        assert_eq!(free_bytes(Path::new("/there/is/nothing")), None);
    }
}

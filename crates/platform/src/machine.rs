//! The machine this process runs on: what the header of a benchmark or a bug report names.

/// Name of the host, or `localhost` where the system does not tell.
pub fn host_name() -> String {
    let told = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/sys/kernel/hostname").ok()
    } else {
        std::process::Command::new("hostname")
            .output()
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok())
    };
    let name = told.map(|name| name.trim().to_owned()).unwrap_or_default();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// How many processors this process may use: affinity and cgroup quota count.
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Operating system and processor, such as `linux x86_64`.
pub fn system() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Lets this process have so many files and connections open, or as many as the system allows it; returns how many.
/// Programs that it starts may have as many.
pub fn open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let now = limit.current.unwrap_or(u64::MAX);
    let next = wanted.min(allowed).max(now);
    limit.current = Some(next);
    // Lowering nothing, within what is allowed: it is not refused, and if it were, what there is stays.
    match next == now || setrlimit(Resource::Nofile, limit).is_ok() {
        true => next,
        false => now,
    }
}

/// Ends this process as `kill -9` does: nothing is flushed, nothing is dropped. For tests of what survives.
pub fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    // Should the signal not come, nothing may run on all the same.
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_files_may_be_opened_and_never_fewer() {
        let before = open_files(0);
        assert!(before > 0);
        assert_eq!(open_files(before - 1), before);
        assert!(open_files(before + 10) >= before);
    }

    #[test]
    fn the_machine_has_a_name_and_processors() {
        assert!(!host_name().is_empty());
        assert!(!host_name().ends_with('\n'));
        assert!(cpu_count() >= 1);
        assert_eq!(system().split(' ').count(), 2);
    }
}

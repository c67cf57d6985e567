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
    fn the_machine_has_a_name_and_processors() {
        assert!(!host_name().is_empty());
        assert!(!host_name().ends_with('\n'));
        assert!(cpu_count() >= 1);
        assert_eq!(system().split(' ').count(), 2);
    }
}

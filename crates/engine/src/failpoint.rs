//! Named points at which a test may end the process, as kill -9 would.
//!
//! Without the feature `failpoints` nothing of this is in the binary. With it, `STEAD_FAILPOINT=NAME@N` kills
//! the process at the N-th crossing of the point, and `STEAD_FAILPOINT_LOG=FILE` appends the name of each
//! point to a file as it is crossed, which is how a first, undisturbed run counts them.

/// Crosses a named point.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn cross(_name: &str) {}

/// Crosses a named point.
#[cfg(feature = "failpoints")]
pub fn cross(name: &str) {
    on::cross(name);
}

#[cfg(feature = "failpoints")]
mod on {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static COUNTS: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);
    static TARGET: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let text = std::env::var("STEAD_FAILPOINT").ok()?;
        let (name, number) = text.rsplit_once('@')?;
        Some((name.to_owned(), number.parse().ok()?))
    });

    pub(super) fn cross(name: &str) {
        let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        if let Some(path) = std::env::var_os("STEAD_FAILPOINT_LOG")
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path)
        {
            // A count that cannot be written shows in the test that reads it.
            let _ = writeln!(file, "{name}");
        }
        if let Some((target, number)) = &*TARGET
            && target == name
            && number == count
        {
            stead_platform::machine::die();
        }
    }
}

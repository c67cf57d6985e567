//! What several of the tests need.

use tempfile::TempDir;

/// A folder in memory where the system has one: a sync costs milliseconds on some disks, and what these tests
/// are about is not the disk.
#[expect(clippy::expect_used, reason = "a test cannot go on without")]
pub(crate) fn folder() -> TempDir {
    let shm = std::path::Path::new("/dev/shm");
    let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() };
    folder.expect("a folder for the test")
}

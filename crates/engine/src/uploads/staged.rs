//! A file on its way into a home.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EngineError, Home, failed};

/// Makes names differ.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A file that is written piece by piece. Dropped before it is kept, nothing of it is left.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    size: u64,
}

impl Staged {
    pub(crate) fn begin(home: &Home) -> Result<Self, EngineError> {
        let folder = home.uploads().join("tmp");
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        // The mode is that of the name, not of this handle, which may write all the same.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o444).open(&path);
        let file = file.map_err(failed(&path))?;
        Ok(Self { path, file, hasher: blake3::Hasher::new(), size: 0 })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.file.write_all(bytes).map_err(failed(&self.path))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Makes what was written durable, and says its hash and its size.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn finish(&mut self) -> Result<(String, u64), EngineError> {
        self.file.sync_all().map_err(failed(&self.path))?;
        Ok((self.hasher.finalize().to_hex().to_string(), self.size))
    }

    /// What it is called until it is kept.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Of one that was kept there is nothing here. What stays is removed by the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where one of these lies.
pub(super) fn place(home: &Home, name: &str) -> Result<PathBuf, EngineError> {
    match name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && !name.is_empty() {
        true => Ok(home.uploads().join("tmp").join(name)),
        false => Err(EngineError::bug(&"a file on its way has another name")),
    }
}

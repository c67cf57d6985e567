//! The folder of an attempt and the two files beside it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// An empty folder that is removed with all that is in it when this is dropped. Script and output stand
/// beside it, so that a program finds nothing there that it did not put there.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    output: PathBuf,
    script: Option<PathBuf>,
    keep: Keep,
}

/// What stays of a folder when its attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Nothing.
    Nothing,
    /// What the program left: the end of its attempt is not durable yet, and nobody else knows it.
    Evidence,
    /// All, for looking into what went wrong.
    All,
}

impl Folder {
    pub(super) fn make(dir: &Path, keep: Keep) -> Result<Self, String> {
        let folder = Self { dir: dir.to_owned(), output: beside(dir, ".output"), script: None, keep };
        folder.fresh().map_err(|error| {
            format!("cannot make the folder of the attempt, `{}`: {error}", dir.display())
        })?;
        Ok(folder)
    }

    fn fresh(&self) -> io::Result<()> {
        let make = || DirBuilder::new().mode(0o700).create(&self.dir);
        match make() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = self.dir.parent() {
                    DirBuilder::new().mode(0o700).recursive(true).create(parent)?;
                }
                make()
            }
            // Left by an engine that crashed in the same attempt.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_file(&self.output)?;
                remove(&self.dir)?;
                make()
            }
            other => other,
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the program may write values.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// Writes the script, exactly as it is, and says where.
    pub(super) fn write_script(&mut self, text: &str, ending: &str) -> Result<PathBuf, String> {
        let path = beside(&self.dir, &format!(".script{ending}"));
        self.script = Some(path.clone());
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file: File| file.write_all(text.as_bytes()));
        written.map_err(|error| format!("cannot write the script to `{}`: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep == Keep::All {
            return;
        }
        // What cannot be removed now is removed with the whole work folder when an engine starts.
        if let Some(script) = &self.script {
            let _ = remove_file(script);
        }
        if self.keep == Keep::Nothing {
            let _ = remove_file(&self.output);
            let _ = remove(&self.dir);
        }
    }
}

/// What stands beside a folder.
pub(crate) fn beside(dir: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(dir);
    name.push(ending);
    PathBuf::from(name)
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A program made a folder of that name.
        Err(error) if fs::symlink_metadata(path).is_ok_and(|known| known.is_dir()) => {
            remove(path).map_err(|_| error)
        }
        other => other,
    }
}

/// Removes a folder with all that is in it, folders too that a program protected against it (package
/// managers do).
fn remove(dir: &Path) -> io::Result<()> {
    // Nearly always empty: one call.
    if fs::remove_dir(dir).is_ok() {
        return Ok(());
    }
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(dir);
            fs::remove_dir_all(dir)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// What engines that crashed left of their attempts, as long as none has begun in this one.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn left(work: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(work) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other?.map(|entry| entry.map(|entry| entry.path())).collect(),
    }
}

/// Removes what was left. What cannot be removed is passed over.
pub(crate) fn remove_left(left: &[PathBuf]) {
    for path in left {
        let _ = remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_empty_and_gone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("work/r_1-abc");
        fs::create_dir_all(dir.join("left/over")).unwrap();
        fs::write(beside(&dir, ".output"), "{}").unwrap();
        let mut folder = Folder::make(&dir, Keep::Nothing).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        assert!(!folder.output().exists());
        let script = folder.write_script("echo \"$x\"\0\r\n", ".sh").unwrap();
        assert_eq!(fs::read(&script).unwrap(), b"echo \"$x\"\0\r\n");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);

        fs::create_dir_all(dir.join("a/b")).unwrap();
        fs::write(dir.join("a/b/c"), "").unwrap();
        fs::set_permissions(dir.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
        fs::create_dir(folder.output()).unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(home.path().join("work")).unwrap().count(), 0);
    }

    #[test]
    fn it_stays_when_it_is_to_be_kept_and_is_cleared_at_the_next_start() {
        let home = tempfile::tempdir().unwrap();
        let work = home.path().join("work");
        remove_left(&left(&work).unwrap());
        let mut folder = Folder::make(&work.join("r_1-abc"), Keep::All).unwrap();
        folder.write_script("true", "").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(&work).unwrap().count(), 2);
        remove_left(&left(&work).unwrap());
        assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_cannot_be_used_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let error = Folder::make(&home.path().join("file/x"), Keep::Nothing).unwrap_err();
        assert!(
            error.contains("cannot make the folder of the attempt") && error.contains("file/x"),
            "{error}"
        );
    }
}

//! Files that are uploaded for runs to be started with.
//!
//! They wait beside the files of the home, each for who has uploaded it, and are linked to the others by the start that
//! names them. So nothing has to be searched for what still names one: what no run was started with is removed after a time.
//!
//! ```text
//! uploads/HASH          the bytes
//! uploads/HASH.WHO      that somebody has uploaded them: under what name, when
//! uploads/tmp/…         what is on its way
//! ```

pub mod operations;
mod staged;
mod taken;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use stead_core::Time;
use stead_store::StoreError;

pub use operations::{FileAnswer, FileOperation, FileRow};
pub use staged::Staged;
pub(crate) use taken::with_uploads;

use crate::error::EngineError;
use crate::home::Home;
use crate::library::open::now;
use crate::limits;

/// One change at a time; only the process that holds the home makes any.
static CHANGING: Mutex<()> = Mutex::new(());

/// That somebody has uploaded a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) file: FileRow,
    pub(crate) by: String,
    pub(crate) at: Time,
}

fn changing() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> EngineError + use<> {
    let path = path.to_owned();
    move |error| StoreError::io(&path, &error).into()
}

fn sync(folder: &Path) -> Result<(), EngineError> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

/// What the names of somebody's notes end with.
fn mark(by: &str) -> String {
    blake3::hash(by.as_bytes()).to_hex()[..16].to_owned()
}

/// Where the bytes of a hash wait; none for what is no hash, so that no name leads out of the folder.
fn place(home: &Home, hash: &str) -> Option<PathBuf> {
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then(|| home.uploads().join(hash))
}

/// What a home with an engine begins with: what was on its way is removed, and what nobody has used in time.
pub(crate) fn begin(home: &Home) -> Result<(), EngineError> {
    let _changing = changing();
    let staged = home.uploads().join("tmp");
    match fs::read_dir(&staged) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(&staged)(error)),
        Ok(left) => {
            for entry in left {
                let left = entry.map_err(failed(&staged))?.path();
                fs::remove_file(&left).map_err(failed(&left))?;
            }
        }
    }
    sweep(home, now())
}

/// Removes what was uploaded too long ago, and bytes that nobody's note names.
fn sweep(home: &Home, now: Time) -> Result<(), EngineError> {
    let folder = home.uploads();
    let kept = Time::try_from(limits::UPLOAD_TIME.as_millis()).unwrap_or(Time::MAX);
    let (mut bytes, mut named) = (Vec::new(), std::collections::HashSet::new());
    for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
        let path = entry.map_err(failed(&folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.split_once('.') {
            None if name.len() == 64 => bytes.push((name, path)),
            Some((hash, _)) => match read(&path) {
                Some(note) if note.at > now.saturating_sub(kept) => drop(named.insert(hash.to_owned())),
                _ => fs::remove_file(&path).map_err(failed(&path))?,
            },
            None => {}
        }
    }
    for (hash, path) in bytes {
        if !named.contains(&hash) {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Option<Note> {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// What somebody has uploaded and not used in time yet, beside one file.
fn held(home: &Home, by: &str, beside: &str) -> Result<(usize, u64), EngineError> {
    let (folder, end) = (home.uploads(), format!(".{}", mark(by)));
    let (mut files, mut bytes) = (0, 0_u64);
    for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
        let path = entry.map_err(failed(&folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(&end)
            && !name.starts_with(beside)
            && let Some(note) = read(&path)
        {
            (files, bytes) = (files + 1, bytes.saturating_add(note.file.size));
        }
    }
    Ok((files, bytes))
}

/// Keeps what was uploaded for who has done so.
pub(crate) fn keep(home: &Home, staged: &str, file: &FileRow, by: &str) -> Result<(), EngineError> {
    file.check()?;
    let from = staged::place(home, staged)?;
    let to = place(home, &file.hash).ok_or_else(|| EngineError::NoFile { hash: file.shown() })?;
    let _changing = changing();
    sweep(home, now())?;
    let (files, bytes) = held(home, by, &file.hash)?;
    let most = limits::UPLOADED_BYTES;
    if files >= limits::UPLOADS || bytes.saturating_add(file.size) > most {
        return Err(EngineError::UploadsMany { files, bytes });
    }
    match fs::metadata(&to) {
        Ok(there) if there.len() == file.size => fs::remove_file(&from).map_err(failed(&from))?,
        _ => fs::rename(&from, &to).map_err(failed(&to))?,
    }
    let note = Note { file: file.clone(), by: by.to_owned(), at: now() };
    let at = home.uploads().join(format!("{}.{}", file.hash, mark(by)));
    let text = serde_json::to_vec(&note).map_err(|error| EngineError::bug(&error))?;
    let mut written = Staged::begin(home)?;
    written.write(&text)?;
    written.finish()?;
    fs::rename(written.path(), &at).map_err(failed(&at))?;
    sync(&home.uploads())
}

/// A file that somebody has uploaded and may still use, and where its bytes are.
pub(crate) fn of(home: &Home, hash: &str, by: &str) -> Option<(FileRow, PathBuf)> {
    let path = place(home, hash)?;
    let note = read(&home.uploads().join(format!("{hash}.{}", mark(by))))?;
    (note.by == by && path.is_file()).then_some((note.file, path))
}

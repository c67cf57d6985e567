//! Writing a file whole: nobody ever sees half of it, whatever ends the engine.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fsync, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::beneath::Found;
use crate::executor::Control;
use crate::logs::size_text;

/// Bytes copied between two looks at whether the attempt is to end.
const PIECE: usize = 256 * 1024;

/// What a file is made of.
pub(super) struct Content<'a> {
    pub(super) from: &'a mut dyn Read,
    /// Permissions of a new file, less the mask of the process. One that is replaced leaves its own.
    pub(super) mode: u32,
    /// Bytes at most.
    pub(super) limit: u64,
    /// The hash it has to have.
    pub(super) hash: Option<&'a str>,
}

/// Why a file was not written.
pub(super) enum Unwritten {
    /// The attempt is to end.
    Ended,
    /// As a message, without the name of the file.
    Failed(String),
}

impl From<String> for Unwritten {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<Errno> for Unwritten {
    fn from(error: Errno) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Puts content in the place of whatever file is there, durably, and returns its size. It is written under
/// another name first, which belongs to `key`: what a crash leaves of it is in the way of nobody, and is gone
/// when the attempt is made again.
pub(super) fn put(
    place: &Found,
    mut content: Content<'_>,
    key: &str,
    control: &dyn Control,
) -> Result<u64, Unwritten> {
    let kept = kept_mode(place)?;
    let hash = blake3::hash(key.as_bytes()).to_hex();
    let name = format!(".stead-{}.tmp", &hash[..16]);
    let mut file = create(place, &name, content.mode)?;
    let made = fill(&mut file, &mut content, control).and_then(|size| {
        if let Some(mode) = kept {
            fchmod(&file, mode)?;
        }
        file.sync_all()?;
        renameat(&place.folder, name.as_str(), &place.folder, &place.name)?;
        Ok(size)
    });
    if made.is_err() {
        // Nobody looks for it under that name, and the next try removes it.
        let _ = unlinkat(&place.folder, name.as_str(), AtFlags::empty());
    }
    let size = made?;
    fsync(&place.folder)?;
    Ok(size)
}

/// The permissions that are there already.
fn kept_mode(place: &Found) -> Result<Option<Mode>, Unwritten> {
    let stat = match statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Some(Mode::from_raw_mode(stat.st_mode & 0o777))),
        FileType::Directory => Err("is a folder".to_owned().into()),
        _ => Err("is no regular file".to_owned().into()),
    }
}

fn create(place: &Found, name: &str, mode: u32) -> Result<File, Unwritten> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(&place.folder, name, flags, Mode::from_raw_mode(mode & 0o777));
    let opened = match open() {
        // Left by an engine that crashed in the same step.
        Err(Errno::EXIST) => {
            unlinkat(&place.folder, name, AtFlags::empty())?;
            open()
        }
        other => other,
    };
    Ok(opened?.into())
}

fn fill(file: &mut File, content: &mut Content<'_>, control: &dyn Control) -> Result<u64, Unwritten> {
    let mut buffer = vec![0; PIECE];
    let mut hasher = content.hash.map(|_| blake3::Hasher::new());
    let mut size = 0;
    loop {
        if control.ended().is_some() {
            return Err(Unwritten::Ended);
        }
        let read = match content.from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if read == 0 {
            break;
        }
        size += read as u64;
        if size > content.limit {
            return Err(format!("would be larger than {}", size_text(content.limit)).into());
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&buffer[..read]);
        }
        file.write_all(&buffer[..read])?;
    }
    match (hasher, content.hash) {
        (Some(hasher), Some(hash)) if hasher.finalize().to_hex().as_str() != hash => {
            Err("the file by hash has other bytes than its hash says: it was damaged".to_owned().into())
        }
        _ => Ok(size),
    }
}

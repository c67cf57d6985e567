//! Files by hash, outside the journal.
//!
//! A file is written under a name that nobody looks for, synced, made read-only, given the name of its hash,
//! and its folder is synced: only then does it count, and a commit may name it. What a crash leaves under a
//! temporary name is removed by the next [`FileStore::open`]. The same bytes are kept once.
//!
//! `ROOT/ab/cdef…` holds the file whose hash is `abcdef…`; `ROOT/tmp` what is being written.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::StoreError;

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileRef {
    /// BLAKE3 of its bytes: 64 lower-case hex digits.
    pub hash: String,
    /// Length in bytes.
    pub size: u64,
}

/// Keeps files by hash in a folder. May be shared by threads.
#[derive(Debug)]
pub struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// Opens the folder, or makes it, and removes what a crash has left half written: so only the holder of
    /// the home may call it. Others use [`attach`](Self::attach).
    ///
    /// # Errors
    /// When the folder cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self::attach(root);
        let tmp = store.tmp();
        fs::create_dir_all(&tmp).map_err(failed(&tmp))?;
        for entry in fs::read_dir(&tmp).map_err(failed(&tmp))? {
            let left = entry.map_err(failed(&tmp))?.path();
            fs::remove_file(&left).map_err(failed(&left))?;
        }
        sync_folder(root)?;
        Ok(store)
    }

    /// The folder as it is: for readers beside the holder.
    pub fn attach(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Keeps bytes.
    ///
    /// # Errors
    /// When they cannot be written durably.
    pub fn put(&self, bytes: &[u8]) -> Result<FileRef, StoreError> {
        let mut batch = self.batch();
        let file = batch.put(bytes)?;
        batch.finish()?;
        Ok(file)
    }

    /// Keeps a copy of a file.
    ///
    /// # Errors
    /// When it cannot be read, or its copy not be written durably.
    pub fn put_path(&self, source: &Path) -> Result<FileRef, StoreError> {
        let mut batch = self.batch();
        let file = batch.put_path(source)?;
        batch.finish()?;
        Ok(file)
    }

    /// Keeps what a reader gives.
    ///
    /// # Errors
    /// When it cannot be read, or not be written durably.
    pub fn put_from(&self, from: impl Read) -> Result<FileRef, StoreError> {
        let mut batch = self.batch();
        let file = batch.write(from, None)?;
        batch.finish()?;
        Ok(file)
    }

    /// Keeps a file that lies on the same disk, synced and never to be written again: it is not copied.
    ///
    /// # Errors
    /// When there is none, or it cannot be given its name durably.
    pub fn link(&self, source: &Path, file: &FileRef) -> Result<(), StoreError> {
        let missing = || StoreError::FileMissing { hash: file.hash.clone() };
        let place = self.place(&file.hash).ok_or_else(missing)?;
        let folder = place.parent().ok_or_else(missing)?;
        let fresh = create_folder(folder)?;
        match fs::hard_link(source, &place) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io(source, &error)),
        }
        // One of another length was damaged, and is put right.
        if fs::metadata(&place).map_err(failed(&place))?.len() != file.size {
            self.put_path(source)?;
        }
        sync_folder(folder)?;
        if fresh { sync_folder(&self.root) } else { Ok(()) }
    }

    /// Several files, whose folders are synced once.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, written: Vec::new() }
    }

    /// The bytes, whose hash is checked.
    ///
    /// # Errors
    /// When there is no such file, or it has changed.
    pub fn get(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path(hash)?;
        let bytes = fs::read(&path).map_err(|error| missing_or(&path, hash, &error))?;
        check(hash, &blake3::hash(&bytes))?;
        Ok(bytes)
    }

    /// Reads the file through and compares its hash. Returns its size.
    ///
    /// # Errors
    /// When there is no such file, or it has changed.
    pub fn verify(&self, hash: &str) -> Result<FileRef, StoreError> {
        let path = self.path(hash)?;
        let file = File::open(&path).map_err(|error| missing_or(&path, hash, &error))?;
        let mut hasher = blake3::Hasher::new();
        let size = copy(file, &mut hasher, io::sink()).map_err(|error| error.named(&path, &path))?;
        check(hash, &hasher.finalize())?;
        Ok(FileRef { hash: hash.to_owned(), size })
    }

    /// Where the file is. The bytes are not checked.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn path(&self, hash: &str) -> Result<PathBuf, StoreError> {
        let missing = || StoreError::FileMissing { hash: hash.to_owned() };
        let path = self.place(hash).ok_or_else(missing)?;
        if path.is_file() { Ok(path) } else { Err(missing()) }
    }

    /// Hashes and sizes of all files that are kept, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<FileRef>, StoreError> {
        let mut out = Vec::new();
        for folder in fs::read_dir(&self.root).map_err(failed(&self.root))? {
            let folder = folder.map_err(failed(&self.root))?;
            let first = folder.file_name().to_string_lossy().into_owned();
            if first.len() != 2 {
                continue;
            }
            for entry in fs::read_dir(folder.path()).map_err(failed(&folder.path()))? {
                let entry = entry.map_err(failed(&folder.path()))?;
                let hash = first.clone() + &entry.file_name().to_string_lossy();
                let size = entry.metadata().map_err(failed(&entry.path()))?.len();
                if is_hash(&hash) {
                    out.push(FileRef { hash, size });
                }
            }
        }
        out.sort();
        Ok(out)
    }

    /// Removes a file that nothing names any more.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be removed.
    pub fn remove(&self, hash: &str) -> Result<(), StoreError> {
        let path = self.path(hash)?;
        fs::remove_file(&path).map_err(failed(&path))
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Where a hash has its place; none for what is not a hash, so that no name leads out of the folder.
    fn place(&self, hash: &str) -> Option<PathBuf> {
        is_hash(hash).then(|| self.root.join(&hash[..2]).join(&hash[2..]))
    }
}

/// Makes temporary names differ, whichever handle of this process they come from.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Files under way: none counts before [`finish`](Self::finish). Dropped without it, they are removed.
#[derive(Debug)]
pub struct Batch<'s> {
    store: &'s FileStore,
    written: Vec<Written>,
}

#[derive(Debug)]
struct Written {
    tmp: PathBuf,
    file: FileRef,
}

impl Batch<'_> {
    /// Writes bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&mut self, bytes: &[u8]) -> Result<FileRef, StoreError> {
        self.write(bytes, None)
    }

    /// Writes a copy of a file.
    ///
    /// # Errors
    /// When it cannot be read, or its copy not be written.
    pub fn put_path(&mut self, source: &Path) -> Result<FileRef, StoreError> {
        let file = File::open(source).map_err(failed(source))?;
        self.write(file, Some(source))
    }

    /// Gives the files their names, durably. From here on a commit may name them.
    ///
    /// # Errors
    /// When they cannot be renamed or synced; a file of the batch may then be kept that nothing names.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let mut folders = BTreeSet::new();
        let mut fresh = false;
        for written in &self.written {
            let Some(place) = self.store.place(&written.file.hash) else { continue };
            let Some(folder) = place.parent() else { continue };
            // What is there has these bytes if it has their length; it was synced before it got its name. A
            // file of another length was damaged, and is put right.
            if fs::metadata(&place).is_ok_and(|found| found.len() == written.file.size) {
                fs::remove_file(&written.tmp).map_err(failed(&written.tmp))?;
            } else {
                fresh |= create_folder(folder)?;
                fs::rename(&written.tmp, &place).map_err(failed(&place))?;
            }
            // Also of a file that was there: another thread may have named it a moment ago.
            folders.insert(folder.to_owned());
        }
        self.written.clear();
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        if fresh { sync_folder(&self.store.root) } else { Ok(()) }
    }

    fn write(&mut self, from: impl Read, source: Option<&Path>) -> Result<FileRef, StoreError> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmp = self.store.tmp().join(format!("{}-{number}", std::process::id()));
        // The mode is that of the name, not of this handle, which may write all the same.
        let mut options = OpenOptions::new();
        let mut to = options.write(true).create_new(true).mode(0o444).open(&tmp).map_err(failed(&tmp))?;
        let mut hasher = blake3::Hasher::new();
        let written = copy(from, &mut hasher, &mut to)
            .map_err(|error| error.named(source.unwrap_or(&tmp), &tmp))
            .and_then(|size| to.sync_all().map_err(failed(&tmp)).map(|()| size));
        let file = match written {
            Ok(size) => FileRef { hash: hasher.finalize().to_hex().to_string(), size },
            Err(error) => {
                remove_quietly(&tmp);
                return Err(error);
            }
        };
        self.written.push(Written { tmp, file: file.clone() });
        Ok(file)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for written in &self.written {
            remove_quietly(&written.tmp);
        }
    }
}

/// Which side of a copy failed.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

impl CopyError {
    fn named(&self, from: &Path, to: &Path) -> StoreError {
        match self {
            Self::Read(error) => StoreError::io(from, error),
            Self::Write(error) => StoreError::io(to, error),
        }
    }
}

fn copy(mut from: impl Read, hasher: &mut blake3::Hasher, mut to: impl Write) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                to.write_all(&buffer[..read]).map_err(CopyError::Write)?;
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn check(hash: &str, found: &blake3::Hash) -> Result<(), StoreError> {
    let found = found.to_hex();
    if found.as_str() == hash {
        return Ok(());
    }
    Err(StoreError::FileDamaged { hash: hash.to_owned(), detail: format!("its bytes have the hash {found}") })
}

/// Makes a folder; says whether it was not there.
fn create_folder(folder: &Path) -> Result<bool, StoreError> {
    match fs::create_dir(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io(folder, &error)),
    }
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

fn remove_quietly(tmp: &Path) {
    // What stays is removed by the next start.
    let _ = fs::remove_file(tmp);
}

fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |error| StoreError::io(&path, &error)
}

fn missing_or(path: &Path, hash: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::FileMissing { hash: hash.to_owned() },
        _ => StoreError::io(path, error),
    }
}

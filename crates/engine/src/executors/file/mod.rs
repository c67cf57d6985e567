//! Acts on files of the project (`file`).
//!
//! All of it happens inside the project's folder ([`beneath`]), and each act may be repeated after a crash in the
//! middle of it: a file is written under another name and takes its place whole ([`put`]); what was moved is not
//! moved again; what is gone need not be removed.

mod beneath;
mod put;
mod request;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fsync, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use serde_json::{Value, json};
use stead_core::effect::{AttemptResult, ErrorKind, Execute};
use stead_store::files::FileStore;

use super::content;
use crate::executor::{Control, Executor, Place, Slot, ended_early, failed};
use crate::limits::FileLimits;
use crate::logs::size_text;
use crate::redact::Redaction;

use beneath::{Found, Lost, Root, Take};
use put::{Content, Unwritten, put};
use request::{Parse, Request, Source};

/// Permissions of a file that is new, less the mask of the process.
const NEW: u32 = 0o666;

/// Performs `file`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileExecutor {
    limits: FileLimits,
}

impl FileExecutor {
    /// With other limits.
    #[must_use]
    pub fn with_limits(limits: FileLimits) -> Self {
        Self { limits }
    }
}

impl Executor for FileExecutor {
    fn name(&self) -> &'static str {
        "file"
    }

    fn slot(&self) -> Slot {
        Slot::Connection
    }

    fn perform(&self, job: &Execute, place: &Place, control: &dyn Control) -> AttemptResult {
        let act = Act { limits: &self.limits, job, place, control };
        match act.perform() {
            Ok(output) => AttemptResult { output: Some(output), ..AttemptResult::default() },
            Err(Failure::Ended) => match control.ended() {
                Some(reason) => ended_early(reason),
                None => failed(ErrorKind::Cancelled, "ended".to_owned()),
            },
            Err(Failure::Exit(message)) => failed(ErrorKind::Exit, message),
            Err(Failure::Schema(message)) => failed(ErrorKind::Schema, message),
        }
    }
}

/// Why an act failed.
enum Failure {
    Ended,
    Exit(String),
    Schema(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Exit(message)
    }
}

/// One attempt.
struct Act<'a> {
    limits: &'a FileLimits,
    job: &'a Execute,
    place: &'a Place,
    control: &'a dyn Control,
}

impl Act<'_> {
    fn perform(&self) -> Result<Value, Failure> {
        let request = Request::read(&self.job.request)?;
        if self.control.ended().is_some() {
            return Err(Failure::Ended);
        }
        // Files by hash stand in the home.
        let root = Root::open(&self.place.project, self.place.files.parent())?;
        match request {
            Request::Read { from, parse } => self.read(&root, &from, parse),
            Request::Write { path, content } => self.write(&root, path, &content),
            Request::Copy { from: Source::Path(from), to } => self.copy(&root, from, to),
            Request::Copy { from: Source::Hash { hash, .. }, to } => self.take_out(&root, hash, to),
            Request::Move { from, to } => self.rename(&root, from, to),
            Request::Delete { paths } => delete(&root, &paths),
        }
    }

    fn read(&self, root: &Root, from: &Source<'_>, parse: Parse) -> Result<Value, Failure> {
        let (name, what, mut file) = match from {
            Source::Path(path) => {
                let (found, file) = open(root, path)?;
                (found.name.to_string_lossy().into_owned(), format!("`{path}`"), file)
            }
            Source::Hash { hash, name } => {
                ((*name).to_owned(), format!("the file `{name}`"), self.kept(hash)?)
            }
        };
        let unread = |error: &dyn std::fmt::Display| format!("{what} cannot be read: {error}");
        let size = file.metadata().map_err(|error| unread(&error))?.len();
        if parse == Parse::File {
            if size > self.limits.file {
                return Err(format!("{what} is larger than {}", size_text(self.limits.file)).into());
            }
            let store = FileStore::attach(&self.place.files);
            // What is added while it is read is not taken.
            let kept = store.put_from(file.take(self.limits.file)).map_err(|error| unread(&error))?;
            let path = store.path(&kept.hash).map_err(|error| unread(&error))?;
            let path = path.to_string_lossy();
            return Ok(json!({"path": path, "name": name, "hash": kept.hash, "size": kept.size}));
        }
        let limit = self.limits.read;
        let mut bytes = Vec::new();
        (&mut file).take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        if bytes.len() > limit {
            let most = size_text(limit as u64);
            return Err(format!("{what} is larger than {most}: take it as a file, `parse: file`").into());
        }
        let help = "read it by `parse: base64`, or take it by `parse: file`";
        match parse {
            Parse::Text => content::text(&what, bytes, help).map(Value::String),
            Parse::Lines => content::text(&what, bytes, help).map(|text| content::lines(&text)),
            Parse::Json => content::json(&what, &bytes, &Redaction::default()),
            Parse::Base64 | Parse::File => Ok(Value::String(BASE64.encode(&bytes))),
        }
        .map_err(Failure::Schema)
    }

    /// A file by hash.
    fn kept(&self, hash: &str) -> Result<File, String> {
        let path = FileStore::attach(&self.place.files).path(hash).map_err(|error| error.to_string())?;
        File::open(&path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
    }

    fn write(&self, root: &Root, path: &str, content: &request::Content<'_>) -> Result<Value, Failure> {
        let bytes: Cow<'_, [u8]> = match content {
            request::Content::Value(Value::String(text)) => text.as_bytes().into(),
            request::Content::Value(value) => value.to_string().into_bytes().into(),
            request::Content::Base64(text) => {
                // As it comes from programs: in lines.
                let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                let bytes = BASE64.decode(text);
                bytes
                    .map_err(|error| {
                        Failure::Schema(format!("what `{path}` is to hold is not base64: {error}"))
                    })?
                    .into()
            }
        };
        self.put(root, path, Content { from: &mut &*bytes, mode: NEW, limit: self.limits.file, hash: None })
    }

    fn copy(&self, root: &Root, from: &str, to: &str) -> Result<Value, Failure> {
        let (_, mut file) = open(root, from)?;
        let mode = file.metadata().map(|known| std::os::unix::fs::PermissionsExt::mode(&known.permissions()));
        let mode = mode.map_err(|error| format!("`{from}` cannot be read: {error}"))?;
        self.put(root, to, Content { from: &mut file, mode, limit: self.limits.file, hash: None })
    }

    /// A copy of a file by hash in the project.
    fn take_out(&self, root: &Root, hash: &str, to: &str) -> Result<Value, Failure> {
        let mut file = self.kept(hash)?;
        self.put(root, to, Content { from: &mut file, mode: NEW, limit: self.limits.file, hash: Some(hash) })
    }

    fn put(&self, root: &Root, to: &str, content: Content<'_>) -> Result<Value, Failure> {
        let place = find(root, to, Take::Target)?;
        match put(&place, content, &self.job.key, self.control) {
            Ok(size) => Ok(made(&place, size)),
            Err(Unwritten::Ended) => Err(Failure::Ended),
            Err(Unwritten::Failed(why)) => Err(format!("`{to}` cannot be written: {why}").into()),
        }
    }

    fn rename(&self, root: &Root, from: &str, to: &str) -> Result<Value, Failure> {
        let target = find(root, to, Take::TargetName)?;
        let source = match root.find(from, Take::Name) {
            Ok(found) => Some(found),
            Err(Lost::Missing) => None,
            Err(Lost::Refused(why)) => return Err(why.into()),
        };
        let source = source.filter(|source| kind_of(source).is_some());
        let Some(source) = source else {
            return match (self.job.again, size_of(&target)) {
                // The try that was lost did it.
                (true, Some(size)) => Ok(made(&target, size)),
                (false, Some(_)) => {
                    Err(format!("there is no `{from}` to be moved, and `{to}` is there already").into())
                }
                (_, None) => Err(format!("there is no `{from}` to be moved").into()),
            };
        };
        let say = |why: &dyn std::fmt::Display| format!("`{from}` cannot be moved to `{to}`: {why}");
        match renameat(&source.folder, &source.name, &target.folder, &target.name) {
            Ok(()) => {}
            // Another file system is mounted in the project: the file goes there whole before it goes here.
            Err(Errno::XDEV) if kind_of(&source) == Some(FileType::RegularFile) => {
                self.copy(root, from, to)?;
                unlinkat(&source.folder, &source.name, AtFlags::empty()).map_err(|error| say(&error))?;
            }
            Err(Errno::XDEV) => return Err(say(&"it is on another file system: move it by a program").into()),
            Err(error) => return Err(say(&error).into()),
        }
        for folder in [&target.folder, &source.folder] {
            fsync(folder).map_err(|error| say(&error))?;
        }
        Ok(made(&target, size_of(&target).unwrap_or_default()))
    }
}

/// Removes files. All are looked at before the first is removed.
fn delete(root: &Root, paths: &[&str]) -> Result<Value, Failure> {
    let mut doomed = Vec::new();
    for path in paths {
        let found = match root.find(path, Take::Name) {
            Ok(found) => Some(found),
            Err(Lost::Missing) => None,
            Err(Lost::Refused(why)) => return Err(why.into()),
        };
        match found.as_ref().and_then(kind_of) {
            Some(FileType::Directory) => {
                let why = format!(
                    "`{path}` is a folder, and a file step removes files only: name them, or run `rm -r`"
                );
                return Err(why.into());
            }
            Some(_) => doomed.extend(found.map(|found| (path, found))),
            // Nothing is there, as it should be. Whoever meant a pattern would be told that all is well.
            None if path.contains(['*', '?']) => {
                return Err(format!(
                    "there is no `{path}`, and a file step takes no patterns: name each file"
                )
                .into());
            }
            None => {}
        }
    }
    for (path, found) in &doomed {
        let say = |error: Errno| format!("`{path}` cannot be removed: {error}");
        match unlinkat(&found.folder, &found.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(say(error).into()),
        }
        fsync(&found.folder).map_err(say)?;
    }
    Ok(Value::Null)
}

fn find(root: &Root, path: &str, take: Take) -> Result<Found, String> {
    root.find(path, take).map_err(|lost| match lost {
        Lost::Missing => missing(path),
        Lost::Refused(why) => why,
    })
}

fn missing(path: &str) -> String {
    format!("there is no `{path}` in the project's folder")
}

/// Opens a file for reading, without waiting whatever it is.
fn open(root: &Root, path: &str) -> Result<(Found, File), String> {
    let found = find(root, path, Take::Existing)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = openat(&found.folder, &found.name, flags, Mode::empty());
    let file: File = match opened {
        Ok(file) => file.into(),
        Err(Errno::NOENT) => return Err(missing(path)),
        Err(error) => return Err(format!("`{path}` cannot be read: {error}")),
    };
    let known = file.metadata().map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    if known.is_dir() {
        return Err(format!("`{path}` is a folder, and a file step reads and copies files"));
    }
    if !known.is_file() {
        return Err(format!("`{path}` is no regular file"));
    }
    Ok((found, file))
}

/// What is there under the name itself.
fn kind_of(found: &Found) -> Option<FileType> {
    let stat = statat(&found.folder, &found.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

fn size_of(found: &Found) -> Option<u64> {
    let stat = statat(&found.folder, &found.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    u64::try_from(stat.st_size).ok()
}

/// The output of what made a file.
fn made(place: &Found, size: u64) -> Value {
    json!({"path": place.path, "name": place.name.to_string_lossy(), "size": size})
}

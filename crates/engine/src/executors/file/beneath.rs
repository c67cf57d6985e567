//! Finding files of the project, and never one outside of it.
//!
//! A path is walked from the open folder of the project, one name at a time, and each name is looked up in the
//! folder that was opened before it: what somebody changes meanwhile leads nowhere else. Links are followed by
//! hand, so a link or a `..` that leads out is seen before anything outside is touched.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::limits::{FILE_DEPTH, FILE_LINKS};

/// The folder of the project.
pub(super) struct Root {
    folder: OwnedFd,
    /// Its path as the run has it, and as the system has it.
    paths: [PathBuf; 2],
    /// The home of the engine, which steps keep out of.
    home: Option<Stat>,
}

/// A name in a folder of the project. Whether there is something of that name is another matter.
pub(super) struct Found {
    pub(super) folder: OwnedFd,
    pub(super) name: OsString,
    /// The path from the project's folder, links resolved.
    pub(super) path: String,
}

/// Why there is no such place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// A folder on the way is not there.
    Missing,
    /// Anything else, as a message.
    Refused(String),
}

/// How a path is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// What is there, links followed.
    Existing,
    /// As [`Existing`](Self::Existing), and folders on the way are made.
    Target,
    /// The name itself: of a link the link.
    Name,
    /// As [`Name`](Self::Name), and folders on the way are made.
    TargetName,
}

impl Root {
    /// Opens the folder of the project. `home` is the folder of the engine.
    pub(super) fn open(project: &Path, home: Option<&Path>) -> Result<Self, String> {
        let say = |why: &dyn std::fmt::Display| {
            format!("the project's folder `{}` cannot be opened: {why}", project.display())
        };
        let real = project.canonicalize().map_err(|error| say(&error))?;
        let folder = rustix::fs::open(&real, FOLDER, Mode::empty()).map_err(|error| say(&error))?;
        let home = home.and_then(|home| rustix::fs::stat(home).ok());
        Ok(Self { folder, paths: [project.to_owned(), real], home })
    }

    /// Walks a path to the folder of its last name.
    pub(super) fn find(&self, path: &str, take: Take) -> Result<Found, Lost> {
        let mut walk = Walk { root: self, named: path, folders: Vec::new(), names: Vec::new(), links: 0 };
        let mut parts = walk.enter(Path::new(path))?;
        if path.is_empty() || path.contains('\0') {
            return walk.refused("is no path");
        }
        if path.ends_with('/') && matches!(take, Take::Target | Take::TargetName) {
            return walk.refused("ends in `/`: name the file, too");
        }
        while let Some(part) = parts.pop_front() {
            if part == ".." {
                walk.up()?;
                continue;
            }
            let last = parts.is_empty();
            let follows = matches!(take, Take::Existing | Take::Target);
            if (!last || follows)
                && let Some(link) = walk.link(&part)?
            {
                let mut target = walk.enter(&link)?;
                target.extend(parts);
                parts = target;
                continue;
            }
            if last {
                return walk.end(part);
            }
            walk.down(part, matches!(take, Take::Target | Take::TargetName))?;
        }
        walk.refused("names a folder")
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A walk under way.
struct Walk<'a> {
    root: &'a Root,
    /// The path as it was given, for messages.
    named: &'a str,
    folders: Vec<OwnedFd>,
    names: Vec<OsString>,
    links: usize,
}

impl Walk<'_> {
    fn here(&self) -> &OwnedFd {
        self.folders.last().unwrap_or(&self.root.folder)
    }

    fn refused<T>(&self, why: &str) -> Result<T, Lost> {
        Err(Lost::Refused(format!("`{}` {why}", self.named)))
    }

    fn failed<T>(&self, error: Errno) -> Result<T, Lost> {
        match error {
            Errno::NOENT => Err(Lost::Missing),
            Errno::NOTDIR | Errno::LOOP => self.refused("leads through something that is no folder"),
            error => self.refused(&format!("cannot be reached: {error}")),
        }
    }

    /// The names of a path. One from the system's root begins anew in the project, or is refused.
    fn enter(&mut self, path: &Path) -> Result<VecDeque<OsString>, Lost> {
        let mut path = path;
        if path.is_absolute() {
            let inside = self.root.paths.iter().find_map(|root| path.strip_prefix(root).ok());
            let Some(inside) = inside else { return self.outside() };
            path = inside;
            self.folders.clear();
            self.names.clear();
        }
        let parts = path.as_os_str().as_bytes().split(|&b| b == b'/');
        Ok(parts
            .filter(|part| !part.is_empty() && *part != b".")
            .map(|p| OsStr::from_bytes(p).into())
            .collect())
    }

    fn outside<T>(&self) -> Result<T, Lost> {
        self.refused("leads out of the project's folder: a file step stays in it")
    }

    fn up(&mut self) -> Result<(), Lost> {
        self.names.pop();
        if self.folders.pop().is_none() { self.outside() } else { Ok(()) }
    }

    /// Where the link of this name leads; none: it is no link.
    fn link(&mut self, name: &OsStr) -> Result<Option<PathBuf>, Lost> {
        match readlinkat(self.here(), name, Vec::new()) {
            Ok(target) => {
                self.links += 1;
                if self.links > FILE_LINKS {
                    return self.refused("leads through too many links");
                }
                Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes()))))
            }
            // What it is then, or why not, is seen when it is opened.
            Err(Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(error) => self.failed(error),
        }
    }

    /// Into a folder, which is made if it is missing and `make`.
    fn down(&mut self, name: OsString, make: bool) -> Result<(), Lost> {
        if self.folders.len() >= FILE_DEPTH {
            return self.refused(&format!("leads through more than {FILE_DEPTH} folders"));
        }
        let open = || openat(self.here(), &name, FOLDER, Mode::empty());
        let opened = match open() {
            Err(Errno::NOENT) if make => {
                match mkdirat(self.here(), &name, Mode::from_raw_mode(0o777)) {
                    Ok(()) => rustix::fs::fsync(self.here()).or_else(|error| self.failed(error))?,
                    Err(Errno::EXIST) => {}
                    Err(error) => return self.failed(error),
                }
                open()
            }
            other => other,
        };
        let folder = opened.or_else(|error| self.failed(error))?;
        let stat = fstat(&folder).or_else(|error| self.failed(error))?;
        self.check_home(&stat)?;
        self.folders.push(folder);
        self.names.push(name);
        Ok(())
    }

    /// The folder of the engine is nobody's business but its own.
    fn check_home(&self, stat: &Stat) -> Result<(), Lost> {
        let home = self.root.home.as_ref();
        if home.is_some_and(|home| (home.st_dev, home.st_ino) == (stat.st_dev, stat.st_ino)) {
            let why = "leads to where Stead keeps its runs, which no step touches: give an input or output that is a \
                       file as a whole, not its `path`";
            return self.refused(why);
        }
        Ok(())
    }

    fn end(mut self, name: OsString) -> Result<Found, Lost> {
        if let Ok(stat) = statat(self.here(), &name, AtFlags::SYMLINK_NOFOLLOW) {
            self.check_home(&stat)?;
        }
        let names = self.names.iter().chain([&name]).map(|name| name.to_string_lossy());
        let path = names.collect::<Vec<_>>().join("/");
        let folder = match self.folders.pop() {
            Some(folder) => folder,
            None => match self.root.folder.try_clone() {
                Ok(folder) => folder,
                Err(error) => return self.refused(&format!("cannot be reached: {error}")),
            },
        };
        Ok(Found { folder, name, path })
    }
}

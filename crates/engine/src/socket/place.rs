//! Where the socket of a home is.
//!
//! `socket` in the home's folder. The address of a socket has room for about a hundred bytes, and not every file
//! system can hold one: where it cannot be there, it is in a private folder of the user, under a name made of the
//! home's. Either way the lock file says where, so that nobody has to guess.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use stead_platform::peer;
use stead_store::lock::{Holder, HomeLock};

use crate::error::EngineError;
use crate::home::Home;

/// Name of the socket in a home.
const NAME: &str = "socket";

/// Listens, and says where in the lock file. What a dead engine left is taken away first: whoever has the lock is
/// the only one who may listen.
pub(crate) fn listen(home: &Home, lock: &mut HomeLock) -> Result<(UnixListener, PathBuf), EngineError> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    listen_with(home, lock, &private_folder(variable("XDG_RUNTIME_DIR")))
}

fn listen_with(
    home: &Home,
    lock: &mut HomeLock,
    private: &Path,
) -> Result<(UnixListener, PathBuf), EngineError> {
    let root = std::path::absolute(home.root()).map_err(|e| cannot(home.root(), &e))?;
    let (own, short) = (root.join(NAME), private.join(short_name(&root)));
    if let Some(before) = lock.socket_before() {
        for stale in [&own, &short].into_iter().filter(|path| *path == before) {
            remove_stale(stale).map_err(|e| cannot(stale, &e))?;
        }
    }
    let bound = match bind(&own) {
        Err(error) if goes_elsewhere(&own, &error) => {
            make_private(private).map_err(|e| cannot(private, &e))?;
            bind(&short).map(|listener| (listener, short.clone())).map_err(|e| cannot(&short, &e))
        }
        other => other.map(|listener| (listener, own.clone())).map_err(|e| cannot(&own, &e)),
    }?;
    lock.listens(&bound.1)?;
    Ok(bound)
}

/// Connects to the engine of a home. `None`: nobody listens there, for now.
pub(crate) fn connect(home: &Home) -> Result<Option<(UnixStream, Holder)>, EngineError> {
    let Some(holder) = HomeLock::holder(home.root()) else { return Ok(None) };
    let Some(path) = &holder.socket else { return Ok(None) };
    match peer::connect(path) {
        Ok(stream) => {
            if let Some(user) = peer::user_of(&stream).filter(|user| *user != peer::own_user()) {
                let why = format!("it belongs to user {user}");
                return Err(EngineError::Socket { path: path.display().to_string(), why });
            }
            Ok(Some((stream, holder)))
        }
        // Gone, going, or so busy that nobody is let in.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::WouldBlock
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(cannot(path, &error)),
    }
}

fn cannot(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Socket { path: path.display().to_string(), why: error.to_string() }
}

/// Whether the home's folder cannot hold a socket, which another folder may.
fn goes_elsewhere(path: &Path, error: &io::Error) -> bool {
    use rustix::io::Errno;
    if !peer::fits(path) {
        return true;
    }
    let none = [Errno::PERM, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::INVAL, Errno::NOSYS];
    none.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    if !peer::fits(path) {
        return Err(io::Error::from(rustix::io::Errno::NAMETOOLONG));
    }
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    // Until here the rights are those of the process's mask. Nobody is let in before this function returns, and the
    // user at the other end is looked at then.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Takes a socket away, and nothing else.
pub(super) fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::other("something else has this name; move it away")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A folder of this user only, with a short name.
fn private_folder(runtime: Option<PathBuf>) -> PathBuf {
    let runtime = runtime.filter(|path| path.is_absolute() && path.is_dir()).map(|path| path.join("stead"));
    runtime
        .filter(|path| peer::fits(&path.join(short_name(Path::new("/")))))
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/stead-{}", peer::own_user())))
}

fn short_name(root: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let hash = blake3::hash(root.as_os_str().as_bytes()).to_hex();
    format!("{}.sock", &hash[..16])
}

/// Makes the folder, and makes sure that it is ours alone: anybody may make one of this name in `/tmp`.
fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != peer::own_user() {
        return Err(io::Error::other("it belongs to somebody else"));
    }
    if found.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    fn home(root: &Path) -> Home {
        let home = Home::at(root);
        home.make().unwrap();
        home
    }

    fn take(home: &Home) -> HomeLock {
        HomeLock::take(home.root(), "test", 1).unwrap()
    }

    #[test]
    fn it_is_in_the_home_and_for_this_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("home"));
        let mut lock = take(&home);
        let (_listener, path) = listen_with(&home, &mut lock, &folder.path().join("private")).unwrap();
        assert_eq!(path, home.root().join("socket"));
        assert_eq!(mode(&path), 0o600);
        assert!(!folder.path().join("private").exists());
        let (_stream, holder) = connect(&home).unwrap().unwrap();
        assert_eq!(holder.pid, std::process::id());
    }

    #[test]
    fn a_home_with_a_long_path_has_it_in_a_private_folder() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("x".repeat(120)));
        let private = folder.path().join("private");
        std::fs::create_dir(&private).unwrap();
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut lock = take(&home);
        let (_listener, path) = listen_with(&home, &mut lock, &private).unwrap();
        assert_eq!(path.parent(), Some(&*private));
        assert_eq!((mode(&private), mode(&path)), (0o700, 0o600));
        assert!(connect(&home).unwrap().is_some());
    }

    #[test]
    fn what_a_dead_engine_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("home"));
        let private = folder.path().join("private");
        let mut lock = take(&home);
        let (listener, path) = listen_with(&home, &mut lock, &private).unwrap();
        // As after kill -9: socket and words are there, nobody listens.
        let words = std::fs::read(lock.path()).unwrap();
        drop((listener, lock));
        std::fs::write(home.root().join("lock"), words).unwrap();
        assert!(path.exists());
        assert!(connect(&home).unwrap().is_none(), "nobody listens");
        let mut lock = take(&home);
        let (_listener, again) = listen_with(&home, &mut lock, &private).unwrap();
        assert_eq!(again, path);
        assert!(connect(&home).unwrap().is_some());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder.path().join("home"));
        std::fs::write(home.root().join("socket"), "mine").unwrap();
        let mut lock = take(&home);
        let error = listen_with(&home, &mut lock, &folder.path().join("private")).unwrap_err();
        assert_eq!(error.code(), "R0303");
        assert!(error.to_string().contains("something else has this name"), "{error}");
        assert_eq!(std::fs::read_to_string(home.root().join("socket")).unwrap(), "mine");
    }

    #[test]
    fn a_private_folder_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(make_private(&link).is_err());
        assert_eq!(private_folder(None), PathBuf::from(format!("/tmp/stead-{}", peer::own_user())));
        assert_eq!(private_folder(Some(folder.path().into())), folder.path().join("stead"));
        assert!(private_folder(Some(folder.path().join("y".repeat(90)))).starts_with("/tmp"));
    }
}

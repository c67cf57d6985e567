//! Sockets within a machine: connecting without waiting, and who is at the other end.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects. [`io::ErrorKind::WouldBlock`] when so many wait to be let in already that the system has no place for
/// another: whoever listens there does not come to it.
///
/// # Errors
/// As the system says.
#[cfg(target_os = "linux")]
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Connects; waits when many do.
///
/// # Errors
/// As the system says.
#[cfg(not(target_os = "linux"))]
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

/// Whether a path is short enough for the address of a socket.
pub fn fits(path: &Path) -> bool {
    rustix::net::SocketAddrUnix::new(path).is_ok()
}

/// The user whose process is at the other end, as the kernel says. `None` on a system that does not tell: there
/// the rights of the socket's file and folder are all there is.
#[cfg(target_os = "linux")]
pub fn user_of(stream: &UnixStream) -> Option<u32> {
    rustix::net::sockopt::socket_peercred(stream).ok().map(|peer| peer.uid.as_raw())
}

/// Not told on this system.
#[cfg(not(target_os = "linux"))]
pub fn user_of(_stream: &UnixStream) -> Option<u32> {
    None
}

/// The process at the other end: the one that connected or listened, whoever holds the socket now.
#[cfg(target_os = "linux")]
pub fn process_of(stream: &UnixStream) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

/// Not told on this system.
#[cfg(not(target_os = "linux"))]
pub fn process_of(_stream: &UnixStream) -> Option<u32> {
    None
}

/// The user of this process.
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_lets_nobody_in_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 1).unwrap();
        let mut waiting = Vec::new();
        let full = loop {
            match connect(&path) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock, "after {}", waiting.len());
        assert!(fits(&path));
        assert!(!fits(&folder.path().join("x".repeat(108))));
    }

    #[test]
    fn both_ends_of_a_pair_are_ours() {
        let (one, other) = UnixStream::pair().unwrap();
        for end in [one, other] {
            assert_eq!(user_of(&end), Some(own_user()));
            assert_eq!(process_of(&end), Some(std::process::id()));
        }
    }
}

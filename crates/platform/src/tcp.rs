//! Whose process is at the other end of a connection within this machine.
//!
//! A socket of TCP does not say it, as one of a file system does; the system's table of connections does.

use std::net::SocketAddr;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpPeer {
    /// The user.
    pub user: u32,
    /// The process that holds the socket; `None` where it does not let itself be looked into, or has ended.
    pub process: Option<u32>,
}

/// Whether this system tells it.
pub const TOLD: bool = cfg!(target_os = "linux");

/// Who has connected from an address of this machine to one of ours. `None` when there is no such connection (any more).
#[cfg(target_os = "linux")]
pub fn peer(theirs: SocketAddr, ours: SocketAddr) -> Option<TcpPeer> {
    let row = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let text = std::fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| row(line).filter(|row| row.between(theirs, ours)))
    })?;
    Some(TcpPeer { user: row.user, process: holder(row.inode) })
}

/// Not told on this system.
#[cfg(not(target_os = "linux"))]
pub fn peer(_theirs: SocketAddr, _ours: SocketAddr) -> Option<TcpPeer> {
    None
}

/// A connection in the system's table.
#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    user: u32,
    inode: u64,
}

#[cfg(target_os = "linux")]
impl Row {
    fn between(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        // A socket of IPv6 may have an address of IPv4 within.
        let same = |a: SocketAddr, b: SocketAddr| {
            (a.ip().to_canonical(), a.port()) == (b.ip().to_canonical(), b.port())
        };
        same(self.local, local) && same(self.remote, remote)
    }
}

#[cfg(target_os = "linux")]
fn row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    // State, queues, timer, retransmissions.
    let user = words.nth(4)?.parse().ok()?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(Row { local, remote, user, inode })
}

/// An address as the table has it: words of 32 bits as this machine writes them, in hexadecimal, and a port.
#[cfg(target_os = "linux")]
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in ip.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    match bytes.len() {
        4 => Some((<[u8; 4]>::try_from(bytes).ok()?, port).into()),
        16 => Some((<[u8; 16]>::try_from(bytes).ok()?, port).into()),
        _ => None,
    }
}

/// The process that has a socket open; of several the lowest number, which mostly has made it.
#[cfg(target_os = "linux")]
fn holder(inode: u64) -> Option<u32> {
    let wanted = format!("socket:[{inode}]");
    let named =
        |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<u32>().ok();
    let mut processes: Vec<u32> = std::fs::read_dir("/proc").ok()?.filter_map(named).collect();
    processes.sort_unstable();
    let holds = |process: &u32| {
        let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str()))
    };
    processes.into_iter().find(holds)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_of_our_own_is_ours() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            // A machine may have no IPv6.
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_accepted, theirs) = listener.accept().unwrap();
            let found = peer(theirs, listener.local_addr().unwrap()).unwrap();
            assert_eq!(found, TcpPeer { user: crate::peer::own_user(), process: Some(std::process::id()) });
            let other = SocketAddr::new(theirs.ip(), theirs.port() ^ 1);
            assert_eq!(peer(other, stream.local_addr().unwrap()), None);
        }
    }

    #[test]
    fn a_row_of_the_table_is_read() {
        let line = "   1: 0100007F:E0C2 0100007F:1E14 01 00000000:00000000 00:00000000 00000000  1000        0 48211 1 000 20 4";
        let read = row(line).unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(
                (read.local, read.remote),
                ("127.0.0.1:57538".parse().unwrap(), "127.0.0.1:7700".parse().unwrap())
            );
        }
        assert_eq!((read.user, read.inode), (1000, 48211));
        assert_eq!(row("  sl  local_address rem_address   st tx_queue"), None);
    }
}

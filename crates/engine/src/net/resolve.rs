//! From the name of a server to a connection.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::policy::NetworkPolicy;
use super::url::Url;
use super::wire::wait;

/// Looks names up.
pub(crate) trait Resolve: Send + Sync {
    /// The addresses of a host.
    ///
    /// # Errors
    /// When it has none, or nobody can be asked.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// As the system does: its hosts file, its name servers.
pub(super) struct OfSystem;

impl Resolve for OfSystem {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// The policy forbids it: it would be the same the next time.
    Refused(String),
    /// The network did not give one.
    Failed(String),
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NoConnection {}

/// Connects to a server, within a time and unless `end` becomes readable first.
///
/// Looking a name up cannot be broken off, so it is done by a thread of its own, which is left to itself when nobody
/// waits any more; what it still connects to is closed at once.
pub(super) fn connect(
    url: &Url,
    resolver: &Arc<dyn Resolve>,
    policy: NetworkPolicy,
    end: BorrowedFd<'_>,
    until: Instant,
) -> Result<TcpStream, NoConnection> {
    let failed = |error: io::Error| NoConnection::Failed(format!("cannot connect: {error}"));
    let (read, write) = io::pipe().map_err(failed)?;
    let (tell, told) = sync_channel(1);
    let (host, port, resolver) = (url.host().to_owned(), url.port(), resolver.clone());
    let work = move || {
        // Nobody may be there any more.
        let _ = tell.send(reach(&host, port, &*resolver, policy, until));
        drop(write);
    };
    std::thread::Builder::new().name("connect".to_owned()).spawn(work).map_err(failed)?;
    wait(read.as_fd(), rustix::event::PollFlags::IN, end, Some(until)).map_err(|error| {
        NoConnection::Failed(match error.kind() {
            io::ErrorKind::TimedOut => format!("no connection to `{}` came about in time", url.host()),
            _ => error.to_string(),
        })
    })?;
    told.recv().unwrap_or_else(|_| Err(NoConnection::Failed("the thread that connects is gone".to_owned())))
}

fn reach(
    host: &str,
    port: u16,
    resolver: &dyn Resolve,
    policy: NetworkPolicy,
    until: Instant,
) -> Result<TcpStream, NoConnection> {
    let addresses = resolver
        .resolve(host, port)
        .map_err(|error| NoConnection::Failed(format!("the name `{host}` cannot be looked up: {error}")))?;
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in addresses {
        match policy.check(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(what) => refused = refused.or_else(|| Some((address.ip(), what))),
        }
    }
    let mut last = match (&refused, allowed.is_empty()) {
        (Some((address, what)), true) => {
            let why = format!("`{host}` is {what} ({address}), which steps may not call here");
            return Err(NoConnection::Refused(why));
        }
        _ => format!("the name `{host}` has no address"),
    };
    for (at, address) in allowed.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        // What is left is shared, so that one address that does not answer leaves time for the others.
        let share = left / u32::try_from(allowed.len() - at).unwrap_or(u32::MAX);
        let connected = TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)));
        let stream = connected.and_then(|stream| {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("cannot connect to `{host}` at {address}: {error}"),
        }
    }
    Err(NoConnection::Failed(last))
}

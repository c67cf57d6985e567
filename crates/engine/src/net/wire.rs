//! What a call is spoken over: a connection that breaks off as soon as the attempt is to end.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::{ClientConnection, StreamOwned};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

/// Waits until a descriptor is ready.
///
/// # Errors
/// When `end` became readable or the time is over first.
pub(super) fn wait(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    end: BorrowedFd<'_>,
    until: Option<Instant>,
) -> io::Result<()> {
    loop {
        let mut fds = [PollFd::from_borrowed_fd(fd, flags), PollFd::from_borrowed_fd(end, PollFlags::IN)];
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match poll(&mut fds, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        if !fds[1].revents().is_empty() {
            return Err(io::Error::other("the attempt is to end"));
        }
        if !fds[0].revents().is_empty() {
            return Ok(());
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// A connection without blocking, and what ends it.
pub(super) struct Wire {
    stream: TcpStream,
    end: Arc<OwnedFd>,
    /// Nothing is waited for any longer.
    pub(super) until: Option<Instant>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, end: Arc<OwnedFd>, until: Instant) -> Self {
        Self { stream, end, until: Some(until) }
    }

    fn ready(&self, flags: PollFlags) -> io::Result<()> {
        wait(self.stream.as_fd(), flags, self.end.as_fd(), self.until)
    }
}

/// A connection that breaks is told apart from one that was closed: what came before it is no whole answer.
fn broken(error: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        ConnectionReset | ConnectionAborted => io::Error::other("the server reset the connection"),
        BrokenPipe => io::Error::other("the server closed the connection before it had read the request"),
        _ => error,
    }
}

fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Waited for before each read, so that a server which sends without a pause is broken off, too.
            self.ready(PollFlags::IN)?;
            match self.stream.read(buffer) {
                Err(error) if again(&error) => {}
                other => return other.map_err(broken),
            }
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.ready(PollFlags::OUT)?;
            match self.stream.write(bytes) {
                Err(error) if again(&error) => {}
                other => return other.map_err(broken),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plain, or with TLS over it.
pub(super) enum Stream {
    Plain(Wire),
    Secure(Box<StreamOwned<ClientConnection, Wire>>),
}

impl Stream {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(wire) => wire.read(buffer),
            Self::Secure(stream) => stream.read(buffer).map_err(|error| match error.kind() {
                // Without a goodbye nobody knows whether somebody else has cut it off.
                io::ErrorKind::UnexpectedEof => {
                    io::Error::other("the connection was closed without the goodbye of TLS")
                }
                _ => error,
            }),
        }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(wire) => wire.write_all(bytes),
            Self::Secure(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

/// A connection as `ureq` uses one.
pub(super) struct Link {
    stream: Stream,
    buffers: LazyBuffers,
    /// Bytes that may still be read: the head of an answer is bounded, with all heads that announce it.
    allowance: Arc<AtomicUsize>,
}

impl Link {
    pub(super) fn new(stream: Stream, buffer: usize, allowance: Arc<AtomicUsize>) -> Self {
        Self { stream, buffers: LazyBuffers::new(buffer, buffer), allowance }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Transport for Link {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = &self.buffers.output()[..amount];
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, _timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let allowance = self.allowance.load(Ordering::Relaxed);
        let buffer = self.buffers.input_append_buf();
        if allowance == 0 || buffer.is_empty() {
            return Err(ureq::Error::LargeResponseHeader(0, 0));
        }
        let length = buffer.len().min(allowance);
        let read = self.stream.read(&mut buffer[..length])?;
        self.buffers.input_appended(read);
        // Raised beyond all use once the head is there.
        self.allowance.store(allowance - read, Ordering::Relaxed);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Secure(_))
    }
}

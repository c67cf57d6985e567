//! Standard input: bytes that are written as fast as the program reads them.

use std::os::fd::{AsFd, BorrowedFd};
use std::process::ChildStdin;

use rustix::io::Errno;

/// What is still to be written. The pipe closes when this is dropped.
pub(super) struct Feed {
    pipe: ChildStdin,
    bytes: Vec<u8>,
    written: usize,
}

impl Feed {
    /// Makes writing to the pipe never wait, or a program that does not read would hold up its own output.
    pub(super) fn new(pipe: ChildStdin, bytes: Vec<u8>) -> Option<Self> {
        rustix::io::ioctl_fionbio(&pipe, true).ok()?;
        Some(Self { pipe, bytes, written: 0 })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Writes what fits. Returns whether it is done: all is written, or the program reads no more, which is
    /// its own affair (`head` does it) and no error.
    pub(super) fn write(&mut self) -> bool {
        loop {
            let rest = &self.bytes[self.written..];
            if rest.is_empty() {
                return true;
            }
            match rustix::io::write(&self.pipe, rest) {
                Ok(length) => self.written += length,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                Err(_) => return true,
            }
        }
    }
}

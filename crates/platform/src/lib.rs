//! What differs between operating systems: processes, terminals, the machine.
//!
//! Linux on x86-64 and arm64 is promised and tested. macOS is written for: process groups work there, what
//! needs `/proc` does not, and each item says so. Everything else in the project is plain `std` and POSIX.

pub mod machine;
pub mod own;
pub mod peer;
pub mod process;
pub mod tcp;
pub mod terminal;
pub mod users;

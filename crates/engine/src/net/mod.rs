//! Calls to servers: the one HTTP client of the workspace.
//!
//! The `ureq` crate speaks HTTP/1.1; what it speaks over is here, since three things have to hold for every call:
//! the address that is connected to is checked, and not the name it came from ([`policy`]); an attempt that is
//! to end ends at once, whatever it waits for (`wire`); and nothing is read or waited for without a bound. A call
//! has a connection of its own, which is closed behind it.
//!
//! No proxy is used, and none is taken from the environment: what a step reaches is what its definition names.

mod call;
pub mod policy;
mod resolve;
mod talk;
mod tls;
mod url;
mod wanted;
mod wire;

#[cfg(test)]
pub(crate) use resolve::Resolve;

pub(crate) use call::{Answer, Body, Call, CallError, Client, reason};
pub use policy::NetworkPolicy;
pub(crate) use talk::Talk;
pub(crate) use url::{Url, parameter};

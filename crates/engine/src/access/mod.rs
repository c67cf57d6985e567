//! By what somebody is known who asks from elsewhere: tokens, sessions of browsers, links.
//!
//! Whoever asks as a process of the system's user is known by that (see [`people`](crate::people)). Everybody else
//! brings a secret. A `Proof` is what was found by it; it goes with each operation, and is looked up anew each time, so
//! that what was revoked or has run out counts from the next operation on.

mod audit;
mod error;
mod key;
mod link;
mod operations;
mod password;
mod perform;
mod provider;
mod secret;
mod sign;
mod used;

pub use audit::{AuditQuery, AuditRow};
pub use error::AccessError;
pub(crate) use key::{Proof, held, holder, lets, opened};
pub use link::{LINKS, LinkNow};
pub use operations::{AccessAnswer, AccessOperation, TokenRow};
pub use perform::has_any;
pub(crate) use perform::{ask, means};
pub(crate) use provider::Providers;
pub use provider::{RETURN, check_provider};
pub use secret::Secret;
pub(crate) use used::Used;

//! The people of a home: who they are, who acts, and what they may do.
//!
//! ```text
//! caller ──> admit ──> the operation, with the name of who acts in it
//!              │ who is it?       the system's user, `--as`, what they carry, or the step that has started the process
//!              │ may they?        rights: a role per kind of operation
//! ```
//!
//! Every operation goes through `admit` once, where it is performed: at the engine, or in the process that does it
//! without one. A home to which nobody was ever added refuses nobody but the programs of its own steps.

mod admit;
mod allowed;
mod caller;
mod error;
mod left;
mod operations;
mod perform;
mod rights;
mod seen;
mod who;

pub(crate) use admit::{admit, identity, would_admit};
pub(crate) use allowed::by_rights;
pub(crate) use caller::system_user;
pub use caller::{Caller, Step};
pub use error::PeopleError;
pub use operations::{GroupRow, LeftTask, PeopleAnswer, PeopleOperation, UserRow};
pub(crate) use perform::ask;
pub use rights::{Right, deed, right_of};
pub use who::{actor, who};

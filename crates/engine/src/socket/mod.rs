//! The socket of a home: how other processes reach its engine.
//!
//! The process that holds the home's lock listens; every other command sends its operation there and gets the answer
//! back, the same [`Operation`](crate::operations::Operation) and [`Answer`](crate::operations::Answer) that are used
//! inside (P8). `words` has what is said, `frame` how it is written, `place` where the socket is.
//!
//! ```text
//! client                                     engine
//! hello {protocol, version, pid}         →
//!                                        ←   hello {protocol, version, pid, refused}
//! ask {id, again, operation, caller}     →
//!                                        ←   answer | fault
//! lend {run, environment}                →
//!                                        ←   lent | fault
//! follow {runs, after, caller}           →
//!                                        ←   following
//!                                        ←   written {run, position, seq, at, events} | now {engine}, and so on
//! ```
//!
//! - **An answer that is lost.** An engine that leaves closes connections whose call it did not perform, and one that
//!   is killed says nothing at all. The client asks the next engine `again`, with the same id. The id stands in the
//!   journal as the cause of the turn, so the wish is granted once, whoever died when.
//! - **Followers** have no queue here. A thread per follower is told that there is more and reads it from the store,
//!   as fast as the follower takes it; one who takes nothing is cut off and goes on later from its position.
//! - **Who may.** The socket is for its user only (mode 0600), the kernel says who is at the other end, and another
//!   user is refused by either end. Secrets cross it when a terminal lends them for its own run.

mod client;
mod follower;
mod frame;
mod place;
mod server;
mod words;

pub(crate) use client::Failed;
pub use client::{Client, Followed, Link};
pub(crate) use server::{Listening, Server};
pub(crate) use words::Fault;
pub use words::{PROTOCOL, VERSION};

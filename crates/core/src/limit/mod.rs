//! The stream of a limit: so many places for one key of a project, over all its runs.
//!
//! A run asks by message and waits; a grant, a refusal or a revocation comes back by message. Whoever has ended
//! gives back in the turn that ended it. Each asking has an id, so that a message that comes when it does not
//! matter any more changes nothing.
//!
//! First come, first served. What runs inside of something that has a place (a step in its run, a child run in its
//! step) and asks for the same key uses the place of what is around it, one at a time: it would wait for ever
//! otherwise. A further one beside it asks as anybody does. So those that hold a place with nothing inside of
//! them that holds it too are never more than there are places.
//!
//! | module | what |
//! | --- | --- |
//! | [`event`] | what happened, as the journal has it |
//! | `state` | who has a place and who waits, and the booking of events |
//! | [`turn`](mod@turn) | one input taken |
//! | `words` | what runs and limits say to each other |

pub mod event;
mod state;
pub mod turn;
mod words;

pub use event::Event;
pub use state::{LIMIT_SNAPSHOT_FORMAT, LimitState, Place};
pub use turn::{Input, Turn, turn};
pub use words::{Ask, AskId, ToLimit, ToRun, WhenFull};

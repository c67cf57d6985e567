//! The stream of a schedule: what starts runs of a workflow by itself, at times or by requests.
//!
//! On "time" it settles which instants are due, and what becomes of each by its rules for overlap and for what was missed.
//! A run is started by a message, under an id that is derived from schedule and instant: sent twice, or after any crash,
//! it is one run. The run's end comes back by a message. Which instant is next is reckoned by the turn and stands in an
//! event, so that replay needs no time zones.
//!
//! | module | what |
//! | --- | --- |
//! | [`event`] | what happened, as the journal has it |
//! | `state` | how it stands, and the booking of events |
//! | [`turn`](mod@turn) | one input taken |
//! | `due` | which instants are due |
//! | `words` | what it is, and what lists show |

mod due;
pub mod event;
mod state;
pub mod turn;
mod words;

pub use event::Event;
pub use state::{SCHEDULE_SNAPSHOT_FORMAT, ScheduleState, Status};
pub use turn::{HALTED, HOOK_FULL, HOOK_PAUSED, Input, NOT_ON, Turn, turn};
pub use words::{Cause, Given, Next, OpenRun, Past, SkipWhy, Spec, What};

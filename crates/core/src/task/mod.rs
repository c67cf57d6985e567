//! The stream of a task: what people are asked, and what they say.
//!
//! A run opens a task by message and waits; its one end comes back by message, whatever happens: a decision, answers,
//! a time-out, or that it was withdrawn. Who claims, decides, delegates or is too late is settled here, one input
//! after another, so that each race has one winner and the loser is told which. Gates and questions are tasks of one
//! kind, with [one table of transitions](TaskStatus::takes).
//!
//! A decision is bound to what was shown by its `version`, a hash over all of it. Whether a form fits its schema is
//! looked at before the input is made; who the actor is, with groups and roles, comes with it.
//!
//! | module | what |
//! | --- | --- |
//! | [`event`] | what happened, as the journal has it |
//! | `state` | how the task stands, the table of transitions, the booking of events |
//! | [`turn`](mod@turn) | one input taken |
//! | `words` | what runs and tasks say to each other |

pub mod event;
mod head;
mod state;
pub mod turn;
mod words;

pub use event::Event;
pub use head::{Part, TaskHead};
pub use state::{Asks, Claim, Question, Submission, TASK_SNAPSHOT_FORMAT, Taken, TaskState, TaskStatus};
pub use turn::{Act, Input, Turn, turn};
pub use words::{Asked, Ended, Escalate, OnTimeout, Origin, TaskKind, ToRun, ToTask};

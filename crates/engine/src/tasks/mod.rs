//! What people are asked: inboxes, tasks, and what somebody does about one.
//!
//! A task is named by its id, or as `RUN/STEP`; where a run asks for one thing only, the run is enough. What is handed
//! in is held against the form before anything is written; who may act, and whether it comes too late, the task itself
//! decides, one input after another.

mod act;
mod find;
mod list;
mod operations;
mod show;

pub(crate) use act::{deed_of, written};
pub use operations::{Deed, Eligible, Said, TaskAnswer, TaskNow, TaskOperation, TaskQuery, TaskRow};

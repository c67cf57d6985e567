//! What people are asked: inboxes, tasks, and what somebody does about one.
//!
//! A task is named by its id, or as `RUN/STEP`; where a run asks for one thing only, the run is enough. What is handed
//! in is held against the form before anything is written; who may act, and whether it comes too late, the task itself
//! decides, one input after another. What somebody has begun to fill in is kept as their draft.

mod act;
mod draft;
mod find;
mod left;
mod list;
mod operations;
mod show;

pub(crate) use act::{Wanted, deed_of, is_gone, written};
pub(crate) use draft::draft;
pub use operations::{
    Deed, Draft, DraftNow, Eligible, Said, TaskAnswer, TaskNow, TaskOperation, TaskQuery, TaskRow,
};

//! What is written, told to many as it happens.
//!
//! ```text
//! journal ──(one reader)──> hub ──> mailbox of each subscriber ──> Live::take
//!                                        │ full: emptied           │
//!                                        └── the past is read from the store, up to where the mailbox begins
//! ```
//!
//! A subscriber has a position, and everything up to it was told. One who is slow, or comes back after a while, reads
//! from the store at its own pace and misses nothing; what waits for it in memory is bounded. One thread reads the
//! journal for all, and only while there is somebody.
//!
//! | module | what |
//! | --- | --- |
//! | [`wish`] | what a subscriber wants, and the id from which it goes on |
//! | `hub` | reads the journal, and hands out what it finds |
//! | `mailbox` | what waits for one subscriber |
//! | `past` | what was written before |
//! | `logs` | the log of a step, line by line |
//! | [`subscription`] | one subscriber |

mod hub;
mod logs;
mod mailbox;
mod past;
pub mod subscription;
pub mod wish;

pub(crate) use hub::{Hub, parent_of};
pub use subscription::{Live, Next, Told};
pub use wish::{Cursor, Wish};

//! The stream of a run.
//!
//! | module | what |
//! | --- | --- |
//! | [`event`] | what happened, as the journal has it |
//! | `state`, `apply`, `booking` | records by path, and their booking |
//! | [`turn`](mod@turn) | one input taken: the agenda, the bounds |
//! | `start`, `each` | a step begins; items and iterations of one |
//! | `ends` | something has ended: what follows, what stops |
//! | `attempts`, `budget`, `children`, `signals`, `timers` | one file per kind of thing that is under way |
//! | `documents`, `document_view` | drafts booked as versions, accepted or made anew; what there is and what is stale |
//! | `places` | places shared with other runs: asked for, had, given back |
//! | `reach`, `scope`, `views`, `settings` | what expressions can reach, and what comes of them |
//! | `snapshot` | the state as a cache of the journal |
//! | `allowed` | what may be done about it now |
//! | `fits` | whether what was read back can be |

mod allowed;
mod apply;
mod attempts;
mod booking;
mod budget;
mod children;
mod deciders;
mod document_view;
mod documents;
mod each;
mod ends;
pub mod event;
mod fits;
mod join;
mod lines;
mod machine;
mod pause;
mod people;
mod places;
mod reach;
mod redo;
mod retry;
mod scope;
mod settings;
mod signals;
mod snapshot;
mod start;
mod state;
mod timers;
pub mod turn;
mod unsure;
mod unwind;
mod view;
mod views;

pub use budget::Budget;
pub use children::MessageBody;
pub use document_view::{DocumentNow, DocumentStatus, VersionNow};
pub use documents::Standing;
pub use event::{Event, Parent, StepError};
pub use places::Held;
pub use retry::{Again, Selection};
pub use signals::{Find, Found, SIGNAL_TO_ENDED, SignalNow};
pub use snapshot::{SNAPSHOT_FORMAT, SnapshotError};
pub use state::RunState;
pub use turn::{Ctx, FilePut, Input, Need, Needs, Turn, turn, turn_only};
pub use unsure::Unsure;
pub use view::{Items, StepNow, View};

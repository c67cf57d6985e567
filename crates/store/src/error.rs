//! What can go wrong with a store.

use stead_core::ids::StreamId;

/// Why a store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another engine has taken over.
    #[error("the store was taken over by another engine (fence {newest}, ours is {ours})")]
    Fenced {
        /// The fence of the commit.
        ours: u64,
        /// The newest one.
        newest: u64,
    },
    /// The stream has moved on, or is behind.
    #[error("stream {stream} is at event {actual}, the commit expected {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The next number, as the commit had it.
        expected: u64,
        /// The next number, as the store has it.
        actual: u64,
    },
    /// A message was taken before, or never came.
    #[error("message {id} is not in the inbox of {stream}")]
    NotInInbox {
        /// The stream.
        stream: StreamId,
        /// The message.
        id: String,
    },
}

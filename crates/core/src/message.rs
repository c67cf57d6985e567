//! What one stream sends to another.

use serde::{Deserialize, Serialize};

use crate::ids::StreamId;

/// A message under way: committed with the sender's turn, taken once by a turn of the receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Derived from the sender and the number of the event that sent it: the same turn sends the same ids.
    pub id: String,
    /// Sender.
    pub from: StreamId,
    /// Receiver.
    pub to: StreamId,
    /// What it says: serialised by the core, opaque to stores.
    pub body: serde_json::Value,
}

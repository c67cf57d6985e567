//! What may be done about something as it stands: for those who show it, and for those who were refused.
//!
//! It is asked of the same functions that refuse, so it cannot say something else than they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that may be done, or may not now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allowed {
    /// What: the word of the command and of the route.
    pub action: String,
    /// Whether it may be done, as things stand and by who asks.
    pub allowed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Allowed {
    /// By what is against it.
    pub fn unless(action: &str, why: Option<String>) -> Self {
        Self { action: action.to_owned(), allowed: why.is_none(), why }
    }
}

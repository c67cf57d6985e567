//! Secrets that are carried: drawn, shown once, and known by their hash.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::chance;
use crate::error::EngineError;

/// What all tokens begin with, so that they are found where they should not be.
pub(crate) const TOKEN: &str = "stead_";
/// What all sessions begin with.
pub(crate) const SESSION: &str = "steads_";
/// What all links begin with.
pub(crate) const LINK: &str = "steadl_";

/// A text that is shown to nobody but whom it belongs to. It is not in what is printed of what holds it (P9).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret that was handed in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is: for whom it belongs to.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text that follows from it and for a purpose, and by which nobody comes to it: for forms and headers.
    pub fn derived(&self, purpose: &str) -> String {
        blake3::derive_key(purpose, self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A new one: 256 bits of chance behind what it begins with.
    pub(crate) fn draw(before: &str) -> Result<Self, EngineError> {
        Ok(Self(format!("{before}{}", hex(&chance::<32>()?))))
    }

    /// What is kept of it. Whoever has the hash does not come to the secret, for there is nothing in it to guess.
    pub(crate) fn hash(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex().to_string()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p9_a_secret_is_not_in_what_is_printed() {
        let secret = Secret::draw(TOKEN).unwrap();
        assert_eq!(secret.reveal().len(), TOKEN.len() + 64);
        assert_ne!(secret, Secret::draw(TOKEN).unwrap());
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
        assert!(!secret.reveal().contains(&secret.hash()));
    }
}

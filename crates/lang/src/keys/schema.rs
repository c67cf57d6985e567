//! The JSON Schema of the language.

use serde_json::{Value, json};

/// The JSON Schema of the language, draft 2020-12.
pub fn schema() -> Value {
    json!(true)
}

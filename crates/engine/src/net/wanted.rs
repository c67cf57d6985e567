//! What the settings of a home say of the network.
//!
//! ```yaml
//! network: { private: true }
//! ```

use stead_lang::tree::{self, Node, Shape};

use super::NetworkPolicy;
use crate::error::EngineError;
use crate::home::Home;
use crate::notify::SettingsProblem;
use crate::secrets::{SETTINGS_FILE, read_settings};

impl NetworkPolicy {
    /// For a server that others start runs on: private networks are left alone, unless the settings of the home say
    /// otherwise.
    ///
    /// # Errors
    /// When the settings cannot be read, or say something else.
    pub fn of_server(home: &Home) -> Result<Self, EngineError> {
        let path = home.root().join(SETTINGS_FILE);
        let wrong = |problem: SettingsProblem| EngineError::Settings {
            path: path.display().to_string(),
            problems: vec![problem],
        };
        let text = read_settings(&path).map_err(|error| {
            wrong(SettingsProblem { code: "R0701".into(), line: 1, column: 1, message: error.to_string() })
        })?;
        wanted(text.as_deref().unwrap_or_default()).map_err(wrong)
    }
}

fn wanted(text: &str) -> Result<NetworkPolicy, SettingsProblem> {
    // That it is YAML was looked at with the secrets.
    let document = tree::read("settings", text, &mut Vec::new());
    let Some(said) = document.as_ref().and_then(|document| document.root().get("network")) else {
        return Ok(NetworkPolicy::SERVER);
    };
    let wrong = |node: Node<'_>, code: &str, message: &str| {
        let span = node.span();
        let (code, message) = (code.to_owned(), message.to_owned());
        SettingsProblem { code, line: span.line, column: span.column, message }
    };
    if said.shape() != Shape::Map {
        return Err(wrong(said, "R0703", "`network` is to be a map"));
    }
    if let Some(other) = said.entries().find(|entry| entry.key != "private") {
        return Err(wrong(other.value, "R0702", "`network` has no such key: it has private"));
    }
    let Some(private) = said.get("private") else { return Ok(NetworkPolicy::SERVER) };
    match private.raw() {
        Some("true") => Ok(NetworkPolicy::OWN),
        Some("false") => Ok(NetworkPolicy::SERVER),
        _ => Err(wrong(private, "R0703", "`private` is to be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_called_where_it_is_said_and_nowhere_else() {
        for text in ["", "secrets: {}", "network: {}", "network: { private: false }"] {
            assert_eq!(wanted(text).unwrap(), NetworkPolicy::SERVER, "{text}");
        }
        assert_eq!(wanted("network: { private: true }").unwrap(), NetworkPolicy::OWN);
        for (text, code) in [
            ("network: true", "R0703"),
            ("network: { privat: true }", "R0702"),
            ("network: { private: sometimes }", "R0703"),
            ("network: { private: [true] }", "R0703"),
        ] {
            assert_eq!(wanted(text).unwrap_err().code, code, "{text}");
        }
    }
}

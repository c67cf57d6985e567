//! Actions that the language names and this version does not have. They are refused by name.

use crate::keys::Key;

/// An action that is not in this version.
#[derive(Debug)]
pub struct Later {
    /// The key that says it.
    pub name: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
}

/// Them all.
pub static LATER: &[Later] = &[
    Later { name: "agent", doc: "An agent with a prompt" },
    Later { name: "calc", doc: "A calculation file" },
    Later { name: "task", doc: "The same work to several people or agents" },
    Later { name: "mcp", doc: "A tool of an MCP server" },
];

/// Their keys, as a table of steps.
pub static LATER_KEYS: &[Key] = &{
    let mut keys = [Key::later("", ""); LATER.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = Key::later(LATER[at].name, LATER[at].doc);
        at += 1;
    }
    keys
};

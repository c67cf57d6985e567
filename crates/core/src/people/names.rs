//! Names of users, groups and roles, and the words for what they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::limits;

/// A name as it is compared: in small letters.
pub fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Refuses what cannot be a name: of a user, a group, a role or a skill (`what`).
///
/// Letters and digits of any script and `. _ - @ + \`: what user names of systems and mail addresses are made of.
/// Nothing that would part a list of names, end a selector, or not be seen.
pub(super) fn check(what: &'static str, name: &str) -> Result<(), Refusal> {
    let refuse = |why| Err(Refusal::Name { what, name: name.chars().take(40).collect(), why });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > limits::PERSON_NAME_BYTES {
        return refuse("it is too long");
    }
    if !name.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return refuse("it begins with something else than a letter, a digit or `_`");
    }
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '\\');
    match name.chars().all(fits) {
        true => Ok(()),
        false => refuse("it has something else in it than letters, digits and . _ - @ + \\"),
    }
}

/// Refuses what cannot be shown as a person's name. An empty one is none.
pub(super) fn check_display(name: &str) -> Result<(), Refusal> {
    let why = if name.chars().count() > limits::DISPLAY_NAME_CHARS {
        "it is too long"
    } else if name.chars().any(|c| c.is_control() || is_hidden(c)) {
        "it has characters that cannot be seen"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else {
        return Ok(());
    };
    Err(Refusal::Name { what: "person's full name", name: name.chars().take(40).collect(), why })
}

/// Whether something can be the address of a mailbox: two parts of what can be seen, around one `@`, and nothing that ends
/// an address or a line.
pub fn is_email(text: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
    };
    let host = |part: &str| {
        part.split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    text.len() <= limits::EMAIL_BYTES
        && text.is_ascii()
        && text.split_once('@').is_some_and(|(name, place)| fits(name) && host(place))
}

/// Refuses what cannot be the address of a mailbox. An empty one is none.
pub(super) fn check_email(text: &str) -> Result<(), Refusal> {
    if text.is_empty() || is_email(text) {
        return Ok(());
    }
    let why = "it is no address such as ana@example.org, in ASCII";
    Err(Refusal::Name { what: "mail address", name: text.chars().take(40).collect(), why })
}

/// What turns or hides text: a name must not look like another because of it.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UserKind")]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Person,
    /// An agent: a program that works under a name of its own.
    Agent,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Person, Self::Agent];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
        }
    }

    /// What stands before the colon of a name.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Person => "user",
            Self::Agent => "agent",
        }
    }
}

/// The roles that give rights. Any other role is a word that definitions may name, as in `by: [role:architect]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything.
    Viewer,
    /// Starts runs, ends and mends them.
    Operator,
    /// Decides at gates that name nobody else.
    Approver,
    /// Saves workflows.
    Editor,
    /// Does all of it, and says who the people are.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Operator, Self::Approver, Self::Editor, Self::Admin];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// The role of this name, if it gives rights.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The roles that it brings with it, itself included.
    pub fn brings(self) -> &'static [Self] {
        match self {
            Self::Viewer => &[Self::Viewer],
            Self::Operator => &[Self::Viewer, Self::Operator],
            Self::Approver => &[Self::Viewer, Self::Approver],
            Self::Editor => &[Self::Viewer, Self::Editor],
            Self::Admin => &Self::ALL,
        }
    }

    /// Whether an agent may have it. Who decides for people, changes what is run or says who they are is a person.
    pub fn is_for_agents(self) -> bool {
        matches!(self, Self::Viewer | Self::Operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_mail_is_one_of_ascii_and_bounded() {
        for good in ["ana@example.org", "a.b+c@localhost", "_@x-y.z"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.org", "a".repeat(limits::EMAIL_BYTES - 11));
        for bad in [
            "",
            "ana",
            "@x",
            "a@",
            "a@b@c",
            "a b@x",
            "a@x\r\nBcc: b@x",
            "a@x>",
            "ä@x",
            "a@x..y",
            "a@x,b",
            &long,
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
        assert!(is_email(&long[1..]));
    }
}

//! What a terminal lends the engine for its own run: the environment its programs see, and its secrets.
//!
//! A `stead run` beside another is carried by the engine of the first, and yet its programs are found in its own
//! `PATH` and its secrets come from its own environment: which terminal happens to hold the home makes no
//! difference. What is lent stays in the memory of the engine until the run has ended. It is never written down.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stead_lang::Bundle;

use crate::secrets::{SecretError, SecretString};

/// What every program sees of the environment of the terminal that its run was started from.
pub(crate) const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TMPDIR"];

/// An environment: the variables that programs see, and the secrets that definitions may name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    variables: Vec<(String, Text)>,
    secrets: BTreeMap<String, Text>,
}

impl Environment {
    /// That of this process, with these secrets as far as they are set.
    pub fn of_process(secrets: &BTreeSet<String>) -> Self {
        Self::of(secrets, |name| std::env::var_os(name))
    }

    fn of(secrets: &BTreeSet<String>, get: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| get(name).map(Text);
        Self {
            variables: INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect(),
            secrets: secrets.iter().filter_map(|name| Some((name.clone(), text(name)?))).collect(),
        }
    }

    /// What programs see.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        self.variables.iter().map(|(name, Text(value))| (OsString::from(name), value.clone())).collect()
    }

    /// The secret of this name, if it was set.
    ///
    /// # Errors
    /// When it cannot be used. Errors never hold the value.
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        let Some(Text(value)) = self.secrets.get(name) else { return Ok(None) };
        match value.to_str() {
            Some(value) => SecretString::new(name, value).map(Some),
            None => Err(SecretError::NotText { name: name.to_owned() }),
        }
    }

    /// Bytes of all names and values.
    pub fn bytes(&self) -> usize {
        let all = self.variables.iter().map(|(name, value)| (name, value)).chain(&self.secrets);
        all.map(|(name, Text(value))| name.len() + value.len()).sum()
    }
}

/// Names only: what it holds is told to nobody.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.variables.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment")
            .field("variables", &names)
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}

/// The secrets that a definition and those of its child runs name.
pub fn secrets_of(bundle: &Bundle) -> BTreeSet<String> {
    let checked = stead_lang::check(bundle);
    let own = checked.plan.iter().flat_map(|plan| plan.secrets.clone());
    let children = checked.children.values().filter_map(|child| stead_lang::check(child).plan);
    own.chain(children.flat_map(|plan| plan.secrets.clone())).collect()
}

/// A value of the environment: text in nearly all cases, bytes in the others.
#[derive(Clone, PartialEq, Eq)]
struct Text(OsString);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => self.0.as_bytes().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrBytes;
        impl<'de> Visitor<'de> for TextOrBytes {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of bytes")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(OsStr::new(text).to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element::<u8>()? {
                    bytes.push(byte);
                }
                Ok(Text(OsString::from_vec(bytes)))
            }
        }
        deserializer.deserialize_any(TextOrBytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        let secrets = ["TOKEN", "NOT_SET", "BYTES"].map(str::to_owned).into();
        Environment::of(&secrets, |name| match name {
            "PATH" => Some("/bin:/usr/bin".into()),
            "HOME" => Some(OsString::from_vec(vec![b'/', 0xff])),
            "TOKEN" => Some("hunter22".into()),
            "BYTES" => Some(OsString::from_vec(vec![0xff; 8])),
            "OTHER" => Some("not lent".into()),
            _ => None,
        })
    }

    #[test]
    fn what_is_lent_arrives_whole_and_nothing_else_is() {
        let environment = environment();
        let json = serde_json::to_string(&environment).unwrap();
        assert!(!json.contains("not lent"), "{json}");
        let back: Environment = serde_json::from_str(&json).unwrap();
        assert_eq!(back, environment);
        let variables = back.variables();
        assert_eq!(variables[0], ("PATH".into(), "/bin:/usr/bin".into()));
        assert_eq!(variables[1].1.as_bytes(), b"/\xff");
        assert_eq!(back.secret("TOKEN").unwrap().unwrap().expose(), "hunter22");
    }

    #[test]
    fn p9_what_is_lent_is_not_printed() {
        let shown = format!("{:?}", environment());
        assert!(shown.contains("TOKEN") && !shown.contains("hunter22"), "{shown}");
    }

    #[test]
    fn a_secret_that_was_not_lent_is_not_known() {
        let environment = environment();
        assert_eq!(environment.secret("NOT_SET"), Ok(None));
        assert!(matches!(environment.secret("BYTES"), Err(SecretError::NotText { .. })));
    }

    #[test]
    fn secrets_of_child_runs_are_named_too() {
        let text = "stead: 1\nname: top\nsecrets: [A_TOKEN]\nsteps:\n  - { id: a, run: 'true', env: { A: '${{ secrets.A_TOKEN }}' } }\n  - id: c\n    workflow: { inline: { stead: 1, name: kid, secrets: [B_TOKEN], steps: [ { id: k, run: 'true', env: { B: '${{ secrets.B_TOKEN }}' } } ] } }\n";
        let names = secrets_of(&Bundle::single("top.yml", text));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["A_TOKEN", "B_TOKEN"]);
    }
}

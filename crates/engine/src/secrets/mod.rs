//! Secrets: named values that only executors see, for the time of one attempt.
//!
//! One comes from the environment that the terminal of its run lends, else of the engine; from a settings file that is its owner's alone, or from a program
//! that such a file names. It is looked for when an attempt needs it. What a program told is kept in memory as long
//! as the engine lives, and nowhere else.

mod command;
mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use stead_lang::template::SecretPlace;

pub(crate) use file::read as read_settings;

use crate::executor::Control;
use crate::lent::Environment;
use crate::limits::{SECRET_MAX, SECRET_MIN};

/// A secret's text. Printing it for debugging does not show it, and nothing else prints it at all.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretString(Box<str>);

impl SecretString {
    /// Takes a value, within the bounds under which it can be redacted.
    ///
    /// # Errors
    /// When it is too short or too long. The error names the secret and never its value.
    pub fn new(name: &str, value: &str) -> Result<Self, SecretError> {
        // A line break at the end comes from `echo` and editors; without it the value must still be long enough.
        if value.trim_end_matches(['\n', '\r']).len() < SECRET_MIN {
            return Err(SecretError::TooShort { name: name.to_owned() });
        }
        if value.len() > SECRET_MAX {
            return Err(SecretError::TooLong { name: name.to_owned() });
        }
        Ok(Self(Box::from(value)))
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(***)")
    }
}

/// Why there is no secret to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is none of that name.
    #[error("secret `{name}` is not set: {help}")]
    Missing {
        /// Its name.
        name: String,
        /// Where it is looked for.
        help: String,
    },
    /// Too short to be redacted.
    #[error("secret `{name}` is shorter than {SECRET_MIN} bytes: redacting it would blot out ordinary text")]
    TooShort {
        /// Its name.
        name: String,
    },
    /// Too long.
    #[error("secret `{name}` is longer than {SECRET_MAX} bytes: keep it in a file and give its path")]
    TooLong {
        /// Its name.
        name: String,
    },
    /// Not UTF-8.
    #[error("secret `{name}` is not UTF-8 text: encode it, for instance as base64")]
    NotText {
        /// Its name.
        name: String,
    },
    /// A settings file that cannot be used.
    #[error("`{}` {why}", path.display())]
    Settings {
        /// The file, and where in it.
        path: PathBuf,
        /// What is wrong, without anything that stands in it.
        why: String,
    },
    /// A settings file that others can read.
    #[error("`{path}` is open to others (mode {mode:03o}), so no secret is taken from it: make it yours alone, `chmod 600 {path}`", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The program that knows it did not tell.
    #[error("secret `{name}` was not told: {why}")]
    Untold {
        /// Its name.
        name: String,
        /// Why, without anything that the program printed.
        why: String,
    },
    /// The plan names a place for it that the request does not have.
    #[error("there is no place `{pointer}` for secret `{name}` in the request (a bug in Stead)")]
    NoPlace {
        /// Its name.
        name: String,
        /// The JSON pointer.
        pointer: String,
    },
}

/// Where secrets come from.
pub trait Secrets: Send + Sync {
    /// The secret of this name. The environment is what was lent, and only that; without it the engine's own. Gives
    /// up when the attempt that needs it is to end.
    ///
    /// # Errors
    /// When there is none, or it cannot be used. Errors never hold the value.
    fn get(
        &self,
        name: &str,
        lent: Option<&Environment>,
        control: &dyn Control,
    ) -> Result<SecretString, SecretError>;
}

/// Secrets from the environment: the variable of the same name.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentSecrets;

impl EnvironmentSecrets {
    fn find(name: &str, lent: Option<&Environment>) -> Result<Option<SecretString>, SecretError> {
        if let Some(lent) = lent {
            return lent.secret(name);
        }
        match std::env::var(name) {
            Ok(value) => SecretString::new(name, &value).map(Some),
            Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotText { name: name.to_owned() }),
            Err(std::env::VarError::NotPresent) => Ok(None),
        }
    }
}

impl Secrets for EnvironmentSecrets {
    fn get(
        &self,
        name: &str,
        lent: Option<&Environment>,
        _: &dyn Control,
    ) -> Result<SecretString, SecretError> {
        Self::find(name, lent)?.ok_or_else(|| SecretError::Missing {
            name: name.to_owned(),
            help: format!("start Stead with the environment variable `{name}`"),
        })
    }
}

/// Secrets from the environment of the engine, else from settings files, the first that names it.
#[derive(Debug)]
pub struct ConfiguredSecrets {
    files: Vec<PathBuf>,
    /// What programs told, by their command lines.
    told: Mutex<HashMap<Vec<String>, Told>>,
    woken: Condvar,
}

/// What is known of what a program tells.
#[derive(Debug)]
enum Told {
    /// Somebody asks.
    Asked,
    /// This.
    Known(SecretString),
}

/// The name of a settings file, in a home and in the user's folder of settings.
pub const SETTINGS_FILE: &str = "settings.yml";

/// How often those who wait for what another has asked look whether they are to end.
const LOOK: Duration = Duration::from_millis(20);

impl ConfiguredSecrets {
    /// From the settings of a home, and behind these from those of its user. `get` is the environment.
    pub fn of(home: &Path, get: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let user = get("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let user = user.or_else(|| Some(get("HOME")?.join(".config")));
        let user = user.map(|folder| folder.join("stead").join(SETTINGS_FILE));
        let files = std::iter::once(home.join(SETTINGS_FILE)).chain(user).collect();
        Self { files, told: Mutex::default(), woken: Condvar::new() }
    }

    /// Looks at the settings files that are there, and asks nobody.
    ///
    /// # Errors
    /// When one cannot be used.
    pub fn check(&self) -> Result<(), SecretError> {
        self.files.iter().try_for_each(|file| file::check(file))
    }

    /// What a program tells, asked once for all who wait for it.
    fn ask(
        &self,
        name: &str,
        command: Vec<String>,
        control: &dyn Control,
    ) -> Result<SecretString, SecretError> {
        let untold = |why: String| SecretError::Untold { name: name.to_owned(), why };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match told.get(&command) {
                Some(Told::Known(secret)) => return Ok(secret.clone()),
                Some(Told::Asked) if control.ended().is_some() => {
                    return Err(untold("the step was ended first".to_owned()));
                }
                Some(Told::Asked) => {
                    let woken = self.woken.wait_timeout(told, LOOK);
                    told = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => break,
            }
        }
        told.insert(command.clone(), Told::Asked);
        drop(told);
        let answer =
            command::ask(&command, control).map_err(untold).and_then(|text| SecretString::new(name, &text));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match &answer {
            Ok(secret) => {
                told.insert(command, Told::Known(secret.clone()));
            }
            // Somebody may unlock the store meanwhile: the next who needs it asks again.
            Err(_) => {
                told.remove(&command);
            }
        }
        self.woken.notify_all();
        answer
    }
}

impl Secrets for ConfiguredSecrets {
    fn get(
        &self,
        name: &str,
        lent: Option<&Environment>,
        control: &dyn Control,
    ) -> Result<SecretString, SecretError> {
        if let Some(secret) = EnvironmentSecrets::find(name, lent)? {
            return Ok(secret);
        }
        for path in &self.files {
            match file::look_up(path, name)? {
                Some(file::Said::Value(value)) => return SecretString::new(name, &value),
                Some(file::Said::Command(command)) => return self.ask(name, command, control),
                None => {}
            }
        }
        let places: Vec<String> = self.files.iter().map(|path| format!("`{}`", path.display())).collect();
        Err(SecretError::Missing {
            name: name.to_owned(),
            help: format!(
                "start Stead with the environment variable `{name}`, or name it in {}",
                places.join(" or ")
            ),
        })
    }
}

/// Puts secrets into a request, each as text at its JSON pointer, and returns them for redaction.
///
/// # Errors
/// When one is missing, unusable, or has no place. The request must not be used then.
pub fn put_in(
    request: &mut Value,
    places: &[SecretPlace],
    secrets: &dyn Secrets,
    lent: Option<&Environment>,
    control: &dyn Control,
) -> Result<Vec<SecretString>, SecretError> {
    let mut used: Vec<SecretString> = Vec::with_capacity(places.len());
    for SecretPlace { pointer, name, .. } in places {
        let secret = secrets.get(name, lent, control)?;
        let place = request
            .pointer_mut(pointer)
            .ok_or_else(|| SecretError::NoPlace { name: name.clone(), pointer: pointer.clone() })?;
        *place = Value::String(secret.expose().to_owned());
        if !used.contains(&secret) {
            used.push(secret);
        }
    }
    // A text with secrets in it came as the list of its parts.
    for SecretPlace { pointer, .. } in places.iter().filter(|place| place.part) {
        let text = pointer.rsplit_once('/').and_then(|(text, _)| request.pointer_mut(text));
        if let Some(text) = text
            && let Value::Array(parts) = &text
        {
            *text = Value::String(parts.iter().filter_map(Value::as_str).collect());
        }
    }
    Ok(used)
}

//! Secrets: named values that only executors see, for the time of one attempt.

use std::fmt;

use serde_json::Value;

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
    /// The secret of this name.
    ///
    /// # Errors
    /// When there is none, or it cannot be used. Errors never hold the value.
    fn get(&self, name: &str) -> Result<SecretString, SecretError>;
}

/// Secrets from the environment of the engine: the variable of the same name.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnvironmentSecrets;

impl Secrets for EnvironmentSecrets {
    fn get(&self, name: &str) -> Result<SecretString, SecretError> {
        match std::env::var(name) {
            Ok(value) => SecretString::new(name, &value),
            Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotText { name: name.to_owned() }),
            Err(std::env::VarError::NotPresent) => Err(SecretError::Missing {
                name: name.to_owned(),
                help: format!("start Stead with the environment variable `{name}`"),
            }),
        }
    }
}

/// Puts secrets into a request, each as text at its JSON pointer, and returns them for redaction.
///
/// # Errors
/// When one is missing, unusable, or has no place. The request must not be used then.
pub fn put_in(
    request: &mut Value,
    places: &[(String, String)],
    secrets: &dyn Secrets,
) -> Result<Vec<SecretString>, SecretError> {
    let mut used: Vec<SecretString> = Vec::with_capacity(places.len());
    for (pointer, name) in places {
        let secret = secrets.get(name)?;
        let place = request
            .pointer_mut(pointer)
            .ok_or_else(|| SecretError::NoPlace { name: name.clone(), pointer: pointer.clone() })?;
        *place = Value::String(secret.expose().to_owned());
        if !used.contains(&secret) {
            used.push(secret);
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct One(&'static str);
    impl Secrets for One {
        fn get(&self, name: &str) -> Result<SecretString, SecretError> {
            SecretString::new(name, self.0)
        }
    }

    fn places(pointer: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), "TOKEN".to_owned())]
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = SecretString::new("TOKEN", "hunter22").unwrap();
        assert_eq!(format!("{secret:?}"), "SecretString(***)");
        for value in ["abc", "a\n\n\n\n", &"x".repeat(SECRET_MAX + 1)] {
            let error = SecretString::new("TOKEN", value).unwrap_err();
            assert!(error.to_string().contains("TOKEN"), "{error}");
            assert!(!error.to_string().contains(value), "{error}");
        }
    }

    #[test]
    fn secrets_go_to_their_places_in_the_request() {
        let mut request = json!({"env": {"A/B": null, "C": "c"}, "stdin": {"list": [1, null]}});
        let all = [places("/env/A~1B"), places("/stdin/list/1")].concat();
        let used = put_in(&mut request, &all, &One("hunter22")).unwrap();
        assert_eq!(
            request,
            json!({"env": {"A/B": "hunter22", "C": "c"}, "stdin": {"list": [1, "hunter22"]}})
        );
        assert_eq!(used.len(), 1, "the same secret is redacted once");
    }

    #[test]
    fn a_place_that_is_not_there_is_an_error() {
        let error = put_in(&mut json!({}), &places("/env/A"), &One("hunter22")).unwrap_err();
        assert_eq!(error, SecretError::NoPlace { name: "TOKEN".to_owned(), pointer: "/env/A".to_owned() });
    }

    #[test]
    fn a_missing_variable_says_what_to_set() {
        let error = EnvironmentSecrets.get("STEAD_NO_SUCH_SECRET").unwrap_err();
        assert!(error.to_string().contains("environment variable `STEAD_NO_SUCH_SECRET`"), "{error}");
        assert!(EnvironmentSecrets.get("PATH").is_ok());
    }
}

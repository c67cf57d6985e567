//! What `settings.yml` says of the provider.

use stead_lang::tree::{self, Node, Shape};

use crate::error::EngineError;
use crate::home::Home;
use crate::limits;
use crate::net::{NetworkPolicy, Url};
use crate::notify::SettingsProblem;
use crate::secrets::{SETTINGS_FILE, read_settings};

/// By what a person is found who signs in for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Their address, where the provider vouches for it.
    Email,
    /// What the provider calls them.
    Username,
}

/// What a home says of its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) issuer: String,
    pub(super) client: String,
    /// Name of the secret.
    pub(super) secret: Option<String>,
    pub(super) claim: Claim,
    /// Who is nobody of the home is added.
    pub(super) creates: bool,
    pub(super) policy: NetworkPolicy,
}

/// What the settings of a home say.
pub(super) fn of(home: &Home) -> Result<Option<Wanted>, EngineError> {
    let path = home.root().join(SETTINGS_FILE);
    let wrong = |problems| EngineError::Settings { path: path.display().to_string(), problems };
    let text = read_settings(&path).map_err(|error| {
        wrong(vec![SettingsProblem { code: "R0701".into(), line: 1, column: 1, message: error.to_string() }])
    })?;
    read(text.as_deref().unwrap_or_default()).map_err(wrong)
}

/// Looks at what the settings of a home say of a provider; whether they name one.
///
/// # Errors
/// When they cannot be read, or say something else.
pub fn check_provider(home: &Home) -> Result<bool, EngineError> {
    of(home).map(|found| found.is_some())
}

/// Whether an address may be a provider's: nobody on the way reads or changes what is said there.
pub(super) fn is_safe(url: &Url) -> bool {
    url.is_secure() || matches!(url.host(), "localhost" | "127.0.0.1" | "::1")
}

/// Reads them; all that is wrong.
pub(super) fn read(text: &str) -> Result<Option<Wanted>, Vec<SettingsProblem>> {
    // That it is YAML was looked at with the secrets.
    let document = tree::read("settings", text, &mut Vec::new());
    let Some(node) = document.as_ref().and_then(|document| document.root().get("oidc")) else {
        return Ok(None);
    };
    let mut problems = Vec::new();
    let mut wrong = |node: Node<'_>, code: &str, message: &str| {
        let (span, code, message) = (node.span(), code.to_owned(), message.to_owned());
        problems.push(SettingsProblem { code, line: span.line, column: span.column, message });
    };
    const KEYS: [&str; 6] = ["issuer", "client_id", "client_secret", "claim", "allow", "private"];
    if node.shape() != Shape::Map {
        wrong(node, "R0703", "`oidc` is to be a map");
        return Err(problems);
    }
    for entry in node.entries().filter(|entry| !KEYS.contains(&entry.key)) {
        wrong(entry.value, "R0702", &format!("`oidc` has no such key: it has {}", KEYS.join(", ")));
    }
    let mut text = |key: &str| {
        let value = node.get(key)?;
        let fits = |text: &&str| {
            !text.is_empty()
                && text.len() <= limits::OIDC_TEXT
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let found = value.raw().filter(fits).map(str::to_owned);
        if found.is_none() {
            let most = limits::OIDC_TEXT;
            wrong(value, "R0703", &format!("`{key}` is to be a word of 1 to {most} visible characters"));
        }
        found
    };
    let (issuer, client, secret) = (text("issuer"), text("client_id"), text("client_secret"));
    let (claim, allow, private) = (text("claim"), text("allow"), text("private"));
    for key in ["issuer", "client_id"] {
        if node.get(key).is_none() {
            wrong(node, "R0704", &format!("`{key}` is missing"));
        }
    }
    if let (Some(issuer), Some(value)) = (&issuer, node.get("issuer")) {
        match Url::parse(issuer) {
            Err(why) => wrong(value, "R0705", &format!("`issuer` {why}")),
            Ok(url) if !is_safe(&url) => wrong(value, "R0705", "`issuer` is to begin with https"),
            Ok(_) if issuer.contains(['?', '#']) => {
                wrong(value, "R0705", "`issuer` has no query and no fragment");
            }
            Ok(_) => {}
        }
    }
    let mut word = |key: &str, given: Option<&str>, words: [&str; 2]| match given {
        None => false,
        Some(given) if given == words[0] => false,
        Some(given) if given == words[1] => true,
        Some(_) => {
            if let Some(value) = node.get(key) {
                wrong(value, "R0705", &format!("`{key}` is to be {} or {}", words[0], words[1]));
            }
            false
        }
    };
    let username = word("claim", claim.as_deref(), ["email", "preferred_username"]);
    let creates = word("allow", allow.as_deref(), ["existing", "create"]);
    let private = word("private", private.as_deref(), ["false", "true"]);
    match (issuer, client, problems.is_empty()) {
        (Some(issuer), Some(client), true) => Ok(Some(Wanted {
            issuer,
            client,
            secret,
            claim: if username { Claim::Username } else { Claim::Email },
            creates,
            policy: if private { NetworkPolicy::OWN } else { NetworkPolicy::SERVER },
        })),
        _ => Err(problems),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        let mut codes: Vec<String> =
            read(text).unwrap_err().into_iter().map(|problem| problem.code).collect();
        codes.sort();
        codes
    }

    #[test]
    fn p7_all_that_is_wrong_with_a_provider_is_said_at_once() {
        assert_eq!(read("secrets: {}").unwrap(), None);
        let least = read("oidc: { issuer: 'https://login.example.org/realms/team', client_id: stead }")
            .unwrap()
            .unwrap();
        assert_eq!((least.claim, least.creates, least.policy), (Claim::Email, false, NetworkPolicy::SERVER));
        let text = "oidc:\n  issuer: http://127.0.0.1:5556\n  client_id: stead\n  client_secret: S\n  claim: preferred_username\n  allow: create\n  private: true\n";
        let most = read(text).unwrap().unwrap();
        assert_eq!((most.claim, most.creates, most.policy), (Claim::Username, true, NetworkPolicy::OWN));
        assert_eq!(codes("oidc: true"), ["R0703"]);
        assert_eq!(codes("oidc: {}"), ["R0704", "R0704"]);
        assert_eq!(
            codes(
                "oidc: { issuer: 'http://login.example.org', client_id: a b, claim: sub, allow: all, x: 1 }"
            ),
            ["R0702", "R0703", "R0705", "R0705", "R0705"]
        );
        assert_eq!(codes("oidc: { issuer: 'https://a.example/?x', client_id: a }"), ["R0705"]);
    }

    #[test]
    fn p11_what_is_said_of_a_provider_is_bounded() {
        let of = |bytes: usize| {
            read(&format!("oidc: {{ issuer: 'https://a.example', client_id: {} }}", "x".repeat(bytes)))
                .is_ok()
        };
        assert!(of(limits::OIDC_TEXT) && !of(limits::OIDC_TEXT + 1));
    }
}

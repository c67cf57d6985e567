//! What is asked of a provider: where its parts are, its keys, and a token for a code.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::keys::Keys;
use super::settings::{Wanted, is_safe};
use crate::executor::Control;
use crate::limits;
use crate::net::{Body, Call, Client, Url, parameter};
use crate::secrets::Secrets;

/// What is known of a provider.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) authorization: Url,
    token: Url,
    keys_at: Url,
    /// It takes the client's secret as a password, which is better than in the form.
    basic: bool,
    pub(super) keys: Keys,
    pub(super) asked: Instant,
}

#[derive(Deserialize)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// Why there is no token.
pub(super) enum NoToken {
    /// The provider did not do its part.
    Provider(String),
    /// It does not take the code.
    Refused(String),
}

/// Asks it for what it says of itself, and for its keys.
pub(super) fn discover(
    wanted: &Wanted,
    client: &Arc<Client>,
    control: &dyn Control,
) -> Result<Provider, String> {
    let at = format!("{}/.well-known/openid-configuration", wanted.issuer.trim_end_matches('/'));
    let at = Url::parse(&at).map_err(|why| format!("its address {why}"))?;
    let described: Described = json(&get(&at, client, control)?, "what it says of itself")?;
    if described.issuer != wanted.issuer {
        return Err("it calls itself by another name than `issuer`".to_owned());
    }
    let place = |text: &str| {
        let url = Url::parse(text).map_err(|why| format!("an address that it names {why}"))?;
        if is_safe(&url) {
            Ok(url)
        } else {
            Err("an address that it names does not begin with https".to_owned())
        }
    };
    if described.code_challenge_methods_supported.is_some_and(|all| !all.iter().any(|one| one == "S256")) {
        return Err("it does not know PKCE with S256".to_owned());
    }
    let methods = described.token_endpoint_auth_methods_supported;
    let keys_at = place(&described.jwks_uri)?;
    Ok(Provider {
        authorization: place(&described.authorization_endpoint)?,
        token: place(&described.token_endpoint)?,
        basic: methods.is_none_or(|all| all.iter().any(|one| one == "client_secret_basic")),
        keys: Keys::read(&get(&keys_at, client, control)?)?,
        keys_at,
        asked: Instant::now(),
    })
}

impl Provider {
    /// The same with the keys that it has now.
    pub(super) fn with_new_keys(&self, client: &Arc<Client>, control: &dyn Control) -> Result<Self, String> {
        Ok(Self {
            keys: Keys::read(&get(&self.keys_at, client, control)?)?,
            authorization: self.authorization.clone(),
            token: self.token.clone(),
            keys_at: self.keys_at.clone(),
            ..*self
        })
    }

    /// The token for a code.
    pub(super) fn exchange(
        &self,
        wanted: &Wanted,
        (code, verifier, back): (&str, &str, &str),
        secrets: &dyn Secrets,
        client: &Arc<Client>,
        control: &dyn Control,
    ) -> Result<String, NoToken> {
        #[derive(Deserialize)]
        struct Told {
            id_token: String,
        }
        #[derive(Deserialize)]
        struct Refused {
            error: String,
        }
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", verifier),
        ];
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        let secret = wanted.secret.as_ref().map(|name| secrets.get(name, None, control)).transpose();
        // Which secret, and not what it is.
        let secret = secret.map_err(|error| NoToken::Provider(error.to_string()))?;
        match &secret {
            Some(secret) if self.basic => {
                let pair = format!("{}:{}", parameter(&wanted.client), parameter(secret.expose()));
                headers.push(("Authorization".to_owned(), format!("Basic {}", base64(pair.as_bytes()))));
            }
            secret => {
                form.push(("client_id", &wanted.client));
                form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose())));
            }
        }
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", parameter(value))).collect();
        let body = pairs.join("&");
        let call =
            Call { method: "POST", url: &self.token, headers: &headers, body: Body::Bytes(body.as_bytes()) };
        let (status, bytes) = ask(call, client, control).map_err(NoToken::Provider)?;
        if status == 200 {
            let told: Told = json(&bytes, "its answer to a code").map_err(NoToken::Provider)?;
            return Ok(told.id_token);
        }
        match serde_json::from_slice::<Refused>(&bytes) {
            Ok(refused) if matches!(status, 400 | 401) => Err(NoToken::Refused(word(&refused.error))),
            _ => Err(NoToken::Provider(format!("it answered {status} to a code"))),
        }
    }
}

/// A word that came from outside, as it may be told.
pub(super) fn word(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let word: String = text.chars().filter(fits).take(60).collect();
    if word.is_empty() { "nothing that can be read".to_owned() } else { word }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|_| format!("{what} is not understood"))
}

fn get(url: &Url, client: &Arc<Client>, control: &dyn Control) -> Result<Vec<u8>, String> {
    let headers = [("Accept".to_owned(), "application/json".to_owned())];
    match ask(Call { method: "GET", url, headers: &headers, body: Body::None }, client, control)? {
        (200, bytes) => Ok(bytes),
        (status, _) => Err(format!("it answered {status}")),
    }
}

fn ask(call: Call<'_>, client: &Arc<Client>, control: &dyn Control) -> Result<(u16, Vec<u8>), String> {
    use crate::net::CallError;
    let why = |error: CallError| match error {
        CallError::Request(why) | CallError::Network(why) => why,
    };
    let answer = client.call(call, control).map_err(why)?;
    let mut bytes = Vec::new();
    let most = limits::OIDC_BYTES as u64;
    answer.body.take(most + 1).read_to_end(&mut bytes).map_err(|error| why(client.cut_off(error)))?;
    match bytes.len() > limits::OIDC_BYTES {
        true => Err(format!("its answer has more than {most} bytes")),
        false => Ok((answer.status, bytes)),
    }
}

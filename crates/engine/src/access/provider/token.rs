//! What a provider says of who has signed in, in a token that it has signed; and whether it holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use stead_core::Time;

use super::keys::{Alg, Keys};
use crate::limits;

/// What a token has to fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client: &'e str,
    pub(super) nonce: &'e str,
    pub(super) now: Time,
}

/// Who has signed in, as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) subject: String,
    /// Where the provider vouches for it.
    pub(super) email: Option<String>,
    pub(super) username: Option<String>,
    pub(super) full_name: Option<String>,
}

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// No key that is known has signed it: newer ones may be there.
    Unsigned,
    /// This is wrong with it.
    Wrong(&'static str),
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: f64,
    iat: Option<f64>,
    nbf: Option<f64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    preferred_username: Option<String>,
    name: Option<String>,
}

/// Who a token is about, if it holds.
pub(super) fn account(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<Account, Broken> {
    let wrong = |why| Err(Broken::Wrong(why));
    if token.len() > limits::OIDC_BYTES {
        return wrong("the token is too long");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { return wrong("the token is none") };
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Broken::Wrong("the token is none"));
    let head_of = serde_json::from_slice::<Head>(&decoded(head)?);
    let Ok(Head { alg, kid, crit: None }) = head_of else { return wrong("its head is not understood") };
    let Some(alg) = Alg::named(&alg) else { return wrong("it is not signed by RS256, ES256 or EdDSA") };
    let signed = &token[..head.len() + 1 + body.len()];
    if !keys.verify(alg, kid.as_deref(), signed.as_bytes(), &decoded(signature)?) {
        return Err(Broken::Unsigned);
    }
    // From here on it is the provider who speaks.
    let Ok(claims) = serde_json::from_slice::<Claims>(&decoded(body)?) else {
        return wrong("what it says is not understood");
    };
    if claims.iss != expected.issuer {
        return wrong("it is of another issuer");
    }
    let audience: Vec<&str> = match &claims.aud {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let other = claims.azp.as_deref().map_or(audience.len() > 1, |azp| azp != expected.client);
    if !audience.contains(&expected.client) || other {
        return wrong("it is for another audience");
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are exact")]
    let (now, skew) = (expected.now as f64 / 1000.0, limits::OIDC_SKEW as f64 / 1000.0);
    if claims.exp <= now - skew {
        return wrong("it has expired");
    }
    if [claims.iat, claims.nbf].into_iter().flatten().any(|at| at > now + skew) {
        return wrong("it is of the future");
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return wrong("its nonce is another one");
    }
    if claims.sub.is_empty()
        || claims.sub.len() > limits::OIDC_SUBJECT
        || claims.sub.contains(char::is_control)
    {
        return wrong("its subject is none");
    }
    // Some write the word.
    let verified = claims.email_verified.is_some_and(|said| said == Value::Bool(true) || said == "true");
    Ok(Account {
        subject: claims.sub,
        email: claims.email.filter(|_| verified),
        username: claims.preferred_username,
        full_name: claims.name,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    const NOW: Time = 1_800_000_000_000;
    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://login.example", client: "stead", nonce: "n0", now: NOW };

    struct Provider(Ed25519KeyPair);

    impl Provider {
        fn new() -> Self {
            let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
            Self(Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap())
        }

        fn keys(&self) -> Keys {
            let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
            let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": x}]});
            Keys::read(set.to_string().as_bytes()).unwrap()
        }

        fn sign(&self, head: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let text = format!("{}.{}", part(head), part(claims));
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes())))
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://login.example", "sub": "s1", "aud": "stead", "exp": NOW / 1000 + 300, "iat": NOW / 1000,
            "nonce": "n0", "email": "ana@example.org", "email_verified": true})
    }

    #[test]
    fn a_token_holds_for_whom_it_was_made_and_for_a_time() {
        let provider = Provider::new();
        let head = json!({"alg": "EdDSA", "kid": "1"});
        let with = |key: &str, value: Value| {
            let mut claims = claims();
            claims[key] = value;
            account(&provider.sign(&head, &claims), &provider.keys(), EXPECTED)
        };
        let found = with("x", json!(1)).unwrap();
        assert_eq!((found.subject.as_str(), found.email.as_deref()), ("s1", Some("ana@example.org")));
        for (key, value, why) in [
            ("iss", json!("https://login.example/"), "it is of another issuer"),
            ("aud", json!("other"), "it is for another audience"),
            ("aud", json!(["stead", "other"]), "it is for another audience"),
            ("aud", json!([]), "it is for another audience"),
            ("aud", Value::Null, "it is for another audience"),
            ("azp", json!("other"), "it is for another audience"),
            ("exp", json!(NOW / 1000 - 60), "it has expired"),
            ("iat", json!(NOW / 1000 + 61), "it is of the future"),
            ("nbf", json!(NOW / 1000 + 61), "it is of the future"),
            ("nonce", json!("n1"), "its nonce is another one"),
            ("nonce", Value::Null, "its nonce is another one"),
            ("sub", json!(""), "its subject is none"),
            ("sub", json!("x".repeat(limits::OIDC_SUBJECT + 1)), "its subject is none"),
            ("exp", Value::Null, "what it says is not understood"),
        ] {
            assert_eq!(with(key, value.clone()), Err(Broken::Wrong(why)), "{key}: {value}");
        }
        // Clocks differ a little.
        for (key, value) in [
            ("exp", json!(NOW / 1000 - 59)),
            ("iat", json!(NOW / 1000 + 60)),
            ("aud", json!(["stead"])),
            ("azp", json!("stead")),
        ] {
            assert!(with(key, value.clone()).is_ok(), "{key}: {value}");
        }
        // Who nobody vouches for has no address.
        for said in [json!(false), json!("false"), Value::Null, json!(1)] {
            assert_eq!(with("email_verified", said).unwrap().email, None);
        }
    }

    #[test]
    fn what_the_provider_has_not_signed_is_nothing() {
        let (provider, other) = (Provider::new(), Provider::new());
        let good = json!({"alg": "EdDSA", "kid": "1"});
        let of = |token: &str| account(token, &provider.keys(), EXPECTED).unwrap_err();
        assert_eq!(of(&other.sign(&good, &claims())), Broken::Unsigned);
        assert_eq!(of(&provider.sign(&json!({"alg": "EdDSA", "kid": "2"}), &claims())), Broken::Unsigned);
        assert_eq!(of(&provider.sign(&json!({"alg": "RS256", "kid": "1"}), &claims())), Broken::Unsigned);
        for alg in ["none", "None", "HS256", "PS256", "ES512", ""] {
            let token = provider.sign(&json!({"alg": alg}), &claims());
            assert_eq!(of(&token), Broken::Wrong("it is not signed by RS256, ES256 or EdDSA"), "{alg}");
        }
        let critical = provider.sign(&json!({"alg": "EdDSA", "crit": ["exp"]}), &claims());
        assert_eq!(of(&critical), Broken::Wrong("its head is not understood"));
        let token = provider.sign(&good, &claims());
        let (text, _) = token.rsplit_once('.').unwrap();
        assert_eq!(of(&format!("{text}.")), Broken::Unsigned);
        for broken in ["", "a.b", "a.b.c.d", "é.b.c", text] {
            assert!(matches!(of(broken), Broken::Wrong(_)), "{broken}");
        }
    }

    #[test]
    fn p11_a_token_is_bounded() {
        let provider = Provider::new();
        let of = |bytes: usize| {
            let mut claims = claims();
            claims["x"] = json!("x".repeat(bytes));
            account(&provider.sign(&json!({"alg": "EdDSA"}), &claims), &provider.keys(), EXPECTED)
        };
        assert!(of(limits::OIDC_BYTES / 2).is_ok());
        assert_eq!(of(limits::OIDC_BYTES), Err(Broken::Wrong("the token is too long")));
    }
}

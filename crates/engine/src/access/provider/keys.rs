//! The keys of a provider, and whether something is signed with one of them.
//!
//! What a key is decides how is verified, and what the token says of itself has to be the same: `none`, a shared secret
//! in the place of a key, and whatever is not in [`Alg`] are nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use crate::limits;

/// How tokens may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alg {
    Rs256,
    Es256,
    EdDsa,
}

impl Alg {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A key as the provider publishes it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Published {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    material: Material,
}

/// The keys of a provider that can sign tokens for us.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// Of a key set. Keys of other kinds, and those that are not for signing, are passed over.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(bytes).map_err(|_| "its keys are no key set".to_owned())?;
        if set.keys.len() > limits::OIDC_KEYS {
            return Err(format!("it has more than {} keys", limits::OIDC_KEYS));
        }
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(keys.filter_map(key).collect()))
    }

    /// Whether a text is signed with one of them: that of the id, where one is named.
    pub(super) fn verify(&self, alg: Alg, id: Option<&str>, text: &[u8], signature: &[u8]) -> bool {
        let named = self.0.iter().filter(|key| id.is_none() || key.id.is_none() || key.id.as_deref() == id);
        named.filter(|key| key.material.alg() == alg).any(|key| key.material.signed(text, signature))
    }
}

impl Material {
    fn alg(&self) -> Alg {
        match self {
            Self::Rsa { .. } => Alg::Rs256,
            Self::P256(_) => Alg::Es256,
            Self::Ed25519(_) => Alg::EdDsa,
        }
    }

    fn signed(&self, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, text, signature).is_ok()
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(text, signature).is_ok()
            }
            Self::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(text, signature).is_ok(),
        }
    }
}

fn key(published: Published) -> Option<Key> {
    let Published { kty, usage, alg, kid, crv, n, e, x, y } = published;
    if usage.is_some_and(|usage| usage != "sig") {
        return None;
    }
    let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
    let curve = |len: usize, text| bytes(text).filter(|point: &Vec<u8>| point.len() == len);
    let material = match (kty.as_str(), crv.as_deref()) {
        ("RSA", _) => Material::Rsa { n: bytes(n)?, e: bytes(e)? },
        ("EC", Some("P-256")) => {
            let mut point = vec![4];
            point.extend(curve(32, x)?);
            point.extend(curve(32, y)?);
            Material::P256(point)
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(curve(32, x)?),
        _ => return None,
    };
    let fits = alg.is_none_or(|alg| Alg::named(&alg) == Some(material.alg()));
    fits.then_some(Key { id: kid, material })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_keys_of_a_provider_are_bounded() {
        let set = |count: usize| {
            let keys = vec![serde_json::json!({"kty": "oct"}); count];
            Keys::read(serde_json::json!({ "keys": keys }).to_string().as_bytes()).is_ok()
        };
        assert!(set(limits::OIDC_KEYS) && !set(limits::OIDC_KEYS + 1));
    }

    #[test]
    fn keys_that_are_not_for_this_are_passed_over() {
        let set = serde_json::json!({"keys": [
            {"kty": "oct", "k": "c2VjcmV0"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "PS256"},
            {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
            {"kty": "OKP", "crv": "X25519", "x": "AQAB"},
            17,
        ]});
        assert!(Keys::read(set.to_string().as_bytes()).unwrap().0.is_empty());
        for wrong in ["", "[]", "{\"keys\": 1}"] {
            assert!(Keys::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    // RFC 8037, A.4: the example of its authors.
    #[test]
    fn what_is_signed_as_it_is_published_is_known() {
        let set = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Keys::read(set.as_bytes()).unwrap();
        let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = URL_SAFE_NO_PAD
            .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .unwrap();
        assert!(keys.verify(Alg::EdDsa, None, text.as_bytes(), &signature));
        assert!(keys.verify(Alg::EdDsa, Some("a"), text.as_bytes(), &signature));
        assert!(!keys.verify(Alg::EdDsa, Some("b"), text.as_bytes(), &signature));
        assert!(!keys.verify(Alg::Es256, Some("a"), text.as_bytes(), &signature));
        assert!(!keys.verify(Alg::EdDsa, None, b"another text", &signature));
    }
}

//! Requests of webhooks: whether they are signed by whom they say.
//!
//! A signature is compared in constant time. Whoever may not know of a webhook hears the same as if it were not there.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::hmac;
use stead_core::Time;
use stead_lang::plan::HookFormat;

use crate::limits;

/// What signing as Standard Webhooks has it begins a secret with that is base64.
const SECRET: &str = "whsec_";

/// A request as it came.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// The text of a header, by its name in small letters.
    pub header: &'r dyn Fn(&str) -> Option<&'r str>,
    /// The body, to the byte.
    pub body: &'r [u8],
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} bytes)", self.body.len())
    }
}

/// What a request is, once its signature was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What the sender calls it.
    pub id: String,
    /// What it says that it is, where a header says so.
    pub kind: Option<String>,
}

/// A webhook, as far as its signature is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Name of its secret.
    pub(crate) secret: String,
    pub(crate) format: HookFormat,
}

/// What a request is, if it is signed with this secret, and not too long ago.
pub(crate) fn signed(format: HookFormat, secret: &str, request: Request<'_>, now: Time) -> Option<Delivery> {
    match format {
        HookFormat::Standard => standard(secret, request, now),
        HookFormat::Github => github(secret, request),
    }
}

fn standard(secret: &str, request: Request<'_>, now: Time) -> Option<Delivery> {
    // A dot parts id, time and body in what is signed, so that none may be in the first.
    let id = id((request.header)("webhook-id")?).filter(|id| !id.contains('.'))?;
    let at = (request.header)("webhook-timestamp")?;
    let seconds: i64 = at.parse().ok().filter(|_| at.bytes().all(|byte| byte.is_ascii_digit()))?;
    let late = now.checked_sub(seconds.checked_mul(1000)?)?;
    if late.unsigned_abs() > limits::HOOK_TOLERANCE.unsigned_abs() {
        return None;
    }
    let mut content = format!("{id}.{at}.").into_bytes();
    content.extend_from_slice(request.body);
    let keys = keys(secret);
    let signatures =
        (request.header)("webhook-signature")?.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let right = signatures.take(limits::HOOK_SIGNATURES).any(|text| {
        let Ok(signature) = STANDARD.decode(text) else { return false };
        keys.iter().any(|key| hmac::verify(key, &content, &signature).is_ok())
    });
    right.then(|| Delivery { id: id.to_owned(), kind: None })
}

/// What a secret may mean: with its mark the bytes that it is base64 of; without it these, or its own.
fn keys(secret: &str) -> Vec<hmac::Key> {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let marked = secret.strip_prefix(SECRET);
    let text = marked.unwrap_or(secret);
    let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|base64| base64.decode(text).ok())
        .filter(|bytes| !bytes.is_empty());
    let mut keys: Vec<hmac::Key> = bytes.iter().map(|bytes| key(bytes)).collect();
    if marked.is_none() {
        keys.push(key(secret.as_bytes()));
    }
    keys
}

fn github(secret: &str, request: Request<'_>) -> Option<Delivery> {
    let id = id((request.header)("x-github-delivery")?)?;
    let signature = unhex((request.header)("x-hub-signature-256")?.strip_prefix("sha256=")?)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, request.body, &signature).ok()?;
    let kind =
        (request.header)("x-github-event").map(|kind| kind.chars().take(limits::HOOK_ID_BYTES).collect());
    Some(Delivery { id: id.to_owned(), kind })
}

fn id(text: &str) -> Option<&str> {
    let fits = !text.is_empty()
        && text.len() <= limits::HOOK_ID_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(text)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the libraries of Standard Webhooks.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const AT: &str = "1614265330";
    const NOW: Time = 1_614_265_330_000;
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = "{\"test\": 2432232314}";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn standard(secret: &str, id: &str, at: &str, signature: &str, body: &str, now: Time) -> bool {
        let headers = [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)];
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let request = Request { header: &header, body: body.as_bytes() };
        signed(HookFormat::Standard, secret, request, now).is_some_and(|delivery| delivery.id == id)
    }

    fn github(secret: &str, signature: &str, body: &str) -> Option<Delivery> {
        let header = |name: &str| match name {
            "x-hub-signature-256" => Some(signature),
            "x-github-delivery" => Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            "x-github-event" => Some("push"),
            _ => None,
        };
        signed(HookFormat::Github, secret, Request { header: &header, body: body.as_bytes() }, NOW)
    }

    #[test]
    fn a_request_is_known_by_what_its_sender_publishes() {
        assert!(standard(SECRET, ID, AT, SIGNATURE, BODY, NOW));
        let bare = &SECRET[super::SECRET.len()..];
        assert!(standard(bare, ID, AT, SIGNATURE, BODY, NOW), "without the mark it is the same");
        let several = format!("v1a,xyz v1,AAAA {SIGNATURE}");
        assert!(standard(SECRET, ID, AT, &several, BODY, NOW), "one of several, while a secret is changed");
        // As GitHub's documentation has it.
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let found = github("It's a Secret to Everybody", signature, "Hello, World!").unwrap();
        assert_eq!(found.kind.as_deref(), Some("push"));
    }

    #[test]
    fn whatever_is_not_as_it_was_signed_is_refused() {
        let late = limits::HOOK_TOLERANCE;
        assert!(standard(SECRET, ID, AT, SIGNATURE, BODY, NOW + late));
        assert!(!standard(SECRET, ID, AT, SIGNATURE, BODY, NOW + late + 1), "it is too old");
        assert!(!standard(SECRET, ID, AT, SIGNATURE, BODY, NOW - late - 1), "it is ahead");
        assert!(!standard("whsec_AAAA", ID, AT, SIGNATURE, BODY, NOW));
        assert!(!standard("whsec_%", ID, AT, SIGNATURE, BODY, NOW), "a secret that is none");
        assert!(!standard(SECRET, "msg_2", AT, SIGNATURE, BODY, NOW));
        assert!(!standard(SECRET, ID, "1614265331", SIGNATURE, BODY, NOW));
        assert!(!standard(SECRET, ID, "+1614265330", SIGNATURE, BODY, NOW));
        assert!(!standard(SECRET, ID, AT, SIGNATURE, "{}", NOW));
        for signature in ["", "v1,", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", &SIGNATURE[3..]] {
            assert!(!standard(SECRET, ID, AT, signature, BODY, NOW), "{signature}");
        }
        for signature in ["sha256=", "sha256=7", "sha256=zz", "sha1=00", ""] {
            assert_eq!(github("secret", signature, "Hello, World!"), None, "{signature}");
        }
    }

    #[test]
    fn p11_ids_and_signatures_of_requests_are_bounded() {
        assert!(id(&"x".repeat(limits::HOOK_ID_BYTES)).is_some());
        assert!(id(&"x".repeat(limits::HOOK_ID_BYTES + 1)).is_none());
        let many = |count| format!("{}{SIGNATURE}", "v1,AAAA ".repeat(count));
        assert!(standard(SECRET, ID, AT, &many(limits::HOOK_SIGNATURES - 1), BODY, NOW));
        assert!(!standard(SECRET, ID, AT, &many(limits::HOOK_SIGNATURES), BODY, NOW));
    }
}

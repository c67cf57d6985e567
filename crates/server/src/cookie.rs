//! The cookie by which a browser carries a session.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::COOKIE;
use stead_engine::access::Secret;

use crate::listen::Front;

/// The cookie of a server.
#[derive(Debug, Clone)]
pub struct Cookie {
    name: String,
    https: bool,
}

impl Cookie {
    /// Behind https it is bound to the very name of the server, and goes nowhere else. Without it, cookies of all ports
    /// of a machine are one's: the name keeps servers apart.
    pub(crate) fn new(front: &Front, port: u16) -> Self {
        match &front.public {
            Some(url) if url.is_https() => Self { name: "__Host-stead".into(), https: true },
            _ => Self { name: format!("stead-{port}"), https: false },
        }
    }

    /// What a request carries.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<Secret> {
        Self::named(&self.name, headers)
    }

    /// What a browser was given to keep while it signs in elsewhere.
    pub(crate) fn kept(&self, headers: &HeaderMap) -> Option<Secret> {
        Self::named(&self.keeps(), headers)
    }

    fn keeps(&self) -> String {
        format!("{}-oidc", self.name)
    }

    fn named(wanted: &str, headers: &HeaderMap) -> Option<Secret> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut all = lines.flat_map(|line| line.split(';')).filter_map(|one| one.trim().split_once('='));
        all.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| Secret::new(value))
    }

    /// As it is given to a browser. Scripts do not see it, and no other site's page has it sent along.
    pub(crate) fn set(&self, secret: &Secret, lasts: Duration) -> String {
        self.line(&self.name, secret.reveal(), lasts, "Strict")
    }

    /// What it is to keep while it signs in elsewhere. It comes back from there, so it is sent along then.
    pub(crate) fn keep(&self, secret: &Secret, lasts: Duration) -> String {
        self.line(&self.keeps(), secret.reveal(), lasts, "Lax")
    }

    /// As it is taken from a browser.
    pub(crate) fn clear(&self) -> String {
        self.line(&self.name, "", Duration::ZERO, "Strict")
    }

    fn line(&self, name: &str, value: &str, lasts: Duration, site: &str) -> String {
        let lasts = lasts.as_secs();
        let secure = if self.https { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite={site}{secure}")
    }
}

/// What a page of a session sends along with all that changes something, as `X-CSRF-Token`: another site's page cannot
/// read it, and does not come to it by the cookie.
pub(crate) fn csrf(session: &Secret) -> String {
    session.derived("stead 2026-11 a header of a session of a browser")
}

/// Whether two secret texts are the same, which takes the same time wherever they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::PublicUrl;

    #[test]
    fn a_cookie_is_for_its_server_and_behind_https_for_nothing_else() {
        let plain = Cookie::new(&Front::default(), 7700);
        let secret = Secret::new("s3");
        let set = plain.set(&secret, Duration::from_secs(60));
        assert_eq!(set, "stead-7700=s3; Path=/; Max-Age=60; HttpOnly; SameSite=Strict");
        let public = PublicUrl::read("https://stead.example.org").ok();
        let safe = Cookie::new(&Front { public, open: false }, 7700);
        assert_eq!(
            safe.set(&secret, Duration::from_secs(60)),
            "__Host-stead=s3; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            safe.keep(&secret, Duration::from_secs(60)),
            "__Host-stead-oidc=s3; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(plain.clear().starts_with("stead-7700=; Path=/; Max-Age=0;"));
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; stead-7701=x; stead-7700=s3".parse().unwrap());
        assert_eq!(plain.of(&headers), Some(Secret::new("s3")));
        assert_eq!(safe.of(&headers), None);
        assert_eq!(plain.kept(&headers), None);
        headers.append(COOKIE, "stead-7700-oidc=k".parse().unwrap());
        assert_eq!((plain.kept(&headers), plain.of(&headers)), (Some(Secret::new("k")), Some(secret)));
    }
}

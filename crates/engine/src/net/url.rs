//! Addresses of servers, as far as a call needs them.

use std::fmt;

use crate::limits::URL_BYTES;

/// An address that can be called: `http` or `https`, a host, a path. What cannot stand in one is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    secure: bool,
    /// In lower case; a numeric one of six groups in its brackets.
    host: String,
    port: u16,
    /// Path and query; begins with `/`.
    target: String,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, without the address itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > URL_BYTES {
            return Err(format!("is longer than {URL_BYTES} bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err("has a control character in it".to_owned());
        }
        let scheme = |scheme: &str| {
            text.get(..scheme.len())
                .filter(|begin| begin.eq_ignore_ascii_case(scheme))
                .map(|_| &text[scheme.len()..])
        };
        let (secure, rest) = match (scheme("https://"), scheme("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err("does not begin with `https://` or `http://`".to_owned()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err("has a user or password in it, which ends up in logs: use `auth`".to_owned());
        }
        let (host, port) = host_and_port(authority)?;
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, host, port, target: target(rest) })
    }

    /// Where a reference leads from here, as RFC 3986 has it.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn join(&self, reference: &str) -> Result<Self, String> {
        let reference = reference.trim();
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme()));
        }
        let colon = reference.find(':');
        if colon.is_some_and(|at| reference.find(['/', '?', '#']).is_none_or(|other| at < other)) {
            return Self::parse(reference);
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let whole = match reference.chars().next() {
            None | Some('#') => self.target.clone(),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{path}{reference}"),
            Some(_) => {
                let folder = path.rfind('/').map_or("", |at| &path[..at]);
                format!("{folder}/{reference}")
            }
        };
        if whole.len() > URL_BYTES {
            return Err(format!("is longer than {URL_BYTES} bytes"));
        }
        if whole.chars().any(char::is_control) {
            return Err("has a control character in it".to_owned());
        }
        Ok(Self { target: target(&without_dots(&whole)), ..self.clone() })
    }

    /// Adds a parameter to the query.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        let pair = format!("{}={}", parameter(name), parameter(value));
        self.target.push_str(&pair);
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Whether the connection is a TLS one.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether both are served by one server: what is meant for the one may be told to the other.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// The last name of the path.
    pub(crate) fn file_name(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Bytes of it as text.
    pub(crate) fn is_too_long(&self) -> bool {
        self.host.len() + self.target.len() > URL_BYTES
    }

    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host)?;
        if self.port != if self.secure { 443 } else { 80 } {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.target)
    }
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => (&authority[..at], Some(&authority[at + 1..])),
        None => (authority, None),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Some(number),
            _ => return Err(format!("has no port `{port}` could be")),
        },
    };
    let numeric = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match numeric {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    };
    if good {
        return Ok((host.to_ascii_lowercase(), port));
    }
    if host.is_empty() {
        return Err("names no host".to_owned());
    }
    let help = if host.is_ascii() { "" } else { ": write a name beyond ASCII as `xn--…`" };
    Err(format!("names a host that cannot be one{help}"))
}

/// Path and query without fragment, with what cannot stand there escaped.
fn target(rest: &str) -> String {
    let rest = rest.split('#').next().unwrap_or_default();
    let mut out = String::with_capacity(rest.len() + 1);
    if !rest.starts_with('/') {
        out.push('/');
    }
    for byte in rest.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => escape(&mut out, byte),
            0x21..=0x7e => out.push(char::from(byte)),
            _ => escape(&mut out, byte),
        }
    }
    out
}

fn escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// A name or value of a query or form: all but letters, digits and `-._~` is escaped.
pub(crate) fn parameter(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            escape(&mut out, byte);
        }
    }
    out
}

/// A path without `.` and `..`.
fn without_dots(whole: &str) -> String {
    let end = whole.find(['?', '#']).unwrap_or(whole.len());
    let (path, rest) = whole.split_at(end);
    let mut names: Vec<&str> = Vec::new();
    let mut folder = false;
    for name in path.split('/').skip(1) {
        folder = matches!(name, "." | "..");
        match name {
            "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let end = if folder && !names.is_empty() { "/" } else { "" };
    format!("/{}{end}{rest}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        Url::parse(text).unwrap_or_else(|why| panic!("{text}: {why}")).to_string()
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for (text, url) in [
            ("http://example.org", "http://example.org/"),
            ("HTTPS://Example.ORG:443/A?b=c#d", "https://example.org/A?b=c"),
            ("http://h:8080?q", "http://h:8080/?q"),
            ("http://h:80/", "http://h/"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://127.0.0.1:/x", "http://127.0.0.1/x"),
            (" http://h/a b/ä?q=ü|x\n", "http://h/a%20b/%C3%A4?q=%C3%BC%7Cx"),
            ("http://h/%20%2f", "http://h/%20%2f"),
            ("http://h/a\\b", "http://h/a%5Cb"),
            ("http://h/@x:y", "http://h/@x:y"),
        ] {
            assert_eq!(parsed(text), url, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_called_says_why() {
        for (text, why) in [
            ("", "does not begin with"),
            ("example.org/x", "does not begin with"),
            ("ftp://h/", "does not begin with"),
            ("http:/h", "does not begin with"),
            ("http://", "names no host"),
            ("http:///x", "names no host"),
            ("http://:80/", "names no host"),
            ("http://user:hunter22@h/", "use `auth`"),
            ("http://good.example\\@evil.example/", "use `auth`"),
            ("http://good.example\\evil/", "cannot be one"),
            ("http://h:99999/", "no port `99999`"),
            ("http://h:+80/", "no port"),
            ("http://h:0/", "no port"),
            ("http://a b/", "cannot be one"),
            ("http://münchen.example/", "xn--"),
            ("http://[::1/", "cannot be one"),
            ("http://[1.2.3.4]/", "cannot be one"),
            ("http://h/a\nb", "control character"),
            (&format!("http://h/{}", "x".repeat(URL_BYTES)), "longer than 8192 bytes"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("hunter22"));
        }
    }

    #[test]
    fn a_reference_leads_on_from_an_address() {
        let base = Url::parse("https://h:8443/a/b/c?q=1").unwrap();
        for (reference, url) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "https://other/x"),
            ("/x/y", "https://h:8443/x/y"),
            ("d", "https://h:8443/a/b/d"),
            ("./d?z", "https://h:8443/a/b/d?z"),
            ("../d", "https://h:8443/a/d"),
            ("../../../../d", "https://h:8443/d"),
            ("..", "https://h:8443/a/"),
            ("?z=2", "https://h:8443/a/b/c?z=2"),
            ("#part", "https://h:8443/a/b/c?q=1"),
            ("", "https://h:8443/a/b/c?q=1"),
            ("/x:y", "https://h:8443/x:y"),
            ("/a/../b?c=/../d", "https://h:8443/b?c=/../d"),
        ] {
            assert_eq!(base.join(reference).map(|url| url.to_string()), Ok(url.to_owned()), "{reference}");
        }
        for reference in ["javascript:alert(1)", "file:///etc/passwd", "//user:pw@h/", "http://"] {
            assert!(base.join(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn parameters_are_escaped() {
        let mut url = Url::parse("http://h/x").unwrap();
        url.add("a b", "1&2=3");
        url.add("ä", "/?#~");
        assert_eq!(url.to_string(), "http://h/x?a%20b=1%262%3D3&%C3%A4=%2F%3F%23~");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| Url::parse(a).unwrap().same_origin(&Url::parse(b).unwrap());
        assert!(same("https://h/a", "HTTPS://H:443/b"));
        for (a, b) in [
            ("https://h/", "http://h/"),
            ("https://h/", "https://h:8443/"),
            ("https://h/", "https://www.h/"),
            ("https://h/", "https://h./"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}

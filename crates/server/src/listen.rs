//! Where the server may listen.

use std::net::SocketAddr;

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is no address.
    #[error("`{text}` is no address to listen at")]
    NoAddress {
        /// As it was given.
        text: String,
    },
    /// It is no URL of a server.
    #[error("`{text}` is no URL that a server can have")]
    NoUrl {
        /// As it was given.
        text: String,
    },
    /// Others could reach it, and nobody could show who they are.
    #[error(
        "{place} can be reached from other machines, and nobody in this home has anything to show who they are by"
    )]
    NobodyKnown {
        /// The address.
        place: String,
    },
    /// It cannot be found out who could.
    #[error("it cannot be found out who may ask: {0}")]
    Home(stead_engine::EngineError),
    /// The system does not give it.
    #[error("{addr} cannot be listened at: {why}")]
    Taken {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        why: String,
    },
    /// The system does not tell who connects.
    #[error(
        "this system does not tell whose process connects, so that other users of it could not be told apart"
    )]
    Untold,
    /// The system does not give what a server needs besides.
    #[error("the server cannot begin: {why}")]
    Machine {
        /// What the system said.
        why: String,
    },
}

impl ListenError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => "H0401",
            Self::NobodyKnown { .. } => "H0402",
            Self::NoUrl { .. } => "H0406",
            Self::Home(_) => "H0407",
            Self::Taken { .. } => "H0403",
            Self::Machine { .. } => "H0404",
            Self::Untold => "H0405",
        }
    }

    /// What to try.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoAddress { .. } => {
                "an address and a port, such as 127.0.0.1:7700 or [::1]:7700; port 0 takes a free one"
            }
            Self::NobodyKnown { .. } => {
                "add people and give them something to show: `stead people add NAME --role ROLE`, then `stead token create NAME --user NAME`"
            }
            Self::NoUrl { .. } => "a scheme, a name and perhaps a port, such as https://stead.example.org",
            Self::Home(_) => "see what the message says of the home",
            Self::Taken { .. } => "take another port with --listen 127.0.0.1:PORT; port 0 takes a free one",
            Self::Untold => "serve on Linux; commands work here as they are",
            Self::Machine { .. } => "look at what the system says",
        }
    }
}

/// Reads an address: a number or `localhost`, and a port.
///
/// # Errors
/// When it is no address.
pub fn address(text: &str) -> Result<SocketAddr, ListenError> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    named
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| ListenError::NoAddress { text: text.chars().take(100).collect() })
}

/// The address by which others reach a server, where that is not the one that it listens at: it is behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    /// Name, and port where it is not that of the scheme; in small letters.
    authority: String,
}

impl PublicUrl {
    /// Reads one: a scheme, a name, perhaps a port, and nothing behind them.
    ///
    /// # Errors
    /// When it is something else.
    pub fn read(text: &str) -> Result<Self, ListenError> {
        let none = || ListenError::NoUrl { text: text.chars().take(100).collect() };
        let small = text.to_ascii_lowercase();
        let (scheme, rest) = small.split_once("://").ok_or_else(none)?;
        let https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(none()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (name, port) = match authority.rsplit_once(':') {
            // What stands behind the last colon of `[::1]` is no port.
            Some((name, port)) if !port.ends_with(']') => {
                (name, Some(port.parse::<u16>().map_err(|_| none())?))
            }
            _ => (authority, None),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(none());
        }
        let usual = if https { 443 } else { 80 };
        let authority = match port.filter(|port| *port != usual) {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        Ok(Self { https, authority })
    }

    /// As it is written, without a slash behind it.
    pub fn text(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    /// Whether it is reached encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether a `Host` names it.
    pub(crate) fn is(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let usual = if self.https { ":443" } else { ":80" };
        host.strip_suffix(usual).unwrap_or(&host) == self.authority
    }

    /// As pages say where they come from.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }
}

/// What a server is to others than its own machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Front {
    /// It is behind a proxy.
    pub(crate) public: Option<PublicUrl>,
    /// It can be reached from other machines by itself.
    pub(crate) open: bool,
}

impl Front {
    pub(crate) fn new(addr: SocketAddr, public: Option<PublicUrl>) -> Self {
        Self { public, open: !addr.ip().to_canonical().is_loopback() }
    }

    /// Whether each request has to show who asks, for others than this machine's processes come here.
    pub(crate) fn everybody_shows(&self) -> bool {
        self.open || self.public.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reaches_an_address_of_another_machine_has_to_show_who_they_are() {
        for text in ["127.0.0.1:7700", "127.0.0.9:0", "[::1]:80", "localhost:1", "[::ffff:127.0.0.1]:80"] {
            assert!(!Front::new(address(text).unwrap(), None).everybody_shows(), "{text}");
        }
        for text in ["0.0.0.0:7700", "[::]:7700", "192.0.2.1:80"] {
            assert!(Front::new(address(text).unwrap(), None).everybody_shows(), "{text}");
        }
        for text in ["", "7700", "127.0.0.1", "localhost", "example.org:80", "127.0.0.1:70000"] {
            assert_eq!(address(text).unwrap_err().code(), "H0401", "{text}");
        }
        let public = PublicUrl::read("https://stead.example.org").ok();
        assert!(Front::new(address("127.0.0.1:1").unwrap(), public).everybody_shows());
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_name() {
        let url = PublicUrl::read("HTTPS://Stead.Example.org:443/").unwrap();
        assert_eq!(url.origin(), "https://stead.example.org");
        assert!(url.is("stead.example.org") && url.is("STEAD.example.org:443"));
        for other in ["stead.example.org:80", "stead.example.org.evil", "", "evil"] {
            assert!(!url.is(other), "{other}");
        }
        assert_eq!(PublicUrl::read("http://[::1]:8080").unwrap().origin(), "http://[::1]:8080");
        for text in [
            "stead.example.org",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a:x",
            "https://u@a",
            "https://a?b",
        ] {
            assert_eq!(PublicUrl::read(text).unwrap_err().code(), "H0406", "{text}");
        }
    }
}

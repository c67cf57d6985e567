//! Where the server may listen.

use std::net::{IpAddr, SocketAddr};

/// Why it does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is no address.
    #[error("`{text}` is no address to listen at")]
    NoAddress {
        /// As it was given.
        text: String,
    },
    /// Others could reach it.
    #[error("{addr} can be reached from other machines, and nobody who asks there could be told apart")]
    NotLoopback {
        /// The address.
        addr: SocketAddr,
    },
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
            Self::NotLoopback { .. } => "H0402",
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
            Self::NotLoopback { .. } => {
                "listen at 127.0.0.1; who works on another machine comes through a tunnel, such as `ssh -L 7700:127.0.0.1:7700 HOST`"
            }
            Self::Taken { .. } => "take another port with --listen 127.0.0.1:PORT; port 0 takes a free one",
            Self::Untold => "serve on Linux; commands work here as they are",
            Self::Machine { .. } => "look at what the system says",
        }
    }
}

/// Reads an address: a number or `localhost`, and a port. Only this machine's own are taken as long as nobody who asks
/// has to say who they are.
///
/// # Errors
/// When it is no address, or others could reach it.
pub fn address(text: &str) -> Result<SocketAddr, ListenError> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let addr: SocketAddr = named
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| ListenError::NoAddress { text: text.chars().take(100).collect() })?;
    let own = match addr.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    if own { Ok(addr) } else { Err(ListenError::NotLoopback { addr }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_listened_at() {
        for text in ["127.0.0.1:7700", "127.0.0.9:0", "[::1]:80", "localhost:1"] {
            assert!(address(text).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:7700", "[::]:7700", "192.0.2.1:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(address(text).unwrap_err().code(), "H0402", "{text}");
        }
        for text in ["", "7700", "127.0.0.1", "localhost", "example.org:80", "127.0.0.1:70000"] {
            assert_eq!(address(text).unwrap_err().code(), "H0401", "{text}");
        }
    }
}

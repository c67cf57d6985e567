//! What can go wrong with a server elsewhere.

use crate::blame::Blame;
use crate::socket::VERSION;

/// Why a server elsewhere did not do it, as far as that is not the answer of its engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No address.
    #[error("`{url}` is no address of a server: it {why}")]
    Address {
        /// As it was given, its beginning.
        url: String,
        /// Why not.
        why: String,
    },
    /// A token would go over the network for everybody to read.
    #[error("a token is not sent to {server} over plain HTTP: everybody on the way can read it")]
    Plain {
        /// The server.
        server: String,
    },
    /// No connection.
    #[error("the server {server} cannot be reached: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// Why.
        why: String,
    },
    /// No secure connection.
    #[error("the server {server} cannot be trusted: {why}")]
    Tls {
        /// The server.
        server: String,
        /// Why.
        why: String,
    },
    /// The connection broke off before the answer was there.
    #[error("the connection to {server} broke off before its answer was there: {why}")]
    Lost {
        /// The server.
        server: String,
        /// Why.
        why: String,
        /// It may have been done.
        changes: bool,
    },
    /// It does not answer.
    #[error("the server {server} does not answer")]
    NoAnswer {
        /// The server.
        server: String,
        /// It may have been done.
        changes: bool,
    },
    /// What came is not from Stead.
    #[error("what answers at {server} is not Stead: {what}")]
    NotStead {
        /// The server.
        server: String,
        /// What came.
        what: String,
    },
    /// The server speaks another protocol, or an older release that knows of none.
    #[error("the server {server} is of another release ({theirs}) than this program ({VERSION}): {why}")]
    OtherRelease {
        /// The server.
        server: String,
        /// Its release, as far as it is known.
        theirs: String,
        /// What does not fit.
        why: String,
        /// Who is to be brought up to the other.
        older: Older,
    },
    /// The answer is longer than an answer may be.
    #[error("the answer of {server} is longer than {most} bytes")]
    TooLong {
        /// The server.
        server: String,
        /// The bound.
        most: usize,
    },
    /// It is not asked of a server elsewhere.
    #[error("this is not asked of a server elsewhere: {why}")]
    Elsewhere {
        /// Why not.
        why: &'static str,
    },
    /// The server refused the request before its engine was asked.
    #[error("{message}")]
    Refused {
        /// The server.
        server: String,
        /// Of HTTP.
        status: u16,
        /// Stable code.
        code: String,
        /// What it said.
        message: String,
        /// What to try.
        help: Option<String>,
    },
}

/// Which end is the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// The server.
    Server,
    /// This program.
    This,
    /// That is not known.
    Unknown,
}

impl RemoteError {
    /// Stable code. What the server has refused keeps the server's.
    pub fn code(&self) -> &str {
        match self {
            Self::Address { .. } => "R0801",
            Self::Plain { .. } => "R0802",
            Self::Unreachable { .. } => "R0803",
            Self::Tls { .. } => "R0804",
            Self::Lost { .. } => "R0805",
            Self::NoAnswer { .. } => "R0806",
            Self::NotStead { .. } => "R0807",
            Self::OtherRelease { .. } => "R0808",
            Self::TooLong { .. } => "R0809",
            Self::Elsewhere { .. } => "R0810",
            Self::Refused { code, .. } => code,
        }
    }

    /// What to try.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => {
                "write it as https://stead.example.org or http://127.0.0.1:7700, with nothing behind it".into()
            }
            Self::Plain { .. } => {
                "use https; or, where nobody else is on the way (a tunnel, say), allow it with --plain-http or STEAD_PLAIN_HTTP=1"
                    .into()
            }
            Self::Unreachable { server, .. } => {
                format!("look whether {server} is the address, and whether `stead serve` runs there")
            }
            Self::Tls { .. } => {
                "look whether the name is that of the certificate and whether this machine knows who vouches for it; SSL_CERT_FILE names a file with more authorities"
                    .into()
            }
            Self::Lost { changes: true, .. } | Self::NoAnswer { changes: true, .. } => {
                "it may have been done: look before you ask again".into()
            }
            Self::Lost { .. } | Self::NoAnswer { .. } => "nothing was changed: try again later".into(),
            Self::NotStead { .. } => {
                "look at the address; a proxy in between has to pass /api/v1/ on to `stead serve`".into()
            }
            Self::OtherRelease { older: Older::Server, theirs, .. } => {
                format!("upgrade the server, or use the release {theirs} here")
            }
            Self::OtherRelease { older: Older::This, theirs, .. } => {
                format!("upgrade this program to the release {theirs}")
            }
            Self::OtherRelease { .. } => "use the same release at both ends".into(),
            Self::TooLong { .. } => "ask for less: fewer rows, or one thing at a time".into(),
            Self::Elsewhere { .. } => "ask for it on the machine of the home, without --server".into(),
            Self::Refused { status: 401, server, help, .. } => {
                let login = format!("`stead login {server}` takes a token that holds");
                return Some(help.as_ref().map_or_else(|| login.clone(), |help| format!("{help}; {login}")));
            }
            Self::Refused { help, .. } => return help.clone(),
        })
    }

    /// Whose it is.
    pub(crate) fn blame(&self) -> Blame {
        match self {
            Self::Address { .. } | Self::Plain { .. } | Self::Elsewhere { .. } => Blame::Asked,
            Self::Refused { status, .. } => match status {
                400 | 404 | 405 | 413 | 415 | 422 => Blame::Asked,
                401 | 403 | 409 | 412 | 429 => Blame::Standing,
                _ => Blame::Engine,
            },
            _ => Blame::Engine,
        }
    }
}

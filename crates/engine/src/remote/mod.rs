//! A server elsewhere: the same operations and answers as on the socket of a home, over HTTP (P8).
//!
//! ```text
//! POST /api/v1/operations   {protocol, release, operation}     →
//!                                                              ←   {protocol, release, answer} | a problem
//! GET  /api/v1/runs/RUN/events?children=true (server-sent)     →
//!                                                              ←   rows of the journal, and so on
//! ```
//!
//! - **Nothing of its own.** The route is one of the server's table: whose request it is, rights, the limit of guesses,
//!   the bounds of bodies and the list of who did what are those of every other route.
//! - **An answer that is lost.** What changes something goes with an `Idempotency-Key`. Asked again with the same it is
//!   answered as it was the first time.
//! - **Two releases.** The shape of operations and answers has a number, [`PROTOCOL`]. Another one is refused by
//!   whichever end finds it, saying which side is older.
//! - **A token** goes with each request, to the one address that it is for: redirects are not followed, and over plain
//!   HTTP it goes to this machine only, unless somebody says otherwise.

mod ask;
mod error;
mod follow;
mod send;
mod stream;
mod words;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::access::Secret;
use crate::limits;
use crate::net::{Client, NetworkPolicy, Url};

pub(crate) use ask::Failed;
pub use error::RemoteError;
pub use follow::Follow;
pub use words::{Answered, Asked, PATH, PROTOCOL, Way, fault, ours, way};

/// A server elsewhere.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    url: Url,
    origin: String,
    token: Option<Secret>,
    client: Arc<Client>,
    /// It has answered once.
    reached: AtomicBool,
}

/// Over plain HTTP a token is read by everybody on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// A token goes to this machine only.
    Own,
    /// Somebody has said in so many words that it may go anywhere.
    Anywhere,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.0.origin)
    }
}

/// The address of a server as it is kept and compared: scheme, name and port.
///
/// # Errors
/// When it is none.
pub fn origin(url: &str) -> Result<String, RemoteError> {
    place(url).map(|(_, origin)| origin)
}

fn place(url: &str) -> Result<(Url, String), RemoteError> {
    let wrong = |why: String| RemoteError::Address { url: url.chars().take(200).collect(), why };
    let parsed = Url::parse(url).map_err(wrong)?;
    let text = parsed.to_string();
    match text.strip_suffix('/') {
        Some(origin) if origin.matches('/').count() == 2 => Ok((parsed, origin.to_owned())),
        _ => Err(wrong("has something behind the name of the server".to_owned())),
    }
}

impl Remote {
    /// A server by its address. It is not called yet.
    ///
    /// # Errors
    /// When it is no address, or a token would go over the network for everybody to read.
    pub fn new(url: &str, token: Option<Secret>, plain: PlainHttp) -> Result<Self, RemoteError> {
        let (url, origin) = place(url)?;
        if token.is_some() && plain == PlainHttp::Own && !url.is_secure() && !is_own(url.host()) {
            return Err(RemoteError::Plain { server: origin });
        }
        let client = Client::new(NetworkPolicy::OWN, limits::REMOTE_CONNECT, limits::REMOTE_HEAD_BYTES);
        Ok(Self(Arc::new(Inner { url, origin, token, client, reached: AtomicBool::new(false) })))
    }

    /// Its address: scheme, name and port.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Whether a token goes with what is asked.
    pub fn has_token(&self) -> bool {
        self.0.token.is_some()
    }
}

/// Whether a name means this machine.
fn is_own(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart_by_scheme_name_and_port() {
        for (url, wanted) in [
            ("https://Stead.Example.org", "https://stead.example.org"),
            ("https://stead.example.org:443/", "https://stead.example.org"),
            ("http://127.0.0.1:7700/", "http://127.0.0.1:7700"),
            ("http://[::1]:7700", "http://[::1]:7700"),
        ] {
            assert_eq!(origin(url).unwrap(), wanted, "{url}");
        }
        for url in
            ["stead.example.org", "", "ftp://a", "https://a/b", "https://a/?x", "https://u:p@a", "https://"]
        {
            assert_eq!(origin(url).unwrap_err().code(), "R0801", "{url}");
        }
    }

    #[test]
    fn p9_a_token_goes_over_plain_http_to_this_machine_only() {
        let new = |url: &str, plain| Remote::new(url, Some(Secret::new("t")), plain).map(|_| ());
        for own in ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1", "https://stead.example.org"]
        {
            assert!(new(own, PlainHttp::Own).is_ok(), "{own}");
        }
        for other in ["http://stead.example.org", "http://10.0.0.1:7700", "http://localhost.example.org"] {
            assert_eq!(new(other, PlainHttp::Own).unwrap_err().code(), "R0802", "{other}");
            assert!(new(other, PlainHttp::Anywhere).is_ok(), "{other}");
            assert!(Remote::new(other, None, PlainHttp::Own).is_ok(), "there is nothing to read: {other}");
        }
    }

    #[test]
    fn p11_runs_that_are_followed_at_a_server_are_bounded() {
        let remote = Remote::new("http://127.0.0.1:1", None, PlainHttp::Own).unwrap();
        let run = stead_core::ids::StreamId::new("r_1");
        let refused = remote.follow(&vec![run.clone(); limits::REMOTE_FOLLOWED + 1], None).unwrap_err();
        assert_eq!(refused.code(), "R0306");
        assert!(remote.follow(&[run], None).is_ok());
    }

    /// What comes of asking one who gives this answer.
    fn asked(answer: String) -> String {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            // Closed with something unread, the connection would be reset, and the answer lost with it.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let remote = Remote::new(&url, None, PlainHttp::Own).unwrap();
        let told = remote.perform(crate::operations::Operation::Engine, &mut |waiting| {
            waiting.time < std::time::Duration::from_secs(20)
        });
        told.unwrap_err().code().to_owned()
    }

    #[test]
    fn p11_what_a_server_elsewhere_says_is_bounded() {
        let head =
            |bytes: usize| format!("HTTP/1.1 502 x\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(bytes));
        assert_eq!(asked(head(100)), "R0807");
        assert_eq!(asked(head(2 * limits::REMOTE_HEAD_BYTES + 100_000)), "R0809");
        let page = |bytes: usize| {
            format!(
                "HTTP/1.1 502 x\r\ncontent-length: {bytes}\r\nconnection: close\r\n\r\n{}",
                "x".repeat(bytes)
            )
        };
        assert_eq!(asked(page(limits::REMOTE_PROBLEM_BYTES)), "R0807");
        assert_eq!(asked(page(limits::REMOTE_PROBLEM_BYTES + 1)), "R0809");
    }

    #[test]
    fn p11_lists_of_a_server_elsewhere_come_in_pages() {
        use crate::operations::{Operation, RunQuery};
        let told = |limit| {
            let mut operation = Operation::Runs { query: RunQuery { limit, ..RunQuery::default() } };
            ours(&mut operation, "user:a", "/");
            let Operation::Runs { query } = operation else { unreachable!() };
            query.limit
        };
        assert_eq!((told(7), told(limits::REMOTE_PAGE)), (7, limits::REMOTE_PAGE));
        assert_eq!((told(limits::REMOTE_PAGE + 1), told(0)), (limits::REMOTE_PAGE, limits::REMOTE_PAGE));
    }
}

//! One call: a request, and the answer to it. Redirects are answers here.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use ureq::config::Config;
use ureq::http::{self, HeaderName, HeaderValue, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout};
use ureq::{Agent, SendBody};

use super::policy::NetworkPolicy;
use super::resolve::{NoConnection, OfSystem, Resolve, connect};
use super::tls;
use super::url::Url;
use super::wire::{Link, Stream, Wire};
use crate::executor::Control;
use crate::logs::size_text;

/// Bytes read or written at once.
const BUFFER: usize = 64 * 1024;

/// A request.
pub(crate) struct Call<'a> {
    /// In capital letters.
    pub(crate) method: &'static str,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Body<'a>,
}

/// What a request carries.
pub(crate) enum Body<'a> {
    None,
    Bytes(&'a [u8]),
    File(File),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The length that the server announced.
    pub(crate) length: Option<u64>,
    pub(crate) body: Box<dyn Read>,
}

impl Answer {
    /// The last header of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer, or no whole one.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The request cannot be made, or may not. It would be the same the next time.
    Request(String),
    /// The network or the server did not do its part.
    Network(String),
}

/// Calls servers.
pub(crate) struct Client {
    policy: NetworkPolicy,
    resolver: Arc<dyn Resolve>,
    /// Read when first needed: that takes a few milliseconds.
    pub(super) tls: OnceLock<Result<Arc<ClientConfig>, String>>,
    /// Time for a connection, the looking up of its name and TLS included.
    pub(super) connect: Duration,
    /// Bytes of the head of an answer.
    head: usize,
}

impl Client {
    pub(crate) fn new(policy: NetworkPolicy, connect: Duration, head: usize) -> Arc<Self> {
        let resolver = Arc::new(OfSystem);
        Arc::new(Self { policy, resolver, tls: OnceLock::new(), connect, head })
    }

    /// One that looks names up elsewhere, and trusts these authorities.
    #[cfg(test)]
    pub(crate) fn with(
        policy: NetworkPolicy,
        connect: Duration,
        head: usize,
        resolver: Arc<dyn Resolve>,
        authorities: Vec<rustls::pki_types::CertificateDer<'static>>,
    ) -> Arc<Self> {
        let tls = OnceLock::new();
        let config = tls::with_authorities(authorities).and_then(|c| c.ok_or_else(|| "none".to_owned()));
        assert!(tls.set(config).is_ok());
        Arc::new(Self { policy, resolver, tls, connect, head })
    }

    /// Sends a request and waits for the head of the answer; its body is read from the answer.
    pub(crate) fn call(self: &Arc<Self>, call: Call<'_>, control: &dyn Control) -> Result<Answer, CallError> {
        self.call_noting(call, control, &Arc::default())
    }

    /// [`call`](Self::call), and whether a connection was there: without one nothing was sent.
    pub(crate) fn call_noting(
        self: &Arc<Self>,
        call: Call<'_>,
        control: &dyn Control,
        connected: &Arc<AtomicBool>,
    ) -> Result<Answer, CallError> {
        let request =
            |error: &dyn fmt::Display| CallError::Request(format!("the request cannot be made: {error}"));
        let end = control.fd().try_clone_to_owned().map_err(|error| request(&error))?;
        let allowance = Arc::new(AtomicUsize::new(self.head.saturating_add(BUFFER)));
        let line = Line {
            client: self.clone(),
            url: call.url.clone(),
            end: Arc::new(end),
            until: Instant::now() + self.connect,
            allowance: allowance.clone(),
            connected: connected.clone(),
        };
        let agent = Agent::with_parts(config(self.head), line, NoResolver);
        let uri: Uri = call.url.to_string().parse().map_err(|error| request(&error))?;
        let mut builder = http::Request::builder().method(call.method).uri(uri);
        for (name, value) in call.headers {
            let name: HeaderName =
                name.parse().map_err(|_| request(&format!("`{name}` is no name of a header")))?;
            // What is wrong with a value is said without it: it may be a secret.
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                request(&format!("the value of the header `{name}` has a control character in it"))
            })?;
            builder = builder.header(name, value);
        }
        let answer = match call.body {
            Body::None => agent.run(builder.body(()).map_err(|error| request(&error))?),
            Body::Bytes(bytes) => agent.run(builder.body(bytes).map_err(|error| request(&error))?),
            Body::File(mut file) => {
                let length = file.metadata().map_err(|error| request(&error))?.len();
                let builder = builder.header(http::header::CONTENT_LENGTH, length);
                let body = SendBody::from_reader(&mut file);
                agent.run(builder.body(body).map_err(|error| request(&error))?)
            }
        };
        let answer = answer.map_err(|error| self.explained(error))?;
        allowance.store(usize::MAX, Ordering::Relaxed);
        let (head, body) = answer.into_parts();
        let latin = |value: &HeaderValue| value.as_bytes().iter().map(|&b| char::from(b)).collect();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), latin(value)));
        Ok(Answer {
            status: head.status.as_u16(),
            headers: headers.collect(),
            length: body.content_length(),
            body: Box::new(Kept { reader: body.into_with_config().limit(u64::MAX).reader(), _agent: agent }),
        })
    }

    /// What went wrong while a body was read.
    pub(crate) fn cut_off(&self, error: io::Error) -> CallError {
        self.explained(ureq::Error::from(error))
    }

    fn explained(&self, error: ureq::Error) -> CallError {
        use ureq::Error as E;
        CallError::Network(match error {
            E::Http(error) => return CallError::Request(format!("the request cannot be made: {error}")),
            E::BadUri(why) => return CallError::Request(format!("the address cannot be called: {why}")),
            E::Other(error) => match error.downcast::<NoConnection>() {
                Ok(refused) if matches!(*refused, NoConnection::Refused(_)) => {
                    return CallError::Request(refused.to_string());
                }
                Ok(failed) => failed.to_string(),
                Err(error) => error.to_string(),
            },
            E::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "the server closed the connection before its answer was whole".to_owned()
            }
            E::Io(error) => format!("the connection failed: {error}"),
            E::Protocol(error) => format!("what the server sent is not HTTP: {error}"),
            E::LargeResponseHeader(..) => {
                format!("the head of the answer is larger than {}", size_text(self.head as u64))
            }
            error => error.to_string(),
        })
    }
}

/// What a status is called.
pub(crate) fn reason(status: u16) -> Option<&'static str> {
    http::StatusCode::from_u16(status).ok()?.canonical_reason()
}

/// Everything that `ureq` would do beside speaking HTTP is done here, or not at all.
fn config(head: usize) -> Config {
    Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("stead/", env!("CARGO_PKG_VERSION")))
        // What is not asked for need not be unpacked within bounds.
        .accept_encoding("identity")
        .max_response_header_size(head)
        .max_idle_connections(0)
        .build()
}

/// A body with what it is read from.
struct Kept<R> {
    reader: R,
    _agent: Agent,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Makes the connection of one call.
pub(super) struct Line {
    pub(super) client: Arc<Client>,
    pub(super) url: Url,
    pub(super) end: Arc<OwnedFd>,
    pub(super) until: Instant,
    pub(super) allowance: Arc<AtomicUsize>,
    pub(super) connected: Arc<AtomicBool>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    pub(super) fn open(&self) -> Result<Stream, NoConnection> {
        use std::os::fd::AsFd as _;
        let client = &self.client;
        let stream = connect(&self.url, &client.resolver, client.policy, self.end.as_fd(), self.until)?;
        let mut wire = Wire::new(stream, self.end.clone(), self.until);
        if !self.url.is_secure() {
            wire.until = None;
            return Ok(Stream::Plain(wire));
        }
        let config = client.tls.get_or_init(tls::of_machine).clone().map_err(NoConnection::Failed)?;
        tls::secure(config, &self.url, wire).map(Stream::Secure)
    }
}

impl Connector for Line {
    type Out = Link;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Link>, ureq::Error> {
        let stream = self.open().map_err(|error| ureq::Error::Other(Box::new(error)))?;
        self.connected.store(true, Ordering::Relaxed);
        Ok(Some(Link::new(stream, self.client.head.max(BUFFER), self.allowance.clone())))
    }
}

/// Names are looked up where the connection is made.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

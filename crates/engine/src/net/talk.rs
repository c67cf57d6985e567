//! A conversation in lines, as servers of mail have it, over the same connections as calls: the address is checked, nothing is
//! waited for without an end, and TLS goes by the authorities of this machine.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use super::call::{CallError, Client, Line};
use super::resolve::NoConnection;
use super::tls;
use super::url::Url;
use super::wire::Stream;
use crate::executor::Control;

/// Bytes of one line that is read.
const LINE: usize = 4096;

/// A conversation.
pub(crate) struct Talk {
    client: Arc<Client>,
    url: Url,
    /// None while it becomes secure, and when that failed.
    stream: Option<Stream>,
    read: Vec<u8>,
}

fn failed(error: &io::Error) -> CallError {
    CallError::Network(match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => format!("the connection failed: {error}"),
    })
}

fn unconnected(error: NoConnection) -> CallError {
    match error {
        NoConnection::Refused(why) => CallError::Request(why),
        NoConnection::Failed(why) => CallError::Network(why),
    }
}

impl Talk {
    /// Connects to a server, with TLS from the first byte where `secure`.
    pub(crate) fn begin(
        client: &Arc<Client>,
        host: &str,
        port: u16,
        secure: bool,
        control: &dyn Control,
    ) -> Result<Self, CallError> {
        let scheme = if secure { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}:{port}/"))
            .map_err(|why| CallError::Request(format!("the server {why}")))?;
        let end = control.fd().try_clone_to_owned().map_err(|error| failed(&error))?;
        let line = Line {
            client: client.clone(),
            url: url.clone(),
            end: Arc::new(end),
            until: Instant::now() + client.connect,
            allowance: Arc::new(AtomicUsize::new(0)),
            connected: Arc::default(),
        };
        let stream = line.open().map_err(unconnected)?;
        Ok(Self { client: client.clone(), url, stream: Some(stream), read: Vec::new() })
    }

    /// Goes on with TLS. What was sent before it by whoever sits in between counts for nothing.
    pub(crate) fn secure(&mut self) -> Result<(), CallError> {
        let Some(Stream::Plain(mut wire)) = self.stream.take() else {
            return Err(CallError::Request("the connection is secure already".to_owned()));
        };
        if !self.read.is_empty() {
            return Err(CallError::Network("the server said something before TLS had begun".to_owned()));
        }
        wire.until = Some(Instant::now() + self.client.connect);
        let config = self.client.tls.get_or_init(tls::of_machine).clone().map_err(CallError::Network)?;
        let stream = tls::secure(config, &self.url, wire).map_err(unconnected)?;
        self.stream = Some(Stream::Secure(stream));
        Ok(())
    }

    fn stream(&mut self) -> Result<&mut Stream, CallError> {
        self.stream.as_mut().ok_or_else(|| CallError::Network("there is no connection".to_owned()))
    }

    /// Says something.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), CallError> {
        self.stream()?.write_all(text.as_bytes()).map_err(|error| failed(&error))
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> Result<String, CallError> {
        let mut buffer = [0; 1024];
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.read.len() > LINE {
                return Err(CallError::Network("the server said a line without an end".to_owned()));
            }
            match self.stream()?.read(&mut buffer).map_err(|error| failed(&error))? {
                0 => return Err(CallError::Network("the server closed the connection".to_owned())),
                read => self.read.extend_from_slice(&buffer[..read]),
            }
        }
    }
}

//! TLS: whom a server has to be vouched for by.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use stead_core::effect::ErrorKind;

use super::server::Server;
use super::{Bench, get};

const AUTHORITY: &[u8] = include_bytes!("tls/authority.der");
const GOOD: (&[u8], &[u8]) = (include_bytes!("tls/good.der"), include_bytes!("tls/good.key"));
const ALONE: (&[u8], &[u8]) = (include_bytes!("tls/alone.der"), include_bytes!("tls/alone.key"));

/// Whom the clients of the tests trust.
pub(super) fn authorities() -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from(AUTHORITY)]
}

/// Speaks TLS and answers as it is told; says goodbye or not.
fn server((certificate, key): (&'static [u8], &'static [u8]), answer: &'static str, goodbye: bool) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap();
    let config = Arc::new(config);
    Server::of_streams(move |stream: TcpStream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut buffer = [0; 4096];
        if stream.read(&mut buffer).is_err() {
            return;
        }
        stream.write_all(answer.as_bytes()).unwrap();
        if goodbye {
            stream.conn.send_close_notify();
        }
        let _ = stream.flush();
    })
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.names.insert("good.example", "127.0.0.1");
    bench.names.insert("other.example", "127.0.0.1");
    bench
}

fn url(server: &Server, host: &str) -> String {
    format!("https://{host}:{}/", server.port())
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure";

#[test]
fn a_server_that_is_vouched_for_is_called() {
    let server = server(GOOD, ANSWER, false);
    assert_eq!(bench().gives(get(&url(&server, "good.example"), None))["body"], "secure");
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_called() {
    let (alone, good) = (server(ALONE, ANSWER, true), server(GOOD, ANSWER, true));
    // As servers answer that were not asked in plain.
    let plain = Server::of_streams(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    });
    let bench = bench();
    for (url, part) in [
        (url(&alone, "good.example"), "no authority that this machine knows vouches for it"),
        (url(&good, "other.example"), "not valid for name"),
        (url(&good, "127.0.0.1"), "not valid for name"),
        (url(&plain, "good.example"), "no secure connection to `good.example`"),
    ] {
        bench.fails(get(&url, None), ErrorKind::Network, part);
    }
    let closed = Server::of_streams(drop);
    bench.fails(get(&url(&closed, "good.example"), None), ErrorKind::Network, "no secure connection");
}

#[test]
fn what_may_have_been_cut_off_is_not_taken_for_whole() {
    let open = "HTTP/1.1 200 OK\r\n\r\nall of it";
    let (polite, cut) = (server(GOOD, open, true), server(GOOD, open, false));
    assert_eq!(bench().gives(get(&url(&polite, "good.example"), None))["body"], "all of it");
    bench().fails(get(&url(&cut, "good.example"), None), ErrorKind::Network, "without the goodbye of TLS");
}

#[test]
fn a_redirect_does_not_lead_from_a_secure_server_to_another() {
    let moved = "HTTP/1.1 307 Moved\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n";
    let server = server(GOOD, moved, true);
    let request = json!({"method": "get", "url": url(&server, "good.example")});
    bench().fails(request, ErrorKind::Exit, "which is not secure");
}

//! Servers and networks that do not do their part.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;

use super::server::Server;
use super::{Bench, get};
use crate::limits::HttpLimits;
use crate::net::NetworkPolicy;

fn raw(answer: &'static [u8]) -> Server {
    Server::new(move |_, stream| drop(stream.write_all(answer)))
}

/// Goes on for ever after a beginning.
fn endless(begin: &'static [u8], more: &'static [u8]) -> Server {
    Server::new(move |_, stream| {
        stream.write_all(begin).unwrap();
        while stream.write_all(more).is_ok() {}
    })
}

#[test]
fn p11_a_head_without_end_is_cut() {
    let bench = Bench::new();
    for (begin, more) in [
        (b"HTTP/1.1 200 OK\r\n".as_slice(), b"X-More: and more\r\n".as_slice()),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"and more and more "),
        (b"HTTP/1.1 200 ", b"OK OK OK OK"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"),
        (b"", b"\r\n\r\n\r\n\r\n"),
    ] {
        let server = endless(begin, more);
        let result = bench.run(get(&server.url("/"), None));
        let error = result.error.unwrap();
        assert_eq!(error.kind, ErrorKind::Network, "{}", error.message);
        let known = ["the head of the answer is larger than 64 KiB", "is not HTTP"];
        assert!(known.iter().any(|part| error.message.contains(part)), "{}", error.message);
    }
    // Within its bound a head is read, and what announces it is passed over.
    let server =
        raw(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    assert_eq!(bench.body(&server, None), json!("1"));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
    bench.fails(get(&Server::saying(&many).url("/"), None), ErrorKind::Network, "too many headers");
}

#[test]
fn p11_a_body_without_end_is_cut() {
    let mut bench = Bench::new();
    bench.limits = HttpLimits { body: 1_000, file: 3_000, ..bench.limits };
    let chunk = b"8\r\n12345678\r\n";
    for server in [
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"and more"),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"and more"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"),
    ] {
        for parse in [None, Some("base64"), Some("lines")] {
            bench.fails(
                get(&server.url("/"), parse),
                ErrorKind::Schema,
                "the answer is larger than 1000 bytes: take it as a file",
            );
        }
        bench.fails(
            get(&server.url("/"), Some("file")),
            ErrorKind::Schema,
            "the answer is larger than 3000 bytes",
        );
        assert_eq!(bench.body(&server, Some("none")), Value::Null, "nobody reads it");
    }
    let just = Server::answering("200 OK", "", &"x".repeat(1_000));
    assert_eq!(bench.body(&just, None).as_str().unwrap().len(), 1_000);
    let over = Server::answering("200 OK", "", &"x".repeat(1_001));
    bench.fails(get(&over.url("/"), None), ErrorKind::Schema, "larger");
    let fits = Server::answering("200 OK", "", &"x".repeat(3_000));
    assert_eq!(bench.body(&fits, Some("file"))["size"], 3_000);
    let error = endless(b"HTTP/1.1 500 Oh\r\n\r\n", b"and more ");
    let message = bench.run(get(&error.url("/"), None)).error.unwrap().message;
    assert!(message.contains("answered 500") && message.len() < 1_200, "{message}");
    assert_eq!(files(&bench), 1, "what was cut is not kept");
}

fn files(bench: &Bench) -> usize {
    stead_store::files::FileStore::attach(&bench.files()).list().unwrap().len()
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let bench = Bench::new();
    for (answer, part) in [
        (b"".as_slice(), "before its answer was whole"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "before its answer was whole"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "before its answer was whole"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "before its answer was whole"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "before its answer was whole",
        ),
    ] {
        let server = raw(answer);
        for parse in [None, Some("base64"), Some("file")] {
            bench.fails(get(&server.url("/"), parse), ErrorKind::Network, part);
        }
    }
    assert_eq!(files(&bench), 0);
}

#[test]
fn what_is_sent_beyond_the_announced_length_does_not_count() {
    let server = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more");
    assert_eq!(Bench::new().body(&server, None), json!("hello"));
}

#[test]
fn what_is_not_http_is_refused() {
    let bench = Bench::new();
    for answer in [
        b"220 mail.example.org ESMTP\r\n\r\n".as_slice(),
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"\x00\xff\x00\xff\r\n\r\n",
        b"\x16\x03\x01\x00\x01\x01\r\n\r\n",
    ] {
        let server = raw(answer);
        let shown = String::from_utf8_lossy(answer);
        let error = bench.run(get(&server.url("/"), None)).error.unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(error.kind, ErrorKind::Network, "{shown}: {}", error.message);
    }
}

#[test]
fn a_connection_that_is_reset_is_told_apart_from_one_that_is_closed() {
    // Closed with bytes unread, a connection is reset: also a body that only its end delimits is then not whole.
    let server = Server::of_streams(|mut stream| {
        let mut few = [0; 10];
        let _ = stream.read(&mut few);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").unwrap();
    });
    let bench = Bench::new();
    let request = json!({"method": "post", "url": server.url("/"), "body": "x".repeat(100_000)});
    let error = bench.run(request).error.unwrap();
    assert_eq!(error.kind, ErrorKind::Network, "{}", error.message);
}

#[test]
fn nobody_at_home_is_an_error_of_the_network() {
    let mut bench = Bench::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    bench.fails(get(&url, None), ErrorKind::Network, "cannot connect to `127.0.0.1`");
    bench.names.insert("empty.example", "127.0.0.1 127.0.0.2");
    let url = format!("http://empty.example:{port}/");
    bench.fails(get(&url, None), ErrorKind::Network, "cannot connect to `empty.example`");
    bench.names.insert("unknown.example", "");
    bench.fails(
        get("http://unknown.example/", None),
        ErrorKind::Network,
        "the name `unknown.example` cannot be looked up: nobody knows it",
    );
    assert!(bench.log().contains("failed after"), "{}", bench.log());
}

#[test]
fn the_next_address_is_tried_when_one_does_not_answer() {
    let mut bench = Bench::new();
    let server = Server::answering("200 OK", "", "here");
    bench.names.insert("two.example", "127.0.0.9 127.0.0.1");
    let url = format!("http://two.example:{}/", server.port());
    assert_eq!(bench.gives(get(&url, None))["body"], "here");
    assert_eq!(server.seen()[0].header("host"), format!("two.example:{}", server.port()));
}

#[test]
fn a_packed_answer_is_not_unpacked() {
    let bench = Bench::new();
    // A megabyte of zeros, packed a thousand times smaller, is what it is: a few bytes that nobody asked for.
    let server = Server::answering(
        "200 OK",
        "Content-Encoding: gzip\r\nContent-Type: application/json\r\n",
        "\u{1f}\u{8b}bomb",
    );
    for parse in [None, Some("json"), Some("text")] {
        bench.fails(
            get(&server.url("/"), parse),
            ErrorKind::Schema,
            "packed by `gzip`, which was not asked for",
        );
    }
    assert_eq!(bench.body(&server, Some("base64")), json!("H8KLYm9tYg=="));
    let plain = Server::answering("200 OK", "Content-Encoding: identity\r\n", "plain");
    assert_eq!(bench.body(&plain, None), json!("plain"));
}

#[test]
fn json_that_is_none_is_an_error() {
    let bench = Bench::new();
    let json = |body: &str| Server::answering("200 OK", "Content-Type: application/json\r\n", body);
    bench.fails(
        get(&json("{\"a\": nope}").url("/"), None),
        ErrorKind::Schema,
        "which calls itself JSON, is not JSON",
    );
    bench.fails(get(&json("").url("/"), Some("json")), ErrorKind::Schema, "is empty");
    let deep = "[".repeat(10_000);
    bench.fails(get(&json(&deep).url("/"), None), ErrorKind::Schema, "recursion limit");
}

#[test]
fn a_policy_is_about_addresses_and_not_about_names() {
    let server = Server::answering("200 OK", "", "secret");
    let mut bench = Bench::new();
    bench.policy = NetworkPolicy::SERVER;
    bench.names.insert("innocent.example", "127.0.0.1");
    bench.names.insert("mapped.example", "::ffff:127.0.0.1");
    bench.names.insert("meta.example", "169.254.169.254");
    for host in [
        "127.0.0.1",
        "localhost",
        "innocent.example",
        "mapped.example",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
    ] {
        let url = format!("http://{host}:{}/", server.port());
        bench.fails(get(&url, None), ErrorKind::Exit, "which steps may not call here");
    }
    let innocent = format!("http://innocent.example:{}/", server.port());
    bench.fails(get(&innocent, None), ErrorKind::Exit, "`innocent.example` is this machine (127.0.0.1)");
    bench.policy = NetworkPolicy::OWN;
    bench.gives(get(&innocent, None));
    for host in ["169.254.169.254", "meta.example", "[fe80::1]", "0.0.0.0", "[::ffff:a9fe:a9fe]"] {
        bench.fails(
            get(&format!("http://{host}/latest"), None),
            ErrorKind::Exit,
            "which steps may not call here",
        );
    }
    assert_eq!(server.seen().len(), 1);
    // Where a name has allowed addresses as well, only these are called.
    bench.names.insert("both.example", "169.254.169.254 127.0.0.1");
    bench.gives(get(&format!("http://both.example:{}/", server.port()), None));
}

#[test]
fn a_request_is_answered_before_it_was_read() {
    // Too large, says the server, and reads no further: what it said counts where it can still be heard.
    let server = Server::of_streams(|mut stream: TcpStream| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut rest = [0; 64 * 1024];
        while stream.read(&mut rest).is_ok_and(|read| read > 0) {}
    });
    let request = json!({"method": "post", "url": server.url("/"), "body": "x".repeat(1 << 20)});
    Bench::new().fails(request, ErrorKind::Exit, "answered 413");
}

//! Redirects: bounded, checked, and told to nobody else who asks.

use std::io::Write;

use serde_json::json;
use stead_core::effect::ErrorKind;

use super::server::{Server, whole};
use super::{Bench, get};
use crate::net::NetworkPolicy;

/// Redirects everything there.
fn to(status: u16, location: &str) -> Server {
    Server::answering(&format!("{status} Elsewhere"), &format!("Location: {location}\r\n"), "moved")
}

#[test]
fn a_redirect_is_followed_as_it_says() {
    let target = Server::answering("200 OK", "", "there");
    let bench = Bench::new();
    for (status, method, then, body) in [
        (301, "get", "GET", ""),
        (302, "head", "HEAD", ""),
        (301, "post", "GET", ""),
        (302, "post", "GET", ""),
        (303, "put", "GET", ""),
        (303, "head", "HEAD", ""),
        (301, "put", "PUT", "data"),
        (307, "post", "POST", "data"),
        (308, "delete", "DELETE", "data"),
    ] {
        let server = to(status, &target.url("/there?x=1"));
        let mut request = json!({"method": method, "url": server.url("/")});
        if !matches!(method, "get" | "head") {
            request["body"] = json!("data");
        }
        bench.gives(request);
        let seen = target.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.body.as_str()), (then, body), "{status} {method}");
        assert_eq!(seen.target, "/there?x=1");
        assert_eq!(seen.header("content-type").is_empty(), body.is_empty());
        assert_eq!(seen.header("idempotency-key").is_empty(), matches!(then, "GET" | "HEAD"));
    }
}

#[test]
fn p11_redirects_in_a_ring_end() {
    let bench = Bench::new();
    let server = Server::new(|seen, stream| {
        let next = if seen.target == "/a" { "/b" } else { "/a" };
        let answer = whole("302 Found", &format!("Location: {next}\r\n"), "");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    bench.fails(get(&server.url("/a"), None), ErrorKind::Exit, "more than 10 redirects, the last to `/b`");
    assert_eq!(server.seen().len(), 11);
}

#[test]
fn a_redirect_that_is_expected_is_an_answer() {
    let server = to(302, "http://169.254.169.254/");
    let output = Bench::new().gives(json!({"method": "get", "url": server.url("/"), "expect": ["3xx"]}));
    assert_eq!((&output["status"], &output["body"]), (&json!(302), &json!("moved")));
    assert_eq!(output["headers"]["location"], "http://169.254.169.254/");
}

#[test]
fn where_a_redirect_leads_is_checked_at_each_hop() {
    let inner = Server::answering("200 OK", "", "inner");
    let mut bench = Bench::new();
    for location in
        ["http://169.254.169.254/latest/meta-data", "http://meta.example/", "//[fe80::1]/", "http://0.0.0.0/"]
    {
        bench.names.insert("meta.example", "169.254.169.254");
        let server = to(302, location);
        bench.fails(get(&server.url("/"), None), ErrorKind::Exit, "which steps may not call here");
    }
    // What a server may call redirects to what it may not: the same name, looked up anew.
    let server = to(307, &inner.url("/"));
    bench.policy = NetworkPolicy::SERVER;
    bench.fails(get(&server.url("/"), None), ErrorKind::Exit, "is this machine");
    assert_eq!(inner.seen().len(), 0);
}

#[test]
fn a_redirect_to_what_cannot_be_called_is_an_error() {
    let bench = Bench::new();
    for location in ["ftp://h/", "file:///etc/passwd", "javascript:1", "http://", "http://me:pw@h/"] {
        let server = to(302, location);
        bench.fails(get(&server.url("/"), None), ErrorKind::Exit, "redirects to an address that");
    }
    // Without an address it is an answer like others.
    let server = Server::answering("302 Found", "", "");
    bench.fails(get(&server.url("/"), None), ErrorKind::Exit, "answered 302 Found");
}

#[test]
fn p9_no_other_server_is_told_who_asks() {
    let other = Server::answering("200 OK", "", "");
    let bench =
        Bench::new().secret("/headers/X-Token", "hunter22-one").secret("/auth/bearer", "hunter22-two");
    let request = |server: &Server| {
        json!({
            "method": "get", "url": server.url("/"),
            "headers": {"X-Token": null, "Cookie": "session=1", "X-Open": "open"}, "auth": {"bearer": null},
        })
    };
    // The same host on another port is another server.
    bench.gives(request(&to(302, &other.url("/x"))));
    let seen = other.seen().pop().unwrap();
    for header in ["authorization", "cookie", "x-token"] {
        assert_eq!(seen.header(header), "", "{header}");
    }
    assert_eq!(seen.header("x-open"), "open");
    assert!(!format!("{seen:?}").contains("hunter22"));

    let same = Server::new(|seen, stream| {
        let answer = match seen.target.as_str() {
            "/" => whole("302 Found", "Location: /same\r\n", ""),
            _ => whole("200 OK", "", ""),
        };
        stream.write_all(answer.as_bytes()).unwrap();
    });
    bench.gives(request(&same));
    let seen = same.seen().pop().unwrap();
    assert_eq!(seen.target, "/same");
    assert_eq!(
        (seen.header("authorization"), seen.header("x-token")),
        ("Bearer hunter22-two", "hunter22-one")
    );

    for auth in [
        json!({"basic": {"user": "me", "password": null}}),
        json!({"header": {"name": "X-Key", "value": null}}),
    ] {
        let place = if auth.get("basic").is_some() { "/auth/basic/password" } else { "/auth/header/value" };
        let bench = Bench::new().secret(place, "hunter22-three");
        let server = to(307, &other.url("/y"));
        bench.gives(json!({"method": "get", "url": server.url("/"), "auth": auth}));
        let seen = other.seen().pop().unwrap();
        assert_eq!((seen.header("authorization"), seen.header("x-key")), ("", ""));
    }
}

#[test]
fn p9_a_body_with_a_secret_goes_to_no_other_server() {
    let other = Server::answering("200 OK", "", "");
    let bench = Bench::new().secret("/json/token", "hunter22-one");
    let post = |server: &Server| json!({"method": "post", "url": server.url("/"), "json": {"token": null}});
    bench.fails(
        post(&to(307, &other.url("/"))),
        ErrorKind::Exit,
        "another server, and the body has a secret in it",
    );
    assert_eq!(other.seen().len(), 0);
    // Where the body is not sent again there is nothing to be kept back.
    bench.gives(post(&to(303, &other.url("/"))));
    assert_eq!(other.seen()[0].body, "");
}

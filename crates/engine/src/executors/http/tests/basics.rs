//! What goes out, and what comes of what comes back.

use serde_json::{Value, json};
use stead_core::effect::ErrorKind;
use stead_store::files::FileStore;

use super::server::{Server, whole};
use super::{Bench, get};

#[test]
fn json_is_read_where_the_server_says_so_and_all_else_as_text() {
    let bench = Bench::new();
    for (media, body, value) in [
        ("application/json", "{\"a\": [1, 2.5]}", json!({"a": [1, 2.5]})),
        ("application/problem+json; charset=utf-8", "[]", json!([])),
        ("Application/JSON", "\u{feff}1", json!(1)),
        ("application/json", "", json!(null)),
        ("text/plain", "{\"a\": 1}\n", json!("{\"a\": 1}\n")),
        ("text/html; charset=\"UTF-8\"", "<p>ä", json!("<p>ä")),
    ] {
        let server = Server::answering("200 OK", &format!("Content-Type: {media}\r\n"), body);
        assert_eq!(bench.body(&server, None), value, "{media} {body}");
    }
}

#[test]
fn parse_says_what_a_body_becomes() {
    let bench = Bench::new();
    let server = Server::answering("200 OK", "Content-Type: text/plain\r\n", "[\"a\"]\nb\r\n");
    for (parse, value) in [
        ("text", json!("[\"a\"]\nb\r\n")),
        ("lines", json!(["[\"a\"]", "b"])),
        ("base64", json!("WyJhIl0KYg0K")),
        ("none", json!(null)),
    ] {
        assert_eq!(bench.body(&server, Some(parse)), value, "{parse}");
    }
    let wrong = bench.fails(get(&server.url("/"), Some("json")), ErrorKind::Schema, "the answer is not JSON");
    assert!(wrong.error.unwrap().message.contains("line 2"));
}

#[test]
fn a_body_can_be_taken_and_sent_as_a_file() {
    let bench = Bench::new();
    let server = Server::new(|seen, stream| {
        use std::io::Write;
        let answer = whole("200 OK", "", if seen.body.is_empty() { "\u{0}\u{1}data" } else { &seen.body });
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let file = bench.gives(get(&server.url("/a/report.v1.csv?x=1"), Some("file")))["body"].clone();
    assert_eq!((&file["name"], &file["size"]), (&json!("report.v1.csv"), &json!(6)));
    let kept = FileStore::attach(&bench.files()).get(file["hash"].as_str().unwrap()).unwrap();
    assert_eq!(kept, b"\0\x01data");
    let nameless = bench.gives(get(&server.url("/"), Some("file")));
    assert_eq!(nameless["body"]["name"], "body");

    let echoed =
        bench.gives(json!({"method": "put", "url": server.url("/up"), "body": file, "parse": "base64"}));
    assert_eq!(echoed["body"], "AAFkYXRh");
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("content-type"), "application/octet-stream");
    assert_eq!((seen.method.as_str(), seen.header("content-length")), ("PUT", "6"));
    assert_eq!(seen.header("transfer-encoding"), "");
}

#[test]
fn what_is_asked_for_reaches_the_server() {
    let bench = Bench::new();
    let server = Server::answering("200 OK", "", "");
    bench.gives(json!({
        "method": "post", "url": server.url("/a b?x=1"), "query": {"q": "ü&", "l": [1, 2]},
        "headers": {"X-One": "1\n", "Accept": "text/csv"}, "json": {"n": [1, null]},
    }));
    bench.gives(json!({"method": "get", "url": server.url("/")}));
    bench.gives(json!({
        "method": "delete", "url": server.url("/"), "body": {"a": "b c"},
        "headers": {"content-type": "x/y", "idempotency-key": "mine"},
    }));
    bench.gives(json!({"method": "post", "url": server.url("/")}));
    let [post, get, delete, empty] = &server.seen()[..] else { panic!() };
    assert_eq!(post.target, "/a%20b?x=1&q=%C3%BC%26&l=1&l=2");
    assert_eq!((post.header("x-one"), post.header("accept")), ("1", "text/csv"));
    assert_eq!((post.header("content-type"), post.body.as_str()), ("application/json", r#"{"n":[1,null]}"#));
    assert_eq!(post.header("idempotency-key"), "r_1/step");
    assert!(post.header("user-agent").starts_with("stead/"));
    assert_eq!(post.header("accept-encoding"), "identity");
    assert_eq!(post.header("host"), server.address.to_string());
    assert_eq!((get.method.as_str(), get.header("idempotency-key")), ("GET", ""));
    assert_eq!((get.header("content-length"), get.header("content-type")), ("", ""));
    assert_eq!((delete.header("content-type"), delete.body.as_str()), ("x/y", "a=b%20c"));
    assert_eq!(delete.header("idempotency-key"), "mine");
    assert_eq!((empty.header("content-length"), empty.header("content-type")), ("0", ""));
}

#[test]
fn an_idempotency_key_fits_into_a_header_and_stays_distinct() {
    let server = Server::answering("200 OK", "", "");
    let long = format!("r_1/each[{}]/x", "ä".repeat(200));
    for key in ["r_1/each[a b\"ü]/x#2", &long, &format!("{long}2")] {
        let bench = Bench { key: key.to_owned(), ..Bench::new() };
        bench.gives(json!({"method": "post", "url": server.url("/")}));
    }
    let keys: Vec<String> =
        server.seen().iter().map(|seen| seen.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys[0], "r_1/each[a%20b%22%C3%BC]/x#2");
    assert!(keys[1].len() <= 255 && keys[1].is_ascii(), "{}", keys[1]);
    assert_ne!(keys[1], keys[2]);
}

#[test]
fn headers_come_by_name() {
    let server = Server::answering("200 Fine", "A: 1\r\na: 2\r\nSet-Cookie: x=1, y\r\nX-L: \u{fc}\r\n", "");
    let output = Bench::new().gives(get(&server.url("/"), None));
    assert_eq!(output["status"], 200);
    let headers = &output["headers"];
    assert_eq!((&headers["a"], &headers["set-cookie"]), (&json!("1, 2"), &json!(["x=1, y"])));
    assert_eq!(headers["content-length"], "0");
}

#[test]
fn answers_without_a_body_give_none() {
    let bench = Bench::new();
    for (method, status, headers) in [
        ("get", "204 No Content", ""),
        ("get", "304 Not Modified", "Content-Length: 77\r\n"),
        ("head", "200 OK", "Content-Length: 77\r\nContent-Type: application/json\r\n"),
        ("get", "205 Reset Content", "Content-Length: 0\r\n"),
    ] {
        let server = Server::saying(&format!("HTTP/1.1 {status}\r\n{headers}\r\n"));
        let request = json!({"method": method, "url": server.url("/"), "expect": ["2xx", 304]});
        assert_eq!(bench.gives(request.clone())["body"], Value::Null, "{method} {status}");
        let with = |parse: &str| {
            let mut request = request.clone();
            request["parse"] = json!(parse);
            bench.gives(request)["body"].clone()
        };
        assert_eq!(with("text"), json!(""), "{method} {status}");
        assert_eq!(with("lines"), json!([]), "{method} {status}");
        if method != "head" {
            assert_eq!(with("json"), Value::Null, "{method} {status}");
        }
    }
}

#[test]
fn a_status_that_is_not_expected_is_an_error_with_the_beginning_of_the_body() {
    let bench = Bench::new();
    let body = format!("{{\n \"error\": \"no  such item\", \"more\": \"{}\" }}", "ö".repeat(2_000));
    let server = Server::answering("404 Not Found", "Content-Type: application/json\r\n", &body);
    let result = bench.fails(
        get(&server.url("/x?y=1"), None),
        ErrorKind::Exit,
        "answered 404 Not Found: { \"error\": \"no such item\"",
    );
    let message = result.error.unwrap().message;
    assert!(message.starts_with(&format!("GET {}", server.url("/x?y=1"))), "{message}");
    assert!(message.len() < 1_200 && message.ends_with('…'), "{message}");
    assert_eq!(result.exit_code, Some(1), "what a probe asks for: there is no such thing");
    let expected = json!({"method": "get", "url": server.url("/"), "expect": ["2xx", 404]});
    assert_eq!(bench.gives(expected)["body"]["error"], "no  such item");

    for (status, kind, exit_code) in [
        ("500 Internal Server Error", ErrorKind::Exit, None),
        ("429 Too Many Requests", ErrorKind::RateLimit, None),
        ("410 Gone", ErrorKind::Exit, Some(1)),
        ("300 Multiple Choices", ErrorKind::Exit, None),
        ("101 Switching Protocols", ErrorKind::Exit, None),
        ("299 Odd", ErrorKind::Exit, None),
    ] {
        let server = Server::answering(status, "", "");
        let request = json!({"method": "get", "url": server.url("/"), "expect": [200]});
        assert_eq!(bench.fails(request, kind, &status[..3]).exit_code, exit_code, "{status}");
        let any = json!({"method": "get", "url": server.url("/"), "expect": "any"});
        assert_eq!(bench.gives(any)["status"].to_string(), status[..3]);
    }
}

#[test]
fn a_wait_that_is_asked_for_is_passed_on() {
    let bench = Bench::new();
    let limited = |status: &str, after: &str| {
        let server = Server::answering(status, &format!("Retry-After: {after}\r\n"), "");
        bench.run(get(&server.url("/"), None)).retry_after
    };
    assert_eq!(limited("429 Too Many Requests", "7"), Some(7_000));
    assert_eq!(limited("503 Service Unavailable", "0"), Some(0));
    assert_eq!(limited("429 Too Many Requests", "soon"), None);
    assert_eq!(limited("500 Internal Server Error", "7"), None);
    assert_eq!(limited("503 Service Unavailable", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
    let far = limited("503 Service Unavailable", "Fri, 31 Dec 2199 23:59:59 GMT").unwrap();
    assert!(far > 1_000_000_000_000, "{far}");
}

#[test]
fn text_in_the_letters_of_the_west_is_read() {
    let bench = Bench::new();
    let server = |charset: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain; Charset={charset}\r\n\r\n");
        Server::new(move |_, stream| {
            use std::io::Write;
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(b"\xfc \x80 \x81").unwrap();
        })
    };
    for charset in ["iso-8859-1", "\"Latin1\"", "Windows-1252"] {
        assert_eq!(bench.body(&server(charset), None), json!("ü € \u{81}"), "{charset}");
    }
    bench.fails(
        get(&server("utf-16").url("/"), None),
        ErrorKind::Schema,
        "text in `utf-16`, which is not read",
    );
    bench.fails(get(&server("utf-8").url("/"), None), ErrorKind::Schema, "no UTF-8 text (at byte 0)");
}

#[test]
fn each_exchange_leaves_a_line_in_the_log() {
    let bench = Bench::new();
    let server = Server::new(|seen, stream| {
        use std::io::Write;
        let answer = match seen.target.as_str() {
            "/old?a=1" => "HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n".to_owned(),
            _ => whole("200 OK", "", "12345"),
        };
        stream.write_all(answer.as_bytes()).unwrap();
    });
    bench.gives(get(&server.url("/old?a=1"), None));
    let log = bench.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains(&format!("n GET {} answered 301 after", server.url("/old?a=1"))), "{log}");
    assert!(lines[1].contains(&format!("n GET {} answered 200 after", server.url("/new"))), "{log}");
    assert!(lines[1].ends_with("ms, 5 bytes"), "{log}");
}

#[test]
fn a_request_that_cannot_be_made_says_why() {
    let bench = Bench::new();
    for (request, part) in [
        (json!({"method": "get", "url": "example.org"}), "does not begin with"),
        (
            json!({"method": "get", "url": "http://h", "headers": {"X": "a\nb"}}),
            "`x` has a control character",
        ),
        (
            json!({"method": "get", "url": "http://h", "headers": {"a b": "x"}}),
            "`a b` is no name of a header",
        ),
        (json!({"method": "post", "url": "http://h", "body": 1}), "got something else"),
        (
            json!({"method": "post", "url": "http://h", "body": {"path": "", "name": "", "hash": "00", "size": 0}}),
            "no file is kept under 00",
        ),
        (json!({"method": "brew", "url": "http://h"}), "a bug in Stead"),
    ] {
        bench.fails(request, ErrorKind::Exit, part);
    }
}

//! Secrets reach the server and nothing that comes back.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use stead_core::effect::{AttemptResult, ErrorKind};

use super::server::{Seen, Server, whole};
use super::{Bench, get};

const SECRET: &str = "hunter22-Zürich/\"q\"";
const TOKEN: &str = "hunter22token";

/// Answers with all that it was told, in many ways.
fn echo(status: &'static str) -> Server {
    Server::new(move |seen: &Seen, stream| {
        let auth = seen.header("authorization").to_owned();
        let told = format!("{} {} {}", auth, seen.header("x-token"), seen.body);
        let plain = auth.split_once(' ').map_or("", |(_, token)| token);
        let decoded = BASE64.decode(plain).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let body = json!({
            "told": told, "list": [{ (told.as_str()): 1 }], "decoded": decoded.unwrap_or_default(),
            "packed": BASE64.encode(format!("{auth} {}", seen.header("x-token"))),
            "url": crate::net::parameter(&format!("{auth} {}", seen.header("x-token"))),
        });
        let header = format!("Content-Type: application/json\r\nX-Told: {auth}\r\nSet-Cookie: t={plain}\r\n");
        stream.write_all(whole(status, &header, &body.to_string()).as_bytes()).unwrap();
    })
}

fn check(bench: &Bench, result: &AttemptResult) {
    let all = format!("{}\n{}", serde_json::to_string(result).unwrap(), bench.log());
    for trace in ["hunter22", "Z\u{fc}rich", "\\u00fcrich", "aHVudGVyMj", "h1bnRlcjIy", "odW50ZXIyM"] {
        assert!(!all.contains(trace), "{trace} in {all}");
    }
}

/// Requests with a secret in each place where one may stand.
fn requests(server: &Server) -> Vec<(Bench, Value)> {
    let url = server.url("/x");
    vec![
        (Bench::new().secret("/auth/bearer", TOKEN), json!({"auth": {"bearer": null}})),
        (
            Bench::new().secret("/auth/basic/user", TOKEN).secret("/auth/basic/password", SECRET),
            json!({"auth": {"basic": {"user": null, "password": null}}}),
        ),
        (
            Bench::new().secret("/auth/header/value", TOKEN),
            json!({"auth": {"header": {"name": "X-Token", "value": null}}}),
        ),
        (Bench::new().secret("/headers/X-Token", TOKEN), json!({"headers": {"X-Token": null}})),
        (
            Bench::new().secret("/headers/X-Token/1", TOKEN),
            json!({"headers": {"X-Token": ["Bearer ", null]}}),
        ),
        (Bench::new().secret("/json/a/0/t", SECRET), json!({"json": {"a": [{"t": null}]}})),
        (Bench::new().secret("/body", SECRET), json!({"body": null})),
        (Bench::new().secret("/body/t", SECRET), json!({"body": {"t": null}})),
    ]
    .into_iter()
    .map(|(bench, mut request)| {
        let post = ["json", "body"].iter().any(|key| request.get(key).is_some());
        request["method"] = json!(if post { "post" } else { "get" });
        request["url"] = json!(url);
        (bench, request)
    })
    .collect()
}

#[test]
fn p9_a_secret_reaches_the_server_and_is_in_no_output_message_or_log() {
    let good = echo("200 OK");
    let bad = echo("403 Forbidden");
    let mut told = 0;
    for (bench, request) in requests(&good) {
        for parse in [None, Some("text"), Some("lines"), Some("base64")] {
            let mut request = request.clone();
            if let Some(parse) = parse {
                request["parse"] = json!(parse);
            }
            let result = bench.run(request);
            assert_eq!(result.error, None);
            check(&bench, &result);
            if parse == Some("base64") {
                let text = result.output.as_ref().unwrap()["body"].as_str().unwrap();
                let bytes = BASE64.decode(text).unwrap();
                assert!(!String::from_utf8_lossy(&bytes).contains("hunter22"));
            }
        }
        told = good.seen().len();
    }
    assert_eq!(told, 8 * 4);
    let told = format!("{:?}", good.seen());
    for sent in [
        "Bearer hunter22token",
        &BASE64.encode(format!("{TOKEN}:{SECRET}")),
        "\"x-token\": \"hunter22token\"",
        "\"x-token\": \"Bearer hunter22token\"",
        "Zürich",
        "hunter22-Z%C3%BCrich%2F%22q%22",
    ] {
        assert!(told.contains(sent), "{sent} in {told}");
    }
    for (bench, mut request) in requests(&bad) {
        request["url"] = json!(bad.url("/y"));
        let result = bench.run(request);
        assert_eq!(result.error.as_ref().unwrap().kind, ErrorKind::Exit);
        assert!(result.error.as_ref().unwrap().message.contains("***"), "{result:?}");
        check(&bench, &result);
    }
}

#[test]
fn p9_a_secret_is_in_no_error_of_parsing_and_no_file() {
    let bench = Bench::new().secret("/auth/bearer", TOKEN);
    let server = Server::new(|seen, stream| {
        let body = format!("{{\"t\": {} oops", seen.header("authorization"));
        stream.write_all(whole("200 OK", "Content-Type: application/json\r\n", &body).as_bytes()).unwrap();
    });
    let request = |parse: &str| json!({"method": "get", "url": server.url("/"), "auth": {"bearer": null}, "parse": parse});
    let result = bench.run(request("json"));
    check(&bench, &result);
    assert_eq!(result.error.unwrap().kind, ErrorKind::Schema);
    bench.fails(request("file"), ErrorKind::Schema, "holds the text of a secret, and is not kept");
    assert!(stead_store::files::FileStore::attach(&bench.files()).list().unwrap().is_empty());
}

#[test]
fn p9_a_secret_at_the_border_of_an_excerpt_is_not_cut_in_two() {
    let mut bench = Bench::new().secret("/auth/bearer", TOKEN);
    for length in 0..40 {
        bench.limits.excerpt = 20 + length;
        let server = Server::new(|seen, stream| {
            let token = seen.header("authorization").replace("Bearer ", "");
            let body = format!("{}{token}{}", "x".repeat(20), "y".repeat(100));
            stream.write_all(whole("500 Oh", "", &body).as_bytes()).unwrap();
        });
        let result = bench.run(json!({"method": "get", "url": server.url("/"), "auth": {"bearer": null}}));
        let message = result.error.unwrap().message;
        assert!(!message.contains("xh") && !message.contains("hun"), "{message}");
    }
}

#[test]
fn p9_a_secret_that_cannot_be_sent_is_not_shown() {
    let bench = Bench::new().secret("/auth/bearer", "hunter22\u{7}x");
    let server = Server::answering("200 OK", "", "");
    let request = json!({"method": "get", "url": server.url("/"), "auth": {"bearer": null}});
    let result = bench.fails(request, ErrorKind::Exit, "`authorization` has a control character");
    check(&bench, &result);
    assert_eq!(server.seen().len(), 0);
    // One that ends in a line break, as files do, is sent without it.
    let bench = Bench::new().secret("/headers/X-Token", "hunter22token\n");
    bench.gives(json!({"method": "get", "url": server.url("/"), "headers": {"X-Token": null}}));
    assert_eq!(server.seen()[0].header("x-token"), TOKEN);
}

#[test]
fn p9_a_secret_goes_to_no_other_place() {
    for place in ["/url", "/query/a", "/method", "/expect/0", "/parse"] {
        let bench = Bench::new().secret(place, TOKEN);
        bench.fails(get("http://127.0.0.1:1/", None), ErrorKind::Exit, "may not go to");
    }
    let bench = Bench { places: vec![("/auth/bearer", "GONE")], ..Bench::new() };
    let request = json!({"method": "get", "url": "http://127.0.0.1:1/", "auth": {"bearer": null}});
    bench.fails(request, ErrorKind::Exit, "secret `GONE` is not set");
}

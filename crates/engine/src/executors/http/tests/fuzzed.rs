//! Whatever a server answers is an output or an error of a known kind, and no address leads past what it says.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use stead_core::effect::ErrorKind;

use super::server::Server;
use super::{Bench, get};
use crate::executors::http::wait;
use crate::fuzz::{Fuzz, came_to, shape};
use crate::limits::{HttpLimits, URL_BYTES};
use crate::net::{Resolve, Url};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz");

/// How an answer is read.
const PARSE: [Option<&str>; 6] =
    [None, Some("text"), Some("json"), Some("lines"), Some("base64"), Some("none")];

/// Whatever is asked for, it is this server.
struct Only(SocketAddr);

impl Resolve for Only {
    fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![self.0])
    }
}

#[test]
fn p11_any_answer_of_a_server_is_an_output_or_an_error() {
    let answer = Arc::new(Mutex::new(String::new()));
    let said = answer.clone();
    // What is not read to its end is reset, which is no matter of the server's.
    let server = Server::new(move |_, stream| {
        let answer = said.lock().unwrap().clone();
        let _ = stream.write_all(answer.as_bytes());
    });
    let mut bench = Bench::new();
    bench.only = Some(Arc::new(Only(server.address)));
    bench.limits = HttpLimits { body: 2_000, redirects: 3, connect: Duration::from_secs(20), ..bench.limits };
    let seeds = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":[1]}",
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nsome text",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrail: x\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /next?a=b#c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow down\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n\u{1f}packed",
    ];
    let words = [
        "\r\n",
        "\r\n\r\n",
        "\n",
        ": ",
        ";",
        "HTTP/1.1 ",
        "200",
        "304",
        "307",
        "503",
        "999",
        "Content-Length: ",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Location: ",
        "http://h:1/",
        "//h/",
        "../",
        "?",
        "Retry-After: ",
        "99999999999999999999",
        "-1",
        "Content-Type: application/json\r\n",
        "+json",
        "charset=",
        "utf-16",
        "Content-Encoding: br\r\n",
        "Set-Cookie: x\r\n",
        "Connection: close\r\n",
        "\0",
        "\u{ff}",
        "ffffffff\r\n",
        "{\"a\":",
        "[",
        "1e999",
        "\"\\ud800\"",
    ];
    let seeds = seeds.map(str::to_owned).to_vec();
    Fuzz::new("answer", FOLDER, seeds, &words).run(|text| {
        text.clone_into(&mut answer.lock().unwrap());
        // One line per exchange, of which nobody looks at more than one.
        let _ = std::fs::remove_file(bench.place().log);
        let parse = PARSE[text.len() % PARSE.len()];
        let result = bench.run(get(&server.url("/a/b"), parse));
        let Some(error) = result.error else {
            let output = result.output.expect("it is completed");
            let status = output["status"].as_u64().unwrap();
            assert!((200..300).contains(&status), "{output}");
            return came_to((0, status, parse, output["body"].to_string().len().min(9)));
        };
        assert_eq!(result.output, None);
        let kinds = [ErrorKind::Network, ErrorKind::Schema, ErrorKind::Exit, ErrorKind::RateLimit];
        assert!(kinds.contains(&error.kind), "{error:?}");
        assert!(error.message.len() <= 4 * URL_BYTES, "{} bytes are told", error.message.len());
        came_to((1, parse, shape(&error.message), result.retry_after.is_some()))
    });
}

#[test]
fn p11_any_address_is_read_as_it_is_written_or_refused() {
    let base = Url::parse("https://h:8443/a/b/c?q=1").unwrap();
    let seeds = [
        "https://example.org/a/b?c=d#e",
        "http://[::1]:8080/x",
        "//other/x",
        "../../d?z",
        "HTTP://Example.ORG:080/%7e/ä|",
        "120",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "06 Nov 94 08:49 +0000",
    ];
    let words = [
        "http://", "https://", "//", "/", "/../", "/./", "..", "?", "#", ":", "@", "[", "]", "::1", "%2f",
        "%", "\\", "\t", " ", "é", "xn--", "65536", "0", "Feb", "29", "9999", "GMT", "-2359", "(c)",
    ];
    Fuzz::new("address", FOLDER, seeds.map(str::to_owned).to_vec(), &words).run(|text| {
        // How long a server wants to be left alone.
        let long = [i64::MIN, 0, i64::MAX].map(|now| wait::millis(text, now).is_some());
        assert!(long[0] == long[1] && long[1] == long[2]);
        let parsed = Url::parse(text);
        let joined = base.join(text);
        for url in parsed.iter().chain(&joined) {
            let written = url.to_string();
            assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{written}");
            let authority = written.split('/').nth(2).unwrap_or_default();
            assert!(!authority.is_empty() && !authority.contains(['@', '\\', '?', '#']), "{written}");
            assert_eq!(Url::parse(&written).as_ref(), Ok(url));
        }
        if let (Ok(parsed), Ok(joined)) = (&parsed, &joined) {
            assert!(parsed.same_origin(joined), "{text} leads to {joined}");
        }
        let kind = |url: &Result<Url, String>| match url {
            Ok(url) => (url.is_secure(), url.same_origin(&base), url.file_name().len().min(2)),
            Err(why) => (true, true, shape(&why.replace(text.trim(), "")).len() + 10),
        };
        came_to((long[0], kind(&parsed), kind(&joined)))
    });
}

#[test]
fn a_request_for_anything_goes_to_one_server_while_answers_are_tried() {
    let server = Server::answering("200 OK", "", "here");
    let mut bench = Bench::new();
    bench.only = Some(Arc::new(Only(server.address)));
    assert_eq!(bench.gives(get("http://example.org:81/", None))["body"], json!("here"));
}

//! What an http step asks for: the resolved `http` step, as the plan makes it, with its secrets put in.

use std::fs::File;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value};
use stead_lang::template::SecretPlace;
use stead_store::files::FileStore;

use crate::net::{self, Url};

/// A resolved `http` step.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) url: Url,
    pub(super) headers: Vec<Header>,
    pub(super) body: Option<Body>,
    pub(super) expect: Expect,
    /// `None`: JSON where the server says so, else text.
    pub(super) parse: Option<Parse>,
}

/// A header that the definition gives.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
    /// It says who asks, or holds a secret: no other server is told.
    pub(super) private: bool,
}

/// What is sent.
pub(super) struct Body {
    pub(super) content: Content,
    /// What it is, where no header says so.
    pub(super) media: &'static str,
    /// It holds a secret.
    pub(super) private: bool,
}

pub(super) enum Content {
    Bytes(Vec<u8>),
    File(File),
}

/// Statuses that are no error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expect {
    Any,
    /// From the first to the last.
    Ranges(Vec<(u16, u16)>),
}

impl Expect {
    pub(super) fn allows(&self, status: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Ranges(ranges) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&status)),
        }
    }
}

/// What the body of the answer becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parse {
    Text,
    Json,
    Lines,
    Base64,
    File,
    None,
}

impl Request {
    /// Reads a request. `secrets` are the places where secrets were put in, `files` is where files by hash are.
    /// What does not fit came from an expression, or from a bug.
    pub(super) fn read(value: &Value, secrets: &[SecretPlace], files: &Path) -> Result<Self, String> {
        let bug = || "the request of an http step is malformed (a bug in Stead)".to_owned();
        let map = value.as_object().ok_or_else(bug)?;
        let method = map.get("method").and_then(Value::as_str).and_then(method).ok_or_else(bug)?;
        let address = map.get("url").and_then(Value::as_str).ok_or_else(bug)?;
        let mut url = Url::parse(address).map_err(|why| format!("the address {why}"))?;
        query(&mut url, map.get("query"))?;
        let mut headers = headers(map.get("headers"), secrets).ok_or_else(bug)?;
        if let Some(auth) = map.get("auth") {
            headers.push(authorization(auth)?.ok_or_else(bug)?);
        }
        let private = |key: &str| secrets.iter().any(|place| place.pointer.split('/').nth(1) == Some(key));
        let body = match (map.get("json"), map.get("body")) {
            (Some(value), _) => Some(Body {
                content: Content::Bytes(value.to_string().into_bytes()),
                media: "application/json",
                private: private("json"),
            }),
            (None, Some(value)) => Some(Body { private: private("body"), ..body(value, files)? }),
            (None, None) => None,
        };
        let expect = match map.get("expect") {
            None => Expect::Ranges(vec![(200, 299)]),
            Some(expect) => self::expect(expect).ok_or_else(bug)?,
        };
        let parse = match map.get("parse") {
            None => None,
            Some(parse) => Some(Parse::deserialize(parse).map_err(|_| bug())?),
        };
        Ok(Self { method, url, headers, body, expect, parse })
    }

    /// Whether a header is given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }
}

fn method(name: &str) -> Option<&'static str> {
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().find(|method| method.eq_ignore_ascii_case(name))
}

/// A scalar as it stands in an address or a form; nothing for null.
fn text(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Some(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Names with one value each; a list gives its name several times.
fn pairs(map: &Map<String, Value>, what: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (name, value) in map {
        let items = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for item in items {
            let text = text(item).ok_or_else(|| {
                format!("`{name}` in {what} is a text, a number, or a list of them, and got more")
            })?;
            pairs.extend(text.map(|text| (name.clone(), text)));
        }
    }
    Ok(pairs)
}

fn query(url: &mut Url, query: Option<&Value>) -> Result<(), String> {
    let Some(map) = query.and_then(Value::as_object) else { return Ok(()) };
    for (name, value) in pairs(map, "`query`")? {
        url.add(&name, &value);
    }
    if url.is_too_long() {
        return Err("the address becomes too long by its `query`: send a body".to_owned());
    }
    Ok(())
}

fn headers(headers: Option<&Value>, secrets: &[SecretPlace]) -> Option<Vec<Header>> {
    let Some(headers) = headers else { return Some(Vec::new()) };
    let header = |(name, value): (&String, &Value)| {
        let at = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let tells = ["authorization", "cookie"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let private = tells || secrets.iter().any(|secret| is_or_inside(&secret.pointer, &at));
        Some(Header { name: name.clone(), value: line(value.as_str()?), private })
    };
    headers.as_object()?.iter().map(header).collect()
}

/// Whether a pointer is this one, or one to a part of what is there.
fn is_or_inside(pointer: &str, at: &str) -> bool {
    pointer.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The value of a header: what ends texts in files ends no header.
fn line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).to_owned()
}

fn authorization(auth: &Value) -> Result<Option<Header>, String> {
    let header = |name: &str, value: String| Header { name: name.to_owned(), value, private: true };
    if let Some(token) = auth.get("bearer").and_then(Value::as_str) {
        return Ok(Some(header("Authorization", format!("Bearer {}", line(token)))));
    }
    if let Some(own) = auth.get("header") {
        let part = |key: &str| own.get(key).and_then(Value::as_str);
        return Ok(part("name").zip(part("value")).map(|(name, value)| header(name, line(value))));
    }
    let part =
        |key: &str| auth.get("basic").and_then(|basic| basic.get(key)).and_then(Value::as_str).map(line);
    let Some((user, password)) = part("user").zip(part("password")) else { return Ok(None) };
    if user.contains(':') {
        return Err("the `user` of `auth.basic` has a `:` in it, which no user can".to_owned());
    }
    Ok(Some(header("Authorization", format!("Basic {}", BASE64.encode(format!("{user}:{password}"))))))
}

fn body(value: &Value, files: &Path) -> Result<Body, String> {
    let bytes = |bytes: Vec<u8>, media| Body { content: Content::Bytes(bytes), media, private: false };
    match value {
        Value::String(text) => Ok(bytes(text.clone().into_bytes(), "text/plain; charset=utf-8")),
        Value::Object(map) => match is_file(map) {
            Some(hash) => {
                let path = FileStore::attach(files).path(hash).map_err(|error| error.to_string())?;
                let file =
                    File::open(path).map_err(|error| format!("the file to send cannot be read: {error}"))?;
                Ok(Body { content: Content::File(file), media: "application/octet-stream", private: false })
            }
            None => {
                let pair = |(name, value): (String, String)| {
                    format!("{}={}", net::parameter(&name), net::parameter(&value))
                };
                let form: Vec<String> = pairs(map, "the form")?.into_iter().map(pair).collect();
                Ok(bytes(form.join("&").into_bytes(), "application/x-www-form-urlencoded"))
            }
        },
        _ => Err("`body` takes a text, a file or a form, and got something else: `json` takes any value"
            .to_owned()),
    }
}

/// The hash of a file by hash, as steps and inputs give one.
fn is_file(map: &Map<String, Value>) -> Option<&str> {
    let whole = ["path", "name", "hash", "size"].iter().all(|key| map.contains_key(*key)) && map.len() == 4;
    map.get("hash").and_then(Value::as_str).filter(|_| whole)
}

fn expect(value: &Value) -> Option<Expect> {
    if value.as_str() == Some("any") {
        return Some(Expect::Any);
    }
    let range = |value: &Value| match value {
        Value::Number(status) => {
            let status = u16::try_from(status.as_u64()?).ok()?;
            Some((status, status))
        }
        value => {
            let hundred = value.as_str()?.strip_suffix("xx")?.parse::<u16>().ok()? * 100;
            Some((hundred, hundred + 99))
        }
    };
    value.as_array()?.iter().map(range).collect::<Option<_>>().map(Expect::Ranges)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value, secrets: &[(&str, &str)]) -> Result<Request, String> {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(at, name)| SecretPlace {
                pointer: (*at).to_owned(),
                name: (*name).to_owned(),
                part: false,
            })
            .collect();
        Request::read(value, &secrets, Path::new("/none"))
    }

    fn sent(value: &Value) -> (String, &'static str) {
        let request = read(&json!({"method": "post", "url": "http://h", "body": value}), &[]).unwrap();
        let body = request.body.unwrap();
        let Content::Bytes(bytes) = body.content else { panic!("a file") };
        (String::from_utf8(bytes).unwrap(), body.media)
    }

    #[test]
    fn a_query_takes_scalars_and_lists() {
        let query = json!({"a": "x y", "n": 1.5, "t": true, "none": null, "l": ["1", 2, null]});
        let request = read(&json!({"method": "get", "url": "http://h/p?z", "query": query}), &[]).unwrap();
        assert_eq!(request.url.to_string(), "http://h/p?z&a=x%20y&n=1.5&t=true&l=1&l=2");
        let deep = json!({"method": "get", "url": "http://h", "query": {"a": {"b": 1}}});
        assert!(read(&deep, &[]).err().unwrap().contains("`a` in `query` is a text"));
        let long = json!({"method": "get", "url": "http://h", "query": {"a": "x".repeat(9_000)}});
        assert!(read(&long, &[]).err().unwrap().contains("too long"));
    }

    #[test]
    fn a_body_is_text_or_a_form() {
        assert_eq!(sent(&json!("a\nb")), ("a\nb".to_owned(), "text/plain; charset=utf-8"));
        let form = json!({"grant_type": "a&b", "n": 1, "l": ["x", "y"], "none": null});
        assert_eq!(
            sent(&form),
            ("grant_type=a%26b&n=1&l=x&l=y".to_owned(), "application/x-www-form-urlencoded")
        );
        for value in [json!([1]), json!(1), json!(null)] {
            let request = json!({"method": "post", "url": "http://h", "body": value});
            assert!(read(&request, &[]).err().unwrap().contains("`json` takes any value"), "{value}");
        }
    }

    #[test]
    fn who_asks_is_said_in_three_ways() {
        let auth = |auth: Value| {
            let request = read(&json!({"method": "get", "url": "http://h", "auth": auth}), &[]);
            request.map(|mut request| request.headers.remove(0)).map(|h| (h.name, h.value, h.private))
        };
        let is = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned(), true));
        assert_eq!(auth(json!({"bearer": "abc\n"})), is("Authorization", "Bearer abc"));
        let basic = json!({"basic": {"user": "Aladdin", "password": "open sesame"}});
        assert_eq!(auth(basic), is("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(auth(json!({"header": {"name": "X-Key", "value": "k"}})), is("X-Key", "k"));
        let colon = json!({"basic": {"user": "a:b", "password": "c"}});
        assert!(auth(colon).unwrap_err().contains("has a `:`"));
    }

    #[test]
    fn what_holds_a_secret_is_private() {
        let value = json!({
            "method": "post", "url": "http://h",
            "headers": {"X-A": "1", "X/B": "2", "Cookie": "c"}, "json": {"t": "3"},
        });
        let request = read(&value, &[("/headers/X~1B", "S"), ("/json/t", "T")]).unwrap();
        let private: Vec<bool> = request.headers.iter().map(|header| header.private).collect();
        assert_eq!(private, [false, true, true]);
        assert!(request.body.unwrap().private);
    }

    #[test]
    fn statuses_are_numbers_and_hundreds() {
        let expect = |value: Value| self::expect(&value).unwrap();
        assert!(expect(json!("any")).allows(599));
        let some = expect(json!(["2xx", 404]));
        for (status, allowed) in
            [(199, false), (200, true), (299, true), (300, false), (404, true), (405, false)]
        {
            assert_eq!(some.allows(status), allowed, "{status}");
        }
    }
}

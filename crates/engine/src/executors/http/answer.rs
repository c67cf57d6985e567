//! From the answer of a server to the output of the step.

use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use stead_store::files::FileStore;

use super::Failure;
use super::request::Parse;
use crate::executor::{Control, Place};
use crate::executors::content;
use crate::limits::HttpLimits;
use crate::logs::size_text;
use crate::net::{Answer, CallError, Client};
use crate::redact::{RedactStream, Redaction};

/// What reads an answer.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) limits: &'a HttpLimits,
    pub(super) redaction: &'a Redaction,
    pub(super) place: &'a Place,
    pub(super) control: &'a dyn Control,
    /// Name of a file that the body becomes.
    pub(super) name: &'a str,
}

impl Reader<'_> {
    /// The step's output.
    pub(super) fn output(&self, mut answer: Answer, parse: Option<Parse>) -> Result<Value, Failure> {
        let (status, headers) = (answer.status, headers(&answer));
        let body = match parse {
            Some(Parse::None) => Value::Null,
            Some(Parse::File) => self.file(&mut answer)?,
            parse => {
                let bytes = self.bytes(&mut answer)?;
                self.value(&answer, bytes, parse).map_err(Failure::schema)?
            }
        };
        let mut output = json!({"status": status, "headers": headers, "body": body});
        self.redaction.value(&mut output);
        Ok(output)
    }

    /// The beginning of a body that was not expected, for a message.
    pub(super) fn excerpt(&self, answer: &mut Answer) -> String {
        let mut bytes = Vec::new();
        // More than is shown, so that a secret at its end is not cut in two.
        let most = 4 * self.limits.excerpt as u64;
        // What came before it broke off is better than nothing.
        let _ = (&mut answer.body).take(most).read_to_end(&mut bytes);
        if packing(answer).is_some() {
            return "(packed)".to_owned();
        }
        let redacted = self.redaction.bytes(&bytes);
        let text = String::from_utf8_lossy(&redacted);
        let words: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
        let text = words.join(" ");
        let end = text
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .take_while(|at| *at <= self.limits.excerpt)
            .last();
        match end {
            Some(end) if end < text.len() => format!("{}…", &text[..end]),
            _ => text,
        }
    }

    fn bytes(&self, answer: &mut Answer) -> Result<Vec<u8>, Failure> {
        let limit = self.limits.body as u64;
        let large = || {
            let help = "take it as a file, `parse: file`, or leave it, `parse: none`";
            Failure::schema(format!("the answer is larger than {}: {help}", size_text(limit)))
        };
        if answer.length.is_some_and(|length| length > limit) {
            return Err(large());
        }
        let mut bytes = Vec::new();
        let read = (&mut answer.body).take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::of(self.client.cut_off(error), self.control))?;
        if bytes.len() as u64 > limit {
            return Err(large());
        }
        Ok(bytes)
    }

    fn value(&self, answer: &Answer, bytes: Vec<u8>, parse: Option<Parse>) -> Result<Value, String> {
        if parse == Some(Parse::Base64) {
            return Ok(Value::String(BASE64.encode(self.redaction.bytes(&bytes))));
        }
        if let Some(packing) = packing(answer).filter(|_| !bytes.is_empty()) {
            return Err(format!(
                "the answer is packed by `{packing}`, which was not asked for: take it as it is by `parse: base64` or \
                 `parse: file`"
            ));
        }
        // Some answers have no body by their nature, and some servers leave it out.
        let bodiless = matches!(answer.status, 204 | 205 | 304);
        match parse {
            None | Some(Parse::Json) if bytes.is_empty() && (parse.is_none() || bodiless) => Ok(Value::Null),
            Some(Parse::Json) => content::json("the answer", &bytes, self.redaction),
            None if says_json(answer) => {
                content::json("the answer, which calls itself JSON,", &bytes, self.redaction)
            }
            Some(Parse::Lines) => self.text(answer, bytes).map(|text| content::lines(&text)),
            _ => self.text(answer, bytes).map(Value::String),
        }
    }

    fn text(&self, answer: &Answer, bytes: Vec<u8>) -> Result<String, String> {
        let charset = charset(answer);
        let help = "take it by `parse: base64` or `parse: file`";
        match charset.as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii") => content::text("the answer", bytes, help),
            Some("iso-8859-1" | "latin1" | "windows-1252") => Ok(bytes.into_iter().map(western).collect()),
            Some(other) => Err(format!("the answer is text in `{other}`, which is not read: {help}")),
        }
    }

    /// The body among the files by hash.
    fn file(&self, answer: &mut Answer) -> Result<Value, Failure> {
        let limit = self.limits.file;
        let large = || Failure::schema(format!("the answer is larger than {}", size_text(limit)));
        if answer.length.is_some_and(|length| length > limit) {
            return Err(large());
        }
        let mut watched =
            Watched { from: &mut answer.body, left: limit, secrets: self.redaction.stream(), broken: None };
        let kept = FileStore::attach(&self.place.files).put_from(&mut watched);
        let over = watched.left == 0 && watched.broken.is_none() && kept.is_err();
        // A file is kept as it is, so one with a secret in it is not kept at all.
        if watched.has_secret() {
            return Err(Failure::schema(
                "the answer holds the text of a secret, and is not kept for that".to_owned(),
            ));
        }
        if let Some(error) = watched.broken {
            return Err(Failure::of(self.client.cut_off(error), self.control));
        }
        if over {
            return Err(large());
        }
        let kept = kept.map_err(|error| Failure::exit(format!("the answer cannot be kept: {error}")))?;
        let store = FileStore::attach(&self.place.files);
        let path = store.path(&kept.hash).map_err(|error| Failure::exit(error.to_string()))?;
        Ok(
            json!({"path": path.to_string_lossy(), "name": file_name(self.name), "hash": kept.hash, "size": kept.size}),
        )
    }
}

/// A body on its way into a file, watched for secrets and its size.
struct Watched<'a> {
    from: &'a mut dyn Read,
    left: u64,
    secrets: RedactStream,
    broken: Option<io::Error>,
}

impl Watched<'_> {
    fn has_secret(&mut self) -> bool {
        self.secrets.finish(&mut Vec::new());
        self.secrets.found()
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.from.read(buffer) {
            Ok(read) => read,
            Err(error) => {
                self.broken = Some(error);
                return Err(io::Error::other("the answer broke off"));
            }
        };
        self.secrets.push(&buffer[..read], &mut Vec::new());
        if read as u64 > self.left {
            self.left = 0;
            return Err(io::Error::other("too large"));
        }
        self.left -= read as u64;
        if self.secrets.found() {
            return Err(io::Error::other("a secret"));
        }
        Ok(read)
    }
}

/// Headers by name, several of one name joined as HTTP has it; cookies cannot be joined.
fn headers(answer: &Answer) -> Value {
    let mut map = Map::new();
    for (name, value) in &answer.headers {
        match (map.get_mut(name), name.as_str()) {
            (Some(Value::Array(list)), _) => list.push(json!(value)),
            (Some(Value::String(text)), _) => {
                text.push_str(", ");
                text.push_str(value);
            }
            (_, "set-cookie") => {
                map.insert(name.clone(), json!([value]));
            }
            _ => {
                map.insert(name.clone(), json!(value));
            }
        }
    }
    Value::Object(map)
}

fn media(answer: &Answer) -> String {
    let media = answer.header("content-type").and_then(|value| value.split(';').next());
    media.unwrap_or_default().trim().to_ascii_lowercase()
}

fn says_json(answer: &Answer) -> bool {
    let media = media(answer);
    matches!(media.as_str(), "application/json" | "text/json") || media.ends_with("+json")
}

fn charset(answer: &Answer) -> Option<String> {
    let value = answer.header("content-type")?;
    let pairs = value.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    found.next().map(|(_, charset)| charset.trim().trim_matches('"').to_ascii_lowercase())
}

/// How the body is packed, if it is.
fn packing(answer: &Answer) -> Option<&str> {
    answer
        .header("content-encoding")
        .map(str::trim)
        .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity"))
}

/// A letter of windows-1252, which is what `iso-8859-1` means on the web.
fn western(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// A name that is good for a file anywhere.
fn file_name(name: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = name.chars().take(100).map(good).collect();
    if name.trim_matches('.').is_empty() { "body".to_owned() } else { name }
}

impl Failure {
    /// What a call came to, unless that is because the attempt was told to end.
    pub(super) fn of(error: CallError, control: &dyn Control) -> Self {
        if let Some(reason) = control.ended() {
            return Self::ended(reason);
        }
        match error {
            CallError::Request(message) => Self::exit(message),
            CallError::Network(message) => Self::network(message),
        }
    }
}

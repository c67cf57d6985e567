//! What a server says of itself: a line for each thing that happens, for people or for programs.
//!
//! Nobody waits for whoever reads the lines: they go through a queue, and what does not fit into it is dropped and counted.
//! A line is one line, whatever is in it: what would end it, move the cursor or turn the text around is escaped.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use serde_json::{Map, Value, json};

use crate::limits;
use crate::metrics::text::Counter;

/// How much something matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Somebody should know.
    Warn,
    /// It happened.
    Info,
    /// All of it.
    Debug,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|level| level.as_str() == word).ok_or(())
    }
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Time, level, event, and `key=value`.
    Text,
    /// An object of JSON.
    Json,
}

/// What is said with an event: names and values.
pub type Fields<'a> = &'a [(&'static str, Value)];

/// Where lines go. Without a reader nothing is said.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Inner>>);

struct Inner {
    level: Level,
    format: Format,
    lines: Sender<Piece>,
    dropped: Arc<Counter>,
}

enum Piece {
    Line(String),
    /// All before it is written: whoever waits for that.
    Over(Sender<()>),
}

impl Log {
    /// Lines of a level and those that matter more are written there, by a thread.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn to(out: impl Write + Send + 'static, format: Format, level: Level) -> std::io::Result<Self> {
        Self::with_queue(out, format, level, limits::LOG_QUEUE).map(|(log, _)| log)
    }

    fn with_queue(
        mut out: impl Write + Send + 'static,
        format: Format,
        level: Level,
        queue: usize,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (lines, queued) = bounded(queue);
        let dropped = Arc::<Counter>::default();
        let count = dropped.clone();
        let write = move || written(&mut out, format, &queued, &count);
        let thread = std::thread::Builder::new().name("log".into()).spawn(write)?;
        Ok((Self(Some(Arc::new(Inner { level, format, lines, dropped }))), thread))
    }

    /// Whether what matters so much is said.
    pub fn takes(&self, level: Level) -> bool {
        self.0.as_ref().is_some_and(|inner| level <= inner.level)
    }

    /// Says that something has happened.
    pub fn note(&self, level: Level, event: &str, fields: Fields<'_>) {
        let Some(inner) = self.0.as_ref().filter(|_| self.takes(level)) else { return };
        let line = line(inner.format, level, event, fields);
        if let Err(TrySendError::Full(_)) = inner.lines.try_send(Piece::Line(line)) {
            inner.dropped.one();
        }
    }

    /// Lines that nobody took in time.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.dropped.get())
    }

    /// Waits until all is written, but no longer than a time.
    pub fn flush(&self, at_most: Duration) {
        let Some(inner) = &self.0 else { return };
        let (over, written) = bounded(1);
        if inner.lines.send_timeout(Piece::Over(over), at_most).is_ok() {
            // Whoever does not read does not miss it.
            let _ = written.recv_timeout(at_most);
        }
    }
}

/// The thread: writes what comes, each line whole.
fn written(out: &mut dyn Write, format: Format, queued: &Receiver<Piece>, dropped: &Counter) {
    let mut told = 0;
    for piece in queued {
        let now = dropped.get();
        if now > told {
            let gap = line(format, Level::Warn, "log.dropped", &[("lines", json!(now - told))]);
            told = now;
            let _ = out.write_all(gap.as_bytes());
        }
        match piece {
            // Whoever closed it does not want to know.
            Piece::Line(line) => drop(out.write_all(line.as_bytes()).and_then(|()| out.flush())),
            Piece::Over(over) => drop(over.send(())),
        }
    }
}

fn line(format: Format, level: Level, event: &str, fields: Fields<'_>) -> String {
    let time = format!("{:.3}", jiff::Timestamp::now());
    let fields = fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
        let value = match value {
            Value::String(text) if text.chars().nth(limits::LOG_VALUE_CHARS).is_some() => {
                let begin: String = text.chars().take(limits::LOG_VALUE_CHARS).collect();
                Value::String(begin + "…")
            }
            value => value.clone(),
        };
        (*name, value)
    });
    match format {
        Format::Json => {
            let mut all = Map::new();
            all.insert("time".into(), time.into());
            all.insert("level".into(), level.as_str().into());
            all.insert("event".into(), event.into());
            all.extend(fields.map(|(name, value)| (name.to_owned(), value)));
            safe(&Value::Object(all).to_string()) + "\n"
        }
        Format::Text => {
            let mut line = format!("{time} {:<5} {event}", level.as_str());
            for (name, value) in fields {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@{}+-".contains(c);
                let value = match &value {
                    Value::String(text) if !text.is_empty() && text.chars().all(plain) => text.clone(),
                    value => value.to_string(),
                };
                line.push(' ');
                line.push_str(name);
                line.push('=');
                line.push_str(&value);
            }
            safe(&line) + "\n"
        }
    }
}

/// What JSON lets stand and a terminal, or a reader of lines, would take for more than a letter.
fn safe(json: &str) -> String {
    let strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
    };
    if !json.chars().any(strange) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match strange(c) {
            // Writing to a text does not fail.
            true => drop(write!(out, "\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    fn said(format: Format, fields: Fields<'_>) -> String {
        let out = Out::default();
        let log = Log::to(out.clone(), format, Level::Info).unwrap();
        log.note(Level::Debug, "too.little", &[]);
        log.note(Level::Warn, "a.b", fields);
        log.flush(LONG);
        out.text()
    }

    #[test]
    fn a_line_is_one_line_whatever_is_in_it() {
        let nasty = "a\nb\r\u{1b}[31m\u{7f}\u{9b}2J\u{202e}\u{2028}\"\\ü";
        for format in [Format::Text, Format::Json] {
            let text = said(format, &[("x", json!(nasty)), ("n", json!(3)), ("none", Value::Null)]);
            assert_eq!(text.lines().count(), 1, "{text:?}");
            assert!(text.ends_with('\n') && text.contains('ü'), "{text:?}");
            assert!(
                !text.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{2028}')
            );
            assert!(!text.contains("too.little") && !text.contains("none"));
        }
        let line: Value = serde_json::from_str(&said(Format::Json, &[("x", json!(nasty))])).unwrap();
        assert_eq!(
            (&line["level"], &line["event"], &line["x"]),
            (&json!("warn"), &json!("a.b"), &json!(nasty))
        );
        assert!(line["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        let line = said(Format::Text, &[("x", json!("/api/v1/runs/{run}")), ("y", json!("a b=\"c\""))]);
        assert!(line.ends_with("Z warn  a.b x=/api/v1/runs/{run} y=\"a b=\\\"c\\\"\"\n"), "{line}");
    }

    #[test]
    fn p11_values_are_bounded() {
        let long = "x".repeat(limits::LOG_VALUE_CHARS + 5);
        let text = said(Format::Json, &[("x", json!(long))]);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["x"].as_str().unwrap().chars().count(), limits::LOG_VALUE_CHARS + 1);
    }

    /// A reader that takes nothing until it is let.
    struct Stuck(Receiver<()>, Out);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn p11_nobody_waits_for_a_reader_and_what_is_dropped_is_told() {
        let (go, gate) = bounded::<()>(0);
        let out = Out::default();
        let log = Log::to(Stuck(gate, out.clone()), Format::Text, Level::Info).unwrap();
        for n in 0..limits::LOG_QUEUE + 10 {
            log.note(Level::Info, "n", &[("n", json!(n))]);
        }
        // One may be in the hands of the thread.
        assert!((9..=10).contains(&log.dropped()), "{}", log.dropped());
        drop(go);
        log.flush(LONG);
        let dropped = format!("log.dropped lines={}\n", log.dropped());
        assert!(out.text().contains(&dropped), "{}", out.text().lines().count());
    }
}

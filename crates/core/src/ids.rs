//! Names of streams, and names derived from them.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of a stream: a kind's letter, `_`, and lower-case letters and digits, such as `r_8k2fq0c1x7m3z9ta`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StreamId(Arc<str>);

/// What a stream is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// A run.
    Run,
    /// The places of a key.
    Limit,
    /// What people are asked.
    Task,
    /// What starts runs by itself.
    Schedule,
}

impl StreamId {
    /// Takes a name as it is.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name of a run from 80 bits of chance, drawn at the edge.
    pub fn run(chance: [u8; 10]) -> Self {
        Self::new(&format!("r_{}", base32(&chance)))
    }

    /// The name of the child run that an attempt of a step starts: always the same for the same three.
    pub fn child(parent: &StreamId, path: &str, attempt: u32) -> Self {
        let hash = blake3::hash(format!("{parent}\n{path}\n{attempt}").as_bytes());
        Self::new(&format!("r_{}", base32(&hash.as_bytes()[..10])))
    }

    /// The name of a run in full, as [`run`](Self::run) and [`child`](Self::child) make it: not the beginning of one,
    /// and nothing else that a run may be named by.
    pub fn run_in_full(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("r_")?;
        let full = digits.len() == 16 && digits.bytes().all(|byte| ALPHABET.contains(&byte));
        full.then(|| Self::new(text))
    }

    /// The name of the limit of a key in a project.
    pub fn limit(project: &str, key: &str) -> Self {
        // A project's name has no line break.
        let hash = blake3::hash(format!("{project}\n{key}").as_bytes());
        Self::new(&format!("l_{}", base32(&hash.as_bytes()[..10])))
    }

    /// The name of the task that a step instance opens: always the same for the same three.
    pub fn task(run: &StreamId, path: &str, number: u32) -> Self {
        let hash = blake3::hash(format!("{run}\n{path}\n{number}").as_bytes());
        Self::new(&format!("t_{}", base32(&hash.as_bytes()[..10])))
    }

    /// The name of the schedule that is called so.
    pub fn schedule(name: &str) -> Self {
        let hash = blake3::hash(format!("schedule\n{name}").as_bytes());
        Self::new(&format!("s_{}", base32(&hash.as_bytes()[..10])))
    }

    /// The name of the run that a schedule starts for something: always the same for the same two.
    pub fn scheduled(schedule: &StreamId, what: &str) -> Self {
        let hash = blake3::hash(format!("{schedule}\n{what}").as_bytes());
        Self::new(&format!("r_{}", base32(&hash.as_bytes()[..10])))
    }

    /// What the stream is of.
    pub fn kind(&self) -> StreamKind {
        match self.0.get(..2) {
            Some("l_") => StreamKind::Limit,
            Some("t_") => StreamKind::Task,
            Some("s_") => StreamKind::Schedule,
            _ => StreamKind::Run,
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Crockford's alphabet in lower case: no i, l, o, u, so that ids survive being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut acc, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        acc = (acc << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[((acc >> bits) & 31) as usize]));
        }
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[((acc << (5 - bits)) & 31) as usize]));
    }
    out
}

//! Redaction of bytes that come piece by piece.

use super::{Found, MARK, Redaction};

/// Replaces secrets in bytes as they go by. Only bytes that may be the beginning of a secret are held back,
/// so what a program prints is seen at once.
#[derive(Debug)]
pub struct RedactStream {
    redaction: Redaction,
    /// Bytes that may begin a secret.
    held: Vec<u8>,
    /// How many of the bytes to come were covered by a match that began earlier: they are searched, for
    /// secrets may overlap, and not given out.
    covered: usize,
    found: bool,
}

impl RedactStream {
    pub(super) fn new(redaction: Redaction) -> Self {
        Self { redaction, held: Vec::new(), covered: 0, found: false }
    }

    /// Takes bytes and appends to `out` what can be given out.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.redaction.is_empty() {
            out.extend_from_slice(bytes);
        } else if self.held.is_empty() {
            let done = self.scan(bytes, false, out);
            self.held.extend_from_slice(&bytes[done..]);
        } else {
            let mut all = std::mem::take(&mut self.held);
            all.extend_from_slice(bytes);
            let done = self.scan(&all, false, out);
            all.drain(..done);
            self.held = all;
        }
    }

    /// Appends what was held back: no more bytes come.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.held);
        self.scan(&rest, true, out);
        self.covered = 0;
    }

    /// Whether any secret went by.
    pub fn found(&self) -> bool {
        self.found
    }

    /// Returns how many bytes were dealt with.
    fn scan(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        // Bytes from here to the place looked at are plain and not given out yet.
        let mut plain = self.covered.min(bytes.len());
        let mut covered = self.covered;
        let mut at = 0;
        while at < bytes.len() {
            match self.redaction.find(bytes, at, last) {
                Found::Nothing => {}
                Found::Open => break,
                Found::Match(length) => {
                    self.found = true;
                    if at >= covered {
                        out.extend_from_slice(&bytes[plain..at]);
                        out.extend_from_slice(MARK.as_bytes());
                    }
                    covered = covered.max(at + length);
                    plain = covered.min(bytes.len());
                }
            }
            at += 1;
        }
        if plain < at {
            out.extend_from_slice(&bytes[plain..at]);
        }
        self.covered = covered.saturating_sub(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::SecretString;

    fn redaction(secrets: &[&str]) -> Redaction {
        let secrets: Vec<_> = secrets.iter().map(|s| SecretString::new("S", s).unwrap()).collect();
        Redaction::of(&secrets)
    }

    fn split(redaction: &Redaction, pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut stream = redaction.stream();
        for piece in pieces {
            stream.push(piece, &mut out);
        }
        stream.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_secret_is_found_across_any_split() {
        let redaction = redaction(&["hunter22"]);
        let text = b"say hunter22, hunt, hunter2 and hunter22";
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(split(&redaction, &pieces), "say ***, hunt, hunter2 and ***");
            }
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        let redaction = redaction(&["abcdef", "defghi", "hijk-long"]);
        assert_eq!(split(&redaction, &[b"<abcdefghi>"]), "<***>");
        assert_eq!(split(&redaction, &[b"<abcd", b"efgh", b"i>"]), "<***>");
        assert_eq!(split(&redaction, &[b"<abcdefabcdef>"]), "<******>");
    }

    #[test]
    fn one_that_begins_another_gives_way_to_it() {
        let redaction = redaction(&["token", "token-long"]);
        assert_eq!(split(&redaction, &[b"token-", b"long token-lost"]), "*** ***-lost");
    }

    #[test]
    fn a_secret_repeated_without_end_needs_no_memory() {
        let redaction = redaction(&["aaaa"]);
        let mut stream = redaction.stream();
        let mut out = Vec::new();
        for _ in 0..1000 {
            stream.push(&[b'a'; 100], &mut out);
            assert!(stream.held.len() < 8, "{}", stream.held.len());
        }
        stream.finish(&mut out);
        assert_eq!(out, b"***");
    }

    #[test]
    fn plain_text_is_not_held_back() {
        let redaction = redaction(&["hunter22"]);
        let mut out = Vec::new();
        redaction.stream().push(b"Password? ", &mut out);
        assert_eq!(out, b"Password? ");
    }

    proptest! {
        #[test]
        fn splitting_changes_nothing(text in "[abc]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)) {
            let redaction = redaction(&["abca", "bcab", "aaaab", "ccccc"]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            pieces.push(&text.as_bytes()[from..]);
            let whole = split(&redaction, &[text.as_bytes()]);
            prop_assert_eq!(&split(&redaction, &pieces), &whole);
            for secret in ["abca", "bcab", "aaaab", "ccccc"] {
                prop_assert!(!whole.contains(secret));
            }
        }
    }
}

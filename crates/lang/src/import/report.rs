//! What became of each construct.

use std::fmt::Write as _;

use serde::Serialize;

/// What became of a construct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is there and means the same.
    Kept,
    /// It is there in another way, or means something a little different.
    Changed,
    /// The definition does not have it.
    NotExpressible,
}

impl Verdict {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
            Self::NotExpressible => "not expressible",
        }
    }
}

/// One construct of the source and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The construct, as the dialect's table names it: `files[].inputs[].units`.
    pub construct: String,
    /// The file it stands in.
    pub file: String,
    /// JSON pointer of the place in the source.
    pub path: String,
    /// Line of the source, from 1.
    pub line: u32,
    /// Column of the source, from 1, in characters.
    pub column: u32,
    /// What became of it.
    pub verdict: Verdict,
    /// What it became, or why it could not.
    pub why: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The step of the definition that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// What became of all constructs of a source, in the order of its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Them.
    pub entries: Vec<Entry>,
    /// How many more there are than are listed.
    pub omitted: usize,
}

impl Report {
    /// About a file of which nothing could be read.
    pub(super) fn unread(file: &str, why: &str) -> Self {
        let entry = Entry {
            construct: "(file)".to_owned(),
            file: file.to_owned(),
            path: String::new(),
            line: 1,
            column: 1,
            verdict: Verdict::NotExpressible,
            why: why.to_owned(),
            help: Some("`stead import FILE` says what is wrong with it".to_owned()),
            step: None,
        };
        Self { entries: vec![entry], omitted: 0 }
    }

    /// How many have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }

    /// Whether everything is as it was.
    pub fn is_whole(&self) -> bool {
        self.entries.iter().all(|entry| entry.verdict == Verdict::Kept)
    }

    /// For people: what was not kept one by one with its place, what was kept by construct.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for verdict in [Verdict::NotExpressible, Verdict::Changed] {
            for entry in self.entries.iter().filter(|entry| entry.verdict == verdict) {
                // Writing to a text cannot fail.
                let _ = writeln!(
                    out,
                    "{}: {}\n  {}:{}:{} {}",
                    verdict.words(),
                    entry.construct,
                    entry.file,
                    entry.line,
                    entry.column,
                    entry.why
                );
                if let Some(help) = &entry.help {
                    let _ = writeln!(out, "  help: {help}");
                }
            }
        }
        let mut kept: Vec<(&str, &str, usize)> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.verdict == Verdict::Kept) {
            match kept
                .iter_mut()
                .find(|(construct, why, _)| *construct == entry.construct && *why == entry.why)
            {
                Some((.., count)) => *count += 1,
                None => kept.push((&entry.construct, &entry.why, 1)),
            }
        }
        for (construct, why, count) in kept {
            let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
            let _ = writeln!(out, "kept: {construct}{times}\n  {why}");
        }
        if self.omitted > 0 {
            let _ = writeln!(out, "{} more are not listed", self.omitted);
        }
        let _ = writeln!(
            out,
            "{} kept, {} changed, {} not expressible",
            self.count(Verdict::Kept),
            self.count(Verdict::Changed),
            self.count(Verdict::NotExpressible)
        );
        out
    }
}

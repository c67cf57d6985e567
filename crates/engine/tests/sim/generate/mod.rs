//! Definitions that pass the check, made from a seed.
//!
//! One function per construct: it writes its keys into the step and says what others can read of it. Which
//! constructs a definition has, and how many, is drawn first ([`Mix`]): a definition with a few kinds of things
//! in numbers finds more than one with a little of everything.

mod actions;
mod blocks;
mod documents;
mod head;
mod machines;
mod people;
mod reads;
mod servers;
mod shelf;
mod signals;
mod steps;
mod templates;
mod used;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::rng::Rng;
pub(crate) use reads::Scope;
pub(crate) use signals::name_of as signal_name;
pub(crate) use used::{Used, used};

/// A workflow with the files it names, and what a run of it is given.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// Documents by path; the entry is [`ENTRY`].
    pub(crate) files: BTreeMap<String, Value>,
    /// Workflows of the library that it calls, by name: their revisions.
    pub(crate) library: BTreeMap<String, Vec<Value>>,
    pub(crate) inputs: Map<String, Value>,
}

pub(crate) const ENTRY: &str = "main.yml";

/// How often each construct comes, in tenths; what is not named does not come.
#[derive(Debug, Clone)]
pub(crate) struct Mix(BTreeMap<&'static str, u64>);

/// All there is to be mixed. What makes the course of a run depend on which of two things is first has no place
/// in a calm definition.
const PARTS: &[(&str, bool)] = &[
    ("run", true),
    ("set", true),
    ("wait", true),
    ("child", true),
    ("group", true),
    ("fail", false),
    ("finish", false),
    ("if", true),
    ("foreach", true),
    ("loop", true),
    ("continue", true),
    ("retry", true),
    ("timeout", false),
    ("deadline", false),
    ("run_deadline", false),
    ("effect", true),
    ("needs", true),
    ("states", true),
    ("join", true),
    ("finally", true),
    ("undo", true),
    ("verify", true),
    ("file", true),
    ("unsound", false),
    ("large", true),
    ("concurrency", true),
    ("http", true),
    ("signal", true),
    ("budget", true),
    ("templates", true),
    ("words", true),
    ("lines", true),
    ("people", true),
    ("documents", true),
];

/// A file of lines, as some foreach take their items from.
pub(crate) fn rows(count: u64, maps: bool) -> String {
    let row = |n: u64| if maps { json!({"v": n}).to_string() } else { n.to_string() };
    (0..count).map(|n| row(n) + "\n").collect()
}

/// So many lines have the longest of these files.
pub(crate) const ROWS: u64 = 6;

impl Mix {
    fn draw(rng: &mut Rng, calm: bool) -> Self {
        let mut weights = BTreeMap::new();
        for (part, in_calm) in PARTS {
            let weight = *rng.weighted(&[(3, 0), (3, 1), (3, 3), (1, 7)]);
            if *in_calm || !calm {
                weights.insert(*part, weight);
            }
        }
        Self(weights)
    }

    pub(crate) fn weight(&self, part: &str) -> u64 {
        debug_assert!(PARTS.iter().any(|(name, _)| *name == part), "{part}");
        self.0.get(part).copied().unwrap_or(0)
    }
}

/// What makes a definition.
pub(crate) struct Generator {
    pub(crate) rng: Rng,
    pub(crate) mix: Mix,
    /// Whether the course of its runs must not depend on what comes first.
    pub(crate) calm: bool,
    /// Steps that may still be made.
    pub(crate) left: u64,
    pub(crate) files: BTreeMap<String, Value>,
    pub(crate) library: BTreeMap<String, Vec<Value>>,
    children: u32,
    /// Templates of the documents that are made, the innermost last.
    templates: Vec<Map<String, Value>>,
    /// What the documents that are made declare, the innermost last.
    declared: Vec<documents::Declared>,
    /// Workflows and whether their runs are found by an input.
    indexed: Vec<String>,
    /// How many places there are for the key.
    places: u64,
}

/// A definition of a seed.
pub(crate) fn definition(seed: u64, calm: bool) -> Definition {
    let mut rng = Rng::of(seed, "definition");
    let mix = Mix::draw(&mut rng, calm);
    let left = *rng.weighted(&[(4, 4), (4, 9), (2, 16), (1, 30)]);
    let places = rng.between(1, 2);
    let mut made = Generator {
        rng,
        mix,
        calm,
        left,
        files: BTreeMap::new(),
        library: BTreeMap::new(),
        children: 0,
        templates: Vec::new(),
        declared: Vec::new(),
        indexed: Vec::new(),
        places,
    };
    let (document, inputs) = made.document("main", 0);
    made.files.insert(ENTRY.to_owned(), document);
    Definition { files: made.files, library: made.library, inputs }
}

impl Generator {
    /// Whether a construct comes here.
    pub(crate) fn takes(&mut self, part: &str) -> bool {
        let weight = self.mix.weight(part);
        self.rng.hits(weight, 10)
    }

    pub(crate) fn child_name(&mut self) -> String {
        self.children += 1;
        format!("child-{}", self.children)
    }

    /// Places for a key. One key for all: with two of them steps can wait for each other, and then do so for ever.
    pub(crate) fn concurrency(&mut self, of_run: bool) -> Value {
        let mut rule = json!({ "key": "k", "max": self.places });
        if of_run && self.rng.hits(1, 3) {
            rule["key"] = json!("${{ 'k' }}");
        }
        if !self.calm {
            rule["on_full"] = json!(self.rng.weighted(&[(2, "queue"), (2, "cancel_old"), (2, "refuse")]));
        }
        rule
    }

    /// How many attempts may be made. What is first is chance, so where that must not matter there are enough.
    pub(crate) fn budget(&mut self) -> Value {
        let attempts = if self.calm { self.rng.between(100_000, 1_000_000) } else { self.rng.between(1, 12) };
        match self.rng.hits(1, 4) {
            true => json!({ "attempts": format!("${{{{ {attempts} }}}}") }),
            false => json!({ "attempts": attempts }),
        }
    }

    /// A length of time, short ones more often.
    pub(crate) fn duration(&mut self) -> Value {
        json!(self.rng.pick(&["1s", "5s", "30s", "2m", "10m", "1h", "36h"]))
    }
}

//! Fuzzing on stable Rust: texts that are mutated, and what they are fed to.
//!
//! Coverage of the code cannot be asked for on stable Rust, and the fuzzers that do (cargo-fuzz, AFL, bolero with its
//! engines) need a nightly toolchain or programs of their own; without them they are a random source and a loop, which
//! is what stands here. In place of coverage each target says what a text came to, as a number: codes found, kind of
//! value, message without its names. A text that comes to something new is kept and mutated further. Mutations know
//! the notation: parts of one definition or journal are put into another.
//!
//! Everything is drawn from a seed. `STEAD_FUZZ_SECONDS` says how long each target goes on (a second, where it says
//! nothing; CI says 20), `STEAD_FUZZ_SEED` from which seed. A text that makes its target panic is made small and
//! written to a file, which belongs into the folder `corpus` of the tests: every run begins with what is there, and
//! with the texts of `corpus/NAME.jsonl`, one for each kind of result. `STEAD_FUZZ_KEEP=1` writes those again, with
//! what was found: `cargo xtask fuzz --keep`.

mod mutate;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutate::{Mutator, boundary};

/// Texts that are kept at most, beside those it began with.
const KEPT: usize = 4_000;
/// Texts that are written down for the next runs at most, and bytes of each.
const WRITTEN: (usize, usize) = (500, 400);
/// How long a text that fails is fed again to make it small.
const SHRINK: Duration = Duration::from_secs(30);

/// A target with what it begins with.
pub(crate) struct Fuzz {
    name: &'static str,
    folder: PathBuf,
    mutator: Mutator,
    /// By what it came to: the shortest text that did.
    seen: HashMap<u64, String>,
    seed: u64,
    seconds: u64,
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name);
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

impl Fuzz {
    /// `folder` is that of the tests of the crate, whose `corpus/NAME` is read besides the seeds.
    pub(crate) fn new(name: &'static str, folder: &str, mut seeds: Vec<String>, words: &[&str]) -> Self {
        let seed = number("STEAD_FUZZ_SEED", 1);
        let folder = Path::new(folder).join("corpus").join(name);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .map_or_else(|_| Vec::new(), |all| all.flatten().map(|f| f.path()).collect());
        files.sort();
        seeds.extend(files.iter().map(|file| {
            let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            String::from_utf8_lossy(&bytes).into_owned()
        }));
        let lines = std::fs::read_to_string(folder.with_extension("jsonl")).unwrap_or_default();
        seeds.extend(lines.lines().map(|line| {
            serde_json::from_str::<String>(line)
                .unwrap_or_else(|e| panic!("corpus/{name}.jsonl: {e}: {line}"))
        }));
        assert!(!seeds.is_empty(), "{name} has nothing to begin with");
        let mutator = Mutator::new(seed, seeds, words);
        let seconds = number("STEAD_FUZZ_SECONDS", 1);
        Self { name, folder, mutator, seen: HashMap::new(), seed, seconds }
    }

    /// Feeds texts to `target`, first those that are there, for as long as it was told.
    pub(crate) fn run(mut self, target: impl Fn(&str) -> u64) {
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let begun = self.mutator.corpus.len();
        for at in 0..begun {
            let text = self.mutator.corpus[at].clone();
            let came = self.feed(&text, &target);
            self.is_new(came, &text);
        }
        let (mut fed, mut slowest) = (begun as u64, Duration::ZERO);
        let mut now = Instant::now();
        while now < until {
            let text = self.mutator.next();
            fed += 1;
            let came = self.feed(&text, &target);
            if self.is_new(came, &text) && self.mutator.corpus.len() < begun + KEPT {
                self.mutator.corpus.push(text);
            }
            let then = std::mem::replace(&mut now, Instant::now());
            slowest = slowest.max(now - then);
        }
        let kept = self.mutator.corpus.len() - begun;
        say(&format!(
            "{}: {fed} texts from seed {}, {} kinds of results, {kept} texts kept, the slowest took {} ms",
            self.name,
            self.seed,
            self.seen.len(),
            slowest.as_millis()
        ));
        if number("STEAD_FUZZ_KEEP", 0) == 1 {
            self.keep();
        }
    }

    fn is_new(&mut self, came: u64, text: &str) -> bool {
        let before = self.seen.get_mut(&came);
        let new = before.is_none();
        match before {
            Some(before) if before.len() > text.len() => text.clone_into(before),
            Some(_) => {}
            None => _ = self.seen.insert(came, text.to_owned()),
        }
        new
    }

    /// Writes one text of each kind for the next runs.
    fn keep(&self) {
        let file = self.folder.with_extension("jsonl");
        let mut texts: Vec<&String> = self.seen.values().filter(|text| text.len() <= WRITTEN.1).collect();
        texts.sort_by_key(|text| (text.len(), text.as_str()));
        let lines = texts.iter().take(WRITTEN.0);
        let lines: Vec<String> = lines.map(|text| serde_json::json!(text).to_string() + "\n").collect();
        std::fs::write(&file, lines.concat()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        say(&format!("{}: {} texts kept in {}", self.name, lines.len(), file.display()));
    }

    fn feed(&self, text: &str, target: &impl Fn(&str) -> u64) -> u64 {
        // One that takes the whole process along, by its memory or its stack, is found there.
        let _ = std::fs::write(self.scratch(&format!("last-{}", self.seed)), text);
        let fed = catch_unwind(AssertUnwindSafe(|| target(text)));
        fed.unwrap_or_else(|_| {
            let fails = |text: &str| catch_unwind(AssertUnwindSafe(|| target(text))).is_err();
            // The first one was told; those on the way to a small one are not.
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(|_| {}));
            let small = smallest(text, fails);
            std::panic::set_hook(usual);
            panic!("{}", self.report(&small))
        })
    }

    fn scratch(&self, what: &str) -> PathBuf {
        let folder = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from);
        folder.join(format!("fuzz-{}-{what}", self.name))
    }

    /// Writes down what fails, and says how to keep it.
    fn report(&self, text: &str) -> String {
        let file = self.scratch(&format!("{:016x}", came_to(text)));
        let keep = match std::fs::write(&file, text) {
            Ok(()) => format!("keep it, once it is mended: cp {} {}/", file.display(), self.folder.display()),
            Err(error) => format!("it belongs into {} ({error})", self.folder.display()),
        };
        format!("{} fails (seed {}) by this text; {keep}\n{text:?}\n{text}", self.name, self.seed)
    }
}

fn say(what: &str) {
    // Whom nobody listens to need not be heard.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Leaves parts out for as long as it still fails.
fn smallest(text: &str, fails: impl Fn(&str) -> bool) -> String {
    let mut best = text.to_owned();
    let until = Instant::now() + SHRINK;
    let mut part = best.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at < best.len() && Instant::now() < until {
            let (from, to) = (boundary(&best, at), boundary(&best, (at + part).min(best.len())));
            let less = [&best[..from], &best[to..]].concat();
            if to > from && fails(&less) {
                best = less;
            } else {
                at += part;
            }
        }
        part /= 2;
    }
    best
}

/// A number for what something came to.
pub(crate) fn came_to(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// The beginning of a message without what it quotes, and without figures.
pub(crate) fn shape(message: &str) -> String {
    let (from, to) = match (message.find('`'), message.rfind('`')) {
        (Some(from), Some(to)) => (from, to),
        _ => (message.len(), message.len()),
    };
    // What is quoted may have such marks in it itself.
    let plain = message[..from].chars().chain(message[to..].chars());
    let plain = plain.take_while(|c| !matches!(c, '"' | '\''));
    plain.filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(60).collect()
}

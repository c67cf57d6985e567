//! Texts from texts: by characters, and by the parts that a notation has.

use serde_json::Value;

/// Bytes of a text at most.
const LONGEST: usize = 8_000;

/// Makes texts of those that are there.
pub(super) struct Mutator {
    pub(super) corpus: Vec<String>,
    dictionary: Vec<String>,
    rng: Rng,
}

impl Mutator {
    pub(super) fn new(seed: u64, corpus: Vec<String>, words: &[&str]) -> Self {
        let dictionary = words.iter().map(|word| (*word).to_owned()).collect();
        Self { corpus, dictionary, rng: Rng(seed) }
    }

    pub(super) fn next(&mut self) -> String {
        let mut text = self.any().to_owned();
        for _ in 0..=self.rng.below(4) {
            // Mostly it is still written in its notation then: the rest is refused at the door.
            text = if text.starts_with(['{', '[']) && self.rng.below(10) > 0 {
                self.values(&text)
            } else if text.lines().nth(1).is_some() && self.rng.below(4) > 0 {
                self.lines(&text)
            } else {
                self.characters(&text)
            };
        }
        text.truncate(boundary(&text, LONGEST));
        text
    }

    fn any(&mut self) -> &str {
        let at = self.rng.below(self.corpus.len());
        &self.corpus[at]
    }

    fn word(&mut self) -> String {
        let at = self.rng.below(self.dictionary.len());
        self.dictionary.get(at).cloned().unwrap_or_default()
    }

    fn characters(&mut self, text: &str) -> String {
        let (a, b) = (self.rng.below(text.len() + 1), self.rng.below(text.len() + 1));
        let (from, to) = (boundary(text, a.min(b)), boundary(text, a.max(b)));
        let near = boundary(text, (from + 1 + self.rng.below(8)).min(text.len()));
        match self.rng.below(10) {
            // A word of the dictionary, put in or in the place of a little.
            0..=2 => {
                let word = self.word();
                let to = if self.rng.below(2) == 0 { from } else { near };
                [&text[..from], &word, &text[to..]].concat()
            }
            // The head of one and the tail of another.
            3 | 4 => {
                let cut = self.rng.below(LONGEST);
                let other = self.any();
                let cut = boundary(other, cut % (other.len() + 1));
                [&text[..from], &other[cut..]].concat()
            }
            // A part left out, a part twice.
            5 => [&text[..from], &text[to..]].concat(),
            6 => [&text[..from], &text[near..]].concat(),
            7 => [&text[..to], &text[from..]].concat(),
            // Any character.
            8 => {
                let any = [self.rng.below(128), self.rng.below(0x3000)][self.rng.below(2)];
                let any = u32::try_from(any).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                let mut text = text.to_owned();
                text.insert(from, any);
                text
            }
            // A part somewhere else.
            _ => {
                let rest = [&text[..from], &text[near..]].concat();
                let at = boundary(&rest, self.rng.below(rest.len() + 1));
                [&rest[..at], &text[from..near], &rest[at..]].concat()
            }
        }
    }

    /// Parts that are lines with all that stands deeper below them.
    fn lines(&mut self, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            return self.characters(text);
        }
        let at = self.rng.below(lines.len());
        let end = part_end(&lines, at);
        match self.rng.below(8) {
            // A part of any text, beside a part of this one or in its place, as deep as that.
            kind @ 0..=2 => {
                let pick = self.rng.next();
                let other: Vec<String> = self.any().lines().map(str::to_owned).collect();
                if other.is_empty() {
                    return text.to_owned();
                }
                let from = usize::try_from(pick).unwrap_or(0) % other.len();
                let part = &other[from..part_end(&other, from)];
                let (had, wanted) = (depth(&part[0]), depth(&lines[at]));
                let part = part
                    .iter()
                    .map(|line| " ".repeat(wanted) + line.get(had..).unwrap_or_else(|| line.trim()));
                lines.splice(at..if kind == 0 { end } else { at }, part.collect::<Vec<_>>());
            }
            3 => _ = lines.drain(at..end),
            4 => {
                let part = lines[at..end].to_vec();
                let to = self.rng.below(lines.len() + 1);
                lines.splice(to..to, part);
            }
            // Deeper or less deep.
            5 => {
                for line in &mut lines[at..end] {
                    *line = match line.strip_prefix("  ") {
                        Some(less) if self.rng.below(2) == 0 => less.to_owned(),
                        _ => format!("  {line}"),
                    };
                }
            }
            // The value of another line, or a word, behind its key.
            _ => {
                let Some(colon) = lines[at].find(": ") else { return self.characters(text) };
                let value = match self.rng.below(3) {
                    0 => self.word(),
                    _ => {
                        let pick = self.rng.below(1_000);
                        let values: Vec<&str> = self
                            .any()
                            .lines()
                            .filter_map(|line| line.split_once(": "))
                            .map(|(_, v)| v)
                            .collect();
                        values.get(pick % values.len().max(1)).map_or_else(String::new, |v| (*v).to_owned())
                    }
                };
                lines[at] = format!("{}: {value}", &lines[at][..colon]);
            }
        }
        lines.join("\n") + "\n"
    }

    /// Parts of a value, by parts of others: mostly those under the same key, so that it stays what it was.
    fn values(&mut self, text: &str) -> String {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return self.characters(text) };
        let at = self.rng.below(count(&value));
        let (mut key, mut nth) = (String::new(), at);
        let Some(place) = node(&mut value, &mut nth, &mut key) else { return text.to_owned() };
        match self.rng.below(8) {
            0..=3 => {
                let (pick, own) = (self.rng.below(usize::MAX), self.rng.below(3) == 0);
                let other = if own { text } else { self.any() };
                let other = serde_json::from_str::<Value>(other).unwrap_or_default();
                let mut same = Vec::new();
                under(&other, &key, &mut same);
                if let Some(part) = same.get(pick % same.len().max(1)) {
                    *place = (*part).clone();
                }
            }
            4 => *place = self.scalar(),
            // Another of its kind.
            5 | 6 => match place {
                Value::Number(_) => *place = Value::from([0, 1, 2, 3, 7, u32::MAX][self.rng.below(6)]),
                Value::String(text) => *text = self.word(),
                Value::Bool(flag) => *flag = !*flag,
                Value::Null => *place = self.scalar(),
                part => self.rearranged(part),
            },
            _ => self.rearranged(place),
        }
        value.to_string()
    }

    /// Something left out, doubled or moved, where there is a list or map.
    fn rearranged(&mut self, part: &mut Value) {
        match part {
            Value::Array(items) if !items.is_empty() => {
                let one = self.rng.below(items.len());
                match self.rng.below(3) {
                    0 => _ = items.remove(one),
                    1 => items.insert(one, items[one].clone()),
                    _ => {
                        let item = items.remove(one);
                        let to = self.rng.below(items.len() + 1);
                        items.insert(to, item);
                    }
                }
            }
            Value::Object(map) if !map.is_empty() => {
                let key = map.keys().nth(self.rng.below(map.len())).cloned().unwrap_or_default();
                map.remove(&key);
            }
            scalar => *scalar = self.scalar(),
        }
    }

    fn scalar(&mut self) -> Value {
        match self.rng.below(4) {
            0 => Value::from(self.word()),
            1 => Value::from(self.rng.below(5)),
            2 => [u64::MAX, u64::from(u32::MAX), 1 << 53, 0].map(Value::from)[self.rng.below(4)].clone(),
            _ => [Value::Null, Value::from(true), Value::from(i64::MIN), Value::from(0.5)][self.rng.below(4)]
                .clone(),
        }
    }
}

/// The nearest place at or before `at` where a character begins.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Spaces before a line.
fn depth(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Behind a line and all that stands deeper below it.
fn part_end(lines: &[String], at: usize) -> usize {
    let deep = depth(&lines[at]);
    let rest = lines[at + 1..].iter();
    at + 1 + rest.take_while(|line| line.trim().is_empty() || depth(line) > deep).count()
}

/// Values in a value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The nth of them, and the key that it or the list it is in stands under.
fn node<'v>(value: &'v mut Value, nth: &mut usize, key: &mut String) -> Option<&'v mut Value> {
    if *nth == 0 {
        return Some(value);
    }
    *nth -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| node(item, nth, key)),
        Value::Object(map) => map.iter_mut().find_map(|(name, item)| {
            let all = count(item);
            if *nth >= all {
                *nth -= all;
                return None;
            }
            name.clone_into(key);
            node(item, nth, key)
        }),
        _ => None,
    }
}

/// All values under a key; under none, all of the outermost list.
fn under<'v>(value: &'v Value, key: &str, all: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) if key.is_empty() => all.extend(items),
        Value::Array(items) => items.iter().for_each(|item| under(item, key, all)),
        Value::Object(map) => {
            for (name, item) in map {
                if name == key {
                    all.push(item);
                }
                under(item, key, all);
            }
        }
        _ => {}
    }
}

/// Numbers that look random and are the same every time (splitmix64).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.next() % n).unwrap_or(0)
    }
}

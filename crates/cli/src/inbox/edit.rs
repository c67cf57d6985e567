//! A text that is being typed.

use super::keys::Key;

/// A text and where its cursor stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The text.
    pub text: String,
    /// Byte at which the cursor stands, between two letters.
    pub at: usize,
    /// Whether it may have several lines.
    pub lines: bool,
    /// Bytes at most.
    pub most: usize,
}

/// What a key has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// Letters were added to a word that was being typed.
    More,
    /// A space was added.
    Space,
    /// Something else was changed.
    Changed,
    /// The cursor has moved, or nothing has happened.
    Nothing,
    /// There is no room for it.
    Full,
    /// It is no key of typing.
    Other,
}

impl Edit {
    /// With the cursor behind the text.
    pub fn new(text: String, lines: bool, most: usize) -> Self {
        let at = text.len();
        Self { text, at, lines, most }
    }

    /// Another text, the cursor behind it.
    pub fn set(&mut self, text: String) {
        self.at = text.len();
        self.text = text;
    }

    /// Takes a key.
    pub fn key(&mut self, key: &Key) -> Typed {
        let before = |at: usize| self.text[..at].char_indices().next_back().map_or(0, |(at, _)| at);
        let behind = |at: usize| self.text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        match key {
            Key::Char(c) => {
                let space = c.is_whitespace();
                match self.insert(&c.to_string()) {
                    Typed::Changed if space => Typed::Space,
                    Typed::Changed => Typed::More,
                    other => other,
                }
            }
            Key::Paste(text) => {
                let text: String = match self.lines {
                    true => text.replace('\t', "    "),
                    false => text.replace(['\n', '\t'], " "),
                };
                let harmless: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
                self.insert(&harmless)
            }
            Key::AltEnter if self.lines => self.insert("\n"),
            Key::Backspace => self.remove(before(self.at), self.at),
            Key::Delete => self.remove(self.at, behind(self.at)),
            Key::Ctrl('w') => {
                let kept = self.text[..self.at].trim_end();
                let from = kept.rfind(char::is_whitespace).map_or(0, behind);
                self.remove(from, self.at)
            }
            Key::Ctrl('u') => self.remove(self.line_start(), self.at),
            Key::Ctrl('k') => self.remove(self.at, self.line_end()),
            Key::Left | Key::Ctrl('b') => self.go(before(self.at)),
            Key::Right | Key::Ctrl('f') => self.go(behind(self.at)),
            Key::Home | Key::Ctrl('a') => self.go(self.line_start()),
            Key::End | Key::Ctrl('e') => self.go(self.line_end()),
            Key::Up if self.lines => self.vertically(false),
            Key::Down if self.lines => self.vertically(true),
            _ => Typed::Other,
        }
    }

    fn insert(&mut self, text: &str) -> Typed {
        if text.is_empty() {
            return Typed::Nothing;
        }
        if self.text.len() + text.len() > self.most {
            return Typed::Full;
        }
        self.text.insert_str(self.at, text);
        self.at += text.len();
        Typed::Changed
    }

    fn remove(&mut self, from: usize, to: usize) -> Typed {
        if from == to {
            return Typed::Nothing;
        }
        self.text.replace_range(from..to, "");
        self.at = from;
        Typed::Changed
    }

    fn go(&mut self, at: usize) -> Typed {
        self.at = at;
        Typed::Nothing
    }

    fn line_start(&self) -> usize {
        self.text[..self.at].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |at| self.at + at)
    }

    /// Up or down a line, to the letter of the same number.
    fn vertically(&mut self, down: bool) -> Typed {
        let start = self.line_start();
        let number = self.text[start..self.at].chars().count();
        let line = match down {
            true if self.line_end() == self.text.len() => return Typed::Nothing,
            true => self.line_end() + 1,
            false if start == 0 => return Typed::Nothing,
            false => self.text[..start - 1].rfind('\n').map_or(0, |at| at + 1),
        };
        let rest = &self.text[line..];
        let end = rest.find('\n').unwrap_or(rest.len());
        self.at = line + rest[..end].char_indices().nth(number).map_or(end, |(at, _)| at);
        Typed::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(lines: bool, keys: &[Key]) -> Edit {
        let mut edit = Edit::new(String::new(), lines, 40);
        for key in keys {
            edit.key(key);
        }
        edit
    }

    fn word(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn letters_of_any_size_are_typed_and_taken_back() {
        let mut edit = typed(true, &word("né日🙂"));
        assert_eq!((edit.text.as_str(), edit.at), ("né日🙂", 10));
        for (key, text) in [(Key::Backspace, "né日"), (Key::Left, "né日"), (Key::Backspace, "n日")] {
            edit.key(&key);
            assert_eq!(edit.text, text);
        }
        edit.key(&Key::Delete);
        assert_eq!(edit.text, "n");
        assert_eq!(edit.key(&Key::Delete), Typed::Nothing);
        assert_eq!(edit.key(&Key::Up), Typed::Nothing);
    }

    #[test]
    fn lines_are_walked_and_words_cut() {
        let mut edit = typed(true, &[word("one two"), vec![Key::AltEnter], word("thr")].concat());
        assert_eq!(edit.text, "one two\nthr");
        edit.key(&Key::Up);
        assert_eq!(edit.at, 3);
        edit.key(&Key::Ctrl('w'));
        assert_eq!(edit.text, " two\nthr");
        edit.key(&Key::Ctrl('k'));
        assert_eq!(edit.text, "\nthr");
        edit.key(&Key::Down);
        edit.key(&Key::End);
        assert_eq!(edit.at, 4);
        edit.key(&Key::Ctrl('u'));
        assert_eq!(edit.text, "\n");
        // One line stays one.
        let line = typed(false, &[Key::AltEnter, Key::Paste("a\nb\x1b[2J\tc".into())]);
        assert_eq!(line.text, "a b[2J c");
    }

    #[test]
    fn what_does_not_fit_is_refused_whole() {
        let mut edit = typed(false, &[Key::Paste("x".repeat(39))]);
        assert_eq!(edit.key(&Key::Paste("yy".into())), Typed::Full);
        assert_eq!(edit.key(&Key::Char('日')), Typed::Full);
        assert_eq!(edit.key(&Key::Char('y')), Typed::More);
        assert_eq!(edit.key(&Key::Char('y')), Typed::Full);
        assert_eq!(edit.text.len(), 40);
    }
}

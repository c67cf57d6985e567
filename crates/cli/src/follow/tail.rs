//! The last lines that attempts under way have printed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use stead_core::effect::AttemptId;
use stead_engine::home::Home;
use stead_engine::logs::{LogReader, LogStream};

use crate::text;

/// Lines shown per attempt.
pub const LINES: usize = 2;
/// Logs read per picture. More would not fit a screen.
const LOGS: usize = 24;
/// Time spent on one log per picture: what prints faster than this is shown with a lag.
const TIME: Duration = Duration::from_millis(3);

/// Readers of the logs of what is under way.
#[derive(Default)]
pub struct Tails {
    by_path: HashMap<String, Tail>,
}

struct Tail {
    attempt: u32,
    reader: LogReader,
    lines: Vec<(u64, String)>,
}

impl Tails {
    /// Reads on in the logs of these attempts of one run, and forgets all others.
    pub fn update(&mut self, home: &Home, open: &[AttemptId]) {
        let open = &open[..open.len().min(LOGS)];
        self.by_path.retain(|path, tail| {
            open.iter().any(|attempt| attempt.path == *path && attempt.number == tail.attempt)
        });
        for attempt in open {
            let tail = self.by_path.entry(attempt.path.clone()).or_insert_with(|| Tail {
                attempt: attempt.number,
                reader: LogReader::new(&home.log(attempt)),
                lines: Vec::new(),
            });
            tail.read();
        }
    }

    /// The last lines of a step.
    pub fn of(&self, path: &str) -> impl Iterator<Item = &str> {
        self.by_path.get(path).into_iter().flat_map(|tail| tail.lines.iter().map(|(_, text)| text.as_str()))
    }
}

impl Tail {
    fn read(&mut self) {
        let begun = Instant::now();
        // A log that cannot be read shows nothing; the run does not depend on it.
        while let Ok(Some(line)) = self.reader.next_line() {
            if line.stream != LogStream::Note {
                self.take(line.number, &String::from_utf8_lossy(&line.text));
            }
            if begun.elapsed() > TIME {
                break;
            }
        }
    }

    fn take(&mut self, number: u64, piece: &str) {
        // A line drawn over by `\r`, as progress bars are: what was drawn last is what is there.
        let drawn = piece.trim_end_matches(['\r', '\n']);
        let drawn = text::clean(drawn.rsplit('\r').next().unwrap_or(drawn));
        match self.lines.iter_mut().find(|(known, _)| *known == number) {
            Some((_, text)) if piece.contains('\r') => *text = drawn,
            Some((_, text)) if text.len() < 4096 => text.push_str(&drawn),
            Some(_) => {}
            None if drawn.trim().is_empty() => {}
            None => {
                self.lines.push((number, drawn));
                if self.lines.len() > LINES {
                    self.lines.remove(0);
                }
            }
        }
    }
}
